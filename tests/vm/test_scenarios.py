# SPDX-License-Identifier: MIT
"""The verdict against the kernel: no pass that failed, no fail that worked."""

from __future__ import annotations

import concurrent.futures
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.vm import devicetrees, newer_programs, secure_boot, stages
from tests.vm.conftest import ARTIFACTS
from tests.vm.harness import Machine, run_tool
from tests.vm.kernels import Kernels
from tests.vm.scenarios import Load, Outcome, Scenario, contradiction, save, watch
from tests.vm.secure_boot import Firmware
from tests.vm.truth import SCENARIOS

pytestmark = pytest.mark.vm
ROWS = ARTIFACTS.parent / "scenarios"

Running = dict[str, "concurrent.futures.Future[Outcome]"]
Stages = dict[str, stages.Stage]
"""bootmenu's image of this checkout, by Debian's name of the architecture."""


@pytest.fixture(scope="module")
def outcomes(
    request: pytest.FixtureRequest,
    vm_cache: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Running]:
    """Every scenario that was asked for, two machines at a time; a test waits for its own."""
    asked_for = {item.name for item in request.session.items}
    wanted = [scenario for scenario in SCENARIOS if any(f"[{scenario.name}]" in name for name in asked_for)]
    pool = concurrent.futures.ThreadPoolExecutor(max_workers=min(2, os.cpu_count() or 1))
    kernels = Kernels(vm_cache)
    names = {scenario.hardware.architecture for scenario in wanted}
    first = {name: stages.build_first_stage(vm_cache, architecture=name) for name in names}
    yield {
        scenario.name: pool.submit(run, scenario, first, kernels, vm_cache, tmp_path_factory.mktemp("scenario"))
        for scenario in wanted
    }
    pool.shutdown(wait=True, cancel_futures=True)


def run(scenario: Scenario, first_stages: Stages, kernels: Kernels, cache: Path, folder: Path) -> Outcome:
    """Make the files of one scenario, start its machine and watch."""
    token, architecture = secrets.token_hex(6), scenario.hardware.architecture
    first_stage = first_stages[architecture]
    hardware = scenario.hardware
    if hardware.newer:
        hardware = replace(hardware, command=newer_programs.install(hardware.emulator, cache))
    if scenario.disk:
        disk = folder / "disk.img"
        with disk.open("wb") as image:
            image.truncate(scenario.disk << 20)
        run_tool(["mkfs.ext4", "-q", disk])
        hardware = replace(hardware, disks=(disk,))
    kernel = kernels.image(scenario.kernel).read_bytes()
    files = {
        "vmtest/scenario.sh": (stages.GUEST / "scenario.sh").read_bytes(),
        "vmtest/kernel": scenario.edit(kernel),
        "vmtest/second.cpio": stages.build_second_stage(cache, token, architecture),
        "vmtest/options": scenario.options.encode(),
        "vmtest/cmdline": scenario.command_line.encode(),
    }
    if scenario.overlay is not None:
        files["vmtest/overlay.dtbo"] = devicetrees.compile_tree(scenario.overlay, folder / "x.dtbo").read_bytes()
    if scenario.before:
        files["vmtest/before.sh"] = scenario.before.encode() + b"\n"
    if scenario.entry_tree is not None:
        text = scenario.entry_tree(devicetrees.own_tree(hardware, folder))
        files["vmtest/tree.dtb"] = devicetrees.compile_tree(text, folder / "entry.dtb").read_bytes()
    elif scenario.entry_tree_file is not None:
        files["vmtest/tree.dtb"] = kernels.device_tree(scenario.entry_tree_file, scenario.trees).read_bytes()
    tree = None
    if scenario.machine_tree is not None:
        text = scenario.machine_tree(devicetrees.own_tree(hardware, folder))
        tree = devicetrees.compile_tree(text, folder / "machine.dtb")
    elif scenario.board_tree is not None:
        tree = kernels.device_tree(scenario.board_tree, scenario.trees)
    stage = stages.with_files(first_stage, files, folder / "scenario.cpio", executable={"vmtest/scenario.sh"})
    hardware, cmdline = hardware.with_tree(tree), f"rdinit=/vmtest/scenario.sh {scenario.first_cmdline}"
    stage = stages.Stage(kernel=kernels.unpacked(scenario.first, folder), initrd=stage.initrd)
    if scenario.firmware is not None:
        hardware = scenario.firmware.installed(hardware, folder)
        stage = scenario.firmware.accepted(stage, folder)
    by_firmware = scenario.firmware is Firmware.SECURE_BOOT_OF_MICROSOFT
    if by_firmware:
        disk = secure_boot.debian_disk(stage, hardware.command_line(cmdline), kernels, folder)
        hardware = replace(hardware, disks=(*hardware.disks, disk))
    machine = Machine(
        hardware,
        kernel=None if by_firmware else stage.kernel,
        initrd=stage.initrd,
        cmdline=cmdline,
        name="scenario-" + re.sub(r"[^a-z0-9]+", "-", scenario.name.lower()).strip("-"),
        artifacts=ARTIFACTS,
        limit=480 * scenario.slowness,
    )
    with machine as vm:
        seen = watch(vm, scenario, token)
        vm.save()
    stage.initrd.unlink()
    return seen


def _marks(scenario: Scenario) -> list[pytest.MarkDecorator]:
    if scenario.full:
        return [pytest.mark.full, pytest.mark.slow]
    return [] if scenario.quick else [pytest.mark.slow]


@pytest.mark.parametrize(
    "scenario", [pytest.param(scenario, id=scenario.name, marks=_marks(scenario)) for scenario in SCENARIOS]
)
def test_the_kernel_agrees_with_the_verdict(scenario: Scenario, outcomes: Running) -> None:
    seen = outcomes[scenario.name].result()
    save(ROWS, scenario, seen)
    row = f"{scenario.name} | {seen.verdict} | {seen.load} {seen.errno} | {seen.second} ({seen.second_cpus} CPUs)"
    print(f"\n{row}")
    assert contradiction(scenario, seen) is None, seen
    assert (seen.verdict, seen.load, seen.second) == (scenario.predicted, scenario.load, scenario.second), seen
    assert scenario.codes <= seen.worst_codes, seen
    assert bool(seen.errno) == (seen.load is Load.REFUSED and scenario.asks_kernel), seen
