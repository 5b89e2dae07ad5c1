# SPDX-License-Identifier: MIT
"""Write and read newc cpio archives, the format of an initramfs.

Documentation/driver-api/early-userspace/buffer-format.rst specifies it.

This needs no root, as device nodes are only numbers in a header. The output is reproducible.
"""

from __future__ import annotations

import stat
from collections.abc import Generator, Iterable, Iterator

from bootmenu.errors import BootmenuError, FormatError
from bootmenu.formats.cpio_header import CPIO_HEADER, CPIO_TRAILER, CpioHeader
from bootmenu.model.value import Value

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
    for piece in _record(ArchiveMember(path=CPIO_TRAILER, mode=0), inode=0, mtime=0):
        written += len(piece)
        yield piece
    yield bytes(-written % 512)


def unpack(data: bytes | bytearray, at: int = 0) -> Generator[ArchiveMember, None, int]:
    """Yield the members of the archive that begins at an offset, and return the offset of its end.

    Raise FormatError if it is damaged.
    """
    while True:
        try:
            header = CpioHeader.from_bytes(bytes(data[at : at + CPIO_HEADER]))
        except FormatError as error:
            raise FormatError(error.message, at) from None
        begin = at + CPIO_HEADER + header.name_size + -(CPIO_HEADER + header.name_size) % 4
        name = data[at + CPIO_HEADER : at + CPIO_HEADER + header.name_size].partition(b"\0")[0]
        path = name.decode("utf-8", "surrogateescape")
        at = begin + header.size + -header.size % 4
        if path == CPIO_TRAILER:
            return at
        if begin + header.size > len(data):
            raise FormatError("the archive ends early", begin)
        yield ArchiveMember(
            path=path, mode=header.mode, data=bytes(data[begin : begin + header.size]), device=header.device
        )


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
