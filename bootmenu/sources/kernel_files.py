# SPDX-License-Identifier: MIT
"""Examine files that may hold a kernel: those that a loader names, and images with the name of one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from bootmenu.errors import FormatError
from bootmenu.formats.identify import identify
from bootmenu.model.entry import BootEntry, FileRef, Problem
from bootmenu.sources import neighbours
from bootmenu.sources.tree import Tree, TreeError, TreeErrorReason, examined, listed, once

_MAX_IMAGES = 20
"""In one directory."""


def holds_kernel(tree: Tree, file: FileRef) -> bool | None:
    """Return whether a file on this or another partition is a kernel, or None if it cannot be read now."""
    other = tree if file.device == tree.device else neighbours.find(tree, file.device)
    if other is None:
        return None
    try:
        return once(other, file.path, identify, lambda: bool(examined(other, file.path, identify)))
    except FormatError:
        return False
    except TreeError:
        return None


def images(
    tree: Tree,
    folders: Iterable[str],
    is_named_so: Callable[[str, str], object],
    entries: Callable[[str, tuple[str, ...]], Iterator[BootEntry | Problem]],
    what: str,
) -> Iterator[BootEntry | Problem]:
    """Yield the entries of all images of a kind in these directories.

    is_named_so: returns whether (directory, name) may be such an image. entries: yields those of (path, names beside
    it). what: what such an image is called in problems.
    """
    for found in listed(tree, folders):
        if isinstance(found, Problem):
            continue  # reported by the search for kernels
        folder, names = found
        for name in [name for name in names if is_named_so(folder, name)][:_MAX_IMAGES]:
            path = f"{folder.rstrip('/')}/{name}"
            try:
                yield from entries(path, names)
            except TreeError as error:
                if error.reason not in (TreeErrorReason.MISSING, TreeErrorReason.NOT_A_FILE):
                    yield Problem(device=tree.device, path=path, message=error.detail)
            except FormatError as error:
                yield Problem(device=tree.device, path=path, message=f"as {what}: {error.message}")
