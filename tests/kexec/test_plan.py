# SPDX-License-Identifier: MIT
"""From an entry to a plan: which method, which edits, and what is refused."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bootmenu import i18n
from bootmenu.demo.builders import board_tree
from bootmenu.formats.dtb_facts import facts
from bootmenu.i18n import localized
from bootmenu.kexec.methods import METHODS
from bootmenu.kexec.plan import PlanError
from bootmenu.model.kernel import Architecture, Compression
from bootmenu.model.machine import MachineFacts
from bootmenu.model.progress import Stage
from bootmenu.model.value import replace
from bootmenu.view.boot_plan import plan_lines
from tests.builders import machines
from tests.builders.entries import whole_image
from tests.builders.hosts import fake_host
from tests.kexec.staging import Bench

VIRT = machines.virt()
TREE = machines.tree_of(VIRT)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "part")
    with made.tree:
        yield made


def kexec(**changes: object) -> MachineFacts:
    return replace(VIRT, kexec=replace(VIRT.kexec, **changes))  # type: ignore[arg-type]


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
        ("/chosen", "bootargs"),
        ("/chosen", "linux,initrd-start"),
        ("/chosen", "linux,initrd-end"),
        ("/chosen", "kaslr-seed"),
        ("/chosen", "rng-seed"),
    ]
    assert json.loads(json.dumps(plan.to_json()))["edits"][0] == {
        "path": "/chosen",
        "property": "linux,initrd-start",
        "value": None,
        "why": "belongs to an earlier boot",
        "at_load": False,
    }
    lines = "\n".join(plan_lines(plan))
    assert all(word in lines for word in ("sda1:/Image", "sda1:/other", "sda1:/board.dtb", "/chosen", "root="))


def test_without_a_tree_the_running_one_is_handed_on(bench: Bench) -> None:
    plan = bench.plan(bench.entry(initrds=[]), method="kexec_tools")
    assert (plan.dtb, plan.edits, plan.initrds) == (None, (), ())
    assert "running device tree" in plan.reason
    assert not {Stage.DEVICE_TREE, Stage.INITRAMFS} & set(plan.stages)


def test_a_method_that_writes_the_running_tree_cleans_it(bench: Bench, tmp_path: Path) -> None:
    running = board_tree(TREE.compatible, chosen=[("linux,elfcorehdr", bytes(16))])
    bench.host = fake_host(tmp_path / "host", {"/sys/firmware/fdt": running.to_bytes()})
    machine = replace(VIRT, tree=facts(running))
    plan = bench.plan(bench.entry(initrds=[]), machine, method="kexec_load")
    assert plan.dtb is None
    assert [(edit.property, edit.value is None and not edit.fresh) for edit in plan.edits] == [
        ("linux,elfcorehdr", True),
        ("bootargs", False),
        ("kaslr-seed", False),
        ("rng-seed", False),
    ]
    assert Stage.DEVICE_TREE in plan.stages


def test_a_packed_kernel_is_unpacked(bench: Bench) -> None:
    (bench.root / "Image.gz").write_bytes(gzip.compress(whole_image()))
    assert bench.plan(bench.entry("/Image.gz")).kernel.compression is Compression.GZIP


@pytest.mark.parametrize(
    ("machine", "reason"),
    [
        (kexec(tools_version=None, kexec_load=False), "not installed"),
        (kexec(kexec_load=False), "no kexec_load"),
        (replace(VIRT, lockdown="integrity"), "locked down"),
        (replace(VIRT, architecture=Architecture.S390X, machine="s390x"), "s390x"),
        (replace(VIRT, architecture=None, machine=""), "unknown"),
    ],
)
def test_where_no_method_can_be_used_each_says_why(bench: Bench, machine: MachineFacts, reason: str) -> None:
    with pytest.raises(PlanError, match="No loading method") as caught:
        bench.plan(bench.entry(), machine)
    assert reason in caught.value.hint
    assert "simulat" not in caught.value.hint


def test_a_method_that_is_asked_for_is_used_or_named_as_unknown(bench: Bench) -> None:
    assert bench.plan(bench.entry(), method="simulated").method == "simulated"
    assert bench.plan(bench.entry(), method="kexec_load").reason.endswith("; chosen with --method")
    assert "--method" not in bench.plan(bench.entry(), method="simulated").reason, "the demonstration has no options"
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
        ({"kernel": "/gone"}, "kernel sda1:/gone (does not exist)"),
        ({"kernel": "/initrd"}, "cpio archive"),
        ({"initrds": ["/gone"]}, "initramfs sda1:/gone"),
        ({"initrds": ["/"]}, "folder"),
        ({"dtb": "/gone"}, "device tree sda1:/gone"),
        ({"dtb": "/initrd"}, "never replaced silently"),
        ({"dtb": "/../x"}, "climbs"),
        ({"overlays": ["/other"]}, "running device tree cannot be read"),
        ({"overlays": ["/other"], "dtb": "/board.dtb"}, "/board.dtb, /other"),
    ],
)
def test_what_cannot_be_honoured_is_refused_and_no_tree_is_dropped(
    bench: Bench, spoil: dict[str, object], says: str
) -> None:
    with pytest.raises(PlanError) as caught:
        bench.plan(bench.entry(**spoil))  # type: ignore[arg-type]
    assert says in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("de", "Gerätebaum"),
        ("es", "árbol de dispositivos"),
        ("fr", "arbre matériel"),
        ("pt", "árvore de dispositivos"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_in_the_language(bench: Bench, code: str, words: str) -> None:
    with pytest.raises(PlanError) as caught:
        bench.plan(bench.entry(dtb="/gone"))
    i18n.use(code, {})
    try:
        said = localized(caught.value.message)
        assert f"{words} sda1:/gone ({i18n._('does not exist')})" in said
        assert "cannot" not in said + localized(caught.value.hint)
    finally:
        i18n.use("en", {})


def test_notes_say_what_is_replaced_and_what_stays_dark(bench: Bench) -> None:
    assert len(bench.plan(bench.entry(), kexec(loaded=True)).notes) == 2
    assert not bench.plan(bench.entry(cmdline="console=ttyAMA0")).notes


def test_the_last_line_steers_no_terminal(bench: Bench) -> None:
    entry = replace(bench.entry(), title="\x1b[2JLinux", version="6.1")
    assert bench.plan(entry).last_line == "Starting �[2JLinux, 6.1. The screen may stay dark for some seconds."
