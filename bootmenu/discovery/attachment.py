# SPDX-License-Identifier: MIT
"""Find where block devices are attached, from sysfs: the bus, the path to the disk, and what identifies it.

The path is the one that udev calls ID_PATH (systemd, src/udev/udev-builtin-path_id.c), built here because a first
stage has no udev. A bus that sysfs does not name is Bus.UNKNOWN.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Lock

from bootmenu.model.digest import sha256
from bootmenu.model.place import NOWHERE, Bus, Place
from bootmenu.model.regex import regex
from bootmenu.model.value import replace
from bootmenu.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from bootmenu.system.host import Host

_MAX_DEPTH = 8
"""Maximum number of levels of stacked devices: twice LUKS on LVM on RAID on partitions."""
_MAX_PARTS = 64
"""Maximum number of parts of one array."""
_MAX_LENGTH = 256
"""Maximum number of characters of a serial number or a name that is read from a disk."""

_USB_INTERFACE = regex(r"\d{1,4}-([\d.]{1,64}:\d{1,3}\.\d{1,3})")
_SCSI = regex(r"\d{1,9}:(\d{1,9}:\d{1,9}:\d{1,20})")
_ATA = regex(r"ata(\d{1,9})")
_NVME = regex(r"nvme(\d{1,9})n(\d{1,9})")
_NETWORK = regex(r"session|rport-|nvme-fabrics")
"""Names of directories above a disk that is attached over a network."""
_EXTERNAL_BUSES = frozenset({"firewire", "ieee1394", "pcmcia", "memstick"})
"""Subsystems of devices that are outside of the machine."""
_INTERNAL_BUSES = frozenset(
    {"pci", "platform", "amba", "acpi", "virtio", "xen", "ccw", "vio", "spi", "nd", "mmc", "scm"}
)
"""Subsystems of controllers that are part of the machine."""
_SERIALS = ("wwid", "serial", "device/wwid", "device/serial", "device/cid")


class Places:
    """The places of a machine's block devices. Each disk is examined once."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._disks: dict[str, Place] = {}

    def of(self, name: str, number: str, *, removable: bool = False, partuuid: str | None = None) -> Place:
        """Return the place of a device by its kernel name and its `MAJOR:MINOR`, either of which may be unknown.

        removable: whether the caller knows that its medium can be changed.
        """
        folder = self._folder(name, number)
        place = NOWHERE if folder is None else self._at(folder, _MAX_DEPTH)
        if removable and place.bus in (Bus.INTERNAL, Bus.UNKNOWN):
            place = replace(place, bus=Bus.EXTERNAL)
        return replace(place, partuuid=(partuuid or "").lower()[:_MAX_LENGTH])

    def _folder(self, name: str, number: str) -> Path | None:
        """Return the directory in /sys/devices. A device-mapper volume is found only by its number, as lsblk reports
        it by its given name."""
        for path in (f"/sys/dev/block/{number}" if number else "", f"/sys/class/block/{name}" if name else ""):
            if path and ".." not in path:
                with contextlib.suppress(OSError, ValueError):  # a name that is too long, or contains a NUL
                    folder = Path(os.path.realpath(self._host.path(path)))
                    if folder.is_dir():
                        return folder
        return None

    def _at(self, folder: Path, depth: int) -> Place:
        if (folder / "partition").exists():
            folder = folder.parent
        key = str(folder)
        if key not in self._disks:
            self._disks[key] = self._stacked(folder, depth) or self._attached(folder)
        return self._disks[key]

    def _stacked(self, folder: Path, depth: int) -> Place | None:
        """Return the place of a device that is built on others, which is that of the least trusted one, or None for a
        disk."""
        if self._read(folder / "loop/backing_file"):
            below = self._backing(folder)
        else:
            below = [Path(os.path.realpath(slave)) for slave in _listed(folder / "slaves")] or _paths(folder)
        if not below:
            return None
        if depth == 0 or len(below) > _MAX_PARTS:
            return NOWHERE
        parts = sorted((self._at(part, depth - 1) for part in below), key=lambda place: (place.rank, place.path))
        if not all(part.disk for part in parts):
            return Place(bus=max(parts, key=lambda place: place.rank).bus)
        disk = parts[0].disk if len({part.disk for part in parts}) == 1 else _digest(*sorted(p.disk for p in parts))
        return Place(bus=parts[-1].bus, path=parts[-1].path, disk=disk)

    def _backing(self, folder: Path) -> list[Path]:
        """Return the block device that backs a loop device, or nothing if a file backs it."""
        name = self._read(folder / "loop/backing_file")
        if not name.startswith("/dev/"):
            return []
        try:
            number = self._host.path(name).stat().st_rdev
        except OSError:
            return []
        found = self._folder(name.removeprefix("/dev/"), f"{os.major(number)}:{os.minor(number)}" if number else "")
        return [] if found is None else [found]

    def _attached(self, folder: Path) -> Place:
        """Return the place of a disk, from the devices above it in sysfs, nearest first."""
        path: list[str] = []
        subsystems: set[str] = set()
        bus, serial, mmc = Bus.UNKNOWN, self._serial(folder), ""
        for parent in self._above(folder):
            name, subsystem = parent.name, _link(parent / "subsystem")
            if interface := _USB_INTERFACE.fullmatch(name):
                if "usb" not in subsystems:
                    path.append(f"usb-0:{interface[1]}")
                    serial += self._read(parent.parent / "serial")
            elif subsystem == "scsi" and (target := _SCSI.fullmatch(name)):
                path.append(f"scsi-0:{target[1]}")
            elif ata := _ATA.fullmatch(name):
                # below an ATA port, the SCSI address adds nothing
                port = self._read(parent / "ata_port" / name / "port_no") or ata[1]
                path = [*(part for part in path if not part.startswith("scsi-")), f"ata-{port}"]
            elif subsystem == "nvme" and (space := self._read(folder / "nsid")):
                path.append(f"nvme-{space}")
            elif subsystem in ("pci", "platform", "amba"):
                kind = "platform" if subsystem == "amba" else subsystem
                if kind not in subsystems:  # only the nearest bridge or bus, which is enough
                    path.append(f"{kind}-{name}")
                subsystems.add(kind)
                if self._read(parent / "removable") == "removable":  # Thunderbolt, ExpressCard
                    bus = Bus.EXTERNAL
            elif subsystem == "mmc" and not mmc:
                mmc = self._read(parent / "type")
            if subsystem in _EXTERNAL_BUSES or _NETWORK.match(name):
                bus = Bus.EXTERNAL
            subsystems.add(subsystem)
        if "usb" in subsystems:
            bus = Bus.USB
        elif bus is Bus.EXTERNAL or self._read(folder / "removable") == "1":
            bus = Bus.EXTERNAL
        elif mmc:
            bus = Bus.INTERNAL if mmc == "MMC" else Bus.SD  # drivers/mmc/core/bus.c: type_show
        elif subsystems & _INTERNAL_BUSES:
            bus = Bus.INTERNAL
        where = "-".join(reversed(path)) or ("" if bus is Bus.UNKNOWN else folder.parent.parent.name)
        # external devices can claim any serial number, so for them the path has to match as well
        disk = _digest(bus, serial or where) if bus is Bus.INTERNAL else _digest(bus, where, serial)
        return Place(bus=bus, path=where, disk=disk if where or serial else "")

    def _above(self, folder: Path) -> Iterator[Path]:
        top = Path(os.path.realpath(self._host.path("/sys/devices")))
        for parent in folder.parents:
            if parent == top:
                return
            yield parent

    def _serial(self, folder: Path) -> str:
        return next(filter(None, (self._read(folder / name) for name in _SERIALS)), "")

    def _read(self, path: Path) -> str:
        try:
            with path.open("rb", buffering=0) as file:
                return file.read(_MAX_LENGTH).decode("utf-8", "replace").strip("\0\n ")
        except OSError:
            return ""


def _paths(folder: Path) -> list[Path]:
    """Return the paths to an NVMe name space that the kernel may reach by several controllers.

    nvme0n1 is then in a virtual subsystem, which links to the controllers, with nvme0c0n1 and nvme0c1n1 below those
    (drivers/nvme/host/core.c: nvme_init_subsystem).
    """
    name = _NVME.fullmatch(folder.name)
    if name is None or not folder.parent.name.startswith("nvme-subsys"):
        return []
    controllers = [link for link in _listed(folder.parent) if re.fullmatch(r"nvme\d{1,9}", link.name)]
    return [
        path
        for controller in controllers
        for path in _listed(Path(os.path.realpath(controller)))
        if re.fullmatch(rf"nvme{name[1]}c\d{{1,9}}n{name[2]}", path.name)
    ]


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _link(path: Path) -> str:
    try:
        return path.readlink().name
    except OSError:
        return ""


def _digest(*parts: str) -> str:
    return sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:16]


class Presence:
    """The disks that were present when the menu started. Thread-safe.

    Disks found within `grace` seconds, or by the first scan, count as present: a disk may be slow to answer, and
    anyone who plugs one in that quickly could have done so before.
    """

    def __init__(self, grace: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._lock = Lock()
        self._clock = clock
        self._until = clock() + grace
        self._present: set[str] = set()
        self._has_scanned = False

    def scan_completed(self) -> None:
        """Record that a scan is complete."""
        self._has_scanned = True

    def mark(self, place: Place, name: str) -> Place:
        """Return the place of a device of this name, marked as late if its disk was attached after the start."""
        key = place.disk or f"name={name}"
        with self._lock:
            if not place.late and (not self._has_scanned or self._clock() < self._until):
                self._present.add(key)
            return replace(place, late=key not in self._present)
