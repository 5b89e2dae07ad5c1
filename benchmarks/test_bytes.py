# SPDX-License-Identifier: MIT
"""How many bytes the menu sends over a line of 80x24 and 16 colours: make bench"""

from __future__ import annotations

import dataclasses

import pytest

from tests.frontends.tui.traffic import measure

_BAUD = 115_200 / 10  # bytes a second


@pytest.mark.parametrize("term", ["linux", "vt220", "vt100", "xterm"])
def test_bytes_on_the_line(term: str, capsys: pytest.CaptureFixture[str]) -> None:
    traffic = dataclasses.asdict(measure(term))
    with capsys.disabled():
        print(f"\n{term}, bytes (and milliseconds at 115200 baud)")
        for name, size in traffic.items():
            print(f"  {name:10}{size:6}{size / _BAUD * 1000:8.0f} ms")
