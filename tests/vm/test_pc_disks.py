# SPDX-License-Identifier: MIT
"""PCs with a disk of each kind: the first stage as it is built by default finds the system on it, and starts it."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from bootmenu.system.processes import Commands
from bootmenu.vm.disk_image import DiskPartition, FileSystem, write_disk
from tests.vm import stages
from tests.vm.conftest import ARTIFACTS
from tests.vm.harness import PC, SILENCE_AFTER_JUMP, Machine
from tests.vm.secure_boot import Firmware

pytestmark = [pytest.mark.vm, pytest.mark.slow]

_NVME = ("-device", "nvme,serial=1,drive=disk")
_VIRTIO = ("-device", "virtio-blk-pci,drive=disk")
_SCSI = ("-device", "virtio-scsi-pci", "-device", "scsi-hd,drive=disk")
_USB = ("-device", "qemu-xhci", "-device", "usb-storage,drive=disk")
_OLD_USB = ("-device", "usb-ehci", "-device", "usb-storage,drive=disk")
_CARD = ("-device", "sdhci-pci", "-device", "sd-card,drive=disk")


@pytest.mark.parametrize(
    ("device", "machine", "firmware"),
    [
        pytest.param(_NVME, "q35", Firmware.EFI, id="NVMe, a cloud's kernel"),
        pytest.param(_NVME, "q35", Firmware.EFI, id="NVMe", marks=pytest.mark.full),
        pytest.param(("-device", "ide-hd,drive=disk"), "q35", None, id="AHCI", marks=pytest.mark.full),
        pytest.param(_USB, "q35", Firmware.EFI, id="USB 3", marks=pytest.mark.full),
        pytest.param(_OLD_USB, "pc", None, id="USB 2", marks=pytest.mark.full),
        pytest.param(_CARD, "q35", None, id="SD card", marks=pytest.mark.full),
        pytest.param(_VIRTIO, "q35", None, id="virtio", marks=pytest.mark.full),
        pytest.param(_VIRTIO, "q35", Firmware.SECURE_BOOT, id="virtio, Secure Boot", marks=pytest.mark.full),
        pytest.param(_SCSI, "pc", None, id="virtio SCSI", marks=pytest.mark.full),
    ],
)
def test_the_system_on_a_disk_is_found_and_started(
    device: tuple[str, ...],
    machine: str,
    firmware: Firmware | None,
    request: pytest.FixtureRequest,
    vm_cache: Path,
    token: str,
    tmp_path: Path,
) -> None:
    by_default = "cloud" not in request.node.name
    stage = stages.build_first_stage(vm_cache, architecture="amd64", for_boards=by_default)
    if firmware is not None:
        stage = firmware.accepted(stage, tmp_path)
    options = f"console=ttyS0 panic=1 {PC.options}"
    partition = DiskPartition(
        file_system=FileSystem.FAT,
        label="ESP",
        partition_label="esp",
        partition_uuid=stages.BOOT_PARTUUID,
        uuid=stages.BOOT_UUID,
        files={
            "loader/loader.conf": b"default one.conf\n",
            "loader/entries/one.conf": f"title One\nlinux /vmlinuz\ninitrd /initrd\noptions {options}\n".encode(),
            "vmlinuz": stage.kernel.read_bytes(),
            "initrd": stages.build_second_stage(vm_cache, token, "amd64"),
        },
    )
    disk = write_disk(tmp_path / "disk.img", [partition], tmp_path / "work", Commands())
    os.truncate(disk, 128 << 20)  # an SD card has a size that is a power of two
    drive = ("-drive", f"if=none,id=disk,format=raw,file={disk}")
    hardware = replace(PC, machine=machine, extra=(*drive, *device))
    if firmware is not None:
        hardware = firmware.installed(hardware, tmp_path)
    with Machine(
        hardware,
        kernel=stage.kernel,
        initrd=stage.initrd,
        cmdline="bootmenu.timeout=1",
        name=f"pc-{device[-1].partition(',')[0]}-{machine}",
        artifacts=ARTIFACTS,
        limit=400,
    ) as vm:
        vm.wait_for("Starting One", 300)
        vm.wait_for(f"second stage says {token}", 150, silence=SILENCE_AFTER_JUMP)
        assert "FAIL" not in vm.text
