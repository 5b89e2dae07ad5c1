# SPDX-License-Identifier: MIT
"""The interface through which parsers access a partition: read, list and stat below its root."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress

from bootmenu.errors import BootmenuError
from bootmenu.formats.reader import ByteSource
from bootmenu.i18n import English, Message, joined
from bootmenu.model.closed_set import StrEnum
from bootmenu.model.entry import Problem
from bootmenu.model.regex import regex
from bootmenu.model.stamp import Stamp
from bootmenu.model.value import Value
from bootmenu.typed import Protocol, TypeVar, cast

CONFIG_LIMIT = 1024 * 1024
"""Bytes; a larger file is not read as a configuration."""
LIST_LIMIT = 20_000
"""Names; of a larger directory the rest is not read."""


class TreeErrorReason(StrEnum):
    """The reason why a path could not be accessed."""

    MISSING = "missing"
    OUTSIDE = "outside"
    """The path or a link in it leaves the partition."""
    NOT_A_FILE = "not a file"
    """A directory, FIFO, socket or device, which is never opened."""
    NOT_A_FOLDER = "not a folder"
    FORBIDDEN = "forbidden"
    """Permission denied."""
    TOO_LARGE = "too large"
    UNREADABLE = "unreadable"
    """An error of the medium or the file system."""

    @property
    def is_absence(self) -> bool:
        """Return whether nothing is there; otherwise there may be something that could not be read."""
        return self in (TreeErrorReason.MISSING, TreeErrorReason.OUTSIDE, TreeErrorReason.NOT_A_FOLDER)


class TreeError(BootmenuError):
    """Raised if a path of a partition could not be accessed.

    reason: why. path: the path as requested.
    """

    def __init__(self, path: str, reason: TreeErrorReason, detail: str) -> None:
        detail = detail if isinstance(detail, Message) else English(detail)
        super().__init__(joined(": ", [path, detail]))
        self.path = path
        self.reason = reason
        self.detail = detail


class Stat(Value, kw_only=True):
    """Status of a path."""

    is_file: bool
    is_folder: bool
    size: int
    """Size in bytes."""
    identity: tuple[int, int]
    """(device, inode): equal for all names of a file."""
    resolved: str
    """Absolute path below the root with all links resolved, as far as known."""
    stamp: Stamp | None = None
    """Stamp that changes when the file changes, or None if unknown."""


T = TypeVar("T")


class Folder(Protocol):
    """An open directory, listed once; opening many files in it by name is cheap."""

    @property
    def identity(self) -> tuple[int, int]:
        """Return (device, inode)."""

    @property
    def files(self) -> tuple[str, ...]:
        """Return the names of its regular files, sorted. Files, folders and links are at most LIST_LIMIT in total."""

    @property
    def folders(self) -> tuple[str, ...]:
        """Return the names of its subdirectories, sorted."""

    @property
    def links(self) -> tuple[str, ...]:
        """Return the names of its symbolic links, sorted; use the methods of Tree to follow them."""

    def visit(
        self, names: Iterable[str], read: Callable[[ByteSource, tuple[int, int]], T]
    ) -> Iterator[tuple[str, T | TreeError]]:
        """Call `read` with each open file and its identity; yield (name, result).

        The result is a TreeError if `read` raised OSError or if the name is no longer a regular file."""


class Tree(Protocol):
    """The files of one partition. Paths are absolute below its root; every method may raise TreeError."""

    @property
    def device(self) -> str:
        """Return the partition's kernel name."""

    @property
    def names(self) -> frozenset[str]:
        """Return all names of this partition, in the forms of references.py."""

    @property
    def image(self) -> str:
        """Return the absolute path of the image file whose content this is; empty for a partition."""

    def list(self, path: str) -> tuple[str, ...]:
        """Return the names in a directory, sorted, at most LIST_LIMIT."""

    def folder(self, path: str) -> AbstractContextManager[Folder]:
        """Open a directory to read many of its files."""

    def stat(self, path: str) -> Stat:
        """Return the status of a path; follow links."""

    def read(self, path: str, limit: int) -> bytes:
        """Return the content of a regular file; raise TreeErrorReason.TOO_LARGE if it has more than `limit` bytes."""

    def open(self, path: str) -> AbstractContextManager[ByteSource]:
        """Open a regular file for reading at offsets."""


class Neighbours(Protocol):
    """The partitions beside the one that is read, as far as they can be read now. None is less trusted than it."""

    def find(self, reference: str) -> Tree | None:
        """Return the partition of this name, in a form of references.py, which may be the one that is read. Return
        None if there is none, or if it cannot be read now."""

    def beside(self) -> Iterator[Tree]:
        """Yield the other partitions of its disk, in the order of their numbers."""

    def homes(self) -> Iterator[Tree]:
        """Yield those on which a loader that reads this partition may be at home: firmware can read them."""


_MOST_REMEMBERED = 10_000


class Remembering:
    """A tree that caches `stat` and the results of `once` while a partition is read.

    Parsers, references and facts ask for the same kernels repeatedly. Files are opened anew each time.
    also_named: more names of the partition. neighbours: the other partitions, or None if it is read alone.
    """

    def __init__(
        self,
        tree: Tree,
        *,
        also_named: Iterable[str] = (),
        gpt_attributes: int | None = None,
        neighbours: Neighbours | None = None,
    ) -> None:
        self.names = tree.names.union(also_named)
        """All names of this partition."""
        self.gpt_attributes = gpt_attributes
        """Attribute flags of its entry in a GPT, or None if unknown."""
        self.neighbours = neighbours
        self._tree = tree
        self._stats: dict[str, Stat | TreeError] = {}
        self._found: dict[Hashable, object] = {}
        self.denied: dict[str, str] = {}
        """Paths for which permission was denied, each with its message."""

    @contextmanager
    def _recording_denied(self) -> Iterator[None]:
        try:
            yield
        except TreeError as error:
            if error.reason is TreeErrorReason.FORBIDDEN and len(self.denied) < _MOST_REMEMBERED:
                self.denied[error.path] = error.detail
            raise

    def hidden(self) -> Iterator[Problem]:
        """Yield one problem for each file or directory that may not be read, however often it was accessed."""
        blocking: dict[str, str] = {}
        for path, detail in self.denied.items():
            there, is_folder = self._blocking(path)
            where = "" if there == "/" else there
            more = ": nothing in it is read, and root may" if is_folder else ""
            blocking.setdefault(where, f"{detail}{more}")
        for where in sorted(blocking):
            yield Problem(device=self.device, path=where, message=blocking[where])

    def _blocking(self, path: str) -> tuple[str, bool]:
        """Return the path that denies access, which is the path itself or its last accessible parent, and whether
        that is a directory."""
        at = normal(path)
        while at != "/":
            with suppress(TreeError):
                return at, self._tree.stat(at).is_folder
            at = at.rpartition("/")[0] or "/"
        return at, True

    @property
    def device(self) -> str:
        """Return the partition's kernel name."""
        return self._tree.device

    @property
    def image(self) -> str:
        """Return the path of the image file, or empty for a partition."""
        return self._tree.image

    def list(self, path: str) -> tuple[str, ...]:
        """Return the names in a directory."""
        with self._recording_denied():
            return self._tree.list(path)

    @contextmanager
    def folder(self, path: str) -> Iterator[Folder]:
        """Open a directory to read many of its files."""
        with self._recording_denied(), self._tree.folder(path) as folder:
            yield folder

    def stat(self, path: str) -> Stat:
        """Return the status of a path, from the cache after the first time."""
        found = self._stats.get(path)
        if found is None:
            try:
                with self._recording_denied():
                    found = self._tree.stat(path)
            except TreeError as error:
                found = error
            if len(self._stats) < _MOST_REMEMBERED:
                self._stats[path] = found
        if isinstance(found, TreeError):
            raise found.with_traceback(None)  # otherwise every raise makes the traceback longer
        return found

    def once(self, path: str, what: Hashable, find_out: Callable[[], T]) -> T:
        """Return the result of `find_out` for a file, computed once; see the function `once`."""
        key = (self.stat(path).identity, what)
        found = self._found.get(key, _UNKNOWN)
        if found is _UNKNOWN:
            try:
                found = find_out()
            except (BootmenuError, OSError) as error:
                found = _Failed(error)
            if len(self._found) < _MOST_REMEMBERED:
                self._found[key] = found
        if isinstance(found, _Failed):
            raise found.error.with_traceback(None)
        return cast(T, found)

    def read(self, path: str, limit: int) -> bytes:
        """Return the content of a regular file."""
        with self._recording_denied():
            return self._tree.read(path, limit)

    @contextmanager
    def open(self, path: str) -> Iterator[ByteSource]:
        """Open a regular file for reading at offsets."""
        with self._recording_denied(), self._tree.open(path) as source:
            yield source


_UNKNOWN = object()


class _Failed(Value):
    error: BootmenuError | OSError


def once(tree: Tree, path: str, what: Hashable, find_out: Callable[[], T]) -> T:
    """Return the result of `find_out` for the file at that path, cached if the tree is a Remembering.

    A thousand entries may name one file that takes a second to examine, by different paths. what: the key of the
    question. Raise TreeError and whatever `find_out` raises.
    """
    return tree.once(path, what, find_out) if isinstance(tree, Remembering) else find_out()


def examined(tree: Tree, path: str, read: Callable[[ByteSource], T]) -> T:
    """Return what `read` makes of the content of a regular file. Raise TreeError, also if the medium cannot be read,
    and whatever else `read` raises."""
    with tree.open(path) as source:
        try:
            return read(source)
        except OSError as error:
            detail = f"reading failed: {error.strerror or error}"
            raise TreeError(path, TreeErrorReason.UNREADABLE, detail) from None


def names_in(tree: Tree, folder: str) -> tuple[str, ...]:
    """Return the names in a directory; nothing if it cannot be listed."""
    try:
        return tree.list(folder)
    except TreeError:
        return ()


def listed(tree: Tree, folders: Iterable[str]) -> Iterator[tuple[str, tuple[str, ...]] | Problem]:
    """Yield (folder, names in it) for each of these directories that exists, each only once: on many boot partitions
    /boot is a link to `.`."""
    seen: set[tuple[int, int]] = set()
    for folder in folders:
        try:
            identity = tree.stat(folder).identity
            names = tree.list(folder)
        except TreeError as error:
            if not error.reason.is_absence:
                yield Problem(device=tree.device, path=error.path, message=error.detail)
            continue
        if identity not in seen:
            seen.add(identity)
            yield folder, names


_MAX_ARCHITECTURES = 16


def installer_folders(tree: Tree) -> tuple[str, ...]:
    """Return `/debian-installer/ARCH` for each architecture with a netboot tree of Debian's installer."""
    try:
        names = tree.list("/debian-installer")
    except TreeError:
        return ()
    return tuple(f"/debian-installer/{name}" for name in names[:_MAX_ARCHITECTURES])


_MAX_LOADERS = 32


def firmware_folders(tree: Tree, above: str = "") -> Iterator[str]:
    """Yield the directories of a partition's loaders, such as /EFI/debian."""
    for folder in (f"{above}/EFI", f"{above}/efi"):
        try:
            names = tree.list(folder)
        except TreeError:
            continue
        yield from (f"{folder}/{vendor}" for vendor in names[:_MAX_LOADERS])
        return


def firmware_files(tree: Tree, name: str, above: str = "") -> Iterator[str]:
    """Yield the paths of this name in the directories of a partition's loaders.

    A FAT file system ignores the case of names, but a copy of its files in a directory does not."""
    for folder in firmware_folders(tree, above):
        yield f"{folder}/{name}"
        if folder.rpartition("/")[2].isupper() and exists(tree, path := f"{folder}/{name.upper()}"):
            yield path


def exists(tree: Tree, path: str) -> bool:
    """Return whether there is a regular file at that path."""
    try:
        return tree.stat(path).is_file
    except TreeError:
        return False


def is_absent(tree: Tree, path: str) -> bool:
    """Return whether nothing is at that path, and no if that cannot be found out."""
    try:
        tree.stat(path)
    except TreeError as error:
        return error.reason.is_absence
    return False


def holds(tree: Tree, path: str) -> bool:
    """Return whether a search for a file finds it. In a directory given by --tree, an image may be unpacked."""
    try:
        found = tree.stat(path)
    except TreeError:
        return False
    return found.is_file or (found.is_folder and path.lower().endswith(".iso"))


_UNTIDY = regex(r"\\|//|/\.|/\Z")


def normal(path: str, base: str = "/") -> str:
    """Return a path as an absolute one, relative to `base` if it is not absolute.

    Remove `.` and repeated slashes, but keep `..`, which the tree resolves. Convert backslashes to slashes, since
    configurations for EFI use them."""
    if path.startswith("/") and not _UNTIDY.search(path):
        return path
    path = path.replace("\\", "/")
    joined = path if path.startswith("/") else f"{base}/{path}"
    parts: Iterable[str] = (part for part in joined.split("/") if part not in ("", "."))
    return "/" + "/".join(parts)


def read_text(tree: Tree, path: str) -> str:
    """Return a configuration file as text; replace bytes that are not UTF-8 with �, and drop NULs."""
    return tree.read(path, CONFIG_LIMIT).decode("utf-8", "replace").replace("\0", "").removeprefix("\ufeff")
