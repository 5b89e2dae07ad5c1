# SPDX-License-Identifier: MIT
"""Parse Raspberry Pi's config.txt and tryboot.txt: determine what the firmware of this board would start.

Rules: raspberrypi/documentation, config_txt/boot.adoc, conditional.adoc and configuration/device-tree.adoc.
autoboot.txt decides which partition has the default entry. What the firmware detects (attached boards, cameras,
displays) is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bootmenu.model.entry import BootEntry, Problem
from bootmenu.model.regex import regex
from bootmenu.sources import SOURCES, ForPlatform, Platform
from bootmenu.sources.tree import Tree, TreeError, exists, is_absent, normal

_FOLDERS = ("/", "/boot/firmware", "/boot")
# one of these or a cmdline.txt must be beside a config.txt, whose name is not specific; with os_prefix all the others
# may be in another directory (Home Assistant OS, Ubuntu)
_FIRMWARE = regex(r"^(bootcode\.bin|start\w*\.elf|fixup\w*\.dat|bcm27.*\.dtb|kernel\w*\.img|overlays)$", re.I)


@SOURCES.register("raspberrypi", after="kexecboot")
@ForPlatform
def parse(tree: Tree, platform: Platform) -> Iterator[BootEntry | Problem]:
    """Yield one entry for each file, with its sections resolved for this board.

    On other machines no model's section applies, and the entry has a directory of device trees."""
    if all(is_absent(tree, normal("config.txt", folder)) for folder in _FOLDERS):
        return
    from bootmenu.sources.parsers.raspberrypi import autoboot_txt, boards
    from bootmenu.sources.parsers.raspberrypi.config_txt import ConfigTxtReader
    from bootmenu.sources.parsers.raspberrypi.pi_firmware import PiFirmware

    board = boards.find(platform.board)
    seen: set[tuple[int, int]] = set()
    for folder in _FOLDERS:
        try:
            tree.stat(normal("config.txt", folder))
            here = tree.stat(folder)
            names = tree.list(folder)
        except TreeError as error:
            if not error.reason.is_absence:
                yield Problem(device=tree.device, path=error.path, message=error.detail)
            continue
        if here.identity in seen or not ("cmdline.txt" in names or any(_FIRMWARE.match(name) for name in names)):
            continue
        if not seen:  # on most partitions nothing is asked about others
            slots, number = autoboot_txt.slots(tree), autoboot_txt.number_of(tree)
            usual = slots is None or number == slots.usual
            tried = slots is not None and slots.tried != slots.usual and number == slots.tried
        seen.add(here.identity)
        readings = [("config.txt", tried)]
        if exists(tree, normal("tryboot.txt", folder)):
            # boot.adoc: with the flag `tryboot` the firmware reads it instead of config.txt
            readings.append(("tryboot.txt", True))
        booted: list[tuple[object, ...]] = []
        for name, tryboot in readings:
            try:
                config = ConfigTxtReader(tree, folder, platform.board, board, tryboot=tryboot).read(name)
            except TreeError as error:
                yield Problem(device=tree.device, path=error.path, message=error.detail)
                continue
            if name == "config.txt" and config.booted in booted:
                continue  # what [tryboot] says makes no difference
            booted.append(config.booted)
            default = usual and not tryboot
            yield from PiFirmware(tree, folder, name, board, config, tryboot=tryboot, default=default).started()
            if config.asks_for_tryboot and len(readings) == 1 and not tryboot:
                readings.append((name, True))  # autoboot.adoc, tryboot_a_b: the same file, read with the flag
