# SPDX-License-Identifier: MIT
"""An entry's own device tree: the file, the board it is for, and what the plan changes in it."""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.compat.facts import DeviceTreeFacts, DtbFolderFacts, EntryFacts, FileState, FixedUpDtb
from bootmenu.demo.builders import board_tree
from bootmenu.formats import dtb
from bootmenu.model.value import replace
from tests.builders import machines
from tests.builders.entries import entry, kernel_file, tree_file, with_tree
from tests.compat.examples.base import (
    FAIL,
    PASS,
    TREE,
    UNKNOWN,
    WARN,
    Example,
    Unreachable,
    blob,
    misaligned,
    own,
    running,
    spoilt,
    virt,
)

UNREACHABLE: Unreachable = {
    ("DT-KASLR-SEED", FAIL): "information: the plan replaces a seed",
    ("DT-KASLR-SEED", UNKNOWN): "a tree that was read says it; DTB-STRUCT speaks of the others",
    ("DT-STALE-CHOSEN", UNKNOWN): "a tree that was read says it; DTB-STRUCT speaks of the others",
}


def with_nop(data: bytes) -> bytes:
    """The same tree with an FDT_NOP in front of the root's end."""
    header = dtb.Header.from_bytes(data)
    assert header.size_struct is not None
    at = header.off_struct + header.size_struct - 8
    patched = bytearray(data)
    patched[at:at] = b"\0\0\0\x04"
    for place, value in ((4, header.total_size), (12, header.off_strings), (36, header.size_struct)):
        patched[place : place + 4] = (value + 4).to_bytes(4, "big")
    return bytes(patched)


def from_folder(**changes: object) -> EntryFacts:
    """An entry whose tree was to be taken from a folder of 577."""
    base = DtbFolderFacts(
        device="sda1", path="/dtbs", state=FileState.PRESENT, trees=577, reason="the only one for this board"
    )
    return entry(tree_folder=replace(base, **changes))  # type: ignore[arg-type]


def folders() -> Iterator[Example]:
    code = "DT-FOLDER"
    board = running(compatible=("acme,rocket-2", "acme,rocket", "acme,soc9"))
    for name, severity, says, folder in (
        (
            "picked",
            PASS,
            "/dtbs/a.dtb was picked from 577",
            {"picked": "/dtbs/a.dtb", "candidates": ("/dtbs/a.dtb",)},
        ),
        ("picked from a part", WARN, "20,000", {"picked": "/dtbs/a.dtb", "cut": "there are more than 20,000 names"}),
        ("tie", WARN, "Several", {"candidates": ("/dtbs/a.dtb", "/dtbs/b.dtb")}),
        ("relatives", WARN, "boards related to this one (acme,rocket-2)", {"related": ("/dtbs/a.dtb",)}),
        ("none", PASS, "None of the 577", {}),
        ("empty", PASS, "None of the 0", {"trees": 0}),
        ("missing", WARN, "does not exist", {"state": FileState.MISSING, "detail": "does not exist"}),
        ("waiting", UNKNOWN, "partition that was not found", {"state": FileState.WAITING, "trees": 0}),
    ):
        yield Example(code=code, name=name, severity=severity, machine=board, entry=from_folder(**folder), says=says)
    nobody = replace(virt(), tree=None)
    yield Example(code=code, name="no running tree", severity=UNKNOWN, machine=nobody, entry=from_folder())
    acpi = replace(nobody, acpi=True)
    yield Example(code=code, name="acpi", severity=PASS, machine=acpi, entry=from_folder(), says="ACPI")
    yield Example(code=code, name="no board", severity=UNKNOWN, machine=running(compatible=()), entry=from_folder())
    yield Example(code=code, name="names none", severity=None)


def tree_bytes() -> Iterator[Example]:
    code = "DTB-HEADER"
    good = board_tree(TREE.compatible).to_bytes()
    yield Example(code=code, name="sound", severity=PASS, entry=blob(good))
    yield Example(code=code, name="padded", severity=PASS, entry=blob(good + bytes(100)))
    for name, data, says in (
        ("magic", spoilt(0, b"\xed\xfe\x0d\xd0"), "magic"),
        ("cut", good[:-1], "ends early"),
        ("version 1", spoilt(20, b"\0\0\0\x01"), "version"),
        ("compatible version 18", spoilt(24, b"\0\0\0\x12"), "version"),
        ("structure outside", spoilt(8, b"\x00\xff\xff\xff"), "structure"),
        ("strings outside", spoilt(12, b"\x00\xff\xff\xff"), "strings"),
        ("reservations outside", spoilt(16, b"\x00\xff\xff\xff"), "reservation"),
        ("total size", spoilt(4, b"\0\0\0\x08"), "total size"),
        ("misaligned", misaligned(), "misaligned"),
        ("empty", b"", ""),
    ):
        yield Example(code=code, name=name, severity=FAIL, entry=blob(data), says=says)
    yield Example(code=code, name="names none", severity=None)
    yield Example(code=code, name="unread", severity=UNKNOWN, entry=with_tree())
    yield Example(code=code, name="half read", severity=UNKNOWN, entry=with_tree(own=DeviceTreeFacts(size=40)))
    yield Example(
        code=code,
        name="file is missing",
        severity=None,
        entry=with_tree(files=(kernel_file(), tree_file(state=FileState.MISSING))),
    )

    code = "DTB-STRUCT"
    yield Example(code=code, name="sound", severity=PASS, entry=blob(good))
    structure = dtb.Header.from_bytes(good).off_struct
    end = len(good) - dtb.Header.from_bytes(good).size_strings
    yield Example(code=code, name="nop", severity=PASS, entry=blob(with_nop(good)))
    for name, data, says in (
        ("tag", spoilt(structure, b"\0\0\0\x07"), "tag"),
        ("root with a name", spoilt(structure + 4, b"a"), "name"),
        ("no end", spoilt(36, (end - structure - 4).to_bytes(4, "big")), "end tag"),
        ("something behind the root", spoilt(end - 4, b"\0\0\0\x01"), "data after the root"),
        ("node open", spoilt(end - 8, b"\0\0\0\x04"), "inside a node"),
        ("node closed twice", spoilt(structure, b"\0\0\0\x02"), "never began"),
    ):
        yield Example(code=code, name=name, severity=FAIL, entry=blob(data), says=says)
    yield Example(
        code=code,
        name="header only",
        severity=UNKNOWN,
        entry=with_tree(own=DeviceTreeFacts(size=40, total_size=40)),
    )
    yield Example(code=code, name="after a bad header", severity=None, entry=blob(b"hello"))


def handover() -> Iterator[Example]:
    code = "DTB-2M"
    yield Example(code=code, name="small", severity=PASS, entry=own())
    large = own()
    large = replace(large, own_tree=DeviceTreeFacts(size=1 << 21, total_size=1 << 21))
    yield Example(code=code, name="no room for edits", severity=FAIL, entry=large, says="2,097,152")
    padded = replace(large, own_tree=DeviceTreeFacts(size=1 << 22, total_size=4096))
    yield Example(code=code, name="padded file", severity=PASS, entry=padded)
    unusable = with_tree(files=(kernel_file(), tree_file(state=FileState.UNUSABLE, size=9 << 20)))
    yield Example(code=code, name="too large to read", severity=FAIL, entry=unusable, says="right file")
    unread = with_tree(files=(kernel_file(), tree_file(size=None)))
    yield Example(code=code, name="size unread", severity=UNKNOWN, entry=unread)
    headless = replace(large, own_tree=DeviceTreeFacts(size=4096))
    yield Example(code=code, name="header unread", severity=UNKNOWN, entry=headless)
    yield Example(code=code, name="bad header", severity=None, entry=blob(b"hello"))
    yield Example(code=code, name="none of its own", severity=None)

    code = "DTB-OVERLAYS"
    overlay = kernel_file(role="overlay", path="/boot/led.dtbo")
    files = (kernel_file(), tree_file(), overlay)

    def with_overlays(*sound: bool) -> EntryFacts:
        tree = replace(TREE, has_symbols=True)
        return with_tree(tree, files=files, overlays=sound)

    broken, bare = with_overlays(False), with_tree(TREE, files=files, overlays=(True,))
    yield Example(code=code, name="damaged", severity=FAIL, entry=broken, says="led.dtbo")
    yield Example(code=code, name="no symbols", severity=FAIL, entry=bare, says="dtc -@")
    yield Example(code=code, name="not tried", severity=UNKNOWN, entry=with_overlays(True))
    applied = replace(with_overlays(True), fixed_up=FixedUpDtb(tree=TREE))
    yield Example(code=code, name="applied", severity=PASS, entry=applied)
    refused = replace(with_overlays(True), fixed_up=FixedUpDtb(problem="FDT_ERR_NOTFOUND", hint="Leave it out."))
    yield Example(code=code, name="refused", severity=FAIL, entry=refused, says="FDT_ERR_NOTFOUND")
    yield Example(code=code, name="one unread", severity=UNKNOWN, entry=with_overlays())
    no_base = replace(bare, own_tree=None)
    yield Example(code=code, name="base unread", severity=UNKNOWN, entry=no_base)
    yield Example(code=code, name="none", severity=None, entry=own())

    code = "DTB-EDITS"
    edit = ("disable /soc/uart@1",)
    edited = replace(own(), dtb_edits=edit, fixed_up=FixedUpDtb(tree=TREE))
    yield Example(code=code, name="made", severity=PASS, entry=edited)
    typo = FixedUpDtb(edit_problem="edit “disable /sock”: there is no node sock in /", hint="Look.")
    yield Example(
        code=code,
        name="no such node",
        severity=FAIL,
        entry=replace(edited, fixed_up=typo),
        says="node sock",
    )
    yield Example(code=code, name="not tried", severity=UNKNOWN, entry=replace(edited, fixed_up=None))
    unmade = FixedUpDtb(problem="FDT_ERR_NOTFOUND")
    yield Example(code=code, name="no tree", severity=UNKNOWN, entry=replace(edited, fixed_up=unmade))
    yield Example(code=code, name="none", severity=None, entry=own())

    code = "DT-STALE-CHOSEN"
    yield Example(code=code, name="clean", severity=PASS, entry=own())
    stale = own(stale_chosen=("linux,elfcorehdr",))
    yield Example(code=code, name="stale", severity=WARN, entry=stale, says="linux,elfcorehdr")
    yield Example(code=code, name="damaged", severity=None, entry=blob(b"hello"))
    code = "DT-KASLR-SEED"
    yield Example(code=code, name="none", severity=PASS, entry=own(), says="no seed")
    yield Example(code=code, name="replaced", severity=PASS, entry=own(has_kaslr_seed=True), says="fresh")
    yield Example(code=code, name="damaged", severity=None, entry=blob(b"hello"))


def boards() -> Iterator[Example]:
    code = "DT-COMPAT"
    board = running(compatible=("acme,rocket-2", "acme,rocket", "acme,soc9"))
    yield Example(code=code, name="same", severity=PASS, machine=board, entry=own(compatible=("acme,rocket-2",)))
    yield Example(
        code=code,
        name="shares a later one",
        severity=WARN,
        machine=board,
        entry=own(compatible=("acme,rocket-1", "acme,soc9")),
        says="acme,soc9",
    )
    yield Example(
        code=code,
        name="first is our second",
        severity=WARN,
        machine=board,
        entry=own(compatible=("acme,rocket", "acme,soc9")),
    )
    yield Example(
        code=code,
        name="another board",
        severity=FAIL,
        machine=board,
        entry=own(compatible=("brcm,bcm2837",)),
        says="another board",
    )
    yield Example(code=code, name="no compatible", severity=UNKNOWN, machine=board, entry=own(compatible=()))
    yield Example(code=code, name="running without", severity=UNKNOWN, machine=machines.acpi(), entry=own())
    yield Example(code=code, name="no running tree", severity=UNKNOWN, machine=virt(tree=None), entry=own())
    yield Example(code=code, name="none of its own", severity=None)
    yield Example(code=code, name="after damage", severity=None, entry=blob(b"hello"))
