# SPDX-License-Identifier: MIT
"""A pipe by which any thread, or a signal handler, wakes the one that waits in select(2) or poll(2)."""

from __future__ import annotations

import contextlib
import os
import threading


class Waker:
    """Both ends of the pipe. To be waited for by its `fileno`.

    It may be woken and closed by any thread, in any order and as often as one likes: nothing is written to, and
    nothing closed, that has got the number of one of its ends since.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a signal handler may come while its own thread holds it
        self._open = True
        self._read, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def fileno(self) -> int:
        """Return the end that can be read as soon as somebody wakes. Whoever waits for it sees to it that it is not
        closed meanwhile."""
        return self._read

    def wake(self) -> None:
        """Wake whoever waits, or is going to. Do nothing when it is closed."""
        with self._lock:
            if self._open:
                with contextlib.suppress(BlockingIOError):  # full: it is going to wake
                    os.write(self._write, b"!")

    def clear(self) -> None:
        """Wait anew: forget who has woken so far."""
        with contextlib.suppress(BlockingIOError):
            os.read(self._read, 4096)

    def close(self) -> None:
        """Close both ends, when nobody waits any more."""
        with self._lock:
            if self._open:
                self._open = False
                os.close(self._read)
                os.close(self._write)
