# SPDX-License-Identifier: MIT
"""The boot plan as rows of name and text, which every front end places in its own way."""

from __future__ import annotations

from bootmenu.config.settings import Watchdog
from bootmenu.i18n import _, localized
from bootmenu.kexec.plan import LoadPlan, PlannedFile
from bootmenu.model.kernel import Compression
from bootmenu.model.text import megabytes, printable
from bootmenu.model.value import Value


class PlanRow(Value, kw_only=True):
    """One part of a plan."""

    name: str
    text: str
    size: str = ""
    """Of a file."""
    demand: str = ""
    """What the file must be; empty = nothing is demanded."""

    @property
    def whole(self) -> str:
        """Return text, size and demand in one line."""
        return ", ".join(part for part in (self.text, self.size, self.demand) if part)


def plan_rows(plan: LoadPlan) -> list[PlanRow]:
    """Return what is loaded, in which way, and what is changed on the way."""

    def rows(name: str, *texts: str) -> list[PlanRow]:
        return [PlanRow(name=name, text=text) for text in texts]

    found = rows(_("method"), f"{plan.method}: {localized(plan.reason)}")
    found.append(_file(_("kernel"), plan.kernel))
    found += [_file(_("initramfs"), file) for file in plan.initrds]
    found += [_file(_("device tree"), plan.dtb)] if plan.dtb else rows(_("device tree"), _("this machine's own"))
    found += [_file(_("overlay"), file) for file in plan.overlays]
    found += rows(_("tree edit"), *plan.entry.dtb_edits)
    found += rows(_("edit"), *map(str, plan.edits))
    found += rows(_("command line"), plan.command_line or _("none"))
    found += rows(_("hook"), *plan.hooks)
    if plan.watchdog is not Watchdog.LEAVE:
        found += rows(_("watchdog"), str(plan.watchdog))
    return found + rows(_("note"), *map(localized, plan.notes))


def _file(name: str, file: PlannedFile) -> PlanRow:
    text = f"{file.ref.device}:{file.ref.path}" if file.ref.device else file.ref.path
    text += f" ({file.ref.part})" if file.ref.part else ""
    text += "" if file.compression is Compression.NONE else f" ({file.compression})"
    demand = _("which must have the SHA-256 {digest}").format(digest=file.sha256) if file.sha256 else ""
    return PlanRow(name=name, text=text, size=megabytes(file.size), demand=demand)


def plan_lines(plan: LoadPlan) -> list[str]:
    """Return the plan as lines of text, the title of the entry first."""
    rows = [(_("entry"), plan.entry.name), *((row.name, row.whole) for row in plan_rows(plan))]
    width = max(14, *(len(name) + 2 for name, _text in rows))
    return [f"{name:<{width}}{printable(text)}" for name, text in rows]
