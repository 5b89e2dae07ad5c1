# SPDX-License-Identifier: MIT
"""Whether this is the first stage's own menu, and what its init is told."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from bootmenu.config.settings import Profile, Settings


def first_stage() -> bool:
    """Whether this is the first stage's own menu: started by its init, on a machine that is there for nothing
    else. Elsewhere nothing is executed without a confirmation, and the menu may be left."""
    return os.getppid() == 1 and "BOOTMENU_PRINTK" in os.environ


def tell_init(settings: Settings) -> None:
    """Write down for the first stage's init what its shell script cannot read in the settings (image/init.sh)."""
    folder = os.environ.get("BOOTMENU_PRINTK")
    if folder and first_stage():
        words = ("yes" if it_is else "no" for it_is in (settings.profile is Profile.KIOSK, settings.shell))
        with contextlib.suppress(OSError):  # then it stays with what it knows
            Path(folder).with_name("settings").write_text(" ".join(words) + "\n")
