# SPDX-License-Identifier: MIT
"""image/elf_gaps.py: programs and libraries do the same without their gaps."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.image.contents import Contents
from bootmenu.image.elf_gaps import without_gaps

CODE, DATA = b"c" * 500, b"d" * 300


def library(align: int = 0x10000, *, note: bool = False) -> bytes:
    """Return an ELF file of arm64 with two segments, as its linker lays them out, and with section headers."""
    far = align - 16
    segments = [
        (1, 5, 0, 0, 0, 64 + 4 * 56 + len(CODE), 64 + 4 * 56 + len(CODE), align),
        (1, 6, far, align + far, align + far, len(DATA), len(DATA) + 99, align),
        (2, 6, far + 16, align + far + 16, align + far + 16, 32, 32, 8),
        (4, 4, far + len(DATA), 0, 0, 8, 8, 4) if note else (0x6474E551, 6, 0, 0, 0, 0, 0, 16),
    ]
    header = struct.pack(
        "<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", 3, 183, 1, 0x40, 64, far + len(DATA) + 8, 0, 64, 56, 4, 64, 9, 8
    )
    begin = header + b"".join(struct.pack("<IIQQQQQQ", *segment) for segment in segments) + CODE
    return begin.ljust(far, b"\0") + DATA + b"note 123" + b"s" * 9 * 64


def segments(data: bytes) -> list[tuple[int, ...]]:
    return [struct.unpack_from("<IIQQQQQQ", data, 64 + 56 * index) for index in range(4)]


def test_the_zeros_between_segments_go_and_each_byte_stays_at_its_address() -> None:
    before = library()
    after = without_gaps(before)
    assert len(after) < 4096 * 2
    for old, new in zip(segments(before), segments(after), strict=True):
        assert new[:2] == old[:2]
        assert new[3:7] == old[3:7]
        assert after[new[2] : new[2] + new[5]] == before[old[2] : old[2] + old[5]] or new[3] == 0
        assert (new[3] - new[2]) % 4096 == 0 or new[0] != 1
    assert after[64 + 4 * 56 : 64 + 4 * 56 + len(CODE)] == CODE
    assert struct.unpack_from("<Q", after, 40) == (0,)
    assert struct.unpack_from("<HH", after, 60) == (0, 0)
    assert without_gaps(after) == after


def test_what_it_does_not_understand_stays() -> None:
    noted = library(note=True)
    text, short = b"#!/bin/sh\n", library()[:100]
    big = b"\x7fELF\2\2" + library()[6:]
    for data in (noted, text, short, big, b"", b"\x7fELF\1\1"):
        assert without_gaps(data) == data


@given(st.data())
def test_any_bytes_give_bytes(data: st.DataObject) -> None:
    whole = bytearray(library(0x2000))
    for at in data.draw(st.lists(st.integers(0, 64 + 4 * 56 - 1), max_size=6)):
        whole[at] = data.draw(st.integers(0, 255))
    cut = bytes(whole[: data.draw(st.integers(0, len(whole)))])
    assert len(without_gaps(cut)) <= len(cut)


@pytest.mark.parametrize("name", ["_ctypes", "_hashlib"])
def test_a_library_of_this_machine_still_works(name: str, tmp_path: Path) -> None:
    (where,) = subprocess.run(
        [sys.executable, "-c", f"import {name}; print({name}.__file__)"], capture_output=True, text=True, check=True
    ).stdout.split()
    before = Path(where).read_bytes()
    after = without_gaps(before)
    assert len(after) < len(before), "at least the section headers are gone"
    path = tmp_path / Path(where).name
    path.write_bytes(after)
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import {name}; print({name}.__file__)",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == str(path)


def test_only_files_are_changed() -> None:
    contents = Contents()
    contents.file("usr/lib/one.so", library())
    contents.file("empty", b"")
    contents.link("usr/lib/two.so", "one.so")
    before = {node.path: node for node in contents.nodes}
    contents.change(without_gaps)
    changed = {node.path for node in contents.nodes if node != before[node.path]}
    assert changed == {"usr/lib/one.so"}
