# SPDX-License-Identifier: MIT
"""Parse GRUB's grub.cfg, a shell script that is interpreted within bounds, and its environment block.

The language is described in GRUB's manual (https://www.gnu.org/software/grub/manual/grub/); where the manual is
silent, comments refer to the source. Each configuration is run as GRUB would run it, and then the body of each entry
in its own environment, as when it is selected; the files it loads make the BootEntry.

References to files on other partitions are not followed, since each partition's grub.cfg is read anyway. Entries that
do not start Linux, such as chain loading or firmware settings, are omitted. `blscfg` lists nothing, since bls.py
lists those entries.
"""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.model.entry import BootEntry, Problem
from bootmenu.model.value import replace
from bootmenu.sources import SOURCES, ForPlatform, Platform
from bootmenu.sources.parsers.grub.menus import Budgets, run
from bootmenu.sources.tree import Tree, TreeError, TreeErrorReason, installer_folders

_FOLDERS = ("", "/grub", "/grub2", "/boot/grub", "/boot/grub2")
_MAX_FIRMWARE_FOLDERS = 32


@SOURCES.register("grub", after="syslinux")
@ForPlatform
def parse(tree: Tree, platform: Platform) -> Iterator[BootEntry | Problem]:
    """Yield the entries of all grub.cfg files in menu order; skip files that another one has read."""
    budgets = Budgets()
    visited: set[tuple[int, int]] = set()
    default_found = False
    for path in _configurations(tree):
        try:
            here = tree.stat(path)
        except TreeError as error:
            if error.reason not in (TreeErrorReason.MISSING, TreeErrorReason.OUTSIDE):
                yield Problem(device=tree.device, path=path, message=error.detail)
            continue
        if here.identity in visited:
            continue
        found = run(tree, path, budgets, platform)
        visited |= found.visited | {here.identity}
        yield from found.problems
        for entry in found.entries:
            # each configuration has a default; the first one is the partition's
            yield replace(entry, default=False) if default_found else entry
        default_found = default_found or any(entry.default for entry in found.entries)
    if tree.image and not visited:
        message = "has no loopback.cfg, which is needed to start from an image file"
        yield Problem(device=tree.device, path="", message=message)


def _configurations(tree: Tree) -> Iterator[str]:
    if tree.image:
        # the system that grub.cfg starts would expect the medium in a drive
        for folder in reversed(_FOLDERS):
            yield f"{folder}/loopback.cfg"
        return
    # the EFI system partition's first, as it may be a stub that sets $prefix and reads one of the others
    try:
        names = tree.list("/EFI")
    except TreeError:
        names = ()
    for name in names[:_MAX_FIRMWARE_FOLDERS]:
        yield f"/EFI/{name}/grub.cfg"
    for folder in (*_FOLDERS, *(f"{folder}/grub" for folder in installer_folders(tree))):
        yield f"{folder}/grub.cfg"
