# SPDX-License-Identifier: MIT
"""The programs of this host that `bootmenu vm` uses, and the Debian packages that have them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bootmenu.errors import BootmenuError

FOR_FILES = {
    "apt-get": "apt",
    "dpkg-deb": "dpkg",
    "sfdisk": "fdisk",
    "mkfs.vfat": "dosfstools",
    "mcopy": "mtools",
    "mkfs.ext4": "e2fsprogs",
    "mkfs.btrfs": "btrfs-progs",
}
"""Package by program: what downloads the systems and makes their disk."""


def require(packages: Mapping[str, str], find: Callable[[str], str | None]) -> None:
    """Raise BootmenuError if a program is missing, which names all that are, and how to install them.

    packages: the package of each program. find: returns a program's path, or None.
    """
    missing = [program for program in packages if find(program) is None]
    if not missing:
        return
    names = " ".join(dict.fromkeys(packages[program] for program in missing))
    raise BootmenuError(
        f"the virtual machine needs {', '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed",
        f"On Debian and Ubuntu: sudo apt-get install --no-install-recommends {names}",
    )
