# SPDX-License-Identifier: MIT
"""System calls that Python lacks, through ctypes. An errno becomes an OSError that names the call."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import mmap
import os
import struct
from collections.abc import Iterator, Sequence
from enum import IntFlag
from functools import lru_cache

from bootmenu.model.value import Value

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
_SUBVOL_GETFLAGS = 0x80089419  # include/uapi/linux/btrfs.h: BTRFS_IOC_SUBVOL_GETFLAGS
_KEYCTL = {"x86_64": 250}  # arch/x86/entry/syscalls/syscall_64.tbl; elsewhere that of asm-generic/unistd.h
_KEYCTL_GENERIC = 219
_KEYCTL_READ = 11  # include/uapi/linux/keyctl.h
_MAX_KEYS = 4096
_PROT_READ, _MAP_PRIVATE = 1, 2  # include/uapi/asm-generic/mman-common.h
_MADV_SEQUENTIAL = 2
_MAP_FAILED = ctypes.c_void_p(-1).value
_PIECE = 1 << 24  # bytes that are read at once
SEGMENTS_MAX = 16
"""include/uapi/linux/kexec.h: KEXEC_SEGMENT_MAX"""


class _Kexec(Value, kw_only=True):
    """What differs between architectures: the numbers of the two calls, and the architecture's ELF number."""

    load: int
    file_load: int
    machine: int


_KEXEC_NUMBERS = {
    # include/uapi/asm-generic/unistd.h, arch/x86/entry/syscalls/syscall_64.tbl; uapi/linux/kexec.h: KEXEC_ARCH_*
    "aarch64": _Kexec(load=104, file_load=294, machine=183),
    "riscv64": _Kexec(load=104, file_load=294, machine=243),
    "x86_64": _Kexec(load=246, file_load=320, machine=62),
}


class KexecFile(IntFlag):
    """Flags of kexec_file_load, include/uapi/linux/kexec.h."""

    UNLOAD = 1
    NO_INITRAMFS = 4


class Segment(Value, kw_only=True):
    """A piece of the next kernel for kexec_load. Sizes are in bytes."""

    buffer: int
    """Address of the content in this process."""
    size: int
    """Size of the content; the rest of the memory is filled with zeros."""
    phys: int
    """Physical address of the destination, page-aligned."""
    memory: int
    """Size of the memory there, in whole pages."""


class _Segment(ctypes.Structure):
    """A struct kexec_segment."""

    _fields_ = (
        ("buf", ctypes.c_void_p),
        ("bufsz", ctypes.c_size_t),
        ("mem", ctypes.c_void_p),
        ("memsz", ctypes.c_size_t),
    )


class Resolve(IntFlag):
    """Flags of openat2, include/uapi/linux/openat2.h."""

    NO_XDEV = 0x01
    NO_MAGICLINKS = 0x02
    BENEATH = 0x08
    IN_ROOT = 0x10


class MountFlag(IntFlag):
    """Flags of mount, include/uapi/linux/mount.h."""

    RDONLY = 1
    NOSUID = 2
    NODEV = 4
    NOEXEC = 8
    NOSYMFOLLOW = 256
    REC = 1 << 14
    PRIVATE = 1 << 18


MNT_DETACH = 2


@lru_cache(maxsize=16)
def _open_how(flags: int, resolve: int) -> bytes:
    """Return a struct open_how."""
    return struct.pack("=QQQ", flags, 0, resolve)


class Syscalls:
    """The system calls. Tests replace it by an object with the same methods."""

    def __init__(self) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._openat2 = libc["syscall"]
        self._openat2.restype = ctypes.c_long
        self._openat2.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t]
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
        self._mmap = libc.mmap
        self._mmap.restype = ctypes.c_void_p
        self._mmap.argtypes = [
            ctypes.c_void_p,
            ctypes.c_size_t,
            ctypes.c_int,
            ctypes.c_int,
            ctypes.c_int,
            ctypes.c_long,
        ]
        self._madvise = libc.madvise
        self._madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
        # one function object per call: indexing, unlike an attribute, would return a new one each time
        self._kexec_load = libc["syscall"]
        self._kexec_load.restype = ctypes.c_long
        self._kexec_load.argtypes = [
            ctypes.c_long,
            ctypes.c_ulong,
            ctypes.c_ulong,
            ctypes.POINTER(_Segment),
            ctypes.c_ulong,
        ]
        self._kexec_file_load = libc["syscall"]
        self._kexec_file_load.restype = ctypes.c_long
        self._kexec_file_load.argtypes = [
            ctypes.c_long,
            ctypes.c_int,
            ctypes.c_int,
            ctypes.c_ulong,
            ctypes.c_char_p,
            ctypes.c_ulong,
        ]
        self._keyctl = libc["syscall"]
        self._keyctl.restype = ctypes.c_long
        self._keyctl.argtypes = [
            ctypes.c_long,
            ctypes.c_ulong,
            ctypes.c_ulong,
            ctypes.POINTER(ctypes.c_int32),
            ctypes.c_ulong,
        ]
        self._munmap = libc.munmap
        self._munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]

    def openat2(self, folder: int, path: str, flags: int, resolve: Resolve) -> int:
        """Open `path` below a directory descriptor; return a descriptor or raise OSError."""
        how = _open_how(flags | os.O_CLOEXEC, int(resolve))
        raw = os.fsencode(path)
        for _ in range(_RACES):
            number = self._openat2(_OPENAT2, folder, raw, how, len(how))
            # openat2(2): a concurrent rename or mount anywhere, if the path has a ".."
            if number >= 0 or ctypes.get_errno() != errno.EAGAIN:
                break
        return int(_checked(number, "openat2", path))

    def mount(self, source: str, target: str, kind: str, flags: MountFlag, options: str) -> None:
        """Call mount(2), or raise OSError."""
        result = self._mount(
            os.fsencode(source), os.fsencode(target), os.fsencode(kind), int(flags), os.fsencode(options)
        )
        _checked(result, "mount", source)

    def umount(self, target: str, flags: int = 0) -> None:
        """Call umount2(2), or raise OSError."""
        _checked(self._umount2(os.fsencode(target), flags), "umount2", target)

    def own_mounts(self) -> None:
        """Give this process its own mount namespace, so that its mounts disappear when it ends. Raise OSError on
        failure."""
        _checked(self._unshare(_CLONE_NEWNS), "unshare", "mount namespace")
        self.mount("none", "/", "", MountFlag.REC | MountFlag.PRIVATE, "")

    def watchdog(self, path: str, *, disarm: bool) -> None:
        """Feed a running watchdog, or stop it. Raise OSError on failure; EBUSY if another process has it open."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            if disarm:
                with contextlib.suppress(OSError):  # some drivers know the magic character only
                    fcntl.ioctl(descriptor, _WDIOC_SETOPTIONS, struct.pack("i", _WDIOS_DISABLECARD))
                os.write(descriptor, b"V")
            else:
                fcntl.ioctl(descriptor, _WDIOC_KEEPALIVE)
        finally:
            # without the magic character it keeps counting after it is closed
            os.close(descriptor)

    def attach_loop(self, descriptor: int) -> tuple[str, int]:
        """Make a loop device that reads from the descriptor and refuses every write (drivers/block/loop.c:
        loop_handle_cmd). Return its name, `loop0`, and an open descriptor: the device disappears when that is closed
        and nothing uses it. Raise OSError on failure."""
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

    def is_read_only_subvolume(self, descriptor: int) -> bool:
        """Return whether the btrfs subvolume whose root this descriptor (O_PATH) is may not be written to, on
        whatever mount. Raise OSError for another file system."""
        root = os.open(f"/proc/self/fd/{descriptor}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            # include/uapi/linux/btrfs.h: BTRFS_SUBVOL_RDONLY
            (flags,) = struct.unpack("=Q", fcntl.ioctl(root, _SUBVOL_GETFLAGS, bytes(8)))
        finally:
            os.close(root)
        return bool(flags & 2)

    @contextlib.contextmanager
    def mapped(self, descriptor: int, size: int, offset: int = 0) -> Iterator[int]:
        """Map `size` bytes of a file (at least one) and yield their address: its page cache, not a copy.

        The address is only for a system call, which returns EFAULT if the file has shrunk; reading it in this
        process would raise SIGBUS. Raise OSError on failure.
        """
        into_page = offset % mmap.PAGESIZE
        length = size + into_page
        address = self._mmap(None, length, _PROT_READ, _MAP_PRIVATE, descriptor, offset - into_page)
        if address is None or address == _MAP_FAILED:
            _checked(-1, "mmap", f"{size:,} bytes")
        # else every page that was read counts as in use, and the kernel finds no memory for its own copy of a file of
        # nearly half of it (mm/rmap.c:folio_referenced_one: VM_SEQ_READ); where it fails, nothing else changes
        self._madvise(address, length, _MADV_SEQUENTIAL)
        try:
            yield address + into_page
        finally:
            self._munmap(address, length)

    @contextlib.contextmanager
    def copied(self, descriptor: int, size: int, offset: int = 0) -> Iterator[int]:
        """Read `size` bytes of a file (at least one) into memory of this process, and yield their address. Raise
        OSError: EIO if its disk fails, ENODATA if the file ends before, ENOMEM."""
        with mmap.mmap(-1, size) as memory, memoryview(memory) as view:
            done = 0
            while done < size:
                with view[done : done + _PIECE] as piece:
                    length = os.preadv(descriptor, [piece], offset + done)
                if not length:
                    raise OSError(errno.ENODATA, "the file ends early")
                done += length
            first = ctypes.c_char.from_buffer(memory)
            try:
                yield ctypes.addressof(first)
            finally:
                del first  # a map with a view of it cannot be closed

    def kexec_load(self, entry: int, segments: Sequence[Segment]) -> None:
        """Call kexec_load(2), which replaces the loaded kernel; without segments, it unloads. It cannot be
        interrupted.

        entry: physical address to jump to. Raise OSError on failure.
        """
        numbers = _kexec_numbers("kexec_load")
        array = (_Segment * len(segments))(
            *(_Segment(piece.buffer, piece.size, piece.phys, piece.memory) for piece in segments)
        )
        result = self._kexec_load(numbers.load, entry, len(segments), array or None, numbers.machine << 16)
        _checked(result, "kexec_load", f"{len(segments)} segments")

    def kexec_file_load(self, kernel: int, initrd: int | None, command_line: bytes) -> None:
        """Call kexec_file_load(2), which replaces the loaded kernel. command_line: without NUL. Raise OSError on
        failure."""
        number = _kexec_numbers("kexec_file_load").file_load
        flags = KexecFile.NO_INITRAMFS if initrd is None else KexecFile(0)
        # "cmdline_len ... must be greater than 0 and include the NUL"
        size = len(command_line) + 1
        result = self._kexec_file_load(number, kernel, -1 if initrd is None else initrd, size, command_line, flags)
        _checked(result, "kexec_file_load", "kernel")

    def kexec_file_unload(self) -> None:
        """Unload what kexec_file_load loaded, or raise OSError."""
        number = _kexec_numbers("kexec_file_load").file_load
        _checked(self._kexec_file_load(number, -1, -1, 0, None, KexecFile.UNLOAD), "kexec_file_load", "unload")

    def keyring(self, serial: int) -> tuple[int, ...]:
        """Return the serial numbers of the keys in a keyring, of some thousands at most; or raise OSError."""
        array = (ctypes.c_int32 * _MAX_KEYS)()
        number = _KEYCTL.get(os.uname().machine, _KEYCTL_GENERIC)
        size = self._keyctl(number, _KEYCTL_READ, serial, array, ctypes.sizeof(array))
        _checked(size, "keyctl", f"{serial:#x}")
        return tuple(array[: min(size // ctypes.sizeof(ctypes.c_int32), _MAX_KEYS)])

    def sync(self) -> None:
        """Write everything to the disks, which may take as long as the slowest of them."""
        os.sync()

    def reboot_kexec(self) -> None:
        """Jump into the loaded kernel; return only by raising OSError."""
        self.reboot(_KEXEC)

    def reboot(self, command: int) -> None:
        """Call reboot(2) with a LINUX_REBOOT_CMD_*; return only by raising OSError."""
        _checked(self._reboot(command - (1 << 32) if command >= 1 << 31 else command), "reboot", f"{command:#x}")

    def uname(self) -> tuple[str, str]:
        """Return (machine, kernel release)."""
        name = os.uname()
        return name.machine, name.release


def _kexec_numbers(call: str) -> _Kexec:
    machine = os.uname().machine
    if machine not in _KEXEC_NUMBERS:
        raise OSError(errno.ENOSYS, f"{call}: its number is not known here", machine)
    return _KEXEC_NUMBERS[machine]


def _checked(result: int, call: str, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}", what)
    return result
