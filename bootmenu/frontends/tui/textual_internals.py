# SPDX-License-Identifier: MIT
"""What this program relies on of Textual's private parts, under public names. No other file may touch one of them.

`PRIVATE` lists them all. A test compares the list with this file and with the Textual that is installed, and
pyproject.toml admits only releases of the series for which that was done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from time import sleep
from typing import IO, Any, TypeVar

from textual._context import visible_screen_stack
from textual._styles_cache import StylesCache as StylesCache
from textual.app import App
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.filter import LineFilter
from textual.keys import KEY_NAME_REPLACEMENTS, _character_to_key
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
"""By module or class: the names that are used or overridden."""


def key_name(character: str) -> str:
    """Return the name that Textual gives the key of a character."""
    name = character if character.isalnum() else _character_to_key(character)
    return KEY_NAME_REPLACEMENTS.get(name, name)


def forget_drawn_lines() -> None:
    """Empty the cache that keeps the drawn lines of a thousand widgets alive, those of screens that have ended too:
    two colours are remembered by the widget's StylesCache."""
    StylesCache.get_inner_outer.cache_clear()


class TextualApp(App[T], inherit_bindings=False):
    """Textual's app, which leaves to a subclass what happens after an exception."""

    @property
    def driver(self) -> Driver | None:
        """Return what draws on the terminal; None before the app runs."""
        return self._driver

    def call_soon(self, callback: Callable[..., object], *arguments: object) -> bool:
        """From any thread: call back in the thread of the app, and return whether there is one."""
        if self._loop is None:
            return False
        self._loop.call_soon_threadsafe(callback, *arguments)
        return True

    def on_exception(self, error: Exception) -> None:
        """Do what is due after the first exception that nothing handled."""
        raise NotImplementedError

    def _handle_exception(self, error: Exception) -> None:
        """Close without showing the exception; tests that drive the app raise it again."""
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
        """Return what changes the colours of every line on its way to the terminal."""
        return self._filters

    def drawn(self, *, with_background: bool = False) -> list[Strip]:
        """Return the rows of the screen as they were drawn last. with_background: the screens that shine through a
        box are drawn under it, as they are on the terminal."""
        if with_background:
            visible_screen_stack.set(self._background_screens)
        return self.screen._compositor.render_strips(self.size)[: self.size.height]


def merged_keys(screen: type[Screen[Any]]) -> set[str]:
    """Return the keys that a class of screens reacts to, with what it inherits."""
    merged = screen._merged_bindings
    return set() if merged is None else set(merged.key_to_bindings)


class TextualDriver(LinuxDriver):
    """Textual's driver for Linux. What a subclass changes has a public name here, and does what Textual does."""

    @property
    def app(self) -> App[Any]:
        """Return the app that is drawn."""
        return self._app

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """Return the loop of the app, in which the driver was made."""
        return self._loop

    @property
    def mouse(self) -> bool:
        """Return whether the app wants the mouse."""
        return self._mouse

    @property
    def is_on(self) -> bool:
        """Return whether the terminal is the app's, and its keys are read."""
        return self._key_thread is not None and self._key_thread.is_alive()

    @property
    def resumes(self) -> bool:
        """Return whether the app goes on by itself after it was stopped, not inside `App.suspend`."""
        return self._auto_restart

    def announce_resume(self) -> None:
        """Tell the app at the next start of the application mode that it goes on."""
        self._must_signal_resume = True

    def write_to(self, file: IO[str]) -> None:
        """Write to this file, not to standard error."""
        self._file = file  # type: ignore[assignment]

    def keep_size(self, size: tuple[int, int]) -> None:
        """Let the app take this size instead of asking the terminal."""
        self._size = size

    def flush_writer(self) -> bool:
        """In a thread: wait until everything has been handed to the terminal; return whether there is one."""
        writer, file = self._writer_thread, self._file
        if writer is None or file is None:
            return False
        writer.write("")  # once this is taken, what was before it has been written
        while writer.is_alive() and writer._queue.qsize():
            sleep(0.01)
        file.flush()
        return True

    def stop(self) -> None:
        """Give the terminal back and stop, when told to by SIGTSTP."""
        super()._sigtstp_application()

    def go_on(self) -> None:
        """Take the terminal again after SIGCONT."""
        super()._sigcont_application()

    def measure(self) -> tuple[int, int]:
        """Return the columns and rows of the terminal."""
        return super()._get_terminal_size()

    def enable_mouse(self) -> None:
        """Ask the terminal for the mouse."""
        super()._enable_mouse_support()

    def disable_mouse(self) -> None:
        """Ask the terminal for the mouse no more."""
        super()._disable_mouse_support()

    def enable_paste(self) -> None:
        """Ask the terminal to mark what is pasted."""
        super()._enable_bracketed_paste()

    def disable_paste(self) -> None:
        """Ask the terminal to mark what is pasted no more."""
        super()._disable_bracketed_paste()

    def ask_for_synchronised_output(self) -> None:
        """Ask the terminal whether it shows a frame as a whole."""
        super()._request_terminal_sync_mode_support()

    # what Textual calls

    def _sigtstp_application(self, *_: object) -> None:
        self.stop()

    def _sigcont_application(self, *_: object) -> None:
        self.go_on()

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
