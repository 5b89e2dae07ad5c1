# SPDX-License-Identifier: MIT
"""Read an image that was built before: an initramfs, packed or not, or a unified kernel image that has one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bootmenu.errors import BootmenuError, FormatError
from bootmenu.formats.compression import MAGICS, unpack
from bootmenu.formats.pe import PortableExecutable
from bootmenu.formats.reader import HEAD_SIZE, Buffer
from bootmenu.image import cpio
from bootmenu.image.cpio import ArchiveMember

_MOST = 1 << 30
"""Bytes of an image, and of what it unpacks to."""


def read(path: Path) -> tuple[ArchiveMember, ...]:
    """Return the files of an image, and the other sections of a unified kernel image under their names, such as
    `.linux`. A file that is in several archives counts once, as the kernel has it: the last one.

    Raise BootmenuError if it cannot be read, or is no image.
    """
    try:
        if path.exists() and not path.is_file():
            raise BootmenuError(f"{path} is no regular file")
        if path.stat().st_size > _MOST:
            raise BootmenuError(f"{path} is bigger than {_MOST >> 30} GiB: that is no image")
        data = path.read_bytes()
    except OSError as error:
        raise BootmenuError(f"{path} cannot be read: {error.strerror}") from error
    try:
        return members(data)
    except FormatError as error:
        raise BootmenuError(
            f"{path} is not an image that can be listed: {error.message}",
            error.hint or "Name an initramfs, or a unified kernel image, that bootmenu image build has made.",
        ) from error


def members(data: bytes) -> tuple[ArchiveMember, ...]:
    """Return what `read` does, from the content of the file. Raise FormatError."""
    found: dict[str, ArchiveMember] = {}
    executable = PortableExecutable.from_head(data[:HEAD_SIZE])
    if executable is not None:
        archives = b""
        for section in executable.sections:
            content = data[section.offset : section.offset + section.content_size]
            if section.name == ".initrd":
                archives = content
            else:
                found[section.name] = ArchiveMember.file(section.name, content)
        if not archives:
            raise FormatError("it is an EFI program without an initramfs")
        data = archives
    for member in _archives(data):
        found[member.path] = member
    if not found:
        raise FormatError("it is empty")
    return tuple(found.values())


def _archives(data: bytes) -> Iterator[ArchiveMember]:
    """Yield the members of archives one after the other, of which the last may be packed."""
    at = 0
    while True:
        while data[at : at + 4] == bytes(4):  # between archives
            at += 4
        if not data[at:].strip(b"\0"):
            return
        compression = next((name for magic, name in MAGICS if data.startswith(magic, at)), None)
        if compression is not None:
            packed = unpack(Buffer(data[at:]), compression, _MOST)
            yield from _archives(b"".join(piece for piece, _ in packed))
            return
        at = yield from cpio.unpack(data, at)
