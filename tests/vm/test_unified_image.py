# SPDX-License-Identifier: MIT
"""A first stage that is one EFI program: firmware starts it from the disk, with Secure Boot only if it is signed."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bootmenu.system.processes import Commands
from bootmenu.vm.disk_image import DiskPartition, FileSystem, write_disk
from tests.vm.conftest import ARTIFACTS
from tests.vm.harness import PC, Machine
from tests.vm.secure_boot import Firmware, signing_key

pytestmark = [pytest.mark.vm, pytest.mark.slow]


def powered(cache: Path, folder: Path, *options: str | Path) -> Machine:
    """A PC with Secure Boot whose disk has the image, built with these options."""
    image = folder / "first-stage.efi"
    argv = [sys.executable, "-m", "bootmenu", "image", "build", "--uki", "--output", image, *options]
    argv += ["--debian", "amd64", "--suite", "bookworm", "--kernel-package", "linux-image-cloud-amd64"]
    argv += ["--root", cache / "root-uki-amd64", "--modules-for", "virt", "--compress", "gzip"]
    argv += ["--cmdline", f"console=ttyS0 bootmenu.timeout=off {PC.options}"]
    subprocess.run(argv, check=True)
    partition = DiskPartition(
        file_system=FileSystem.FAT,
        label="ESP",
        partition_label="esp",
        partition_uuid="6b8b4567-327b-43c6-a43c-986966334873",
        uuid="B007-0001",
        files={"EFI/BOOT/BOOTX64.EFI": image.read_bytes()},
        size=128,
    )
    disk = write_disk(folder / "esp.img", [partition], folder / "esp", Commands())
    hardware = Firmware.SECURE_BOOT.installed(replace(PC, memory=1536, disks=(disk,)), folder)
    return Machine(hardware, kernel=None, initrd=None, name="uki", artifacts=ARTIFACTS, limit=600)


def test_firmware_starts_a_signed_image_and_the_menu_finds_its_disk(vm_cache: Path, tmp_path: Path) -> None:
    with powered(vm_cache, tmp_path, "--sign", *signing_key(tmp_path)) as vm:
        vm.wait_for("bootmenu: starting the menu", 300)
        assert "Secure boot enabled" in vm.text
        # so the modules that the disk needs were inserted, which such a kernel refuses without a signature
        vm.wait_for_screen("vda1", 300)


def test_firmware_refuses_an_image_that_is_not_signed(vm_cache: Path, tmp_path: Path) -> None:
    with powered(vm_cache, tmp_path) as vm:
        vm.wait_for("Access Denied", 120)
        assert "Linux version" not in vm.text
