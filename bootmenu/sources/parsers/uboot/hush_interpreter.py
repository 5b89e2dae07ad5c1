# SPDX-License-Identifier: MIT
"""Interpret a script of U-Boot's shell (common/cli_hush.c) within bounds, without running or writing anything.

The result of a command may be unknown: of one that asks the hardware, or of a comparison with a variable that only
U-Boot knows. Where such a result decides, both ways are followed, and what they leave different is unknown then.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from bootmenu.model.regex import regex
from bootmenu.sources.parsers.uboot import hush_syntax
from bootmenu.sources.parsers.uboot.hush_state import MAX_VALUE, CannotFollowError, HushState, Run
from bootmenu.sources.parsers.uboot.hush_syntax import (
    VARIABLE,
    CommandLink,
    Commands,
    HushCommand,
    HushFor,
    HushIf,
    HushLoop,
    HushSyntaxError,
    is_name,
)
from bootmenu.sources.parsers.uboot.unknown_text import (
    is_unknown,
    plain,
    readable,
    unknown,
    without_absent,
)
from bootmenu.sources.parsers.uboot.unknown_text import (
    names as absent_names,
)

MAX_CALLS = 16
"""Depth of scripts and variables that run each other."""

MAX_SCRIPT = 256 * 1024
"""Characters; boot/bootmeth_script.c reads 64 KiB at most."""
_MAX_EXPORTS = 8
_MMC = regex(r"\bmmc (?:dev )?(\d)(?!\w)")
MAX_DEPTH = 64
"""Depth of conditions, loops and scripts in each other, and of results that are not known."""

CommandStatus = int | None
Implementation = Callable[["HushInterpreter", str, list[str]], CommandStatus]
"""A command: takes its name and arguments and returns 0, an error, or None if the result is not known."""

COMMANDS: dict[str, Implementation] = {}
"""All commands that have an effect here or a known result; filled by loader_commands.py."""
KEEP_ABSENT = frozenset({"setenv", "env"})
"""Commands that keep track of variables without a value: they put them into others."""


class ScriptEndedError(Exception):
    """Raised where U-Boot would not return to the script: a kernel is started, or the board is reset."""


class ExitError(ScriptEndedError):
    """Raised by `exit`, which ends the script that it is in."""


class HushInterpreter(Run, eq=False):
    """Run scripts, one of which may call others."""

    calls: int = 0
    depth: int = 0

    def run_script(self, text: str, path: str = "") -> CommandStatus:
        """Run a script, a variable's if it has no path. Raise ScriptEndedError or CannotFollowError."""
        if self.calls >= MAX_CALLS:
            raise CannotFollowError("scripts call each other too often")
        if len(text) > MAX_SCRIPT:
            raise CannotFollowError(f"the script is longer than {MAX_SCRIPT:,} characters")
        outer, self.calls = (self.script, self.line), self.calls + 1
        self.script = path or self.script
        if path:
            self.exported |= _exported(text)
            self.mmc_disks |= set(_MMC.findall(text))
        self.spend(1, len(text))
        try:
            for commands, line in hush_syntax.statements(text):
                if path:
                    self.line = line
                self._run(commands, inside=not path)
        except HushSyntaxError as error:
            if path:
                self.line = error.line
            raise CannotFollowError(error.message) from None
        except ExitError:
            pass
        finally:
            if self.calls > 1:
                self.calls -= 1
        self.script, self.line = outer
        return self.state.status

    # ---- statements

    def _run(self, commands: Commands, *, inside: bool) -> CommandStatus:
        if self.depth >= MAX_DEPTH:
            raise CannotFollowError(f"it is nested deeper than {MAX_DEPTH}")
        self.depth += 1
        try:
            return self._run_each(commands, inside=inside)
        finally:
            self.depth -= 1

    def _run_each(self, commands: Commands, *, inside: bool) -> CommandStatus:
        skipping = False
        for number, (statement, link) in enumerate(commands):
            if skipping:
                # run_list_real: once a command of a chain decides, the rest up to the next semicolon is skipped
                skipping = link is not CommandLink.END
                continue
            if not inside:
                self.line = statement.line
            self.spend(1)
            match statement:
                case HushCommand():
                    self.state.status = self._command(statement)
                case HushIf():
                    self._if(statement, 0, inside=inside)
                case HushFor():
                    self._for(statement, inside=inside)
                case HushLoop():
                    self._while(statement, inside=inside)
            status = self.state.status
            if link is CommandLink.END:
                continue
            if status is None:
                later = range(number + 1, len(commands))
                end = next((at + 1 for at in later if commands[at][1] is CommandLink.END), len(commands))
                rest = commands[number + 1 : end]
                asked = self._named(statement)

                def run_rest(rest: Commands = rest) -> None:
                    self._run(rest, inside=inside)

                def leave(decided: int = int(link is CommandLink.AND)) -> None:
                    self.state.status = decided

                self._both(run_rest, leave, asked)
                skipping = True
                if not rest:
                    skipping = False
            else:
                skipping = (status == 0) == (link is CommandLink.OR)
        return self.state.status

    def _named(self, statement: hush_syntax.Statement) -> str:
        if isinstance(statement, HushCommand):
            return " ".join(readable(self._substituted(word.text)) for word in statement.words)[:80]
        return f"line {statement.line}"

    def _both(self, first: Callable[[], None], second: Callable[[], None], asked: str) -> None:
        """Follow both ways, since the result of a command is not known."""
        if len(self.doubts) >= MAX_DEPTH:
            raise CannotFollowError("too many results in each other are not known")
        before = self.state
        ends: list[ScriptEndedError] = []
        ways: list[HushState] = []
        self.doubts.append(asked)
        for way in (first, second):
            self.state = before.copy()
            self.spend(1, 8 * (len(before.env) + len(before.memory) + len(before.local)))
            try:
                way()
            except ScriptEndedError as error:
                ends.append(error)
                if isinstance(error, ExitError):
                    exited = self.state
            else:
                ways.append(self.state)
        self.doubts.pop()
        if not ways:
            if left := next((error for error in ends if isinstance(error, ExitError)), None):
                self.state = exited
                raise left
            raise ends[0]
        self.state = ways[0]
        for other in ways[1:]:
            self.state.merge(other)

    def _if(self, statement: HushIf, first: int, *, inside: bool) -> None:
        """Run a condition from one of its clauses on."""
        for number in range(first, len(statement.clauses)):
            condition, body = statement.clauses[number]
            status = self._run(condition, inside=inside)
            if status is None:
                asked = self._named(condition[-1][0]) if condition else "if"
                following = number + 1
                self._both(
                    lambda body=body: void(self._run(body, inside=inside)),  # type: ignore[misc]
                    lambda following=following: self._if(statement, following, inside=inside),  # type: ignore[misc]
                    asked,
                )
                return
            if status == 0:
                self._run(body, inside=inside)
                return
        self._run(statement.otherwise, inside=inside)

    def _for(self, statement: HushFor, *, inside: bool) -> None:
        name = hush_syntax.unescaped(statement.name.text)
        # make_list_in: words are split at spaces, those in quotes, too
        text = " ".join(self._substituted(hush_syntax.unescaped(word.text)) for word in statement.words)
        self.state.status = 0
        for word in without_absent(text).split(" "):
            if is_unknown(word) and not plain(word):
                raise CannotFollowError(f"the words of a loop are not known: {readable(word)[:80]}")
            if word:
                self.set(name, word, local=True)
                self._run(statement.body, inside=inside)

    def _while(self, statement: HushLoop, *, inside: bool) -> None:
        while True:
            status = self._run(statement.condition, inside=inside)
            if status is None:
                # such as one that waits for a button: what it changes is not known after it
                asked = self._named(statement.condition[-1][0]) if statement.condition else "while"
                self._both(lambda: void(self._run(statement.body, inside=inside)), lambda: None, asked)
                return
            if (status == 0) == statement.until:
                return
            self._run(statement.body, inside=inside)

    # ---- words

    def _substituted(self, text: str) -> str:
        """Return a text with its variables replaced (insert_var_value_sub)."""
        if VARIABLE not in text:
            return text
        parts = text.split(VARIABLE)
        for at in range(1, len(parts), 2):
            parts[at] = self._looked_up(parts[at])
        found = "".join(parts).replace("\n", " ")
        self.spend(1, len(found))
        if len(found) > MAX_VALUE:
            raise CannotFollowError("a command is too long")
        return found

    def _looked_up(self, name: str) -> str:
        if name == "?":
            return unknown("?") if self.state.status is None else str(self.state.status)
        name, colon, default = name.partition(":")
        value = self.value(name)
        if not colon or default[:1] not in ("-", "=", "+"):
            return value
        if default[0] == "+":
            return unknown(name)  # the two parsers of U-Boot disagree
        if without_absent(value):
            return value
        if default[0] == "=":
            self.set(name, default[1:], local=True)
        return default[1:]

    def _command(self, command: HushCommand) -> CommandStatus:
        words = command.words
        assigned = 0
        while assigned < len(words) and self._assign(words[assigned].text):
            assigned += 1
        words = words[assigned:]
        if not words:
            return 0
        self.spend(len(words))
        if any(VARIABLE in word.text for word in words):
            line = " ".join(
                f"'{text}'" if word.quoted else text
                for word in words
                for text in [self._substituted(hush_syntax.unescaped(word.text))]
            )
            found = hush_syntax.words_of(f"{line}\n")
            self.spend(len(found))
        else:
            found = [hush_syntax.HushWord(hush_syntax.unescaped(word.text), word.quoted) for word in words]
        return self._call(found)

    def _assign(self, text: str) -> bool:
        name, equals, value = text.partition("=")
        if not equals or not is_name(name):
            return False
        self.set(name, self._substituted(hush_syntax.unescaped(value)), local=True)
        return True

    def _call(self, words: list[hush_syntax.HushWord]) -> CommandStatus:
        name = words[0].text if words else ""
        found: list[str] = []
        kept = ""
        for word in words:
            text = without_absent(word.text)
            if not text and not word.quoted:
                kept += word.text  # such a word vanishes
                if not found and "load" in word.text.lower():
                    # ${loadcmd} of vendors' U-Boots has the command and the partition
                    found += ["load", "", ""]
                elif found and found[0].endswith("load"):
                    self.lacking = self.lacking or next(iter(absent_names(word.text)), "")
            elif name in KEEP_ABSENT:
                found.append(f"{kept}{word.text}")
                kept = ""
            else:
                found.append(text)
        if not found:
            return self.state.status
        if name in KEEP_ABSENT:
            found[-1] += kept
        name, *arguments = found
        if is_unknown(name):
            return None
        command = COMMANDS.get(name) or COMMANDS.get(name.partition(".")[0])
        return command(self, name, arguments) if command else None


def _exported(text: str) -> set[str]:
    """Return the names of the variables that a script stores itself: what it reads in another form than text."""
    found: set[str] = set()
    for rest in text.split("env export", _MAX_EXPORTS)[1:]:
        found |= {word for word in re.split("[;\n\"']", rest[:1000], maxsplit=1)[0].split() if is_name(word)}
    return found


def void(_: object) -> None:
    """Ignore a result."""


def said(text: str) -> str:
    """Return a text for a message."""
    return plain(text)[:80]
