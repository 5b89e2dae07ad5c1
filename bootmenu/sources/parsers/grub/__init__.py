# SPDX-License-Identifier: MIT
"""Parse GRUB's grub.cfg, a shell script that is interpreted within bounds, and its environment block.

The language is described in GRUB's manual (https://www.gnu.org/software/grub/manual/grub/); where the manual is
silent, comments refer to the source. Each configuration is run as GRUB would run it, and then the body of each entry
in its own environment, as when it is selected; the files it loads make the BootEntry.

A configuration on the EFI system partition is GRUB's home: it often sets variables and reads the configuration of
another partition, which then lists those entries (`listed_by`). Entries that do not start Linux, such as chain
loading or firmware settings, are omitted. `blscfg` lists nothing, since bls.py lists those entries.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from bootmenu.model.entry import BootEntry, Problem
from bootmenu.model.value import replace
from bootmenu.sources import SOURCES, ForPlatform, Platform
from bootmenu.sources.parsers.grub.grub_files import configurations, homes
from bootmenu.sources.tree import Tree, TreeError, TreeErrorReason


@SOURCES.register("grub", after="syslinux")
@ForPlatform
def parse(tree: Tree, platform: Platform) -> Iterator[BootEntry | Problem]:
    """Yield the entries of all grub.cfg files in menu order; skip files that another one has read."""
    own = list(_own_configurations(tree))
    yield from (found for found in own if isinstance(found, Problem))
    paths = [found for found in own if isinstance(found, str)]
    if paths:
        yield from _entries(tree, platform, paths)


def _own_configurations(tree: Tree) -> Iterator[str | Problem]:
    for path in configurations(tree):
        try:
            tree.stat(path)
        except TreeError as error:
            if error.reason not in (TreeErrorReason.MISSING, TreeErrorReason.OUTSIDE):
                yield Problem(device=tree.device, path=path, message=error.detail)
        else:
            yield path


def _entries(tree: Tree, platform: Platform, own: list[str]) -> Iterator[BootEntry | Problem]:
    """Yield what the configurations of this partition offer, those of other partitions that may lead here first."""
    # a shell takes long to import, and most disks do not need it
    from bootmenu.sources.parsers.grub.menus import Budgets, run

    # other partitions take nothing from this one's, and all of them together no more than it
    budgets, others = Budgets(), Budgets()
    visited: set[tuple[int, int]] = set()
    offered: set[BootEntry] = set()
    default_found = False
    for home, path in itertools.chain(homes(tree), ((tree, path) for path in own)):
        identity = home.stat(path).identity
        if identity in visited:
            continue
        found = run(home, path, budgets if home is tree else others, platform, listing=tree)
        visited |= found.visited | {identity}
        yield from found.problems
        for entry in found.entries:
            plain = replace(entry, default=False)
            if plain in offered:
                continue  # two loaders on the EFI system partition lead to one menu
            offered.add(plain)
            # each configuration has a default; the first one is the partition's
            yield plain if default_found else entry
        default_found = default_found or any(entry.default for entry in found.entries)
        if tree.image and found.entries:
            return  # its other configurations offer the same
