# SPDX-License-Identifier: MIT
"""Where GRUB's files are on a partition: its configurations, and its environment blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bootmenu.model.regex import regex
from bootmenu.sources import neighbours
from bootmenu.sources.tree import Tree, exists, firmware_files, installer_folders

_FOLDERS = ("", "/grub", "/grub2", "/boot/grub", "/boot/grub2", "/flatcar/grub", "/coreos/grub")
_OWN = regex(
    r"(?:/@[^/]*)?"  # a subvolume of btrfs, which is read like a partition
    r"(?:/efi/[^/]+|(?:/boot)?(?:/grub2?)?|/(?:flatcar|coreos)/grub|/debian-installer/[^/]+/grub)/grub\.cfg",
    re.IGNORECASE,
)


def is_own_configuration(path: str) -> bool:
    """Return whether a partition with a file of this path lists the entries in it as its own."""
    return _OWN.fullmatch(path) is not None


def configurations(tree: Tree) -> Iterator[str]:
    """Yield the paths at which a partition's configuration may be, in the order in which they are tried."""
    if tree.image:
        # a loopback.cfg is written for image files, a grub.cfg for a medium in a drive
        own = [path for folder in reversed(_FOLDERS) if exists(tree, path := f"{folder}/loopback.cfg")]
        yield from own or (f"{folder}/grub.cfg" for folder in reversed(_FOLDERS))
        if not own:
            yield from firmware_files(tree, "grub.cfg")
        return
    # the EFI system partition's first, as it may be a stub that sets $prefix and reads one of the others
    yield from firmware_files(tree, "grub.cfg")
    for folder in (*_FOLDERS, *(f"{folder}/grub" for folder in installer_folders(tree))):
        yield f"{folder}/grub.cfg"


def homes(tree: Tree) -> Iterator[tuple[Tree, str]]:
    """Yield the configurations on other partitions that may lead to this one: what EFI starts first."""
    for other in neighbours.homes(tree):
        for path in firmware_files(other, "grub.cfg"):
            if exists(other, path):
                yield other, path
