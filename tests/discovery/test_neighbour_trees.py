# SPDX-License-Identifier: MIT
"""What is read of other partitions for the entries of one, and what is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from bootmenu.config.settings import Profile, Settings
from bootmenu.discovery import change_schedule, partition_probe
from bootmenu.discovery.devices import Device, position
from bootmenu.discovery.hotplug import Change
from bootmenu.discovery.neighbour_trees import Asked, grub_name, meaning, on_disk_of
from bootmenu.model.place import Bus, Place, PlaceRule
from bootmenu.model.value import replace
from bootmenu.session.machine_session import MachineSession
from bootmenu.session.scan_collection import collect
from bootmenu.session.shared_session import SharedSession
from bootmenu.system.recorded_host import SimulatedHost
from tests.builders import machines
from tests.builders.entries import whole_image
from tests.builders.trees import write_tree
from tests.discovery.test_flapping import Console
from tests.discovery.test_hotplug import Told

INTERNAL = Place(bus=Bus.INTERNAL)
STICK = Place(bus=Bus.USB)
STUB = (
    "search.fs_uuid BOOT boot\nset from=$cmdpath\nset extra=by-the-stub\nexport from extra\n"
    "configfile ($boot)/grub/grub.cfg\n"
)
MENU = "menuentry Linux --id linux {\nlinux /vmlinuz root=PARTUUID=1 $extra\n}\n"


class Around:
    """Surroundings for tests."""

    def __init__(self, *devices: Device, opened: frozenset[str] = frozenset(), denied: str = "") -> None:
        self.devices = {device.name: device for device in devices}
        self.opened = opened
        self.denied = denied

    def may_read(self, device: Device) -> bool:
        return device.name != self.denied


def partition(name: str, place: Place = INTERNAL, **names: object) -> Device:
    disk, number = position(name)
    return Device(name=name, disk=disk, number=number, place=place, **names)  # type: ignore[arg-type]


ESP = partition("sda1", filesystem="vfat", uuid="ESP")
BOOT = partition("sda2", uuid="BOOT")

Layout = tuple[Device, dict[str, str | bytes]]


def read(
    tmp_path: Path, *found: tuple[Device, dict[str, str | bytes]], settings: Settings | None = None
) -> list[str]:
    """The command lines of all entries, each behind its partition."""
    devices = [
        replace(device, folder=str(write_tree(tmp_path / device.name, {"there": "", **files})))
        for device, files in found
    ]
    machine = machines.virt()
    session = MachineSession(SimulatedHost.from_facts(machine), machine, lambda: devices, settings=settings)
    try:
        listings, _ = collect(session)
    finally:
        session.close()
    return sorted(f"{listing.entry.device} {listing.entry.cmdline}" for listing in listings)


def missing(tmp_path: Path, *found: Layout) -> list[str]:
    """The partitions for which kernels wait."""
    devices = [replace(device, folder=str(write_tree(tmp_path / device.name, files))) for device, files in found]
    machine = machines.virt()
    session = MachineSession(SimulatedHost.from_facts(machine), machine, lambda: devices)
    try:
        listings, _ = collect(session)
    finally:
        session.close()
    return sorted(listing.entry.kernel.device for listing in listings if listing.entry.kernel.exists is not True)


BOOT_FILES: dict[str, str | bytes] = {"grub/grub.cfg": MENU, "vmlinuz": whole_image()}


def test_what_the_home_sets_counts_where_its_configuration_leads(tmp_path: Path) -> None:
    found = read(tmp_path, (ESP, {"EFI/debian/grub.cfg": STUB}), (BOOT, BOOT_FILES))
    assert found == ["sda2 root=PARTUUID=1 by-the-stub"]


@pytest.mark.parametrize(
    ("path", "lists"),
    [
        ("grub/grub.cfg", "sda2"),
        ("boot/grub2/grub.cfg", "sda2"),
        ("other/menu.cfg", "sda1"),
        ("@/boot/grub/grub.cfg", "sda2:/@"),
    ],
)
def test_an_entry_is_listed_once_by_the_partition_whose_configuration_it_is(
    tmp_path: Path, path: str, lists: str
) -> None:
    stub = f"search.fs_uuid BOOT boot\nconfigfile ($boot)/{path}\n"
    menu = "search.fs_uuid BOOT root\n" + MENU
    found = read(tmp_path, (ESP, {"EFI/x/grub.cfg": stub}), (BOOT, {path: menu, "vmlinuz": whole_image()}))
    assert found == [f"{lists} root=PARTUUID=1"]


@pytest.mark.parametrize(
    ("filesystem", "more", "found"),
    [
        ("vfat", {}, ["sda1 root=/dev/sda2 initrd=Initrd.gz"]),
        ("ext4", {}, []),
        (None, {"EFI/BOOT/X": b""}, ["sda1 root=/dev/sda2 initrd=Initrd.gz"]),
        (None, {"Efi/x": b"", "etc/fstab": b""}, []),
        (None, {}, []),
    ],
)
def test_a_folder_with_the_files_of_fat_has_names_in_any_case(
    tmp_path: Path, filesystem: str | None, more: dict[str, str | bytes], found: list[str]
) -> None:
    files: dict[str, str | bytes] = {
        "SYSLINUX/SYSLINUX.CFG": "label x\nkernel /Live/vmLinuz\nappend root=/dev/sda2 initrd=Initrd.gz\n",
        "live/VMLINUZ": whole_image(),
        **more,
    }
    assert read(tmp_path, (replace(ESP, filesystem=filesystem), files)) == found


@pytest.mark.parametrize(("filesystem", "found"), [("btrfs", True), (None, True), ("ext4", False)])
def test_a_folder_may_have_the_files_of_the_subvolume_that_paths_begin_with(
    tmp_path: Path, filesystem: str | None, found: bool
) -> None:
    menu = "menuentry a {\nlinux /@/boot/vmlinuz root=PARTUUID=1\n}\nmenuentry b {\nlinux /@@/vmlinuz b=1\n}\n"
    files: dict[str, str | bytes] = {"boot/grub/grub.cfg": menu, "boot/vmlinuz": whole_image(), "@@/x": b""}
    boot = replace(BOOT, filesystem=filesystem)
    stub = "search.fs_uuid BOOT root\nconfigfile /@/boot/grub/grub.cfg\n"
    entries = ["sda2 b=1", "sda2 root=PARTUUID=1"]
    assert read(tmp_path / "1", (boot, files)) == (entries if found else ["sda2 ", *entries])
    assert missing(tmp_path / "2", (ESP, {"EFI/x/grub.cfg": stub}), (boot, files)) == (
        ["sda2"] if found else ["sda2", "sda2"]
    )


def test_a_folder_without_a_uuid_is_what_a_search_for_one_that_none_has_means(tmp_path: Path) -> None:
    menu = "search --no-floppy --fs-uuid --set=root --hint-efi=hd0,gpt2 BOOT\n" + MENU
    esp, boot = replace(ESP, uuid=None), replace(BOOT, uuid=None)
    files = {**BOOT_FILES, "grub/grub.cfg": menu}
    # the only one, or the one that is hinted at
    assert read(tmp_path / "1", (boot, files)) == ["sda2 root=PARTUUID=1"]
    assert read(tmp_path / "2", (ESP, {}), (boot, files)) == ["sda2 root=PARTUUID=1"]
    assert read(tmp_path / "3", (esp, {}), (boot, files)) == ["sda2 root=PARTUUID=1"]
    # with another UUID it is not meant: the one with this UUID may come later
    assert missing(tmp_path / "4", (ESP, {}), (replace(BOOT, uuid="OTHER"), files)) == ["uuid=boot"]


def test_it_does_not_matter_which_partition_is_found_first(tmp_path: Path) -> None:
    found = read(tmp_path, (BOOT, BOOT_FILES), (ESP, {"EFI/debian/grub.cfg": STUB}))
    assert found == ["sda2 root=PARTUUID=1 by-the-stub"]


@pytest.mark.parametrize(
    ("esp", "why"),
    [
        (
            replace(ESP, place=STICK, name="sdb1", disk="sdb"),
            "a stick that claims to be the home of an internal disk",
        ),
        (replace(ESP, filesystem="ext4"), "no firmware starts anything from it"),
    ],
)
def test_what_is_no_home_sets_nothing(tmp_path: Path, esp: Device, why: str) -> None:
    found = read(tmp_path, (esp, {"EFI/debian/grub.cfg": STUB}), (BOOT, BOOT_FILES))
    assert found == ["sda2 root=PARTUUID=1"], why


def test_an_internal_configuration_reads_nothing_from_a_stick_in_place_of_what_is_missing(
    tmp_path: Path,
) -> None:
    evil = "menuentry Evil {\nlinux /vmlinuz init=/bin/sh\n}\n"
    stick = partition("sdb1", STICK, uuid="BOOT")
    main = "search.fs_uuid BOOT b\nsource ($b)/more.cfg\n" + MENU
    found = read(tmp_path, (BOOT, {**BOOT_FILES, "grub/grub.cfg": main}), (stick, {"more.cfg": evil}))
    assert found == ["sda2 root=PARTUUID=1"]
    other = partition("sda3", uuid="MORE")
    found = read(
        tmp_path / "2",
        (BOOT, {**BOOT_FILES, "grub/grub.cfg": main.replace("BOOT", "MORE")}),
        (other, {"more.cfg": evil}),
    )
    assert found == ["sda2 init=/bin/sh", "sda2 root=PARTUUID=1"], "on a partition of its own disk it is read"


def test_a_kiosk_reads_nothing_from_partitions_that_it_does_not_trust(tmp_path: Path) -> None:
    disks = (PlaceRule(partuuid="22", where=Bus.INTERNAL),)
    boot = replace(BOOT, place=replace(INTERNAL, partuuid="22"))
    kiosk = Settings(profile=Profile.KIOSK, kiosk_disks=disks)
    layout: tuple[Layout, Layout] = (ESP, {"EFI/debian/grub.cfg": STUB}), (boot, BOOT_FILES)
    assert read(tmp_path, *layout, settings=kiosk) == ["sda2 root=PARTUUID=1"]
    both = Settings(profile=Profile.KIOSK, kiosk_disks=(*disks, PlaceRule()))
    assert read(tmp_path / "2", *layout, settings=both) == ["sda2 root=PARTUUID=1 by-the-stub"]


def test_what_another_disk_says_counts_once_it_has_answered(tmp_path: Path) -> None:
    more = partition("sdb1", uuid="MORE")
    main = "search.fs_uuid MORE m\nload_env --file ($m)/grubenv extra\n" + MENU
    block = "# GRUB Environment Block\nextra=from-there\n".ljust(1024, "#")
    found = read(tmp_path, (BOOT, {**BOOT_FILES, "grub/grub.cfg": main}), (more, {"grubenv": block}))
    assert found == ["sda2 root=PARTUUID=1 from-there"]


def test_a_home_that_comes_and_goes_changes_what_it_led_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in (
        (change_schedule, "PROBE_DELAY"),
        (change_schedule, "SECOND_PROBE_DELAY"),
        (partition_probe, "PROBE_INTERVAL"),
    ):
        monkeypatch.setattr(module, name, 0.001)
    boot = replace(BOOT, folder=str(write_tree(tmp_path / "boot", BOOT_FILES)))
    esp = replace(ESP, folder=str(write_tree(tmp_path / "esp", {"EFI/debian/grub.cfg": STUB})))
    present, changes, machine = [boot], Told(), machines.virt()
    session = MachineSession(SimulatedHost.from_facts(machine), machine, lambda: list(present), changes=changes)
    shared = SharedSession(session)
    console = Console(shared.console())
    console.wake()

    def shows(*wanted: str) -> bool:
        return [str(listing.entry.cmdline) for listing in console.results.listings] == list(wanted)

    try:
        console.until(lambda: shows("root=PARTUUID=1"))
        present.append(esp)
        changes.queue.put(Change())
        console.until(lambda: shows("root=PARTUUID=1 by-the-stub"))
        present.remove(esp)
        changes.queue.put(Change(gone="sda1"))
        console.until(lambda: shows("root=PARTUUID=1"))
    finally:
        shared.close()
        session.close()


def test_a_partition_without_a_configuration_asks_nothing_of_others(tmp_path: Path) -> None:
    data = replace(partition("sda3"), folder=str(write_tree(tmp_path / "data", {"photos/1.jpg": ""})))
    boot = replace(BOOT, folder=str(write_tree(tmp_path / "boot", BOOT_FILES)))
    machine = machines.virt()
    session = MachineSession(SimulatedHost.from_facts(machine), machine, lambda: [data, boot])
    try:
        collect(session)
        runner = session.scanner.runner
        assert runner is not None
        asked = {name: found.consulted for name, found in runner._table.by_name.items()}
    finally:
        session.close()
    assert (asked["sda3"].meant, asked["sda3"].disk) == ({}, None)
    assert asked["sda2"].disk == ("sda3",)


# ---- what is asked, and when the answers are others ---------------------------------------------------------


def test_a_reading_is_outdated_when_its_answers_would_be_others() -> None:
    alone, both = Around(BOOT), Around(ESP, BOOT)
    asked = Asked(meant={"uuid=ESP": None}, disk=())
    assert not Asked().is_outdated(BOOT, both), "it has asked for nothing"
    assert not asked.is_outdated(BOOT, alone)
    assert asked.is_outdated(BOOT, both)
    assert Asked(meant={"uuid=esp": None}).is_outdated(BOOT, both)
    assert Asked(meant={"uuid=esp": "sda1"}).is_outdated(BOOT, alone)
    assert not Asked(meant={"uuid=esp": "sda1"}, disk=("sda1",)).is_outdated(BOOT, both)


def test_another_disk_is_asked_when_it_has_answered_and_is_no_less_trusted() -> None:
    other, stick = partition("sdb1", uuid="X"), partition("sdc1", STICK, uuid="Y")
    around = Around(BOOT, other, stick, opened=frozenset({"sdc1"}))
    assert meaning("uuid=x", BOOT, around) is None, "it has not answered yet"
    assert meaning("uuid=y", BOOT, around) is None, "a stick"
    assert meaning("uuid=boot", stick, around) is None
    around.opened = frozenset({"sda2", "sdb1", "sdc1"})
    assert meaning("uuid=x", BOOT, around) == other
    assert meaning("uuid=boot", stick, around) == BOOT, "a stick's configuration may name what is inside"
    assert meaning("uuid=boot", BOOT, around) == BOOT
    assert meaning("file=/x", BOOT, around) is None
    assert meaning("uuid=x", BOOT, Around(BOOT, other, opened=frozenset({"sdb1"}), denied="sdb1")) is None


@pytest.mark.parametrize(
    ("device", "name"),
    [
        (partition("sda1"), "hd0,gpt1"),
        (partition("sda2", partuuid="1A2B3C4D-02"), "hd0,msdos2"),
        (partition("sda3", partuuid="7130c94a-213a-4e5a-8e26-6cce9662f132"), "hd0,gpt3"),
        (partition("sdb5"), "hd1,gpt5"),
        (Device(name="sdc"), ""),
        (Device(name="vg-root"), ""),
    ],
)
def test_grub_s_name_of_a_partition_is_that_of_a_grub_on_the_same_disk(device: Device, name: str) -> None:
    around = Around(partition("sdb5"), partition("sda1"), partition("sda2"), partition("sda3"))
    assert grub_name(device, partition("sda1"), around.devices) == name


def test_the_partitions_of_a_disk_are_in_the_order_of_their_numbers() -> None:
    around = Around(partition("sda10"), partition("sda9"), BOOT, partition("sdb1"), Device(name="md0"))
    assert [device.name for device in on_disk_of(BOOT, around.devices)] == ["sda9", "sda10"]
    assert on_disk_of(Device(name="md0"), around.devices) == []
