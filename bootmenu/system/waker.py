# SPDX-License-Identifier: MIT
"""A pipe by which any thread or signal handler wakes one that waits in select(2) or poll(2)."""

from __future__ import annotations

import contextlib
import os
import threading


class Waker:
    """Both ends of the pipe; wait for its `fileno`.

    Any thread may wake and close it, in any order and repeatedly: a descriptor that reuses the number of a closed end
    is neither written to nor closed.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a signal handler may come while its own thread holds it
        self._open = True
        self._read, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def fileno(self) -> int:
        """Return the end that becomes readable when it is woken. The waiting thread has to ensure that it is not
        closed in the meantime."""
        return self._read

    def wake(self) -> None:
        """Wake the thread that waits or is about to. Do nothing if closed."""
        with self._lock:
            if self._open:
                with contextlib.suppress(BlockingIOError):  # full: it is going to wake
                    os.write(self._write, b"!")

    def clear(self) -> None:
        """Forget past wake-ups, to wait again."""
        with contextlib.suppress(BlockingIOError):
            os.read(self._read, 4096)

    def close(self) -> None:
        """Close both ends, once no thread waits any more."""
        with self._lock:
            if self._open:
                self._open = False
                os.close(self._read)
                os.close(self._write)
