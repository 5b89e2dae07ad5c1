# SPDX-License-Identifier: MIT
"""`bootmenu check`: tell whether a kernel can be started from here, and why not."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys

from bootmenu.commands import shared_options
from bootmenu.commands.printing import print_json

HELP = "say whether a kernel can be started from here, and why not"
FOLLOWS = "scan"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("kernel", metavar="KERNEL", help="kernel file")
    shared_options.add_files(parser)
    shared_options.add_method(parser)
    shared_options.add_machine(parser)
    parser.add_argument("--scan", action="store_true", help="look for root= on this machine's partitions")
    shared_options.add_tree(parser, "look for root= in this folder, as one partition (repeatable)")
    shared_options.add_ignore(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object: verdict and findings")


def run(arguments: argparse.Namespace) -> int:
    """Print the findings and the verdict; return 1 if that is fail."""
    from bootmenu.compat import check
    from bootmenu.model.finding import Severity
    from bootmenu.view import json_output
    from bootmenu.view.report_lines import report_lines

    host, machine = shared_options.host_and_machine(arguments.machine)
    settings = shared_options.settings_in_force(host, shared_options.carry_over(arguments))
    with contextlib.closing(
        shared_options.files_session(arguments, arguments.kernel, host, machine, settings)
    ) as session:
        report = check(machine, session.listing.facts).overriding(shared_options.ignored_codes(arguments))
    if arguments.json:
        print_json(json_output.report_to_json(report))
    else:
        colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        for line in report_lines(report, colour=colour):
            print(line)
    return 1 if report.verdict is Severity.FAIL else 0
