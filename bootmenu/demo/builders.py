# SPDX-License-Identifier: MIT
"""Build kernel images and device trees from scratch, for the demonstration and for tests."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path

from bootmenu.formats.dtb import DeviceTree, Node
from bootmenu.model.devicetree import MemoryRange

_PAGE_FLAGS = {None: 0, 4096: 1, 16384: 2, 65536: 3}


def arm64_image(
    size: int,
    *,
    page_size: int | None = 4096,
    big_endian: bool = False,
    image_size: int | None = None,
    text_offset: int = 0,
    sections: bool = True,
    declared_end: int | None = None,
    machine: int = 0xAA64,
) -> bytes:
    """Return the first 4 KiB of an arm64 Image of `size` bytes; the rest of it can be zeros.

    sections: add a PE header whose last section ends at `declared_end` (default: size).
    """
    end = size if declared_end is None else declared_end
    flags = int(big_endian) | _PAGE_FLAGS[page_size] << 1 | 1 << 3
    head = bytearray(4096)
    # Documentation/arch/arm64/booting.rst, section 4
    struct.pack_into(
        "<2sHIQQQ24s4sI",
        head,
        0,
        b"MZ" if sections else b"\0\0",
        0xFA40,
        0x14000000,
        text_offset,
        size if image_size is None else image_size,
        flags,
        b"",
        b"ARM\x64",
        0x40 if sections else 0,
    )
    if sections:
        struct.pack_into("<4sHHIIIHH", head, 0x40, b"PE\0\0", machine, 2, 0, 0, 0, 0xA0, 0x206)
        struct.pack_into("<H", head, 0x58, 0x20B)
        struct.pack_into("<I", head, 0x58 + 108, 6)  # number of data directories
        table = 0x58 + 0xA0
        half = max(4096, end // 2 & ~0xFFF)
        for row, (name, offset, length) in enumerate(((b".text", 4096, half - 4096), (b".data", half, end - half))):
            struct.pack_into(
                "<8sIIIIIIHHI", head, table + 40 * row, name, length, offset, length, offset, 0, 0, 0, 0, 0x60000020
            )
    return bytes(head)


def write_sparse(path: Path, head: bytes, size: int) -> None:
    """Write a sparse file of `size` bytes that begins with `head`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(head[:size])
        file.truncate(size)


def write_gzipped_image(path: Path, size: int) -> None:
    """Write a compressed arm64 Image of `size` bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    head = arm64_image(size)
    path.write_bytes(gzip.compress(head + bytes(size - len(head)), compresslevel=1, mtime=0))


def strings(*values: str) -> bytes:
    """Return the bytes of a property with a list of strings."""
    return b"".join(value.encode() + b"\0" for value in values)


def cells(*values: int) -> bytes:
    """Return the bytes of a property with 32-bit cells."""
    return struct.pack(f">{len(values)}I", *values)


def board_tree(
    compatible: Sequence[str],
    model: str = "",
    *,
    cpus: Iterable[int] = range(4),
    enable_method: str | None = "psci",
    psci_method: str | None = "hvc",
    memory: Iterable[tuple[int, int]] = ((0x40000000, 0x40000000),),
    reservations: Iterable[tuple[int, int]] = (),
    chosen: Iterable[tuple[str, bytes]] = (),
    controller: tuple[str, int] | None = ("arm,cortex-a15-gic", 0x8000000),
    serial_ports: Iterable[tuple[str, int]] = (("arm,pl011", 0x9000000),),
    reserved: Iterable[tuple[str, int, int, bool]] = (),
) -> DeviceTree:
    """Return the tree of a small board: CPUs by hardware id, memory by (base, size), devices by (compatible,
    address), reserved memory by (name, base, size, no-map). None leaves a property or node out."""
    root = Node(
        "",
        properties=[
            ("#address-cells", cells(2)),
            ("#size-cells", cells(2)),
            ("compatible", strings(*compatible)),
            *([("model", strings(model))] if model else []),
        ],
    )
    root.children.append(Node("chosen", properties=list(chosen)))
    if controller is not None:
        kind, base = controller
        root.set("interrupt-parent", cells(1))
        properties = [("compatible", strings(kind)), ("interrupt-controller", b""), ("phandle", cells(1))]
        properties.append(("reg", struct.pack(">QQ", base, 0x10000)))
        root.children.append(Node(f"interrupt-controller@{base:x}", properties=properties))
    for kind, base in serial_ports:
        properties = [("compatible", strings(kind)), ("reg", struct.pack(">QQ", base, 0x1000))]
        root.children.append(Node(f"serial@{base:x}", properties=properties))
    reserved = list(reserved)
    if reserved:
        properties = [("#address-cells", cells(2)), ("#size-cells", cells(2)), ("ranges", b"")]
        parent = Node("reserved-memory", properties=properties)
        root.children.append(parent)
        for name, base, size, no_map in reserved:
            properties = [("reg", struct.pack(">QQ", base, size)), *([("no-map", b"")] if no_map else [])]
            parent.children.append(Node(f"{name}@{base:x}", properties=properties))
    for base, size in memory:
        reg = struct.pack(">QQ", base, size)
        properties = [("device_type", b"memory\0"), ("reg", reg)]
        root.children.append(Node(f"memory@{base:x}", properties=properties))
    if psci_method is not None:
        properties = [("compatible", strings("arm,psci-1.0", "arm,psci-0.2")), ("method", strings(psci_method))]
        root.children.append(Node("psci", properties=properties))
    folder = Node("cpus", properties=[("#address-cells", cells(1)), ("#size-cells", cells(0))])
    for number in cpus:
        properties = [("device_type", b"cpu\0"), ("reg", cells(number))]
        if enable_method is not None:
            properties.append(("enable-method", strings(enable_method)))
        if enable_method == "spin-table":
            properties.append(("cpu-release-addr", struct.pack(">Q", 0xD8 + 8 * number)))
        folder.children.append(Node(f"cpu@{number:x}", properties=properties))
    root.children.append(folder)
    return DeviceTree(root=root, reservations=[MemoryRange(base=base, size=size) for base, size in reservations])
