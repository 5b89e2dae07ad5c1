# SPDX-License-Identifier: MIT
"""What a newcomer sees who opens the menu where nothing can start: what it is for, and what can be tried instead."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bootmenu.i18n import N_, _
from bootmenu.model.closed_set import Enum
from bootmenu.model.finding import Finding, Report, Severity
from bootmenu.view import findings


class Trial(Enum):
    """What can be done on a machine where nothing can start, in the order of the answers."""

    DEMONSTRATION = N_("A demonstration, on a simulated machine")
    VIRTUAL_MACHINE = N_("A virtual machine that really starts: bootmenu vm")
    PARTITIONS = N_("This machine's partitions, only to look")


def trials() -> list[str]:
    """Return what can be tried in the plain menu."""
    return [f"m  {_(Trial.DEMONSTRATION.value)}", f"q  {_(Trial.VIRTUAL_MACHINE.value)}"]


def obstacles(machine: Report) -> list[Finding]:
    """Return the findings because of which nothing can be started on this machine at all."""
    return [finding for finding in machine.findings if finding.severity is Severity.FAIL and not finding.ignored]


def alarms(machine: Report, notices: Sequence[str], *, visiting: bool) -> tuple[Sequence[Finding], Sequence[str]]:
    """Return the findings about the machine that are not right, and the notices; neither if there are obstacles and
    the user is visiting, who is told of the obstacles instead."""
    if visiting and obstacles(machine):
        return (), ()
    return [finding for finding in machine.findings if finding.severity is not Severity.PASS], notices


def obstacle_text(finding: Finding) -> str:
    """Return a sentence or two: that nothing can be started, and why."""
    parts = [_("Nothing can be started from here."), findings.message(finding), findings.hint(finding)]
    return " ".join(part for part in parts if part)


def paragraphs(obstacles: Iterable[Finding]) -> list[str]:
    """Return what bootmenu is, and why nothing can start here. Without obstacles, nothing was found."""
    first = next(iter(obstacles), None)
    return [
        _("bootmenu is the menu of a small Linux that comes up first and starts the system that you choose."),
        obstacle_text(first) if first else _("Nothing to start was found on the disks of this machine."),
    ]
