# SPDX-License-Identifier: MIT
"""Which processes keep a file system from being unmounted."""

from __future__ import annotations

import os
from collections.abc import Iterator

from bootmenu.model.text import printable
from bootmenu.system.host import Host

_MOST = 4096  # processes, and descriptors of one of them
_NAMED = 4


def holders(host: Host, point: str) -> list[str]:
    """Return `sh (pid 123)` for the first few processes that work in, run from, or have files open below a mount
    point."""
    try:
        device = host.path(point).stat().st_dev
    except OSError:
        return []
    found: list[str] = []
    numbers = sorted((name for name in _names(host, "/proc") if name.isdigit()), key=int)
    for number in numbers[:_MOST]:
        if int(number) != os.getpid() and any(_lies_on(host, link, device) for link in _links(host, number)):
            name = printable(host.text(f"/proc/{number}/comm") or "?")[:32]
            found.append(f"{name} (pid {number})")
            if len(found) >= _NAMED:
                break
    return found


def _links(host: Host, number: str) -> Iterator[str]:
    yield from (f"/proc/{number}/{name}" for name in ("cwd", "root", "exe"))
    yield from (f"/proc/{number}/fd/{name}" for name in _names(host, f"/proc/{number}/fd")[:_MOST])


def _names(host: Host, folder: str) -> list[str]:
    try:
        return [path.name for path in host.path(folder).iterdir()]
    except OSError:
        return []  # gone, or not permitted


def _lies_on(host: Host, link: str, device: int) -> bool:
    try:
        return host.path(link).stat().st_dev == device
    except OSError:
        return False
