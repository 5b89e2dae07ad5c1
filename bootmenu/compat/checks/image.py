# SPDX-License-Identifier: MIT
"""Is the kernel file a whole kernel for this machine, built for a page size that its CPU can do?"""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.compat.checker import Says, entry_check, failed, passed, unknown, warned
from bootmenu.compat.facts import EntryFacts, FileState
from bootmenu.model.kernel import Architecture, Compression, KernelImage
from bootmenu.model.machine import MachineFacts


def _image(entry: EntryFacts) -> KernelImage:
    assert entry.kernel is not None
    assert entry.kernel.image is not None, "IMG-FORMAT is required by every check that asks"
    return entry.kernel.image


def _name(entry: EntryFacts) -> str:
    file = entry.file("kernel")
    return file.name if file else "the kernel"


@entry_check("IMG-FORMAT", order=200)
def recognised(machine: MachineFacts, entry: EntryFacts) -> Iterator[Says]:  # noqa: ARG001
    """The file is a kernel that can be loaded from here."""
    file = entry.file("kernel")
    if file is not None and file.state is not FileState.PRESENT:
        return  # FILE-MISSING and FILE-OUTSIDE have said why
    kernel = entry.kernel
    if kernel is None:
        yield unknown(f"{_name(entry)} could not be read.", "Run bootmenu as root; look at the disk.")
    elif kernel.image is None:
        like = f": it looks like {kernel.looks_like}" if kernel.looks_like else f": {kernel.problem}"
        yield failed(
            f"{_name(entry)} is no kernel that can be loaded here{like}.",
            "Name a raw arm64 Image, or its gzip, in the configuration.",
            looks_like=kernel.looks_like,
            problem=kernel.problem,
        )
    else:
        image = kernel.image
        packed = "" if image.compression is Compression.NONE else f", packed with {image.compression}"
        yield passed(
            f"An {image.architecture} kernel ({image.format}{packed}).",
            format=image.format,
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
    hint = "The file was cut off or damaged when it was copied: copy it again, or reinstall the kernel package."
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
