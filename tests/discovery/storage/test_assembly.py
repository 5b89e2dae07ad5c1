# SPDX-License-Identifier: MIT
"""Arrays, volume groups and encrypted partitions: which tools are started, on what, and what is undone."""

from __future__ import annotations

import errno
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.discovery.devices import Device
from bootmenu.discovery.storage import lvm, md
from bootmenu.discovery.storage.assembler import Assembler, StorageError
from bootmenu.discovery.storage.assembly import Storage
from bootmenu.discovery.storage.loops import Loops
from bootmenu.discovery.storage.luks import UnlockError
from bootmenu.model.entry import Problem
from tests.builders.hosts import commands_of, fake_host, syscalls_of
from tests.builders.places import INSIDE, STICK
from tests.builders.trees import write_tree
from tests.properties import examples

Row = dict[str, Any]
Answer = tuple[int, bytes, bytes]
DONE: Answer = (0, b"", b"")


def part(name: str, filesystem: str, **more: object) -> Row:
    return {"name": name, "path": f"/dev/{name}", "type": "part", "fstype": filesystem, "size": 100, **more}


class Disks:
    """A machine whose lsblk shows what its tools have put together.

    made: what stands on it after mdadm's, lvm's or cryptsetup's success, by the tool's name.
    """

    def __init__(self, root: Path, rows: Sequence[Row], made: dict[str, Row], **without: bool) -> None:
        self.rows = list(rows)
        self.made = made
        self.active: dict[str, Row] = {}
        self.answers: dict[str, Answer] = {}
        self.report: object = {"report": [{"lv": [volume("root")]}]}
        programs = {"lsblk": self.lsblk, "mdadm": self.tool, "lvm": self.tool, "cryptsetup": self.tool}
        files = {row["path"]: "" for row in rows}
        kept = {name: program for name, program in programs.items() if name not in without}
        self.host = fake_host(root, files, kept)
        self.storage = Storage(self.host)

    def lsblk(self, argv: Sequence[str], descriptors: Sequence[int]) -> Answer:
        loops = [
            {"name": name, "type": "loop", "fstype": "LVM2_member", "size": 100}
            for name in sorted(self.storage.loops.names)
        ]
        loops = [{**loop, "children": list(self.active.values())} for loop in loops]
        # lsblk goes by numbers, and loop devices have a lower one than disks
        return 0, json.dumps({"blockdevices": [*loops, *self.rows]}).encode(), b""

    def tool(self, argv: Sequence[str], descriptors: Sequence[int]) -> Answer:
        verb = next(
            (word for word in argv if word in ("--assemble", "--stop", "lvs", "lvchange", "open", "close")), ""
        )
        if (answer := self.answers.get(verb)) is not None:
            return answer
        match verb:
            case "lvs":
                return 0, json.dumps(self.report).encode(), b""
            case "--assemble" | "open":
                self.active[argv[0]] = self.made[argv[0]]
            case "lvchange" if "y" in argv:
                self.active[argv[0]] = self.made[argv[0]]
            case _:
                self.active.pop(argv[0], None)
        return DONE

    def found(self) -> list[str | Problem]:
        """One look: names of devices, and problems."""
        return [item.name if isinstance(item, Device) else item for item in self.storage.find()]

    def calls(self, *tools: str) -> list[list[str]]:
        return [call for call in commands_of(self.host).calls if call[0] in tools]


def volume(name: str, attributes: str = "-wi-------", kind: str = "linear") -> dict[str, str]:
    return {"vg_name": "vg", "lv_name": name, "lv_attr": attributes, "segtype": kind}


MD = {"name": "md127", "path": "/dev/md127", "type": "raid1", "fstype": "ext4", "size": 90}
LV = {"name": "vg-root", "path": "/dev/mapper/vg-root", "type": "lvm", "fstype": "ext4", "size": 90}
PLAIN = {"name": "bootmenu-sda3", "path": "/dev/mapper/bootmenu-sda3", "type": "crypt", "fstype": "ext4", "size": 90}
MIRROR = [part("sda1", "linux_raid_member", uuid="A", label="box:0"), part("sdb1", "linux_raid_member", uuid="A")]


# ---- arrays -----------------------------------------------------------------------------------------------


def test_an_array_is_started_read_only_on_loop_devices_and_stopped_again(tmp_path: Path) -> None:
    disks = Disks(tmp_path, [part("sdc1", "ext4"), *MIRROR], {"mdadm": MD})
    assert disks.found() == ["sdc1", "md127"]
    (assemble,) = disks.calls("mdadm")
    assert assemble == [
        *("mdadm", "--assemble", "--readonly", "--config=none", "/dev/md127", "/dev/loop0", "/dev/loop1"),
    ]
    opened = [call[1] for call in syscalls_of(disks.host).calls if call[0] == "attach_loop"]
    assert opened == [str(tmp_path / "dev/sda1"), str(tmp_path / "dev/sdb1")]
    assert disks.found() == ["sdc1", "md127"]
    assert len(disks.calls("mdadm")) == 1
    assert disks.storage.release() == []
    assert disks.calls("mdadm")[1:] == [["mdadm", "--stop", "/dev/md127"]]
    assert disks.storage.loops.names == frozenset()


def test_two_arrays_have_names_of_their_own(tmp_path: Path) -> None:
    rows = [*MIRROR, part("sdc1", "linux_raid_member", uuid="B")]
    disks = Disks(tmp_path, rows, {"mdadm": MD})
    (tmp_path / "sys/class/block/md127").mkdir(parents=True)
    disks.found()
    assert [call[4:] for call in disks.calls("mdadm")] == [
        ["/dev/md126", "/dev/loop0", "/dev/loop1"],
        ["/dev/md126", "/dev/loop2"],
    ]


def test_a_stick_that_claims_to_be_a_part_is_asked_only_where_what_is_inside_is_not_complete(tmp_path: Path) -> None:
    disks = Disks(tmp_path, [], {"mdadm": MD})
    parts = [
        Device(name=name, path=f"/dev/{name}", filesystem="linux_raid_member", uuid="1", place=place)
        for name, place in (("sdb1", STICK), ("sda2", INSIDE))
    ]
    for one in parts:
        write_tree(tmp_path, {one.path: ""})
    assembler = Assembler(disks.host, Loops(disks.host))
    assert list(md.assemble(parts, assembler)) == []
    assert assembler.used == {"sda2"}
    assembler.undo()
    disks.answers["--assemble"] = (1, b"", b"mdadm: not enough\n")
    (problem,) = md.assemble(parts, assembler)
    assert "not enough" in problem.message
    assert [len(call) for call in disks.calls("mdadm") if "--assemble" in call][1:] == [6, 7]
    assert not assembler.used


def test_an_array_that_is_not_complete_waits_and_is_tried_again(tmp_path: Path) -> None:
    disks = Disks(tmp_path, MIRROR[:1], {"mdadm": MD})
    disks.answers["--assemble"] = (1, b"", b"mdadm: /dev/md127 assembled from 1 drive - need all 2 to start it\n")
    (problem,) = disks.found()
    assert isinstance(problem, Problem)
    assert problem.device == "sda1"
    assert problem.message.startswith("waiting for the other parts of the array “box:0”")
    assert "need all 2" in problem.message
    assert [call[1] for call in disks.calls("mdadm")] == ["--assemble", "--stop"]
    assert "--run" not in disks.calls("mdadm")[0]
    assert "--force" not in disks.calls("mdadm")[0]
    assert disks.storage.loops.names == frozenset()
    disks.rows, disks.answers = MIRROR, {}
    (tmp_path / "dev/sdb1").touch()
    assert disks.found() == ["md127"]


# ---- volume groups ----------------------------------------------------------------------------------------


def test_volumes_are_activated_read_only_on_loop_devices_and_deactivated_again(tmp_path: Path) -> None:
    disks = Disks(tmp_path, [part("sda2", "LVM2_member")], {"lvm": LV})
    assert disks.found() == ["vg-root"]
    lvs, lvchange = disks.calls("lvm")
    assert "--readonly" in lvs
    for call in (lvs, lvchange):
        config = call[call.index("--config") + 1]
        assert 'filter=["a|^/dev/loop0$|","r|.*|"]' in config
        assert "metadata_read_only=1" in config
    assert 'read_only_volume_list=["vg"]' in lvchange[-2]
    assert (lvchange[1:4], lvchange[-1]) == (["lvchange", "--activate", "y"], "vg/root")
    assert disks.storage.release() == []
    undone = disks.calls("lvm")[-1]
    assert (undone[1:4], undone[4:]) == (["lvchange", "--activate", "n"], lvchange[4:])
    assert disks.storage.loops.names == frozenset()


@pytest.mark.parametrize(
    ("attributes", "kind", "says"),
    [
        ("rwi-------", "raid1", "it is raid1, which would write"),
        ("Vwi-------", "thin", "it is thin, which would write"),
        ("owi-------", "linear", "a volume with snapshots"),
        ("swi-------", "linear", "a volume with snapshots"),
        ("-wi-----p-", "linear", "waiting for a disk"),
    ],
)
def test_a_volume_that_would_write_or_lacks_a_disk_is_left_alone(
    tmp_path: Path, attributes: str, kind: str, says: str
) -> None:
    disks = Disks(tmp_path, [part("sda2", "LVM2_member")], {"lvm": LV})
    disks.report = {"report": [{"lv": [volume("x", attributes, kind)]}]}
    (problem,) = disks.found()
    assert isinstance(problem, Problem)
    assert problem.message.startswith("logical volume vg/x: ")
    assert says in problem.message
    assert [call[1] for call in disks.calls("lvm")] == ["lvs"]
    assert disks.storage.loops.names == frozenset()


def test_so_many_volumes_are_activated(tmp_path: Path) -> None:
    disks = Disks(tmp_path, [part("sda2", "LVM2_member")], {"lvm": LV})
    disks.report = {"report": [{"lv": [volume(f"x{number}") for number in range(lvm.MAX_VOLUMES + 2)]}]}
    assert len([item for item in disks.found() if isinstance(item, Problem)]) == 2
    assert len(disks.calls("lvm")) == 1 + lvm.MAX_VOLUMES


def test_the_volumes_of_a_stick_keep_out_none_inside_the_machine(tmp_path: Path) -> None:
    disks = Disks(tmp_path, [], {"lvm": LV})
    parts = [
        Device(name=name, path=f"/dev/{name}", filesystem="LVM2_member", place=place)
        for name, place in (("sda2", INSIDE), ("sdb1", STICK), ("sda3", INSIDE))
    ]
    for one in parts:
        write_tree(tmp_path, {one.path: ""})
    assembler = Assembler(disks.host, Loops(disks.host))
    many = [volume(f"x{number}") | {"devices": "/dev/loop1(0)"} for number in range(lvm.MAX_VOLUMES)]
    spread = volume("spread") | {"devices": "/dev/loop0(0),/dev/loop1(7)"}
    own = volume("zz") | {"devices": "/dev/loop0(512),/dev/loop2(0)"}
    disks.report = {"report": [{"lv": [*many, spread, own]}]}
    problems = list(lvm.assemble(parts, assembler))
    assert disks.calls("lvm")[1][-1] == "vg/zz"
    assert len(problems) == 2
    assert any("vg/spread: left out" in problem.message for problem in problems)


def test_a_volume_that_cannot_be_activated_hides_no_other(tmp_path: Path) -> None:
    disks = Disks(tmp_path, [part("sda1", "linux_raid_member"), part("sda2", "LVM2_member")], {"mdadm": MD})
    disks.answers["lvchange"] = (5, b"", b"  device-mapper: reload ioctl failed\n")
    problem, array = disks.found()
    assert array == "md127"
    assert problem == Problem(
        device="sda2", path="", message="logical volume vg/root: lvm: “device-mapper: reload ioctl failed”"
    )


REPORT = st.recursive(
    st.none() | st.integers() | st.sampled_from(["vg", "-x", 'a"]', "linear", "-wi-------", "$(x)", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["report", "lv", "vg_name", "lv_name", "lv_attr", "segtype", "devices"]), inner
        )
    ),
    max_leaves=12,
)


@examples(200)
@given(REPORT.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=30))
def test_any_report_gives_volumes_with_harmless_names(report: bytes) -> None:
    try:
        volumes = lvm._volumes(report)
    except StorageError:
        return
    for one in volumes:
        assert re.fullmatch(r"[A-Za-z0-9+_.][A-Za-z0-9+_./-]*", one.path)
        one.trouble()


# ---- encrypted partitions ---------------------------------------------------------------------------------

LOCKED = part("sda3", "crypto_LUKS", uuid="C")


def locked_device(disks: Disks) -> Device:
    (device,) = disks.storage.find()
    assert isinstance(device, Device)
    assert device.locked
    return device


def test_a_partition_is_unlocked_by_a_passphrase_that_only_cryptsetup_reads(tmp_path: Path) -> None:
    disks = Disks(tmp_path, [LOCKED], {"cryptsetup": PLAIN})
    disks.storage.unlock(locked_device(disks), "pässword\n")
    (call,) = disks.calls("cryptsetup")
    assert call == [
        *("cryptsetup", "open", "--type", "luks", "--readonly", "--batch-mode", "--key-file", "-"),
        *("/dev/loop0", "bootmenu-sda3"),
    ]
    assert commands_of(disks.host).inputs == ["pässword\n".encode()]
    assert disks.found() == ["bootmenu-sda3"]
    assert disks.storage.release() == []
    assert disks.calls("cryptsetup")[1:] == [["cryptsetup", "close", "bootmenu-sda3"]]
    assert locked_device(disks).name == "sda3"


@pytest.mark.parametrize(
    ("status", "wrong", "says"),
    [(2, True, "not its passphrase"), (3, False, "not enough memory"), (4, False, "sda3 cannot be unlocked: crypt")],
)
def test_a_refusal_says_why_and_leaves_nothing(tmp_path: Path, status: int, wrong: bool, says: str) -> None:
    disks = Disks(tmp_path, [LOCKED], {"cryptsetup": PLAIN})
    disks.answers["open"] = (status, b"", b"Device /dev/loop0 is bad.\n")
    device = locked_device(disks)
    with pytest.raises(UnlockError, match=says) as caught:
        disks.storage.unlock(device, "secret-word")
    assert caught.value.wrong == wrong
    assert "secret-word" not in f"{caught.value.message}{caught.value.hint}"
    assert disks.storage.loops.names == frozenset()
    assert locked_device(disks) == device


def test_only_what_is_locked_is_unlocked_and_once(tmp_path: Path) -> None:
    disks = Disks(tmp_path, [LOCKED], {"cryptsetup": PLAIN})
    device = locked_device(disks)
    disks.storage.unlock(device, "x")
    with pytest.raises(UnlockError, match="unlocked already"):
        disks.storage.unlock(device, "x")
    with pytest.raises(UnlockError, match="not locked"):
        disks.storage.unlock(Device(name="sda1"), "x")


def test_without_cryptsetup_it_says_so(tmp_path: Path) -> None:
    disks = Disks(tmp_path, [LOCKED], {}, cryptsetup=True)
    with pytest.raises(UnlockError, match="cryptsetup is not installed"):
        disks.storage.unlock(locked_device(disks), "x")


# ---- all together -----------------------------------------------------------------------------------------


def test_what_stands_on_what_was_put_together_is_put_together_too(tmp_path: Path) -> None:
    array = {**MD, "fstype": "LVM2_member"}
    disks = Disks(tmp_path, MIRROR, {"mdadm": array, "lvm": LV})
    (tmp_path / "dev/md127").touch()
    assert disks.found() == ["vg-root"]
    assert disks.storage.release() == []
    order = [call[0] for call in disks.calls("mdadm", "lvm")]
    assert order == ["mdadm", "lvm", "lvm", "lvm", "mdadm"]


@pytest.mark.parametrize(("tool", "row"), [("mdadm", MIRROR[0]), ("lvm", part("sda2", "LVM2_member"))])
def test_a_tool_that_is_missing_is_said_and_hides_nothing(tmp_path: Path, tool: str, row: Row) -> None:
    disks = Disks(tmp_path, [row, part("sdc1", "ext4")], {}, **{tool: True})
    name, problem = disks.found()
    assert name == "sdc1"
    assert isinstance(problem, Problem)
    assert f"there is no {tool} to put it together" in problem.message


def test_two_looks_at_a_time_put_it_together_once(tmp_path: Path) -> None:
    disks = Disks(tmp_path, MIRROR, {"mdadm": MD})
    real, others = disks.lsblk, [disks.storage.find()]

    def lsblk(argv: Sequence[str], descriptors: Sequence[int]) -> Answer:
        answer = real(argv, descriptors)
        if others:  # it is done between this look at the disks and what comes of it
            list(others.pop())
        return answer

    programs = commands_of(disks.host).programs
    assert isinstance(programs, dict)
    programs["lsblk"] = lsblk
    assert disks.found() == ["md127"]
    assert [call[1] for call in disks.calls("mdadm")] == ["--assemble"]


def test_where_udev_runs_nothing_is_put_together(tmp_path: Path) -> None:
    disks = Disks(tmp_path, [*MIRROR, part("sda2", "LVM2_member")], {"mdadm": MD, "lvm": LV})
    (tmp_path / "run/udev").mkdir(parents=True)
    (tmp_path / "run/udev/control").touch()
    assert all("left to the running system" in item.message for item in disks.found() if isinstance(item, Problem))
    assert disks.calls("mdadm", "lvm") == []


def test_without_loop_devices_no_tool_is_started(tmp_path: Path) -> None:
    disks = Disks(tmp_path, [*MIRROR, part("sda2", "LVM2_member"), LOCKED], {})
    syscalls_of(disks.host).errors["attach_loop"] = errno.ENODEV
    messages = [item.message for item in disks.found() if isinstance(item, Problem)]
    assert len(messages) == 2
    assert all("no loop device" in message for message in messages)
    assert disks.calls("mdadm", "lvm") == []


def test_what_cannot_be_undone_is_named_and_the_rest_is_undone(tmp_path: Path) -> None:
    disks = Disks(tmp_path, [*MIRROR, part("sda2", "LVM2_member")], {"mdadm": MD, "lvm": LV})
    disks.found()
    disks.answers["lvchange"] = (5, b"", b"Logical volume vg/root in use.\n")
    assert disks.storage.release() == ["vg/root: lvm: “Logical volume vg/root in use.”"]
    assert disks.calls("mdadm")[-1] == ["mdadm", "--stop", "/dev/md127"]
    assert disks.storage.release() == []


def test_a_bench_goes_back_step_by_step(tmp_path: Path) -> None:
    host = fake_host(tmp_path, {"/dev/sda": ""}, {"x": lambda argv, descriptors: DONE})
    assembler = Assembler(host, Loops(host))
    assembler.undo_by("one", "x", "1")
    steps = assembler.steps
    assembler.read_only_loop(Device(name="sda", path="/dev/sda"))
    assembler.undo_by("two", "x", "2")
    assert assembler.used == {"sda"}
    assert assembler.undo(steps) == []
    assert (assembler.steps, assembler.used) == (1, frozenset())
    assert assembler.undo() == []
    assert commands_of(host).calls == [["x", "2"], ["x", "1"]]
