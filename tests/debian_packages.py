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
    "linux-image-cloud-amd64",
    "python3",
    "python3-lz4",
    "python3-zstandard",
    "systemd",
    "udev",
    "zstd",
)
MORE = {"bookworm": (), "trixie": (), "sid": ("python3-textual", "python3-pyelftools")}
"""Packages of each suite besides the common ones; what bootmenu depends on has to be there."""
EVERYTHING = "BOOTMENU_ALL_SUITES" in os.environ
"""Whether Debian 12 and sid are tried, too, and dracut: `make test-full`. Each tree is a download of 100 MB."""


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


def _debian(suite: str, cache: Path) -> Path:
    """Return Debian without our packages as an archive."""
    wanted = (*COMMON, *MORE[suite])
    archive = cache / f"packages-{suite}-{hashlib.sha256(' '.join(wanted).encode()).hexdigest()[:12]}.tar"
    if not archive.exists():
        cache.mkdir(parents=True, exist_ok=True)
        fresh = archive.with_suffix(".new")
        options = ["--quiet", "--variant=minbase", "--format=tar", f"--include={','.join(wanted)}"]
        options += ["--dpkgopt=force-unsafe-io", '--aptopt=APT::Install-Recommends "false"']
        # a mirror that is a snapshot has lists that have expired
        options += ['--aptopt=Acquire::Check-Valid-Until "false"']
        _run(["mmdebstrap", *options, suite, fresh])
        fresh.rename(archive)
    return archive


@functools.cache
def installed_tree(suite: str, cache: Path) -> Path:
    """Return a tree of a suite in which our packages are installed; it is made anew in each process."""
    if os.geteuid() != 0:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("only root can install packages into a tree")
    top = cache / f"packages-{suite}"
    shutil.rmtree(top, ignore_errors=True)
    top.mkdir(parents=True)
    _run(["tar", "-C", top, "--exclude=./dev/*", "-xf", _debian(suite, cache)])
    ours = [path for path in packages().glob("*.deb") if path.name.startswith("bootmenu-")]
    revision = "1_all" if suite == "sid" else "1~bundled_all"
    ours += packages().glob(f"bootmenu_*-{revision}.deb")
    for path in ours:
        shutil.copy(path, top / "tmp")
    run_inside(top, "dpkg -i /tmp/*.deb")
    return top


def run_inside(tree: Path, script: str) -> str:
    """Run a script of sh as root of a tree, and return what it prints."""
    mounts = 'mount -t proc proc "$0/proc"; mount --rbind /dev "$0/dev"; mount -t sysfs -o ro sysfs "$0/sys"'
    inside = 'exec chroot "$0" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive'
    return _run(
        ["unshare", "-m", "--propagation", "private", "sh", "-ec", f'{mounts}; {inside} sh -ec "$1"', tree, script]
    )
