# SPDX-License-Identifier: MIT
"""Facts recorded on real kernels in virtual machines (build/machines, after make scenarios), replayed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bootmenu import cli
from bootmenu.compat import check, check_machine, checker
from bootmenu.model.finding import Severity
from bootmenu.model.machine import MachineFacts
from bootmenu.registry import Registry
from tests.builders.entries import entry, whole_image

FOLDER = Path(__file__).parents[1] / "machines" / "recorded"
WRONG = {
    "raspi3b-4-cpus": {"CPU-STUCK"},
    "virt-spin-table-claimed": {"CPU-STUCK"},
    "virt-pkvm": {"EL-PKVM"},
    "virt-debian13-limit-0": {"SYS-LIMIT"},
    "virt-gicv3-its": {"GIC-LPI"},
}
"""What fails on them for every entry; nothing on the others."""
AVOIDED = {"virt-gicv3-its"}
"""A plan stays off what is in the way there."""
ENTRY_DEPENDENT = {"MEM-HALF", "MEM-HOLE"}


def recorded(name: str) -> MachineFacts:
    return MachineFacts.from_json(json.loads((FOLDER / f"{name}.json").read_text("utf-8")))


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.json")))
def test_a_recorded_machine_gets_the_verdict_that_its_kernel_gave(name: str) -> None:
    report = check(recorded(name), entry())
    failed = {finding.code for finding in report.of(Severity.FAIL)} - ENTRY_DEPENDENT
    assert failed == WRONG.get(name, set())
    unknown = check_machine(recorded(name)).of(Severity.UNKNOWN)
    assert not unknown, "a check of a fact that is newer than the recordings names it: facts=(...)"


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.json")))
def test_where_everything_is_known_it_ends_in_ok(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "Image").write_bytes(whole_image())
    (tmp_path / "root/sbin").mkdir(parents=True)
    (tmp_path / "root/sbin/init").touch()
    kernel, machine = str(tmp_path / "Image"), str(FOLDER / f"{name}.json")
    asked = ["check", "-v", kernel, "--cmdline", "root=/dev/vda2 console=ttyAMA0", "--machine", machine]
    for partitions in ((), ("--tree", f"{tmp_path / 'root'},name=vda2")):
        cli.main([*asked, *partitions])
        answer = capsys.readouterr().out.splitlines()
        assert answer[-1] == f"verdict: {'FAIL' if name in WRONG and name not in AVOIDED else 'ok'}", answer
        assert any("root=/dev/vda2 is there, with /sbin/init on it." in line for line in answer) is bool(partitions)
    cli.main([*asked, "--tree", f"{tmp_path / 'root'},name=vda1"])
    assert "CMD-ROOT" in capsys.readouterr().out


def test_a_check_is_not_asked_of_a_recording_that_was_made_before_its_facts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checker, "CHECKS", Registry("bootmenu.model"))

    @checker.machine_check("A", facts=("efi", "kexec.loaded"))
    def of_new_facts(machine: MachineFacts) -> Iterator[checker.CheckResult]:
        yield (
            checker.unknown("It is not known.", "Look.") if machine.efi is None else checker.passed("It is known.")
        )

    whole = json.loads((FOLDER / "virt-a76.json").read_text("utf-8"))
    assert [found.code for found in check_machine(MachineFacts.from_json(whole)).findings] == ["A"]
    unread = MachineFacts.from_json({**whole, "efi": None})
    assert check_machine(unread).verdict is Severity.UNKNOWN, "it was recorded that it could not be read"
    older = {key: value for key, value in whole.items() if key != "efi"}
    assert check_machine(MachineFacts.from_json(older)).findings == ()
    del whole["kexec"]["loaded"]
    assert check_machine(MachineFacts.from_json(whole)).findings == ()


def test_what_a_recording_does_not_have_is_not_made_up_when_it_is_written_again() -> None:
    whole = json.loads((FOLDER / "virt-a76.json").read_text("utf-8"))
    del whole["efi"], whole["kexec"]["loaded"]
    for cpu in whole["cpus"]:
        del cpu["midr"]
    machine = MachineFacts.from_json(whole)
    assert {"cpus.midr", "efi", "kexec.loaded"} <= set(machine.not_recorded)
    written = machine.to_json()
    assert MachineFacts.from_json(written) == machine
    assert not {"efi", "not_recorded"} & set(written)


def test_the_facts_that_checks_came_in_with_exist() -> None:
    names = {"schema", *MachineFacts.from_json({"schema": 1}).not_recorded}
    whole = json.loads((FOLDER / "virt-a76.json").read_text("utf-8"))
    names |= {f"kexec.{name}" for name in whole["kexec"]}
    assert {fact for item in checker.CHECKS.values() for fact in item.facts} <= names


def test_recordings_hold_no_secrets() -> None:
    assert len(list(FOLDER.glob("*.json"))) >= 10
    for path in FOLDER.glob("*.json"):
        text = path.read_text("utf-8")
        assert '"kaslr-seed"' not in text
        assert '"rng-seed"' not in text
        assert '"serial-number"' not in text
