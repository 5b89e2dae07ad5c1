# SPDX-License-Identifier: MIT
"""The archive writer, read back by the system's cpio and by an own reading of the format."""

from __future__ import annotations

import shutil
import stat
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.errors import UsageError
from bootmenu.image.contents import Contents
from bootmenu.image.cpio import ArchiveMember, pack


def unpack(archive: bytes) -> dict[str, tuple[int, bytes, tuple[int, int], int]]:
    """Path → mode, data, device, mtime."""
    nodes: dict[str, tuple[int, bytes, tuple[int, int], int]] = {}
    at = 0
    while True:
        assert archive[at : at + 6] == b"070701"
        fields = [int(archive[at + 6 + 8 * i : at + 14 + 8 * i], 16) for i in range(13)]
        name_size, size = fields[11], fields[6]
        name = archive[at + 110 : at + 110 + name_size]
        assert name.endswith(b"\0")
        at += (110 + name_size + 3) & ~3
        data = archive[at : at + size]
        at += (size + 3) & ~3
        if name == b"TRAILER!!!\0":
            assert len(archive) % 512 == 0
            return nodes
        nodes[name[:-1].decode()] = (fields[1], data, (fields[9], fields[10]), fields[5])


SAMPLE = (
    ArchiveMember.file("usr/bin/tool", b"#!/bin/sh\n", 0o755),
    ArchiveMember.folder("usr"),
    ArchiveMember.folder("usr/bin"),
    ArchiveMember.link("bin", "usr/bin"),
    ArchiveMember.character_device("dev/console", 5, 1),
    ArchiveMember.folder("dev"),
    ArchiveMember.file("empty", b""),
)


def test_every_kind_of_node_comes_back() -> None:
    nodes = unpack(b"".join(pack(SAMPLE, mtime=1234)))
    assert nodes["usr/bin/tool"] == (stat.S_IFREG | 0o755, b"#!/bin/sh\n", (0, 0), 1234)
    assert nodes["bin"] == (stat.S_IFLNK | 0o777, b"usr/bin", (0, 0), 1234)
    assert nodes["dev/console"] == (stat.S_IFCHR | 0o600, b"", (5, 1), 1234)
    assert list(nodes).index("usr") < list(nodes).index("usr/bin") < list(nodes).index("usr/bin/tool")


def test_order_of_adding_does_not_matter() -> None:
    assert b"".join(pack(SAMPLE)) == b"".join(pack(reversed(SAMPLE)))


@pytest.mark.skipif(shutil.which("cpio") is None, reason="cpio is not installed")
def test_the_systems_cpio_reads_it() -> None:
    done = subprocess.run(["cpio", "-tv"], input=b"".join(pack(SAMPLE)), capture_output=True, check=True, timeout=20)
    text = done.stdout.decode()
    assert "bin -> usr/bin" in text
    assert "5,   1" in text
    assert len(text.splitlines()) == len(SAMPLE)


@given(st.dictionaries(st.from_regex(r"[a-z]{1,9}", fullmatch=True), st.binary(max_size=50), max_size=9))
def test_any_files_come_back(files: dict[str, bytes]) -> None:
    nodes = unpack(b"".join(pack(ArchiveMember.file(path, data) for path, data in files.items())))
    assert {path: data for path, (_, data, _, _) in nodes.items()} == files


def test_contents_have_one_usr_and_a_console() -> None:
    contents = Contents()
    contents.file("/lib/x/libx.so.1", b"x")
    contents.file("/sbin/tool", b"t", executable=True)
    nodes = {node.path: node for node in contents.nodes}
    assert nodes["usr/lib/x/libx.so.1"].data == b"x"
    assert nodes["usr/sbin/tool"].mode == stat.S_IFREG | 0o755
    assert nodes["lib"].data == b"usr/lib"
    assert nodes["dev/console"].device == (5, 1)


@pytest.mark.parametrize("path", ["../etc/passwd", "a/../../b", "a//b", "dev/console/x", "init/x"])
def test_no_file_gets_out_of_the_image_or_below_a_file(path: str) -> None:
    contents = Contents()
    contents.file("init", b"")
    with pytest.raises(UsageError):
        contents.file(path, b"")
