# SPDX-License-Identifier: MIT
"""The command's options, and a whole image from this host's own files."""

from __future__ import annotations

import argparse
import io
import shutil
import sys
from pathlib import Path

import pytest
import zstandard

from bootmenu.commands import image_command
from bootmenu.errors import UsageError
from bootmenu.formats.initramfs import Initramfs, inspect
from bootmenu.formats.reader import Buffer
from bootmenu.image import SUITE
from bootmenu.image.build import _COMMAND, BuildOptions, Compress, build, choose_version
from bootmenu.model.value import replace
from bootmenu.system.processes import Commands
from bootmenu.view.progress_bar import SILENT, ProgressBar
from tests.image.samples import module, tree
from tests.image.test_cpio import unpack
from tests.image.test_python_runtime import python_tree


def parse(*argv: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    image_command.add_arguments(parser)
    return parser.parse_args(["build", "--output", "/tmp/x", *argv])


def test_defaults() -> None:
    args = parse("--debian", "arm64")
    assert (args.suite, args.kernel_package, args.compress, args.root) == (SUITE, None, "zstd", None)


@pytest.mark.parametrize(
    ("architecture", "kernel"),
    [("amd64", "linux-image-amd64"), ("arm64", "linux-image-arm64"), ("armhf", "linux-image-armmp")],
)
def test_the_kernel_is_the_one_of_the_architecture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, architecture: str, kernel: str
) -> None:
    chosen: list[str] = []
    monkeypatch.setattr(
        "bootmenu.image.debian.prepare", lambda _apt, selection, *_rest: chosen.append(selection.kernel)
    )
    common = BuildOptions(
        output=tmp_path / "o", cache=tmp_path, root=tmp_path, debian=architecture, mirror="http://x"
    )
    for options in (common, replace(common, kernel_package="linux-image-cloud-arm64")):
        with pytest.raises(UsageError, match="no kernel modules"):
            build(options, Commands(), SILENT)
    assert chosen == [kernel, "linux-image-cloud-arm64"]


def test_the_command_of_the_first_stage_is_the_one_that_is_installed() -> None:
    installed = (Path(__file__).parents[2] / "data/bin/bootmenu").read_bytes()
    assert installed.endswith(_COMMAND.removeprefix(b"#!/usr/bin/python3 -I\n"))


def test_source_date() -> None:
    assert image_command.source_date(None) == 0
    assert image_command.source_date("12") == 12
    for wrong in ("-1", "x", "1.5", "99999999999"):
        with pytest.raises(UsageError):
            image_command.source_date(wrong)


def test_versions() -> None:
    assert choose_version(("6.1",), None, "x") == "6.1"
    assert choose_version(("6.1", "6.2"), None, "6.2") == "6.2"
    assert choose_version(("6.1", "6.2"), "6.1", "6.2") == "6.1"
    for versions, wanted in ((("6.1", "6.2"), None), ((), None), (("6.1",), "7")):
        with pytest.raises(UsageError):
            choose_version(versions, wanted, "x")


@pytest.mark.parametrize("compress", list(Compress))
def test_compression_is_reproducible(compress: Compress) -> None:
    assert compress.apply([b"abc"] * 99, 297) == compress.apply([b"abcabc", b"abc" * 97], 297)


def test_it_says_where_files_may_come_from(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^nothing says where the image's files come from$"):
        build(BuildOptions(output=tmp_path / "o", cache=tmp_path), Commands(), SILENT)
    options = BuildOptions(output=tmp_path / "o", cache=tmp_path, debian="arm64", suite="../x")
    with pytest.raises(UsageError, match="not a Debian suite"):
        build(options, Commands(), SILENT)


@pytest.mark.slow
def test_a_whole_image(tmp_path: Path) -> None:
    """The modules lie where Debian 13's packages have them; the virtual machines start from those of Debian 12."""
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
            "usr/lib/modules/6.1/kernel/virtio_blk.ko": module(depends=""),
            "usr/lib/modules/6.1/kernel/btrfs.ko": module(depends="", alias="fs-btrfs"),
            "boot/vmlinuz-6.1": b"kernel",
            "boot/config-6.1": b"CONFIG_KEXEC=y\n",
        },
    )
    note = tmp_path / "note"
    note.write_bytes(b"hello")
    said = io.StringIO()
    output = tmp_path / "out" / "first.cpio.zst"
    options = BuildOptions(
        output=output, root=root, includes=((note, "etc/note"),), cache=tmp_path / "cache", mtime=7
    )
    build(options, Commands(), ProgressBar(said, {}))
    assert output.with_name("first.cpio.zst.vmlinuz").read_bytes() == b"kernel"
    packed = output.read_bytes()
    assert inspect(Buffer(packed), deep=False) == Initramfs(
        compression="zstd", module_releases=None, first_stage=True
    )
    nodes = unpack(zstandard.ZstdDecompressor().decompress(packed[packed.index(b"\x28\xb5\x2f\xfd") :]))
    assert nodes["init"][0] & 0o111
    assert nodes["init"][1].startswith(b"#!/bin/busybox sh\n")
    assert nodes["etc/bootmenu/modules"][1] == b"/usr/lib/modules/6.1/kernel/virtio_blk.ko\n"
    assert nodes["usr/lib/modules/6.1/modules.alias"][1] == b"alias fs-btrfs btrfs\n"
    assert nodes["usr/bin/python3"][1] == f"/usr/bin/python{version}".encode()
    assert nodes["usr/bin/bootmenu"][0] & 0o111
    assert nodes["usr/bin/bootmenu"][1].startswith(b"#!/usr/bin/python3 -I\n")
    assert nodes["usr/sbin/modprobe"][1] == b"/usr/bin/busybox"
    assert nodes["boot/config-6.1"][1] == b"CONFIG_KEXEC=y\n"
    assert nodes["etc/note"][1] == b"hello"
    assert nodes["dev/console"][2] == (5, 1)
    assert {mtime for _, _, _, mtime in nodes.values()} == {7}
    assert "left out: kexec" in said.getvalue()
    assert "packed" in said.getvalue()
    first = output.read_bytes()
    build(options, Commands(), ProgressBar(said, {}))
    assert output.read_bytes() == first
    shutil.rmtree(root / "usr/lib/modules")
    with pytest.raises(UsageError, match="no kernel modules"):
        build(options, Commands(), ProgressBar(said, {}))


@pytest.mark.parametrize("included", ["file", "folder", "top"])
@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('profile = "kiosks"\n', "should be one of standard, kiosk"),
        ("", "is empty"),
        ("timeout = \n", "is not TOML"),
        ("colour = 1\n", "there is no setting 'colour'"),
        ('[kiosk]\npin = "scrypt$3$8$1$' + "00" * 16 + "$" + "00" * 32 + '"\n', "N has to be a power of two"),
        (None, "cannot be packed as settings"),
    ],
)
def test_settings_that_have_a_problem_are_not_packed(
    tmp_path: Path, text: str | None, why: str, included: str
) -> None:
    (tmp_path / "files/etc").mkdir(parents=True)
    file = tmp_path / "files/etc/bootmenu.toml"
    if text is None:
        file.symlink_to("nowhere")
    else:
        file.write_text(text)
    include = {
        "file": (file, "etc/bootmenu.toml"),
        "folder": (tmp_path / "files/etc", "etc"),
        "top": (tmp_path / "files", "."),
    }[included]
    options = BuildOptions(output=tmp_path / "o", root=tmp_path, cache=tmp_path, includes=(include,))
    with pytest.raises(UsageError, match=why) as caught:
        build(options, Commands(), SILENT)
    assert str(file) in caught.value.message
    assert caught.value.hint
    assert not (tmp_path / "o").exists()


def test_a_file_that_cannot_be_included_is_said_before_anything_is_downloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def prepared(*_: object) -> None:
        raise AssertionError("packages were downloaded")

    monkeypatch.setattr("bootmenu.image.debian.prepare", prepared)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/note").symlink_to("/proc/self/mem")
    for source in (tmp_path / "nope", tmp_path / "folder"):
        options = BuildOptions(
            output=tmp_path / "o", debian="arm64", mirror="http://x", cache=tmp_path, includes=((source, "etc/x"),)
        )
        with pytest.raises(UsageError, match="cannot be included"):
            build(options, Commands(), SILENT)


def test_settings_without_a_problem_are_no_reason_to_refuse(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('profile = "kiosk"\n')
    (tmp_path / "bad.toml").write_text("[broken")
    includes = ((tmp_path / "mine.toml", "etc/bootmenu.toml"), (tmp_path / "bad.toml", "etc/other.toml"))
    with pytest.raises(UsageError, match="no kernel modules"):
        build(
            BuildOptions(output=tmp_path / "o", root=tmp_path, cache=tmp_path, includes=includes), Commands(), SILENT
        )
