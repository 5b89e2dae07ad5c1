# SPDX-License-Identifier: MIT
"""What went wrong, what the kernel logged about it, and what to do."""

from __future__ import annotations

from bootmenu.errors import BootmenuError
from bootmenu.kexec.errors import LoadError
from bootmenu.kexec.preflight import TestRefusedError
from bootmenu.model.progress import Stage
from bootmenu.system.power import PowerError
from bootmenu.ui.lines import BLANK, Ink, Line, Span, block, paragraph
from bootmenu.ui.text import clean

_COLUMN = 13


def headline(error: Exception) -> str:
    """One sentence. LoadError's contract: nothing is loaded any more."""
    match error:
        case LoadError(stage=Stage.JUMP):
            return "The jump came back. This machine is still running, and nothing is loaded."
        case LoadError(errno=None):
            return "This entry could not be loaded. Nothing was changed."
        case LoadError():
            return "The kernel refused this entry. Nothing was changed."
        case TestRefusedError():
            return "This entry was not tested. Nothing was changed."
        case PowerError():
            return "The machine goes on running."
        case BootmenuError():
            return "This entry cannot be loaded. Nothing was changed."
        case _:
            return "bootmenu itself made a mistake. Nothing is loaded."


def refusal(error: Exception, name: str, width: int) -> list[Line]:
    """name: the entry; empty when it is not known any more."""
    lines = [BLANK, *block(width - 1, [Span(" "), Span("■", Ink.FAIL)], 3, headline(error), Ink.FAIL), BLANK]
    if name:
        lines += _field("entry", name, width)
    if isinstance(error, BootmenuError):
        lines += _field("what", error.message, width, Ink.STRONG)
    else:
        lines += _field("what", f"{type(error).__name__}: {error}", width, Ink.STRONG)
    if isinstance(error, LoadError):
        lines += _field("stage", str(error.stage), width)
        answer = " said ".join(part for part in (error.call, error.errno_text) if part)
        if answer:
            lines += _field("call", answer, width)
        if error.kernel_log:
            lines.append(BLANK)
            for index, row in enumerate(error.kernel_log):
                lines += _field("kernel log" if index == 0 else "", row, width)
        elif error.call:
            lines += _field("kernel log", "nothing", width, Ink.DIM)
    hint = error.hint if isinstance(error, BootmenuError) else "Please report this, with the log file of bootmenu."
    if hint:
        lines += [BLANK, *_field("do", hint, width, Ink.STRONG)]
    return lines


def _field(label: str, text: str, width: int, ink: Ink = Ink.TEXT) -> list[Line]:
    return block(width - 1, [Span(" " * 3), Span(label, Ink.LABEL)], _COLUMN + 2, clean(text), ink)


def arrival(name: str, last_line: str, method: str, width: int) -> list[Line]:
    """The end of every load on the demonstration machine."""
    return [
        BLANK,
        *block(
            width - 1,
            [Span(" "), Span("▶", Ink.KEY)],
            3,
            f"Here the machine would start {clean(name, 300)}.",
            Ink.STRONG,
        ),
        BLANK,
        *paragraph(width, f"Everything but the jump was done (loading method: {clean(method, 60)}).", indent=3),
        *paragraph(width, "The last line on the console would have been:", indent=3),
        BLANK,
        *paragraph(width, last_line, Ink.STRONG, indent=5),
        BLANK,
        *paragraph(width, "This is a demonstration machine: nothing was executed, and nothing is loaded.", indent=3),
    ]
