# SPDX-License-Identifier: MIT
"""The first frame: the countdown that is shown while everything else is still being imported.

It uses the standard library and plain escape sequences only. It is drawn on several terminals at once, and a key on
any of them counts. A terminal that accepts no output does not delay the others: the output is dropped.
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

from bootmenu.i18n import _
from bootmenu.model.value import Record, Value, field
from bootmenu.system import signals
from bootmenu.system.waker import Waker
from bootmenu.terminal import input_filter
from bootmenu.terminal.capabilities import Traits, columns_of, opened
from bootmenu.terminal.character_sets import to_ascii
from bootmenu.terminal.input_filter import Paste, Token, TokenReader
from bootmenu.terminal.widths import width
from bootmenu.typed import Any

_MAX_KEY_BYTES = 4096
"""Bytes that are read for one key, so that a line that never stops sending does not block the countdown."""
_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGINT)


class KeyPress(Value):
    """A key was pressed."""

    enter: bool
    """Whether it was Enter alone, which starts the entry now."""


class SignalReceived(Value):
    """A signal asks this process to end."""

    number: int


class Woken(Value):
    """Another thread called `wake`, a terminal has changed its size, or the time is up."""


FrameEvent = KeyPress | SignalReceived | Woken


class CountdownContent(Value, kw_only=True):
    """The content of the frame. Its texts contain no control characters."""

    title: Callable[[int], str]
    """Returns the first line, as the menu draws it, for a number of columns."""
    lines: Sequence[str] = ()
    """The lines below it; at most three."""
    seconds: int | None = None
    """Seconds left, or None if no countdown runs."""


def _countdown_text(number: str, columns: int = 1000) -> str:
    """Return the longest text about the seconds left that fits the columns, else the shortest."""
    texts = (
        _("Starts in {seconds} s.   Any key opens the menu, Enter boots at once."),
        _("{seconds} s: any key opens the menu."),
        "{seconds} s",
    )
    rows = [" " + text.format(seconds=number) for text in texts]
    return next((row for row in rows if width(row) < columns), rows[-1])


_COUNTDOWN_ROW = 7
_LONGEST_BAR = 30
_MOST_CELLS = 3
"""Cells that the bar loses in a second, at most: each is a byte on a slow line."""


class CountdownRows(Value, kw_only=True):
    """The countdown on a terminal that can move its cursor: number and bar in the middle, and the keys below."""

    head: str
    """What stands before the number."""
    number: str
    tail: str
    """What stands between the number and the bar."""
    bar: str
    keys: str

    @classmethod
    def of(cls, number: str, left: int, most: int, columns: int) -> CountdownRows:
        """Return the rows. number: the seconds left, padded. left, most: seconds now, and at the beginning."""
        sentence = " " + _("Starts in {seconds} s")
        before, _field, after = sentence.partition("{seconds}")
        hints = [" " + _("Any key opens the menu, Enter boots at once."), " " + _("Any key opens the menu."), ""]
        keys = next(hint for hint in hints if width(hint) < columns or not hint)
        if width(sentence.format(seconds=number)) >= columns:
            before, after, keys = " ", " s", ""
        room = columns - 3 - width(before + number + after)
        longest = min(_LONGEST_BAR, most * _MOST_CELLS, room)
        longest = longest if longest >= 4 else 0
        filled = -(-longest * min(left, most) // most)
        margin = " " * ((columns - 1 - width(before + number + after) - (longest + 2 if longest else 0)) // 2)
        return cls(
            head=margin + before,
            number=number,
            tail=after + "  ",
            bar="█" * filled,
            keys=" " * ((columns - 1 - width(keys)) // 2) + keys if keys else "",
        )

    @property
    def text(self) -> str:
        """Return the row with the bar."""
        return self.head + self.number + self.tail + self.bar

    def update(self, before: CountdownRows) -> str | None:
        """Return what turns the row before into this one, from the saved position of the number; None if it takes a
        new row."""
        lost = len(before.bar) - len(self.bar)
        if (before.head, before.tail, before.keys) != (self.head, self.tail, self.keys) or lost < 0:
            return None
        if len(before.number) != len(self.number):
            return None
        return f"\x1b8{self.number}" + (f"\x1b[{width(self.tail) + len(self.bar)}C{' ' * lost}" if lost else "")


class Terminal(Record, eq=False):
    """A terminal, in raw mode until it is closed. Raises OSError if it cannot be opened."""

    name: str
    """Path of its device."""
    traits: Traits
    addressable: bool = True
    """Whether the cursor can be moved; otherwise every line is printed once, below the others."""
    hidden: bool = False
    """Whether to show only one line with the seconds left."""
    descriptor: int = -1
    alive: bool = True
    """False if the line has hung up."""
    _saved_modes: list[Any] = field(default_factory=list)
    _drawn: list[str] = field(default_factory=list)
    """The rows on the screen; empty if all must be drawn."""
    _printed_below: bool = False
    """Whether lines were printed below the content."""
    _printed: list[str] = field(default_factory=list)
    """The lines that a terminal that is not addressable has printed."""
    _digits: int = 1
    """The largest number of digits that the countdown has had."""
    _most: int = 1
    """The most seconds that the countdown has had."""
    _countdown: CountdownRows | None = None
    """The rows of the countdown on the screen; None if there are none."""

    def __post_init__(self) -> None:
        # usually a new open file description, so that the terminal stays blocking for other processes
        self.descriptor = opened(self.name, os.O_NONBLOCK)
        with contextlib.suppress(termios.error):
            self._saved_modes = termios.tcgetattr(self.descriptor)
        self.make_raw()

    def make_raw(self) -> None:
        """Enter raw mode and draw everything again: at the start, and after a shell has used the terminal."""
        self._drawn = []
        with contextlib.suppress(termios.error):
            tty.setraw(self.descriptor, termios.TCSANOW)
            modes = termios.tcgetattr(self.descriptor)
            modes[1] |= termios.OPOST | termios.ONLCR
            termios.tcsetattr(self.descriptor, termios.TCSANOW, modes)

    def close(self) -> None:
        """Restore the terminal's modes; what is on the screen stays."""
        if self.descriptor < 0:
            return
        if self._drawn and not self.hidden and self.addressable:
            self.write("\x1b[?2004l" if self.traits.pastes else "")
            self.write("\x1b[?25h" if self.traits.console else "\x1b[?25h\x1b[?1049l")
        with contextlib.suppress(termios.error, TypeError):
            termios.tcsetattr(self.descriptor, termios.TCSANOW, self._saved_modes)
        os.close(self.descriptor)
        self.descriptor = -1

    @property
    def columns(self) -> int:
        """Return the width, or 80 if the terminal does not report it."""
        return columns_of(self.descriptor)

    def write(self, text: str) -> None:
        """Write as much of the text as the terminal accepts at once, and drop the rest."""
        if not self.alive or not text:
            return
        data = (to_ascii(text) if self.traits.ascii else text).encode("utf-8", "replace")
        with contextlib.suppress(OSError):
            # a descriptor shared with the shell is blocking, and a write to a stopped line would never return
            if not os.get_blocking(self.descriptor) or select.select([], [self.descriptor], [], 0)[1]:
                os.write(self.descriptor, data)

    def print_line(self, text: str) -> None:
        """Print a line, below the content if there is any."""
        start = "\r\x1b[K" if self.hidden else f"\x1b[{_COUNTDOWN_ROW}H\x1b[J"
        self.write(f"{start if self._drawn and self.addressable and not self._printed_below else ''}{text}\n")
        self._printed_below = True

    def invalidate(self) -> None:
        """Draw everything again at the next `show`."""
        self._drawn = []

    def show(self, content: CountdownContent) -> None:
        """Update the screen; for a tick of the countdown only its number is written."""
        if self.hidden:
            self._show_one_line(content)
            return
        if not self.addressable:
            self._print_new_lines(content)
            return
        rows, countdown, out = self._rows(content), self._countdown_rows(content), ""
        if not self._drawn:
            out = "\x1b[?25l\x1b[m\x1b[H\x1b[J" if self.traits.console else "\x1b[?1049h\x1b[?25l\x1b[m\x1b[H\x1b[J"
            out += "\x1b[?2004h" if self.traits.pastes else ""
            self._drawn = [""] * len(rows)
            self._countdown = None
        for number, (new, old) in enumerate(zip(rows, self._drawn, strict=True), 1):
            if new == old:
                continue
            out += f"\x1b[{number}H\x1b[K" + (f"\x1b[1m{new}\x1b[m" if number == 1 else new)
        out += self._update_countdown(countdown)
        self._drawn, self._countdown = rows, countdown
        self.write(out)

    def _update_countdown(self, now: CountdownRows | None) -> str:
        """Return what draws the countdown; the terminal keeps the number's position (DECSC) for the next tick."""
        before = self._countdown
        if now == before:
            return ""
        row, below = f"\x1b[{_COUNTDOWN_ROW}H", f"\x1b[{_COUNTDOWN_ROW + 1}H\x1b[K"
        if now is None:
            return f"{row}\x1b[K{below}"
        if before is not None and (update := now.update(before)) is not None:
            return update
        return f"{below}{now.keys}{row}\x1b[K{now.head}\x1b7{now.number}{now.tail}{now.bar}"

    def _countdown_rows(self, content: CountdownContent) -> CountdownRows | None:
        if content.seconds is None:
            return None
        self._most = max(self._most, content.seconds)
        return CountdownRows.of(self._number(content.seconds), content.seconds, self._most, self.columns)

    def _rows(self, content: CountdownContent) -> list[str]:
        columns = self.columns
        rows = [content.title(columns), "", *content.lines]
        rows += [""] * (_COUNTDOWN_ROW - 1 - len(rows))
        return [_cut(row.rstrip(), columns) for row in rows]

    def _number(self, seconds: int) -> str:
        """Return the number, as wide as before, so that a slow line need not send the text after it again."""
        self._digits = max(self._digits, len(str(seconds)))
        return f"{seconds:>{self._digits}}"

    def _print_new_lines(self, content: CountdownContent) -> None:
        """Print each line once, without the ticks of the countdown, on a terminal that is not addressable."""
        lines = [content.title(self.columns), *content.lines]
        if content.seconds is not None and not any(
            line.startswith(_countdown_text("0").partition("0")[0]) for line in self._printed
        ):
            lines.append(_countdown_text(str(content.seconds)))
        for line in lines:
            if line.strip() and line not in self._printed:
                self._printed.append(line)
                self.print_line(line)

    def _show_one_line(self, content: CountdownContent) -> None:
        """Show only the seconds left, in the cursor's line."""
        if content.seconds is None:
            return
        number = self._number(content.seconds)
        row = " " + _("{seconds} s: any key opens the menu.").format(seconds=number)
        before = "".join(self._drawn)
        if not self.addressable:
            if not before:
                self.print_line(row)
        elif len(row) != len(before):
            self.write(f"\r{row}\x1b[K")
        elif row != before:
            self.write(f"\r {number}")
        self._drawn = [row]

    def read_byte(self) -> bytes:
        """Return one byte of what was typed, because what follows a key is for the menu; empty if there is none."""
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
    """Return what fits, without the last column: some terminals wrap as soon as that is written."""
    while width(text) > columns - 1 and text:
        text = text[:-1].rstrip()
    return text


class Frame:
    """The terminals, as a context manager that restores them at its end, and waits for keys, signals and `wake`."""

    def __init__(self, terminals: Sequence[Terminal]) -> None:
        self.terminals = list(terminals)
        self._waker = Waker()
        self._signal = 0
        self._handlers: dict[int, object] = {}

    def __enter__(self) -> Frame:
        for number in (*_SIGNALS, signal.SIGWINCH, signal.SIGCONT):
            with contextlib.suppress(ValueError):  # outside of the main thread there are no signals
                self._handlers[number] = signal.signal(number, self._on_signal)
        self._signal = signals.received()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        self.release_signals()
        self._waker.close()

    def release_signals(self) -> None:
        """Restore the signal handlers, because systemd may make the jump, and it ends this process with a signal."""
        for number, handler in self._handlers.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        self._handlers = {}

    @property
    def signal(self) -> int:
        """Return the signal that asked this process to end, or 0."""
        return self._signal

    def close(self) -> None:
        """Close the terminals, for the menu to use them."""
        for terminal in self.terminals:
            terminal.close()
        self.terminals = []

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if number in (signal.SIGWINCH, signal.SIGCONT):
            for terminal in self.terminals:
                if number == signal.SIGCONT:
                    terminal.make_raw()
                terminal.invalidate()
        else:
            self._signal = number
            before = self._handlers.get(number)
            if number in signals.ENDING and callable(before):
                before(number, frame)  # the menu after this frame must know of it, too
        self.wake()

    def wake(self) -> None:
        """Make `wait` return. May be called in any thread, and after the end."""
        self._waker.wake()

    def show(self, content: CountdownContent) -> None:
        """Show the content on every terminal."""
        for terminal in self.terminals:
            terminal.show(content)

    def print_line(self, text: str) -> None:
        """Print a line on every terminal."""
        for terminal in self.terminals:
            terminal.print_line(text)

    def wait(self, seconds: float | None, *, keys: bool = True) -> FrameEvent:
        """Wait for the next event, at most so many seconds; None: without a limit. keys: whether to read keys."""
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
        """Read one key or a pasted text to its end, so that the menu does not take the rest for keys. Return None for
        anything else: noise of an unconnected serial line must not stop the countdown."""
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
    """Read the bytes of one key, and none of the next."""
    reader, tokens = TokenReader(), list[Token]()
    for _byte in range(_MAX_KEY_BYTES):
        tokens += reader.feed(terminal.read_byte())
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
