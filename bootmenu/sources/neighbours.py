# SPDX-License-Identifier: MIT
"""The other partitions that a boot loader reads.

A loader's settings and configuration may lie on one partition, its home, and its entries and kernels on another: a
grub.cfg on the EFI system partition that reads the entries in /boot, or systemd-boot's loader.conf for those of an
XBOOTLDR partition. A parser lists the entries of one partition, and asks here for the rest.
"""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.sources.tree import Remembering, Tree


def find(tree: Tree, reference: str) -> Tree | None:
    """Return the partition that a configuration on `tree` means by this name; see Neighbours.find."""
    return tree.neighbours.find(reference) if isinstance(tree, Remembering) and tree.neighbours else None


def beside(tree: Tree) -> Iterator[Tree]:
    """Yield the other partitions of the same disk; see Neighbours.beside."""
    if isinstance(tree, Remembering) and tree.neighbours:
        yield from tree.neighbours.beside()


def first_known(tree: Tree, *references: str) -> str:
    """Return the first of these references that names a partition which can be read now, or else the first one."""
    known = (one for one in references if one in tree.names or find(tree, one) is not None)
    return next(known, references[0])


def homes(tree: Tree) -> Iterator[Tree]:
    """Yield the partitions on which a loader that reads this one may be at home; see Neighbours.homes."""
    if isinstance(tree, Remembering) and tree.neighbours:
        yield from tree.neighbours.homes()
