# SPDX-License-Identifier: MIT
"""Write the device tree for the next kernel: apply edits, those of every boot among them, and return its bytes.

kexec/firmware_fixups.py has the edits that are needed because no firmware runs, formats/typed_edits.py the form of
those that a user types.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator, Sequence

from bootmenu.errors import BootmenuError, FormatError
from bootmenu.formats.dtb import MAX_SIZE, DeviceTree, Node, check
from bootmenu.formats.dtb_facts import STALE_CHOSEN, has_kaslr_seed
from bootmenu.formats.dtb_text import text_of
from bootmenu.formats.typed_edits import MOST_EDITS, TypedEdit
from bootmenu.model.devicetree import MemoryRange
from bootmenu.model.text import printable, quoted
from bootmenu.model.value import Value

RESERVE = "/memreserve/"
"""Path of an Edit that adds to the memory reservation block; its value is address and size, 8 bytes each."""
_SEEDS = {"kaslr-seed": 8, "rng-seed": 128}
"""Sizes in bytes, as arch/arm64/kernel and drivers/of/kexec.c write them."""


class Edit(Value, kw_only=True):
    """One edit of the device tree for the next kernel.

    value: None removes the property, unless `fresh` or `late` is set.
    """

    path: str
    """Absolute path of a node, `/chosen`; or RESERVE."""
    property: str = ""
    value: bytes | None = None
    why: str
    """Reason, for people: `copied from the running machine`."""
    fresh: int = 0
    """Number of random bytes to write as the value when the tree is made; 0 for a given value."""
    late: bool = False
    """Whether the loading method sets the value, as only that knows the addresses."""

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
        """Return the edit as `boot --dry-run --json` prints it."""
        value = None if self.value is None else self.value.hex()
        return {
            "path": self.path,
            "property": self.property,
            "value": value,
            "why": self.why,
            "at_load": self.late or bool(self.fresh),
        }


def boot_edits(own: DeviceTree, command_line: str, *, initramfs: bool, writes_seeds: bool) -> Iterator[Edit]:
    """Yield the edits of /chosen that every boot makes.

    own: the tree that is edited. writes_seeds: whether to write both random seeds. kexec-tools writes the kaslr-seed
    itself: it replaces one of zero, and refuses any other one ("setup_2nd_dtb failed").
    """
    yield Edit(
        path="/chosen", property="bootargs", value=os.fsencode(command_line) + b"\0", why="the entry's command line"
    )
    if initramfs:
        for name in ("linux,initrd-start", "linux,initrd-end"):
            yield Edit(path="/chosen", property=name, late=True, why="the address of the initramfs")
    chosen = own.node("/chosen")
    why = "random bytes of the running kernel; a seed from a file is not random"
    for name, size in _SEEDS.items():
        if writes_seeds or (name == "rng-seed" and chosen and chosen.get(name) is not None):
            yield Edit(path="/chosen", property=name, fresh=size, why=why)
        elif name == "kaslr-seed" and has_kaslr_seed(own.root):
            yield Edit(path="/chosen", property=name, value=bytes(size), why="a fresh seed is put in at load")


# ---- applying edits ------------------------------------------------------------------------------------------


def apply(tree: DeviceTree, edits: Iterable[Edit]) -> DeviceTree:
    """Return a copy of the tree with the edits made. Late ones are left to the loading method."""
    tree = tree.copy()
    edits = tuple(edits)
    # a node of that name may get other edits: only device_type = "memory" means that memory is replaced
    written = {edit.path for edit in edits if edit.property == "device_type" and edit.value == b"memory\0"}
    if written:
        # existing memory nodes may be placeholders, disabled, or overruled by linux,usable-memory: remove them all
        tree.root.children = [
            node
            for node in tree.root.children
            if f"/{node.name}" not in written and not (node.name.startswith("memory") and _is_memory(node))
        ]
        for node in filter(_is_memory, tree.root.children):  # a node of another kind is kept, but is no longer memory
            node.remove("device_type")
    for edit in edits:
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


class TypedEditError(BootmenuError):
    """An edit that was typed for one boot cannot be made."""


def with_typed_edits(tree: DeviceTree, texts: Sequence[str]) -> DeviceTree:
    """Return a tree with the typed edits (BootEntry.dtb_edits) made in order. Raise TypedEditError."""
    if not texts:
        return tree
    from bootmenu.formats.editable_dtb import EditableDtb

    if len(texts) > MOST_EDITS:
        raise TypedEditError(f"more than {MOST_EDITS} edits of a device tree", "Use an overlay, or edit its source.")
    try:
        held = EditableDtb.from_tree(tree)
    except FormatError as error:
        raise TypedEditError(f"the device tree cannot be edited: {error.message}", error.hint) from None
    for text in texts:
        try:
            held.apply(TypedEdit.from_text(text))
        except FormatError as error:
            raise TypedEditError(f"{_named(text)}: {error.message}", error.hint) from None
    return held.to_tree()


def check_typed_edits(tree: DeviceTree, after: DeviceTree, texts: Sequence[str]) -> None:
    """Raise TypedEditError if another edit of this boot undoes a typed one.

    tree: with the typed edits. after: with all edits.
    """
    for text in texts:
        edit = TypedEdit.from_text(text)
        wanted, node = _node(tree, edit.path), _node(after, edit.path)
        if node is None or wanted is None or node.get(edit.property) != wanted.get(edit.property):
            raise TypedEditError(
                f"{_named(text)}: bootmenu sets this itself, to what holds for this machine",
                "Leave it out, or boot with --no-carry-over.",
            )


def _node(tree: DeviceTree, path: str) -> Node | None:
    """Return the node that EditableDtb finds at that path: an exact name takes precedence."""
    node: Node | None = tree.root
    for name in filter(None, path.split("/")):
        children = node.children if node else []
        node = next((child for child in children if child.name == name), None) or (node.child(name) if node else None)
    return node


def _named(text: str) -> str:
    return f"edit {quoted(printable(text.strip()[:200]))}"


def _is_memory(node: Node) -> bool:
    return node.string("device_type") == "memory"


def to_blob(tree: DeviceTree) -> bytes:
    """Return the tree as bytes. Raise BootmenuError if it is over 2 MiB, FormatError if it does not read back."""
    data = tree.to_bytes()
    if len(data) > MAX_SIZE:
        raise BootmenuError(
            f"the edited device tree has {len(data):,} bytes, the kernel reads at most {MAX_SIZE:,}",
            "Use a smaller device tree.",
        )
    check(data)
    return data


def finalize(
    tree: DeviceTree, *, command_line: str, initramfs: MemoryRange | None, reserved: Iterable[MemoryRange]
) -> bytes:
    """Return the tree for the next kernel, with what only the loading method knows. May be called repeatedly.

    initramfs: its exact range in memory, or None. reserved: memory that hardware keeps writing to, for the
    reservation block. The length of the result does not depend on the addresses.
    """
    chosen = tree.ensure("/chosen")
    for name in STALE_CHOSEN:
        chosen.remove(name)
    chosen.set("bootargs", os.fsencode(command_line) + b"\0")
    if initramfs is not None:
        chosen.set("linux,initrd-start", struct.pack(">Q", initramfs.base))
        chosen.set("linux,initrd-end", struct.pack(">Q", initramfs.end))
    # one entry for each table: the kernel looks for each as a whole (drivers/irqchip/irq-gic-v3-its.c)
    tree.reservations += [area for area in reserved if area not in tree.reservations]
    return tree.to_bytes()
