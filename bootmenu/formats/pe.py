# SPDX-License-Identifier: MIT
"""Read the PE/COFF headers of kernels with an EFI stub: machine, sections, certificate table."""

from __future__ import annotations

from bootmenu.errors import FormatError
from bootmenu.formats.reader import Reader
from bootmenu.model.kernel import Architecture
from bootmenu.model.value import Value

MACHINES = {
    0xAA64: Architecture.ARM64,
    0x01C0: Architecture.ARM,
    0x01C2: Architecture.ARM,
    0x8664: Architecture.X86_64,
    0x014C: Architecture.X86,
    0x5064: Architecture.RISCV64,
    0x6264: Architecture.LOONGARCH64,
}

_MAX_SECTIONS = 1024
"""A unified kernel image has one per device tree, far more than the 96 of Windows; each needs 40 bytes."""


class Section(Value, kw_only=True):
    """One row of the section table. Offsets and sizes are bytes."""

    name: str
    offset: int
    """Offset in the file."""
    size: int
    """Size of its raw data, padded to the file's alignment."""
    virtual_size: int
    """Size in memory, without padding; 0 if unknown."""

    @property
    def content_size(self) -> int:
        """Return the size without padding; the size in memory may exceed what is in the file."""
        return min(self.size, self.virtual_size) if self.virtual_size else self.size


class PortableExecutable(Value, kw_only=True):
    """The headers of a PE file. Offsets and sizes are in bytes of the file."""

    machine: int
    sections: tuple[Section, ...]
    certificates: tuple[int, int]
    """(offset, size) of the certificate table; (0, 0) if it is not signed."""
    headers_size: int = 0
    """Size of all headers, padded; 0 if unknown."""
    unsigned: tuple[tuple[int, int], ...] = ()
    """(offset, size) of what a signature does not cover in the headers: the checksum, and where the certificate table
    is."""

    @classmethod
    def from_head(cls, head: bytes) -> PortableExecutable | None:
        """Read the headers in a file's first bytes, or return None if it is no PE file. Raise FormatError if they are
        incomplete."""
        if head[:2] != b"MZ" or len(head) < 0x40:
            return None
        reader = Reader(head, "the PE header")
        at = reader.u32le(0x3C)
        if head[at : at + 4] != b"PE\0\0":
            return None
        count, optional_size = reader.u16le(at + 6), reader.u16le(at + 20)
        if count > _MAX_SECTIONS:
            raise FormatError(f"the PE header names {count} sections", at + 6)
        optional = at + 24
        certificates, headers_size = (0, 0), 0
        unsigned: tuple[tuple[int, int], ...] = ()
        if optional_size >= 2:
            directories = {0x10B: 96, 0x20B: 112}.get(reader.u16le(optional))
            # the certificate table is directory 4; its "address" is a file offset (PE/COFF 5.7)
            if (
                directories is not None
                and optional_size >= directories + 40
                and reader.u32le(optional + directories - 4) > 4
            ):
                at_certificates = optional + directories + 32
                certificates = (reader.u32le(at_certificates), reader.u32le(at_certificates + 4))
                headers_size, unsigned = reader.u32le(optional + 60), ((optional + 64, 4), (at_certificates, 8))
        table = optional + optional_size
        sections = tuple(
            Section(
                name=reader.slice(row, 8).rstrip(b"\0").decode("ascii", "replace"),
                offset=reader.u32le(row + 20),
                size=reader.u32le(row + 16),
                virtual_size=reader.u32le(row + 8),
            )
            for row in range(table, table + 40 * count, 40)
        )
        return cls(
            machine=reader.u16le(at + 4),
            sections=sections,
            certificates=certificates,
            headers_size=headers_size,
            unsigned=unsigned,
        )

    @property
    def end(self) -> int | None:
        """Return the size that the file must have at least, or None if no section has raw data."""
        ends = [section.offset + section.size for section in self.sections if section.size]
        if not ends:
            return None
        offset, size = self.certificates
        return max([*ends, offset + size if size else 0])
