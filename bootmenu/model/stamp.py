# SPDX-License-Identifier: MIT
"""A stamp of a file: it tells whether the file has changed, without reading it."""

from __future__ import annotations

from bootmenu.i18n import N_
from bootmenu.model.value import Value


class Stamp(Value, kw_only=True):
    """The state of a file when it was looked at, as stat(2) tells it."""

    size: int
    """Bytes."""
    modified: int
    """Time of the last write to its content, nanoseconds since 1970."""
    changed: int | None
    """Time of the last change to anything about it, nanoseconds since 1970; no program can set it. None = it is not
    compared, because bootmenu itself has renamed the file."""
    inode: int | None = None
    """Its number; None = its file system makes numbers up while it is mounted, as FAT does."""
    within: Stamp | None = None
    """Stamp of the image file that holds it; None = no image file does."""

    def differs(self, now: Stamp) -> str:
        """Return what has changed since, for people; empty = nothing has."""
        if self.size != now.size:
            return N_("{size:,} bytes are there, it had {before:,}", size=now.size, before=self.size)
        if None not in (self.inode, now.inode) and self.inode != now.inode:
            return N_("another file has its name")
        if self.modified != now.modified:
            return N_("it was written to")
        if None not in (self.changed, now.changed) and self.changed != now.changed:
            return N_("its times, name or permissions were changed")
        if self.within is not None and now.within is not None and (inner := self.within.differs(now.within)):
            return N_("the image file that it is in has changed: {change}", change=inner)
        return ""
