# SPDX-License-Identifier: MIT
"""Private directories of this process, removed when it ends, or by the next process that makes one.

The owner holds a lock on its directory (flock), which the kernel releases however the process ends. An unlocked
directory is abandoned: whatever is mounted there is unmounted and empty directories are removed. Only files of a
demonstration are deleted, and nothing below a mount point.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from threading import Lock

from bootmenu.model.closed_set import StrEnum
from bootmenu.model.regex import regex
from bootmenu.model.value import Value
from bootmenu.system.host import Host
from bootmenu.system.mountinfo import mounts
from bootmenu.system.syscalls import MNT_DETACH

_ATTEMPTS = 16
_DEEPEST = 32
"""Deepest directory of a demonstration that is emptied; it has fewer than ten levels."""
_RUN = "/run"
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class FolderUse(StrEnum):
    """What a directory is for, which is part of its name."""

    MOUNTS = "mounts"
    """A mount point for each partition."""
    STATE = "state"
    """The mount point of the state's partition."""
    DEMO = "demo"
    """Files of the demonstration, made by this program."""


_NAME = regex(rf"bootmenu-({'|'.join(FolderUse)})-[a-z0-9_]{{8}}")

_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789_"

_swept: set[Path] = set()
_sweeping = Lock()


class Scratch(Value):
    """A directory that only this user can enter, locked by this process."""

    path: Path
    lock: int
    """Descriptor of the directory."""

    def leave(self) -> None:
        """Remove the directory if it is empty, and unlock it. Its remaining content is left to the next start."""
        with contextlib.suppress(OSError):
            self.path.rmdir()
        os.close(self.lock)


def make(kind: FolderUse, parent: Path | None = None) -> Scratch:
    """Return a new directory in `parent`, by default in /run if that is writable, or among the temporary files. The
    first call removes what earlier processes left in either. Raise OSError on failure."""
    temporary = Path(_temporary())
    run = Path(_RUN)
    if parent is None:
        parent = run if kind is FolderUse.MOUNTS and os.access(run, os.W_OK) else temporary
    for place in {parent, run, temporary} if parent in (run, temporary) else {parent}:
        with _sweeping:
            fresh = place not in _swept
            _swept.add(place)
        if fresh:
            sweep(place)
    for _ in range(_ATTEMPTS):
        path = _new_folder(parent, f"bootmenu-{kind}-")
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


def _new_folder(parent: Path, prefix: str) -> Path:
    """Make a folder that only this user can enter; tempfile would import twelve modules for that. Raise OSError."""
    for _ in range(_ATTEMPTS):
        path = parent / (prefix + "".join(_LETTERS[byte % len(_LETTERS)] for byte in os.urandom(8)))
        with contextlib.suppress(FileExistsError):
            path.mkdir(0o700)
            return path
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(parent))


def _temporary() -> str:
    """Return the folder for temporary files."""
    named = (os.environ.get(name, "") for name in ("TMPDIR", "TEMP", "TMP"))
    writable = (folder for folder in (*named, "/tmp", "/var/tmp") if folder and os.access(folder, os.W_OK | os.X_OK))  # noqa: S108
    return os.path.abspath(next(writable, "."))  # noqa: PTH100


@contextlib.contextmanager
def demonstration() -> Iterator[Path]:
    """Yield a directory for the files of a demonstration, and delete them at the end."""
    scratch = make(FolderUse.DEMO)
    try:
        yield scratch.path
    finally:
        _empty(scratch.lock, os.fstat(scratch.lock).st_dev)
        scratch.leave()


def sweep(parent: Path, host: Host | None = None) -> list[str]:
    """Remove what ended processes left in a directory; return the names. What cannot be removed stays."""
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
        # usually there are none: they were in their owner's namespace, and ended with it
        for mount in [mount for mount in mounts(host) if Path(mount.point).parent == parent / name]:
            host.syscalls.umount(mount.point, MNT_DETACH)
        below = any(Path(mount.point).is_relative_to(parent / name) for mount in mounts(host))
        if name.startswith(f"bootmenu-{FolderUse.DEMO}-") and not below:
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
    """Lock a directory; return whether it is locked. without: also if the file system has no locks."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return without
    return True


def _is_at(descriptor: int, path: Path) -> bool:
    """Return whether a directory is still at its path, not removed before it was locked."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False


def _empty(descriptor: int, device: int, depth: int = 0) -> None:
    """Delete the files of a directory, without following links or entering other file systems."""
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
