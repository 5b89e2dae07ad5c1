# SPDX-License-Identifier: MIT
"""Shell completion and the manual page, made from the command line's own parser."""

from __future__ import annotations

import argparse
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

SHELLS = ("bash", "zsh", "fish")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """One option, or one positional argument."""

    names: tuple[str, ...]
    """`-h`, `--help`; () for a positional argument."""
    metavar: str
    """What it takes; empty = nothing."""
    help: str
    choices: tuple[str, ...] = ()
    files: bool = False
    """It takes the path of a file or a folder."""
    repeatable: bool = False
    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command, or a command of a command."""

    path: tuple[str, ...]
    """`("image", "build")`; () = the program itself."""
    help: str
    flags: tuple[Flag, ...]


_FILES = re.compile(r"^(F|FILE|DIR|KERNEL|FOLDER)\b")


def commands(parser: argparse.ArgumentParser, values: Mapping[str, Iterable[str]]) -> list[Command]:
    """Every command, the program itself first. values: what an option can take, by its metavar."""
    return list(_commands(parser, (), parser.description or "", values))


def _commands(
    parser: argparse.ArgumentParser, path: tuple[str, ...], text: str, values: Mapping[str, Iterable[str]]
) -> Iterator[Command]:
    flags, below = [], []
    # argparse has no public way to look into a parser; these names have been the same since Python 2.7
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = {choice.dest: choice.help or "" for choice in action._choices_actions}
            below += [(name, inner, helps.get(name, "")) for name, inner in action.choices.items()]
        elif action.help != argparse.SUPPRESS:
            flags.append(_flag(action, values))
    yield Command(path=path, help=text, flags=tuple(flags))
    for name, inner, help_text in below:
        yield from _commands(inner, (*path, name), help_text or inner.description or "", values)


def _flag(action: argparse.Action, values: Mapping[str, Iterable[str]]) -> Flag:
    takes = action.nargs != 0
    metavar = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    choices = tuple(map(str, action.choices)) if action.choices else tuple(values.get(metavar, ()))
    return Flag(
        names=tuple(action.option_strings),
        metavar=metavar if takes else "",
        help=re.sub(r"\s+", " ", (action.help or "") % vars(action)),
        choices=choices if takes else (),
        files=takes and not choices and bool(_FILES.match(metavar)),
        repeatable=isinstance(action, argparse._AppendAction),
        required=action.required,
    )


def completion(shell: str, found: list[Command]) -> str:
    """The script for one of SHELLS."""
    match shell:
        case "bash":
            return _bash(found)
        case "zsh":
            return _zsh(found)
        case _:
            return _fish(found)


def _below(found: list[Command], path: tuple[str, ...]) -> list[Command]:
    return [command for command in found if len(command.path) == len(path) + 1 and command.path[:-1] == path]


def _bash(found: list[Command]) -> str:
    lines = [
        "# bash completion for bootmenu; source it, or put it into /usr/share/bash-completion/completions/bootmenu",
        "_bootmenu() {",
        "\tlocal current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command= word",
        '\tfor word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
        '\t\tcase "$command $word" in',
    ]
    for command in found:
        if command.path:
            *above, name = command.path
            lines.append(f'\t\t"{" ".join(above)} {name}") command="{" ".join(command.path)}" ;;')
    lines += ["\t\tesac", "\tdone", '\tcase "$command $previous" in']
    for command in found:
        for flag in command.flags:
            if not flag.names or not flag.metavar:
                continue
            patterns = "|".join(f'"{" ".join(command.path)} {name}"' for name in flag.names)
            if flag.choices:
                lines.append(
                    f'\t{patterns}) COMPREPLY=($(compgen -W "{" ".join(flag.choices)}" -- "$current")); return ;;'
                )
            else:
                lines.append(f"\t{patterns}) {_BASH_FILES if flag.files else 'COMPREPLY=(); return'} ;;")
    lines += ["\tesac", '\tcase "$command" in']
    for command in found:
        words = [name for flag in command.flags for name in flag.names]
        words += [inner.path[-1] for inner in _below(found, command.path)]
        words += [choice for flag in command.flags if not flag.names for choice in flag.choices]
        files = any(flag.files for flag in command.flags if not flag.names)
        lines.append(f'\t"{" ".join(command.path)}") COMPREPLY=($(compgen -W "{" ".join(words)}" -- "$current"))')
        if files:
            lines.append(f"\t\t[[ $current == -* ]] || {{ {_BASH_FILES}; }}")
        lines.append("\t\t;;")
    lines += ["\tesac", "}", "complete -F _bootmenu bootmenu", ""]
    return "\n".join(lines)


_BASH_FILES = 'compopt -o filenames; COMPREPLY=($(compgen -f -- "$current")); return'


def _zsh(found: list[Command]) -> str:
    lines = ["#compdef bootmenu", "# zsh completion for bootmenu; put it into a folder of $fpath as _bootmenu", ""]
    for command in reversed(found):
        name = "_".join(("_bootmenu", *command.path))
        below = _below(found, command.path)
        lines += [f"{name}() {{"]
        if below:
            described = " ".join(f"'{inner.path[-1]}:{_quoted(inner.help)}'" for inner in below)
            lines += ["\tlocal line state", f"\tlocal -a commands=({described})"]
        lines.append("\t_arguments -s \\")
        lines += [f"\t\t{_zsh_flag(flag)} \\" for flag in command.flags if flag.names]
        if below:
            lines += ["\t\t'1: :->command' '*:: :->words'", "\tcase $state in"]
            lines += ["\tcommand) _describe command commands ;;", "\twords)", "\t\tcase $line[1] in"]
            lines += [f"\t\t{inner.path[-1]}) {'_'.join(('_bootmenu', *inner.path))} ;;" for inner in below]
            lines += ["\t\tesac", "\t\t;;", "\tesac"]
        else:
            places = [flag for flag in command.flags if not flag.names]
            lines.append("\t\t" + (" ".join(f"'{_zsh_place(flag)}'" for flag in places) or "'*::'"))
        lines += ["}", ""]
    lines += ['if [[ $funcstack[1] == _bootmenu ]]; then _bootmenu "$@"; else compdef _bootmenu bootmenu; fi', ""]
    return "\n".join(lines)


def _zsh_flag(flag: Flag) -> str:
    repeat = "\\*" if flag.repeatable else ""
    names = f"{{{','.join(flag.names)}}}" if len(flag.names) > 1 else flag.names[0]
    takes = f":{_zsh_value(flag)}" if flag.metavar else ""
    return f"{repeat}{names}'[{_quoted(flag.help)}]{takes}'"


def _zsh_place(flag: Flag) -> str:
    return f":{_zsh_value(flag)}"


def _zsh_value(flag: Flag) -> str:
    action = f"({' '.join(flag.choices)})" if flag.choices else "_files" if flag.files else " "
    return f"{_quoted(flag.metavar)}:{action}"


def _quoted(text: str) -> str:
    """Within single quotes and brackets of zsh."""
    return re.sub(r"([\[\]:\\])", r"\\\1", text).replace("'", "'\\''")


def _fish(found: list[Command]) -> str:
    lines = ["# fish completion for bootmenu; put it into ~/.config/fish/completions/bootmenu.fish", ""]
    lines.append("complete -c bootmenu -f")
    for command in found:
        seen = " ".join(f"; and __fish_seen_subcommand_from {word}" for word in command.path).removeprefix("; and ")
        below = _below(found, command.path)
        if below:
            names = " ".join(inner.path[-1] for inner in below)
            none = f"not __fish_seen_subcommand_from {names}"
            condition = f"{seen}; and {none}" if seen else none
            for inner in below:
                lines.append(f"complete -c bootmenu -n '{condition}' -a {inner.path[-1]} -d '{_fished(inner.help)}'")
        where = f" -n '{seen}'" if seen else ""
        for flag in command.flags:
            lines.append(f"complete -c bootmenu{where}{_fish_flag(flag)}")
    return "\n".join((*lines, ""))


def _fish_flag(flag: Flag) -> str:
    words = "".join(f" -l {name[2:]}" if name.startswith("--") else f" -s {name[1:]}" for name in flag.names)
    if flag.metavar and flag.names:
        words += " -r"
    if flag.choices:
        words += f" -a '{' '.join(flag.choices)}'"
    elif flag.files:
        words += " -F"
    return f"{words} -d '{_fished(flag.help)}'"


def _fished(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


# ---- the manual page ----------------------------------------------------------------------------------------


DATE = "2026-11-29"
"""When the words of the page that stand here or in scripts/man_page.py were changed last."""

Section = tuple[str, str, list[tuple[str, str]]]
"""Title, sentences before the rows, and the rows: a term each, and what it means. No title: a paragraph."""


def man_page(found: list[Command], sections: Iterable[Section], *, version: str, epilog: str) -> str:
    """bootmenu(8) in the macros of man(7). sections: what stands between the commands and the epilog."""
    top, *rest = found
    lines = [
        '.\\" Made from the source by `make man`; edit bootmenu/cli.py, scripts/man_page.py and what they name.',
        f'.TH BOOTMENU 8 "{DATE}" "bootmenu {version}" "System administration"',
        ".SH NAME",
        "bootmenu \\- boot menu that starts Linux from Linux",
        ".SH SYNOPSIS",
        ".B bootmenu",
        "[\\fICOMMAND\\fR] [\\fIOPTION\\fR]...",
        ".SH DESCRIPTION",
        _roff(top.help),
        "Without a command it shows the menu.",
    ]
    lines += [".SH OPTIONS", *_roff_flags(top.flags), ".SH COMMANDS"]
    for command in rest:
        words = " ".join(command.path)
        places = " ".join(_roff_place(flag) for flag in command.flags if not flag.names)
        lines += [f'.SS "bootmenu {words}{f" {places}" if places else ""}"', _roff(_sentence(command.help))]
        lines += _roff_flags(flag for flag in command.flags if flag.names != ("-h", "--help"))
    for title, text, rows in (*sections, *_epilog(epilog)):
        lines += [f".SH {title.upper()}"] if title else [".PP"]
        lines += [_roff(text)] if text else []
        for name, meaning in rows:
            lines += [".TP", f"\\fB{_escaped(name)}\\fR", _roff(meaning if meaning[-1] in ".!?" else f"{meaning}.")]
    return "\n".join((*lines, ""))


def _epilog(text: str) -> Iterator[Section]:
    """Return the blocks of --help's epilog; what has no title belongs to the one before."""
    for block in text.strip().split("\n\n"):
        title, _, rows = block.partition(":\n")
        parts = [row.strip().partition("  ") for row in rows.splitlines()]
        if rows:
            yield title, "", [(name, meaning.strip()) for name, _, meaning in parts]
        else:
            yield "", " ".join(block.split()), []


def _roff_flags(flags: Iterable[Flag]) -> Iterator[str]:
    for flag in flags:
        if flag.names:
            names = ", ".join(f"\\fB{_escaped(name)}\\fR" for name in flag.names)
            takes = f" \\fI{_escaped(flag.metavar)}\\fR" if flag.metavar else ""
            yield from (".TP", f"{names}{takes}")
        else:
            yield from (".TP", f"\\fI{_escaped(flag.metavar)}\\fR")
        yield _roff(_sentence(flag.help))


def _roff_place(flag: Flag) -> str:
    name = _escaped(flag.metavar)
    return name if flag.required else f"[{name}]"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text and text[-1] not in ".!?" else f"{text[:1].upper()}{text[1:]}"


def _roff(text: str) -> str:
    """A paragraph, in lines as mandoc wants them."""
    lines = textwrap.wrap(_escaped(text), 78, break_long_words=False, break_on_hyphens=False)
    return "\n".join(f"\\&{line}" if line.startswith((".", "'")) else line for line in lines)


def _escaped(text: str) -> str:
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "".join(char if char.isascii() else f"\\[u{ord(char):04X}]" for char in text)
