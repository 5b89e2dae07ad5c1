# SPDX-License-Identifier: MIT
"""What is said about partitions without a file system."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.discovery.devices import find
from bootmenu.discovery.raw_content import CHROMEOS_KERNEL, HEAD, RawReader
from bootmenu.model.entry import Problem
from bootmenu.system.host import Host
from bootmenu.system.processes import HangingError
from tests.builders.entries import whole_image
from tests.builders.hosts import commands_of, fake_host
from tests.builders.kernels import bzimage
from tests.properties import examples

ANDROID = b"ANDROID!".ljust(40, b"\1") + struct.pack("<I", 2)
ENVIRONMENT = b"\1\2\3\4" + b"arch=arm\0baudrate=115200\0bootcmd=run distro_bootcmd\0\0"


def with_heads(tmp_path: Path, heads: dict[str, bytes], *programs: str) -> Host:
    """A machine on which only these devices answer."""

    def dd(argv: Sequence[str], descriptors: Sequence[int]) -> tuple[int, bytes, bytes]:
        path = next(word for word in argv if word.startswith("if=")).removeprefix("if=")
        if path not in heads:
            raise HangingError("dd did not end within 4 s", "")
        return 0, heads[path], b""

    return fake_host(tmp_path, None, dict.fromkeys(programs or ("dd",), dd))


def said(tmp_path: Path, head: bytes, kind: str = "", attributes: int | None = None) -> str:
    return str(RawReader(with_heads(tmp_path, {"/dev/a": head})).message("/dev/a", "a", kind, attributes))


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (ANDROID, "an Android boot image (version 2)"),
        (b"ANDROID!".ljust(40, b"\1") + struct.pack("<I", 70_000), "an Android boot image (version 0)"),
        (b"VNDRBOOT" + bytes(99), "vendor_boot"),
        (b"AVB0" + bytes(99), "belongs to Android"),
        (b"\xd7\xb7\xab\x1e" + bytes(99), "belongs to Android"),
        (bytes(4096) + b"gDla", "belongs to Android"),
        (b"\x3a\xff\x26\xed\1\0", "sparse"),
        (ENVIRONMENT, "the environment of U-Boot"),
        (b"\1" + ENVIRONMENT, "the environment of U-Boot"),
        (b"\xd0\x0d\xfe\xed" + bytes(60), "FIT image"),
        (whole_image(4096), "a kernel without"),
        (bzimage(0x20F, 1), "a kernel without"),
        (bytes(HEAD), "its beginning is empty"),
        (b"CHROMEOS" + bytes(9), "a ChromeOS kernel, which its own firmware starts (priority 0, tries left: 0)"),
    ],
)
def test_what_is_known(tmp_path: Path, head: bytes, words: str) -> None:
    assert words in said(tmp_path, head)


@pytest.mark.parametrize("head", [b"", b"ANDROID!", bytes(9), b"\1" * HEAD, b"abcd bootcmd=x"])
def test_what_is_not(tmp_path: Path, head: bytes) -> None:
    assert said(tmp_path, head) == "None"


def test_attributes_of_a_chromeos_kernel(tmp_path: Path) -> None:
    assert said(tmp_path, b"CHROMEOS", CHROMEOS_KERNEL, 2 << 48 | 6 << 52).endswith("(priority 2, tries left: 6)")
    assert said(tmp_path, b"CHROMEOS", CHROMEOS_KERNEL, 1 << 48 | 1 << 56).endswith("(priority 1, it has started)")
    assert said(tmp_path, bytes(HEAD), CHROMEOS_KERNEL).endswith("without a kernel in it")


def test_flash_memory_is_not_read(tmp_path: Path) -> None:
    host = with_heads(tmp_path, {})
    assert "flash memory" in str(RawReader(host).message("/dev/mtdblock0", "mtdblock0", "", None))
    assert not commands_of(host).calls


def test_dead_devices_keep_nobody(tmp_path: Path) -> None:
    host = with_heads(tmp_path, {"/dev/z": ANDROID})
    reader = RawReader(host)
    assert [reader.message(f"/dev/{name}", name, "", None) for name in "abcz"] == [None] * 4
    assert len(commands_of(host).calls) == 2


def test_without_a_program_to_read_nothing_is_said(tmp_path: Path) -> None:
    assert RawReader(fake_host(tmp_path)).message("/dev/a", "a", "", None) is None
    busybox = with_heads(tmp_path / "busybox", {"/dev/a": ANDROID}, "busybox")
    assert RawReader(busybox).message("/dev/a", "a", "", None) is not None


def test_the_number_of_devices_is_limited(tmp_path: Path) -> None:
    host = with_heads(tmp_path, {"/dev/a": b"x"})
    reader = RawReader(host)
    for _ in range(150):
        reader.message("/dev/a", "a", "", None)
    assert len(commands_of(host).calls) == 100


def test_a_partition_is_a_problem_that_says_it(tmp_path: Path) -> None:
    rows = [
        {"name": "sda1", "path": "/dev/sda1", "type": "part", "size": 9, "fstype": None},
        {
            "name": "sda2",
            "path": "/dev/sda2",
            "type": "part",
            "size": 9,
            "parttype": CHROMEOS_KERNEL.upper(),
            "partflags": "0x101000000000000",
        },
        {"name": "sdb", "path": "/dev/sdb", "type": "disk", "size": 9},
    ]
    host = with_heads(tmp_path, {"/dev/sda1": ANDROID, "/dev/sda2": b"CHROMEOS", "/dev/sdb": b"?"}, "dd", "blkid")
    commands_of(host).programs = {
        **commands_of(host).programs,
        "lsblk": lambda argv, descriptors: (0, json.dumps({"blockdevices": rows}).encode(), b""),
        "blkid": lambda argv, descriptors: (2, b"", b""),
    }
    messages = {found.device: str(found.message) for found in find(host) if isinstance(found, Problem)}
    assert "an Android boot image" in messages["sda1"]
    assert "a ChromeOS kernel" in messages["sda2"]
    assert messages["sdb"] == "not readable: no partitions and no known file system"


@examples(150)
@given(
    st.binary(max_size=300)
    | st.tuples(st.sampled_from([b"ANDROID!", b"CHROMEOS", b"\0\0\0\0a=b\0", b"AVB0"]), st.binary(max_size=99)).map(
        b"".join
    )
)
def test_any_bytes(tmp_path_factory: pytest.TempPathFactory, head: bytes) -> None:
    assert said(tmp_path_factory.getbasetemp(), head)
