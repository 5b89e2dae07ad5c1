# SPDX-License-Identifier: MIT
"""Check that the kernel was built for this entry and this machine: its release, configuration and page size."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from bootmenu.compat.checker import CheckResult, another_copy, entry_check, failed, passed, unknown, warned
from bootmenu.compat.checks.kernel_format import image_of
from bootmenu.compat.facts import EntryFacts
from bootmenu.model.entry import CommandLine
from bootmenu.model.kernel import Architecture
from bootmenu.model.machine import MachineFacts
from bootmenu.sources import version_of
from bootmenu.sources.version import is_version


@entry_check("IMG-VERSION", after="IMG-CHECKSUM", requires=("IMG-FORMAT",))
def version(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:  # noqa: ARG001
    """Compare the kernel's own release with the version in its file name and in the entry.

    The version decides where modules are looked for. If a file was renamed or overwritten, they are not found.

    warn: the kernel is of another version than its name or the configuration says. → Reinstall the kernel package,
        or write the configuration anew.
    evidence: banner: the kernel's own release; file_name and configured: the release that these name
    """
    file = entry.file("kernel")
    banner = entry.banner or image_of(entry).version
    if banner is None or file is None:
        return
    named = version_of(file.resolved or file.path)
    evidence: dict[str, object] = {"banner": banner, "file_name": named, "configured": entry.version}
    if other := image_of(entry).other_program:
        yield passed(f"This is {other}, which is no Linux.", **evidence)
    elif named and named != banner:
        yield warned(
            f"{file.name} is Linux {banner}, not {named} as its name says: its modules may not be found.",
            f"The file was renamed or overwritten: {another_copy(entry)}.",
            **evidence,
        )
    elif is_version(entry.version) and entry.version != banner:
        yield warned(
            f"{file.name} is Linux {banner}, not {entry.version} as the configuration says.",
            "Another kernel was put in its place: write the configuration anew.",
            **evidence,
        )
    else:
        yield passed(f"This is Linux {banner}.", **evidence)


_FILE_SYSTEMS = {
    "ext2": "EXT2_FS", "ext3": "EXT4_FS", "ext4": "EXT4_FS", "btrfs": "BTRFS_FS", "xfs": "XFS_FS",
    "f2fs": "F2FS_FS", "vfat": "VFAT_FS", "erofs": "EROFS_FS", "squashfs": "SQUASHFS", "nfs": "NFS_FS",
    "nfs4": "NFS_V4", "ubifs": "UBIFS_FS", "jffs2": "JFFS2_FS", "bcachefs": "BCACHEFS_FS",
}  # fmt: skip


def _lacks(entry: EntryFacts, config: Mapping[str, str]) -> Iterator[str]:
    """Yield a description of each thing that the entry needs and the kernel was built without."""
    packed = any(file.role == "initramfs" for file in entry.files)
    if packed and config.get("BLK_DEV_INITRD") != "y":
        yield "it cannot use an initramfs (CONFIG_BLK_DEV_INITRD)"
    for initramfs in entry.initramfs:
        name = (initramfs.compression or "").upper()
        if name and config.get(f"RD_{name}") != "y":
            yield f"it cannot unpack an initramfs packed with {initramfs.compression} (CONFIG_RD_{name})"
    kind = CommandLine(entry.command_line).get("rootfstype") or ""
    for driver in (_FILE_SYSTEMS[name] for name in kind.split(",")[:1] if name in _FILE_SYSTEMS):
        # a module is no help without an initramfs
        if config.get(driver) != "y" and not (packed and config.get(driver) == "m"):
            yield f"it has no built-in driver for the root file system {kind} (CONFIG_{driver})"


@entry_check("IMG-CONFIG", requires=("IMG-FORMAT",))
def configuration(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:
    """Check that the kernel was built with what this entry needs, if its configuration is known.

    A kernel needs built-in support for its initramfs' compression, for its root file system if it has no initramfs,
    and for as many CPUs as there are.

    warn: something that this entry needs was not built in. → Use a kernel built for this machine, or pack the
        initramfs in another way.
    unknown: how many CPUs this machine has is not known. → Mount /sys.
    evidence: NR_CPUS: of the kernel's configuration; cpus: how many there are; lacks: what is missing
    """
    config = entry.configuration
    if config is None:
        return
    own = entry.own_tree.tree if entry.wants_own_tree and entry.own_tree else None
    if own is not None:
        cpus: int | None = len(own.cpus)
    else:
        cpus = None if machine.possible_cpus is None else len(machine.possible_cpus)
    limit = config.get("NR_CPUS", "")
    lacks = list(_lacks(entry, config))
    if re.fullmatch("[0-9]{1,9}", limit) and cpus is not None and int(limit) < cpus:
        lacks.append(f"it uses {limit} of {cpus} CPUs (CONFIG_NR_CPUS)")
    evidence: dict[str, object] = {"NR_CPUS": limit or None, "cpus": cpus, "lacks": lacks}
    if lacks:
        yield warned(
            f"This kernel was built without something that this entry needs: {'; '.join(lacks)}.",
            "Use a kernel built for this machine, or pack the initramfs in another way.",
            **evidence,
        )
    elif cpus is None:
        yield unknown(
            "Whether this kernel was built for as many CPUs as there are is not known.",
            "Is /sys mounted? /sys/devices/system/cpu/possible says how many there are.",
            **evidence,
        )
    else:
        yield passed("Built with what this entry needs.", **evidence)


# ID_AA64MMFR0_EL1 is not readable from user space with its granule fields, so the part decides. Implementer 0x41
# is Arm, 0x46 Fujitsu; page sizes by the technical reference manual of each part. What is not here is unknown.
_ALL = frozenset({4096, 16384, 65536})
_NO_16K = frozenset({4096, 65536})
_GRANULES: dict[tuple[int, int], tuple[str, frozenset[int]]] = {
    (0x41, 0xD03): ("Cortex-A53", _NO_16K),
    (0x41, 0xD04): ("Cortex-A35", _ALL),
    (0x41, 0xD07): ("Cortex-A57", _NO_16K),
    (0x41, 0xD08): ("Cortex-A72", _NO_16K),
    (0x41, 0xD0B): ("Cortex-A76", _ALL),
    (0x41, 0xD0C): ("Neoverse N1", _ALL),
    (0x46, 0x001): ("A64FX", _NO_16K),
}


def core_name(midr: int | None) -> str:
    """Return the name of a processor core by its MIDR_EL1, or an empty string if it is not known here."""
    part = _part(midr)
    return part[0] if part else ""


def _kib(size: int) -> str:
    return f"{size // 1024} KiB"


@entry_check("IMG-PAGE", requires=("IMG-FORMAT", "IMG-ARCH"))
def page_size(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:
    """Check that the CPU supports the kernel's page size: kexec does not, and the next kernel would hang.

    An arm64 kernel is built for pages of 4, 16 or 64 KiB, and not every CPU can do every size. kexec loads such a
    kernel without an error, and the machine hangs after the jump.

    warn: some CPUs cannot do this page size, and stay off. → Choose a kernel with 4 KiB pages to keep all of them.
    fail: the CPU that makes the jump cannot do it. → Choose a kernel with 4 KiB pages.
    unknown: the kernel does not say its page size, or what this CPU can do is not known. → A kernel with the page
        size of the running one is safe.
    evidence: kernel_page_size and running_page_size, in bytes; midr: the model of each CPU
    """
    if entry.kernel is None or entry.kernel.image is None:
        return
    image = image_of(entry)
    if image.architecture is not Architecture.ARM64:
        return
    midrs = {cpu.number: cpu.midr for cpu in machine.cpus}
    evidence: dict[str, object] = {
        "kernel_page_size": image.page_size,
        "running_page_size": machine.page_size,
        "midr": {str(number): None if midr is None else f"{midr:#x}" for number, midr in midrs.items()},
    }
    if image.page_size is None:
        yield unknown(
            f"{entry.kernel_name} does not say which page size it was built for.",
            "Look at CONFIG_ARM64_*_PAGES in its configuration.",
            **evidence,
        )
        return
    wanted = _kib(image.page_size)
    if image.page_size == machine.page_size:
        yield passed(f"Uses {wanted} pages, as the running kernel does.", **evidence)
        return
    parts = {number: _part(midr) for number, midr in midrs.items()}
    unable = {number: part[0] for number, part in parts.items() if part and image.page_size not in part[1]}
    jump_cpu = machine.jump_cpu
    if jump_cpu in unable:
        can = " and ".join(_kib(size) for size in sorted((parts[jump_cpu] or ("", _ALL))[1]))
        yield failed(
            f"This kernel uses {wanted} pages. The {unable[jump_cpu]} here can do {can}.",
            "Choose a kernel with 4 KiB pages.",
            **evidence,
        )
    elif unable:
        numbers = ", ".join(map(str, unable))
        yield warned(
            f"This kernel uses {wanted} pages, which CPU {numbers} ({', '.join(sorted(set(unable.values())))}) "
            "cannot do: it will run without.",
            "Choose a kernel with 4 KiB pages to keep all CPUs.",
            **evidence,
        )
    elif not parts or any(part is None for part in parts.values()):
        yield unknown(
            f"This kernel uses {wanted} pages; whether this CPU can do them is not known.",
            "A kernel with the page size of the running one is safe"
            + (f": {_kib(machine.page_size)}." if machine.page_size else "."),
            **evidence,
        )
    else:
        name = next((part[0] for part in parts.values() if part), "CPU")
        yield passed(f"Uses {wanted} pages; the {name} here can do them.", **evidence)


def _part(midr: int | None) -> tuple[str, frozenset[int]] | None:
    return None if midr is None else _GRANULES.get((midr >> 24 & 0xFF, midr >> 4 & 0xFFF))
