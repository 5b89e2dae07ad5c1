# SPDX-License-Identifier: MIT
"""A small file that survives a power cut, with an older copy next to it. Imports next to nothing, because `mark-good`
runs it early in the boot of a system.

    NAME        the last content
    NAME.new    the content being written; after a power cut it may be the only file, or be truncated
    NAME.old    the content before

One of them is complete at every moment, even on FAT, where a rename is several writes: until the file's directory
entry is written again, its new name has the length and first cluster of the replaced file, and those are free
(fs/fat/namei_vfat.c: vfat_rename leaves the inode dirty, and fsync of the folder does not write it).
"""

from __future__ import annotations

import errno
import os
import stat

TYPE_CHECKING = False  # typing, and collections.abc, cost a third of an interpreter's start
if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT = 64 * 1024
"""Largest file that is read, in bytes."""
FRESH, OLDER = ".new", ".old"
"""Suffixes of the copies' names."""


class Files:
    """The calls that surviving a power cut depends on. Tests replace them by ones that lose power in between."""

    def write(self, path: str, data: bytes) -> None:
        """Replace the content, and wait until it is on the disk."""
        with open(path, "wb", opener=_regular) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def rename(self, old: str, new: str) -> None:
        """Rename a file; the name may reach the disk later."""
        os.replace(old, new)

    def sync(self, path: str) -> None:
        """Write a file's metadata to the disk: its length and first cluster."""
        _sync(path, os.O_RDONLY)

    def sync_folder(self, folder: str) -> None:
        """Write the names in a directory to the disk."""
        _sync(folder, os.O_RDONLY | os.O_DIRECTORY)

    def read(self, path: str) -> bytes | None:
        """Return the content, or None if there is no file. Raise OSError for other failures."""
        try:
            with open(path, "rb", opener=_regular) as file:
                return file.read(LIMIT)
        except FileNotFoundError:
            return None


def _regular(path: str, flags: int) -> int:
    """Open a regular file. Raise OSError for anything else: the disk may be anybody's, and a link could lead to a
    device of this machine, or a named pipe wait for ever."""
    # what it holds is cut off only when it is known what it is
    descriptor = os.open(
        path, flags & ~os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC, 0o666
    )
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "is no regular file", path)
        if flags & os.O_TRUNC:
            os.ftruncate(descriptor, 0)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _sync(path: str, flags: int) -> None:
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def newest(path: str, files: Files, whole: Callable[[bytes], object]) -> tuple[bytes | None, str]:
    """Return the newest complete content and its path, or (None, path) if nothing was ever stored.

    whole: raises ValueError for incomplete content. If no copy is complete, raise its error for NAME, or OSError.
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
    """Keep the present content as the older copy; then write, fsync, rename, and fsync the file again and the
    directory. Raise OSError on failure."""
    folder, fresh, older = os.path.dirname(path), path + FRESH, path + OLDER
    try:
        earlier, place = newest(path, files, whole)
    except (ValueError, OSError):
        earlier, place = None, path
    # NAME.new may be all that a power cut left, and is about to be overwritten
    if earlier is not None and place != older:
        files.write(older, earlier)
        files.sync_folder(folder)
    files.write(fresh, data)
    files.rename(fresh, path)
    files.sync(path)
    files.sync_folder(folder)
