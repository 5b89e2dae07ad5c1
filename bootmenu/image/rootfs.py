# SPDX-License-Identifier: MIT
"""Access a root file system in a directory of this host; links are resolved inside it and cannot leave it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from bootmenu.errors import BootmenuError, UsageError

_MERGED = ("bin", "sbin", "lib", "lib32", "lib64")
_MAX_LINKS = 40


class Root:
    """The tree from which the files of an image are taken.

    Paths are absolute in the tree (``/usr/bin/python3``); only ``host`` returns a ``Path`` on the host. What is
    missing in /lib is looked for in /usr/lib, and so on: since Debian 13 packages have their files there, and where
    packages are only unpacked there is no link /lib.
    """

    def __init__(self, folder: Path) -> None:
        """Open a directory. Raise UsageError if it is none."""
        if not folder.is_dir():
            raise UsageError(f"{folder} is not a directory", "Give --root an unpacked root file system.")
        self.folder = folder.resolve()

    def resolve(self, path: str) -> str | None:
        """Return the path with all links resolved inside the tree, or None if it does not exist."""
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
                if host.exists():
                    done.append(part)
                elif (done or [part])[0] in _MERGED:
                    done.insert(0, "usr")
                    waiting.append(part)
                else:
                    return None
                continue
            links += 1
            if links > _MAX_LINKS:
                return None
            if target.startswith("/"):
                done = []
            waiting += [step for step in reversed(PurePosixPath(target).parts) if step != "/"]
        return "/" + "/".join(done)

    def host(self, path: str) -> Path | None:
        """Return the path on this host, or None if it does not exist."""
        resolved = self.resolve(path)
        return None if resolved is None else self.folder / resolved.lstrip("/")

    def first(self, *paths: str) -> str | None:
        """Return the first of the paths that exists, without resolving it, or None."""
        return next((path for path in paths if self.resolve(path) is not None), None)

    def program(self, name: str) -> str | None:
        """Return the path of a program in the usual directories, or None if it is not installed."""
        return self.first(*(f"/{folder}/{name}" for folder in ("usr/bin", "usr/sbin", "bin", "sbin")))

    def read(self, path: str) -> bytes:
        """Return the content of a file. Raise BootmenuError if it cannot be read."""
        host = self.host(path)
        if host is None:
            raise BootmenuError(f"{path} is missing in {self.folder}")
        if not host.is_file():  # reading a named pipe would wait for ever
            raise BootmenuError(f"{host} is no regular file")
        try:
            return host.read_bytes()
        except OSError as error:
            raise BootmenuError(f"{host} cannot be read: {error.strerror}") from error

    def files(self, folder: str) -> Iterator[str]:
        """Yield the regular files below a directory, sorted; ignore links."""
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
    """Return the path in an image with merged /usr: ``usr/lib/x`` for ``/lib/x`` and ``/usr/lib/x``."""
    relative = path.lstrip("/")
    return f"usr/{relative}" if relative.split("/", 1)[0] in _MERGED else relative
