# SPDX-License-Identifier: MIT
"""One process at a time, by the lock of a file, which the kernel releases when a process is killed."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Callable, Iterator
from pathlib import Path


@contextlib.contextmanager
def alone(path: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock, and wait for it while another process does. say: is told so. Raise OSError if it cannot be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another bootmenu is downloading or making this; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
