# SPDX-License-Identifier: MIT
"""The device tree on its way to the second kernel: what a boot changes in it, and how changes are applied.

kexec/firmware_fixups.py says what has to change because no firmware runs.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator, Sequence

from bootmenu.errors import BootmenuError, FormatError
from bootmenu.formats.dtb import MAX_SIZE, DeviceTree, Node
from bootmenu.formats.dtb_edits import MOST_EDITS, DtbEdit
from bootmenu.formats.dtb_facts import STALE_CHOSEN, facts
from bootmenu.formats.dtb_text import text_of
from bootmenu.model.devicetree import MemoryRange
from bootmenu.model.text import printable, quoted
from bootmenu.model.value import Value

RESERVE = "/memreserve/"
"""As an Edit's path: an entry of the memory reservation block, address and size of 8 bytes each."""
_SEEDS = {"kaslr-seed": 8, "rng-seed": 128}
"""Bytes, as arch/arm64/kernel and drivers/of/kexec.c write them."""


class Edit(Value, kw_only=True):
    """One change to the device tree on its way to the second kernel. value None = the property is removed, unless
    `fresh` or `late` say otherwise."""

    path: str
    """Node, absolute: `/chosen`; or RESERVE."""
    property: str = ""
    value: bytes | None = None
    why: str
    """For people: `carried over from the running tree`."""
    fresh: int = 0
    """So many random bytes are put in when the tree is made."""
    late: bool = False
    """The loading method puts it in, as only that knows the addresses."""

    def __str__(self) -> str:
        if self.path == RESERVE and self.value is not None:
            base, size = struct.unpack(">QQ", self.value)
            return f"{MemoryRange(base=base, size=size)} reserved ({self.why})"
        if self.late:
            return f"{self.path}: {self.property} set at load ({self.why})"
        if self.fresh:
            return f"{self.path}: {self.property} set, {self.fresh} random bytes ({self.why})"
        if self.value is None:
            return f"{self.path}: {self.property} removed ({self.why})"
        return f"{self.path}: {self.property} = {text_of(self.value)} ({self.why})"

    def to_json(self) -> dict[str, object]:
        """As `boot --dry-run --json` prints it."""
        value = None if self.value is None else self.value.hex()
        return {
            "path": self.path,
            "property": self.property,
            "value": value,
            "why": self.why,
            "at_load": self.late or bool(self.fresh),
        }


def boot_edits(own: DeviceTree, command_line: str, *, initramfs: bool, seeds: bool) -> Iterator[Edit]:
    """What belongs to this boot. seeds: the method writes the tree itself. kexec-tools does not: it puts a seed where
    it finds a zero, and refuses a tree with another one ("setup_2nd_dtb failed")."""
    yield Edit(
        path="/chosen", property="bootargs", value=os.fsencode(command_line) + b"\0", why="the entry's command line"
    )
    if initramfs:
        for name in ("linux,initrd-start", "linux,initrd-end"):
            yield Edit(path="/chosen", property=name, late=True, why="where the initramfs will lie")
    chosen = own.node("/chosen")
    why = "what the running kernel drew; a seed from a file is none"
    for name, size in _SEEDS.items():
        if seeds or (name == "rng-seed" and chosen and chosen.get(name) is not None):
            yield Edit(path="/chosen", property=name, fresh=size, why=why)
        elif name == "kaslr-seed" and facts(own).has_kaslr_seed:
            yield Edit(path="/chosen", property=name, value=bytes(size), why="a fresh seed is put in at load")


# ---- applying them -------------------------------------------------------------------------------------------


def apply(tree: DeviceTree, changes: Iterable[Edit]) -> DeviceTree:
    """Another tree, with the edits made; the given one is not changed. Late ones are left to the loading method."""
    tree = tree.copy()
    changes = tuple(changes)
    # an address may go into a node of such a name, too: only what makes it memory replaces the others
    written = {edit.path for edit in changes if edit.property == "device_type" and edit.value == b"memory\0"}
    if written:
        # what is there may be a placeholder, disabled or overruled by linux,usable-memory: none of it may stay
        tree.root.children = [
            node
            for node in tree.root.children
            if f"/{node.name}" not in written and not (node.name.startswith("memory") and _is_memory(node))
        ]
        for node in filter(_is_memory, tree.root.children):  # and this is something else as well
            node.remove("device_type")
    for edit in changes:
        if edit.late:
            continue
        if edit.path == RESERVE and edit.value is not None:
            base, size = struct.unpack(">QQ", edit.value)
            tree.reservations.append(MemoryRange(base=base, size=size))
            continue
        node = tree.root if edit.path == "/" else tree.ensure(edit.path)
        value = os.urandom(edit.fresh) if edit.fresh else edit.value
        if value is None:
            node.remove(edit.property)
        else:
            node.set(edit.property, value)
    return tree


class DtbEditError(BootmenuError):
    """A change that somebody typed for one boot cannot be made."""


def edited(tree: DeviceTree, texts: Sequence[str]) -> DeviceTree:
    """Return another tree with the changes that somebody typed made in order (BootEntry.dtb_edits). Raise
    DtbEditError."""
    if not texts:
        return tree
    from bootmenu.formats.editable_dtb import EditableTree

    if len(texts) > MOST_EDITS:
        raise DtbEditError(f"more than {MOST_EDITS} edits of a device tree", "Use an overlay, or edit its source.")
    try:
        held = EditableTree.from_tree(tree)
    except FormatError as error:
        raise DtbEditError(f"the device tree cannot be edited: {error.message}", error.hint) from None
    for text in texts:
        try:
            held.apply(DtbEdit.from_text(text))
        except FormatError as error:
            raise DtbEditError(f"{_named(text)}: {error.message}", error.hint) from None
    return held.to_tree()


def see_that_edits_last(tree: DeviceTree, after: DeviceTree, texts: Sequence[str]) -> None:
    """Raise DtbEditError where what this boot changes by itself undoes a change that somebody typed.

    tree: with the typed changes. after: with all changes.
    """
    for text in texts:
        edit = DtbEdit.from_text(text)
        wanted, node = _node(tree, edit.path), _node(after, edit.path)
        if node is None or wanted is None or node.get(edit.property) != wanted.get(edit.property):
            raise DtbEditError(
                f"{_named(text)}: bootmenu sets this itself, to what holds for this machine",
                "Leave it out, or boot with --no-carry-over.",
            )


def _node(tree: DeviceTree, path: str) -> Node | None:
    """Return the node that EditableTree takes for that path: one of exactly that name goes first."""
    node: Node | None = tree.root
    for name in filter(None, path.split("/")):
        children = node.children if node else []
        node = next((child for child in children if child.name == name), None) or (node.child(name) if node else None)
    return node


def _named(text: str) -> str:
    return f"edit {quoted(printable(text.strip()[:200]))}"


def _is_memory(node: Node) -> bool:
    return node.string("device_type") == "memory"


def packed(tree: DeviceTree) -> bytes:
    """As it is loaded. Raises BootmenuError when it has more than 2 MiB, FormatError should it not read back."""
    data = tree.to_bytes()
    if len(data) > MAX_SIZE:
        raise BootmenuError(
            f"the edited device tree has {len(data):,} bytes, the kernel reads at most {MAX_SIZE:,}",
            "Use a smaller device tree.",
        )
    facts(DeviceTree.from_bytes(data))
    return data


def finished(
    tree: DeviceTree, *, command_line: str, initramfs: MemoryRange | None, reserved: Iterable[MemoryRange]
) -> bytes:
    """The tree as the next kernel gets it: with what only the loading method knows. It may be called again.

    initramfs: where it lies, to the byte; None = there is none. reserved: memory that hardware goes on writing to,
    for the reservation block. The length of the result depends on no address.
    """
    chosen = tree.ensure("/chosen")
    for name in STALE_CHOSEN:
        chosen.remove(name)
    chosen.set("bootargs", os.fsencode(command_line) + b"\0")
    if initramfs is not None:
        chosen.set("linux,initrd-start", struct.pack(">Q", initramfs.base))
        chosen.set("linux,initrd-end", struct.pack(">Q", initramfs.end))
    # a table is its own entry: the kernel looks for each as a whole (drivers/irqchip/irq-gic-v3-its.c)
    tree.reservations += [area for area in reserved if area not in tree.reservations]
    return tree.to_bytes()
