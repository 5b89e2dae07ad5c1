# SPDX-License-Identifier: MIT
"""The menu's log: errors with what the kernel said, notices, and the tracebacks of internal errors."""

from __future__ import annotations

import contextlib
import os
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from bootmenu.errors import BootmenuError
from bootmenu.i18n import N_
from bootmenu.model.text import quoted

_TAIL = 64 * 1024
"""Bytes at the end of the file that are read for its last lines."""
_MAX_LINES_IN_MEMORY = 1000

_memory: list[str] | None = None
"""The last lines of a simulation's log, or None if the log is the file."""
_listeners: list[Callable[[], object]] = []


class InternalError(BootmenuError):
    """An unexpected exception ended the menu; the terminal is restored and nothing is loaded."""


def log_file(environ: Mapping[str, str] | None = None) -> Path:
    """Return the log's path: $BOOTMENU_LOG, else in the user's state folder, else in /run/bootmenu (for root with no
    home)."""
    environ = os.environ if environ is None else environ
    if environ.get("BOOTMENU_LOG"):
        return Path(environ["BOOTMENU_LOG"])
    if environ.get("XDG_STATE_HOME"):
        return Path(environ["XDG_STATE_HOME"]) / "bootmenu" / "menu.log"
    if environ.get("HOME"):
        return Path(environ["HOME"]) / ".local" / "state" / "bootmenu" / "menu.log"
    return Path("/run/bootmenu/menu-app.log")


@contextlib.contextmanager
def in_memory() -> Iterator[None]:
    """Keep a simulation's log in memory, and out of the file, until the end."""
    global _memory
    _memory = []
    try:
        yield
    finally:
        _memory = None


def listen(listener: Callable[[], object]) -> Callable[[], None]:
    """Call the listener, in any thread, whenever something is written. Return a function that stops this, which may
    be called more than once."""
    _listeners.append(listener)

    def stop() -> None:
        with contextlib.suppress(ValueError):
            _listeners.remove(listener)

    return stop


def write(text: str) -> Path | None:
    """Append a text; return the file, or None if it is in no file."""
    for listener in tuple(_listeners):
        listener()
    if _memory is not None:
        _memory.extend(text.splitlines())
        del _memory[:-_MAX_LINES_IN_MEMORY]
        return None
    return _append(text)


def write_error(error: BaseException) -> Path | None:
    """Append an expected error with its hint and what the kernel said, or the traceback of any other exception.
    Return the file, or None if it is in no file."""
    if isinstance(error, BootmenuError):
        more: list[str] = [error.hint, *getattr(error, "__notes__", ()), *getattr(error, "kernel_log", ())]
        return write("\n  ".join([error.message, *filter(None, more)]))
    return write(_traceback(error))


def logged_error(error: Exception) -> BootmenuError:
    """Append an unexpected exception, and return the error to show for it."""
    write_error(error)
    return BootmenuError(f"{type(error).__name__}: {quoted(str(error))}")


def internal_error(error: BaseException) -> InternalError:
    """Append the exception that ends the menu, and return the error that says where the traceback is. It goes to the
    file even in a simulation, because what is in memory is lost now."""
    path = _append(_traceback(error))
    hint = N_("The details are in {path}.", path=path) if path else N_("The details could not be written to a file.")
    text = " ".join(f"{type(error).__name__}: {error}".split())[:200]
    return InternalError(N_("the menu stopped because of an internal error: {error}", error=quoted(text)), hint)


def _traceback(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


def _append(text: str) -> Path | None:
    """Append a text to the file; return its path, or None if it cannot be written."""
    path = log_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8", errors="backslashreplace") as log:
            log.write(text + "\n")
    except OSError:
        return None
    return path


def last_lines(count: int) -> list[str]:
    """Return the last lines of the log, oldest first; none if it cannot be read."""
    if _memory is not None:
        return _memory[-count:]
    try:
        with log_file().open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - _TAIL))
            return log.read(_TAIL).decode("utf-8", "replace").splitlines()[-count:]
    except OSError:
        return []
