# SPDX-License-Identifier: MIT
"""The systems on the disk of `bootmenu vm`: real Debian kernels, each described in a way that boot loaders have.

Most start, and two cannot, on purpose. What they start is Debian's busybox with an init that says where one is.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bootmenu.image.cpio import ArchiveMember, pack
from bootmenu.image.unified_kernel import unified_kernel
from bootmenu.model.value import Value
from bootmenu.vm.disk_image import DiskPartition, FileSystem

ESP_UUID = "B007-5A3E"
BTRFS_UUID = "5f0c2f0e-6a1d-4f0a-9d3b-3a1c7e9b4d21"
ROOT_UUID = "c9a4d3b8-0c57-4b1f-8f5e-6d2a1e7f9b33"

_SNAPSHOT = ".snapshots/12/snapshot"
_DATE = "2026-11-14 09:30:12"
_MIB = 1 << 20


class SampleKernel(Value, kw_only=True):
    """A kernel of Debian."""

    system: str
    """What it belongs to: ``Debian 13``."""
    release: str
    """As ``uname -r`` prints it."""
    image: bytes


class SampleFiles(Value, kw_only=True):
    """What the systems are made of, all of it from Debian's packages for one architecture."""

    current: SampleKernel
    older: SampleKernel
    """Of another Debian release."""
    unsuitable: SampleKernel
    """One that the machine cannot run, whose ``system`` says why."""
    stub: bytes
    """systemd's, for a unified kernel image."""
    busybox: bytes
    """A static one."""
    options: str
    """What each kernel's command line ends with: its console."""


def partitions(files: SampleFiles) -> list[DiskPartition]:
    """Return the partitions: FAT with BLS entries and a UKI, ext4 with extlinux, btrfs with GRUB and a snapshot."""
    places = (
        (FileSystem.FAT, "ESP", "esp", ESP_UUID, _boot_partition(files)),
        (FileSystem.EXT4, "rootfs", "extlinux", ROOT_UUID, _extlinux_system(files)),
        # last, as the first stage's kernel takes a while to start btrfs
        (FileSystem.BTRFS, "debian", "grub", BTRFS_UUID, _grub_system(files)),
    )
    return [
        DiskPartition(
            file_system=file_system,
            label=label,
            partition_label=name,
            partition_uuid=f"0f3d5c1e-2b64-4a5f-9c0d-00000000000{number}",
            uuid=uuid,
            files=content,
            snapshots=[_SNAPSHOT] if file_system is FileSystem.BTRFS else [],
            size=_room(content),
        )
        for number, (file_system, label, name, uuid, content) in enumerate(places, start=1)
    ]


def _room(files: Mapping[str, bytes]) -> int:
    """Return the size of a partition for these files, in MiB; btrfs needs more than 100."""
    return sum(map(len, files.values())) * 5 // 4 // _MIB + 112


def _boot_partition(files: SampleFiles) -> dict[str, bytes]:
    now, before, unsuitable = files.current, files.older, files.unsuitable
    options = f"root=UUID={ROOT_UUID} ro {files.options}"
    title = f"{now.system} (BLS entry)"
    uki_title = f"{before.system} (unified kernel)"
    release = f'ID=debian\nNAME="Debian GNU/Linux"\nPRETTY_NAME="{uki_title}"\n'
    cut = len(now.image) // 2 & ~0xFFF
    return {
        "loader/loader.conf": b"default debian.conf\ntimeout 10\n",
        "loader/entries/debian.conf": _bls(title, "1-debian", now.release, f"vmlinuz-{now.release}", options),
        "loader/entries/damaged.conf": _bls(
            "Damaged: half of its kernel", "8-damaged", now.release, "vmlinuz-damaged", options
        ),
        "loader/entries/unsuitable.conf": _bls(
            unsuitable.system, "9-unsuitable", unsuitable.release, f"vmlinuz-{unsuitable.release}", options
        ),
        f"vmlinuz-{now.release}": now.image,
        "vmlinuz-damaged": now.image[:cut],
        f"vmlinuz-{unsuitable.release}": unsuitable.image,
        "initrd.img": userland(
            files.busybox, title, "a Boot Loader Specification entry, /loader/entries/debian.conf"
        ),
        "EFI/Linux/debian.efi": unified_kernel(
            files.stub,
            {
                ".osrel": release.encode(),
                ".uname": before.release.encode(),
                ".cmdline": options.encode(),
                ".initrd": userland(files.busybox, uki_title, "a unified kernel image, /EFI/Linux/debian.efi"),
                ".linux": before.image,
            },
        ),
    }


def _bls(title: str, key: str, release: str, kernel: str, options: str) -> bytes:
    lines = [f"title {title}", f"sort-key {key}", f"version {release}", f"linux /{kernel}", "initrd /initrd.img"]
    return "\n".join([*lines, f"options {options}", ""]).encode()


def _grub_system(files: SampleFiles) -> dict[str, bytes]:
    now, before = files.current, files.older
    title = f"{now.system} (GRUB) GNU/Linux"  # as /etc/grub.d/10_linux puts it together
    values = {"TITLE": title, "UUID": BTRFS_UUID, "RELEASE": now.release, "OPTIONS": files.options}
    config = Path(__file__).with_name("grub.cfg").read_text("utf-8")
    for name, value in values.items():
        config = config.replace(f"@{name}@", value)
    kernel, initrd = f"vmlinuz-{before.release}", f"initrd.img-{before.release}"
    # as grub-btrfs writes it
    snapshots = f"""\
submenu '  ({_DATE} | {_SNAPSHOT} | single | before the upgrade) ' {{
    menuentry '   {kernel} & {initrd}' --class snapshots {{
        search --no-floppy --fs-uuid --set=root {BTRFS_UUID}
        linux "/{_SNAPSHOT}/boot/{kernel}" root=UUID={BTRFS_UUID} rootflags=subvol={_SNAPSHOT} ro {files.options}
        initrd "/{_SNAPSHOT}/boot/{initrd}"
    }}
}}
"""
    info = f"""\
<?xml version="1.0"?>
<snapshot>
  <type>single</type>
  <num>12</num>
  <date>{_DATE}</date>
  <description>before the upgrade</description>
</snapshot>
"""
    return {
        "boot/grub/grub.cfg": config.encode(),
        "boot/grub/grub-btrfs.cfg": snapshots.encode(),
        f"boot/vmlinuz-{now.release}": now.image,
        f"boot/initrd.img-{now.release}": userland(files.busybox, title, "GRUB's configuration, /boot/grub/grub.cfg"),
        **_root(now, BTRFS_UUID, "btrfs"),
        ".snapshots/12/info.xml": info.encode(),
        f"{_SNAPSHOT}/boot/{kernel}": before.image,
        f"{_SNAPSHOT}/boot/{initrd}": userland(
            files.busybox,
            f"{before.system}, a snapshot of {_DATE[:10]}, before the upgrade",
            "GRUB's configuration, /boot/grub/grub-btrfs.cfg, as grub-btrfs writes it",
        ),
        **{f"{_SNAPSHOT}/{path}": data for path, data in _root(before, BTRFS_UUID, "btrfs").items()},
    }


def _extlinux_system(files: SampleFiles) -> dict[str, bytes]:
    now = files.current
    title = f"{now.system} (extlinux)"
    config = f"""\
## /boot/extlinux/extlinux.conf
##
## IMPORTANT WARNING
##
## The configuration of this file is generated automatically.
## Do not edit this file manually, use: u-boot-update

default l0
menu title U-Boot menu
prompt 0
timeout 50

label l0
	menu label {title}
	linux /boot/vmlinuz-{now.release}
	initrd /boot/initrd.img-{now.release}
	append root=UUID={ROOT_UUID} ro {files.options}
"""
    described = "U-Boot's menu, /boot/extlinux/extlinux.conf"
    return {
        "boot/extlinux/extlinux.conf": config.encode(),
        f"boot/vmlinuz-{now.release}": now.image,
        f"boot/initrd.img-{now.release}": userland(files.busybox, title, described),
        **_root(now, ROOT_UUID, "ext4"),
    }


def _root(kernel: SampleKernel, uuid: str, file_system: str) -> dict[str, bytes]:
    """Return what shows that a root file system is one: its init, its name and its modules."""
    release = f'ID=debian\nNAME="Debian GNU/Linux"\nPRETTY_NAME="{kernel.system}"\n'
    return {
        "etc/fstab": f"UUID={uuid} / {file_system} defaults 0 1\n".encode(),
        "etc/os-release": release.encode(),
        "sbin/init": b"#!/bin/sh\n",
        f"usr/lib/modules/{kernel.release}/modules.dep": b"",
    }


def userland(busybox: bytes, name: str, described: str) -> bytes:
    """Return an initramfs that says which system it is. described: what described it to the menu."""
    nodes = [ArchiveMember.folder(path) for path in ("bin", "dev", "etc", "proc", "sys")]
    nodes += [
        ArchiveMember.character_device("dev/console", 5, 1),
        ArchiveMember.file("bin/busybox", busybox, 0o755),
        ArchiveMember.file("init", Path(__file__).with_name("system-init.sh").read_bytes(), 0o755),
        ArchiveMember.file("etc/sample", f"{name}\n{described}\n".encode()),
    ]
    return b"".join(pack(nodes))
