# SPDX-License-Identifier: MIT
"""The signals that end this process, in the two ways in which it takes them: a subcommand is interrupted (`raised`),
and a menu remembers them from its first moment to its last and passes them to the part that is at work (`held`)."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from types import FrameType
from typing import NoReturn

ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
"""And not SIGINT, which is a key: it interrupts where it is heard."""


class EndedError(KeyboardInterrupt):
    """A signal wants this process to end."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


_listeners: list[Callable[[int], object]] = []
_told = 0


@contextlib.contextmanager
def raised() -> Iterator[None]:
    """Raise EndedError for SIGTERM and SIGHUP until the end: they do what Ctrl+C does, and what was loaded or mounted
    is undone. A signal that is ignored stays ignored (nohup). Do nothing outside of the main thread."""

    def end(number: int, _frame: FrameType | None) -> None:
        raise EndedError(number)

    before = {}
    with contextlib.suppress(ValueError):  # not in the main thread
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is signal.SIG_DFL:
                before[number] = signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def held() -> Iterator[None]:
    """Remember these signals until the end, instead of dying of them. Does nothing outside of the main thread."""
    global _told
    before = {}
    for number in ENDING:
        with contextlib.suppress(ValueError):  # not in the main thread
            before[number] = signal.signal(number, _take)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if _take not in before.values():  # the outermost
            _told = 0


def told() -> int:
    """Return the first signal that came while they were held; 0 = none did."""
    return _told


@contextlib.contextmanager
def listening(listener: Callable[[int], object]) -> Iterator[None]:
    """Call it in the main thread with each signal that comes, and at once with one that came before."""
    _listeners.append(listener)
    try:
        if _told:
            listener(_told)
        yield
    finally:
        _listeners.remove(listener)


def let_them_kill() -> None:
    """Let these signals end the process at once, as by default."""
    for number in ENDING:
        with contextlib.suppress(ValueError):  # not in the main thread, where whoever listens ends the process
            signal.signal(number, signal.SIG_DFL)


def wait_to_be_ended() -> NoReturn:
    """Wait for the signal with which systemd ends this process when its turn comes, and die of it."""
    let_them_kill()
    if _told:
        signal.raise_signal(_told)
    while True:
        signal.pause()


def _take(number: int, _frame: FrameType | None) -> None:
    global _told
    _told = _told or number
    for listener in list(_listeners):
        listener(number)
