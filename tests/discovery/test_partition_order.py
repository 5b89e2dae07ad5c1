# SPDX-License-Identifier: MIT
"""What was there keeps its rank and its ids, whatever order a later look finds it in, and whatever comes and goes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.discovery.devices import Device
from bootmenu.discovery.hotplug import Change
from bootmenu.discovery.partition_order import _MAX_GONE, PartitionOrder
from bootmenu.discovery.scan_events import DeviceDone, DeviceGone, Position
from bootmenu.model.entry import Problem
from bootmenu.model.place import Place
from bootmenu.model.value import replace
from bootmenu.session.machine_session import MachineSession
from bootmenu.session.scan_collection import collect
from bootmenu.session.scan_results import ScanResults
from bootmenu.system.recorded_host import SimulatedHost
from tests.builders import machines
from tests.builders.entries import whole_image
from tests.builders.places import BESIDE, CARD, INSIDE, STICK
from tests.builders.trees import write_tree
from tests.discovery.test_hotplug import Told

KERNEL = whole_image()


class Machine:
    """A machine whose look finds what is `there`, in that order."""

    def __init__(self, *there: Device | Problem) -> None:
        self.there: Sequence[Device | Problem] = there
        self.changes = Told()
        machine = machines.virt()
        self.session = MachineSession(
            SimulatedHost.from_facts(machine), machine, lambda: self.there, changes=self.changes, patience=60
        )

    def scanned(self) -> tuple[list[str], list[str]]:
        """Where the entries are, in the order of the menu, and their ids."""
        results = ScanResults()
        results.begin()
        for event in self.session.scan().until_finished():
            results.add(event)
        listings = list(results.listings)
        assert [one.entry.id for one in listings] == [one.entry.id for one in collect(self.session)[0]]
        return [one.entry.device for one in listings], [one.entry.id for one in listings]


def disk(top: Path, name: str, **more: object) -> Device:
    config = f"label {name}\nkernel /vmlinuz\nappend {name}\n"
    folder = write_tree(top / name, {"vmlinuz": KERNEL, "extlinux.conf": config})
    return Device(name=name, folder=str(folder), **more)  # type: ignore[arg-type]


def test_another_look_that_finds_what_was_assembled_first_renumbers_nothing(tmp_path: Path) -> None:
    """lsblk lists md and LVM below the first loop device they lie on, and that before sda."""
    sda1, sda2 = disk(tmp_path, "sda1", place=INSIDE), disk(tmp_path, "sda2", place=INSIDE)
    array = disk(tmp_path, "md127", place=INSIDE, assembled=True)
    volume = disk(tmp_path, "vg-root", place=INSIDE, assembled=True)
    stick = disk(tmp_path, "sdb1", place=STICK)
    machine = Machine(sda1, sda2, stick, array, volume)
    order = ["sda1", "sda2", "md127", "vg-root", "sdb1"]
    before = machine.scanned()
    assert before[0] == order
    machine.there = (volume, array, sda1, sda2, stick)
    assert machine.scanned() == before


def test_at_first_what_was_assembled_comes_after_the_partitions_however_it_is_found(tmp_path: Path) -> None:
    array = disk(tmp_path, "md0", place=INSIDE, assembled=True)
    machine = Machine(array, disk(tmp_path, "sda1", place=INSIDE), disk(tmp_path, "sda2", place=INSIDE))
    assert machine.scanned()[0] == ["sda1", "sda2", "md0"]


def test_what_is_unlocked_comes_after_all_that_was_there(tmp_path: Path) -> None:
    sda1, sda3 = disk(tmp_path, "sda1", place=INSIDE), disk(tmp_path, "sda3", place=INSIDE)
    locked = Device(name="sda2", filesystem="crypto_LUKS", locked=True, place=INSIDE)
    array = disk(tmp_path, "md127", place=INSIDE, assembled=True)
    machine = Machine(sda1, locked, sda3, array)
    before = machine.scanned()
    assert before[0] == ["sda1", "sda3", "md127"]
    plain = disk(tmp_path, "bootmenu-sda2", place=INSIDE, assembled=True)
    machine.there = (plain, array, sda1, sda3)
    devices, ids = machine.scanned()
    assert (devices[:3], ids[:3]) == before
    assert devices[3:] == ["bootmenu-sda2"]


@pytest.mark.parametrize("place", [INSIDE, CARD, STICK])
def test_a_copy_that_is_plugged_in_and_found_first_takes_nobodys_rank_or_id(tmp_path: Path, place: Place) -> None:
    """Two disks with one identity are told apart by which was first."""
    own = disk(tmp_path, "sdb1", uuid="1-2", place=STICK)
    machine = Machine(own)
    before = machine.scanned()
    copy = disk(tmp_path, "sda1", uuid="1-2", place=replace(place, disk="other"))
    machine.there = (copy, own)
    devices, ids = machine.scanned()
    assert (devices[:1], ids[:1]) == before
    assert devices[1:] == ["sda1"]
    assert machine.scanned() == (devices, ids)


def test_a_disk_that_went_and_came_back_under_another_name_is_back_in_its_place(tmp_path: Path) -> None:
    first, second = disk(tmp_path, "sda1", uuid="1-1", place=BESIDE), disk(tmp_path, "sdb1", uuid="2-2", place=INSIDE)
    machine = Machine(first, second)
    before = machine.scanned()
    machine.there = (second,)
    machine.scanned()
    moved = replace(first, name="sdc1", place=BESIDE)
    machine.there = (*machine.there, moved)
    devices, ids = machine.scanned()
    assert (devices, ids) == (["sdc1", "sdb1"], before[1])


def test_a_stick_that_is_watched_comes_after_what_is_there_and_keeps_that_rank(tmp_path: Path) -> None:
    own = disk(tmp_path, "sdb1", place=STICK)
    machine = Machine(own)
    results = ScanResults()
    results.begin()
    watching = machine.session.scan()
    for event in watching.until_finished():
        results.add(event)
    card = disk(tmp_path, "mmcblk0p1", place=CARD)

    def until(kind: type[DeviceDone] | type[DeviceGone]) -> None:
        machine.changes.queue.put(Change("mmcblk0p1" if kind is DeviceGone else ""))
        for event in watching:
            results.add(event)
            if isinstance(event, kind):
                return

    for _ in range(2):
        machine.there = (card, own)
        until(DeviceDone)
        assert [one.entry.device for one in results.listings] == ["sdb1", "mmcblk0p1"]
        machine.there = (own,)
        until(DeviceGone)
        assert [one.entry.device for one in results.listings] == ["sdb1"]
    watching.close()
    machine.session.close()


def test_a_reference_means_the_same_copy_after_another_look(tmp_path: Path) -> None:
    one, other = disk(tmp_path, "sdb1", uuid="1-2", place=STICK), disk(tmp_path, "sda1", uuid="1-2", place=STICK)
    config = "menuentry x {\nsearch --fs-uuid --set=root 1-2\nlinux /vmlinuz\n}\n"
    own = Device(name="sdc1", folder=str(write_tree(tmp_path / "c", {"boot/grub/grub.cfg": config})), place=STICK)
    machine = Machine(one, own)
    machine.scanned()
    for there in ((one, own), (other, one, own), (other, own, one)):
        machine.there = there
        listings, _ = collect(machine.session)
        assert [found.entry.kernel.device for found in listings if found.entry.device == "sdc1"] == ["sdb1"]


NAMES = st.lists(st.sampled_from(["sda1", "sda2", "sdb1", "md0", "vg-a", "sdc1"]), unique=True, max_size=6)


@given(st.lists(NAMES, min_size=1, max_size=8))
def test_ranks_are_never_shared_and_what_stays_keeps_its_own(looks: list[list[str]]) -> None:
    order, last = PartitionOrder(), dict[str, tuple[Position, int]]()
    places = {"sdb1": STICK, "sdc1": CARD}
    for names in looks:
        found = {}
        for name in names:
            # sda1, sdb1 and md0 claim to be one
            device = Device(
                name=name,
                uuid="1-2" if name in ("sda1", "sdb1", "md0") else name,
                place=places.get(name, INSIDE),
                assembled=name in ("md0", "vg-a"),
            )
            ordered = order.add(device)
            found[name] = (ordered.position, ordered.copy_number)
        order.scan_completed(names)
        assert len({rank for rank, _ in found.values()}) == len(found)
        kept = found.keys() & last.keys()
        assert {name: found[name] for name in kept} == {name: last[name] for name in kept}
        if {"sda1", "md0"} <= found.keys():
            assert found["sda1"][1] != found["md0"][1]
        last = found


def test_a_stick_that_is_another_one_each_time_is_not_remembered_for_ever() -> None:
    order = PartitionOrder()
    own = order.add(Device(name="sda1", place=INSIDE)).position
    for number in range(_MAX_GONE + 50):
        order.add(Device(name="sdb1", uuid=f"{number}", place=STICK))
        order.remove("sdb1")
    assert len(order._partitions) == _MAX_GONE + 1
    assert order.add(Device(name="sda1", place=INSIDE)).position == own
