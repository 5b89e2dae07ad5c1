# SPDX-License-Identifier: MIT
"""A plan as rows of name and value, the same for every front end."""

from __future__ import annotations

from bootmenu.config.settings import Watchdog
from bootmenu.i18n import _, localized
from bootmenu.kexec.plan import LoadPlan, PlannedFile
from bootmenu.model.kernel import Compression
from bootmenu.model.text import megabytes, printable


def plan_lines(plan: LoadPlan) -> list[str]:
    """Return the plan for people."""
    rows = plan_rows(plan)
    width = max(14, *(len(name) + 2 for name, _text in rows))
    return [f"{name:<{width}}{printable(value)}" for name, value in rows]


def plan_rows(plan: LoadPlan) -> list[tuple[str, str]]:
    """Return what each part of the plan is called, and what it is."""
    rows = [(_("entry"), plan.entry.title), (_("method"), f"{plan.method}: {localized(plan.reason)}")]
    rows.append((_("kernel"), _file(plan.kernel)))
    rows += [(_("initramfs"), _file(file)) for file in plan.initrds]
    rows.append((_("device tree"), _file(plan.dtb) if plan.dtb else _("this machine's own")))
    rows += [(_("overlay"), _file(file)) for file in plan.overlays]
    rows += [(_("tree edit"), text) for text in plan.entry.dtb_edits]
    rows += [(_("edit"), str(edit)) for edit in plan.edits]
    rows.append((_("command line"), plan.command_line or _("(none)")))
    rows += [(_("hook"), name) for name in plan.hooks]
    if plan.watchdog is not Watchdog.LEAVE:
        rows.append((_("watchdog"), str(plan.watchdog)))
    return rows + [(_("note"), localized(note)) for note in plan.notes]


def _file(file: PlannedFile) -> str:
    name = f"{file.ref.device}:{file.ref.path}" if file.ref.device else file.ref.path
    name += f" ({file.ref.part})" if file.ref.part else ""
    packed = "" if file.compression is Compression.NONE else _(", packed with {how}").format(how=file.compression)
    demanded = _(", which must have the SHA-256 {digest}").format(digest=file.sha256) if file.sha256 else ""
    return f"{name}, {megabytes(file.size)}{packed}{demanded}"
