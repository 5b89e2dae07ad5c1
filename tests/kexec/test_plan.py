# SPDX-License-Identifier: MIT
"""From an entry to a plan: which method, which edits, and what is refused."""

from __future__ import annotations

import dataclasses
import gzip
import json
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings

from bootmenu.boot import plan_lines
from bootmenu.demo.builders import board_tree, cells, strings
from bootmenu.errors import BootmenuError, FormatError
from bootmenu.formats.devicetree import MAX_SIZE, STALE_CHOSEN, DeviceTree, Node, facts
from bootmenu.kexec.devicetree import Edit, apply, edits
from bootmenu.kexec.methods import METHODS
from bootmenu.kexec.plan import PlanError
from bootmenu.model.devicetree import MemoryRange, TreeFacts, merged
from bootmenu.model.kernel import Architecture, Compression
from bootmenu.model.machine import MachineFacts
from bootmenu.model.progress import Stage
from tests.builders import machines, strategies
from tests.builders.entries import whole_image
from tests.kexec.staging import Bench

VIRT = machines.virt()
TREE = machines.tree_of(VIRT)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "part")
    with made.tree:
        yield made


def kexec(**changes: object) -> MachineFacts:
    return dataclasses.replace(VIRT, kexec=dataclasses.replace(VIRT.kexec, **changes))  # type: ignore[arg-type]


# ---- the plan ---------------------------------------------------------------------------------------------


def test_a_whole_plan(bench: Bench) -> None:
    plan = bench.plan(bench.entry(initrds=["/initrd", "/other"], dtb="/board.dtb"))
    assert plan.method == "kexec_load"
    assert "the entry's device tree" in plan.reason
    assert (plan.kernel.size, plan.kernel.compression) == (16384, Compression.NONE)
    assert [file.ref.path for file in plan.initrds] == ["/initrd", "/other"]
    assert plan.dtb is not None
    optional = {Stage.HOOKS, Stage.WATCHDOG}
    assert plan.stages == tuple(stage for stage in Stage if stage not in optional)
    assert plan.command_line == "root=/dev/sda2"
    assert [(edit.path, edit.property) for edit in plan.edits] == [
        ("/chosen", "linux,initrd-start"),
        ("/memory@40000000", "device_type"),
        ("/memory@40000000", "reg"),
    ]
    assert json.loads(json.dumps(plan.to_json()))["edits"][0] == {
        "path": "/chosen",
        "property": "linux,initrd-start",
        "value": None,
        "why": "belongs to an earlier boot",
    }
    lines = "\n".join(plan_lines(plan))
    assert all(word in lines for word in ("sda1:/Image", "sda1:/other", "sda1:/board.dtb", "/chosen", "root="))


def test_without_a_tree_the_running_one_is_handed_on(bench: Bench) -> None:
    plan = bench.plan(bench.entry(initrds=[]), method="kexec_tools")
    assert (plan.dtb, plan.edits, plan.initrds) == (None, (), ())
    assert "running device tree" in plan.reason
    assert not {Stage.DEVICE_TREE, Stage.INITRAMFS} & set(plan.stages)


def test_a_method_that_writes_the_running_tree_cleans_it(bench: Bench) -> None:
    tree = dataclasses.replace(TREE, stale_chosen=("linux,elfcorehdr",), memory=())
    plan = bench.plan(bench.entry(initrds=[]), dataclasses.replace(VIRT, tree=tree), method="kexec_load")
    assert plan.dtb is None
    assert [(edit.path, edit.property, edit.value) for edit in plan.edits] == [("/chosen", "linux,elfcorehdr", None)]
    assert Stage.DEVICE_TREE in plan.stages


def test_a_packed_kernel_is_unpacked(bench: Bench) -> None:
    (bench.root / "Image.gz").write_bytes(gzip.compress(whole_image()))
    assert bench.plan(bench.entry("/Image.gz")).kernel.compression is Compression.GZIP


@pytest.mark.parametrize(
    ("machine", "reason"),
    [
        (kexec(tools_version=None, kexec_load=False), "not installed"),
        (kexec(kexec_load=False), "no kexec_load"),
        (dataclasses.replace(VIRT, lockdown="integrity"), "locked down"),
        (dataclasses.replace(VIRT, architecture=Architecture.S390X, machine="s390x"), "s390x"),
        (dataclasses.replace(VIRT, architecture=None, machine=""), "unknown"),
    ],
)
def test_where_no_method_can_be_used_each_says_why(bench: Bench, machine: MachineFacts, reason: str) -> None:
    with pytest.raises(PlanError, match="No loading method") as caught:
        bench.plan(bench.entry(), machine)
    assert reason in caught.value.hint
    assert "simulat" not in caught.value.hint


def test_a_method_that_is_asked_for_is_used_or_named_as_unknown(bench: Bench) -> None:
    assert bench.plan(bench.entry(), method="simulated").method == "simulated"
    with pytest.raises(PlanError, match="no loading method magic") as caught:
        bench.plan(bench.entry(), method="magic")
    assert "kexec_tools" in caught.value.hint


def test_a_kernel_that_may_have_no_call_is_tried(bench: Bench) -> None:
    assert bench.plan(bench.entry(), kexec(kexec_load=None)).method == "kexec_load"


def test_every_method_says_when_it_cannot_be_used_and_what_it_does() -> None:
    for name, method in METHODS.items():
        for own_tree in (False, True):
            assert method.reason(own_tree)
            assert method.unavailable(MachineFacts(), own_tree), name


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        ({"kernel": "/gone"}, "kernel sda1:/gone cannot be read"),
        ({"kernel": "/initrd"}, "cpio archive"),
        ({"initrds": ["/gone"]}, "initramfs sda1:/gone"),
        ({"initrds": ["/"]}, "folder"),
        ({"dtb": "/gone"}, "device tree sda1:/gone"),
        ({"dtb": "/initrd"}, "never replaced in silence"),
        ({"dtb": "/../x"}, "climbs"),
        ({"overlays": ["/other"]}, "overlays"),
        ({"overlays": ["/other"], "dtb": "/board.dtb"}, "overlays"),
    ],
)
def test_what_cannot_be_honoured_is_refused_and_no_tree_is_dropped(
    bench: Bench, spoil: dict[str, object], says: str
) -> None:
    with pytest.raises(PlanError) as caught:
        bench.plan(bench.entry(**spoil))  # type: ignore[arg-type]
    assert says in caught.value.message
    assert caught.value.hint


def test_notes_say_what_is_replaced_and_what_stays_dark(bench: Bench) -> None:
    assert len(bench.plan(bench.entry(), kexec(loaded=True)).notes) == 2
    assert not bench.plan(bench.entry(cmdline="console=ttyAMA0")).notes


def test_the_last_line_steers_no_terminal(bench: Bench) -> None:
    entry = dataclasses.replace(bench.entry(), title="\x1b[2JLinux", version="6.1")
    assert bench.plan(entry).last_line == "Starting �[2JLinux, 6.1. The screen may stay dark for some seconds."


# ---- the edits --------------------------------------------------------------------------------------------


def test_what_is_left_of_an_earlier_boot_is_removed_and_a_seed_is_zeroed() -> None:
    chosen = [
        *((name, bytes(8)) for name in STALE_CHOSEN),
        ("kaslr-seed", b"12345678"),
        ("stdout-path", b"serial0\0"),
    ]
    tree = board_tree(TREE.compatible, chosen=chosen)
    changed = DeviceTree.from_bytes(apply(tree.to_bytes(), edits(facts(tree), TREE, ())))
    found = changed.node("/chosen")
    assert found is not None
    assert found.properties == [("kaslr-seed", bytes(8)), ("stdout-path", b"serial0\0")]
    assert facts(changed).stale_chosen == ()
    assert not facts(changed).has_kaslr_seed


def carried(tree: DeviceTree, running: TreeFacts | None, ram: tuple[MemoryRange, ...] = ()) -> TreeFacts:
    return facts(DeviceTree.from_bytes(apply(tree.to_bytes(), edits(facts(tree), running, ram))))


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
    ],
)
def test_memory_is_carried_over_into_a_tree_that_has_none_whatever_stands_there(nodes: list[Node]) -> None:
    tree = board_tree(TREE.compatible, memory=())
    tree.root.children += nodes
    assert carried(tree, TREE).memory == TREE.memory


def test_memory_of_the_entry_s_own_is_left_alone() -> None:
    tree = board_tree(TREE.compatible, memory=((0x40000000, 0x1000),))
    assert not list(edits(facts(tree), TREE, ()))
    assert apply(tree.to_bytes(), ()) == tree.to_bytes()


def test_memory_comes_from_the_running_tree_or_from_the_kernel_s_map() -> None:
    bare = board_tree(TREE.compatible, memory=())
    ram = (MemoryRange(base=1 << 32, size=1 << 20),)
    assert carried(bare, TREE, ram).memory == TREE.memory
    assert carried(bare, dataclasses.replace(TREE, memory=()), ram).memory == ram
    assert carried(bare, None, ram).memory == ram
    assert carried(bare, None).memory == ()


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
    [(1, 1, (1 << 32, 4096)), (1, 2, (1 << 32, 4096)), (2, 1, (0, 1 << 32)), (1, 1, (0, 1 << 32))],
)
def test_memory_that_does_not_fit_into_32_bits_is_refused(
    address_cells: int, size_cells: int, area: tuple[int, int]
) -> None:
    with pytest.raises(BootmenuError, match="32 bits") as caught:
        carried(narrow_tree(address_cells, size_cells), None, (MemoryRange(base=area[0], size=area[1]),))
    assert caught.value.hint


@settings(max_examples=80, deadline=None)
@given(strategies.device_trees, strategies.tree_facts, strategies.tuples_of(strategies.ranges, 3))
def test_the_result_passes_the_reader_and_has_memory(
    tree: DeviceTree, running: TreeFacts, ram: tuple[MemoryRange, ...]
) -> None:
    found = carried(tree, running, ram)
    assert found.stale_chosen == ()
    assert not found.has_kaslr_seed
    known = merged(running.memory) or merged(ram)
    if not merged(facts(tree).memory) and known:
        assert merged(found.memory) == known


def test_a_tree_that_grows_beyond_2_mib_is_refused() -> None:
    tree = board_tree(TREE.compatible)
    tree.root.set("filler", bytes(MAX_SIZE))
    with pytest.raises(BootmenuError, match="at most"):
        apply(tree.to_bytes(), ())


def test_a_tree_that_was_spoilt_since_is_a_typed_error() -> None:
    with pytest.raises(FormatError):
        apply(b"junk", ())


def test_an_edit_says_what_it_does() -> None:
    assert str(Edit(path="/chosen", property="x", value=None, why="old")) == "/chosen: x removed (old)"
    assert str(Edit(path="/m", property="reg", value=bytes(8), why="new")) == "/m: reg set, 8 bytes (new)"


def test_nops_and_padding_are_gone_after_an_edit() -> None:
    data = board_tree(TREE.compatible).to_bytes()
    padded = bytearray(data + bytes(4096))
    struct.pack_into(">I", padded, 4, len(padded))
    assert apply(bytes(padded), ()) == data
