# SPDX-License-Identifier: MIT
"""Write and read newc cpio archives, the format of an initramfs.

Documentation/driver-api/early-userspace/buffer-format.rst specifies it.

This needs no root, as device nodes are only numbers in a header. The output is reproducible.
"""

from __future__ import annotations

import stat
from collections.abc import Generator, Iterable, Iterator

from bootmenu.errors import BootmenuError, FormatError
from bootmenu.model.value import Value

_TRAILER = "TRAILER!!!"
_HEADER = 110
"""Bytes of a member's header: the magic, and 13 numbers of 8 hexadecimal digits."""
MAX_SIZE = 0xFFFF_FFFF
"""Of a file, in bytes."""


class ArchiveMember(Value, kw_only=True):
    """A file, directory, link or device in an archive."""

    path: str
    """Relative to the root, without a leading slash."""
    mode: int
    """st_mode: type and permission bits."""
    data: bytes = b""
    """File content, or the target of a symbolic link."""
    device: tuple[int, int] = (0, 0)
    """Major and minor number of a device node."""

    @classmethod
    def folder(cls, path: str, permissions: int = 0o755) -> ArchiveMember:
        """Return a directory."""
        return cls(path=path, mode=stat.S_IFDIR | permissions)

    @classmethod
    def file(cls, path: str, data: bytes, permissions: int = 0o644) -> ArchiveMember:
        """Return a regular file."""
        return cls(path=path, mode=stat.S_IFREG | permissions, data=data)

    @classmethod
    def link(cls, path: str, target: str) -> ArchiveMember:
        """Return a symbolic link."""
        return cls(path=path, mode=stat.S_IFLNK | 0o777, data=target.encode("utf-8", "surrogateescape"))

    @classmethod
    def character_device(cls, path: str, major: int, minor: int, permissions: int = 0o600) -> ArchiveMember:
        """Return a character device node."""
        return cls(path=path, mode=stat.S_IFCHR | permissions, device=(major, minor))


def pack(nodes: Iterable[ArchiveMember], *, mtime: int = 0) -> Iterator[bytes]:
    """Yield the archive's bytes in pieces, with members sorted by path and owned by root.

    mtime: seconds since 1970, for all members.
    Raise BootmenuError for a file that is too large for the format's 32-bit size field.
    """
    written = 0
    # Sorting by the parts of paths puts each directory before its content.
    for number, node in enumerate(sorted(nodes, key=lambda node: node.path.split("/")), start=1):
        for piece in _record(node, inode=number, mtime=mtime):
            written += len(piece)
            yield piece
    for piece in _record(ArchiveMember(path=_TRAILER, mode=0), inode=0, mtime=0):
        written += len(piece)
        yield piece
    yield bytes(-written % 512)


def unpack(data: bytes, at: int = 0) -> Generator[ArchiveMember, None, int]:
    """Yield the members of the archive that begins at an offset, and return the offset of its end.

    Raise FormatError if it is damaged.
    """
    while True:
        header = data[at : at + _HEADER]
        if len(header) < _HEADER or header[:6] != b"070701":
            raise FormatError("it is no archive, or ends early", at)
        try:
            fields = [int(header[place : place + 8], 16) for place in range(6, _HEADER, 8)]
        except ValueError:
            raise FormatError("a header of the archive is damaged", at) from None
        _, mode, _, _, _, _, size, _, _, major, minor, name_size, _ = fields
        begin = at + _HEADER + name_size + -(_HEADER + name_size) % 4
        name = data[at + _HEADER : at + _HEADER + name_size].rstrip(b"\0").decode("utf-8", "surrogateescape")
        at = begin + size + -size % 4
        if name == _TRAILER:
            return at
        if begin + size > len(data):
            raise FormatError("the archive ends early", at)
        yield ArchiveMember(path=name, mode=mode, data=data[begin : begin + size], device=(major, minor))


def _record(node: ArchiveMember, *, inode: int, mtime: int) -> Iterator[bytes]:
    if len(node.data) > MAX_SIZE:
        raise BootmenuError(f"{node.path} is too big for an initramfs: {len(node.data)} bytes")
    name = node.path.encode("utf-8", "surrogateescape") + b"\0"
    links = 2 if stat.S_ISDIR(node.mode) else 1
    fields = (
        inode,
        node.mode,
        0,
        0,
        links,
        mtime & 0xFFFF_FFFF,
        len(node.data),
        0,
        0,
        *node.device,
        len(name),
        0,
    )
    header = b"070701" + b"".join(b"%08X" % field for field in fields)
    yield header + name + bytes(-(len(header) + len(name)) % 4)
    yield node.data
    yield bytes(-len(node.data) % 4)
