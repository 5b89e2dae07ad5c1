# SPDX-License-Identifier: MIT
"""The kernel log in /dev/kmsg: the whole of it, or what was added since a mark; and which of it consoles show."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Collection, Iterator
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
        records = self._records(-1)
        return None if records is None else [text for _, text in records]

    def excerpt(self, words: Collection[str]) -> tuple[list[str] | None, bool]:
        """Return the messages with one of the words (in lower case; any case in the log), or None if reading is not
        permitted; and whether the buffer still has the log's beginning: only then does the absence of a message mean
        something."""
        records = self._records(-1)
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

    def mark(self) -> int:
        """Return the newest record's sequence number, for `since`; -1 if there is none or reading is not
        permitted."""
        records = self._records(-1)
        return records[-1][0] if records else -1

    def since(self, mark: int) -> list[str]:
        """Return the messages after the mark; an empty list also if reading is not permitted."""
        return [text for _, text in self._records(mark) or []]

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

    def _records(self, after: int) -> list[tuple[int, str]] | None:
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            return [record for record in _read(descriptor) if record[0] > after]
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
