# SPDX-License-Identifier: MIT
"""A flattened device tree in a file of any size: its nodes, and where the values of their properties are.

Nothing of a value is read before somebody asks for it, and then 64 KiB at most. The grammar is that of
formats/dtb.py, and the memory is that of some hundred thousand tokens, whatever the file holds.
"""

from __future__ import annotations

from bootmenu.formats.dtb import Event, Header, StructureError, by_name, string_list, walk_file
from bootmenu.formats.reader import ByteSource
from bootmenu.model.value import Record, field

MAX_VALUE = 64 * 1024
"""Bytes that are read of a property."""
_SHORT, _MAX_NAME = 64, 4096
_MAX_NAMES = 4 * 1024 * 1024
"""Bytes of the names of all nodes together."""
_PAGE = 4096
Place = tuple[int, int]
"""(offset in the file, length in bytes)"""


class PlacedNode(Record):
    """One node; children in file order."""

    source: ByteSource
    name: str
    places: dict[str, Place] = field(default_factory=dict)
    """Where the values of its properties are, by name; the first of several counts, as for libfdt."""
    children: list[PlacedNode] = field(default_factory=list)

    def get(self, name: str) -> bytes | None:
        """Return the first 64 KiB of a value; None when absent. Raise OSError."""
        place = self.places.get(name)
        return None if place is None else self.source.read(place[0], min(place[1], MAX_VALUE))

    def strings(self, name: str) -> tuple[str, ...]:
        """Return the strings of a string list; () when absent. Bytes that are not UTF-8 are shown as �."""
        return string_list(self.get(name))

    def string(self, name: str) -> str | None:
        """Return the first string; None when absent or empty."""
        return next(iter(self.strings(name)), None) or None

    def u32(self, name: str) -> int | None:
        """Return one cell; None when absent or of another length."""
        raw = self.get(name) if self.places.get(name, (0, 0))[1] == 4 else None
        return int.from_bytes(raw, "big") if raw is not None and len(raw) == 4 else None

    def child(self, name: str) -> PlacedNode | None:
        """Return a child by its name; without a unit address also the first `name@...`, as libfdt does."""
        return by_name(self.children).get(name)


def read_nodes(source: ByteSource, header: Header, max_tokens: int) -> PlacedNode:
    """Return the root. Raise StructureError, and OSError when the medium fails."""
    root: PlacedNode | None = None
    stack: list[PlacedNode] = []
    left = _MAX_NAMES
    for event, name, offset, length in walk_file(_Pages(source), _Pages(source), header, max_tokens):
        if event is Event.PROPERTY:
            stack[-1].places.setdefault(name, (offset, length))
        elif event is Event.BEGIN:
            left -= len(name)
            if left < 0:
                raise StructureError(f"the names of nodes have more than {_MAX_NAMES:,} bytes together")
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
    """The bytes of a source, of which one page is in memory."""

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
        """Return where it is; -1 = nowhere. Raise StructureError where no name is as long as the way to it."""
        for length in (_SHORT, _MAX_NAME):  # most are in the page that is there
            found = self[begin : min(end, begin + length)].find(wanted)
            if found >= 0:
                return begin + found
        if end - begin > _MAX_NAME:
            raise StructureError(f"a name has more than {_MAX_NAME:,} bytes", begin)
        return -1
