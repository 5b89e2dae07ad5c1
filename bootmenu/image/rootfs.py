# SPDX-License-Identifier: MIT
"""A root file system as a folder of this host: its links are followed inside it, never out of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from bootmenu.errors import BootmenuError

_MERGED = ("bin", "sbin", "lib", "lib32", "lib64")
_MAX_LINKS = 40


class Root:
    """The tree that an image takes its files from.

    Paths are absolute in the tree (``/usr/bin/python3``); a host ``Path`` only comes out of ``host``.
    """

    def __init__(self, folder: Path) -> None:
        """Raises BootmenuError when ``folder`` is not a folder."""
        if not folder.is_dir():
            raise BootmenuError(f"{folder} is not a folder.", "Give --root an unpacked root file system.")
        self.folder = folder.resolve()

    def resolve(self, path: str) -> str | None:
        """The path with every link followed inside the tree; None when nothing is there."""
        waiting = [part for part in reversed(PurePosixPath(path).parts) if part != "/"]
        done: list[str] = []
        links = 0
        while waiting:
            part = waiting.pop()
            if part == "..":
                if done:
                    done.pop()
                continue
            host = self.folder.joinpath(*done, part)
            try:
                target = str(host.readlink())
            except OSError:
                if not host.exists():
                    return None
                done.append(part)
                continue
            links += 1
            if links > _MAX_LINKS:
                return None
            if target.startswith("/"):
                done = []
            waiting += [step for step in reversed(PurePosixPath(target).parts) if step != "/"]
        return "/" + "/".join(done)

    def host(self, path: str) -> Path | None:
        """Where the file is on this host; None when nothing is there."""
        resolved = self.resolve(path)
        return None if resolved is None else self.folder / resolved.lstrip("/")

    def first(self, *paths: str) -> str | None:
        """The first of the paths that exists, unresolved."""
        return next((path for path in paths if self.resolve(path) is not None), None)

    def program(self, name: str) -> str | None:
        """The path of a program in the usual folders; None when it is not installed."""
        return self.first(*(f"/{folder}/{name}" for folder in ("usr/bin", "usr/sbin", "bin", "sbin")))

    def read(self, path: str) -> bytes:
        """The content of a file. Raises BootmenuError when it cannot be read."""
        host = self.host(path)
        if host is None:
            raise BootmenuError(f"{path} is missing in {self.folder}.")
        try:
            return host.read_bytes()
        except OSError as error:
            raise BootmenuError(f"{host} cannot be read: {error.strerror}.") from error

    def files(self, folder: str) -> Iterator[str]:
        """Every regular file below a folder, sorted; links are left alone."""
        top = self.host(folder)
        if top is None:
            return
        for current, folders, names in os.walk(top):
            folders.sort()
            inside = Path(current).relative_to(top)
            for name in sorted(names):
                if not Path(current, name).is_symlink():
                    yield str(PurePosixPath(folder) / inside / name)


def merged_usr(path: str) -> str:
    """``/lib/x`` and ``/usr/lib/x`` → ``usr/lib/x``: images have one /usr, and links from the old places."""
    relative = path.lstrip("/")
    return f"usr/{relative}" if relative.split("/", 1)[0] in _MERGED else relative
