# SPDX-License-Identifier: MIT
"""The first stage boots: modules, disks, tools and Python are there, and init survives whatever the menu does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.vm import stages
from tests.vm.conftest import MachineMaker
from tests.vm.harness import Hardware, Machine

pytestmark = pytest.mark.vm


def _looked(machine: Machine, what: str) -> tuple[str, int]:
    """Output and exit status of one ``look`` in guest/look.sh."""
    match = re.search(rf"LOOK <{what}>\n(.*?)LOOK </(\d+)>", machine.text, re.DOTALL)
    assert match is not None, f"{what} was not tried"
    return match.group(1), int(match.group(2))


def _has_disks(vm: Machine) -> None:
    """Modules were inserted, tools run, and the program has found the disk's partitions."""
    assert "not inserted" not in vm.text
    loaded = {line.split()[0] for line in _looked(vm, "modules")[0].splitlines()}
    assert {"virtio_blk", "vfat", "nls_cp437", "dm_mod"} <= loaded  # virtio_pci is built in since Debian 13
    assert "btrfs" not in loaded
    said, status = _looked(vm, "kexec")
    assert status == 0
    assert said.startswith("kexec-tools")
    for tried in ("vfat", "ext4", "btrfs"):
        said, status = _looked(vm, tried)
        assert status == 0, said

    boot, system = json.loads(_looked(vm, "devices")[0])
    names = ("name", "filesystem", "uuid", "label", "partuuid", "partlabel")
    assert [boot[name] for name in names] == [
        "vda1", "vfat", stages.BOOT_UUID, "BOOT", stages.BOOT_PARTUUID, "boot",
    ]  # fmt: skip
    assert [system[name] for name in names] == [
        "vda2", "ext4", stages.ROOT_UUID, "rootfs", stages.ROOT_PARTUUID, "system",
    ]  # fmt: skip


@pytest.mark.slow
def test_everything_the_menu_needs_is_there(
    first_stage: stages.Stage, machine: MachineMaker, disk: Path, tmp_path: Path
) -> None:
    stage = stages.with_guest_program(first_stage, "look.sh", tmp_path)
    with machine(Hardware(disks=(disk,)), stage=stage, cmdline="rdinit=/vmtest/look.sh") as vm:
        vm.wait_for("Run /vmtest/look.sh", 60)
        vm.wait_for("LOOK <textual>", 60)
        vm.wait_for("bootmenu: starting the menu", 90)

        _has_disks(vm)
        said, status = _looked(vm, "textual")
        assert status == 0, said
        print(said.strip())

        said, status = _looked(vm, "python")
        assert status == 0, said
        facts = json.loads(said)
        assert facts["sha256"] == "e3b0c442"
        assert facts["zstd"] == "ok"
        assert facts["encoding"] == "utf-8"
        assert facts["libfdt"] is True
        assert "config-" in _looked(vm, "config")[0]


@pytest.mark.slow
def test_debian_13_starts_and_finds_its_disks(
    vm_cache: Path, machine: MachineMaker, disk: Path, tmp_path: Path
) -> None:
    """Only as far as that: Debian 12 makes no bytecode for its Python, and all that the menu needs takes minutes."""
    stage = stages.build_first_stage(vm_cache, suite="trixie")
    stage = stages.with_guest_program(stage, "look.sh", tmp_path)
    with machine(Hardware(disks=(disk,)), stage=stage, cmdline="rdinit=/vmtest/look.sh") as vm:
        vm.wait_for("Run /vmtest/look.sh", 60)
        vm.wait_for("LOOK <nothing>", 150)
        _has_disks(vm)


@pytest.mark.slow
def test_init_says_why_the_menu_ended_and_starts_it_again(
    first_stage: stages.Stage, machine: MachineMaker, tmp_path: Path
) -> None:
    """A menu that always fails, and a kernel command line that tries to get into Python's environment."""
    stage = stages.with_guest_program(first_stage, "broken-menu.sh", tmp_path)
    cmdline = "rdinit=/vmtest/broken-menu.sh PYTHONINSPECT=1 TEXTUAL_DRIVER=os SECRET=yes"
    with machine(Hardware(), stage=stage, cmdline=cmdline, limit=200) as vm:
        vm.wait_for("bootmenu: starting the menu", 60)
        vm.wait_for("bootmenu: the menu was ended by signal 9 (SIGKILL)", 60)
        vm.wait_for("bootmenu: it is started again in 1 s", 10)
        vm.wait_for("bootmenu: the menu ended with exit status 3", 60)
        vm.wait_for("the log says the dog ate the menu", 10)
        names = re.search(r"environment: (\[.*?\]) isolated: (\d) inspect: (\d)", vm.text)
        assert names is not None
        assert names.groups() == (
            "['BOOTMENU_GATE', 'BOOTMENU_LOG', 'BOOTMENU_PRINTK', 'HOME', 'LANG', 'PATH', 'TERM']",
            "1",
            "0",
        )
        vm.wait_for("press Enter for a shell", 120)
        vm.send("enter")
        vm.wait_for("leave it with exit", 20)
        place = vm.mark()
        vm.send("echo pid-1-is-$(cat /proc/1/comm) $(stty size) $TERM", "enter")
        vm.wait_for("pid-1-is-init 24 80 vt220", 20, after=place)
        place = vm.mark()
        vm.send("exit", "enter")
        vm.wait_for("bootmenu: starting the menu", 30, after=place)
        assert "Kernel panic" not in vm.text


def test_poweroff_reaches_init_while_the_menu_runs(
    first_stage: stages.Stage, machine: MachineMaker, tmp_path: Path
) -> None:
    stage = stages.with_guest_program(first_stage, "poweroff.sh", tmp_path)
    with machine(Hardware(), stage=stage, cmdline="rdinit=/vmtest/poweroff.sh", limit=120) as vm:
        vm.wait_for("bootmenu: starting the menu", 60)
        vm.wait_for("bootmenu: poweroff", 60)
        vm.wait_for_end(30)
        assert "Kernel panic" not in vm.text
