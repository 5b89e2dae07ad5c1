# SPDX-License-Identifier: MIT
"""A medium is plugged into a running machine, and pulled again, under the eyes of its menu."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from tests.vm.conftest import MachineMaker
from tests.vm.disks import FileSystem, Partition, write_disk
from tests.vm.harness import Hardware, Machine

pytestmark = pytest.mark.vm

STICK = Partition(
    file_system=FileSystem.FAT,
    label="STICK",
    partition_label="stick",
    partition_uuid="0f5a1d50-3a0c-4a7c-9d3f-6d2f2e9a7c11",
    uuid="571C-0001",
    files={"loader/entries/omega.conf": b"title Omega on a stick\nlinux /k\n", "k": b"no kernel"},
    size=40,
)


class Monitor:
    """QEMU's own control line (QMP)."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Self:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(30)
        self._socket.connect(str(self._path))
        self._lines = self._socket.makefile("rb")
        self._lines.readline()
        self.run("qmp_capabilities")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._lines.close()
        self._socket.close()

    def run(self, command: str, **arguments: object) -> None:
        """Run a command; events that come first are passed over."""
        self._socket.sendall(json.dumps({"execute": command, "arguments": arguments}).encode())
        while "return" not in (answer := json.loads(self._lines.readline())):
            assert "error" not in answer, answer


def _marked(vm: Machine) -> str:
    return next((line for line in vm.screen() if line.startswith(("▶ ", "> "))), "")


def test_a_stick_appears_and_disappears_and_the_selection_stays(
    machine: MachineMaker, disk: Path, tmp_path: Path
) -> None:
    stick = write_disk(tmp_path / "stick.img", [STICK], tmp_path / "stick")
    control = tmp_path / "qmp"
    extra = ("-device", "pcie-root-port,id=plug,chassis=1,slot=1", "-qmp", f"unix:{control},server=on,wait=off")
    with machine(Hardware(disks=(disk,), extra=extra)) as vm:
        vm.wait_for_screen("Gamma on ext4", 150)
        vm.wait_for_screen("4 entries on 2 partitions", 60)
        before = _marked(vm)
        vm.send("down")

        def moved(machine: Machine) -> bool:
            return _marked(machine) not in ("", before)

        vm.wait_for(moved, 20)
        chosen = _marked(vm)
        with Monitor(control) as monitor:
            file = {"driver": "file", "filename": str(stick)}
            monitor.run("blockdev-add", driver="raw", **{"node-name": "stick", "read-only": True, "file": file})
            monitor.run("device_add", driver="virtio-blk-pci", id="stick", drive="stick", bus="plug")
            plugged = vm.elapsed
            # the slot takes its time to power the card; then the menu has two seconds
            vm.wait_for_screen("5 entries on 3 partitions", 60)
            vm.times["from the slot to the screen"] = vm.elapsed - plugged
            assert _marked(vm) == chosen
            vm.send("G")
            vm.wait_for_screen("Omega on a stick", 20)
            vm.send(chosen.split()[1])

            def back(machine: Machine) -> bool:
                return _marked(machine) == chosen

            vm.wait_for(back, 20)
            monitor.run("device_del", id="stick")
            # a slot with a button waits five seconds for somebody who changes his mind
            vm.wait_for_screen("4 entries on 2 partitions", 60)
        assert not vm.on_screen("STICK")
        assert _marked(vm) == chosen
