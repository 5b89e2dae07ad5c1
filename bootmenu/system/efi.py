# SPDX-License-Identifier: MIT
"""EFI variables in efivarfs: files with four bytes of attributes, then the value."""

from __future__ import annotations

import errno
import fcntl
import os
import struct

VARIABLES = "/sys/firmware/efi/efivars"
FILE_SYSTEM = "efivarfs"
GLOBAL = "8be4df61-93ca-11d2-aa0d-00e098032b8c"
"""EFI_GLOBAL_VARIABLE: the vendor of the variables that the specification defines (UEFI, 3.3)."""
STATE = f"{VARIABLES}/BootmenuState-5b1a6f6e-3f5c-4c51-9c4e-7d2d0f1b0a11"
"""Our own variable, which keeps the state between boots."""
_ATTRIBUTES = struct.pack("<I", 0x7)  # UEFI, 8.2: non-volatile, boot service and runtime access
_FS_IOC_GETFLAGS, _FS_IOC_SETFLAGS, _FS_IMMUTABLE = 0x80086601, 0x40086602, 0x10  # include/uapi/linux/fs.h, 64 bit


def access(mountinfo: str) -> str:
    """Return `rw` or `ro` for how efivarfs is mounted according to /proc/self/mountinfo, or an empty string if it is
    not.

    The directory alone proves nothing: the kernel creates it, empty, as the mount point
    (drivers/firmware/efi/efi.c: efisubsys_init). If the firmware lets no running system write, the mount is
    read-only (fs/efivarfs/super.c: efivarfs_fill_super).
    """
    found = ""
    for line in mountinfo.splitlines():
        # Documentation/filesystems/proc.rst, 3.5
        fields, _, behind = line.partition(" - ")
        parts, source = fields.split(), behind.split()
        if len(parts) > 5 and parts[4] == VARIABLES and len(source) > 2:
            own, whole = parts[5].split(","), source[2].split(",")
            found = ("ro" if "ro" in own or "ro" in whole else "rw") if source[0] == FILE_SYSTEM else ""
    return found


def value_of(content: bytes | None) -> bytes | None:
    """Return the value in a variable's file, or None if it has none, like a file that was created and never
    written."""
    return None if content is None or len(content) <= len(_ATTRIBUTES) else content[len(_ATTRIBUTES) :]


def write(path: str | os.PathLike[str], value: bytes) -> None:
    """Replace a variable as a whole, or raise OSError and leave it (UEFI, 8.2: SetVariable)."""
    _make_mutable(path)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        # Documentation/filesystems/efivarfs.rst: the whole in one call
        if os.write(descriptor, _ATTRIBUTES + value) != len(_ATTRIBUTES + value):
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
    finally:
        os.close(descriptor)


def _make_mutable(path: str | os.PathLike[str]) -> None:
    """Make a variable writable: efivarfs protects its files from rm -rf."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        (flags,) = struct.unpack("l", fcntl.ioctl(descriptor, _FS_IOC_GETFLAGS, bytes(8)))
        fcntl.ioctl(descriptor, _FS_IOC_SETFLAGS, struct.pack("l", flags & ~_FS_IMMUTABLE))
    except OSError:
        pass  # older kernels protect nothing
    finally:
        os.close(descriptor)
