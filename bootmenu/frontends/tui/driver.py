# SPDX-License-Identifier: MIT
"""A Textual driver for consoles and serial lines: filters what is sent to them and what they send."""

from __future__ import annotations

import contextlib
import io
import os
import select
import signal
import termios
from typing import Any, Protocol, runtime_checkable

from textual import constants, events
from textual.app import App
from textual.geometry import Size
from textual.message import Message
from textual.messages import TerminalSupportsSynchronizedOutput

from bootmenu.frontends.tui.bindings import IN_TEXT
from bootmenu.frontends.tui.textual_internals import TextualDriver, key_name
from bootmenu.model.regex import regex
from bootmenu.terminal.capabilities import Traits, bounded, drain, opened, prepare_environment
from bootmenu.terminal.cell_diff import CellDiff
from bootmenu.terminal.character_sets import to_ascii, to_console
from bootmenu.terminal.consoles import Console
from bootmenu.terminal.input_filter import Click, Key, Paste, Synchronised, Token, TokenReader

__all__ = ["BootmenuDriver", "prepare_environment", "to_ascii"]

# Mouse motion, focus reports, in-band resize and the queries for them, the kitty keyboard protocol, the pointer's
# shape: the menu uses none of them, and minicom prints sequences that it does not know.
_UNUSED_SEQUENCES = regex(
    r"\x1b\[\?(?:1002|1003|1004|1015|1016|2048)[hl]|\x1b\[\?2048\$p"
    r"|\x1b\[[<>=]\d*u|\x1b\]22;[^\x07\x1b]*(?:\x07|\x1b\\)"
)
_SYNCHRONISED = regex(r"\x1b\[\?2026(?:\$p|[hl])")
_ALTERNATE_SCREEN = regex(r"\x1b\[\?1049h")
_CLEAR = "\x1b[m\x1b[H\x1b[J"


class _TerminalWriter(io.TextIOWrapper):
    """Writes to one of several terminals; errors must not reach the other terminals."""

    def write(self, text: str, /) -> int:
        """Write, and ignore errors: the input thread notices a disconnected terminal."""
        with contextlib.suppress(OSError):
            super().write(text)
        return len(text)

    def flush(self) -> None:
        """Flush, and ignore errors."""
        with contextlib.suppress(OSError):
            super().flush()


@runtime_checkable
class HangUpHandler(Protocol):
    """An app that handles the loss of its terminal."""

    def hang_up(self) -> None:
        """End the app. Called in a thread."""


_CHARACTERS = {"enter": "\r", "tab": "\t", "backspace": "\x7f", "escape": "\x1b"}
_WHEEL, _MOTION = 64, 32


def key_event(key: Key) -> events.Key | None:
    """Return Textual's event for a key, or None for an unknown key.

    The name of a key that arrived in the middle of text begins with IN_TEXT.
    """
    name, character = key.name, key.character or _CHARACTERS.get(key.name)
    if not name and character:
        name = key_name(character)
    if not name:
        return None
    return events.Key(name if key.alone else IN_TEXT + name, character)


def mouse_event(click: Click) -> events.MouseEvent | None:
    """Return Textual's event for a click or the wheel, or None for motion and unknown buttons."""
    wheel = {_WHEEL: events.MouseScrollUp, _WHEEL + 1: events.MouseScrollDown}
    kind: type[events.MouseEvent] | None = events.MouseDown if click.pressed else events.MouseUp
    button = (click.code & 3) + 1
    if click.code & _WHEEL:
        kind, button = wheel.get(click.code & 0x43), 0
    if kind is None or click.code & _MOTION or click.code > 127 or button > 3:
        return None
    shift, meta, control = (bool(click.code & bit) for bit in (4, 8, 16))
    x, y = click.column, click.row
    return kind(None, x, y, 0, 0, button, shift, meta, control, screen_x=x, screen_y=y)


def _terminal_size(descriptor: int) -> os.terminal_size | None:
    try:
        return os.get_terminal_size(descriptor)
    except OSError:
        return None


class BootmenuDriver(TextualDriver):
    """Drives a terminal: sends only what the terminal supports, and reads input that need not be UTF-8."""

    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ):
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._tty: Console | None = getattr(app, "tty", None)
        if self._tty is not None:
            self.fileno = opened(self._tty.name)
            raw = io.BufferedWriter(io.FileIO(self.fileno, "w"))
            self.set_output(_TerminalWriter(raw, encoding="utf-8", errors="replace", write_through=True))
            self.input_tty = True
        self._traits = Traits.of(os.environ) if self._tty is None else self._tty.traits
        self._mouse_on = False
        self._suspended = False
        """Whether SIGTSTP made it give the terminal back."""
        self._termios: list[Any] = []
        """Terminal attributes while the app runs, as tcgetattr returns them."""
        self._cells = CellDiff(80, 24, basic=self._traits.basic, brightens=self._traits.brightens)
        self.measure()

    def write(self, data: str) -> None:
        """Write what the terminal supports."""
        if "\x1b[?" in data or "\x1b[<" in data or "\x1b[>" in data or "\x1b]" in data:
            data = _UNUSED_SEQUENCES.sub("", data)
            if not self._traits.synchronised:
                data = _SYNCHRONISED.sub("", data)
            if self._traits.console:
                data = _ALTERNATE_SCREEN.sub("", data).replace("\x1b[?1049l", _CLEAR)
        if self._traits.ascii:
            data = to_ascii(data)
        elif self._traits.console:
            data = to_console(data)
        data = self._cells.filter(data)
        if data:
            super().write(data)

    def drain(self) -> None:
        """Wait until the output has been sent to the terminal, for a limited time. Call it in a thread."""
        drain([self._wait_for_output])

    def _wait_for_output(self) -> None:
        with contextlib.suppress(OSError, ValueError, termios.error):
            if self.flush_writer():
                termios.tcdrain(self.fileno)

    def forget(self) -> None:
        """Assume nothing about what the terminal shows, so that every cell is sent again."""
        self._cells.forget()

    def start_application_mode(self) -> None:
        """Start as Textual does, but only once: a second start would read every key twice."""
        if self.is_on:
            return
        self._cells.forget()
        super().start_application_mode()  # type: ignore[no-untyped-call]
        with contextlib.suppress(termios.error):
            self._termios = termios.tcgetattr(self.fileno)

    def handle_sigtstp(self) -> None:
        """Give the terminal back and stop. One of several terminals is left as it is, since nothing else uses it."""
        if self.is_on and self.auto_restart and self._tty is None:
            self.suspend_application_mode()
            self._suspended = True
            self.announce_resume()
        os.kill(os.getpid(), signal.SIGSTOP)

    def handle_sigcont(self) -> None:
        """Take the terminal again.

        SIGSTOP cannot be caught: after it the terminal was not given back, and a shell may have changed it.
        """
        if self._suspended:
            self._suspended = False
            self.resume_application_mode()
        elif self.is_on:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self.loop.call_soon_threadsafe(self._reclaim_terminal)

    def _reclaim_terminal(self) -> None:
        if not self.is_on:
            return
        with contextlib.suppress(termios.error, TypeError):
            termios.tcsetattr(self.fileno, termios.TCSANOW, self._termios)
        self.write("\x1b[?1049h\x1b[?25l\x1b[?7l")
        self._mouse_on = False
        self.enable_mouse()
        self.enable_paste()
        self._check_size()
        self.forget()
        self.app.refresh(repaint=True, layout=True)

    def enable_mouse(self) -> None:
        """Turn on reports of clicks and the wheel, in SGR coordinates; not of motion, which the menu does not use."""
        if self.mouse and self._traits.mouse and not self._mouse_on:
            self._mouse_on = True
            self.write("\x1b[?1000h\x1b[?1006h")
            self.flush()

    def disable_mouse(self) -> None:
        """Turn mouse reports off, for example before a shell or a jump."""
        if self._mouse_on:
            self._mouse_on = False
            self.write("\x1b[?1006l\x1b[?1000l")
            self.flush()

    def ask_for_synchronised_output(self) -> None:
        """Ask only a terminal that is known to support it."""
        if self._traits.synchronised:
            super().ask_for_synchronised_output()

    def enable_paste(self) -> None:
        """Turn bracketed paste on if the terminal supports it."""
        if self._traits.pastes:
            self.write("\x1b[?2004h")

    def disable_paste(self) -> None:
        """Turn bracketed paste off."""
        if self._traits.pastes:
            self.write("\x1b[?2004l")

    def measure(self) -> tuple[int, int]:
        """Return the columns and rows to draw in: from COLUMNS and LINES, else from the terminal, within limits."""
        own = self._tty is None
        width = int(os.environ.get("COLUMNS", "0")) if own else 0
        height = int(os.environ.get("LINES", "0")) if own else 0
        for descriptor in (self.fileno, 1, 2) if own else (self.fileno,):
            if width and height:
                break
            if (size := _terminal_size(descriptor)) is not None:
                width, height = width or size.columns, height or size.lines
        # the app would ask the terminal itself
        width, height = bounded(width, height)
        self.set_size((width, height))
        if (width, height) != (self._cells.width, self._cells.height):
            self._cells = CellDiff(width, height, basic=self._traits.basic, brightens=self._traits.brightens)
        return width, height

    def _check_size(self) -> None:
        """Resize the app if the terminal's size has changed. Runs in the app's loop.

        Other terminals than this process's own send no SIGWINCH, and Textual handles it for one app only.
        """
        known = self._cells.width, self._cells.height
        if (now := self.measure()) != known:
            size = Size(*now)
            self.app.post_message(events.Resize(size, size))

    def disable_input(self) -> None:
        """Stop reading keys, but keep the SIGWINCH handler, which Textual removes: other apps may need it."""
        before = signal.getsignal(signal.SIGWINCH)
        super().disable_input()
        if self._tty is not None:
            with contextlib.suppress(ValueError):
                signal.signal(signal.SIGWINCH, before)

    def run_input_thread(self) -> None:
        """Read input until the driver stops.

        Unlike Textual's, accept only known sequences (terminal/input_filter.py), end the menu when the terminal hangs
        up, and watch the terminal's size.
        """
        size = _terminal_size(self.fileno)
        reader = TokenReader(constants.ESCAPE_DELAY)
        while not self.exit_event.is_set():
            if size != (size := _terminal_size(self.fileno)):
                self.loop.call_soon_threadsafe(self._check_size)
            wait = reader.wait
            if select.select([self.fileno], [], [], 0.1 if wait is None else wait)[0]:
                try:
                    data = os.read(self.fileno, 4096)
                except OSError:
                    data = b""
                if not data:
                    if isinstance(self.app, HangUpHandler):
                        self.app.hang_up()
                    else:
                        os.kill(os.getpid(), signal.SIGHUP)
                    return
                tokens = reader.feed(data)
            else:
                tokens = reader.quiet() if wait is not None else []
            for token in tokens:
                if (message := self._message(token)) is not None:
                    self.process_message(message)

    def _message(self, token: Token) -> Message | None:
        match token:
            case Key():
                return key_event(token)
            case Paste(text):
                return events.Paste(text)
            case Click():
                return mouse_event(token) if self._mouse_on else None
            case Synchronised():
                return TerminalSupportsSynchronizedOutput() if self._traits.synchronised else None
