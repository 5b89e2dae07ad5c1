# SPDX-License-Identifier: MIT
"""The files of a partition that the lines of an edited entry could name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest

from bootmenu.model.entry import BootEntry, FileRef
from bootmenu.model.regex import regex
from bootmenu.model.value import Value
from bootmenu.sources import version_of
from bootmenu.sources.parsers.bare import is_named_like_a_kernel
from bootmenu.sources.tree import Tree, TreeError, names_in
from bootmenu.sources.version import version_key

MOST = 200
"""Most files of one kind, and most completions of a path of which it is said whether they are directories."""
_MOST_FOLDERS = 20
_INITRAMFS = regex(r"^(?:u?init(?:rd|ramfs)|(?:amd|intel)-ucode)", re.IGNORECASE)


class FileChoices(Value, kw_only=True):
    """What could take the place of an entry's files, most likely first."""

    kernels: tuple[FileRef, ...] = ()
    initramfs: tuple[FileRef, ...] = ()
    overlays: tuple[FileRef, ...] = ()


def choices(entry: BootEntry, trees: Mapping[str, Tree]) -> FileChoices:
    """Return the files beside those of an entry. trees: the partitions that can be read, by kernel name."""
    kernel = entry.kernel
    folder = _folder(kernel.path)
    version = entry.version or version_of(kernel.path)
    tree = trees.get(kernel.device)
    kernels = [path for path in _files(tree, (folder, "/boot", "/")) if is_named_like_a_kernel(_name(path))]
    beside = [file.path for file in entry.initrds if file.device == kernel.device]
    folders = dict.fromkeys((folder, *map(_folder, beside)))
    initramfs = [path for path in _files(tree, folders) if _INITRAMFS.match(_name(path))]
    return FileChoices(
        kernels=_refs(kernel.device, sorted(kernels, key=lambda path: version_key(version_of(path)), reverse=True)),
        initramfs=_refs(kernel.device, sorted(initramfs, key=lambda path: (not (version and version in path), path))),
        overlays=_overlays(entry, trees),
    )


def completions(tree: Tree, path: str) -> tuple[str, ...]:
    """Return the paths that begin like this one, sorted; that of a directory ends with a slash."""
    folder, _, start = path.rpartition("/")
    # a name that cannot be printed cannot be typed either; hidden ones are for whoever asks for them
    fitting = [name for name in names_in(tree, folder or "/") if name.startswith(start) and name.isprintable()]
    shown = [f"{folder}/{name}" for name in fitting if start or not name.startswith(".")]
    # of very many only the first are looked at: what all of them have in common is right nevertheless
    ends = ["/" if _is_folder(tree, path) else "" for path in shown[:MOST]]
    return tuple(f"{path}{end}" for path, end in zip_longest(shown, ends, fillvalue=""))


def _overlays(entry: BootEntry, trees: Mapping[str, Tree]) -> tuple[FileRef, ...]:
    named = [*entry.overlays, *filter(None, (entry.dtb, entry.dtb_folder)), entry.kernel]
    found: dict[FileRef, None] = {}
    for device in dict.fromkeys(file.device for file in named):
        folders = [_folder(file.path) for file in named if file.device == device]
        folders += [f"{folder.rstrip('/')}/overlays" for folder in (*folders, "/", "/boot")]
        paths = [path for path in _files(trees.get(device), folders) if path.lower().endswith(".dtbo")]
        found |= dict.fromkeys(_refs(device, paths))
    return tuple(found)[:MOST]


def _files(tree: Tree | None, folders: Iterable[str]) -> Iterator[str]:
    """Yield the paths in some directories of a partition; nothing for those that cannot be read."""
    for folder in list(dict.fromkeys(folders))[:_MOST_FOLDERS]:
        names = names_in(tree, folder) if tree is not None else ()
        yield from (f"{folder.rstrip('/')}/{name}" for name in names if name.isprintable())


def _refs(device: str, paths: Iterable[str]) -> tuple[FileRef, ...]:
    return tuple(FileRef(device=device, path=path, exists=True) for path in list(dict.fromkeys(paths))[:MOST])


def _folder(path: str) -> str:
    return path.rpartition("/")[0] or "/"


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _is_folder(tree: Tree, path: str) -> bool:
    try:
        return tree.stat(path).is_folder
    except TreeError:
        return False
