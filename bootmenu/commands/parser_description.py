# SPDX-License-Identifier: MIT
"""Describe all commands, read from the parser, for the completion scripts and the manual page."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Iterator, Mapping

from bootmenu.commands import subcommands
from bootmenu.model.regex import regex
from bootmenu.model.value import Value


class Flag(Value, kw_only=True):
    """One option, or one positional argument."""

    names: tuple[str, ...]
    """`-h`, `--help`; () for a positional argument."""
    metavar: str
    """Name of its value; empty if it takes none."""
    help: str
    choices: tuple[str, ...] = ()
    files: bool = False
    """Whether it takes the path of a file or a folder."""
    repeatable: bool = False
    """Whether it may be given several times."""
    required: bool = False


class Command(Value, kw_only=True):
    """One command or subcommand."""

    path: tuple[str, ...]
    """`("image", "build")`; () for the program itself."""
    help: str
    """Its line in the list of commands."""
    description: str
    """What its own help says of it: one or more sentences."""
    flags: tuple[Flag, ...]


_FILES = regex(r"^(F|FILE|DIR|KERNEL|FOLDER|KEY|OLD)\b")


def described() -> list[Command]:
    """Return every command with its options, the program itself first."""
    from bootmenu.compat import CHECKS
    from bootmenu.config.settings import Profile
    from bootmenu.frontends.theme_folders import own_folders, theme_names
    from bootmenu.kexec.methods import METHODS

    commands = subcommands.subcommands()
    codes = CHECKS.names()
    # by the metavar of the options that take them
    values = {"CODE": codes, "METHOD": METHODS.names(), "TOPIC": [*commands, *codes]}
    values |= {"PROFILE": list(Profile), "THEME": theme_names(own_folders())}
    parser = subcommands.parser(commands)
    return list(_commands(parser, (), parser.description or "", values))


def _commands(
    parser: argparse.ArgumentParser, path: tuple[str, ...], text: str, values: Mapping[str, Iterable[str]]
) -> Iterator[Command]:
    flags, below = [], []
    # argparse has no public way to inspect a parser; these names have been the same since Python 2.7
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = {choice.dest: choice.help or "" for choice in action._choices_actions}
            below += [(name, inner, helps[name]) for name, inner in action.choices.items()]
        elif action.help != argparse.SUPPRESS:
            flags.append(_flag(action, values))
    yield Command(path=path, help=text, description=parser.description or "", flags=tuple(flags))
    for name, inner, help_text in below:
        yield from _commands(inner, (*path, name), help_text, values)


def _flag(action: argparse.Action, values: Mapping[str, Iterable[str]]) -> Flag:
    takes = action.nargs != 0
    named = action.metavar or action.dest.upper()
    metavar = named if isinstance(named, str) else " ".join(named)
    choices = tuple(map(str, action.choices)) if action.choices else tuple(values.get(metavar, ()))
    return Flag(
        names=tuple(action.option_strings),
        metavar=metavar if takes else "",
        help=re.sub(r"\s+", " ", (action.help or "") % vars(action)),
        choices=choices if takes else (),
        files=takes and not choices and bool(_FILES.match(metavar)),
        repeatable=isinstance(action, argparse._AppendAction) or action.nargs in ("+", "*"),
        # before Python 3.13 argparse said that of "*", too
        required=action.required and action.nargs not in ("?", "*"),
    )
