# SPDX-License-Identifier: MIT
"""Read an image that was built before: an initramfs, packed or not, or a unified kernel image that has one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from bootmenu.errors import FormatError, UsageError
from bootmenu.formats.compression import MAGICS, unpack
from bootmenu.formats.cpio_header import CPIO_MAGICS
from bootmenu.formats.initramfs import MAX_NAMES
from bootmenu.formats.pe import PortableExecutable
from bootmenu.formats.reader import HEAD_SIZE, Buffer, Window
from bootmenu.image import cpio
from bootmenu.image.cpio import ArchiveMember
from bootmenu.model.regex import regex

_MOST = 1 << 30
"""Bytes of an image, and of what it unpacks to."""
_ZEROS = regex(rb"\0*")
_ONCE = "Unpack it once, and list what comes out of it."


def read(path: Path) -> tuple[ArchiveMember, ...]:
    """Return the files of an image, and the other sections of a unified kernel image under their names, such as
    `.linux`. A file that is in several archives counts once, as the kernel has it: the last one.

    Raise UsageError if it cannot be read, or is no image.
    """
    try:
        if path.exists() and not path.is_file():
            raise UsageError(f"{path} is no regular file")
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            data = file.read(_MOST + 1) if size <= _MOST else b""  # a file of /proc has more than it says
        if max(size, len(data)) > _MOST:
            raise UsageError(f"{path} is bigger than {_MOST >> 30} GiB: that is no image")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    try:
        return members(data)
    except FormatError as error:
        raise UsageError(
            f"{path} is not an image that can be listed: {error.message}",
            error.hint or "Name an initramfs, or a unified kernel image, that bootmenu image build has made.",
        ) from error


def members(data: bytes) -> tuple[ArchiveMember, ...]:
    """Return what `read` does, from the content of the file. Raise FormatError."""
    found: dict[str, ArchiveMember] = {}
    executable = PortableExecutable.from_head(data[:HEAD_SIZE])
    if executable is not None:
        # sections that overlap would have more content together than memory
        if sum(section.content_size for section in executable.sections) > len(data):
            raise FormatError("its sections are bigger than the file")
        initrd = b""
        for section in executable.sections:
            content = data[section.offset : section.offset + section.content_size]
            if section.name == ".initrd":
                initrd = content
            else:
                found[section.name] = ArchiveMember.file(section.name, content)
        if not initrd:
            raise FormatError("it is an EFI program without an initramfs")
        data = initrd
    for count, member in enumerate(_archives(data), start=1):
        if count > MAX_NAMES:
            raise FormatError(f"it has more than {MAX_NAMES:,} files")
        found[member.path] = member
    if not found:
        raise FormatError("it is empty")
    return tuple(found.values())


def _archives(data: bytes) -> Iterator[ArchiveMember]:
    """Yield the members of archives one after the other, of which the last may be packed."""
    at = 0
    while (at := _after_zeros(data, at)) < len(data):
        compression = next((name for magic, name in MAGICS if data.startswith(magic, at)), None)
        if compression is not None:
            unpacked = bytearray()
            for piece, _ in unpack(Window(Buffer(data), at, len(data) - at), compression, _MOST):
                unpacked += piece
            yield from _plain_archives(unpacked)
            return
        if data[at : at + 6] not in CPIO_MAGICS:
            raise FormatError("this is neither an archive nor a packed one", at)
        at = yield from cpio.unpack(data, at)


def _plain_archives(data: bytes | bytearray) -> Iterator[ArchiveMember]:
    """Yield the members of the archives that were packed together.

    init/initramfs.c, flush_buffer: what is neither an archive nor zeros is "junk within compressed archive", so
    nothing in there is packed once more.
    """
    at = 0
    while (at := _after_zeros(data, at)) < len(data):
        if any(data.startswith(magic, at) for magic, _ in MAGICS):
            raise FormatError("what it unpacks to is packed again, which no kernel reads", hint=_ONCE)
        at = yield from cpio.unpack(data, at)


def _after_zeros(data: bytes | bytearray, at: int) -> int:
    """Return the offset of the next byte that is not zero, or of the end."""
    match = _ZEROS.match(data, at)
    assert match is not None  # it matches nothing, too
    return match.end()
