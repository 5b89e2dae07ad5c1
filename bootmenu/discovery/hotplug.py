# SPDX-License-Identifier: MIT
"""Which messages of the kernel are about partitions that come and go."""

from __future__ import annotations

from typing import Protocol

from bootmenu.model.value import Value
from bootmenu.system.uevents import KernelEvents

_MAX_FIELDS = 100


class Change(Value):
    """Something about block devices is other than it was."""

    gone: str = ""
    """Kernel name of a device that was taken away, or whose medium was: what is there now is another one."""

    @classmethod
    def from_message(cls, message: bytes) -> Change | None:
        """None = it is about something else. Lost messages (b"") may have been about anything."""
        if not message:
            return cls()
        # lib/kobject_uevent.c: "ACTION@DEVPATH", then KEY=VALUE, each with a NUL at its end
        head, *fields = message.split(b"\0", _MAX_FIELDS)
        if b"@" not in head:
            return None
        values = dict(field.decode("utf-8", "replace").partition("=")[::2] for field in fields[:_MAX_FIELDS])
        if values.get("SUBSYSTEM") != "block":
            return None
        # block/genhd.c: a name with a slash has a ! in its place in sysfs
        name = values.get("DEVPATH", "").rpartition("/")[2].replace("!", "/")
        # block/disk-events.c: DISK_MEDIA_CHANGE=1 when another medium was put in
        gone = values.get("ACTION") == "remove" or values.get("DISK_MEDIA_CHANGE") == "1"
        return cls(gone=name if gone else "")


class Changes(Protocol):
    """Where changes come from: the kernel, or a test."""

    def wait(self) -> Change | None:
        """The next one; None = it was closed."""

    def close(self) -> None:
        """End every wait. Any thread may call it."""


class Hotplug:
    """The running kernel's. Raises OSError where it may not be listened to."""

    def __init__(self, events: KernelEvents | None = None) -> None:
        self._events = events or KernelEvents()

    def wait(self) -> Change | None:
        """See Changes."""
        while (message := self._events.receive()) is not None:
            if change := Change.from_message(message):
                return change
        return None

    def close(self) -> None:
        """See Changes."""
        self._events.close()
