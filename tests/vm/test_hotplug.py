# SPDX-License-Identifier: MIT
"""A medium is plugged into a running machine, and pulled again, under the eyes of its menu."""

from __future__ import annotations

from pathlib import Path

import pytest

from bootmenu.system.processes import Commands
from bootmenu.vm.disk_image import DiskPartition, FileSystem, write_disk
from tests.vm.conftest import MachineMaker
from tests.vm.harness import Hardware, Machine, Monitor

pytestmark = [pytest.mark.vm, pytest.mark.slow]

STICK = DiskPartition(
    file_system=FileSystem.FAT,
    label="STICK",
    partition_label="stick",
    partition_uuid="0f5a1d50-3a0c-4a7c-9d3f-6d2f2e9a7c11",
    uuid="571C-0001",
    files={"loader/entries/omega.conf": b"title Omega on a stick\nlinux /k\n", "k": b"no kernel"},
    size=40,
)


def test_a_stick_appears_and_disappears_and_the_selection_stays(
    machine: MachineMaker, disk: Path, tmp_path: Path
) -> None:
    stick = write_disk(tmp_path / "stick.img", [STICK], tmp_path / "stick", Commands())
    control = tmp_path / "qmp"
    extra = ("-device", "pcie-root-port,id=plug,chassis=1,slot=1", *Monitor.argv(control))
    with machine(Hardware(disks=(disk,), extra=extra)) as vm:
        vm.wait_for_screen("Gamma on ext4", 150)
        vm.wait_for_screen("4 entries on 2 partitions", 60)
        before = vm.marked()
        vm.send("down")

        def moved(machine: Machine) -> bool:
            return machine.marked() not in ("", before)

        vm.wait_for(moved, 20)
        chosen = vm.marked()
        with Monitor(control) as monitor:
            file = {"driver": "file", "filename": str(stick)}
            monitor.run("blockdev-add", driver="raw", **{"node-name": "stick", "read-only": True, "file": file})
            # nothing in this machine has asked for the module of such a disk before
            monitor.run("device_add", driver="nvme", id="stick", serial="stick", drive="stick", bus="plug")
            plugged = vm.elapsed
            # the slot takes its time to power the card; then the menu has two seconds
            vm.wait_for_screen("5 entries on 3 partitions", 60)
            vm.times["from the slot to the screen"] = vm.elapsed - plugged
            vm.wait_for_mark(chosen)
            vm.send("G")
            vm.wait_for_screen("Omega on a stick", 20)
            vm.send(chosen.split()[1])
            vm.wait_for_mark(chosen)
            monitor.run("device_del", id="stick")
            # a slot with a button waits five seconds for somebody who changes his mind
            vm.wait_for_screen("4 entries on 2 partitions", 60)
            vm.wait_for_screen("STICK", 20, gone=True)
            vm.wait_for_mark(chosen)
            vm.send("p")
            vm.wait_for_screen("1  Go on running", 20)
            vm.send("2")
            vm.wait_for(lambda vm: vm.on_screen("▶ 2") or vm.on_screen("> 2"), 20)
            vm.send("enter")  # an Enter behind something in one burst is none
            assert monitor.reason_of_end() == "guest-reset"
            vm.wait_for_end(20)
        assert vm.marked() == chosen
