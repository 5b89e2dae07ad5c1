# SPDX-License-Identifier: MIT
"""What was written down: by the menu in its file, by the kernel in its buffer. The newest stands at the end."""

from __future__ import annotations

from collections.abc import Sequence

from bootmenu.i18n import _
from bootmenu.view.banner import heading
from bootmenu.view.styled_text import BLANK, Line, Style, paragraph

LINES = 400
"""Of each of the two."""


def log(own: Sequence[str] | None, kernel: Sequence[str] | None, where: str, width: int) -> list[Line]:
    """own: lines of the file; None = it is being read. kernel: None = not permitted. where: the file."""
    lines = [heading(width, _("The kernel's messages"))]
    if kernel is None:
        lines += paragraph(width, _("Only root may read them."), Style.DIM)
    elif not kernel:
        lines += paragraph(width, _("None."), Style.DIM)
    for text in (kernel or ())[-LINES:]:
        lines += paragraph(width, text)
    lines += [BLANK, heading(width, _("Internal errors"))]
    if own is None:
        return [*lines, *paragraph(width, _("Being read."), Style.DIM)]
    for text in own[-LINES:]:
        lines += paragraph(width, text)
    if not own:
        lines += paragraph(width, _("None."), Style.DIM)
    return (
        [*lines, *paragraph(width, _("The whole file: {where}").format(where=where), Style.DIM)] if where else lines
    )
