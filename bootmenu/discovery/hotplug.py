# SPDX-License-Identifier: MIT
"""Wait for kernel messages (uevents) about partitions that are added, removed or changed."""

from __future__ import annotations

from threading import Event

from bootmenu.model.value import Value
from bootmenu.system.uevents import KernelEvents
from bootmenu.typed import Protocol

_MAX_FIELDS = 100


class Change(Value):
    """A change of the block devices."""

    gone: str = ""
    """Kernel name of a device that was removed, or whose medium was, or empty. A device found under it is new."""

    @classmethod
    def from_message(cls, message: bytes) -> Change | None:
        """Parse a message; return None if it is about something else. b"" means that messages were lost, which may
        have been about anything."""
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
    """A source of changes: the kernel, or a test."""

    def wait(self) -> Change | None:
        """Wait for the next change; return None if the source was closed."""

    def close(self) -> None:
        """End all waits. Any thread may call it."""


class NoChanges:
    """A source for a machine whose partitions cannot be watched, or do not change."""

    def __init__(self) -> None:
        self._closed = Event()

    def wait(self) -> Change | None:
        """Wait until the source is closed."""
        self._closed.wait()
        return None

    def close(self) -> None:
        """End all waits."""
        self._closed.set()


class Hotplug:
    """The changes that the running kernel reports. Raise OSError if listening is not permitted."""

    def __init__(self, events: KernelEvents | None = None) -> None:
        self._events = events or KernelEvents()

    def wait(self) -> Change | None:
        """Wait for the next change; return None if the source was closed."""
        while (message := self._events.receive()) is not None:
            if change := Change.from_message(message):
                return change
        return None

    def close(self) -> None:
        """End all waits. Any thread may call it."""
        self._events.close()
