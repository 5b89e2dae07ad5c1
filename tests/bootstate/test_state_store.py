# SPDX-License-Identifier: MIT
"""What is remembered between boots, and what a power cut, a full disk or a damaged file does to it."""

from __future__ import annotations

import contextlib
import errno
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.bootstate import state_json
from bootmenu.bootstate.backend_from_settings import open_state_store, why_not_kept
from bootmenu.bootstate.state import MOST_WRONG_PINS, Attempt, State, StateError, decode, encode
from bootmenu.bootstate.state_backends import (
    EfiBackend,
    Files,
    FolderBackend,
    PartitionBackend,
    read_from,
    write_into,
)
from bootmenu.bootstate.state_json import NAME
from bootmenu.bootstate.state_store import StateStore
from bootmenu.compat import EntryFacts
from bootmenu.config.settings import Settings
from bootmenu.discovery.devices import Device
from bootmenu.discovery.scan_events import Listing
from bootmenu.model.entry import BootEntry, FileRef, Problem
from bootmenu.model.finding import Report
from bootmenu.model.value import replace
from bootmenu.system import efi
from bootmenu.system.syscalls import MountFlag
from tests.builders.hosts import FakeSyscalls, failure, fake_host, syscalls_of
from tests.builders.places import INSIDE

FIRST = Attempt(entry="bls-a-123456", at="2026-11-14T09:30:00Z", title="Debian")
SECOND = Attempt(entry="grub-b-654321", at="2026-11-15T09:30:00Z", title="Alpine")

attempts = st.builds(Attempt, entry=st.text(max_size=8), at=st.text(max_size=8), title=st.text(max_size=8))
states = st.builds(
    State,
    last=st.none() | attempts,
    trying=st.none() | attempts,
    lost=st.lists(attempts, max_size=3).map(tuple),
    tries=st.lists(attempts, max_size=3).map(tuple),
    default=st.none() | st.text(max_size=8),
    wrong_pins=st.integers(0, 99),
)


# ---- the value --------------------------------------------------------------------------------------------


def test_an_entry_that_is_tried_and_never_marked_good_never_came_back() -> None:
    tried = State(once="x").booting(FIRST)
    assert (tried.last, tried.trying, tried.once) == (FIRST, FIRST, None)
    later = tried.on_menu_start()
    assert later.trying is None
    assert later.lost_at(FIRST.entry) == FIRST
    assert later.lost_at(SECOND.entry) is None
    assert later.on_menu_start() == later


def test_an_entry_that_came_up_is_good_until_it_is_lost_again() -> None:
    good = State().booting(FIRST).on_menu_start().booting(FIRST).mark_good("2026-12-01T00:00:00Z")
    assert (good.trying, good.lost, good.tries) == (None, (), ())
    marked = good.good_at(FIRST.entry)
    assert marked is not None
    assert marked.at == "2026-12-01T00:00:00Z"
    assert good.mark_good("later") == good, "nothing was being tried"


def test_tries_are_counted_down_entry_by_entry() -> None:
    state = State()
    for _ in range(2):
        state = state.booting(FIRST).on_menu_start()
    state = state.booting(SECOND).on_menu_start()
    assert (state.tries_left(FIRST.entry, 3), state.tries_left(SECOND.entry, 3)) == (1, 2)
    assert state.booting(FIRST).on_menu_start().booting(FIRST).tries_left(FIRST.entry, 3) == 0
    assert state.tries_left(FIRST.entry, 0) is None


def test_a_jump_that_failed_was_no_try() -> None:
    before = State().booting(FIRST).on_menu_start()
    assert before.booting(FIRST).on_boot_failed().tries == before.tries
    assert before.booting(FIRST).on_boot_failed().on_menu_start().lost == before.lost


def test_what_is_remembered_stays_small() -> None:
    state = State()
    for number in range(200):
        state = state.booting(Attempt(entry=f"e{number}", at="")).on_menu_start()
    assert len(state.lost) == len(state.tries) == 50
    assert state.lost[0].entry == "e199"


@given(states)
def test_a_state_reads_back_as_it_was(state: State) -> None:
    assert decode(encode(state)) == state


@given(st.binary(max_size=300) | st.sampled_from([b"[]\n", b"{}\n", b'{"schema": "x"}\n', b"[" * 9999 + b"\n"]))
def test_any_bytes_give_a_state_or_a_state_error(data: bytes) -> None:
    with contextlib.suppress(StateError):
        assert isinstance(decode(data), State)


def test_a_state_is_never_longer_than_what_is_read_again(tmp_path: Path) -> None:
    """Ids and titles come from disks: they must not make a machine forget its default, or a kiosk its wrong PINs."""
    memory = StateStore(FolderBackend(tmp_path))
    memory.keep(State(default="debian", wrong_pins=7))
    for number in range(60):
        attempt = Attempt(entry=f"sda{number}:{'x' * 300}", at="", title="t" * 2000)
        assert memory.keep(memory.state.booting(attempt).on_menu_start())
    again = StateStore(FolderBackend(tmp_path))
    assert again.error == ""
    assert (again.state.default, again.state.wrong_pins) == ("debian", 7)
    assert again.state.lost[0] == memory.state.lost[0], "the newest are kept"
    assert not memory.keep(State(default="x" * (1 << 17), wrong_pins=8)), "what cannot be kept replaces nothing"
    assert StateStore(FolderBackend(tmp_path)).state.wrong_pins == 7


def test_no_console_undoes_what_another_one_keeps(tmp_path: Path) -> None:
    memory = StateStore(FolderBackend(tmp_path))
    other = threading.Thread(target=lambda: memory.update(lambda state: replace(state, wrong_pins=1)))

    def change(state: State) -> State:
        other.start()
        other.join(0.05)  # it has every chance to come between
        return replace(state, default="debian")

    assert memory.update(change)
    other.join()
    assert (memory.state.default, memory.state.wrong_pins) == ("debian", 1)
    assert StateStore(FolderBackend(tmp_path)).state == memory.state


class Gated:
    """A place where each write waits until it is let through."""

    def __init__(self) -> None:
        self.state = State()
        self.reached = threading.Semaphore(0)
        self.through = threading.Semaphore(0)
        self.written: list[State] = []

    def read(self) -> State:
        return self.state

    def write(self, state: State) -> None:
        self.reached.release()
        assert self.through.acquire(timeout=30)
        self.state = state
        self.written.append(state)


def test_a_change_counts_at_once_and_is_told_while_the_disk_is_slow() -> None:
    place = Gated()
    memory = StateStore(place)
    heard: list[State] = []
    stop = memory.listen(lambda: heard.append(memory.state))
    writer = threading.Thread(target=lambda: memory.update(lambda state: replace(state, default="a")))
    writer.start()
    assert place.reached.acquire(timeout=30)
    assert [state.default for state in heard] == ["a"], "while it is written"
    memory.change(lambda state: replace(state, once="b"))
    assert heard[-1] == State(default="a", once="b"), "nobody waits for the disk to be heard"
    kept: list[bool] = []
    other = threading.Thread(target=lambda: kept.append(memory.store()))
    other.start()
    place.through.release()
    assert place.reached.acquire(timeout=30)
    place.through.release()
    for thread in (writer, other):
        thread.join(30)
    assert kept == [True]
    assert place.state == State(default="a", once="b")
    memory.change(lambda state: state)
    assert len(heard) == 2, "nothing has changed"
    stop()
    stop()
    memory.change(lambda state: replace(state, once=None))
    assert len(heard) == 2, "nobody listens any more"


def test_a_later_state_on_the_disk_is_never_replaced_by_an_earlier_one() -> None:
    """Two consoles: the first waits for the disk while the other one changes more; both are kept, in their order."""
    place = Gated()
    memory = StateStore(place)
    threads = []
    for name in ("a", "b", "c"):

        def change(state: State, name: str = name) -> State:
            return replace(state, default=name)

        memory.change(change)
        threads.append(threading.Thread(target=memory.store))
        threads[-1].start()
    for _ in threads:
        place.through.release()
    for thread in threads:
        thread.join(30)
    assert place.state == memory.state == State(default="c")


def test_what_could_not_be_kept_is_tried_again_with_the_next_change() -> None:
    class Failing(Gated):
        fails = True

        def write(self, state: State) -> None:
            if self.fails:
                raise OSError(errno.EIO, "no")
            self.state = state

    place = Failing()
    memory = StateStore(place)
    assert not memory.update(lambda state: replace(state, default="a"))
    assert not memory.update(lambda state: state), "it is still not kept"
    place.fails = False
    assert memory.update(lambda state: state)
    assert place.state == State(default="a")


def test_what_was_chosen_is_taken_back_and_nothing_else() -> None:
    """Somebody else may have chosen another entry since."""
    first, second = (
        Listing(entry=boot_entry(name), facts=EntryFacts(id=name), report=Report(findings=())) for name in "ab"
    )
    state = State().with_default(second, ()).with_once(second)
    assert state.without_default(first.entry.id).without_once(first.entry.id) == state
    assert state.without_default(second.entry.id).once == "b"
    assert state.without_once(second.entry.id).default == "b"
    assert state.without_default("b").without_once("b") == State()


def boot_entry(name: str) -> BootEntry:
    return BootEntry(id=name, title=name, source="bls", device="sda1", kernel=FileRef(device="sda1", path="/k"))


def test_a_title_from_a_disk_is_remembered_in_short() -> None:
    kernel = FileRef(device="sda1", path="/k")
    found = BootEntry(id="x", title="t" * 5000, source="bls", device="sda1", kernel=kernel)
    assert Attempt.now(found).title == "t" * 200


def test_a_newer_state_is_refused() -> None:
    with pytest.raises(StateError, match="newer bootmenu"):
        decode(b'{"schema": 2}\n')


# ---- power cuts -------------------------------------------------------------------------------------------

Disk = dict[str, bytes]


class Journal(Files):
    """Writes down what it does."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, ...]] = []

    def write(self, path: str, data: bytes) -> None:
        super().write(path, data)
        self.steps.append(("write", Path(path).name, data.decode()))

    def rename(self, old: str, new: str) -> None:
        super().rename(old, new)
        self.steps.append(("rename", Path(old).name, Path(new).name))

    def sync(self, path: str) -> None:
        super().sync(path)
        self.steps.append(("sync", Path(path).name))

    def sync_folder(self, folder: str) -> None:
        super().sync_folder(folder)
        self.steps.append(("sync_folder",))


def after_a_cut(disk: Disk, journal: Journal) -> Iterator[Disk]:
    """Every content that the folder can have after the power went: in the middle of each step, and between them.

    What was written is there once it was synced; a name may be the old one or the new one until the folder was. On
    FAT a file that was renamed over another one is empty until it was synced once more.
    """
    yield dict(disk)
    there, pending, renamed = dict(disk), [dict(disk)], ""
    for step, *names in journal.steps:
        match step:
            case "write":
                name, data = names[0], names[1].encode()
                there[name] = data
                for base in pending:
                    for length in range(len(data) + 1):
                        yield {**base, name: data[:length]}
                pending = [*pending, *({**base, name: data} for base in pending)]
            case "rename":
                old, renamed = names
                gone = {name: data for name, data in there.items() if name != renamed}
                there[renamed] = there.pop(old)
                pending += [there, gone, {**there, renamed: b""}]  # FAT removes the old name first
            case "sync":
                pending = [content for content in pending if content.get(renamed) != b""]
            case "sync_folder":
                pending = [{**there, renamed: b""}] if renamed and ("sync", renamed) not in journal.steps else [there]
        pending = [dict(content) for content in pending]
        yield from pending


OLD = encode(State(default="old"))
OLDER = encode(State(default="older"))


@pytest.mark.parametrize(
    ("before", "disk"),
    [
        (None, {}),
        (State(default="old"), {NAME: OLD}),
        # what an earlier power cut has left
        (State(default="old"), {f"{NAME}.new": OLD}),
        (State(default="old"), {NAME: OLD[:-1], f"{NAME}.new": OLD}),
        (State(default="old"), {NAME: b"", f"{NAME}.new": OLD}),
        (State(default="old"), {NAME: OLD, f"{NAME}.new": OLD[:7]}),
        (State(default="old"), {NAME: OLD, f"{NAME}.old": OLDER}),
        (State(default="old"), {NAME: b"", f"{NAME}.old": OLD}),
        (State(default="old"), {f"{NAME}.new": OLD, f"{NAME}.old": OLDER}),
        (State(default="old"), {NAME: OLD, f"{NAME}.old": OLDER[:7]}),
    ],
)
def test_a_power_cut_leaves_the_old_state_or_the_new_one(tmp_path: Path, before: State | None, disk: Disk) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    for name, data in disk.items():
        (folder / name).write_bytes(data)
    after, journal = State(default="new").booting(FIRST), Journal()
    write_into(folder, after, journal)
    seen = set()
    for number, content in enumerate(after_a_cut(disk, journal)):
        place = tmp_path / str(number)
        place.mkdir()
        for name, data in content.items():
            (place / name).write_bytes(data)
        try:
            found = read_from(place, Files())
        except StateError:
            assert before is None, "there was a whole state, and it must not be lost"
            continue
        assert found in (before or State(), after)
        seen.add(found)
    assert found == after, "it is on the disk when this returns"
    assert seen == {before or State(), after}
    assert journal.steps[-3:] == [("rename", f"{NAME}.new", NAME), ("sync", NAME), ("sync_folder",)]


# ---- places -----------------------------------------------------------------------------------------------


def test_a_folder_remembers(tmp_path: Path) -> None:
    memory = StateStore(FolderBackend(tmp_path / "state"))
    assert (memory.state, memory.remembers, memory.error) == (State(), True, "")
    assert memory.keep(State(default="x"))
    assert StateStore(FolderBackend(tmp_path / "state")).state == State(default="x")


def test_a_full_disk_is_told_and_the_menu_goes_on(tmp_path: Path) -> None:
    class Full(Files):
        def write(self, path: str, data: bytes) -> None:
            raise failure(errno.ENOSPC)

    memory = StateStore(FolderBackend(tmp_path, Full()))
    assert not memory.keep(State(default="x"))
    assert memory.state == State(default="x"), "it holds until power-off"
    assert memory.error == "This could not be remembered: No space left on device."


def test_a_listener_that_fails_keeps_nothing_from_being_stored(tmp_path: Path) -> None:
    """The event loop of a console may be closed already."""
    memory = StateStore(FolderBackend(tmp_path))
    heard = []
    memory.listen(lambda: 1 / 0)
    memory.listen(lambda: heard.append(1))
    assert memory.update(lambda state: replace(state, default="x"))
    assert FolderBackend(tmp_path).read().default == "x"
    assert heard == [1]


@pytest.mark.parametrize("damage", [b"", b"{", b"\0" * 159, b"[]\n", b'{"wrong_pins": "none"}\n', OLD[:-1]])
def test_a_damaged_state_is_mended_and_told_once(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / NAME).write_bytes(damage)
    memory = StateStore(FolderBackend(tmp_path))
    assert memory.healed == "What was remembered was damaged and could not be read. It begins anew."
    assert (memory.state, memory.error) == (State(wrong_pins=MOST_WRONG_PINS), ""), "a lost count opens nothing"
    again = StateStore(FolderBackend(tmp_path))
    assert (again.state, again.healed, again.error) == (memory.state, "", "")
    assert memory.keep(State(default="x"))
    assert StateStore(FolderBackend(tmp_path)).state == State(default="x")


def test_wrong_pins_below_zero_are_damage(tmp_path: Path) -> None:
    """Otherwise whoever can turn one bit of the disk guesses without a pause."""
    whole = encode(State(wrong_pins=50))
    (tmp_path / NAME).write_bytes(whole.replace(b":50}", b":-5}"))
    with pytest.raises(state_json.NotPlainError):
        state_json.loads((tmp_path / NAME).read_bytes())
    memory = StateStore(FolderBackend(tmp_path))
    assert (memory.state.wrong_pins, bool(memory.healed)) == (MOST_WRONG_PINS, True)


@pytest.mark.parametrize("damage", [b"", OLD[:-1], None])
def test_what_was_stored_before_a_damaged_state_is_used(tmp_path: Path, damage: bytes | None) -> None:
    for number in range(2):
        assert StateStore(FolderBackend(tmp_path)).keep(State(default=f"{number}", wrong_pins=number))
    if damage is None:
        (tmp_path / NAME).unlink()
    else:
        (tmp_path / NAME).write_bytes(damage)
    memory = StateStore(FolderBackend(tmp_path))
    assert memory.healed.startswith("What was remembered last was damaged.")
    assert memory.state == State(default="0", wrong_pins=MOST_WRONG_PINS), "it was older than the last wrong PIN"
    again = StateStore(FolderBackend(tmp_path))
    assert (again.state, again.healed) == (memory.state, "")


def test_what_was_about_to_be_kept_when_the_power_went_is_no_damage(tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.new").write_bytes(encode(State(default="x", wrong_pins=2)))
    (tmp_path / NAME).write_bytes(b"")
    memory = StateStore(FolderBackend(tmp_path))
    assert (memory.state, memory.healed, memory.known) == (State(default="x", wrong_pins=2), "", True)


def test_a_chain_of_clusters_that_is_broken_is_damage(tmp_path: Path) -> None:
    class Broken(Files):
        def read(self, path: str) -> bytes | None:
            raise failure(errno.EIO)

    memory = StateStore(FolderBackend(tmp_path, Broken()))
    assert (memory.healed[:34], memory.error) == ("What was remembered was damaged an", "")
    assert StateStore(FolderBackend(tmp_path)).state == State(wrong_pins=MOST_WRONG_PINS)


def test_a_damaged_state_that_cannot_be_replaced_is_told_every_time(tmp_path: Path) -> None:
    class Full(Files):
        def write(self, path: str, data: bytes) -> None:
            raise failure(errno.ENOSPC)

    (tmp_path / NAME).write_bytes(b"{")
    for _ in range(2):
        memory = StateStore(FolderBackend(tmp_path, Full()))
        assert (bool(memory.healed), memory.known) == (True, False)
        assert memory.error == "This could not be remembered: No space left on device."


def test_what_a_newer_bootmenu_has_written_is_left_alone(tmp_path: Path) -> None:
    newer = b'{"schema": 2}\n'
    (tmp_path / NAME).write_bytes(newer)
    (tmp_path / f"{NAME}.old").write_bytes(OLD)
    memory = StateStore(FolderBackend(tmp_path))
    assert "newer bootmenu" in memory.error
    assert not memory.keep(State(default="x"))
    assert "newer bootmenu" in memory.error
    assert ((tmp_path / NAME).read_bytes(), memory.healed) == (newer, "")


class Mounting(FakeSyscalls):
    """Shows a folder where something is mounted."""

    def __init__(self, disk: Path) -> None:
        super().__init__()
        self.disk = disk

    def mount(self, source: str, target: str, kind: str, flags: MountFlag, options: str) -> None:
        super().mount(source, target, kind, flags, options)
        Path(target).rmdir()
        Path(target).symlink_to(self.disk)

    def umount(self, target: str, flags: int = 0) -> None:
        super().umount(target, flags)
        Path(target).unlink()
        Path(target).mkdir()


def test_a_partition_is_writable_for_the_moment_only(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    host = fake_host(tmp_path / "host")
    calls = Mounting(tmp_path / "disk")
    object.__setattr__(host, "syscalls", calls)
    device = Device(name="sda3", path="/dev/sda3", filesystem="ext4", label="STATE", place=INSIDE)
    memory = open_state_store(host, Settings(state_device="LABEL=STATE", state_folder="/var/../menu"), [device])
    assert memory.keep(State(default="x"))
    assert (tmp_path / "disk/var/menu" / NAME).read_bytes() == encode(State(default="x"))
    assert calls.mounted == []
    (_, source, _, kind, flags, options), _, *_ = calls.calls
    assert (source, kind, options) == ("/dev/sda3", "ext4", "")
    assert flags == MountFlag.NOSUID | MountFlag.NODEV | MountFlag.NOEXEC | MountFlag.NOSYMFOLLOW


def test_a_partition_that_cannot_be_mounted_is_told(tmp_path: Path) -> None:
    host = fake_host(tmp_path)
    syscalls_of(host).errors["mount"] = errno.EROFS
    store = PartitionBackend(host, Device(name="sda3", path="/dev/sda3", filesystem="vfat"), "/")
    assert StateStore(store).error == "What was remembered could not be read: Read-only file system."


def test_a_place_that_can_only_be_read_is_refused_at_once(tmp_path: Path) -> None:
    """What is put together of LVM, RAID and LUKS is read-only; a mount for writing would fail at the jump."""
    settings, device = (
        Settings(state_device="LABEL=S"),
        Device(name="dm-0", path="/dev/dm-0", filesystem="ext4", label="S", place=INSIDE),
    )
    host = fake_host(tmp_path, {"/sys/class/block/dm-0/ro": b"1\n"})
    memory = open_state_store(host, settings, [device])
    assert not memory.remembers
    assert memory.error.startswith("Nothing is remembered between boots: LABEL=S can only be read. On LVM")
    assert why_not_kept(host, settings, [device]) == memory.error
    assert syscalls_of(host).calls == []
    named = Device(name="vg-state", path="/dev/mapper/vg-state", filesystem="ext4", label="S", place=INSIDE)
    files = {"/sys/class/block/dm-1/ro": b"1\n", "/sys/class/block/dm-1/dm/name": b"vg-state\n"}
    assert not open_state_store(fake_host(tmp_path / "named", files), settings, [named]).remembers
    host = fake_host(tmp_path / "other", {"/sys/class/block/dm-0/ro": b"0\n"})
    assert open_state_store(host, settings, [device]).remembers


EFIVARS = "/sys/firmware/efi/efivars"
MOUNTED = f"23 22 0:21 / {EFIVARS} rw,nosuid - efivarfs efivarfs rw\n"


def test_an_efi_variable_remembers_little(tmp_path: Path) -> None:
    host = fake_host(tmp_path, {f"{EFIVARS}/x": b"", "/proc/self/mountinfo": MOUNTED})
    state = State(default="x", lost=(FIRST, SECOND) * 5)
    EfiBackend(host).write(state)
    (path,) = [path for path in host.path(EFIVARS).iterdir() if path.name != "x"]
    assert path.read_bytes()[:4] == b"\7\0\0\0"
    found = open_state_store(host, Settings(state_device="efi"), ())
    assert (found.state.default, found.state.lost) == ("x", (FIRST, SECOND, FIRST))


@pytest.mark.parametrize(
    ("mountinfo", "why"),
    [
        ("", "efivarfs is not mounted"),
        (f"23 22 0:21 / {EFIVARS} rw - tmpfs tmpfs rw\n", "efivarfs is not mounted"),
        ("23 22 0:21 / /sys/firmware/efi rw - efivarfs efivarfs rw\n", "efivarfs is not mounted"),
        (MOUNTED + f"24 23 0:22 / {EFIVARS} rw - tmpfs tmpfs rw\n", "efivarfs is not mounted"),
        (MOUNTED.replace("efivarfs rw", "efivarfs ro"), "the EFI variables can only be read"),
        (MOUNTED.replace("rw,nosuid", "ro,nosuid"), "the EFI variables can only be read"),
        (MOUNTED + MOUNTED.replace("rw,nosuid", "ro"), "the EFI variables can only be read"),
        (f"{EFIVARS} - efivarfs\n", "efivarfs is not mounted"),
    ],
)
def test_an_empty_mount_point_is_no_efi_variables(tmp_path: Path, mountinfo: str, why: str) -> None:
    host = fake_host(tmp_path, {"/proc/self/mountinfo": mountinfo})
    settings = Settings(state_device="EFI")
    nowhere = "Nothing is remembered between boots: there are no EFI variables here."
    if not mountinfo:
        assert open_state_store(host, settings, ()).error == why_not_kept(host, settings, ()) == nowhere
    host.path(EFIVARS).mkdir(parents=True)
    memory = open_state_store(host, settings, ())
    assert not memory.remembers
    assert memory.error.startswith(f"Nothing is remembered between boots: {why}")
    assert why_not_kept(host, settings, ()) == memory.error, "bootmenu settings says so, too"


@pytest.mark.parametrize("content", [b"", b"\7\0\0\0"])
def test_an_efi_variable_that_was_never_written_is_no_damage(tmp_path: Path, content: bytes) -> None:
    host = fake_host(tmp_path, {efi.STATE: content, "/proc/self/mountinfo": MOUNTED})
    memory = open_state_store(host, Settings(state_device="efi"), ())
    assert (memory.state, memory.healed, memory.known) == (State(), "", True)


def test_a_damaged_efi_variable_is_mended(tmp_path: Path) -> None:
    host = fake_host(tmp_path, {efi.STATE: b"\7\0\0\0{", "/proc/self/mountinfo": MOUNTED})
    assert open_state_store(host, Settings(state_device="efi"), ()).healed
    again = open_state_store(host, Settings(state_device="efi"), ())
    assert (again.state, again.healed) == (State(wrong_pins=MOST_WRONG_PINS), "")


@pytest.mark.parametrize("place", [None, "", "efi", "UUID=1234", "/dev/sdz9"])
def test_no_place_works_and_is_told(tmp_path: Path, place: str | None) -> None:
    settings = Settings(state_device=place, state_folder="/nowhere")
    devices: list[Device | Problem] = [Device(name="sda1", uuid="12"), Problem(device="sdb", path="", message="x")]
    memory = open_state_store(fake_host(tmp_path), settings, devices)
    assert not memory.remembers
    assert memory.error.startswith("Nothing is remembered between boots: ")
    assert not memory.keep(State(default="x"))
    assert memory.state.default == "x"
