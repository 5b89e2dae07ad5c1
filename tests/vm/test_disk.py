# SPDX-License-Identifier: MIT
"""The standard disk's two partitions boot by kexec-tools, without the menu: the ground its tests stand on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.vm import stages
from tests.vm.conftest import MachineMaker
from tests.vm.harness import SILENCE_AFTER_JUMP, Hardware

pytestmark = [pytest.mark.vm, pytest.mark.slow]

FAT = "load.device=vda1 load.kernel=linux/vmlinuz load.initrd=linux/second.cpio"
EXT4 = "load.device=vda2 load.kernel=boot/vmlinuz load.initrd=boot/second.cpio"


@pytest.mark.parametrize(
    ("arguments", "marker"),
    [
        pytest.param(FAT, False, id="fat"),
        pytest.param(
            f"{EXT4} load.dtb=boot/dtbs/marked.dtb load.fact=bootmenu-test/marker",
            True,
            id="ext4-own-tree",
        ),
    ],
)
def test_second_kernel_tells_the_token(
    arguments: str,
    marker: bool,
    first_stage: stages.Stage,
    machine: MachineMaker,
    disk: Path,
    token: str,
    tmp_path: Path,
) -> None:
    stage = stages.with_guest_program(first_stage, "load.sh", tmp_path)
    with machine(Hardware(disks=(disk,)), stage=stage, cmdline=f"rdinit=/vmtest/load.sh {arguments}") as vm:
        vm.wait_for("LOAD status 0 loaded 1", 60)
        vm.wait_for(f"second stage says {token}", 120, silence=SILENCE_AFTER_JUMP)
        if marker:
            vm.wait_for(f"second stage fact bootmenu-test/marker: tree-{token}", 10)
        vm.wait_for("second stage is done", 10)
        vm.wait_for_end(20)


def test_cpus_in_a_spin_table_refuse_the_load(
    first_stage: stages.Stage, machine: MachineMaker, disk: Path, spin_table_tree: Path, tmp_path: Path
) -> None:
    stage = stages.with_guest_program(first_stage, "load.sh", tmp_path)
    hardware = Hardware(disks=(disk,), dtb=spin_table_tree)
    with machine(hardware, stage=stage, cmdline=f"rdinit=/vmtest/load.sh {FAT}") as vm:
        vm.wait_for("Run /vmtest/load.sh", 60)
        assert "failed to come online" in vm.text
        vm.wait_for("loaded 0", 60)
        assert "Device or resource busy" in vm.text
        vm.wait_for_end(20)
