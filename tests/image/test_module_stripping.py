# SPDX-License-Identifier: MIT
"""Smaller kernel modules are linked like the ones that they were made of."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.image.module_stripping import stripped
from tests.image import samples
from tests.properties import examples

NULL, PROGBITS, SYMTAB, STRTAB, RELA, NOBITS, GROUP = 0, 1, 2, 3, 4, 8, 17
ALLOC = 2

Section = tuple[str, int, int, bytes, int, int, int]
"""Name, type, flags, content, link, info, alignment."""


def elf(sections: Sequence[Section], machine: int = 183) -> bytes:
    """A relocatable file of these sections after the first, empty one; the names come last."""
    names, places = b"\0", []
    for name in (*(section[0] for section in sections), ".shstrtab"):
        places.append(len(names))
        names += name.encode() + b"\0"
    out, headers = bytearray(64), [bytes(64)]
    for (_, kind, flags, data, link, info, alignment), place in zip(
        (*sections, (".shstrtab", STRTAB, 0, names, 0, 0, 1)), places, strict=True
    ):
        out += bytes(-len(out) % alignment)
        size = 64 if kind == NOBITS else len(data)
        entry = {SYMTAB: 24, RELA: 24}.get(kind, 0)
        headers.append(
            struct.pack("<IIQQQQIIQQ", place, kind, flags, 0, len(out), size, link, info, alignment, entry)
        )
        out += data
    out += bytes(-len(out) % 8)
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    rest = struct.pack(
        "<HHIQQQIHHHHHH", 1, machine, 1, 0, 0, len(out), 0, 64, 0, 0, 64, len(headers), len(headers) - 1
    )
    return ident + rest + bytes(out[64:]) + b"".join(headers)


def symbol(name: int, index: int, value: int = 0, info: int = 0) -> bytes:
    return struct.pack("<IBBHQQ", name, info, 0, index, value, 8)


def relocation(offset: int, number: int, addend: int = 0) -> bytes:
    return struct.pack("<QQq", offset, number << 32 | 283, addend)


NAMES = b"\0local\0unused\0printk\0init_module\0"
LOCAL, UNUSED, PRINTK, INIT = (NAMES.index(name) for name in (b"local", b"unused", b"printk", b"init_module"))
SYMBOLS = (
    symbol(0, 0),
    symbol(UNUSED, 1, 4),
    symbol(LOCAL, 1, 8),
    symbol(PRINTK, 0, info=0x10),
    symbol(UNUSED, 1, 12, info=0x10),
    symbol(INIT, 1, 16, info=0x10),
)


def small(machine: int = 183, *more: Section) -> bytes:
    """.text with three relocations, .bss, .BTF with a relocation, and six symbols, of which three are named."""
    return elf(
        [
            (".text", PROGBITS, ALLOC | 4, b"\x1f\x20\x03\xd5" * 8, 0, 0, 4),
            (".rela.text", RELA, 64, relocation(0, 3) + relocation(4, 2, -4) + relocation(8, 5), 6, 1, 8),
            (".bss", NOBITS, ALLOC | 1, b"", 0, 0, 8),
            (".BTF", PROGBITS, 0, b"types" * 100, 0, 0, 1),
            (".rela.BTF", RELA, 64, relocation(0, 1), 6, 4, 8),
            (".symtab", SYMTAB, 0, b"".join(SYMBOLS), 7, 3, 8),
            (".strtab", STRTAB, 0, NAMES, 0, 0, 1),
            (".modinfo", PROGBITS, ALLOC, b"license=GPL\0", 0, 0, 1),
            *more,
        ],
        machine,
    )


def linked(module: bytes) -> dict[str, Any]:
    """What the kernel takes from a module: loaded sections, and each relocation with what it refers to."""
    file: Any = ELFFile(io.BytesIO(module))
    symtab = file.get_section_by_name(".symtab")
    found: dict[str, Any] = {}
    for number, section in enumerate(file.iter_sections()):
        if section["sh_flags"] & ALLOC:
            found[section.name] = (
                number,
                section["sh_type"],
                section["sh_size"],
                section["sh_addralign"],
                section.data(),
            )
    for section in file.iter_sections():
        if section["sh_type"] == "SHT_RELA" and file.get_section(section["sh_info"])["sh_flags"] & ALLOC:
            found[section.name] = []
            for each in section.iter_relocations():
                target = symtab.get_symbol(each["r_info_sym"])
                name = target.name if target["st_shndx"] == "SHN_UNDEF" else ""
                where = (name, target["st_shndx"], target["st_value"], target["st_info"]["bind"])
                found[section.name].append((each["r_offset"], each["r_info_type"], each["r_addend"], where))
    return found


@pytest.mark.parametrize("machine", [62, 183, 243])
def test_what_the_kernel_links_stays(machine: int) -> None:
    before, after = small(machine), stripped(small(machine))
    assert linked(after) == linked(before)
    assert len(linked(after)[".rela.text"]) == 3
    assert len(after) < len(before) - 500


def test_only_symbols_that_are_used_stay_and_names_that_are_looked_up() -> None:
    file: Any = ELFFile(io.BytesIO(stripped(small() + b"signature")))
    symtab = file.get_section_by_name(".symtab")
    assert [symbol.name for symbol in symtab.iter_symbols()] == ["", "", "printk", ""]
    assert symtab["sh_info"] == 2
    assert file.get_section_by_name(".BTF")["sh_size"] == 0
    assert file.get_section_by_name(".strtab").data() == b"\0printk\0"


def test_what_is_stripped_already_stays_as_it_is() -> None:
    assert stripped(stripped(small())) == stripped(small())


@pytest.mark.parametrize(
    "module",
    [
        small(8),
        small(183, (".group", GROUP, 0, bytes(8), 6, 1, 4)),
        b"\x7fELF\x01\x01" + small()[6:],
        small()[:200],
        b"",
        b"no module",
        samples.module(license="GPL"),
    ],
    ids=["mips", "group", "32 bits", "cut", "empty", "text", "without symbols"],
)
def test_a_form_that_is_not_known_is_left_alone(module: bytes) -> None:
    assert stripped(module) == module


@given(st.data())
@examples(200)
def test_a_damaged_module_is_no_reason_to_fail(data: st.DataObject) -> None:
    module = bytearray(small())
    for _ in range(data.draw(st.integers(1, 4))):
        module[data.draw(st.integers(0, len(module) - 1))] = data.draw(st.integers(0, 255))
    stripped(bytes(module))
