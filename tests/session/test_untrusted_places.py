# SPDX-License-Identifier: MIT
"""A disk that anybody can plug in decides nothing: not what a kiosk offers, not what starts by itself, not what is
remembered, and not what an entry inside the machine is called or takes its files from."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from pathlib import Path

import pytest

from bootmenu.bootstate.backend_from_settings import open_state_store, why_not_kept
from bootmenu.bootstate.state import State
from bootmenu.bootstate.state_store import StateStore
from bootmenu.config.settings import Profile, Settings
from bootmenu.discovery import partition_table
from bootmenu.discovery.devices import Device
from bootmenu.discovery.scan_events import Listing
from bootmenu.model.entry import Problem
from bootmenu.model.place import Bus, Place, PlaceRule
from bootmenu.model.value import replace
from bootmenu.session.autoboot import Choice, choose
from bootmenu.session.machine_session import MachineSession
from bootmenu.session.scan_collection import collect
from bootmenu.session.scan_results import ScanResults
from bootmenu.system.recorded_host import SimulatedHost
from bootmenu.view.policy import Access, Policy
from tests.builders import machines
from tests.builders.entries import whole_image
from tests.builders.hosts import fake_host
from tests.builders.places import BESIDE, CARD, INSIDE, STICK
from tests.builders.trees import write_tree

KERNEL = whole_image()
LATE = replace(STICK, late=True)
OUTSIDE = (
    STICK,
    LATE,
    CARD,
    Place(bus=Bus.EXTERNAL, path="x", disk="x"),
    Place(),
    replace(BESIDE, late=True),
)


def disk(
    top: Path, name: str, place: Place, *entries: str, default: str = "", uuid: str = "1-2", **files: str
) -> Device:
    """A partition with a BLS entry for each name."""
    wanted: dict[str, bytes | str] = {"vmlinuz": KERNEL, **files}
    if default:
        wanted["loader/loader.conf"] = f"default {default}.conf\n"
    for entry in entries:
        wanted[f"loader/entries/{entry}.conf"] = (
            f"title {entry} of {name}\nlinux /vmlinuz\noptions console=ttyAMA0 {name}\n"
        )
    return Device(name=name, folder=str(write_tree(top / name, wanted)), uuid=uuid, place=place)


def session_of(*found: Device | Problem, settings: Settings | None = None) -> MachineSession:
    machine = machines.virt()
    return MachineSession(SimulatedHost.from_facts(machine), machine, lambda: found, settings=settings, patience=60)


def listed(*found: Device) -> list[Listing]:
    return collect(session_of(*found))[0]


def kiosk(*rules: str, entries: Iterable[str] = ("*",), **more: object) -> Settings:
    places = tuple(map(PlaceRule.parse, rules)) if rules else Settings().kiosk_disks
    return Settings(
        profile=Profile.KIOSK,
        kiosk_entries=tuple(entries),
        kiosk_disks=places,
        **more,  # type: ignore[arg-type]
    )


def offered(settings: Settings, listings: Iterable[Listing]) -> set[str]:
    return {one.entry.title for one in Policy.of(settings).offered(listings)}


# ---- what exists in a kiosk -------------------------------------------------------------------------------


@pytest.mark.parametrize("place", OUTSIDE, ids=str)
def test_a_name_on_a_stick_is_no_entry_of_the_kiosk(tmp_path: Path, place: Place) -> None:
    own, evil = disk(tmp_path, "sda1", INSIDE, "debian"), disk(tmp_path, "sdb1", place, "debian-evil", uuid="3-4")
    listings = listed(evil, own)
    settings = kiosk(entries=["bls-debian-*"])
    policy = Policy.of(settings)
    assert offered(settings, listings) == {"debian of sda1"}
    assert [policy.access_to(one) for one in listings if one.entry.device == "sdb1"] == [Access.ABSENT]
    assert offered(Settings(), listings) == {"debian of sda1", "debian-evil of sdb1"}
    assert offered(settings, [one for one in listings if one.entry.device == "sdb1"]) == set()


def test_the_settings_may_allow_a_place_by_its_partuuid_and_bus_or_path(tmp_path: Path) -> None:
    stick = disk(tmp_path, "sdb1", replace(STICK, partuuid="ab-01"), "service")
    cloned = disk(tmp_path, "sdc1", replace(CARD, partuuid="ab-01"), "cloned")
    other = disk(tmp_path, "sdd1", replace(STICK, partuuid="ab-02"), "other")
    inside = disk(tmp_path, "sda1", INSIDE, "debian")
    listings = listed(stick, cloned, other, inside)
    assert offered(kiosk("PARTUUID=AB-01 on usb"), listings) == {"service of sdb1"}
    assert offered(kiosk("internal", f"PARTUUID=ab-01 on {STICK.path}"), listings) == {
        "service of sdb1",
        "debian of sda1",
    }
    assert offered(kiosk("PARTUUID=ab-01 on pci-elsewhere"), listings) == set()


def test_an_entry_inside_that_takes_a_file_from_a_stick_is_as_good_as_the_stick(tmp_path: Path) -> None:
    own = disk(tmp_path, "sda1", INSIDE)
    write_tree(
        tmp_path / "sda1",
        {
            "boot/grub/grub.cfg": "search --fs-uuid --set=root 3-4\n"
            "menuentry mixed {\n linux /vmlinuz console=ttyAMA0\n}\n",
        },
    )
    stick = disk(tmp_path, "sdb1", STICK, uuid="3-4")
    (mixed,) = [one for one in listed(own, stick) if one.entry.title == "mixed"]
    assert mixed.places == (INSIDE, STICK)
    assert offered(kiosk(), [mixed]) == set()
    copy = disk(tmp_path, "sdc1", BESIDE, uuid="3-4")
    for devices in itertools.permutations((own, stick, copy)):
        (mixed,) = [one for one in listed(*devices) if one.entry.title == "mixed"]
        assert mixed.places == (INSIDE, BESIDE), "inside goes before what claims to be the same outside"


def test_an_entry_of_unknown_places_does_not_exist_in_a_kiosk() -> None:
    from tests.builders.fakes import DEBIAN

    nowhere = replace(DEBIAN, places=())
    assert Policy.of(kiosk()).access_to(nowhere) is Access.ABSENT
    assert Policy.of(Settings()).access_to(nowhere) is Access.FREE


# ---- two that claim to be one -----------------------------------------------------------------------------


@pytest.mark.parametrize("place", OUTSIDE, ids=str)
def test_a_clone_outside_never_has_the_id_of_an_entry_inside(tmp_path: Path, place: Place) -> None:
    own, clone = disk(tmp_path, "sda1", INSIDE, "debian"), disk(tmp_path, "sdb1", place, "debian")
    alone = {one.entry.id for one in listed(own)}
    for devices in ((own, clone), (clone, own)):
        ids = {one.entry.device: one.entry.id for one in listed(*devices)}
        if place.bus is not Bus.INTERNAL:
            assert {ids["sda1"]} == alone
        assert ids["sdb1"] != ids["sda1"]


def test_no_text_on_a_stick_gives_the_id_of_an_entry_inside(tmp_path: Path) -> None:
    """The key has everything that the disk says behind the bus: no label, path or name can end like one inside."""
    own = disk(tmp_path, "sda1", INSIDE, "debian")
    (inside,) = listed(own)
    for uuid in ("1-2", "usb\0uuid=1-2", "1-2 on internal", "internal\0uuid=1-2"):
        (outside,) = listed(disk(tmp_path, "sdb1", STICK, "debian", uuid=uuid))
        assert outside.entry.id != inside.entry.id
    assert len(inside.entry.id.rpartition("-")[2]) == 16


def test_what_is_inside_is_listed_first_and_a_stick_keeps_none_of_it_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partition_table, "MAX_ENTRIES", 3)
    stick = disk(tmp_path, "sda1", STICK, "a", "b", "c", uuid="3-4")
    own = disk(tmp_path, "sdb1", INSIDE, "x", "y", "z")
    assert [one.entry.device for one in listed(stick, own)] == ["sdb1"] * 3 + ["sda1"] * 3


def test_a_stick_that_offers_the_same_neither_owns_the_entry_nor_makes_it_the_default(tmp_path: Path) -> None:
    """Its configuration may name files inside by their UUID, and so be the same entry as one there."""
    grub = "search --fs-uuid --set=root 1-2\nmenuentry same {\n linux /vmlinuz console=ttyAMA0\n}\n"
    first = "menuentry other {\n linux /vmlinuz console=ttyAMA0 other\n}\n"
    own = disk(tmp_path, "sdb1", INSIDE)
    write_tree(tmp_path / "sdb1", {"boot/grub/grub.cfg": first + grub})
    stick = disk(tmp_path, "sda1", STICK, uuid="3-4")
    write_tree(tmp_path / "sda1", {"boot/grub/grub.cfg": grub + first})
    listings = listed(stick, own)
    (same,) = [one for one in listings if one.entry.title == "same"]
    assert (same.entry.device, same.entry.default) == ("sdb1", False)
    assert "same" in offered(kiosk(), listings)


def test_a_stick_does_not_hide_a_bare_kernel_inside(tmp_path: Path) -> None:
    own = disk(tmp_path, "sdb1", INSIDE)
    stick = disk(tmp_path, "sda1", STICK, uuid="3-4")
    offer = "search --fs-uuid --set=root 1-2\nmenuentry mine {\n linux /vmlinuz console=ttyAMA0\n}\n"
    write_tree(tmp_path / "sda1", {"boot/grub/grub.cfg": offer})
    assert [one.entry.device for one in listed(own) if one.entry.source == "bare"] == ["sdb1"]
    assert [one.entry.source for one in listed(stick, own) if one.entry.device == "sdb1"] == ["bare"]


# ---- what starts by itself --------------------------------------------------------------------------------


def chosen(listings: Iterable[Listing], state: State | None = None, settings: Settings | None = None) -> Choice:
    return choose(list(listings), state or State(), settings or Settings(), finished=True)


def made_default(listings: Iterable[Listing], title: str, *there: Device) -> State:
    (one,) = [one for one in listings if one.entry.title == title]
    return State().with_default(one, {device.place.disk for device in there})


@pytest.mark.parametrize("place", OUTSIDE, ids=str)
@pytest.mark.parametrize("verdict", ["", "gone"])
def test_a_stick_starts_by_itself_neither_as_the_default_nor_in_its_place(
    tmp_path: Path, place: Place, verdict: str
) -> None:
    own = disk(tmp_path, "sda1", INSIDE, "debian")
    if verdict:
        (tmp_path / "sda1/vmlinuz").unlink()
    stick = disk(tmp_path, "sdb1", place, "evil", default="evil", uuid="3-4")
    for devices in ((own, stick), (stick, own)):
        choice = chosen(listed(*devices))
        assert (choice.listing.entry.title if choice.listing else None) == (None if verdict else "debian of sda1")
        assert chosen(listed(*devices), settings=Settings(default="bls-*")).listing == choice.listing


def test_a_machine_that_has_only_a_card_starts_from_it_and_not_from_a_stick(tmp_path: Path) -> None:
    card = disk(tmp_path, "mmcblk0p1", CARD, "debian")
    stick = disk(tmp_path, "sda1", STICK, "evil", default="evil", uuid="3-4")
    choice = chosen(listed(stick, card))
    assert choice.listing is not None
    assert choice.listing.entry.title == "debian of mmcblk0p1"
    only = chosen(listed(stick))
    assert only.listing is not None, "nothing else is there: it is a system on a stick"
    assert chosen(listed(disk(tmp_path, "sdc1", LATE, "evil"))).listing is None


def test_a_default_made_on_a_stick_starts_from_that_stick_only(tmp_path: Path) -> None:
    own, stick = disk(tmp_path, "sda1", INSIDE, "debian"), disk(tmp_path, "sdb1", STICK, "mine", uuid="3-4")
    there = listed(own, stick)
    state = made_default(there, "mine of sdb1", own, stick)
    assert (found := chosen(there, state).listing) is not None
    assert found.entry.title == "mine of sdb1"
    for place in (replace(STICK, disk="cloned"), LATE):
        clone = replace(stick, place=place)
        choice = chosen(listed(own, clone), state)
        assert choice.listing is not None
        assert choice.listing.entry.title == "debian of sda1"
        assert "is on " in choice.reason


def test_the_default_on_a_clone_inside_is_not_taken_for_it_either(tmp_path: Path) -> None:
    """Which of two equal disks is found first may change from start to start, and with it which one has which id."""
    one, two = disk(tmp_path, "sda1", INSIDE, "debian"), disk(tmp_path, "sdb1", BESIDE, "debian")
    state = made_default(listed(one, two), "debian of sda1", one, two)
    assert (first := chosen(listed(one, two), state).listing) is not None
    assert first.entry.device == "sda1"
    swapped = chosen(listed(two, one), state)
    assert swapped.listing is not None
    assert swapped.listing.entry.device == "sda1"
    assert "another disk than when it was chosen" in swapped.reason


def test_a_disk_that_was_not_there_when_the_default_was_made_stands_in_for_nothing(tmp_path: Path) -> None:
    own, new = (
        disk(tmp_path, "sda1", INSIDE, "debian"),
        disk(tmp_path, "sdb1", BESIDE, "new", default="new", uuid="3-4"),
    )
    state = made_default(listed(own), "debian of sda1", own)
    assert chosen(listed(new), state).listing is None
    assert "not there when the default was made" in chosen(listed(new), state).reason
    again = made_default(listed(own, new), "debian of sda1", own, new)
    assert (found := chosen(listed(new), again).listing) is not None
    assert found.entry.device == "sdb1"


def test_a_default_of_the_settings_whose_kernel_a_stick_now_claims_to_have_does_not_start(tmp_path: Path) -> None:
    """Its own partition is inside, and the settings remember no disk of the others."""
    own = disk(tmp_path, "sda1", INSIDE, "other")
    write_tree(
        tmp_path / "sda1",
        {
            "boot/grub/grub.cfg": "search --fs-uuid --set=root 3-4\n"
            "menuentry mixed {\n linux /vmlinuz console=ttyAMA0\n}\n",
        },
    )
    good, evil = disk(tmp_path, "sdc1", BESIDE, uuid="3-4"), disk(tmp_path, "sdb1", STICK, uuid="3-4")
    (mixed,) = [one for one in listed(own, good) if one.entry.title == "mixed"]
    settings = Settings(default=mixed.entry.id)
    choice = choose(listed(own, good, evil), State(), settings, finished=True)
    assert choice.listing is not None
    assert (choice.listing.entry.id, choice.listing.places) == (mixed.entry.id, (INSIDE, BESIDE))
    listings = listed(own, evil)
    assert mixed.entry.id in {one.entry.id for one in listings}
    choice = choose(listings, State(), settings, finished=True)
    assert choice.listing is not None
    assert choice.listing.entry.title == "other of sda1"
    assert "on a disk outside of the machine" in choice.reason


def test_a_choice_for_the_next_boot_is_of_one_disk_too(tmp_path: Path) -> None:
    own, stick = disk(tmp_path, "sda1", INSIDE, "debian"), disk(tmp_path, "sdb1", STICK, "mine", uuid="3-4")
    (wanted,) = [one for one in listed(own, stick) if one.entry.device == "sdb1"]
    state = State().with_once(wanted)
    assert chosen(listed(own, stick), state).listing == wanted
    clone = replace(stick, place=replace(STICK, disk="cloned"))
    assert (found := chosen(listed(own, clone), state).listing) is not None
    assert found.entry.device == "sda1"
    assert state.without_once(wanted.entry.id) == State()


def test_every_order_of_coming_gives_the_same_choice_and_none_is_final_too_early(tmp_path: Path) -> None:
    """Whatever has been read so far: what is final stays what it is when the rest has come."""
    own = disk(tmp_path, "sda1", INSIDE, "debian", default="debian")
    stick = disk(tmp_path, "sdb1", STICK, "evil", default="evil")
    listings = listed(own, stick)
    states = (
        State(),
        made_default(listings, "debian of sda1", own),
        made_default(listings, "evil of sdb1", own, stick),
    )
    settings = (Settings(), Settings(default="bls-*"), kiosk())
    for state, wanted in itertools.product(states, settings):
        startable = Policy.of(wanted).startable(listings)
        end = choose(startable, state, wanted, finished=True)
        for count in range(len(startable) + 1):
            for some in itertools.permutations(startable, count):
                early = choose(some, state, wanted, finished=False)
                assert not early.final or early.listing == end.listing


# ---- what is remembered -----------------------------------------------------------------------------------


def partition(name: str, place: Place, label: str = "STATE") -> Device:
    return Device(name=name, path=f"/dev/{name}", filesystem="ext4", label=label, place=place)


@pytest.mark.parametrize("place", OUTSIDE, ids=str)
def test_the_state_is_never_on_a_stick_that_only_has_the_name(tmp_path: Path, place: Place) -> None:
    host, settings = fake_host(tmp_path), Settings(state_device="LABEL=STATE")
    stick, own = partition("sdb1", place), partition("sda3", INSIDE)
    memory = open_state_store(host, settings, [stick])
    assert not memory.remembers
    assert "and the settings do not say so" in memory.error
    assert why_not_kept(host, settings, [stick]) == memory.error
    assert "the partition LABEL=STATE is not there" in why_not_kept(host, settings, [])
    for devices in ([stick, own], [own, stick]):
        assert open_state_store(host, settings, devices).remembers


def test_a_state_that_two_disks_claim_is_refused(tmp_path: Path) -> None:
    host, settings = fake_host(tmp_path), Settings(state_device="LABEL=STATE")
    both = [partition("sda3", INSIDE), partition("sdb3", BESIDE)]
    memory = open_state_store(host, settings, both)
    assert not memory.remembers
    assert "there are 2 partitions LABEL=STATE: sda3, sdb3" in memory.error
    on_path = Settings(state_device=f"LABEL=STATE on {BESIDE.path}")
    assert open_state_store(host, on_path, both).remembers
    twice = [partition("sdb1", STICK), partition("sdc1", STICK)]
    assert not open_state_store(host, Settings(state_device="LABEL=STATE on usb"), twice).remembers


def test_a_stick_that_is_named_as_one_remembers(tmp_path: Path) -> None:
    host = fake_host(tmp_path)
    for where in ("usb", STICK.path):
        assert open_state_store(
            host, Settings(state_device=f"LABEL=STATE on {where}"), [partition("sdb1", STICK)]
        ).remembers
    assert not open_state_store(
        host, Settings(state_device="LABEL=STATE on sd"), [partition("sdb1", STICK)]
    ).remembers


def test_the_menu_makes_the_default_with_the_disks_that_are_there(tmp_path: Path) -> None:
    own, stick = disk(tmp_path, "sda1", INSIDE, "debian"), disk(tmp_path, "sdb1", STICK, "mine", uuid="3-4")
    results = ScanResults()
    session = session_of(own, stick)
    for event in session.scan().until_finished():
        results.add(event)
    assert results.disks == {INSIDE.disk, STICK.disk}
    memory = StateStore(None)
    (wanted,) = [one for one in results.listings if one.entry.device == "sdb1"]
    memory.update(lambda state: state.with_default(wanted, results.disks))
    assert memory.state.default_disks == (STICK.disk,)
    assert set(memory.state.disks) == {INSIDE.disk, STICK.disk}
    assert memory.state.without_default(wanted.entry.id) == State()


def test_a_disk_plugged_in_later_is_late_and_one_that_was_unplugged_meanwhile_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, stick = disk(tmp_path, "sda1", INSIDE, "debian"), disk(tmp_path, "sdb1", STICK, "mine", uuid="3-4")
    there: list[Device] = [own]
    machine = machines.virt()
    monkeypatch.setattr("bootmenu.session.partition_access._PRESENCE_GRACE", 0.0)
    session = MachineSession(SimulatedHost.from_facts(machine), machine, lambda: tuple(there), patience=60)
    collect(session)
    there[:] = [stick]
    assert [one.places[0].late for one in collect(session)[0]] == [True]
    there[:] = [own, stick]
    assert {one.entry.device: one.places[0].late for one in collect(session)[0]} == {"sda1": False, "sdb1": True}
