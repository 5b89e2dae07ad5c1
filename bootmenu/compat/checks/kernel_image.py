# SPDX-License-Identifier: MIT
"""Is the kernel file a whole kernel for this machine, built for a page size that its CPU can do?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from bootmenu.compat.checker import Says, another_copy, cut_off, entry_check, failed, passed, unknown, warned
from bootmenu.compat.checks.kexec_support import FILE_LOAD, loads_by_file
from bootmenu.compat.facts import EntryFacts, FileState
from bootmenu.model.entry import CommandLine
from bootmenu.model.kernel import Architecture, ByteOrder, Compression, KernelImage
from bootmenu.model.machine import MachineFacts
from bootmenu.sources import version_of

CONTAINERS = ("zboot", "uki", "fit")
"""Files around a kernel that have a check of their own."""


def _image(entry: EntryFacts) -> KernelImage:
    assert entry.kernel is not None
    assert entry.kernel.image is not None, "IMG-FORMAT is required by every check that asks"
    return entry.kernel.image


def _name(entry: EntryFacts) -> str:
    file = entry.file("kernel")
    return file.name if file else "the kernel"


def _loadable(machine: MachineFacts) -> str:
    """Return what can be loaded on a machine of this architecture."""
    match machine.architecture:
        case Architecture.ARM64:
            return "an arm64 Image, raw, packed, or in a zboot, UKI, FIT, uImage or vmlinux"
        case Architecture.X86_64 | Architecture.X86:
            return "a bzImage, as distributions have it in /boot/vmlinuz, or a UKI"
        case Architecture.RISCV64:
            return "a riscv64 Image, raw, packed, or in a zboot, UKI, FIT or uImage"
        case None:
            return "a kernel of this machine's architecture"
        case other:
            return f"a kernel for {other}"


@entry_check("IMG-FORMAT", order=200)
def recognised(machine: MachineFacts, entry: EntryFacts) -> Iterator[Says]:
    """The file is a kernel that can be loaded from here."""
    file = entry.file("kernel")
    if file is not None and file.state is not FileState.PRESENT:
        return  # FILE-MISSING and FILE-OUTSIDE have said why
    kernel = entry.kernel
    if kernel is None:
        yield unknown(f"{_name(entry)} could not be read.", "Run bootmenu as root; look at the disk.")
    elif kernel.image is None and kernel.container in CONTAINERS:
        return  # IMG-ZBOOT, IMG-UKI or IMG-FIT says why
    elif kernel.image is None:
        like = f": it looks like {kernel.looks_like}" if kernel.looks_like else f": {kernel.problem}"
        why = f", and {kernel.problem}" if kernel.container else ""
        yield failed(
            f"{_name(entry)} is no kernel that can be loaded here{like}{why}.",
            f"Name a file that is one: {_loadable(machine)}."
            if entry.typed
            else f"Name {_loadable(machine)} in the configuration.",
            looks_like=kernel.looks_like,
            problem=kernel.problem,
        )
    else:
        image = kernel.image
        packed = "" if image.compression is Compression.NONE else f", packed with {image.compression}"
        within = "".join(f", within {container}" for container in reversed(image.containers))
        yield passed(
            f"A kernel for {image.architecture} ({image.format}{packed}{within}).",
            format=image.format,
            containers=list(image.containers),
            compression=str(image.compression),
        )


@entry_check("IMG-ARCH", order=210)
def right_architecture(machine: MachineFacts, entry: EntryFacts) -> Iterator[Says]:
    """The kernel is built for this machine's architecture."""
    theirs = entry.kernel.architecture if entry.kernel else None
    if theirs is None and entry.kernel and entry.kernel.image:
        theirs = entry.kernel.image.architecture
    evidence: dict[str, object] = {"kernel": theirs and str(theirs), "machine": machine.machine}
    if theirs is None:
        return  # nothing in the file says; IMG-FORMAT has spoken
    if machine.architecture is None:
        yield unknown(
            f"Whether this {machine.machine or 'machine'} runs {theirs} kernels is not known.",
            "bootmenu knows the common architectures only.",
            **evidence,
        )
    elif theirs is not machine.architecture:
        yield failed(
            f"{_name(entry)} is built for {theirs}, this machine is {machine.architecture}.",
            "Install a kernel for this architecture.",
            **evidence,
        )
    else:
        yield passed(f"Built for {theirs}, as this machine is.", **evidence)


@entry_check("IMG-TRUNC", order=220, requires=("IMG-FORMAT",))
def whole(machine: MachineFacts, entry: EntryFacts) -> Iterator[Says]:  # noqa: ARG001
    """The file is as long as its own section table demands: a cut one loads, jumps and dies."""
    if entry.kernel is None or entry.kernel.image is None:
        return
    image = entry.kernel.image
    evidence: dict[str, object] = {
        "file_size": image.file_size,
        "content_size": image.content_size,
        "declared_end": image.declared_end,
        "checksummed": image.checksummed,
        "damage": image.damage,
    }
    size = image.content_size
    hint = cut_off(entry)
    if image.damage is not None:
        yield failed(f"{_name(entry)} cannot be unpacked: {image.damage}.", hint, **evidence)
    elif image.declared_end is not None and size is None:
        yield unknown(
            f"How long {_name(entry)} is once it is unpacked is not known.",
            "Unpack it, and check the result.",
            **evidence,
        )
    elif image.declared_end is not None and size is not None and size < image.declared_end:
        yield failed(
            f"{_name(entry)} is cut off: {size:,} bytes are there, its section table names {image.declared_end:,}.",
            hint,
            **evidence,
        )
    elif image.declared_end is not None:
        yield passed("The file is as long as its section table says.", **evidence)
    elif image.checksummed:
        yield passed("The file unpacks to its end and its checksum is right.", **evidence)
    else:
        yield unknown(
            "Whether the whole kernel is there cannot be told: it has no section table (built without EFI stub).",
            "Compare the file's checksum with that of its source.",
            **evidence,
        )


# ID_AA64MMFR0_EL1 is not readable from user space with its granule fields, so the part decides. Implementer 0x41
# is Arm, 0x46 Fujitsu; page sizes by the technical reference manual of each part. What is not here is unknown.
_NATIVE = "kexec_load"  # a loading method
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


def _kib(size: int) -> str:
    return f"{size // 1024} KiB"


@entry_check("IMG-PAGE", order=230, requires=("IMG-FORMAT", "IMG-ARCH"))
def page_size(machine: MachineFacts, entry: EntryFacts) -> Iterator[Says]:
    """kexec never asks: a kernel with pages that the CPU cannot do loads, jumps and hangs for good."""
    if entry.kernel is None or entry.kernel.image is None:
        return
    image = _image(entry)
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
            f"{_name(entry)} does not say which page size it was built for.",
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


@entry_check("IMG-EMPTY", order=195)
def not_empty(machine: MachineFacts, entry: EntryFacts) -> Iterator[Says]:  # noqa: ARG001
    """A kernel of zero bytes is what a full disk leaves behind."""
    file = entry.file("kernel")
    if file is None or file.state is not FileState.PRESENT:
        return
    if file.size is None:
        yield unknown(f"How large {file.name} is was not read.", "Look at the file and at its disk.", size=None)
    elif file.size == 0:
        yield failed(
            f"{file.name} is empty.",
            f"The disk was full when it was written: make room, and {another_copy(entry)}.",
            size=0,
        )
    else:
        yield passed(f"The kernel has {file.size:,} bytes.", size=file.size)


@entry_check("IMG-SIZE0", order=221, requires=("IMG-FORMAT",))
def size_said(machine: MachineFacts, entry: EntryFacts) -> Iterator[Says]:
    """Kernels before 3.17 do not say how much memory they take."""
    image = _image(entry)
    if image.format != "arm64-image":
        return
    evidence: dict[str, object] = {
        "image_size": image.image_size,
        "kexec_load": machine.kexec.kexec_load,
        "method": entry.method,
    }
    # arch/arm64/kernel/kexec_image.c:image_probe, image_load: "if (!h || !h->image_size) return -EINVAL"
    if image.image_size:
        yield passed(f"It takes {image.image_size / 1e6:.1f} MB of memory.", **evidence)
    elif loads_by_file(machine, entry):
        other = "" if machine.kexec.kexec_load is False else f", or load it by another call: --method {_NATIVE}"
        yield failed(
            "This kernel does not say how much memory it takes (before 3.17), and kexec_file_load refuses that.",
            f"Use a newer kernel{other}.",
            **evidence,
        )
    else:
        yield warned(
            "This kernel does not say how much memory it takes (built before 3.17): 16 MiB are assumed.",
            "Use a newer kernel.",
            **evidence,
        )


@entry_check("IMG-BUFSZ", order=222, requires=("IMG-FORMAT",))
def fits_its_size(machine: MachineFacts, entry: EntryFacts) -> Iterator[Says]:  # noqa: ARG001
    """What becomes of a file that is longer than the memory it asks for depends on who loads it."""
    image = _image(entry)
    if not image.image_size and image.format != "bzimage":
        return  # IMG-SIZE0 and RISCV-IMAGE say it
    memory = image.image_size or 0
    # arch/x86/kernel/kexec-bzimage64.c:bzImage64_load: "kern16_size = (setup_sects + 1) * 512" are left behind
    front = (image.fields.get("setup_sects", 4) + 1) * 512 if image.format == "bzimage" else 0
    evidence: dict[str, object] = {
        "content_size": image.content_size,
        "declared_end": image.declared_end,
        "image_size": image.image_size,
        "method": entry.method,
    }
    # what was appended behind the end that the section table names need not be loaded, and kexec_file_load loads it
    ends = (image.content_size,) if entry.method == FILE_LOAD else (image.content_size, image.declared_end)
    sizes = [size - front for size in ends if size]
    if image.content_size is None and (entry.method == FILE_LOAD or not sizes or min(sizes) > memory):
        yield unknown(
            f"How long {_name(entry)} is once it is unpacked is not known.",
            "Unpack it, and check the result.",
            **evidence,
        )
        return
    needed = min(sizes, default=0)
    hint = f"The header is damaged, or something was appended: {another_copy(entry)}."
    if needed <= memory:
        yield passed("The file fits the memory it asks for.", **evidence)
    elif entry.method == _NATIVE:
        yield warned(
            f"{_name(entry)} has {needed:,} bytes and asks for {memory:,} only: all of it is loaded, and "
            "whether it needs more is not known.",
            hint,
            **evidence,
        )
    elif entry.method == FILE_LOAD:
        # kernel/kexec_core.c:sanity_check_segment_list: "if (image->segment[i].bufsz > image->segment[i].memsz)"
        yield failed(
            f"{_name(entry)} has {needed:,} bytes and asks for {memory:,}: kexec_file_load refuses that.",
            hint,
            **evidence,
        )
    else:
        yield failed(
            f"{_name(entry)} has {needed:,} bytes, of which only {memory:,} would be loaded.",
            hint,
            **evidence,
        )


@entry_check("IMG-TEXTOFF", order=223, requires=("IMG-FORMAT",))
def text_offset(machine: MachineFacts, entry: EntryFacts) -> Iterator[Says]:
    """text_offset is page-aligned and below 2 MiB, or the loader cannot place the image."""
    image = _image(entry)
    if image.format != "arm64-image" or image.text_offset is None:
        return
    page = machine.page_size
    evidence: dict[str, object] = {"text_offset": f"{image.text_offset:#x}", "page_size": page}
    if image.text_offset % (page or 4096) or image.text_offset >= 2 * 1024 * 1024:
        yield failed(
            f"{_name(entry)} wants to lie {image.text_offset:#x} above a 2 MiB boundary, which is impossible.",
            f"The header is damaged: {another_copy(entry)}.",
            **evidence,
        )
    elif page is None and image.text_offset % 65536:
        yield unknown(
            f"{_name(entry)} wants to lie {image.text_offset:#x} above a 2 MiB boundary; whether that is a page "
            "boundary here is not known.",
            "Record this machine's facts again: its page size is missing.",
            **evidence,
        )
    else:
        yield passed(f"Lies {image.text_offset:#x} above a 2 MiB boundary.", **evidence)


@entry_check("IMG-ENDIAN", order=224, requires=("IMG-FORMAT", "IMG-ARCH"))
def byte_order(machine: MachineFacts, entry: EntryFacts) -> Iterator[Says]:
    """Little to little is what everybody does; the other three combinations are named."""
    image = _image(entry)
    if image.format == "bzimage":
        return  # x86 has one order only
    ours, theirs = machine.byte_order, image.byte_order
    evidence: dict[str, object] = {"running": str(ours), "kernel": str(theirs)}
    match ours, theirs:
        case ByteOrder.LITTLE, ByteOrder.LITTLE:
            yield passed("Little-endian, as the running kernel.", **evidence)
        case ByteOrder.BIG, ByteOrder.BIG:
            yield passed("Big-endian, as the running kernel.", **evidence)
        case _ if image.architecture is Architecture.RISCV64:
            # arch/riscv/kernel/kexec_image.c:image_load: "if (be_image != be_kernel)" is EINVAL
            yield failed(
                f"This kernel is {theirs}-endian and the running one is {ours}-endian, which is refused.",
                "Use a kernel of the same byte order.",
                **evidence,
            )
        case _, ByteOrder.LITTLE:
            yield warned(
                "From a big-endian kernel to a little-endian one: firmware and initramfs must be little-endian, too.",
                "Try it where you can reach the machine.",
                **evidence,
            )
        case _:
            yield warned(
                "This kernel is big-endian and the running one is not: it needs an initramfs and a root file system "
                "of its own kind, and a CPU that can do it. Since 6.17 Linux calls it broken.",
                "Use a little-endian kernel.",
                **evidence,
            )


@entry_check("IMG-PLACEMENT", order=225, requires=("IMG-FORMAT",))
def placement(machine: MachineFacts, entry: EntryFacts) -> Iterator[Says]:  # noqa: ARG001
    """Old kernels want to lie as low in RAM as possible: what is below them is lost."""
    image = _image(entry)
    if image.anywhere is None or image.image_size == 0:
        return
    if image.anywhere:
        yield passed("May lie anywhere in memory.", anywhere=True)
    else:
        yield warned(
            "This kernel wants to lie as low in memory as possible; memory below it is lost to it.",
            "Use a kernel of 4.6 or newer.",
            anywhere=False,
        )


@entry_check("IMG-CHECKSUM", order=226, requires=("IMG-FORMAT",))
def checksum(machine: MachineFacts, entry: EntryFacts) -> Iterator[Says]:  # noqa: ARG001
    """The checksums that a packed or wrapped kernel carries, where its content was read."""
    image = _image(entry)
    evidence: dict[str, object] = {
        "compression": str(image.compression),
        "containers": list(image.containers),
        "problem": image.checksum_problem,
    }
    if image.checksum_problem is not None and "fit" in image.containers:
        return  # IMG-FIT says it
    if image.checksum_problem is not None:
        yield failed(
            f"{_name(entry)} is damaged: {image.checksum_problem}.",
            f"The file is damaged: {another_copy(entry)}.",
            **evidence,
        )
    elif image.checksummed:
        yield passed("Its checksum is right.", **evidence)


@entry_check("IMG-VERSION", order=227, requires=("IMG-FORMAT",))
def version(machine: MachineFacts, entry: EntryFacts) -> Iterator[Says]:  # noqa: ARG001
    """What the kernel calls itself against what its file and its entry call it."""
    file = entry.file("kernel")
    banner = entry.banner or _image(entry).version
    if banner is None or file is None:
        return
    named = version_of(file.resolved or file.path)
    evidence: dict[str, object] = {"banner": banner, "file_name": named, "configured": entry.version}
    if other := _image(entry).other_program:
        yield passed(f"This is {other}, which is no Linux.", **evidence)
    elif named and named != banner:
        yield warned(
            f"{file.name} is Linux {banner}, not {named} as its name says: its modules may not be found.",
            f"The file was renamed or overwritten: {another_copy(entry)}.",
            **evidence,
        )
    elif entry.version and entry.version[0].isdigit() and entry.version != banner:
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
    """What the kernel was built without, in words."""
    packed = any(file.role == "initramfs" for file in entry.files)
    if packed and config.get("BLK_DEV_INITRD") != "y":
        yield "it cannot use an initramfs (CONFIG_BLK_DEV_INITRD)"
    for initramfs in entry.initramfs:
        name = (initramfs.compression or "").upper()
        if name and config.get(f"RD_{name}") != "y":
            yield f"it cannot unpack an initramfs packed with {initramfs.compression} (CONFIG_RD_{name})"
    kind = CommandLine(entry.command_line).get("rootfstype") or ""
    for driver in (_FILE_SYSTEMS[name] for name in kind.split(",")[:1] if name in _FILE_SYSTEMS):
        # a module comes from an initramfs, or not at all
        if config.get(driver) != "y" and not (packed and config.get(driver) == "m"):
            yield f"it cannot read the root file system {kind} by itself (CONFIG_{driver})"


@entry_check("IMG-CONFIG", order=228, requires=("IMG-FORMAT",))
def configuration(machine: MachineFacts, entry: EntryFacts) -> Iterator[Says]:
    """Whether the kernel was built with what this entry needs, where its configuration is known."""
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
