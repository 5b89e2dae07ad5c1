# SPDX-License-Identifier: MIT
"""The short way to a root's compatible and model, held against the reader of whole trees."""

from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.demo.builders import board_tree, strings
from bootmenu.errors import FormatError
from bootmenu.formats.dtb import MAX_SIZE, DeviceTree, Node
from bootmenu.formats.dtb_head import MAX_PROPERTY, DtbHead, quick_head, read_head
from bootmenu.formats.reader import Buffer
from tests.builders import strategies
from tests.properties import examples

PROPERTY = examples(200)
BOARD = board_tree(("acme,rocket", "acme,soc9"), "Rocket", cpus=range(4)).to_bytes()
HEAD = DtbHead(b"acme,rocket\0acme,soc9\0", b"Rocket\0")


class Counted(Buffer):
    """A file that counts how much of it is read."""

    taken = 0

    def read(self, offset: int, length: int) -> bytes:
        data = super().read(offset, length)
        Counted.taken += len(data)
        return data


def written(*properties: tuple[str, bytes]) -> bytes:
    """A tree whose root has these properties, and a child."""
    return DeviceTree(root=Node("", properties=list(properties), children=[Node("cpus")])).to_bytes()


def with_words(data: bytes, **words: int) -> bytes:
    """With words of the header replaced."""
    places = dict.fromkeys(("magic", "total", "struct", "strings", "reservations", "version", "last"), 0)
    patched = bytearray(data)
    for name, value in words.items():
        struct.pack_into(">I", patched, 4 * [*places, "cpu", "size_strings", "size_struct"].index(name), value)
    return bytes(patched)


def agrees(data: bytes) -> bool:
    """Whether the whole tree is sound, in which case both readers have to say the same of it."""
    try:
        root = DeviceTree.from_bytes(data).root
    except FormatError:
        with contextlib.suppress(FormatError):
            read_head(Buffer(data))
        return False
    head = read_head(Buffer(data))
    assert (head.raw_compatible, head.raw_model) == (root.get("compatible"), root.get("model"))
    assert (head.compatible, head.model) == (root.strings("compatible"), root.string("model"))
    return True


def test_a_board_s_tree_is_read_by_two_short_reads() -> None:
    Counted.taken = 0
    assert quick_head(Counted(BOARD + bytes(100_000))) == HEAD
    assert Counted.taken <= 1024
    assert HEAD.compatible == ("acme,rocket", "acme,soc9")
    assert HEAD.model == "Rocket"


@PROPERTY
@given(strategies.device_trees)
def test_both_readers_say_the_same_of_every_sound_tree(tree: DeviceTree) -> None:
    assert agrees(tree.to_bytes())


@PROPERTY
@given(st.binary(max_size=200), st.integers(0, len(BOARD) - 1))
def test_any_bytes_give_a_head_or_an_error(damage: bytes, at: int) -> None:
    for data in (damage, BOARD[: len(damage)] + damage, BOARD[:at] + damage + BOARD[at + len(damage) :], BOARD[:at]):
        agrees(data)


@pytest.mark.parametrize(
    "properties",
    [
        (),
        (("model", b"Rocket\0"),),
        (("compatible", b""), ("model", b"\0")),
        (("model", b"first\0"), ("model", b"second\0"), ("compatible", b"a,b\0")),
        (("my-compatible", b"no\0"), ("compatible", b"a,b\0"), ("the-model", b"no\0")),
        (("big", bytes(5000)), ("compatible", b"a,b\0"), ("model", b"c\0")),
        (*((f"property-{number}", b"") for number in range(400)), ("compatible", b"a,b\0"), ("model", b"c\0")),
    ],
    ids=["none", "one", "empty", "twice", "similar names", "large", "many"],
)
def test_wherever_the_properties_lie(properties: tuple[tuple[str, bytes], ...]) -> None:
    assert agrees(written(*properties))


def test_a_name_that_shares_the_end_of_another_is_that_name() -> None:
    # dtc keeps "compatible" inside of "my-compatible" when it packs the strings
    data = written(("my-compatible", b"acme,rocket\0"))
    at = data.index(b"\0\0\0\x03") + 8
    shared = data[:at] + struct.pack(">I", 3) + data[at + 4 :]
    assert agrees(shared)
    assert read_head(Buffer(shared)).compatible == ("acme,rocket",)


@pytest.mark.parametrize("version", [2, 3, 15, 16, 17, 18])
def test_other_versions_are_read_as_well(version: int) -> None:
    # short values, as old versions align those of 8 bytes and more differently
    data = with_words(written(("compatible", b"a,b\0"), ("model", b"c\0")), version=version, last=min(version, 17))
    if version < 16:  # names are paths
        for at in (data.index(b"\0\0\0\x01") + 4, data.index(b"cpus") + 1):
            data = data[:at] + b"/" + data[at + 1 :]
    assert agrees(data)
    assert read_head(Buffer(data)) == DtbHead(b"a,b\0", b"c\0")


@pytest.mark.parametrize(
    "words",
    [
        {"magic": 0},
        {"total": len(BOARD) + 1},
        {"total": 1 << 31},
        {"struct": 36},
        {"struct": len(BOARD)},
        {"strings": 0xFFFFFFFF},
        {"reservations": len(BOARD) + 8},
        {"version": 1},
        {"last": 18},
        {"size_strings": 0xFFFFFFFF},
        {"size_struct": 0xFFFFFFFF},
    ],
    ids=str,
)
def test_a_header_that_lies_is_an_error_and_nothing_more_is_read(words: dict[str, int]) -> None:
    Counted.taken = 0
    with pytest.raises(FormatError):
        read_head(Counted(with_words(BOARD, **words) + bytes(100_000 if "total" not in words else 0)))
    assert Counted.taken <= 2048


def test_what_is_too_large_is_refused() -> None:
    assert read_head(Buffer(BOARD + bytes(MAX_SIZE - len(BOARD)))) == HEAD
    with pytest.raises(FormatError, match="too many"):
        read_head(Buffer(BOARD + bytes(MAX_SIZE - len(BOARD) + 1)))
    longest = strings("a" * (MAX_PROPERTY - 1))
    assert read_head(Buffer(written(("compatible", longest)))).raw_compatible == longest
    with pytest.raises(FormatError, match="compatible"):
        read_head(Buffer(written(("compatible", b"a" + longest))))
