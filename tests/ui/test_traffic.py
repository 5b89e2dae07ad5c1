# SPDX-License-Identifier: MIT
"""A slow line is slow in bytes: how many the menu may send."""

from __future__ import annotations

import pytest

from tests.ui.traffic import by_row, measure


@pytest.mark.parametrize("term", ["linux", "vt100"])
def test_a_line_is_sent_little(term: str) -> None:
    traffic = measure(term)
    assert traffic.first <= 4000
    assert traffic.key <= 200
    assert traffic.story <= 750
    assert traffic.scroll <= (350 if term == "linux" else 2000), "a terminal that scrolls is told to"
    assert traffic.progress <= 60
    assert traffic.idle == 0


def test_bytes_are_counted_by_the_row_they_change() -> None:
    assert by_row(b"\x1b[4Hab\r\r\nc\x1b[7;9H\x1b[1mx\x1b[2;5r") == {4: 6, 5: 4, 7: 11, 2: 6}
