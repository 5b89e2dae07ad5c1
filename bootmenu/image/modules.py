# SPDX-License-Identifier: MIT
"""Kernel modules for a first stage: which files, and in which order init inserts them.

The order follows what the modules say themselves (``depends=`` and ``softdep=`` in .modinfo), because a
package that was only unpacked has no modules.dep.
"""

from __future__ import annotations

import fnmatch
import gzip
import io
import lzma
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import zstandard
from elftools.elf.elffile import ELFFile

from bootmenu.errors import FormatError
from bootmenu.image.elf import DAMAGE
from bootmenu.image.rootfs import Root

WANTED = (
    # buses and consoles of virtual machines
    "virtio_pci", "virtio_mmio", "virtio_blk", "virtio_scsi", "virtio_console", "virtio_gpu", "virtio_input",
    # disks
    "nvme", "sd_mod", "ahci", "ahci_platform", "usb_storage", "uas", "mmc_block",
    "sdhci_pci", "sdhci_acpi", "sdhci_iproc", "sdhci_of_*", "sdhci_tegra", "sdhci_msm", "bcm2835", "dw_mmc*",
    "meson_gx_mmc", "sunxi_mmc",
    # USB hosts and keyboards
    "xhci_pci", "xhci_plat_hcd", "ehci_pci", "ehci_platform", "ohci_pci", "ohci_platform", "dwc2", "dwc3",
    "dwc3_of_simple", "usbhid", "hid_generic",
    # file systems
    "ext4", "vfat", "nls_cp437", "nls_ascii", "nls_iso8859_1", "nls_utf8", "btrfs", "xfs", "isofs", "squashfs",
    "dm_mod", "overlay",
)  # fmt: skip
"""Module names, underscores only; a pattern may match nothing."""

_MAX_MODULE = 64 << 20
_ENDINGS = (".ko", ".ko.xz", ".ko.zst", ".ko.gz")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleInfo:
    """What a module says about itself."""

    depends: tuple[str, ...] = ()
    pre: tuple[str, ...] = ()
    """softdep names that should be there first."""
    post: tuple[str, ...] = ()
    """softdep names that should follow."""

    @classmethod
    def from_bytes(cls, data: bytes, name: str) -> ModuleInfo:
        """From an uncompressed module. Raises FormatError when it is no ELF file with a .modinfo section."""
        try:
            section = ELFFile(io.BytesIO(data)).get_section_by_name(".modinfo")
            text = b"" if section is None else bytes(section.data())
        except DAMAGE as error:
            raise FormatError(f"{name} is not a kernel module: {error or type(error).__name__}") from error
        if section is None:
            raise FormatError(f"{name} is not a kernel module: it has no .modinfo section")
        depends: list[str] = []
        soft: dict[str, list[str]] = {"pre:": [], "post:": []}
        for entry in text.split(b"\0"):
            key, _, value = entry.decode("utf-8", "replace").partition("=")
            if key == "depends":
                depends += [normalise(part) for part in value.split(",") if part]
            elif key == "softdep":
                kind = "pre:"
                for word in value.split():
                    if word in soft:
                        kind = word
                    else:
                        soft[kind].append(normalise(word))
        return cls(depends=tuple(depends), pre=tuple(soft["pre:"]), post=tuple(soft["post:"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleSet:
    """Modules in the order of insertion."""

    files: Mapping[str, bytes] = field(default_factory=dict)
    """Path in the root tree, ending in ``.ko``, → uncompressed module; insertion order."""
    absent: tuple[str, ...] = ()
    """Wanted names that this kernel has neither as a module nor built in."""
    problems: tuple[str, ...] = ()
    """Modules that were left out because they could not be read, and why."""


def normalise(name: str) -> str:
    """The kernel takes dashes and underscores in module names for the same."""
    return name.strip().replace("-", "_")


def decompress(data: bytes, name: str) -> bytes:
    """A module file's content. Raises FormatError when it is damaged or bigger than any module is."""
    try:
        if name.endswith(".xz"):
            plain = lzma.LZMADecompressor().decompress(data, _MAX_MODULE)
        elif name.endswith(".zst"):
            with zstandard.ZstdDecompressor().stream_reader(data) as reader:
                plain = reader.read(_MAX_MODULE)
        elif name.endswith(".gz"):
            with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
                plain = file.read(_MAX_MODULE)
        else:
            plain = data
    except (lzma.LZMAError, zstandard.ZstdError, OSError, EOFError) as error:
        raise FormatError(f"{name} cannot be unpacked: {error}") from error
    if len(plain) >= _MAX_MODULE:
        raise FormatError(f"{name} is bigger than {_MAX_MODULE >> 20} MiB")
    return plain


def versions(root: Root) -> tuple[str, ...]:
    """Kernel versions that have a module folder, sorted as text."""
    host = root.host("/lib/modules")
    return () if host is None else tuple(sorted(path.name for path in host.iterdir() if path.is_dir()))


def collect(root: Root, version: str, wanted: Sequence[str] = WANTED) -> ModuleSet:
    """The wanted modules of one kernel version with all they depend on."""
    folder = f"/lib/modules/{version}"
    available: dict[str, str] = {}
    for path in root.files(f"{folder}/kernel"):
        ending = next((ending for ending in _ENDINGS if path.endswith(ending)), None)
        if ending is not None:
            available.setdefault(normalise(PurePosixPath(path).name.removesuffix(ending)), path)
    builtin: frozenset[str] = frozenset()
    if root.resolve(f"{folder}/modules.builtin") is not None:
        text = root.read(f"{folder}/modules.builtin").decode("utf-8", "replace")
        builtin = frozenset(normalise(PurePosixPath(line).name.removesuffix(".ko")) for line in text.splitlines())
    return _Order(root, available, builtin).run(wanted)


class _Order:
    """A depth-first walk over the dependencies."""

    def __init__(self, root: Root, available: Mapping[str, str], builtin: frozenset[str]) -> None:
        self._root = root
        self._available = available
        self._builtin = builtin
        self._files: dict[str, bytes] = {}
        self._done: dict[str, bool] = {}
        self._absent: list[str] = []
        self._problems: list[str] = []

    def run(self, wanted: Sequence[str]) -> ModuleSet:
        for pattern in wanted:
            names = fnmatch.filter(sorted(self._available), pattern)
            if not names and not fnmatch.filter(self._builtin, pattern):
                self._absent.append(pattern)
            for name in names:
                self._visit(name)
        return ModuleSet(files=self._files, absent=tuple(self._absent), problems=tuple(self._problems))

    def _visit(self, name: str) -> bool:
        """Insert a module after what it needs; False when it cannot be had."""
        if name in self._done:
            return self._done[name]
        self._done[name] = True  # also ends circles
        if name in self._builtin:
            return True
        path = self._available.get(name)
        if path is None:
            self._done[name] = False
            return False
        try:
            data = decompress(self._root.read(path), path)
            info = ModuleInfo.from_bytes(data, path)
        except FormatError as error:
            self._problems.append(error.message)
            self._done[name] = False
            return False
        for soft in info.pre:
            self._visit_soft(soft)
        missing = [needed for needed in info.depends if not self._visit(needed)]
        if missing:
            self._problems.append(f"{path} needs {', '.join(missing)}, which this kernel does not have")
            self._done[name] = False
            return False
        self._files[str(PurePosixPath(path).with_name(PurePosixPath(path).name.partition(".ko")[0] + ".ko"))] = data
        for soft in info.post:
            self._visit_soft(soft)
        return True

    def _visit_soft(self, name: str) -> None:
        # A softdep may be an alias ("crc32c"); the generic implementation is the one every machine can insert.
        for candidate in (name, f"{name}_generic"):
            if candidate in self._available or candidate in self._builtin:
                self._visit(candidate)
                return
