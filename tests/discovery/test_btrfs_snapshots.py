# SPDX-License-Identifier: MIT
"""Entries of snapshots boot their snapshot, and say which it is."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.compat.facts import EntryFacts, FileFacts, FileState, SnapshotFacts
from bootmenu.discovery import btrfs_snapshots as snapshots
from bootmenu.discovery.devices import Device
from bootmenu.discovery.mounts import Mounts
from bootmenu.model.entry import BootEntry, CommandLine, FileRef
from bootmenu.session.machine_session import MachineSession
from bootmenu.session.scan_collection import collect
from bootmenu.system.host import Host
from tests.builders import machines
from tests.builders.entries import whole_image
from tests.builders.trees import write_tree
from tests.discovery.test_mounts import _in_a_child, _tool
from tests.discovery.test_root_option import debian as debian
from tests.properties import examples

SNAPPER = "@/.snapshots/12/snapshot"
XML = "<snapshot><date>2026-11-14 09:30:12</date><description>a &amp; b</description></snapshot>"


@pytest.mark.parametrize(
    ("path", "folder", "name"),
    [
        (SNAPPER, "@/.snapshots", "12"),
        ("/.snapshots/1/snapshot", ".snapshots", "1"),
        ("@snapshots/7/snapshot", "@snapshots", "7"),
        ("timeshift-btrfs/snapshots/2026-11-14_09-30-01/@", "timeshift-btrfs/snapshots", "2026-11-14_09-30-01"),
        ("@/root/.r/rwsnap_2020-12-14_05-00-00_ID502", "@/root/.r", "rwsnap_2020-12-14_05-00-00_ID502"),
        ("/@rw/rwsnap_2020-12-14_05-00-00_ID502", "@rw", "rwsnap_2020-12-14_05-00-00_ID502"),
        ("@rw/rwsnap_2020", "", None),
        ("@", "", None),
        ("@/.snapshots", "", None),
        ("@/.snapshots/x/snapshot", "", None),
        (f"{SNAPPER}/boot", "", None),
        ("", "", None),
    ],
)
def test_snapshots_are_known_by_where_they_lie(path: str, folder: str, name: str | None) -> None:
    found = snapshots.named(path)
    assert (found.folder, found.name) == (folder, name) if found else name is None


def booted(
    path: Path,
    cmdline: str,
    files: dict[str, bytes | str],
    *,
    subvolume: str = SNAPPER,
    title: str = "A",
    root_found: bool = True,
) -> BootEntry:
    """Return an entry of the configuration in a subvolume, as it is offered. files: on the file system."""
    whole = Device(name="sda2", filesystem="btrfs", uuid="AB-1", folder=str(write_tree(path, files)))
    own = Device.nested(whole, f"/{subvolume}", filesystem="btrfs") if subvolume else whole
    entry = BootEntry(
        id="a",
        title=title,
        source="grub",
        device=own.name,
        kernel=FileRef(device="sda2", path="/@/boot/vmlinuz"),
        cmdline=CommandLine(cmdline),
        default=True,
    )
    with Mounts(Host()) as mounts:
        return snapshots.in_snapshot(entry, mounts, own, whole if root_found else None)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("root=U rootflags=subvol=@ ro", f"root=U rootflags=subvol={SNAPPER} ro"),
        ("root=U rootflags=noatime,subvolid=256,subvol=/@", f"root=U rootflags=noatime,subvol={SNAPPER}"),
        ('root=U rootflags="subvol=@" ro', f"root=U rootflags=subvol={SNAPPER} ro"),
        ("root=U rootflags=subvolid=256", f"root=U rootflags=subvol={SNAPPER}"),
        ("root=U ro", f"root=U ro rootflags=subvol={SNAPPER}"),
        ("root=U -- single", f"root=U rootflags=subvol={SNAPPER} -- single"),
        (f"root=U rootflags=subvol={SNAPPER}", f"root=U rootflags=subvol={SNAPPER}"),
    ],
)
def test_an_entry_of_a_snapshot_boots_it(tmp_path: Path, before: str, after: str) -> None:
    entry = booted(tmp_path, before, {f"{SNAPPER}/boot/vmlinuz": b"", "@/.snapshots/12/info.xml": XML})
    assert entry.cmdline.text == after
    assert (entry.kernel.device, entry.kernel.path) == (f"sda2:/{SNAPPER}", "/boot/vmlinuz")
    assert (entry.title, entry.default) == ("A (2026-11-14 09:30, a & b)", False)
    assert (len(entry.notes) == 2) is (before != after)


@pytest.mark.parametrize("cmdline", ["root=U", "root=U rootflags=subvolid=256", "root=U rootflags=subvol=@"])
def test_a_path_from_the_top_level_is_found_in_the_snapshot_and_not_in_the_system(
    tmp_path: Path, cmdline: str
) -> None:
    inside = "@snapshots/12/snapshot"
    entry = booted(tmp_path, cmdline, {f"{inside}/boot/vmlinuz": b"", "@/boot/vmlinuz": b""}, subvolume=inside)
    assert (entry.kernel.device, entry.kernel.path) == (f"sda2:/{inside}", "/boot/vmlinuz")


@pytest.mark.parametrize(
    ("name", "mounted", "title"),
    [
        ("@apt-snapshot-2024-01-02_03:04:05", "defaults,subvol=@", "A (2024-01-02 03:04)"),
        ("@old", "subvol=/@", "A (snapshot @old)"),
        ("@old", "subvol=@old", ""),  # another system, whose menu has this one, too
        ("@old", "subvol=@home", ""),
        ("@old", "defaults", ""),
    ],
)
def test_any_copy_of_a_system_boots_itself(tmp_path: Path, name: str, mounted: str, title: str) -> None:
    files: dict[str, bytes | str] = {
        f"{name}/boot/vmlinuz": b"",
        f"{name}/etc/fstab": f"UUID=1 / btrfs {mounted} 0 1\n",
        "@/boot/vmlinuz": b"",
    }
    entry = booted(tmp_path, "root=U rootflags=subvol=@", files, subvolume=name)
    assert entry.title == (title or "A")
    assert (entry.default, entry.snapshot is None) == (not title, not title)
    assert entry.cmdline.get("rootflags") == f"subvol={name if title else '@'}"
    assert entry.kernel.path == ("/boot/vmlinuz" if title else "/@/boot/vmlinuz")


@pytest.mark.parametrize(
    ("cmdline", "mounted", "boots"),
    [
        ("root=/dev/mapper/luks-1 rootflags=subvol=@", "subvol=@", True),
        ("root=/dev/mapper/luks-1 rootflags=subvol=@", "subvol=@other", False),
        ("root=/dev/mapper/luks-1 rootflags=subvol=@", "defaults", False),
        ("root=/dev/mapper/luks-1", "defaults", False),
    ],
)
def test_a_root_that_is_not_found_is_the_snapshot_if_fstab_says_so(
    tmp_path: Path, cmdline: str, mounted: str, boots: bool
) -> None:
    # a disk that was unlocked has another name than in its own system
    files: dict[str, bytes | str] = {
        f"{SNAPPER}/boot/vmlinuz": b"",
        f"{SNAPPER}/etc/fstab": f"/dev/mapper/luks-1 / btrfs {mounted} 0 0\n",
    }
    entry = booted(tmp_path, cmdline, files, root_found=False)
    assert entry.cmdline.get("rootflags") == (f"subvol={SNAPPER}" if boots else CommandLine(cmdline).get("rootflags"))
    assert (entry.manual == "", entry.snapshot is not None, entry.default) == (boots, boots, False)


def test_a_kernel_that_the_snapshot_lacks_stays_the_system_s(tmp_path: Path) -> None:
    entry = booted(tmp_path, "root=U rootflags=subvol=@", {f"{SNAPPER}/etc/x": b"", "@/boot/vmlinuz": b""})
    assert (entry.kernel.device, entry.kernel.path) == ("sda2", "/@/boot/vmlinuz")
    assert [note for note in entry.notes if "kernel" in note] == []


def test_a_path_that_no_parameter_can_hold_is_not_written(tmp_path: Path) -> None:
    inside = "my disk/.snapshots/1/snapshot"
    entry = booted(tmp_path, "root=U", {f"{inside}/boot/vmlinuz": b""}, subvolume=inside)
    assert (entry.cmdline.text, bool(entry.manual)) == ("root=U", True)


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("Arch", "Arch (2026-11-14 09:30, a & b)"),
        ("Arch › 2026-11-14 09:30:12 x", "Arch › 2026-11-14 09:30:12 x (a & b)"),
        ("2026-11-14_09-30 a & b", "2026-11-14_09-30 a & b"),
        ("Arch › 2026-11-14 10:30:12 | a & b", "Arch › 2026-11-14 10:30:12 | a & b"),
    ],
)
def test_a_title_is_completed_and_says_nothing_twice(tmp_path: Path, title: str, shown: str) -> None:
    cmdline = f"root=U rootflags=subvol={SNAPPER}"
    entry = booted(tmp_path, cmdline, {"@/.snapshots/12/info.xml": XML, "x": b""}, subvolume="", title=title)
    assert entry.title == shown
    assert entry.snapshot is not None
    assert entry.cmdline.text == cmdline


@pytest.mark.parametrize(
    ("config", "inner", "of_another"),
    [
        ("/boot/grub/grub.cfg", SNAPPER, False),
        ("/boot/grub/grub-btrfs.cfg", SNAPPER, True),
        ("/.snapshots/6/snapshot/boot/grub2/grub.cfg", SNAPPER, True),
        ("/boot/grub/grub-btrfs.cfg", "@", False),
        ("/.snapshots/6/snapshot/boot/grub2/grub.cfg", "@", False),
    ],
)
def test_a_snapshot_does_not_list_the_others_again(config: str, inner: str, of_another: bool) -> None:
    own = Device.nested(Device(name="sda2"), f"/{inner}", filesystem="btrfs")
    kernel = FileRef(device=own.name, path="/k")
    found = BootEntry(
        id="a", title="a", source="grub", device=own.name, kernel=kernel, config=FileRef(device=own.name, path=config)
    )
    assert snapshots.is_of_another(found, own) is of_another


def test_below_a_folder_fstab_says_where_the_snapshots_are(tmp_path: Path) -> None:
    # the folder is the system's subvolume, not the top level
    inside = ".snapshots/12/snapshot"
    files: dict[str, bytes | str] = {f"{inside}/boot/vmlinuz": b"", ".snapshots/12/info.xml": XML}
    line = "UUID=1 /.snapshots btrfs noatime,subvol=/@snapshots 0 0\n"
    entry = booted(tmp_path, "root=U", {**files, "etc/fstab": f"#\nx\n{line}"}, subvolume=inside)
    assert (entry.cmdline.text, entry.title) == (
        "root=U rootflags=subvol=@snapshots/12/snapshot",
        "A (2026-11-14 09:30, a & b)",
    )
    entry = booted(tmp_path, "root=U", {**files, "etc/fstab": ""}, subvolume=inside)
    assert entry.cmdline.text == f"root=U rootflags=subvol={inside}"


def test_without_its_tool_s_note_a_snapshot_has_its_name(tmp_path: Path) -> None:
    assert booted(tmp_path / "a", "root=U", {f"{SNAPPER}/boot/x": b""}).title == "A (snapshot 12)"
    inside = "timeshift-btrfs/snapshots/2026-11-14_09-30-01/@"
    assert booted(tmp_path / "b", "root=U", {f"{inside}/x": b""}, subvolume=inside).title == "A (2026-11-14 09:30)"
    inside = "@rw/rwsnap_2020-12-14_05-00-00_ID502"
    assert booted(tmp_path / "c", "root=U", {f"{inside}/x": b""}, subvolume=inside).title == "A (2020-12-14 05:00)"


def test_what_a_change_was_is_noted_before_it(tmp_path: Path) -> None:
    after = "<snapshot><type>post</type><pre_num>11</pre_num><date>2026-11-14 09:31:00</date></snapshot>"
    files: dict[str, bytes | str] = {f"{SNAPPER}/x": b"", "@/.snapshots/12/info.xml": after}
    assert booted(tmp_path, "root=U", files).title == "A (2026-11-14 09:31)"
    assert (
        booted(tmp_path, "root=U", {**files, "@/.snapshots/11/info.xml": XML}).title == "A (2026-11-14 09:31, a & b)"
    )


@examples(50)
@given(st.text(max_size=200), st.sampled_from(["info.xml", "info.json"]))
def test_any_note_gives_a_title(tmp_path_factory: pytest.TempPathFactory, text: str, name: str) -> None:
    for content in (text, f"<date>{text}</date><description>{text}</description>", f'{{"comments": {text!r}}}'):
        data = content.encode("utf-8", "replace")
        path = tmp_path_factory.mktemp("t")
        assert booted(path, "root=U", {f"@/.snapshots/12/{name}": data, f"{SNAPPER}/x": b""}).title.startswith("A (")


def test_an_entity_that_a_note_declares_is_not_looked_up(tmp_path: Path) -> None:
    xml = f'<!DOCTYPE s [<!ENTITY x SYSTEM "file://{__file__}">]><description>&x;</description>'
    assert booted(tmp_path, "root=U", {"@/.snapshots/12/info.xml": xml, f"{SNAPPER}/x": b""}).title == "A (&x;)"


@pytest.mark.parametrize(
    ("kernel", "wanted"),
    [
        (("sda2:/" + SNAPPER, "/boot/vmlinuz-6.1-x"), {"kernel_in": SNAPPER, "modules": True}),
        (("sda2", f"/{SNAPPER}/boot/vmlinuz-6.1-x"), {"kernel_in": SNAPPER, "modules": True}),
        (("sda2", "/@/boot/vmlinuz-6.2-x"), {"kernel_in": "sda2", "modules": False}),
        (("sda1", "/vmlinuz"), {"kernel_in": "sda1", "modules": True, "release": "6.1-x"}),
    ],
)
def test_where_the_kernel_is_and_what_fits_it(
    tmp_path: Path, kernel: tuple[str, str], wanted: dict[str, object]
) -> None:
    files: dict[str, bytes | str] = {
        f"{SNAPPER}/usr/lib/modules/6.1-x/y": b"",
        f"{SNAPPER}/etc/fstab": "UUID=1 /var btrfs subvol=/@/var 0 0\n",
    }
    whole = Device(name="sda2", filesystem="btrfs", folder=str(write_tree(tmp_path, files)))
    own = Device.nested(whole, f"/{SNAPPER}", filesystem="btrfs")
    file = FileFacts(role="kernel", device=kernel[0], path=kernel[1], state=FileState.PRESENT)
    with Mounts(Host()) as mounts:
        # as sdbootutil writes it; the file's name says it, too, except for the last one
        found = snapshots.facts_of(
            EntryFacts(files=(file,), version="12@6.1-x"),
            CommandLine(f"rootflags=subvol={SNAPPER}"),
            mounts,
            own,
            whole,
            (),
        )
    assert isinstance(found, SnapshotFacts)
    assert {name: getattr(found, name) for name in wanted} == wanted
    assert (found.read_only, found.writes_elsewhere) == (None, True)


def test_a_snapshot_on_a_real_btrfs_boots_itself_and_is_read_only(debian: Device, tmp_path: Path) -> None:
    tool, point = _tool("btrfs"), tmp_path / "point"
    point.mkdir()

    def work() -> None:
        Host().syscalls.own_mounts()
        subprocess.run(["mount", "-t", "btrfs", debian.path, str(point)], check=True)
        subprocess.run([tool, "-q", "subvolume", "create", str(point / "@")], check=True)
        options = f"root=UUID={debian.uuid} rootflags=subvol=@ ro"
        loads = f"linux /@/boot/vmlinuz-6.1-x {options}\ninitrd /@/boot/i"
        text = f"menuentry A {{\nsearch --fs-uuid --set=root {debian.uuid}\n{loads}\n}}"
        files: dict[str, bytes | str] = {
            "boot/grub/grub.cfg": text,
            "boot/vmlinuz-6.1-x": whole_image(),
            "boot/i": b"",
            "lib/modules/6.1-x/y": b"",
        }
        write_tree(point / "@", {**files, "sbin/init": b""})
        write_tree(point / "@", {".snapshots/12/info.xml": XML})
        snapshot = ["subvolume", "snapshot", "-r", str(point / "@"), str(point / SNAPPER)]
        subprocess.run([tool, "-q", *snapshot], check=True)
        subprocess.run(["umount", str(point)], check=True)
        session = MachineSession(Host(), machines.virt(), lambda: [debian])
        try:
            found = {listing.entry.device: listing for listing in collect(session)[0]}
        finally:
            session.close()
        entry, report = found[f"{debian.name}:/{SNAPPER}"].entry, found[f"{debian.name}:/{SNAPPER}"].report
        assert entry.title == "A (2026-11-14 09:30, a & b)"
        assert entry.cmdline.get("rootflags") == f"subvol={SNAPPER}"
        assert (entry.kernel.device, entry.kernel.path) == (f"{debian.name}:/{SNAPPER}", "/boot/vmlinuz-6.1-x")
        severities = {finding.code: str(finding.severity) for finding in report.findings}
        assert (severities["SNAPSHOT-KERNEL"], severities["SNAPSHOT-WRITE"]) == ("pass", "warn")
        assert severities["CMD-ROOT"] == "pass"
        assert found[f"{debian.name}:/@"].entry.snapshot is None

    _in_a_child(work)
