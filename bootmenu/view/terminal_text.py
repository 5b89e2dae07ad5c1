# SPDX-License-Identifier: MIT
"""Styled lines as text for a terminal or a pipe: what subcommands print."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from bootmenu.terminal.capabilities import columns_of
from bootmenu.typed import TextIO
from bootmenu.view.styled_text import Line, Style

_SGR = {
    Style.STRONG: "1",
    Style.LABEL: "36",
    Style.HEADING: "36",
    Style.TITLE: "1;7;36",
    Style.KEY: "1;36",
    Style.PASS: "32",
    Style.UNKNOWN: "1;35",
    Style.WARN: "1;33",
    Style.FAIL: "1;31",
    Style.BAR: "36",
    Style.SIMULATION: "1;7;33",
}
"""ECMA-48's SGR parameters of each role, as in the theme vt16: a terminal's own colours on its own ground."""


def wants_colours(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Return whether to print colours: on a terminal that is not TERM=dumb, or with FORCE_COLOR, but never with
    NO_COLOR (https://no-color.org, https://force-color.org)."""
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and environ.get("TERM", "") not in ("", "dumb")


class TerminalText:
    """Turns lines into text for one stream."""

    def __init__(self, stream: TextIO, environ: Mapping[str, str]) -> None:
        """stream: usually sys.stdout. environ: for TERM, COLUMNS, NO_COLOR and FORCE_COLOR."""
        descriptor = -1
        with contextlib.suppress(OSError, ValueError):  # of a test, or closed
            descriptor = stream.fileno()
        self.width = columns_of(descriptor, environ)
        """Columns of the terminal; elsewhere COLUMNS, or 80."""
        self.colours = wants_colours(stream, environ)

    def text(self, line: Line) -> str:
        """Return a line, with escape sequences if the stream has colours."""
        if not self.colours:
            return line.text.rstrip()
        return "".join(
            f"\033[{_SGR[span.style]}m{span.text}\033[0m" if span.style in _SGR and span.text.strip() else span.text
            for span in line.spans
        ).rstrip()
