# SPDX-License-Identifier: MIT
"""Image files of installation media, by their content."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.discovery.devices import Device
from bootmenu.discovery.storage import iso
from bootmenu.discovery.storage.iso import MAX_IMAGES, images
from bootmenu.model.entry import Problem
from bootmenu.model.value import replace
from bootmenu.sources.tree import TreeErrorReason
from tests.builders.trees import MemoryTree
from tests.properties import examples

DEVICE = Device(name="sda1", path="/dev/sda1", filesystem="ext4", uuid="AB-1")


def image(label: str = "Debian 12") -> bytes:
    """The beginning of an ISO 9660 image, as far as it is looked at."""
    return bytes(16 * 2048) + b"\x01CD001\x01\0" + b" " * 32 + label.encode().ljust(32) + bytes(64)


def found(files: dict[str, bytes], troubles: dict[str, TreeErrorReason] | None = None) -> list[Device | Problem]:
    return list(images(DEVICE, MemoryTree(files, troubles or {})))


def test_images_are_found_in_the_usual_folders() -> None:
    paths = ["/a.iso", "/ISO/c.iso", "/boot/B.ISO", "/boot/grml/f.iso", "/boot-isos/e.iso", "/isos/d.iso"]
    devices = found({**dict.fromkeys(paths, image()), "/home/f.iso": image(), "/ISO/g.img": image()})
    assert sorted(device.inner_path for device in devices if isinstance(device, Device)) == sorted(paths)
    first = devices[0]
    assert isinstance(first, Device)
    assert (first.name, first.filesystem, first.label) == ("sda1:/a.iso", "iso9660", "Debian 12")
    assert (first.identity, first.names, first.parent) == ("uuid=ab-1:/a.iso", (), DEVICE)


@pytest.mark.parametrize("label", ["Ventoy", None])
def test_on_a_partition_of_ventoy_every_folder_is_searched(label: str | None) -> None:
    deep = "/a/b/c/d/e"
    paths = [f"{deep}/x.iso", "/ISO/linux/y.iso", "/z.iso"]
    left_out = [f"{deep}/f/g.iso", "/.Trash/1.iso", "/$RECYCLE.BIN/2.iso", "/tools/3.iso", "/tools/in/4.iso"]
    files = {**dict.fromkeys([*paths, *left_out], image()), "/tools/.ventoyignore": b""}
    if label is None:
        files["/ventoy/ventoy.json"] = b"{}"
    devices = images(replace(DEVICE, label=label), MemoryTree(files))
    assert sorted(device.inner_path for device in devices if isinstance(device, Device)) == sorted(paths)


def test_on_a_partition_of_ventoy_so_many_folders_are_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(iso, "_MAX_FOLDERS", 3)
    files = {f"/{name}/a.iso": image() for name in "abcd"} | {"/a/b/c.iso": image()}
    devices = list(images(replace(DEVICE, label="Ventoy"), MemoryTree(files)))
    assert [device.inner_path for device in devices if isinstance(device, Device)] == ["/a/a.iso", "/b/a.iso"]


def test_on_a_partition_of_ventoy_so_many_names_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(iso, "_MAX_NAMES", 20)
    files = {f"/{name}/a.iso": image() for name in "abcd"} | {f"/b/{number}": b"" for number in range(20)}
    devices = list(images(replace(DEVICE, label="Ventoy"), MemoryTree(files)))
    assert [device.inner_path for device in devices if isinstance(device, Device)] == ["/a/a.iso", "/b/a.iso"]


@pytest.mark.parametrize("data", [b"", image()[:-100], bytes(40_000), b"x" * 40_000])
def test_what_is_called_so_and_is_none_is_said(data: bytes) -> None:
    assert found({"/a.iso": data}) == [Problem(device="sda1", path="/a.iso", message="is not a disc image")]


def test_what_is_no_file_is_said_and_hides_no_other() -> None:
    one, two = found({"/a.iso": b"", "/b.iso/c": b"", "/c.iso": image()}, {"/a.iso": TreeErrorReason.NOT_A_FILE})[
        0:3:2
    ]
    assert isinstance(one, Problem)
    assert isinstance(two, Device)


def test_so_many_are_looked_at() -> None:
    devices = found({f"/iso/{number:03}.iso": image() for number in range(50)})
    assert [isinstance(device, Device) for device in devices] == [True] * MAX_IMAGES + [False]
    assert devices[-1] == Problem(
        device="sda1",
        path="/iso/032.iso",
        message="left out with all that follow: of the images on a partition, 32 are looked at",
    )


@examples(100)
@given(st.binary(max_size=80))
def test_any_descriptor_gives_a_device_or_a_problem(data: bytes) -> None:
    for start in (b"", b"\x01CD001"):
        (item,) = found({"/a.iso": bytes(16 * 2048) + start + data})
        if isinstance(item, Device):
            assert item.title
