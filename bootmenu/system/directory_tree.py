# SPDX-License-Identifier: MIT
"""A directory of the running system as a partition. Paths are opened with openat2 and cannot leave its root."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import stat
import threading
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType

from bootmenu.formats.reader import ByteSource
from bootmenu.i18n import N_
from bootmenu.model.stamp import Stamp
from bootmenu.model.value import Value
from bootmenu.sources.tree import LIST_LIMIT, Folder, Stat, TreeError, TreeErrorReason, normal
from bootmenu.system.syscalls import Resolve, Syscalls
from bootmenu.typed import TypeVar

_TROUBLES = {
    errno.ENOENT: (TreeErrorReason.MISSING, N_("does not exist")),
    errno.ENOTDIR: (TreeErrorReason.MISSING, N_("does not exist: a part of the path is a file")),
    errno.EXDEV: (TreeErrorReason.OUTSIDE, N_("leads into another file system")),
    errno.ELOOP: (TreeErrorReason.UNREADABLE, N_("too many symbolic links, or one that is forbidden")),
    errno.EACCES: (TreeErrorReason.FORBIDDEN, N_("permission denied")),
    errno.EPERM: (TreeErrorReason.FORBIDDEN, N_("permission denied")),
    errno.ENAMETOOLONG: (TreeErrorReason.MISSING, N_("the name is too long to exist")),
}
T = TypeVar("T")
_MAX_LINKS = 40  # as the kernel's MAXSYMLINKS


class OpenFile(Value):
    """A regular file, read at offsets."""

    descriptor: int
    size: int

    def read(self, offset: int, length: int) -> bytes:
        """Return at most `length` bytes."""
        piece = os.pread(self.descriptor, length, offset)
        if len(piece) == length or not piece:
            return piece
        pieces = [piece]
        while piece and length > len(piece):
            offset += len(piece)
            length -= len(piece)
            piece = os.pread(self.descriptor, length, offset)
            pieces.append(piece)
        return b"".join(pieces)

    def read_into(self, buffer: memoryview, offset: int) -> memoryview:
        """Read into a buffer, and return the part that was filled: all of it, except at the end of the file."""
        done = 0
        while done < len(buffer) and (length := os.preadv(self.descriptor, [buffer[done:]], offset + done)):
            done += length
        return buffer[:done]


class OpenFolder(Value, kw_only=True):
    """A directory that is held open (protocol: sources/tree.py:Folder).

    Links are refused, a FIFO does not block, and a file that is hidden below a mount is not read, even if the mount
    comes from the same partition.
    """

    path: str
    descriptor: int
    identity: tuple[int, int]
    open: Callable[[int, str, int], int]
    """The tree's function that opens a file: (directory, name, flags) → descriptor, or OSError."""
    files: tuple[str, ...]
    folders: tuple[str, ...]
    links: tuple[str, ...]

    def visit(
        self, names: Iterable[str], read: Callable[[ByteSource, tuple[int, int]], T]
    ) -> Iterator[tuple[str, T | TreeError]]:
        """Yield the result of a function, or the error, for each file; see Folder."""
        for name in names:
            found: T | TreeError
            descriptor = -1
            try:
                if "/" in name or name in (".", ".."):
                    raise ValueError(f"{name!r} is no name of a file")
                descriptor = self.open(self.descriptor, name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
                info = os.fstat(descriptor)
                if not stat.S_ISREG(info.st_mode):
                    found = self._trouble(name, TreeErrorReason.NOT_A_FILE, f"is {_kind(info.st_mode)}, not a file")
                else:
                    found = read(OpenFile(descriptor, info.st_size), (info.st_dev, info.st_ino))
            except OSError as error:
                found = cannot_read(f"{self.path}/{name}", error)
            finally:
                if descriptor >= 0:
                    os.close(descriptor)
            yield name, found

    def _trouble(self, name: str, trouble: TreeErrorReason, detail: str) -> TreeError:
        return TreeError(f"{self.path}/{name}", trouble, detail)


def stamp_of(info: os.stat_result, *, inode: bool = True, within: Stamp | None = None) -> Stamp:
    """Return the stamp of a file. inode: its file system gives files numbers of their own."""
    return Stamp(
        size=info.st_size,
        modified=info.st_mtime_ns,
        changed=info.st_ctime_ns,
        inode=info.st_ino if inode else None,
        within=within,
    )


class DirectoryTree:
    """Everything below one directory, and nothing outside it. Only regular files are opened for reading.

    device: the partition's kernel name. names: its other names, as references.py forms them. one_filesystem: stop at
    mount points, because they belong to another partition. image: see Tree. inodes: inode numbers are stable here.
    within: the open image file. fallback: returns (tree, path) to search for a path that does not exist here.
    """

    def __init__(
        self,
        root: str,
        device: str,
        syscalls: Syscalls,
        *,
        names: frozenset[str] = frozenset(),
        one_filesystem: bool = True,
        image: str = "",
        inodes: bool = False,
        within: Stamp | None = None,
        fallback: Callable[[str], tuple[DirectoryTree, str] | None] | None = None,
    ) -> None:
        self._fallback = fallback
        self._inodes = inodes
        self._within = within
        self._image = image
        self._syscalls = syscalls
        self._device = device
        self._names = names | {device}
        self._resolve = Resolve.IN_ROOT | Resolve.NO_MAGICLINKS
        if one_filesystem:
            self._resolve |= Resolve.NO_XDEV
        self._beneath = self._resolve & ~Resolve.IN_ROOT | Resolve.BENEATH
        self._closing = threading.Lock()
        self._root = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        self._root_name: str | None = None

    @property
    def device(self) -> str:
        """Return the partition's kernel name."""
        return self._device

    @property
    def names(self) -> frozenset[str]:
        """Return every name of this partition."""
        return self._names

    @property
    def image(self) -> str:
        """Return the path of the image that this tree is in; see Tree."""
        return self._image

    def close(self) -> None:
        """Close the root, so that the partition can be unmounted. Any thread may call this, repeatedly: the one that
        unmounts, and the last reader."""
        with self._closing:
            root, self._root = self._root, -1
        if root >= 0:
            os.close(root)

    def __enter__(self) -> DirectoryTree:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def list(self, path: str) -> tuple[str, ...]:
        """Return the names in a directory, sorted."""
        with self._handle(path) as (handle, info):
            if not stat.S_ISDIR(info.st_mode):
                raise TreeError(path, TreeErrorReason.NOT_A_FOLDER, "is not a folder")
            names: list[str] = []
            try:
                with os.scandir(f"/proc/self/fd/{handle}") as entries:
                    for entry in entries:
                        names.append(entry.name)
                        if len(names) >= LIST_LIMIT:
                            break
            except OSError as error:
                raise cannot_read(path, error) from None
            return tuple(sorted(names))

    @contextlib.contextmanager
    def folder(self, path: str) -> Iterator[Folder]:
        """Open a directory whose files are read one after the other."""
        with self._handle(path) as (handle, info):
            if not stat.S_ISDIR(info.st_mode):
                raise TreeError(path, TreeErrorReason.NOT_A_FOLDER, "is not a folder")
            try:
                descriptor = os.open(f"/proc/self/fd/{handle}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            except OSError as error:
                raise cannot_read(path, error) from None
        try:
            files, folders, links = [], [], []
            try:
                with os.scandir(descriptor) as entries:
                    for entry in itertools.islice(entries, LIST_LIMIT):
                        # devices, FIFOs and sockets belong to none of these
                        if entry.is_symlink():
                            links.append(entry.name)
                        elif entry.is_file(follow_symlinks=False):
                            files.append(entry.name)
                        elif entry.is_dir(follow_symlinks=False):
                            folders.append(entry.name)
            except OSError as error:
                raise cannot_read(path, error) from None
            yield OpenFolder(
                path=normal(path).rstrip("/"),
                descriptor=descriptor,
                identity=(info.st_dev, info.st_ino),
                open=lambda folder, name, flags: self._syscalls.openat2(folder, name, flags, self._beneath),
                files=tuple(sorted(files)),
                folders=tuple(sorted(folders)),
                links=tuple(sorted(links)),
            )
        finally:
            os.close(descriptor)

    def stat(self, path: str) -> Stat:
        """Return what a path is, following links within the partition."""
        tree, handle, resolved = self._reach(path)
        try:
            info = _status(path, handle)
            return Stat(
                is_file=stat.S_ISREG(info.st_mode),
                is_folder=stat.S_ISDIR(info.st_mode),
                size=info.st_size,
                identity=(info.st_dev, info.st_ino),
                resolved=tree._name(handle) or resolved,
                stamp=self.stamp(info),
            )
        finally:
            os.close(handle)

    def stamp(self, info: os.stat_result) -> Stamp:
        """Return what identifies the present state of a file of this tree."""
        return stamp_of(info, inode=self._inodes, within=self._within)

    def read(self, path: str, limit: int) -> bytes:
        """Return the content of a regular file."""
        with self.open(path) as file:
            if file.size > limit:
                raise TreeError(
                    path, TreeErrorReason.TOO_LARGE, f"is {file.size:,} bytes long, at most {limit:,} are read"
                )
            try:
                return file.read(0, limit)
            except OSError as error:
                raise cannot_read(path, error) from None

    @contextlib.contextmanager
    def open(self, path: str) -> Iterator[ByteSource]:
        """Open a regular file for reading at offsets."""
        descriptor, size = self.descriptor(path)
        try:
            yield OpenFile(descriptor, size)
        finally:
            os.close(descriptor)

    def descriptor(self, path: str) -> tuple[int, int]:
        """Return (descriptor, size) of a regular file opened for reading; the caller closes it."""
        with self._handle(path) as (handle, info):
            if not stat.S_ISREG(info.st_mode):
                raise TreeError(path, TreeErrorReason.NOT_A_FILE, f"is {_kind(info.st_mode)}, not a file")
            try:
                # through the handle that was examined, so that what is opened cannot have become a FIFO since
                return os.open(f"/proc/self/fd/{handle}", os.O_RDONLY | os.O_CLOEXEC), info.st_size
            except OSError as error:
                raise cannot_read(path, error) from None

    def root_at(self, path: str) -> int:
        """Return a descriptor (O_PATH) of a directory that can be the root of another tree; the caller closes it."""
        with self._handle(path) as (handle, info):
            if not stat.S_ISDIR(info.st_mode):
                raise TreeError(path, TreeErrorReason.NOT_A_FOLDER, "is not a folder")
            try:
                return os.dup(handle)
            except OSError as error:
                raise cannot_read(path, error) from None

    @contextlib.contextmanager
    def _handle(self, path: str) -> Iterator[tuple[int, os.stat_result]]:
        """Open what a path leads to; yield its O_PATH descriptor and its stat."""
        _, handle, _ = self._reach(path)
        try:
            yield handle, _status(path, handle)
        finally:
            os.close(handle)

    def _reach(self, path: str) -> tuple[DirectoryTree, int, str]:
        """Return the tree that has it, a descriptor for the caller to close, and its path after following links."""
        try:
            return self, *self._reach_here(path)
        except TreeError as error:
            if self._fallback is None or error.reason is not TreeErrorReason.MISSING:
                raise
            elsewhere = self._fallback(path)
            if elsewhere is None:
                raise
            tree, path = elsewhere
            return tree._reach(path)

    def _reach_here(self, path: str) -> tuple[int, str]:
        # O_PATH opens nothing: a FIFO does not block, a device is not woken
        if "\0" in path:
            raise TreeError(path.replace("\0", "�"), TreeErrorReason.MISSING, "contains a NUL byte")
        resolved = normal(path)
        relative = resolved.lstrip("/") or "."
        try:
            try:
                return self._syscalls.openat2(self._root, relative, os.O_PATH, self._beneath), resolved
            except OSError as error:
                # an absolute link, which starts at the partition's root; or one that climbs above it
                if error.errno != errno.EXDEV:
                    raise
                resolved, leaves = self._walk(relative)
                if leaves:
                    raise TreeError(
                        path, TreeErrorReason.OUTSIDE, f"{resolved} climbs above the partition's root"
                    ) from None
                return self._syscalls.openat2(self._root, relative, os.O_PATH, self._resolve), resolved
        except OSError as error:
            raise cannot_read(path, error) from None
        except UnicodeEncodeError:  # no file can have such a name: the locale has no bytes for it
            raise TreeError(path, *_TROUBLES[errno.ENOENT]) from None

    def _name(self, handle: int) -> str | None:
        # os.readlink and not Path: this is done for every file of every entry
        try:
            if self._root_name is None:
                self._root_name = os.readlink(f"/proc/self/fd/{self._root}").rstrip("/")  # noqa: PTH115
            name = os.readlink(f"/proc/self/fd/{handle}")  # noqa: PTH115
        except OSError:
            return None
        return name.removeprefix(self._root_name) or "/" if name.startswith(self._root_name) else None

    def _walk(self, relative: str) -> tuple[str, bool]:
        """Follow links by name, to explain an error: return the path so far, and whether it leaves the root."""
        pending = relative.split("/")[::-1]
        walked: list[str] = []
        links = 0
        while pending:
            part = pending.pop()
            if part in ("", "."):
                continue
            if part == "..":
                if not walked:
                    return "/" + "/".join([*walked, "..", *pending[::-1]]), True
                walked.pop()
                continue
            try:
                handle = self._syscalls.openat2(
                    self._root, "/".join([*walked, part]), os.O_PATH | os.O_NOFOLLOW, self._resolve
                )
            except OSError:
                return "/" + "/".join([*walked, part]), False
            try:
                link = os.readlink("", dir_fd=handle) if stat.S_ISLNK(os.fstat(handle).st_mode) else None
            finally:
                os.close(handle)
            if link is None:
                walked.append(part)
                continue
            links += 1
            if links > _MAX_LINKS:
                return "/" + "/".join([*walked, part]), False
            if link.startswith("/"):
                walked = []
            pending += link.split("/")[::-1]
        return "/" + "/".join(walked), False


def _status(path: str, descriptor: int) -> os.stat_result:
    try:
        return os.fstat(descriptor)
    except OSError as error:  # a disk that has gone is asked, too
        raise cannot_read(path, error) from None


def _kind(mode: int) -> str:
    for test, name in (
        (stat.S_ISDIR, "a folder"),
        (stat.S_ISFIFO, "a FIFO"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISBLK, "a block device"),
        (stat.S_ISCHR, "a character device"),
    ):
        if test(mode):
            return name
    return "something else"


def cannot_read(path: str, error: OSError) -> TreeError:
    """Return the error for a file or directory that a failed call is about."""
    trouble, detail = _TROUBLES.get(
        error.errno or 0, (TreeErrorReason.UNREADABLE, f"cannot be read: {os.strerror(error.errno or 0)}")
    )
    return TreeError(path, trouble, detail)
