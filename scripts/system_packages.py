#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Install the system packages that a make target needs and this machine lacks.

    system_packages.py venv    what the virtual environment needs
    system_packages.py fast    what the tests that boot nothing need
    system_packages.py vm      what a virtual machine with the menu needs
    system_packages.py test    what all tests need
    system_packages.py suite   what makes a tree of another Debian suite
    system_packages.py bench   what the benchmarks need

Says each package and its reason before it installs, with apt-get, as root or through a sudo that asks for no
password. Where that cannot be, it prints the command to run and exits 1. Runs before there is a virtual
environment: standard library only, and a Python 3.7 must still get far enough to be told that it is too old.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import shutil
import subprocess
import sys
from typing import NamedTuple

OLDEST_PYTHON = (3, 11)
VENV = "python{}.{}-venv".format(*sys.version_info[:2])
SYSTEM_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])


class Package(NamedTuple):
    """One Debian package; `proof` is the Python module, library, command or file that shows it is there."""

    name: str
    proof: str
    reason: str

    def is_missing(self) -> bool:
        """Whether the proof is absent; a tool that came from elsewhere than apt counts as present."""
        if self.name == VENV:
            return importlib.util.find_spec(self.proof) is None
        if ".so." in self.proof:
            return not _loads(self.proof)
        if self.proof.startswith("/"):
            return not os.path.exists(self.proof)
        return shutil.which(self.proof, path=SYSTEM_PATH) is None


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


FOR_VENV = [
    Package(VENV, "ensurepip", "makes the virtual environment .venv, which holds all that pip installs"),
]
FOR_FAST = [
    *FOR_VENV,
    Package("libfdt1", "libfdt.so.1", "is the judge of what a device tree is"),
    Package("device-tree-compiler", "dtc", "writes device trees and their overlays"),
    Package("cpio", "cpio", "reads the archives that are written"),
    Package("zsh", "zsh", "tries its completion script"),
    Package("fish", "fish", "tries its completion script"),
    Package("groff-base", "groff", "reads the manual page"),
    Package("mandoc", "mandoc", "reads it more strictly"),
    Package("sbsigntool", "sbsign", "signs programs for Secure Boot"),
    Package("openssl", "openssl", "makes keys for that"),
]
MMDEBSTRAP = Package("mmdebstrap", "mmdebstrap", "makes Debian trees")
KEYRING = Package(
    "debian-archive-keyring",
    "/usr/share/keyrings/debian-archive-keyring.gpg",
    "checks the signatures of what is downloaded of Debian",
)
FOR_SUITE = [*FOR_VENV, MMDEBSTRAP, KEYRING]
FOR_MACHINE = [
    Package("qemu-system-arm", "qemu-system-aarch64", "is the virtual arm64 machine that boots real kernels"),
    Package("e2fsprogs", "mkfs.ext4", "fills the ext4 disks of such machines, without root"),
    Package("dosfstools", "mkfs.vfat", "makes their EFI system partitions"),
    Package("mtools", "mcopy", "fills those partitions, without root"),
    Package("btrfs-progs", "mkfs.btrfs", "makes a disk with subvolumes"),
    Package("fdisk", "sfdisk", "partitions their disks"),
    KEYRING,
]
FOR_VM = [*FOR_VENV, *FOR_MACHINE]
FOR_TEST = [
    *FOR_FAST,
    *FOR_MACHINE,
    Package("qemu-system-x86", "qemu-system-x86_64", "boots the x86-64 kernels among them"),
    Package(
        "qemu-efi-aarch64",
        "/usr/share/qemu-efi-aarch64/QEMU_EFI.fd",
        "is the firmware of machines that are started by EFI",
    ),
    Package("ovmf", "/usr/share/OVMF/OVMF_CODE_4M.fd", "is that firmware for x86-64"),
    Package("xfsprogs", "mkfs.xfs", "makes a disk whose journal is left to be replayed"),
    Package("xorriso", "xorriso", "makes an image of an installation medium"),
    MMDEBSTRAP,
]
FOR_BENCH = [
    *FOR_FAST,
    *FOR_MACHINE,
    Package("python3-libfdt", "/usr/lib/python3/dist-packages/libfdt.py", "is what our reader is compared with"),
]
PURPOSES = {
    "venv": FOR_VENV,
    "fast": FOR_FAST,
    "vm": FOR_VM,
    "test": FOR_TEST,
    "suite": FOR_SUITE,
    "bench": FOR_BENCH,
}


def root_prefix() -> list[str] | None:
    """What goes before a command to run it as root without a question; None where that is impossible."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0:
        return ["sudo", "-n"]
    return None


def install(names: list[str], prefix: list[str]) -> int:
    """apt-get's exit code. Its package lists are fetched first: a fresh machine has none, or old ones."""
    apt = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
    apt += ["-o", "DPkg::Lock::Timeout=300", "-o", "Dpkg::Use-Pty=0"]
    if subprocess.run([*apt, "update"], stdin=subprocess.DEVNULL).returncode != 0:
        print("apt-get update failed; trying with the package lists that are here.", flush=True)
    command = [*apt, "install", "--yes", "--no-install-recommends", *names]
    return subprocess.run(command, stdin=subprocess.DEVNULL).returncode


def main(purpose: str) -> int:
    """0 when everything is there at the end, else 1."""
    if sys.version_info < OLDEST_PYTHON:
        print(
            "bootmenu needs Python {}.{} or newer, and {} is {}.{}.\n"
            "Install a newer one and name it to make: make run PYTHON=python3.12".format(
                *OLDEST_PYTHON, sys.executable, *sys.version_info[:2]
            )
        )
        return 1
    missing = [package for package in PURPOSES[purpose] if package.is_missing()]
    if not missing:
        return 0
    names = [package.name for package in missing]
    print("These system packages are needed and not installed:")
    for package in missing:
        print(f"  {package.name}: {package.reason}")

    prefix = root_prefix()
    if shutil.which("apt-get") is None:
        print("There is no apt-get here. Install what your distribution calls them, then try again.")
    elif prefix is None:
        print("Only root can install them, and sudo would ask for a password. Run this, then try again:")
        print(f"  sudo apt-get update && sudo apt-get install --no-install-recommends {' '.join(names)}")
    else:
        print("Installing them with apt-get, without recommended packages.", flush=True)
        if install(names, prefix) == 0:
            return 0
        print(f"apt-get could not install {' '.join(names)}; its own message is above.")
    if purpose == "test" and VENV not in names:
        print("make test-fast boots nothing and needs few of them.")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
