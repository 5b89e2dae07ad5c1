# SPDX-License-Identifier: MIT
"""Textual's Linux driver for consoles and serial lines: says nothing they do not know, hears what is in the list."""

from __future__ import annotations

import contextlib
import io
import os
import re
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
from bootmenu.terminal.capabilities import Traits, bounded, drain, opened, prepare_environment
from bootmenu.terminal.cell_diff import CellDiff
from bootmenu.terminal.character_sets import to_ascii, to_console
from bootmenu.terminal.consoles import Console
from bootmenu.terminal.input_filter import Click, Key, Paste, Synchronised, Token, TokenReader

__all__ = ["BootmenuDriver", "prepare_environment", "to_ascii"]

# Motion and other reports of the mouse, focus and in-band resize, the questions for them, the kitty keyboard, the
# pointer's shape: nothing here uses them, and minicom prints what it does not know.
_ALWAYS_OUT = re.compile(
    r"\x1b\[\?(?:1002|1003|1004|1015|1016|2048)[hl]|\x1b\[\?2048\$p"
    r"|\x1b\[[<>=]\d*u|\x1b\]22;[^\x07\x1b]*(?:\x07|\x1b\\)"
)
_SYNCHRONISED = re.compile(r"\x1b\[\?2026(?:\$p|[hl])")
_CONSOLE_OUT = re.compile(r"\x1b\[\?1049h")
_CLEAR = "\x1b[m\x1b[H\x1b[J"


class _Line(io.TextIOWrapper):
    """One of several terminals: when it is gone, the others must not notice."""

    def write(self, text: str, /) -> int:
        """What is lost is lost; whoever reads notices that the line is gone."""
        with contextlib.suppress(OSError):
            super().write(text)
        return len(text)

    def flush(self) -> None:
        """The same."""
        with contextlib.suppress(OSError):
            super().flush()


@runtime_checkable
class Hangs(Protocol):
    """An app that knows what to do when its line is gone. Called in a thread."""

    def hang_up(self) -> None: ...


_CHARACTERS = {"enter": "\r", "tab": "\t", "backspace": "\x7f", "escape": "\x1b"}
_WHEEL, _MOTION = 64, 32


def key_event(key: Key) -> events.Key | None:
    """Return the event of a key by Textual's name, or None for a key that means nothing. In the middle of a text the
    name begins with IN_TEXT."""
    name, character = key.name, key.character or _CHARACTERS.get(key.name)
    if not name and character:
        name = key_name(character)
    if not name:
        return None
    return events.Key(name if key.alone else IN_TEXT + name, character)


def mouse_event(click: Click) -> events.MouseEvent | None:
    """Return the event of a click or of the wheel, or None for a motion, which nobody asked for."""
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


def _size_of(descriptor: int) -> os.terminal_size | None:
    try:
        return os.get_terminal_size(descriptor)
    except OSError:
        return None


class BootmenuDriver(TextualDriver):
    """Filters what is written by the terminal's name, and reads bytes that need not be UTF-8."""

    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ):
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._place: Console | None = getattr(app, "place", None)
        if self._place is not None:
            self.fileno = opened(self._place.name)
            raw = io.BufferedWriter(io.FileIO(self.fileno, "w"))
            self.write_to(_Line(raw, encoding="utf-8", errors="replace", write_through=True))
            self.input_tty = True
        self._traits = Traits.of(os.environ) if self._place is None else self._place.traits
        self._mouse_on = False
        self._suspended = False
        """It gave the terminal back because it was told to stop."""
        self._modes: list[Any] = []
        """Of the terminal, while it is the app's."""
        self._cells = CellDiff(80, 24, basic=self._traits.basic, brightens=self._traits.brightens)
        self.measure()

    def write(self, data: str) -> None:
        """What the terminal understands of it."""
        if "\x1b[?" in data or "\x1b[<" in data or "\x1b[>" in data or "\x1b]" in data:
            data = _ALWAYS_OUT.sub("", data)
            if not self._traits.synchronised:
                data = _SYNCHRONISED.sub("", data)
            if self._traits.console:
                data = _CONSOLE_OUT.sub("", data).replace("\x1b[?1049l", _CLEAR)
        if self._traits.ascii:
            data = to_ascii(data)
        elif self._traits.console:
            data = to_console(data)
        data = self._cells.filter(data)
        if data:
            super().write(data)

    def drain(self) -> None:
        """Wait until everything that was written has left for the terminal, but not long. In a thread."""
        drain([self._wait_for_the_line])

    def _wait_for_the_line(self) -> None:
        with contextlib.suppress(OSError, ValueError, termios.error):
            if self.flush_writer():
                termios.tcdrain(self.fileno)

    def forget(self) -> None:
        """The screen may show anything, after noise on the line for instance."""
        self._cells.forget()

    def start_application_mode(self) -> None:
        """As Textual's, once: a second start would read the keys twice. Nothing is known of the screen."""
        if self.is_on:
            return
        self._cells.forget()
        super().start_application_mode()  # type: ignore[no-untyped-call]
        with contextlib.suppress(termios.error):
            self._modes = termios.tcgetattr(self.fileno)

    def stop(self) -> None:
        """Give the terminal back, and stop. One of several terminals stays as it is: it is nobody's meanwhile."""
        if self.is_on and self.resumes and self._place is None:
            self.suspend_application_mode()
            self._suspended = True
            self.announce_resume()
        os.kill(os.getpid(), signal.SIGSTOP)

    def go_on(self) -> None:
        """Take the terminal again where it was given back. After a SIGSTOP, of which nobody is told, it was not: then
        a shell may have written on it and changed its modes."""
        if self._suspended:
            self._suspended = False
            self.resume_application_mode()
        elif self.is_on:
            with contextlib.suppress(RuntimeError):  # the loop has come to its end
                self.loop.call_soon_threadsafe(self._take_again)

    def _take_again(self) -> None:
        if not self.is_on:
            return
        with contextlib.suppress(termios.error, TypeError):
            termios.tcsetattr(self.fileno, termios.TCSANOW, self._modes)
        self.write("\x1b[?1049h\x1b[?25l\x1b[?7l")
        self._mouse_on = False
        self.enable_mouse()
        self.enable_paste()
        self._follow_size()
        self.forget()
        self.app.refresh(repaint=True, layout=True)

    def enable_mouse(self) -> None:
        """Clicks and the wheel, in SGR coordinates. Not motion: it would cost bytes and mean nothing."""
        if self.mouse and self._traits.mouse and not self._mouse_on:
            self._mouse_on = True
            self.write("\x1b[?1000h\x1b[?1006h")
            self.flush()

    def disable_mouse(self) -> None:
        """As it was, before a shell, another kernel or the end."""
        if self._mouse_on:
            self._mouse_on = False
            self.write("\x1b[?1006l\x1b[?1000l")
            self.flush()

    def ask_for_synchronised_output(self) -> None:
        """Only where the terminal has it: others are not asked."""
        if self._traits.synchronised:
            super().ask_for_synchronised_output()

    def enable_paste(self) -> None:
        """Only where the terminal has it: others are not told of it."""
        if self._traits.pastes:
            self.write("\x1b[?2004h")

    def disable_paste(self) -> None:
        """As it was."""
        if self._traits.pastes:
            self.write("\x1b[?2004l")

    def measure(self) -> tuple[int, int]:
        """Return the size that is drawn in, whatever the terminal says of itself."""
        own = self._place is None
        width = int(os.environ.get("COLUMNS", "0")) if own else 0
        height = int(os.environ.get("LINES", "0")) if own else 0
        for descriptor in (self.fileno, 1, 2) if own else (self.fileno,):
            if width and height:
                break
            if (size := _size_of(descriptor)) is not None:
                width, height = width or size.columns, height or size.lines
        # kept, because the app would ask the terminal itself
        width, height = bounded(width, height)
        self.keep_size((width, height))
        if (width, height) != (self._cells.width, self._cells.height):
            self._cells = CellDiff(width, height, basic=self._traits.basic, brightens=self._traits.brightens)
        return width, height

    def _follow_size(self) -> None:
        """Whether the terminal has another size, in the app's loop. A terminal that is not this process's own
        sends no signal, and Textual's handler knows of one app only."""
        known = self._cells.width, self._cells.height
        if (now := self.measure()) != known:
            size = Size(*now)
            self.app.post_message(events.Resize(size, size))

    def disable_input(self) -> None:
        """As Textual's, which also stops listening to the signal that other apps may wait for."""
        before = signal.getsignal(signal.SIGWINCH)
        super().disable_input()
        if self._place is not None:
            with contextlib.suppress(ValueError):
                signal.signal(signal.SIGWINCH, before)

    def run_input_thread(self) -> None:
        """As Textual's, but only what is in the list comes in (terminal/input_filter.py), a line that hung up ends
        the menu, and the size is watched."""
        size = _size_of(self.fileno)
        reader = TokenReader(constants.ESCAPE_DELAY)
        while not self.exit_event.is_set():
            if size != (size := _size_of(self.fileno)):
                self.loop.call_soon_threadsafe(self._follow_size)
            wait = reader.wait
            if select.select([self.fileno], [], [], 0.1 if wait is None else wait)[0]:
                try:
                    data = os.read(self.fileno, 4096)
                except OSError:
                    data = b""
                if not data:
                    if isinstance(self.app, Hangs):
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
