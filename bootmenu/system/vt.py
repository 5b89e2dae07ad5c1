# SPDX-License-Identifier: MIT
"""The kernel's virtual terminals: what a keyboard can do to them without the program, and how to prevent it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
from collections.abc import Callable

# include/uapi/linux/vt.h, kd.h, keyboard.h
_VT_LOCKSWITCH = 0x560B
_KDSKBENT = 0x4B47
_NOTHING = 0x0200  # K_HOLE
_SCROLL_LOCK = 70  # KEY_SCROLLLOCK
_KEYMAPS = 16
"""Number of combinations of Shift, AltGr, Ctrl and Alt."""


def _ioctl(descriptor: int, request: int, argument: int | bytes) -> None:
    fcntl.ioctl(descriptor, request, argument)


def lock(path: str, ioctl: Callable[[int, int, int | bytes], None] = _ioctl) -> None:
    """Lock the virtual terminals until the machine is switched off: no other one comes to the front, and ScrollLock
    neither stops output nor prints the kernel's tables (drivers/tty/vt/keyboard.c: fn_hold, fn_show_state). Ignore
    what the terminal refuses, as one of another kind does.

    path: the device, like `/dev/tty1`.
    """
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        try:
            with contextlib.suppress(OSError):
                ioctl(descriptor, _VT_LOCKSWITCH, 1)
            for keymap in range(_KEYMAPS):
                with contextlib.suppress(OSError):
                    ioctl(descriptor, _KDSKBENT, struct.pack("@BBH", keymap, _SCROLL_LOCK, _NOTHING))
        finally:
            os.close(descriptor)
