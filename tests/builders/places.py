# SPDX-License-Identifier: MIT
"""Places of disks, and the links in /sys of those that stand behind real controllers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from bootmenu.model.place import Bus, Place

INSIDE = Place(bus=Bus.INTERNAL, path="pci-0000:00:1f.2-ata-1", disk="inside")
BESIDE = Place(bus=Bus.INTERNAL, path="pci-0000:00:1f.2-ata-2", disk="beside")
STICK = Place(bus=Bus.USB, path="pci-0000:00:14.0-usb-0:2:1.0-scsi-0:0:0:0", disk="stick")
CARD = Place(bus=Bus.SD, path="platform-fe340000.mmc", disk="card")

SATA = "pci0000:00/0000:00:1f.2/ata3/host2/target2:0:0/2:0:0:0/block/sda"
USB = "pci0000:00/0000:00:14.0/usb2/2-1/2-1.4/2-1.4:1.0/host6/target6:0:0/6:0:0:0/block/sdb"
NVME = "pci0000:00/0000:00:1d.0/0000:03:00.0/nvme/nvme0/nvme0n1"
EMMC = "platform/soc/fe340000.mmc/mmc_host/mmc0/mmc0:0001/block/mmcblk0"
SDCARD = "platform/soc/fe2b0000.mmc/mmc_host/mmc1/mmc1:aaaa/block/mmcblk1"
VIRTIO = "platform/a003e00.virtio_mmio/virtio3/block/vda"
DOCK = "pci0000:00/0000:00:07.0/0000:2b:00.0/nvme/nvme1/nvme1n1"

_SUBSYSTEMS: tuple[tuple[str, Callable[[str], bool]], ...] = (
    ("pci", lambda name: len(name) == 12 and name[4] == ":"),
    ("usb", lambda name: name.startswith("usb") or (name[0].isdigit() and name[1:2] == "-")),
    ("scsi", lambda name: name.startswith(("host", "target")) or name.count(":") == 3),
    ("mmc", lambda name: name.startswith("mmc") and ":" in name),
    ("nvme", lambda name: name.startswith("nvme") and name[4:].isdigit()),
    ("virtio", lambda name: name.startswith("virtio") and name[6:].isdigit()),
    ("platform", lambda name: name == "soc" or "." in name),
)


def attach(root: Path, where: str, files: Mapping[str, str] | None = None, parts: int = 1) -> None:
    """Build what /sys has of a disk and its partitions. files: texts of attributes, by path below /sys/devices."""
    devices = root / "sys/devices"
    disk = devices / where
    disk.mkdir(parents=True, exist_ok=True)
    for folder in (disk, *disk.parents):
        if folder == devices:
            break
        for subsystem, fits in _SUBSYSTEMS:
            if fits(folder.name) and not (folder / "subsystem").is_symlink():
                (folder / "subsystem").symlink_to(f"/sys/bus/{subsystem}")
                break
    classes = root / "sys/class/block"
    classes.mkdir(parents=True, exist_ok=True)
    _link(classes, disk)
    for number in range(1, parts + 1):
        part = disk / f"{disk.name}{'p' if disk.name[-1].isdigit() else ''}{number}"
        part.mkdir(exist_ok=True)
        (part / "partition").write_text(f"{number}\n")
        _link(classes, part)
    for path, text in (files or {}).items():
        file = devices / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def stack(root: Path, name: str, *slaves: str) -> None:
    """Build a device that is made of others, which are there already."""
    folder = root / "sys/devices/virtual/block" / name
    (folder / "slaves").mkdir(parents=True)
    for slave in slaves:
        (folder / "slaves" / slave).symlink_to((root / "sys/class/block" / slave).resolve())
    _link(root / "sys/class/block", folder)


def _link(classes: Path, folder: Path) -> None:
    if not (classes / folder.name).is_symlink():
        (classes / folder.name).symlink_to(folder)
