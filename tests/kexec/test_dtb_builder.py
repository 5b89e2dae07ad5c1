# SPDX-License-Identifier: MIT
"""The device tree that a boot hands over: the scan predicts the one that the load makes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bootmenu.demo.builders import board_tree
from bootmenu.formats.dtb import DeviceTree
from bootmenu.formats.dtb_facts import facts
from bootmenu.kexec.dtb_builder import DtbBuilder
from bootmenu.kexec.overlays import TOOL
from bootmenu.model.devicetree import MemoryRange
from bootmenu.model.value import replace
from bootmenu.system.processes import Commands
from tests.builders.hosts import fake_host
from tests.kexec.staging import Bench
from tests.kexec.test_firmware_fixups import TREE, firmware_tree, machine
from tests.kexec.test_overlays import BASE, ENABLE, compiled


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


@pytest.mark.parametrize(("overlays", "typed"), [([], ["disable /nosuch"]), ([b"damaged"], [])])
def test_what_cannot_be_applied_leaves_the_tree_that_would_be_made_without_it(
    tmp_path: Path, overlays: list[bytes], typed: list[str]
) -> None:
    builder, own = dtb_builder(tmp_path, firmware_tree()), board_tree(TREE.compatible, memory=()).to_bytes()
    found = builder.predict(own, overlays, typed)
    assert found.edit_problem or found.problem
    assert found.tree == builder.predict(own, []).tree
    assert found.tree is not None
    assert found.tree.memory, "or DT-MEMORY would fail as well"


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
