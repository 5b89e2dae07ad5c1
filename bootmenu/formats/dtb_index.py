# SPDX-License-Identifier: MIT
"""Index a flattened device tree in a file of any size: its nodes, and the offsets of their properties' values.

Values are read on demand, at most 64 KiB each. The grammar is that of formats/dtb.py, and memory use is limited by
the number of tokens.
"""

from __future__ import annotations

from bootmenu.formats.dtb import Event, Header, StructureError, by_name, string_list, walk_file
from bootmenu.formats.reader import ByteSource
from bootmenu.model.value import Record, field

MAX_VALUE = 64 * 1024
"""Bytes of a property's value that are read."""
_SHORT, _MAX_NAME = 64, 4096
_MAX_NAMES = 4 * 1024 * 1024
"""Bytes of the names of all nodes in total."""
_PAGE = 4096
Place = tuple[int, int]
"""(offset in the file, length in bytes)"""


class PlacedNode(Record):
    """A node, with its children in file order."""

    source: ByteSource
    name: str
    places: dict[str, Place] = field(default_factory=dict)
    """The places of the properties' values by name; the first of several with one name, as in libfdt."""
    children: list[PlacedNode] = field(default_factory=list)

    def get(self, name: str) -> bytes | None:
        """Return the first 64 KiB of a value, or None if missing. Raise OSError."""
        place = self.places.get(name)
        return None if place is None else self.source.read(place[0], min(place[1], MAX_VALUE))

    def strings(self, name: str) -> tuple[str, ...]:
        """Return the strings of a string list, () if missing; replace bytes that are not UTF-8 with �."""
        return string_list(self.get(name))

    def string(self, name: str) -> str | None:
        """Return the first string, or None if missing or empty."""
        return next(iter(self.strings(name)), None) or None

    def u32(self, name: str) -> int | None:
        """Return the value of a single cell, or None if missing or of another length."""
        raw = self.get(name) if self.places.get(name, (0, 0))[1] == 4 else None
        return int.from_bytes(raw, "big") if raw is not None and len(raw) == 4 else None

    def child(self, name: str) -> PlacedNode | None:
        """Return a child by name; as in libfdt, a name without a unit address also finds the first `name@...`."""
        return by_name(self.children).get(name)


def read_nodes(source: ByteSource, header: Header, max_tokens: int) -> PlacedNode:
    """Return the root node. Raise StructureError, or OSError if the medium fails."""
    root: PlacedNode | None = None
    stack: list[PlacedNode] = []
    left = _MAX_NAMES
    for event, name, offset, length in walk_file(_Pages(source), _Pages(source), header, max_tokens):
        if event is Event.PROPERTY:
            stack[-1].places.setdefault(name, (offset, length))
        elif event is Event.BEGIN:
            left -= len(name)
            if left < 0:
                raise StructureError(f"the names of nodes have more than {_MAX_NAMES:,} bytes in total")
            node = PlacedNode(source, name)
            if stack:
                stack[-1].children.append(node)
            else:
                root = node
            stack.append(node)
        else:
            stack.pop()
    return root or PlacedNode(source, "")


class _Pages:
    """The bytes of a source, with one page in memory."""

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self._begin = 0
        self._page = b""

    def __getitem__(self, wanted: slice, /) -> bytes:
        begin, end = wanted.start, wanted.stop
        if not self._begin <= begin <= end <= self._begin + len(self._page):
            self._begin, self._page = begin, self._source.read(begin, max(_PAGE, end - begin))
        return self._page[begin - self._begin : end - self._begin]

    def find(self, wanted: bytes, begin: int, end: int, /) -> int:
        """Return the offset, or -1. Raise StructureError if it is farther away than the longest name."""
        for length in (_SHORT, _MAX_NAME):  # most are in the current page
            found = self[begin : min(end, begin + length)].find(wanted)
            if found >= 0:
                return begin + found
        if end - begin > _MAX_NAME:
            raise StructureError(f"a name has more than {_MAX_NAME:,} bytes", begin)
        return -1
