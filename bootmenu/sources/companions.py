# SPDX-License-Identifier: MIT
"""Find the files that a unified kernel image hands on to the next system, in a directory of its initramfs.

systemd-stub(7), COMPANION FILES, and src/boot/stub.c:generate_sidecar_initrds.
"""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.model.entry import FileRef, Problem
from bootmenu.sources.addons import own_folders
from bootmenu.sources.tree import Tree, TreeError, once

_MAX_FILES = 100
"""In one directory."""
_LONGEST_NAME = 255
_LARGEST = 0xFFFF_FFFF
"""Bytes; the header of an archive has no room for more (src/boot/cpio.c:pack_cpio_one)."""

# the first suffix that fits decides: for compatibility every other .raw is a system extension
_OWN = ((".cred", "credentials"), (".confext.raw", "confext"), (".raw", "sysext"))
_FOR_ALL = (("credentials", _OWN[:1]), ("extensions", _OWN[1:]))
"""Directories below /loader, with what is taken from each."""


def beside(tree: Tree, kernel: str, prefix: str) -> tuple[list[FileRef], list[Problem]]:
    """Return the companions of the UKI at that path, and the problems with them.

    prefix: the root of its boot partition, one of order.PREFIXES.
    """
    found = [each for folder in own_folders(kernel) for each in _of(tree, folder, _OWN, "")]
    for folder, kinds in _FOR_ALL:
        found += _of(tree, f"{prefix}/loader/{folder}", kinds, "global_")
    return (
        [each for each in found if isinstance(each, FileRef)],
        [each for each in found if isinstance(each, Problem)],
    )


def named(tree: Tree, path: str) -> FileRef | None:
    """Return a file that an entry names itself as a companion of its UKI, or None if its suffix is that of none."""
    name = path.rpartition("/")[2]
    kind = _kind(name, _OWN)
    return FileRef(device=tree.device, path=path, archive=f".extra/{kind}/{name}") if kind else None


def _kind(name: str, kinds: tuple[tuple[str, str], ...]) -> str:
    if name.startswith(".") or not name.isascii() or len(name) > _LONGEST_NAME:
        return ""  # the stub passes over these, too
    return next((kind for suffix, kind in kinds if name.lower().endswith(suffix)), "")


def _of(tree: Tree, folder: str, kinds: tuple[tuple[str, str], ...], scope: str) -> tuple[FileRef | Problem, ...]:
    """Return the companions in a directory, in the order of their names."""
    try:
        # every image of the partition asks for those of all images, and a thousand entries may start one image
        return once(tree, folder, (_of, kinds), lambda: tuple(_in(tree, folder, kinds, scope)))
    except TreeError as error:
        if error.reason.is_absence:
            return ()
        return (Problem(device=tree.device, path=folder, message=error.detail),)


def _in(tree: Tree, folder: str, kinds: tuple[tuple[str, str], ...], scope: str) -> Iterator[FileRef | Problem]:
    found = [(name, kind) for name in tree.list(folder) if (kind := _kind(name, kinds))]
    if len(found) > _MAX_FILES:
        message = f"only the first {_MAX_FILES} files are handed on to the next system"
        yield Problem(device=tree.device, path=folder, message=message)
    for name, kind in found[:_MAX_FILES]:
        path = f"{folder}/{name}"
        try:
            info = tree.stat(path)
        except TreeError as error:
            yield Problem(device=tree.device, path=path, message=f"not handed on to the next system: {error.detail}")
            continue
        if info.size > _LARGEST:
            message = "not handed on to the next system: too large for an archive"
            yield Problem(device=tree.device, path=path, message=message)
        elif info.is_file:
            yield FileRef(device=tree.device, path=path, archive=f".extra/{scope}{kind}/{name}")
