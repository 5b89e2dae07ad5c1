# SPDX-License-Identifier: MIT
"""Parse Raspberry Pi's config.txt and tryboot.txt: determine what the firmware of this board would start.

Rules: raspberrypi/documentation, config_txt/boot.adoc, conditional.adoc and configuration/device-tree.adoc.
autoboot.txt, which selects a partition, is not read, as all partitions are listed. What the firmware detects
(attached boards, cameras, displays) is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bootmenu.model.entry import BootEntry, Problem
from bootmenu.sources import SOURCES, ForPlatform, Platform
from bootmenu.sources.parsers.raspberrypi import boards
from bootmenu.sources.parsers.raspberrypi.config_txt import ConfigTxtReader
from bootmenu.sources.parsers.raspberrypi.pi_firmware import PiFirmware
from bootmenu.sources.tree import Tree, TreeError, TreeErrorReason, exists, normal

_FOLDERS = ("/", "/boot/firmware", "/boot")
# one of these must be beside a config.txt, whose name is not specific
_FIRMWARE = re.compile(r"^(bootcode\.bin|start\w*\.elf|fixup\w*\.dat|bcm27.*\.dtb|kernel\w*\.img|overlays)$", re.I)


@SOURCES.register("raspberrypi", after="kexecboot")
@ForPlatform
def parse(tree: Tree, platform: Platform) -> Iterator[BootEntry | Problem]:
    """Yield one entry for each file, with its sections resolved for this board.

    On other machines no model's section applies, and the entry has a directory of device trees."""
    board = boards.find(platform.board)
    seen: set[tuple[int, int]] = set()
    for folder in _FOLDERS:
        try:
            tree.stat(normal("config.txt", folder))
            here = tree.stat(folder)
            names = tree.list(folder)
        except TreeError as error:
            if error.reason not in (TreeErrorReason.MISSING, TreeErrorReason.OUTSIDE, TreeErrorReason.NOT_A_FOLDER):
                yield Problem(device=tree.device, path=error.path, message=error.detail)
            continue
        if here.identity in seen or not any(_FIRMWARE.match(name) for name in names):
            continue
        seen.add(here.identity)
        for name in ("config.txt", "tryboot.txt"):
            if name == "config.txt" or exists(tree, normal(name, folder)):
                # boot.adoc: with the flag `tryboot` the firmware reads tryboot.txt instead of config.txt
                reader = ConfigTxtReader(tree, folder, platform.board, board, tryboot=name == "tryboot.txt")
                try:
                    config = reader.read(name)
                except TreeError as error:
                    yield Problem(device=tree.device, path=error.path, message=error.detail)
                    continue
                yield from PiFirmware(tree, folder, name, board, config).started()
