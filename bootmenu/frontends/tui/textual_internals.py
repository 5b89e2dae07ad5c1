# SPDX-License-Identifier: MIT
"""Textual's private names that bootmenu depends on, under public names. No other file may use a private one.

`PRIVATE` lists them all. A test compares the list with this file and with the installed Textual, and pyproject.toml
allows only the release series for which the test passed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from time import sleep
from typing import IO, Any, TypeVar

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.style import Style as RichStyle
from textual._context import visible_screen_stack
from textual._styles_cache import StylesCache as StylesCache
from textual.app import App
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.filter import LineFilter
from textual.keys import KEY_NAME_REPLACEMENTS, _character_to_key
from textual.renderables.background_screen import BackgroundScreen
from textual.screen import Screen
from textual.strip import Strip

T = TypeVar("T")

PRIVATE: dict[str, tuple[str, ...]] = {
    "textual._context": ("visible_screen_stack",),
    "textual._styles_cache": ("StylesCache",),
    "textual.keys": ("_character_to_key",),
    "textual.app.App": (
        "_background_screens",
        "_close_messages_no_wait",
        "_driver",
        "_exception",
        "_exception_event",
        "_exit_renderables",
        "_filters",
        "_handle_exception",
        "_loop",
        "_return_code",
    ),
    "textual.screen.Screen": ("_compositor", "_merged_bindings"),
    "textual.drivers.linux_driver.LinuxDriver": (
        "_app",
        "_auto_restart",
        "_disable_bracketed_paste",
        "_disable_mouse_support",
        "_enable_bracketed_paste",
        "_enable_mouse_support",
        "_file",
        "_get_terminal_size",
        "_key_thread",
        "_loop",
        "_mouse",
        "_must_signal_resume",
        "_request_terminal_sync_mode_support",
        "_sigcont_application",
        "_sigtstp_application",
        "_size",
        "_writer_thread",
    ),
    "textual.drivers._writer_thread.WriterThread": ("_queue",),
}
"""Private names that are used or overridden, by module or class."""


def key_name(character: str) -> str:
    """Return Textual's name for the key that types a character."""
    name = character if character.isalnum() else _character_to_key(character)
    return KEY_NAME_REPLACEMENTS.get(name, name)


def forget_drawn_lines() -> None:
    """Empty Textual's cache of border colours: its keys keep the drawn lines of widgets, even of closed screens."""
    StylesCache.get_inner_outer.cache_clear()


def dimmed(background: RenderableType, ink: RichStyle) -> RenderableType:
    """Return what Textual draws behind a modal screen, all of it in one ink. The ground stays."""
    return Dimmed(background.screen, ink) if isinstance(background, BackgroundScreen) else background


class Dimmed:
    """The contents of a screen in one ink."""

    def __init__(self, screen: Screen[Any], ink: RichStyle) -> None:
        self.screen, self.ink = screen, ink

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the segments of the screen in the ink."""
        for text, style, control in console.render(self.screen._compositor, options):
            ground = RichStyle(bgcolor=style.bgcolor if style else None)
            yield Segment(text, style if control else ground + self.ink, control)


class TextualApp(App[T], inherit_bindings=False):
    """A Textual app whose subclass decides what happens after an exception."""

    @property
    def driver(self) -> Driver | None:
        """Return the driver of the terminal, or None before the app runs."""
        return self._driver

    def call_soon(self, callback: Callable[..., object], *arguments: object) -> bool:
        """Schedule a call in the app's thread; return False if the app does not run yet. Safe in any thread."""
        if self._loop is None:
            return False
        self._loop.call_soon_threadsafe(callback, *arguments)
        return True

    def on_exception(self, error: Exception) -> None:
        """Handle the first exception that nothing else handled."""
        raise NotImplementedError

    def _handle_exception(self, error: Exception) -> None:
        """Close without printing the exception; App.run_test raises it again."""
        self._return_code = 1
        if self._exception is None:
            self.on_exception(error)
            self._exception = error
            self._exception_event.set()
        self._close_messages_no_wait()

    @property
    def exit_renderables(self) -> Sequence[object]:
        """Return what would be printed after the app has ended."""
        return self._exit_renderables

    @property
    def line_filters(self) -> Sequence[LineFilter]:
        """Return the filters that change the colours of every line before it is sent."""
        return self._filters

    def drawn(self, *, with_background: bool = False) -> list[Strip]:
        """Return the rows of the screen as last drawn. with_background: include the screens behind a dialog."""
        if with_background:
            visible_screen_stack.set(self._background_screens)
        return self.screen._compositor.render_strips(self.size)[: self.size.height]


def merged_keys(screen: type[Screen[Any]]) -> set[str]:
    """Return the keys that a screen class binds, with inherited ones."""
    merged = screen._merged_bindings
    return set() if merged is None else set(merged.key_to_bindings)


class TextualDriver(LinuxDriver):
    """Textual's driver for Linux, with a public name for each private method that a subclass overrides."""

    @property
    def app(self) -> App[Any]:
        """Return the app."""
        return self._app

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """Return the app's event loop."""
        return self._loop

    @property
    def mouse(self) -> bool:
        """Return whether the app wants the mouse."""
        return self._mouse

    @property
    def is_on(self) -> bool:
        """Return whether the app has the terminal and reads its keys."""
        return self._key_thread is not None and self._key_thread.is_alive()

    @property
    def auto_restart(self) -> bool:
        """Return whether the app resumes automatically after SIGCONT; False inside `App.suspend`."""
        return self._auto_restart

    def announce_resume(self) -> None:
        """Let the next start of the application mode signal the app that it resumes."""
        self._must_signal_resume = True

    def set_output(self, file: IO[str]) -> None:
        """Write to this file instead of standard error."""
        self._file = file  # type: ignore[assignment]

    def set_size(self, size: tuple[int, int]) -> None:
        """Set the size that the app uses instead of asking the terminal."""
        self._size = size

    def flush_writer(self) -> bool:
        """Wait until all output is written; return False if the writer does not run. Call it in a thread."""
        writer, file = self._writer_thread, self._file
        if writer is None or file is None:
            return False
        writer.write("")  # when this is taken off the queue, everything before it is written
        while writer.is_alive() and writer._queue.qsize():
            sleep(0.01)
        file.flush()
        return True

    def handle_sigtstp(self) -> None:
        """Give the terminal back and stop, after SIGTSTP."""
        super()._sigtstp_application()

    def handle_sigcont(self) -> None:
        """Take the terminal again after SIGCONT."""
        super()._sigcont_application()

    def measure(self) -> tuple[int, int]:
        """Return the columns and rows of the terminal."""
        return super()._get_terminal_size()

    def enable_mouse(self) -> None:
        """Turn mouse reports on."""
        super()._enable_mouse_support()

    def disable_mouse(self) -> None:
        """Turn mouse reports off."""
        super()._disable_mouse_support()

    def enable_paste(self) -> None:
        """Turn bracketed paste on."""
        super()._enable_bracketed_paste()

    def disable_paste(self) -> None:
        """Turn bracketed paste off."""
        super()._disable_bracketed_paste()

    def ask_for_synchronised_output(self) -> None:
        """Ask the terminal whether it supports synchronised output."""
        super()._request_terminal_sync_mode_support()

    # the private names that Textual calls

    def _sigtstp_application(self, *_: object) -> None:
        self.handle_sigtstp()

    def _sigcont_application(self, *_: object) -> None:
        self.handle_sigcont()

    def _get_terminal_size(self) -> tuple[int, int]:
        return self.measure()

    def _enable_mouse_support(self) -> None:
        self.enable_mouse()

    def _disable_mouse_support(self) -> None:
        self.disable_mouse()

    def _enable_bracketed_paste(self) -> None:
        self.enable_paste()

    def _disable_bracketed_paste(self) -> None:
        self.disable_paste()

    def _request_terminal_sync_mode_support(self) -> None:
        self.ask_for_synchronised_output()
