# SPDX-License-Identifier: MIT
"""Partitions are mounted so that nothing is written, and unmounted again whatever happens."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import subprocess
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bootmenu.bootstate.state import State, encode
from bootmenu.bootstate.state_backends import PartitionBackend
from bootmenu.config.settings import Settings
from bootmenu.discovery.devices import Device
from bootmenu.discovery.hotplug import NoChanges
from bootmenu.discovery.mount_points import FLAGS, MountError
from bootmenu.discovery.mounts import Mounts
from bootmenu.model.entry import Problem
from bootmenu.model.machine import MachineFacts
from bootmenu.model.value import replace
from bootmenu.session.machine_session import MachineSession
from bootmenu.session.scan_collection import collect
from bootmenu.sources.tree import TreeError
from bootmenu.system.directory_tree import DirectoryTree
from bootmenu.system.host import Host
from bootmenu.system.mountinfo import mount_of
from bootmenu.system.scratch import Scratch
from bootmenu.system.syscalls import MNT_DETACH, MountFlag, Syscalls
from tests.builders.entries import whole_image
from tests.builders.hosts import FakeSyscalls, commands_of, fake_host, syscalls_of
from tests.builders.places import INSIDE, NVME, SATA, STICK, USB, attach
from tests.builders.trees import write_tree
from tests.discovery.storage.test_iso import image
from tests.environment import refuse_without_own_mounts


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """A host that mounts nothing really, and whose private folder is below tmp_path."""
    monkeypatch.setattr("bootmenu.system.scratch._new_folder", lambda parent, prefix: _private(tmp_path))
    return fake_host(tmp_path / "host")


def _private(tmp_path: Path) -> Path:
    """Make a directory with a known name; take another name while the last one still exists."""
    folder = tmp_path / "private"
    while True:
        try:
            folder.mkdir()
        except FileExistsError:
            folder = folder.with_name(f"{folder.name}-")
        else:
            return folder


def device(name: str = "sda1", filesystem: str | None = "ext4") -> Device:
    return Device(name=name, path=f"/dev/{name}", filesystem=filesystem, size=1)


def mounted(host: Host) -> list[tuple[object, ...]]:
    return [call[1:] for call in syscalls_of(host).calls if call[0] == "mount"]


@pytest.mark.parametrize(
    ("filesystem", "options"),
    [
        ("ext2", ""),
        ("ext3", "noload"),
        ("ext4", "noload"),
        ("xfs", "norecovery,nouuid"),
        ("btrfs", "rescue=nologreplay"),
        ("f2fs", "norecovery"),
        ("vfat", "utf8"),
        ("iso9660", ""),
    ],
)
def test_a_partition_is_mounted_so_that_nothing_is_written(host: Host, filesystem: str, options: str) -> None:
    with Mounts(host) as mounts:
        mounts.tree(device(filesystem=filesystem))
        (source, target, kind, flags, given), *more = mounted(host)
    assert [call[4] for call in more] == (["rescue=nologreplay,subvolid=5"] if filesystem == "btrfs" else [])
    assert (source, kind, given) == ("/dev/sda1", filesystem, options)
    assert str(target).endswith("/private/sda1")
    assert flags == FLAGS == MountFlag.RDONLY | MountFlag.NOSUID | MountFlag.NODEV | MountFlag.NOEXEC


@pytest.mark.parametrize(
    ("filesystem", "second"), [("xfs", "norecovery"), ("btrfs", "nologreplay"), ("vfat", ""), ("ext4", None)]
)
def test_an_option_that_the_kernel_does_not_know_is_replaced_but_never_the_journal_s(
    host: Host, filesystem: str, second: str | None
) -> None:
    syscalls_of(host).errors["mount"] = errno.EINVAL
    with Mounts(host) as mounts, pytest.raises(MountError, match="damaged, or no"):
        mounts.tree(device(filesystem=filesystem))
    options = [call[4] for call in mounted(host)]
    assert options[1:] == ([] if second is None else [second])
    if filesystem in ("ext3", "ext4", "xfs", "btrfs", "f2fs"):
        assert all("no" in str(option) for option in options)


def test_an_unknown_file_system_is_tried_out(host: Host) -> None:
    syscalls_of(host).errors["mount", "ext4"] = errno.EINVAL
    with Mounts(host) as mounts:
        mounts.tree(device(filesystem=None))
        assert [call[2] for call in mounted(host)] == ["ext4", "vfat"]
        assert all(call[3] == FLAGS for call in mounted(host))


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (errno.EPERM, "needs root"),
        (errno.EACCES, "needs root"),
        (errno.ENODEV, "no driver for ext4"),
        (errno.EINVAL, "damaged, or no ext4"),
        (errno.EUCLEAN, "damaged"),
        (errno.EBADMSG, "damaged"),  # a checksum of ext4's is wrong
        (errno.ENXIO, "is gone"),
        (errno.ENOMEDIUM, "is gone"),
        (errno.ENOENT, "is gone"),
        (errno.EIO, "Input/output error"),
        (errno.EBUSY, "busy"),
    ],
)
def test_a_mount_that_fails_says_why(host: Host, number: int, says: str) -> None:
    syscalls_of(host).errors["mount"] = number
    with Mounts(host) as mounts, pytest.raises(MountError, match=says):
        mounts.tree(device())


def test_other_options_are_tried_only_where_the_options_were_to_blame(host: Host) -> None:
    syscalls_of(host).errors["mount"] = errno.EIO
    with Mounts(host) as mounts, pytest.raises(MountError):
        mounts.tree(device(filesystem="xfs"))
    assert len(mounted(host)) == 1


def test_an_unknown_file_system_that_fails_is_called_by_no_name(host: Host) -> None:
    syscalls_of(host).errors["mount"] = errno.ENODEV
    with Mounts(host) as mounts, pytest.raises(MountError) as caught:
        mounts.tree(device(filesystem=None))
    assert "None" not in caught.value.message


def test_a_file_system_that_is_not_read_here_is_not_mounted(host: Host) -> None:
    with Mounts(host) as mounts, pytest.raises(MountError, match="ntfs is not one"):
        mounts.tree(device(filesystem="ntfs"))
    assert not mounted(host)


def test_one_device_is_mounted_once(host: Host) -> None:
    with Mounts(host) as mounts:
        assert mounts.tree(device()) is mounts.tree(device())
        assert len(mounted(host)) == 1


def test_what_is_mounted_already_is_used_where_it_is(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = Path("/dev/null").stat().st_rdev
    name = f"{os.major(number)}:{os.minor(number)}"
    opened = os.open(tmp_path, os.O_PATH)
    here = mount_of(opened)
    os.close(opened)
    lines = (
        f"36 35 {name} /sub /elsewhere rw - ext4 /dev/x rw",
        f"{here} 35 {name} / {tmp_path} rw - ext4 /dev/x rw",
    )
    write_tree(tmp_path / "host", {"/proc/self/mountinfo": "\n".join(lines) + "\n"})
    (tmp_path / "host/dev").mkdir()
    (tmp_path / "host/dev/sda1").symlink_to("/dev/null")
    with Mounts(host) as mounts:
        assert "host" in mounts.tree(device()).list("/")
        assert not mounted(host)


def test_a_folder_stands_for_a_partition(host: Host, tmp_path: Path) -> None:
    with Mounts(host) as mounts:
        mounts.tree(Device(name="x", folder=str(tmp_path)))
        assert not mounted(host)
        with pytest.raises(MountError, match="No such file"):
            mounts.tree(Device(name="y", folder=str(tmp_path / "gone")))


# ---- what lies in a partition -----------------------------------------------------------------------------


def partition_with(tmp_path: Path, *paths: str) -> Device:
    write_tree(tmp_path / "part", dict.fromkeys(paths, image()))
    return Device(name="sda1", folder=str(tmp_path / "part"))


def test_an_image_is_mounted_from_a_loop_device_that_cannot_write(host: Host, tmp_path: Path) -> None:
    part = partition_with(tmp_path, "iso/a.iso")
    with Mounts(host) as mounts:
        (device,) = mounts.nested(part)
        assert isinstance(device, Device)
        tree = mounts.tree(device)
        assert (tree.device, tree.image) == ("sda1:/iso/a.iso", "/iso/a.iso")
        assert ("attach_loop", str(tmp_path / "part/iso/a.iso")) in syscalls_of(host).calls
        ((source, _, kind, flags, _),) = mounted(host)
        assert (source, kind, flags) == ("/dev/loop0", "iso9660", FLAGS)
        assert list(mounts.nested(device)) == []
        assert mounts._loops.names == {"loop0"}
    assert mounts._loops.names == frozenset()
    assert unmounted(host) == [("sda1:!iso!a.iso", 0)]


def test_an_image_that_cannot_be_mounted_leaves_no_loop_device(host: Host, tmp_path: Path) -> None:
    syscalls_of(host).errors["mount"] = errno.EINVAL
    with Mounts(host) as mounts:
        (device,) = mounts.nested(partition_with(tmp_path, "a.iso"))
        assert isinstance(device, Device)
        with pytest.raises(MountError, match="damaged, or no iso9660"):
            mounts.tree(device)
        assert mounts._loops.names == frozenset()


def failing(number: int) -> Callable[..., object]:
    def fail(*_: object, **__: object) -> object:
        raise OSError(number, os.strerror(number))

    return fail


def test_a_mount_for_which_no_folder_can_be_made_says_so(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outer = write_tree(tmp_path / "part", {"iso/a.iso": "x"})
    whole = replace(device(), folder=str(outer))
    monkeypatch.setattr("bootmenu.discovery.device_opener.scratch.make", failing(errno.ENOSPC))
    with Mounts(host) as mounts:
        for wanted in (
            device("sdb1"),
            Device(name="sda1:a", parent=whole, inner_path="/iso/a.iso", filesystem="iso9660"),
        ):
            with pytest.raises(MountError, match="cannot create a mount point: No space left"):
                mounts.tree(wanted)
        assert mounts._loops.names == frozenset()


def test_what_is_mounted_and_cannot_be_opened_is_unmounted_and_mounted_once_when_it_can(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Mounts(host) as mounts:
        with monkeypatch.context() as patched:
            patched.setattr("bootmenu.discovery.device_opener.DirectoryTree", failing(errno.EMFILE))
            with pytest.raises(MountError, match="Too many open files"):
                mounts.tree(device())
        assert syscalls_of(host).mounted == []
        mounts.tree(device())
        assert len(syscalls_of(host).mounted) == 1
    assert syscalls_of(host).mounted == []


def test_an_image_without_loop_devices_says_so(host: Host, tmp_path: Path) -> None:
    syscalls_of(host).errors["attach_loop"] = errno.ENOENT
    with Mounts(host) as mounts:
        (device,) = mounts.nested(partition_with(tmp_path, "a.iso"))
        assert isinstance(device, Device)
        with pytest.raises(MountError, match="no loop device"):
            mounts.tree(device)
    assert commands_of(host).calls == [["modprobe", "-q", "loop"]]


def test_an_image_with_a_name_as_long_as_can_be_has_a_place_to_be_mounted_at(host: Host, tmp_path: Path) -> None:
    with Mounts(host) as mounts:
        (device,) = mounts.nested(partition_with(tmp_path, "boot-isos/" + "x" * 251 + ".iso"))
        assert isinstance(device, Device)
        mounts.tree(device)


def test_letting_go_of_a_partition_lets_go_of_what_lies_in_it(host: Host, tmp_path: Path) -> None:
    with Mounts(host) as mounts:
        (device,) = mounts.nested(partition_with(tmp_path, "a.iso"))
        assert isinstance(device, Device)
        mounts.tree(device)
        mounts.tree(Device(name="sda10", folder=str(tmp_path)))
        assert mounts.release("sda1") == []
        assert list(mounts.open_trees()) == ["sda10"]
        assert not syscalls_of(host).mounted


def test_a_partition_that_cannot_be_read_has_a_problem_in_it_and_nothing_else(host: Host) -> None:
    syscalls_of(host).errors["mount"] = errno.EIO
    with Mounts(host) as mounts:
        (problem,) = mounts.nested(device())
    assert problem == Problem(device="sda1", path="", message="not readable: Input/output error")


def test_what_is_locked_is_not_mounted(host: Host) -> None:
    locked = Device(name="sda3", path="/dev/sda3", filesystem="crypto_LUKS", locked=True)
    with Mounts(host) as mounts, pytest.raises(MountError, match="key u in the menu unlocks it"):
        mounts.tree(locked)
    assert not mounted(host)


def test_subvolumes_are_read_below_the_top_level_and_beyond_them_too(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file systems that are mounted here are folders, whose inodes are not those of subvolumes."""
    files = {"@/boot/vmlinuz": "kernel", "@/boot/only": "here", "other": "x"}

    def mount(source: str, target: str, kind: str, flags: MountFlag, options: str) -> None:
        write_tree(Path(target), files)

    monkeypatch.setattr(host.syscalls, "mount", mount)
    monkeypatch.setattr("bootmenu.discovery.storage.btrfs._ROOT_INODE", -1)
    monkeypatch.setattr(
        "bootmenu.discovery.storage.btrfs.begins_in_subvolume", lambda tree, path: path.startswith("/@/")
    )
    whole = device("sda2", "btrfs")
    with Mounts(host) as mounts:
        tree = mounts.tree(Device.nested(whole, "/@", filesystem="btrfs"))
        assert tree.list("/") == ("boot",)
        assert tree.read("/boot/only", 10) == b"here"
        assert tree.read("/@/boot/vmlinuz", 10) == b"kernel"
        for path in ("/other", "/@/gone", "/../other", "/@/../../other"):
            with pytest.raises(TreeError):
                tree.read(path, 10)
        with pytest.raises(MountError, match="does not exist"):
            mounts.tree(Device.nested(whole, "/gone", filesystem="btrfs"))
        shutil.rmtree(tmp_path / "private")


@pytest.mark.parametrize(("filesystem", "kept"), [("ext4", True), ("xfs", True), ("vfat", False), (None, False)])
def test_numbers_of_files_count_where_the_file_system_has_any(host: Host, filesystem: str | None, kept: bool) -> None:
    with Mounts(host) as mounts:
        stamp = mounts.tree(device(filesystem=filesystem)).stat("/").stamp
    assert stamp is not None
    assert (stamp.inode is not None) is kept


def test_what_lies_in_an_image_is_another_one_when_the_image_is(host: Host, tmp_path: Path) -> None:
    part = partition_with(tmp_path, "a.iso")
    stamps = []
    for change in (False, False, True):
        if change:
            (tmp_path / "part/a.iso").write_bytes((tmp_path / "part/a.iso").read_bytes())
        with Mounts(host) as mounts:
            (device,) = mounts.nested(part)
            assert isinstance(device, Device)
            stamps.append(mounts.tree(device).stat("/").stamp)
    first, again, other = (stamp and stamp.within for stamp in stamps)
    assert first == again
    assert first is not None
    assert other is not None
    assert first.differs(other)


# ---- release ----------------------------------------------------------------------------------------------


def unmounted(host: Host) -> list[tuple[str, int]]:
    calls = [call for call in syscalls_of(host).calls if call[0] == "umount"]
    return [(str(target).rpartition("/")[2], int(str(flags))) for _, target, flags in calls]


def test_it_unmounts_in_reverse_and_leaves_nothing(host: Host, tmp_path: Path) -> None:
    with Mounts(host) as mounts:
        for name in ("sda1", "sda2", "mapper/x"):
            mounts.tree(device(name))
    assert unmounted(host) == [("mapper!x", 0), ("sda2", 0), ("sda1", 0)]
    assert not (tmp_path / "private").exists()
    assert mounts.release() == []


def test_what_is_busy_is_detached_and_said(host: Host, tmp_path: Path) -> None:
    mounts = Mounts(host)
    for name in ("sda1", "sda2"):
        mounts.tree(device(name))
    target = str(tmp_path / "private/sda1")
    syscalls_of(host).errors["umount", target] = errno.EBUSY
    assert mounts.release() == ["sda1: Device or resource busy"]
    assert unmounted(host) == [("sda2", 0), ("sda1", 0), ("sda1", MNT_DETACH)]
    assert mounts.open_trees() == {}
    assert mounts.release() == []


def test_who_keeps_a_partition_busy_is_named(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = Mounts(host)
    mounts.tree(device())
    syscalls_of(host).errors["umount"] = errno.EBUSY
    monkeypatch.setattr(
        "bootmenu.discovery.mount_points.holders", lambda host, point: [f"sh (pid 7) at {Path(point).name}"]
    )
    assert mounts.release() == ["sda1: Device or resource busy, held by sh (pid 7) at sda1"]


def test_release_survives_everything(host: Host, tmp_path: Path) -> None:
    mounts = Mounts(host)
    mounts.tree(device())
    syscalls_of(host).errors["umount"] = errno.EIO
    shutil.rmtree(tmp_path / "private")
    assert mounts.release() == ["sda1: Input/output error"]


def test_files_below_a_mount_that_stays_are_not_touched(host: Host, tmp_path: Path) -> None:
    mounts = Mounts(host)
    mounts.tree(device())
    write_tree(tmp_path / "private/sda1", {"precious": "data"})
    syscalls_of(host).errors["umount"] = errno.EBUSY
    mounts.release()
    assert (tmp_path / "private/sda1/precious").read_text() == "data"


def test_a_second_scan_mounts_again(host: Host) -> None:
    mounts = Mounts(host)
    for _ in range(2):
        mounts.tree(device())
        assert mounts.release() == []
    assert len(mounted(host)) == 2
    assert not syscalls_of(host).mounted


def test_where_no_namespace_may_be_made_it_mounts_all_the_same(host: Host) -> None:
    syscalls_of(host).errors["own_mounts"] = errno.EPERM
    session = MachineSession(host, MachineFacts(), lambda: (device(),))
    collect(session)
    assert len(mounted(host)) == 1
    session.close()


def test_the_namespace_is_made_with_the_session_and_by_no_thread_of_it(host: Host) -> None:
    """A thread that makes one has it for itself: nothing else sees its mounts, and it sees no later ones."""
    session = MachineSession(host, MachineFacts(), lambda: (device(),))
    assert syscalls_of(host).calls == [("own_mounts",)]
    for _ in range(2):
        collect(session)
    session.close()
    assert len(mounted(host)) == 2
    assert [call for call in syscalls_of(host).calls if call[0] == "own_mounts"] == [("own_mounts",)]


def test_a_partition_that_cannot_be_mounted_is_a_problem_and_hides_no_other(host: Host, tmp_path: Path) -> None:
    syscalls_of(host).errors["mount"] = errno.EIO
    good = write_tree(tmp_path / "good", {"vmlinuz": whole_image()})
    found = (device("sdz1"), Device(name="sda1", folder=str(good)))
    session = MachineSession(host, MachineFacts(), lambda: found)
    listings, problems = collect(session)
    session.close()
    assert [listing.entry.title for listing in listings] == ["vmlinuz"]
    assert [(problem.device, problem.message) for problem in problems] == [
        ("sdz1", "not readable: Input/output error")
    ]


# ---- several threads, and disks that do not answer ---------------------------------------------------------


class Hanging:
    """Mounting this device waits until `answer` is set."""

    def __init__(self, host: Host, name: str) -> None:
        self.asked, self.answer = threading.Event(), threading.Event()
        real = syscalls_of(host).mount

        def mount(source: str, target: str, kind: str, flags: MountFlag, options: str) -> None:
            if source == f"/dev/{name}":
                self.asked.set()
                assert self.answer.wait(30)
            real(source, target, kind, flags, options)

        syscalls_of(host).mount = mount  # type: ignore[method-assign]


def in_a_thread(work: Callable[[], object]) -> tuple[threading.Thread, list[object]]:
    """Running; what comes of it stands in the list."""
    outcome: list[object] = []

    def run() -> None:
        try:
            outcome.append(work())
        except MountError as error:
            outcome.append(error.message)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, outcome


def test_a_device_that_hangs_keeps_nobody_from_another_and_is_undone_when_it_answers(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bootmenu.discovery.mounts._RELEASE_WAIT", 0.1)
    dead = Hanging(host, "sdz1")
    mounts = Mounts(host)
    thread, outcome = in_a_thread(lambda: mounts.tree(device("sdz1")))
    assert dead.asked.wait(30)
    mounts.tree(device("sda1"))
    assert set(mounts.open_trees()) == {"sda1"}
    assert mounts.release() == ["sdz1: does not answer"]
    assert unmounted(host) == [("sda1", 0)]
    with pytest.raises(MountError, match="an earlier attempt still waits"):
        mounts.tree(device("sdz1"))
    dead.answer.set()
    thread.join()
    assert outcome == ["it was unmounted meanwhile"]
    assert not syscalls_of(host).mounted
    assert mounts.tree(device("sdz1"))
    mounts.release()


def test_two_threads_that_want_one_device_mount_it_once(host: Host) -> None:
    slow = Hanging(host, "sda1")
    with Mounts(host) as mounts:
        threads = [in_a_thread(lambda: mounts.tree(device())) for _ in range(2)]
        assert slow.asked.wait(30)
        slow.answer.set()
        for thread, _ in threads:
            thread.join()
        (one,), (two,) = (outcome for _, outcome in threads)
        assert one is two
        assert len(mounted(host)) == 1


def test_a_device_that_comes_again_waits_for_whoever_is_still_reading_what_it_was(host: Host) -> None:
    """It may be back before a thread has noticed that it was gone."""
    mounts = Mounts(host)
    waits = threading.Event()
    real = mounts._stuck

    def stuck(name: str) -> bool:
        waits.set()
        return real(name)

    mounts._stuck = stuck  # type: ignore[method-assign]
    with mounts.reading(device()):
        mounts.release("sda1")
        waits.clear()
        thread, outcome = in_a_thread(lambda: mounts.tree(device()))
        assert waits.wait(30)
    thread.join()
    assert outcome == [mounts.open_trees()["sda1"]]
    mounts.release()


def test_a_tree_that_is_let_go_of_is_closed_by_its_last_reader(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bootmenu.discovery.mounts._RELEASE_WAIT", 0.1)
    mounts = Mounts(host)
    with mounts.reading(device()) as tree:
        mounts.release()
        assert not syscalls_of(host).mounted
        assert tree.list("/") == ()
        with pytest.raises(MountError, match="an earlier attempt"):
            mounts.tree(device())
    with pytest.raises(TreeError):
        tree.list("/")
    with mounts.reading(device()) as again:
        assert again is not tree
    mounts.release()


class Stopped:
    """A call at whose beginning the first thread waits, and which counts those that come to it."""

    def __init__(self, real: Callable[..., object]) -> None:
        self.real = real
        self.here, self.on = threading.Event(), threading.Event()
        self.calls: list[object] = []

    def __call__(self, argument: object) -> object:
        self.calls.append(argument)
        if len(self.calls) == 1:
            self.here.set()
            assert self.on.wait(10)
        return self.real(argument)


def test_two_that_let_go_of_everything_remove_its_place_once(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second would close a descriptor that may be another file's by now."""
    leave = Stopped(Scratch.leave)
    monkeypatch.setattr(Scratch, "leave", lambda self: leave(self))
    mounts = Mounts(host)
    mounts.tree(device())
    thread, _ = in_a_thread(mounts.release)
    assert leave.here.wait(10)
    assert mounts.release() == []
    leave.on.set()
    thread.join(10)
    assert len(leave.calls) == 1


class SteppedLock:
    """The lock of a place, at which whoever lets go of it waits."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.here, self.on = threading.Event(), threading.Event()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        if not blocking:
            self.here.set()
            assert self.on.wait(10)
        return self.lock.acquire(blocking, timeout)

    def release(self) -> None:
        self.lock.release()

    def locked(self) -> bool:
        return self.lock.locked()


@pytest.mark.parametrize("how", ["a rescan", "the end of a hold", "another disk"])
def test_what_is_wanted_again_is_mounted_after_it_was_unmounted_and_not_below_it(host: Host, how: str) -> None:
    """It has the same place: an unmount that was decided before would take what was mounted since."""
    mounts = Mounts(host)
    first = device() if how != "another disk" else device(filesystem="ext3")
    with contextlib.ExitStack() as held:
        if how == "the end of a hold":
            held.enter_context(mounts.holding(first))
            mounts.release()
        else:
            mounts.tree(first)
        lock = SteppedLock()
        mounts._mounts["sda1"].mounting = lock  # type: ignore[assignment]
        work: dict[str, Callable[[], object]] = {
            "a rescan": mounts.release,
            "another disk": lambda: mounts.tree(device()),
        }
        leaving, _ = in_a_thread(work.get(how, held.close))
        assert lock.here.wait(10)
        wanting, got = in_a_thread(lambda: mounts.tree(device()))
        wanting.join(0.3)  # it has every chance to come between
        lock.on.set()
        for thread in (leaving, wanting):
            thread.join(10)
        held.pop_all()
    calls = [call[0] for call in syscalls_of(host).calls if call[0] in ("mount", "umount")]
    assert calls == ["mount", "umount", "mount"]
    assert isinstance(got[0], DirectoryTree)
    assert mounts.open_trees() == {"sda1": got[0]}
    mounts.release()


def test_a_tree_that_two_threads_close_is_closed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever unmounts it, and its last reader."""
    tree = DirectoryTree(str(tmp_path), "sda1", Syscalls())
    root, close = tree._root, Stopped(os.close)
    monkeypatch.setattr(os, "close", close)
    thread, _ = in_a_thread(tree.close)
    assert close.here.wait(10)
    tree.close()
    close.on.set()
    thread.join(10)
    tree.close()
    assert close.calls == [root]


def test_one_device_is_let_go_of_alone(host: Host) -> None:
    with Mounts(host) as mounts:
        for name in ("sda1", "sdb1"):
            mounts.tree(device(name))
        assert mounts.release("sdb1") == []
        assert mounts.release("sdc1") == []
        assert unmounted(host) == [("sdb1", 0)]
        assert set(mounts.open_trees()) == {"sda1"}


# ---- what is held -----------------------------------------------------------------------------------------


def test_what_is_held_outlives_the_scans_and_is_let_go_of_with_its_holder(host: Host) -> None:
    mounts = Mounts(host)
    with mounts.holding(device()) as tree:
        with mounts.holding(device()):
            mounts.tree(device("sdb1"))
            assert mounts.release() == []
            assert unmounted(host) == [("sdb1", 0)]
        assert mounts.tree(device()) is tree
        assert mounts.release() == []
        assert len(mounted(host)) == 2
    assert unmounted(host) == [("sdb1", 0), ("sda1", 0)]
    assert mounts.open_trees() == {}


def test_what_a_scan_uses_again_stays_when_its_holder_is_gone(host: Host) -> None:
    with Mounts(host) as mounts:
        with mounts.holding(device()) as tree:
            mounts.release()
            assert mounts.tree(device()) is tree
        assert mounts.open_trees() == {"sda1": tree}


@pytest.mark.parametrize("how", ["gone", "jump", "another disk"])
def test_a_device_that_goes_and_a_jump_take_what_is_held(host: Host, how: str) -> None:
    mounts = Mounts(host)
    with mounts.holding(device()) as tree:
        match how:
            case "gone":
                mounts.release("sda1")
            case "jump":
                assert mounts.release(held=True) == []
            case _:
                other = Device(name="sda1", path="/dev/sda1", filesystem="vfat", size=2)
                assert mounts.tree(other) is not tree
        assert unmounted(host) == [("sda1", 0)]
        with pytest.raises(TreeError):
            tree.list("/")
        assert set(mounts.open_trees()) == ({"sda1"} if how == "another disk" else set())
    assert mounts.release() == []
    assert not syscalls_of(host).mounted


def test_an_image_is_held_with_the_partition_that_it_lies_on(host: Host, tmp_path: Path) -> None:
    mounts = Mounts(host)
    (inner,) = mounts.nested(partition_with(tmp_path, "a.iso"))
    assert isinstance(inner, Device)
    with mounts.holding(inner):
        mounts.release()
        assert set(mounts.open_trees()) == {"sda1", inner.name}
    assert mounts.open_trees() == {}
    assert mounts._loops.names == frozenset()


def test_what_cannot_be_mounted_is_held_by_nobody(host: Host) -> None:
    syscalls_of(host).errors["mount"] = errno.EIO
    mounts = Mounts(host)
    with pytest.raises(MountError, match="Input/output error"), mounts.holding(device()):
        pytest.fail("it could be held")
    del syscalls_of(host).errors["mount"]
    mounts.tree(device())
    mounts.release()
    assert mounts.open_trees() == {}


# ---- a real file system -----------------------------------------------------------------------------------


def _in_a_child(work: Callable[[], object]) -> None:
    """In a process of its own, whose mounts end with it."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@contextlib.contextmanager
def open_to_all() -> Iterator[Path]:
    """A folder that every user reaches: what pytest makes belongs to one alone."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def as_nobody(work: Callable[[], None]) -> None:
    """Run it as a user to whom nothing belongs; what it needs must have been imported."""

    def run() -> None:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        work()

    if os.geteuid() != 0:
        pytest.skip("only root becomes another user")
    _in_a_child(run)


def _tool(name: str) -> str:
    """Its path, or the test is skipped where nothing can be mounted."""
    refuse_without_own_mounts()
    if not Path("/dev/loop-control").exists():
        pytest.skip("this kernel has no loop devices")
    path = shutil.which(name, path="/usr/sbin:/sbin:/usr/bin:/bin")
    if path is None:
        pytest.skip(f"there is no {name}")
    return path


@contextlib.contextmanager
def attached(image: Path, filesystem: str) -> Iterator[Device]:
    """A loop device with this content."""
    losetup = _tool("losetup")
    if f"\t{filesystem}\n" not in Path("/proc/filesystems").read_text():
        pytest.skip(f"this kernel has no {filesystem}")
    done = subprocess.run([losetup, "--find", "--show", str(image)], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"no loop device is to be had: {done.stderr.strip()}")
    path = done.stdout.strip()
    try:
        yield Device(name=path.removeprefix("/dev/"), path=path, filesystem=filesystem, size=image.stat().st_size)
    finally:
        subprocess.run([losetup, "--detach", path], check=True)


def made(tmp_path: Path, filesystem: str, *more: str) -> Path:
    """An image of such a file system, with an entry in it. more: options of mkfs.btrfs."""
    image = tmp_path / "disk"
    root = write_tree(tmp_path / "root", {"vmlinuz": whole_image(), "loader/entries/a.conf": "linux /vmlinuz\n"})
    match filesystem:
        case "ext4":
            command = ["mkfs.ext4", "-q", "-F", "-O", "^metadata_csum", "-d", str(root), str(image), "8M"]
        case "xfs":  # without an entry
            with image.open("wb") as file:
                file.truncate(320 << 20)
            command = ["mkfs.xfs", "-q", str(image)]
        case _:
            with image.open("wb") as file:
                file.truncate(128 << 20)
            command = ["mkfs.btrfs", "-q", *more, "--rootdir", str(root), str(image)]
    subprocess.run([_tool(command[0]), *command[1:]], check=True, capture_output=True)
    return image


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[Device]:
    """A loop device with ext4 whose journal wants to be replayed."""
    image = made(tmp_path, "ext4")
    # s_feature_incompat bit 2, "needs recovery" (Documentation/filesystems/ext4/super.rst)
    data = bytearray(image.read_bytes())
    data[1024 + 0x60] |= 4
    image.write_bytes(data)
    with attached(image, "ext4") as device:
        yield device


def test_a_real_partition_is_read_and_not_written_and_nothing_stays_mounted(loop: Device, tmp_path: Path) -> None:
    before = (tmp_path / "disk").read_bytes()

    def work() -> None:
        session = MachineSession(Host(), MachineFacts(), lambda: (loop,))
        outcomes = []
        for _ in range(2):
            # the menu scans in one thread, and leaves in another
            thread = threading.Thread(target=lambda: outcomes.append(collect(session)))
            thread.start()
            thread.join()
        assert session._mounts.release() == []
        for listings, problems in outcomes:
            assert [listing.entry.title for listing in listings] == ["a"], problems
            assert ["journal was not replayed" in problem.message for problem in problems] == [True]
        assert loop.path not in Path("/proc/self/mountinfo").read_text()

    _in_a_child(work)
    assert loop.path not in Path("/proc/self/mountinfo").read_text()
    assert (tmp_path / "disk").read_bytes() == before


def digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


@pytest.mark.parametrize("filesystem", ["ext4", "btrfs"])
def test_what_is_remembered_on_a_partition_that_is_scanned_is_never_lost(tmp_path: Path, filesystem: str) -> None:
    """A file system that a thread reads cannot be written, and what cannot be read could be taken for nothing."""
    disk = made(tmp_path, filesystem)
    settings = Settings(state_device="LABEL=HERE on unknown", state_folder="/state")
    first = State(default="a", wrong_pins=4, language="de")

    def opened() -> MachineSession:
        here = replace(found, label="HERE")
        return MachineSession(Host(), MachineFacts(), lambda: (here,), settings=settings, changes=NoChanges())

    def work() -> None:
        session = opened()
        session._state._listed = True  # as for the partitions of this machine
        listings, _ = collect(session)
        store = session.state_store
        assert (store.known, store.error) == (True, "")
        assert store.keep(first)
        for number in range(10):  # each makes the scan read the partition again
            own = session.entry_files.own_entry(listings[0].entry, f"mine {number}")
            assert store.update(lambda state, own=own: state.with_own(own)), store.error  # type: ignore[misc]
        session.close()
        again = opened()
        again._state._listed = True
        assert len(collect(again)[0]) == 1 + 10
        assert replace(again.state_store.state, own=()) == first
        again.close()

    with attached(disk, filesystem) as found:
        _in_a_child(work)


@pytest.mark.parametrize("filesystem", ["ext4", "btrfs", "xfs"])
def test_a_journal_that_was_not_replayed_is_told_and_no_other(tmp_path: Path, filesystem: str) -> None:
    image, dirty = made(tmp_path, filesystem), tmp_path / "dirty"

    def write() -> None:
        point = tmp_path / "point"
        point.mkdir()
        host = Host()
        host.syscalls.own_mounts()
        host.syscalls.mount(device.path, str(point), filesystem, MountFlag(0), "")
        for name in ("one", "two"):
            with (point / name).open("w") as file:
                file.write(name)
                os.fsync(file.fileno())
        # as the power cut leaves it
        subprocess.run(["cp", "--sparse=always", str(image), str(dirty)], check=True)
        look(device)  # it is mounted, and what is read is what the kernel knows
        host.syscalls.umount(str(point))

    def look(found: Device, *, told: bool = False) -> None:
        session = MachineSession(Host(), MachineFacts(), lambda: (found,))
        _, problems = collect(session)
        session.close()
        assert ["journal was not replayed" in problem.message for problem in problems] == [True] * told

    with attached(image, filesystem) as device:
        _in_a_child(lambda: look(device))
        _in_a_child(write)
        _in_a_child(lambda: look(device))
    before = digest(dirty)
    with attached(dirty, filesystem) as device:
        _in_a_child(lambda: look(device, told=True))
    assert digest(dirty) == before


def covered(case: str, path: str, points: Path, calls: Syscalls, options: str = "noload") -> None:
    """The partition is mounted, and what is to be seen in its place is something else."""
    flags, other = FLAGS, points / "other"
    for name in ("point/deep", "away", "other"):
        (points / name).mkdir(parents=True)
    (other / "vmlinuz").write_text("evil")
    point = points / "point/deep" if case == "parent" else points / "point"
    if case != "source":
        kind = "ext4" if "noload" in options else "btrfs"
        calls.mount(path, str(point), kind, flags, options)
    match case:
        case "stacked":
            calls.mount("none", str(point), "tmpfs", MountFlag(0), "")
            (point / "vmlinuz").write_text("evil")
        case "parent":
            calls.mount("none", str(points / "point"), "tmpfs", MountFlag(0), "")
            point.mkdir()
            (point / "vmlinuz").write_text("evil")
        case "bind":
            calls.mount(str(other), str(point), "", MountFlag(4096), "")  # MS_BIND
        case "subfolder":
            calls.mount(str(point / "loader"), str(points / "away"), "", MountFlag(4096), "")
            calls.umount(str(point))
        case "source":
            calls.mount(path, str(point), "tmpfs", MountFlag(0), "")
            (point / "vmlinuz").write_text("evil")
        case _:
            assert case == "nothing"


CASES = ["nothing", "stacked", "parent", "bind", "subfolder", "source"]


def whole_is_read(device: Device, points: Path, case: str, options: str) -> None:
    host = Host()
    with Mounts(host) as mounts:
        covered(case, device.path, points, host.syscalls, options)
        tree = mounts.tree(device)
        assert "loader" in tree.list("/")
        assert tree.read("/vmlinuz", 1 << 20) == whole_image()
        assert (mounts._mounts[device.name].point is None) is (case == "nothing")


@pytest.mark.parametrize("case", CASES)
def test_what_is_mounted_over_a_partition_is_never_read_as_it(loop: Device, tmp_path: Path, case: str) -> None:
    _in_a_child(lambda: whole_is_read(loop, tmp_path / "points", case, "noload"))


@pytest.mark.parametrize("case", CASES)
def test_nor_over_one_with_btrfs_whose_number_is_made_up(tmp_path: Path, case: str) -> None:
    with attached(made(tmp_path, "btrfs"), "btrfs") as device:
        _in_a_child(lambda: whole_is_read(device, tmp_path / "points", case, "rescue=nologreplay"))


def of_several_disks(image: Path) -> None:
    """Let a file system with btrfs say that it lies on two devices: only then the kernel looks for others."""
    # include/uapi/linux/btrfs_tree.h: struct btrfs_super_block, a CRC-32C of what follows it, num_devices at 0x88
    data = bytearray(image.read_bytes())
    for start in (64 << 10, 64 << 20):
        block = data[start : start + 4096]
        assert block[0x40:0x48] == b"_BHRfS_M"
        block[0x88:0x90] = (2).to_bytes(8, "little")
        check = 0xFFFFFFFF
        for byte in block[0x20:]:
            check ^= byte
            for _ in range(8):
                check = check >> 1 ^ (0x82F63B78 if check & 1 else 0)
        block[:4] = (check ^ 0xFFFFFFFF).to_bytes(4, "little")
        data[start : start + 4096] = block
    image.write_bytes(data)


def test_a_stick_is_never_read_as_the_disk_whose_file_system_it_claims_to_be_a_part_of(tmp_path: Path) -> None:
    uuid = "5f2d6c8a-0b1e-4d3f-9a77-0c1d2e3f4a5b"
    folders = (tmp_path / "inside", tmp_path / "stick")
    for folder in folders:
        folder.mkdir()
    inside, stick = (made(folder, "btrfs", "-U", uuid) for folder in folders)

    def write() -> None:
        (tmp_path / "point").mkdir()
        host = Host()
        host.syscalls.own_mounts()
        host.syscalls.mount(device.path, str(tmp_path / "point"), "btrfs", MountFlag(0), "")
        (tmp_path / "point/state.json").write_bytes(encode(State(wrong_pins=7)))
        for number in range(20):  # the newest of those that claim to be one says what there is
            (tmp_path / "point/vmlinuz").write_text(f"evil {number}")
            os.sync()
        host.syscalls.umount(str(tmp_path / "point"))

    def look() -> None:
        host = Host()
        with Mounts(host) as mounts:
            # the kernel forgets the others when nothing of them is mounted any more
            assert mounts.tree(device).read("/vmlinuz", 1 << 20) == whole_image()
            assert mounts.release() == []
            assert not {device.path, other.path} & set(Path("/proc/self/mountinfo").read_text().split())
            # where somebody else has it mounted it stays as it is
            subprocess.run([_tool("btrfs"), "device", "scan", other.path], check=True, capture_output=True)
            host.syscalls.mount(device.path, str(tmp_path / "point"), "btrfs", FLAGS, "")
            assert (tmp_path / "point/vmlinuz").read_text() == "evil 19"
            with pytest.raises(MountError, match="not read"):
                mounts.tree(device)
            assert mounts.tree(other).read("/vmlinuz", 1 << 20) == b"evil 19"
        # and it counts no wrong PINs
        host.syscalls.umount(str(tmp_path / "point"))
        subprocess.run([_tool("btrfs"), "device", "scan", other.path], check=True, capture_output=True)
        assert PartitionBackend(host, device, "/").read() == State()

    with attached(stick, "btrfs") as device:
        _in_a_child(write)
    for disk in (inside, stick):
        of_several_disks(disk)
    with attached(inside, "btrfs") as device, attached(stick, "btrfs") as other:
        try:
            subprocess.run([_tool("btrfs"), "device", "scan", other.path], check=True, capture_output=True)
            _in_a_child(look)
        finally:
            subprocess.run([_tool("btrfs"), "device", "scan", "--forget"], check=False, capture_output=True)


@pytest.mark.parametrize(("others", "read"), [((), True), ((NVME,), True), ((USB,), False), ((NVME, USB), False)])
def test_a_file_system_on_several_disks_is_trusted_no_more_than_the_worst_of_them(
    host: Host, tmp_path: Path, others: tuple[str, ...], read: bool
) -> None:
    """Read it is where it is called by its disk that is furthest outside."""
    number = Path("/dev/null").stat().st_rdev
    own = f"{os.major(number)}:{os.minor(number)}"
    root = tmp_path / "host"
    for index, where in enumerate((SATA, *others)):
        disk = root / "sys/devices" / where
        attach(root, where, {f"{where}/dev": f"{f'8:{index}' if index else own}\n"})
        links = (root / "sys/fs/btrfs/5f2d6c8a/devices", root / "sys/dev/block")
        for folder, name in zip(links, (disk.name, f"8:{index}" if index else own), strict=True):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).symlink_to(disk)
    (root / "dev").mkdir()
    for name in ("sda", "sdb"):
        (root / "dev" / name).symlink_to("/dev/null")
    inside = replace(device("sda", "btrfs"), place=INSIDE)
    with Mounts(host) as mounts:
        if read:
            mounts.tree(inside)
        else:
            with pytest.raises(MountError, match=r"external \(usb"):
                mounts.tree(inside)
            assert not syscalls_of(host).mounted
    with Mounts(host) as mounts:
        mounts.tree(replace(device("sdb", "btrfs"), place=STICK))


def test_a_file_over_which_another_one_is_mounted_is_not_read_as_it(loop: Device, tmp_path: Path) -> None:
    def work() -> None:
        host = Host()
        point = tmp_path / "point"
        point.mkdir()
        with Mounts(host) as mounts:
            host.syscalls.mount(loop.path, str(point), "ext4", FLAGS, "noload")
            covered = point / "loader/entries/a.conf"
            host.syscalls.mount(str(point / "vmlinuz"), str(covered), "", MountFlag(4096), "")  # MS_BIND
            tree = mounts.tree(loop)
            with tree.folder("/loader/entries") as folder:
                ((name, found),) = folder.visit(["a.conf"], lambda source, _: source.read(0, 100))
            assert (name, isinstance(found, TreeError)) == ("a.conf", True), found
            with pytest.raises(TreeError, match="another file system"):
                tree.read("/loader/entries/a.conf", 1 << 20)

    _in_a_child(work)


def test_what_is_mounted_while_it_is_opened_is_seen(loop: Device, tmp_path: Path) -> None:
    def work() -> None:
        host = Host()
        point = tmp_path / "point"
        point.mkdir()
        with Mounts(host) as mounts:
            host.syscalls.mount(loop.path, str(point), "ext4", FLAGS, "noload")
            real = os.open

            def cover(path: str, *arguments: int) -> int:
                if path == str(point):
                    host.syscalls.mount("none", str(point), "tmpfs", MountFlag(0), "")
                return real(path, *arguments)

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(os, "open", cover)
                tree = mounts.tree(loop)
            assert tree.read("/vmlinuz", 1 << 20) == whole_image()

    _in_a_child(work)


def test_the_fake_calls_have_the_real_ones_names() -> None:
    from bootmenu.system.syscalls import Syscalls

    for name in vars(FakeSyscalls):
        if not name.startswith("_"):
            assert hasattr(Syscalls, name), name
