# SPDX-License-Identifier: MIT
"""Debian 13 from power-on through the menu to its own login: its kernel, its boot configuration, its initramfs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bootmenu.system.processes import Commands
from bootmenu.vm import disk_image
from tests.vm import debian_trees, stages
from tests.vm.conftest import MachineMaker
from tests.vm.debian_trees import PASSWORD, SYSTEM_SIZE, TRIXIE
from tests.vm.harness import PC, Hardware

# the trees are those of test_real_packages.py
pytestmark = [pytest.mark.vm, pytest.mark.slow, pytest.mark.xdist_group("real-packages")]

HARDWARE = {
    "arm64": Hardware(),
    "amd64": PC,
}
SILENCE = 120.0
"""Seconds: it says nothing while systemd starts, and two other machines may be at work."""


@pytest.mark.parametrize(
    "architecture", [pytest.param(name, marks=[pytest.mark.full] if name == "arm64" else []) for name in HARDWARE]
)
def test_debian_13_comes_to_its_login(
    architecture: str, machine: MachineMaker, vm_cache: Path, tmp_path: Path
) -> None:
    stage = stages.build_first_stage(vm_cache, architecture=architecture, as_shipped=True)
    root = disk_image.DiskPartition(
        file_system=disk_image.FileSystem.EXT4,
        label="",
        partition_label="root",
        partition_uuid=stages.ROOT_PARTUUID,
        uuid=stages.ROOT_UUID,
        made=debian_trees.installed(TRIXIE, vm_cache) / f"{architecture}.img",
        size=SYSTEM_SIZE,
    )
    disk = disk_image.write_disk(tmp_path / "disk.img", [root], tmp_path / "work", Commands())
    hardware = replace(HARDWARE[architecture], disks=(disk,))
    with machine(hardware, stage=stage, limit=900) as vm:
        vm.wait_for("bootmenu: starting the menu", 90)
        vm.wait_for_mark("Debian GNU/Linux", 120)
        place = vm.mark()
        vm.send("enter")
        vm.wait_for("Starting Debian GNU/Linux", 90, after=place)
        # agetty's: /etc/issue, the host's name
        vm.wait_for(f"realpkg {hardware.console}", 700, after=place, silence=SILENCE)
        vm.wait_for("realpkg login: ", 20, after=place)
        place = vm.mark()
        vm.send("root", "enter")
        vm.wait_for("Password: ", 60, after=place)
        vm.send(PASSWORD, "enter")
        vm.wait_for("root@realpkg:~# ", 60, after=place)
        vm.send("cat /proc/cmdline; uname -m; systemctl is-system-running --wait", "enter")
        vm.wait_for("\nrunning\n", 120, after=place)
        said = vm.text[place:]
    assert f"\n{'aarch64' if architecture == 'arm64' else 'x86_64'}\n" in said
    # what u-boot-update and update-grub wrote
    (cmdline,) = (line for line in said.splitlines() if f"root=UUID={stages.ROOT_UUID} ro" in line)
    assert f"console={hardware.console}" in cmdline.split()
