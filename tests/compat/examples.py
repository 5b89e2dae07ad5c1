# SPDX-License-Identifier: MIT
"""For every check code: facts under which it passes, warns or fails, and does not know. One row a sub-rule."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from bootmenu.compat import check
from bootmenu.compat.facts import DeviceTreeFacts, EntryFacts, FileState, KernelFacts
from bootmenu.demo.builders import board_tree
from bootmenu.formats import devicetree
from bootmenu.model.devicetree import CpuNode, MemoryRange
from bootmenu.model.finding import Finding, Severity
from bootmenu.model.kernel import Architecture, Compression
from bootmenu.model.machine import CpuFacts, MachineFacts
from tests.builders import machines
from tests.builders.entries import (
    entry,
    image,
    kernel,
    kernel_file,
    kernel_of,
    tree_file,
    whole_image,
    with_files,
    with_tree,
)

PASS, UNKNOWN, WARN, FAIL = Severity.PASS, Severity.UNKNOWN, Severity.WARN, Severity.FAIL
VIRT = machines.virt()
TREE = machines.tree_of(VIRT)
GIB = 1 << 30


@dataclass(frozen=True, kw_only=True)
class Example:
    """One row. severity None = the check does not apply. says: a part of the message or the hint."""

    code: str
    name: str
    severity: Severity | None
    machine: MachineFacts = VIRT
    entry: EntryFacts = field(default_factory=entry)
    says: str = ""

    @property
    def id(self) -> str:
        return f"{self.code}-{self.severity or 'silent'}-{self.name}".replace(" ", "-")

    def findings(self) -> list[Finding]:
        return [finding for finding in check(self.machine, self.entry).findings if finding.code == self.code]


def virt(**changes: object) -> MachineFacts:
    return dataclasses.replace(VIRT, **changes)  # type: ignore[arg-type]


def kexec(**changes: object) -> MachineFacts:
    return virt(kexec=dataclasses.replace(VIRT.kexec, **changes))  # type: ignore[arg-type]


def running(**changes: object) -> MachineFacts:
    """The machine with another device tree."""
    return virt(tree=dataclasses.replace(TREE, **changes))  # type: ignore[arg-type]


def own(**changes: object) -> EntryFacts:
    """An entry whose tree is the machine's own but for this."""
    return with_tree(dataclasses.replace(TREE, **changes))  # type: ignore[arg-type]


def cpus(*changes: Mapping[str, object]) -> tuple[CpuFacts, ...]:
    """The machine's CPUs, each with its changes."""
    padded = [*changes, *[{}] * (len(VIRT.cpus) - len(changes))]
    pairs = zip(VIRT.cpus, padded, strict=True)
    return tuple(dataclasses.replace(cpu, **change) for cpu, change in pairs)  # type: ignore[arg-type]


def each_cpu(**changes: object) -> tuple[CpuFacts, ...]:
    return tuple(dataclasses.replace(cpu, **changes) for cpu in VIRT.cpus)  # type: ignore[arg-type]


def nodes(*changes: dict[str, object]) -> tuple[CpuNode, ...]:
    """The machine's CPU nodes, each with its changes."""
    padded = [*changes, *[{}] * (len(TREE.cpus) - len(changes))]
    pairs = zip(TREE.cpus, padded, strict=True)
    return tuple(dataclasses.replace(node, **change) for node, change in pairs)  # type: ignore[arg-type]


def cpu_node(hardware_id: int | None, enable_method: str | None = "psci") -> CpuNode:
    return CpuNode(name=f"cpu@{hardware_id}", hardware_id=hardware_id, enable_method=enable_method)


def blob(data: bytes) -> EntryFacts:
    """An entry whose device tree has these bytes."""
    return with_tree(own=DeviceTreeFacts.from_bytes(data))


def bytes_of(data: bytes) -> EntryFacts:
    """An entry whose kernel has these bytes."""
    return entry(kernel=kernel_of(data))


def spoilt(offset: int, replacement: bytes) -> bytes:
    data = bytearray(board_tree(TREE.compatible).to_bytes())
    data[offset : offset + len(replacement)] = replacement
    return bytes(data)


def misaligned() -> bytes:
    """A sound tree whose blocks were moved by two bytes."""
    data = bytearray(board_tree(TREE.compatible).to_bytes())
    data[40:40] = bytes(2)
    for at in (4, 8, 12, 16):
        data[at : at + 4] = (int.from_bytes(data[at : at + 4], "big") + 2).to_bytes(4, "big")
    return bytes(data)


def examples() -> Iterator[Example]:
    yield from system()
    yield from processors()
    yield from kernels()
    yield from tree_bytes()
    yield from boards()
    yield from tree_cpus()
    yield from firmware()
    yield from memory()
    yield from files()


def system() -> Iterator[Example]:
    code = "SYS-CAP"
    yield Example(code=code, name="root", severity=PASS)
    yield Example(code=code, name="no capability", severity=FAIL, machine=virt(cap_sys_boot=False), says="as root")
    yield Example(code=code, name="no proc", severity=UNKNOWN, machine=virt(cap_sys_boot=None), says="/proc")
    code = "SYS-DISABLED"
    yield Example(code=code, name="not disabled", severity=PASS)
    yield Example(code=code, name="disabled", severity=FAIL, machine=kexec(load_disabled=True), says="reboot")
    yield Example(
        code=code,
        name="disabled and loaded",
        severity=FAIL,
        machine=kexec(load_disabled=True, loaded=True),
        says="only that one",
    )
    yield Example(code=code, name="unreadable", severity=UNKNOWN, machine=kexec(load_disabled=None))
    code = "SYS-SYSCALL"
    yield Example(code=code, name="kexec_load", severity=PASS, says="kexec_load")
    yield Example(
        code=code,
        name="file load only",
        severity=PASS,
        machine=kexec(kexec_load=False, kexec_file_load=True),
        says="kexec_file_load",
    )
    yield Example(
        code=code,
        name="neither",
        severity=FAIL,
        machine=kexec(kexec_load=False, kexec_file_load=False),
        says="CONFIG_KEXEC",
    )
    yield Example(
        code=code, name="nothing known", severity=UNKNOWN, machine=kexec(kexec_load=None, kexec_file_load=None)
    )
    yield Example(
        code=code, name="half known", severity=UNKNOWN, machine=kexec(kexec_load=False, kexec_file_load=None)
    )


def processors() -> Iterator[Example]:
    code = "CPU-STUCK"
    spin = machines.spin_table()
    yield Example(code=code, name="psci", severity=PASS)
    yield Example(code=code, name="one possible", severity=PASS, machine=machines.nr_cpus_1())
    yield Example(code=code, name="spin-table", severity=FAIL, machine=spin, says="nr_cpus=1")
    yield Example(
        # nosmp and maxcpus=1 leave `possible` at 4
        code=code,
        name="maxcpus",
        severity=FAIL,
        machine=dataclasses.replace(spin, command_line="maxcpus=1"),
        says="maxcpus",
    )
    yield Example(
        code=code,
        name="cpu without method",
        severity=FAIL,
        machine=virt(
            tree=dataclasses.replace(TREE, cpus=nodes({}, {"enable_method": None})),
            cpus=each_cpu(offline_control=False),
        ),
        says="no enable-method",
    )
    yield Example(
        code=code,
        name="stuck by the kernel's own word",
        severity=FAIL,
        machine=virt(log=("kexec: Can't kexec: CPUs are stuck in the kernel.",)),
    )
    for line in ("CPU1: is stuck in kernel", "CPU1: failed in unknown state : 0x0"):
        yield Example(code=code, name=line, severity=FAIL, machine=virt(log=(line,)), says="refuses to load")
    yield Example(
        # the kernel had it killed by firmware: lost, and not stuck
        code=code,
        name="died",
        severity=PASS,
        machine=virt(log=("CPU1: failed to come online", "CPU1: died during early boot")),
    )
    yield Example(code=code, name="no log", severity=UNKNOWN, machine=virt(log=None), says="/dev/kmsg")
    yield Example(
        code=code, name="spin-table without log", severity=FAIL, machine=dataclasses.replace(spin, log=None)
    )
    yield Example(
        # a kernel without CPU hotplug cannot stop them, however they were started
        code=code,
        name="psci by the tree only",
        severity=UNKNOWN,
        machine=virt(cpus=each_cpu(offline_control=None)),
        says="/sys",
    )
    yield Example(
        code=code, name="psci without hotplug", severity=FAIL, machine=virt(cpus=each_cpu(offline_control=False))
    )
    yield Example(code=code, name="none possible", severity=UNKNOWN, machine=virt(possible_cpus=()))
    yield Example(code=code, name="possible unknown", severity=UNKNOWN, machine=virt(possible_cpus=None))
    yield Example(
        code=code,
        name="no tree no sysfs",
        severity=UNKNOWN,
        machine=virt(tree=None, cpus=each_cpu(offline_control=None)),
        says="/sys",
    )
    yield Example(code=code, name="acpi", severity=PASS, machine=machines.acpi())
    yield Example(code=code, name="another architecture", severity=None, machine=machines.unprivileged_x86())

    code = "CPU-OFFLINE"
    yield Example(code=code, name="all may stop", severity=PASS)
    yield Example(
        code=code,
        name="trusted os",
        severity=FAIL,
        machine=virt(cpus=cpus({}, {}, {"offline_control": False})),
        says="reboot=s2",
    )
    fixed = cpus({}, {}, {"offline_control": False})
    yield Example(
        # the hint was followed
        code=code,
        name="the fixed one makes the jump",
        severity=PASS,
        machine=virt(cpus=fixed, command_line="quiet reboot=warm,s2"),
    )
    yield Example(
        code=code,
        name="another one makes the jump",
        severity=FAIL,
        machine=virt(cpus=fixed, command_line="reboot=smp1"),
        says="CPU 2",
    )
    yield Example(
        code=code,
        name="cpu 0 is not the one",
        severity=FAIL,
        machine=virt(cpus=cpus({"offline_control": False}), command_line="reboot=s2"),
        says="CPU 0",
    )
    yield Example(
        # kernel/reboot.c refuses a number that is not possible, and takes 0
        code=code,
        name="no such cpu",
        severity=FAIL,
        machine=virt(cpus=fixed, command_line="reboot=s9"),
    )
    yield Example(
        code=code, name="command line unread", severity=UNKNOWN, machine=virt(cpus=fixed, command_line=None)
    )
    yield Example(
        code=code,
        name="two fixed",
        severity=FAIL,
        machine=virt(cpus=cpus({}, {"offline_control": False}, {"offline_control": False})),
        says="nr_cpus=1",
    )
    yield Example(
        code=code,
        name="fixed but offline already",
        severity=PASS,
        machine=virt(cpus=cpus({}, {}, {"offline_control": False, "online": False})),
    )
    yield Example(
        code=code, name="one unread", severity=UNKNOWN, machine=virt(cpus=cpus({}, {"offline_control": None}))
    )
    yield Example(code=code, name="one cpu", severity=None, machine=machines.nr_cpus_1())
    yield Example(code=code, name="after stuck", severity=None, machine=spin)


def kernels() -> Iterator[Example]:
    code = "IMG-FORMAT"
    yield Example(code=code, name="Image", severity=PASS)
    yield Example(code=code, name="gzip", severity=PASS, entry=entry(kernel=kernel(compression=Compression.GZIP)))
    for name, data, says in (
        ("bzImage", bytes(0x1FE) + b"\x55\xaa" + bytes(2) + b"HdrS\x0f\x02" + bytes(0x100), "bzImage"),
        ("risc-v", bytes(0x38) + b"RSC\x05" + bytes(64), "RISC-V"),
        ("elf", b"\x7fELF\x02\x01\x01" + bytes(11) + b"\xb7\0" + bytes(64), "ELF"),
        ("uImage", b"\x27\x05\x19\x56" + bytes(25) + b"\x16" + bytes(64), "uImage"),
        ("fit", b"\xd0\x0d\xfe\xed" + bytes(64), "FIT"),
        ("zeros", bytes(8192), "zero bytes"),
        ("text", b"hello", "no known kind"),
        ("empty", b"", "empty"),
        ("xz", b"\xfd7zXZ\0" + bytes(64), "xz"),
    ):
        yield Example(code=code, name=name, severity=FAIL, entry=bytes_of(data), says=says)
    yield Example(code=code, name="unread", severity=UNKNOWN, entry=entry(kernel=None))
    yield Example(code=code, name="unread and of no file", severity=UNKNOWN, entry=EntryFacts())
    yield Example(
        code=code,
        name="of no file",
        severity=FAIL,
        entry=EntryFacts(kernel=KernelFacts(problem="junk", looks_like="a cat")),
        says="a cat",
    )
    yield Example(
        code=code,
        name="file is missing",
        severity=None,
        entry=entry(kernel=None, files=(kernel_file(state=FileState.MISSING),)),
    )

    code = "IMG-ARCH"
    yield Example(code=code, name="arm64", severity=PASS)
    yield Example(
        code=code,
        name="on x86",
        severity=FAIL,
        machine=machines.unprivileged_x86(),
        says="x86_64",
    )
    x86 = KernelFacts(problem="a bzImage", looks_like="an x86 bzImage", architecture=Architecture.X86_64)
    yield Example(code=code, name="foreign but no format", severity=FAIL, entry=entry(kernel=x86), says="built for")
    yield Example(
        code=code, name="unknown machine", severity=UNKNOWN, machine=virt(architecture=None, machine="sparc")
    )
    yield Example(
        code=code,
        name="only the image says",
        severity=FAIL,
        entry=entry(kernel=KernelFacts(image=image(architecture=Architecture.X86_64))),
    )
    yield Example(code=code, name="says nothing", severity=None, entry=entry(kernel=KernelFacts(problem="junk")))

    code = "IMG-TRUNC"
    yield Example(code=code, name="whole", severity=PASS)
    yield Example(
        code=code,
        name="checksummed gzip",
        severity=PASS,
        entry=entry(kernel=kernel(declared_end=None, checksummed=True, compression=Compression.GZIP)),
    )
    yield Example(
        code=code,
        name="cut off",
        severity=FAIL,
        entry=bytes_of(whole_image()[:-1]),
        says="cut off",
    )
    yield Example(
        code=code,
        name="does not unpack",
        severity=FAIL,
        entry=entry(kernel=kernel(damage="the gzip stream ends early", compression=Compression.GZIP)),
        says="ends early",
    )
    yield Example(
        code=code,
        name="no section table",
        severity=UNKNOWN,
        entry=bytes_of(whole_image(sections=False)),
        says="checksum",
    )
    yield Example(
        code=code, name="unpacked size unknown", severity=UNKNOWN, entry=entry(kernel=kernel(content_size=None))
    )
    yield Example(code=code, name="no kernel", severity=None, entry=bytes_of(b"hello"))

    code = "IMG-PAGE"
    large = entry(kernel=kernel(page_size=16384))
    yield Example(code=code, name="same as running", severity=PASS)
    yield Example(
        code=code,
        name="same, on a part nobody listed",
        severity=PASS,
        machine=virt(cpus=each_cpu(midr=machines.UNLISTED_PART)),
    )
    for part, severity in (
        (machines.CORTEX_A53, FAIL),
        (machines.CORTEX_A57, FAIL),
        (machines.CORTEX_A72, FAIL),
        (machines.A64FX, FAIL),
        (machines.CORTEX_A35, PASS),
        (machines.CORTEX_A76, PASS),
        (machines.NEOVERSE_N1, PASS),
        (machines.UNLISTED_PART, UNKNOWN),
        (None, UNKNOWN),
    ):
        name = f"16K on {part or 0:#x}"
        yield Example(code=code, name=name, severity=severity, entry=large, machine=virt(cpus=each_cpu(midr=part)))
    yield Example(code=code, name="64K", severity=PASS, entry=entry(kernel=kernel(page_size=65536)), machine=virt())
    yield Example(code=code, name="no cpus known", severity=UNKNOWN, entry=large, machine=virt(cpus=()))
    yield Example(
        code=code,
        name="only the little ones cannot",
        severity=WARN,
        entry=large,
        machine=virt(cpus=cpus(*[{"midr": machines.CORTEX_A76}] * 2, *[{"midr": machines.CORTEX_A53}] * 2)),
        says="CPU 2, 3",
    )
    yield Example(
        code=code,
        name="the jumping one cannot",
        severity=FAIL,
        entry=large,
        machine=virt(
            cpus=cpus(*[{"midr": machines.CORTEX_A76}] * 3, {"midr": machines.CORTEX_A53}), command_line="reboot=s3"
        ),
        says="Cortex-A53",
    )
    yield Example(
        code=code,
        name="one of them unread",
        severity=UNKNOWN,
        entry=large,
        machine=virt(cpus=cpus(*[{"midr": machines.CORTEX_A76}] * 3, {"midr": None})),
    )
    yield Example(code=code, name="image does not say", severity=UNKNOWN, entry=entry(kernel=kernel(page_size=None)))
    yield Example(code=code, name="wrong architecture", severity=None, machine=machines.unprivileged_x86())


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
    structure = devicetree.Header.from_bytes(good).off_struct
    end = len(good) - devicetree.Header.from_bytes(good).size_strings
    yield Example(code=code, name="nop", severity=PASS, entry=blob(with_nop(good)))
    for name, data, says in (
        ("tag", spoilt(structure, b"\0\0\0\x07"), "tag"),
        ("root with a name", spoilt(structure + 4, b"a"), "name"),
        ("no end", spoilt(36, (end - structure - 4).to_bytes(4, "big")), "end tag"),
        ("something behind the root", spoilt(end - 4, b"\0\0\0\x04"), "follows the root"),
        ("node open", spoilt(end - 8, b"\0\0\0\x04"), "inside a node"),
        ("node closed twice", spoilt(structure, b"\0\0\0\x02"), "never began"),
    ):
        yield Example(code=code, name=name, severity=FAIL, entry=blob(data), says=says)
    yield Example(
        code=code,
        name="header only",
        severity=UNKNOWN,
        entry=with_tree(own=DeviceTreeFacts(size=40, total_size=40, aligned=True)),
    )
    yield Example(code=code, name="after a bad header", severity=None, entry=blob(b"hello"))


def with_nop(data: bytes) -> bytes:
    """The same tree with an FDT_NOP in front of the root's end."""
    header = devicetree.Header.from_bytes(data)
    assert header.size_struct is not None
    at = header.off_struct + header.size_struct - 8
    patched = bytearray(data)
    patched[at:at] = b"\0\0\0\x04"
    for place, value in ((4, header.total_size), (12, header.off_strings), (36, header.size_struct)):
        patched[place : place + 4] = (value + 4).to_bytes(4, "big")
    return bytes(patched)


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


def firmware() -> Iterator[Example]:
    code = "DT-PSCI-METHOD"
    yield Example(code=code, name="same", severity=PASS, entry=own())
    yield Example(
        code=code, name="smc on hvc", severity=FAIL, entry=own(psci_method="smc"), says="undefined instruction"
    )
    yield Example(
        code=code, name="hvc on smc", severity=FAIL, machine=running(psci_method="smc"), entry=own(), says="to smc"
    )
    yield Example(
        code=code, name="no psci here", severity=FAIL, machine=machines.spin_table(), entry=own(), says="by PSCI"
    )
    yield Example(code=code, name="no method", severity=WARN, entry=own(psci_method=None), says="method of /psci")
    yield Example(code=code, name="no such method", severity=WARN, entry=own(psci_method="carrier pigeon"))
    yield Example(code=code, name="running without", severity=UNKNOWN, machine=running(psci_method=None), entry=own())
    yield Example(code=code, name="no running tree", severity=UNKNOWN, machine=virt(tree=None), entry=own())
    yield Example(code=code, name="acpi", severity=UNKNOWN, machine=machines.acpi(), entry=own())
    yield Example(
        code=code,
        name="no such method in both",
        severity=WARN,
        machine=running(psci_method="pigeon"),
        entry=own(psci_method="pigeon"),
    )
    yield Example(code=code, name="uses none", severity=None, entry=own(psci_compatible=None, psci_method=None))


def memory() -> Iterator[Example]:
    code = "DT-MEMORY"
    area = TREE.memory[0]
    half = MemoryRange(base=area.base, size=area.size // 2)
    rest = MemoryRange(base=half.end, size=half.size)
    yield Example(code=code, name="same", severity=PASS, entry=own())
    yield Example(code=code, name="same in two pieces", severity=PASS, entry=own(memory=(rest, half)))
    yield Example(code=code, name="none carried over", severity=PASS, entry=own(memory=()), says="carried over")
    empty = (MemoryRange(base=0, size=0),)
    yield Example(code=code, name="empty carried over", severity=PASS, entry=own(memory=empty))
    yield Example(
        code=code,
        name="none and not carried over",
        severity=FAIL,
        entry=dataclasses.replace(own(memory=()), carries_memory_over=False),
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


def files() -> Iterator[Example]:
    code = "FILE-OUTSIDE"
    yield Example(code=code, name="inside", severity=PASS)
    yield Example(
        code=code,
        name="outside",
        severity=FAIL,
        entry=with_files(kernel_file(state=FileState.OUTSIDE, detail="/.. climbs", resolved=None)),
        says="climbs",
    )
    yield Example(
        code=code,
        name="disk not seen",
        severity=UNKNOWN,
        entry=with_files(kernel_file(state=FileState.WAITING)),
        says="Attach",
    )
    yield Example(
        code=code,
        name="forbidden",
        severity=UNKNOWN,
        entry=with_files(kernel_file(state=FileState.FORBIDDEN)),
        says="as root",
    )
    yield Example(code=code, name="names nothing", severity=None, entry=with_files())
    code = "FILE-MISSING"
    yield Example(code=code, name="all there", severity=PASS, entry=with_files(kernel_file(), tree_file()))
    yield Example(
        code=code,
        name="missing",
        severity=FAIL,
        entry=with_files(kernel_file(), tree_file(state=FileState.MISSING, resolved="/real/board.dtb")),
        says="sda1:/boot/board.dtb (that is /real/board.dtb)",
    )
    yield Example(
        code=code,
        name="a folder",
        severity=FAIL,
        entry=with_files(kernel_file(state=FileState.UNUSABLE, detail="is a folder")),
        says="is a folder",
    )
    yield Example(
        code=code,
        name="forbidden",
        severity=UNKNOWN,
        entry=with_files(kernel_file(state=FileState.FORBIDDEN)),
        says="as root",
    )
    yield Example(
        code=code,
        name="disk not seen",
        severity=UNKNOWN,
        entry=with_files(kernel_file(state=FileState.WAITING, device="uuid=1234")),
        says="uuid=1234",
    )
    yield Example(
        code=code,
        name="outside is not missing",
        severity=None,
        entry=with_files(kernel_file(state=FileState.OUTSIDE)),
    )
