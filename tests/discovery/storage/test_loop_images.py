# SPDX-License-Identifier: MIT
"""File systems in files, by their content, and a real one through a scan."""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.discovery.devices import Device
from bootmenu.discovery.storage.loop_images import image_at, is_silent
from bootmenu.model.value import replace
from bootmenu.session.machine_session import MachineSession
from bootmenu.session.scan_collection import collect
from bootmenu.system.host import Host
from tests.builders import machines
from tests.builders.entries import whole_image
from tests.builders.trees import MemoryTree, write_tree
from tests.discovery.storage.test_iso import image as iso_image
from tests.discovery.test_mounts import _in_a_child, _tool
from tests.properties import examples

DEVICE = Device(name="sda3", filesystem="ext4", uuid="AB-1")


@pytest.mark.parametrize(
    ("data", "filesystem", "silent"),
    [
        (b"hsqs" + bytes(96), "squashfs", True),
        (bytes(1024) + b"\xe2\xe1\xf5\xe0", "erofs", True),
        (bytes(1080) + b"\x53\xef", "ext4", True),
        (b"XFSB", "xfs", True),
        (iso_image(), "iso9660", False),
    ],
)
def test_an_image_is_known_by_its_content(data: bytes, filesystem: str, silent: bool) -> None:
    found = image_at(DEVICE, MemoryTree({"/a.img": data}), "/a.img")
    assert found is not None
    assert (found.name, found.filesystem, is_silent(found)) == ("sda3:/a.img", filesystem, silent)


@pytest.mark.parametrize(("name", "silent"), [("a.iso", False), ("a.img", True)])
def test_an_unpacked_image_below_a_folder_is_what_its_name_says(tmp_path: Path, name: str, silent: bool) -> None:
    found = image_at(replace(DEVICE, folder=str(tmp_path)), MemoryTree({f"/{name}/x": b""}), f"/{name}")
    assert found is not None
    assert is_silent(found) is silent


@examples(100)
@given(st.binary(max_size=2000))
def test_any_file_is_an_image_or_none(data: bytes) -> None:
    found = image_at(DEVICE, MemoryTree({"/a": data}), "/a")
    assert found is None or found.filesystem
    assert image_at(DEVICE, MemoryTree({"/a": data}), "/b") is None


def test_a_kernel_is_read_from_a_real_image_that_another_partition_names(tmp_path: Path) -> None:
    image = tmp_path / "state" / "cOS" / "active.img"
    inside = write_tree(tmp_path / "inside", {"boot/k": whole_image(), "etc/args.cfg": "set kernel=/boot/k"})
    image.parent.mkdir(parents=True)
    text = "search --label --set=root STATE\nmenuentry A {\nloopback l /cOS/active.img\nsource (l)/etc/args.cfg\n"
    write_tree(tmp_path / "esp", {"EFI/BOOT/grub.cfg": f"{text}linux (l)$kernel root=LABEL=X cos-img=1\n}}"})

    make = _tool("mkfs.ext4")

    def work() -> None:
        command = [make, "-q", "-d", str(inside), str(image), "8M"]
        subprocess.run(command, check=True, capture_output=True)
        devices = [
            Device.from_tree_option(f"{tmp_path / 'esp'},name=sda1,label=ESP"),
            Device.from_tree_option(f"{tmp_path / 'state'},name=sda2,label=STATE"),
        ]
        with contextlib.closing(MachineSession(Host(), machines.virt(), lambda: devices)) as session:
            (listing,), problems = collect(session)
        entry = listing.entry
        assert (entry.device, entry.kernel.device, entry.kernel.path) == ("sda1", "sda2:/cOS/active.img", "/boot/k")
        assert entry.kernel.exists
        assert problems == []

    _in_a_child(work)


@pytest.mark.parametrize("searched", ["/mark", "/isos/d.iso"])
@pytest.mark.parametrize("disk", ["sda2", "sdb1"])
def test_an_image_on_the_partition_that_a_search_finds(tmp_path: Path, searched: str, disk: str) -> None:
    script = f"search --file --set=p {searched}\nloopback l ($p)/isos/d.iso\nlinux (l)/k root=LABEL=X"
    write_tree(tmp_path / "a", {"boot/grub/grub.cfg": f"menuentry A {{\n{script}\n}}"})
    write_tree(tmp_path / "b", {"mark": b"", "isos/d.iso/k": whole_image()})
    devices = [
        Device.from_tree_option(f"{tmp_path / 'a'},name=sda1"),
        Device.from_tree_option(f"{tmp_path / 'b'},name={disk}"),
    ]
    with contextlib.closing(MachineSession(Host(), machines.virt(), lambda: devices)) as session:
        (listing,), _ = collect(session)
    kernel = listing.entry.kernel
    assert (listing.entry.device, kernel.device, kernel.path, kernel.exists) == (
        "sda1",
        f"{disk}:/isos/d.iso",
        "/k",
        True,
    )
