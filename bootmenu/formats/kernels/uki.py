# SPDX-License-Identifier: MIT
"""The unified kernel image (UAPI specification): an EFI program whose section .linux holds the kernel."""

from __future__ import annotations

import dataclasses

from bootmenu.errors import FormatError
from bootmenu.formats.kernels import FORMATS, BrokenContainer, identify_part
from bootmenu.formats.pe import MACHINES, PortableExecutable
from bootmenu.formats.reader import ByteSource
from bootmenu.model.kernel import KernelImage

NAME = "uki"
_ITS_OWN = frozenset({".osrel", ".cmdline", ".initrd", ".uname", ".ucode", ".dtb", ".dtbauto", ".hwids", ".splash"})
"""Sections that no other EFI program has."""


@FORMATS.register(NAME, order=31)
def probe(head: bytes, source: ByteSource) -> KernelImage | None:
    """Recognised by its sections. The kernel in it may be raw, packed, or a zboot one."""
    executable = PortableExecutable.from_head(head)
    if executable is None:
        return None
    names = tuple(name for name, _, size in executable.sections if size)
    kernel = next(((at, size) for name, at, size in executable.sections if name == ".linux" and size), None)
    if kernel is None and not _ITS_OWN & set(names):
        return None
    architecture = MACHINES.get(executable.machine)
    looks_like = "a unified kernel image (UKI)"
    if kernel is None:
        raise BrokenContainer(NAME, looks_like, "it has no section .linux", architecture)
    offset, size = kernel
    if offset + size > source.size:
        problem = f"its .linux of {size:,} bytes at {offset:#x} lies outside the file of {source.size:,} bytes"
        raise BrokenContainer(NAME, looks_like, problem, architecture)
    try:
        image = identify_part(source, offset, size, NAME)
    except FormatError as error:
        problem = f"the kernel in it cannot be had: {error.message}"
        raise BrokenContainer(NAME, looks_like, problem, architecture) from None
    return dataclasses.replace(image, parts=names, signed=executable.certificates[1] > 0)
