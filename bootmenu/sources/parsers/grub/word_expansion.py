# SPDX-License-Identifier: MIT
"""Expand variables and wildcards in words, like script/execute.c:grub_script_arglist_to_argv."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from bootmenu.model.regex import regex
from bootmenu.model.value import replace
from bootmenu.sources import patterns
from bootmenu.sources.parsers.grub.script_values import MAX_TEXT
from bootmenu.sources.parsers.grub.shell_state import ShellState
from bootmenu.sources.parsers.grub.syntax import Word, WordPartKind
from bootmenu.sources.variables import parameter_of

_MAX_EXPANSIONS = 1000
_STEPS_OF_MATCHING = 64  # steps of a wildcard match that count as one step of a script
_VARIABLES = (WordPartKind.VARIABLE, WordPartKind.QUOTED_VARIABLE)
_NAME = regex("[A-Za-z_]")  # all others are positional parameters


class TooLongError(Exception):
    """Raised if the text of a command gets too long; the command is then not run."""


def expand(shell: ShellState, words: Iterable[Word]) -> list[str]:
    """Return the words with variables and wildcards expanded. Raise TooLongError."""
    made: list[str] = []
    size = 0
    for word in words:
        if len(word) == 1 and word[0][0] is WordPartKind.TEXT:
            pieces = [(word[0][1], word[0][1])]
        else:
            pieces = _pieces(shell, word, MAX_TEXT - size)
        for text, pattern in pieces:
            if ("*" in pattern or "?" in pattern) and (found := _files(shell, pattern)):
                made += found
                size += sum(map(len, found))
            else:
                made.append(text)
                size += len(text)
        if size > MAX_TEXT:
            raise TooLongError
    shell.budget.spend(size // 1024 + len(made) // 16)
    return made


def unset_variables(shell: ShellState, words: Iterable[Word]) -> list[tuple[int, str, str]]:
    """Return the unset variables in words, in the form of ShellState.unset."""
    found = []
    for number, word in enumerate(words):
        for kind, content in word:
            if kind in _VARIABLES and content not in shell.context.values and _NAME.match(content):
                first = word[0][1] if word[0][0] not in _VARIABLES else ""
                found.append((number, parameter_of(first), content))
    return found


def _pieces(shell: ShellState, word: Word, room: int) -> list[tuple[str, str]]:
    """Return the (text, pattern) pairs to which one word expands: none, one or several."""
    made: list[tuple[str, str]] = []
    texts: list[str] = []
    marks: list[str] = []
    exists = False

    def end() -> None:
        nonlocal exists
        if exists:
            made.append(("".join(texts), "".join(marks)))
        texts.clear()
        marks.clear()
        exists = False

    for kind, content in word:
        match kind:
            case WordPartKind.TEXT | WordPartKind.QUOTED:
                values = [content]
            case WordPartKind.VARIABLE:
                values = [part for value in _values(shell, content) for part in value.split()]
            case WordPartKind.QUOTED_VARIABLE:
                values = _values(shell, content)
                values = values if content == "@" else [" ".join(values)]
        for number, value in enumerate(values):
            if number:
                end()
            exists = True
            room -= len(value)
            if room < 0:
                raise TooLongError
            texts.append(value)
            marks.append(value if kind in (WordPartKind.TEXT, WordPartKind.VARIABLE) else _escaped(value))
    end()
    return made


def _values(shell: ShellState, name: str) -> list[str]:
    """Return the value of a variable, or the values of all positional parameters for `@` and `*`."""
    scope = shell.scope or []
    match name:
        case "@" | "*":
            return scope
        case "#":
            return [str(len(scope))]
    if name[0].isdigit():
        number = int(name[:9])
        return [scope[number - 1]] if 0 < number <= len(scope) else [""]
    return [shell.context.get(name)]


def _files(shell: ShellState, pattern: str) -> list[str]:
    """Return the files that match a pattern."""
    # commands/wildcard.c: a pattern is matched directory by directory, and must begin with ( or /
    device, place = "", pattern
    if pattern.startswith("("):
        device, _, place = pattern.partition(")")
        device += ")"
    if not place.startswith("/") or "*" in device or "?" in device:
        return []
    root = shell.resolve(f"{_unescaped(device)}/")
    if shell.tree_of(root.device) is None:
        return []
    found = [""]
    for part in place.split("/")[1:]:
        if "*" not in part and "?" not in part:
            found = [f"{path}/{_unescaped(part)}" for path in found]
            continue
        shell.budget.spend(len(found) + len(part) // _STEPS_OF_MATCHING)
        wildcard = patterns.Wildcard(part)
        paths = (
            f"{path}/{name}"
            for path in found
            for name in shell.names(replace(root, path=path or "/"))
            if _matches(shell, wildcard, name) and not (name.startswith(".") and not part.startswith("."))
        )
        found = list(itertools.islice(paths, _MAX_EXPANSIONS))
    device = _unescaped(device)
    return [device + path for path in found if shell.stat(device + path)]


def _matches(shell: ShellState, wildcard: patterns.Wildcard, name: str) -> bool:
    before = wildcard.steps
    matched = wildcard.matches(name)
    # short matches cost nothing extra: listing the directory was already charged
    shell.budget.spend((wildcard.steps - before) // _STEPS_OF_MATCHING)
    return matched


def _escaped(text: str) -> str:
    if not any(char in text for char in "\\*?"):
        return text
    return "".join(f"\\{char}" if char in "\\*?" else char for char in text)


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text
    made, at = [], 0
    while at < len(text):
        at += text[at] == "\\" and at + 1 < len(text)
        made.append(text[at])
        at += 1
    return "".join(made)
