# SPDX-License-Identifier: MIT
"""Files around a kernel, from scratch: zboot, UKI, FIT, uImage, Android; any number in them can be made a lie."""

from __future__ import annotations

import gzip
import hashlib
import struct
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from bootmenu.demo.builders import cells, strings
from bootmenu.formats.dtb import DeviceTree, Node
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
    """A unified kernel image with these sections, each at a multiple of 512 bytes. bootctl takes it for one, too."""
    head = bytearray(4096 + 40 * len(sections) // 512 * 512)
    head[0:2] = b"MZ"
    struct.pack_into("<I", head, 0x3C, 0x40)
    struct.pack_into("<4sHHIIIHH", head, 0x40, b"PE\0\0", machine, len(sections), 0, 0, 0, 0xA0, 0x206)
    struct.pack_into("<H", head, 0x58, 0x20B)
    struct.pack_into("<H", head, 0x58 + 68, 10)  # the subsystem: an EFI application
    struct.pack_into("<I", head, 0x58 + 108, 6)  # data directories, as many as the header has room for
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


def boot_script(text: str | bytes) -> bytes:
    """A uImage of a script, as `mkimage -T script` makes it."""
    data = text.encode() if isinstance(text, str) else text
    return uimage(struct.pack(">II", len(data), 0) + data, kind=6)


def large_fit(path: Path, kernel: int, ramdisk: int, *, external: bool = False, algorithm: str = "sha256") -> None:
    """Write a FIT image of one configuration whose kernel and ramdisk are of these sizes, as a file with holes.

    Its data lie inside the tree, as mkimage puts them, or behind it (`mkimage -E`).
    """
    contents = {"kernel": (whole_image(), kernel), "ramdisk": (b"070701", ramdisk)}
    names = b"type\0arch\0compression\0data\0data-offset\0data-size\0algo\0value\0default\0kernel\0ramdisk\0"

    def node(name: str) -> bytes:
        raw = name.encode() + b"\0"
        return struct.pack(">I", 1) + raw + bytes(-len(raw) % 4)

    def prop(name: str, value: bytes) -> bytes:
        at = (b"\0" + names).index(b"\0" + name.encode() + b"\0")
        return struct.pack(">III", 3, len(value), at) + value + bytes(-len(value) % 4)

    end, behind = struct.pack(">I", 2), 0
    with path.open("wb") as file:
        file.seek(56)  # the header is written in the end; no reservations
        file.write(node("") + node("images"))
        later: list[tuple[int, bytes]] = []
        for name, (head, size) in contents.items():
            digest = _digest_of_holes(algorithm, head, size)
            file.write(node(name) + prop("type", strings(name)) + prop("arch", strings("arm64")))
            file.write(prop("compression", strings("none")))
            if external:
                file.write(prop("data-offset", cells(behind)) + prop("data-size", cells(size)))
                later.append((behind, head))
                behind += size + -size % 4
            else:
                at = (b"\0" + names).index(b"\0data\0")
                file.write(struct.pack(">III", 3, size, at) + head)
                file.seek(size - len(head) + -size % 4, 1)
            file.write(node("hash-1") + prop("algo", strings(algorithm)) + prop("value", digest) + end + end)
        file.write(end + node("configurations") + prop("default", strings("conf-1")) + node("conf-1"))
        file.write(prop("kernel", strings("kernel")) + prop("ramdisk", strings("ramdisk")))
        file.write(end + end + end + struct.pack(">I", 9))
        strings_at = file.tell()
        file.write(names)
        total = file.tell()
        for place, head in later:
            file.seek(total + -total % 4 + place)
            file.write(head)
        file.truncate(total if not external else total + -total % 4 + behind)
        file.seek(0)
        file.write(struct.pack(">10I", 0xD00DFEED, total, 56, strings_at, 40, 17, 16, 0, len(names), strings_at - 56))


def _digest_of_holes(algorithm: str, head: bytes, size: int) -> bytes:
    digest, block, left = hashlib.new(algorithm, head), bytes(1 << 20), size - len(head)
    while left > 0:
        digest.update(block[: min(left, len(block))])
        left -= len(block)
    return digest.digest()


def _pages(page: int, *parts: bytes) -> bytes:
    return b"".join(part + bytes(-len(part) % page) for part in parts)


def android(
    kernel: bytes,
    ramdisk: bytes = b"",
    *,
    version: int = 0,
    page: int = 2048,
    second: bytes = b"",
    dtbo: bytes = b"",
    dtb: bytes = b"",
    cmdline: bytes = b"",
) -> bytes:
    """An Android boot image, as mkbootimg writes it."""
    if version >= 3:
        header = struct.pack("<8s4I16xI1536s", b"ANDROID!", len(kernel), len(ramdisk), 0, 1584, version, cmdline)
        return _pages(4096, header, kernel, ramdisk)
    numbers = (len(kernel), 0, len(ramdisk), 0, len(second), 0, 0, page, version, 0)
    texts = (b"board", cmdline[:512], b"", cmdline[512:])
    header = struct.pack("<8s10I16s512s32s1024s", b"ANDROID!", *numbers, *texts)
    header += struct.pack("<IQIIQ", len(dtbo), 0, 1660, len(dtb), 0)
    return _pages(page, header, kernel, ramdisk, second, dtbo, dtb)


def android_vendor(
    ramdisks: Sequence[tuple[int, bytes]],
    *,
    version: int = 4,
    page: int = 4096,
    dtb: bytes = b"",
    cmdline: bytes = b"",
    bootconfig: bytes = b"",
) -> bytes:
    """An Android vendor_boot image with ramdisks by (type, content); version 3 has one."""
    ramdisk, table = b"".join(data for _, data in ramdisks), b""
    offset = 0
    for kind, data in ramdisks:
        table += struct.pack("<III96x", len(data), offset, kind)
        offset += len(data)
    numbers = (version, page, 0, 0, len(ramdisk))
    header = struct.pack("<8s5I2048sI16sIIQ", b"VNDRBOOT", *numbers, cmdline, 0, b"board", 2128, len(dtb), 0)
    if version < 4:
        return _pages(page, header, ramdisk, dtb)
    header += struct.pack("<4I", len(table), len(ramdisks), 108, len(bootconfig))
    return _pages(page, header, ramdisk, dtb, table, bootconfig)


def chromeos(body: bytes, cmdline: bytes = b"", *, load: int = 0x1000, kernel: int | None = None) -> bytes:
    """A kernel for ChromeOS' firmware, as vbutil_kernel packs it. kernel: bytes before the command line."""
    body += bytes(-len(body) % 4096)
    at = len(body) if kernel is None else kernel
    keyblock = b"CHROMEOS" + struct.pack("<3I", 2, 1, 2232)
    preamble = struct.pack("<II24x4IQQII24x", 65536 - 2232, 0, 2, 2, 1, 0, load, load + at + 8192, 512, 0)
    head = keyblock.ljust(2232, b"\0") + preamble
    return head.ljust(65536, b"\0") + body + cmdline.ljust(4096, b"\0") + bytes(4096) + bytes(512)
