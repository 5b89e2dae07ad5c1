# SPDX-License-Identifier: MIT
"""Find the partitions of this machine, with all names by which a configuration can refer to them."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice, zip_longest
from queue import Empty, SimpleQueue
from threading import Thread

from bootmenu.discovery import sysfs_disks
from bootmenu.discovery.attachment import Places
from bootmenu.discovery.raw_content import RawReader
from bootmenu.errors import UsageError
from bootmenu.i18n import N_, Message
from bootmenu.model.entry import Problem
from bootmenu.model.place import NOWHERE, Bus, Place
from bootmenu.model.regex import regex
from bootmenu.model.text import quoted
from bootmenu.model.value import Value, replace
from bootmenu.sources import references
from bootmenu.system.host import Host
from bootmenu.system.mountinfo import mounts
from bootmenu.system.processes import CommandError, HangingError
from bootmenu.typed import Any

_COLUMNS = "NAME,PATH,MAJ:MIN,TYPE,FSTYPE,SIZE,UUID,LABEL,PARTUUID,PARTLABEL,PARTTYPE,PARTFLAGS,RM"
_LSBLK_SECONDS = 8
LUKS = "crypto_LUKS"
MEMBERS = frozenset({"linux_raid_member", "LVM2_member"})
"""lsblk's file system types of parts that storage/ can assemble."""
NOT_BOOTABLE = frozenset(
    {
        "swap",
        "zfs_member",
        "mpath_member",
        "isw_raid_member",
        "ddf_raid_member",
        "DM_snapshot_cow",
        "DM_verity_hash",
        "DM_integrity",
        "bcache",
        "zram",
        "BitLocker",
        "jbd",
    }
)
"""lsblk's file system types of partitions that are parts or containers of something else."""


_NO_FILES = frozenset(
    {
        "0x5",  # extended, with any of its three numbers; the logical partitions in it are listed separately
        "0xf",
        "0x85",
        "0x41",  # PReP boot
        "9e1a2d38-c612-4316-aa26-8b49521e5a8b",  # PReP boot, with GPT
        "21686148-6449-6e6f-744e-656564454649",  # BIOS boot, where GRUB is
        "e3c9e316-0b5c-4db8-817d-f92df00215ae",  # Microsoft reserved
        "5808c8aa-7e8f-42e0-85d2-e1e90434cfb3",  # metadata of Windows' dynamic disks
        "3de21764-95bd-54bd-a5c3-4abe786f38a8",  # U-Boot's environment
    }
)
"""Types of partitions that hold no files, as lsblk writes them (util-linux, include/pt-gpt-partnames.h and
include/pt-mbr-partnames.h)."""


class Device(Value, kw_only=True):
    """A partition, or an unpartitioned disk with a file system. Names that it does not have are None."""

    name: str
    """Kernel name: `sda1`."""
    path: str = ""
    """`/dev/sda1`, or empty for a directory that is read in place of a partition."""
    filesystem: str | None = None
    size: int | None = None
    """Size in bytes."""
    uuid: str | None = None
    label: str | None = None
    partuuid: str | None = None
    partlabel: str | None = None
    place: Place = NOWHERE
    """Where it is attached, which is not written on the disk itself."""
    disk: str | None = None
    """Kernel name of the disk that it is a partition of, or None if it is not a partition or this is not known."""
    number: int | None = None
    """Number of the partition on this disk, from 1."""
    gpt_attributes: int | None = None
    """Attribute flags of the partition's entry in a GPT; some loaders keep the priority of slots there."""
    folder: str | None = None
    """Directory that is read in place of a mounted partition (`--tree`)."""
    locked: bool = False
    """Whether it is encrypted and not unlocked, so that it cannot be mounted."""
    parent: Device | None = None
    """The partition that holds this image file, or the file system that holds this subvolume."""
    inner_path: str = ""
    """Absolute path of the image file or subvolume in it."""
    assembled: bool = False
    """Whether it is built on other devices: an array, a logical volume, a decrypted partition, or a partition of
    one."""

    @classmethod
    def nested(cls, parent: Device, inner_path: str, *, filesystem: str | None, label: str | None = None) -> Device:
        """Return the device for an image file or a subvolume, named `sda1:/iso/debian.iso`."""
        return cls(
            name=f"{parent.name}:{inner_path}",
            filesystem=filesystem,
            label=label,
            place=parent.place,
            parent=parent,
            inner_path=inner_path,
        )

    @property
    def title(self) -> str:
        """Return its name for the screen: `mmcblk0p1 · BOOT · vfat`."""
        parts = (self.name, self.label or self.partlabel, self.filesystem)
        return " · ".join(part for part in parts if part)

    @property
    def identity(self) -> str:
        """Return what identifies it across boots, for stable entry ids."""
        if self.parent is not None:
            return f"{self.parent.identity}:{self.inner_path}"
        for kind, value in (
            ("uuid", self.uuid),
            ("partuuid", self.partuuid),
            ("label", self.label),
            ("partlabel", self.partlabel),
        ):
            if value:
                return references.named(kind, value)
        return f"name={self.name}"

    @property
    def names(self) -> tuple[str, ...]:
        """Return all names that a kernel command line can use for it: `/dev/sda1`, `uuid=...`, `label=...`, ..."""
        if self.parent is not None:
            return ()
        found = (
            ("uuid", self.uuid),
            ("label", self.label),
            ("partuuid", self.partuuid),
            ("partlabel", self.partlabel),
        )
        return (f"/dev/{self.name}", *(f"{kind}={value}" for kind, value in found if value))

    @classmethod
    def from_tree_option(cls, text: str) -> Device:
        """Parse `DIR[,name=sda1][,uuid=U][,label=L][,partuuid=P][,partlabel=Q]`. Raise UsageError."""
        folder, *options = text.split(",")
        names: dict[str, str] = {}
        for option in options:
            key, equals, value = option.partition("=")
            if not equals or not value or key not in ("name", "uuid", "label", "partuuid", "partlabel"):
                raise UsageError(
                    f"--tree {text}: “{option}” is no name of a partition",
                    "Write --tree DIR,name=sda1,uuid=U,label=L,partuuid=P,partlabel=Q; all but DIR may be left out.",
                )
            names[key] = value
        if not folder:
            raise UsageError("--tree needs a folder", "Write --tree DIR.")
        return cls.from_folder(folder, names)

    @classmethod
    def from_folder(cls, folder: str, names: Mapping[str, str]) -> Device:
        """Return the device that a folder stands for. names: `name`, `uuid`, `label`, `partuuid`, `partlabel`."""
        name = names.get("name", "") or folder.rstrip("/").rpartition("/")[2] or "tree"
        disk, number = position(name)
        return cls(
            name=name,
            disk=disk,
            number=number,
            folder=folder,
            place=Place(bus=Bus.INTERNAL),  # named explicitly, so trusted
            uuid=names.get("uuid"),
            label=names.get("label"),
            partuuid=names.get("partuuid"),
            partlabel=names.get("partlabel"),
        )

    @classmethod
    def from_tree_options(cls, texts: Iterable[str]) -> list[Device]:
        """Parse several options, and name those without a name. Raise UsageError if a name is used twice."""
        devices: dict[str, Device] = {}
        for text in texts:
            device = cls.from_tree_option(text)
            again = 2
            while device.name in devices:
                if any(option.startswith("name=") for option in text.split(",")[1:]):
                    raise UsageError(f"--tree {text}: another tree is called {device.name}", "Give it another name.")
                base = cls.from_tree_option(text).name
                device = replace(device, name=f"{base}-{again}")
                again += 1
            if device.disk is None:  # all without such a name are taken for the partitions of one disk
                device = replace(device, disk="tree", number=len(devices) + 1)
            devices[device.name] = device
        return list(devices.values())


_PARTITION = regex(r"((?:[shv]|xv)d[a-z]+|(?:nvme\d+n|mmcblk|loop|nbd|md)\d+(?=p))p?(\d{1,3})")


def position(name: str) -> tuple[str | None, int | None]:
    """Return disk and number of a partition by its kernel name: `sda` and 2 for `sda2`; (None, None) for others."""
    match = _PARTITION.fullmatch(name)
    return (match[1], int(match[2])) if match else (None, None)


class Member(Value, kw_only=True):
    """A part of an array or volume group that is not assembled yet."""

    device: Device


def find(host: Host) -> Iterator[Device | Problem]:
    """Yield the devices that can be read without assembling anything."""
    for found in survey(host):
        if not isinstance(found, Member):
            yield found


def survey(host: Host, without: Collection[str] = ()) -> Iterator[Device | Member | Problem]:
    """Yield the partitions and unpartitioned disks of this machine, in the order of lsblk; then the devices assembled
    from them, which lsblk lists below their first part.

    without: names of devices to leave out, but not those built on them. Also left out are partitions that hold no
    file system, and drives without a medium. A partition whose file system is not known is yielded as a problem that
    says what it holds, if that is known.
    """
    has_udev = host.exists("/run/udev/control")
    rows, trouble, probed = None, "", True
    if has_udev or host.commands.find("lsblk") is not None:  # a first stage has none
        rows, trouble = _ask_lsblk(host)
    if trouble:
        yield Problem(device="", path="", message=f"{trouble}; partitions are taken from /sys/class/block")
    if rows is None:
        rows = sysfs_disks.rows(host)
        probed = host.commands.find("blkid") is not None
    if trouble or not has_udev:
        _ask_blkid(host, rows)
    found = [*_from_rows(rows, host, without, probed=probed)]
    yield from (one for _, one in sorted(found, key=lambda pair: pair[0]))


def _ask_lsblk(host: Host) -> tuple[list[Any] | None, str]:
    """Return lsblk's rows, or None and what is wrong."""
    argv = ["lsblk", "--json", "--bytes", "--exclude", sysfs_disks.EXCLUDED, "--output", _COLUMNS]
    try:
        done = host.commands.run(argv, timeout=_LSBLK_SECONDS)
        answer = json.loads(done.stdout) if done.returncode == 0 else None
        rows = (answer.get("blockdevices") or []) if isinstance(answer, dict) else None
    except CommandError as error:
        return None, error.message
    except (ValueError, RecursionError) as error:
        return None, f"the output of lsblk is invalid: {quoted(str(error))}"
    if isinstance(rows, list):
        return rows, ""
    return None, f"lsblk failed: {done.said}" if done.returncode else "the output of lsblk is invalid"


def _flat(rows: list[Any]) -> Iterator[dict[str, Any]]:
    pending = list(rows)
    while pending:
        row = pending.pop()
        if isinstance(row, dict):
            yield row
            pending += _list(row.get("children"))


_BLKID = {
    "fstype": "ID_FS_TYPE",
    "uuid": "ID_FS_UUID",
    "label": "ID_FS_LABEL_ENC",
    "partuuid": "ID_PART_ENTRY_UUID",
    "partlabel": "ID_PART_ENTRY_NAME",
    "parttype": "ID_PART_ENTRY_TYPE",
    "partflags": "ID_PART_ENTRY_FLAGS",
}
_BLKID_SECONDS = 4.0
_MAX_ASKED = 200
_AT_A_TIME = 8
"""Devices that are probed at a time: each takes a process, and some boards have little memory."""
_DEAD = 2
"""Number of silent devices on one disk after which its others are not probed. One alone may have a bad block."""


def _ask_blkid(host: Host, rows: list[Any]) -> None:
    """Fill in what neither sysfs nor lsblk without udev reports: lsblk takes file systems and labels from libudev,
    and probes only devices that libudev does not know; but libudev knows every device in /sys.

    Each device is probed separately, and different disks in parallel, so that a dead disk does not block the others.
    Rows of devices that do not answer are marked as `silent`.
    """
    disks = [[(disk, row) for row in _flat([top]) if _is_to_be_asked(row)] for disk, top in enumerate(rows)]
    in_turn = (asked for turn in zip_longest(*disks) for asked in turn if asked is not None)
    waiting: SimpleQueue[tuple[int, dict[str, Any]]] = SimpleQueue()
    for asked in islice(in_turn, _MAX_ASKED):
        waiting.put(asked)
    silent: list[list[str]] = [[] for _ in disks]

    def work() -> None:
        with contextlib.suppress(Empty):
            while True:
                disk, row = waiting.get_nowait()
                path = str(row["path"])
                answers = _blkid(host, path) if len(silent[disk]) < _DEAD else None
                if answers is None:
                    silent[disk].append(path)
                    row["silent"] = True
                else:
                    row.update(answers)

    helpers = [
        Thread(target=work, name="bootmenu-blkid", daemon=True) for _ in range(min(_AT_A_TIME, waiting.qsize()) - 1)
    ]
    started = []
    for helper in helpers:
        with contextlib.suppress(RuntimeError):  # no more threads can be started: this one does the work
            helper.start()
            started.append(helper)
    work()
    for helper in started:
        helper.join()


def _is_to_be_asked(row: Mapping[str, Any]) -> bool:
    return bool(row.get("path") and _bytes(row.get("size")) and not row.get("children") and not row.get("fstype"))


def _blkid(host: Host, path: str) -> dict[str, str] | None:
    """Return what blkid reports about a device, by lsblk's names, or None if the device does not answer."""
    try:
        done = host.commands.run(["blkid", "-p", "-o", "udev", path], timeout=_BLKID_SECONDS)
    except HangingError:
        return None
    except CommandError:
        return {}
    answers = dict(line.partition("=")[::2] for line in done.stdout.decode("utf-8", "replace").splitlines())
    return {ours: references.unescaped(answers[theirs]) for ours, theirs in _BLKID.items() if theirs in answers}


NEEDS_ROOT = N_("not mounted: this needs root")
"""The message of a problem: this user may not read the partition."""
_DISKS = frozenset({"disk", "part", "rom"})
"""lsblk's types of devices that are not built on others."""


def _from_rows(
    rows: list[Any], host: Host, without: Collection[str], *, probed: bool
) -> Iterator[tuple[bool, Device | Member | Problem]]:
    """Yield each device, member or problem, after whether it was assembled.

    probed: whether a missing file system means that there is none that is known; otherwise mounting finds out.
    """
    # mounted file systems are known even if the device itself may not be read
    mounted = {mount.number: mount.filesystem for mount in mounts(host)}
    places = Places(host)
    raw = RawReader(host)
    seen = set(without)
    pending: list[tuple[Any, str, bool]] = [(row, "", False) for row in reversed(rows)]
    while pending:
        row, parent, assembled = pending.pop()
        if not isinstance(row, dict):
            continue
        assembled = assembled or str(row.get("type") or "disk") not in _DISKS
        children = [child for child in _list(row.get("children")) if isinstance(child, dict)]
        above = {str(child.get("type")) for child in children}
        if "mpath" in above:
            # multipath: the partitions of a path repeat those of the whole
            children = [child for child in children if child.get("type") != "part"]
        pending += [(child, str(row.get("name")), assembled) for child in reversed(children)]
        device = replace(_device(row, parent, mounted, places), assembled=assembled)
        # a device above two others (RAID, multipath) is listed below each of them
        if not device.name or device.name in seen or not device.size:
            continue
        seen.add(device.name)
        if device.filesystem in NOT_BOOTABLE or device.name.startswith(("zram", "ram")):
            continue
        if str(row.get("parttype")).lower() in _NO_FILES:
            continue
        if row.get("type") == "loop" and device.filesystem == "squashfs":
            continue  # a package (snap) or a live system's root, which is no place to boot from
        if above - {"part"}:
            continue  # it is read through the device built on it; half a mirror also looks like a file system
        if device.filesystem in MEMBERS:
            yield assembled, Member(device=device)
        elif device.filesystem or not (probed or children or row.get("type") in ("rom", "loop")):
            yield assembled, replace(device, locked=device.filesystem == LUKS)
        # an optical drive without a medium has the size of one (drivers/scsi/sr.c:get_sectorsize)
        elif not children and row.get("type") != "rom":
            forbidden = host.forbids(device.path)
            if row.get("type") == "loop" and not forbidden:
                continue
            if row.get("silent"):
                message = N_("does not answer")
            elif forbidden:  # so that its file system is not known, unless udev has asked
                message = NEEDS_ROOT
            else:
                kind = str(row.get("parttype")).lower()
                found = raw.message(device.path, device.name, kind, device.gpt_attributes)
                message = found or _unknown(row)
            yield assembled, Problem(device=device.name, path="", message=message)


def _unknown(row: Mapping[str, Any]) -> Message:
    if row.get("type") == "part":
        return N_("not readable: no known file system")
    return N_("not readable: no partitions and no known file system")


def _device(row: dict[str, Any], parent: str, mounted: Mapping[str, str], places: Places) -> Device:
    texts = {key: value for key, value in row.items() if isinstance(value, str) and value}
    number = _number(texts.get("name", ""), parent) if row.get("type") == "part" else None
    name = texts.get("name", "")
    place = places.of(
        name, texts.get("maj:min", ""), removable=row.get("rm") in (True, "1"), partuuid=texts.get("partuuid")
    )
    return Device(
        name=name,
        path=texts.get("path", ""),
        filesystem=texts.get("fstype") or mounted.get(texts.get("maj:min", "")),
        size=_bytes(row.get("size")),
        uuid=texts.get("uuid"),
        label=texts.get("label"),
        partuuid=texts.get("partuuid"),
        partlabel=texts.get("partlabel"),
        place=place,
        disk=parent if number is not None else None,
        number=number,
        gpt_attributes=_flags(texts.get("partflags", "")),
    )


def _flags(text: str) -> int | None:
    return int(text, 16) if re.fullmatch(r"0x[0-9a-f]{1,16}", text, re.IGNORECASE) else None


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _number(name: str, disk: str) -> int | None:
    """Return the number of a partition: 2 for `sda2`, 3 for `nvme0n1p3` (block/partitions/core.c:add_partition)."""
    match = re.fullmatch(r"p?(\d{1,3})", name.removeprefix(disk)) if disk and name.startswith(disk) else None
    return int(match[1]) if match else None


def _bytes(value: object) -> int | None:
    text = str(value)
    return int(text) if re.fullmatch(r"[0-9]{1,20}", text) else None
