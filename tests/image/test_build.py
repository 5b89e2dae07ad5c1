# SPDX-License-Identifier: MIT
"""The command's options, and a whole image from this host's own files."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

import pytest
import zstandard

from bootmenu.errors import BootmenuError, UsageError
from bootmenu.image import command
from bootmenu.image.build import Compress, Options, build, choose_version, write
from bootmenu.system.commands import Commands
from tests.image.samples import module, tree
from tests.image.test_cpio import unpack
from tests.image.test_python import python_tree


def parse(*argv: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return parser.parse_args(["build", "--output", "/tmp/x", *argv])


def test_defaults() -> None:
    args = parse("--debian", "arm64")
    assert (args.suite, args.kernel_package, args.compress, args.root) == (
        "bookworm",
        "linux-image-arm64",
        "zstd",
        None,
    )


def test_includes() -> None:
    assert command.parse_include("/a:b:/etc/c") == (Path("/a:b"), "etc/c")
    for wrong in ("", "a", "a:", ":b", "a:/"):
        with pytest.raises(UsageError):
            command.parse_include(wrong)


def test_source_date() -> None:
    assert command.source_date(None) == 0
    assert command.source_date("12") == 12
    for wrong in ("-1", "x", "1.5", "99999999999"):
        with pytest.raises(UsageError):
            command.source_date(wrong)


def test_versions() -> None:
    assert choose_version(("6.1",), None, "x") == "6.1"
    assert choose_version(("6.1", "6.2"), None, "6.2") == "6.2"
    assert choose_version(("6.1", "6.2"), "6.1", "6.2") == "6.1"
    for versions, wanted in ((("6.1", "6.2"), None), ((), None), (("6.1",), "7")):
        with pytest.raises(UsageError):
            choose_version(versions, wanted, "x")


@pytest.mark.parametrize("compress", list(Compress))
def test_compression_is_reproducible(compress: Compress) -> None:
    assert compress.apply(b"abc" * 99) == compress.apply(b"abc" * 99)


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BootmenuError, match="cannot be written"):
        write(tmp_path / "file" / "x", b"")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_it_says_where_files_may_come_from(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="where the image's files come from"):
        build(Options(output=tmp_path / "o", cache=tmp_path), Commands(), lambda _: None)
    options = Options(output=tmp_path / "o", cache=tmp_path, debian="arm64", suite="../x")
    with pytest.raises(UsageError, match="not a Debian suite"):
        build(options, Commands(), lambda _: None)


def test_a_whole_image(tmp_path: Path) -> None:
    root = tmp_path / "root"
    python_tree(root)
    for library in (root / "usr/lib").rglob("*.so"):
        library.write_bytes(module())  # an ELF file that needs nothing
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    (root / f"usr/bin/python{version}").write_bytes(module())
    tree(
        root,
        {
            "bin/busybox": module(),
            "lib/modules/6.1/kernel/virtio_blk.ko": module(depends=""),
            "lib/modules/6.1/kernel/btrfs.ko": module(depends="", alias="fs-btrfs"),
            "boot/vmlinuz-6.1": b"kernel",
            "boot/config-6.1": b"CONFIG_KEXEC=y\n",
        },
    )
    note = tmp_path / "note"
    note.write_bytes(b"hello")
    said: list[str] = []
    output = tmp_path / "out" / "first.cpio.zst"
    options = Options(output=output, root=root, includes=((note, "etc/note"),), cache=tmp_path / "cache", mtime=7)
    build(options, Commands(), said.append)
    assert output.with_name("first.cpio.zst.vmlinuz").read_bytes() == b"kernel"
    nodes = unpack(zstandard.ZstdDecompressor().decompress(output.read_bytes()))
    assert nodes["init"][0] & 0o111
    assert nodes["init"][1].startswith(b"#!/bin/busybox sh\n")
    assert nodes["etc/bootmenu/modules"][1] == b"/usr/lib/modules/6.1/kernel/virtio_blk.ko\n"
    assert nodes["usr/lib/modules/6.1/modules.alias"][1] == b"alias fs-btrfs btrfs\n"
    assert nodes["usr/bin/python3"][1] == f"/usr/bin/python{version}".encode()
    assert nodes["usr/sbin/modprobe"][1] == b"/usr/bin/busybox"
    assert nodes["boot/config-6.1"][1] == b"CONFIG_KEXEC=y\n"
    assert nodes["etc/note"][1] == b"hello"
    assert nodes["dev/console"][2] == (5, 1)
    assert {mtime for _, _, _, mtime in nodes.values()} == {7}
    assert any("left out: kexec" in line for line in said)
    assert any("packed" in line for line in said)
    first = output.read_bytes()
    build(options, Commands(), said.append)
    assert output.read_bytes() == first
    shutil.rmtree(root / "lib" / "modules")
    with pytest.raises(UsageError, match="no kernel modules"):
        build(options, Commands(), said.append)
