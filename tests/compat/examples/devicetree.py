# SPDX-License-Identifier: MIT
"""The entry's own device tree."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from bootmenu.compat.facts import DeviceTreeFacts, EntryFacts, FileState, Handed, TreeFolderFacts
from bootmenu.demo.builders import board_tree
from bootmenu.formats import dtb
from bootmenu.model.devicetree import MemoryRange
from tests.builders import machines
from tests.builders.entries import entry, kernel_file, tree_file, with_tree
from tests.compat.examples.base import (
    FAIL,
    GIB,
    PASS,
    TREE,
    UNKNOWN,
    WARN,
    Example,
    blob,
    cpu_node,
    each_cpu,
    misaligned,
    nodes,
    own,
    running,
    spoilt,
    virt,
)


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
        ("something behind the root", spoilt(end - 4, b"\0\0\0\x01"), "follows the root"),
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
        ("relatives", WARN, "relatives of this board (acme,rocket-2)", {"related": ("/dtbs/a.dtb",)}),
        ("none", PASS, "None of the 577", {}),
        ("empty", PASS, "None of the 0", {"trees": 0}),
        ("missing", WARN, "does not exist", {"state": FileState.MISSING, "detail": "does not exist"}),
        ("waiting", UNKNOWN, "partition that is not there", {"state": FileState.WAITING, "trees": 0}),
    ):
        yield Example(code=code, name=name, severity=severity, machine=board, entry=from_folder(**folder), says=says)
    nobody = dataclasses.replace(virt(), tree=None)
    yield Example(code=code, name="no running tree", severity=UNKNOWN, machine=nobody, entry=from_folder())
    acpi = dataclasses.replace(nobody, acpi=True)
    yield Example(code=code, name="acpi", severity=PASS, machine=acpi, entry=from_folder(), says="ACPI")
    yield Example(code=code, name="no board", severity=UNKNOWN, machine=running(compatible=()), entry=from_folder())
    yield Example(code=code, name="names none", severity=None)


def from_folder(**changes: object) -> EntryFacts:
    """An entry whose tree was to be taken from a folder of 577."""
    base = TreeFolderFacts(
        device="sda1", path="/dtbs", state=FileState.PRESENT, trees=577, reason="the only one for this board"
    )
    return entry(tree_folder=dataclasses.replace(base, **changes))  # type: ignore[arg-type]


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


def tree_cpus() -> Iterator[Example]:
    code = "DT-CPU-SET"
    spin = machines.spin_table()
    spinning = machines.tree_of(spin)
    yield Example(code=code, name="same", severity=PASS, entry=own())
    yield Example(code=code, name="other order", severity=PASS, entry=own(cpus=TREE.cpus[::-1]))
    yield Example(
        code=code,
        name="without the boot cpu",
        severity=FAIL,
        entry=own(cpus=TREE.cpus[1:]),
        says="0x0, the one that makes the jump",
    )
    yield Example(code=code, name="no cpus", severity=FAIL, entry=own(cpus=()))
    yield Example(
        code=code,
        name="without the cpu of reboot=",
        severity=FAIL,
        machine=virt(command_line="reboot=s3"),
        entry=own(cpus=TREE.cpus[:3]),
        says="0x3, the one that makes the jump",
    )
    yield Example(code=code, name="fewer", severity=WARN, entry=own(cpus=TREE.cpus[:2]), says="2 of 4")
    yield Example(
        code=code,
        name="fewer of a spin table",
        severity=FAIL,
        machine=spin,
        entry=with_tree(dataclasses.replace(spinning, cpus=spinning.cpus[:2])),
        says="spins in memory",
    )
    yield Example(code=code, name="more", severity=WARN, entry=own(cpus=(*TREE.cpus, cpu_node(0x100))), says="0x100")
    yield Example(
        code=code, name="duplicate", severity=FAIL, entry=own(cpus=(*TREE.cpus, cpu_node(3))), says="more than once"
    )
    yield Example(
        code=code, name="no reg", severity=FAIL, entry=own(cpus=(*TREE.cpus, cpu_node(None))), says="usable reg"
    )
    yield Example(
        code=code,
        name="bits beyond MPIDR",
        severity=FAIL,
        entry=own(cpus=(*TREE.cpus, cpu_node(1 << 31))),
        says="usable reg",
    )
    yield Example(
        code=code,
        name="affinity 3",
        severity=PASS,
        machine=running(cpus=(*TREE.cpus, cpu_node(1 << 32))),
        entry=own(cpus=(*TREE.cpus, cpu_node(1 << 32))),
    )
    yield Example(code=code, name="no running tree", severity=UNKNOWN, machine=virt(tree=None), entry=own())
    yield Example(code=code, name="acpi", severity=UNKNOWN, machine=machines.acpi(), entry=own())
    yield Example(code=code, name="acpi and no cpus", severity=UNKNOWN, machine=machines.acpi(), entry=own(cpus=()))
    yield Example(
        code=code,
        name="jumping cpu unknown",
        severity=UNKNOWN,
        machine=virt(cpus=each_cpu(hardware_id=None)),
        entry=own(cpus=TREE.cpus[:2]),
    )
    yield Example(
        code=code,
        name="jumping cpu unknown but all are there",
        severity=PASS,
        machine=virt(cpus=each_cpu(hardware_id=None)),
        entry=own(),
    )
    yield Example(code=code, name="none of its own", severity=None)

    code = "DT-CPU-ENABLE-METHOD"
    to_spin: dict[str, object] = {"enable_method": "spin-table"}
    none: dict[str, object] = {"enable_method": None}
    yield Example(code=code, name="same", severity=PASS, entry=own())
    yield Example(
        code=code,
        name="psci to spin-table",
        severity=WARN,
        entry=own(cpus=nodes(*[to_spin] * 4)),
        says="3 CPUs by spin-table, this machine by psci",
    )
    yield Example(
        code=code,
        name="the next kexec too",
        severity=WARN,
        entry=own(cpus=nodes({}, to_spin)),
        says="next kexec",
    )
    yield Example(
        code=code,
        name="spin-table to psci",
        severity=WARN,
        machine=spin,
        entry=with_tree(dataclasses.replace(spinning, cpus=TREE.cpus)),
        says="psci, this machine by spin-table",
    )
    yield Example(
        code=code,
        name="by hardware id, not by place",
        severity=PASS,
        machine=running(cpus=nodes({}, {}, {}, to_spin)),
        entry=own(cpus=nodes({}, {}, {}, to_spin)[::-1]),
    )
    yield Example(
        code=code, name="missing on a secondary", severity=WARN, entry=own(cpus=nodes({}, none)), says="1 CPU"
    )
    yield Example(code=code, name="missing on the boot cpu", severity=PASS, entry=own(cpus=nodes(none)))
    yield Example(
        code=code,
        name="nobody knows it",
        severity=WARN,
        entry=own(cpus=nodes({}, {"enable_method": "magic"})),
        says="magic",
    )
    yield Example(code=code, name="after an unknown set", severity=None, machine=virt(tree=None), entry=own())
    yield Example(code=code, name="after a failed set", severity=None, entry=own(cpus=TREE.cpus[1:]))


def memory() -> Iterator[Example]:
    code = "DT-MEMORY"
    area = TREE.memory[0]
    half = MemoryRange(base=area.base, size=area.size // 2)
    rest = MemoryRange(base=half.end, size=half.size)
    yield Example(code=code, name="same", severity=PASS, entry=own())
    yield Example(code=code, name="same in two pieces", severity=PASS, entry=own(memory=(rest, half)))
    handed = Handed(tree=TREE, carried=(f"/memory@{area.base:x}",))
    filled = dataclasses.replace(own(memory=()), handed=handed)
    yield Example(code=code, name="none carried over", severity=PASS, entry=filled, says="carried over")
    empty = own(memory=(MemoryRange(base=0, size=0),))
    yield Example(code=code, name="empty", severity=FAIL, entry=empty)
    yield Example(
        code=code, name="empty carried over", severity=PASS, entry=dataclasses.replace(empty, handed=handed)
    )
    yield Example(
        code=code,
        name="none and not carried over",
        severity=FAIL,
        entry=own(memory=()),
        says="carried over",
    )
    yield Example(
        code=code,
        name="none and nothing to carry over",
        severity=FAIL,
        machine=virt(tree=dataclasses.replace(TREE, memory=()), ram=None),
        entry=own(memory=()),
        says="as root",
    )
    beyond = MemoryRange(base=area.base, size=2 * GIB)
    yield Example(code=code, name="outside", severity=FAIL, entry=own(memory=(beyond,)), says="0x80000000")
    yield Example(code=code, name="smaller", severity=WARN, entry=own(memory=(half,)), says="512 MiB will not")
    placeholder = dataclasses.replace(own(memory=(beyond,)), handed=handed)
    yield Example(code=code, name="placeholder replaced", severity=PASS, entry=placeholder, says="replaced")
    low = dataclasses.replace(placeholder, handed=dataclasses.replace(handed, tree=own(memory=(half,)).tree))
    yield Example(code=code, name="not all can be said", severity=WARN, entry=low, says="32 bits")
    tables = ("linux,uefi-mmap-start",)
    efi = dataclasses.replace(running(memory=(beyond,), uefi_properties=tables), efi=True, ram=(half,))
    grub = own(memory=(beyond,), uefi_properties=tables)
    yield Example(code=code, name="EFI's map counts", severity=PASS, machine=efi, entry=grub, says="EFI")
    lost = own(memory=(beyond,))
    yield Example(code=code, name="without EFI's map", severity=FAIL, machine=efi, entry=lost, says="claims")
    yield Example(
        # EFI firmware's tree has no /memory: the kernel's own map is the truth
        code=code,
        name="known from iomem",
        severity=PASS,
        machine=running(memory=()),
        entry=own(),
    )
    yield Example(
        code=code,
        name="nothing known",
        severity=UNKNOWN,
        machine=virt(tree=dataclasses.replace(TREE, memory=()), ram=None),
        entry=own(),
    )
    yield Example(code=code, name="none of its own", severity=None)


def handover() -> Iterator[Example]:
    code = "DTB-2M"
    yield Example(code=code, name="small", severity=PASS, entry=own())
    large = own()
    large = dataclasses.replace(large, own_tree=DeviceTreeFacts(size=1 << 21, total_size=1 << 21))
    yield Example(code=code, name="no room for edits", severity=FAIL, entry=large, says="2,097,152")
    padded = dataclasses.replace(large, own_tree=DeviceTreeFacts(size=1 << 22, total_size=4096))
    yield Example(code=code, name="padded file", severity=PASS, entry=padded)
    unusable = with_tree(files=(kernel_file(), tree_file(state=FileState.UNUSABLE, size=9 << 20)))
    yield Example(code=code, name="too large to read", severity=FAIL, entry=unusable, says="right file")
    unread = with_tree(files=(kernel_file(), tree_file(size=None)))
    yield Example(code=code, name="size unread", severity=UNKNOWN, entry=unread)
    headless = dataclasses.replace(large, own_tree=DeviceTreeFacts(size=4096))
    yield Example(code=code, name="header unread", severity=UNKNOWN, entry=headless)
    yield Example(code=code, name="bad header", severity=None, entry=blob(b"hello"))
    yield Example(code=code, name="none of its own", severity=None)

    code = "DTB-OVERLAYS"
    overlay = kernel_file(role="overlay", path="/boot/led.dtbo")
    files = (kernel_file(), tree_file(), overlay)

    def with_overlays(*sound: bool) -> EntryFacts:
        tree = dataclasses.replace(TREE, has_symbols=True)
        return with_tree(tree, files=files, overlays=sound)

    broken, bare = with_overlays(False), with_tree(TREE, files=files, overlays=(True,))
    yield Example(code=code, name="damaged", severity=FAIL, entry=broken, says="led.dtbo")
    yield Example(code=code, name="no symbols", severity=FAIL, entry=bare, says="dtc -@")
    yield Example(code=code, name="not tried", severity=UNKNOWN, entry=with_overlays(True))
    applied = dataclasses.replace(with_overlays(True), handed=Handed(tree=TREE))
    yield Example(code=code, name="applied", severity=PASS, entry=applied)
    refused = dataclasses.replace(
        with_overlays(True), handed=Handed(problem="FDT_ERR_NOTFOUND", hint="Leave it out.")
    )
    yield Example(code=code, name="refused", severity=FAIL, entry=refused, says="FDT_ERR_NOTFOUND")
    yield Example(code=code, name="one unread", severity=UNKNOWN, entry=with_overlays())
    no_base = dataclasses.replace(bare, own_tree=None)
    yield Example(code=code, name="base unread", severity=UNKNOWN, entry=no_base)
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
