# SPDX-License-Identifier: MIT
"""What root= names: folders as partitions, and a real btrfs."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bootmenu.compat.facts import RootFacts
from bootmenu.discovery import root_option
from bootmenu.discovery.devices import Device
from bootmenu.discovery.mounts import Mounts
from bootmenu.discovery.scan_events import Listing
from bootmenu.model.entry import CommandLine
from bootmenu.model.finding import Finding, Severity
from bootmenu.model.place import Bus, Place
from bootmenu.model.value import replace
from bootmenu.session.machine_session import MachineSession
from bootmenu.session.scan_collection import collect
from bootmenu.system.host import Host
from tests.builders import machines
from tests.builders.entries import whole_image
from tests.builders.trees import write_tree
from tests.discovery.test_mounts import _in_a_child, _tool, as_nobody, attached, open_to_all

SYSTEM: dict[str, bytes | str] = {"usr/sbin/init": b"", "etc/fstab": "", "usr/lib/x": b"", "bin/x": b"", "lib/x": b""}


def look(folder: Path, command_line: str) -> RootFacts | None:
    device = Device(name="sda2", folder=str(folder))
    with Mounts(Host()) as mounts:
        return root_option.root_facts(mounts, device, CommandLine(command_line))


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("root=UUID=AB-1", "uuid=ab-1"),
        ("root=/dev/sda2", "sda2"),
        ("root=/dev/mapper/vg-root", "vg-root"),
        ("root=/dev/disk/by-label/x", "label=x"),
        ("root=PARTUUID=1-2/PARTNROFF=1", None),
        ("root=ZFS=tank", None),
        ("root=UUID= ro", None),
        ("boot=live root=/dev/sda2", None),
        ("rdinit=/x root=/dev/sda2", None),
        ("root=LABEL=writable snap_core=core.snap", None),
        ("root=UUID=AB-1 findiso=/x.iso", None),
        ("root=UUID=AB-1 composefs=00", None),
        ("root=UUID=AB-1 ostree=true", None),
        ("root=UUID=AB-1 ostree=/ostree/boot.1/x/0", "uuid=ab-1"),
        ("quiet", None),
    ],
)
def test_which_partition_is_named(text: str, reference: str | None) -> None:
    assert root_option.reference(CommandLine(text)) == reference


def test_what_is_started(tmp_path: Path) -> None:
    for files, command_line, init in (
        ({"sbin/init": b""}, "", "/sbin/init"),
        ({"etc/init": b""}, "", "/etc/init"),
        ({"bin/init": b""}, "", "/bin/init"),
        ({"bin/sh": b""}, "", "/bin/sh"),
        ({"opt/x": b"", "bin/sh": b""}, "init=/opt/x", "/opt/x"),
        ({"bin/sh": b""}, "init=/opt/x", "/bin/sh"),
        ({"ostree/boot.1/os/1/0/sbin/init": b""}, "ostree=/ostree/boot.1/os/1/0", "/sbin/init"),
        ({"@/sbin/init": b""}, "rootflags=noatime,subvol=@", "/sbin/init"),
        ({"@/sbin/init": b""}, "rootflags=subvol=/@", "/sbin/init"),
        ({"sbin/init": b""}, "rootflags=subvol=@", "/sbin/init"),  # the folder is the subvolume
    ):
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        found = look(write_tree(folder, files), command_line)
        assert found is not None, files
        assert found.init == init, files


def test_a_link_to_init_is_followed_within_the_root(tmp_path: Path) -> None:
    write_tree(tmp_path, {"usr/lib/systemd/systemd": b"", "usr/sbin/x": b"", "@/usr/lib/y": b"", "@/usr/sbin/x": b""})
    for root in (tmp_path, tmp_path / "@"):
        (root / "sbin").symlink_to("usr/sbin")
        (root / "usr/sbin/init").symlink_to("/usr/lib/systemd/systemd")
    for flags, init in (("", "/sbin/init"), ("rootflags=subvol=@", "")):
        found = look(tmp_path, flags)
        assert (found.init if found else "") == init


def test_nothing_to_start(tmp_path: Path) -> None:
    write_tree(tmp_path / "a", {path: text for path, text in SYSTEM.items() if "init" not in path})
    assert look(tmp_path / "a", "") == RootFacts()
    # a part of a root was handed in
    write_tree(tmp_path / "b", {"boot/vmlinuz": b"", "etc/x": b""})
    assert look(tmp_path / "b", "") is None
    # its init is on another partition
    write_tree(tmp_path / "c", {**SYSTEM, "etc/fstab": "UUID=1 /usr ext4 ro 0 2\n"})
    assert look(tmp_path / "c", "") == RootFacts(denied=True)


def test_a_medium_is_no_root(tmp_path: Path) -> None:
    """The initramfs of NixOS' ISO mounts root= as the medium."""
    with Mounts(Host()) as mounts:
        medium = Device(name="sr0", folder=str(tmp_path), filesystem="iso9660")
        assert root_option.root_facts(mounts, medium, CommandLine("root=LABEL=nixos init=/nix/store/x/init")) is None


def test_usr_on_another_partition_may_have_it(tmp_path: Path) -> None:
    """Named on the command line, or found by its type, as systemd's generators do it (systemd-fstab-generator(8),
    systemd-gpt-auto-generator(8))."""
    merged: dict[str, bytes | str] = {"etc/x": "", "dev/x": b"", "proc/x": b"", "var/x": b""}
    write_tree(tmp_path / "named", {**merged, "usr/x": b""})
    for option in ("mount.usr=UUID=1", "usrhash=00", "systemd.verity_usr_data=/dev/sda3"):
        assert look(tmp_path / "named", option) == RootFacts(denied=True)
    write_tree(tmp_path / "empty", merged)
    (tmp_path / "empty/usr").mkdir()
    assert look(tmp_path / "empty", "") == RootFacts(denied=True)
    found = look(tmp_path / "named", "mount.usrflags=ro")
    assert found is not None
    assert not found.denied


def test_what_may_not_be_looked_at_is_not_absent() -> None:
    with open_to_all() as folder:
        write_tree(folder, {**SYSTEM, "sbin/init": b""})
        (folder / "sbin").chmod(0)

        def work() -> None:
            assert look(folder, "") == RootFacts(denied=True)

        as_nobody(work)


# ---- through a scan -----------------------------------------------------------------------------------------


def scanned(*devices: Device) -> dict[str, Listing]:
    with contextlib.closing(MachineSession(Host(), machines.virt(), lambda: devices)) as session:
        return {listing.entry.title: listing for listing in collect(session)[0]}


def about_root(listing: Listing) -> Finding:
    (finding,) = (finding for finding in listing.report.findings if finding.code == "CMD-ROOT")
    return finding


def partition(folder: Path, name: str, files: dict[str, bytes | str]) -> Device:
    device = Device.from_tree_option(f"{write_tree(folder / name, files)},name={name},partuuid=1-{name}")
    return replace(device, uuid=f"u-{name}")


def test_a_root_on_another_partition_is_looked_into_whatever_comes_first(tmp_path: Path) -> None:
    text = "label a\nlinux /k\nappend root=PARTUUID=1-sda2\nlabel b\nlinux /k\nappend root=PARTUUID=1-sda3\n"
    boot = partition(tmp_path, "sda1", {"k": whole_image(), "extlinux.conf": text})
    system = partition(tmp_path, "sda2", {**SYSTEM, "sbin/init": b""})
    system = replace(system, place=Place(bus=Bus.USB))
    empty = partition(tmp_path, "sda3", {path: text for path, text in SYSTEM.items() if "init" not in path})
    for devices in ((boot, system, empty), (empty, system, boot)):
        found = scanned(*devices)
        assert about_root(found["a"]).severity is Severity.PASS
        assert about_root(found["a"]).evidence["init"] == "/sbin/init"
        assert about_root(found["b"]).severity is Severity.FAIL
        # no file of the entry is there: its root has no say in whether it is one of this machine's own
        assert found["a"].places == (boot.place,)


def test_an_entry_that_is_changed_is_looked_at_again(tmp_path: Path) -> None:
    text = "label a\nlinux /k\nappend root=PARTUUID=1-sda2\n"
    boot = partition(tmp_path, "sda1", {"k": whole_image(), "extlinux.conf": text})
    system = partition(tmp_path, "sda2", {**SYSTEM, "sbin/init": b""})
    with contextlib.closing(MachineSession(Host(), machines.virt(), lambda: (boot, system))) as session:
        (listing,), _ = collect(session)
        changed = replace(listing.entry, cmdline=CommandLine("root=/dev/sda2 init=/none"))
        assert about_root(session.recheck(changed)).severity is Severity.FAIL


# ---- real btrfs ---------------------------------------------------------------------------------------------


@pytest.fixture
def debian(tmp_path: Path) -> Iterator[Device]:
    """What Debian's installer and u-boot-menu leave on btrfs: the system in a subvolume that is not the default."""
    image = tmp_path / "disk"
    with image.open("wb") as file:
        file.truncate(128 << 20)
    made = subprocess.run([_tool("mkfs.btrfs"), "-q", str(image)], capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    uuid = subprocess.run([_tool("blkid"), "-p", "-s", "UUID", "-o", "value", image], capture_output=True, text=True)
    with attached(image, "btrfs") as device:
        yield replace(device, uuid=uuid.stdout.strip())


def test_the_subvolume_with_the_system_is_named_on_a_real_btrfs(debian: Device, tmp_path: Path) -> None:
    tool, point = _tool("btrfs"), tmp_path / "point"
    point.mkdir()

    def work() -> None:
        Host().syscalls.own_mounts()
        subprocess.run(["mount", "-t", "btrfs", debian.path, str(point)], check=True)
        for name in ("@rootfs", "@home"):
            subprocess.run([tool, "-q", "subvolume", "create", str(point / name)], check=True, capture_output=True)
        labels = {
            "plain": "",
            "right": "rootflags=subvol=@rootfs",
            "home": "rootflags=subvol=@home",
            "gone": "rootflags=subvol=@",
            "top": "rootflags=subvolid=5",
        }
        text = "".join(
            f"label {label}\nlinux /boot/k\ninitrd /boot/k\nappend root=UUID={debian.uuid} {flags} ro\n"
            for label, flags in labels.items()
        )
        root = point / "@rootfs"
        write_tree(root, {**SYSTEM, "boot/k": whole_image(), "boot/extlinux/extlinux.conf": text})
        (root / "usr/sbin/init").unlink()
        (root / "usr/sbin/init").symlink_to("/usr/lib/x")  # as Debian's, from the root of the system
        (root / "sbin").symlink_to("usr/sbin")
        subprocess.run(["umount", str(point)], check=True)
        found = {label: about_root(listing) for label, listing in scanned(debian).items()}
        assert [label for label, finding in found.items() if finding.severity is Severity.PASS] == ["right"]
        assert {finding.severity for finding in found.values()} == {Severity.PASS, Severity.FAIL}
        for label in ("plain", "home", "gone", "top"):
            assert found[label].evidence["subvolumes_with_init"] == ["@rootfs"]
            assert "rootflags=subvol=@rootfs " in found[label].hint
        # an initramfs by dracut may know what the command line does not say
        subprocess.run(["mount", "-t", "btrfs", debian.path, str(point)], check=True)
        write_tree(root, {"usr/bin/dracut": b""})
        subprocess.run(["umount", str(point)], check=True)
        found = {label: about_root(listing) for label, listing in scanned(debian).items()}
        assert [label for label, finding in found.items() if finding.severity is Severity.UNKNOWN] == ["plain"]
        assert [label for label, finding in found.items() if finding.severity is Severity.PASS] == ["right"]
        # once it is the default, nothing need be said
        subprocess.run(["mount", "-t", "btrfs", debian.path, str(point)], check=True)
        subprocess.run([tool, "subvolume", "set-default", str(root)], check=True)
        subprocess.run(["umount", str(point)], check=True)
        found = {label: about_root(listing) for label, listing in scanned(debian).items()}
        passing = [label for label, finding in found.items() if finding.severity is Severity.PASS]
        assert passing == ["plain", "right"]

    _in_a_child(work)
