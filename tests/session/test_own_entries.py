# SPDX-License-Identifier: MIT
"""Test entries that a person has made in the editor: they are kept, listed where they belong, and deleted."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bootmenu.bootstate.state import State, StateError, encode
from bootmenu.bootstate.state_backends import OWN_NAME, FolderBackend
from bootmenu.bootstate.state_json import NAME
from bootmenu.bootstate.state_store import StateStore
from bootmenu.compat import EntryFacts
from bootmenu.config.settings import Profile, Settings
from bootmenu.discovery.devices import Device
from bootmenu.discovery.hotplug import NoChanges
from bootmenu.discovery.scan_events import EntryFound, EntryGone, Listing, ScanEvent
from bootmenu.discovery.scan_feed import Subscription
from bootmenu.model.entry import BootEntry, CommandLine, FileRef
from bootmenu.model.finding import Report, Severity
from bootmenu.model.own_entry import MOST, OwnEntry
from bootmenu.model.place import Bus, Place
from bootmenu.model.value import replace
from bootmenu.session.machine_session import MachineSession
from bootmenu.session.scan_collection import collect
from bootmenu.system.recorded_host import SimulatedHost
from bootmenu.view.policy import Access, Policy
from tests.builders import machines
from tests.builders.entries import whole_image
from tests.builders.trees import write_tree

HERE = Place(bus=Bus.INTERNAL, disk="d1")


@pytest.fixture
def disks(tmp_path: Path) -> tuple[Device, Device]:
    """A partition with one entry, and one with an initramfs."""
    extlinux = "label deb\nkernel /vmlinuz\nappend root=/dev/vda2 console=ttyAMA0\n"
    boot = write_tree(tmp_path / "boot", {"vmlinuz": whole_image(), "extlinux.conf": extlinux})
    other = write_tree(tmp_path / "other", {"initrd": b"070701"})
    return (
        Device(name="sda1", folder=str(boot), uuid="1111-AAAA", place=HERE),
        Device(name="sdb1", folder=str(other), label="OTHER", place=HERE),
    )


@contextlib.contextmanager
def session(folder: Path, *found: Device) -> Iterator[MachineSession]:
    machine = machines.virt()
    store = StateStore(FolderBackend(folder / "state"))
    with contextlib.closing(
        MachineSession(
            SimulatedHost.from_facts(machine), machine, lambda: found, state_store=store, changes=NoChanges()
        )
    ) as opened:
        yield opened


def saved(session: MachineSession, title: str, text: str = "quiet", initrds: tuple[FileRef, ...] = ()) -> str:
    """Save the first entry with changes, as the editor does; return the id."""
    (listing, *_), _ = collect(session)
    edited = replace(listing.entry, cmdline=CommandLine(text), initrds=initrds)
    own = session.entry_files.own_entry(session.recheck(edited).entry, title)
    assert session.state_store.update(lambda state: state.with_own(own))
    return own.entry.id


def until(subscription: Subscription, wanted: type[ScanEvent], entry_id: str) -> ScanEvent:
    for event in subscription:
        found = event.listing.entry.id if isinstance(event, EntryFound) else getattr(event, "entry_id", "")
        if isinstance(event, wanted) and found == entry_id:
            return event
    raise AssertionError("the scan ended")


def test_an_edited_entry_is_there_at_once_at_every_start_and_until_it_is_deleted(
    tmp_path: Path, disks: tuple[Device, Device]
) -> None:
    with session(tmp_path, *disks) as first:
        collect(first)
        with contextlib.closing(first.scanner.subscribe()) as events:
            initrd = FileRef(device="sdb1", path="/initrd")
            name = saved(first, "my test entry", "root=/dev/vda2 single", (initrd,))
            found = until(events, EntryFound, name)
            assert isinstance(found, EntryFound)
            assert found.listing.entry.source == "own"
    # the disks have other names now
    renamed = (replace(disks[0], name="sdb1"), replace(disks[1], name="sda1"))
    with session(tmp_path, *renamed) as second:
        listings, _ = collect(second)
        assert [listing.entry.title for listing in listings] == ["deb", "my test entry"]
        own = listings[1].entry
        assert (own.id, own.device, own.cmdline.text) == (name, "sdb1", "root=/dev/vda2 single")
        assert [(file.device, file.exists) for file in own.initrds] == [("sda1", True)]
        assert second.plan(listings[1]).command_line.startswith("root=/dev/vda2 single")
        with contextlib.closing(second.scanner.subscribe()) as events:
            until(events, EntryFound, name)
            second.state_store.update(lambda state: state.without_own(name))
            until(events, EntryGone, name)
    with session(tmp_path, *disks) as third:
        assert [listing.entry.title for listing in collect(third)[0]] == ["deb"]


def test_saved_again_under_the_same_title_it_is_replaced(tmp_path: Path, disks: tuple[Device, Device]) -> None:
    with session(tmp_path, *disks) as opened:
        first = saved(opened, "mine", "one")
        with contextlib.closing(opened.scanner.subscribe()) as events:
            second = saved(opened, "mine", "two")
            assert first == second
            while True:
                event = until(events, EntryFound, second)
                assert isinstance(event, EntryFound)
                if event.listing.entry.cmdline.text == "two":
                    break
        assert [listing.entry.cmdline.text for listing in collect(opened)[0]][1:] == ["two"]
        assert len(opened.state_store.state.own) == 1


def test_where_its_kernel_is_gone_it_says_so(tmp_path: Path, disks: tuple[Device, Device]) -> None:
    with session(tmp_path, *disks) as opened:
        name = saved(opened, "mine")
    assert disks[0].folder is not None
    (Path(disks[0].folder) / "vmlinuz").unlink()
    with session(tmp_path, *disks) as opened:
        (own,) = (listing for listing in collect(opened)[0] if listing.entry.id == name)
        assert own.report.verdict is Severity.FAIL
        assert "FILE-MISSING" in [finding.code for finding in own.report.findings]


@pytest.mark.parametrize("place", [Place(bus=Bus.USB, disk="d1"), HERE])
def test_another_disk_does_not_offer_it(tmp_path: Path, disks: tuple[Device, Device], place: Place) -> None:
    with session(tmp_path, *disks) as opened:
        saved(opened, "mine")
    uuid = "2222-BBBB" if place == HERE else disks[0].uuid
    with session(tmp_path, replace(disks[0], place=place, uuid=uuid)) as opened:
        assert [listing.entry.title for listing in collect(opened)[0]] == ["deb"]


def test_copies_of_a_disk_offer_entries_with_ids_of_their_own(tmp_path: Path, disks: tuple[Device, Device]) -> None:
    with session(tmp_path, *disks) as opened:
        saved(opened, "mine")
    copy = replace(disks[0], name="sdc1", place=replace(HERE, disk="d2"))
    with session(tmp_path, disks[0], copy) as opened:
        own = [listing.entry.id for listing in collect(opened)[0] if listing.entry.is_own]
        assert len(own) == len(set(own)) == 2


def test_what_is_deleted_is_not_the_default_any_more() -> None:
    state = replace(State(default="own-x", once="own-x"), own=(OwnEntry(entry=entry("own-x"), bus=Bus.USB),))
    left = state.without_own("own-x")
    assert (left.own, left.default, left.once) == ((), None, None)
    assert State(default="other").without_own("own-x").default == "other"
    copy = "own-x-0123456789abcdef-2"
    assert State(default=copy).without_own("own-x-0123456789abcdef").default is None, "on a copy of the disk"


def entry(name: str, text: str = "") -> BootEntry:
    return BootEntry(
        id=name, title=name, source="own", device="uuid=1", kernel=FileRef(device="uuid=1", path="/k"),
        cmdline=CommandLine(text),
    )  # fmt: skip


def test_there_is_room_for_so_many_and_boots_are_always_remembered(tmp_path: Path) -> None:
    state = State()
    for number in range(MOST):
        state = state.with_own(OwnEntry(entry=entry(f"own-{number}"), bus=Bus.USB))
    with pytest.raises(StateError, match="20 entries of your own") as raised:
        state.with_own(OwnEntry(entry=entry("own-more"), bus=Bus.USB))
    assert raised.value.hint
    with pytest.raises(StateError, match="64 KiB"):
        State().with_own(OwnEntry(entry=entry("own-long", "x" * 70_000), bus=Bus.USB))
    assert state.with_own(OwnEntry(entry=entry("own-3", "new"), bus=Bus.USB)).own[-1].entry.cmdline.text == "new"
    assert encode(state) == encode(State()), "what marks a boot as good reads only what boots need"
    store = StateStore(FolderBackend(tmp_path))
    assert store.keep(state)
    assert StateStore(FolderBackend(tmp_path)).state == state


def test_where_they_are_damaged_the_rest_is_remembered_and_the_file_stays(tmp_path: Path) -> None:
    store = StateStore(FolderBackend(tmp_path))
    store.keep(State(default="debian").with_own(OwnEntry(entry=entry("own-x"), bus=Bus.USB)))
    (tmp_path / OWN_NAME).write_bytes(b"{")
    again = StateStore(FolderBackend(tmp_path))
    assert (again.state, again.known, again.error) == (State(default="debian"), True, "")
    assert "own entries" in again.healed
    assert again.update(lambda state: state.without_default("debian"))
    assert (tmp_path / OWN_NAME).read_bytes() == b"{", "somebody may repair it"
    assert again.update(lambda state: state.with_own(OwnEntry(entry=entry("own-y"), bus=Bus.USB)))
    assert [one.entry.id for one in StateStore(FolderBackend(tmp_path)).state.own] == ["own-y"]


def test_they_outlive_the_rest_of_the_state(tmp_path: Path) -> None:
    store = StateStore(FolderBackend(tmp_path))
    store.keep(State(default="debian").with_own(OwnEntry(entry=entry("own-x"), bus=Bus.USB)))
    (tmp_path / NAME).write_bytes(b"{")
    again = StateStore(FolderBackend(tmp_path))
    assert again.healed
    assert [one.entry.id for one in again.state.own] == ["own-x"]
    assert [one.entry.id for one in StateStore(FolderBackend(tmp_path)).state.own] == ["own-x"]


def test_those_of_a_newer_bootmenu_are_not_replaced(tmp_path: Path) -> None:
    newer = b'{"schema":2,"own":[]}\n'
    (tmp_path / OWN_NAME).write_bytes(newer)
    store = StateStore(FolderBackend(tmp_path))
    assert "newer bootmenu" in store.healed
    assert store.update(lambda state: replace(state, default="debian"))
    assert not store.update(lambda state: state.with_own(OwnEntry(entry=entry("own-y"), bus=Bus.USB)))
    assert "newer bootmenu" in store.error
    assert (tmp_path / OWN_NAME).read_bytes() == newer
    assert StateStore(FolderBackend(tmp_path)).state.default == "debian"


def test_a_state_without_any_has_no_second_file(tmp_path: Path) -> None:
    StateStore(FolderBackend(tmp_path)).keep(State(default="x"))
    assert sorted(path.name for path in tmp_path.iterdir()) == [NAME]


def test_no_kiosk_offers_one_however_it_is_called() -> None:
    """Whoever can write the state could add one that opens a shell."""
    own = Listing(entry=entry("own-x"), facts=EntryFacts(), report=Report(findings=()), places=(HERE,))
    for entries in (("*",), ("own-x",), ("own-*",)):
        policy = Policy.of(Settings(profile=Profile.KIOSK, kiosk_entries=entries))
        assert policy.access_to(own) is Access.ABSENT
    assert Policy.of(Settings()).access_to(own) is Access.FREE


def test_a_state_that_was_tampered_with_makes_no_other_kind_of_entry(
    tmp_path: Path, disks: tuple[Device, Device]
) -> None:
    with session(tmp_path, *disks) as opened:
        (listing,), _ = collect(opened)
        saved(opened, "mine")
    path = tmp_path / "state" / OWN_NAME
    whole = json.loads(path.read_bytes())
    (one,) = whole["own"]
    one["entry"] |= {"source": "extlinux", "default": True, "tries_left": 3, "manual": "x"}
    theirs = {**one, "entry": {**one["entry"], "id": listing.entry.id}}
    path.write_text(json.dumps({"own": [one, theirs]}) + "\n")
    with session(tmp_path, *disks) as opened:
        deb, mine = (found.entry for found in collect(opened)[0])
        assert deb == listing.entry
        assert (mine.source, mine.default, mine.tries_left, mine.manual) == ("own", False, None, "")
