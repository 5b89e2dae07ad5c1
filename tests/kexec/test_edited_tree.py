# SPDX-License-Identifier: MIT
"""A device tree that somebody edits for one boot: in the plan, before the checks, and as it is handed on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bootmenu.compat import check
from bootmenu.demo.builders import board_tree
from bootmenu.discovery.entry_facts import gather
from bootmenu.formats.dtb import DeviceTree, Node
from bootmenu.kexec.demands import Demands
from bootmenu.kexec.digests import with_demands
from bootmenu.kexec.dtb_builder import DtbBuilder
from bootmenu.kexec.kernel_errors import LoadError
from bootmenu.kexec.load import load
from bootmenu.kexec.methods import METHODS, Staged
from bootmenu.kexec.plan import LoadPlan, PlanError, choose_method
from bootmenu.model.entry import BootEntry
from bootmenu.model.finding import Report, Severity
from bootmenu.model.value import replace
from bootmenu.system.host import Host
from bootmenu.system.recorded_host import SimulatedHost
from bootmenu.view.boot_plan import plan_lines
from bootmenu.view.entry_details import plan_section
from tests.builders.hosts import fake_host
from tests.builders.machines import tree_of, virt
from tests.kexec.staging import Bench
from tests.kexec.test_digests import sha256


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path, method="simulated")
    board = DeviceTree.from_bytes((tmp_path / "board.dtb").read_bytes())
    board.root.children.append(Node("uart@1", [("status", b"okay\0"), ("rate", b"\0\0\0\1")]))
    (tmp_path / "board.dtb").write_bytes(board.to_bytes())
    return bench


def edited(bench: Bench, *texts: str, dtb: str | None = "/board.dtb") -> BootEntry:
    return replace(bench.entry(dtb=dtb), dtb_edits=texts)


def handed_on(bench: Bench, plan: LoadPlan, monkeypatch: pytest.MonkeyPatch) -> DeviceTree:
    """Return the tree that the loading method is given."""
    trees = []

    def remember(_method: object, staged: Staged, _host: Host) -> None:
        assert staged.dtb is not None
        trees.append(DeviceTree.from_bytes(os.pread(staged.dtb, os.fstat(staged.dtb).st_size, 0)))

    monkeypatch.setattr(type(METHODS.get("simulated")), "load", remember)
    host = SimulatedHost.from_facts(virt())
    host.kernel.loaded = True
    list(load(plan, {"sda1": bench.tree}, host))
    (tree,) = trees
    return tree


def report(bench: Bench, entry: BootEntry, host: Host | None = None) -> Report:
    machine = virt()
    dtb_builder = DtbBuilder(host or SimulatedHost.from_facts(machine), machine, lambda: {"sda1": bench.tree})
    _, facts = gather(entry, {"sda1": bench.tree}, board=tree_of(machine).compatible, predict_dtb=dtb_builder.predict)
    return check(machine, facts)


def severity_of(found: Report) -> Severity:
    """Return what the check of the edits says."""
    (finding,) = [each for each in found.findings if each.code == "DTB-EDITS"]
    return finding.severity


def test_the_tree_that_is_handed_on_has_the_edits(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = bench.plan(edited(bench, "disable /uart@1", "delete /uart rate", '/uart@1 label = "debug"'))
    tree = handed_on(bench, plan, monkeypatch)
    node = tree.node("/uart@1")
    assert node is not None
    assert node.properties == [("status", b"disabled\0"), ("label", b"debug\0")]
    chosen = tree.node("/chosen")
    assert chosen is not None
    assert chosen.string("bootargs") == "root=/dev/sda2", "and what every boot changes"
    plain = handed_on(bench, bench.plan(edited(bench)), monkeypatch).node("/uart@1")
    assert plain is not None
    assert plain.string("status") == "okay", "for this boot only"


def test_the_running_tree_can_be_edited_too(bench: Bench, tmp_path: Path) -> None:
    running = board_tree(tree_of(virt()).compatible, memory=((0x4000_0000, 0x1000_0000),))
    running.root.children.append(Node("uart@1"))
    bench.host = fake_host(tmp_path / "host", {"/sys/firmware/fdt": running.to_bytes()})
    machine = virt()
    plan = bench.plan(edited(bench, "disable /uart@1", dtb=None))
    assert plan.own_tree
    assert plan.dtb is None
    found = DtbBuilder(bench.host, machine, lambda: {"sda1": bench.tree})
    dtbs = found.dtbs(plan)
    assert dtbs.own is None
    assert dtbs.final is not None
    node = dtbs.final.node("/uart@1")
    assert node is not None
    assert node.string("status") == "disabled"
    with pytest.raises(PlanError):  # the call that hands on the running tree as it is
        choose_method(machine, plan.own_tree, "kexec_file_load")
    assert severity_of(report(bench, plan.entry, bench.host)) is Severity.PASS
    wrong = replace(plan.entry, dtb_edits=("disable /uart@2",))
    assert severity_of(report(bench, wrong, bench.host)) is Severity.FAIL


def test_the_plan_shows_the_edits(bench: Bench) -> None:
    plan = bench.plan(edited(bench, "disable /uart@1"))
    assert plan.to_json()["dtb_edits"] == ["disable /uart@1"]
    for lines in (plan_lines(plan), [line.text for line in plan_section(plan, 80)]):
        assert any("tree edit" in line and "disable /uart@1" in line for line in lines)
    assert bench.plan(edited(bench)).to_json()["dtb_edits"] == []


def test_the_checks_judge_the_tree_with_its_edits(bench: Bench) -> None:
    assert severity_of(report(bench, edited(bench, "disable /uart@1"))) is Severity.PASS
    board = report(bench, edited(bench, '/ compatible = "other,board"'))
    (finding,) = [found for found in board.findings if found.code == "DT-COMPAT"]
    assert finding.severity is Severity.FAIL
    assert "other,board" in finding.message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("disable /sock", "edit “disable /sock”: there is no node sock in /"),
        ("delete /uart@1 nothing", "/uart@1 has no property nothing"),
        ("/uart@1 x = y", "a text needs quotation marks"),
        ("whatever", "this is not an edit of a device tree"),
        ("delete /memory@40000000 reg", "bootmenu sets this itself"),
    ],
)
def test_an_edit_that_cannot_be_made_fails_in_the_checks_and_in_the_plan(bench: Bench, text: str, said: str) -> None:
    if "memory" in text:
        tree = DeviceTree.from_bytes((bench.root / "board.dtb").read_bytes())
        tree.root.children.append(Node("memory@40000000", [("device_type", b"memory\0"), ("reg", bytes(16))]))
        (bench.root / "board.dtb").write_bytes(tree.to_bytes())
    entry = edited(bench, text)
    found = report(bench, entry)
    assert found.verdict is Severity.FAIL
    (finding,) = [each for each in found.findings if each.code == "DTB-EDITS"]
    assert said in finding.message
    assert finding.hint
    with pytest.raises(PlanError) as caught:
        bench.plan(entry)
    assert said in caught.value.message


def test_too_many_edits_are_refused(bench: Bench) -> None:
    with pytest.raises(PlanError, match="more than 64"):
        bench.plan(edited(bench, *["disable /uart@1"] * 65))


# ---- demands --------------------------------------------------------------------------------------------------


def test_a_tree_with_a_demanded_digest_is_not_edited(bench: Bench) -> None:
    trees = {"sda1": bench.tree}
    entry = edited(bench, "disable /uart@1")
    data = (bench.root / "board.dtb").read_bytes()
    demands = Demands.from_table({"/board.dtb": sha256(data)})
    with pytest.raises(PlanError, match="demand a SHA-256 of the device tree"):
        with_demands(bench.plan(entry), demands, trees)
    assert with_demands(bench.plan(edited(bench)), demands, trees).dtb is not None, "unedited it may be loaded"
    elsewhere = Demands.from_table({"/Image": sha256((bench.root / "Image").read_bytes())})
    assert with_demands(bench.plan(entry), elsewhere, trees).entry.dtb_edits == entry.dtb_edits
    # and where every file needs one, nothing vouches for an edit
    files = {f"/{name}": sha256((bench.root / name).read_bytes()) for name in ("Image", "initrd")}
    running = replace(bench.plan(entry), dtb=None)
    with pytest.raises(PlanError, match="demand a SHA-256 of the device tree"):
        with_demands(running, Demands.from_table(files, every_file=True), trees)


def test_the_load_refuses_it_as_well(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    # by a name under which the plan could not know the file
    os.link(bench.root / "board.dtb", bench.root / "same.dtb")
    data = (bench.root / "board.dtb").read_bytes()
    plan = bench.plan(edited(bench, "disable /uart@1"))
    for demands in (Demands.from_table({"/same.dtb": sha256(data)}), Demands.from_table({}, every_file=True)):
        refused = replace(plan, demands=demands)
        host = SimulatedHost.from_facts(virt())
        with pytest.raises(LoadError):
            list(load(refused, {"sda1": bench.tree}, host))
        assert not host.kernel.loaded
    refused = replace(plan, demands=Demands.from_table({"/same.dtb": sha256(data)}))
    with pytest.raises(LoadError, match="which an edit would change"):
        list(load(refused, {"sda1": bench.tree}, SimulatedHost.from_facts(virt())))
