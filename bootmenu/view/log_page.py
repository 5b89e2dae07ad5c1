# SPDX-License-Identifier: MIT
"""The log page: the kernel's messages and bootmenu's internal errors, newest last."""

from __future__ import annotations

from collections.abc import Sequence

from bootmenu.i18n import _
from bootmenu.view.page_edges import heading
from bootmenu.view.styled_text import BLANK, Line, Style, paragraph

LINES = 400
"""Number of lines shown of each of the two logs."""


def log(own: Sequence[str] | None, kernel: Sequence[str] | None, log_file: str, width: int) -> list[Line]:
    """Return the page. own: lines of the log file; None while it is read. kernel: lines; None if not permitted."""
    lines = [heading(width, _("The kernel's messages"))]
    if kernel is None:
        lines += paragraph(width, _("Only root may read them."), Style.DIM)
    elif not kernel:
        lines += paragraph(width, _("None."), Style.DIM)
    for text in (kernel or ())[-LINES:]:
        lines += paragraph(width, text)
    lines += [BLANK, heading(width, _("Internal errors"))]
    if own is None:
        return [*lines, *paragraph(width, _("Still reading."), Style.DIM)]
    for text in own[-LINES:]:
        lines += paragraph(width, text)
    if not own:
        lines += paragraph(width, _("None."), Style.DIM)
    if log_file:
        lines += paragraph(width, _("The whole file: {where}").format(where=log_file), Style.DIM)
    return lines
