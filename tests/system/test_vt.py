# SPDX-License-Identifier: MIT
"""What the kernel is asked for; that it does it, tests/vm/test_screen.py sees."""

from __future__ import annotations

import errno
import os
import pty
from pathlib import Path

from bootmenu.system import vt


def test_switching_and_scroll_lock_end_whatever_is_refused(tmp_path: Path) -> None:
    asked: list[tuple[int, int | bytes]] = []

    def refuse(_descriptor: int, request: int, argument: int | bytes) -> None:
        asked.append((request, argument))
        raise OSError(errno.ENOTTY, "no")

    device = tmp_path / "tty1"
    device.touch()
    vt.lock(str(device), refuse)
    assert asked[0] == (0x560B, 1)
    assert asked[1:] == [(0x4B47, bytes([keymap, 70, 0x00, 0x02])) for keymap in range(16)]


def test_another_kind_of_terminal_and_none_are_left_alone(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    vt.lock(os.ttyname(theirs))
    os.close(ours)
    os.close(theirs)
    vt.lock(str(tmp_path / "none"))
