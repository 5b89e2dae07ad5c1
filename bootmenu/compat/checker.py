# SPDX-License-Identifier: MIT
"""Register and run the checks. A check is a function of facts that has a stable code; to add one, add one file."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bootmenu.compat.facts import EntryFacts
from bootmenu.model.closed_set import StrEnum
from bootmenu.model.finding import Evidence, Finding, Report, Severity
from bootmenu.model.machine import MachineFacts
from bootmenu.model.value import Value
from bootmenu.registry import Registry
from bootmenu.typed import Generic, TypeVar, cast


class Scope(StrEnum):
    """What the findings of a check are about."""

    MACHINE = "machine"
    """The running system: the findings are the same for all entries, and shown once."""
    ENTRY = "entry"
    """One entry on this machine."""


class CheckResult(Value):
    """A finding as a check function yields it, without the check's code."""

    severity: Severity
    message: str
    hint: str
    evidence: Evidence


def passed(message: str, **evidence: object) -> CheckResult:
    """Return the result of a check that found everything right."""
    return CheckResult(Severity.PASS, message, "", evidence)


def unknown(message: str, hint: str, **evidence: object) -> CheckResult:
    """Return the result of a check that applies, but lacks the facts to decide."""
    return CheckResult(Severity.UNKNOWN, message, hint, evidence)


def warned(message: str, hint: str, **evidence: object) -> CheckResult:
    """Return the result for an entry that starts, but with the loss or risk that the message names."""
    return CheckResult(Severity.WARN, message, hint, evidence)


def failed(message: str, hint: str, **evidence: object) -> CheckResult:
    """Return the result for an entry that cannot be loaded, or whose kernel does not start."""
    return CheckResult(Severity.FAIL, message, hint, evidence)


def another_copy(entry: EntryFacts) -> str:
    """Return how to replace a damaged kernel file."""
    if entry.typed:
        return "copy it again from where it came"
    return "copy it again, or reinstall the kernel package"


def cut_off(entry: EntryFacts) -> str:
    """Return the hint for a truncated kernel file."""
    return f"The file was cut off or damaged when it was copied: {another_copy(entry)}."


MachineCheck = Callable[[MachineFacts], Iterator[CheckResult]]
EntryCheck = Callable[[MachineFacts, EntryFacts], Iterator[CheckResult]]
F = TypeVar("F", MachineCheck, EntryCheck)


class Check(Value):
    """A registered check. Its function yields nothing if the check does not apply."""

    code: str
    scope: Scope
    requires: tuple[str, ...]
    """Codes of the checks that must pass or warn before this one runs: if one of them fails, its finding already
    says what is wrong; if one does not apply, neither does this check."""
    function: Callable[..., Iterator[CheckResult]]
    about: str
    """First line of its docstring; the rest is read by compat/explanation.py."""
    facts: tuple[str, ...] = ()
    """Facts of the machine that were introduced with this check. It is skipped for recordings made before they
    existed (MachineFacts.not_recorded)."""

    def run(self, machine: MachineFacts, entry: EntryFacts | None) -> list[Finding]:
        """Run the check and return its findings."""
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
"""Longest message in characters: a device tree can name 100,000 CPUs. The evidence lists all of them."""


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
        # the checks that a check requires have to run before it
        after = (self.after, *self.requires) if self.after else self.requires
        CHECKS.register(self.code, after=after, file=function.__module__)(check)
        return function


def machine_check(
    code: str, *, after: str = "", requires: tuple[str, ...] = (), facts: tuple[str, ...] = ()
) -> _Decorator[MachineCheck]:
    """Register a check of the running system.

    after: code of a check in another file after which this one runs; by default that is the one above it in its file.
    requires: Check.requires, machine checks only. facts: Check.facts.
    """
    return _Decorator(code, Scope.MACHINE, after, requires, facts)


def entry_check(
    code: str, *, after: str = "", requires: tuple[str, ...] = (), facts: tuple[str, ...] = ()
) -> _Decorator[EntryCheck]:
    """Register a check of an entry; parameters as for `machine_check`, and `requires` may name any check."""
    return _Decorator(code, Scope.ENTRY, after, requires, facts)


def check_machine(machine: MachineFacts) -> Report:
    """Return the findings about this machine, which are the same for all entries."""
    return Report.from_findings(_run(machine, None, []))


def check(machine: MachineFacts, entry: EntryFacts, machine_report: Report | None = None) -> Report:
    """Return all findings about one entry on one machine, with those about the machine.

    machine_report: the result of `check_machine`, if the caller has it already; it is the same for all entries.
    """
    known = list((machine_report or check_machine(machine)).findings)
    return Report.from_findings([*known, *_run(machine, entry, known)])


def _run(machine: MachineFacts, entry: EntryFacts | None, known: list[Finding]) -> list[Finding]:
    findings: list[Finding] = []
    scope = Scope.MACHINE if entry is None else Scope.ENTRY
    sound = {finding.code for finding in known} - {finding.code for finding in known if finding.severity in _STOPS}
    not_recorded = frozenset(machine.not_recorded)
    for item in CHECKS.values():
        if item.scope is scope and not_recorded.isdisjoint(item.facts) and sound.issuperset(item.requires):
            answers = item.run(machine, entry)
            findings += answers
            if answers and not any(finding.severity in _STOPS for finding in answers):
                sound.add(item.code)
    return findings


_STOPS = (Severity.FAIL, Severity.UNKNOWN)
"""Severities after which the checks that require this check are skipped."""
