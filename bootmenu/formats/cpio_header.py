# SPDX-License-Identifier: MIT
"""Read the header of a member of a newc cpio archive, the format of an initramfs.

Documentation/driver-api/early-userspace/buffer-format.rst: the magic, and 13 fields of 8 hexadecimal digits.
"""

from __future__ import annotations

from bootmenu.errors import FormatError
from bootmenu.model.regex import regex
from bootmenu.model.value import Value

CPIO_HEADER = 110
"""Bytes of a header."""
CPIO_MAGICS = (b"070701", b"070702")
"""The second is of an archive with checksums, which are not compared here."""
CPIO_TRAILER = "TRAILER!!!"
"""Name of the last member, which is no file."""
_PATH_MAX = 4096
# int() would also take a sign, blanks and underscores
_FIELDS = regex(rb"07070[12]([0-9A-Fa-f]{104})")


class CpioHeader(Value, kw_only=True):
    """What the header says of a member."""

    mode: int
    """st_mode: type and permission bits."""
    size: int
    """Bytes of its data."""
    device: tuple[int, int]
    """Major and minor number of a device node."""
    name_size: int
    """Bytes of its name, with the NUL at the end."""

    @classmethod
    def from_bytes(cls, header: bytes) -> CpioHeader:
        """Read a header. Raise FormatError if it is incomplete or damaged."""
        if len(header) < CPIO_HEADER or header[:6] not in CPIO_MAGICS:
            raise FormatError("the archive ends early, or is damaged")
        match = _FIELDS.fullmatch(header)
        if match is None:
            raise FormatError("a header of the archive is damaged")
        digits = match[1]
        fields = [int(digits[place : place + 8], 16) for place in range(0, 104, 8)]
        _, mode, _, _, _, _, size, _, _, major, minor, name_size, _ = fields
        # init/initramfs.c, do_header: "if (name_len <= 0 || name_len > PATH_MAX) return 0;", which skips the file
        if not 0 < name_size <= _PATH_MAX:
            raise FormatError("a file name in the archive is too long")
        return cls(mode=mode, size=size, device=(major, minor), name_size=name_size)
