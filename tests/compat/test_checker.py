# SPDX-License-Identifier: MIT
"""Prerequisites, and that missing evidence never turns into a pass."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.compat import EntryFacts, check, check_machine
from bootmenu.compat import checker as checking
from bootmenu.compat.checker import Check, CheckResult, Scope
from bootmenu.compat.checks.lockdown import is_locked_down
from bootmenu.model.finding import Severity
from bootmenu.model.machine import MachineFacts
from bootmenu.registry import Registry
from tests.builders import strategies
from tests.builders.machines import virt
from tests.properties import examples

PROPERTY = examples(150)


def says(severity: Severity | None) -> Iterator[CheckResult]:
    if severity is not None:
        yield CheckResult(severity, "It is so.", "" if severity is Severity.PASS else "Do something.", {})


Row = tuple[str, Scope, tuple[str, ...], Severity | None]


def use(monkeypatch: pytest.MonkeyPatch, rows: list[Row]) -> None:
    """Replace the registered checks by these: (code, scope, requires, what it says)."""
    registry: Registry[Check] = Registry("bootmenu.model")
    for code, scope, requires, severity in rows:
        registry.register(code)(Check(code, scope, requires, lambda *_, severity=severity: says(severity), code))
    monkeypatch.setattr(checking, "CHECKS", registry)


def codes(entry: EntryFacts | None = None) -> list[str]:
    return [finding.code for finding in check(virt(), entry or EntryFacts()).findings]


@pytest.mark.parametrize("severity", [Severity.FAIL, Severity.UNKNOWN, None])
def test_what_requires_a_failed_unknown_or_silent_check_is_skipped_and_what_requires_that_too(
    monkeypatch: pytest.MonkeyPatch, severity: Severity | None
) -> None:
    use(
        monkeypatch,
        [
            ("A", Scope.ENTRY, (), severity),
            ("B", Scope.ENTRY, ("A",), Severity.PASS),
            ("C", Scope.ENTRY, ("B",), Severity.FAIL),
            ("D", Scope.ENTRY, (), Severity.PASS),
        ],
    )
    assert codes() == (["A", "D"] if severity else ["D"])


@pytest.mark.parametrize("severity", [Severity.PASS, Severity.WARN])
def test_what_requires_a_passed_or_warned_check_runs(monkeypatch: pytest.MonkeyPatch, severity: Severity) -> None:
    use(monkeypatch, [("A", Scope.ENTRY, (), severity), ("B", Scope.ENTRY, ("A",), Severity.FAIL)])
    assert "B" in codes()


def test_an_entry_check_may_require_a_machine_check(monkeypatch: pytest.MonkeyPatch) -> None:
    use(
        monkeypatch,
        [("M", Scope.MACHINE, (), Severity.FAIL), ("E", Scope.ENTRY, ("M",), Severity.PASS)],
    )
    assert codes() == ["M"]


def test_a_skipped_machine_check_blocks_what_requires_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    use(
        monkeypatch,
        [
            ("M", Scope.MACHINE, (), Severity.FAIL),
            ("N", Scope.MACHINE, ("M",), Severity.PASS),
            ("E", Scope.ENTRY, ("N",), Severity.PASS),
        ],
    )
    assert codes() == ["M"]


def test_a_machine_report_at_hand_is_not_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, [("M", Scope.MACHINE, (), Severity.PASS), ("E", Scope.ENTRY, (), Severity.PASS)])
    known = check_machine(virt())
    monkeypatch.setattr(checking, "check_machine", lambda machine: pytest.fail("asked again"))
    assert [finding.code for finding in check(virt(), EntryFacts(), known).findings] == ["M", "E"]


def test_findings_come_worst_first_and_the_verdict_is_the_worst(monkeypatch: pytest.MonkeyPatch) -> None:
    order = [Severity.PASS, Severity.UNKNOWN, Severity.FAIL, Severity.WARN, Severity.FAIL]
    use(monkeypatch, [(f"C{i}", Scope.ENTRY, (), severity) for i, severity in enumerate(order)])
    report = check(virt(), EntryFacts())
    assert [finding.code for finding in report.findings] == ["C2", "C4", "C3", "C1", "C0"]
    assert report.verdict is Severity.FAIL


@PROPERTY
@given(strategies.machine_facts, strategies.entry_facts)
def test_no_facts_make_a_check_raise(machine: MachineFacts, entry: EntryFacts) -> None:
    report = check(machine, entry)
    json.dumps([finding.to_json() for finding in report.findings])
    for finding in report.findings:
        assert bool(finding.hint) != (finding.severity is Severity.PASS), finding


def severities(machine: MachineFacts, entry: EntryFacts) -> dict[str, Severity]:
    """The worst severity of every code that has findings."""
    report = check(machine, entry)
    return {finding.code: finding.severity for finding in reversed(report.findings)}


@PROPERTY
@given(strategies.consistent_machines(), strategies.entry_facts, st.data())
def test_missing_evidence_never_turns_into_a_pass(
    machine: MachineFacts, entry: EntryFacts, data: st.DataObject
) -> None:
    before = severities(machine, entry)
    blanks = [(path, blank, True) for path, blank in strategies.blankings(machine)]
    blanks += [(path, blank, False) for path, blank in strategies.blankings(entry)]
    for path, blank, of_machine in data.draw(st.lists(st.sampled_from(blanks), min_size=1, max_size=8)):
        if path == "method" and is_locked_down(machine):
            continue  # where nobody has asked for another one, the plan takes the one call that is left
        after = severities(blank(machine), entry) if of_machine else severities(machine, blank(entry))
        for code, severity in after.items():
            if severity is Severity.PASS:
                # a check that was silent before may speak once what stood in its way is not known any more,
                # but one that had found something may not forget it
                assert before.get(code, severity) is Severity.PASS, (code, path, before[code])


@PROPERTY
@given(strategies.machine_facts)
def test_an_entry_of_which_nothing_is_known_never_passes(machine: MachineFacts) -> None:
    assert check(machine, EntryFacts()).verdict is not Severity.PASS
    assert check(machine, EntryFacts(wants_own_tree=True)).verdict is not Severity.PASS
