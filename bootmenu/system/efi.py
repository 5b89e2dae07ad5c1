# SPDX-License-Identifier: MIT
"""Variables of EFI firmware, as efivarfs shows them: files of four bytes of attributes and the value."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import struct
from pathlib import Path

VARIABLES = "/sys/firmware/efi/efivars"
GLOBAL = "8be4df61-93ca-11d2-aa0d-00e098032b8c"
"""EFI_GLOBAL_VARIABLE: the vendor of the variables that the specification defines (UEFI, 3.3)."""
_ATTRIBUTES = struct.pack("<I", 0x7)  # UEFI, 8.2: non-volatile, boot service and runtime access
_FS_IOC_GETFLAGS, _FS_IOC_SETFLAGS, _FS_IMMUTABLE = 0x80086601, 0x40086602, 0x10  # include/uapi/linux/fs.h, 64 bit


def write(path: Path, value: bytes) -> None:
    """Replace a variable as a whole, or not at all (UEFI, 8.2: SetVariable). Raises OSError."""
    with contextlib.suppress(FileNotFoundError):
        _make_mutable(path)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        # Documentation/filesystems/efivarfs.rst: the whole in one call
        if os.write(descriptor, _ATTRIBUTES + value) != len(_ATTRIBUTES + value):
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
    finally:
        os.close(descriptor)


def _make_mutable(path: Path) -> None:
    """efivarfs protects its files from rm -rf."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(OSError):
            (flags,) = struct.unpack("l", fcntl.ioctl(descriptor, _FS_IOC_GETFLAGS, bytes(8)))
            fcntl.ioctl(descriptor, _FS_IOC_SETFLAGS, struct.pack("l", flags & ~_FS_IMMUTABLE))
    finally:
        os.close(descriptor)
