# SPDX-License-Identifier: MIT
"""Activate logical volumes with lvm(8): those that consist only of ranges of disks.

Mirrors, thin volumes, caches and snapshots write metadata while they are active, and do not start on read-only
devices.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from bootmenu.discovery.storage import KINDS, Kind
from bootmenu.discovery.storage.assembler import StorageError
from bootmenu.i18n import N_
from bootmenu.model.entry import Problem
from bootmenu.model.place import NOWHERE
from bootmenu.model.regex import regex
from bootmenu.model.value import Record
from bootmenu.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bootmenu.discovery.devices import Device
    from bootmenu.discovery.storage.assembler import Assembler

MAX_VOLUMES = 64
"""Maximum number of logical volumes that are activated."""

_PLAIN = frozenset({"linear", "striped"})
_NAME = regex(r"[A-Za-z0-9+_.][A-Za-z0-9+_.-]{0,126}")  # lvm(8), VALID NAMES
_FIELDS = "vg_name,lv_name,lv_attr,segtype,devices"
_DEVICE = regex(r"(/dev/[^,()]{1,255})\(")  # /dev/loop0(0),/dev/loop1(512): where each stripe begins


class _Volume(Record, kw_only=True):
    group: str
    name: str
    attributes: str
    types: set[str]
    devices: set[str]
    """Paths of the devices that it is on."""

    @property
    def path(self) -> str:
        return f"{self.group}/{self.name}"

    def trouble(self) -> str | None:
        """Return why it is not activated, or None if it can be."""
        # lvs(8), lv_attr: 1 volume type, 9 health
        if self.attributes[8:9] == "p":
            return N_("waiting for a disk of its volume group")
        if self.types <= _PLAIN and self.attributes[:1] == "-":
            return None
        kinds = sorted(self.types - _PLAIN)
        if not kinds:
            return N_("not read: it is a volume with snapshots, which would write to its disks")
        return N_("not read: it is {kinds}, which would write to its disks", kinds=", ".join(kinds))


def assemble(parts: Sequence[Device], assembler: Assembler) -> Iterator[Problem]:
    """Activate all plain volumes of all groups, read-only, and yield the others as problems."""
    steps = assembler.steps
    paths = {assembler.read_only_loop(part): part for part in parts}
    accepted = ",".join(f'"a|^{path}$|"' for path in paths)
    devices = f'devices {{ filter=[{accepted},"r|.*|"] use_devicesfile=0 scan_lvs=0 }}'
    # lvmconfig --type default --withcomments: "No operations that change on-disk metadata are permitted."
    quiet = "global { metadata_read_only=1 } backup { backup=0 archive=0 }"
    report = assembler.run(
        "lvm", "lvs", "--readonly", "--reportformat", "json", "-o", _FIELDS, "--config", f"{devices} {quiet}"
    )

    def rank(volume: _Volume) -> int:
        places = [paths[device].place if device in paths else NOWHERE for device in volume.devices]
        return max((place.rank for place in places), default=NOWHERE.rank)

    active = 0
    # a USB stick with many volumes must not displace those inside the machine
    for volume in sorted(_volumes(report), key=rank):
        trouble = volume.trouble()
        if trouble is None and active >= MAX_VOLUMES:
            trouble = N_("left out with all that follow: {n} logical volumes are read", n=MAX_VOLUMES)
        if trouble is None:
            activation = f'read_only_volume_list=["{volume.group}"] udev_rules=0 udev_sync=0 monitoring=0'
            config = f"{devices} {quiet} activation {{ {activation} }}"
            try:
                assembler.run("lvm", "lvchange", "--activate", "y", "--config", config, volume.path)
                assembler.undo_by(volume.path, "lvm", "lvchange", "--activate", "n", "--config", config, volume.path)
                active += 1
            except StorageError as error:
                trouble = error.message
        if trouble is not None:
            yield Problem(
                device=parts[0].name,
                path="",
                message=N_("logical volume {path}: {reason}", path=volume.path, reason=trouble),
            )
    if not active:
        assembler.undo(steps)


def _volumes(report: bytes) -> list[_Volume]:
    """Parse the output of lvs, which has a row for every segment. Raise StorageError."""
    try:
        rows: list[Any] = [row for one in json.loads(report)["report"] for row in one["lv"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise StorageError("the output of lvm lvs is invalid") from None
    volumes: dict[str, _Volume] = {}
    for row in rows:
        fields = [row.get(field) if isinstance(row, dict) else None for field in _FIELDS.split(",")]
        group, name, attributes, kind, devices = (field if isinstance(field, str) else "" for field in fields)
        if _NAME.fullmatch(group) and _NAME.fullmatch(name):
            volume = _Volume(group=group, name=name, attributes=attributes, types=set(), devices=set())
            volume = volumes.setdefault(volume.path, volume)
            volume.types.add(kind)
            volume.devices.update(_DEVICE.findall(devices))
    return list(volumes.values())


KINDS.register("lvm", after="md")(
    Kind(filesystem="LVM2_member", whole=N_("a volume group"), tool="lvm", assemble=assemble)
)
