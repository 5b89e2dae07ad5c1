# SPDX-License-Identifier: MIT
"""Programs of a newer Debian beside this machine's: QEMU, which has more boards, and Python, which makes bytecode."""

from __future__ import annotations

import fcntl
import hashlib
import shlex
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from bootmenu.image.apt import Apt, Package, choose_sources, host_source_files
from bootmenu.image.debian import unpack
from bootmenu.system.processes import Commands

_PACKAGES = {
    "qemu-system-aarch64": ("trixie", "qemu-system-arm", "qemu-system-common", "qemu-system-data"),
    "qemu-system-riscv64": ("trixie", "qemu-system-riscv", "qemu-system-common", "qemu-system-data", "opensbi"),
    "qemu-system-ppc64": ("trixie", "qemu-system-ppc", "qemu-system-common", "qemu-system-data"),
    "qemu-system-loongarch64": ("trixie", "qemu-system-misc", "qemu-system-common", "qemu-system-data"),
    "python3": ("sid", "python3-minimal", "libpython3-stdlib"),
}
"""The suite of each program, and the packages that it needs besides libraries."""
_FOLLOWED = ("libs", "oldlibs", "python")
"""Sections of the packages that are installed because another one needs them."""
_SCRIPT = """#!/bin/sh
export QEMU_MODULE_DIR={root}/usr/lib/x86_64-linux-gnu/qemu
exec {root}/usr/lib64/ld-linux-x86-64.so.2 --library-path {root}/usr/lib/x86_64-linux-gnu {root}/usr/bin/{program} \
{options} "$@"
"""
"""Its own libraries, by the tree's own loader: nothing of this machine but the kernel."""


def install(program: str, cache: Path) -> Path:
    """Return a command of the program's name that runs it; it is downloaded once for each version."""
    suite, *wanted = _PACKAGES[program]
    top = cache / f"{program}-{suite}"
    top.mkdir(parents=True, exist_ok=True)
    with (cache / f"{suite}-amd64.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two machines may want one at the same time, and there is one apt
        archive = Apt(
            cache / "apt" / f"{suite}-amd64-programs",
            architecture="amd64",
            sources=choose_sources(suite, None, host_source_files()),
            runner=Commands(),
        )
        archive.update()
        packages = sorted(_closure(("libc6", *wanted), archive), key=lambda package: package.name)
        state = hashlib.sha256(_SCRIPT.encode() + "".join(package.sha256 for package in packages).encode())
        made = top / state.hexdigest()[:16]
        script = made / program
        if not script.exists():
            for old in top.iterdir():
                shutil.rmtree(old)
            files = archive.download(packages)
            unpack([(package, files[package.name]) for package in packages], made / "root", Commands())
            for file in files.values():
                file.unlink()
            root = shlex.quote(str(made / "root"))
            options = f"-L {root}/usr/share/qemu" if program.startswith("qemu") else ""
            script.write_text(_SCRIPT.format(root=root, program=program, options=options))
            script.chmod(0o755)
    return script


def _closure(wanted: Sequence[str], archive: Apt) -> Iterator[Package]:
    """Yield the packages, and the libraries that they need."""
    known, level = set(wanted), list(wanted)
    while level:
        found = archive.show(level)
        assert found.keys() >= set(level) & set(wanted), f"not all of {wanted} are packages"
        followed = [item for item in found.values() if item.name in wanted or item.section in _FOLLOWED]
        yield from followed
        level = sorted({name for item in followed for name in item.depends} - known)
        known.update(level)
