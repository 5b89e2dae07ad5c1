# SPDX-License-Identifier: MIT
"""Check that the kernel is complete, and that it can be placed as its header requires."""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.compat.checker import CheckResult, another_copy, cut_off, entry_check, failed, passed, unknown, warned
from bootmenu.compat.checks.kernel_format import image_of
from bootmenu.compat.checks.lockdown import FILE_LOAD, loads_by_file
from bootmenu.compat.facts import EntryFacts
from bootmenu.model.kernel import Architecture, ByteOrder
from bootmenu.model.machine import MachineFacts

_NATIVE = "kexec_load"  # a loading method


@entry_check("IMG-TRUNC", after="IMG-ARCH", requires=("IMG-FORMAT",))
def whole(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:  # noqa: ARG001
    """Check that the file is as long as its section table says: a truncated kernel loads, but then crashes.

    kexec_load does not look at a file's length. A kernel that was cut off loads without an error and crashes after
    the jump.

    fail: the file is shorter than its section table says, or cannot be unpacked. → Copy it again, or reinstall the
        kernel package.
    unknown: nothing in the file says how long it should be, or it was not unpacked. → Compare its checksum with that
        of its source.
    evidence: file_size, content_size (unpacked) and declared_end (of its sections), in bytes; checksummed; damage
    """
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
        yield failed(f"{entry.kernel_name} cannot be unpacked: {image.damage}.", hint, **evidence)
    elif image.declared_end is not None and size is None:
        yield unknown(
            f"How long {entry.kernel_name} is once it is unpacked is not known.",
            "Unpack it, and check the result.",
            **evidence,
        )
    elif image.declared_end is not None and size is not None and size < image.declared_end:
        yield failed(
            f"{entry.kernel_name} is cut off: {size:,} bytes are there, "
            f"its section table names {image.declared_end:,}.",
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


@entry_check("IMG-SIZE0", requires=("IMG-FORMAT",))
def size_said(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:
    """Check that the kernel says how much memory it takes, as kernels before 3.17 do not.

    The size in the header includes memory that is not in the file. Without it a loader can only guess how much to
    leave free.

    warn: the kernel does not say, and 16 MiB are assumed. → Use a newer kernel.
    fail: the kernel does not say, and kexec_file_load refuses that. → Use a newer kernel, or another call: --method
        kexec_load.
    evidence: image_size, in bytes; kexec_load: whether the running kernel has this call; method
    """
    image = image_of(entry)
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


@entry_check("IMG-BUFSZ", requires=("IMG-FORMAT",))
def fits_its_size(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:  # noqa: ARG001
    """Check that the file is not longer than the memory that the kernel asks for, which some loaders refuse.

    A file that is longer than the size in its own header is damaged, or something was appended to it.

    warn: bootmenu loads the whole file; whether the kernel needs more memory than it asks for is not known. → Copy
        the file again, or reinstall the kernel package.
    fail: the loader would cut the file off, or refuses it. → Copy the file again, or reinstall the kernel package.
    unknown: how long the unpacked kernel is, is not known. → Unpack it, and check the result.
    evidence: content_size, declared_end and image_size, in bytes; method
    """
    image = image_of(entry)
    if not image.image_size and image.format != "bzimage":
        return  # IMG-SIZE0 and RISCV-IMAGE report it
    memory = image.image_size or 0
    # arch/x86/kernel/kexec-bzimage64.c:bzImage64_load: "kern16_size = (setup_sects + 1) * 512" are not loaded
    front = (image.fields.get("setup_sects", 4) + 1) * 512 if image.format == "bzimage" else 0
    evidence: dict[str, object] = {
        "content_size": image.content_size,
        "declared_end": image.declared_end,
        "image_size": image.image_size,
        "method": entry.method,
    }
    # data appended after the end in the section table is not needed, but kexec_file_load loads it
    ends = (image.content_size,) if entry.method == FILE_LOAD else (image.content_size, image.declared_end)
    sizes = [size - front for size in ends if size]
    if image.content_size is None and (entry.method == FILE_LOAD or not sizes or min(sizes) > memory):
        yield unknown(
            f"How long {entry.kernel_name} is once it is unpacked is not known.",
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
            f"{entry.kernel_name} has {needed:,} bytes and asks for {memory:,} only: all of it is loaded, and "
            "whether it needs more is not known.",
            hint,
            **evidence,
        )
    elif entry.method == FILE_LOAD:
        # kernel/kexec_core.c:sanity_check_segment_list: "if (image->segment[i].bufsz > image->segment[i].memsz)"
        yield failed(
            f"{entry.kernel_name} has {needed:,} bytes and asks for {memory:,}: kexec_file_load refuses that.",
            hint,
            **evidence,
        )
    else:
        yield failed(
            f"{entry.kernel_name} has {needed:,} bytes, of which only {memory:,} would be loaded.",
            hint,
            **evidence,
        )


@entry_check("IMG-TEXTOFF", requires=("IMG-FORMAT",))
def text_offset(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:
    """Check that text_offset is page-aligned and below 2 MiB, as loaders need it to place the image.

    text_offset says how far above a 2 MiB boundary the kernel is to be placed.

    fail: the offset is invalid. → The header is damaged: copy the file again, or reinstall the kernel package.
    unknown: this machine's page size is not known. → Record its facts again.
    evidence: text_offset; page_size, in bytes
    """
    image = image_of(entry)
    if image.format != "arm64-image" or image.text_offset is None:
        return
    page = machine.page_size
    evidence: dict[str, object] = {"text_offset": f"{image.text_offset:#x}", "page_size": page}
    if image.text_offset % (page or 4096) or image.text_offset >= 2 * 1024 * 1024:
        yield failed(
            f"{entry.kernel_name} has an invalid text_offset: {image.text_offset:#x}.",
            f"The header is damaged: {another_copy(entry)}.",
            **evidence,
        )
    elif page is None and image.text_offset % 65536:
        yield unknown(
            f"{entry.kernel_name} has the text_offset {image.text_offset:#x}; whether that is a page boundary "
            "on this machine is not known.",
            "Record this machine's facts again: its page size is missing.",
            **evidence,
        )
    else:
        yield passed(f"The text_offset is valid: {image.text_offset:#x}.", **evidence)


@entry_check("IMG-ENDIAN", requires=("IMG-FORMAT", "IMG-ARCH"))
def byte_order(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:
    """Check that this kernel and the entry's are little-endian; report any other combination.

    arm64 CPUs can run in both byte orders, but a kernel, its initramfs and its programs must agree.

    warn: one kernel is big-endian and the other is not. → Use a little-endian kernel, or try it where you can reach
        the machine.
    fail: the running kernel refuses a kernel of the other byte order. → Use one of the same byte order.
    evidence: running and kernel: the two byte orders
    """
    image = image_of(entry)
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


@entry_check("IMG-PLACEMENT", requires=("IMG-FORMAT",))
def placement(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:  # noqa: ARG001
    """Report old kernels that cannot use the memory below them, and so have to be low in RAM.

    Kernels before 4.6 lose the memory that lies below them.

    warn: the kernel should be loaded as low as possible, and that may not be possible. → Use a kernel of 4.6 or
        newer.
    evidence: anywhere, from the header's flags
    """
    image = image_of(entry)
    if image.anywhere is None or image.image_size == 0:
        return
    if image.anywhere:
        yield passed("It can be loaded anywhere in memory.", anywhere=True)
    else:
        yield warned(
            "This kernel cannot use the memory below it, and should be loaded as low as possible.",
            "Use a kernel of 4.6 or newer.",
            anywhere=False,
        )


@entry_check("IMG-CHECKSUM", requires=("IMG-FORMAT",))
def checksum(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:  # noqa: ARG001
    """Check the checksums of a compressed kernel or container, if its content was read.

    A bad disk or SD card changes bytes that no other check would notice.

    fail: a checksum is wrong. → Copy the file again, or reinstall the kernel package.
    evidence: compression, containers, problem
    """
    image = image_of(entry)
    evidence: dict[str, object] = {
        "compression": str(image.compression),
        "containers": list(image.containers),
        "problem": image.checksum_problem,
    }
    if image.checksum_problem is not None and "fit" in image.containers:
        return  # IMG-FIT reports it
    if image.checksum_problem is not None:
        yield failed(
            f"{entry.kernel_name} is damaged: {image.checksum_problem}.",
            f"The file is damaged: {another_copy(entry)}.",
            **evidence,
        )
    elif image.checksummed:
        yield passed("Its checksum is right.", **evidence)
