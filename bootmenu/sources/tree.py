# SPDX-License-Identifier: MIT
"""The one small interface through which parsers see a partition: read, list, stat below its root."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from enum import StrEnum
from typing import Protocol, TypeVar, cast

from bootmenu.errors import BootmenuError
from bootmenu.formats.reader import ByteSource
from bootmenu.i18n import English, Message, joined
from bootmenu.model.entry import Problem
from bootmenu.model.stamp import Stamp
from bootmenu.model.value import Value

CONFIG_LIMIT = 1024 * 1024
"""Bytes. A larger configuration file is none."""
LIST_LIMIT = 20_000
"""Names. A larger folder is read so far and no further."""


class Trouble(StrEnum):
    """Why a path could not be used."""

    MISSING = "missing"
    OUTSIDE = "outside"
    """A path or a link on the way leaves the partition."""
    NOT_A_FILE = "not a file"
    """A folder, FIFO, socket or device: never opened."""
    NOT_A_FOLDER = "not a folder"
    FORBIDDEN = "forbidden"
    """Permission denied."""
    TOO_LARGE = "too large"
    UNREADABLE = "unreadable"
    """The medium or the file system gave an error."""


class TreeError(BootmenuError):
    """A path of a partition could not be used. `trouble` says why, `path` is as it was asked for."""

    def __init__(self, path: str, trouble: Trouble, detail: str) -> None:
        detail = detail if isinstance(detail, Message) else English(detail)
        super().__init__(joined(": ", [path, detail]))
        self.path = path
        self.trouble = trouble
        self.detail = detail


class Stat(Value, kw_only=True):
    """What is at a path."""

    is_file: bool
    is_folder: bool
    size: int
    """Bytes."""
    identity: tuple[int, int]
    """(device, inode): equal for two names of one file."""
    resolved: str
    """Absolute path below the root after following links, as far as it could be found out."""
    stamp: Stamp | None = None
    """What a later state of it differs in; None = not known."""


T = TypeVar("T")


class Folder(Protocol):
    """One folder, listed once. Its files are opened by their names, which is cheap where there are many."""

    @property
    def identity(self) -> tuple[int, int]:
        """(device, inode)"""

    @property
    def files(self) -> tuple[str, ...]:
        """Names of its regular files, sorted. All the names together are at most LIST_LIMIT."""

    @property
    def folders(self) -> tuple[str, ...]:
        """Names of the folders in it, sorted."""

    @property
    def links(self) -> tuple[str, ...]:
        """Names of the symbolic links in it, sorted; the tree follows them, by path."""

    def visit(
        self, names: Iterable[str], read: Callable[[ByteSource, tuple[int, int]], T]
    ) -> Iterator[tuple[str, T | TreeError]]:
        """What `read` returns for each of these regular files; it is given the open file and its identity.
        An OSError of `read`, and a file that is none any more, give a TreeError."""


class Tree(Protocol):
    """One partition's files. Paths are absolute below its root; every method may raise TreeError."""

    @property
    def device(self) -> str:
        """The partition's kernel name."""

    @property
    def names(self) -> frozenset[str]:
        """Every name of this partition, in the forms of references.py."""

    @property
    def image(self) -> str:
        """Where this is the content of an image file: its absolute path on the partition it lies on. Else empty."""

    def list(self, path: str) -> tuple[str, ...]:
        """Names in a folder, sorted, at most LIST_LIMIT."""

    def folder(self, path: str) -> AbstractContextManager[Folder]:
        """A folder whose files are to be read one after the other."""

    def stat(self, path: str) -> Stat:
        """Follows links."""

    def read(self, path: str, limit: int) -> bytes:
        """A whole regular file of at most `limit` bytes; larger is Trouble.TOO_LARGE."""

    def open(self, path: str) -> AbstractContextManager[ByteSource]:
        """A regular file for reading at offsets."""


_MOST_REMEMBERED = 10_000


class Remembering:
    """A tree that asks for each path once: during one reading of a partition, parsers, references and facts ask for
    the same kernels again and again. What has been asked for stays as it was, as does what `once` found out; files
    are always opened afresh."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._stats: dict[str, Stat | TreeError] = {}
        self._found: dict[Hashable, object] = {}
        self.denied: dict[str, str] = {}
        """Paths for which permission was denied, whoever asked for them, and the reason in words."""

    @contextmanager
    def _noting(self) -> Iterator[None]:
        try:
            yield
        except TreeError as error:
            if error.trouble is Trouble.FORBIDDEN and len(self.denied) < _MOST_REMEMBERED:
                self.denied[error.path] = error.detail
            raise

    def hidden(self) -> Iterator[Problem]:
        """Say once for each file or folder that it may not be read, however much was looked for in it."""
        blocking: dict[str, str] = {}
        for path, detail in self.denied.items():
            there, is_folder = self._blocking(path)
            where = "" if there == "/" else there
            more = ": nothing in it is read, and root may" if is_folder else ""
            blocking.setdefault(where, f"{detail}{more}")
        for where in sorted(blocking):
            yield Problem(device=self.device, path=where, message=blocking[where])

    def _blocking(self, path: str) -> tuple[str, bool]:
        """Return what keeps a path from being read, and whether that is a folder: it, or the last one before it."""
        at = normal(path)
        while at != "/":
            with suppress(TreeError):
                return at, self._tree.stat(at).is_folder
            at = at.rpartition("/")[0] or "/"
        return at, True

    @property
    def device(self) -> str:
        """See Tree."""
        return self._tree.device

    @property
    def names(self) -> frozenset[str]:
        """See Tree."""
        return self._tree.names

    @property
    def image(self) -> str:
        """See Tree."""
        return self._tree.image

    def list(self, path: str) -> tuple[str, ...]:
        """See Tree."""
        with self._noting():
            return self._tree.list(path)

    @contextmanager
    def folder(self, path: str) -> Iterator[Folder]:
        """See Tree."""
        with self._noting(), self._tree.folder(path) as folder:
            yield folder

    def stat(self, path: str) -> Stat:
        """See Tree."""
        found = self._stats.get(path)
        if found is None:
            try:
                with self._noting():
                    found = self._tree.stat(path)
            except TreeError as error:
                found = error
            if len(self._stats) < _MOST_REMEMBERED:
                self._stats[path] = found
        if isinstance(found, TreeError):
            raise found.with_traceback(None)  # else every raise makes it longer
        return found

    def once(self, path: str, what: Hashable, find_out: Callable[[], T]) -> T:
        """See `once`."""
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
        """See Tree."""
        with self._noting():
            return self._tree.read(path, limit)

    @contextmanager
    def open(self, path: str) -> Iterator[ByteSource]:
        """See Tree."""
        with self._noting(), self._tree.open(path) as source:
            yield source


_UNKNOWN = object()


class _Failed(Value):
    error: BootmenuError | OSError


def once(tree: Tree, path: str, what: Hashable, find_out: Callable[[], T]) -> T:
    """What `find_out` says about the file at that path; a tree that remembers asks once, whatever names the file has.

    A thousand entries may name one file that takes a second. what: stands for the question. Raises TreeError, and
    what `find_out` raises.
    """
    return tree.once(path, what, find_out) if isinstance(tree, Remembering) else find_out()


def listed(tree: Tree, folders: Iterable[str]) -> Iterator[tuple[str, tuple[str, ...]] | Problem]:
    """(folder, names in it) for each of these that there is, and once where it has several names: /boot is a link to
    . on many boot partitions."""
    seen: set[tuple[int, int]] = set()
    for folder in folders:
        try:
            identity = tree.stat(folder).identity
            names = tree.list(folder)
        except TreeError as error:
            if error.trouble not in (Trouble.MISSING, Trouble.OUTSIDE, Trouble.NOT_A_FOLDER):
                yield Problem(device=tree.device, path=error.path, message=error.detail)
            continue
        if identity not in seen:
            seen.add(identity)
            yield folder, names


_MAX_ARCHITECTURES = 16


def installer_folders(tree: Tree) -> tuple[str, ...]:
    """Return `/debian-installer/ARCH` of each architecture of which a netboot tree of Debian's installer is there."""
    try:
        names = tree.list("/debian-installer")
    except TreeError:
        return ()
    return tuple(f"/debian-installer/{name}" for name in names[:_MAX_ARCHITECTURES])


def exists(tree: Tree, path: str) -> bool:
    """True when a regular file can be found there."""
    try:
        return tree.stat(path).is_file
    except TreeError:
        return False


_UNTIDY = re.compile(r"\\|//|/\.|/\Z")


def normal(path: str, base: str = "/") -> str:
    """Absolute path: joined to `base` unless absolute; `.` and doubled slashes gone, `..` kept for the tree
    to judge. Backslashes are slashes, as configurations written for EFI use them."""
    if path.startswith("/") and not _UNTIDY.search(path):
        return path
    path = path.replace("\\", "/")
    joined = path if path.startswith("/") else f"{base}/{path}"
    parts: Iterable[str] = (part for part in joined.split("/") if part not in ("", "."))
    return "/" + "/".join(parts)


def read_text(tree: Tree, path: str) -> str:
    """A configuration file as text: bytes that are not UTF-8 are shown as �, NULs are dropped."""
    return tree.read(path, CONFIG_LIMIT).decode("utf-8", "replace").replace("\0", "").removeprefix("\ufeff")
