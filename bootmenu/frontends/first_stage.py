# SPDX-License-Identifier: MIT
"""Tell whether this menu is the first stage's own, and pass settings to the first stage's init."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from bootmenu.config.settings import Profile, Settings


def first_stage() -> bool:
    """Return whether the first stage's init has started this menu.

    Anywhere else a running system would end: a start is confirmed first, and the menu may be left."""
    return os.getppid() == 1 and "BOOTMENU_PRINTK" in os.environ


def before_a_system() -> bool:
    """Return whether nothing runs yet that a start could end: in a first stage, and in the initramfs of another
    program (data/initramfs-tools/bootmenu-in-initramfs), where quitting the menu continues the boot."""
    return first_stage() or "BOOTMENU_INITRAMFS" in os.environ


def write_init_settings(settings: Settings) -> None:
    """Write the settings that the first stage's init (image/init.sh) needs, but cannot read: kiosk, and shell."""
    folder = os.environ.get("BOOTMENU_PRINTK")
    if folder and first_stage():
        words = ("yes" if value else "no" for value in (settings.profile is Profile.KIOSK, settings.shell))
        with contextlib.suppress(OSError):  # init keeps its defaults
            Path(folder).with_name("settings").write_text(" ".join(words) + "\n")
