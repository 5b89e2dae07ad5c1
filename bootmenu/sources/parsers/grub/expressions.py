# SPDX-License-Identifier: MIT
"""Evaluate GRUB's `test` and `[ ]`: conditions on texts, numbers and files, from left to right."""

from __future__ import annotations

import re
from collections.abc import Callable

from bootmenu.model.regex import regex
from bootmenu.sources.parsers.grub.interpreter import Interpreter

_MAX_PARENTHESES = 16
_NUMBER = regex(r"\s*(-?)(0[xX][0-9a-fA-F]{1,16}|[0-9]{1,20})")

_TEXTS: dict[str, Callable[[str, str], bool]] = {
    "=": lambda left, right: left == right,
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    # the manual, test: < and the like are "lexicographically"
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}
_NUMBERS: dict[str, Callable[[int, int], bool]] = {
    "-eq": lambda left, right: left == right,
    "-ne": lambda left, right: left != right,
    "-lt": lambda left, right: left < right,
    "-le": lambda left, right: left <= right,
    "-gt": lambda left, right: left > right,
    "-ge": lambda left, right: left >= right,
}


def number(text: str) -> int:
    """Return a number as strtol with base 0 reads it: 0x1f, 017, 12; 0 for anything else."""
    match = _NUMBER.match(text)
    if match is None:
        return 0
    digits = match[2].lower()
    if digits.startswith("0x"):
        value = int(digits, 16)
    elif digits.startswith("0") and (octal := re.match(r"0[0-7]*", digits)):
        value = int(octal[0], 8)
    else:
        value = int(digits)
    return -value if match[1] else value


def is_true(shell: Interpreter, words: list[str]) -> bool:
    """Return the value of an expression; without words it is true, as in grub-core/commands/test.c."""
    return _Test(shell, words).value(0)


class _Test:
    def __init__(self, shell: Interpreter, words: list[str]) -> None:
        self._shell = shell
        self._words = words
        self._at = 0

    def value(self, depth: int) -> bool:
        """Evaluate up to the end or a closing parenthesis."""
        # test.c:test_parse: -a has precedence over -o, and there is no short-circuit evaluation
        any_true, all_true, inverted = False, True, False
        while self._at < len(self._words):
            found = self._comparison()
            if found is None:
                word = self._words[self._at]
                self._at += 1
                match word:
                    case ")":
                        break
                    case "(" if depth < _MAX_PARENTHESES:
                        found = self.value(depth + 1)
                    case "!":
                        inverted = not inverted
                        continue
                    case "-a":
                        continue
                    case "-o":
                        any_true, all_true = any_true or all_true, True
                        continue
                    case _:
                        found = bool(word)
            all_true = all_true and found != inverted
            inverted = False
        return any_true or all_true

    def _comparison(self) -> bool | None:
        """Evaluate one comparison and move past it; return None if none begins here."""
        words = self._words[self._at : self._at + 3]
        if len(words) == 3:
            left, operator, right = words
            found = self._binary(left, operator, right)
            if found is not None:
                self._at += 3
                return found
        if len(words) >= 2:
            found = self._unary(words[0], words[1])
            if found is not None:
                self._at += 2
                return found
        return None

    def _binary(self, left: str, operator: str, right: str) -> bool | None:
        if texts := _TEXTS.get(operator):
            return texts(left, right)
        if numbers := _NUMBERS.get(operator):
            return numbers(number(left), number(right))
        if operator in ("-pgt", "-plt"):
            mine, theirs = _without_prefix(left, right)
            return mine > theirs if operator == "-pgt" else mine < theirs
        if operator[:3] in ("-nt", "-ot"):
            # times of files are not known here: only compare whether they exist
            mine_there, theirs_there = (self._shell.stat(path) is not None for path in (left, right))
            if operator.startswith("-nt"):
                return mine_there and not theirs_there
            return theirs_there and not mine_there
        return None

    def _unary(self, operator: str, word: str) -> bool | None:
        match operator:
            case "-n":
                return bool(word)
            case "-z":
                return not word
            case "-d" | "-e" | "-f" | "-s":
                here = self._shell.stat(word)
                if here is None:
                    return False
                if operator == "-d":
                    return here.is_folder
                if operator == "-f":
                    return not here.is_folder
                return operator == "-e" or here.size > 0
        return None


def _without_prefix(left: str, right: str) -> tuple[int, int]:
    """Return the numbers after the common prefix of two texts: 2 and 11 for vmlinuz-2 and vmlinuz-11."""
    common = 0
    while common < min(len(left), len(right)) and left[common] == right[common]:
        common += 1
    while common and left[common - 1] in "0123456789":
        common -= 1
    return number(left[common:]), number(right[common:])
