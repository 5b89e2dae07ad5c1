# SPDX-License-Identifier: MIT
"""The device-tree reader and writer, and what the checker asks of a tree."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.demo.builders import board_tree, cells, strings
from bootmenu.formats.dtb import MAGIC, DeviceTree, Header, HeaderError, Node, StructureError, check, read_root
from bootmenu.formats.dtb_facts import STALE_CHOSEN, facts
from bootmenu.formats.dtb_head import read_head
from bootmenu.formats.dtb_index import read_nodes
from bootmenu.formats.reader import Buffer
from bootmenu.model.devicetree import MemoryRange
from tests.builders import strategies
from tests.properties import examples

PROPERTY = examples(100)
BOARD = board_tree(("acme,rocket",), "Rocket", reservations=[(0x1000, 0x1000)]).to_bytes()


def with_root(*properties: tuple[str, bytes], children: tuple[Node, ...] = ()) -> DeviceTree:
    return DeviceTree(root=Node("", properties=list(properties), children=list(children)))


def node(name: str, *properties: tuple[str, bytes]) -> Node:
    return Node(name, properties=list(properties))


def cpus(*nodes: Node, address_cells: int | None = 1) -> DeviceTree:
    folder = Node("cpus", children=list(nodes))
    if address_cells is not None:
        folder.set("#address-cells", cells(address_cells))
    return with_root(children=(folder,))


# ---- any bytes --------------------------------------------------------------------------------------------


@PROPERTY
@given(st.binary(max_size=200))
def test_any_bytes_give_a_tree_or_a_typed_error(data: bytes) -> None:
    for candidate in (data, struct.pack(">I", MAGIC) + data, BOARD[: len(data)] + data):
        with contextlib.suppress(HeaderError, StructureError):
            facts(DeviceTree.from_bytes(candidate))


def refusal(read: Callable[[bytes], object], data: bytes) -> str:
    """What it says against the bytes; empty for nothing."""
    try:
        read(data)
    except (HeaderError, StructureError) as error:
        return error.message
    return ""


@PROPERTY
@given(st.integers(0, len(BOARD) - 1), st.binary(min_size=1, max_size=8))
def test_a_check_says_the_same_of_a_tree_as_reading_it(at: int, damage: bytes) -> None:
    data = BOARD[:at] + damage + BOARD[at + len(damage) :]
    assert refusal(check, data) == refusal(DeviceTree.from_bytes, data)


class Shrinking(Buffer):
    """A file that has lost its end since its header was read."""

    @property
    def size(self) -> int:
        return len(BOARD)


@pytest.mark.parametrize("at", range(40, len(BOARD), 4))
def test_a_file_that_shrinks_while_it_is_walked_ends_early(at: int) -> None:
    with pytest.raises(StructureError):
        read_nodes(Shrinking(BOARD[:at]), Header.from_bytes(BOARD), 10_000)


@PROPERTY
@given(st.integers(0, len(BOARD) - 1), st.binary(min_size=1, max_size=8))
def test_a_damaged_tree_gives_a_tree_or_a_typed_error(at: int, damage: bytes) -> None:
    data = BOARD[:at] + damage + BOARD[at + len(damage) :]
    with contextlib.suppress(HeaderError, StructureError):
        facts(DeviceTree.from_bytes(data))


def test_every_cut_is_an_error_of_the_header() -> None:
    for length in range(len(BOARD)):
        with pytest.raises(HeaderError):
            DeviceTree.from_bytes(BOARD[:length])


@PROPERTY
@given(strategies.device_trees)
def test_what_is_written_reads_back_the_same(tree: DeviceTree) -> None:
    data = tree.to_bytes()
    again = DeviceTree.from_bytes(data)
    assert again == tree
    assert again.to_bytes() == data
    facts(again)


def test_padding_behind_the_tree_is_ignored_and_not_written_again() -> None:
    assert DeviceTree.from_bytes(BOARD + b"\xff" * 4096).to_bytes() == BOARD


def test_deep_nesting_costs_no_stack() -> None:
    depth = 100_000
    structure = b"\0\0\0\x01\0\0\0\0" + b"\0\0\0\x01a\0\0\0" * depth + b"\0\0\0\x02" * (depth + 1) + b"\0\0\0\x09"
    at = 56
    header = struct.pack(
        ">10I", MAGIC, at + len(structure), at, at + len(structure), 40, 17, 16, 0, 0, len(structure)
    )
    tree = DeviceTree.from_bytes(header + bytes(16) + structure)
    assert sum(1 for _ in tree.root.walk()) == depth + 1
    assert tree.to_bytes() == header + bytes(16) + structure


def test_all_the_ends_of_one_long_name_are_not_taken_for_names() -> None:
    # each is a name of its own: as many as fit into a tree of 2 MiB would be 40 GB of text
    letters, properties = 256 * 1024, 100
    structure = struct.pack(">II", 1, 0)
    structure += b"".join(struct.pack(">III", 3, 0, number) for number in range(properties))
    structure += struct.pack(">II", 2, 9)
    names = b"a" * letters + b"\0"
    begin = 40 + 16
    header = struct.pack(
        ">10I",
        MAGIC,
        begin + len(structure) + len(names),
        begin,
        begin + len(structure),
        40,
        17,
        16,
        0,
        len(names),
        len(structure),
    )
    data = header + bytes(16) + structure + names
    with pytest.raises(StructureError, match="names of properties"):
        DeviceTree.from_bytes(data)
    with pytest.raises(StructureError, match="names of properties"):
        read_root(data)


def test_a_copy_has_nodes_of_its_own_and_costs_no_stack() -> None:
    node = root = Node("")
    for _ in range(5000):
        node.children.append(Node("n", [("p", b"v")]))
        node = node.children[0]
    tree = DeviceTree(root=root, reservations=[MemoryRange(base=1, size=2)], boot_cpu=3)
    other = tree.copy()
    assert other.to_bytes() == tree.to_bytes()
    other.root.children[0].set("p", b"w")
    other.root.children.append(Node("more"))
    other.reservations.clear()
    assert tree.root.children[0].get("p") == b"v"
    assert (len(tree.root.children), len(tree.reservations)) == (1, 1)


def test_what_the_checker_asks_of_a_deep_tree_costs_no_path() -> None:
    # by paths and lists of parents it would be 20 GB that are copied
    depth = 100_000
    root = leaf = Node("", properties=[("interrupt-parent", cells(7))])
    for _ in range(depth):
        leaf.children.append(Node("bus", properties=[]))
        leaf = leaf.children[0]
    leaf.children.append(Node("serial", properties=[("phandle", cells(7)), ("compatible", b"pic\0")]))
    found = facts(DeviceTree(root=root))
    assert found.interrupt_controller is not None
    assert found.interrupt_controller.compatible == ("pic",)
    assert [port.name for port in found.serial_ports] == ["serial"]
    while root.children:  # level by level: Python would take them down by recursion
        root = root.children.pop()


def test_the_header_alone_is_judged_against_the_file_s_length() -> None:
    assert Header.from_bytes(BOARD[:40], len(BOARD)).total_size == len(BOARD)
    with pytest.raises(HeaderError, match="ends early"):
        Header.from_bytes(BOARD[:40], len(BOARD) - 1)


@pytest.mark.parametrize(("reservations", "structure"), [(4, 0), (0, 2)])
def test_misaligned_blocks_are_refused(reservations: int, structure: int) -> None:
    header = Header.from_bytes(BOARD)
    moved = bytearray(BOARD)
    struct.pack_into(">I", moved, 16, header.off_reservations + reservations)
    struct.pack_into(">I", moved, 8, header.off_struct + structure)
    with pytest.raises(HeaderError, match="misaligned"):
        Header.from_bytes(bytes(moved), 4096)
    with pytest.raises(HeaderError, match="misaligned"):
        read_head(Buffer(bytes(moved) + bytes(8)))


def test_nothing_but_nops_follows_the_root() -> None:
    """As libfdt has it since 1.8.0: dtc and firmware overwrite with FDT_NOP what they take away."""
    data = DeviceTree(root=Node("")).to_bytes()
    end = struct.pack(">I", 9)
    at = data.rindex(end)
    for tag, sound in ((4, True), (1, False), (2, False)):
        longer = bytearray(data[:at] + struct.pack(">I", tag) + data[at:])
        for word, more in ((4, 4), (12, 4), (36, 4)):
            struct.pack_into(">I", longer, word, int.from_bytes(longer[word : word + 4], "big") + more)
        if sound:
            assert DeviceTree.from_bytes(bytes(longer)).root == Node("")
        else:
            with pytest.raises(StructureError, match="data after the root"):
                DeviceTree.from_bytes(bytes(longer))


def test_reservations_end_at_the_first_of_size_zero_and_none_is_special() -> None:
    many = [MemoryRange(base=0, size=1), *(MemoryRange(base=number << 12, size=4096) for number in range(1, 60))]
    tree = DeviceTree(root=Node(""), reservations=many)
    assert DeviceTree.from_bytes(tree.to_bytes()).reservations == many


# ---- properties -------------------------------------------------------------------------------------------


def test_property_bytes_are_not_guessed_at() -> None:
    tree = with_root(("cell", cells(0x61626300)), ("list", b"a\0bc\0"), ("empty", b""), ("odd", b"\1\2\3"))
    root = DeviceTree.from_bytes(tree.to_bytes()).root
    assert root.u32("cell") == 0x61626300
    assert root.strings("list") == ("a", "bc")
    assert root.u32("list") is None
    assert (root.get("empty"), root.strings("empty"), root.string("empty")) == (b"", (), None)
    assert root.u64("odd") is None
    assert root.strings("odd") == ("\1\2\3",)
    assert root.get("none") is None


def test_names_that_are_no_utf8_survive() -> None:
    tree = with_root(("\udcff", b"x"), children=(Node("n\udc80"),))
    assert DeviceTree.from_bytes(tree.to_bytes()) == tree


def test_nodes_are_found_without_their_unit_address_and_made_where_missing() -> None:
    tree = DeviceTree.from_bytes(BOARD)
    cpu = tree.node("/cpus/cpu@1")
    assert cpu is not None
    assert tree.node("/cpus/cpu") is tree.node("/cpus/cpu@0")
    assert tree.node("/") is tree.root
    assert tree.node("/nothing/there") is None
    assert tree.ensure("/cpus/cpu@1") is cpu
    tree.ensure("/a/b").set("p", b"1")
    assert tree.node("/a/b") is not None
    assert cpu.remove("reg")
    assert not cpu.remove("reg")


# ---- what the checker asks for ----------------------------------------------------------------------------


@PROPERTY
@given(st.lists(st.integers(0, 2**32 - 1), max_size=40))
def test_as_many_rows_as_cpu_nodes(ids: list[int]) -> None:
    # 2014's patch counted one too many
    tree = cpus(*(node(f"cpu@{number:x}", ("reg", cells(number))) for number in ids))
    tree.ensure("/cpus").children.append(node("cpu-map"))
    rows = facts(DeviceTree.from_bytes(tree.to_bytes())).cpus
    assert [row.hardware_id for row in rows] == ids


@pytest.mark.parametrize(
    ("address_cells", "reg", "hardware_id"),
    [
        (1, cells(5), 5),
        (2, cells(1, 5), (1 << 32) | 5),
        (None, cells(5), 5),
        (2, cells(5), None),
        (3, cells(1, 2, 3), None),
        (1, b"", None),
        (1, cells(5, 6), 5),
    ],
)
def test_the_hardware_id_has_as_many_cells_as_the_folder_says(
    address_cells: int | None, reg: bytes, hardware_id: int | None
) -> None:
    (row,) = facts(cpus(node("cpu@0", ("reg", reg)), address_cells=address_cells)).cpus
    assert row.hardware_id == hardware_id


def test_the_release_address_is_big_endian() -> None:
    spinning = node("cpu@0", ("cpu-release-addr", struct.pack(">Q", 0xD8)), ("enable-method", strings("spin-table")))
    (row,) = facts(cpus(spinning)).cpus
    assert (row.release_address, row.enable_method) == (0xD8, "spin-table")


def test_the_enable_method_is_the_node_s_own() -> None:
    tree = cpus(node("cpu@0"))
    tree.ensure("/cpus").set("enable-method", strings("psci"))
    (row,) = facts(tree).cpus
    assert row.enable_method is None


@pytest.mark.parametrize(
    ("status", "listed"),
    [
        (None, True),
        (strings("okay"), True),
        (strings("disabled"), True),  # a secondary that waits to be started, as ePAPR and the specification say
        (strings("fail"), False),
        (strings("fail-sss"), False),
        (strings("failing"), True),
    ],
)
def test_only_a_failed_cpu_is_left_out_as_the_kernel_does(status: bytes | None, listed: bool) -> None:
    properties = [] if status is None else [("status", status)]
    found = facts(cpus(node("cpu@0", ("reg", cells(0)), *properties)))
    assert len(found.cpus) == listed


def memory(*properties: tuple[str, bytes], name: str = "memory@0", cells_: tuple[int, int] = (2, 2)) -> DeviceTree:
    return with_root(
        ("#address-cells", cells(cells_[0])),
        ("#size-cells", cells(cells_[1])),
        children=(node(name, ("device_type", b"memory\0"), *properties),),
    )


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        (memory(("reg", struct.pack(">QQ", 1 << 32, 4096))), [(1 << 32, 4096)]),
        (memory(("reg", cells(16, 32, 64, 0)), cells_=(1, 1)), [(16, 32), (64, 0)]),
        (memory(("reg", cells(0, 16, 32)), cells_=(2, 1)), [(16, 32)]),
        (memory(("reg", cells(0, 16, 32))), []),
        (memory(("reg", cells(0, 1, 0, 2)), ("status", strings("disabled"))), []),
        (memory(("reg", cells(0, 1, 0, 2)), ("status", strings("okay"))), [(1, 2)]),
        (memory(("reg", cells(0, 1, 0, 2)), name="ram"), [(1, 2)]),
        (memory(("reg", cells(0, 1, 0, 2)), ("linux,usable-memory", cells(0, 3, 0, 4))), [(3, 4)]),
        (memory(("reg", cells(0, 1, 0, 2)), ("linux,usable-memory", b"")), []),
        (with_root(children=(node("memory@0", ("reg", cells(0, 1, 0, 2))),)), []),
    ],
)
def test_memory_is_read_as_the_kernel_reads_it(tree: DeviceTree, expected: list[tuple[int, int]]) -> None:
    assert facts(tree).memory == tuple(MemoryRange(base=base, size=size) for base, size in expected)


def test_chosen_s_leftovers_and_a_seed_are_said() -> None:
    chosen = [*((name, b"\0" * 8) for name in STALE_CHOSEN), ("kaslr-seed", bytes(8)), ("bootargs", b"x\0")]
    found = facts(board_tree(("a",), chosen=chosen))
    assert found.stale_chosen == STALE_CHOSEN
    assert not found.has_kaslr_seed
    assert facts(board_tree(("a",), chosen=[("kaslr-seed", b"\0" * 7 + b"\1")])).has_kaslr_seed


def test_psci_is_found_where_boards_have_it() -> None:
    """TI's AM62 and NXP's S32G have it in /firmware, and something else may be called psci."""
    method = ("method", strings("smc")), ("compatible", strings("arm,psci-1.0"))
    firmware = Node("firmware", properties=[], children=[node("psci", *method)])
    for children in ((firmware,), (node("psci"), firmware)):
        found = facts(with_root(children=children))
        assert (found.psci_compatible, found.psci_method) == (("arm,psci-1.0",), "smc")


def test_psci_without_properties_is_there_all_the_same() -> None:
    found = facts(with_root(children=(node("psci"),)))
    assert (found.psci_compatible, found.psci_method) == ((), None)
    assert facts(with_root()).psci_compatible is None
