# SPDX-License-Identifier: MIT
"""What is seen of an initramfs: its kinds, its modules, and that nothing it contains does harm."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import lzma
import time
import tracemalloc
from collections.abc import Callable

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.compat.facts import InitramfsFacts
from bootmenu.errors import FormatError
from bootmenu.formats.initramfs import FIRST_STAGE, Initramfs, inspect
from bootmenu.formats.reader import Buffer
from tests.builders.packed import lz4_legacy
from tests.properties import examples


def cpio(*files: str, size: int = 0, claim: int | None = None, magic: bytes = b"070701") -> bytes:
    """A newc archive; every file has `size` bytes and claims `claim`."""
    archive = bytearray()
    for name in (*files, "TRAILER!!!"):
        length = 0 if name == "TRAILER!!!" else size
        claimed = length if claim is None or name == "TRAILER!!!" else claim
        fields = [0, 0o100644, 0, 0, 1, 0, claimed, 0, 0, 0, 0, len(name) + 1, 0]
        header = magic + b"".join(b"%08x" % field for field in fields) + name.encode() + b"\0"
        archive += header + bytes(-len(header) % 4) + bytes(length + -length % 4)
    return bytes(archive)


PACK: dict[str, Callable[[bytes | bytearray], bytes]] = {
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "xz": lzma.compress,
    "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
    "bzip2": bz2.compress,
    "zstd": zstandard.compress,
    "lz4": lambda data: lz4_legacy(bytes(data)),
}
MODULES = ("bin", "lib", "lib/modules", "lib/modules/6.1.0-49-arm64", "lib/modules/6.1.0-49-arm64/kernel/x.ko")


def look(data: bytes, *, deep: bool = True) -> Initramfs:
    return inspect(Buffer(data), deep=deep)


def test_a_plain_archive_is_read_to_its_end() -> None:
    found = look(cpio(*MODULES, size=5) + bytes(300), deep=False)
    assert found == Initramfs(compression=None, module_releases=("6.1.0-49-arm64",))


@pytest.mark.parametrize("digits", [b"-0000074", b"+0000005", b"0000_005", b"       5", b"0x000005"])
def test_a_number_of_a_header_is_eight_digits_and_nothing_else(digits: bytes) -> None:
    archive = cpio("init", size=5)
    with pytest.raises(FormatError, match="header of the archive is damaged"):
        look(archive.replace(b"00000005", digits, 1))


def test_an_archive_with_checksums_is_one() -> None:
    assert look(cpio("init", magic=b"070702")).compression is None


@pytest.mark.parametrize("name", PACK)
def test_a_packed_archive_is_named_and_looked_into_on_request(name: str) -> None:
    packed = PACK[name](cpio(*MODULES, size=100))
    assert look(packed, deep=False) == Initramfs(compression=name, module_releases=None)
    assert look(packed) == Initramfs(compression=name, module_releases=("6.1.0-49-arm64",))


@pytest.mark.parametrize("name", PACK)
def test_early_microcode_may_stand_before_a_packed_archive(name: str) -> None:
    early = cpio("kernel/x86/microcode/GenuineIntel.bin", size=1000)
    data = early + bytes(512) + PACK[name](cpio("usr/lib/modules/6.12.1"))
    assert look(data) == Initramfs(compression=name, module_releases=("6.12.1",))


@pytest.mark.parametrize("deep", [False, True])
def test_the_mark_of_a_first_stage_stands_before_what_is_packed(deep: bool) -> None:
    rest = zstandard.compress(cpio("init", FIRST_STAGE))
    assert look(cpio(FIRST_STAGE) + rest, deep=deep).first_stage
    assert look(cpio("kernel/x86/microcode/x.bin") + cpio(FIRST_STAGE) + bytes(8) + rest, deep=deep).first_stage
    assert look(cpio(FIRST_STAGE) + cpio("init"), deep=deep).first_stage
    assert not look(cpio(f"usr/{FIRST_STAGE}", f"{FIRST_STAGE}.txt") + rest, deep=deep).first_stage


def test_modules_of_every_part_are_found() -> None:
    data = cpio("lib/modules/1") + cpio("usr/lib/modules/2/kernel") + bytes(8) + cpio("./lib/modules/3")
    assert look(data).module_releases == ("1", "2", "3")


def test_what_nothing_here_unpacks_is_named() -> None:
    assert look(b"\x89LZO" + bytes(8)) == Initramfs(compression="lzo", module_releases=None)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (bytes(8192), "zero bytes"),
        (bytes(65 << 20), "zero bytes"),
        (b"\x7fELF" + bytes(100), "neither"),
        (cpio("init") + b"junk, not zeros", "not an archive"),
        (cpio("init", size=100)[:-200], "ends early"),
        (cpio("init")[:50], "ends early"),
        (cpio("init", claim=0x7FFFFFFF), "ends early"),
        (b"070701" + b"zzzzzzzz" * 13, "damaged"),
        (cpio("x" * 5000), "file name"),
        (gzip.compress(b"no archive"), "cannot be unpacked"),
        (gzip.compress(cpio(*MODULES, size=100))[:60], "cannot be unpacked"),
        (b"\x1f\x8b" + b"\xff" * 100, "cannot be unpacked"),
        (b"\x28\xb5\x2f\xfd" + b"\xff" * 100, "cannot be unpacked"),
        (b"\xfd7zXZ\0" + b"\xff" * 100, "cannot be unpacked"),
    ],
)
def test_what_is_wrong_is_said(data: bytes, says: str) -> None:
    with pytest.raises(FormatError) as error:
        look(data)
    assert says in error.value.message
    assert InitramfsFacts.from_source(Buffer(data), deep=True).problem == error.value.message


class Counting(Buffer):
    """Keeps how much of it was asked for."""

    asked = 0

    def read(self, offset: int, length: int) -> bytes:
        data = Buffer.read(self, offset, length)
        Counting.asked += len(data)
        return data


class Gap:
    """Zeros between two archives, which are in no memory; keeps how much was asked for."""

    def __init__(self, before: bytes, zeros: int, after: bytes = b"") -> None:
        self.size = len(before) + zeros + len(after)
        self._parts = ((0, before), (len(before) + zeros, after))
        self.asked = 0

    def read(self, offset: int, length: int) -> bytes:
        found = bytearray(max(0, min(length, self.size - offset)))
        for start, data in self._parts:
            first, last = max(start, offset), min(start + len(data), offset + len(found))
            if first < last:
                found[first - offset : last - offset] = data[first - start : last - start]
        self.asked += len(found)
        return bytes(found)


@pytest.mark.parametrize(
    ("deep", "zeros", "most", "releases"),
    [
        (False, 300 << 10, 500 << 10, ("1", "2")),
        (False, 200 << 20, 2 << 20, ("1",)),
        (True, 30 << 20, 40 << 20, ("1", "2")),
        (True, 200 << 20, 70 << 20, ("1",)),
    ],
)
def test_no_more_zeros_are_read_than_there_may_be(
    deep: bool, zeros: int, most: int, releases: tuple[str, ...]
) -> None:
    source = Gap(cpio("lib/modules/1"), zeros, cpio("lib/modules/2"))
    assert inspect(source, deep=deep) == Initramfs(compression=None, module_releases=releases)
    assert source.asked < most


def test_what_was_not_looked_at_is_not_known() -> None:
    source = Gap(cpio("kernel/x86/microcode/GenuineIntel.bin"), 100 << 20)
    assert inspect(source, deep=False).module_releases is None
    assert inspect(source, deep=True).module_releases == ()


@pytest.mark.parametrize(
    "made", [lambda: cpio(*map(str, range(12_000))), lambda: cpio("x") * 6_000], ids=["files", "archives"]
)
def test_a_look_that_is_not_deep_ends_after_so_many_names(made: Callable[[], bytes]) -> None:
    data = made()
    Counting.asked = 0
    assert inspect(Counting(data + cpio("lib/modules/9")), deep=False).module_releases is None
    assert Counting.asked < 16 << 20
    assert look(data + cpio("lib/modules/9")).module_releases == ("9",)


def test_too_many_names_are_an_error() -> None:
    with pytest.raises(FormatError, match="more than"):
        look(cpio("x") * 101_000)


@given(st.binary(max_size=300), st.integers(0, 400), st.sampled_from(["", *PACK]), st.booleans())
@examples(250)
def test_any_bytes_give_a_value_or_a_typed_error(noise: bytes, at: int, name: str, deep: bool) -> None:
    whole = PACK.get(name, bytes)(cpio(*MODULES, size=40))
    for data in (noise, whole[:at] + noise, whole[:at] + noise + whole[at + len(noise) :]):
        with contextlib.suppress(FormatError):
            look(data, deep=deep)


@pytest.mark.parametrize("name", ["", *PACK])
def test_cut_anywhere_it_is_no_crash(name: str) -> None:
    whole = PACK.get(name, bytes)(cpio(*MODULES, size=40))
    for length in range(len(whole)):
        with contextlib.suppress(FormatError):
            look(whole[:length])


@pytest.mark.parametrize("name", PACK)
def test_a_bomb_is_left_alone_after_a_while_and_in_little_memory(name: str) -> None:
    # one file of 4 GiB less one byte, of which 40 MiB are there
    content = bytearray(40 << 20)
    content[:112] = cpio("big", claim=0xFFFFFFFF)[:112]
    bomb = PACK[name](content)
    began = time.monotonic()
    tracemalloc.start()
    try:
        with contextlib.suppress(FormatError):
            look(bomb)
        assert tracemalloc.get_traced_memory()[1] < 40 << 20
    finally:
        tracemalloc.stop()
    assert time.monotonic() - began < 20


def test_a_million_empty_files_are_too_many() -> None:
    archive = cpio(*["x"] * 10)[: -len(cpio())]
    with pytest.raises(FormatError, match="more than"):
        look(archive * 20_001 + cpio())
