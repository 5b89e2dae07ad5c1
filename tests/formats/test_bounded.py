# SPDX-License-Identifier: MIT
"""What looking at a file costs: how much of it is in memory at once, and how often its bytes are read, counted."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import hashlib
import lzma
import os
import struct
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.compat.facts import KernelFacts, find_banner
from bootmenu.discovery.entry_facts import gather
from bootmenu.errors import FormatError
from bootmenu.formats import compression, initramfs, part_cache
from bootmenu.formats import identify as identify_module
from bootmenu.formats.container_parts import parts_of
from bootmenu.formats.dtb import DeviceTree, Header, Node
from bootmenu.formats.dtb_index import PlacedNode, read_nodes
from bootmenu.formats.identify import identify
from bootmenu.formats.kernels import BrokenContainer, Wanted
from bootmenu.formats.kernels.unified_image import profiles
from bootmenu.formats.part_cache import PartCache
from bootmenu.formats.reader import HEAD_SIZE, Buffer, ByteSource
from bootmenu.model.entry import BootEntry, CommandLine, FileRef
from bootmenu.model.kernel import Compression
from bootmenu.sources.tree import Remembering
from bootmenu.system.directory_tree import OpenFile
from tests.builders.containers import board_dtb, fit_of, large_fit, uimage, uimage_of, uki, zboot
from tests.builders.entries import whole_image
from tests.builders.kernels import elf
from tests.builders.packed import lz4_frame, lz4_legacy
from tests.builders.trees import MemoryTree
from tests.properties import examples

MIB = 1024 * 1024


class Counted:
    """A source that refuses what reads much at once, and counts the rest."""

    def __init__(self, source: ByteSource, largest: int = MIB) -> None:
        self._source = source
        self._largest = largest
        self.bytes = 0
        self.reads = 0

    @property
    def size(self) -> int:
        return self._source.size

    def read(self, offset: int, length: int) -> bytes:
        assert length <= self._largest, f"{length:,} bytes are asked for at once"
        data = self._source.read(offset, length)
        self.bytes += len(data)
        self.reads += 1
        return data


DTB = board_dtb("acme,rocket")


# Functions, and made when they are needed: every process of the tests imports this, and they are 100 MB.


def large_image() -> bytes:
    return whole_image(6 * MIB)


def large_archive() -> bytes:
    head = b"070701" + b"0" * 48 + b"%08x" % (3 * MIB) + b"0" * 32 + b"%08x" % 2 + b"0" * 8
    return head + b"x\0" + bytes(3 * MIB)


def images() -> dict[str, tuple[str, bytes, str]]:
    return {
        "k": ("kernel", large_image(), "none"),
        "r": ("ramdisk", large_archive(), "none"),
        "f": ("flat_dt", DTB, "none"),
    }


CONFIGURATION = {"one": {"kernel": ["k"], "ramdisk": ["r"], "fdt": ["f"]}}
FILES: dict[str, Callable[[], bytes]] = {
    "arm64-image": lambda: large_image(),
    "zboot": lambda: zboot(large_image()),
    "uki": lambda: uki(
        (".linux", large_image()), (".cmdline", b"quiet"), (".dtbauto", DTB), (".initrd", large_archive())
    ),
    "uki-zboot": lambda: uki((".linux", zboot(large_image())), (".initrd", large_archive())),
    "fit": lambda: fit_of(images(), CONFIGURATION, default="one", algorithms=["crc32", "sha256"]),
    "fit-offset": lambda: fit_of(images(), CONFIGURATION, default="one", data="offset", algorithms=["sha1"]),
    "fit-position": lambda: fit_of(images(), CONFIGURATION, default="one", data="position"),
    "fit-gzip": lambda: fit_of({"k": ("kernel", gzip.compress(large_image()), "gzip")}, {"one": {"kernel": ["k"]}}),
    "uimage": lambda: uimage(large_image()),
    "uimage-multi": lambda: uimage_of(large_image(), large_archive(), DTB),
    "uimage-gzip": lambda: uimage(gzip.compress(large_image()), compression=1),
    "elf": lambda: elf(183, (0x1000, 1 << 63, large_image())),
    "gzip": lambda: gzip.compress(large_image()),
    "xz": lambda: lzma.compress(large_image()),
    "lzma": lambda: lzma.compress(large_image(), lzma.FORMAT_ALONE),
    "bzip2": lambda: bz2.compress(large_image()),
    "zstd": lambda: zstandard.compress(large_image()),
    "lz4-legacy": lambda: lz4_legacy(large_image()),
    "lz4-frame": lambda: lz4_frame(large_image()),
}


@pytest.mark.parametrize("name", FILES)
def test_no_kernel_file_is_read_in_large_pieces(name: str) -> None:
    source = Counted(Buffer(FILES[name]()))
    facts = KernelFacts.from_source(source, board=("acme,rocket",))
    assert facts.image is not None, facts.problem
    find_banner(source, facts)
    with contextlib.suppress(FormatError):
        parts_of(source)
    assert source.bytes <= 5 * source.size + MIB


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress, zstandard.compress, lz4_legacy])
def test_no_initramfs_is_read_in_large_pieces(pack: Callable[[bytes], bytes]) -> None:
    trailer = b"070701" + b"0" * 88 + b"%08x" % 11 + b"0" * 8 + b"TRAILER!!!\0\0\0\0"
    source = Counted(Buffer(pack(large_archive() + trailer)))
    for deep in (False, True):
        initramfs.inspect(source, deep=deep)
    assert source.bytes <= 2 * source.size + MIB


@pytest.mark.parametrize("external", [False, True])
def test_a_large_fit_is_not_copied_and_read_once(external: bool, tmp_path: Path) -> None:
    large_fit(tmp_path / "fit", 20 * MIB, 60 * MIB, external=external)
    descriptor = os.open(tmp_path / "fit", os.O_RDONLY)
    source = Counted(OpenFile(descriptor, os.fstat(descriptor).st_size))
    identify(Buffer(FILES["fit"]()))  # imports what it imports
    tracemalloc.start()
    try:
        image = identify(source)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        os.close(descriptor)
    assert (image.checksummed, image.checksum_problem, image.payload_size) == (True, None, 20 * MIB)
    assert most < 2 * MIB, f"{most:,} bytes were in memory"
    assert source.bytes < source.size + MIB


def test_a_fit_may_be_larger_than_any_of_its_parts_may(tmp_path: Path) -> None:
    large_fit(tmp_path / "fit", 130 * MIB, 150 * MIB, algorithm="md5")
    descriptor = os.open(tmp_path / "fit", os.O_RDONLY)
    try:
        assert identify(OpenFile(descriptor, os.fstat(descriptor).st_size)).checksummed
    finally:
        os.close(descriptor)


# ---- trees in files ---------------------------------------------------------------------------------------

nodes: st.SearchStrategy[Node] = st.deferred(
    lambda: st.builds(
        Node,
        st.text("abc@1", min_size=1, max_size=6),
        st.lists(st.tuples(st.sampled_from(["a", "data", "reg", "#cells"]), st.binary(max_size=40)), max_size=4),
        st.lists(nodes, max_size=3),
    )
)


def name_of(node: Node | PlacedNode | None) -> str | None:
    return node.name if node else None


def same(node: Node, placed: PlacedNode) -> bool:
    names = {name for name, _ in node.properties}
    return (
        node.name == placed.name
        and names == set(placed.places)
        and all(node.get(name) == placed.get(name) and node.u32(name) == placed.u32(name) for name in names)
        and all(name_of(placed.child(one.name)) == name_of(node.child(one.name)) for one in node.children)
        and len(node.children) == len(placed.children)
        and all(map(same, node.children, placed.children))
    )


@given(nodes, st.integers(0, 4000), st.integers(0, 255))
@examples(100)
def test_a_tree_in_a_file_is_read_as_one_in_memory(root: Node, at: int, value: int) -> None:
    root.name = ""
    sound = DeviceTree(root=root).to_bytes()
    at %= len(sound)
    for data in (sound, sound[:at] + bytes([value]) + sound[at + 1 :], sound[:at]):
        try:
            expected: Node | str = DeviceTree.from_bytes(data, 1000).root
        except FormatError as error:
            expected = error.message
        try:
            placed: PlacedNode | str = read_nodes(Counted(Buffer(data), 4096), Header.from_bytes(data), 1000)
        except FormatError as error:
            placed = error.message
        if isinstance(expected, Node) and isinstance(placed, PlacedNode):
            assert same(expected, placed)
        else:
            assert expected == placed


def test_what_a_tree_in_a_file_may_take_is_bounded() -> None:
    def tree(*children: Node) -> bytes:
        return DeviceTree(root=Node("", children=list(children))).to_bytes()

    for data, says in (
        (tree(Node("x" * 5000)), "4,096"),
        (tree(*(Node("x" * 4000) for _ in range(1100))), "names of nodes"),
        (tree(Node("y", properties=[("p" * 5000, b"")])), "4,096"),
        (tree(*(Node("") for _ in range(6000))), "tokens"),
    ):
        with pytest.raises(FormatError, match=says):
            read_nodes(Buffer(data), Header.from_bytes(data), 10_000)


# ---- what many entries ask of one file --------------------------------------------------------------------


def overlapping_fit(images: int, configurations: int, size: int) -> bytes:
    """Every image's data is nearly all of the file, each a little different, with two hashes; all are used by all."""
    data = whole_image(size)
    names = [f"f{number}" for number in range(images)]
    made = {"k": ("kernel", data, "none"), **dict.fromkeys(names, ("flat_dt", b"", "none"))}
    fit = fit_of(
        made,
        {f"c{number}": {"kernel": ["k"], "fdt": names} for number in range(configurations)},
        data="position",
        algorithms=["sha256", "crc32"],
    )
    root = DeviceTree.from_bytes(fit).root
    top = root.child("images")
    assert top is not None
    start = int.from_bytes(top.children[0].get("data-position") or b"", "big")
    for number, node in enumerate(top.children[1:]):
        node.set("data-position", struct.pack(">I", start))
        node.set("data-size", struct.pack(">I", size - number))
        sha, crc = node.children
        sha.set("value", hashlib.sha256(data[: size - number]).digest())
        crc.set("value", zlib.crc32(data[: size - number]).to_bytes(4, "big"))
    built = DeviceTree(root=root).to_bytes()
    return built + fit[len(built) :]


def test_a_fit_whose_images_overlap_is_hashed_twice_at_most() -> None:
    source = Counted(Buffer(overlapping_fit(65, 16, 64 * 1024)))
    cache = PartCache()
    for number in range(16):
        with pytest.raises(BrokenContainer, match="overlap"):
            identify(source, Wanted(part=f"c{number}", cache=cache))
    heads = 16 * HEAD_SIZE
    assert source.bytes - heads < 5 * source.size, "twice to hash it, the rest to look into it"


def test_many_configurations_of_one_fit_read_it_once() -> None:
    configurations = {f"c{number}": {"kernel": ["k"], "ramdisk": ["r"], "fdt": ["f"]} for number in range(200)}
    source = Counted(Buffer(fit_of(images(), configurations, algorithms=["sha256"])))
    cache = PartCache()
    for number in range(200):
        assert identify(source, Wanted(part=f"c{number}", cache=cache)).checksummed
    assert source.bytes < source.size + 200 * HEAD_SIZE + MIB


@pytest.fixture
def unpacked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Bytes that were unpacked, piece by piece."""
    pieces: list[int] = []

    def counted(
        source: ByteSource, kind: Compression, ceiling: int = compression.CEILING
    ) -> Iterator[tuple[bytes, int]]:
        for piece, consumed in compression.unpack(source, kind, ceiling):
            pieces.append(len(piece))
            yield piece, consumed

    monkeypatch.setattr(identify_module, "unpack", counted)
    return pieces


BOMB = zboot(b"", payload=gzip.compress(whole_image(8 * MIB)) + bytes(4), tail=bytes(200))


def bombs(count: int, *, shift: int) -> bytes:
    """A UKI of so many profiles around one bomb; shift: how many bytes shorter it is in each."""
    sections = [(".osrel", b"ID=x\n"), (".linux", BOMB)]
    for _ in range(count):
        sections += [(".profile", b"ID=p\n"), (".linux", b"")]
    data = bytearray(uki(*sections))
    row = 0x58 + 0xA0
    size, _, raw, offset = struct.unpack_from("<IIII", data, row + 40 + 8)
    for number in range(count):
        values = (size - number * shift, 0, raw, offset)
        struct.pack_into("<IIII", data, row + 40 * (3 + 2 * number) + 8, *values)
    return bytes(data)


def test_profiles_around_one_bomb_unpack_it_once(unpacked: list[int]) -> None:
    source, cache = Counted(Buffer(bombs(100, shift=0))), PartCache()
    for number in range(100):
        assert identify(source, Wanted(part=f"@{number}", cache=cache)).content_size == 8 * MIB
    assert sum(unpacked) < 10 * MIB


def test_all_that_a_file_unpacks_to_is_bounded(unpacked: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part_cache, "CEILING", 24 * MIB)
    source, cache = Counted(Buffer(bombs(100, shift=1))), PartCache()
    for number in range(100):
        with contextlib.suppress(BrokenContainer):
            identify(source, Wanted(part=f"@{number}", cache=cache))
    assert sum(unpacked) < 40 * MIB
    with pytest.raises(BrokenContainer, match="far more than kernels do"):
        identify(source, Wanted(part="@50", cache=cache))


def test_a_profile_is_asked_for_without_reading_the_others() -> None:
    sections = [(".osrel", b"ID=x\n" * 1000), (".linux", large_image()[:4096])]
    for number in range(200):
        sections += [(".profile", b"ID=p%d\n" % number), (".cmdline", b"x" * 3000)]
    data = uki(*sections)
    source, cache = Counted(Buffer(data)), PartCache()
    for number in range(200):
        identify(source, Wanted(part=f"@{number}", cache=cache))
    assert source.bytes < 200 * 2 * HEAD_SIZE + 2 * len(data)
    whole = Counted(Buffer(data))
    assert len(profiles(whole)) == 200
    assert whole.bytes < HEAD_SIZE + len(data) + MIB


def test_texts_of_a_unified_kernel_image_are_bounded_together() -> None:
    sections = [(".osrel", b"ID=x\n"), (".linux", large_image()[:4096])]
    for number in range(40):
        sections += [(".profile", b"ID=p%d\n" % number), (".cmdline", b"x" * 60_000)]
    with pytest.raises(FormatError, match="texts"):
        profiles(Buffer(uki(*sections)))


def test_many_entries_of_one_kernel_look_at_it_once(unpacked: list[int]) -> None:
    tree = Remembering(MemoryTree({"/k": bombs(100, shift=0), "/r": gzip.compress(large_archive())}))
    first = None
    for number in range(100):
        ref = FileRef(device="sda1", path="/k", part=f"@{number}" if number else "")
        entry = BootEntry(
            id="x", title="x", source="bls", device="sda1", kernel=ref, cmdline=CommandLine(""), config=None,
            initrds=(FileRef(device="sda1", path="/r"),),
        )  # fmt: skip
        _, facts = gather(entry, {"sda1": tree})
        assert facts.kernel is not None
        assert facts.kernel.image is not None, facts.kernel.problem
        first = first or facts.initramfs[0]
        assert facts.initramfs[0] is first
    assert sum(unpacked) < 10 * MIB
