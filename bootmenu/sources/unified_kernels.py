# SPDX-License-Identifier: MIT
"""Add to an entry what lies beside its unified kernel image: companions and addons, as systemd-stub would."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bootmenu.errors import FormatError
from bootmenu.formats.kernels import unified_image
from bootmenu.model.entry import BootEntry, CommandLine, FileRef, Problem
from bootmenu.model.kernel import Role
from bootmenu.model.value import replace
from bootmenu.sources import Board, addons, companions
from bootmenu.sources.tree import Tree, TreeError, examined, once


def of_any_loader(tree: Tree, entry: BootEntry, board: Board) -> Iterator[BootEntry | Problem]:
    """Yield the problems and the entry, whose kernel may be a unified one or not: the stub is in the image, and does
    the same whatever started it."""
    kernel = entry.kernel
    if kernel.device == tree.device and kernel.path.lower().endswith(".efi") and _profile(tree, kernel) is not None:
        yield from with_files_beside(tree, entry, board)
    else:
        yield entry


def with_files_beside(
    tree: Tree, entry: BootEntry, board: Board, prefix: str = "", extras: Sequence[str] = ()
) -> Iterator[BootEntry | Problem]:
    """Yield the problems, and the entry of a unified kernel with its companions and addons.

    prefix: the root of its boot partition, one of order.PREFIXES. extras: paths of addons that the entry names.
    """
    files, problems = companions.beside(tree, entry.kernel.path, prefix)
    yield from problems
    entry = replace(entry, companions=(*entry.companions, *files))
    paths = [*addons.beside(tree, entry.kernel.path, prefix), *extras]
    profile = _profile(tree, entry.kernel) if paths else None
    if profile is None:
        yield entry
        return
    # the image's own initramfs and command line come before those of its addons
    parts = tuple(replace(entry.kernel, part=part.name) for part in profile.all(Role.INITRAMFS))
    cmdline = entry.cmdline if entry.cmdline.text.strip() else CommandLine(profile.command_line or "")
    entry = replace(entry, initrds=entry.initrds or parts, cmdline=cmdline)
    yield from addons.applied(tree, entry, profile, iter(paths), board)


def _profile(tree: Tree, kernel: FileRef) -> unified_image.UkiProfile | None:
    read = unified_image.profiles
    try:
        found = once(tree, kernel.path, read, lambda: examined(tree, kernel.path, read))
    except (TreeError, FormatError):
        return None  # the checks report what is wrong with the kernel
    return next((profile for profile in found if profile.part == kernel.part), None)
