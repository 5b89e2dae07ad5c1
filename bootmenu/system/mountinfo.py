# SPDX-License-Identifier: MIT
"""Values read from /proc/self/mountinfo."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

from bootmenu.model.value import Value
from bootmenu.system.host import Host


class Mount(Value, kw_only=True):
    """One line of mountinfo (Documentation/filesystems/proc.rst, 3.5)."""

    id: int
    """ID of the mount, as in /proc/self/fdinfo."""
    number: str
    """`major:minor` of the file system; btrfs makes up its own."""
    root: str
    """Which directory of the file system is mounted; `/` for all of it."""
    point: str
    filesystem: str
    source: str
    """The device as it was named when it was mounted, like `/dev/sda1`."""


def mounts(host: Host) -> Iterator[Mount]:
    """Yield the mounts in the order in which they were made; none if the file cannot be read."""
    for line in (host.text("/proc/self/mountinfo") or "").splitlines():
        fields, _, behind = line.partition(" - ")
        parts, source = fields.split(), behind.split()
        if len(parts) >= 5 and parts[0].isdecimal() and len(parts[0]) < 20 and len(source) >= 2:
            yield Mount(
                id=int(parts[0]),
                number=parts[2],
                root=_unescaped(parts[3]),
                point=_unescaped(parts[4]),
                filesystem=source[0],
                source=_unescaped(source[1]),
            )


def mount_of(descriptor: int) -> int | None:
    """Return the ID of the mount that an open file or directory is on, or None if the kernel does not say."""
    # proc(5): "the ID of the mount containing this file"; since 3.15
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/self/fdinfo/{descriptor}").read_text("ascii", "replace").splitlines():
            name, _, value = line.partition(":")
            if name == "mnt_id" and value.strip().isdecimal():
                return int(value)
    return None


def _unescaped(text: str) -> str:
    """Return a field with its octal escapes replaced: space, tab, newline, backslash and #
    (fs/proc_namespace.c:mangle)."""
    return re.sub(r"\\(0[0-7]{2}|1[0-7]{2})", lambda match: chr(int(match[1], 8)), text)
