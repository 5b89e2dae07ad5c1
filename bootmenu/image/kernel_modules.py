# SPDX-License-Identifier: MIT
"""Select the kernel modules of a first stage: those that init inserts, in order, and those for modprobe.

The order is derived from the modules' ``depends=`` and ``softdep=`` in .modinfo, because a package that is only
unpacked has no modules.dep.
"""

from __future__ import annotations

import fnmatch
import gzip
import io
import lzma
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

import zstandard

from bootmenu.errors import FormatError
from bootmenu.formats.elf import elf_file
from bootmenu.formats.reader import Buffer
from bootmenu.image.rootfs import Root
from bootmenu.model.value import Value

INSERTED = (
    # buses and consoles of virtual machines
    "virtio_pci", "virtio_mmio", "virtio_blk", "virtio_scsi", "virtio_console", "virtio_gpu", "bochs",
    "virtio_input",
    # disks
    "nvme", "sd_mod", "ahci", "ahci_platform", "usb_storage", "uas", "mmc_block",
    "sdhci_pci", "sdhci_acpi", "sdhci_iproc", "sdhci_of_*", "sdhci_tegra", "sdhci_msm", "bcm2835", "dw_mmc*",
    "meson_gx_mmc", "sunxi_mmc",
    # USB hosts and keyboards
    "xhci_pci", "xhci_plat_hcd", "ehci_pci", "ehci_platform", "ohci_pci", "ohci_platform", "dwc2", "dwc3",
    "dwc3_of_simple", "usbhid", "hid_generic",
    # buttons: /dev/input/event* itself, GPIO keys, volume keys on an ADC, power keys of power management chips
    "evdev", "gpio_keys", "adc_keys", "axp20x_pek", "rk805_pwrkey", "pm8941_pwrkey",
    # file systems and partitions of nearly every board's disk
    "ext4", "vfat", "nls_cp437", "nls_ascii", "dm_mod",
)  # fmt: skip
"""Modules that init always inserts: names with underscores only; patterns need not match."""

ON_DEMAND = (
    "btrfs", "xfs", "f2fs", "exfat", "isofs", "squashfs", "erofs", "overlay", "nls_iso8859_1", "nls_utf8",
    # for EFI variables: state.device = "efi"
    "efivarfs",
    # image files, RAID and encrypted partitions
    "loop", "md_mod", "raid0", "raid1", "raid10", "raid456", "dm_crypt",
    # usual algorithms of encrypted partitions, for the kernel and for cryptsetup
    "xts", "cbc", "ecb", "essiv", "aes_generic", "aes_arm64", "aes_ce_blk", "aes_neon_blk", "sha256_generic",
    "af_alg", "algif_skcipher", "algif_hash",
)  # fmt: skip
"""Modules that the kernel loads with modprobe on demand; btrfs alone takes a second to benchmark its checksums."""

_MAX_MODULE = 64 << 20
_ENDINGS = (".ko", ".ko.xz", ".ko.zst", ".ko.gz")


class ModuleInfo(Value, kw_only=True):
    """The metadata in a module's .modinfo section."""

    aliases: tuple[str, ...] = ()
    """Patterns of names by which the kernel may request it."""
    depends: tuple[str, ...] = ()
    pre: tuple[str, ...] = ()
    """softdep names to load before it."""
    post: tuple[str, ...] = ()
    """softdep names to load after it."""

    @classmethod
    def from_bytes(cls, data: bytes, name: str) -> ModuleInfo:
        """Read an uncompressed module. Raise FormatError if it is not an ELF file with a .modinfo section."""
        with elf_file(Buffer(data), name) as elf:
            section = elf.get_section_by_name(".modinfo")
            text = b"" if section is None else bytes(section.data())
        if section is None:
            raise FormatError(f"{name} is not a kernel module: it has no .modinfo section")
        aliases: list[str] = []
        depends: list[str] = []
        soft: dict[str, list[str]] = {"pre:": [], "post:": []}
        for entry in text.split(b"\0"):
            key, _, value = entry.decode("utf-8", "replace").partition("=")
            if key == "depends":
                depends += [normalise(part) for part in value.split(",") if part]
            elif key == "alias":
                aliases.append(value)
            elif key == "softdep":
                kind = "pre:"
                for word in value.split():
                    if word in soft:
                        kind = word
                    else:
                        soft[kind].append(normalise(word))
        return cls(aliases=tuple(aliases), depends=tuple(depends), pre=tuple(soft["pre:"]), post=tuple(soft["post:"]))


class Module(Value, kw_only=True):
    """One module for the image."""

    path: str
    """Path in the root tree, ending in ``.ko``."""
    data: bytes
    """Uncompressed content."""
    info: ModuleInfo

    @property
    def name(self) -> str:
        """Return the name as shown by the kernel, with underscores."""
        return normalise(PurePosixPath(self.path).name.removesuffix(".ko"))


class ModuleSet(Value, kw_only=True):
    """Modules of one kernel, each after its dependencies."""

    folder: str
    """``/lib/modules/VERSION``."""
    inserted: tuple[Module, ...] = ()
    on_demand: tuple[Module, ...] = ()
    absent: tuple[str, ...] = ()
    """Requested names that this kernel has neither as a module nor built in."""
    problems: tuple[str, ...] = ()
    """Messages about modules that were left out because they cannot be used."""

    @property
    def modules(self) -> tuple[Module, ...]:
        """Return all modules."""
        return self.inserted + self.on_demand

    def dependency_table(self) -> str:
        """Return the content of modules.dep(5): the dependencies of each module, direct ones first."""
        by_name = {module.name: module for module in self.modules}

        def relative(module: Module) -> str:
            return module.path.removeprefix(f"{self.folder}/")

        def needed(module: Module, seen: dict[str, None]) -> dict[str, None]:
            for name in module.info.depends:
                if name in by_name and name not in seen:
                    needed(by_name[name], seen)
                    seen[name] = None
            return seen

        lines: list[str] = []
        for module in self.modules:
            before = [relative(by_name[name]) for name in reversed(needed(module, {}))]
            lines.append(" ".join([f"{relative(module)}:", *before]) + "\n")
        return "".join(lines)

    def alias_table(self) -> str:
        """Return the content of modules.alias, as depmod(8) writes it."""
        return "".join(f"alias {alias} {module.name}\n" for module in self.modules for alias in module.info.aliases)


def normalise(name: str) -> str:
    """Return a module's name with underscores, which the kernel treats the same as dashes."""
    return name.strip().replace("-", "_")


def decompress(data: bytes, name: str) -> bytes:
    """Return the uncompressed content of a module file. Raise FormatError if it is damaged or too large."""
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
    """Return the kernel versions with a directory of modules, sorted as text."""
    folders = [folder for top in ("/lib/modules", "/usr/lib/modules") if (folder := root.host(top)) is not None]
    return tuple(sorted({path.name for folder in folders for path in folder.iterdir() if path.is_dir()}))


def collect(
    root: Root, version: str, inserted: Sequence[str] = INSERTED, on_demand: Sequence[str] = ON_DEMAND
) -> ModuleSet:
    """Return the requested modules of one kernel version with all their dependencies."""
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
    order = _Order(root, available, builtin)
    first = order.run(inserted)
    return ModuleSet(
        folder=folder,
        inserted=first,
        on_demand=order.run(on_demand),
        absent=tuple(order.absent),
        problems=tuple(order.problems),
    )


class _Order:
    """Order modules by a depth-first walk over their dependencies."""

    def __init__(self, root: Root, available: Mapping[str, str], builtin: frozenset[str]) -> None:
        self._root = root
        self._available = available
        self._builtin = builtin
        self._modules: list[Module] = []
        self._done: dict[str, bool] = {}
        self.absent: list[str] = []
        self.problems: list[str] = []

    def run(self, wanted: Sequence[str]) -> tuple[Module, ...]:
        """Return the requested modules and their dependencies, without those of earlier calls."""
        self._modules = []
        for pattern in wanted:
            names = fnmatch.filter(sorted(self._available), pattern)
            if not names and not fnmatch.filter(self._builtin, pattern):
                self.absent.append(pattern)
            for name in names:
                self._visit(name)
        return tuple(self._modules)

    def _visit(self, name: str) -> bool:
        """Append a module after its dependencies; return False if it cannot be used."""
        if name in self._done:
            return self._done[name]
        self._done[name] = True  # which also breaks cycles
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
            self.problems.append(error.message)
            self._done[name] = False
            return False
        for soft in info.pre:
            self._visit_soft(soft)
        missing = [needed for needed in info.depends if not self._visit(needed)]
        if missing:
            self.problems.append(f"{path} needs {', '.join(missing)}, which this kernel does not have")
            self._done[name] = False
            return False
        plain = PurePosixPath(path).name.partition(".ko")[0] + ".ko"
        self._modules.append(Module(path=str(PurePosixPath(path).with_name(plain)), data=data, info=info))
        for soft in info.post:
            self._visit_soft(soft)
        return True

    def _visit_soft(self, name: str) -> None:
        # A softdep may be an alias ("crc32c"), of which the generic implementation works on every machine.
        for candidate in (name, f"{name}_generic"):
            if candidate in self._available or candidate in self._builtin:
                self._visit(candidate)
                return
