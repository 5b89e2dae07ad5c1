# SPDX-License-Identifier: MIT
"""List the block devices as `lsblk --json` does, from sysfs: a first stage has no udev, and without it lsblk knows
nothing else either."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable

from bootmenu.system.host import Host
from bootmenu.typed import Any

_BLOCK = "/sys/class/block"
EXCLUDED = "1,2"
"""Major numbers (Documentation/admin-guide/devices.txt) of RAM disks, and of floppies, which take seconds to report
that they are empty."""
_MOST = 4096
"""Devices that are listed."""

Row = dict[str, Any]
"""A device by the names of lsblk's columns, with its `children`."""


def rows(host: Host) -> list[Row]:
    """Return the disks, each with what lies on it: partitions, arrays, volumes. What lies on several is below each.

    Sizes are in bytes. What only a look at the content tells (file system, label, UUID) is missing.
    """
    names = set(sorted(_listed(host, _BLOCK))[:_MOST])
    found: dict[str, Row] = {}

    def row(name: str, above: frozenset[str]) -> Row:
        if name not in found:
            found[name] = made = _row(host, name)
            inside = _listed(host, f"{_BLOCK}/{name}")
            partitions = [each for each in inside if host.exists(f"{_BLOCK}/{each}/partition")]
            lying = {*partitions, *_listed(host, f"{_BLOCK}/{name}/holders")} & names - above - {name}
            if lying:
                made["children"] = _in_order(row(each, above | {name}) for each in lying)
        return found[name]

    tops = [
        name
        for name in sorted(names)
        if not host.exists(f"{_BLOCK}/{name}/partition") and not _listed(host, f"{_BLOCK}/{name}/slaves")
    ]
    made = [row(name, frozenset()) for name in tops]
    return _in_order(each for each in made if each["maj:min"].partition(":")[0] not in EXCLUDED.split(","))


def _row(host: Host, name: str) -> Row:
    folder = f"{_BLOCK}/{name}"
    told = dict(line.partition("=")[::2] for line in (host.text(f"{folder}/uevent") or "").splitlines())
    mapped = host.text(f"{folder}/dm/name")
    return {
        "name": mapped or name,
        # a name with a slash has an exclamation mark there (cciss!c0d0)
        "path": f"/dev/mapper/{mapped}" if mapped else f"/dev/{told.get('DEVNAME') or name.replace('!', '/')}",
        "maj:min": host.text(f"{folder}/dev") or "",
        "type": _type(host, name),
        "size": 512 * (host.number(f"{folder}/size") or 0),  # Documentation/ABI/stable/sysfs-block: always these
        "rm": host.flag(f"{folder}/removable") or False,
        # the kernel read them from the partition table
        "partuuid": told.get("PARTUUID"),
        "partlabel": told.get("PARTNAME"),
    }


def _type(host: Host, name: str) -> str:
    """Return what lsblk calls it (util-linux, misc-utils/lsblk.c:get_type)."""
    folder = f"{_BLOCK}/{name}"
    if host.exists(f"{folder}/partition"):
        return "part"
    if host.exists(f"{folder}/dm"):
        # drivers/md/dm-ioctl.c: PREFIX-..., and kpartx writes partN-PREFIX-...
        prefix = (host.text(f"{folder}/dm/uuid") or "").partition("-")[0].lower()
        return "part" if prefix.startswith("part") else prefix or "dm"
    if name.startswith("loop"):
        return "loop"
    if host.exists(f"{folder}/md"):
        return host.text(f"{folder}/md/level") or "md"
    # include/scsi/scsi_proto.h: TYPE_ROM
    return "rom" if host.number(f"{folder}/device/type") == 5 else "disk"


def _in_order(found: Iterable[Row]) -> list[Row]:
    """Return the rows by the numbers of their devices, as lsblk has them."""
    return sorted(found, key=lambda row: [int(part) if part.isdecimal() else 0 for part in row["maj:min"].split(":")])


def _listed(host: Host, folder: str) -> list[str]:
    with contextlib.suppress(OSError):
        return os.listdir(host.path(folder))  # noqa: PTH208 - the names are wanted
    return []
