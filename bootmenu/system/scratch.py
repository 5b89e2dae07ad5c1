# SPDX-License-Identifier: MIT
"""Folders of this process's own that are gone after it: by itself, or when the next one makes its own.

Whoever has made one holds a lock on it (flock), which the kernel takes away with the process, however that ends. What
is found unlocked belongs to nobody: what is mounted there is unmounted and the empty folders are removed. Nothing is
deleted but the files of a demonstration, and nothing below a mount point.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from threading import Lock

from bootmenu.model.value import Value
from bootmenu.system.host import Host
from bootmenu.system.mountinfo import mounts
from bootmenu.system.syscalls import MNT_DETACH

_ATTEMPTS = 16
_DEEPEST = 32
"""Folders in folders of a demonstration; it has fewer than ten."""
_RUN = "/run"
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Kind(StrEnum):
    """What a folder is for, which is part of its name."""

    MOUNTS = "mounts"
    """A mount point for each partition."""
    STATE = "state"
    """One mount point."""
    DEMO = "demo"
    """Real files, made by this program."""


_NAME = re.compile(rf"bootmenu-({'|'.join(Kind)})-[a-z0-9_]{{8}}")

_swept: set[Path] = set()
_sweeping = Lock()


class Scratch(Value):
    """A folder that only this user can enter, and that is locked by this process."""

    path: Path
    lock: int
    """Descriptor of the folder."""

    def leave(self) -> None:
        """Remove it, if it is empty, and let go of it. What it still has is left to the next start."""
        with contextlib.suppress(OSError):
            self.path.rmdir()
        os.close(self.lock)


def make(kind: Kind, parent: Path | None = None) -> Scratch:
    """Return a new folder in `parent`, by default /run where that can be written to, or the place for temporary
    files. The first one of a process removes what earlier ones have left in either. Raises OSError."""
    temporary = Path(tempfile.gettempdir())
    run = Path(_RUN)
    if parent is None:
        parent = run if kind is Kind.MOUNTS and os.access(run, os.W_OK) else temporary
    for place in {parent, run, temporary} if parent in (run, temporary) else {parent}:
        with _sweeping:
            fresh = place not in _swept
            _swept.add(place)
        if fresh:
            sweep(place)
    for _ in range(_ATTEMPTS):
        path = Path(tempfile.mkdtemp(prefix=f"bootmenu-{kind}-", dir=parent))
        try:
            descriptor = os.open(path, _DIRECTORY)
        except FileNotFoundError:
            continue  # swept by another one that starts now
        except BaseException:
            path.rmdir()
            raise
        try:
            own = _lock(descriptor, without=True) and _is_at(descriptor, path)
        except BaseException:
            os.close(descriptor)
            raise
        if own:
            return Scratch(path, descriptor)
        os.close(descriptor)
    raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), str(parent))


@contextlib.contextmanager
def demonstration() -> Iterator[Path]:
    """Return a folder for the files of a demonstration, which are deleted at the end."""
    scratch = make(Kind.DEMO)
    try:
        yield scratch.path
    finally:
        _empty(scratch.lock, os.fstat(scratch.lock).st_dev)
        scratch.leave()


def sweep(parent: Path, host: Host | None = None) -> list[str]:
    """Remove what processes that have ended left in a folder; return its names. Whatever cannot be removed stays."""
    host = host or Host()
    try:
        names = sorted(entry.name for entry in os.scandir(parent) if _NAME.fullmatch(entry.name))
    except OSError:
        return []
    return [name for name in names if _remove(parent, name, host)]


def _remove(parent: Path, name: str, host: Host) -> bool:
    try:
        descriptor = os.open(parent / name, _DIRECTORY)
    except OSError:
        return False
    try:
        found = os.fstat(descriptor)
        own = found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) == 0o700
        if not own or not _lock(descriptor):
            return False
        # most often there are none: they were in a namespace of their owner's, and went with it
        for mount in [mount for mount in mounts(host) if Path(mount.point).parent == parent / name]:
            host.syscalls.umount(mount.point, MNT_DETACH)
        below = any(Path(mount.point).is_relative_to(parent / name) for mount in mounts(host))
        if name.startswith(f"bootmenu-{Kind.DEMO}-") and not below:
            _empty(descriptor, found.st_dev)
        for point in [entry.name for entry in os.scandir(descriptor)]:
            os.rmdir(point, dir_fd=descriptor)
        (parent / name).rmdir()
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def _lock(descriptor: int, *, without: bool = False) -> bool:
    """Whether it is this process's now. without: also where the file system knows no locks."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return without
    return True


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether it was not swept before it was locked."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False


def _empty(descriptor: int, device: int, depth: int = 0) -> None:
    """Delete the files of a folder: follows no link, and goes into no other file system."""
    if depth > _DEEPEST:
        return
    for name in [entry.name for entry in os.scandir(descriptor)]:
        with contextlib.suppress(OSError):
            if not stat.S_ISDIR(os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_mode):
                os.unlink(name, dir_fd=descriptor)
                continue
            below = os.open(name, _DIRECTORY, dir_fd=descriptor)
            try:
                if os.fstat(below).st_dev == device:
                    _empty(below, device, depth + 1)
            finally:
                os.close(below)
            os.rmdir(name, dir_fd=descriptor)
