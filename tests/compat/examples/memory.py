# SPDX-License-Identifier: MIT
"""Whether there is room."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from bootmenu.compat.facts import EntryFacts
from bootmenu.model.devicetree import MemoryRange
from tests.builders import machines
from tests.builders.entries import entry, kernel, kernel_file, with_files
from tests.compat.examples.base import FAIL, GIB, PASS, TREE, UNKNOWN, WARN, Example, virt


def room() -> Iterator[Example]:
    code = "MEM-IOMEM"
    yield Example(code=code, name="read", severity=PASS)
    yield Example(code=code, name="zeros", severity=UNKNOWN, machine=virt(ram=None), says="as root")
    yield Example(code=code, name="x86", severity=None, machine=machines.unprivileged_x86())

    code = "MEM-HOLE"
    base = TREE.memory[0].base
    mib = 1 << 20
    large = entry(kernel=kernel(image_size=64 * mib))
    yield Example(code=code, name="room", severity=PASS, entry=large)
    taken = (MemoryRange(base=base, size=GIB - 60 * mib),)
    yield Example(
        code=code, name="too small", severity=FAIL, entry=large, machine=virt(ram_taken=taken), says="67.1 MB"
    )
    # 64 MiB are there, but not from a 2 MiB boundary on
    crooked = (MemoryRange(base=base, size=mib), MemoryRange(base=base + 65 * mib, size=GIB - 65 * mib))
    yield Example(code=code, name="crooked", severity=FAIL, entry=large, machine=virt(ram_taken=crooked))
    straight = (MemoryRange(base=base, size=2 * mib), MemoryRange(base=base + 66 * mib, size=GIB - 66 * mib))
    yield Example(code=code, name="just enough", severity=PASS, entry=large, machine=virt(ram_taken=straight))
    tables = virt(ram_taken=straight, lpi_tables=(MemoryRange(base=base + 32 * mib, size=0x10000),))
    avoiding = dataclasses.replace(large, avoids_lpi_tables=True)
    yield Example(code=code, name="LPI tables in the way", severity=FAIL, entry=avoiding, machine=tables)
    offset = entry(kernel=kernel(image_size=64 * mib, text_offset=0x80000))
    yield Example(code=code, name="with text_offset", severity=FAIL, entry=offset, machine=virt(ram_taken=straight))
    # 16 MiB are assumed
    old = entry(kernel=kernel(image_size=0))
    tiny = virt(ram_taken=(MemoryRange(base=base, size=GIB - 8 * mib),))
    yield Example(code=code, name="size not said", severity=FAIL, entry=old, machine=tiny)
    yield Example(code=code, name="reserved unread", severity=UNKNOWN, machine=virt(ram_taken=None))
    yield Example(code=code, name="map unread", severity=None, machine=virt(ram=None))

    code = "MEM-HALF"

    def with_initramfs(size: int | None) -> EntryFacts:
        return with_files(kernel_file(), kernel_file(role="initramfs", size=size))

    yield Example(code=code, name="fits", severity=PASS, entry=with_initramfs(30 * mib))
    yield Example(
        code=code, name="too large", severity=FAIL, entry=with_initramfs(GIB // 2), says="smaller initramfs"
    )
    nearly = entry(kernel=kernel(image_size=GIB // 2))
    yield Example(code=code, name="the kernel alone", severity=FAIL, entry=nearly)
    yield Example(code=code, name="memory unread", severity=UNKNOWN, machine=virt(memory_total=None))
    yield Example(code=code, name="size unread", severity=UNKNOWN, entry=with_initramfs(None))

    code = "MEM-INITRD-WINDOW"
    huge = virt(memory_total=1 << 40)
    yield Example(code=code, name="fits", severity=PASS, entry=with_initramfs(30 * mib))
    yield Example(code=code, name="too large", severity=FAIL, entry=with_initramfs(33 * GIB), machine=huge)
    yield Example(code=code, name="at the limit", severity=UNKNOWN, entry=with_initramfs(31 * GIB), machine=huge)
    yield Example(code=code, name="size unread", severity=UNKNOWN, entry=with_initramfs(None))
    yield Example(code=code, name="no initramfs", severity=None)

    code = "MEM-FREE"
    yield Example(code=code, name="enough", severity=PASS, entry=with_initramfs(30 * mib))
    poor = virt(memory_available=50 * mib)
    yield Example(code=code, name="short", severity=WARN, entry=with_initramfs(30 * mib), machine=poor, says="63 MB")
    flat = dataclasses.replace(with_initramfs(30 * mib), reads_into_memory=False)
    yield Example(code=code, name="copied once", severity=PASS, entry=flat, machine=poor)
    yield Example(code=code, name="unread", severity=UNKNOWN, machine=virt(memory_available=None))
    yield Example(code=code, name="refused anyway", severity=None, entry=with_initramfs(GIB))
