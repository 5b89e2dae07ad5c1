# SPDX-License-Identifier: MIT
"""What tells one state of a file from another without reading it."""

from __future__ import annotations

from dataclasses import dataclass

from bootmenu.language import marked


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """A file when it was looked at, as stat(2) has it."""

    size: int
    """Bytes."""
    modified: int
    """When its content was written to, nanoseconds since 1970."""
    changed: int | None
    """When anything about it was changed, nanoseconds since 1970; nobody can set it. None = it does not count, as
    the file was renamed here."""
    inode: int | None = None
    """None = its file system makes numbers up while it is mounted, as FAT does."""
    within: Stamp | None = None
    """Of the image file that it lies in; None = it lies in none."""

    def differs(self, now: Stamp) -> str:
        """What is another one by now, for people; empty = nothing."""
        if self.size != now.size:
            return marked(f"{now.size:,} bytes are there, it had {self.size:,}")
        if None not in (self.inode, now.inode) and self.inode != now.inode:
            return marked("another file has its name")
        if self.modified != now.modified:
            return marked("it was written to")
        if None not in (self.changed, now.changed) and self.changed != now.changed:
            return marked("its times, name or permissions were changed")
        if self.within is not None and now.within is not None and (inner := self.within.differs(now.within)):
            return marked(f"the image file that it is in has changed: {inner}")
        return ""
