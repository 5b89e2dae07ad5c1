# SPDX-License-Identifier: MIT
"""What is remembered over a reset in a variable of EFI firmware, and over a power cut on FAT."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bootmenu.bootstate.state import StateError
from bootmenu.bootstate.state_backends import Files, read_from
from tests.vm import stages
from tests.vm.conftest import ARTIFACTS
from tests.vm.harness import PC, Hardware, Machine, MachineError, run_tool

pytestmark = [pytest.mark.vm, pytest.mark.slow]

OVMF = dataclasses.replace(PC, memory=768)
OVMF_CODE, OVMF_VARIABLES = Path("/usr/share/OVMF/OVMF_CODE_4M.fd"), Path("/usr/share/OVMF/OVMF_VARS_4M.fd")
AAVMF = Hardware(memory=768)
AAVMF_CODE, AAVMF_VARIABLES = Path("/usr/share/AAVMF/AAVMF_CODE.fd"), Path("/usr/share/AAVMF/AAVMF_VARS.fd")


def told(vm: Machine, what: str) -> list[dict[str, Any]]:
    whole = vm.text[: vm.text.rfind("\n") + 1]  # half a line may end with a bracket, too
    lines = (line.partition("remembers ")[2] for line in whole.splitlines())
    rows = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
    return [row for row in rows if row["what"] == what]


def wait(vm: Machine, what: str, count: int = 1) -> None:
    """Wait until the machine has told this so often."""

    def said(machine: Machine) -> bool:
        return len(told(machine, what)) >= count

    said.__name__ = f"{what} {count}"
    vm.wait_for(said, 150)


def powered(
    stage: stages.Stage, hardware: Hardware, code: Path, variables: Path, disk: Path | None = None
) -> Machine:
    """A machine with firmware that keeps its variables in a file."""
    hardware = dataclasses.replace(hardware, disks=() if disk is None else (disk,)).with_firmware(code, variables)
    return Machine(
        hardware,
        kernel=stage.kernel,
        initrd=stage.initrd,
        cmdline="rdinit=/vmtest/remembers.sh",
        name=f"remembers-{hardware.emulator}",
        artifacts=ARTIFACTS,
        limit=300,
    )


def prepared(stage: stages.Stage, folder: Path) -> stages.Stage:
    """The stage with a settings file that names the EFI variable, and this test's program in place of the menu."""
    files = {f"vmtest/{name}": (stages.GUEST / name).read_bytes() for name in ("remembers.sh", "remembers.py")}
    files["etc/bootmenu.toml"] = b'profile = "standard"\nstate.device = "efi"\n'
    return stages.with_files(stage, files, folder / "remembers.cpio", executable={"vmtest/remembers.sh"})


def first_start(vm: Machine) -> None:
    """Nothing is remembered yet, and what is kept then is kept."""
    wait(vm, "kept")
    (before,), (kept,) = told(vm, "opened"), told(vm, "kept")
    assert (before["trouble"], before["known"], before["state"]["last"]) == ("", True, None)
    assert (kept["kept"], kept["trouble"]) == (True, "")


def second_start(vm: Machine) -> None:
    """It is read back, and the entry that was started is marked good."""
    wait(vm, "opened", 2)
    before, after = (row["state"] for row in told(vm, "opened"))
    assert (before["trying"]["entry"], before["once"], before["wrong_pins"]) == ("debian", "alpine", 2)
    assert "Debian came up well." in vm.text
    assert (after["trying"], after["good"][0]["entry"], after["tries"], after["once"]) == (
        None,
        "debian",
        [],
        "alpine",
    )
    assert told(vm, "marked")[0]["status"] == 0


def test_aavmf_remembers_over_a_reset(first_stage: stages.Stage, tmp_path: Path) -> None:
    variables = Path(shutil.copy(AAVMF_VARIABLES, tmp_path))
    stage = prepared(first_stage, tmp_path)
    with powered(stage, AAVMF, AAVMF_CODE, variables) as vm:
        first_start(vm)
        console = told(vm, "console")[0]
        print(console)
        assert console["firmware"] == "ttyAMA"
        assert any("console: pl011" in line for line in console["kernel"]), "drivers/acpi/spcr.c says what it took"
        vm.wait_for_end()
    with powered(stage, AAVMF, AAVMF_CODE, variables) as vm:
        second_start(vm)


def test_ovmf_remembers_over_a_reset_and_fat_over_a_power_cut(vm_cache: Path, tmp_path: Path) -> None:
    variables = Path(shutil.copy(OVMF_VARIABLES, tmp_path))
    stage = prepared(stages.build_first_stage(vm_cache, architecture="amd64"), tmp_path)
    disk = tmp_path / "esp.img"
    disk.touch()
    os.truncate(disk, 4 << 20)
    run_tool(["mkfs.vfat", "-n", "ESP", disk])
    with powered(stage, OVMF, OVMF_CODE, variables, disk) as vm:
        first_start(vm)
        cuts = list(power_cuts(vm, disk, tmp_path))
        # and here it goes: what the machine has not written yet, it never will
    seen = set()
    for number, (step, image) in enumerate(cuts):
        found = left_on(image, tmp_path / f"left-{number}")
        print(f"{number} {step}: {found}")
        assert found in ("old", "new"), step
        seen.add(found)
    assert seen == {"old", "new"}
    assert cuts[-1][0] == "stored"
    assert found == "new", "what was kept is on the disk, with no time to spare"

    # the worst of them: state.json has the first cluster of the file that it replaced, and that is free
    shutil.copy(dict(cuts)["before sync"], disk)
    with powered(stage, OVMF, OVMF_CODE, variables, disk) as vm:
        second_start(vm)
        wait(vm, "healed")
        vm.wait_for_end()
        (healed,), (quickly,) = told(vm, "healed"), told(vm, "quickly")
    print(healed, run_tool(["sh", "-c", 'fsck.vfat -n "$1" || :', "-", disk]).decode())
    assert (healed["found"], healed["kept"], healed["trouble"], healed["again"]) == ("old", True, "", "healed")
    assert left_on(disk, tmp_path / "left") == "None", "what was kept after that"
    assert quickly == {
        "what": "quickly",
        "said": "Debian came up well.",
        "status": "0",
        "unwelcome": [],
        "unmounted": True,
        "trying": None,
    }


def power_cuts(vm: Machine, disk: Path, folder: Path) -> Iterator[tuple[str, Path]]:
    """The disk as it is at every step of the write: each is what a power cut there would leave."""
    steps = 0
    while True:
        wait(vm, "step", steps + 1)
        step = told(vm, "step")[steps]["step"]
        image = folder / f"cut-{steps}.img"
        shutil.copy(disk, image)
        yield step, image
        if step == "stored":
            return
        vm.send("enter")
        steps += 1


def left_on(image: Path, folder: Path) -> str:
    """The default entry that is remembered on an image of a FAT disk; what is wrong where nothing can be read."""
    folder.mkdir()
    try:
        run_tool(["mcopy", "-n", "-s", "-i", image, "::/state/*", folder])
        return str(read_from(folder, Files()).default)
    except (MachineError, StateError, OSError) as error:
        return f"damaged: {error}"
