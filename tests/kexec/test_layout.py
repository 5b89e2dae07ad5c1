# SPDX-License-Identifier: MIT
"""Whatever memory looks like and whatever is to be loaded: a legal layout, or a refusal that names the culprit."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bootmenu.formats.dtb import MAX_SIZE
from bootmenu.kexec.layout import KernelSpace, Layout, LayoutError, Room, lay_out
from bootmenu.model.devicetree import MemoryRange, merged, subtracted
from bootmenu.system.syscalls import SEGMENTS_MAX
from tests.properties import examples

K, M, G = 1 << 10, 1 << 20, 1 << 30


def area(base: int, size: int) -> MemoryRange:
    return MemoryRange(base=base, size=size)


def room(*ram: MemoryRange, taken: tuple[MemoryRange, ...] = (), page: int = 4 * K, total: int | None = None) -> Room:
    size = sum(piece.size for piece in merged(ram)) if total is None else total
    return Room(ram=ram, taken=taken, page_size=page, total=size)


def kernel(size: int = 32 * M, text_offset: int = 0, *, anywhere: bool = True) -> KernelSpace:
    return KernelSpace(size=size, text_offset=text_offset, anywhere=anywhere)


VIRT = room(area(G, G), taken=(area(0x42FB0000, 64 * K), area(0x48000000, 40 * M), area(0x7AB80000, 85 * M)))

addresses = st.integers(0, 1 << 36) | st.sampled_from([0, K, 2 * M - 1, G, 33 * G, (1 << 64) - M])
sizes = st.integers(0, 64 * M) | st.integers(0, 48 * G) | st.sampled_from([0, 1, 4 * K, 64 * K, 2 * M, 40 * G])
areas = st.lists(st.builds(area, addresses, sizes), max_size=6).map(tuple)
rooms = st.builds(
    Room,
    ram=areas,
    taken=areas,
    page_size=st.sampled_from([4 * K, 16 * K, 64 * K]),
    total=st.integers(0, 1 << 37),
)
kernels = st.builds(
    KernelSpace,
    size=st.integers(1, 80 * M) | st.integers(1, 40 * G),
    text_offset=st.sampled_from([0, 0x80000, 4 * K, 0x10000, 3, 2 * M]) | st.integers(0, 3 * M),
    anywhere=st.booleans(),
    riscv=st.booleans(),
)


def legal(layout: Layout, room: Room, kernel: KernelSpace, initramfs: int, tree: int) -> None:
    """Every rule of booting.rst and of kernel/kexec_core.c."""
    page, pieces = room.page_size, layout.pieces
    assert len(pieces) <= SEGMENTS_MAX
    for piece in pieces:
        assert piece.size > 0
        assert piece.base % page == piece.size % page == 0
        assert not subtracted([piece], room.ram), "in System RAM"
        assert subtracted([piece], room.taken) == (piece,), "on nothing that is reserved"
        assert piece.size // page <= room.total // page // 2
    assert sum(piece.size for piece in pieces) // page <= room.total // page // 2
    assert all(left.end <= right.base for left, right in itertools.pairwise(pieces)), "no two overlap"
    base = layout.kernel.base - kernel.text_offset
    assert base >= 0
    assert base % (2 * M) == 0
    assert layout.kernel.size >= kernel.size
    assert layout.tree.size >= tree
    assert layout.tree.base // (2 * M) == (layout.tree.end - 1) // (2 * M), "within one block of 2 MiB"
    assert layout.trampoline is None if kernel.riscv else layout.trampoline and layout.trampoline.size == page
    assert (layout.initramfs is not None) == (initramfs > 0)
    if layout.initramfs is not None:
        assert layout.initramfs.size >= initramfs
    if layout.initramfs is not None and not kernel.riscv:
        both = (layout.kernel, layout.initramfs)
        first = min(piece.base for piece in both) // G
        last = (max(piece.end for piece in both) - 1) // G
        assert last - first < 32, "within a window of 32 GiB that begins at a whole one"
    if not kernel.anywhere:
        assert layout.tree.base >= layout.kernel.end
        assert layout.initramfs is None or layout.initramfs.base >= layout.kernel.end


@examples(400)
@given(rooms, kernels, sizes, st.integers(0, MAX_SIZE + 1))
@example(VIRT, kernel(), 40 * M, 8 * K)
@example(VIRT, kernel(text_offset=0x80000, anywhere=False), 40 * M, 8 * K)
@example(room(area(0, 64 * G)), kernel(), 20 * G, MAX_SIZE)
@example(room(area(40 * G, 64 * M), area(0, 30 * G)), kernel(), 20 * G, MAX_SIZE)
def test_a_legal_layout_or_a_refusal(room: Room, kernel: KernelSpace, initramfs: int, tree: int) -> None:
    outcome = attempt(room, kernel, initramfs, tree)
    if isinstance(outcome, LayoutError):
        assert outcome.what in ("kernel", "initramfs", "device tree", "trampoline")
        assert outcome.message
        assert outcome.hint
    else:
        legal(outcome, room, kernel, initramfs, tree)


def attempt(room: Room, kernel: KernelSpace, initramfs: int, tree: int) -> Layout | LayoutError:
    try:
        return lay_out(room, kernel, initramfs=initramfs, tree=tree)
    except LayoutError as error:
        return error


@examples(200)
@given(
    st.integers(0, 64).map(lambda n: n * G),
    st.integers(256, 4096).map(lambda n: n * M),
    st.sampled_from([4 * K, 16 * K, 64 * K]),
    st.integers(1, 40 * M),
    st.integers(1, 60 * M),
    st.integers(1, MAX_SIZE),
    st.booleans(),
)
def test_an_ordinary_machine_always_has_room(
    base: int, size: int, page: int, image: int, initramfs: int, tree: int, anywhere: bool
) -> None:
    plain, wanted = room(area(base, size), page=page), kernel(image, 0x80000, anywhere=anywhere)
    legal(lay_out(plain, wanted, initramfs=initramfs, tree=tree), plain, wanted, initramfs, tree)


def test_the_kernel_lies_low_and_the_rest_high() -> None:
    layout = lay_out(VIRT, kernel(), initramfs=40 * M, tree=8 * K)
    assert layout.kernel == area(G, 32 * M)
    assert layout.tree.end == 0x7AB80000
    assert layout.initramfs is not None
    assert layout.initramfs.base > layout.kernel.end


def test_a_kernel_that_wants_to_be_low_has_everything_close_behind_it() -> None:
    layout = lay_out(VIRT, kernel(text_offset=0x80000, anywhere=False), initramfs=40 * M, tree=8 * K)
    assert layout.kernel == area(G + 0x80000, 32 * M)
    assert layout.tree.end <= G + 512 * M
    assert layout.initramfs is not None
    assert layout.initramfs.end <= 0x48000000


def test_a_riscv64_kernel_has_everything_above_it_however_far() -> None:
    far = room(area(2 * G, 64 * M), area(64 * G, 2 * G))
    layout = lay_out(
        far, KernelSpace(size=32 * M, text_offset=0, anywhere=False, riscv=True), initramfs=G // 2, tree=8 * K
    )
    assert layout.kernel == area(2 * G, 32 * M)
    assert layout.tree.base == 2 * G + 32 * M
    assert layout.initramfs == area(64 * G, G // 2)
    assert layout.trampoline is None


def test_tables_in_the_way_move_the_kernel_on() -> None:
    """GIC-LPI: where kexec-tools puts the kernel the interrupt controller writes."""
    tables = tuple(area(0x41000000 + n * 64 * K, 64 * K) for n in range(3))
    layout = lay_out(room(area(G, G), taken=tables), kernel(), initramfs=M, tree=K)
    assert layout.kernel.base == 0x41200000


def test_another_place_for_the_kernel_is_tried_when_the_rest_does_not_fit() -> None:
    """The lowest hole holds the kernel, but no initramfs is within 32 GiB of it."""
    split = room(area(0, 64 * M), area(64 * G, 2 * G))
    layout = lay_out(split, kernel(), initramfs=200 * M, tree=K)
    assert layout.kernel.base == 64 * G


@pytest.mark.parametrize(
    ("where", "wanted", "initramfs", "tree", "what"),
    [
        (room(area(G, 30 * M), total=G), kernel(), 0, K, "kernel"),
        (room(area(G + M, 32 * M), total=G), kernel(), 0, K, "kernel"),
        (room(), kernel(), 0, K, "kernel"),
        (VIRT, kernel(text_offset=0x123), 0, K, "kernel"),
        (VIRT, kernel(text_offset=2 * M), 0, K, "kernel"),
        (VIRT, kernel(), 520 * M, K, "initramfs"),
        (room(area(G, 64 * M), area(60 * G, 64 * M), total=G), kernel(), 60 * M, K, "initramfs"),
        (VIRT, kernel(), 0, MAX_SIZE + 1, "device tree"),
        (room(area(G, 32 * M), total=G), kernel(), 0, K, "device tree"),
        (room(area(G, 32 * M + 4 * K), total=G), kernel(), 0, K, "trampoline"),
    ],
)
def test_what_does_not_fit_is_named(where: Room, wanted: KernelSpace, initramfs: int, tree: int, what: str) -> None:
    with pytest.raises(LayoutError) as caught:
        lay_out(where, wanted, initramfs=initramfs, tree=tree)
    assert caught.value.what == what
    assert caught.value.hint


def test_half_of_the_memory_is_the_limit_to_the_page() -> None:
    """kernel/kexec_core.c: "more than half of memory pages" is refused, half is not."""
    plain = room(area(0, 4 * G), total=256 * M)
    fits = 128 * M - 32 * M - 2 * 4 * K
    assert lay_out(plain, kernel(), initramfs=fits, tree=K).initramfs
    with pytest.raises(LayoutError, match="half"):
        lay_out(plain, kernel(), initramfs=fits + 1, tree=K)
