# SPDX-License-Identifier: MIT
"""Write what the source can tell of docs/checks.md, settings.md, command-line.md and menu.md, between their marks:
`make reference`, a step of a release."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bootmenu.commands import parser_description, subcommands
from bootmenu.commands.parser_description import Command, Flag
from bootmenu.commands.subcommands import EPILOG
from bootmenu.compat.checker import Scope
from bootmenu.config.option import UNSET, CommandLineRule, Option
from bootmenu.config.plain_toml import dumps
from bootmenu.config.settings import OPTIONS, Settings
from bootmenu.model.closed_set import StrEnum
from bootmenu.model.place import PlaceRule
from bootmenu.model.text import sentence
from bootmenu.view import check_help, key_help

DOCS = Path(__file__).parent.parent / "docs"


def pages() -> dict[Path, str]:
    """Return the pages as they have to be, by path."""
    return {
        DOCS / "checks.md": _filled("checks.md", checks=_checks()),
        DOCS / "settings.md": _filled("settings.md", settings=_settings()),
        DOCS / "command-line.md": _filled("command-line.md", commands=_commands()),
        DOCS / "menu.md": _filled("menu.md", keys=[key_help.markdown()]),
    }


def _filled(name: str, **parts: Iterator[str] | list[str]) -> str:
    """Return a page with these parts between the marks of their names."""
    text = (DOCS / name).read_text("utf-8")
    for mark, lines in parts.items():
        head, begin, rest = text.partition(f"<!-- {mark} -->\n")
        _, end, tail = rest.partition(f"<!-- /{mark} -->")
        if not (begin and end):
            raise SystemExit(f"docs/{name} has no place for {mark}: <!-- {mark} --> and <!-- /{mark} -->")
        made = "\n".join(lines).strip()
        text = f"{head}{begin}\n{made}\n\n{end}{tail}"
    return text


# ---- checks


def _checks() -> Iterator[str]:
    found = check_help.explained().values()
    for scope in Scope:
        yield from (f"## {check_help.TITLES[scope]}", "")
        for item in found:
            if item.scope is scope:
                yield from check_help.markdown(item)


# ---- settings


def _settings() -> Iterator[str]:
    hints = typing.get_type_hints(Settings)
    for option in OPTIONS:
        yield from (f"### {option.name}", "")
        for title, text in _facts(option, hints[option.field]):
            yield f"- {title}: {text}"
        yield ""


def _facts(option: Option, hint: Any) -> Iterator[tuple[str, str]]:
    default = getattr(Settings(), option.field)
    yield "Meaning", _marked(option.help)
    yield "Type", _type(hint) + (f', or `"{option.none}"`' if option.none else "")
    yield "Default", option.applies or _value(option, default)
    if option.strictest is not UNSET:
        yield "If invalid", _strictest(option)
    written = f"`bootmenu.{option.name}={_form(hint)}`"
    why = f" ({_marked(option.because)})" if option.because else ""
    match option.command_line:
        case CommandLineRule.FREE:
            yield "Kernel command line", f"{written}{why}"
        case CommandLineRule.TIGHTEN:
            yield "Kernel command line", f"{written}; if the file sets it, only {_strictest(option)}{why}"
        case CommandLineRule.OUTSIDE:
            yield "Kernel command line", f"{written}; not in a kiosk{why}"
        case CommandLineRule.NEVER:
            yield "Kernel command line", f"never{why}"
        case other:
            typing.assert_never(other)


def _value(option: Option, value: object) -> str:
    written = option.written(value)
    return "not set" if written is None or written == {} else f"`{dumps(written)}`"


def _strictest(option: Option) -> str:
    if option.strictest is None:
        return "not set"
    if option.strictest == "":
        return "nothing is remembered"
    if isinstance(option.strictest, bool):
        return f"`{dumps(option.strictest)}`"
    return f"`{dumps(option.written(option.strictest))}`"


def _type(hint: Any) -> str:
    hint = _without_none(hint)
    if typing.get_origin(hint) is tuple:
        return "list of places" if typing.get_args(hint)[0] is PlaceRule else "list of texts"
    if typing.get_origin(hint) is Mapping:
        return "table of texts"
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return " or ".join(f"`{dumps(str(member))}`" for member in hint)
    return {bool: "`true` or `false`", int: "number", float: "number", str: "text"}[hint]


def _form(hint: Any) -> str:
    hint = _without_none(hint)
    if typing.get_origin(hint) is tuple:
        return "A,B"
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return "|".join(hint)
    return {bool: "yes|no", int: "N", float: "N", str: "TEXT"}[hint] if isinstance(hint, type) else "TEXT"


def _without_none(hint: Any) -> Any:
    if isinstance(hint, types.UnionType):
        (hint,) = (part for part in typing.get_args(hint) if part is not type(None))
    return hint


# ---- commands


def _commands() -> Iterator[str]:
    top, *rest = parser_description.described()
    examples = [pair for command in subcommands.subcommands().values() for pair in command.EXAMPLES]
    yield from _command(top, [])
    for command in rest:
        name = " ".join(("bootmenu", *command.path))
        own = [pair for pair in examples if f"{pair[0]} ".startswith(f"{name} ")]
        # a command with actions leaves its examples to them
        actions = any(other.path[:-1] == command.path for other in rest)
        yield from _command(command, [] if actions else own)
    title, _, rows = EPILOG.strip().partition(":\n")
    yield from (f"## {sentence(title)[:-1]}", "", "```text", rows, "```")


def _command(command: Command, examples: list[tuple[str, str]]) -> Iterator[str]:
    yield from (f"## {' '.join(('bootmenu', *command.path))}", "", command.description, "")
    flags = [flag for flag in command.flags if flag.names[:1] != ("-h",)]
    if flags:
        yield from ("| argument | meaning |", "| --- | --- |")
        yield from (f"| {_names(flag)} | {_marked(flag.help)} |" for flag in flags)
        yield ""
    if examples:
        width = max(len(typed) for typed, _ in examples)
        yield from ("```sh", *(f"{typed:<{width}}  # {meaning}" for typed, meaning in examples), "```", "")


def _names(flag: Flag) -> str:
    takes = f" {flag.metavar}" if flag.metavar else ""
    if not flag.names:
        return f"`{flag.metavar if flag.required else f'[{flag.metavar}]'}`"
    return " ".join(f"`{name}{takes}`" for name in flag.names).replace("|", "\\|")


def _marked(text: str) -> str:
    """Return a text that has no accidental Markdown in it."""
    return text.replace("|", "\\|").replace("*", "\\*").replace("<", "\\<")


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, "utf-8")
