# SPDX-License-Identifier: MIT
"""A small file that a power cut cannot take away, with an older copy beside it. Imports next to nothing: it is what a
system that was started does first.

    NAME        what was kept last
    NAME.new    what is being written; after a power cut it may be the only one, or be cut off
    NAME.old    what was kept before

One of them is whole at every moment, also on FAT, where a rename is several writes: until the file's own entry is
written again, its new name has the length and the first cluster of the file that it replaced, and those are free
(fs/fat/namei_vfat.c: vfat_rename leaves the inode dirty, and fsync of the folder does not write it).
"""

from __future__ import annotations

import os

TYPE_CHECKING = False  # typing, and collections.abc, cost a third of an interpreter's start
if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT = 64 * 1024
"""Bytes that are read of a file."""
FRESH, OLDER = ".new", ".old"
"""Endings of the copies' names."""


class Files:
    """The calls on which the promise about power cuts rests. Tests hand in one that loses power between them."""

    def write(self, path: str, data: bytes) -> None:
        """Replace the content; it is on the disk when this returns."""
        with open(path, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def rename(self, old: str, new: str) -> None:
        """Rename; the name may reach the disk later."""
        os.replace(old, new)

    def sync(self, path: str) -> None:
        """Write what the file system knows of a file: its length, and where it begins."""
        _sync(path, os.O_RDONLY)

    def sync_folder(self, folder: str) -> None:
        """Write the names in a folder."""
        _sync(folder, os.O_RDONLY | os.O_DIRECTORY)

    def read(self, path: str) -> bytes | None:
        """Return the content; None = there is none. Raises OSError."""
        try:
            with open(path, "rb") as file:
                return file.read(LIMIT)
        except FileNotFoundError:
            return None


def _sync(path: str, flags: int) -> None:
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def newest(path: str, files: Files, whole: Callable[[bytes], object]) -> tuple[bytes | None, str]:
    """Return the newest content that is whole, and its path; (None, path) where nothing was ever kept.

    whole: raises ValueError for what is none. Raises its error for NAME, or the OSError, where no copy is whole.
    """
    trouble: Exception | None = None
    for name in (path, path + FRESH, path + OLDER):
        try:
            data = files.read(name)
            if data is not None:
                whole(data)
                return data, name
        except (ValueError, OSError) as error:
            trouble = trouble or error
    if trouble is not None:
        raise trouble
    return None, path


def store(path: str, data: bytes, files: Files, whole: Callable[[bytes], object]) -> None:
    """Keep what is there as the older copy; then write, fsync, rename, and fsync the file once more and the folder.
    Raises OSError."""
    folder, fresh, older = os.path.dirname(path), path + FRESH, path + OLDER
    try:
        earlier, place = newest(path, files, whole)
    except (ValueError, OSError):
        earlier, place = None, path
    # NAME.new may be all that an earlier power cut has left, and is about to be written over
    if earlier is not None and place != older:
        files.write(older, earlier)
        files.sync_folder(folder)
    files.write(fresh, data)
    files.rename(fresh, path)
    files.sync(path)
    files.sync_folder(folder)
