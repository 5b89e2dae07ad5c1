# SPDX-License-Identifier: MIT
"""Files around a kernel, from scratch: zboot, UKI, FIT and uImage; any number in them can be made a lie."""

from __future__ import annotations

import gzip
import hashlib
import struct
import zlib
from collections.abc import Mapping, Sequence

from bootmenu.demo.builders import cells, strings
from bootmenu.formats.devicetree import DeviceTree, Node
from tests.builders.entries import whole_image


def zboot(
    kernel: bytes, *, name: bytes = b"gzip", payload: bytes | None = None, size: int | None = None, tail: bytes = b""
) -> bytes:
    """An EFI zboot kernel. payload: what `name` makes of the kernel; None = its gzip."""
    packed = gzip.compress(kernel, mtime=0) if payload is None else payload
    head = bytearray(0x400)
    head[0:8] = b"MZ\0\0zimg"
    struct.pack_into("<II", head, 0x08, len(head), len(packed) if size is None else size)
    head[0x18 : 0x18 + len(name)] = name
    struct.pack_into("<II", head, 0x38, 0x818223CD, 0x40)
    struct.pack_into("<4sHHIIIHH", head, 0x40, b"PE\0\0", 0xAA64, 0, 0, 0, 0, 0xA0, 0x206)
    struct.pack_into("<H", head, 0x58, 0x20B)
    return bytes(head) + packed + tail


def board_dtb(*compatible: str) -> bytes:
    """A device tree that says its board, and nothing else."""
    return DeviceTree(root=Node("", properties=[("compatible", strings(*compatible))])).to_bytes()


def uki(*sections: tuple[str, bytes], machine: int = 0xAA64) -> bytes:
    """A unified kernel image with these sections, each at a multiple of 512 bytes."""
    head = bytearray(4096 + 40 * len(sections) // 512 * 512)
    head[0:2] = b"MZ"
    struct.pack_into("<I", head, 0x3C, 0x40)
    struct.pack_into("<4sHHIIIHH", head, 0x40, b"PE\0\0", machine, len(sections), 0, 0, 0, 0xA0, 0x206)
    struct.pack_into("<H", head, 0x58, 0x20B)
    body = bytearray()
    for row, (name, data) in enumerate(sections):
        padded = data + bytes(-len(data) % 512)
        at = 0x58 + 0xA0 + 40 * row
        values = (name.encode(), len(data), 0, len(padded), len(head) + len(body), 0, 0, 0, 0, 0x40000040)
        struct.pack_into("<8sIIIIIIHHI", head, at, *values)
        body += padded
    return bytes(head + body)


def fit(
    data: bytes | None = None,
    *,
    compression: str = "none",
    board: Sequence[str] = ("acme,rocket",),
    board_from_tree: bool = False,
    kernel: str = "kernel-1",
    algorithm: str = "sha256",
    external: bool = False,
    spoil: bool = False,
) -> bytes:
    """A FIT image with one kernel, one device tree and one configuration that names `kernel`.

    external: the kernel's data lie behind the tree. spoil: one byte of it is another one.
    """
    data = whole_image() if data is None else data
    digest = _digest(algorithm, data)
    if spoil:
        data = data[:-1] + bytes([data[-1] ^ 1])
    place = [("data-offset", cells(0)), ("data-size", cells(len(data)))] if external else [("data", data)]
    image = Node(
        "kernel-1",
        properties=[
            ("type", strings("kernel")),
            ("arch", strings("arm64")),
            ("compression", strings(compression)),
            *place,
        ],
        children=[Node("hash-1", properties=[("algo", strings(algorithm)), ("value", digest)])],
    )
    tree = DeviceTree(root=Node("", properties=[("compatible", strings(*board))] if board else []))
    flat = Node("fdt-1", properties=[("type", strings("flat_dt")), ("data", tree.to_bytes())])
    configuration = Node("conf-1", properties=[("kernel", strings(kernel)), ("fdt", strings("fdt-1"))])
    if board and not board_from_tree:
        configuration.set("compatible", strings(*board))
    root = Node(
        "",
        children=[
            Node("images", children=[image, flat]),
            Node("configurations", properties=[("default", strings("conf-1"))], children=[configuration]),
        ],
    )
    built = DeviceTree(root=root).to_bytes()
    return built + bytes(-len(built) % 4) + data if external else built


def fit_of(
    images: Mapping[str, tuple[str, bytes, str]],
    configurations: Mapping[str, Mapping[str, Sequence[str]]],
    *,
    default: str = "",
    data: str = "inside",
    algorithms: Sequence[str] = (),
) -> bytes:
    """A FIT image. images: (type, data, compression) by name; configurations: strings of each property.

    data: `inside` the tree, or behind it by `offset` or by `position`.
    """
    behind, nodes = bytearray(), []
    for name, (kind, content, compression) in images.items():
        hashes = [
            Node(f"hash-{number}", properties=[("algo", strings(algorithm)), ("value", _digest(algorithm, content))])
            for number, algorithm in enumerate(algorithms)
        ]
        place = [("data", content)]
        if data != "inside":
            place = [(f"data-{data}", cells(len(behind))), ("data-size", cells(len(content)))]
            behind += content + bytes(-len(content) % 4)
        properties = [("type", strings(kind)), ("arch", strings("arm64")), ("compression", strings(compression))]
        nodes.append(Node(name, properties=[*properties, *place], children=hashes))
    chosen = [
        Node(name, properties=[(key, strings(*value)) for key, value in properties.items()])
        for name, properties in configurations.items()
    ]
    top = Node("configurations", properties=[("default", strings(default))] if default else [], children=chosen)
    root = Node("", children=[Node("images", children=nodes), top])
    built = DeviceTree(root=root).to_bytes()
    start = len(built) + -len(built) % 4
    for node in nodes if data == "position" else ():
        node.set("data-position", cells(start + int.from_bytes(node.get("data-position") or b"", "big")))
    built = DeviceTree(root=root).to_bytes()
    return built if data == "inside" else built + bytes(-len(built) % 4) + behind


def _digest(algorithm: str, data: bytes) -> bytes:
    if algorithm == "crc32":
        return zlib.crc32(data).to_bytes(4, "big")
    return hashlib.new(algorithm, data, usedforsecurity=False).digest()


def uimage_of(*parts: bytes, sizes: Sequence[int] | None = None) -> bytes:
    """A legacy uImage of several parts. sizes: what its table claims."""
    table = [*(map(len, parts) if sizes is None else sizes), 0]
    data = struct.pack(f">{len(table)}I", *table)
    for part in parts:
        data += bytes(-len(data) % 4) + part
    return uimage(data, kind=4)


def uimage(
    data: bytes | None = None,
    *,
    compression: int = 0,
    kind: int = 2,
    architecture: int = 22,
    size: int | None = None,
    data_crc: int | None = None,
    header_crc: int | None = None,
) -> bytes:
    """A legacy uImage; numbers as U-Boot's include/image.h has them."""
    data = whole_image() if data is None else data
    values = [
        0x27051956, 0, 0, len(data) if size is None else size, 0, 0,
        zlib.crc32(data) if data_crc is None else data_crc, 5, architecture, kind, compression, b"Linux",
    ]  # fmt: skip
    layout = ">7I4B32s"
    values[1] = zlib.crc32(struct.pack(layout, *values)) if header_crc is None else header_crc
    return struct.pack(layout, *values) + data
