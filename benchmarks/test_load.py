# SPDX-License-Identifier: MIT
"""How long a load takes beside that of kexec-tools, with a small initramfs: make bench

Time in the machine is the number of its instructions (QEMU's -icount), so that how busy this computer is does not
matter; it has one processor. docs/verdicts.md has the figures.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bootmenu.formats.dtb import DeviceTree, Node
from bootmenu.system.processes import Commands
from bootmenu.vm import disk_image
from tests.vm import devicetrees, stages
from tests.vm.conftest import ARTIFACTS
from tests.vm.harness import Hardware, Machine

BUDGETS = {
    # what it is → at most so many times what kexec-tools takes: as QEMU describes the machine, and as boards are
    "menu, first": (0.2, 0.3),
    "menu, again": (0.17, 0.25),
    "menu without instructions, first": (0.51, 0.61),
    "menu without instructions, again": (0.48, 0.56),
    "command": (0.77, 0.92),
}
_BUSES, _DEVICES = 36, 14  # with four properties each: RockPro64's tree has 539 nodes with 2,104 properties


def _board_tree(own: DeviceTree) -> DeviceTree:
    """Return QEMU's tree with as much besides as a board has, all of it switched off."""

    def device(bus: int, number: int) -> Node:
        at = (bus << 20 | number << 12).to_bytes(8, "big")
        name = f"device@{at.hex().lstrip('0') or '0'}"
        compatible = b"vendor,soc-device-%d\0vendor,device\0" % number
        return Node(
            name,
            [("compatible", compatible), ("reg", at + bytes(8)), ("interrupts", at + bytes(4)), ("clocks", at)],
        )

    for bus in range(_BUSES):
        node = Node(f"bus@{bus:x}", [("compatible", b"simple-bus\0"), ("status", b"disabled\0")])
        node.children = [device(bus, number) for number in range(_DEVICES)]
        own.root.children.append(node)
    return own


def _disk(stage: stages.Stage, second: bytes, folder: Path) -> Path:
    config = b"LABEL one\n  LINUX /vmlinuz\n  INITRD /second.cpio\n  APPEND console=ttyAMA0\n"
    partition = disk_image.DiskPartition(
        file_system=disk_image.FileSystem.EXT4,
        label="load",
        partition_label="load",
        partition_uuid=stages.ROOT_PARTUUID,
        uuid=stages.ROOT_UUID,
        files={
            "extlinux/extlinux.conf": config,
            "vmlinuz": stage.kernel.read_bytes(),
            "second.cpio": second,
        },
    )
    return disk_image.write_disk(folder / "disk.img", [partition], folder / "work", Commands())


def _measured(board: bool, folder: Path) -> Iterator[tuple[str, float]]:
    """Yield what was measured, and how many times what kexec-tools takes it is."""
    top = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    cache = Path(top) / "bootmenu" / "vm"
    stage = stages.build_first_stage(cache)
    disk = _disk(stage, stages.build_second_stage(cache, "load"), folder)
    hardware = Hardware(cpus=1, disks=(disk,), extra=("-icount", "shift=1,sleep=off"))
    if board:
        own = devicetrees.compile_tree(devicetrees.own_tree(hardware, folder), folder / "own.dtb")
        tree = folder / "board.dtb"
        tree.write_bytes(_board_tree(DeviceTree.from_bytes(own.read_bytes())).to_bytes())
        hardware = hardware.with_tree(tree)
    files = {f"vmtest/{name}": (stages.GUEST / name).read_bytes() for name in ("load_times.py", "program.sh")}
    files["vmtest/program.py"] = files.pop("vmtest/load_times.py")
    stage = stages.with_files(stage, files, folder / "first.cpio", executable={"vmtest/program.sh"})
    machine = Machine(
        hardware,
        kernel=stage.kernel,
        initrd=stage.initrd,
        cmdline="rdinit=/vmtest/program.sh",
        name="bench-load",
        artifacts=ARTIFACTS,
        limit=900,
    )
    with machine as vm:
        vm.wait_for("program ended with exit status 0", 800)
        lines = [json.loads(line[8:]) for line in vm.text.splitlines() if line.startswith("loading {")]
    seconds = {line["name"]: line["seconds"] for line in lines}
    unit = seconds.pop("kexec-tools")
    for name, taken in seconds.items():
        yield name, taken / unit


@pytest.mark.parametrize("board", [False, True], ids=["as QEMU describes it", "as a board is described"])
def test_a_load_takes_a_part_of_what_kexec_tools_takes(board: bool, tmp_path: Path) -> None:
    ratios = dict(_measured(board, tmp_path))
    for name, ratio in ratios.items():
        print(f"\n{name}: {ratio:.2f}", end="")
    assert ratios.keys() == BUDGETS.keys()
    assert {name: ratio for name, ratio in ratios.items() if ratio > BUDGETS[name][board]} == {}
