# SPDX-License-Identifier: MIT
"""Read what U-Boot would start on a board: boot.scr, boot.ini, and settings such as armbianEnv.txt and uEnv.txt."""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.model.entry import BootEntry, Problem
from bootmenu.sources import SOURCES, ForPlatform, Platform
from bootmenu.sources.parsers.uboot.file_names import EVERY
from bootmenu.sources.tree import Tree, is_absent


@SOURCES.register("uboot", after="raspberrypi")
@ForPlatform
def parse(tree: Tree, platform: Platform) -> Iterator[BootEntry | Problem]:
    """Yield what the scripts of this partition start, and otherwise what its settings describe."""
    if all(is_absent(tree, path) for path in EVERY):
        return
    # a shell takes long to import, and most disks do not need it
    from bootmenu.sources.parsers.uboot import boot_scripts

    yield from boot_scripts.parse(tree, platform)
