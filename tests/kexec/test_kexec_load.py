# SPDX-License-Identifier: MIT
"""Loading by the calls themselves: which bytes lie where, which tree goes along, and every errno explained."""

from __future__ import annotations

import errno
import gzip
import itertools
import os
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from bootmenu.demo.builders import board_tree
from bootmenu.formats.dtb import DeviceTree
from bootmenu.formats.dtb_facts import STALE_CHOSEN, facts
from bootmenu.formats.extra_archive import after, before
from bootmenu.kexec.dtb_builder import DtbBuilder
from bootmenu.kexec.kernel_errors import LoadError, explain
from bootmenu.kexec.load import load, unload
from bootmenu.kexec.methods import METHODS
from bootmenu.kexec.methods.kexec_load import trampoline
from bootmenu.kexec.plan import LoadPlan, PlanError, predict_method
from bootmenu.model.devicetree import MemoryRange
from bootmenu.model.kernel import Architecture
from bootmenu.model.machine import MachineFacts
from bootmenu.model.progress import Progress, Stage, StageState
from bootmenu.model.value import replace
from bootmenu.system.host import Host
from bootmenu.system.recorded_host import SimulatedHost
from tests.builders import machines
from tests.builders.containers import uki
from tests.builders.entries import entry as entry_facts
from tests.builders.entries import whole_image
from tests.builders.hosts import FakeLog, Loaded, fake_host, syscalls_of
from tests.kexec.staging import INITRD, Bench, descriptors

VIRT = machines.virt()
NATIVE = ("kexec_load", "kexec_file_load")


def running_tree(**options: object) -> DeviceTree:
    """As firmware left it, with what it said to the kernel that runs now."""
    chosen = [
        ("stdout-path", b"serial0\0"),
        ("bootargs", b"of the running kernel\0"),
        ("kaslr-seed", bytes(8)),
        *((name, bytes(8)) for name in STALE_CHOSEN),
    ]
    return board_tree(machines.tree_of(VIRT).compatible, memory=((1 << 30, 1 << 30),), chosen=chosen)


def with_facts(machine: MachineFacts = VIRT, tree: DeviceTree | None = None, **changes: object) -> MachineFacts:
    """A machine whose running tree is this one."""
    return replace(machine, tree=facts(tree or running_tree()), **changes)  # type: ignore[arg-type]


def with_kexec(machine: MachineFacts = VIRT, **changes: object) -> MachineFacts:
    return replace(machine, kexec=replace(machine.kexec, **changes))  # type: ignore[arg-type]


@pytest.fixture
def bench(tmp_path: Path, host: Host) -> Iterator[Bench]:
    made = Bench(tmp_path / "part", host=host)
    with made.tree:
        yield made


@pytest.fixture
def host(tmp_path: Path) -> Host:
    tree = running_tree().to_bytes()
    return fake_host(
        tmp_path / "host", {"/sys/kernel/kexec_loaded": "1\n", "/sys/firmware/fdt": tree}, log=["old line"]
    )


def run(bench: Bench, plan: LoadPlan, host: Host) -> list[Progress]:
    before = descriptors()
    try:
        return list(load(plan, {"sda1": bench.tree}, host))
    finally:
        assert descriptors() == before, "every descriptor is closed"


def segments(host: Host) -> dict[str, Loaded]:
    """The pieces by what they are."""
    ((entry, pieces),) = syscalls_of(host).loads
    found = {}
    for piece in pieces:
        head = piece.content[:4]
        name = "kernel" if piece.content[0x38:0x3C] == b"ARM\x64" else "initramfs" if head == b"0707" else ""
        name = "tree" if head == b"\xd0\x0d\xfe\xed" else name
        found[name or "code"] = piece
    assert len(found) == len(pieces)
    assert entry == found["code"].phys
    return found


# ---- kexec_load -------------------------------------------------------------------------------------------


def test_the_pieces_are_the_files_and_the_tree_names_their_places(bench: Bench, host: Host) -> None:
    plan = bench.plan(bench.entry(cmdline="root=/dev/sda2 größe=1"), with_facts())
    assert plan.method == "kexec_load"
    events = run(bench, plan, host)
    assert [event.stage for event in events if event.state is StageState.DONE] == [
        Stage.KERNEL,
        Stage.INITRAMFS,
        Stage.DEVICE_TREE,
        Stage.LOAD,
    ]
    assert plan.stages[:4] == (Stage.KERNEL, Stage.INITRAMFS, Stage.DEVICE_TREE, Stage.LOAD)
    pieces = segments(host)
    assert pieces["kernel"].content == whole_image()
    assert pieces["initramfs"].content == INITRD
    tree = DeviceTree.from_bytes(pieces["tree"].content)
    chosen = tree.node("/chosen")
    assert chosen is not None
    start = pieces["initramfs"].phys
    assert (chosen.u64("linux,initrd-start"), chosen.u64("linux,initrd-end")) == (start, start + len(INITRD))
    assert chosen.get("bootargs") == "root=/dev/sda2 größe=1\0".encode()
    assert chosen.string("stdout-path") == "serial0"
    assert not set(STALE_CHOSEN) - {"linux,initrd-start", "linux,initrd-end"} & {
        name for name, _ in chosen.properties
    }
    assert any(chosen.get("kaslr-seed") or b"")
    assert len(chosen.get("kaslr-seed") or b"") == 8
    assert len(chosen.get("rng-seed") or b"") == 128
    assert pieces["code"].content == trampoline(tree=pieces["tree"].phys, kernel=pieces["kernel"].phys)
    assert facts(tree).memory == (MemoryRange(base=1 << 30, size=1 << 30),)


def test_a_tree_that_does_not_read_back_is_not_handed_over(
    bench: Bench, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = DeviceTree.to_bytes
    monkeypatch.setattr(DeviceTree, "to_bytes", lambda tree: whole(tree)[:-1])
    with pytest.raises(LoadError, match="file ends early"):
        run(bench, bench.plan(bench.entry(), with_facts()), host)
    assert [call[0] for call in syscalls_of(host).calls] == ["kexec_unload"]


def test_the_running_tree_is_read_once(bench: Bench, host: Host) -> None:
    machine = with_facts()
    plan = bench.plan(bench.entry(), machine)
    builder = DtbBuilder(host, machine, lambda: {"sda1": bench.tree})
    assert builder.running is not None
    host.path("/sys/firmware/fdt").unlink()
    for _ in range(2):
        list(load(plan, {"sda1": bench.tree}, host, dtb_builder=builder))
    assert builder.running == running_tree(), "what is edited is a copy"


def test_every_load_has_seeds_of_its_own(bench: Bench, host: Host) -> None:
    plan = bench.plan(bench.entry(), with_facts())
    run(bench, plan, host)
    run(bench, plan, host)
    trees = [
        piece.content for _, pieces in syscalls_of(host).loads for piece in pieces if piece.content[:1] == b"\xd0"
    ]
    assert len(trees) == 2
    chosen = [DeviceTree.from_bytes(tree).node("/chosen") for tree in trees]
    for name in ("kaslr-seed", "rng-seed"):
        assert len({node.get(name) for node in chosen if node}) == 2


def test_without_an_initramfs_nothing_of_one_is_left(bench: Bench, host: Host) -> None:
    run(bench, bench.plan(bench.entry(initrds=[], cmdline=""), with_facts()), host)
    pieces = segments(host)
    assert set(pieces) == {"kernel", "tree", "code"}
    chosen = DeviceTree.from_bytes(pieces["tree"].content).node("/chosen")
    assert chosen is not None
    assert chosen.get("linux,initrd-start") is None
    assert chosen.get("bootargs") == b"\0", "never the running kernel's"


def test_an_own_tree_is_handed_on_with_its_edits(bench: Bench, host: Host) -> None:
    run(bench, bench.plan(bench.entry(dtb="/board.dtb"), with_facts()), host)
    found = facts(DeviceTree.from_bytes(segments(host)["tree"].content))
    assert found.memory == (MemoryRange(base=1 << 30, size=1 << 30),), "copied from the running machine"


@pytest.mark.parametrize("count", [2, 3, 13, 14])
def test_several_initramfs_lie_one_behind_the_other(bench: Bench, host: Host, count: int) -> None:
    """Each from a page on, straight from its file; too many for segments are joined in memory."""
    archives = [b"070701" + bytes([number]) * (4096 * (number % 2) + 50) for number in range(count)]
    for number, archive in enumerate(archives):
        (bench.root / f"part{number}").write_bytes(archive)
    plan = bench.plan(bench.entry(initrds=[f"/part{number}" for number in range(count)]), with_facts())
    run(bench, plan, host)
    ((_, pieces),) = syscalls_of(host).loads
    parts = sorted((piece for piece in pieces if piece.content[:4] == b"0707"), key=lambda piece: piece.phys)
    assert len(parts) == (count if count <= 13 else 1)
    memory = b"".join(piece.content.ljust(piece.memory, b"\0") for piece in parts)
    assert all(left.phys + left.memory == right.phys for left, right in itertools.pairwise(parts))
    (tree,) = (piece for piece in pieces if piece.content[:4] == b"\xd0\x0d\xfe\xed")
    chosen = DeviceTree.from_bytes(tree.content).node("/chosen")
    assert chosen is not None
    assert chosen.u64("linux,initrd-start") == parts[0].phys
    size = (chosen.u64("linux,initrd-end") or 0) - parts[0].phys
    at = 0
    for archive in archives:
        found = memory.index(archive, at)
        assert not memory[at:found].strip(b"\0"), "nothing but zeros between them"
        assert found % 4 == 0
        at = found + len(archive)
    assert at <= size <= at + 3


def test_the_parts_of_a_container_are_taken_where_they_lie(bench: Bench, host: Host) -> None:
    (bench.root / "uki.efi").write_bytes(uki((".linux", whole_image()), (".initrd", INITRD)))
    plan = bench.plan(bench.entry("/uki.efi", initrds=[]), with_facts())
    events = run(bench, plan, host)
    assert not any("taken out" in event.detail for event in events)
    pieces = segments(host)
    assert pieces["kernel"].content[: len(whole_image())] == whole_image()
    assert pieces["initramfs"].content == INITRD


def test_companions_are_packed_and_the_rest_is_taken_where_it_lies(bench: Bench, host: Host) -> None:
    (bench.root / "uki.efi").write_bytes(uki((".osrel", b"ID=a\n"), (".linux", whole_image()), (".initrd", INITRD)))
    events = run(bench, bench.plan(bench.entry("/uki.efi", initrds=[]), with_facts()), host)
    assert not any("taken out" in event.detail or "joined" in event.detail for event in events)
    ((_, pieces),) = syscalls_of(host).loads
    parts = sorted((piece for piece in pieces if piece.content[:4] == b"0707"), key=lambda piece: piece.phys)
    assert [part.content for part in parts] == [INITRD, before(".extra/os-release", 5) + b"ID=a\n" + after(5)]


def test_a_packed_kernel_is_unpacked_into_memory_that_nobody_can_change(bench: Bench, host: Host) -> None:
    (bench.root / "Image.gz").write_bytes(gzip.compress(whole_image()))
    run(bench, bench.plan(bench.entry("/Image.gz"), with_facts()), host)
    assert segments(host)["kernel"].content == whole_image()


def test_nothing_lies_where_the_next_kernel_has_no_memory_or_has_reserved_it(bench: Bench, host: Host) -> None:
    """The entry's tree may know of less memory than this machine has, and of reservations of its own."""
    tree = board_tree(machines.tree_of(VIRT).compatible, memory=((1 << 30, 256 << 20),))
    tree.reservations.append(MemoryRange(base=0x40000000, size=0x400000))
    (bench.root / "board.dtb").write_bytes(tree.to_bytes())
    run(bench, bench.plan(bench.entry(dtb="/board.dtb"), with_facts(), carry_over=False), host)
    for piece in segments(host).values():
        assert piece.phys >= 0x40400000
        assert piece.phys + piece.memory <= 0x50000000


def test_the_interrupt_controller_s_tables_are_left_alone_and_reserved(bench: Bench, host: Host) -> None:
    tables = tuple(MemoryRange(base=at, size=0x10000) for at in (0x40000000, 0x40010000, 0x7FFE0000))
    machine = with_facts(machines.gic_v3(), lpi_tables=tables)
    plan = bench.plan(bench.entry(), machine)
    assert any("GICv3" in note for note in plan.notes)
    run(bench, plan, host)
    pieces = segments(host)
    for piece in pieces.values():
        assert not any(area.base < piece.phys + piece.memory and piece.phys < area.end for area in tables)
    assert DeviceTree.from_bytes(pieces["tree"].content).reservations == list(tables)
    # a tree that already has them, because we were started in this very way, gets them no second time
    tree = running_tree()
    tree.reservations += tables
    host.path("/sys/firmware/fdt").write_bytes(tree.to_bytes())
    syscalls_of(host).loads.clear()
    run(bench, bench.plan(bench.entry(), machine), host)
    assert DeviceTree.from_bytes(segments(host)["tree"].content).reservations == list(tables)


def test_the_trampoline_loads_both_addresses_and_branches() -> None:
    """By an interpreter of the five instructions that it may consist of."""
    registers = dict.fromkeys(range(31), 57005)
    code = struct.unpack("<12I", trampoline(tree=0x1234_5678_9ABC_DEF0, kernel=0xFFFF_4020_0000))
    for word in code[:-1]:
        target, value, shift = word & 31, word >> 5 & 0xFFFF, 16 * (word >> 21 & 3)
        match word & 0xFF800000:
            case 0xD2800000:  # movz
                registers[target] = value << shift
            case 0xF2800000:  # movk
                registers[target] = registers[target] & ~(0xFFFF << shift) | value << shift
            case _:
                assert word & 0xFFFFFFE0 == 0xAA1F03E0, "mov xN, xzr"
                registers[target] = 0
    assert code[-1] == 0xD61F0080, "br x4"
    assert registers[0] == 0x1234_5678_9ABC_DEF0
    assert (registers[1], registers[2], registers[3]) == (0, 0, 0)
    assert registers[4] == 0xFFFF_4020_0000


def test_no_room_is_a_refusal_before_the_call(bench: Bench, host: Host) -> None:
    machine = with_facts(ram_taken=(MemoryRange(base=1 << 30, size=1 << 30),))
    with pytest.raises(LoadError, match="no room for the kernel") as caught:
        run(bench, bench.plan(bench.entry(), machine), host)
    assert caught.value.stage is Stage.LOAD
    assert caught.value.hint
    assert not syscalls_of(host).loads


@pytest.mark.parametrize("content", [b"", b"junk", b"\xd0\x0d\xfe\xed" + bytes(60)])
def test_a_running_tree_that_cannot_be_read_any_more_is_an_error(bench: Bench, host: Host, content: bytes) -> None:
    plan = bench.plan(bench.entry(), with_facts())
    host.path("/sys/firmware/fdt").write_bytes(content)
    with pytest.raises(LoadError, match="running device tree cannot be read") as caught:
        run(bench, plan, host)
    assert caught.value.stage is Stage.DEVICE_TREE
    assert not syscalls_of(host).loads


# ---- kexec_load on riscv64 --------------------------------------------------------------------------------


def riscv_image(text_offset: int = 0x200000) -> bytes:
    """Documentation/arch/riscv/boot-image-header.rst."""
    head = struct.pack("<IIQQQIIQQII", 0x5A4D, 0x6F, text_offset, 1 << 16, 0, 2, 0, 0, 0x5643534952, 0x05435352, 0)
    return head + bytes(4096 - len(head))


RISCV = with_facts(replace(VIRT, architecture=Architecture.RISCV64, machine="riscv64"))


@pytest.mark.parametrize("text_offset", [0x200000, 0x123])
@pytest.mark.parametrize("initramfs", [INITRD, b"\xd0\x0d\xfe\xed" + INITRD], ids=["cpio", "like a tree"])
def test_a_riscv64_kernel_is_entered_directly_and_finds_its_tree_first(
    bench: Bench, host: Host, text_offset: int, initramfs: bytes
) -> None:
    """arch/riscv/kernel/machine_kexec.c takes the first segment that begins like a tree, and sets a0 and a1."""
    (bench.root / "Image").write_bytes(riscv_image(text_offset))
    (bench.root / "initrd").write_bytes(initramfs)
    plan = bench.plan(bench.entry("/Image", initrds=["/initrd"]), RISCV)
    assert plan.method == "kexec_load"
    run(bench, plan, host)
    ((entry, pieces),) = syscalls_of(host).loads
    tree, kernel, archive = pieces
    assert kernel.content == riscv_image(text_offset)
    assert entry == kernel.phys
    assert entry % (2 << 20) == 0
    assert archive.content == initramfs
    # older kernels do not use what is below them, and all reserve what is above them up to the next boundary
    assert min(tree.phys, archive.phys) >= kernel.phys + (2 << 20)
    chosen = DeviceTree.from_bytes(tree.content).node("/chosen")
    assert chosen is not None
    assert chosen.u64("linux,initrd-start") == archive.phys


def test_a_kernel_of_another_architecture_is_not_entered(bench: Bench, host: Host) -> None:
    with pytest.raises(LoadError, match="no riscv64 Image but arm64-image"):
        run(bench, bench.plan(bench.entry(), RISCV), host)
    assert not syscalls_of(host).loads


# ---- kexec_file_load --------------------------------------------------------------------------------------


def test_the_file_call_gets_descriptors_and_the_command_line(bench: Bench, host: Host) -> None:
    plan = bench.plan(bench.entry(cmdline="größe=1"), with_facts(), "kexec_file_load")
    assert Stage.DEVICE_TREE not in plan.stages
    run(bench, plan, host)
    run(bench, bench.plan(bench.entry(initrds=[], cmdline=""), with_facts(), "kexec_file_load"), host)
    assert syscalls_of(host).file_loads == [
        (whole_image(), INITRD, "größe=1".encode()),
        (whole_image(), None, b""),
    ]


def test_the_file_call_never_drops_a_chosen_tree(bench: Bench) -> None:
    with pytest.raises(PlanError, match="never dropped silently") as caught:
        bench.plan(bench.entry(dtb="/board.dtb"), VIRT, "kexec_file_load")
    assert "--method" in caught.value.hint
    only = with_kexec(kexec_load=False, kexec_file_load=True)
    assert bench.plan(bench.entry(), only).method == "kexec_file_load"
    with pytest.raises(PlanError, match="No loading method") as caught:
        bench.plan(bench.entry(dtb="/board.dtb"), only)
    assert "this entry brings its own" in caught.value.hint


# ---- which one --------------------------------------------------------------------------------------------

BOTH = with_kexec(kexec_load=True, kexec_file_load=True)
X86 = replace(machines.unprivileged_x86(), cap_sys_boot=True)


@pytest.mark.parametrize(
    ("machine", "own_tree", "method"),
    [
        (VIRT, False, "kexec_load"),
        (VIRT, True, "kexec_load"),
        (BOTH, False, "kexec_load"),
        (replace(BOTH, lockdown="integrity"), False, "kexec_file_load"),
        (replace(BOTH, tree=None), False, "kexec_file_load"),
        (replace(BOTH, tree=None), True, "kexec_load"),
        (replace(VIRT, tree=None), False, "kexec_tools"),
        (replace(VIRT, ram=None), False, "kexec_tools"),
        (with_kexec(kexec_load=None, kexec_file_load=None), False, "kexec_load"),
        (X86, False, "kexec_file_load"),
        (replace(X86, lockdown="integrity"), False, "kexec_file_load"),
        (with_kexec(X86, kexec_file_load=False, tools_version="2.0.29"), False, "kexec_tools"),
    ],
)
def test_the_first_method_that_can_is_chosen(
    bench: Bench, machine: MachineFacts, own_tree: bool, method: str
) -> None:
    plan = bench.plan(bench.entry(dtb="/board.dtb" if own_tree else None), machine)
    assert plan.method == method
    before = METHODS.names()[: METHODS.names().index(method)]
    assert all(f"; not {name}: " in plan.reason for name in before), "why no better one was taken"


def test_the_checker_learns_what_the_plan_would_do() -> None:
    live = machines.gic_v3()
    assert predict_method(entry_facts(), live).avoids_lpi_tables
    assert not predict_method(entry_facts(), live).reads_into_memory
    assert predict_method(entry_facts(), live, "kexec_tools").reads_into_memory
    assert not predict_method(entry_facts(), live, "kexec_tools").avoids_lpi_tables
    assert not predict_method(entry_facts(), with_kexec(live, kexec_load=False)).avoids_lpi_tables
    assert not predict_method(entry_facts(), replace(live, lpi_tables=None)).avoids_lpi_tables
    assert not predict_method(entry_facts(), live, "nonsense").avoids_lpi_tables
    wanted = (None, "kexec_tools", "nonsense")
    found = [predict_method(entry_facts(), live, method).method for method in wanted]
    assert found == ["kexec_load", "kexec_tools", None]


# ---- failures ---------------------------------------------------------------------------------------------

ERRNOS = [
    errno.EPERM,
    errno.EACCES,
    errno.EBUSY,
    errno.EINVAL,
    errno.EADDRNOTAVAIL,
    errno.ENOSYS,
    errno.ENOMEM,
    errno.EFAULT,
    errno.EIO,
    errno.ENOEXEC,
    errno.EKEYREJECTED,
    errno.ENOKEY,
    errno.EBADMSG,
    errno.ELIBBAD,
    errno.ENODATA,
    errno.ENOPKG,
    errno.EMSGSIZE,
]


@pytest.mark.parametrize("method", NATIVE)
@pytest.mark.parametrize("number", ERRNOS, ids=lambda number: errno.errorcode[number])
def test_a_refusal_is_explained_with_what_the_kernel_said_since(
    bench: Bench, host: Host, number: int, method: str
) -> None:
    log = host.log
    assert isinstance(log, FakeLog)
    syscalls = syscalls_of(host)
    syscalls.errors[method] = number
    syscalls.meanwhile = lambda: (log.messages or []).append("kexec: new line")
    with pytest.raises(LoadError) as caught:
        run(bench, bench.plan(bench.entry(), with_facts(), method), host)
    error = caught.value
    assert (error.errno, error.call, error.stage) == (number, method, Stage.LOAD)
    # what cannot be read is tried twice
    assert error.kernel_log == ("kexec: new line",) * (1 + (number == UNREADABLE[method]))
    assert error.message.endswith(".")
    assert error.message != explain(None, ())[0], "every errno has a meaning of its own"
    assert error.hint
    assert any("unload" in str(call[0]) for call in syscalls.calls), "nothing stays loaded"


@pytest.mark.parametrize(("before", "is_cause"), [("0", True), ("1", False)])
def test_a_load_limit_counts_as_it_was_before_the_call(bench: Bench, host: Host, before: str, is_cause: bool) -> None:
    limit = host.path("/proc/sys/kernel/kexec_load_limit_reboot")
    limit.parent.mkdir(parents=True)
    limit.write_text(before)
    syscalls = syscalls_of(host)
    syscalls.errors["kexec_load"] = errno.EPERM
    syscalls.meanwhile = lambda: limit.write_text("0")
    with pytest.raises(LoadError) as caught:
        run(bench, bench.plan(bench.entry(), with_facts()), host)
    assert ("counted down" in caught.value.message) is is_cause


UNREADABLE = {"kexec_load": errno.EFAULT, "kexec_file_load": errno.EIO}
"""What each call answers where a page of a file cannot be read."""


@pytest.mark.parametrize("method", NATIVE)
def test_a_file_that_cannot_be_read_once_is_on_no_broken_disk(bench: Bench, host: Host, method: str) -> None:
    syscalls = syscalls_of(host)
    syscalls.errors[method] = UNREADABLE[method]

    def recover() -> None:
        if syscalls.calls:
            del syscalls.errors[method]

    syscalls.meanwhile = recover
    run(bench, bench.plan(bench.entry(), with_facts(), method), host)
    assert [call[0] for call in syscalls.calls] == [method, method]
    if method == "kexec_load":
        pieces = segments(host)
        assert (pieces["kernel"].content, pieces["initramfs"].content) == (whole_image(), INITRD)
    else:
        assert [contents[:2] for contents in syscalls.file_loads] == [(whole_image(), INITRD)]


@pytest.mark.parametrize("method", NATIVE)
@pytest.mark.parametrize("name", ["/Image", "/initrd"])
def test_a_file_that_cannot_be_read_again_is_named(
    bench: Bench, host: Host, method: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    syscalls = syscalls_of(host)
    syscalls.errors[method] = UNREADABLE[method]
    pread, preadv = os.pread, os.preadv

    def fail_for(descriptor: int) -> None:
        if str(Path(f"/proc/self/fd/{descriptor}").readlink()).endswith(name):
            raise OSError(errno.EIO, "Input/output error")

    def failing_pread(descriptor: int, length: int, offset: int) -> bytes:
        fail_for(descriptor)
        return pread(descriptor, length, offset)

    def failing_preadv(descriptor: int, buffers: list[memoryview], offset: int) -> int:
        fail_for(descriptor)
        return preadv(descriptor, buffers, offset)

    def break_down() -> None:
        monkeypatch.setattr(os, "pread", failing_pread)
        monkeypatch.setattr(os, "preadv", failing_preadv)

    syscalls.meanwhile = break_down
    with pytest.raises(LoadError) as caught:
        run(bench, bench.plan(bench.entry(), with_facts(), method), host)
    assert caught.value.message == f"{name}: reading failed: Input/output error."
    assert caught.value.errno == errno.EIO
    assert "disk gives errors" in caught.value.hint


@pytest.mark.parametrize("method", NATIVE)
@pytest.mark.parametrize("stop_at", [Stage.KERNEL, Stage.INITRAMFS, Stage.LOAD])
def test_closing_it_early_leaves_nothing_loaded_and_nothing_open(
    bench: Bench, host: Host, stop_at: Stage, method: str
) -> None:
    before = descriptors()
    events = load(bench.plan(bench.entry(), with_facts(), method), {"sda1": bench.tree}, host)
    wanted = StageState.DONE if stop_at is Stage.LOAD else StageState.RUNNING
    assert any(event.stage is stop_at and event.state is wanted for event in events)
    events.close()  # type: ignore[attr-defined]
    assert descriptors() == before
    calls = [str(call[0]) for call in syscalls_of(host).calls]
    unloading = {"kexec_load": "kexec_unload", "kexec_file_load": "kexec_file_unload"}[method]
    assert calls == ([method, unloading] if stop_at is Stage.LOAD else [])


@pytest.mark.parametrize("method", NATIVE)
def test_unload_never_raises(bench: Bench, host: Host, method: str) -> None:
    plan = bench.plan(bench.entry(), with_facts(), method)
    syscalls_of(host).errors.update({"kexec_unload": errno.EPERM, "kexec_file_unload": errno.EPERM})
    unload(plan, host)
    assert len(syscalls_of(host).calls) == 1


@pytest.mark.parametrize("method", NATIVE)
def test_a_simulated_machine_never_reaches_the_real_kernel(bench: Bench, method: str) -> None:
    chosen = METHODS.get(method)
    assert chosen is not None
    host = SimulatedHost.from_facts(VIRT)
    if method == "kexec_load":
        host.syscalls.kexec_load(1, [])
        plan = bench.plan(bench.entry(dtb="/board.dtb"), VIRT, method)
    else:
        plan = bench.plan(bench.entry(), VIRT, method)
    list(load(plan, {"sda1": bench.tree}, host))
    assert host.kexec_loaded()
    unload(plan, host)
    assert not host.kexec_loaded()


def test_a_machine_whose_memory_is_not_known_is_a_typed_error(bench: Bench, host: Host) -> None:
    plan = replace(bench.plan(bench.entry(), with_facts()), machine=MachineFacts())
    with pytest.raises(LoadError, match="memory map of this machine is not known"):
        run(bench, plan, host)


def test_what_is_no_arm64_image_any_more_is_not_loaded(bench: Bench, host: Host) -> None:
    plan = bench.plan(bench.entry(), with_facts())
    (bench.root / "Image").write_bytes(b"x" * len(whole_image()))
    with pytest.raises(LoadError):
        run(bench, plan, host)
    assert not syscalls_of(host).loads
