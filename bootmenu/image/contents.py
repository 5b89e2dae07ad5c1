# SPDX-License-Identifier: MIT
"""What goes into an image, collected file by file, and how much of it each part takes."""

from __future__ import annotations

import stat
from collections import Counter
from pathlib import PurePosixPath

from bootmenu.errors import UsageError
from bootmenu.image.cpio import ArchiveMember
from bootmenu.image.rootfs import merged_usr
from bootmenu.model.value import replace


class Contents:
    """The nodes of an image by path; parent folders come by themselves, /bin, /sbin and /lib are links into /usr."""

    def __init__(self) -> None:
        """Start with the folders that init mounts on, and the console for the kernel's first open."""
        self._nodes: dict[str, ArchiveMember] = {}
        self._sizes: Counter[str] = Counter()
        for old in ("bin", "sbin", "lib", "lib64"):
            self._nodes[old] = ArchiveMember.link(old, f"usr/{old}")
            self.folder(f"usr/{old}")
        for path in ("dev", "proc", "sys", "run", "mnt", "root"):
            self.folder(path)
        self.folder("tmp", 0o1777)
        self._put(ArchiveMember.character_device("dev/console", 5, 1))

    @property
    def nodes(self) -> tuple[ArchiveMember, ...]:
        """All nodes, sorted by path."""
        return tuple(self._nodes[path] for path in sorted(self._nodes))

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(self._sizes.values())

    def biggest_parts(self, count: int) -> list[tuple[str, int]]:
        """(part, bytes), the biggest first."""
        return self._sizes.most_common(count)

    def folder(self, path: str, permissions: int = 0o755) -> None:
        """Add a folder; one that is there already stays as it is."""
        inside = merged_usr(path)
        if inside not in self._nodes:
            self._put(ArchiveMember.folder(inside, permissions))

    def file(self, path: str, data: bytes, *, part: str, executable: bool = False) -> None:
        """Add a file, or replace the one at this path.

        part: what the file belongs to, for ``biggest_parts``.
        """
        inside = merged_usr(path)
        old = self._nodes.get(inside)
        if old is not None and stat.S_ISREG(old.mode):
            self._sizes[part] -= len(old.data)
        self._put(ArchiveMember.file(inside, data, 0o755 if executable else 0o644))
        self._sizes[part] += len(data)

    def link(self, path: str, target: str) -> None:
        """Add a symbolic link; a target inside the image's old folders is taken as it is."""
        inside = merged_usr(path)
        if inside != merged_usr(target):
            self._put(ArchiveMember.link(inside, target))

    def move(self, old: str, new: str) -> None:
        """Give a file that is in the image another path."""
        node = self._nodes.pop(merged_usr(old))
        self._put(replace(node, path=merged_usr(new)))

    def _put(self, node: ArchiveMember) -> None:
        if any(part in ("", ".", "..") for part in node.path.split("/")):
            raise UsageError(f"{node.path!r} is not a path inside an image.")
        parent = str(PurePosixPath(node.path).parent)
        if parent != ".":
            above = self._nodes.get(parent)
            if above is None:
                self.folder(parent)
            elif not stat.S_ISDIR(above.mode):
                raise UsageError(f"{node.path} cannot be in the image: {parent} is not a folder there.")
        self._nodes[node.path] = node
