# SPDX-License-Identifier: MIT
"""The two stages of a VM test: bootmenu's own image, and a tiny kernel to start, which tells how it was started."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bootmenu.image.cpio import ArchiveMember, pack
from bootmenu.vm.disk_image import DiskPartition, FileSystem
from tests.vm import newer_programs

GUEST = Path(__file__).with_name("guest")
_CHECKOUT = Path(__file__).parents[2]
_SUITES = {"arm64": "bookworm", "amd64": "bookworm"}
"""What the tests say about kernels is about those of Debian 12; it knows no other architecture."""

BOOT_PARTUUID = "6b8b4567-327b-43c6-a43c-986966334873"
ROOT_PARTUUID = "74b0dc51-9495-4cff-aae8-944a625558ec"
BOOT_UUID = "B007-0001"
ROOT_UUID = "2ae8944a-6255-48ec-a38d-1b58ba0cd0d1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A kernel and what it starts with."""

    kernel: Path
    initrd: Path


def build_first_stage(
    cache: Path,
    packages: Sequence[str] = (),
    *,
    architecture: str = "arm64",
    suite: str = "",
    for_boards: bool = False,
    as_shipped: bool = False,
) -> Stage:
    """bootmenu's image of this checkout, built once for every state of its sources.

    packages: Debian packages besides those of every image. architecture: Debian's name. suite: empty for Debian 12,
    or sid where it does not know the architecture. for_boards: with the kernel that an image has by default, which
    knows screens and keyboards, and for arm64 with stripped modules; it takes longer to start than a cloud's.
    as_shipped: packed as an image is by default; otherwise not at all, which takes half a minute less.
    """
    suite = suite or _suite(architecture)
    kind = [*(["boards"] if for_boards else []), *_kind(architecture, suite)]
    variant = "-".join(["first-stage", *kind, *packages, *(["shipped"] if as_shipped else [])])
    folder = cache / variant / _state()
    stage = Stage(kernel=folder / "vmlinuz", initrd=folder / "first-stage.cpio")
    if not (stage.kernel.exists() and stage.initrd.exists()):
        root = cache / "-".join(["root", *kind, *packages])
        argv = ["image", "build", "--debian", architecture, "--suite", suite, "--root", str(root)]
        argv += (
            []
            if for_boards or architecture not in _SUITES
            else ["--kernel-package", f"linux-image-cloud-{architecture}"]
        )
        argv += [] if as_shipped else ["--compress", "none"]
        # not of a PC: with Secure Boot its kernel takes signed modules only
        argv += ["--strip-modules"] if for_boards and architecture == "arm64" else []
        for package in packages:
            argv += ["--package", package]
        argv += ["--output", str(stage.initrd), "--kernel-output", str(stage.kernel)]
        folder.mkdir(parents=True, exist_ok=True)
        # in a process of its own, which gives its memory back
        environment = dict(os.environ)
        if suite == "sid":  # its Python makes bytecode for it; without, the first stage takes minutes longer
            python = newer_programs.install("python3", cache)
            environment["PATH"] = f"{python.parent}:{os.environ.get('PATH', os.defpath)}"
        subprocess.run([sys.executable, "-m", "bootmenu", *argv], cwd=_CHECKOUT, check=True, env=environment)
        _forget_old(folder.parent, keep=3)
    return stage


def _suite(architecture: str) -> str:
    return _SUITES.get(architecture, "sid")


def _kind(architecture: str, suite: str) -> list[str]:
    """What is in the name of a folder of the cache."""
    return [*([] if architecture == "arm64" else [architecture]), *([] if suite == "bookworm" else [suite])]


def _forget_old(folder: Path, keep: int) -> None:
    """Remove all but the newest images: each state of the sources has made one."""
    for old in sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)[keep:]:
        shutil.rmtree(old)


def build_second_stage(cache: Path, token: str, architecture: str = "arm64") -> bytes:
    """An initramfs whose init prints ``second stage says TOKEN``, how it was started and some facts.

    ``fact=PATH`` on the kernel command line asks for the text of /proc/device-tree/PATH, ``bootmenu-test.tree`` for a
    digest of every property.
    """
    root = cache / "-".join(["root", *_kind(architecture, _suite(architecture))])
    (busybox,) = (path.read_bytes() for path in (root / "bin/busybox", root / "usr/bin/busybox") if path.exists())
    return archive(
        {
            "init": (GUEST / "second-init.sh").read_bytes(),
            "bin/busybox": busybox,
            "token": token.encode(),
        },
        executable={"init", "bin/busybox"},
        console=True,
    )


def archive(files: Mapping[str, bytes], *, executable: set[str], console: bool = False) -> bytes:
    """An uncompressed initramfs of a few files; put before another one it adds to that."""
    folders = {str(parent) for path in files for parent in Path(path).parents if str(parent) != "."}
    nodes = [ArchiveMember.folder(path) for path in folders]
    nodes += [ArchiveMember.file(path, data, 0o755 if path in executable else 0o644) for path, data in files.items()]
    if console:
        nodes += [ArchiveMember.folder(path) for path in ("dev", "proc", "sys")]
        nodes.append(ArchiveMember.character_device("dev/console", 5, 1))
    return b"".join(pack(nodes))


def with_guest_program(stage: Stage, name: str, folder: Path) -> Stage:
    """The stage with one more program of tests/vm/guest, as /vmtest/NAME."""
    path = f"vmtest/{name}"
    return with_files(stage, {path: (GUEST / name).read_bytes()}, folder / f"{name}.cpio", executable={path})


def with_files(
    stage: Stage, files: Mapping[str, bytes], initrd: Path, *, executable: frozenset[str] | set[str] = frozenset()
) -> Stage:
    """The stage with more files, and what programs of tests/vm/guest read. initrd: where it is written to."""
    files = {**files, "vmtest/modules.sh": (GUEST / "modules.sh").read_bytes()}
    # The kernel reads on behind a plain archive, but not behind a compressed one.
    with initrd.open("wb") as whole, stage.initrd.open("rb") as rest:
        whole.write(archive(files, executable=set(executable)))
        shutil.copyfileobj(rest, whole)
    return Stage(kernel=stage.kernel, initrd=initrd)


def standard_partitions(stage: Stage, second: bytes, token: str, marked_tree: bytes) -> list[DiskPartition]:
    """A FAT partition with BLS entries and an ext4 one with extlinux, both with a kernel that starts.

    marked_tree: a device tree that one extlinux label names with ``fdt``.
    """
    kernel = stage.kernel.read_bytes()
    arguments = "console=ttyAMA0 earlycon panic=1"
    loader = b"default alpha*\ntimeout 5\n"
    alpha = _bls("Alpha on FAT", "1.0", f"{arguments} bootmenu-test.entry=alpha-{token}")
    beta = _bls("Beta on FAT", "0.9", f"{arguments} bootmenu-test.entry=beta-{token}")
    extlinux = "\n".join(
        [
            "DEFAULT gamma",
            "TIMEOUT 50",
            "MENU TITLE Test disk",
            "",
            "LABEL gamma",
            "  MENU LABEL Gamma on ext4",
            "  LINUX /boot/vmlinuz",
            "  INITRD /boot/second.cpio",
            f"  APPEND {arguments} root=UUID={ROOT_UUID} bootmenu-test.entry=gamma-{token}",
            "",
            "LABEL delta",
            "  MENU LABEL Delta with its own device tree",
            "  LINUX /boot/vmlinuz",
            "  INITRD /boot/second.cpio",
            "  FDT /boot/dtbs/marked.dtb",
            f"  APPEND {arguments} fact=bootmenu-test/marker bootmenu-test.entry=delta-{token}",
            "",
        ]
    )
    return [
        DiskPartition(
            file_system=FileSystem.FAT,
            label="BOOT",
            partition_label="boot",
            partition_uuid=BOOT_PARTUUID,
            uuid=BOOT_UUID,
            files={
                "loader/loader.conf": loader,
                "loader/entries/alpha.conf": alpha,
                "loader/entries/beta.conf": beta,
                "linux/vmlinuz": kernel,
                "linux/second.cpio": second,
            },
        ),
        DiskPartition(
            file_system=FileSystem.EXT4,
            label="rootfs",
            partition_label="system",
            partition_uuid=ROOT_PARTUUID,
            uuid=ROOT_UUID,
            files={
                "boot/extlinux/extlinux.conf": extlinux.encode(),
                "boot/vmlinuz": kernel,
                "boot/second.cpio": second,
                "boot/dtbs/marked.dtb": marked_tree,
                "sbin/init": b"",
                "etc/os-release": b'ID=testos\nNAME="Test OS"\nPRETTY_NAME="Test OS 1"\n',
            },
        ),
    ]


def _bls(title: str, version: str, options: str) -> bytes:
    lines = [f"title {title}", f"version {version}", "linux /linux/vmlinuz", "initrd /linux/second.cpio"]
    return "\n".join([*lines, f"options {options}", ""]).encode()


def _state() -> str:
    """A name for the sources of bootmenu and the versions of what goes into the image with it."""
    digest = hashlib.sha256()
    for folder in ("bootmenu", "themes"):
        for path in sorted((_CHECKOUT / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(str(path.relative_to(_CHECKOUT)).encode() + b"\0" + path.read_bytes())
    installed = {d.metadata["Name"]: d.version for d in importlib.metadata.distributions()}
    digest.update(json.dumps(installed, sort_keys=True).encode())
    return digest.hexdigest()[:16]
