# SPDX-License-Identifier: MIT
"""Test load: load a plan, confirm it and unload it again, to learn whether the kernel accepts it.

It is no dry run: the kernel makes all its checks, and counts it against a load limit.
"""

from __future__ import annotations

from bootmenu.errors import BootmenuError
from bootmenu.i18n import N_, ngettext_lazy
from bootmenu.kexec.kernel_errors import LoadError
from bootmenu.kexec.plan import LoadPlan
from bootmenu.model.finding import Finding, Report, Severity
from bootmenu.model.machine import MachineFacts
from bootmenu.model.progress import Stage
from bootmenu.model.value import Value
from bootmenu.system.host import Host

CODE = "LOAD-TEST"
"""Code of the finding that a test load adds to a report; stable, as those of checks."""

_LIMIT = "/proc/sys/kernel/kexec_load_limit_reboot"


class LoadTestRefusedError(BootmenuError):
    """A test load is not possible, or would use up a limited number of loads."""


class LoadTestPermission(Value, kw_only=True):
    """Whether a test load may be made now, and what it would replace."""

    refused: LoadTestRefusedError | None = None
    """Why a test load may not be made, or None if it may."""
    replaces: bool = False
    """Whether a kernel is loaded already, which the test would unload."""


def load_test_permission(host: Host, machine: MachineFacts) -> LoadTestPermission:
    """Return whether a test load may be made, as the running kernel says, or else the facts."""
    refused = _load_limit_error(host, machine)
    if refused is None and machine.cap_sys_boot is False:
        refused = LoadTestRefusedError(N_("Only root may load a kernel."), N_("Start bootmenu as root."))
    return LoadTestPermission(refused=refused, replaces=bool(host.kexec_loaded()))


def _load_limit_error(host: Host, machine: MachineFacts) -> LoadTestRefusedError | None:
    """Return an error if a test would use up one of a limited number of loads, else None.

    Documentation/admin-guide/sysctl/kernel.rst, kexec_load_limit_reboot: the number of calls left, -1 for no limit;
    it may only be made more restrictive.
    """
    limit = host.number(_LIMIT)
    if limit is None:
        limit = machine.kexec.load_limit
    if limit is None or limit < 0:
        return None
    message = ngettext_lazy(
        "Every load counts here: only one more load is permitted (kexec_load_limit_reboot), and this would use one "
        "up.",
        "Every load counts here: only {n} more loads are permitted (kexec_load_limit_reboot), and this would use one "
        "up.",
        limit,
    )
    if limit == 0:
        message = N_(
            "Every load counts here: no load is permitted (kexec_load_limit_reboot), and this would use one up."
        )
    return LoadTestRefusedError(
        message,
        N_("Start the entry without a test; with kernel.kexec_load_limit_reboot left at -1 loads are not counted."),
    )


# error: how the test load failed, or None if it succeeded
def finding(plan: LoadPlan, error: LoadError | None) -> Finding:
    """Load the entry, see what the kernel says, and unload it (t in the menu).

    It is no dry run: the kernel makes all its checks. What happens after the jump is not tried.

    pass: the running kernel accepts the entry. Nothing is loaded now.
    fail: the running kernel refused the entry, or it could not be prepared. → Do what the hint says: it is about the
        error of the kernel or of the file.
    evidence: method, stage, errno, kernel_log
    """
    if error is None:
        return Finding(
            code=CODE,
            severity=Severity.PASS,
            message=f"Test load passed ({plan.method}): the running kernel accepts it. Nothing is loaded now.",
            evidence={"method": plan.method},
        )
    refused = error.stage is Stage.LOAD and bool(error.call)
    said = f" {error.call}: {error.errno_text}." if error.call and error.errno_text else ""
    return Finding(
        code=CODE,
        severity=Severity.FAIL,
        message=("The running kernel refused it: " if refused else "It could not be prepared: ")
        + error.message
        + said,
        hint=error.hint,
        evidence={
            "method": plan.method,
            "stage": str(error.stage),
            "errno": error.errno,
            "kernel_log": list(error.kernel_log),
        },
    )


def with_finding(report: Report, tested: Finding) -> Report:
    """Return the report with this finding in place of an earlier one."""
    return Report.from_findings((*(found for found in report.findings if found.code != CODE), tested))
