# SPDX-License-Identifier: MIT
"""Partitions: one in memory for parsers, and writing one to a real folder."""

from __future__ import annotations

import contextlib
import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from bootmenu.formats.reader import Buffer, ByteSource
from bootmenu.sources.tree import LIST_LIMIT, Remembering, Stat, Tree, TreeError, TreeErrorReason, normal

T = TypeVar("T")


@dataclass
class MemoryTree:
    """A Tree over files by absolute path, which stay as they are; `troubles` are paths that fail in a way of their
    own."""

    files: Mapping[str, bytes]
    troubles: Mapping[str, TreeErrorReason] = field(default_factory=dict)
    device: str = "sda1"
    names: frozenset[str] = frozenset({"sda1"})
    image: str = ""

    def __post_init__(self) -> None:
        self._below: dict[str, set[str]] = {"/": set()}
        """Names in each folder."""
        for path in self.files:
            while path != "/":
                path, name = posixpath.split(path)
                self._below.setdefault(path, set()).add(name)

    def _resolved(self, path: str) -> str:
        path = posixpath.normpath(normal(path))
        if path in self.troubles:
            raise TreeError(path, self.troubles[path], f"is {self.troubles[path]}")
        return path

    def list(self, path: str) -> tuple[str, ...]:
        here = self._resolved(path)
        if here in self.files:
            raise TreeError(path, TreeErrorReason.NOT_A_FOLDER, "is not a folder")
        if here not in self._below:
            raise TreeError(path, TreeErrorReason.MISSING, "does not exist")
        return tuple(sorted(self._below[here]))[:LIST_LIMIT]

    @contextlib.contextmanager
    def folder(self, path: str) -> Iterator[MemoryFolder]:
        below = {name: self.stat(posixpath.join(path, name)) for name in self.list(path)}
        yield MemoryFolder(
            tree=self,
            path=path,
            identity=self.stat(path).identity,
            files=tuple(name for name, info in below.items() if info.is_file),
            folders=tuple(name for name, info in below.items() if info.is_folder),
        )

    def stat(self, path: str) -> Stat:
        here = self._resolved(path)
        if here not in self.files and here not in self._below:
            raise TreeError(path, TreeErrorReason.MISSING, "does not exist")
        data = self.files.get(here)
        return Stat(
            is_file=data is not None,
            is_folder=data is None,
            size=len(data or b""),
            identity=(1, hash(here)),
            resolved=here,
        )

    def read(self, path: str, limit: int) -> bytes:
        with self.open(path) as file:
            if file.size > limit:
                raise TreeError(path, TreeErrorReason.TOO_LARGE, "is too large")
            return file.read(0, limit)

    @contextlib.contextmanager
    def open(self, path: str) -> Iterator[ByteSource]:
        info = self.stat(path)
        if not info.is_file:
            raise TreeError(path, TreeErrorReason.NOT_A_FILE, "is a folder, not a file")
        yield Buffer(self.files[info.resolved])


@dataclass(frozen=True, kw_only=True)
class MemoryFolder:
    """A folder of a MemoryTree, in which there are no links."""

    tree: MemoryTree
    path: str
    identity: tuple[int, int]
    files: tuple[str, ...]
    folders: tuple[str, ...]
    links: tuple[str, ...] = ()

    def visit(
        self, names: Iterable[str], read: Callable[[ByteSource, tuple[int, int]], T]
    ) -> Iterator[tuple[str, T | TreeError]]:
        for name in names:
            path = posixpath.join(self.path, name)
            with self.tree.open(path) as file:
                yield name, read(file, self.tree.stat(path).identity)


@dataclass
class OneDisk:
    """The partitions of a disk, as one of them sees them; the first is the EFI system partition."""

    own: str
    trees: Sequence[Tree] = ()

    def __post_init__(self) -> None:
        self._all = [Remembering(tree, neighbours=self) for tree in self.trees]

    @property
    def tree(self) -> Remembering:
        """The partition that is read."""
        return next(tree for tree in self._all if tree.device == self.own)

    def find(self, reference: str) -> Tree | None:
        return next((tree for tree in self._all if reference in tree.names), None)

    def beside(self) -> Iterator[Tree]:
        return (tree for tree in self._all if tree.device != self.own)

    def homes(self) -> Iterator[Tree]:
        return (tree for tree in self._all[:1] if tree.device != self.own)


def write_tree(root: Path, files: Mapping[str, bytes | str]) -> Path:
    """Write files by path below `root`."""
    for path, data in files.items():
        target = root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data.encode() if isinstance(data, str) else data)
    return root
