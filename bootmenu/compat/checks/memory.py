# SPDX-License-Identifier: MIT
"""Check that there is enough memory for the kernel and its initramfs, by the same rules on every architecture. For
kexec_file_load the kernel itself applies them, for kexec_load "the caller is responsible"."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from bootmenu.compat.checker import CheckResult, entry_check, failed, machine_check, passed, unknown, warned
from bootmenu.compat.facts import EntryFacts, FileState
from bootmenu.model.devicetree import MemoryRange, subtracted
from bootmenu.model.kernel import Architecture, KernelImage
from bootmenu.model.machine import MachineFacts
from bootmenu.model.value import Value

_1M = 1024**2
_2M = 2 * _1M
_1G = 1024**3
_WINDOW = 32 * _1G
ASSUMED_SIZE = 16 * 1024**2
"""Bytes that are assumed for a kernel that does not say its size (IMG-SIZE0)."""
_SMALL = 64 * 1024
"""Bytes assumed for the device tree or boot parameters, and again for the purgatory or trampoline, if not known."""


@machine_check("MEM-IOMEM", after="DT-R-SOURCE")
def memory_map(machine: MachineFacts) -> Iterator[CheckResult]:
    """Check that the memory map in /proc/iomem can be read; without privileges its addresses are zeros.

    The kernel and the initramfs have to be placed in free memory. /proc/iomem says where it is, to root only.

    unknown: the memory map could not be read. → Run bootmenu as root.
    evidence: ram: the areas of RAM in /proc/iomem
    """
    if machine.ram is None:
        yield unknown(
            "This machine's memory map could not be read: /proc/iomem is missing or shows only zeros.",
            "Run bootmenu as root.",
        )
    else:
        yield passed("The memory map is readable.", ram=[str(area) for area in machine.ram])


def _image(entry: EntryFacts) -> KernelImage | None:
    return entry.kernel.image if entry.kernel else None


def _memory_of(image: KernelImage, method: str | None) -> int:
    """Return how many bytes of memory the kernel takes from its start."""
    # arm64 and riscv64: image_size of the header; x86: init_size, which includes room to decompress
    size = max(image.image_size or ASSUMED_SIZE, image.content_size or 0)
    # bootmenu leaves free what a riscv64 kernel reserves behind itself (kexec/methods/kexec_load.py)
    return -(-size // _2M) * _2M if image.format == "riscv-image" and method == "kexec_load" else size


class _Placement(Value, kw_only=True):
    """The addresses at which a kernel may start."""

    align: int
    offset: int = 0
    """Bytes from an alignment boundary to the kernel's start."""
    lowest: int = 0


def _place(image: KernelImage, method: str | None) -> _Placement:
    match image.format:
        case "bzimage":
            # arch/x86/kernel/kexec-bzimage64.c:bzImage64_load: "kbuf.buf_align = header->kernel_alignment", and from
            # MIN_KERNEL_LOAD_ADDR on; newer kernels start at pref_address, which may be below or above
            return _Placement(align=image.fields.get("kernel_alignment") or _2M, lowest=_1M)
        case "riscv-image":
            # Documentation/arch/riscv/boot.rst: "must be placed at a PMD boundary (2MB aligned for rv64)"; and
            # arch/riscv/kernel/kexec_image.c:image_load: "kbuf.buf_align = le64_to_cpu(h->text_offset)"
            return _Placement(align=_2M if method == "kexec_load" else max(image.text_offset or _2M, 4096))
        case _:
            # Documentation/arch/arm64/booting.rst: "text_offset bytes from a 2MB aligned base address"
            return _Placement(align=_2M, offset=image.text_offset or 0)


def _binary(size: int) -> str:
    return f"{size // _1M} MiB" if size >= _1M else f"{size // 1024} KiB"


def _page(machine: MachineFacts, size: int) -> int:
    page = machine.page_size or 4096
    return -(-size // page) * page


def _initramfs(entry: EntryFacts) -> int | None:
    """Return the size of all initramfs files in bytes, or None if one is not known. They are not unpacked before the
    kernel runs."""
    sizes = [
        file.used_size
        for file in entry.files
        if file.role in ("initramfs", "companion") and file.state is FileState.PRESENT
    ]
    return None if None in sizes else sum(size or 0 for size in sizes)


_SIZE_UNKNOWN = "The size of the initramfs is not known."
_SIZE_HINT = "Look at the file and at its disk."


def _holes(machine: MachineFacts, entry: EntryFacts) -> tuple[MemoryRange, ...]:
    tables = machine.lpi_tables or () if entry.avoids_lpi_tables else ()
    return _left(machine.ram or (), machine.ram_taken or (), tables)


@lru_cache(maxsize=2)
def _left(
    ram: tuple[MemoryRange, ...], taken: tuple[MemoryRange, ...], tables: tuple[MemoryRange, ...]
) -> tuple[MemoryRange, ...]:
    """Return the usable memory, which is the same for all entries of a machine."""
    return subtracted(ram, [*taken, *tables])


@entry_check("MEM-HOLE", after="GIC-LPI", requires=("IMG-FORMAT", "IMG-ARCH", "MEM-IOMEM"))
def hole(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:
    """Check that there is a free, contiguous and suitably aligned area of RAM for the kernel.

    A kernel has to be loaded in one piece, on a boundary that its architecture asks for.

    fail: no free area is large enough. → Use a smaller kernel, or reserve less memory (crashkernel=, cma=) in the
        first stage.
    unknown: this machine's reserved memory could not be read. → Record its facts again, as root.
    evidence: needed, align and largest, in bytes; holes: the free areas; ram
    """
    image = _image(entry)
    if image is None or machine.ram is None:
        return
    if machine.ram_taken is None or (entry.avoids_lpi_tables and machine.lpi_tables is None):
        yield unknown(
            "This machine's reserved memory could not be read.",
            "Record this machine's facts again, as root.",
            ram=[str(area) for area in machine.ram],
        )
        return
    place = _place(image, entry.method)
    needed = place.offset + _memory_of(image, entry.method)
    holes = _holes(machine, entry)
    sizes = (area.end - -(-max(area.base, place.lowest) // place.align) * place.align for area in holes)
    largest = max((*sizes, 0))
    boundary = _binary(place.align)
    evidence: dict[str, object] = {
        "needed": needed,
        "align": place.align,
        "largest": largest,
        "holes": [str(area) for area in holes],
    }
    if largest < needed:
        yield failed(
            f"There is no room for this kernel: it needs {needed / 1e6:.1f} MB in one piece from a {boundary} "
            f"boundary on, the largest there is has {largest / 1e6:.1f} MB.",
            "Use a smaller kernel, or reserve less memory (crashkernel=, cma=) in the first stage.",
            **evidence,
        )
    else:
        yield passed("There is room for the kernel.", **evidence)


@entry_check("MEM-HALF", requires=("IMG-FORMAT", "FILE-MISSING"))
def half(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:
    """Check that no segment, nor all segments together, are larger than half of the RAM.

    The kernel refuses to load more than half of the memory, in one part or together.

    fail: the entry is too large. → Use a smaller initramfs.
    unknown: the size of the initramfs or of the memory is not known, or it is too close to tell. → Look at the file
        and at its disk; mount /proc.
    evidence: kernel, initramfs, total and memory_total, in bytes
    """
    # kernel/kexec_core.c:sanity_check_segment_list, for both calls and on every architecture: "total_pages >
    # nr_pages / 2" is EINVAL, with the pages of totalram_pages(), which /proc/meminfo calls MemTotal; kexec/layout.py
    # and system/recorded_host.py apply the same limit
    image = _image(entry)
    if image is None:
        return
    packed = _initramfs(entry)
    if packed is None:
        yield unknown(_SIZE_UNKNOWN, _SIZE_HINT, memory_total=machine.memory_total)
        return
    tree = entry.own_tree.size if entry.wants_own_tree and entry.own_tree else 0
    parts = {"kernel": _page(machine, _memory_of(image, entry.method)), "initramfs": _page(machine, packed)}
    total = sum(parts.values()) + _page(machine, tree)
    most = total + _SMALL + (0 if tree else _SMALL)
    evidence: dict[str, object] = {**parts, "total": total, "memory_total": machine.memory_total}
    hint = f"Use a smaller initramfs (it has {packed / 1e6:.0f} MB)." if packed else "Use a smaller initramfs."
    if machine.memory_total is None:
        yield unknown("How much memory this machine has could not be read.", "Is /proc mounted?", **evidence)
    elif total > machine.memory_total // 2:
        yield failed(
            f"This entry needs {total / 1e6:.0f} MB, more than half of the {machine.memory_total / 1e6:.0f} MB of "
            "memory: the kernel refuses that.",
            hint,
            **evidence,
        )
    elif most > machine.memory_total // 2:
        yield unknown(
            f"This entry needs {total / 1e6:.1f} MB and what is passed on with it; the kernel refuses more than half "
            f"of the {machine.memory_total / 1e6:.1f} MB of memory.",
            hint,
            **evidence,
        )
    else:
        share = 100 * total // machine.memory_total
        yield passed(f"Kernel and initramfs take {share} % of the memory; half is allowed.", **evidence)


@entry_check("MEM-INITRD-WINDOW", requires=("IMG-FORMAT", "FILE-MISSING"))
def window(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:  # noqa: ARG001
    """Check that, on arm64, kernel and initramfs fit into one GiB-aligned window of 32 GiB.

    An arm64 kernel maps 32 GiB around itself to find its initramfs, long before it knows all memory.

    fail: together they are larger. → Use a smaller initramfs.
    unknown: it depends on where they are placed, or the size of the initramfs is not known. → Use a smaller
        initramfs; look at the file and at its disk.
    evidence: span: what they take at least; window: what is allowed, in bytes
    """
    # Documentation/arch/arm64/booting.rst: "within a 1 GB-aligned region of up to 32 GB in size which includes the
    # kernel Image"
    image = _image(entry)
    size = _initramfs(entry)
    if image is None or image.architecture is not Architecture.ARM64 or size == 0:
        return
    if size is None:
        yield unknown(_SIZE_UNKNOWN, _SIZE_HINT)
        return
    span = size + _memory_of(image, entry.method)
    evidence: dict[str, object] = {"span": span, "window": _WINDOW}
    # loaders place them next to each other, so only their size matters; alignment takes up to a GiB at either end
    message = f"Kernel and initramfs have {span / 1e9:.1f} GB together; arm64 looks for them within 32 GiB."
    if span > _WINDOW:
        yield failed(message, "Use a smaller initramfs.", **evidence)
    elif span > _WINDOW - 2 * _1G:
        yield unknown(f"{message} It depends on where they are placed.", "Use a smaller initramfs.", **evidence)
    else:
        yield passed("Kernel and initramfs fit one 32 GiB window.", **evidence)


@entry_check("MEM-FREE", requires=("IMG-FORMAT", "FILE-MISSING", "MEM-HALF"))
def free(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:
    """Compare the memory that loading takes with what is available now.

    Loading needs memory for the parts of the entry, and for copies of them while they are unpacked.

    warn: less is free than loading may need. → Stop other programs first, or use a smaller initramfs.
    unknown: how much memory is free could not be read. → Mount /proc.
    evidence: needed and memory_available, in bytes; copies: how often the files are in memory while they are loaded
    """
    image = _image(entry)
    packed = _initramfs(entry)
    if image is None or packed is None:  # MEM-HALF reports that the size is not known
        return
    # the kernel keeps its own copy, with room for what the next kernel adds; before that, the file is read
    read = (image.content_size or _memory_of(image, entry.method)) + packed
    copy = _memory_of(image, entry.method) + packed
    # kernel/kexec_core.c:kimage_alloc_pages: __GFP_NORETRY, for pages that are not where the copy is to go:
    # it may give up before the page cache has given way, if the copy takes a large part of the memory
    crowded = machine.memory_total is not None and copy > machine.memory_total // 3
    twice = entry.reads_into_memory or crowded
    needed = copy + (read if twice else 0)
    evidence: dict[str, object] = {
        "needed": needed,
        "copies": 2 if twice else 1,
        "memory_available": machine.memory_available,
    }
    if machine.memory_available is None:
        yield unknown("How much memory is free now could not be read.", "Is /proc mounted?", **evidence)
    elif needed > machine.memory_available:
        yield warned(
            f"Loading may need {needed / 1e6:.0f} MB, {machine.memory_available / 1e6:.0f} MB are free now.",
            "Stop other programs first, or use a smaller initramfs.",
            **evidence,
        )
    else:
        yield passed("There is enough free memory for loading.", **evidence)
