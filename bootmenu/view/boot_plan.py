# SPDX-License-Identifier: MIT
"""The boot plan as rows of name and text, which each front end lays out in its own way."""

from __future__ import annotations

from bootmenu.config.settings import Watchdog
from bootmenu.i18n import _, localized
from bootmenu.kexec.plan import LoadPlan, PlannedFile
from bootmenu.model.kernel import Compression
from bootmenu.model.text import megabytes, printable
from bootmenu.model.value import Value
from bootmenu.view.wording import explained


class PlanRow(Value, kw_only=True):
    """One row of a plan."""

    name: str
    text: str
    size: str = ""
    """Size of a file, with its unit; empty for other rows."""
    requirement: str = ""
    """What the file must satisfy, such as a SHA-256; empty if nothing."""

    @property
    def full_text(self) -> str:
        """Return text, size and requirement in one line."""
        return ", ".join(part for part in (self.text, self.size, self.requirement) if part)


def plan_rows(plan: LoadPlan) -> list[PlanRow]:
    """Return the rows of a plan: the loading method, the files, the changes made to them, and everything else."""

    def rows(name: str, *texts: str) -> list[PlanRow]:
        return [PlanRow(name=name, text=text) for text in texts]

    result = rows(_("method"), explained(plan.method, localized(plan.reason)))
    result.append(_file(_("kernel"), plan.kernel))
    result += [_file(_("companion") if file.ref.archive else _("initramfs"), file) for file in plan.initrds]
    result += [_file(_("device tree"), plan.dtb)] if plan.dtb else rows(_("device tree"), _("this machine's own"))
    result += [_file(_("overlay"), file) for file in plan.overlays]
    result += rows(_("tree edit"), *plan.entry.dtb_edits)
    result += rows(_("fix-up"), *map(str, plan.edits))
    result += rows(_("command line"), plan.command_line or _("none"))
    result += rows(_("hook"), *plan.hooks)
    if plan.watchdog is not Watchdog.LEAVE:
        result += rows(_("watchdog"), str(plan.watchdog))
    return result + rows(_("note"), *map(localized, plan.notes))


def _file(name: str, file: PlannedFile) -> PlanRow:
    text = f"{file.ref.device}:{file.ref.path}" if file.ref.device else file.ref.path
    text += f" ({file.ref.part})" if file.ref.part else ""
    text += "" if file.compression is Compression.NONE else f" ({file.compression})"
    requirement = _("which must have the SHA-256 {digest}").format(digest=file.sha256) if file.sha256 else ""
    return PlanRow(name=name, text=text, size=megabytes(file.size), requirement=requirement)


def plan_lines(plan: LoadPlan) -> list[str]:
    """Return the plan as lines of text, the title of the entry first."""
    rows = [(_("entry"), plan.entry.name), *((row.name, row.full_text) for row in plan_rows(plan))]
    width = max(14, *(len(name) + 2 for name, _text in rows))
    return [f"{name:<{width}}{printable(text)}" for name, text in rows]
