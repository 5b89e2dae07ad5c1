# SPDX-License-Identifier: MIT
"""What boot firmware writes into a tree whatever the file says: docs/devicetree.md goes through the whole list."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
from hypothesis import given

from bootmenu.demo.builders import board_tree, cells, strings
from bootmenu.errors import BootmenuError
from bootmenu.formats.dtb import DeviceTree, Node
from bootmenu.formats.dtb_facts import STALE_CHOSEN, facts
from bootmenu.kexec.firmware_fixups import fixups
from bootmenu.kexec.write_dtb import apply, to_blob
from bootmenu.model.devicetree import MemoryRange, ReservedMemory, TreeFacts, merged, subtracted
from bootmenu.model.machine import MachineFacts
from bootmenu.model.value import replace
from tests.builders import strategies
from tests.builders.libfdt import LibFdt
from tests.builders.machines import tree_of, virt
from tests.properties import examples

VIRT = virt()
TREE = tree_of(VIRT)
BOARD = ("raspberrypi,4-model-b", "brcm,bcm2711")


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


def placed(tree: DeviceTree, path: str, *properties: tuple[str, bytes]) -> DeviceTree:
    """With these properties at that path."""
    node = tree.root if path == "/" else tree.ensure(path)
    for name, data in properties:
        node.set(name, data)
    return tree


def board(*nodes: tuple[str, str, bytes]) -> DeviceTree:
    """A Raspberry Pi with values by path and property."""
    tree = board_tree(BOARD)
    for path, name, data in nodes:
        placed(tree, path, (name, data))
    return tree


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


# ---- what is removed --------------------------------------------------------------------------------------


def test_what_is_left_of_an_earlier_boot_is_removed() -> None:
    chosen = [*((name, bytes(8)) for name in STALE_CHOSEN), ("stdout-path", b"serial0\0")]
    tree = board_tree(TREE.compatible, chosen=chosen)
    found = apply(tree, fixups(tree, VIRT)).node("/chosen")
    assert found is not None
    assert found.properties == [("stdout-path", b"serial0\0")]


# ---- numbers of this machine ------------------------------------------------------------------------------

MINE, PLACEHOLDER = b"\xb8\x27\xeb\x01\x02\x03", b"\x02\x00\x00\x00\x00\x01"


def test_the_serial_number_of_a_file_is_a_placeholder() -> None:
    for theirs in (None, b"0\0"):
        own = board(*([("/", "serial-number", theirs)] if theirs else []))
        found = from_running(own, board(("/", "serial-number", b"10000000abcdef12\0")))
        assert found.root.string("serial-number") == "10000000abcdef12"
    assert from_running(board(("/", "serial-number", b"7\0")), board()).root.string("serial-number") == "7"


@pytest.mark.parametrize("theirs", [None, bytes(6), PLACEHOLDER])
@pytest.mark.parametrize("ours", ["mac-address", "local-mac-address"])
def test_the_address_of_a_network_device_is_this_machine_s(ours: str, theirs: bytes | None) -> None:
    running = board(("/aliases", "ethernet0", b"/soc/old@1\0"), ("/soc/old@1", ours, MINE))
    own = board(("/aliases", "ethernet0", b"/soc/new@1\0"), ("/soc/new@1", "x", b""))
    if theirs is not None:
        placed(own, "/soc/new@1", ("local-mac-address", theirs), ("mac-address", theirs))
    found = from_running(own, running)
    assert value(found, "/soc/new@1", "local-mac-address") == MINE
    assert value(found, "/soc/new@1", "mac-address") == (None if theirs is None else MINE)


def test_without_an_alias_the_path_says_which_device_it_is() -> None:
    path = "/soc/serial@7e201000/bluetooth"
    found = from_running(board((path, "x", b"")), board((path, "local-bd-address", MINE)))
    assert value(found, path, "local-bd-address") == MINE
    assert value(found, path, "local-mac-address") is None
    absent = from_running(board(), board((path, "local-bd-address", MINE)))
    assert absent.node("/soc") is None


def test_an_address_of_zeros_is_none() -> None:
    own = board(("/soc/eth@1", "local-mac-address", PLACEHOLDER))
    found = from_running(own, board(("/soc/eth@1", "local-mac-address", bytes(6))))
    assert value(found, "/soc/eth@1", "local-mac-address") == PLACEHOLDER


# ---- CPUs -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [None, "spin-table"])
def test_cpus_are_started_by_psci_where_this_machine_does_so(method: str | None) -> None:
    own = board_tree(BOARD, enable_method=method, psci_method=None)
    found = facts(from_running(own, board_tree(BOARD)))
    assert [cpu.enable_method for cpu in found.cpus] == ["psci"] * 4
    assert found.psci_method == "hvc"
    without = replace(facts(board_tree(BOARD)), psci_compatible=None, psci_method=None)
    left = apply(own, fixups(own, machine(without)))
    assert [cpu.enable_method for cpu in facts(left).cpus] == [method] * 4


def spinning(address: int, method: str | None = "spin-table", **options: object) -> DeviceTree:
    tree = board_tree(BOARD, enable_method=method, psci_method=None, **options)  # type: ignore[arg-type]
    for node in tree.ensure("/cpus").children:
        node.set("cpu-release-addr", struct.pack(">Q", address))
    return tree


@pytest.mark.parametrize("method", [None, "spin-table"])
def test_the_release_address_is_the_one_that_cpus_look_at_and_stays_reserved(method: str | None) -> None:
    running = spinning(0x40000FF8, reservations=((0x40000000, 0x1000),))
    found = facts(from_running(spinning(0x8000FFF8, method), running))
    assert {(cpu.enable_method, cpu.release_address) for cpu in found.cpus} == {("spin-table", 0x40000FF8)}
    assert found.memory_reservations == (MemoryRange(base=0x40000000, size=0x1000),)


def test_a_spin_table_in_mapped_reserved_memory_stays_reserved() -> None:
    running = spinning(0x40000FF8, reserved=[("spin", 0x40000000, 0x1000, False), ("cma", 0x50000000, 4096, False)])
    found = facts(from_running(spinning(0xD8), running))
    assert found.memory_reservations == (MemoryRange(base=0x40000000, size=0x1000),)


def test_a_cpu_that_is_named_often_is_written_once() -> None:
    own = board_tree(BOARD, cpus=[0] * 3000, enable_method="spin-table")
    assert [edit.path for edit in fixups(own, machine(facts(board_tree(BOARD))))] == ["/cpus/cpu@0"]


def test_a_tree_with_psci_is_not_told_to_spin() -> None:
    found = facts(from_running(board_tree(BOARD), spinning(0x40000FF8)))
    assert {(cpu.enable_method, cpu.release_address) for cpu in found.cpus} == {("psci", None)}


# ---- secure firmware --------------------------------------------------------------------------------------

OPTEE = (("compatible", strings("linaro,optee-tz")), ("method", strings("smc")), ("interrupts", cells(1, 2, 3)))


def test_op_tee_is_described_where_the_file_does_not() -> None:
    running = placed(board(), "/firmware/optee", *OPTEE)
    found = from_running(placed(board(), "/firmware", ("ranges", b"")), running).node("/firmware/optee")
    assert found is not None
    assert found.properties == list(OPTEE[:2]), "an interrupt of another tree would be another one here"
    own = placed(board(), "/firmware/optee", ("compatible", strings("linaro,optee-tz")))
    assert value(from_running(own, running), "/firmware/optee", "method") is None


# ---- clocks -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "theirs", "wanted"),
    [
        ("/extal", None, 24),
        ("/extal", 0, 24),
        ("/extal", 25, 25),
        ("/sysclk", 25, 24),
    ],
)
def test_a_rate_that_the_file_leaves_open_is_filled_in(path: str, theirs: int | None, wanted: int) -> None:
    kind = ("compatible", strings("fixed-clock"))
    running = placed(board(), path, kind, ("clock-frequency", cells(24)))
    own = placed(board(), path, kind, *([] if theirs is None else [("clock-frequency", cells(theirs))]))
    assert value(from_running(own, running), path, "clock-frequency") == cells(wanted)
    # a bus of the same name has a frequency of another kind
    bus = placed(board(), path, ("compatible", strings("acme,i2c")))
    assert value(from_running(bus, running), path, "clock-frequency") is None


# ---- Raspberry Pi -----------------------------------------------------------------------------------------


def pi(**values: bytes) -> DeviceTree:
    """What the Pi's firmware edits, of a Pi 4."""
    tree = board(
        ("/", "model", values.get("model", b"Raspberry Pi 4 Model B\0")),
        ("/aliases", "emmc2bus", b"/emmc2bus\0"),
        ("/aliases", "blconfig", b"/reserved-memory/nvram@0\0"),
        ("/emmc2bus", "#address-cells", cells(2)),
        ("/emmc2bus", "#size-cells", cells(1)),
        ("/emmc2bus", "dma-ranges", values.get("dma", cells(0, 0xC0000000, 0, 0, 0x40000000))),
        ("/reserved-memory", "#address-cells", cells(2)),
        ("/reserved-memory", "#size-cells", cells(2)),
        ("/reserved-memory", "ranges", b""),
        ("/reserved-memory/nvram@0", "reg", values.get("nvram", bytes(16))),
        ("/reserved-memory/nvram@0", "no-map", b""),
        ("/reserved-memory/nvram@0", "status", values.get("status", b"disabled\0")),
    )
    if "revision" in values:
        placed(tree, "/system", ("linux,revision", values["revision"]))
    return tree


RUNNING_PI = pi(
    model=b"Raspberry Pi 4 Model B Rev 1.4\0",
    dma=cells(0, 0, 0, 0, 0xFC000000),
    nvram=struct.pack(">QQ", 0x7E000000, 0x1000),
    status=b"okay\0",
    revision=cells(0xC03114),
)


def test_what_the_pi_s_firmware_writes_is_carried_over() -> None:
    found = from_running(pi(), RUNNING_PI)
    assert found.root.string("model") == "Raspberry Pi 4 Model B Rev 1.4"
    assert value(found, "/emmc2bus", "dma-ranges") == cells(0, 0, 0, 0, 0xFC000000)
    assert value(found, "/reserved-memory/nvram@0", "status") == b"okay\0"
    assert value(found, "/system", "linux,revision") == cells(0xC03114)
    areas = [item.area for item in facts(found).reserved_memory]
    assert areas == [MemoryRange(base=0x7E000000, size=0x1000)], "reserved once"
    assert not list(fixups(found, machine(facts(RUNNING_PI)), RUNNING_PI)), "and there is nothing left to do"


def test_nothing_of_it_is_written_where_addresses_are_counted_otherwise() -> None:
    own = placed(pi(), "/emmc2bus", ("#size-cells", cells(2)))
    assert value(from_running(own, RUNNING_PI), "/emmc2bus", "dma-ranges") == value(own, "/emmc2bus", "dma-ranges")


@pytest.mark.parametrize("other", [("raspberrypi,5-model-b", "brcm,bcm2712"), ("acme,rocket",)])
def test_nothing_of_it_is_written_into_another_board_s_tree(other: tuple[str, ...]) -> None:
    own = placed(pi(), "/", ("compatible", strings(*other)))
    found = from_running(own, RUNNING_PI)
    assert found.root.string("model") == "Raspberry Pi 4 Model B"
    assert found.node("/system") is None


# ---- what is left -----------------------------------------------------------------------------------------


def test_what_is_of_one_boot_only_or_may_be_gone_is_left() -> None:
    running = placed(
        board(("/chosen", "u-boot,version", b"2026.07\0"), ("/chosen", "stdout-path", b"serial0\0")),
        "/chosen/framebuffer@3e000000",
        ("compatible", strings("simple-framebuffer")),
    )
    placed(running, "/chosen/bootloader", ("tryboot", cells(1)))
    own = board()
    found = from_running(own, running)
    assert found.node("/chosen") == Node("chosen")
    assert not list(fixups(own, replace(virt(), tree=tree_of(virt())), None, carry_over=False))


# ---- what hostile and unusual trees have -------------------------------------------------------------------

RESERVED = (("/reserved-memory", "#address-cells", cells(2)), ("/reserved-memory", "#size-cells", cells(2)))
SECURE = "/reserved-memory/optee@41000000"


def reserving(*areas: tuple[int, int], path: str = SECURE, status: bytes | None = None) -> DeviceTree:
    """A board whose memory at 0x40000000 has one reservation with these ranges."""
    reg = b"".join(struct.pack(">QQ", *area) for area in areas)
    tree = board(*RESERVED, ("/reserved-memory", "ranges", b""), (path, "reg", reg), (path, "no-map", b""))
    return tree if status is None else placed(tree, path, ("status", status))


def unmapped(tree: DeviceTree) -> set[MemoryRange]:
    return {item.area for item in facts(tree).reserved_memory if item.no_map}


def test_a_reservation_that_the_file_has_switched_off_is_switched_on() -> None:
    running = reserving((0x41000000, 0x100000))
    found = from_running(reserving((0x41000000, 0x100000), status=b"disabled\0"), running)
    assert unmapped(found) == unmapped(running)
    assert found.to_bytes() == from_running(found, running).to_bytes()


def test_a_larger_reservation_takes_nothing_from_what_the_file_reserves() -> None:
    running = reserving((0x41000000, 0x200000))
    own = reserving((0x41000000, 0x100000), (0x50000000, 0x100000))
    assert unmapped(from_running(own, running)) == unmapped(running) | {MemoryRange(base=0x50000000, size=0x100000)}


def test_the_cells_of_the_reservations_are_written_once() -> None:
    running = reserving(*((0x41000000 + at * 0x200000, 0x100000) for at in range(3)))
    own = board()
    found = fixups(own, machine(facts(running)), running)
    assert sum(edit.property == "#size-cells" for edit in found) == 1
    assert unmapped(from_running(own, running)) == unmapped(running)


@pytest.mark.parametrize("path", ["/memory@40000000", "/memory@40000000/eth"])
def test_an_address_in_a_node_of_memory_takes_no_memory_away(path: str) -> None:
    own = board((path, "x", b""))
    found = from_running(own, board((path, "local-mac-address", MINE)))
    assert facts(found).memory == facts(own).memory


def test_memory_that_is_all_that_fits_into_the_cells_is_not_written_again() -> None:
    own = board(("/", "#address-cells", cells(1)), ("/", "#size-cells", cells(1)), ("/memory", "reg", cells(0, 1)))
    ram = (MemoryRange(base=0x40000000, size=0x40000000), MemoryRange(base=1 << 32, size=0x40000000))
    known = replace(machine(ram=ram), tree=replace(tree_of(virt()), memory=()))
    found = apply(own, fixups(own, known))
    assert not [edit for edit in fixups(found, known) if edit.path.startswith("/memory")]


def test_reservations_that_call_themselves_memory_stay() -> None:
    own = reserving((0x50000000, 0x100000))
    placed(own, "/reserved-memory", ("device_type", b"memory\0"), ("reg", struct.pack(">QQ", 0, 1 << 40)))
    found = apply(own, fixups(own, machine()))
    assert facts(found).memory == tree_of(virt()).memory
    assert MemoryRange(base=0x50000000, size=0x100000) in unmapped(found)
