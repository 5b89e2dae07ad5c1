# SPDX-License-Identifier: MIT
"""The menu's log, and its own mistakes: the traceback goes to the log, one sentence to the person."""

from __future__ import annotations

import contextlib
import os
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from bootmenu.errors import BootmenuError
from bootmenu.i18n import N_
from bootmenu.model.text import quoted


class MenuError(BootmenuError):
    """The menu stopped because of a mistake of its own; the terminal is restored and nothing is loaded."""


def log_file(environ: Mapping[str, str] | None = None) -> Path:
    """$BOOTMENU_LOG; else the user's state folder; else, as root without a home, /run/bootmenu."""
    environ = os.environ if environ is None else environ
    if environ.get("BOOTMENU_LOG"):
        return Path(environ["BOOTMENU_LOG"])
    if environ.get("XDG_STATE_HOME"):
        return Path(environ["XDG_STATE_HOME"]) / "bootmenu" / "menu.log"
    if environ.get("HOME"):
        return Path(environ["HOME"]) / ".local" / "state" / "bootmenu" / "menu.log"
    return Path("/run/bootmenu/menu-app.log")


_pretended: list[str] | None = None
"""What a simulation has noted."""


@contextlib.contextmanager
def pretending() -> Iterator[None]:
    """Until the end what is noted is about a simulation: it stays in memory, and out of the file."""
    global _pretended
    _pretended = []
    try:
        yield
    finally:
        _pretended = None


_listeners: list[Callable[[], object]] = []


def listen(listener: Callable[[], object]) -> Callable[[], None]:
    """Be told, in whatever thread, of everything that is written. The answer ends that, once or more often."""
    _listeners.append(listener)

    def stop() -> None:
        with contextlib.suppress(ValueError):
            _listeners.remove(listener)

    return stop


def write(error: BaseException) -> Path | None:
    """Append what an expected error says, or the traceback of an internal error. None when the file cannot be
    written: there is nobody left to tell."""
    if isinstance(error, BootmenuError):
        more: list[str] = [error.hint, *getattr(error, "__notes__", ()), *getattr(error, "kernel_log", ())]
        return note("\n  ".join([error.message, *filter(None, more)]))
    return note("".join(traceback.format_exception(error)))


def written(error: Exception) -> BootmenuError:
    """Write down a mistake, and return what is shown in place of what was asked for."""
    write(error)
    return BootmenuError(f"{type(error).__name__}: {quoted(str(error))}")


def note(text: str) -> Path | None:
    """Append what the person at the machine may want to read later. None when it is in no file."""
    for listener in tuple(_listeners):
        listener()
    if _pretended is not None:
        _pretended.extend(text.splitlines())
        del _pretended[:-_MOST_PRETENDED]
        return None
    return _append(text)


def _append(text: str) -> Path | None:
    path = log_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8", errors="backslashreplace") as log:
            log.write(text + "\n")
    except OSError:
        return None
    return path


def tail(lines: int) -> list[str]:
    """The last lines of the file, or of what a simulation has noted; [] where there is none."""
    if _pretended is not None:
        return _pretended[-lines:]
    try:
        with log_file().open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - _TAIL))
            return log.read(_TAIL).decode("utf-8", "replace").splitlines()[-lines:]
    except OSError:
        return []


_TAIL = 64 * 1024  # bytes
_MOST_PRETENDED = 1000  # lines


def fault(error: BaseException) -> MenuError:
    """Write it down and say where."""
    path = _append("".join(traceback.format_exception(error)))
    hint = N_("The details are in {path}.", path=path) if path else N_("The details could not be written to a file.")
    said = " ".join(f"{type(error).__name__}: {error}".split())[:200]
    return MenuError(N_("the menu stopped because of a mistake of its own: {error}", error=quoted(said)), hint)
