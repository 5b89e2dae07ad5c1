# SPDX-License-Identifier: MIT
"""`bootmenu check`: tell whether a kernel can be started from here, or on recorded machines, and why not."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys

from bootmenu.commands import shared_options
from bootmenu.commands.printing import name_help, print_json, print_lines
from bootmenu.errors import UsageError

HELP = "say whether a kernel can be started from here, and why not"
FOLLOWS = "scan"
EXAMPLES = (
    ("bootmenu check vmlinuz --initrd initrd.img", "say whether this kernel can be started from here"),
    ("bootmenu check vmlinuz --root / --cmdline root=/dev/sda2", "look for the root file system in a folder, too"),
    ("bootmenu check vmlinuz --machine boards/*.json", "judge a kernel for a fleet of recorded machines"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("kernel", metavar="KERNEL", nargs="+", help="kernel file")
    shared_options.add_files(parser)
    shared_options.add_method(parser)
    parser.add_argument(
        "--machine",
        action="append",
        default=[],
        metavar="FILE",
        help="answer for the machine whose facts are in FILE; for each, if there are several, or a folder of *.json",
    )
    parser.more = "machine"  # type: ignore[attr-defined]
    parser.add_argument("--scan", action="store_true", help="look for root= on this machine's partitions")
    shared_options.add_tree(parser, "look for root= in this folder, as one partition (repeatable)")
    parser.add_argument(
        "--root", metavar="DIR", help="look at this folder as the root file system, whatever root= names"
    )
    shared_options.add_ignore(parser)
    parser.add_argument("-v", "--verbose", action="store_true", help="show the checks that passed, too")
    parser.add_argument(
        "--json", action="store_true", help="one JSON object: verdict and findings; one a line for several machines"
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the findings and the verdict; return 1 if that is fail. Raise UsageError, BootmenuError."""
    from bootmenu.model.finding import Severity
    from bootmenu.view import json_output
    from bootmenu.view.report_lines import report_lines
    from bootmenu.view.terminal_text import TerminalText

    kernel, recorded = _kernel_and_recordings(arguments)
    ignored = shared_options.ignored_codes(arguments)
    shared_options.chosen_method(arguments)
    if len(recorded) > 1 or any(map(os.path.isdir, recorded)):
        from bootmenu.commands import fleet

        return fleet.check_fleet(arguments, kernel, fleet.recordings(recorded), ignored)
    arguments.machine = recorded[0] if recorded else None
    host, machine = shared_options.host_and_machine(arguments.machine)
    settings = shared_options.settings_in_force(host, shared_options.carry_over(arguments))
    with contextlib.closing(shared_options.files_session(arguments, kernel, host, machine, settings)) as session:
        report = session.listing.report.overriding(ignored)
    if arguments.json:
        print_json(json_output.report_to_json(report))
    else:
        terminal = TerminalText(sys.stdout, os.environ)
        print_lines(terminal, report_lines(report, terminal.width, verbose=arguments.verbose))
        asked = (found for severity in (Severity.FAIL, Severity.UNKNOWN) for found in report.of(severity))
        name_help(found.code for found in asked if not found.ignored)
    return 1 if report.verdict is Severity.FAIL else 0


def _kernel_and_recordings(arguments: argparse.Namespace) -> tuple[str, list[str]]:
    """Return the kernel and the files of --machine, which may have become several words before the kernel."""
    *more, kernel = arguments.kernel
    if more and not arguments.machine:
        raise UsageError(f"unexpected argument: {kernel}", "bootmenu check --help says what it takes.")
    return kernel, [*arguments.machine, *more]
