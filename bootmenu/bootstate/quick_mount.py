# SPDX-License-Identifier: MIT
"""Find and mount the partition that the settings name, in the simplest case and with almost no imports.

In a started system udev has probed every disk and stored the results. This finds a partition only if there is no
doubt: its name must be unique in the machine, and its disk must be attached to the machine's own controllers.
tests/bootstate/test_quick_mount.py compares the results with those of discovery/.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False  # typing costs a third of an interpreter's start
if TYPE_CHECKING:
    from typing import Self

_NAMES = {
    "uuid": "E:ID_FS_UUID",
    "label": "E:ID_FS_LABEL_ENC",
    "partuuid": "E:ID_PART_ENTRY_UUID",
    "partlabel": "E:ID_PART_ENTRY_NAME",
}
"""Keys of the names of a partition in udev's database (/run/udev/data/bMAJOR:MINOR)."""
_FILE_SYSTEMS = frozenset(("vfat", "exfat", "ext2", "ext3", "ext4", "xfs", "f2fs"))
_STACKED = ("dm-", "md", "loop", "nbd", "ram", "zram", "bcache")
_OURS = frozenset(("pci", "platform", "amba", "virtio"))
_PLAIN = _OURS | {"", "acpi", "scsi", "ata_port", "nvme", "mmc", "mmc_host"}
"""Subsystems of the parent devices of a disk inside the machine, or of a card in a slot."""
_POINT = "/run"
"""Where the partition is mounted, for this process only."""
_CLONE_NEWNS, _DETACH = 0x00020000, 2
_PRIVATE = 1 << 14 | 1 << 18  # MS_REC, MS_PRIVATE
_FLAGS = 2 | 4 | 8 | 256  # MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_NOSYMFOLLOW


def find(root: str, setting: str) -> tuple[str, str]:
    """Return the device and the file system of the partition that state.device names.

    root: directory that contains /sys and /run. Raise LookupError if there is any doubt, and OSError.
    """
    words = setting.split()
    where = "internal"
    if len(words) == 3 and words[1] == "on":
        where = words[2].lower()
    elif len(words) != 1:
        raise LookupError
    wanted = _wanted(words[0])
    os.stat(f"{root}/run/udev/control")
    named = []
    for name in os.listdir(f"{root}/sys/class/block"):
        known = {"name": name, **_properties(root, name)}
        if wanted in known.items() or (wanted[0], wanted[1].lower()) in (
            (key, value.lower()) for key, value in known.items() if key.endswith("UUID")
        ):
            named.append((name, known))
    if len(named) != 1:
        raise LookupError
    name, known = named[0]
    folder, kind = f"{root}/sys/class/block/{name}", known.get("E:ID_FS_TYPE", "")
    if kind not in _FILE_SYSTEMS or name.startswith(_STACKED) or "!" in name:
        raise LookupError
    if os.listdir(f"{folder}/holders") or _read(f"{folder}/ro") != "0":
        raise LookupError
    if _bus(root, folder) != where:
        raise LookupError
    return f"/dev/{name}", kind


def _wanted(text: str) -> tuple[str, str]:
    """Return the property and the value that identify the partition. Raise LookupError."""
    kind, equals, value = text.partition("=")
    if not equals:
        kind, value = "name", text.removeprefix("/dev/")
    if not value or not all(char.isascii() and (char.isalnum() or char in "._-") for char in value):
        raise LookupError
    return ("name", value) if not equals else (_NAMES[kind.lower()], value)


def _properties(root: str, name: str) -> dict[str, str]:
    """Return the properties of a block device from udev's database."""
    number = _read(f"{root}/sys/class/block/{name}/dev")
    try:
        lines = _read(f"{root}/run/udev/data/b{number}").split("\n")
    except FileNotFoundError:
        return {}
    found: dict[str, str] = {}
    for line in lines:
        key, _, value = line.partition("=")
        found[key] = value
    return found


def _bus(root: str, folder: str) -> str:
    """Return `internal` or `sd`; raise LookupError for anything else. See discovery/attachment.py."""
    disk = os.path.realpath(folder)
    if os.path.exists(f"{disk}/partition"):
        disk = os.path.dirname(disk)
    if os.listdir(f"{disk}/slaves") or _read(f"{disk}/removable") != "0":
        raise LookupError
    top, parent = os.path.realpath(f"{root}/sys/devices"), disk
    seen, mmc = set(), ""
    while (parent := os.path.dirname(parent)) != top:
        name = parent.rpartition("/")[2]
        if len(parent) <= len(top) or name.startswith(("session", "rport-", "nvme-", "virtual")):
            raise LookupError
        try:
            subsystem = os.readlink(f"{parent}/subsystem").rpartition("/")[2]
        except OSError:
            subsystem = ""
        if subsystem not in _PLAIN:
            raise LookupError
        if os.path.exists(f"{parent}/removable") and _read(f"{parent}/removable") == "removable":
            raise LookupError
        if subsystem == "mmc" and not mmc:
            mmc = _read(f"{parent}/type")
        seen.add(subsystem)
    if mmc:
        return "internal" if mmc == "MMC" else "sd"
    if seen & _OURS:
        return "internal"
    raise LookupError


def _read(path: str) -> str:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, 65536).decode("utf-8").strip("\0\n ")
    finally:
        os.close(descriptor)


class Mounted:
    """Context manager that mounts a partition for writing, visible to this process only."""

    def __init__(self, device: str, kind: str) -> None:
        self._device, self._kind = device.encode(), kind.encode()
        self._point = _POINT.encode()

    def __enter__(self) -> Self:
        """Mount the partition. Raise OSError."""
        _call("unshare", _CLONE_NEWNS)
        _call("mount", b"none", b"/", b"", _PRIVATE, b"")
        _call("mount", self._device, self._point, self._kind, _FLAGS, b"")
        return self

    def __exit__(self, *_: object) -> None:
        try:
            _call("umount2", self._point, 0)
        except OSError:
            _call("umount2", self._point, _DETACH)

    @property
    def top(self) -> str:
        """Return the mount point."""
        return _POINT


def _call(name: str, *arguments: int | bytes) -> None:
    """Make a system call through the C library. Raise OSError, and other errors if this Python's _ctypes differs."""
    # importing ctypes, which is written in Python, takes a quarter of an interpreter's start
    import _ctypes

    class Int(_ctypes._SimpleCData):  # type: ignore[type-arg]
        _type_ = "i"

    class Call(_ctypes.CFuncPtr):
        _flags_ = _ctypes.FUNCFLAG_CDECL | _ctypes.FUNCFLAG_USE_ERRNO
        _restype_ = Int

    everything = _ctypes.dlopen(None, 0)  # type: ignore[arg-type]
    if Call(_ctypes.dlsym(everything, name))(*arguments) < 0:
        number = _ctypes.get_errno()
        raise OSError(number, os.strerror(number), name)
