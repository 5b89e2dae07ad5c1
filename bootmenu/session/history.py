# SPDX-License-Identifier: MIT
"""What was done since the menu started, and when: the log shows it. It is in memory only."""

from __future__ import annotations

import collections
import time
from collections.abc import Callable

from bootmenu.model.value import Value

_MOST = 200


class Done(Value):
    """Something that was done, or was tried."""

    at: float
    """Seconds since the machine started, as in the kernel's log."""
    message: str
    """A sentence, as a Message if it can be translated."""


class History:
    """The last things that were done, oldest first. Any thread may add to it."""

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        self._clock = clock or (lambda: time.clock_gettime(time.CLOCK_BOOTTIME))
        self._done: collections.deque[Done] = collections.deque(maxlen=_MOST)

    def add(self, message: str) -> None:
        """Add what was done just now."""
        self._done.append(Done(self._clock(), message))

    @property
    def items(self) -> tuple[Done, ...]:
        """Return what was done."""
        return tuple(self._done)
