# SPDX-License-Identifier: MIT
"""Arrays, volume groups, encrypted partitions, subvolumes and image files, made and read by the tools that own them,
and not one byte of a disk is changed by reading it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.builders.entries import whole_image
from tests.builders.trees import write_tree
from tests.vm import stages
from tests.vm.conftest import MachineMaker
from tests.vm.harness import Hardware, Machine, run_tool

pytestmark = [pytest.mark.vm, pytest.mark.slow]

SECRET = "correct-horse"
PACKAGES = ("cryptsetup-bin", "lvm2", "mdadm")
"""Without them the first stage reads none of this, and says so."""
DISKS = ("plain", "lvm", "md1", "md2", "torn1", "torn2", "luks", "btrfs")
"""In the order of their names in the machine: vda, vdb, ..."""


@pytest.fixture(scope="module")
def stage(vm_cache: Path) -> stages.Stage:
    """The first stage with the tools of storage/."""
    return stages.build_first_stage(vm_cache, PACKAGES)


def _files(title: str, folder: str = "") -> dict[str, bytes | str]:
    """A partition with one entry, in a folder of it."""
    config = f"label a\n menu label {title}\n linux {folder}/vmlinuz\n append root=/dev/x\n"
    return {f"{folder}/extlinux/extlinux.conf": config, f"{folder}/vmlinuz": whole_image()}


def _ext4(image: Path, files: Mapping[str, bytes | str], work: Path, size: int) -> Path:
    """A file system without a partition; size: MiB."""
    folder = write_tree(work / f"{image.name}.files", files)
    run_tool(["mkfs.ext4", "-q", "-d", folder, image, f"{size}M"])
    return image


def _disks(folder: Path) -> dict[str, Path]:
    """The first one with what the others are going to be filled with; the others empty."""
    disks = {name: folder / f"{name}.disk" for name in DISKS}
    payload = folder / "plain"
    write_tree(payload, _files("On the whole disk"))
    for name in ("lvm", "md", "luks"):
        write_tree(payload, {"payload/x": b""})
        _ext4(payload / f"payload/{name}.img", _files(f"On {name}"), folder, 8)
    write_tree(payload / "payload/btrfs", _files("In a subvolume", "/boot"))
    grub = "menuentry 'From an image' {\n linux /live/vmlinuz findiso=${iso_path} quiet\n initrd /live/initrd\n}\n"
    medium: dict[str, bytes | str] = {
        "boot/grub/loopback.cfg": grub,
        "live/vmlinuz": whole_image(),
        "live/initrd": b"x" * 4096,
    }
    write_tree(folder / "medium", medium)
    (payload / "isos").mkdir()
    run_tool(["xorriso", "-as", "mkisofs", "-r", "-V", "LIVE", "-o", payload / "isos/live.iso", folder / "medium"])
    run_tool(["mkfs.ext4", "-q", "-d", payload, disks["plain"], "64M"])
    for name in DISKS[1:]:
        with disks[name].open("wb") as file:
            file.truncate((128 if name == "btrfs" else 32) << 20)
    run_tool(["mkfs.btrfs", "-q", disks["btrfs"]])
    return disks


def _digests(disks: Mapping[str, Path]) -> dict[str, str]:
    return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in disks.items()}


def _between(machine: Machine, mark: str) -> str:
    match = re.search(rf"STORAGE <{mark}>\n(.*?)STORAGE </{mark}>", machine.text, re.DOTALL)
    assert match is not None, f"{mark} was not reached"
    return match[1]


def _titles(scan: dict[str, Any]) -> dict[str, str]:
    return {entry["title"]: entry["device"] for entry in scan["entries"] if entry["source"] != "bare"}


def test_everything_is_read_and_nothing_written(stage: stages.Stage, machine: MachineMaker, tmp_path: Path) -> None:
    disks = _disks(tmp_path)
    hardware = Hardware(disks=tuple(disks.values()))
    make = stages.with_guest_program(stage, "storage-make.sh", tmp_path)
    with machine(hardware, stage=make, cmdline=f"rdinit=/vmtest/storage-make.sh secret={SECRET}") as vm:
        vm.wait_for("STORAGE made", 120)
        vm.wait_for_end(20)

    # one half of what was striped over two disks is not there
    present = {name: disk for name, disk in disks.items() if name != "torn2"}
    before = _digests(present)
    look = stages.with_guest_program(stage, "storage-scan.sh", tmp_path)
    hardware = Hardware(disks=tuple(present.values()))
    with machine(hardware, stage=look, cmdline=f"rdinit=/vmtest/storage-scan.sh secret={SECRET}") as vm:
        vm.wait_for("STORAGE </left>", 180)
        vm.wait_for_end(20)
        locked, unlocked = (json.loads(_between(vm, mark)) for mark in ("scan", "unlocked"))
        left = _between(vm, "left").splitlines()
    assert _digests(present) == before

    expected = {"On the whole disk": "vda", "On lvm": "vg-root", "On md": "md127", "In a subvolume": "vdg:/@"}
    expected["From an image"] = "vda:/isos/live.iso"
    assert _titles(locked) == expected
    assert _titles(unlocked) == {**expected, "On luks": "bootmenu-vdf"}
    (image,) = (entry for entry in locked["entries"] if entry["title"] == "From an image")
    assert (image["source"], image["cmdline"]) == ("grub", "findiso=/isos/live.iso quiet")
    assert image["kernel"] == {"device": "vda:/isos/live.iso", "path": "/live/vmlinuz", "exists": True}
    problems = {problem["device"]: problem["message"] for problem in locked["problems"]}
    assert "waiting for the other parts of the array" in problems.pop("vde")
    assert problems.pop("vdf").startswith("locked")
    assert problems == {}
    assert [problem["device"] for problem in unlocked["problems"]] == ["vde"]

    assert "REFUSED True This is not its passphrase." in left
    assert "RELEASED []" in left
    assert not [line for line in left if re.search(r"vg-root|md127|bootmenu-|active|/dev/vd|\.iso", line)]
