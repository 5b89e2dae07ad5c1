# SPDX-License-Identifier: MIT
"""Load arm64 and riscv64 kernels with the system call kexec_load, with our own layout, device tree and entry code.

Kernel and initramfs are passed straight from the page cache, without a copy in memory, unless that fails.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager

from bootmenu.compat.checks.memory import ASSUMED_SIZE
from bootmenu.errors import BootmenuError
from bootmenu.formats.dtb import DeviceTree, check
from bootmenu.formats.dtb_facts import memory, reserved_memory, uefi_properties
from bootmenu.formats.identify import identify
from bootmenu.formats.reader import Window
from bootmenu.kexec.layout import KernelSpace, Room, lay_out
from bootmenu.kexec.methods import METHODS, FileRange, MethodError, Staged
from bootmenu.kexec.write_dtb import finalize
from bootmenu.model.devicetree import MemoryRange, merged, subtracted
from bootmenu.model.kernel import Architecture, Compression
from bootmenu.model.machine import MachineFacts
from bootmenu.system.directory_tree import OpenFile
from bootmenu.system.host import Host
from bootmenu.system.syscalls import SEGMENTS_MAX, Segment

_PMD = 2 * 1024**2
_IMAGES = {Architecture.ARM64: "arm64-image", Architecture.RISCV64: "riscv-image"}
"""The kernel format of each architecture that the call is made for."""


class KexecLoad:
    """Make the call directly, without the purgatory of kexec-tools, which verifies a SHA-256 of everything."""

    accepts_dtb = True
    writes_dtb = True
    reads_into_memory = False
    max_parts = SEGMENTS_MAX - 3  # kernel, tree and trampoline are the others

    def unavailable(self, machine: MachineFacts, own_tree: bool) -> str | None:
        """Require the memory map and a device tree, too."""
        if machine.architecture not in _IMAGES:
            here = machine.machine or "unknown"
            return f"kexec_load without kexec-tools is for arm64 and riscv64, and this machine is {here}"
        if machine.kexec.kexec_load is False:
            return "the running kernel has no kexec_load"
        if machine.lockdown not in (None, "none"):
            return f"the running kernel is locked down ({machine.lockdown}), which forbids this call"
        if None in (machine.ram, machine.ram_taken, machine.memory_total, machine.page_size):
            return "/proc/iomem or /proc/meminfo does not say where memory is: only root may read it"
        if machine.tree is None and not own_tree:
            return f"the running device tree cannot be read ({machine.tree_problem or 'there is none'})"
        return None

    def reason(self, own_tree: bool) -> str:
        """Return what it does, for people."""
        return f"the call kexec_load, with {'the entry' if own_tree else 'the running machine'}'s device tree"

    def load(self, staged: Staged, host: Host) -> None:
        """Lay out the pieces, set the addresses in the tree, and make the call."""
        kernel, parts = staged.kernel, [part for part in staged.initramfs if part.size]
        offsets, archive = _initramfs_offsets([part.size for part in parts], staged.machine.page_size or 1)
        tree = staged.tree
        assert tree is not None, "a method that writes the tree is handed one"
        lpi = staged.machine.lpi_tables or ()

        def finish(at: int) -> bytes:
            """Return the tree for an initramfs at this address; its length is the same for all addresses."""
            initramfs = MemoryRange(base=at, size=archive) if archive else None
            return finalize(tree, command_line=staged.command_line, initramfs=initramfs, reserved=lpi)

        room = _room(staged.machine, tree)
        space = _kernel_space(kernel, staged.machine.architecture)
        layout = lay_out(room, space, initramfs=archive, tree=len(finish(0)))
        start = layout.initramfs.base if layout.initramfs else 0
        blob = finish(start)
        check(blob)

        def call(bytes_of: Callable[[int, int, int], AbstractContextManager[int]]) -> None:
            """Make the call. bytes_of: returns the address of the bytes of a file."""
            with contextlib.ExitStack() as stack:

                def file(part: FileRange, destination: MemoryRange) -> Segment:
                    with part.naming_path():
                        address = stack.enter_context(bytes_of(part.descriptor, part.size, part.offset))
                    return Segment(buffer=address, size=part.size, phys=destination.base, memory=destination.size)

                def data(content: bytes, destination: MemoryRange) -> Segment:
                    buffer = ctypes.create_string_buffer(content, len(content))
                    stack.callback(lambda: buffer)  # keeps the buffer alive until the call is over
                    address = ctypes.addressof(buffer)
                    return Segment(buffer=address, size=len(content), phys=destination.base, memory=destination.size)

                # arch/riscv/kernel/machine_kexec.c:machine_kexec_prepare takes the first segment that begins like a
                # tree for the tree: it comes before files of a disk, which may begin like anything
                segments = [data(blob, layout.tree), file(kernel, layout.kernel)]
                for part, offset in zip(parts, offsets, strict=True):
                    size = -(-part.size // room.page_size) * room.page_size
                    segments.append(file(part, MemoryRange(base=start + offset, size=size)))
                entry = layout.kernel.base
                if layout.trampoline is not None:
                    entry = layout.trampoline.base
                    code = trampoline(tree=layout.tree.base, kernel=layout.kernel.base)
                    segments.append(data(code, layout.trampoline))
                _call(host, entry, segments)

        try:
            call(host.syscalls.mapped)
        except MethodError as error:
            if error.errno != errno.EFAULT:
                raise
            # The kernel could not read a page of a file. To read the file says what is wrong, which a page does not;
            # and a copy stays readable.
            call(host.syscalls.copied)

    def unload(self, host: Host) -> None:
        """Call with no segments, which unloads. Raise MethodError."""
        _call(host, 0, ())


def _call(host: Host, entry: int, segments: Sequence[Segment]) -> None:
    try:
        host.syscalls.kexec_load(entry, segments)
    except OSError as error:
        raise MethodError("kexec_load", error.errno, error.strerror or "") from None


def _initramfs_offsets(sizes: Sequence[int], page: int) -> tuple[list[int], int]:
    """Return the offset of each part of the initramfs, and the size of all. Each part begins at a page.

    init/initramfs.c:unpack_to_rootfs skips any number of zeros between two archives.
    """
    offsets, end = list[int](), 0
    for size in sizes:
        offsets.append(-(-end // page) * page)
        end = offsets[-1] + size
    return offsets, end


def _kernel_space(kernel: FileRange, architecture: Architecture | None) -> KernelSpace:
    """Return the memory that the kernel needs, read from the bytes that are loaded. Raise BootmenuError."""
    file = OpenFile(kernel.descriptor, kernel.offset + kernel.size)
    source = Window(file, kernel.offset, kernel.size)
    image = identify(source)
    riscv = architecture is Architecture.RISCV64
    wanted = _IMAGES[architecture or Architecture.ARM64]
    if image.format != wanted or image.containers or image.compression is not Compression.NONE:
        raise BootmenuError(
            f"The kernel to load is no {'riscv64' if riscv else 'arm64'} Image but {image.format}.",
            "Scan again: the file may have been replaced.",
        )
    size = max(image.image_size or ASSUMED_SIZE, source.size)
    return KernelSpace(
        # arch/riscv/mm/init.c:setup_bootmem reserves what is between the kernel and "the next pmd aligned page": an
        # initramfs in there is disabled
        size=-(-size // _PMD) * _PMD if riscv else size,
        # Documentation/arch/riscv/boot.rst: "must be placed at a PMD boundary (2MB aligned for rv64)"; its offset is
        # from the start of RAM, where firmware is
        text_offset=0 if riscv else image.text_offset or 0,
        anywhere=image.anywhere is True,
        riscv=riscv,
    )


def _room(machine: MachineFacts, tree: DeviceTree) -> Room:
    """Return the memory that is RAM for this kernel and for the next one. Raise BootmenuError."""
    if machine.ram is None or machine.ram_taken is None or machine.memory_total is None or machine.page_size is None:
        raise BootmenuError("The memory map of this machine is not known.", "Run bootmenu as root.")
    ram, taken = merged(machine.ram), [*machine.ram_taken, *(machine.lpi_tables or ())]
    # drivers/firmware/efi/libstub: with EFI's memory map the tree's memory nodes and reservations are ignored
    if not uefi_properties(tree.root):
        if described := merged(memory(tree.root)):
            ram = subtracted(ram, subtracted(ram, described))
        taken += [*tree.reservations, *(item.area for item in reserved_memory(tree.root))]
    return Room(ram=ram, taken=tuple(taken), page_size=machine.page_size, total=machine.memory_total)


def trampoline(*, tree: int, kernel: int) -> bytes:
    """Return code that starts the kernel at address `kernel` with the tree's address in x0.

    Needed because only kexec_file_load makes the kernel itself set x0 (arch/arm64/kernel/machine_kexec.c: dtb_mem).
    Documentation/arch/arm64/booting.rst: "x0 = physical address of device tree blob, x1 = x2 = x3 = 0".
    """
    code = [*_load_address(0, tree), *_load_address(4, kernel)]
    code += [0xAA1F03E0 | register for register in (1, 2, 3)]  # mov xN, xzr
    code.append(0xD61F0080)  # br x4
    return struct.pack(f"<{len(code)}I", *code)  # instructions are always little-endian


def _load_address(register: int, value: int) -> Iterator[int]:
    """Yield the instructions that load a 64-bit value into a register."""
    for part in range(4):
        opcode = 0xD2800000 if part == 0 else 0xF2800000  # movz, movk
        yield opcode | part << 21 | (value >> 16 * part & 0xFFFF) << 5 | register


METHODS.register("kexec_load")(KexecLoad())
