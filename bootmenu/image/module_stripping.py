# SPDX-License-Identifier: MIT
"""Make kernel modules smaller: without what the kernel does not need to link them.

Left out are type information and other notes (sections that are not loaded), symbols that no relocation names, and
the names of all symbols but those that the kernel looks up. A backtrace then names functions of a module by their
offset only; and the signature at the end of the file is lost, which no longer fits.
"""

from __future__ import annotations

import struct

from bootmenu.model.value import Record

_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")  # Elf64_Ehdr
_SECTION = struct.Struct("<IIQQQQIIQQ")  # Elf64_Shdr
_SYMBOL = struct.Struct("<IBBHQQ")  # Elf64_Sym
_RELOCATION = struct.Struct("<QQq")  # Elf64_Rela
_IDENT = b"\x7fELF\x02\x01"  # 64 bits, least significant byte first
_RELOCATABLE = 1
_MACHINES = frozenset({62, 183, 243})
"""EM_X86_64, EM_AARCH64, EM_RISCV: their relocations have the symbol in the upper half of r_info."""
_SYMTAB, _STRTAB, _RELA, _NOBITS = 2, 3, 4, 8
_PLAIN = frozenset({0, 1, _SYMTAB, _STRTAB, _RELA, 7, _NOBITS, 14, 15})
"""SHT_NULL, PROGBITS, SYMTAB, STRTAB, RELA, NOTE, NOBITS, INIT_ARRAY, FINI_ARRAY; other types (GROUP, SYMTAB_SHNDX)
refer to symbols in ways of their own."""
_ALLOC = 2
_MOST_ALIGNED = 1 << 16  # bytes
_UNDEFINED, _COMMON = 0, 0xFFF2


class _ElfSection(Record):
    """An Elf64_Shdr with the content of its section."""

    name: int
    kind: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    alignment: int
    entry_size: int
    data: bytes = b""


def stripped(module: bytes) -> bytes:
    """Return the module with what is needed only, or as it is if it has a form that is not known here."""
    try:
        return _stripped(module)
    except (struct.error, IndexError, ValueError):  # it is damaged
        return module


def _stripped(module: bytes) -> bytes:
    header = _HEADER.unpack_from(module)
    ident, kind, machine, *_, count, names = header
    table = header[6]
    if not ident.startswith(_IDENT) or kind != _RELOCATABLE or machine not in _MACHINES or count == 0:
        return module
    sections = [_ElfSection(*_SECTION.unpack_from(module, table + _SECTION.size * number)) for number in range(count)]
    tables = [number for number, section in enumerate(sections) if section.kind == _SYMTAB]
    if len(tables) != 1 or any(section.kind not in _PLAIN for section in sections):
        return module
    if any(section.alignment > _MOST_ALIGNED for section in sections):
        return module
    if sum(section.size for section in sections if section.kind != _NOBITS) > len(module):
        return module
    (symtab,) = tables
    strtab = sections[symtab].link
    for section in sections:
        if section.kind != _NOBITS:
            section.data = module[section.offset : section.offset + section.size]
    kept = {0, symtab, strtab, names}
    kept |= {number for number, section in enumerate(sections) if section.flags & _ALLOC}
    kept |= {number for number, section in enumerate(sections) if section.kind == _RELA and section.info in kept}
    relocations = [sections[number] for number in sorted(kept) if sections[number].kind == _RELA]
    _drop_symbols(sections[symtab], sections[strtab], relocations)
    for number, section in enumerate(sections):
        if number not in kept:  # its header stays, so that no number of a section changes
            section.kind, section.size, section.data = 1, 0, b""
        elif section.kind != _NOBITS:
            section.size = len(section.data)
    return _written(header, sections)


def _drop_symbols(symtab: _ElfSection, strtab: _ElfSection, relocations: list[_ElfSection]) -> None:
    symbols = list(_SYMBOL.iter_unpack(symtab.data))
    entries = [list(_RELOCATION.iter_unpack(section.data)) for section in relocations]
    used = {0, *(info >> 32 for each in entries for _, info, _ in each)}
    numbers = {old: new for new, old in enumerate(sorted(used))}
    text, places = bytearray(b"\0"), {b"": 0}
    rows = []
    for old in numbers:
        at, info, other, index, value, size = symbols[old]
        # kernel/module/main.c:simplify_symbols looks up what is not defined in the module itself
        name = strtab.data[at : strtab.data.index(b"\0", at)] if index in (_UNDEFINED, _COMMON) else b""
        if name not in places:
            places[name] = len(text)
            text += name + b"\0"
        rows.append(_SYMBOL.pack(places[name], info, other, index, value, size))
    # sh_info: one more than the number of the last local symbol
    symtab.info = sum(old < symtab.info for old in numbers)
    symtab.data, strtab.data = b"".join(rows), bytes(text)
    for section, each in zip(relocations, entries, strict=True):
        section.data = b"".join(
            _RELOCATION.pack(offset, numbers[info >> 32] << 32 | info & 0xFFFFFFFF, addend)
            for offset, info, addend in each
        )


def _written(header: tuple[object, ...], sections: list[_ElfSection]) -> bytes:
    out = bytearray(_HEADER.size)
    for section in sorted(sections, key=lambda section: section.offset):
        if section.data:
            out += bytes(-len(out) % max(section.alignment, 1))
        section.offset = len(out)
        out += section.data
    out += bytes(-len(out) % 8)
    _HEADER.pack_into(out, 0, *header[:6], len(out), *header[7:])
    for each in sections:
        out += _SECTION.pack(
            each.name, each.kind, each.flags, each.address, each.offset, each.size, each.link, each.info,
            each.alignment, each.entry_size,
        )  # fmt: skip
    return bytes(out)
