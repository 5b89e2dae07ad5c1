# SPDX-License-Identifier: MIT
"""Check that the kernel file is a kernel for this machine, and that it can be extracted from its container."""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.compat.checker import CheckResult, another_copy, cut_off, entry_check, failed, passed, unknown, warned
from bootmenu.compat.facts import EntryFacts, FileState
from bootmenu.formats.container_parts import tree_for
from bootmenu.model.kernel import LOADABLE, Architecture, Compression, KernelImage, Role
from bootmenu.model.machine import MachineFacts

CONTAINERS = ("zboot", "uki", "fit")
"""Container formats that have their own check."""


def _loadable(machine: MachineFacts) -> str:
    """Return the names of the kernel formats that can be loaded on this architecture."""
    match machine.architecture:
        case Architecture.ARM64:
            return "an arm64 Image, raw, packed, or in a zboot, UKI, FIT, uImage or vmlinux"
        case Architecture.X86_64 | Architecture.X86:
            return "a bzImage, as distributions have it in /boot/vmlinuz, or a UKI"
        case Architecture.RISCV64:
            return "a riscv64 Image, raw, packed, or in a zboot, UKI, FIT or uImage"
        case _:
            return "a kernel of this machine's architecture"


def _name_another(machine: MachineFacts, entry: EntryFacts) -> str:
    if machine.architecture not in (None, *LOADABLE):
        return "Another file would not help: bootmenu loads no kernel on this machine (SYS-ARCH)."
    if entry.typed:
        return f"Name a file that is one: {_loadable(machine)}."
    return f"Name {_loadable(machine)} in the configuration."


def image_of(entry: EntryFacts) -> KernelImage:
    """Return the entry's kernel, for checks that require IMG-FORMAT and so run only if there is one."""
    assert entry.kernel is not None
    assert entry.kernel.image is not None
    return entry.kernel.image


def _broken(entry: EntryFacts, container: str) -> Iterator[CheckResult]:
    kernel = entry.kernel
    if kernel is not None and kernel.image is None and kernel.container == container:
        yield failed(
            f"{entry.kernel_name} is {kernel.looks_like or container}, and no kernel can be taken out of it: "
            f"{kernel.problem or 'it is damaged'}.",
            cut_off(entry),
            container=container,
            problem=kernel.problem,
        )


def _within(entry: EntryFacts, container: str) -> KernelImage | None:
    image = entry.kernel.image if entry.kernel else None
    return image if image is not None and container in image.containers else None


def _evidence(image: KernelImage) -> dict[str, object]:
    return {
        "containers": list(image.containers),
        "payload_offset": image.payload_offset,
        "payload_size": image.payload_size,
        "compression": str(image.compression),
        "parts": list(image.parts),
    }


@entry_check("IMG-EMPTY", after="SYS-LOCKDOWN")
def not_empty(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:  # noqa: ARG001
    """Check that the kernel file is not empty, as a full disk leaves it.

    A full disk leaves empty files behind, also in the middle of a kernel update.

    fail: the file is empty. → Make room on its disk, and reinstall the kernel package.
    unknown: the size could not be read. → Look at the file and at its disk.
    evidence: size, in bytes
    """
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


@entry_check("IMG-FORMAT")
def recognised(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:
    """Check that the file is a kernel in a format that can be loaded.

    bootmenu takes a kernel out of what wraps it: gzip, xz, zstd, lz4, lzma, bzip2, EFI zboot, unified kernel images,
    FIT, uImage, Android and ChromeOS images.

    fail: the file is no kernel, or one in a form that cannot be loaded here. → Name a kernel for this machine in the
        configuration. The finding says what the file looks like.
    unknown: the file could not be read. → Run bootmenu as root; look at the disk.
    evidence: format, containers, compression; looks_like and problem, if it is no kernel
    """
    file = entry.file("kernel")
    if file is not None and file.state is not FileState.PRESENT:
        return  # FILE-MISSING and FILE-OUTSIDE have said why
    kernel = entry.kernel
    if kernel is None:
        yield unknown(f"{entry.kernel_name} could not be read.", "Run bootmenu as root; look at the disk.")
    elif kernel.image is None and kernel.container in CONTAINERS:
        return  # IMG-ZBOOT, IMG-UKI or IMG-FIT says why
    elif kernel.image is None:
        like = f": it looks like {kernel.looks_like}" if kernel.looks_like else f": {kernel.problem}"
        why = f", and {kernel.problem}" if kernel.container else ""
        yield failed(
            f"{entry.kernel_name} is no kernel that can be loaded here{like}{why}.",
            _name_another(machine, entry),
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


@entry_check("IMG-ZBOOT")
def zboot(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:  # noqa: ARG001
    """Check that the kernel in an EFI zboot image is complete and can be decompressed.

    An EFI zboot image is a small EFI program with the compressed kernel in it. kexec gets the kernel only.

    fail: the compressed kernel is not whole, or in a compression that is not known. → Copy the file again, or
        reinstall the kernel package.
    evidence: container, containers, compression, payload_offset, payload_size, parts, problem
    """
    yield from _broken(entry, "zboot")
    image = _within(entry, "zboot")
    if image is not None:
        yield passed("The kernel is taken out of its EFI zboot file and unpacked.", **_evidence(image))


@entry_check("IMG-UKI")
def unified(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:
    """Check whether everything in a unified kernel image is used, unless the entry names something else.

    A unified kernel image also holds a command line, an initramfs and a device tree. An entry that names the file
    but not these parts would start without them.

    warn: a part of the image is not used, and the entry names no other in its place. → Name the part in the entry;
        objcopy --dump-section takes it out.
    fail: no kernel can be taken out. → Copy the file again, or reinstall the kernel package.
    evidence: container, containers, compression, payload_offset, payload_size, parts, problem; left_behind: the
        parts that are not used
    """
    yield from _broken(entry, "uki")
    image = _within(entry, "uki")
    if image is None:
        return
    lost = left_behind(image, entry, machine)
    if lost:
        yield warned(
            f"Only the kernel is taken out of {entry.kernel_name}, and not {', '.join(lost)}: "
            "the entry names no other.",
            "Take those parts out with objcopy --dump-section, and name them in the entry.",
            **_evidence(image),
            left_behind=lost,
        )
    else:
        yield passed("The kernel is taken out of the unified kernel image.", **_evidence(image))


def left_behind(image: KernelImage, entry: EntryFacts, machine: MachineFacts) -> list[str]:
    """Return descriptions of what the container would boot with its kernel here, and the entry would not."""
    lost = []
    if any(part.text for part in image.embedded) and not entry.command_line.strip():
        lost.append("its command line")
    roles = {part.role for part in image.embedded}
    if Role.INITRAMFS in roles and not any(file.role == "initramfs" for file in entry.files):
        lost.append("its initramfs")
    board = machine.tree.compatible if machine.tree else ()
    if not entry.wants_own_tree and tree_for(image, board):
        lost.append("its device tree")
    return lost


@entry_check("IMG-FIT")
def fit(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:
    """Check that a FIT image has a configuration for this board; IMG-CHECKSUM checks its hashes.

    A FIT image holds kernels and device trees for several boards, each with its hash.

    warn: the image has no configuration for this board. → Use the FIT image of this board. The device tree in this
        one is not used.
    fail: a hash is wrong, or no kernel can be taken out. → Copy the file again, or reinstall the kernel package.
    unknown: the image does not say which boards it is for, or no tree says which board this is. → Name this board's
        device tree in the entry, if the running one is not right.
    evidence: container, containers, compression, payload_offset, payload_size, parts, problem; boards: those in the
        image; running: this board's compatible
    """
    yield from _broken(entry, "fit")
    image = _within(entry, "fit")
    if image is None:
        return
    ours = machine.tree.compatible if machine.tree else ()
    evidence: dict[str, object] = {
        **_evidence(image),
        "boards": None if image.board is None else list(image.board),
        "running": list(ours),
    }
    if image.checksum_problem is not None:
        yield failed(f"{entry.kernel_name} is damaged: {image.checksum_problem}.", cut_off(entry), **evidence)
    elif image.board is None:
        yield unknown(
            f"{entry.kernel_name} does not say which boards it is for.",
            "Name this board's device tree in the entry if the running one is not right.",
            **evidence,
        )
    elif not ours:
        yield unknown(
            f"Whether {entry.kernel_name} is for this board is not known: no device tree says which board this is.",
            "Run bootmenu as root; a machine that is described by ACPI has none.",
            **evidence,
        )
    elif set(ours) & set(image.board):
        yield passed("The FIT image has a configuration for this board.", **evidence)
    else:
        yield warned(
            f"{entry.kernel_name} is for {', '.join(image.board[:3])}, this machine is {ours[0]}.",
            "Use the FIT image for this board; the device tree in this one is not used.",
            **evidence,
        )


@entry_check("IMG-ARCH")
def right_architecture(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:
    """Check that the kernel is built for this machine's architecture.

    kexec cannot change the architecture. A kernel for another one is refused, or ends the machine at the jump.

    fail: the kernel is built for another architecture. → Install a kernel for this one.
    unknown: this machine's architecture is not known to bootmenu.
    evidence: kernel: its architecture; machine: what uname -m says
    """
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
            f"{entry.kernel_name} is built for {theirs}, this machine is {machine.architecture}.",
            "Install a kernel for this architecture.",
            **evidence,
        )
    else:
        yield passed(f"Built for {theirs}, as this machine is.", **evidence)
