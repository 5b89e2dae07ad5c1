# SPDX-License-Identifier: MIT
"""The argument parser, assembled from the files of this folder.

A file `NAME_command.py` here is the subcommand NAME (`mark_good_command.py` is `mark-good`). It implements
SubCommand, and imports at its top only what its parser needs. Nothing else has to be edited: `--help`, the completion
scripts and the manual page find it.
"""

from __future__ import annotations

import argparse
import importlib
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile

from bootmenu import __version__, commands
from bootmenu.errors import UsageError
from bootmenu.model.suggestion import with_suggestion
from bootmenu.model.text import sentence
from bootmenu.registry import modules_in
from bootmenu.typed import TYPE_CHECKING, Any, NoReturn, Protocol, cast

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

SUFFIX = "_command"
EPILOG = """\
exit status:
  0  done (check: no finding is a fail)
  1  the answer is no: check found a fail, boot refused or failed, settings has a problem, dtb diff a difference
  2  the call was wrong, or nothing could be read

Data is written to standard output, everything else to standard error.
"""


_MAY_BE_EMPTY = ("S", "TEXT", "QEMU-OPTION")
"""What values are called that are texts as they are."""

Examples = tuple[tuple[str, str], ...]
"""Commands as they are typed, each with what it does."""


class SubCommand(Protocol):
    """The interface of the module of a subcommand."""

    HELP: str
    """Its line in `bootmenu --help`."""
    FOLLOWS: str
    """The subcommand after which it is listed; empty for the first."""
    EXAMPLES: Examples
    """What `bootmenu NAME --help` and the manual page show, two or three; tests run them."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the options to the subcommand's own parser."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Run the subcommand and return the exit code. Raise BootmenuError, OSError."""


class RowsFormatter(argparse.HelpFormatter):
    """Keep the lines of the description and the epilog, and wrap each; a row goes on in its second column, and other
    lines below their beginning."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        import textwrap  # as late as in argparse: only help needs it

        def wrapped(line: str) -> str:
            row = re.match(r" +(\S+ {2,})?", line)
            below = " " * len(row[0]) if row else ""
            return textwrap.fill(
                line, width, initial_indent=indent, subsequent_indent=indent + below, break_on_hyphens=False
            )

        return "\n".join(map(wrapped, text.splitlines()))


class BootmenuParser(argparse.ArgumentParser):
    """A parser that reports wrong usage like any other error, and says what a mistyped word may stand for."""

    more = ""
    """Name of the repeatable option, if one was given, that also takes the words left over: the shell makes
    several words of `--machine *.json`."""

    def error(self, message: str) -> NoReturn:
        """Raise UsageError."""
        raise UsageError(message, self._hint())

    def _print_message(self, message: str, file: SupportsWrite[str] | None = None) -> None:
        """Print help or a version. Raise OSError, which argparse ignores."""
        (file or sys.stderr).write(message)

    def _hint(self, typed: str = "", known: Iterable[str] = ()) -> str:
        return with_suggestion(typed, known, f"{self.prog} --help says what it takes.")

    # the overloads of argparse, as far as it calls this itself
    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Return the parsed arguments and an empty list. Raise UsageError for what is left over: argparse reports
        that of a subcommand without the names that the subcommand knows."""
        if args is not None and self._subparsers is None:
            for word in takewhile(lambda word: word != "--", args):
                self._known(word)  # before argparse says that an option is missing, which was mistyped
        found, left = super().parse_known_args(args, namespace)
        if self.more and getattr(found, self.more) and not any(word.startswith("-") for word in left):
            getattr(found, self.more).extend(left)
            left = []
        for word in left:
            self._known(word)
        if left:
            raise UsageError(f"unexpected argument: {left[0]}", self._hint())
        return found, []

    def _known(self, word: str) -> None:
        """Raise UsageError if a word is an option, and there is none that begins like it."""
        option = word.partition("=")[0]
        known = [*self._option_string_actions, *(("--version",) if self.prog.endswith(" menu") else ())]
        if option.startswith("--") and " " not in option and not any(name.startswith(option) for name in known):
            raise UsageError(f"there is no option {option}", self._hint(option, known))

    def _get_values(self, action: argparse.Action, arg_strings: list[str]) -> Any:
        """Raise UsageError for an empty value of what has to name something."""
        metavar = action.metavar or action.dest
        words = arg_strings[:1] if action.nargs == argparse.PARSER else arg_strings
        if "" in words and metavar not in _MAY_BE_EMPTY:
            what = "/".join(action.option_strings) or str(metavar)
            raise UsageError(f"{what} has an empty value", self._hint())
        return super()._get_values(action, arg_strings)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Raise UsageError if a word is none of those to choose from, such as the subcommands."""
        if action.choices is None or value in action.choices:
            return
        choices = list(map(str, action.choices))
        what = "command" if isinstance(action, argparse._SubParsersAction) else str(action.metavar or action.dest)
        raise UsageError(f"{value} is no {what}; there are: {', '.join(choices)}", self._hint(str(value), choices))


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
    top.add_argument("-V", "--version", action="version", version=f"bootmenu {__version__}")
    below = top.add_subparsers(metavar="COMMAND", title="commands")
    for name, command in _in_order(found).items():
        own = below.add_parser(name, help=command.HELP)
        command.add_arguments(own)
        own.set_defaults(run=command.run)
        _complete(own, command.HELP, getattr(command, "EXAMPLES", ()))
    return top


def _complete(parser: argparse.ArgumentParser, help_text: str, examples: Examples) -> None:
    """Let the help of a parser begin with its line in the list, where it has no description, and end with the
    examples; the same for its actions, each with the examples that call it."""
    parser.description = parser.description or sentence(help_text)
    own = [example for example in examples if f"{example[0]} ".startswith(f"{parser.prog} ")]
    if own:
        parser.epilog = "\n".join(["examples:", *(f"  {command}\n      {text}" for command, text in own)])
        parser.formatter_class = RowsFormatter
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for choice in action._choices_actions:
                _complete(action.choices[choice.dest], choice.help or "", examples)


def load(modules: Mapping[str, str]) -> dict[str, SubCommand]:
    """Import subcommands, given by name and module."""
    return {name: cast(SubCommand, importlib.import_module(module)) for name, module in modules.items()}


def _modules() -> dict[str, str]:
    """Return the module names of all subcommands, by subcommand."""
    return {
        name.rpartition(".")[2].removesuffix(SUFFIX).replace("_", "-"): name
        for name in modules_in(commands)
        if name.endswith(SUFFIX)
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
