# SPDX-License-Identifier: MIT
"""GRUB: grub.cfg, a small shell that is interpreted within bounds, and what it keeps between boots.

The language is that of GRUB's manual (https://www.gnu.org/software/grub/manual/grub/), and where that is silent, of
its source; comments name the place. Every configuration is run as GRUB would run it, and then the body of every entry
in an environment of its own, as GRUB does when the entry is selected: what it has loaded by then is the entry.

A file on another partition is not followed: that partition is read by itself, with its own grub.cfg. Entries that
start no Linux, such as chain loading or the firmware's settings, are quietly left out. `blscfg` lists nothing here,
since bls.py lists those entries.
"""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.model.entry import BootEntry, Problem
from bootmenu.model.value import replace
from bootmenu.sources import SOURCES, ForPlatform, Platform
from bootmenu.sources.parsers.grub.menus import Budgets, run
from bootmenu.sources.tree import Tree, TreeError, Trouble, installer_folders

_FOLDERS = ("", "/grub", "/grub2", "/boot/grub", "/boot/grub2")
_MAX_FIRMWARE_FOLDERS = 32


@SOURCES.register("grub", after="syslinux")
@ForPlatform
def parse(tree: Tree, platform: Platform) -> Iterator[BootEntry | Problem]:
    """Entries of every grub.cfg in menu order. A file that another one reads is not read again by itself."""
    budgets = Budgets()
    visited: set[tuple[int, int]] = set()
    default_found = False
    for path in _configurations(tree):
        try:
            here = tree.stat(path)
        except TreeError as error:
            if error.trouble not in (Trouble.MISSING, Trouble.OUTSIDE):
                yield Problem(device=tree.device, path=path, message=error.detail)
            continue
        if here.identity in visited:
            continue
        found = run(tree, path, budgets, platform)
        visited |= found.visited | {here.identity}
        yield from found.problems
        for entry in found.entries:
            # each has a default of its own; the first one's is the partition's
            yield replace(entry, default=False) if default_found else entry
        default_found = default_found or any(entry.default for entry in found.entries)
    if tree.image and not visited:
        message = "has no loopback.cfg, and does not say how it could be started from a file"
        yield Problem(device=tree.device, path="", message=message)


def _configurations(tree: Tree) -> Iterator[str]:
    if tree.image:
        # what its own grub.cfg starts would look for the medium in a drive
        for folder in reversed(_FOLDERS):
            yield f"{folder}/loopback.cfg"
        return
    # the EFI system partition's first: it may be a stub that sets $prefix and reads one of the others
    try:
        names = tree.list("/EFI")
    except TreeError:
        names = ()
    for name in names[:_MAX_FIRMWARE_FOLDERS]:
        yield f"/EFI/{name}/grub.cfg"
    for folder in (*_FOLDERS, *(f"{folder}/grub" for folder in installer_folders(tree))):
        yield f"{folder}/grub.cfg"
