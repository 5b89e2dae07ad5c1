# SPDX-License-Identifier: MIT
"""A terminal that can only print and read lines: one line after the other, none wider than the terminal."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Sequence
from functools import partial
from posixpath import commonprefix
from time import monotonic

from bootmenu.i18n import _
from bootmenu.terminal.cells import clean, fold
from bootmenu.terminal.character_sets import to_ascii
from bootmenu.terminal.line_input import Complete, Idle
from bootmenu.typed import Protocol, TextIO

_MOST_WAYS = 15
"""Most ways for a text to go on that are printed."""


class EndOfInput(Exception):  # noqa: N818 - named after what it stands for, like EOFError
    """The input has ended."""


class Source(Protocol):
    """The origin of lines: a terminal, or a file in a test."""

    def readline(self) -> str: ...
    def isatty(self) -> bool: ...


class Teletype:
    """Print and read lines.

    secret: asks a question and reads a line without showing it; None: read it like any other. edit: lets a text be
    changed in so many columns, and returns the line; None: ask for a new one. ending: returns whether this process
    shall end. ascii_only: the terminal has only ASCII, which is also assumed if its charset is not UTF-8. columns:
    returns the present width of the terminal.
    """

    def __init__(
        self,
        source: Source,
        sink: TextIO,
        secret: Callable[[str], str] | None = None,
        edit: Callable[[str, int, Complete | None], str] | None = None,
        *,
        ending: Callable[[], bool] = lambda: False,
        ascii_only: bool = True,
        columns: Callable[[], int] = lambda: 80,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.ending = ending
        self.stays = False
        """Whether to ignore Ctrl+D."""
        self.idle: float | None = None
        """Seconds after which an answer is too late, since it may come from another person, and raises Idle; None:
        never."""
        self.patience: float | None = None
        """Seconds without a key after which Idle is raised, if the source can do that; None: never."""
        self.hung_up = False
        """Whether the end of input has ended the menu."""
        self._source = source
        self._sink = sink
        self._secret = secret
        self._edit = edit
        self._ascii = ascii_only or codecs.lookup(getattr(sink, "encoding", None) or "utf-8").name != "utf-8"
        self._columns = columns
        self._clock = clock

    @property
    def room(self) -> int:
        """Return the columns for a line. The last one stays empty, because some terminals begin a new line after
        it."""
        return self._columns() - 1

    def say(self, text: str = "", head: str = "") -> None:
        """Print a text, which may come from a disk, indented to the end of its head."""
        for line in fold(head, clean(text), self.room):
            self._write(line + "\n")

    def ask(self, question: str, *, secret: bool = False) -> str:
        """Print a question and return the answer. Raise EndOfInput or Idle."""
        *lines, last = fold("", clean(question.rstrip()), self.room - 1)
        for line in lines:
            self._write(line + "\n")
        asked, read = self._clock(), self._secret if secret else None
        if read is None:
            self._write(f"{last} ")
            answer = self._line().strip()
        else:
            answer = read(to_ascii(f"{last} ") if self._ascii else f"{last} ")
        self._check_idle(asked)
        return answer

    def edit(self, text: str, ways: Callable[[str], Sequence[str]] | None = None) -> str:
        """Let a text be changed, and return it. Raise EndOfInput, Idle, or KeyboardInterrupt after Ctrl+C.

        ways: returns how a text can go on, for the Tab key."""
        if (edit := self._edit) is None:
            answer = self.ask(_("New value (Enter keeps the old one, - clears it): "))
            return text if not answer else "" if answer == "-" else answer
        self.say(_("Change it and press Enter. Ctrl+U clears it, Ctrl+C leaves it as it was."))
        self._write("> ")
        asked = self._clock()
        complete = None if ways is None else partial(self._complete, ways)
        answer = self._line(lambda: edit(text, self.room - 2, complete)).strip()
        self._check_idle(asked)
        return answer

    def _complete(self, ways: Callable[[str], Sequence[str]], text: str) -> str | None:
        """Return the text with what all ways to go on have in common; print them if that is nothing more."""
        found = list(ways(text))
        longer = commonprefix(found)
        if len(longer) > len(text) or len(found) == 1:
            return longer
        self._write("\n")
        for way in found[:_MOST_WAYS]:
            self.say(way, "  ")
        if len(found) != len(found[:_MOST_WAYS]) or not found:
            self.say(_("and {n} more").format(n=len(found) - _MOST_WAYS) if found else _("no file begins like this"))
        self._write("> ")
        return None

    def _check_idle(self, asked: float) -> None:
        if self.idle is not None and self._clock() - asked > self.idle:
            raise Idle

    def sure(self, question: str) -> bool:
        """Ask a question and return whether the answer is yes."""
        hint = _("(y, or Enter for no)")
        is_yes = self.ask(f"{question} {hint}").lower() in ("y", "yes", _("y"), _("yes"))
        if not is_yes:
            self.say(_("No: nothing was done."))
        return is_yes

    def choose(self, texts: Sequence[str]) -> int | None:
        """Let one of the texts be chosen; return its index, or None for none of them."""
        for index, text in enumerate(texts, 1):
            self.say(text, f"  {index}  ")
        choice = typed_number(self.ask(_("Which (Enter for none): ")))
        if choice is not None and 1 <= choice <= len(texts):
            return choice - 1
        self.say(_("Nothing was chosen."))
        return None

    def _line(self, read: Callable[[], str] | None = None) -> str:
        read = read or self._source.readline
        try:
            while not (line := read()):
                # a line that hung up is not a terminal any more
                if not (self.stays and self._source.isatty()) or self.ending():
                    raise EndOfInput
        except OSError:
            raise EndOfInput from None
        return line

    def _write(self, text: str) -> None:
        try:
            self._sink.write(to_ascii(text) if self._ascii else text)
            self._sink.flush()
        except OSError:
            raise EndOfInput from None


def typed_number(text: str) -> int | None:
    """Return the typed number, or None if it is not a number."""
    return int(text) if re.fullmatch(r"[0-9]{1,5}", text) else None
