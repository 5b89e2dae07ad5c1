# SPDX-License-Identifier: MIT
"""Debian trees with our packages installed in them. What Debian has is made once and kept in the cache."""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
COMMON = (
    "busybox-static",
    "cpio",
    "device-tree-compiler",
    "dracut-core",
    "initramfs-tools",
    "kexec-tools",
    "kmod",
    "linux-image-cloud-{architecture}",
    "python3",
    "python3-lz4",
    "python3-zstandard",
    "systemd",
    "udev",
    "zstd",
)
MORE = {"bookworm": (), "trixie": (), "sid": ("python3-textual", "python3-pyelftools")}
"""Packages of each suite besides the common ones; what bootmenu depends on has to be there."""


@functools.cache
def packages() -> Path:
    """Build our packages and return their folder."""
    folder = Path(tempfile.mkdtemp(prefix="bootmenu-packages-"))
    _run([sys.executable, "-m", "scripts.debian_packages", "--output", folder])
    return folder


def _run(command: list[str | Path]) -> str:
    done = subprocess.run([str(word) for word in command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command[0]}: {done.stdout[-2000:]}{done.stderr[-4000:]}"
    return done.stdout


def _where(architecture: str) -> list[str | Path]:
    """Return what goes before a command that runs programs of an architecture."""
    return [] if architecture == "amd64" else [sys.executable, ROOT / "tests" / "foreign_programs.py"]


def _debian(suite: str, wanted: tuple[str, ...], cache: Path, architecture: str = "amd64") -> Path:
    """Return Debian with some packages, without ours, as an archive."""
    name = hashlib.sha256(" ".join(wanted).encode()).hexdigest()[:12]
    archive = cache / f"packages-{suite}{'' if architecture == 'amd64' else f'-{architecture}'}-{name}.tar"
    if not archive.exists():
        cache.mkdir(parents=True, exist_ok=True)
        fresh = archive.with_suffix(".new")
        options = ["--quiet", "--mode=root", "--variant=minbase", "--format=tar", f"--include={','.join(wanted)}"]
        options += ["--dpkgopt=force-unsafe-io", '--aptopt=APT::Install-Recommends "false"']
        # a mirror that is a snapshot has lists that have expired
        options += ['--aptopt=Acquire::Check-Valid-Until "false"']
        # it asks dpkg's list of interpreters, which is not the one of a namespace
        options += [f"--architectures={architecture}", "--skip=check/qemu"]
        _run([*_where(architecture), "mmdebstrap", *options, suite, fresh])
        fresh.rename(archive)
    return archive


def tree_of(suite: str, wanted: tuple[str, ...], top: Path, architecture: str = "amd64") -> Path:
    """Make `top` anew, with Debian and some packages, and return it. Its neighbours keep what was downloaded."""
    if os.geteuid() != 0:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("only root can install packages into a tree")
    archive = _debian(suite, wanted, top.parent, architecture)
    shutil.rmtree(top, ignore_errors=True)
    top.mkdir()
    _run(["tar", "-C", top, "--exclude=./dev/*", "-xf", archive])
    return top


@functools.cache
def installed_tree(suite: str, cache: Path, architecture: str = "amd64") -> Path:
    """Return a tree of a suite in which our packages are installed; it is made anew in each process."""
    wanted = tuple(name.format(architecture=architecture) for name in (*COMMON, *MORE[suite]))
    name = f"packages-{suite}{'' if architecture == 'amd64' else f'-{architecture}'}"
    top = tree_of(suite, wanted, cache / name, architecture)
    ours = [path for path in packages().glob("*.deb") if path.name.startswith("bootmenu-")]
    revision = "1_all" if suite == "sid" else "1~bundled_all"
    ours += packages().glob(f"bootmenu_*-{revision}.deb")
    for path in ours:
        shutil.copy(path, top / "tmp")
    run_inside(top, "dpkg -i /tmp/*.deb", architecture)
    return top


def run_inside(tree: Path, script: str, architecture: str = "amd64") -> str:
    """Run a script of sh as root of a tree, and return what it prints."""
    # the tree is a mount point, as mkosi wants the root directory to be; proc and sys are not mounted anew, which a
    # namespace without network or processes of its own may not do
    mounts = 'mount --bind "$0" "$0"; for name in proc dev sys; do mount --rbind "/$name" "$0/$name"; done'
    mounts += '; mount -o remount,bind,ro "$0/sys"'
    inside = 'exec chroot "$0" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive'
    alone = ["unshare", "-m", "--propagation", "private", "sh", "-ec", f'{mounts}; {inside} sh -ec "$1"']
    return _run([*_where(architecture), *alone, tree, script])
