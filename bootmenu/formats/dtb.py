# SPDX-License-Identifier: MIT
"""Read and write flattened device trees; the reader is strict and keeps property values as raw bytes.

It accepts exactly what `fdt_check_full` of libfdt 1.8.1 accepts. The layout is described in the Devicetree
Specification 0.4, chapter 5. Types of properties are not guessed: call `.u32()` or `.strings()`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

from bootmenu.errors import FormatError
from bootmenu.formats.reader import Reader
from bootmenu.model.closed_set import Enum, auto
from bootmenu.model.devicetree import MemoryRange
from bootmenu.model.value import Record, Value, field
from bootmenu.typed import Protocol, TypeVar

MAGIC = 0xD00DFEED
MAX_SIZE = 2 * 1024 * 1024
"""Bytes. Documentation/arch/arm64/booting.rst: the dtb "must not exceed 2 megabytes in size"."""

_BEGIN_NODE, _END_NODE, _PROP, _NOP, _END = 1, 2, 3, 4, 9
_PROPERTY = struct.Struct(">III")
"""The tag of a property, the length of its value and the offset of its name."""
_INT_MAX = 0x7FFFFFFF
_LAST_VERSION = 17


_MAX_NAMES = 4 * 1024 * 1024
"""Bytes of the names of all properties in total: a name may begin at any offset in the strings, so the suffixes of
one long name could exhaust memory."""

_MAX_STRINGS, _MAX_TEXT = 256, 64 * 1024
"""Strings of one property and their bytes: boards have a dozen, but 2 MiB could hold a million short ones."""


def string_list(raw: bytes | None) -> tuple[str, ...]:
    """Return a property's value as strings, () if missing; replace bytes that are not UTF-8 with �."""
    if not raw:
        return ()
    parts = raw[:_MAX_TEXT].rstrip(b"\0").split(b"\0", _MAX_STRINGS)[:_MAX_STRINGS]
    return tuple(part.decode("utf-8", "replace") for part in parts)


class HeaderError(FormatError):
    """Raised if the header is not that of a device tree, or refers to data outside the file."""


class StructureError(FormatError):
    """Raised if the blocks after a valid header are damaged."""


class Header(Value, kw_only=True):
    """The ten big-endian words of the header. Offsets and sizes are in bytes."""

    total_size: int
    off_struct: int
    off_strings: int
    off_reservations: int
    version: int
    last_compatible_version: int
    boot_cpu: int
    size_strings: int
    size_struct: int | None
    """None before version 17."""

    @classmethod
    def from_bytes(cls, data: bytes, file_size: int | None = None) -> Header:
        """Read the header from at least 40 bytes. file_size: the file's size if `data` is only its start.

        Raise HeaderError.
        """
        available = len(data) if file_size is None else file_size
        reader = Reader(data, "the device tree's header")
        try:
            magic = reader.u32be(0)
            if magic != MAGIC:
                raise HeaderError(f"the magic number is {magic:#010x}, a device tree begins with {MAGIC:#010x}", 0)
            version, last = reader.u32be(20), reader.u32be(24)
            # The kernel and libfdt read versions 2 to 17 (scripts/dtc/libfdt/fdt.c:fdt_check_header).
            if version < 2 or last > _LAST_VERSION or version < last:
                raise HeaderError(f"version {version} (compatible back to {last}) is not supported", 20)
            header = cls(
                total_size=reader.u32be(4),
                off_struct=reader.u32be(8),
                off_strings=reader.u32be(12),
                off_reservations=reader.u32be(16),
                version=version,
                last_compatible_version=last,
                boot_cpu=reader.u32be(28),
                # libfdt also checks it in version 2, which does not have it
                size_strings=reader.u32be(32),
                size_struct=reader.u32be(36) if version >= _LAST_VERSION else None,
            )
        except HeaderError:
            raise
        except FormatError as error:
            raise HeaderError(error.message) from None
        header._check(available)
        return header

    def _check(self, available: int) -> None:
        size = 40 if self.version >= 17 else 36 if self.version >= 3 else 32
        if self.total_size < size or self.total_size > _INT_MAX:
            raise HeaderError(f"a total size of {self.total_size} bytes is impossible", 4)
        # specification 5.6; libfdt requires it since 1.8.0 (libfdt/fdt.c:fdt_check_header)
        if self.off_reservations % 8 or self.off_struct % 4:
            raise HeaderError(
                "misaligned blocks: the reservations have to begin at a multiple of 8, the structure at one of 4",
                16 if self.off_reservations % 8 else 8,
            )
        if not size <= self.off_reservations <= self.total_size:
            raise HeaderError("the memory reservation block lies outside the tree", 16)
        for name, offset, length, at in (
            ("structure", self.off_struct, self.size_struct or 0, 8),
            ("strings", self.off_strings, self.size_strings, 12),
        ):
            if offset < size or offset + length > self.total_size:
                raise HeaderError(f"the {name} block lies outside the tree", at)
        if available < self.total_size:
            raise HeaderError(f"the file ends early: {available} of {self.total_size} bytes are there", 4)


class Node(Record):
    """A node, with properties and children in file order, including those with duplicate names."""

    name: str
    properties: list[tuple[str, bytes]] = field(default_factory=list)
    children: list[Node] = field(default_factory=list)

    def get(self, name: str) -> bytes | None:
        """Return the value of the first property with that name, as in libfdt, or None."""
        for key, value in self.properties:  # a generator would take twice as long, and a board has thousands of them
            if key == name:
                return value
        return None

    def set(self, name: str, value: bytes) -> None:
        """Replace the value of a property, or append a property."""
        for i, (key, _) in enumerate(self.properties):
            if key == name:
                self.properties[i] = (name, value)
                return
        self.properties.append((name, value))

    def remove(self, name: str) -> bool:
        """Remove all properties with that name; return whether there was one."""
        before = len(self.properties)
        self.properties = [pair for pair in self.properties if pair[0] != name]
        return len(self.properties) != before

    def child(self, name: str) -> Node | None:
        """Return a child by name; as in libfdt, a name without a unit address also finds the first `name@...`."""
        for node in self.children:
            if node.name == name or ("@" not in name and node.name.partition("@")[0] == name):
                return node
        return None

    def strings(self, name: str) -> tuple[str, ...]:
        """Return the strings of a string list, () if missing; replace bytes that are not UTF-8 with �."""
        return string_list(self.get(name))

    def string(self, name: str) -> str | None:
        """Return the first string, or None if missing or empty."""
        return next(iter(self.strings(name)), None) or None

    def u32(self, name: str) -> int | None:
        """Return the value of a single cell, or None if missing or of another length."""
        raw = self.get(name)
        return int.from_bytes(raw, "big") if raw is not None and len(raw) == 4 else None

    def u64(self, name: str) -> int | None:
        """Return the value of two cells, or of one, as some firmware writes; None if missing or of another length."""
        raw = self.get(name)
        return int.from_bytes(raw, "big") if raw is not None and len(raw) in (4, 8) else None

    def available(self) -> bool:
        """Return whether it has no status, `okay` or `ok` (drivers/of/fdt.c:of_fdt_device_is_available)."""
        return self.get("status") is None or self.string("status") in ("okay", "ok")

    def nodes(self) -> Iterator[Node]:
        """Yield this node and all below it in file order, in linear time even if deeply nested, unlike `walk`."""
        stack = [self]
        while stack:
            node = stack.pop()
            yield node
            stack += reversed(node.children)

    def walk(self, path: str = "") -> Iterator[tuple[str, Node]]:
        """Yield (path, node) of this node and all below it in file order."""
        stack = [(path or "/", self)]
        while stack:
            where, node = stack.pop()
            yield where, node
            stack += [(f"{where.rstrip('/')}/{child.name}", child) for child in reversed(node.children)]


class _Named(Protocol):
    @property
    def name(self) -> str: ...


N = TypeVar("N", bound=_Named)


def by_name(nodes: Iterable[N]) -> dict[str, N]:
    """Return the first node of each name, as `child` finds it, for callers that look up many."""
    found: dict[str, N] = {}
    for node in nodes:
        found.setdefault(node.name, node)
        found.setdefault(node.name.partition("@")[0], node)
    return found


class DeviceTree(Record, kw_only=True):
    """A device tree in memory."""

    root: Node
    reservations: list[MemoryRange] = field(default_factory=list)
    boot_cpu: int = 0

    @classmethod
    def from_bytes(cls, data: bytes, max_tokens: int | None = None) -> DeviceTree:
        """Read the whole tree, in time and memory linear in its size; ignore bytes after its total size.

        max_tokens: limit for nodes, properties and NOPs in total, or None.
        Raise HeaderError or StructureError.
        """
        header = Header.from_bytes(data)
        blob = data[: header.total_size]
        return cls(
            root=_read_nodes(blob, header, max_tokens),
            reservations=_read_reservations(blob, header),
            boot_cpu=header.boot_cpu,
        )

    def copy(self) -> DeviceTree:
        """Return a deep copy, without recursion."""
        root = Node(self.root.name, list(self.root.properties))
        pending = [(self.root, root)]
        while pending:
            given, made = pending.pop()
            made.children = [Node(child.name, list(child.properties)) for child in given.children]
            pending += zip(given.children, made.children, strict=True)
        return DeviceTree(root=root, reservations=list(self.reservations), boot_cpu=self.boot_cpu)

    def node(self, path: str) -> Node | None:
        """Return the node with an absolute path, or None; unit addresses may be omitted."""
        node: Node | None = self.root
        for part in path.strip("/").split("/") if path.strip("/") else ():
            node = node.child(part) if node is not None else None
        return node

    def ensure(self, path: str) -> Node:
        """Return the node with an absolute path; create missing nodes."""
        node = self.root
        for part in path.strip("/").split("/"):
            child = node.child(part)
            if child is None:
                child = Node(part)
                node.children.append(child)
            node = child
        return node

    def to_bytes(self) -> bytes:
        """Return the tree as version 17, packed and without NOPs."""
        reservations = b"".join(struct.pack(">QQ", area.base, area.size) for area in self.reservations) + bytes(16)
        structure = bytearray()
        strings = bytearray()
        offsets: dict[str, int] = {}
        pending: list[Node | None] = [self.root]
        head_of = _PROPERTY.pack
        while pending:
            node = pending.pop()
            if node is None:
                structure += b"\0\0\0\2"  # _END_NODE
                continue
            name = node.name.encode("utf-8", "surrogateescape") + b"\0"
            structure += struct.pack(">I", _BEGIN_NODE) + name + bytes(-len(name) % 4)
            for key, value in node.properties:
                if key not in offsets:
                    offsets[key] = len(strings)
                    strings += key.encode("utf-8", "surrogateescape") + b"\0"
                length = len(value)
                structure += head_of(_PROP, length, offsets[key])
                structure += value
                if length & 3:
                    structure += bytes(-length & 3)
            pending.append(None)
            pending.extend(reversed(node.children))
        structure += struct.pack(">I", _END)
        off_struct = 40 + len(reservations)
        off_strings = off_struct + len(structure)
        header = struct.pack(
            ">10I",
            MAGIC,
            off_strings + len(strings),
            off_struct,
            off_strings,
            40,
            _LAST_VERSION,
            16,
            self.boot_cpu,
            len(strings),
            len(structure),
        )
        return header + reservations + bytes(structure) + bytes(strings)


def check(data: bytes) -> None:
    """Read a whole tree and keep nothing of it. Raise what `DeviceTree.from_bytes` raises."""
    header = Header.from_bytes(data)
    for _ in _walk(data, data, header, None, root_only=False):
        pass
    _read_reservations(data, header)


def read_root(data: bytes) -> Node:
    """Return the root with its properties only, without reading what follows.

    Raise HeaderError or StructureError.
    """
    header = Header.from_bytes(data)
    return _read_nodes(data[: header.total_size], header, None, root_only=True)


def _read_reservations(blob: Blob, header: Header, most: int | None = None) -> list[MemoryRange]:
    # "the list ... is terminated with an entry where both address and size are equal to 0" (5.3.1);
    # libfdt (fdt_num_mem_rsv) and the kernel already stop at size 0.
    areas: list[MemoryRange] = []
    offset = header.off_reservations
    while True:
        if offset + 16 > header.total_size:
            raise StructureError("the memory reservation block has no end", offset)
        base, size = (int.from_bytes(blob[at : at + 8], "big") for at in (offset, offset + 8))
        if size == 0:
            return areas
        if most is not None and len(areas) >= most:
            raise StructureError(f"the memory reservation block has more than {most:,} entries", offset)
        areas.append(MemoryRange(base=base, size=size))
        offset += 16


class Blob(Protocol):
    """The bytes of a device tree: `bytes`, or pages of a file."""

    def __getitem__(self, wanted: slice, /) -> bytes: ...
    def find(self, wanted: bytes, begin: int, end: int, /) -> int: ...


class Event(Enum):
    """The kind of a step of a walk through the structure block."""

    BEGIN = auto()
    """The beginning of a node, with its name."""
    END = auto()
    """The end of the innermost node."""
    PROPERTY = auto()
    """A property, with its name and the offset and length of its value."""


def _read_nodes(blob: bytes, header: Header, max_tokens: int | None, *, root_only: bool = False) -> Node:
    root: Node | None = None
    stack: list[Node] = []
    for event, name, offset, length in _walk(blob, blob, header, max_tokens, root_only=root_only):
        if event is Event.PROPERTY:
            stack[-1].properties.append((name, blob[offset : offset + length]))
        elif event is Event.BEGIN:
            node = Node(name)
            if stack:
                stack[-1].children.append(node)
            else:
                root = node
            stack.append(node)
        else:
            stack.pop()
    return root or Node("")


def walk_file(
    structure: Blob, strings: Blob, header: Header, max_tokens: int
) -> Iterator[tuple[Event, str, int, int]]:
    """Yield (event, name, offset in the file, length) for a tree of any size, without reading values.

    structure, strings: two objects for the same bytes, which are read alternately. Raise StructureError.
    """
    _read_reservations(structure, header, _MAX_RESERVATIONS)
    yield from _walk(structure, strings, header, max_tokens, root_only=False)


_MAX_RESERVATIONS = 1024


def _walk(
    blob: Blob, strings: Blob, header: Header, max_tokens: int | None, *, root_only: bool
) -> Iterator[tuple[Event, str, int, int]]:
    begin = header.off_struct
    end = header.total_size if header.size_struct is None else begin + header.size_struct
    old_layout = header.version < 16
    names: dict[int, str] = {}
    names_left = _MAX_NAMES
    depth, rooted = 0, False
    offset = begin
    tokens_left = -1 if max_tokens is None else max_tokens
    # a slow board reads thousands of tokens before it can start anything, so each takes few steps
    kind, head_of = Event.PROPERTY, _PROPERTY.unpack
    while True:
        start = offset
        if not tokens_left:
            raise StructureError(f"the structure block has more than {max_tokens:,} tokens", offset)
        tokens_left -= 1
        if offset + 4 > end:
            raise StructureError("the structure block ends without an end tag", offset)
        token = blob[offset : offset + 12]
        tag = int.from_bytes(token[:4], "big")
        if not depth and rooted and tag not in (_END, _NOP):
            raise StructureError("there is data after the root node", start)
        if tag == _PROP:
            value = offset + 12
            if value > end or len(token) < 12:
                raise StructureError("a property ends early", start)
            _, length, name_offset = head_of(token)
            if old_layout and length >= 8 and (value - begin) % 8:
                value += 4
            offset = value + length
            if offset > end:
                raise StructureError(f"a property of {length} bytes ends early", start)
            name = names.get(name_offset)
            if name is None:
                raw = _read_name(strings, header, name_offset, start, names_left)
                names_left -= len(raw)
                names[name_offset] = name = raw.decode("utf-8", "surrogateescape")
            if depth:
                yield kind, name, value, length
        elif root_only and depth and tag in (_BEGIN_NODE, _END_NODE):
            return
        elif tag == _BEGIN_NODE:
            stop = blob.find(b"\0", offset + 4, end)
            if stop < 0:
                raise StructureError("a node's name has no end", start)
            name = blob[offset + 4 : stop].decode("utf-8", "surrogateescape")
            offset = stop + 1
            if old_layout:  # which has full paths instead of names
                if not depth and "/" not in name:
                    raise StructureError("the root's path has no slash", start)
                name = name.rpartition("/")[2]
            if not depth and name:
                raise StructureError("the root node has a name", start)
            rooted = True
            depth += 1
            yield Event.BEGIN, name, 0, 0
        elif tag == _END_NODE:
            if not depth:
                raise StructureError("a node ends that never began", start)
            offset += 4
            depth -= 1
            yield Event.END, "", 0, 0
        elif tag == _END:
            if depth:
                raise StructureError("the tree ends inside a node", start)
            return
        elif tag == _NOP:
            offset += 4
        else:
            raise StructureError(f"tag {tag:#x} is unknown", start)
        offset += begin - offset & 3


def _read_name(blob: Blob, header: Header, offset: int, at: int, longest: int) -> bytes:
    begin = header.off_strings + offset
    end = header.total_size if header.version < _LAST_VERSION else header.off_strings + header.size_strings
    stop = blob.find(b"\0", begin, end) if begin < end else -1
    if stop < 0:
        raise StructureError("a property's name lies outside the strings", at)
    if stop - begin > longest:
        raise StructureError(f"the names of properties have more than {_MAX_NAMES:,} bytes in total", at)
    return blob[begin:stop]
