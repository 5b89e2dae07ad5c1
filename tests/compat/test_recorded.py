# SPDX-License-Identifier: MIT
"""Facts recorded on real kernels in virtual machines (build/machines, after make scenarios), replayed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bootmenu import cli
from bootmenu.compat import check, check_machine
from bootmenu.model.finding import Severity
from bootmenu.model.machine import MachineFacts
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
    assert not check_machine(recorded(name)).of(Severity.UNKNOWN)


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.json")))
def test_where_everything_is_known_it_ends_in_ok(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "Image").write_bytes(whole_image())
    (tmp_path / "root/sbin").mkdir(parents=True)
    (tmp_path / "root/sbin/init").touch()
    kernel, machine = str(tmp_path / "Image"), str(FOLDER / f"{name}.json")
    asked = ["check", kernel, "--cmdline", "root=/dev/vda2 console=ttyAMA0", "--machine", machine]
    for partitions in ((), ("--tree", f"{tmp_path / 'root'},name=vda2")):
        cli.main([*asked, *partitions])
        answer = capsys.readouterr().out.splitlines()
        assert answer[-1] == f"verdict: {'FAIL' if name in WRONG and name not in AVOIDED else 'ok'}", answer
        assert any("root=/dev/vda2 is there, with /sbin/init on it." in line for line in answer) is bool(partitions)
    cli.main([*asked, "--tree", f"{tmp_path / 'root'},name=vda1"])
    assert "CMD-ROOT" in capsys.readouterr().out


def test_recordings_hold_no_secrets() -> None:
    assert len(list(FOLDER.glob("*.json"))) >= 10
    for path in FOLDER.glob("*.json"):
        text = path.read_text("utf-8")
        assert '"kaslr-seed"' not in text
        assert '"rng-seed"' not in text
        assert '"serial-number"' not in text
