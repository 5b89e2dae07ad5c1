# SPDX-License-Identifier: MIT
"""What libfdt's fdt_check_full accepts is accepted here, and what it refuses is refused."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator

import pytest

from bootmenu.demo.builders import board_tree, strings
from bootmenu.errors import FormatError
from bootmenu.formats.dtb import DeviceTree, Node
from tests.builders.libfdt import LibFdt
from tests.properties import ALL

BLOBS = 1600 if ALL else 320
SEED = 20140825


def seeds() -> list[bytes]:
    """Small trees, so that a mutation mostly hits something that matters."""
    tiny = DeviceTree(root=Node("", children=[Node("a", properties=[("p", b"1234567"), ("q", b"")])]))
    board = board_tree(
        ("acme,rocket-2", "acme,soc9"),
        cpus=range(2),
        reservations=((0x1000, 0x1000), (1 << 63, 8)),
        chosen=[("stdout-path", strings("serial0"))],
    )
    packed = [tiny.to_bytes(), board.to_bytes()]
    return [
        *packed,
        packed[1] + bytes(40),
        *(older(tree, version) for tree in (tiny, board) for version in (16, 3, 2)),
    ]


def older(tree: DeviceTree, version: int) -> bytes:
    """The tree in an old form. Before version 16 nodes had full paths for names, and long values were aligned."""
    structure = bytearray()
    names = bytearray()

    def word(value: int) -> None:
        structure.extend(struct.pack(">I", value))

    def write(node: Node, path: str) -> None:
        word(1)
        name = (path if version < 16 else node.name).encode() + b"\0"
        structure.extend(name + bytes(-len(name) % 4))
        for key, value in node.properties:
            word(3)
            word(len(value))
            word(len(names))
            names.extend(key.encode() + b"\0")
            if version < 16 and len(value) >= 8:
                structure.extend(bytes(-len(structure) % 8))
            structure.extend(value + bytes(-len(value) % 4))
        for child in node.children:
            write(child, f"{path.rstrip('/')}/{child.name}")
        word(2)

    write(tree.root, "/")
    word(9)
    reservations = b"".join(struct.pack(">QQ", area.base, area.size) for area in tree.reservations) + bytes(16)
    at = 40 + len(reservations)
    total = at + len(structure) + len(names)
    words = (0xD00DFEED, total, at, at + len(structure), 40, version, min(version, 16), 0, len(names), 0)
    return struct.pack(">10I", *words) + reservations + bytes(structure) + bytes(names)


def mutated(blobs: int) -> Iterator[bytes]:
    choose = random.Random(SEED)
    originals = seeds()
    yield from originals
    for _ in range(blobs):
        data = bytearray(choose.choice(originals))
        for _ in range(choose.choice((1, 1, 1, 2, 4))):
            mutate(data, choose)
        yield bytes(data)


def mutate(data: bytearray, choose: random.Random) -> None:
    data += bytes(max(0, 40 - len(data)))
    size = len(data)
    match choose.randrange(8):
        case 0:
            data[choose.randrange(size)] = choose.randrange(256)
        case 1:
            data[choose.randrange(size)] ^= 1 << choose.randrange(8)
        case 2:  # a word of the header
            at = 4 * choose.randrange(10)
            value = choose.choice((0, 1, 2, 3, 16, 17, 39, 40, 48, size - 1, size, size + 1, 0x7FFFFFFF, 0xFFFFFFFF))
            data[at : at + 4] = struct.pack(">I", value)
        case 3:  # a word of the header, a little off
            at = 4 * choose.randrange(10)
            (value,) = struct.unpack_from(">I", data, at)
            data[at : at + 4] = struct.pack(">I", (value + choose.choice((-8, -4, -1, 1, 4, 8))) % 2**32)
        case 4:  # a word anywhere becomes a tag, or a length; not 0xfffffffe, at which libfdt 1.6.1 overflows
            at = 4 * choose.randrange(size // 4)
            data[at : at + 4] = struct.pack(">I", choose.choice((1, 2, 3, 4, 9, 0, 5, 0x10, 0x7FFFFFFF)))
        case 5:  # a word is lost or doubled
            at = 4 * choose.randrange(size // 4)
            data[at : at + 4] = b"" if choose.random() < 0.5 else data[at : at + 4] * 2
        case 6:
            del data[choose.randrange(1, size) :]
        case 7:
            data += bytes(choose.randrange(16))


def accepted(data: bytes) -> bool:
    try:
        DeviceTree.from_bytes(data)
    except FormatError:
        return False
    return True


def test_it_accepts_and_refuses_what_libfdt_does() -> None:
    libfdt = LibFdt()
    counts = {True: 0, False: 0}
    differing: list[str] = []
    for data in mutated(BLOBS):
        wanted = libfdt.accepts(data)
        counts[wanted] += 1
        if accepted(data) != wanted:
            differing.append(f"libfdt {'accepts' if wanted else 'refuses'} {data.hex()}")
    assert not differing, f"{len(differing)} differ, the first: {differing[0]}"
    assert min(counts.values()) > BLOBS // 10, "the mutations should hit and miss"


@pytest.mark.parametrize("length", range(60))
def test_a_short_file_is_refused_as_libfdt_refuses_it(length: int) -> None:
    data = seeds()[0][:length]
    assert not accepted(data)
    assert not LibFdt().accepts(data)


def test_what_is_written_libfdt_accepts() -> None:
    for data in seeds()[:3]:
        assert LibFdt().accepts(DeviceTree.from_bytes(data).to_bytes())


def test_every_version_reads_as_the_same_tree() -> None:
    packed, board, _, *old = seeds()
    for at, data in enumerate(old):
        assert LibFdt().accepts(data), "the builder's own mistake"
        assert DeviceTree.from_bytes(data) == DeviceTree.from_bytes(packed if at < 3 else board)
