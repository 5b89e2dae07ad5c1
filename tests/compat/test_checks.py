# SPDX-License-Identifier: MIT
"""Every rule of the catalogue, by example; and what holds for all findings."""

from __future__ import annotations

import json
from collections import defaultdict

import pytest

from bootmenu.compat.checker import CHECKS, Scope
from bootmenu.model.finding import Severity
from tests.compat.examples import Example, examples

EXAMPLES = list(examples())

UNREACHABLE = {
    ("DT-CPU-ENABLE-METHOD", Severity.UNKNOWN): "DT-CPU-SET, which it requires, is unknown then",
}
"""Rows that cannot exist, and why."""


@pytest.mark.parametrize("example", [pytest.param(example, id=example.id) for example in EXAMPLES])
def test_a_check_says_what_the_catalogue_says(example: Example) -> None:
    findings = example.findings()
    worst = max((finding.severity for finding in findings), key=lambda severity: severity.rank, default=None)
    assert worst == example.severity, findings
    said = " ".join(f"{finding.message} {finding.hint}" for finding in findings)
    assert example.says in said


@pytest.mark.parametrize("example", [pytest.param(example, id=example.id) for example in EXAMPLES])
def test_a_finding_is_ready_to_be_shown(example: Example) -> None:
    for finding in example.findings():
        assert json.loads(json.dumps(finding.to_json()))["code"] == example.code
        assert finding.message.endswith("."), "a message is a sentence"
        if finding.severity is Severity.PASS:
            assert not finding.hint
        else:
            assert finding.hint.strip(), "whoever reads this wants to know what to do"


def test_every_code_has_a_passing_a_failing_and_an_unknown_example() -> None:
    shown: dict[str, set[Severity | None]] = defaultdict(set)
    for example in EXAMPLES:
        shown[example.code].add(example.severity)
    assert set(shown) == set(CHECKS.names())
    for code, severities in shown.items():
        for wanted in ({Severity.PASS}, {Severity.WARN, Severity.FAIL}, {Severity.UNKNOWN}):
            exempt = any((code, severity) in UNREACHABLE for severity in wanted)
            assert bool(severities & wanted) != exempt, (code, wanted)


def test_the_codes_are_those_of_the_catalogue() -> None:
    # people and programs look them up: a code is never renamed
    assert (
        CHECKS.names()
        == (
            "SYS-CAP SYS-DISABLED SYS-SYSCALL CPU-STUCK CPU-OFFLINE FILE-OUTSIDE FILE-MISSING "
            "IMG-FORMAT IMG-ARCH IMG-TRUNC IMG-PAGE DTB-HEADER DTB-STRUCT DT-COMPAT DT-CPU-SET "
            "DT-CPU-ENABLE-METHOD DT-PSCI-METHOD DT-MEMORY"
        ).split()
    )


def test_every_check_says_what_it_is_about_and_requires_only_what_ran_before() -> None:
    checks = list(CHECKS.values())
    for at, check in enumerate(checks):
        assert check.about, check.code
        before = {earlier.code: earlier.scope for earlier in checks[:at]}
        for required in check.requires:
            assert required in before, (check.code, required)
            assert check.scope is Scope.ENTRY or before[required] is Scope.MACHINE


def test_the_two_ways_from_psci_to_spin_table_and_back_name_both_methods() -> None:
    by_id = {example.id: example for example in EXAMPLES}
    (finding,) = by_id["DT-CPU-ENABLE-METHOD-warn-psci-to-spin-table"].findings()
    assert finding.evidence["cpus"] == {
        f"{number:#x}": {"running": "psci", "entry": "spin-table"} for number in range(4)
    }
