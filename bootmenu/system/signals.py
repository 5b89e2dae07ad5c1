# SPDX-License-Identifier: MIT
"""The signals that end this process. In a subcommand they raise an exception (`raised`); a menu remembers them
(`held`) and passes them to the part of it that is at work (`listening`)."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from types import FrameType

from bootmenu.typed import NoReturn

ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
"""Without SIGINT, which is a key: Ctrl+C interrupts what listens to keys."""


class EndedError(KeyboardInterrupt):
    """A signal wants this process to end."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


_listeners: list[Callable[[int], object]] = []
_received = 0


@contextlib.contextmanager
def raised() -> Iterator[None]:
    """Raise EndedError for SIGTERM and SIGHUP inside the block, so that what was loaded or mounted is undone, as for
    Ctrl+C. A signal that is ignored stays ignored (nohup). Do nothing outside of the main thread."""

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
    """Remember these signals inside the block instead of dying of them. Do nothing outside of the main thread."""
    global _received
    before = {}
    for number in ENDING:
        with contextlib.suppress(ValueError):  # not in the main thread
            before[number] = signal.signal(number, _remember)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if _remember not in before.values():  # the outermost
            _received = 0


def received() -> int:
    """Return the first signal that was received while they were held, or 0."""
    return _received


@contextlib.contextmanager
def listening(listener: Callable[[int], object]) -> Iterator[None]:
    """Call the listener in the main thread with each signal, and at once with one that was received before."""
    _listeners.append(listener)
    try:
        if _received:
            listener(_received)
        yield
    finally:
        _listeners.remove(listener)


def let_them_kill() -> None:
    """Let these signals end the process at once, as by default."""
    for number in ENDING:
        with contextlib.suppress(ValueError):  # not in the main thread: a listener there ends the process
            signal.signal(number, signal.SIG_DFL)


def wait_to_be_ended() -> NoReturn:
    """Wait for the signal with which systemd ends this process at shutdown, and die of it."""
    let_them_kill()
    if _received:
        signal.raise_signal(_received)
    while True:
        signal.pause()


def _remember(number: int, _frame: FrameType | None) -> None:
    global _received
    _received = _received or number
    for listener in list(_listeners):
        listener(number)
