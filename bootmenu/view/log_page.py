# SPDX-License-Identifier: MIT
"""The log page: the kernel's messages, bootmenu's internal errors, and what was done, newest last."""

from __future__ import annotations

from collections.abc import Sequence

from bootmenu.i18n import _, localized, number
from bootmenu.session.history import Done
from bootmenu.terminal.cells import clean
from bootmenu.view.page_edges import heading
from bootmenu.view.styled_text import BLANK, Line, Span, Style, block, paragraph

LINES = 400
"""Number of lines shown of each of the two logs."""


def log(
    own: Sequence[str] | None, kernel: Sequence[str] | None, done: Sequence[Done], log_file: str, width: int
) -> list[Line]:
    """Return the page. own: lines of the log file; None while it is read. kernel: lines; None if not permitted. done:
    what was done since the menu started."""
    lines = [heading(width, _("The kernel's messages"))]
    if kernel is None:
        lines += paragraph(width, _("Only root may read them."), Style.DIM)
    elif not kernel:
        lines += paragraph(width, _("None."), Style.DIM)
    for text in (kernel or ())[-LINES:]:
        lines += paragraph(width, text)
    lines += [BLANK, heading(width, _("Internal errors"))]
    if own is None:
        lines += paragraph(width, _("Still reading."), Style.DIM)
    for text in (own or ())[-LINES:]:
        lines += paragraph(width, text)
    if own is not None and not own:
        lines += paragraph(width, _("None."), Style.DIM)
    if own is not None and log_file:
        lines += paragraph(width, _("The whole file: {where}").format(where=log_file), Style.DIM)
    lines += [BLANK, heading(width, _("What was done, by seconds since the machine started"))]
    for each in done:
        at = f"{number(each.at, '.1f'):>8}"
        lines += block(width - 1, [Span(f" {at}", Style.LABEL)], len(at) + 3, clean(localized(each.message), 400))
    return lines
