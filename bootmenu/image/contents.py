# SPDX-License-Identifier: MIT
"""Collect the content of an image file by file."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import PurePosixPath

from bootmenu.errors import UsageError
from bootmenu.image.cpio import ArchiveMember
from bootmenu.image.rootfs import merged_usr
from bootmenu.model.value import replace


class Contents:
    """The members of an image by path; parent directories are added automatically, and /bin etc. link to /usr."""

    def __init__(self) -> None:
        """Begin with the mount points of init, and the console that the kernel opens first."""
        self._nodes: dict[str, ArchiveMember] = {}
        for old in ("bin", "sbin", "lib", "lib64"):
            self._nodes[old] = ArchiveMember.link(old, f"usr/{old}")
            self.folder(f"usr/{old}")
        for path in ("dev", "proc", "sys", "run", "mnt", "root"):
            self.folder(path)
        self.folder("tmp", 0o1777)
        self._put(ArchiveMember.character_device("dev/console", 5, 1))

    @property
    def nodes(self) -> tuple[ArchiveMember, ...]:
        """Return all members, sorted by path."""
        return tuple(self._nodes[path] for path in sorted(self._nodes))

    def folder(self, path: str, permissions: int = 0o755) -> None:
        """Add a directory unless it already exists."""
        inside = merged_usr(path)
        if inside not in self._nodes:
            self._put(ArchiveMember.folder(inside, permissions))

    def file(self, path: str, data: bytes, *, executable: bool = False) -> None:
        """Add or replace a file."""
        self._put(ArchiveMember.file(merged_usr(path), data, 0o755 if executable else 0o644))

    def link(self, path: str, target: str) -> None:
        """Add a symbolic link, unless path and target are the same file due to the merged /usr."""
        inside = merged_usr(path)
        if inside != merged_usr(target):
            self._put(ArchiveMember.link(inside, target))

    def change(self, change: Callable[[bytes], bytes]) -> None:
        """Change the content of every file that is not empty."""
        for path, node in self._nodes.items():
            if stat.S_ISREG(node.mode) and node.data:
                self._nodes[path] = replace(node, data=change(node.data))

    def move(self, old: str, new: str) -> None:
        """Rename a file of the image."""
        node = self._nodes.pop(merged_usr(old))
        self._put(replace(node, path=merged_usr(new)))

    def _put(self, node: ArchiveMember) -> None:
        if any(part in ("", ".", "..") for part in node.path.split("/")):
            raise UsageError(f"{node.path!r} is not a path inside an image")
        parent = str(PurePosixPath(node.path).parent)
        if parent != ".":
            above = self._nodes.get(parent)
            if above is None:
                self.folder(parent)
            elif not stat.S_ISDIR(above.mode):
                raise UsageError(f"{node.path} cannot be added to the image: {parent} is not a directory")
        old = self._nodes.get(node.path)
        if old is not None and stat.S_ISDIR(old.mode) and not stat.S_ISDIR(node.mode):
            raise UsageError(
                f"{node.path} cannot be replaced: it is a folder of the image",
                f"Name a file in it, such as /{node.path}/NAME.",
            )
        self._nodes[node.path] = node
