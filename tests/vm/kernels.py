# SPDX-License-Identifier: MIT
"""Debian kernels and their device trees, downloaded once and unpacked, never run on this machine."""

from __future__ import annotations

import fcntl
import shutil
import struct
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from bootmenu.formats.compression import unpack
from bootmenu.formats.reader import Buffer, Window
from bootmenu.image import apt, debian
from bootmenu.model.kernel import Compression
from bootmenu.system.processes import Commands


class Kernel(StrEnum):
    """A kernel package of a suite."""

    BOOKWORM = "bookworm/linux-image-cloud-arm64"
    BOOKWORM_FULL = "bookworm/linux-image-arm64"
    TRIXIE = "trixie/linux-image-cloud-arm64"
    TRIXIE_FULL = "trixie/linux-image-arm64"
    TRIXIE_16K = "trixie/linux-image-arm64-16k"
    PC = "bookworm/linux-image-cloud-amd64"
    PC_FULL = "bookworm/linux-image-amd64"
    PC_TRIXIE = "trixie/linux-image-cloud-amd64"
    PC_32_BITS = "bookworm/linux-image-686"
    RISCV = "sid/linux-image-riscv64"
    POWER = "sid/linux-image-powerpc64le"
    LOONGARCH = "sid/linux-image-loong64"

    @property
    def architecture(self) -> str:
        """Debian's name of it."""
        name = self.rpartition("/")[2].removeprefix("linux-image-").removeprefix("cloud-").partition("-")[0]
        return {"686": "i386", "powerpc64le": "ppc64el"}.get(name, name)


@dataclass(frozen=True, slots=True)
class Kernels:
    """The kernels, below one cache folder."""

    cache: Path

    def image(self, kernel: Kernel) -> Path:
        """Its vmlinuz."""
        root = self._root(kernel)
        (path,) = (*root.glob("boot/vmlinuz-*"), *root.glob("usr/lib/modules/*/vmlinuz"))
        return path

    def unpacked(self, kernel: Kernel, folder: Path) -> Path:
        """Its vmlinuz, or in place of an EFI zboot what is in it: QEMU knows no zstd."""
        path = self.image(kernel)
        data = path.read_bytes()
        if data[4:8] != b"zimg":
            return path
        offset, size = struct.unpack_from("<II", data, 8)
        bare = folder / "unpacked"
        bare.write_bytes(b"".join(piece for piece, _ in unpack(Window(Buffer(data), offset, size), Compression.ZSTD)))
        return bare

    def device_trees(self, kernel: Kernel = Kernel.BOOKWORM_FULL) -> list[Path]:
        """All of a package."""
        return list(self._root(kernel).glob("usr/lib/linux-image-*/**/*.dtb"))

    def device_tree(self, name: str, kernel: Kernel = Kernel.BOOKWORM_FULL) -> Path:
        """A board's tree from a package, by file name."""
        (path,) = (path for path in self.device_trees(kernel) if path.name == name)
        return path

    def _root(self, kernel: Kernel) -> Path:
        suite, _, package = kernel.partition("/")
        return self.package(suite, package, kernel.architecture)

    def package(self, suite: str, package: str, architecture: str) -> Path:
        """A folder with what is in a package, or in the kernel that it stands for."""
        root = self.cache / "kernels" / suite / package
        root.parent.mkdir(parents=True, exist_ok=True)
        with (root.parent / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # two machines may want kernels of one suite, which has one apt
            if not root.is_dir():
                self._fetch(suite, package, architecture, root)
        return root

    def _fetch(self, suite: str, package: str, architecture: str, root: Path) -> None:
        commands = Commands()
        sources = apt.choose_sources(suite, None, apt.host_source_files())
        if architecture == "i386":  # it is there to be refused: without updates it will do
            sources = tuple(source for source in sources if source.suite == suite)
        folder = self.cache / "apt" / (suite if architecture == "arm64" else f"{suite}-{architecture}")
        archive = apt.Apt(folder, architecture=architecture, sources=sources, runner=commands)
        archive.update()
        wanted: list[apt.Package] = []
        names = [package]
        while names:
            level = archive.show(names).values()
            wanted += level
            # since 7.0 the kernel is not in linux-image-VERSION, nor are its modules, which are large
            parts = ("linux-image-", "linux-binary-")
            names = [name for item in level for name in item.depends if name.startswith(parts)]
        files = archive.download(wanted)
        fresh = root.with_suffix(".new")
        shutil.rmtree(fresh, ignore_errors=True)
        debian.unpack([(item, files[item.name]) for item in wanted], fresh, commands)
        shutil.rmtree(fresh / "lib" / "modules", ignore_errors=True)  # large, and not used
        fresh.rename(root)
