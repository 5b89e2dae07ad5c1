# SPDX-License-Identifier: MIT
"""Where the pieces of an arm64 kernel go in memory for kexec_load: a legal place for each, or LayoutError. Pure.

The kernel hardly checks: "the caller is responsible" (kexec_load(2)). The rules are those of
Documentation/arch/arm64/booting.rst and kernel/kexec_core.c:sanity_check_segment_list.
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
    """A piece does not fit. what: `kernel`, `initramfs`, ... size: bytes it needs."""

    def __init__(self, what: str, size: int, message: str, hint: str) -> None:
        super().__init__(message, hint)
        self.what = what
        self.size = size


class Room(Value, kw_only=True):
    """The memory that pieces may be put in."""

    ram: tuple[MemoryRange, ...]
    taken: tuple[MemoryRange, ...]
    """What of it nothing may be put on: reserved by firmware or kernel, tables that hardware writes to.

    The running kernel's own code need not be among it: it is overwritten last, by code that lies elsewhere."""
    page_size: int
    """Bytes of a page of the running kernel, a power of two."""
    total: int
    """MemTotal, bytes."""


class KernelSpace(Value, kw_only=True):
    """What the kernel asks for."""

    size: int
    """Bytes of memory from text_offset on."""
    text_offset: int
    """Bytes from a 2 MiB boundary."""
    anywhere: bool
    """False: as low in RAM as possible; it cannot use what lies below it."""


class Layout(Value, kw_only=True):
    """Where everything goes, in whole pages of the running kernel."""

    kernel: MemoryRange
    initramfs: MemoryRange | None
    tree: MemoryRange
    trampoline: MemoryRange

    @property
    def pieces(self) -> tuple[MemoryRange, ...]:
        """All of them, by address."""
        found = (self.kernel, self.initramfs, self.tree, self.trampoline)
        return tuple(sorted(piece for piece in found if piece is not None))


def lay_out(room: Room, kernel: KernelSpace, *, initramfs: int, tree: int) -> Layout:
    """A place for each piece. initramfs, tree: bytes; an initramfs of 0 bytes is none. Raises LayoutError.

    The kernel goes as low as it can. The others go as high as they can, so that they stay out of the low memory that
    the next kernel needs for devices with short addresses; those of a kernel that wants to lie low follow it closely.
    """
    page = room.page_size
    _refuse_the_impossible(room, kernel, initramfs, tree)
    size = _up(kernel.size, page)
    holes = tuple(_in_pages(subtracted(room.ram, room.taken), page))
    short: LayoutError | None = None
    for hole in holes:
        base = _up(hole.base, _2M)
        if base + kernel.text_offset + size > hole.end:
            continue
        image = MemoryRange(base=base + kernel.text_offset, size=size)
        # "The region between the 2 MB aligned base address and the start of the image has no special significance":
        # it is left alone all the same
        left = subtracted(holes, [MemoryRange(base=base, size=kernel.text_offset + size)])
        try:
            return _around(image, base, left, kernel.anywhere, initramfs=initramfs, tree=tree, page=page)
        except LayoutError as error:
            short = error
    if short is not None:
        raise short
    raise LayoutError(
        "kernel",
        size,
        f"There is no room for the kernel: it needs {_mb(kernel.text_offset + size)} in one piece, from a 2 MiB "
        "boundary on, of memory that nobody has reserved.",
        "Use a smaller kernel, or reserve less memory (crashkernel=, cma=) in the first stage.",
    )


def _refuse_the_impossible(room: Room, kernel: KernelSpace, initramfs: int, tree: int) -> None:
    page = room.page_size
    if kernel.text_offset % page or not 0 <= kernel.text_offset < _2M:
        raise LayoutError(
            "kernel",
            kernel.size,
            f"The kernel wants to lie {kernel.text_offset:#x} bytes behind a 2 MiB boundary, which is no whole page.",
            "Its header may be damaged: copy the file again.",
        )
    if tree > MAX_SIZE:
        raise LayoutError(
            "device tree",
            tree,
            f"The device tree has {tree:,} bytes, the kernel reads at most {MAX_SIZE:,}.",
            "Use a smaller device tree.",
        )
    # "Verify our destination addresses do not overlap ... more than half of memory" counts pages of MemTotal
    half = room.total // page // 2
    pieces = {"kernel": kernel.size, "initramfs": initramfs, "device tree": tree, "trampoline": page}
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
    anywhere: bool,
    *,
    initramfs: int,
    tree: int,
    page: int,
) -> Layout:
    """The other pieces, when the kernel lies at `image`, whose 2 MiB boundary is `base`."""
    everywhere = [MemoryRange(base=0, size=1 << 64)]
    # before 4.2: "within the 512 MB region starting at text_offset bytes below the kernel Image"; before 4.6 there is
    # no memory below the kernel
    near = MemoryRange(base=image.end, size=max(0, base + _OLD_TREE_WINDOW - image.end))
    above = MemoryRange(base=image.end, size=(1 << 64) - image.end)
    # aligned to its size, rounded up to a power of two, it lies within one block of 2 MiB
    size = _up(max(tree, 1), page)
    windows = everywhere if anywhere else [near, above]
    found = _place("device tree", size, 1 << (size - 1).bit_length(), holes, windows, anywhere)
    holes = subtracted(holes, [found])
    trampoline = _place("trampoline", page, page, holes, everywhere, anywhere)
    holes = subtracted(holes, [trampoline])
    archive = None
    if initramfs:
        # "must reside entirely within a 1 GB aligned physical memory window of up to 32 GB in size that fully covers
        # the kernel Image as well"
        upper = _down(image.base, _1G) + _WINDOW
        lower = max(0, _up(image.end, _1G) - _WINDOW)
        windows = [MemoryRange(base=image.end, size=max(0, upper - image.end))]
        if anywhere:
            windows.append(MemoryRange(base=lower, size=max(0, image.base - lower)))
        archive = _place("initramfs", _up(initramfs, page), page, holes, windows, anywhere)
    return Layout(kernel=image, initramfs=archive, tree=found, trampoline=trampoline)


def _place(
    what: str, size: int, align: int, holes: Iterable[MemoryRange], windows: Iterable[MemoryRange], high: bool
) -> MemoryRange:
    """The highest place, or the lowest one, in the first of the windows that has any."""
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
    """What of each is whole pages."""
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
