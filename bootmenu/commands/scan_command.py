# SPDX-License-Identifier: MIT
"""`bootmenu scan`: list what can be booted, with verdicts."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from bootmenu.commands import shared_options
from bootmenu.commands.printing import print_json, print_note

if TYPE_CHECKING:
    from bootmenu.discovery.scan_events import Listing

HELP = "list what can be booted, with verdicts"
FOLLOWS = "menu"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--json", action="store_true", help="one JSON object: entries and problems")
    shared_options.add_tree(parser, "read this folder as one partition, instead of this machine's (repeatable)")
    shared_options.add_machine(parser)


def run(arguments: argparse.Namespace) -> int:
    """Scan once and print the entries, and what could not be read."""
    from bootmenu.model.finding import Severity
    from bootmenu.session.machine_session import MachineSession
    from bootmenu.session.scan_collection import collect
    from bootmenu.view import json_output

    host, machine = shared_options.host_and_machine(arguments.machine)
    trees = shared_options.folders(arguments.tree)
    local = arguments.machine is None
    settings = shared_options.settings_in_force(host, {})
    with contextlib.closing(
        MachineSession(host, machine, (lambda: trees) if trees else None, settings=settings, local=local)
    ) as session:
        listings, problems = collect(session)
    if arguments.json:
        print_json(json_output.scan_to_json(listings, problems))
        return 0
    for line in scan_lines(listings):
        print(line)
    if any(listing.report.verdict is not Severity.PASS for listing in listings):
        print_note(
            "below an entry is its worst finding; all are in bootmenu scan --json, and those of one kernel in "
            "bootmenu check KERNEL"
        )
    for problem in problems:
        print_note(problem)
    if not listings:
        print_note("nothing was found that could be booted")
    return 0


def scan_lines(listings: list[Listing]) -> Iterator[str]:
    """Yield a line for each entry: verdict, id, title; and the worst finding, unless the verdict is ok."""
    from bootmenu.model.finding import Severity
    from bootmenu.model.text import printable
    from bootmenu.view.entry_texts import distinct_texts, entry_texts

    said: set[str] = set()
    width = max((len(listing.entry.id) for listing in listings), default=0)
    rows = distinct_texts([entry_texts(listing) for listing in listings])
    for listing, row in zip(listings, rows, strict=True):
        name, where = printable(listing.entry.id), printable(f"{listing.entry.device}: {row.name}")
        yield f"{row.word:<4} {row.sign} {name:<{width}}  {where}"
        if listing.report.verdict is not Severity.PASS:
            worst = next(found for found in listing.report.findings if not found.ignored)
            line = f"{worst.code}: {worst.message}"
            yield f"{'':<7}{f'{worst.code}, as above' if line in said else printable(line)}"
            said.add(line)
