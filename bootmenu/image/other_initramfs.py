# SPDX-License-Identifier: MIT
"""Copy the menu into the tree of an initramfs that another program builds, such as initramfs-tools or dracut."""

from __future__ import annotations

import contextlib
import stat
from collections.abc import Callable
from pathlib import Path

from bootmenu.errors import BootmenuError, UsageError
from bootmenu.image.build import add_menu
from bootmenu.image.contents import Contents
from bootmenu.image.cpio import ArchiveMember
from bootmenu.image.process_runner import Runner
from bootmenu.image.rootfs import Root

_MERGED = ("bin", "sbin", "lib")
_UNFINISHED = ".bootmenu-copy.tmp"


def copy_menu(root: Path, into: Path, runner: Runner, say: Callable[[str], None]) -> None:
    """Copy Python, bootmenu and its tools from the system in `root` into `into`, whose own files stay as they are.

    Raise BootmenuError if something is missing or cannot be written.
    """
    if not into.is_dir():
        raise UsageError(f"{into} is not a directory", "Give --into the tree of an initramfs that is being built.")
    for name in _MERGED:
        if (into / name).is_dir() and not (into / name).is_symlink():
            raise BootmenuError(
                f"{into / name} is a folder of its own", "The menu can only be copied where it is a link to /usr."
            )
    into = into.resolve()
    contents = Contents()
    add_menu(Root(root), contents, runner, say)
    nodes = [node for node in contents.nodes if not stat.S_ISCHR(node.mode)]
    fresh, copied = into / _UNFINISHED, 0
    _remove(fresh)  # what a copy that was killed has left
    for node in nodes:
        try:
            if into not in (into / node.path).parent.resolve().parents and node.path.count("/"):
                raise BootmenuError(f"{into / node.path} would be outside of {into}")
            copied += _copy(node, into / node.path, fresh)
        except OSError as error:
            raise BootmenuError(f"{into / node.path} cannot be written: {error.strerror}") from error
        finally:
            _remove(fresh)
    say(f"{into}: {copied / 1e6:.1f} MB copied")


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def _copy(node: ArchiveMember, target: Path, fresh: Path) -> int:
    """Write one file, link or folder, unless there is one already; return its size in bytes.

    fresh: where a file is until it is whole, as the next copy would take half a one for finished.
    """
    if target.is_symlink() or target.exists():
        return 0
    if stat.S_ISDIR(node.mode):
        target.mkdir(parents=True)
        target.chmod(stat.S_IMODE(node.mode))
    elif stat.S_ISLNK(node.mode):
        target.symlink_to(node.data.decode("utf-8", "surrogateescape"))
    else:
        fresh.write_bytes(node.data)
        fresh.chmod(stat.S_IMODE(node.mode))
        fresh.rename(target)
        return len(node.data)
    return 0
