# SPDX-License-Identifier: MIT
"""The first frame: what is seen while everything else is still being imported. Standard library only, plain escapes.

One frame stands on several terminals at once, and a key on any of them counts. A terminal that takes nothing delays
nobody: what it does not take is dropped.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import termios
import tty
from collections.abc import Callable, Sequence
from time import monotonic
from types import FrameType, TracebackType
from typing import Any

from bootmenu.i18n import _
from bootmenu.model.value import Record, Value, field
from bootmenu.system import signals
from bootmenu.system.waker import Waker
from bootmenu.terminal import input_filter
from bootmenu.terminal.capabilities import Traits, columns_of, opened
from bootmenu.terminal.character_sets import to_ascii
from bootmenu.terminal.input_filter import Paste, Token, TokenReader
from bootmenu.terminal.widths import width

_MOST_AT_ONCE = 4096
"""Bytes that are read for one key: a line that never stops keeps nobody from the countdown."""
_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGINT)


class KeyPress(Value):
    """Something was typed. enter: it was Enter and nothing else, which starts what is offered."""

    enter: bool


class SignalReceived(Value):
    """Somebody wants this process to end."""

    number: int


class Woken(Value):
    """A thread has news, a terminal has another size, or the time is up."""


Happening = KeyPress | SignalReceived | Woken


class CountdownContent(Value, kw_only=True):
    """What the frame says. The texts are safe for a terminal."""

    title: Callable[[int], str]
    """The first line, as the menu draws it, for a number of columns."""
    lines: Sequence[str] = ()
    """Below it; at most three."""
    seconds: int | None = None
    """None = nothing starts by itself yet."""


def _countdown(number: str, columns: int = 1000) -> str:
    """Return the longest sentence that fits whole, if any does."""
    texts = (
        _("Starts in {seconds} s.   Any key opens the menu, Enter boots at once."),
        _("{seconds} s: any key opens the menu."),
        "{seconds} s",
    )
    rows = [" " + text.format(seconds=number) for text in texts]
    return next((row for row in rows if width(row) < columns), rows[-1])


_COUNTDOWN_ROW = 7


class Terminal(Record, eq=False):
    """One of them, in raw mode until it is closed.

    name: of its device. addressed: the cursor can be moved; without that every line is written once, one below the
    other. Raises OSError when it cannot be opened.
    """

    name: str
    traits: Traits
    addressed: bool = True
    hidden: bool = False
    """Of the countdown only one line is shown."""
    descriptor: int = -1
    alive: bool = True
    _before: list[Any] = field(default_factory=list)
    _drawn: list[str] = field(default_factory=list)
    """The rows that are on the screen; [] = nothing is."""
    _below: bool = False
    """Lines stand below the content."""
    _said: list[str] = field(default_factory=list)
    _digits: int = 1
    """Of the countdown, at most so far."""

    def __post_init__(self) -> None:
        # mostly a description of its own: whoever shares the other one is not made non-blocking
        self.descriptor = opened(self.name, os.O_NONBLOCK)
        with contextlib.suppress(termios.error):
            self._before = termios.tcgetattr(self.descriptor)
        self.take()

    def take(self) -> None:
        """Make the terminal raw and draw everything again, at the start and after a shell had it."""
        self._drawn = []
        with contextlib.suppress(termios.error):
            tty.setraw(self.descriptor, termios.TCSANOW)
            modes = termios.tcgetattr(self.descriptor)
            modes[1] |= termios.OPOST | termios.ONLCR
            termios.tcsetattr(self.descriptor, termios.TCSANOW, modes)

    def close(self) -> None:
        """As it was before; what is on the screen stays."""
        if self.descriptor < 0:
            return
        if self._drawn and not self.hidden and self.addressed:
            self.write("\x1b[?2004l" if self.traits.pastes else "")
            self.write("\x1b[?25h" if self.traits.console else "\x1b[?25h\x1b[?1049l")
        with contextlib.suppress(termios.error, TypeError):
            termios.tcsetattr(self.descriptor, termios.TCSANOW, self._before)
        os.close(self.descriptor)
        self.descriptor = -1

    @property
    def columns(self) -> int:
        """80 when it does not know."""
        return columns_of(self.descriptor)

    def write(self, text: str) -> None:
        """As much of it as the terminal takes at once."""
        if not self.alive or not text:
            return
        data = (to_ascii(text) if self.traits.ascii else text).encode("utf-8", "replace")
        with contextlib.suppress(OSError):
            # a description that is shared waits for a slow line; on one that was stopped it would wait for ever
            if not os.get_blocking(self.descriptor) or select.select([], [self.descriptor], [], 0)[1]:
                os.write(self.descriptor, data)

    def line(self, text: str) -> None:
        """One more line at the end, below the content when there is one."""
        below = "\r\x1b[K" if self.hidden else f"\x1b[{_COUNTDOWN_ROW}H\x1b[J"
        self.write(f"{below if self._drawn and self.addressed and not self._below else ''}{text}\n")
        self._below = True

    def forget(self) -> None:
        """Draw everything again."""
        self._drawn = []

    def show(self, content: CountdownContent) -> None:
        """Bring the screen up to date; a countdown's tick is its number only."""
        if self.hidden:
            self._show_hidden(content)
            return
        if not self.addressed:
            self._print(content)
            return
        rows, out = self._rows(content), ""
        if not self._drawn:
            out = "\x1b[?25l\x1b[m\x1b[H\x1b[J" if self.traits.console else "\x1b[?1049h\x1b[?25l\x1b[m\x1b[H\x1b[J"
            out += "\x1b[?2004h" if self.traits.pastes else ""
            self._drawn = [""] * len(rows)
        for number, (new, old) in enumerate(zip(rows, self._drawn, strict=True), 1):
            if new == old:
                continue
            if number == _COUNTDOWN_ROW and len(new) == len(old):  # the same but for the number
                at = _countdown("0" * self._digits, self.columns).index("0")
                out += f"\x1b[{number};{at + 1}H{new[at : at + self._digits]}"
            else:
                out += f"\x1b[{number}H\x1b[K" + (f"\x1b[1m{new}\x1b[m" if number == 1 else new)
        self._drawn = rows
        self.write(out)

    def _rows(self, content: CountdownContent) -> list[str]:
        columns = self.columns
        rows = [content.title(columns), "", *content.lines]
        rows += [""] * (_COUNTDOWN_ROW - 1 - len(rows))
        rows.append("" if content.seconds is None else _countdown(self._number(content.seconds), columns))
        return [_cut(row.rstrip(), columns) for row in rows]

    def _number(self, seconds: int) -> str:
        """As wide as it has been: what stands behind it must not move, a slow line would hear all of it again."""
        self._digits = max(self._digits, len(str(seconds)))
        return f"{seconds:>{self._digits}}"

    def _print(self, content: CountdownContent) -> None:
        """On a teletype: what is new, once. It hears no ticks."""
        lines = [content.title(self.columns), *content.lines]
        if content.seconds is not None and not any(
            line.startswith(_countdown("0").partition("0")[0]) for line in self._said
        ):
            lines.append(_countdown(str(content.seconds)))
        for line in lines:
            if line.strip() and line not in self._said:
                self._said.append(line)
                self.line(line)

    def _show_hidden(self, content: CountdownContent) -> None:
        """One line, where the cursor stands, and nothing else."""
        if content.seconds is None:
            return
        number = self._number(content.seconds)
        row = " " + _("{seconds} s: any key opens the menu.").format(seconds=number)
        before = "".join(self._drawn)
        if not self.addressed:
            if not before:
                self.line(row)
        elif len(row) != len(before):
            self.write(f"\r{row}\x1b[K")
        elif row != before:
            self.write(f"\r {number}")
        self._drawn = [row]

    def read(self) -> bytes:
        """One byte of what was typed: the rest is for whoever comes next. A line that has hung up is not asked
        again."""
        try:
            data = os.read(self.descriptor, 1)
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        if not data:
            self.alive = False
        return data


def _cut(text: str, columns: int) -> str:
    """The last column stays free: some terminals wrap as soon as it is written."""
    while width(text) > columns - 1 and text:
        text = text[:-1].rstrip()
    return text


class Frame:
    """The terminals, and what wakes whoever waits for them. A context manager: at its end they are as before."""

    def __init__(self, terminals: Sequence[Terminal]) -> None:
        self.terminals = list(terminals)
        self._waker = Waker()
        self._signal = 0
        self._handlers: dict[int, object] = {}

    def __enter__(self) -> Frame:
        for number in (*_SIGNALS, signal.SIGWINCH, signal.SIGCONT):
            with contextlib.suppress(ValueError):  # not in the main thread: then there are none
                self._handlers[number] = signal.signal(number, self._signalled)
        self._signal = signals.told()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        self.release_signals()
        self._waker.close()

    def release_signals(self) -> None:
        """Let signals do what they did before: systemd, which may make the jump, ends this process with one."""
        for number, handler in self._handlers.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        self._handlers = {}

    @property
    def signal(self) -> int:
        """Return the signal that asked this process to end; 0 = none has."""
        return self._signal

    def close(self) -> None:
        """Leave the terminals to somebody else."""
        for terminal in self.terminals:
            terminal.close()
        self.terminals = []

    def _signalled(self, number: int, frame: FrameType | None) -> None:
        if number in (signal.SIGWINCH, signal.SIGCONT):
            for terminal in self.terminals:
                if number == signal.SIGCONT:
                    terminal.take()
                terminal.forget()
        else:
            self._signal = number
            before = self._handlers.get(number)
            if number in signals.ENDING and callable(before):
                before(number, frame)  # who comes after this frame has to know of it, too
        self.wake()

    def wake(self) -> None:
        """From any thread, also after the end: whoever waits looks again."""
        self._waker.wake()

    def show(self, content: CountdownContent) -> None:
        """On every terminal."""
        for terminal in self.terminals:
            terminal.show(content)

    def line(self, text: str) -> None:
        """One more line at the end of every terminal."""
        for terminal in self.terminals:
            terminal.line(text)

    def wait(self, seconds: float | None, *, keys: bool = True) -> Happening:
        """The next thing that happens; None = however long it takes. keys: not to be left for whoever comes next."""
        end = None if seconds is None else monotonic() + seconds
        while True:
            if self._signal:
                return SignalReceived(self._signal)
            left = None if end is None else max(0.0, end - monotonic())
            alive = {terminal.descriptor: terminal for terminal in self.terminals if keys and terminal.alive}
            ready, _, _ = select.select([self._waker.fileno(), *alive], [], [], left)
            for descriptor in ready:
                if descriptor in alive and (key := self._key(alive[descriptor])) is not None:
                    return key
            if self._waker.fileno() in ready:
                self._waker.clear()
                if not self._signal:
                    return Woken()
            elif not ready:
                return Woken()

    def _key(self, terminal: Terminal) -> KeyPress | None:
        """All bytes of one key, and none of the next, unless it is text: that is read to its end, since what is left
        of a text would be keys for the menu. A floating line's noise is none: an unattended machine must start."""
        for token in _tokens(terminal):
            match token:
                case input_filter.Key(name="enter", alone=True):
                    return KeyPress(enter=True)
                case input_filter.Key() | Paste():
                    return KeyPress(enter=False)
                case _:
                    pass
        return None


def _tokens(terminal: Terminal) -> list[Token]:
    reader, tokens = TokenReader(), list[Token]()
    for _byte in range(_MOST_AT_ONCE):
        tokens += reader.feed(terminal.read())
        if (wait := reader.wait) is None and tokens:
            return tokens
        while wait is not None and not select.select([terminal.descriptor], [], [], wait)[0]:
            tokens += reader.quiet()
            if (wait := reader.wait) is None:
                return tokens
        if wait is None and not select.select([terminal.descriptor], [], [], 0)[0]:
            return tokens
        if not terminal.alive:
            return tokens
    return tokens + reader.quiet()
