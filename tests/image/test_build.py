# SPDX-License-Identifier: MIT
"""The command's options, and a whole image from this host's own files."""

from __future__ import annotations

import argparse
import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import zstandard

from bootmenu.commands import image_command
from bootmenu.errors import BootmenuError, UsageError
from bootmenu.formats.initramfs import Initramfs, inspect
from bootmenu.formats.pe import PortableExecutable
from bootmenu.formats.reader import Buffer
from bootmenu.image import SUITE, image_file
from bootmenu.image.build import _COMMAND, BuildOptions, Compress, _how_to_save, build, choose_version, members
from bootmenu.image.module_classes import ModulesFor
from bootmenu.image.module_stripping import stripped
from bootmenu.model.value import replace
from bootmenu.system.processes import Commands
from bootmenu.view.progress_bar import SILENT, ProgressBar
from tests.commands.calling import Call
from tests.image.samples import module, tree
from tests.image.test_cpio import unpack
from tests.image.test_module_stripping import small as module_with_types
from tests.image.test_python_runtime import python_tree
from tests.image.test_signing import made_key, run
from tests.image.test_unified_kernel import stub


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
            "usr/lib/modules/6.1/kernel/ext4.ko": module(depends=""),
            "boot/vmlinuz-6.1": b"kernel",
            "boot/config-6.1": b"CONFIG_KEXEC=y\n",
        },
    )
    note = tmp_path / "note"
    note.write_bytes(b"hello")
    said = io.StringIO()
    output = tmp_path / "first.cpio.zst"
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
    assert nodes["etc/bootmenu/modules"][1] == b"ext4\n"
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
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(root, elsewhere / "tree", symlinks=True, copy_function=shutil.copy)  # as of now
    other = rebuilt(elsewhere / "tree", note, elsewhere / "second.cpio.zst", elsewhere)
    assert other.read_bytes() == packed, "the same input gives the same bytes"
    shutil.rmtree(root / "usr/lib/modules")
    with pytest.raises(UsageError, match="no kernel modules"):
        build(options, Commands(), ProgressBar(said, {}))


def rebuilt(root: Path, note: Path, output: Path, cache: Path) -> Path:
    """Build the image of `test_a_whole_image` with another umask, locale, time zone and order of hashes."""
    checkout = str(Path(__file__).parents[2])
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": checkout, "SOURCE_DATE_EPOCH": "7", "PYTHONHASHSEED": "12"}
    environ |= {"LC_ALL": "C", "TZ": "Asia/Tokyo", "XDG_CACHE_HOME": str(cache), "HOME": "/nonexistent"}
    argv = [sys.executable, "-m", "bootmenu", "image", "build", "--root", str(root), "--output", str(output)]
    argv += ["--include", f"{note}:etc/note"]
    subprocess.run(argv, cwd=root, env=environ, umask=0o077, check=True, capture_output=True)
    return output


@pytest.mark.parametrize("included", ["file", "folder", "top"])
@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('profile = "kiosks"\n', "should be one of standard, kiosk"),
        ("", "is empty"),
        ("timeout = \n", "is not TOML"),
        ('profil = "x"\n', "there is no setting 'profil'"),
        ('[sha256]\n"/a" = "x"\n"b" = "x"\n', "should have a SHA-256"),
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
    for consequence in ("; ", "until", "is used"):  # nothing comes of it yet
        assert consequence not in caught.value.message
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
    options = replace(options, includes=(), firmware=("/etc/passwd",))
    with pytest.raises(UsageError, match="/etc/passwd is a file of this host"):
        build(options, Commands(), SILENT)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('theme = "solarised"\n', r"there is no theme 'solarised'; there are: dark, .*, vt16$"),
        ('language = "it"\n', r"there is no language 'it'; there are: de, en, es, fr, pt$"),
    ],
)
def test_settings_name_only_what_an_image_has(small: BuildOptions, tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(UsageError, match=why):
        built(replace(small, settings=tmp_path / "mine.toml"))
    (tmp_path / "mine.toml").write_text('theme = "solarised"\nlanguage = "pt_BR"\n')
    own = ((tmp_path / "mine.toml", "etc/bootmenu/themes/solarised.toml"),)
    assert "etc/bootmenu.toml" in built(replace(small, settings=tmp_path / "mine.toml", includes=own))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("bootmenu.nonsense=1", "bootmenu: --cmdline: there is no setting 'nonsense'.\n"),
        ("bootmenu.nonsense=1", "known are bootmenu.carry-over, bootmenu.console, "),
        ("bootmenu.timout=5", "there is no setting 'timout'. Did you mean timeout?\n"),
        ("bootmenu.timeout=soon", "--cmdline: timeout should be "),
        ("bootmenu.theme=drak", "--cmdline: there is no theme 'drak'; there are: dark, "),
        ("bootmenu.profile=standard", "--cmdline: profile stays as /etc/bootmenu.toml says"),
        ("console=tty0 rdinit=/bin/sh", "--cmdline rdinit=/bin/sh: the kernel starts this, and not the menu\n"),
        ("console=tty0 rdinit=/init bootmenu.loglevel=4 bootmenu.timeout=5 bootmenu.term=x", ""),
    ],
)
def test_words_that_cannot_be_meant_are_said(small: BuildOptions, tmp_path: Path, words: str, said: str) -> None:
    (tmp_path / "mine.toml").write_text('profile = "kiosk"\n')
    options = replace(small, uki=True, cmdline=words, settings=tmp_path / "mine.toml")
    stream = io.StringIO()
    build(options, Commands(), ProgressBar(stream, {}))
    if said:
        assert said in stream.getvalue()
    else:
        assert "--cmdline" not in stream.getvalue()


def test_settings_without_a_problem_are_no_reason_to_refuse(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('profile = "kiosk"\n')
    (tmp_path / "bad.toml").write_text("[broken")
    includes = ((tmp_path / "mine.toml", "etc/bootmenu.toml"), (tmp_path / "bad.toml", "etc/other.toml"))
    with pytest.raises(UsageError, match="no kernel modules"):
        build(
            BuildOptions(output=tmp_path / "o", root=tmp_path, cache=tmp_path, includes=includes), Commands(), SILENT
        )


def test_the_choices_of_the_command_are_those_of_the_builder() -> None:
    for machines in ModulesFor:
        assert parse("--modules-for", machines).modules_for == machines
    assert parse().modules_for == BuildOptions(cache=Path()).modules_for
    assert [parse("--budget", text).budget for text in ("7", "12kB", "3MB")] == [7, 12_000, 3_000_000]


@pytest.mark.parametrize("text", ["0", "00MB", "-1", "1.5MB", "12 MB", "12MiB", "12mb", "٣MB", "9" * 13, "kB"])
def test_what_is_no_size_is_said_with_an_example(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(f"--budget={text}")
    assert f"{text} is no size; for example 12000000, 12000kB or 12MB" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changed", "why", "hint"),
    [
        ({"cmdline": "bootmenu.timeout=5 console=tty0"}, "--cmdline console=tty0: an initramfs has no", "--uki"),
        ({"cmdline": "a\nb", "uki": True}, "characters that a kernel command line", ""),
        ({"cmdline": "x" * 2048, "uki": True}, "longer than 2047 bytes", ""),
        ({"sign": (Path("k"), Path("c"))}, "--sign is for unified kernel images", "Add --uki."),
        (
            {"settings": Path("/nope")},
            "/nope cannot be packed as settings: No such file or directory",
            "settings file",
        ),
        ({"settings": Path("/etc")}, "/etc cannot be packed as settings: it is a folder", "settings file"),
        ({"settings": Path("/dev/null")}, "/dev/null cannot be packed as settings: it is a device", "settings file"),
        ({"output": None}, "nothing says where the image is written to", "--output"),
    ],
)
def test_options_that_contradict_each_other_are_a_wrong_call(
    changed: dict[str, Any], why: str, hint: str, tmp_path: Path
) -> None:
    options = replace(BuildOptions(output=tmp_path / "o", root=tmp_path, cache=tmp_path), **changed)
    with pytest.raises(UsageError) as caught:
        build(options, Commands(), SILENT)
    assert why in caught.value.message
    assert hint in caught.value.hint
    assert not (tmp_path / "o").exists()


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BuildOptions:
    """Options for an image of a tree that has everything but Python, which takes long."""
    monkeypatch.setattr("bootmenu.image.build.add_menu", lambda *_, **__: None)
    tree(
        tmp_path / "root",
        {
            "usr/bin/busybox": module(),
            "usr/lib/modules/6.1/kernel/drivers/mmc/host/card.ko": module(firmware="card.bin"),
            "usr/lib/modules/6.1/kernel/nvme.ko": module(alias="pci:x"),
            "usr/lib/modules/6.1/kernel/odd.ko": module(),
            "usr/lib/firmware/card.bin": b"firmware",
            "usr/lib/systemd/boot/efi/linuxaa64.efi.stub": stub(room=8),
            "boot/vmlinuz-6.1": stub(),
        },
    )
    return BuildOptions(output=tmp_path / "o", root=tmp_path / "root", cache=tmp_path, compress=Compress.GZIP)


def built(options: BuildOptions) -> dict[str, bytes]:
    build(options, Commands(), SILENT)
    assert options.output is not None
    return {member.path: member.data for member in image_file.read(options.output)}


def test_modules_firmware_settings_and_words_are_packed(small: BuildOptions, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('profile = "kiosk"\n')
    found = built(
        replace(
            small, settings=tmp_path / "mine.toml", modules=("odd",), cmdline="bootmenu.timeout=5 bootmenu.term=x"
        )
    )
    assert found["etc/bootmenu.toml"] == b'profile = "kiosk"\n'
    assert found["etc/bootmenu/modules"] == b"odd\n"
    assert found["etc/bootmenu/cmdline"] == b"bootmenu.timeout=5 bootmenu.term=x\n"
    assert found["usr/lib/firmware/card.bin"] == b"firmware"
    assert found["usr/lib/modules/6.1/modules.alias"] == b"alias pci:x nvme\n"
    few = built(replace(small, modules_for=ModulesFor.VIRT))
    assert "usr/lib/modules/6.1/kernel/nvme.ko" in few
    assert not {"usr/lib/firmware/card.bin", "usr/lib/modules/6.1/kernel/odd.ko"} & few.keys()


@pytest.mark.parametrize("up", ["", "../" * 40])
def test_a_link_out_of_the_tree_leads_nowhere(small: BuildOptions, tmp_path: Path, up: str) -> None:
    tree(tmp_path / "host", {"x.ko": module(alias="secret"), "key": b"secret"})
    assert small.root is not None
    host = f"{up}{str(tmp_path / 'host').lstrip('/')}" if up else str(tmp_path / "host")
    tree(
        small.root,
        {
            "usr/lib/modules/6.1/kernel/x.ko": f"{host}/x.ko",
            "usr/lib/modules/6.1/kernel/folder": host,
            "usr/lib/firmware/key": f"{host}/key",
            "usr/lib/firmware/folder": host,
            "boot/config-6.1": f"{host}/key",
        },
    )
    assert not [path for path, data in built(small).items() if b"secret" in data]
    wanted: list[dict[str, Any]] = [{"modules": ("x",)}, {"firmware": ("key",)}, {"firmware": ("folder",)}]
    for changed in wanted:
        with pytest.raises(UsageError, match=r"has no (module|/lib/firmware/)"):
            built(replace(small, **changed))


def test_xz_is_what_the_kernel_can_unpack(small: BuildOptions) -> None:
    plain = built(replace(small, compress=Compress.NONE))
    assert built(replace(small, compress=Compress.XZ)) == plain
    assert small.output is not None
    packed = small.output.read_bytes()
    # the kernel knows no other checksum than CRC32, which the second flag names (lib/xz/xz_dec_stream.c)
    assert packed[packed.index(b"\xfd7zXZ\0") + 6 :][:2] == b"\0\1"
    assert packed.index(b"\xfd7zXZ\0") == 512  # as docs/boards.md says of what comes before


def test_modules_are_stripped_only_where_that_is_asked_for(small: BuildOptions) -> None:
    path = "usr/lib/modules/6.1/kernel/nvme.ko"
    assert small.root is not None
    (small.root / path).write_bytes(whole := module_with_types())
    assert built(small)[path] == whole
    assert built(replace(small, strip_modules=True))[path] == stripped(whole) != whole


@pytest.mark.parametrize("path", ["usr/lib/modules/6.1/vmlinuz", "boot/Image-6.1", "boot/vmlinux-6.1"])
def test_kernels_have_several_names(small: BuildOptions, path: str) -> None:
    assert small.root is not None
    assert small.output is not None
    (small.root / "boot/vmlinuz-6.1").rename(small.root / path)
    built(small)
    assert small.output.with_name("o.vmlinuz").read_bytes() == stub()


def test_a_unified_kernel_image_is_one_file_that_is_known_as_a_first_stage(small: BuildOptions) -> None:
    found = built(replace(small, uki=True, cmdline="console=tty0"))
    assert (found[".cmdline"], found[".uname"], found[".linux"]) == (b"console=tty0", b"6.1", stub())
    assert "etc/bootmenu/cmdline" not in found
    assert small.output is not None
    assert not small.output.with_name("o.vmlinuz").exists()
    image = small.output.read_bytes()
    (initrd,) = (
        image[section.offset : section.offset + section.content_size]
        for section in PortableExecutable.from_head(image).sections  # type: ignore[union-attr]
        if section.name == ".initrd"
    )
    assert inspect(Buffer(initrd), deep=True).first_stage


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("usr/lib/systemd/boot/efi/linuxaa64.efi.stub", "has no /usr/lib/systemd/boot/efi/linuxaa64"),
        ("boot/vmlinuz-6.1", "not the kernel itself"),
    ],
)
def test_without_its_parts_there_is_no_unified_kernel_image(
    small: BuildOptions, path: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert small.root is not None
    (small.root / path).unlink()
    with pytest.raises(BootmenuError, match=why):
        built(replace(small, uki=True))
    monkeypatch.setattr("bootmenu.image.cpio.pack", None)  # it is said before anything is packed
    with pytest.raises(BootmenuError, match=why):
        built(replace(small, uki=True))
    (small.root / path).write_bytes(b"no EFI program")
    if path.startswith("boot"):
        with pytest.raises(BootmenuError, match=r"kernel 6\.1 is not an EFI program"):
            built(replace(small, uki=True))


def test_it_is_signed_and_an_old_image_stays_where_that_fails(
    small: BuildOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, certificate = made_key(tmp_path, "mine")
    signing_options = replace(small, uki=True, sign=(key, certificate))
    built(signing_options)
    assert small.output is not None
    run("sbverify", "--cert", certificate, small.output)

    def fails(*_: object) -> bytes:
        raise BootmenuError("it is no more")

    monkeypatch.setattr("bootmenu.image.signing.check", lambda *_: None)
    monkeypatch.setattr("bootmenu.image.signing.signed", fails)
    small.output.write_bytes(b"old")
    with pytest.raises(BootmenuError, match="it is no more"):
        built(signing_options)
    assert small.output.read_bytes() == b"old"


@pytest.mark.parametrize("uki", [False, True])
def test_over_its_budget_nothing_is_written(small: BuildOptions, uki: bool) -> None:
    assert small.output is not None
    size = len(built(replace(small, uki=uki)) and small.output.read_bytes())
    small.output.write_bytes(b"old")
    with pytest.raises(BootmenuError, match=rf"{size} bytes, 1 more than the budget.*kernel modules") as caught:
        built(replace(small, uki=uki, budget=size - 1))
    assert "--modules-for" in caught.value.hint
    smallest = replace(small, uki=uki, modules_for=ModulesFor.VIRT, strip_modules=True, compress=Compress.XZ)
    with pytest.raises(BootmenuError) as caught:
        built(replace(smallest, budget=1))
    assert caught.value.hint == "It would be bigger even without a kernel module: give it a bigger budget."
    assert _how_to_save(smallest, 1, 2) == "To make it smaller: see what --list prints."
    assert small.output.read_bytes() == b"old"
    built(replace(small, uki=uki, budget=size))
    assert len(small.output.read_bytes()) == size


@pytest.mark.parametrize("uki", [False, True])
def test_what_is_listed_is_what_is_built(small: BuildOptions, uki: bool) -> None:
    options = replace(small, uki=uki, cmdline="bootmenu.timeout=5")
    assert small.output is not None
    build(options, Commands(), SILENT)
    listed = members(replace(options, output=None), Commands(), SILENT)
    assert set(listed) == set(image_file.read(small.output))
    assert {".linux", ".osrel", ".uname", ".cmdline"} <= {member.path for member in listed} or not uki
    assert "bootmenu-first-stage" in {member.path for member in listed}


@pytest.mark.parametrize("option", ["--budget=1", "--kernel-output=x", "--sign=k=c"])
def test_what_has_no_effect_on_a_list_is_refused(small: BuildOptions, option: str, call: Call) -> None:
    words = option.split("=")
    outcome = call("image", "build", "--list", "--uki", "--root", str(small.root), *words)
    assert (outcome.code, outcome.out) == (2, "")
    assert f"{words[0]} has no effect with --list" in outcome.err


def test_what_would_be_in_an_image_is_listed_and_nothing_is_written(
    small: BuildOptions, capsys: pytest.CaptureFixture[str]
) -> None:
    built(small)
    assert small.output is not None
    argv = ["build", "--root", str(small.root), "--modules-for", "virt"]

    def printed(*words: str) -> str:
        parser = argparse.ArgumentParser()
        image_command.add_arguments(parser)
        assert image_command.run(parser.parse_args(list(words))) == 0
        return capsys.readouterr().out

    shown = printed(*argv, "--list", "--diff", str(small.output))
    assert re.search(r"^ +\d+  kernel modules +usr/lib/modules/6\.1/kernel/nvme\.ko$", shown, re.MULTILINE)
    assert re.search(r"^  removed +-\d+  usr/lib/modules/6\.1/kernel/drivers/mmc/host/card\.ko$", shown, re.MULTILINE)
    other = small.output.with_name("other")
    shown = printed(*argv, "--output", str(other), "--diff", str(small.output))
    assert re.search(r"^firmware: 8 B -> 0 B \(-8 bytes\)$", shown, re.MULTILINE)
    assert shown == printed("list", str(other), "--diff", str(small.output))
    assert re.search(r"^ +\d+  init +init$", printed("list", str(other)), re.MULTILINE)
