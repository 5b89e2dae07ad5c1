# SPDX-License-Identifier: MIT
"""The page about a load that failed: what went wrong, what the kernel logged about it, and what to do."""

from __future__ import annotations

from bootmenu.errors import BootmenuError
from bootmenu.i18n import N_, _, localized
from bootmenu.kexec.kernel_errors import LoadError, left_loaded
from bootmenu.kexec.load_test import LoadTestRefusedError
from bootmenu.model.progress import Stage
from bootmenu.system.power import PowerError
from bootmenu.terminal.cells import cells, clean
from bootmenu.view.styled_text import BLANK, Line, Span, Style, block, indented, paragraph
from bootmenu.view.wording import explained

_LABELS = (*(N_("entry"), N_("why"), N_("stage"), N_("call"), N_("kernel log"), N_("what to do")),)


def headline(error: Exception) -> str:
    """Return one sentence about the error and the state of the machine.

    LoadError guarantees that nothing is loaded any more, unless its notes say otherwise (`left_loaded`).
    """
    if left_loaded(error):
        return _("This entry was not started, and a kernel stays loaded.")
    match error:
        case LoadError(stage=Stage.JUMP):
            return _("The jump came back. This machine is still running, and nothing is loaded.")
        case LoadError(errno=None):
            return _("This entry could not be loaded. Nothing was changed.")
        case LoadError():
            return _("The kernel refused this entry. Nothing was changed.")
        case LoadTestRefusedError():
            return _("This entry was not tested. Nothing was changed.")
        case PowerError():
            return _("The machine keeps running.")
        case BootmenuError():
            return _("This entry cannot be loaded. Nothing was changed.")
        case _other:
            return _("Internal error in bootmenu. Nothing is loaded.")


def advice(error: Exception) -> str:
    """Return what to do next; empty if the error has no hint."""
    if isinstance(error, BootmenuError):
        return localized(error.hint)
    return _("Please report this, with the log file of bootmenu.")


def refusal_rows(error: Exception, name: str = "") -> list[tuple[str, str, Style]]:
    """Return rows of label, text and style: the entry, the error, what is still loaded, the stage, the system call
    and the kernel's log. A row without a label continues the one above.

    name: of the entry; empty if unknown.
    """
    rows = [(_("entry"), name, Style.TEXT)] if name else []
    what = localized(error.message) if isinstance(error, BootmenuError) else f"{type(error).__name__}: {error}"
    rows.append((_("why"), what, Style.STRONG))
    rows += [("", localized(left), Style.WARN) for left in left_loaded(error)]
    if not isinstance(error, LoadError):
        return rows
    rows.append((_("stage"), _(error.stage), Style.TEXT))
    answer = error.call or error.errno_text
    if error.call and error.errno_text:
        answer = f"{error.call} failed with {error.errno_text}"
    if answer:
        rows.append((_("call"), answer, Style.TEXT))
    if error.kernel_log:
        rows.append((_("kernel log"), error.kernel_log[0], Style.TEXT))
        rows += [("", line, Style.TEXT) for line in error.kernel_log[1:]]
    elif error.call:
        rows.append((_("kernel log"), _("nothing"), Style.DIM))
    return rows


def refusal_lines(error: Exception) -> list[tuple[str, bool]]:
    """Return the rows as lines for a terminal that can only print lines, each with whether it is important: the error
    itself, and what is still loaded."""
    return [
        (text, True) if style in (Style.STRONG, Style.WARN) else (explained(name, text) if name else text, False)
        for name, text, style in refusal_rows(error)
    ]


_WIDEST = 84
"""Columns of the block in the middle of a wide screen."""


def refusal(error: Exception, name: str, width: int) -> list[Line]:
    """Return the page about an error, as a block in the middle: what happened, why, what to do, and technical facts.

    name: of the entry; empty if unknown.
    """
    room, left = _block_width(width)
    lines = [*block(room - 1, [Span(" "), Span("■", Style.FAIL)], 3, headline(error), Style.FAIL), BLANK]
    rows = refusal_rows(error, name)
    technical = next((index for index, row in enumerate(rows) if row[0] == _("stage")), len(rows))
    for label, text, style in rows[:technical]:
        lines += _field(label, text, room, style)
    if hint := advice(error):
        lines += [BLANK, *_field(_("what to do"), hint, room, Style.STRONG)]
    if rows[technical:]:
        lines.append(BLANK)
    for label, text, style in rows[technical:]:
        lines += _field(label, text, room, style)
    return [indented(row, left) for row in lines]


def _block_width(width: int) -> tuple[int, int]:
    """Return the columns of the block in the middle, and of the margin before it."""
    room = min(width, _WIDEST)
    return room, (width - room) // 2


def _field(label: str, text: str, width: int, style: Style = Style.TEXT) -> list[Line]:
    column = 5 + max(cells(_(known)) for known in _LABELS)
    return block(width - 1, [Span(" " * 3), Span(label, Style.LABEL)], column, clean(text), style)


def arrival(name: str, done: str, last_line: str, width: int) -> list[Line]:
    """Return the page that ends each load on the demonstration machine. name: of the entry. done: what the load has
    done."""
    room, left = _block_width(width)
    here = _("Here the machine would start {name}.").format(name=clean(name, 300))
    nothing = _("This is a demonstration machine: nothing was executed, and nothing is loaded.")
    lines = [
        *block(room - 1, [Span(" "), Span("▶", Style.KEY)], 3, here, Style.STRONG),
        BLANK,
        *paragraph(room, done, indent=3),
        BLANK,
        *paragraph(room, _("The last line on the console would have been:"), indent=3),
        *paragraph(room, localized(last_line), Style.STRONG, indent=5),
        BLANK,
        *paragraph(room, nothing, indent=3),
    ]
    return [indented(row, left) for row in lines]
