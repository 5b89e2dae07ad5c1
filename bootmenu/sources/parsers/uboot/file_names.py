# SPDX-License-Identifier: MIT
"""The files in which U-Boot looks for what it is to start."""

from __future__ import annotations

# include/config_distro_bootcmd.h: boot_prefixes and boot_scripts; the others are of vendors' U-Boots
PREFIXES = ("/", "/boot/")
SCRIPTS = ("boot.scr.uimg", "boot.scr", "uboot.scr", "boot.ini")
OTHER_SCRIPTS = ("cfgload", "s905_autoscript", "boot.cmd")
"""Read if none of these is there: the scripts of CoreELEC and LibreELEC on Amlogic's boards, and what boot.scr is
made of, which U-Boot does not read; it tells what a script would do that is not there."""

# Armbian's and those of distributions that took its scripts: DietPi, Orange Pi, BIGTREETECH
ARMBIAN_SETTINGS = tuple(
    f"{folder}/{name}Env.txt" for name in ("armbian", "dietpi", "orangepi", "Board") for folder in ("/boot", "")
)
OTHER_SETTINGS = ("/boot/uEnv.txt", "/uEnv.txt")

EVERY = (
    *(f"{prefix}{name}" for prefix in PREFIXES for name in (*SCRIPTS, *OTHER_SCRIPTS)),
    *ARMBIAN_SETTINGS,
    *OTHER_SETTINGS,
)
"""Without one of these, nothing here has anything to read."""
