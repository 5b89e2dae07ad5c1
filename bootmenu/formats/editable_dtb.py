# SPDX-License-Identifier: MIT
"""Print, compare and edit whole device trees with the library `fdt`.

It is imported only here, to show or edit a tree, and never parses bytes from a disk: its parser guesses types,
rejects FDT_NOP, and takes a minute for a node with 16,000 children. Its nodes and properties are created from a tree
that formats/dtb.py has read.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

import fdt

from bootmenu.errors import FormatError
from bootmenu.formats.dtb import DeviceTree, Node
from bootmenu.formats.dtb_text import LONGEST, Difference, DifferenceKind, is_strings, quoted_string, text_of
from bootmenu.formats.typed_edits import TypedEdit
from bootmenu.i18n import N_, joined, ngettext_lazy
from bootmenu.model.devicetree import MemoryRange
from bootmenu.model.regex import regex
from bootmenu.typed import overload

MAX_DEPTH = 64
"""Levels of nodes, the kernel's limit (drivers/of/fdt.c: FDT_MAX_DEPTH)."""
MAX_ITEMS = 200_000
"""Nodes and properties in total; the largest trees of the kernel have about 15,000."""
_NAME = regex("[!-.0-~]+")
"""Graphic ASCII characters without the slash; others cannot be written as source."""
_DROPPED = "_with_references"
"""Suffix of properties that the library uses internally and does not write."""
_INDENT = 4


class _EscapedStrings(fdt.PropStrings):  # type: ignore[misc]
    """Strings with all necessary escapes; the library only escapes quotation marks."""

    def to_dts(self, tabsize: int = _INDENT, depth: int = 0) -> str:
        """Return the property as a line of source."""
        texts = ", ".join(map(quoted_string, self.data))
        return f"{' ' * (tabsize * depth)}{self.name} = {texts};\n"


class EditableDtb:
    """A device tree in the hands of the library."""

    def __init__(self, tree: fdt.FDT) -> None:
        self._tree = tree

    @classmethod
    def from_tree(cls, tree: DeviceTree) -> EditableDtb:
        """Return an editable copy of a tree.

        Raise FormatError if it cannot be written as source: it has an invalid name, or is nested too deeply.
        """
        header = fdt.Header()
        header.version, header.boot_cpuid_phys = 17, tree.boot_cpu
        # a list of its own: FDT() alone shares one among all trees
        entries = [{"address": area.base, "size": area.size} for area in tree.reservations]
        held, items = fdt.FDT(header, entries), 0
        pending = [(1, tree.root, held.root)]
        while pending:
            depth, node, made = pending.pop()
            items += 1 + len(node.properties)
            if depth > MAX_DEPTH:
                raise FormatError(f"its nodes are more than {MAX_DEPTH} levels deep, and the kernel reads no more")
            if items > MAX_ITEMS:
                raise FormatError(f"it has more than {MAX_ITEMS:,} nodes and properties")
            # bypass the library's append, which searches all properties for the same name
            for name, value in node.properties:
                item = _property(_writable(name), value)
                item.set_parent(made)
                made.props.append(item)
            for child in node.children:
                below = fdt.Node(_writable(child.name))
                below.set_parent(made)
                made.nodes.append(below)
                pending.append((depth + 1, child, below))
        return cls(held)

    def to_tree(self) -> DeviceTree:
        """Return a copy as a DeviceTree."""
        root = Node("")
        pending = [(self._tree.root, root)]
        while pending:
            held, made = pending.pop()
            made.properties = [(item.name, _raw(item)) for item in held.props]
            made.children = [Node(child.name) for child in held.nodes]
            pending += zip(held.nodes, made.children, strict=True)
        return DeviceTree(
            root=root, reservations=list(self._reservations), boot_cpu=self._tree.header.boot_cpuid_phys
        )

    @property
    def _reservations(self) -> Iterator[MemoryRange]:
        for entry in self._tree.entries:
            yield MemoryRange(base=entry["address"], size=entry["size"])

    # ---- printing

    def source(self, longest: int | None = LONGEST) -> SourceLines:
        """Return the lines of the tree's source, which are created on demand.

        longest: bytes after which values are truncated; with None dtc can compile the source to the same tree.
        """
        return SourceLines(self._tree, longest)

    def to_json(self) -> dict[str, object]:
        """Return the tree in the form that `bootmenu dtb show --json` prints."""
        return {
            "reservations": [{"base": area.base, "size": area.size} for area in self._reservations],
            "boot_cpu": self._tree.header.boot_cpuid_phys,
            "root": _to_json(self._tree.root),
        }

    # ---- comparing

    def differences(self, after: EditableDtb, longest: int | None = LONGEST) -> Iterator[Difference]:
        """Yield the differences from this tree to another, in the other's order; removed items of a node come last.
        This takes linear time, unlike fdt.diff."""
        yield from _reservations(list(self._reservations), list(after._reservations))
        pending = [("/", self._tree.root, after._tree.root)]
        while pending:
            path, old, new = pending.pop()
            yield from _properties(path, old, new, longest)
            olds, news = ({child.name: child for child in reversed(node.nodes)} for node in (old, new))
            below = []
            for name in dict.fromkeys(child.name for child in new.nodes):
                child = news[name]
                where = f"{path.rstrip('/')}/{name}"
                if name in olds:
                    below.append((where, olds[name], child))
                else:
                    yield Difference(change=DifferenceKind.ADDED, path=where, after=_weight(child))
            for name in dict.fromkeys(child.name for child in old.nodes):
                if name not in news:
                    where = f"{path.rstrip('/')}/{name}"
                    yield Difference(change=DifferenceKind.REMOVED, path=where, before=_weight(olds[name]))
            pending += reversed(below)

    # ---- changing

    def apply(self, edit: TypedEdit) -> None:
        """Apply an edit. Raise FormatError if the node or property does not exist."""
        if edit.value is None:
            self.delete(edit.path, edit.property)
        else:
            self.set(edit.path, edit.property, edit.value)

    def set(self, path: str, name: str, value: bytes) -> None:
        """Set a property of an existing node. Raise FormatError if the node does not exist."""
        node = self._node(path)
        item = _property(_writable(name), value)
        item.set_parent(node)
        for index, old in enumerate(node.props):
            if old.name == name:
                node.props[index] = item
                return
        node.append(item)

    def delete(self, path: str, name: str) -> None:
        """Delete a property. Raise FormatError if it does not exist."""
        node = self._node(path)
        if not node.exist_property(name):
            raise FormatError(f"{path} has no property {name}")
        node.props[:] = [item for item in node.props if item.name != name]

    def _node(self, path: str) -> fdt.Node:
        """Return the node with that path; unit addresses may be omitted if unambiguous. Raise FormatError."""
        node = self._tree.root
        for name in filter(None, path.split("/")):
            found = [child for child in node.nodes if child.name == name]
            found = found or [child for child in node.nodes if child.name.partition("@")[0] == name]
            if not found:
                raise FormatError(f"there is no node {name} in {node.path.rstrip('/')}/{node.name.strip('/')}")
            if len(found) > 1:
                names = ", ".join(child.name for child in found[:3])
                raise FormatError(
                    f"{name} could be any of {len(found)} nodes: {names}", hint="Write its address, too."
                )
            node = found[0]
        return node


class SourceLines(Sequence[str]):
    """The lines of a tree's source; the text of a line is created when it is accessed."""

    def __init__(self, tree: fdt.FDT, longest: int | None) -> None:
        self._longest = longest
        self._head = ["/dts-v1/;"]
        for entry in tree.entries:
            self._head.append(f"/memreserve/ {entry['address']:#x} {entry['size']:#x};")
        self._rows: list[tuple[int, fdt.BaseItem | None]] = []
        """(depth, node or property) of each line, with None for the end of a node."""
        pending: list[tuple[int, fdt.Node | None]] = [(0, tree.root)]
        while pending:
            depth, node = pending.pop()
            self._rows.append((depth, node))
            if node is not None:
                self._rows += [(depth + 1, item) for item in node.props]
                pending.append((depth, None))
                pending += [(depth + 1, child) for child in reversed(node.nodes)]

    def __len__(self) -> int:
        return len(self._head) + len(self._rows)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        at = range(len(self))[index]
        if at < len(self._head):
            return self._head[at]
        depth, item = self._rows[at - len(self._head)]
        text = (
            "};" if item is None else f"{item.name} {{" if isinstance(item, fdt.Node) else _line(item, self._longest)
        )
        return f"{' ' * (_INDENT * depth)}{text}"


def differences(before: DeviceTree, after: DeviceTree, longest: int | None = LONGEST) -> Iterator[Difference]:
    """Yield the differences between two trees. Raise FormatError if one cannot be written as source."""
    return EditableDtb.from_tree(before).differences(EditableDtb.from_tree(after), longest)


def _walk(root: fdt.Node) -> Iterator[tuple[int, fdt.Node]]:
    """Yield (depth, node) of a node and everything below it."""
    pending = [(0, root)]
    while pending:
        depth, node = pending.pop()
        yield depth, node
        pending += [(depth + 1, child) for child in node.nodes]


def _writable(name: str) -> str:
    """Return the name. Raise FormatError if it cannot be written as source."""
    if not _NAME.fullmatch(name) or name.endswith(_DROPPED):
        raise FormatError(f"a name in it cannot be written: {ascii(name)[:60]}")
    return name


def _property(name: str, value: bytes) -> fdt.Property:
    """Return the same as fdt.new_property, but in linear time, and with strings that are escaped properly."""
    if not value:
        return fdt.Property(name)
    if is_strings(value):
        item = _EscapedStrings(name)
        item.data += value[:-1].decode("ascii").split("\0")
    elif len(value) % 4 == 0:
        item = fdt.PropWords(name)
        item.data += struct.unpack(f">{len(value) // 4}I", value)
    else:
        item = fdt.PropBytes(name, data=value)
    return item


def _raw(item: fdt.Property) -> bytes:
    """Return the bytes of a property's value."""
    data, _, _ = item.to_dtb("")
    return bytes(data[12 : 12 + int.from_bytes(data[4:8], "big")])


def _line(item: fdt.Property, longest: int | None) -> str:
    """Return a property as a line of source."""
    if type(item) is fdt.Property:
        return f"{item.name};"
    return f"{item.name} = {_value(item, longest)};"


def _value(item: fdt.Property, longest: int | None) -> str:
    """Return a property's value as the library prints it, but with digits in lower case, like dtc."""
    if type(item) is fdt.Property:
        return "true"
    text = str(item.to_dts(0, 0)).removeprefix(f"{item.name} = ").removesuffix(";\n")
    is_text = isinstance(item, fdt.PropStrings)
    if longest is not None and (len(text) > longest if is_text else len(_raw(item)) > longest):
        return text_of(_raw(item), longest)
    return text if is_text else text.lower()


def _to_json(node: fdt.Node) -> dict[str, object]:
    return {
        "name": node.name,
        "properties": {item.name: {"text": _value(item, None), "hex": _raw(item).hex()} for item in node.props},
        "nodes": [_to_json(child) for child in node.nodes],
    }


def _reservations(before: list[MemoryRange], after: list[MemoryRange]) -> Iterator[Difference]:
    was, now = set(before), set(after)
    for area in before:
        if area not in now:
            yield Difference(
                change=DifferenceKind.REMOVED, path="/memreserve/", property=str(area), before=N_("reserved")
            )
    for area in after:
        if area not in was:
            yield Difference(
                change=DifferenceKind.ADDED, path="/memreserve/", property=str(area), after=N_("reserved")
            )


def _properties(path: str, old: fdt.Node, new: fdt.Node, longest: int | None) -> Iterator[Difference]:
    was, now = ({item.name: item for item in reversed(node.props)} for node in (old, new))
    for item in new.props:
        if item is not now[name := item.name]:
            continue
        if name not in was:
            yield Difference(change=DifferenceKind.ADDED, path=path, property=name, after=_value(item, longest))
        elif was[name] != item:
            before, after = _value(was[name], longest), _value(item, longest)
            yield Difference(change=DifferenceKind.CHANGED, path=path, property=name, before=before, after=after)
    for item in old.props:
        if (name := item.name) not in now and item is was[name]:
            yield Difference(change=DifferenceKind.REMOVED, path=path, property=name, before=_value(item, longest))


def _weight(node: fdt.Node) -> str:
    nodes = properties = 0
    for _, inner in _walk(node):
        nodes += 1
        properties += len(inner.props)
    weight = ngettext_lazy("{n} property", "{n} properties", properties)
    return (
        joined(", ", [weight, ngettext_lazy("{n} node below", "{n} nodes below", nodes - 1)]) if nodes > 1 else weight
    )
