# SPDX-License-Identifier: MIT
"""Print data on standard output, and notes for people on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from bootmenu.model.text import printable
from bootmenu.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from bootmenu.view.styled_text import Line
    from bootmenu.view.terminal_text import TerminalText


def print_json(value: object) -> None:
    """Print one JSON object on standard output."""
    from bootmenu.view.json_output import json_text

    print(json_text(value, indent=2))


def print_note(text: object) -> None:
    """Print a line on standard error."""
    print(f"bootmenu: {printable(str(text))}", file=sys.stderr)


def print_lines(terminal: TerminalText, lines: Iterable[Line]) -> None:
    """Print lines on standard output, in colour where it has colours."""
    for line in lines:
        print(terminal.text(line))


def name_help(codes: Iterable[str]) -> None:
    """Print on standard error which command explains a check. codes: what failed or is unknown, the worst first."""
    if code := next(iter(codes), ""):
        sys.stdout.flush()  # what it is about comes before it, also in one file
        print_note(f"bootmenu help {code} explains this check and what to do")
