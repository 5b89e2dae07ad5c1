# SPDX-License-Identifier: MIT
"""Device trees on their way to the next kernel: edits, firmware fix-ups, overlays, and libfdt's opinion."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given

from bootmenu.demo.builders import board_tree, cells, strings
from bootmenu.errors import BootmenuError, FormatError
from bootmenu.formats.dtb import MAX_SIZE, DeviceTree, Node
from bootmenu.formats.dtb_facts import STALE_CHOSEN, facts
from bootmenu.kexec.dtb_builder import DtbBuilder
from bootmenu.kexec.firmware_fixups import fixups
from bootmenu.kexec.overlays import TOOL, OverlayError, apply_overlays
from bootmenu.kexec.write_dtb import RESERVE, Edit, apply, boot_edits, to_blob
from bootmenu.model.devicetree import MemoryRange, ReservedMemory, TreeFacts, merged, subtracted
from bootmenu.model.machine import MachineFacts
from bootmenu.model.value import replace
from bootmenu.system.processes import Commands
from bootmenu.system.recorded_host import SimulatedHost
from tests.builders import strategies
from tests.builders.hosts import fake_host
from tests.builders.libfdt import LibFdt
from tests.builders.machines import tree_of, virt
from tests.kexec.staging import Bench
from tests.properties import examples

VIRT = virt()
TREE = tree_of(VIRT)


def machine(tree: TreeFacts | None = TREE, ram: tuple[MemoryRange, ...] | None = None) -> MachineFacts:
    return replace(VIRT, tree=tree, ram=ram)


def carried(tree: DeviceTree, running: TreeFacts | None, ram: tuple[MemoryRange, ...] | None = None) -> TreeFacts:
    """What a tree says after the edits of a machine."""
    return facts(DeviceTree.from_bytes(to_blob(apply(tree, fixups(tree, machine(running, ram))))))


def from_running(own: DeviceTree, running: DeviceTree) -> DeviceTree:
    return apply(own, fixups(own, machine(facts(running)), running))


def value(tree: DeviceTree, path: str, name: str) -> bytes | None:
    node = tree.node(path)
    return node.get(name) if node else None


# ---- this boot --------------------------------------------------------------------------------------------


def test_what_is_left_of_an_earlier_boot_is_removed() -> None:
    chosen = [*((name, bytes(8)) for name in STALE_CHOSEN), ("stdout-path", b"serial0\0")]
    tree = board_tree(TREE.compatible, chosen=chosen)
    found = apply(tree, fixups(tree, VIRT)).node("/chosen")
    assert found is not None
    assert found.properties == [("stdout-path", b"serial0\0")]


@pytest.mark.parametrize(
    ("seed", "seeds", "kaslr", "rng"),
    [
        (b"12345678", True, 8, 128),
        (None, True, 8, 128),
        (b"12345678", False, 0, None),  # kexec-tools fills in a zero, and refuses anything else
        (None, False, None, None),
    ],
)
def test_a_foreign_seed_is_never_handed_on(
    seed: bytes | None, seeds: bool, kaslr: int | None, rng: int | None
) -> None:
    tree = board_tree(TREE.compatible, chosen=[("kaslr-seed", seed)] if seed else [])
    found = apply(tree, boot_edits(tree, "quiet", initramfs=False, writes_seeds=seeds))
    drawn = value(found, "/chosen", "kaslr-seed")
    assert drawn != b"12345678"
    if kaslr is None:
        assert drawn is None
    else:
        assert drawn is not None
        assert any(drawn) == bool(kaslr)
    assert len(value(found, "/chosen", "rng-seed") or b"") == (rng or 0)
    assert value(found, "/chosen", "bootargs") == b"quiet\0"


def test_a_foreign_rng_seed_is_replaced_for_kexec_tools_too() -> None:
    tree = board_tree(TREE.compatible, chosen=[("rng-seed", b"known")])
    found = apply(tree, boot_edits(tree, "", initramfs=False, writes_seeds=False))
    assert len(value(found, "/chosen", "rng-seed") or b"") == 128


def test_what_only_the_loading_method_knows_is_listed_and_left_to_it() -> None:
    tree = board_tree(TREE.compatible)
    changes = list(boot_edits(tree, "", initramfs=True, writes_seeds=False))
    assert [edit.property for edit in changes if edit.late] == ["linux,initrd-start", "linux,initrd-end"]
    assert value(apply(tree, changes), "/chosen", "linux,initrd-start") is None


# ---- memory -----------------------------------------------------------------------------------------------


def memory_node(*properties: tuple[str, bytes], name: str = "memory@40000000") -> Node:
    return Node(name, properties=[("device_type", b"memory\0"), *properties])


@pytest.mark.parametrize(
    "nodes",
    [
        [],
        [memory_node(("reg", bytes(16)))],
        [memory_node(("reg", bytes(16)), name="memory")],
        [memory_node(("reg", bytes(16)), ("status", strings("disabled")))],
        [memory_node(("reg", bytes(16)), ("linux,usable-memory", b""))],
        [memory_node(), memory_node(name="memory@0")],
        [Node("memory@40000000", properties=[("status", strings("disabled"))])],
        # placeholders, as 448 of the 1,023 trees of Debian 13's arm64 kernel have them
        [memory_node(("reg", struct.pack(">QQ", 0, 0x40000000)), name="memory@0")],
        [memory_node(("reg", struct.pack(">QQ", 0x40000000, 0x8000000)))],
        [
            memory_node(("reg", struct.pack(">QQ", 0x48000000, 0x78000000)), name="memory@48000000"),
            memory_node(("reg", struct.pack(">QQ", 6 << 32, 2 << 30)), name="memory@600000000"),
        ],
    ],
)
def test_memory_is_carried_over_whatever_the_file_says(nodes: list[Node]) -> None:
    tree = board_tree(TREE.compatible, memory=())
    tree.root.children += nodes
    assert carried(tree, TREE).memory == TREE.memory


def test_a_tree_that_has_this_machine_s_memory_is_left_alone() -> None:
    half = TREE.memory[0].size // 2
    base = TREE.memory[0].base
    for pieces in (((base, 2 * half),), ((base + half, half), (base, half))):
        tree = board_tree(TREE.compatible, memory=pieces)
        assert not [edit for edit in fixups(tree, VIRT) if "memory" in edit.path]
        assert to_blob(apply(tree, ())) == tree.to_bytes()


def test_the_plan_says_what_was_in_the_file() -> None:
    tree = board_tree(TREE.compatible, memory=((0, 0x40000000),))
    told = [str(edit) for edit in fixups(tree, VIRT) if edit.property == "reg"]
    assert told == [
        "/memory@40000000: reg = <0x0 0x40000000 0x0 0x40000000> "
        "(copied from the running machine, in place of 0x0-0x3fffffff)"
    ]
    many = board_tree(TREE.compatible, memory=[(number << 32, 4096) for number in range(900)])
    (reg,) = (edit for edit in fixups(many, VIRT) if edit.property == "reg")
    assert len(str(reg)) < 300


def test_memory_comes_from_the_running_tree_or_from_the_kernel_s_map() -> None:
    bare = board_tree(TREE.compatible, memory=())
    ram = (MemoryRange(base=1 << 32, size=1 << 20),)
    assert carried(bare, TREE, ram).memory == TREE.memory
    assert carried(bare, replace(TREE, memory=()), ram).memory == ram
    assert carried(bare, None, ram).memory == ram
    assert carried(bare, None).memory == ()


def test_started_by_efi_its_map_is_the_memory_and_not_a_file_s_placeholder() -> None:
    """GRUB's devicetree command loads a tree from a package, and Linux drops its memory for EFI's map."""
    ram = (MemoryRange(base=0x40000000, size=0x20000000),)
    efi = replace(machine(ram=ram), efi=True)
    assert efi.memory == ram
    assert replace(efi, ram=None).memory == TREE.memory
    other = board_tree(TREE.compatible, memory=((0, 0x1000),))
    assert facts(apply(other, tuple(fixups(other, efi)))).memory == ram
    # what the running kernel was given is no worse for the next
    same = board_tree(TREE.compatible, memory=[(area.base, area.size) for area in TREE.memory])
    assert not [edit for edit in fixups(same, efi) if "memory" in edit.path]


def test_what_firmware_keeps_beside_the_memory_is_none_of_it() -> None:
    """Under EFI /proc/iomem has QEMU's flash among what is reserved, and RAM that firmware keeps."""
    recorded = Path(__file__).parents[1] / "machines" / "recorded" / "virt-efi-acpi.json"
    efi = MachineFacts.from_json(json.loads(recorded.read_text()))
    flash, ram = MemoryRange(base=0x4000000, size=0x4000000), MemoryRange(base=0x40000000, size=1 << 30)
    assert efi.ram is not None
    assert merged(efi.ram) == (flash, ram)
    bare = board_tree(TREE.compatible, memory=())
    assert merged(facts(apply(bare, tuple(fixups(bare, efi)))).memory) == (ram,)


def test_a_tree_that_only_points_to_acpi_gets_no_node() -> None:
    """Any node besides /chosen would make the kernel distrust ACPI: arch/arm64/kernel/acpi.c:dt_is_stub."""
    stub = DeviceTree(root=Node("", children=[Node("chosen", properties=[("linux,uefi-system-table", bytes(8))])]))
    ram = (MemoryRange(base=1 << 30, size=1 << 30),)
    changed = apply(stub, fixups(stub, machine(TREE, ram), stub))
    assert [node.name for node in changed.root.children] == ["chosen"]
    assert changed.reservations == []


def narrow_tree(address_cells: int, size_cells: int) -> DeviceTree:
    tree = board_tree(TREE.compatible, memory=())
    tree.root.set("#address-cells", cells(address_cells))
    tree.root.set("#size-cells", cells(size_cells))
    return tree


@pytest.mark.parametrize(("address_cells", "size_cells"), [(1, 1), (1, 2), (2, 1), (2, 2)])
def test_memory_is_written_in_the_entry_s_own_cells(address_cells: int, size_cells: int) -> None:
    found = carried(narrow_tree(address_cells, size_cells), TREE)
    assert found.memory == TREE.memory


@pytest.mark.parametrize(
    ("address_cells", "size_cells", "area"),
    [(1, 1, (1 << 32, 4096)), (1, 2, (1 << 32, 4096)), (1, 1, (1 << 40, 1 << 50))],
)
def test_memory_that_does_not_fit_into_32_bits_is_refused(
    address_cells: int, size_cells: int, area: tuple[int, int]
) -> None:
    with pytest.raises(BootmenuError, match="32 bits") as caught:
        carried(narrow_tree(address_cells, size_cells), None, (MemoryRange(base=area[0], size=area[1]),))
    assert caught.value.hint


@pytest.mark.parametrize(
    ("address_cells", "size_cells", "wanted"),
    [
        # the Raspberry Pi 4 with 8 GB: its firmware cuts the memory into pieces that fit
        (2, 1, [(0, 0x3B400000), (1 << 30, 3 << 30), (1 << 32, 4 << 30)]),
        # what cannot be said is lost, and DT-MEMORY warns of it
        (1, 1, [(0, 0x3B400000), (1 << 30, 3 << 30)]),
        (1, 2, [(0, 0x3B400000), (1 << 30, 3 << 30)]),
        (2, 2, [(0, 0x3B400000), (1 << 30, 3 << 30), (1 << 32, 4 << 30)]),
    ],
)
def test_memory_is_cut_into_what_the_cells_can_say(
    address_cells: int, size_cells: int, wanted: list[tuple[int, int]]
) -> None:
    pi = ((0, 0x3B400000), (1 << 30, 3 << 30), (1 << 32, 4 << 30))
    running = replace(TREE, memory=tuple(MemoryRange(base=base, size=size) for base, size in pi))
    found = carried(narrow_tree(address_cells, size_cells), running)
    assert merged(found.memory) == merged(MemoryRange(base=base, size=size) for base, size in wanted)


def test_a_machine_that_claims_endless_memory_makes_no_endless_tree() -> None:
    endless = (MemoryRange(base=0, size=1 << 63),)
    assert len(carried(narrow_tree(2, 1), None, endless).memory) == 1024


@examples(80)
@given(strategies.device_trees, strategies.tree_facts, strategies.tuples_of(strategies.ranges, 3))
def test_the_result_passes_the_reader_and_has_memory(
    tree: DeviceTree, running: TreeFacts, ram: tuple[MemoryRange, ...]
) -> None:
    found = carried(tree, running, ram)
    assert found.stale_chosen == ()
    assert not found.has_kaslr_seed
    known = machine(running, ram).memory
    stub = all(node.name == "chosen" for node in tree.root.children)
    if known and not stub:
        assert merged(found.memory) in (known, merged(running.memory), _addressable(known, found))


def _addressable(areas: tuple[MemoryRange, ...], tree: TreeFacts) -> tuple[MemoryRange, ...]:
    top = 1 << 32 * tree.address_cells
    return subtracted(areas, [MemoryRange(base=top, size=1 << 64)])


def test_a_tree_that_grows_beyond_2_mib_is_refused() -> None:
    tree = board_tree(TREE.compatible)
    tree.root.set("filler", bytes(MAX_SIZE))
    with pytest.raises(BootmenuError, match="at most"):
        to_blob(tree)


def test_an_edit_says_what_it_does() -> None:
    assert str(Edit(path="/chosen", property="x", value=None, why="old")) == "/chosen: x removed (old)"
    assert str(Edit(path="/m", property="reg", value=bytes(8), why="new")) == "/m: reg = <0x0 0x0> (new)"
    assert str(Edit(path="/c", property="s", fresh=8, why="new")) == "/c: s set, 8 random bytes (new)"
    assert str(Edit(path="/c", property="i", late=True, why="new")) == "/c: i set at load (new)"
    area = struct.pack(">QQ", 0x1000, 0x1000)
    assert str(Edit(path=RESERVE, value=area, why="new")) == "0x1000-0x1fff reserved (new)"


# ---- what firmware wrote ----------------------------------------------------------------------------------


def firmware_tree(**options: object) -> DeviceTree:
    """A running tree with everything that firmware fills in."""
    tree = board_tree(
        TREE.compatible,
        reserved=[("optee", 0x4E000000, 0x200000, True), ("cma", 0x50000000, 0x1000000, False)],
        reservations=[(0x40000000, 0x1000), (0x48000000, 0x2000)],
        chosen=[
            ("linux,uefi-system-table", bytes(7) + b"\1"),
            ("linux,initrd-start", struct.pack(">Q", 0x48000000)),
            ("bootargs", b"of the running kernel\0"),
        ],
        **options,  # type: ignore[arg-type]
    )
    tree.root.set("serial-number", b"10000000abcdef12\0")
    add_network(tree, b"\xb8\x27\xeb\x01\x02\x03")
    return tree


def add_network(tree: DeviceTree, address: bytes | None, path: str = "ethernet@1") -> None:
    tree.root.children.append(Node("aliases", properties=[("ethernet0", f"/{path}".encode() + b"\0")]))
    properties = [("local-mac-address", address)] if address else []
    tree.root.children.append(Node(path, properties=properties))


def test_everything_that_firmware_wrote_is_carried_over() -> None:
    own = board_tree(TREE.compatible, memory=(), psci_method=None)
    add_network(own, bytes(6), "soc-ethernet@9")
    found = from_running(own, firmware_tree())
    told = facts(found)
    assert told.memory == (MemoryRange(base=0x40000000, size=0x40000000),)
    optee = MemoryRange(base=0x4E000000, size=0x200000)
    assert told.reserved_memory == (ReservedMemory(name="optee@4e000000", area=optee, no_map=True),)
    assert told.memory_reservations == (MemoryRange(base=0x40000000, size=0x1000),), (
        "and no room for an old initramfs"
    )
    assert (told.psci_compatible, told.psci_method) == (("arm,psci-1.0", "arm,psci-0.2"), "hvc")
    assert told.uefi_properties == ("linux,uefi-system-table",)
    assert found.root.string("serial-number") == "10000000abcdef12"
    assert value(found, "/soc-ethernet@9", "local-mac-address") == b"\xb8\x27\xeb\x01\x02\x03"
    assert value(found, "/chosen", "bootargs") is None


def test_how_firmware_is_called_is_left_alone_where_the_tree_says_it() -> None:
    own = board_tree(TREE.compatible, psci_method="smc")
    assert facts(from_running(own, firmware_tree())).psci_method == "smc"


def test_nothing_is_carried_over_where_nobody_wants_it() -> None:
    own = board_tree(TREE.compatible, memory=())
    running = firmware_tree()
    assert not list(fixups(own, machine(facts(running)), running, carry_over=False))


@pytest.mark.parametrize("cells_of_reserved", [(2, 2), (1, 1), None])
def test_a_reservation_is_written_in_the_cells_of_its_parent(cells_of_reserved: tuple[int, int] | None) -> None:
    own = board_tree(TREE.compatible)
    parent = Node("reserved-memory", properties=[("ranges", b"")])
    if cells_of_reserved:
        parent.set("#address-cells", cells(cells_of_reserved[0]))
        parent.set("#size-cells", cells(cells_of_reserved[1]))
    own.root.children.append(parent)
    told = facts(from_running(own, firmware_tree()))
    assert [item.area.base for item in told.reserved_memory] == [0x4E000000]
    assert told.reserved_memory[0].area.size == 0x200000


def test_without_the_running_tree_its_facts_have_to_do() -> None:
    running = facts(firmware_tree())
    told = carried(board_tree(TREE.compatible, memory=(), psci_method=None), running)
    assert told.psci_method == "hvc"
    assert [item.name for item in told.reserved_memory] == ["optee@4e000000"]
    assert len(told.memory_reservations) == 2


def test_libfdt_takes_what_is_handed_on() -> None:
    judge = LibFdt()
    own = board_tree(TREE.compatible, memory=(), psci_method=None)
    assert judge.accepts(to_blob(from_running(own, firmware_tree())))


# ---- overlays ---------------------------------------------------------------------------------------------

BASE = """/dts-v1/;
/ { compatible = "acme,board"; #address-cells = <2>; #size-cells = <2>;
  soc { uart: serial@1000 { status = "disabled"; }; }; };
"""
ENABLE = """/dts-v1/; /plugin/; &uart { status = "okay"; };"""
SPEED = """/dts-v1/; /plugin/; &uart { status = "reserved"; current-speed = <9600>; };"""
LOST = """/dts-v1/; /plugin/; &nobody { status = "okay"; };"""


def compiled(source: str, symbols: bool = True) -> bytes:
    command = ["dtc", "-q", "-I", "dts", "-O", "dtb", *(["-@"] if symbols else [])]
    return subprocess.run(command, input=source.encode(), capture_output=True, check=True).stdout


def test_overlays_are_applied_in_their_order() -> None:
    host = SimulatedHost.from_facts(VIRT)
    base = DeviceTree.from_bytes(compiled(BASE))
    for order, status in (((ENABLE, SPEED), "reserved"), ((SPEED, ENABLE), "okay")):
        found = apply_overlays(host, base, [compiled(source) for source in order])
        node = found.node("/soc/serial@1000")
        assert node is not None
        assert (node.string("status"), node.u32("current-speed")) == (status, 9600)
    assert apply_overlays(host, base, []) is base


@pytest.mark.parametrize(("source", "symbols"), [(LOST, True), (ENABLE, False)])
def test_an_overlay_that_does_not_fit_is_an_error_with_the_tool_s_words(source: str, symbols: bool) -> None:
    base = DeviceTree.from_bytes(compiled(BASE, symbols))
    with pytest.raises(OverlayError, match=r"does not apply to this device tree: .*FDT_ERR") as caught:
        apply_overlays(SimulatedHost.from_facts(VIRT), base, [compiled(source)])
    assert "dtc -@" in caught.value.hint


def test_without_the_tool_nothing_is_applied_in_silence(tmp_path: Path) -> None:
    with pytest.raises(OverlayError, match="fdtoverlay is not installed"):
        apply_overlays(fake_host(tmp_path), DeviceTree.from_bytes(compiled(BASE)), [compiled(ENABLE)])


def test_an_overlay_that_is_none_never_reaches_the_tool() -> None:
    with pytest.raises(FormatError):
        apply_overlays(SimulatedHost.from_facts(VIRT), DeviceTree.from_bytes(compiled(BASE)), [b"junk"])


# ---- one answer for scan, plan and load --------------------------------------------------------------------


def dtb_builder(tmp_path: Path, running: DeviceTree | None, **options: bool) -> DtbBuilder:
    files = {"/sys/firmware/fdt": running.to_bytes()} if running else {}
    host = replace(fake_host(tmp_path / "host", files), commands=Commands())
    told = machine(facts(running) if running else None)
    return DtbBuilder(host, told, dict, **options)


def test_the_scan_foresees_what_the_load_will_do(tmp_path: Path) -> None:
    found = dtb_builder(tmp_path, firmware_tree()).predict(board_tree(TREE.compatible, memory=()).to_bytes(), [])
    assert found.problem == ""
    assert found.tree is not None
    assert found.tree.memory == (MemoryRange(base=0x40000000, size=0x40000000),)
    assert {"/memory@40000000", "/reserved-memory/optee@4e000000", "/chosen"} <= set(found.fixups)


def test_overlays_without_a_tree_are_for_the_running_one(tmp_path: Path) -> None:
    running = DeviceTree.from_bytes(compiled(BASE))
    found = dtb_builder(tmp_path, running).predict(None, [compiled(ENABLE)])
    assert found.base is not None
    assert found.base.tree is not None
    assert found.base.tree.has_symbols
    assert found.problem == ""
    assert "cannot be read" in dtb_builder(tmp_path / "none", None).predict(None, [compiled(ENABLE)]).problem


def test_another_machine_s_tree_is_not_this_one_s(tmp_path: Path) -> None:
    assert dtb_builder(tmp_path, firmware_tree()).running is not None
    assert dtb_builder(tmp_path, firmware_tree(), local=False).running is None


def test_a_plan_with_overlays_reads_them_and_shows_every_edit(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "part")
    (bench.root / "base.dtb").write_bytes(compiled(BASE))
    (bench.root / "enable.dtbo").write_bytes(compiled(ENABLE))
    entry = bench.entry(dtb="/base.dtb", overlays=["/enable.dtbo"])
    with bench.tree:
        plan = bench.plan(entry, method="kexec_load")
    assert [file.ref.path for file in plan.overlays] == ["/enable.dtbo"]
    told = [str(edit) for edit in plan.edits]
    assert "/memory@40000000: reg = <0x0 0x40000000 0x0 0x40000000> (copied from the running machine)" in told
    assert '/chosen: bootargs = "root=/dev/sda2" (the entry\'s command line)' in told
    assert shutil.which(TOOL)


def test_nops_and_padding_are_gone_after_an_edit() -> None:
    data = board_tree(TREE.compatible).to_bytes()
    padded = bytearray(data + bytes(4096))
    struct.pack_into(">I", padded, 4, len(padded))
    assert to_blob(apply(DeviceTree.from_bytes(bytes(padded)), ())) == data
