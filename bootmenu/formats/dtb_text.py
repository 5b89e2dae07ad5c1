# SPDX-License-Identifier: MIT
"""Device trees for people: a property's bytes as text, a whole tree as source, and the differences of two.

Types are not in a device tree; what is shown is a guess that dtc makes, too, and nothing is decided by it.
"""

from __future__ import annotations

import string
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from bootmenu.formats.dtb import DeviceTree, Node

_LONGEST = 64
"""Bytes of a value that are shown."""
_PRINTABLE = frozenset(string.printable.encode()) - frozenset(b"\n\r\x0b\x0c")


class Change(StrEnum):
    """What became of a node or a property."""

    ADDED = "+"
    REMOVED = "-"
    CHANGED = "~"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One property, or a node that is only in one of the trees."""

    change: Change
    path: str
    property: str = ""
    """Empty = the node itself, with all that is below it."""
    before: str = ""
    after: str = ""
    """Values as text; empty where there is none."""

    def __str__(self) -> str:
        """`~ /chosen bootargs: "a" → "b"`"""
        where = f"{self.change} {self.path}"
        if not self.property:
            return f"{where}: {self.after or self.before}"
        match self.change:
            case Change.ADDED:
                return f"{where} {self.property}: {self.after}"
            case Change.REMOVED:
                return f"{where} {self.property}: {self.before}"
            case Change.CHANGED:
                return f"{where} {self.property}: {self.before} → {self.after}"


def text_of(value: bytes, longest: int = _LONGEST) -> str:
    """`"okay"`, `<0x1 0x2>`, `[01 02 03]`, or `true` for a property without a value; long ones are cut."""
    if not value:
        return "true"
    if _is_strings(value):
        texts = value[:-1].split(b"\0")
        shown = ", ".join(
            '"' + text.decode("ascii").replace("\\", "\\\\").replace('"', '\\"') + '"' for text in texts
        )
        return shown if len(shown) <= longest else shown[: longest - 3] + "..."
    more = " ..." if len(value) > longest else ""
    value = value[:longest]
    if len(value) % 4 == 0:
        return (
            "<"
            + " ".join(f"{int.from_bytes(value[at : at + 4], 'big'):#x}" for at in range(0, len(value), 4))
            + more
            + ">"
        )
    return "[" + value.hex(" ") + more + "]"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _is_strings(value: bytes) -> bool:
    """Printable strings, each with its NUL, and none empty but a single one."""
    if value[-1:] != b"\0" or value[:1] == b"\0":
        return False
    return b"\0\0" not in value and not set(value) - _PRINTABLE - {0}


def source_of(tree: DeviceTree) -> Iterator[str]:
    """The tree as dtc writes it, a line at a time."""
    yield "/dts-v1/;"
    for area in tree.reservations:
        yield f"/memreserve/ {area.base:#x} {area.size:#x};"
    # (depth, node), or (depth, None) where one ends
    pending: list[tuple[int, Node | None]] = [(0, tree.root)]
    while pending:
        depth, node = pending.pop()
        indent = "    " * depth
        if node is None:
            yield f"{indent}}};"
            continue
        yield f"{indent}{_safe(node.name) or '/'} {{"
        for name, value in node.properties:
            yield f"{indent}    {_safe(name)}{f' = {text_of(value)}' if value else ''};"
        pending.append((depth, None))
        pending += [(depth + 1, child) for child in reversed(node.children)]


def differences(before: DeviceTree, after: DeviceTree) -> Iterator[Difference]:
    """In the order of `after`, what was removed from a node behind what is left of it. Linear in the two sizes."""
    for area in before.reservations:
        if area not in after.reservations:
            yield Difference(change=Change.REMOVED, path="/memreserve/", property=str(area), before="reserved")
    for area in after.reservations:
        if area not in before.reservations:
            yield Difference(change=Change.ADDED, path="/memreserve/", property=str(area), after="reserved")
    pending = [("/", before.root, after.root)]
    while pending:
        path, old, new = pending.pop()
        yield from _properties(path, old, new)
        olds = {child.name: child for child in reversed(old.children)}
        news = {child.name: child for child in reversed(new.children)}
        below = []
        for name in dict.fromkeys(child.name for child in new.children):
            where = f"{path.rstrip('/')}/{_safe(name)}"
            if name in olds:
                below.append((where, olds[name], news[name]))
            else:
                yield Difference(change=Change.ADDED, path=where, after=_weight(news[name]))
        for name in dict.fromkeys(child.name for child in old.children):
            if name not in news:
                where = f"{path.rstrip('/')}/{_safe(name)}"
                yield Difference(change=Change.REMOVED, path=where, before=_weight(olds[name]))
        pending += reversed(below)


def _properties(path: str, old: Node, new: Node) -> Iterator[Difference]:
    was, now = (dict(reversed(node.properties)) for node in (old, new))
    for name in dict.fromkeys(name for name, _ in new.properties):
        if name not in was:
            yield Difference(change=Change.ADDED, path=path, property=_safe(name), after=text_of(now[name]))
        elif was[name] != now[name]:
            before, after = text_of(was[name]), text_of(now[name])
            yield Difference(change=Change.CHANGED, path=path, property=_safe(name), before=before, after=after)
    for name in dict.fromkeys(name for name, _ in old.properties):
        if name not in now:
            yield Difference(change=Change.REMOVED, path=path, property=_safe(name), before=text_of(was[name]))


def _weight(node: Node) -> str:
    nodes = properties = 0
    for _, inner in node.walk():
        nodes += 1
        properties += len(inner.properties)
    below = f", {nodes - 1} {'node' if nodes == 2 else 'nodes'} below" if nodes > 1 else ""
    return f"{properties} {'property' if properties == 1 else 'properties'}{below}"


def _safe(name: str) -> str:
    """Names are bytes of a file: what no device tree's name has is shown as ?."""
    return "".join(char if char.isascii() and char.isprintable() else "?" for char in name[:200])
