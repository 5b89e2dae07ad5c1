# SPDX-License-Identifier: MIT
"""The menu in an initramfs of Debian: its own packages put it there, and break=bootmenu opens it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bootmenu.system.processes import Commands
from bootmenu.vm import disk_image
from tests.debian_packages import installed_tree, run_inside
from tests.vm import stages
from tests.vm.conftest import ARTIFACTS
from tests.vm.harness import PC, Hardware, Machine, run_tool

pytestmark = [pytest.mark.vm, pytest.mark.slow, pytest.mark.xdist_group("debian-packages")]

BREAK = {"initramfs-tools": "break=bootmenu", "dracut": "rd.break=bootmenu"}
MAKE = {
    "initramfs-tools": "sed -i 's/^INITRAMFS=no/INITRAMFS=yes/' /etc/default/bootmenu-image\n"
    "update-initramfs -u; mv /boot/initrd.img-* /made.img",
    "dracut": "dracut --quiet --no-hostonly --add bootmenu --kver $(ls /lib/modules) --force /made.img",
}
HARDWARE = {
    "amd64": replace(PC, memory=1536),
    "arm64": Hardware(memory=1536),
}
INIT = """\
#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
echo "{token} $(/bin/busybox cat /proc/cmdline)" >/dev/console
/bin/busybox sleep 600
"""


def system(tree: Path, initrd: Path, token: str, console: str, folder: Path) -> Path:
    """A root file system as an image: an init that prints the token, and a boot configuration."""
    top = folder / "root"
    (kernel,) = (tree / "boot").glob("vmlinuz-*")
    files = {
        "sbin/init": INIT.format(token=token).encode(),
        "bin/busybox": (tree / "usr/bin/busybox").read_bytes(),
        "etc/os-release": b"ID=debian\n",
        "vmlinuz": kernel.read_bytes(),
        "initrd.img": initrd.read_bytes(),
        "loader/entries/other.conf": b"title Other system\nlinux /vmlinuz\ninitrd /initrd.img\noptions "
        + f"console={console} panic=1 other root=UUID={stages.ROOT_UUID}\n".encode(),
    }
    for path, data in files.items():
        target = top / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        target.chmod(0o755)
    for name in ("dev", "proc", "sys", "run", "tmp", "lib", "usr", "var"):
        (top / name).mkdir(exist_ok=True)
    image = folder / "root.img"
    with image.open("wb") as file:
        file.truncate(200 << 20)
    run_tool(["mkfs.ext4", "-q", "-U", stages.ROOT_UUID, "-d", top, image])
    return image


@pytest.mark.parametrize(
    ("program", "architecture"),
    [
        ("initramfs-tools", "amd64"),
        pytest.param("initramfs-tools", "arm64", marks=pytest.mark.full),
        pytest.param("dracut", "amd64", marks=pytest.mark.full),
    ],
)
def test_break_opens_the_menu_in_an_initramfs(
    program: str, architecture: str, vm_cache: Path, token: str, tmp_path: Path
) -> None:
    tree = installed_tree("trixie", vm_cache, architecture)
    run_inside(tree, MAKE[program], architecture)
    initrd = tree / "made.img"
    (kernel,) = (tree / "boot").glob("vmlinuz-*")
    root = disk_image.DiskPartition(
        file_system=disk_image.FileSystem.EXT4,
        label="",
        partition_label="root",
        partition_uuid=stages.ROOT_PARTUUID,
        uuid=stages.ROOT_UUID,
        made=system(tree, initrd, token, HARDWARE[architecture].console, tmp_path),
        size=200,
    )
    disk = disk_image.write_disk(tmp_path / "disk.img", [root], tmp_path / "work", Commands())
    hardware = replace(HARDWARE[architecture], disks=(disk,))
    cmdline = f"root=UUID={stages.ROOT_UUID} {BREAK[program]}"

    def power_on() -> Machine:
        name = f"{program}-{architecture}"
        return Machine(
            hardware, kernel=kernel, initrd=initrd, cmdline=cmdline, name=name, artifacts=ARTIFACTS, limit=1000
        )

    with power_on() as vm:
        vm.wait_for_mark("Other system", 700)
        vm.send("q")
        vm.wait_for(token, 120)
        assert BREAK[program] in vm.text, "quitting goes on with this boot"
    with power_on() as vm:
        vm.wait_for_mark("Other system", 700)
        vm.send("enter")
        vm.wait_for(token, 300)
        vm.wait_for("\n", 60, after=vm.text.index(token))  # a line comes in pieces
        (line,) = (line for line in vm.text.splitlines() if token in line)
        assert " other " in line, "Enter starts the other system"
