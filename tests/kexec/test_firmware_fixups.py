# SPDX-License-Identifier: MIT
"""What boot firmware writes into a tree whatever the file says: docs/devicetree.md goes through the whole list."""

from __future__ import annotations

import struct

import pytest

from bootmenu.demo.builders import board_tree, cells, strings
from bootmenu.formats.dtb import DeviceTree, Node
from bootmenu.formats.dtb_facts import facts
from bootmenu.kexec.firmware_fixups import fixups
from bootmenu.kexec.write_dtb import apply
from bootmenu.model.devicetree import MemoryRange
from bootmenu.model.value import replace
from tests.builders.machines import tree_of, virt
from tests.kexec.test_dtb_builder import from_running, machine, value

BOARD = ("raspberrypi,4-model-b", "brcm,bcm2711")


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
