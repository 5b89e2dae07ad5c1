# SPDX-License-Identifier: MIT
"""What the shared checker says: findings, each with a stable code, and the report they make."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum

from bootmenu.model.value import Value, field, replace


class Severity(StrEnum):
    """How bad one finding is. The verdict of a report is its worst: fail > warn > unknown > pass.

    fail: the load is refused or the second kernel does not come up.
    warn: it comes up, and something named is lost or risky.
    unknown: the check applies but could not look; never a quiet pass.
    pass: looked, and found right.
    """

    PASS = "pass"  # noqa: S105 - a severity, not a password
    UNKNOWN = "unknown"
    WARN = "warn"
    FAIL = "fail"

    @property
    def rank(self) -> int:
        """0 (pass) to 3 (fail); larger is worse."""
        return _RANKS[self]

    @staticmethod
    def worst(severities: Iterable[Severity]) -> Severity:
        """The worst of them; pass when there are none, since nothing was found wrong."""
        return max(severities, key=lambda severity: severity.rank, default=Severity.PASS)


_RANKS = {Severity.PASS: 0, Severity.UNKNOWN: 1, Severity.WARN: 2, Severity.FAIL: 3}

Evidence = Mapping[str, object]


class Finding(Value, kw_only=True):
    """One thing that one check found."""

    code: str
    """Stable name, such as CPU-STUCK: programs and people look it up."""
    severity: Severity
    message: str
    """One or two sentences for a technician; names the file or the value."""
    hint: str = ""
    """What to do next; empty for a pass."""
    evidence: Evidence = field(default_factory=dict)
    """The raw facts that were compared, ready for JSON."""
    ignored: bool = False
    """Somebody overrode this code on purpose: it stays visible, and counts no more."""

    def to_json(self) -> dict[str, object]:
        """The object of `scan --json` and `check --json`."""
        return {
            "code": self.code,
            "severity": str(self.severity),
            "message": self.message,
            "hint": self.hint,
            "evidence": dict(self.evidence),
            **({"ignored": True} if self.ignored else {}),
        }


class Report(Value, kw_only=True):
    """Every finding about one entry on one machine, worst first; machine-wide ones included."""

    findings: tuple[Finding, ...]

    @classmethod
    def from_findings(cls, findings: Iterable[Finding]) -> Report:
        """Sorted worst first; findings of equal severity keep the order of their checks."""
        return cls(findings=tuple(sorted(findings, key=lambda finding: -_RANKS[finding.severity])))

    @property
    def verdict(self) -> Severity:
        """The worst severity of what was not overridden."""
        return Severity.worst(finding.severity for finding in self.findings if not finding.ignored)

    def overriding(self, codes: Collection[str]) -> Report:
        """The same report with these codes overridden; passes need no override."""
        return Report(
            findings=tuple(
                replace(finding, ignored=True)
                if finding.code in codes and finding.severity is not Severity.PASS
                else finding
                for finding in self.findings
            )
        )

    def of(self, severity: Severity) -> tuple[Finding, ...]:
        """The findings of that severity."""
        return tuple(finding for finding in self.findings if finding.severity is severity)

    def get(self, code: str) -> Finding | None:
        """The worst finding with that code, or None when the check did not apply."""
        return next((finding for finding in self.findings if finding.code == code), None)
