# SPDX-License-Identifier: MIT
"""`boot --dry-run` for another machine, and `check --root`: nothing is run, and no root is needed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bootmenu.kexec.hooks import Hooks
from bootmenu.system.processes import Commands
from tests.builders import machines
from tests.builders.trees import write_tree
from tests.commands.calling import Call

VIRT = machines.FOLDER / "virt-psci-hvc.json"


@pytest.fixture(autouse=True)
def no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*_arguments: object, **_more: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(Commands, "run", run)


def test_the_plan_of_an_entry_in_a_folder_on_a_recorded_machine(call: Call, partition: Path) -> None:
    where = ("--tree", f"{partition},name=sda1", "--machine", VIRT)
    (entry,) = call("scan", *where, "--json").json["entries"]
    outcome = call("boot", entry["id"], *where, "--dry-run")
    assert outcome.code == 0
    rows = dict(line.split(None, 1) for line in outcome.out.splitlines())
    assert rows["kernel"].startswith("sda1:/vmlinuz, ")
    assert rows["initramfs"].startswith("sda1:/initrd, ")
    assert rows["method"].startswith("kexec_load: ")
    assert outcome.out.splitlines()[-1].startswith("steps         read kernel, read initramfs, ")
    assert outcome.out.splitlines()[-1].endswith(", jump")
    plan = json.loads(call("boot", entry["id"], *where, "--dry-run", "--json").out)
    assert plan["plan"]["cmdline"] == "console=ttyAMA0"


def test_the_hooks_of_this_machine_do_not_run_on_another(
    call: Call, kernel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bootmenu.kexec.hooks.find", lambda host, skip=(): Hooks(names=("unlock-my-disk",)))
    words = ("boot", "--kernel", kernel, "--dry-run", "--method", "simulated")
    assert "unlock-my-disk" in call(*words, "--force").out
    assert "unlock-my-disk" not in call(*words, "--machine", VIRT).out


def test_files_are_planned_for_a_recorded_machine_too(call: Call, kernel: Path) -> None:
    outcome = call("boot", "--kernel", kernel, "--machine", VIRT, "--dry-run", "--cmdline", "quiet")
    assert outcome.code == 0
    assert "command line  quiet" in outcome.out
    unprivileged = machines.FOLDER / "unprivileged-x86.json"
    outcome = call("boot", "--kernel", kernel, "--machine", unprivileged, "--dry-run")
    assert (outcome.code, "SYS-CAP" in outcome.out) == (0, True)


@pytest.mark.parametrize("option", [["--machine", VIRT], ["--tree", "/"]])
@pytest.mark.parametrize("more", [[], ["--load-only"], ["--force"]])
def test_nothing_is_started_for_another_machine(
    call: Call, kernel: Path, option: list[object], more: list[str]
) -> None:
    outcome = call("boot", "--kernel", kernel, *option, *more)
    assert (outcome.code, outcome.out) == (2, "")
    assert "--dry-run" in outcome.err


@pytest.mark.parametrize("wanted", ["/dev/sda2", "PARTUUID=1234-02", "PARTLABEL=root"])
def test_a_folder_stands_for_the_root_file_system(call: Call, kernel: Path, tmp_path: Path, wanted: str) -> None:
    write_tree(tmp_path / "good", {"sbin/init": b"x", "etc/fstab": "", "usr/x": "", "bin/sh": b""})
    write_tree(tmp_path / "bad", {"etc/fstab": "", "usr/x": "", "var/x": ""})
    cmdline = ("--cmdline", f"console=ttyAMA0 root={wanted}")
    found = {
        name: call("check", kernel, *cmdline, "--machine", VIRT, "--root", tmp_path / name, "--json").json
        for name in ("good", "bad")
    }
    verdicts = {
        name: {one["code"]: one["severity"] for one in report["findings"] if one["code"].startswith("CMD-ROOT")}
        for name, report in found.items()
    }
    assert "fail" not in verdicts["good"].values()
    assert "pass" in verdicts["good"].values()
    assert verdicts["bad"] != verdicts["good"]


def test_a_root_is_refused_where_nothing_names_it(call: Call, kernel: Path, tmp_path: Path) -> None:
    for words in (["--root", tmp_path], ["--root", tmp_path / "gone", "--cmdline", "root=/dev/sda2"]):
        assert call("check", kernel, "--machine", VIRT, *words).code == 2
    both = ["--root", tmp_path, "--tree", tmp_path, "--cmdline", "root=/dev/sda2"]
    assert call("check", kernel, "--machine", VIRT, *both).code == 2
