# SPDX-License-Identifier: MIT
"""Where a disk is attached: what sysfs says of it, and what is made of that."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bootmenu.discovery.attachment import Places, Presence
from bootmenu.model.place import Bus, Place, PlaceRule, is_at, split
from bootmenu.model.value import replace
from bootmenu.system.host import Host
from tests.builders.places import CARD, DOCK, EMMC, INSIDE, NVME, SATA, SDCARD, STICK, USB, VIRTIO, attach, stack

_ATA = "pci0000:00/0000:00:1f.2/ata3/ata_port/ata3/port_no"


@pytest.mark.parametrize(
    ("where", "files", "name", "bus", "path"),
    [
        (SATA, {_ATA: "1\n"}, "sda1", Bus.INTERNAL, "pci-0000:00:1f.2-ata-1"),
        (USB, {}, "sdb1", Bus.USB, "pci-0000:00:14.0-usb-0:1.4:1.0-scsi-0:0:0:0"),
        (NVME, {f"{NVME}/nsid": "1\n"}, "nvme0n1p1", Bus.INTERNAL, "pci-0000:03:00.0-nvme-1"),
        (EMMC, {f"{EMMC}/../../type": "MMC\n"}, "mmcblk0p1", Bus.INTERNAL, "platform-fe340000.mmc"),
        (SDCARD, {f"{SDCARD}/../../type": "SD\n"}, "mmcblk1p1", Bus.SD, "platform-fe2b0000.mmc"),
        (SDCARD, {f"{SDCARD}/../../type": "SDcombo\n"}, "mmcblk1p1", Bus.SD, "platform-fe2b0000.mmc"),
        (VIRTIO, {}, "vda1", Bus.INTERNAL, "platform-a003e00.virtio_mmio"),
        (DOCK, {"pci0000:00/0000:00:07.0/0000:2b:00.0/removable": "removable\n"}, "nvme1n1p1", Bus.EXTERNAL, None),
        (SATA, {f"{SATA}/removable": "1\n"}, "sda1", Bus.EXTERNAL, None),
        ("virtual/block/nbd0", {}, "nbd0", Bus.UNKNOWN, ""),
        ("platform/host9/session1/target9:0:0/9:0:0:0/block/sdz", {}, "sdz1", Bus.EXTERNAL, None),
    ],
)
def test_the_bus_and_the_path_are_the_kernels(
    tmp_path: Path, where: str, files: dict[str, str], name: str, bus: Bus, path: str | None
) -> None:
    attach(tmp_path, where, files)
    place = Places(Host(root=tmp_path)).of(name, "", partuuid="ABCD-01")
    assert (place.bus, place.partuuid) == (bus, "abcd-01")
    assert path is None or place.path == path
    assert bool(place.disk) is (bus is not Bus.UNKNOWN)


def test_the_path_of_this_machines_own_disks_is_udevs() -> None:
    """Against /dev/disk/by-path where udev has made it; every disk that hangs on a controller has a place."""
    host, folder = Host(), Path("/dev/disk/by-path")
    for link in folder.iterdir() if folder.is_dir() else ():
        name = link.resolve().name
        if (Path("/sys/class/block") / name / "device").exists() and not link.name.startswith("virtio-"):
            paths = {other.name for other in folder.iterdir() if other.resolve().name == name}
            assert Places(host).of(name, "").path in paths
    for disk in Path("/sys/class/block").iterdir():
        if (disk / "device").exists() and not os.path.realpath(disk).startswith("/sys/devices/virtual/"):
            assert Places(host).of(disk.name, "").path, disk


def test_an_unknown_device_is_nowhere_and_never_inside(tmp_path: Path) -> None:
    places = Places(Host(root=tmp_path))
    for name, number in (
        ("sda1", "8:1"),
        ("", ""),
        ("../../etc", "../../.."),
        ("x" * 5000, "9" * 5000),
        ("a\0b", "\0"),
    ):
        assert places.of(name, number) == Place()
    assert not Place().internal
    assert places.of("sda1", "", removable=True).bus is Bus.EXTERNAL


def test_what_lsblk_calls_removable_is_not_inside_whatever_the_controller(tmp_path: Path) -> None:
    attach(tmp_path, SATA)
    assert Places(Host(root=tmp_path)).of("sda1", "", removable=True).bus is Bus.EXTERNAL


def test_a_volume_is_where_the_worst_of_its_parts_is(tmp_path: Path) -> None:
    attach(tmp_path, SATA, parts=2)
    attach(tmp_path, USB)
    attach(tmp_path, NVME)
    stack(tmp_path, "dm-0", "sda1")
    stack(tmp_path, "md0", "nvme0n1p1", "sda2")
    stack(tmp_path, "md1", "sda2", "sdb1")
    stack(tmp_path, "dm-1", "md1")
    places = Places(Host(root=tmp_path))
    assert places.of("dm-0", "").disk == places.of("sda1", "").disk
    assert places.of("md0", "").bus is Bus.INTERNAL
    assert places.of("md0", "").disk not in {places.of("sda1", "").disk, places.of("nvme0n1p1", "").disk}
    assert places.of("md1", "").bus is Bus.USB
    assert places.of("dm-1", "").bus is Bus.USB


@pytest.mark.parametrize(
    ("controllers", "bus"),
    [
        (["pci0000:00/0000:00:1d.0/0000:03:00.0/nvme/nvme0"], Bus.INTERNAL),
        (["pci0000:00/0000:03:00.0/nvme/nvme0", "pci0000:00/0000:04:00.0/nvme/nvme1"], Bus.INTERNAL),
        (["pci0000:00/0000:03:00.0/nvme/nvme0", "virtual/nvme-fabrics/ctl/nvme1"], Bus.EXTERNAL),
        ([], Bus.UNKNOWN),
    ],
)
def test_a_name_space_of_several_controllers_is_where_the_worst_of_them_is(
    tmp_path: Path, controllers: list[str], bus: Bus
) -> None:
    """drivers/nvme/host/multipath.c: the kernel puts it into a virtual subsystem, also where there is one path."""
    subsystem = "virtual/nvme-subsystem/nvme-subsys0"
    attach(tmp_path, f"{subsystem}/nvme0n1")
    for where in controllers:
        name = where.rpartition("/")[2]
        attach(tmp_path, f"{where}/nvme0c{name[4:]}n1", {f"{where}/nvme0c{name[4:]}n1/wwid": "eui.01\n"}, parts=0)
        (tmp_path / "sys/devices" / subsystem / name).symlink_to(tmp_path / "sys/devices" / where)
    place = Places(Host(root=tmp_path)).of("nvme0n1p1", "")
    assert place.bus is bus
    assert bool(place.disk) is (bus is not Bus.UNKNOWN)


def test_devices_that_stand_on_each_other_in_a_circle_end_nowhere(tmp_path: Path) -> None:
    attach(tmp_path, SATA)
    stack(tmp_path, "dm-0", "sda1")
    slave = tmp_path / "sys/devices/virtual/block/dm-0/slaves"
    (slave / "sda1").unlink()
    (slave / "dm-0").symlink_to(slave.parent)
    assert Places(Host(root=tmp_path)).of("dm-0", "").bus is Bus.UNKNOWN


def test_a_read_only_loop_is_where_its_partition_is_and_one_over_a_file_is_nowhere(tmp_path: Path) -> None:
    attach(tmp_path, SATA)
    loops = tmp_path / "sys/devices/virtual/block"
    for name, backing in (("loop0", "/dev/sda1"), ("loop1", "/home/disk.img")):
        (loops / name / "loop").mkdir(parents=True)
        (loops / name / "loop/backing_file").write_text(f"{backing}\n")
        (tmp_path / "sys/class/block" / name).symlink_to(loops / name)
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/sda1").write_text("")
    places = Places(Host(root=tmp_path))
    assert places.of("loop0", "").disk == places.of("sda1", "").disk
    assert places.of("loop1", "").bus is Bus.UNKNOWN


def test_a_disk_is_known_by_its_serial_number_inside_and_by_place_and_number_outside(tmp_path: Path) -> None:
    def disk(name: str, where: str, files: dict[str, str]) -> str:
        attach(tmp_path / name, where, files)
        return Places(Host(root=tmp_path / name)).of(where.rpartition("/")[2], "").disk

    other_port = SATA.replace("ata3", "ata4")
    serial = {f"{SATA}/device/wwid": "naa.5000\n"}
    assert disk("a", SATA, serial) == disk("b", other_port, {f"{other_port}/device/wwid": "naa.5000\n"})
    assert disk("a", SATA, serial) != disk("c", SATA, {f"{SATA}/device/wwid": "naa.5001\n"})
    usb = {"pci0000:00/0000:00:14.0/usb2/2-1/2-1.4/serial": "4C53\n"}
    assert disk("d", USB, usb) == disk("e", USB, usb)
    assert disk("d", USB, usb) != disk("f", USB, {})
    elsewhere = USB.replace("2-1.4", "2-1.3")
    assert disk("d", USB, usb) != disk("g", elsewhere, {"pci0000:00/0000:00:14.0/usb2/2-1/2-1.3/serial": "4C53\n"})


def test_what_comes_after_the_first_look_and_the_grace_is_late_and_stays_so() -> None:
    now = 0.0
    presence = Presence(10, lambda: now)
    assert not presence.mark(INSIDE, "sda1").late
    now = 20.0
    assert not presence.mark(STICK, "sdb1").late, "the first look takes as long as it takes"
    presence.scan_completed()
    assert presence.mark(CARD, "mmcblk0p1").late
    assert presence.mark(CARD, "mmcblk0p1").late
    assert not presence.mark(STICK, "sdb1").late, "it was there, and is again"
    assert presence.mark(Place(), "sdq1").late
    assert not replace(INSIDE, late=True).internal


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("internal", [INSIDE]),
        ("Internal ", [INSIDE]),
        ("PARTUUID=12-01 on usb", [replace(STICK, partuuid="12-01")]),
        ("partuuid=12-01 on USB", [replace(STICK, partuuid="12-01", late=True)]),
        (f"PARTUUID=12-01 on {STICK.path}", [replace(STICK, partuuid="12-01")]),
        ("PARTUUID=12-01 on sd", [replace(CARD, partuuid="12-01")]),
        ("PARTUUID=12-01 on internal", [replace(INSIDE, partuuid="12-01")]),
        ("PARTUUID=12-01 on unknown", []),
    ],
)
def test_a_rule_allows_the_place_that_it_names_and_no_other(text: str, allowed: list[Place]) -> None:
    rule = PlaceRule.parse(text)
    places = [
        replace(place, partuuid=partuuid, late=late)
        for place in (INSIDE, STICK, CARD)
        for partuuid in ("", "12-01", "12-02")
        for late in (False, True)
    ]
    found = [place for place in places if rule.allows(place)]
    assert all(place in found for place in allowed)
    if not rule.partuuid:
        assert all(place.internal for place in found)
    else:
        assert all(place.partuuid == "12-01" and is_at(place, rule.where) for place in found)
    assert bool(found) is bool(allowed)


@pytest.mark.parametrize(
    "text",
    ["", "usb", "*", "any", "PARTUUID=12", "LABEL=X on usb", "PARTUUID= on usb", "PARTUUID=12 on", "UUID=1 on usb"],
)
def test_what_names_no_place_is_no_rule(text: str) -> None:
    with pytest.raises(ValueError, match="internal"):
        PlaceRule.parse(text)


def test_a_partition_and_where_it_has_to_be() -> None:
    assert split("LABEL=STATE") == ("LABEL=STATE", "internal")
    assert split("LABEL=MY STATE on usb") == ("LABEL=MY STATE", "usb")
    assert split(f"/dev/sda1 on {STICK.path}") == ("/dev/sda1", STICK.path)
