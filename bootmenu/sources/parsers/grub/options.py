# SPDX-License-Identifier: MIT
"""Parse the options of a GRUB command like grub-core/lib/arg.c."""

from __future__ import annotations

from collections.abc import Mapping

from bootmenu.model.closed_set import Enum, auto
from bootmenu.model.value import Record, field


class Takes(Enum):
    """Whether an option takes a value."""

    NOTHING = auto()
    VALUE = auto()
    """The text after =, or the next word."""
    MAYBE = auto()
    """The text after =, or the next word unless it is an option."""


class CommandOptions(Record):
    """The options that were given, with their values in order (empty if without value), and the other words."""

    given: dict[str, list[str]] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)

    def last(self, name: str) -> str:
        """Return the last value of an option; empty if it has none, or was not given."""
        return self.given.get(name, [""])[-1]

    def __contains__(self, name: str) -> bool:
        return name in self.given


def parse(
    arguments: list[str], known: Mapping[str, Takes], letters: Mapping[str, str] | None = None
) -> CommandOptions:
    """Parse arguments; unknown options are words. known: options by long name. letters: long names by letter."""
    options = CommandOptions()
    letters = letters or {}
    at = 0
    while at < len(arguments):
        argument = arguments[at]
        at += 1
        if argument == "--":
            options.words += arguments[at:]
            break
        value: str | None = None
        if argument.startswith("--"):
            name, equals, joined = argument[2:].partition("=")
            value = joined if equals else None
            if name not in known:
                options.words.append(argument)
                continue
        elif len(argument) > 1 and argument[0] == "-" and all(letter in letters for letter in argument[1:]):
            for letter in argument[1:-1]:
                options.given.setdefault(letters[letter], []).append("")
            name = letters[argument[-1]]
        else:
            options.words.append(argument)
            continue
        takes = known[name]
        if value is None and at < len(arguments):
            following = arguments[at]
            # arg.c: `nextarg` is the value of an optional one unless it begins with a dash
            if takes is Takes.VALUE or (takes is Takes.MAYBE and not (len(following) > 1 and following[0] == "-")):
                value = following
                at += 1
        options.given.setdefault(name, []).append(value or "")
    return options
