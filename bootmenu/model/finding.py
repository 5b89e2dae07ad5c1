# SPDX-License-Identifier: MIT
"""Results of the shared checker: findings, each with a stable code, and reports of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from bootmenu.model.closed_set import StrEnum
from bootmenu.model.value import Value, field, replace


class Severity(StrEnum):
    """How bad a finding is. The verdict of a report is its worst severity: fail > warn > unknown > pass.

    fail: the load is refused, or the next kernel does not come up.
    warn: it comes up, and something named is lost or risky.
    unknown: the check applies, but lacks evidence; never a silent pass.
    pass: checked and right.
    """

    PASS = "pass"  # noqa: S105 - a severity, not a password
    UNKNOWN = "unknown"
    WARN = "warn"
    FAIL = "fail"

    @property
    def rank(self) -> int:
        """Return 0 (pass) to 3 (fail); larger is worse."""
        return _RANKS[self]

    @staticmethod
    def worst(severities: Iterable[Severity]) -> Severity:
        """Return the worst severity; pass without any, because nothing was found wrong."""
        found = set(severities)  # asked again and again for every entry of a list
        return next((severity for severity in _WORST_FIRST if severity in found), Severity.PASS)


_RANKS = {Severity.PASS: 0, Severity.UNKNOWN: 1, Severity.WARN: 2, Severity.FAIL: 3}
_WORST_FIRST = tuple(sorted(_RANKS, key=lambda severity: -_RANKS[severity]))

Evidence = Mapping[str, object]


class Finding(Value, kw_only=True):
    """A result of a check."""

    code: str
    """Stable name, such as CPU-STUCK, for programs and people to look up."""
    severity: Severity
    message: str
    """One or two sentences for a technician, which name the file or the value."""
    hint: str = ""
    """What to do next; empty for a pass."""
    evidence: Evidence = field(default_factory=dict)
    """The facts that were compared, ready for JSON."""
    ignored: bool = False
    """Whether this code was overridden: the finding stays visible, but does not count."""

    def to_json(self) -> dict[str, object]:
        """Return the object for `scan --json` and `check --json`."""
        return {
            "code": self.code,
            "severity": str(self.severity),
            "message": self.message,
            "hint": self.hint,
            "evidence": dict(self.evidence),
            **({"ignored": True} if self.ignored else {}),
        }


class Report(Value, kw_only=True):
    """All findings about an entry on a machine, including those about the machine, worst first."""

    findings: tuple[Finding, ...]
    verdict: Severity = field(init=False, compare=False)
    """The worst severity that was not overridden. Stored: a filter asks it of thousands of entries at each key."""

    def __post_init__(self) -> None:
        worst = Severity.worst(finding.severity for finding in self.findings if not finding.ignored)
        object.__setattr__(self, "verdict", worst)

    @classmethod
    def from_findings(cls, findings: Iterable[Finding]) -> Report:
        """Return a report sorted worst first; findings of equal severity keep the order of their checks."""
        return cls(findings=tuple(sorted(findings, key=lambda finding: -_RANKS[finding.severity])))

    def overriding(self, codes: Collection[str]) -> Report:
        """Return the report with these codes overridden; a pass needs no override."""
        if not codes:
            return self
        return Report(
            findings=tuple(
                replace(finding, ignored=True)
                if finding.code in codes and finding.severity is not Severity.PASS
                else finding
                for finding in self.findings
            )
        )

    def of(self, severity: Severity) -> tuple[Finding, ...]:
        """Return the findings of a severity."""
        return tuple(finding for finding in self.findings if finding.severity is severity)

    def get(self, code: str) -> Finding | None:
        """Return the worst finding with a code, or None if the check did not apply."""
        return next((finding for finding in self.findings if finding.code == code), None)
