# SPDX-License-Identifier: MIT
"""The archives in which systemd-stub hands files on to the next system, in its initramfs (src/boot/cpio.c).

Each file gets an archive of its own here, because the kernel unpacks any number of them, one after the other.
"""

from __future__ import annotations

import stat

from bootmenu.typed import Final

_TRAILER = "TRAILER!!!"
_SECRET: Final = (".extra/credentials", ".extra/global_credentials")
"""Directories that only root may look into: 0500, and the files in them 0400; others have 0555 and 0444."""


def before(path: str, size: int) -> bytes:
    """Return what precedes a file's content: its parent directories, and its own header. path: in the archive."""
    folder, slash, _ = path.rpartition("/")
    secret = folder in _SECRET
    data = bytearray()
    names = [folder[:at] for at, char in enumerate(folder) if char == "/"] + ([folder] if slash else [])
    for number, name in enumerate(names, 1):
        # "all leading paths are created with 0555 access mode, only the final dir is created with the specified"
        data += _header(name, stat.S_IFDIR | (0o500 if secret and name == folder else 0o555), number, 0)
    return bytes(data + _header(path, stat.S_IFREG | (0o400 if secret else 0o444), len(names) + 1, size))


def after(size: int) -> bytes:
    """Return what follows a content of that size: the padding, and the end of the archive."""
    return bytes(-size % 4) + _header(_TRAILER, 0, 0, 0)


def _header(name: str, mode: int, inode: int, size: int) -> bytes:
    """Return a header of the format newc (Documentation/driver-api/early-userspace/buffer-format.rst), padded."""
    encoded = name.encode() + b"\0"
    fields = (inode, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, len(encoded), 0)
    header = b"070701" + b"".join(b"%08x" % field for field in fields) + encoded
    return header + bytes(-len(header) % 4)
