# SPDX-License-Identifier: MIT
"""Fixtures for tests that boot real machines under QEMU. ``pytest -m "not vm"`` leaves them out."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bootmenu.system.processes import Commands
from bootmenu.vm import disk_image
from tests.vm import devicetrees, stages
from tests.vm.harness import Hardware, Machine

_TOOLS = (
    "qemu-system-aarch64",
    "qemu-system-x86_64",
    "dtc",
    "sfdisk",
    "mkfs.ext4",
    "mkfs.vfat",
    "mkfs.btrfs",
    "mcopy",
    "xorriso",
    "mmdebstrap",
    "apt-get",
    "dpkg-deb",
)
ARTIFACTS = Path(__file__).parents[2] / "build" / "vm-logs"

MachineMaker = Callable[..., Machine]


@pytest.fixture(scope="session")
def vm_cache() -> Path:
    """A folder outside the repository that keeps packages and images from run to run."""
    path = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
    missing = [tool for tool in _TOOLS if shutil.which(tool, path=path) is None]
    if missing:
        # where nobody looks at the skips they are failures: a skipped machine has proven nothing
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"not installed: {', '.join(missing)}")
    top = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    cache = Path(top) / "bootmenu" / "vm"
    cache.mkdir(parents=True, exist_ok=True)
    return cache


@pytest.fixture(scope="session")
def first_stage(vm_cache: Path) -> stages.Stage:
    """bootmenu's image of this checkout."""
    return stages.build_first_stage(vm_cache)


@pytest.fixture
def token() -> str:
    """Made for one run, so that only this run's next kernel can print it."""
    return secrets.token_hex(6)


@pytest.fixture
def disk(first_stage: stages.Stage, vm_cache: Path, token: str, tmp_path: Path) -> Path:
    """A GPT disk: FAT with BLS entries, ext4 with extlinux and a device tree that carries the token."""
    tree = devicetrees.with_marker(devicetrees.own_tree(Hardware(), tmp_path), f"tree-{token}")
    marked = devicetrees.compile_tree(tree, tmp_path / "marked.dtb").read_bytes()
    second = stages.build_second_stage(vm_cache, token)
    partitions = stages.standard_partitions(first_stage, second, token, marked)
    return disk_image.write_disk(tmp_path / "disk.img", partitions, tmp_path / "work", Commands())


@pytest.fixture
def spin_table_tree(tmp_path: Path) -> Path:
    """QEMU's tree of the standard machine, with every cpu in a spin table that nobody waits in."""
    text = devicetrees.own_tree(Hardware(), tmp_path)
    return devicetrees.compile_tree(devicetrees.with_spin_table(text), tmp_path / "spin-table.dtb")


@pytest.fixture
def machine(first_stage: stages.Stage, request: pytest.FixtureRequest) -> MachineMaker:
    """Makes machines that start this checkout's first stage; other stages are given as ``stage``."""

    def make(
        hardware: Hardware, *, cmdline: str = "", stage: stages.Stage = first_stage, limit: float = 300.0
    ) -> Machine:
        return Machine(
            hardware,
            kernel=stage.kernel,
            initrd=stage.initrd,
            cmdline=cmdline,
            name=request.node.name,
            artifacts=ARTIFACTS,
            limit=limit,
        )

    return make
