# SPDX-License-Identifier: MIT
"""`bootmenu help`: explain a check by its code, or print the help of a command."""

from __future__ import annotations

import argparse

from bootmenu.errors import UsageError
from bootmenu.model.suggestion import did_you_mean

HELP = "explain a check by the code of its findings; without one list all codes"
FOLLOWS = "check"
EXAMPLES = (
    ("bootmenu help CPU-STUCK", "say what a check finds out, and what to do"),
    ("bootmenu help image build", "print the help of a command"),
)
NARROWEST, WIDEST = 40, 100
"""Columns between which text is easy to read."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "topic",
        metavar="TOPIC",
        nargs="*",
        default=[],  # or argparse takes it for required
        help="code of a check, such as CPU-STUCK, or a command, such as image build",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Print the help. Raise UsageError for an unknown topic."""
    import shutil

    from bootmenu.commands.printing import print_json
    from bootmenu.view import check_help

    found = check_help.explained()
    width = max(NARROWEST, min(shutil.get_terminal_size().columns, WIDEST))
    if not arguments.topic:
        if arguments.json:
            print_json({"checks": [item.to_json() for item in found.values()]})
        else:
            print("\n".join(check_help.listed(found, width)))
        return 0
    item = found.get(arguments.topic[0].upper()) if len(arguments.topic) == 1 else None
    if item is None:
        return _help_of_command(arguments.topic, list(found))
    if arguments.json:
        print_json(item.to_json())
    else:
        print("\n".join(check_help.lines(item, width)))
    return 0


def _help_of_command(words: list[str], codes: list[str]) -> int:
    """Print the help of a command. Raise UsageError for anything else, with the topic that may have been meant."""
    from bootmenu.commands import subcommands

    commands = list(subcommands.subcommands())
    if words[0] in commands:
        subcommands.parse([*words, "--help"])  # leaves by SystemExit
    raise UsageError(
        f"there is no help about {' '.join(words)}",
        did_you_mean(words[0], [*commands, *codes]) or "bootmenu help lists all codes, bootmenu --help all commands.",
    )
