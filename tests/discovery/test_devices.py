# SPDX-License-Identifier: MIT
"""Which partitions there are, whatever lsblk and sysfs answer."""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.discovery import devices
from bootmenu.discovery.devices import Device, Member, find, position, survey
from bootmenu.errors import UsageError
from bootmenu.model.entry import Problem
from bootmenu.model.place import Bus, Place
from bootmenu.system.host import Host
from bootmenu.system.processes import HangingError
from tests.builders.hosts import commands_of, fake_host
from tests.builders.trees import write_tree
from tests.properties import examples

PROPERTY = examples(150)

DISK = {
    "name": "sda",
    "path": "/dev/sda",
    "maj:min": "8:0",
    "type": "disk",
    "size": 1 << 30,
    "rm": True,
    "children": [
        {
            "name": "sda1",
            "path": "/dev/sda1",
            "type": "part",
            "fstype": "vfat",
            "size": 100,
            "uuid": "1C4E-5A7B",
            "label": "B",
        },
        {"name": "sda2", "path": "/dev/sda2", "type": "part", "fstype": None, "size": 100},
        {"name": "sda3", "path": "/dev/sda3", "type": "part", "fstype": "swap", "size": 100},
        {"name": "sda4", "path": "/dev/sda4", "type": "part", "fstype": "ext4", "size": 0},
    ],
}


def found(
    tmp_path: Path, answer: object, files: Mapping[str, str] | None = None, status: int = 0, raw: bytes | None = None
) -> list[Device | Problem]:
    out = json.dumps({"blockdevices": answer}).encode() if raw is None else raw

    def lsblk(argv: Sequence[str], descriptors: Sequence[int]) -> tuple[int, bytes, bytes]:
        return status, out, b"lsblk: it is broken\n" if status else b""

    return list(find(fake_host(tmp_path, files, {"lsblk": lsblk})))


def test_slots_are_looked_at_and_packages_are_not(tmp_path: Path) -> None:
    slots = [
        {
            "name": f"vda{number}",
            "path": f"/dev/vda{number}",
            "type": "part",
            "fstype": kind,
            "size": 9,
            "partflags": at,
        }
        for number, kind, at in ((2, "squashfs", "0x102000000000000"), (3, "erofs", None))
    ]
    disk = {"name": "vda", "path": "/dev/vda", "type": "disk", "size": 99, "children": slots}
    snap = {"name": "loop3", "path": "/dev/loop3", "type": "loop", "fstype": "squashfs", "size": 9}
    here = found(tmp_path, [disk, snap])
    assert [(device.name, device.filesystem) for device in here if isinstance(device, Device)] == [
        ("vda2", "squashfs"),
        ("vda3", "erofs"),
    ]
    assert [device.gpt_attributes for device in here if isinstance(device, Device)] == [0x102 << 48, None]


def test_partitions_are_found_and_what_is_none_is_said(tmp_path: Path) -> None:
    rows = [DISK, {"name": "loop0", "type": "loop", "size": 5}, {"name": "sdb", "type": "disk", "size": 9}]
    one, two, three = found(tmp_path, rows)
    assert isinstance(one, Device)
    assert (one.name, one.path, one.filesystem, one.uuid, one.title) == (
        "sda1",
        "/dev/sda1",
        "vfat",
        "1C4E-5A7B",
        "sda1 · B · vfat",
    )
    assert two == Problem(device="sda2", path="", message="not readable: no known file system")
    assert three == Problem(device="sdb", path="", message="not readable: no partitions and no known file system")


@pytest.mark.parametrize(
    "kind",
    [
        "21686148-6449-6E6F-744E-656564454649",
        "9e1a2d38-c612-4316-aa26-8b49521e5a8b",
        "e3c9e316-0b5c-4db8-817d-f92df00215ae",
        *("0x41", "0x5", "0xf", "0x85"),
    ],
)
def test_partitions_that_are_not_for_files_are_no_problems(tmp_path: Path, kind: str) -> None:
    row = {"name": "sda1", "path": "/dev/sda1", "type": "part", "size": 9, "fstype": None, "parttype": kind}
    assert found(tmp_path / "lsblk", [row]) == []
    answers = {f"/dev/sda{number}": f"ID_PART_ENTRY_TYPE={kind}\n".encode() for number in (1, 2)}
    told, _ = without_udev(tmp_path / "blkid", {**answers, "/dev/sda3": b"ID_PART_ENTRY_TYPE=0x83\n"})
    assert told == [Problem(device="sda3", path="", message="not readable: no known file system")]


def test_what_lies_on_other_devices_comes_last(tmp_path: Path) -> None:
    def row(name: str, kind: str, *children: object) -> dict[str, object]:
        filesystem = None if children else "ext4"
        return {"name": name, "type": kind, "size": 9, "fstype": filesystem, "children": list(children)}

    array = row("md0", "raid1", row("md0p1", "part"))
    rows = [
        row("loop0", "loop", row("vg-root", "lvm")),
        row("sda", "disk", row("sda1", "part", array), row("sda2", "part"), row("sda3", "part", row("c", "crypt"))),
        row("sdb", "disk", row("sdb1", "part", array), row("sdb2", "part")),
        {"name": "sr0", "type": "rom", "size": 9, "fstype": "iso9660"},
    ]
    devices = [one for one in found(tmp_path, rows) if isinstance(one, Device)]
    assert [device.name for device in devices] == ["sda2", "sdb2", "sr0", "vg-root", "md0p1", "c"]
    assert [device.name for device in devices if device.assembled] == ["vg-root", "md0p1", "c"]


def test_a_device_above_two_others_is_listed_once(tmp_path: Path) -> None:
    member = {"type": "part", "fstype": "linux_raid_member", "size": 5}
    raid = {"name": "md0", "path": "/dev/md0", "type": "raid1", "fstype": "ext4", "size": 5}
    rows = [{**member, "name": name, "children": [raid]} for name in ("sda1", "sdb1")]
    assert [item.name for item in found(tmp_path, rows) if isinstance(item, Device)] == ["md0"]


def test_a_whole_disk_with_a_file_system_is_one_also_beside_partitions(tmp_path: Path) -> None:
    plain = {"name": "sdb", "path": "/dev/sdb", "type": "disk", "fstype": "ext4", "size": 5}
    hybrid = {**DISK, "name": "sdc", "fstype": "iso9660", "children": [{"name": "sdc1", "type": "part", "size": 5}]}
    devices = found(tmp_path, [plain, hybrid])
    assert [item.name for item in devices if isinstance(item, Device)] == ["sdb", "sdc"]


def test_a_drive_without_a_medium_is_left_out(tmp_path: Path) -> None:
    reader = {"name": "sdd", "path": "/dev/sdd", "type": "disk", "size": 0, "rm": True}
    # without a medium a drive claims to have 0x1fffff sectors
    optical = {"name": "sr0", "path": "/dev/sr0", "type": "rom", "size": 0x1FFFFF * 512, "rm": True}
    disc = {**optical, "name": "sr1", "fstype": "iso9660"}
    assert found(tmp_path, [reader, optical]) == []
    assert [item.name for item in found(tmp_path, [reader, disc]) if isinstance(item, Device)] == ["sr1"]


def test_floppies_are_not_even_asked_for(tmp_path: Path) -> None:
    host = fake_host(tmp_path, None, {"lsblk": lambda argv, descriptors: (0, b"{}", b"")})
    assert list(find(host)) == []
    (argv,) = commands_of(host).calls
    assert argv[argv.index("--exclude") + 1] == "1,2"


def test_both_paths_of_a_disk_are_one(tmp_path: Path) -> None:
    whole = {"name": "mpatha", "path": "/dev/mapper/mpatha", "type": "mpath", "size": 9}
    first = {"name": "mpatha-part1", "path": "/dev/mapper/mpatha-part1", "type": "part", "fstype": "ext4", "size": 5}
    rows = [
        {
            "name": name,
            "type": "disk",
            "fstype": "mpath_member",
            "size": 9,
            "children": [
                {"name": f"{name}1", "type": "part", "fstype": "ext4", "size": 5},
                {**whole, "children": [first]},
            ],
        }
        for name in ("sda", "sdb")
    ]
    assert [item.name for item in found(tmp_path, rows) if isinstance(item, Device)] == ["mpatha-part1"]


def test_what_something_stands_on_is_not_read_beside_it(tmp_path: Path) -> None:
    volume = {"name": "vg-root", "path": "/dev/mapper/vg-root", "type": "lvm", "fstype": "ext4", "size": 5}
    half = {"name": "vg-root_rimage_0", "type": "lvm", "fstype": "ext4", "size": 5, "children": [volume]}
    disk = {"name": "sda", "type": "disk", "fstype": "LVM2_member", "size": 9, "children": [half]}
    assert [item.name for item in found(tmp_path, [disk]) if isinstance(item, Device)] == ["vg-root"]


def test_an_encrypted_partition_is_locked_until_something_stands_on_it(tmp_path: Path) -> None:
    locked = {"name": "sda3", "path": "/dev/sda3", "type": "part", "fstype": "crypto_LUKS", "size": 9, "uuid": "C"}
    plain = {
        "name": "bootmenu-sda3",
        "path": "/dev/mapper/bootmenu-sda3",
        "type": "crypt",
        "fstype": "ext4",
        "size": 5,
    }
    (device,) = found(tmp_path, [locked])
    assert isinstance(device, Device)
    assert device.locked
    (device,) = found(tmp_path, [{**locked, "children": [plain]}])
    assert isinstance(device, Device)
    assert (device.name, device.locked) == ("bootmenu-sda3", False)


def test_parts_of_arrays_and_groups_are_told_apart_from_what_can_be_read(tmp_path: Path) -> None:
    rows = [
        {"name": "sda1", "type": "part", "fstype": "linux_raid_member", "size": 5, "uuid": "A"},
        {"name": "sda2", "type": "part", "fstype": "LVM2_member", "size": 5},
        {"name": "loop0", "type": "loop", "fstype": "LVM2_member", "size": 5},
    ]
    host = fake_host(
        tmp_path, None, {"lsblk": lambda argv, fds: (0, json.dumps({"blockdevices": rows}).encode(), b"")}
    )
    members = [item.device.name for item in survey(host, without={"loop0"}) if isinstance(item, Member)]
    assert members == ["sda1", "sda2"]
    assert list(find(host)) == []


def test_what_is_mounted_has_a_known_file_system(tmp_path: Path) -> None:
    files = {"/proc/self/mountinfo": "36 35 8:2 / / rw - ext4 /dev/sda2 rw\n"}
    (device,) = found(tmp_path, [{"name": "sda2", "maj:min": "8:2", "type": "part", "size": 5}], files)
    assert isinstance(device, Device)
    assert device.filesystem == "ext4"


SYSFS = {
    "/sys/class/block/sda/size": "100\n",
    "/sys/class/block/sda/sda1/size": "50\n",
    "/sys/class/block/sda1/size": "50\n",
    "/sys/class/block/sda1/partition": "1\n",
    "/sys/class/block/sda1/uevent": "DEVNAME=sda1\nPARTNAME=boot\nPARTUUID=ab-01\n",
    "/sys/class/block/zram0/size": "50\n",
    "/sys/class/block/sdb/size": "0\n",
}


@pytest.mark.parametrize(
    ("raw", "status"), [(b"not json", 0), (b"", 1), (b"\xff", 0), (b"[]", 0), (b'"x"', 0), (b"[" * 100_000, 0)]
)
def test_where_lsblk_fails_sysfs_answers_and_that_is_said(tmp_path: Path, raw: bytes, status: int) -> None:
    problem, device = found(tmp_path, None, SYSFS, status, raw)
    assert isinstance(problem, Problem)
    assert "lsblk" in problem.message
    assert device == Device(
        name="sda1",
        path="/dev/sda1",
        size=25_600,
        partuuid="ab-01",
        partlabel="boot",
        place=Place(partuuid="ab-01"),
        disk="sda",
        number=1,
    )


def test_where_lsblk_and_udev_are_missing_sysfs_answers(tmp_path: Path) -> None:
    (device,) = find(fake_host(tmp_path, SYSFS))
    assert isinstance(device, Device)
    assert device.name == "sda1"


def test_where_lsblk_is_missing_beside_udev_that_is_said(tmp_path: Path) -> None:
    problem, device = find(fake_host(tmp_path, {**SYSFS, "/run/udev/control": ""}))
    assert isinstance(problem, Problem)
    assert "/sys/class/block" in problem.message
    assert isinstance(device, Device)


def test_what_blkid_knows_about_a_device_of_sysfs_is_filled_in(tmp_path: Path) -> None:
    told = b"ID_FS_TYPE=vfat\nID_FS_UUID=1C4E-5A7B\nID_PART_ENTRY_FLAGS=0x4\n"
    (device,) = find(fake_host(tmp_path, SYSFS, {"blkid": lambda argv, _: (0, told, b"")}))
    assert isinstance(device, Device)
    assert (device.filesystem, device.uuid, device.gpt_attributes) == ("vfat", "1C4E-5A7B", 4)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["sda1", "ext4", "part", "²"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "path", "fstype", "size", "uuid", "label", "children", "type", "rm", "maj:min"]),
            inner,
            max_size=8,
        )
    ),
    max_leaves=20,
)
ROWS = st.fixed_dictionaries(
    {"name": st.just("sda1"), "size": st.sampled_from([5, "5", "²", -1, None]), "fstype": st.just("ext4") | JUNK},
    optional={
        "children": JUNK,
        "uuid": JUNK,
        "label": JUNK,
        "partuuid": JUNK,
        "rm": JUNK,
        "path": JUNK,
        "type": JUNK,
    },
)


@PROPERTY
@given(JUNK | st.lists(ROWS | JUNK, max_size=3))
def test_any_json_gives_devices_and_problems(tmp_path_factory: pytest.TempPathFactory, answer: object) -> None:
    for item in found(tmp_path_factory.getbasetemp() / "lsblk", answer):
        assert isinstance(item, (Device, Problem))
        if isinstance(item, Device):
            assert item.title
            assert item.identity
            assert all(isinstance(name, (str, type(None))) for name in (item.uuid, item.label, item.filesystem))


# ---- --tree -----------------------------------------------------------------------------------------------


def test_a_tree_has_every_name_it_is_given() -> None:
    device = Device.from_tree_option("/mnt/x,name=sda1,uuid=U-1,label=a=b,partuuid=P,partlabel=Q")
    assert device == Device(
        name="sda1",
        folder="/mnt/x",
        uuid="U-1",
        label="a=b",
        partuuid="P",
        partlabel="Q",
        place=Place(bus=Bus.INTERNAL),
        disk="sda",
        number=1,
    )


@pytest.mark.parametrize(
    ("name", "disk", "number"),
    [
        ("sda1", "sda", 1),
        ("vdb12", "vdb", 12),
        ("xvda3", "xvda", 3),
        ("nvme0n1p2", "nvme0n1", 2),
        ("mmcblk10p3", "mmcblk10", 3),
        ("md0p1", "md0", 1),
        ("sda", None, None),
        ("mmcblk0", None, None),
        ("md0", None, None),
        ("vg-root1", None, None),
        ("boot", None, None),
    ],
)
def test_a_kernel_name_says_which_partition_of_which_disk_it_is(
    name: str, disk: str | None, number: int | None
) -> None:
    assert position(name) == (disk, number)


def test_trees_without_kernel_names_are_the_partitions_of_one_disk_in_their_order() -> None:
    devices = Device.from_tree_options(["/esp", "/boot", "/x,name=sdb7", "/boot"])
    assert [(device.name, device.disk, device.number) for device in devices] == [
        ("esp", "tree", 1),
        ("boot", "tree", 2),
        ("sdb7", "sdb", 7),
        ("boot-2", "tree", 4),
    ]


@pytest.mark.parametrize(
    ("text", "name"), [("/mnt/boot", "boot"), ("/mnt/boot/", "boot"), ("/", "tree"), (".", "."), ("//", "tree")]
)
def test_a_tree_without_a_name_is_called_after_its_folder(text: str, name: str) -> None:
    assert Device.from_tree_option(text).name == name


@PROPERTY
@given(
    st.text(max_size=20)
    | st.lists(st.sampled_from(["/x", "name=", "uuid=1", "name=a", "=", "size=1", ""])).map(",".join)
)
def test_any_tree_option_is_a_device_or_a_wrong_call(text: str) -> None:
    try:
        device = Device.from_tree_option(text)
    except UsageError as error:
        assert error.hint  # noqa: PT017 - both outcomes are right
        return
    assert device.name
    assert device.folder


@pytest.mark.parametrize(
    ("names", "identity"),
    [
        ({"uuid": "AB", "partuuid": "P", "label": "L"}, "uuid=ab"),
        ({"partuuid": "CD", "label": "L"}, "partuuid=cd"),
        ({"label": "L", "partlabel": "Q"}, "label=L"),
        ({"partlabel": "Q"}, "partlabel=Q"),
        ({}, "name=sda1"),
    ],
)
def test_an_identity_is_what_stays_from_boot_to_boot(names: dict[str, str], identity: str) -> None:
    assert Device(name="sda1", **names).identity == identity  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("disk", "part", "kind", "place"),
    [
        ("sda", "sda12", "part", ("sda", 12)),
        ("nvme0n1", "nvme0n1p3", "part", ("nvme0n1", 3)),
        ("mmcblk0", "mmcblk0boot0", "disk", (None, None)),
        ("sda", "vg-root", "lvm", (None, None)),
        ("sda", "sdaX", "part", (None, None)),
    ],
)
def test_a_partition_knows_its_disk_and_its_number(
    tmp_path: Path, disk: str, part: str, kind: str, place: tuple[str | None, int | None]
) -> None:
    child = {"name": part, "type": kind, "size": 1, "fstype": "ext4"}
    (device,) = found(tmp_path, [{"name": disk, "type": "disk", "size": 1, "children": [child]}])
    assert isinstance(device, Device)
    assert (device.disk, device.number) == place


def test_sysfs_says_which_disk_a_partition_is_of(tmp_path: Path) -> None:
    write_tree(tmp_path, {"/sys/devices/x/block/sda/sda2/partition": "2", "/sys/devices/x/block/sda/sda2/size": "8"})
    (tmp_path / "sys/class/block").mkdir(parents=True)
    (tmp_path / "sys/class/block/sda2").symlink_to("../../devices/x/block/sda/sda2")
    (tmp_path / "sys/class/block/sda").symlink_to("../../devices/x/block/sda")
    (device,) = find(fake_host(tmp_path))
    assert isinstance(device, Device)
    assert (device.disk, device.number) == ("sda", 2)


def without_udev(
    tmp_path: Path, answers: Mapping[str, bytes], files: Mapping[str, str] | None = None
) -> tuple[list[Device | Problem], Host]:
    """What is found where lsblk knows names and sizes only. answers: of blkid, by path."""
    rows = [
        {"name": "sda", "path": "/dev/sda", "type": "disk", "size": 9, "children": [
            {"name": f"sda{number}", "path": f"/dev/sda{number}", "type": "part", "size": 9, "fstype": None}
            for number in (1, 2, 3)
        ]},
    ]  # fmt: skip

    def lsblk(argv: Sequence[str], descriptors: Sequence[int]) -> tuple[int, bytes, bytes]:
        return 0, json.dumps({"blockdevices": rows}).encode(), b""

    def blkid(argv: Sequence[str], descriptors: Sequence[int]) -> tuple[int, bytes, bytes]:
        if argv[-1] not in answers:
            raise HangingError("blkid did not end within 4 s", "")
        return 0, answers[argv[-1]], b""

    host = fake_host(tmp_path, files, {"lsblk": lsblk, "blkid": blkid})
    return list(find(host)), host


def test_where_no_udev_runs_each_device_is_asked_and_a_dead_one_keeps_nobody(tmp_path: Path) -> None:
    answers = {
        "/dev/sda1": b"ID_FS_TYPE=ext4\nID_FS_UUID=7b0c\nID_FS_LABEL=a_b\nID_FS_LABEL_ENC=a\\x20b\n"
        b"ID_PART_ENTRY_UUID=11\nID_PART_ENTRY_NAME=boot\\x2f\n",
        "/dev/sda2": b"",
    }
    (one, two, three), host = without_udev(tmp_path, answers)
    assert isinstance(one, Device)
    assert (one.filesystem, one.uuid, one.label, one.partuuid, one.partlabel) == (
        "ext4",
        "7b0c",
        "a b",
        "11",
        "boot/",
    )
    assert two == Problem(device="sda2", path="", message="not readable: no known file system")
    assert three == Problem(device="sda3", path="", message="does not answer")
    assert ["blkid", "-p", "-o", "udev", "/dev/sda"] not in commands_of(host).calls, "it has a partition table"


class Asked:
    """A machine with so many disks of so many partitions, of which lsblk says nothing. Each blkid waits until as many
    run as may, then answers, unless its disk is dead."""

    def __init__(self, top: Path, disks: int, partitions: int, dead: Collection[str] = ()) -> None:
        self.dead = dead
        self.asked: list[str] = []
        self.changing = threading.Lock()
        self.running = self.most = 0
        rows = [
            {"name": disk, "path": f"/dev/{disk}", "type": "disk", "size": 9, "children": [
                {"name": f"{disk}{number}", "path": f"/dev/{disk}{number}", "type": "part", "size": 9, "fstype": None}
                for number in range(1, partitions + 1)
            ]}
            for disk in (f"sd{chr(97 + number)}" for number in range(disks))
        ]  # fmt: skip
        answer = json.dumps({"blockdevices": rows}).encode()
        self.all_run = threading.Event()
        if disks * partitions < devices._AT_A_TIME:
            self.all_run.set()
        self.host = fake_host(top, {}, {"lsblk": lambda *_: (0, answer, b""), "blkid": self.blkid})

    def blkid(self, argv: Sequence[str], _descriptors: Sequence[int]) -> tuple[int, bytes, bytes]:
        with self.changing:
            self.asked.append(argv[-1])
            self.running += 1
            self.most = max(self.most, self.running)
            if self.running == devices._AT_A_TIME:
                self.all_run.set()
        assert self.all_run.wait(10)
        with self.changing:
            self.running -= 1
        if argv[-1][:8] in self.dead:
            raise HangingError("blkid did not end within 4 s", "")
        return 0, b"ID_FS_TYPE=ext4\n", b""


def test_however_many_devices_there_are_few_are_asked_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[threading.Thread] = []
    start = threading.Thread.start

    def counted(thread: threading.Thread) -> None:
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", counted)
    machine = Asked(tmp_path, disks=25, partitions=9)
    found = list(find(machine.host))
    assert machine.most == devices._AT_A_TIME
    assert len(machine.asked) == len(set(machine.asked)) == devices._MAX_ASKED
    assert sum(isinstance(one, Device) for one in found) == devices._MAX_ASKED
    assert len(started) == devices._AT_A_TIME - 1, "and the one that asks"
    assert not any(thread.is_alive() for thread in started)


def test_a_dead_disk_with_many_partitions_takes_the_time_of_few(tmp_path: Path) -> None:
    machine = Asked(tmp_path, disks=2, partitions=90, dead=["/dev/sda"])
    found = list(find(machine.host))
    assert {one.name for one in found if isinstance(one, Device)} == {f"sdb{number}" for number in range(1, 91)}
    silent = [one for one in found if isinstance(one, Problem)]
    assert silent == [Problem(device=f"sda{number}", path="", message="does not answer") for number in range(1, 91)]
    assert sum(path.startswith("/dev/sda") for path in machine.asked) < devices._AT_A_TIME + devices._DEAD


def test_where_no_thread_can_be_had_devices_are_asked_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    machine = Asked(tmp_path, disks=3, partitions=3)
    machine.all_run.set()
    assert sum(isinstance(one, Device) for one in find(machine.host)) == 9
    assert machine.most == 1


def test_where_udev_runs_it_has_been_asked(tmp_path: Path) -> None:
    _, host = without_udev(tmp_path, {}, {"/run/udev/control": ""})
    assert [call[0] for call in commands_of(host).calls if "dd" not in call] == ["lsblk"]


def test_what_only_root_may_read_is_said_and_does_not_vanish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Host, "forbids", lambda host, path: path != "/dev/sda1")
    loop = {"name": "loop0", "path": "/dev/loop0", "type": "loop", "size": 100}
    drive = {"name": "sr0", "path": "/dev/sr0", "type": "rom", "size": 100}
    shown = found(tmp_path, [DISK, loop, drive])
    assert [one.name for one in shown if isinstance(one, Device)] == ["sda1"]
    assert [(one.device, one.message) for one in shown if isinstance(one, Problem)] == [
        ("sda2", devices.NEEDS_ROOT),
        ("loop0", devices.NEEDS_ROOT),
    ]
