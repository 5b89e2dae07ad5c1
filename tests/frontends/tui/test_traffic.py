# SPDX-License-Identifier: MIT
"""Test how many bytes the menu sends: what matters on a serial line."""

from __future__ import annotations

import pytest

from tests.frontends.pseudo_terminal import on_a_line
from tests.frontends.tui.traffic import by_row, measure
from tests.properties import rarely


@pytest.mark.parametrize("term", ["linux", *rarely("vt100")])
def test_a_line_is_sent_little(term: str) -> None:
    traffic = measure(term)
    assert traffic.first <= 4000
    assert traffic.key <= (193 if term == "linux" else 200)
    assert traffic.summary <= 750
    assert traffic.scroll <= (350 if term == "linux" else 2000), "a terminal that scrolls is told to"
    assert traffic.progress <= 60
    assert traffic.idle == 0


KIOSK = """
import os
from bootmenu.frontends.tui.driver import prepare_environment
prepare_environment(os.environ)
from bootmenu.frontends.tui.app import BootmenuApp
from tests.builders import fakes
from bootmenu.model.value import replace
settings = replace(fakes.KIOSK, kiosk_idle=1)
BootmenuApp(fakes.FakeSession(), settings=settings, countdown=11).run()
"""


def test_a_second_of_the_kiosks_countdown_is_sent_little() -> None:
    with on_a_line(["-c", KIOSK], "linux", BOOTMENU_GLYPHS="utf-8") as line:
        line.until(lambda: "Starts automatically in 10 s." in line.text)
        for seconds in (9, 8):  # a digit is lost
            sent = len(line.sent)
            line.until(lambda wanted=f"in {seconds} s.": wanted in line.text)  # type: ignore[misc]
            assert len(line.sent) - sent <= 40


def test_bytes_are_counted_by_the_row_they_change() -> None:
    assert by_row(b"\x1b[4Hab\r\r\nc\r\vd\x1b[7;9H\x1b[1mx\x1b[2;5r") == {4: 6, 5: 4, 6: 3, 7: 11, 2: 6}
