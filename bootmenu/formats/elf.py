# SPDX-License-Identifier: MIT
"""Read ELF files with pyelftools, within bounds: any input gives a result or a FormatError in limited time.

pyelftools is imported lazily, since few partitions have ELF files among their kernels.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator

from bootmenu.errors import FormatError
from bootmenu.formats.reader import ByteSource
from bootmenu.typed import IO, TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from elftools.elf.elffile import ELFFile

MAGIC = b"\x7fELF"
_HEADER_SIZES = {1: 52, 2: 64}
"""Bytes of the header by class, 32 or 64 bits."""
_MOST_READ = 16 << 20
"""Bytes that may be read in addition to the size of the file; each call counts as 64 more. This limits everything
that a file may repeat: sections, names of sections, entries of a table."""
_CALL = 64


class BoundedStream(io.RawIOBase):
    """A ByteSource as a stream for pyelftools, which raises FormatError if too much is read."""

    def __init__(self, source: ByteSource, most: int) -> None:
        super().__init__()
        self._source, self._left, self._at = source, most, 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Set the position, which may be beyond the end, and return it. Raise FormatError if it is negative."""
        at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._source.size}[whence]
        if at < 0:
            raise FormatError("an offset is negative")
        self._at = at
        return at

    def tell(self) -> int:
        """Return the offset of the next byte."""
        return self._at

    def read(self, size: int | None = -1, /) -> bytes:
        """Return the next bytes. Raise FormatError if too many have been read, OSError if the medium fails."""
        available = max(0, self._source.size - self._at)
        size = available if size is None or size < 0 else min(size, available)
        self._left -= size + _CALL
        if self._left < 0:
            raise FormatError("its tables refer to more data than it has")
        data = self._source.read(self._at, size)
        self._at += len(data)
        return data


@contextlib.contextmanager
def elf_file(source: ByteSource, name: str) -> Iterator[ELFFile]:
    """Open an ELF file; convert all errors of pyelftools within the context to FormatError. name: for messages."""
    from elftools.elf.elffile import ELFFile

    with _errors(name):
        yield ELFFile(cast("IO[bytes]", BoundedStream(source, source.size + _MOST_READ)))


def elf_header(head: bytes) -> Any:
    """Return the header (`e_type`, `e_machine`, ...), padded with zeros if incomplete. Raise FormatError."""
    from elftools.common.utils import struct_parse

    with _errors("it"):
        if head[:4] != MAGIC:
            raise FormatError("the magic number is missing")
        return struct_parse(_structs(head).Elf_Ehdr, io.BytesIO(head[:64].ljust(64, b"\0")), 0)


def elf_segments(head: bytes, source: ByteSource, most: int) -> list[Any]:
    """Return the program headers (`p_type`, `p_offset`, ...) of a file, without reading anything else.

    Raise FormatError if there are more than `most`, or if they are incomplete.
    """
    from elftools.common.utils import struct_parse

    with _errors("it"):
        header, layout = elf_header(head), _structs(head).Elf_Phdr
        count, step = header["e_phnum"], header["e_phentsize"]
        if len(head) < _HEADER_SIZES[head[4]] or count > most or (count and step < layout.sizeof()):
            raise FormatError("its headers are damaged")
        table = io.BytesIO(source.read(header["e_phoff"], count * step))
        return [struct_parse(layout, table, number * step) for number in range(count)]


def _structs(head: bytes) -> Any:
    from elftools.elf.structs import ELFStructs

    if head[4:5] not in (b"\1", b"\2") or head[5:6] not in (b"\1", b"\2"):
        raise FormatError("its class or its byte order is invalid")
    structs = ELFStructs(little_endian=head[5] == 1, elfclass=32 * head[4])
    structs.create_basic_structs()
    structs.create_advanced_structs()
    return structs


@contextlib.contextmanager
def _errors(name: str) -> Iterator[None]:
    from elftools.common.exceptions import ELFError

    try:
        yield
    except FormatError as error:
        raise FormatError(f"{name} is not a valid ELF file: {error.message}") from error
    # on invalid data pyelftools raises ELFError or any of these
    except (ELFError, LookupError, ValueError, TypeError, AttributeError, ArithmeticError, AssertionError) as error:
        raise FormatError(f"{name} is not a valid ELF file: {error or type(error).__name__}") from error
