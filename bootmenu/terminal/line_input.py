# SPDX-License-Identifier: MIT
"""Lines typed on a terminal that can only show lines, by the rules of terminal/input_filter.py.

The terminal is read byte by byte, because its own line editing cannot tell what was pasted: an Enter in the middle of
a text does not end the line. The text stays in the line until an Enter of its own.
"""

from __future__ import annotations

import contextlib
import os
import select
import termios
from collections.abc import Callable, Iterator
from time import monotonic

from bootmenu.terminal.edited_line import LONGEST, EditedLine
from bootmenu.terminal.input_filter import Key, Paste, Token, TokenReader
from bootmenu.terminal.typed_line import one_line
from bootmenu.terminal.widths import width
from bootmenu.typed import Any

_WAKE = 0.5


class Idle(Exception):  # noqa: N818 - named after what it stands for, like EOFError
    """Nothing was typed for so long that the person may have gone, or may be another one."""


Complete = Callable[[str], str | None]
"""Returns a text with more of it, or None after it has printed the ways to go on, and the beginning of a new row."""


class Prompt:
    """Read lines from one terminal, as a context manager that restores the terminal at its end.

    write: shows what is typed. ended: a descriptor that becomes readable when input shall end, or -1. patience: a
    function that returns the seconds without a key after which Idle is raised and an unfinished line is dropped, or
    None for never.
    """

    def __init__(
        self,
        descriptor: int,
        write: Callable[[str], object],
        ended: int = -1,
        patience: Callable[[], float | None] = lambda: None,
    ) -> None:
        self._descriptor = descriptor
        self._write = write
        self._ended = ended
        self._patience = patience
        self._reader = TokenReader()
        self._gone = False
        self._before: list[Any] = []

    def __enter__(self) -> Prompt:
        with contextlib.suppress(termios.error):
            self._before = termios.tcgetattr(self._descriptor)
        self.take()
        return self

    def __exit__(self, *_: object) -> None:
        if self._before:
            with contextlib.suppress(termios.error):
                termios.tcsetattr(self._descriptor, termios.TCSANOW, self._before)

    def take(self) -> None:
        """Turn echo and line buffering off, also after another program used the terminal. Ctrl+C stays a signal."""
        if not self._before:
            return
        modes = [*self._before[:6], list(self._before[6])]
        modes[0] &= ~(termios.ICRNL | termios.INLCR | termios.IGNCR)  # CR LF is one Enter, and would be two
        modes[3] &= ~(termios.ICANON | termios.ECHO)
        modes[6][termios.VMIN], modes[6][termios.VTIME] = 1, 0
        with contextlib.suppress(termios.error):
            termios.tcsetattr(self._descriptor, termios.TCSANOW, modes)

    def isatty(self) -> bool:
        """Return whether input is still possible."""
        return not self._gone and os.isatty(self._descriptor)

    def readline(self) -> str:
        """Return a line with its line end, or "" after Ctrl+D, a hang-up or the end of input. Raise Idle after
        `patience`."""
        return self._line(shown=True)

    def secret(self, question: str) -> str:
        """Ask for a line that is not shown, and return it without its line end. A scanner or a keypad may send it
        together with Enter. Raise Idle after `patience`."""
        self._write(question)
        return self._line(shown=False).removesuffix("\n")

    def edit(self, text: str, room: int, complete: Complete | None = None) -> str:
        """Let a text be changed in the terminal's row, and return it with a line end; "" and Idle as for `readline`.

        room: columns that it may take. complete: what Tab does, if anything.
        """
        self.take()
        line = EditedLine(text, room, self._write)
        for token in self._typed():
            match token:
                case Key(name="enter", alone=True):
                    self._write("\n")
                    return line.text + "\n"
                case Paste(pasted):
                    line.insert(one_line(pasted))
                case Key(name="tab") if complete is not None:
                    longer = complete(line.text)
                    if longer is None:
                        line.draw_again()
                    else:
                        line.replace(longer)
                case Key(character=character) if character:
                    line.insert(character)
                case Key(name=name):
                    line.press(name)
                case _:
                    pass
        return ""

    def _line(self, *, shown: bool) -> str:
        self.take()
        line = ""
        for token in self._typed():
            match token:
                case Key(name="enter", alone=alone) if alone or (line and not shown):
                    self._write("\n")
                    return line + "\n"
                case Key(name="ctrl+d", alone=True) if not line:
                    return ""
                case Paste(text):
                    text = one_line(text) if shown else text.rstrip("\r\n")
                    line = self._longer(line, text, shown=shown)
                case Key(character=character) if character:
                    line = self._longer(line, character, shown=shown)
                case Key(name="backspace" | "ctrl+h"):
                    line = self._shorter(line, 1, shown=shown)
                case Key(name="ctrl+u"):
                    line = self._shorter(line, len(line), shown=shown)
                case Key(name="ctrl+w"):
                    before, blank, _ = line.rstrip().rpartition(" ")
                    line = self._shorter(line, len(line) - len(before + blank), shown=shown)
                case _:
                    pass
        return ""

    def _typed(self) -> Iterator[Token]:
        """Yield what is typed until the end of the input; raise Idle."""
        touched = monotonic()
        while not self._gone:
            tokens, now, patience = self._tokens(), monotonic(), self._patience()
            touched = now if tokens else touched
            if patience is not None and now - touched > patience:
                self._write("\n")
                raise Idle
            yield from tokens

    def _longer(self, line: str, text: str, *, shown: bool) -> str:
        text = text[: LONGEST - len(line)]
        if shown:
            self._write(text)
        return line + text

    def _shorter(self, line: str, by: int, *, shown: bool) -> str:
        if shown:
            self._write("\b \b" * sum(map(width, line[len(line) - by :])))
        return line[: len(line) - by]

    def _tokens(self) -> list[Token]:
        wait = self._reader.wait
        watched = [self._descriptor] + ([self._ended] if self._ended >= 0 else [])
        # with a limit, because a signal that another thread receives is only noticed when this one wakes
        ready = select.select(watched, [], [], _WAKE if wait is None else wait)[0]
        if self._ended in ready:
            self._gone = True
            return []
        if not ready:
            return self._reader.quiet() if wait is not None else []
        try:
            data = os.read(self._descriptor, 4096)
        except OSError:
            data = b""
        self._gone = not data
        return self._reader.feed(data)
