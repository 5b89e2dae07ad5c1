# SPDX-License-Identifier: MIT
"""What sysfs says about disks, beside what lsblk says."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bootmenu.discovery import sysfs_disks
from bootmenu.system.host import Host
from tests.builders.hosts import fake_host
from tests.builders.trees import write_tree

KEYS = ("name", "path", "maj:min", "type", "size", "rm")


def compared(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {key: row[key] for key in KEYS} | {"children": compared(row.get("children", []))}
        for row in rows
        if row["size"]
    ]


def test_this_machines_disks_are_lsblks() -> None:
    argv = ["lsblk", "--json", "--bytes", "--exclude", sysfs_disks.EXCLUDED, "--output", ",".join(KEYS)]
    said = json.loads(subprocess.run(argv, check=True, capture_output=True).stdout)
    assert compared(sysfs_disks.rows(Host())) == compared(said["blockdevices"])


def block(top: Path, name: str, number: str, inside: str = "", **files: str) -> None:
    folder = f"/sys/devices/{inside}{name}"
    told = {"dev": number, "size": "8", **files}
    write_tree(top, {f"{folder}/{path}": f"{text}\n" for path, text in told.items()})
    (top / "sys/class/block").mkdir(parents=True, exist_ok=True)
    (top / f"sys/class/block/{name}").symlink_to(f"../..{folder.removeprefix('/sys')}")


def stacked(top: Path) -> Host:
    """Two disks with an array on a partition of each, a volume on it, a RAM disk, a drive, and a loop device."""
    for disk, number in (("sda", 0), ("sdb", 16)):
        part = f"{disk}1"
        block(top, disk, f"8:{number}", removable="0")
        block(
            top,
            part,
            f"8:{number + 1}",
            inside=f"{disk}/",
            partition="1",
            uevent=f"DEVNAME={part}\nPARTUUID=ab-{number}",
        )
        (top / f"sys/devices/{disk}/{part}/holders/md0").mkdir(parents=True)
    block(top, "md0", "9:0", **{"md/level": "raid1"})
    for slave in ("sda1", "sdb1"):
        (top / f"sys/devices/md0/slaves/{slave}").mkdir(parents=True)
    (top / "sys/devices/md0/holders/dm-0").mkdir(parents=True)
    block(top, "dm-0", "253:0", **{"dm/name": "vg-root", "dm/uuid": "LVM-abc"})
    (top / "sys/devices/dm-0/slaves/md0").mkdir(parents=True)
    block(top, "ram0", "1:0")
    block(top, "sr0", "11:0", removable="1", **{"device/type": "5"})
    block(top, "loop0", "7:0")
    block(top, "cciss!c0d0", "104:0")
    return fake_host(top)


def shape(rows: list[dict[str, Any]]) -> list[object]:
    return [(row["path"], row["type"], shape(row.get("children", []))) for row in rows]


def test_what_lies_on_others_is_below_each_of_them(tmp_path: Path) -> None:
    above: list[object] = [("/dev/md0", "raid1", [("/dev/mapper/vg-root", "lvm", [])])]
    assert shape(sysfs_disks.rows(stacked(tmp_path))) == [
        ("/dev/loop0", "loop", []),
        ("/dev/sda", "disk", [("/dev/sda1", "part", above)]),
        ("/dev/sdb", "disk", [("/dev/sdb1", "part", above)]),
        ("/dev/sr0", "rom", []),
        ("/dev/cciss/c0d0", "disk", []),
    ]


@pytest.mark.parametrize(
    ("uuid", "kind"), [("CRYPT-LUKS2-x", "crypt"), ("mpath-3600", "mpath"), ("part1-mpath-3600", "part"), ("", "dm")]
)
def test_the_kind_of_a_mapped_device_is_in_its_uuid(tmp_path: Path, uuid: str, kind: str) -> None:
    block(tmp_path, "dm-3", "253:3", **{"dm/name": "x", "dm/uuid": uuid})
    assert [row["type"] for row in sysfs_disks.rows(fake_host(tmp_path))] == [kind]


def test_a_circle_of_devices_ends(tmp_path: Path) -> None:
    host = stacked(tmp_path)
    (tmp_path / "sys/devices/dm-0/holders/md0").mkdir(parents=True)
    found = sysfs_disks.rows(host)
    assert [row["name"] for row in found][1:3] == ["sda", "sdb"]


def test_a_machine_without_sysfs_has_no_disks(tmp_path: Path) -> None:
    assert sysfs_disks.rows(fake_host(tmp_path)) == []
