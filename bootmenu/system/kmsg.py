# SPDX-License-Identifier: MIT
"""The kernel log in /dev/kmsg: the whole of it, or what is added from now on; and which of it consoles show."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

_LONGEST = 240  # characters: kernel/printk/printk.c takes less than 1024 bytes

PRINTK = Path("/proc/sys/kernel/printk")
"""Four numbers, of which the first is the consoles' level (Documentation/admin-guide/sysctl/kernel.rst, printk).
Writing one number changes only that one."""


@contextlib.contextmanager
def shown_on_consoles(level: str) -> Iterator[None]:
    """Make consoles show messages below this level; restore the former level at the end."""
    before = ""
    with contextlib.suppress(OSError):
        before = PRINTK.read_text().partition("\t")[0]
        PRINTK.write_text(level)
    try:
        yield
    finally:
        if before:
            with contextlib.suppress(OSError):
                PRINTK.write_text(before)


class KernelLog:
    """The kernel log, read without ever blocking."""

    def __init__(self, path: str = "/dev/kmsg") -> None:
        self._path = path

    def lines(self) -> list[str] | None:
        """Return every message in the buffer, oldest first, without time stamps, or None if reading is not
        permitted."""
        records = self._records()
        return None if records is None else [text for _, text in records]

    def excerpt(self, words: Collection[str]) -> tuple[list[str] | None, bool]:
        """Return the messages with one of the words (in lower case; any case in the log), or None if reading is not
        permitted; and whether the buffer still has the log's beginning: only then does the absence of a message mean
        something."""
        records = self._records()
        if records is None:
            return None, False
        found = []
        for _, text in records:
            low = text.lower()
            # a plain loop: a slow board asks this some thousand times before it can show its first verdict
            for word in words:
                if word in low:
                    found.append(text)
                    break
        return found, bool(records) and records[0][0] == 0

    @contextlib.contextmanager
    def watched(self) -> Iterator[Callable[[], list[str]]]:
        """Yield a function that returns the messages added since its last call, at first those since now; an empty
        list also if reading is not permitted. What is in the log already is not read: it may be thousands of records.
        """
        descriptor = self._opened(at_end=True)
        if descriptor is None:
            yield list
            return
        try:
            yield lambda: [text for _, text in _read(descriptor)]
        finally:
            os.close(descriptor)

    def say(self, text: str) -> None:
        """Add a line, which consoles show only if they show everything. Never raise: it is only a note."""
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return
        try:
            # Documentation/ABI/testing/dev-kmsg: "<N>" is the level, 7 is KERN_DEBUG; too long a line is EINVAL.
            # Without a line end it may still be added to (kernel/printk/printk.c: prb_commit), and nobody can read it
            # yet: seen on 6.1 as a line of an earlier load among those of the next
            os.write(descriptor, f"<7>{text}"[:_LONGEST].encode("utf-8", "replace") + b"\n")
        except OSError:
            pass
        finally:
            os.close(descriptor)

    def _opened(self, *, at_end: bool = False) -> int | None:
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return None
        if at_end:
            try:
                # Documentation/ABI/testing/dev-kmsg: "SEEK_END, 0: seek after the last record available at the time"
                os.lseek(descriptor, 0, os.SEEK_END)
            except OSError:  # what is there instead of the log, in a container, cannot be searched
                os.close(descriptor)
                return None
        return descriptor

    def _records(self) -> list[tuple[int, str]] | None:
        descriptor = self._opened()
        if descriptor is None:
            return None
        try:
            return list(_read(descriptor))
        finally:
            os.close(descriptor)


def _read(descriptor: int) -> Iterator[tuple[int, str]]:
    # Documentation/ABI/testing/dev-kmsg: "level,sequnum,timestamp,flags;message\n", continuation lines with a
    # space before KEY=value; EPIPE when a record was overwritten while we were reading
    while True:
        try:
            record = os.read(descriptor, 8192)
        except OSError as error:
            if error.errno == errno.EPIPE:
                continue
            return
        if not record:
            return
        head, _, text = record.decode("utf-8", "replace").partition(";")
        fields = head.split(",")
        if len(fields) > 1 and fields[1].isdigit():
            yield int(fields[1]), text.partition("\n")[0]
