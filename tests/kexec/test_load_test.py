# SPDX-License-Identifier: MIT
"""Test loads: when they are refused, and what they add to a report."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from bootmenu.commands import boot_command
from bootmenu.discovery.devices import Device
from bootmenu.kexec.kernel_errors import LoadError
from bootmenu.kexec.load_test import CODE, finding, load_test_permission, with_finding
from bootmenu.model.finding import Finding, Report, Severity
from bootmenu.model.progress import Stage
from bootmenu.model.value import replace
from bootmenu.session.machine_session import MachineSession
from bootmenu.session.scan_collection import collect
from tests.builders import machines
from tests.builders.entries import whole_image
from tests.builders.fakes import DEBIAN, plan_for
from tests.builders.hosts import fake_host
from tests.builders.trees import write_tree
from tests.kexec.staging import Kexec

LIMIT = "/proc/sys/kernel/kexec_load_limit_reboot"


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ("-1\n", ""),
        ("", ""),
        ("0\n", "no load is permitted"),
        ("1\n", "only one more load is"),
        ("2\n", "only 2 more"),
    ],
)
def test_no_load_is_spent_where_they_are_counted(tmp_path: Path, limit: str, said: str) -> None:
    host = fake_host(tmp_path, {LIMIT: limit})
    refused = load_test_permission(host, machines.virt()).refused
    assert said in (refused.message if refused else "")
    assert bool(refused) == bool(said)


def test_a_recorded_machine_is_asked_where_the_running_one_does_not_say(tmp_path: Path) -> None:
    machine = machines.virt()
    counted = replace(machine, kexec=replace(machine.kexec, load_limit=1))
    assert load_test_permission(fake_host(tmp_path / "a"), counted).refused
    assert load_test_permission(fake_host(tmp_path / "b"), machine).refused is None
    nobody = load_test_permission(fake_host(tmp_path / "c"), replace(machine, cap_sys_boot=False)).refused
    assert nobody is not None
    assert nobody.hint == "Start bootmenu as root."


@pytest.mark.parametrize("loaded", [True, False])
def test_a_kernel_that_is_loaded_already_is_told(tmp_path: Path, loaded: bool) -> None:
    host = fake_host(tmp_path, {"/sys/kernel/kexec_loaded": f"{loaded:d}\n"})
    assert load_test_permission(host, machines.virt()).replaces is loaded


def test_the_kernel_s_answer_is_a_finding() -> None:
    plan = plan_for(DEBIAN)
    good = finding(plan, None)
    assert (good.code, good.severity, good.evidence["method"]) == (CODE, Severity.PASS, plan.method)
    log = ("Can't kexec: CPUs are stuck in the kernel.",)
    error = LoadError("busy.", "do this", stage=Stage.LOAD, call="kexec_load", errno=errno.EBUSY, kernel_log=log)
    bad = finding(plan, error)
    assert bad.severity is Severity.FAIL
    assert "refused it: busy. kexec_load: EBUSY" in bad.message
    assert (bad.hint, bad.evidence["errno"], bad.evidence["kernel_log"]) == ("do this", errno.EBUSY, list(log))
    unread = finding(plan, LoadError("/k: reading failed.", stage=Stage.KERNEL))
    assert unread.message == "It could not be prepared: /k: reading failed."
    changed = finding(plan, LoadError("/k changed.", stage=Stage.LOAD))
    assert changed.message == "It could not be prepared: /k changed.", "no call of the kernel's failed"


def test_a_later_answer_takes_the_place_of_an_earlier_one() -> None:
    plan = plan_for(DEBIAN)
    other = Finding(code="X", severity=Severity.WARN, message="x")
    report = Report.from_findings((other, finding(plan, LoadError("busy.", stage=Stage.LOAD, call="kexec_load"))))
    report = with_finding(report, finding(plan, None))
    assert [found.code for found in report.findings] == ["X", CODE]
    assert report.verdict is Severity.WARN


def test_load_only_spends_no_load_that_is_counted_unless_forced(tmp_path: Path) -> None:
    kexec = Kexec()
    write_tree(tmp_path / "part", {"vmlinuz": whole_image()})
    host = fake_host(tmp_path / "host", {"/sys/kernel/kexec_loaded": "1\n", LIMIT: "2\n"}, {"kexec": kexec})
    device = Device(name="sda1", folder=str(tmp_path / "part"))
    session = MachineSession(host, machines.virt(), lambda: (device,), method="kexec_tools")
    (listing,), _ = collect(session)
    with pytest.raises(boot_command.RefusedError, match="only 2 more loads") as caught:
        boot_command.boot(session, listing, boot_command.BootOptions(load_only=True))
    assert "--force" in caught.value.hint
    assert kexec.loads == []
    assert boot_command.boot(session, listing, boot_command.BootOptions(load_only=True, force=True)) == 0
    assert len(kexec.loads) == 1
