# SPDX-License-Identifier: MIT
"""Read only the root's `compatible` and `model` of a device tree, with two short reads of the file.

For valid trees the result is the same as that of formats/dtb.py; damage after the root's properties is not detected.
Any input gives a DtbHead or a FormatError, and at most 2 MiB are read.
"""

from __future__ import annotations

import struct

from bootmenu.errors import FormatError
from bootmenu.formats.dtb import MAGIC, MAX_SIZE, Header, read_root, string_list
from bootmenu.formats.reader import ByteSource
from bootmenu.typed import NamedTuple

MAX_PROPERTY = 4096
"""Bytes; a longer `compatible` or `model` of the root is an error. The longest in Linux 6.1 has 1,206."""

_FIRST, _NAMES = 512, 256
"""Bytes to read of each block: dtc puts the root's properties first, and this suffices for Debian's trees."""
_INT_MAX = 0x7FFFFFFF
_ROOT = b"\0\0\0\x01\0\0\0\0"
"""FDT_BEGIN_NODE and an empty name."""
_HEADER = struct.Struct(">10I")
_PROPERTY = struct.Struct(">3I")


class DtbHead(NamedTuple):
    """The raw values of the two properties, None if missing.

    This is a tuple because a frozen dataclass takes three times as long to create, and there are hundreds.
    """

    raw_compatible: bytes | None
    raw_model: bytes | None

    @property
    def compatible(self) -> tuple[str, ...]:
        """Return `compatible`, most specific first; () if missing."""
        return string_list(self.raw_compatible)

    @property
    def model(self) -> str | None:
        """Return `model`, or None if missing or empty."""
        return next(iter(string_list(self.raw_model)), None) or None


def read_head(source: ByteSource) -> DtbHead:
    """Read `compatible` and `model`. Raise FormatError, also for files over 2 MiB, or OSError if the medium fails."""
    head = quick_head(source)
    if head is None:
        # detect a damaged header before reading the rest
        Header.from_bytes(source.read(0, _FIRST), source.size)
        root = read_root(source.read(0, source.size))
        head = DtbHead(root.get("compatible"), root.get("model"))
    for name, raw in (("compatible", head.raw_compatible), ("model", head.raw_model)):
        if raw is not None and len(raw) > MAX_PROPERTY:
            raise FormatError(f"the root's {name} is {len(raw):,} bytes long, at most {MAX_PROPERTY:,} are read")
    return head


def quick_head(source: ByteSource) -> DtbHead | None:
    """Try two short reads; return None if the whole file has to be read. Raise what `read_head` raises."""
    size = source.size
    if size > MAX_SIZE:
        raise FormatError(f"{size:,} bytes are too many for a device tree, at most {MAX_SIZE:,} are allowed", 0)
    data = source.read(0, _FIRST)
    if len(data) < 56:
        return None
    magic, total, at, off_strings, off_reservations, version, last, _, size_strings, size_struct = (
        _HEADER.unpack_from(data)
    )
    # the conditions of Header.from_bytes, for the version in general use
    if (
        magic != MAGIC
        or version < 17
        or last > 17
        or total > size
        or total > _INT_MAX
        or at < 40
        or at + size_struct > total
        or off_strings < 40
        or off_strings + size_strings > total
        or not 40 <= off_reservations <= total
        or off_reservations % 8
        or at % 4
        or data[at : at + 8] != _ROOT
    ):
        return None
    end = min(at + size_struct, len(data))
    begin = at
    at += 8
    names = source.read(off_strings, min(size_strings, _NAMES))
    certain = len(names) - 11 if len(names) < size_strings else size_strings
    """The last offset in `names` at which a name can be identified."""
    compatible_at, model_at = names.find(b"compatible\0"), names.find(b"model\0")
    if names.find(b"compatible\0", compatible_at + 1) > 0 or names.find(b"model\0", model_at + 1) > 0:
        return None  # probably as the end of another name
    compatible: bytes | None = None
    model: bytes | None = None
    while at + 12 <= end:
        tag, length, name = _PROPERTY.unpack_from(data, at)
        if tag != 3:
            # Devicetree Specification 5.4.2: properties come before the node's children
            return DtbHead(compatible, model) if tag in (1, 2) else None
        value = at + 12
        at = value + length
        if at > end or name > certain:
            return None
        if name == compatible_at and compatible is None:
            compatible = data[value:at]
            if model is not None:
                return DtbHead(compatible, model)
        elif name == model_at and model is None:
            model = data[value:at]
            if compatible is not None:
                return DtbHead(compatible, model)
        at = begin + ((at - begin + 3) & ~3)
    return None
