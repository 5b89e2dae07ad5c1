# SPDX-License-Identifier: MIT
"""What checks ask of a device tree beyond CPUs and memory."""

from __future__ import annotations

import struct

import pytest

from bootmenu.demo.builders import board_tree, cells, strings
from bootmenu.formats.dtb import DeviceTree, Node
from bootmenu.formats.dtb_facts import facts
from bootmenu.model.devicetree import InterruptController, MemoryRange, ReservedMemory, SerialPort


def test_reserved_memory_with_and_without_no_map() -> None:
    tree = board_tree(("acme,rocket",), reserved=(("optee", 0x1000, 0x2000, True), ("pool", 0x8000, 0x1000, False)))
    assert facts(tree).reserved_memory == (
        ReservedMemory(name="optee@1000", area=MemoryRange(base=0x1000, size=0x2000), no_map=True),
        ReservedMemory(name="pool@8000", area=MemoryRange(base=0x8000, size=0x1000), no_map=False),
    )


def test_reserved_memory_without_a_place_or_switched_off_is_left_out() -> None:
    tree = board_tree(("acme,rocket",), reserved=(("optee", 0x1000, 0x2000, True),))
    parent = tree.node("/reserved-memory")
    assert parent is not None
    parent.children.append(Node("linux,cma", properties=[("size", cells(0, 0x1000))]))
    parent.children[0].set("status", strings("disabled"))
    assert facts(tree).reserved_memory == ()


def test_the_interrupt_controller_is_the_one_that_the_root_names() -> None:
    tree = board_tree(("acme,rocket",), controller=("arm,gic-v3", 0x8000000))
    assert facts(tree).interrupt_controller == InterruptController(
        name="interrupt-controller@8000000", compatible=("arm,gic-v3",), base=0x8000000
    )
    assert facts(board_tree(("acme,rocket",), controller=None)).interrupt_controller is None
    tree.root.set("interrupt-parent", cells(99))
    assert facts(tree).interrupt_controller is None


def on_a_bus(ranges: bytes | None, reg: bytes = cells(0x40041000, 0x1000)) -> int | None:
    gic = Node("gic", properties=[("compatible", strings("arm,gic-400")), ("phandle", cells(1)), ("reg", reg)])
    properties = [("#address-cells", cells(1)), ("#size-cells", cells(1))]
    bus = Node("soc", properties=[*properties, *([("ranges", ranges)] if ranges is not None else [])], children=[gic])
    root = Node(
        "", properties=[("#address-cells", cells(2)), ("#size-cells", cells(1)), ("interrupt-parent", cells(1))]
    )
    root.children.append(bus)
    controller = facts(DeviceTree(root=root)).interrupt_controller
    assert controller is not None
    return controller.base


def test_its_address_goes_through_the_ranges_of_its_bus() -> None:
    # child 0x40000000 is at 0xff800000, as on a Raspberry Pi 4
    assert on_a_bus(struct.pack(">IQI", 0x40000000, 0xFF800000, 0x800000)) == 0xFF841000
    two = struct.pack(">IQIIQI", 0, 0, 0x1000, 0x40000000, 0x4C0000000, 0x800000)
    assert on_a_bus(two) == 0x4C0041000
    assert on_a_bus(b"") == 0x40041000


@pytest.mark.parametrize("ranges", [None, b"junk", struct.pack(">IQI", 0, 0, 0x1000)])
def test_an_address_that_does_not_translate_is_not_known(ranges: bytes | None) -> None:
    assert on_a_bus(ranges) is None


def test_a_controller_without_registers_has_no_address() -> None:
    assert on_a_bus(b"", b"") is None
    root = Node("", properties=[("interrupt-parent", cells(1)), ("phandle", cells(1))])
    controller = facts(DeviceTree(root=root)).interrupt_controller
    assert controller is not None
    assert controller.base is None


def test_serial_ports_are_the_available_ones() -> None:
    tree = board_tree(("acme,rocket",), serial_ports=(("arm,pl011", 0x9000000), ("ns16550a", 0x9010000)))
    assert facts(tree).serial_ports == (
        SerialPort(name="serial@9000000", compatible=("arm,pl011",)),
        SerialPort(name="serial@9010000", compatible=("ns16550a",)),
    )
    port = tree.node("/serial@9000000")
    assert port is not None
    port.set("status", strings("disabled"))
    assert [found.name for found in facts(tree).serial_ports] == ["serial@9010000"]


def test_functions_of_psci_symbols_and_efi() -> None:
    tree = board_tree(("acme,rocket",), chosen=(("linux,uefi-system-table", bytes(8)), ("bootargs", b"quiet\0")))
    assert facts(tree).psci_functions == ()
    assert not facts(tree).has_symbols
    assert facts(tree).uefi_properties == ("linux,uefi-system-table",)
    psci = tree.node("/psci")
    assert psci is not None
    psci.set("cpu_on", cells(0x84000003))
    tree.ensure("/__symbols__")
    assert facts(tree).psci_functions == ("cpu_on",)
    assert facts(tree).has_symbols


def test_what_a_hostile_tree_says_a_million_times_is_kept_a_few_hundred_times() -> None:
    tree = board_tree(["acme,board"])
    tree.root.set("compatible", b"a\0" * 900_000)
    tree.root.children += [Node(f"serial@{number:x}") for number in range(2000)]
    found = facts(tree)
    assert found.compatible == ("a",) * 256
    assert len(found.serial_ports) == 256
