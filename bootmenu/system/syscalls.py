# SPDX-License-Identifier: MIT
"""The system calls that Python lacks, by ctypes. errno becomes an OSError that names the call."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import platform
import struct
from enum import IntFlag

_OPENAT2 = 437  # the same number on every architecture since 5.6
_RACES = 64  # times that openat2 is tried
_KEXEC = 0x45584543  # include/uapi/linux/reboot.h: LINUX_REBOOT_CMD_KEXEC
_RESTART = 0x01234567
_POWER_OFF = 0x4321FEDC
_CLONE_NEWNS = 0x00020000
_WDIOC_SETOPTIONS = 0x80045704  # include/uapi/linux/watchdog.h, the same number on all but mips, powerpc, sparc
_WDIOC_KEEPALIVE = 0x80045705
_WDIOS_DISABLECARD = 1
_LOOP_CTL_GET_FREE = 0x4C82  # include/uapi/linux/loop.h
_LOOP_CONFIGURE = 0x4C0A
_LOOP_READ_ONLY_AUTOCLEAR = 1 | 4


class Resolve(IntFlag):
    """include/uapi/linux/openat2.h"""

    NO_XDEV = 0x01
    NO_MAGICLINKS = 0x02
    BENEATH = 0x08
    IN_ROOT = 0x10


class MountFlag(IntFlag):
    """include/uapi/linux/mount.h"""

    RDONLY = 1
    NOSUID = 2
    NODEV = 4
    NOEXEC = 8
    NOSYMFOLLOW = 256
    REC = 1 << 14
    PRIVATE = 1 << 18


MNT_DETACH = 2


class Syscalls:
    """The calls. Tests hand in an object with the same methods."""

    def __init__(self) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._syscall = libc.syscall
        self._syscall.restype = ctypes.c_long
        self._mount = libc.mount
        self._mount.argtypes = [
            ctypes.c_char_p,
            ctypes.c_char_p,
            ctypes.c_char_p,
            ctypes.c_ulong,
            ctypes.c_char_p,
        ]
        self._umount2 = libc.umount2
        self._umount2.argtypes = [ctypes.c_char_p, ctypes.c_int]
        self._unshare = libc.unshare
        self._unshare.argtypes = [ctypes.c_int]
        self._reboot = libc.reboot
        self._reboot.argtypes = [ctypes.c_int]

    def openat2(self, folder: int, path: str, flags: int, resolve: Resolve) -> int:
        """Open `path` below the folder descriptor; returns a descriptor. Raises OSError."""
        how = struct.pack("=QQQ", flags | os.O_CLOEXEC, 0, int(resolve))
        raw = os.fsencode(path)
        for _ in range(_RACES):
            number = self._syscall(
                ctypes.c_long(_OPENAT2),
                ctypes.c_int(folder),
                ctypes.c_char_p(raw),
                ctypes.c_char_p(how),
                ctypes.c_size_t(len(how)),
            )
            # openat2(2): a rename or mount anywhere meanwhile, while the path has a ".."
            if number >= 0 or ctypes.get_errno() != errno.EAGAIN:
                break
        return int(_checked(number, "openat2", path))

    def mount(self, source: str, target: str, kind: str, flags: MountFlag, options: str) -> None:
        """mount(2). Raises OSError."""
        result = self._mount(
            os.fsencode(source), os.fsencode(target), os.fsencode(kind), int(flags), os.fsencode(options)
        )
        _checked(result, "mount", source)

    def umount(self, target: str, flags: int = 0) -> None:
        """umount2(2). Raises OSError."""
        _checked(self._umount2(os.fsencode(target), flags), "umount2", target)

    def own_mounts(self) -> None:
        """Give this process a mount namespace of its own, from which nothing leaks back: its mounts end with
        it, however it ends. Raises OSError."""
        _checked(self._unshare(_CLONE_NEWNS), "unshare", "mount namespace")
        self.mount("none", "/", "", MountFlag.REC | MountFlag.PRIVATE, "")

    def watchdog(self, path: str, *, disarm: bool) -> None:
        """Feed a running watchdog, or stop it. Raises OSError; EBUSY when somebody else holds it."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            if disarm:
                with contextlib.suppress(OSError):  # some drivers know the magic character only
                    fcntl.ioctl(descriptor, _WDIOC_SETOPTIONS, struct.pack("i", _WDIOS_DISABLECARD))
                os.write(descriptor, b"V")
            else:
                fcntl.ioctl(descriptor, _WDIOC_KEEPALIVE)
        finally:
            # without the magic character it goes on counting when it is closed
            os.close(descriptor)

    def attach_loop(self, descriptor: int) -> tuple[str, int]:
        """A loop device that reads what the descriptor reads, and that refuses every write (drivers/block/loop.c:
        loop_handle_cmd). Returns its name, `loop0`, and an open descriptor: it is gone when that is closed and
        nothing stands on it. Raises OSError."""
        flags = os.O_RDONLY | os.O_CLOEXEC
        for _ in range(_RACES):
            control = os.open("/dev/loop-control", flags)
            try:
                number = fcntl.ioctl(control, _LOOP_CTL_GET_FREE)
            finally:
                os.close(control)
            loop = os.open(f"/dev/loop{number}", flags)
            try:
                # include/uapi/linux/loop.h: struct loop_config with its struct loop_info64
                fcntl.ioctl(
                    loop, _LOOP_CONFIGURE, struct.pack("=2I52xI240x", descriptor, 0, _LOOP_READ_ONLY_AUTOCLEAR)
                )
            except OSError as error:
                os.close(loop)
                if error.errno != errno.EBUSY:  # somebody else was quicker
                    raise
            else:
                return f"loop{number}", loop
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), "loop")

    def sync(self) -> None:
        """Write everything to the disks. May take as long as the slowest of them."""
        os.sync()

    def reboot_kexec(self) -> None:
        """Jump into the loaded kernel; returns only by raising OSError."""
        _checked(self._reboot(_KEXEC - (1 << 32) if _KEXEC >= 1 << 31 else _KEXEC), "reboot", "kexec")

    def uname(self) -> tuple[str, str]:
        """(machine, kernel release)"""
        name = platform.uname()
        return name.machine, name.release


def _checked(result: int, call: str, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}", what)
    return result
