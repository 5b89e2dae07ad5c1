# SPDX-License-Identifier: MIT
"""Runs the checks. A check is a function of facts with a stable code; the registry makes one file enough."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Generic, NamedTuple, TypeVar, cast

from bootmenu.compat.facts import EntryFacts
from bootmenu.model.finding import Evidence, Finding, Report, Severity
from bootmenu.model.machine import MachineFacts
from bootmenu.model.value import Value
from bootmenu.registry import Registry


class Scope(StrEnum):
    """What a check's answer is about."""

    MACHINE = "machine"
    """The running system: one answer for every entry, shown once."""
    ENTRY = "entry"


class CheckResult(NamedTuple):
    """What a check answers with, before its code is put to it."""

    severity: Severity
    message: str
    hint: str
    evidence: Evidence


def passed(message: str, **evidence: object) -> CheckResult:
    """Looked, and found right."""
    return CheckResult(Severity.PASS, message, "", evidence)


def unknown(message: str, hint: str, **evidence: object) -> CheckResult:
    """Applies, and could not look."""
    return CheckResult(Severity.UNKNOWN, message, hint, evidence)


def warned(message: str, hint: str, **evidence: object) -> CheckResult:
    """Comes up, and something named is lost or risky."""
    return CheckResult(Severity.WARN, message, hint, evidence)


def failed(message: str, hint: str, **evidence: object) -> CheckResult:
    """Refused, or does not come up."""
    return CheckResult(Severity.FAIL, message, hint, evidence)


def another_copy(entry: EntryFacts) -> str:
    """Return what mends a kernel's file that is not as it was made."""
    if entry.typed:
        return "copy it again from where it came"
    return "copy it again, or reinstall the kernel package"


def cut_off(entry: EntryFacts) -> str:
    """Return the hint for a kernel's file that did not arrive whole."""
    return f"The file was cut off or damaged when it was copied: {another_copy(entry)}."


MachineCheck = Callable[[MachineFacts], Iterator[CheckResult]]
EntryCheck = Callable[[MachineFacts, EntryFacts], Iterator[CheckResult]]
F = TypeVar("F", MachineCheck, EntryCheck)


class Check(Value):
    """One registered check. It yields nothing where it does not apply."""

    code: str
    scope: Scope
    requires: tuple[str, ...]
    """Codes that have to be answered by pass or warn before this check makes sense: where one of them fails its
    finding already says what is wrong, and where it does not apply neither does this check."""
    function: Callable[..., Iterator[CheckResult]]
    about: str
    """First line of its docstring."""
    facts: tuple[str, ...] = ()
    """Facts of the machine that came in with this check: of a recording that was made before there were such facts
    (MachineFacts.not_recorded) it is not asked."""

    def run(self, machine: MachineFacts, entry: EntryFacts | None) -> list[Finding]:
        """Its findings, with their code."""
        return [
            Finding(
                code=self.code,
                severity=result.severity,
                message=_bounded(result.message),
                hint=_bounded(result.hint),
                evidence=result.evidence,
            )
            for result in (self.function(machine) if entry is None else self.function(machine, entry))
        ]


_LONGEST = 1000
"""Characters of a message: a device tree can name a hundred thousand CPUs. The evidence has them all."""


def _bounded(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 4].rstrip()} ..."


CHECKS: Registry[Check] = Registry("bootmenu.compat.checks")


class _Decorator(Generic[F]):
    def __init__(
        self, code: str, scope: Scope, after: str, requires: tuple[str, ...], facts: tuple[str, ...]
    ) -> None:
        self.code, self.scope, self.after, self.requires, self.facts = code, scope, after, requires, facts

    def __call__(self, function: F) -> F:
        about = (function.__doc__ or "").strip().partition("\n")[0]
        answer = cast("Callable[..., Iterator[CheckResult]]", function)
        check = Check(self.code, self.scope, self.requires, answer, about, self.facts)
        # what a check requires has to be asked before
        after = (self.after, *self.requires) if self.after else self.requires
        CHECKS.register(self.code, after=after, file=function.__module__)(check)
        return function


def machine_check(
    code: str, *, after: str = "", requires: tuple[str, ...] = (), facts: tuple[str, ...] = ()
) -> _Decorator[MachineCheck]:
    """Register a check of the running system.

    after: code of a check in another file; by default a check comes after the one above it. requires: Check.requires,
    machine checks only. facts: Check.facts.
    """
    return _Decorator(code, Scope.MACHINE, after, requires, facts)


def entry_check(
    code: str, *, after: str = "", requires: tuple[str, ...] = (), facts: tuple[str, ...] = ()
) -> _Decorator[EntryCheck]:
    """Register a check of an entry; parameters as for `machine_check`, and `requires` may name any check."""
    return _Decorator(code, Scope.ENTRY, after, requires, facts)


def check_machine(machine: MachineFacts) -> Report:
    """What is true of this machine for every entry."""
    return Report.from_findings(_run(machine, None, []))


def check(machine: MachineFacts, entry: EntryFacts, machine_report: Report | None = None) -> Report:
    """Everything about one entry on one machine, the machine-wide findings included.

    machine_report: what `check_machine` said, when it is at hand: it is the same for all entries.
    """
    known = list((machine_report or check_machine(machine)).findings)
    return Report.from_findings([*known, *_run(machine, entry, known)])


def _run(machine: MachineFacts, entry: EntryFacts | None, known: list[Finding]) -> list[Finding]:
    findings: list[Finding] = []
    scope = Scope.MACHINE if entry is None else Scope.ENTRY
    sound = {finding.code for finding in known} - {finding.code for finding in known if finding.severity in _STOPS}
    for item in CHECKS.values():
        recorded = not any(fact in machine.not_recorded for fact in item.facts)
        if item.scope is scope and recorded and sound.issuperset(item.requires):
            answers = item.run(machine, entry)
            findings += answers
            if answers and not any(finding.severity in _STOPS for finding in answers):
                sound.add(item.code)
    return findings


_STOPS = (Severity.FAIL, Severity.UNKNOWN)
"""With such an answer a check that requires it makes no sense."""
