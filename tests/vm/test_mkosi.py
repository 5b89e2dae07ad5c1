# SPDX-License-Identifier: MIT
"""An image of mkosi with our profile, built by Debian 13's mkosi and started by its firmware."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from bootmenu.image.apt import choose_sources, host_source_files
from tests.debian_packages import ROOT, packages, run_inside, tree_of
from tests.vm.conftest import ARTIFACTS
from tests.vm.harness import PC, Machine
from tests.vm.secure_boot import Firmware

pytestmark = [pytest.mark.vm, pytest.mark.slow, pytest.mark.xdist_group("debian-packages"), pytest.mark.full]

MKOSI = (
    "ca-certificates",
    "cpio",
    "dosfstools",
    "e2fsprogs",
    "kmod",
    "mkosi",
    "mtools",
    "reprepro",
    "systemd",
    "systemd-boot-efi",
    "systemd-boot-tools",
    "systemd-repart",
    "systemd-ukify",
    "zstd",
)
"""mkosi, and what it needs for a bootable disk of Debian with packages of one's own."""
CONFIGURATION = """\
[Distribution]
Distribution=debian
Release=trixie

[Content]
Bootable=yes
Packages=
        linux-image-cloud-amd64
        systemd-boot
        systemd-boot-efi
        systemd-sysv
        udev
KernelCommandLine=console=ttyS0 bootmenu.timeout=off systemd.default_device_timeout_sec=900
"""


def documented(checkout: str) -> str:
    """Return the shell lines of the paper for mkosi."""
    text = (ROOT / "docs" / "integration.md").read_text("utf-8")
    (block,) = re.findall(r"```sh\n([^`]*mkosi --profile bootmenu)\n```", text)
    return str(block).replace("~/bootmenu", checkout)


def built(tree: Path) -> Path:
    """Return the image that mkosi builds in a tree."""
    project = tree / "root/project"
    apt = project / "mkosi.sandbox/etc/apt/sources.list.d"
    apt.mkdir(parents=True)
    (project / "mkosi.conf").write_text(CONFIGURATION)
    # those of this machine, whose mirror need not have Debian's packages of debug symbols
    sources = choose_sources("trixie", None, host_source_files())
    (apt / "this-machine.list").write_text("\n".join(source.line("amd64").strip() for source in sources) + "\n")
    (apt / "mkosi.sources").touch()
    shutil.copytree(ROOT / "data" / "mkosi", tree / "checkout/data/mkosi")
    shutil.copytree(packages(), tree / "checkout/build/debian")
    for name in ("resolv.conf", "hosts"):
        shutil.copy(f"/etc/{name}", tree / "etc")
    run_inside(tree, f"cd /root/project\n{documented('/checkout')}")
    return project / "image.raw"


def test_an_image_of_mkosi_opens_the_menu_and_starts_from_it(vm_cache: Path, tmp_path: Path) -> None:
    image = built(tree_of("trixie", MKOSI, vm_cache / "packages-mkosi"))
    hardware = Firmware.EFI.installed(replace(PC, memory=1536, disks=(image,)), tmp_path)
    with Machine(hardware, kernel=None, initrd=None, name="mkosi", artifacts=ARTIFACTS, limit=1200) as vm:
        vm.wait_for("bootmenu: starting the menu", 300)
        vm.wait_for_mark("Debian GNU/Linux", 300)
        place = vm.mark()
        vm.send("enter")
        vm.wait_for(" login:", 700, after=place)
