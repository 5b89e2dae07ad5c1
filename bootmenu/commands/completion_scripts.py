# SPDX-License-Identifier: MIT
"""Completion scripts for bash, zsh and fish, made from the description of the parser."""

from __future__ import annotations

import re

from bootmenu.commands.parser_description import Command, Flag
from bootmenu.model.value import replace


def completion(shell: str, found: list[Command]) -> str:
    """Return the script for bash, zsh or fish. Without a command, the options of the menu are offered, too."""
    top, *rest = found
    more = [flag for command in rest if command.path == ("menu",) for flag in command.flags]
    found = [replace(top, flags=(*top.flags, *(flag for flag in more if flag.names[-1] != "--help"))), *rest]
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
        "\t# --option=value is three words to bash",
        "\tif [[ $current == = ]]; then current=; elif [[ $previous == = ]]; then "
        "previous=${COMP_WORDS[COMP_CWORD-2]}; fi",
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
    each = [f"{name}=" if flag.metavar and name.startswith("--") else name for name in flag.names]
    names = f"{{{','.join(each)}}}" if len(each) > 1 else each[0]
    takes = f":{_zsh_value(flag)}" if flag.metavar else ""
    return f"{repeat}{names}'[{_quoted(flag.help)}]{takes}'"


def _zsh_place(flag: Flag) -> str:
    return f"{'*' if flag.repeatable else ''}:{_zsh_value(flag)}"


def _zsh_value(flag: Flag) -> str:
    action = f"({' '.join(flag.choices)})" if flag.choices else "_files" if flag.files else " "
    return f"{_quoted(flag.metavar)}:{action}"


def _quoted(text: str) -> str:
    """Return the text escaped for single quotes and brackets of zsh."""
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
        first = " ".join(inner.path[0] for inner in _below(found, ()))
        where = f" -n '{seen or f'not __fish_seen_subcommand_from {first}'}'"
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
