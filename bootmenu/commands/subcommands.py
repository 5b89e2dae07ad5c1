# SPDX-License-Identifier: MIT
"""The argument parser, assembled from the files of this folder.

A file `NAME_command.py` here is the subcommand NAME (`mark_good_command.py` is `mark-good`). It implements
SubCommand, and imports at its top only what its parser needs. Nothing else has to be edited: `--help`, the completion
scripts and the manual page find it.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import re
from collections.abc import Mapping, Sequence
from typing import NoReturn, Protocol, cast

from bootmenu import __version__, commands
from bootmenu.errors import UsageError

SUFFIX = "_command"
EPILOG = """\
exit status:
  0  done (check: no finding is a fail)
  1  the answer is no: check found a fail, boot refused or failed, settings has a problem, dtb diff a difference
  2  the call was wrong, or nothing could be read

Data is written to standard output, everything else to standard error.
"""


class SubCommand(Protocol):
    """The interface of the module of a subcommand."""

    HELP: str
    """Its line in `bootmenu --help`."""
    FOLLOWS: str
    """The subcommand after which it is listed; empty for the first."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the options to the subcommand's own parser."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Run the subcommand and return the exit code. Raise BootmenuError, OSError."""


class RowsFormatter(argparse.HelpFormatter):
    """Keep the lines of the description and the epilog, and wrap each; a row goes on in its second column."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        import textwrap  # as late as in argparse: only help needs it

        def wrapped(line: str) -> str:
            row = re.match(r" +\S+ {2,}", line)
            below = " " * len(row[0]) if row else ""
            return textwrap.fill(
                line, width, initial_indent=indent, subsequent_indent=indent + below, break_on_hyphens=False
            )

        return "\n".join(map(wrapped, text.splitlines()))


class BootmenuParser(argparse.ArgumentParser):
    """A parser that reports wrong usage like any other error."""

    def error(self, message: str) -> NoReturn:
        """Raise UsageError."""
        raise UsageError(message, f"{self.prog} --help says what it takes.")


def parse(words: Sequence[str]) -> argparse.Namespace:
    """Return the parsed arguments; their `run` is the subcommand's. Raise UsageError, and SystemExit after --help.

    Only the subcommand that is called is imported.
    """
    modules = _modules()
    called = {name: module for name, module in modules.items() if name in words[:1]}
    return parser(load(called or modules)).parse_args(words)


def subcommands() -> dict[str, SubCommand]:
    """Return every subcommand by name, in the order of `--help`."""
    return _in_order(load(_modules()))


def parser(found: Mapping[str, SubCommand]) -> argparse.ArgumentParser:
    """Return a parser that knows these subcommands."""
    top = BootmenuParser(
        prog="bootmenu",
        description="A full-screen boot menu that starts Linux from Linux, and says beforehand whether it can.",
        epilog=EPILOG,
        formatter_class=RowsFormatter,
    )
    top.add_argument("--version", action="version", version=f"bootmenu {__version__}")
    below = top.add_subparsers(metavar="COMMAND", title="commands")
    for name, command in _in_order(found).items():
        own = below.add_parser(name, help=command.HELP)
        command.add_arguments(own)
        own.set_defaults(run=command.run)
    return top


def load(modules: Mapping[str, str]) -> dict[str, SubCommand]:
    """Import subcommands, given by name and module."""
    return {name: cast(SubCommand, importlib.import_module(module)) for name, module in modules.items()}


def _modules() -> dict[str, str]:
    """Return the module names of all subcommands, by subcommand."""
    return {
        file.name.removesuffix(SUFFIX).replace("_", "-"): f"{commands.__name__}.{file.name}"
        for file in pkgutil.iter_modules(commands.__path__)
        if file.name.endswith(SUFFIX)
    }


def _in_order(found: Mapping[str, SubCommand]) -> dict[str, SubCommand]:
    """Return the subcommands, each after the one that it follows; those that follow the same one by name."""
    ordered: dict[str, SubCommand] = {}

    def add(name: str) -> None:
        ordered[name] = found[name]
        for follower in sorted(other for other, command in found.items() if name == command.FOLLOWS):
            add(follower)

    for name in sorted(found):
        if found[name].FOLLOWS not in found:
            add(name)
    return ordered
