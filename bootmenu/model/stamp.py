# SPDX-License-Identifier: MIT
"""A stamp of a file, which shows whether the file has changed without reading it."""

from __future__ import annotations

from bootmenu.i18n import N_
from bootmenu.model.value import Value


class Stamp(Value, kw_only=True):
    """The state of a file when it was examined, from stat(2)."""

    size: int
    """Bytes."""
    modified: int
    """Time of the last write, in nanoseconds since 1970."""
    changed: int | None
    """Time of the last change of the inode, in nanoseconds since 1970, which programs cannot set; None: not compared,
    because bootmenu itself renamed the file."""
    inode: int | None = None
    """Inode number; None if the file system invents numbers while it is mounted, as FAT does."""
    within: Stamp | None = None
    """Stamp of the image file that contains it, or None."""

    def differs(self, now: Stamp) -> str:
        """Return what has changed, for people; empty if nothing has."""
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
