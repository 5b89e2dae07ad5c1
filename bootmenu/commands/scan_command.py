# SPDX-License-Identifier: MIT
"""`bootmenu scan`: list what can be booted, with verdicts."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence

from bootmenu.commands import shared_options
from bootmenu.commands.printing import print_json, print_lines, print_note
from bootmenu.typed import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from bootmenu.discovery.scan_events import Listing
    from bootmenu.model.entry import Problem
    from bootmenu.view.entry_texts import Marks
    from bootmenu.view.styled_text import Line

HELP = "list what can be booted, with verdicts"
FOLLOWS = "menu"
EXAMPLES = (
    ("bootmenu scan", "list what can be started on this machine, with verdicts and ids"),
    ("bootmenu scan --tree root --machine board.json", "list what is in a folder, judged for a recorded machine"),
    ("bootmenu scan --json --tree root", "the same for a program, with every finding"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--json", action="store_true", help="one JSON object: entries and problems")
    shared_options.add_tree(parser, "read this folder as one partition, instead of this machine's (repeatable)")
    shared_options.add_machine(parser)


def run(arguments: argparse.Namespace) -> int:
    """Scan once and print the entries, and what could not be read."""
    return scan(as_json=arguments.json, trees=arguments.tree, recorded=arguments.machine)


def scan(*, as_json: bool, trees: Sequence[str] = (), recorded: str | None = None) -> int:
    """Scan these folders or this machine. recorded: a file with facts of a machine to answer for."""
    from bootmenu.session.machine_session import MachineSession
    from bootmenu.session.scan_collection import collect

    host, machine = shared_options.host_and_machine(recorded)
    folders = shared_options.folders(trees)
    local = recorded is None
    settings = shared_options.settings_in_force(host, {})
    with contextlib.closing(
        MachineSession(host, machine, (lambda: folders) if folders else None, settings=settings, local=local)
    ) as session:
        listings, problems = collect(session)
        if as_json:
            from bootmenu.view import json_output

            print_json(json_output.scan_to_json(listings, problems))
            return 0
        from bootmenu.bootstate.state import State

        state = session.state_store.state if local and not folders else State()
    from bootmenu.model.finding import Severity
    from bootmenu.view.entry_texts import marks
    from bootmenu.view.terminal_text import TerminalText

    terminal = TerminalText(sys.stdout, os.environ)
    print_lines(terminal, scan_lines(listings, marks(listings, state, settings, finished=True), terminal.width))
    sys.stdout.flush()
    _print_problems(problems)
    if not listings:
        print_note("nothing was found that could be booted")
        return 0
    if any(listing.report.verdict is not Severity.PASS for listing in listings):
        print_note(
            "below an entry is its worst finding; all are in bootmenu scan --json, and those of one kernel in "
            "bootmenu check KERNEL"
        )
    print_lines(terminal, [summary(listings, len(problems))])
    return 0


def _print_problems(problems: Sequence[Problem]) -> None:
    """Print what could not be read; the partitions that only root may read in one line."""
    from bootmenu.discovery.devices import NEEDS_ROOT

    denied = [problem.device for problem in problems if problem.message == NEEDS_ROOT and not problem.path]
    for problem in problems:
        if problem.path or problem.message != NEEDS_ROOT:
            print_note(problem)
    if denied:
        count = f"{len(denied)} partition{'' if len(denied) == 1 else 's'}"
        print_note(f"not readable without root: {count} ({', '.join(denied)}); {_sudo()} scan reads them, too")


def _sudo() -> str:
    """Return how to run this program as root: sudo does not look in ~/.local/bin, where pipx and uv install it."""
    import shlex
    import shutil

    name = "bootmenu"
    if os.path.basename(sys.argv[0]) == name and not shutil.which(name, path=_SUDO_PATH):
        name = shutil.which(sys.argv[0]) or name
    return f"sudo {shlex.quote(name)}"


_SUDO_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""secure_path of Debian's /etc/sudoers."""


def scan_lines(listings: Sequence[Listing], marked: Marks, width: int) -> Iterator[Line]:
    """Yield the lines of each entry: verdict, mark, id, partition and title; and the worst finding, unless the
    verdict is ok. marked: what starts automatically. width: columns."""
    from bootmenu.model.finding import Severity
    from bootmenu.terminal.cells import cells, clean
    from bootmenu.view.entry_texts import distinct_texts, entry_texts, mark_of
    from bootmenu.view.findings import message
    from bootmenu.view.styled_text import Span, Style, block, line
    from bootmenu.view.wording import verdict_width

    said: set[str] = set()
    longest = max((cells(clean(listing.entry.id)) for listing in listings), default=0)
    indent = verdict_width() + 3
    column = indent + longest + 2
    stacked = width - column < _ROOM
    rows = distinct_texts([entry_texts(listing, mark=mark_of(listing, marked)) for listing in listings])
    for listing, row in zip(listings, rows, strict=True):
        name, where = clean(listing.entry.id), clean(f"{listing.entry.device}: {row.name}", 300)
        label = [row.verdict, Span(f" {row.sign}"), *([] if stacked else [Span(f" {name}", Style.STRONG)])]
        yield from block(width, label, indent if stacked else column, where)
        if stacked:
            yield line(" " * indent, Span(name, Style.STRONG))  # never broken, so that it can be copied
        if listing.report.verdict is Severity.PASS:
            continue
        worst = next(found for found in listing.report.findings if not found.ignored)
        text = f"{worst.code}: {message(worst)}"
        reason = f"{worst.code}, as above" if text in said else text
        said.add(text)
        yield from block(width, [Span(" ")], indent, reason, Style.of(worst.severity))


_ROOM = 30
"""Least columns for the title of an entry after its id; with fewer, the id is in a line of its own."""


def summary(listings: Sequence[Listing], problems: int) -> Line:
    """Return `5 entries: 3 ok, 1 warn, 1 FAIL; 2 problems`."""
    from bootmenu.model.finding import Severity
    from bootmenu.view.styled_text import Span, Style, line
    from bootmenu.view.wording import word

    verdicts = [listing.report.verdict for listing in listings]
    parts: list[Span | str] = []
    for severity in sorted(set(verdicts), key=lambda severity: severity.rank):
        text = f"{verdicts.count(severity)} {'unknown' if severity is Severity.UNKNOWN else word(severity)}"
        parts += [", ", Span(text, Style.of(severity))]
    more = f"; {problems} problem{'' if problems == 1 else 's'}, above" if problems else ""
    return line(f"{len(listings)} {'entry' if len(listings) == 1 else 'entries'}: ", *parts[1:], more)
