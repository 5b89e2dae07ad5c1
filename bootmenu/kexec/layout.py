# SPDX-License-Identifier: MIT
"""Find a valid address for each piece of an arm64 or riscv64 kernel, for kexec_load.

The kernel hardly checks: "the caller is responsible" (kexec_load(2)). The rules are those of
Documentation/arch/arm64/booting.rst, Documentation/arch/riscv/boot.rst and
kernel/kexec_core.c:sanity_check_segment_list. Quotations are from the first unless another is named.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bootmenu.errors import BootmenuError
from bootmenu.formats.dtb import MAX_SIZE
from bootmenu.model.devicetree import MemoryRange, subtracted
from bootmenu.model.value import Value

_2M = 2 * 1024**2
_1G = 1024**3
_WINDOW = 32 * _1G
_OLD_TREE_WINDOW = 512 * 1024**2


class LayoutError(BootmenuError):
    """A piece does not fit. what: `kernel`, `initramfs`, ... size: the bytes that it needs."""

    def __init__(self, what: str, size: int, message: str, hint: str) -> None:
        super().__init__(message, hint)
        self.what = what
        self.size = size


class Room(Value, kw_only=True):
    """The memory that is available for the pieces."""

    ram: tuple[MemoryRange, ...]
    taken: tuple[MemoryRange, ...]
    """Ranges that must not be used: reserved by firmware or kernel, and tables that hardware writes to.

    The running kernel's own code may be used: it is overwritten last, by code that is elsewhere."""
    page_size: int
    """Page size of the running kernel in bytes, a power of two."""
    total: int
    """MemTotal in bytes."""


class KernelSpace(Value, kw_only=True):
    """The memory that the kernel needs."""

    size: int
    """Size in bytes, counted from text_offset."""
    text_offset: int
    """Offset in bytes from a 2 MiB boundary."""
    anywhere: bool
    """Whether any address in RAM will do; if not, as low as possible, as it cannot use the memory below it."""
    riscv: bool = False
    """Whether it is a riscv64 kernel: the running one hands over the tree, so that no trampoline is needed, and the
    initramfs may be as far away as there is memory."""


class Layout(Value, kw_only=True):
    """The memory range of each piece, in whole pages of the running kernel."""

    kernel: MemoryRange
    initramfs: MemoryRange | None
    tree: MemoryRange
    trampoline: MemoryRange | None
    """Code of ours that hands over the tree, or None if the running kernel does."""

    @property
    def pieces(self) -> tuple[MemoryRange, ...]:
        """Return all pieces, sorted by address."""
        found = (self.kernel, self.initramfs, self.tree, self.trampoline)
        return tuple(sorted(piece for piece in found if piece is not None))


def lay_out(room: Room, kernel: KernelSpace, *, initramfs: int, tree: int) -> Layout:
    """Return a memory range for each piece. initramfs, tree: sizes in bytes; 0 for no initramfs. Raise LayoutError.

    The kernel goes as low as possible. The others go as high as possible, to keep the low memory free that the next
    kernel needs for devices with short addresses; for a kernel that has to be low, they follow it closely.
    """
    page = room.page_size
    _check_sizes(room, kernel, initramfs, tree)
    size = _up(kernel.size, page)
    holes = tuple(_in_pages(subtracted(room.ram, room.taken), page))
    last_error: LayoutError | None = None
    for hole in holes:
        base = _up(hole.base, _2M)
        if base + kernel.text_offset + size > hole.end:
            continue
        image = MemoryRange(base=base + kernel.text_offset, size=size)
        # "The region between the 2 MB aligned base address and the start of the image has no special significance":
        # it is left unused anyway
        left = subtracted(holes, [MemoryRange(base=base, size=kernel.text_offset + size)])
        try:
            return _around(image, base, left, kernel, initramfs=initramfs, tree=tree, page=page)
        except LayoutError as error:
            last_error = error
    if last_error is not None:
        raise last_error
    raise LayoutError(
        "kernel",
        size,
        f"There is no room for the kernel: it needs {_mb(kernel.text_offset + size)} in one piece, from a 2 MiB "
        "boundary on, of memory that is not reserved.",
        "Use a smaller kernel, or reserve less memory (crashkernel=, cma=) in the first stage.",
    )


def _check_sizes(room: Room, kernel: KernelSpace, initramfs: int, tree: int) -> None:
    page = room.page_size
    if kernel.text_offset % page or not 0 <= kernel.text_offset < _2M:
        raise LayoutError(
            "kernel",
            kernel.size,
            f"The kernel asks for a load offset of {kernel.text_offset:#x} bytes, which is no multiple of a page.",
            "Its header may be damaged: copy the file again.",
        )
    if tree > MAX_SIZE:
        raise LayoutError(
            "device tree",
            tree,
            f"The device tree has {tree:,} bytes, the kernel reads at most {MAX_SIZE:,}.",
            "Use a smaller device tree.",
        )
    # kernel/kexec_core.c:sanity_check_segment_list: "more than half of memory", in pages of MemTotal; MEM-HALF, of
    # compat/checks/memory.py, checks the same limit
    half = room.total // page // 2
    pieces = {"kernel": kernel.size, "initramfs": initramfs, "device tree": tree}
    pieces["trampoline"] = 0 if kernel.riscv else page
    total = sum(-(-size // page) for size in pieces.values())
    if total > half:
        largest = max(pieces, key=lambda name: pieces[name])
        raise LayoutError(
            largest,
            pieces[largest],
            f"The pieces need {_mb(total * page)}, and the kernel takes no more than half of the memory, "
            f"{_mb(half * page)}. The largest is the {largest}, {_mb(pieces[largest])}.",
            "Use a smaller initramfs or a machine with more memory.",
        )


def _around(
    image: MemoryRange,
    base: int,
    holes: tuple[MemoryRange, ...],
    kernel: KernelSpace,
    *,
    initramfs: int,
    tree: int,
    page: int,
) -> Layout:
    """Return a layout for a kernel at `image`, whose 2 MiB boundary is `base`. Raise LayoutError."""
    anywhere, everywhere = kernel.anywhere, [MemoryRange(base=0, size=1 << 64)]
    # before 4.2: "within the 512 MB region starting at text_offset bytes below the kernel Image"; before 4.6 the
    # kernel does not use the memory below it
    near = MemoryRange(base=image.end, size=max(0, base + _OLD_TREE_WINDOW - image.end))
    above = MemoryRange(base=image.end, size=(1 << 64) - image.end)
    # aligned to its size, rounded up to a power of two, it is within one block of 2 MiB
    size = _up(max(tree, 1), page)
    windows = everywhere if anywhere else [near, above]
    found = _find_range("device tree", size, 1 << (size - 1).bit_length(), holes, windows, anywhere)
    holes = subtracted(holes, [found])
    trampoline = None
    if not kernel.riscv:
        trampoline = _find_range("trampoline", page, page, holes, everywhere, anywhere)
        holes = subtracted(holes, [trampoline])
    archive = None
    if initramfs and kernel.riscv:
        archive = _find_range("initramfs", _up(initramfs, page), page, holes, [above], anywhere)
    elif initramfs:
        # "must reside entirely within a 1 GB aligned physical memory window of up to 32 GB in size that fully covers
        # the kernel Image as well"
        upper = _down(image.base, _1G) + _WINDOW
        lower = max(0, _up(image.end, _1G) - _WINDOW)
        windows = [MemoryRange(base=image.end, size=max(0, upper - image.end))]
        if anywhere:
            windows.append(MemoryRange(base=lower, size=max(0, image.base - lower)))
        archive = _find_range("initramfs", _up(initramfs, page), page, holes, windows, anywhere)
    return Layout(kernel=image, initramfs=archive, tree=found, trampoline=trampoline)


def _find_range(
    what: str, size: int, align: int, holes: Iterable[MemoryRange], windows: Iterable[MemoryRange], high: bool
) -> MemoryRange:
    """Return the highest or the lowest range of this size that is free in the first window that has one. Raise
    LayoutError."""
    ordered = sorted(holes, reverse=high)
    for window in windows:
        for hole in ordered:
            low, end = max(hole.base, window.base), min(hole.end, window.end)
            base = _down(end - size, align) if high else _up(low, align)
            if low <= base and base + size <= end:
                return MemoryRange(base=base, size=size)
    raise LayoutError(
        what,
        size,
        f"There is no room for the {what}: it needs {_mb(size)} in one piece near the kernel.",
        "Use a smaller initramfs, or reserve less memory (crashkernel=, cma=) in the first stage.",
    )


def _in_pages(areas: Iterable[MemoryRange], page: int) -> Iterator[MemoryRange]:
    """Yield the whole pages of each area."""
    for area in areas:
        base, end = _up(area.base, page), _down(area.end, page)
        if base < end:
            yield MemoryRange(base=base, size=end - base)


def _up(value: int, align: int) -> int:
    return -(-value // align) * align


def _down(value: int, align: int) -> int:
    return value // align * align


def _mb(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
