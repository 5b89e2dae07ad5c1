# SPDX-License-Identifier: MIT
"""One file per kernel format. A format is recognised by its content, never by its name."""

from __future__ import annotations

from typing import Protocol

from bootmenu.errors import FormatError
from bootmenu.formats.reader import ByteSource
from bootmenu.model.kernel import Architecture, KernelImage
from bootmenu.registry import Registry

HEAD_SIZE = 64 * 1024
"""Bytes that every format gets to look at first: headers, section tables and boot stubs fit."""


class UnsupportedKernel(FormatError):  # noqa: N818 - the field's own words
    """The file was looked at and is nothing that can be started.

    looks_like: what it seems to be, for people. architecture: what it says it is for, when it says so.
    """

    def __init__(self, looks_like: str, architecture: Architecture | None = None) -> None:
        super().__init__(f"this looks like {looks_like}")
        self.looks_like = looks_like
        self.architecture = architecture


class KernelFormat(Protocol):
    """Returns None when the bytes are of another format; raises FormatError when they are of this one
    and broken, UnsupportedKernel when they are known and of no use here."""

    def __call__(self, head: bytes, source: ByteSource) -> KernelImage | None: ...


FORMATS: Registry[KernelFormat] = Registry(__name__)


def identify(source: ByteSource) -> KernelImage:
    """What kernel this is. Reads the first 64 KiB and what the format's own tables point at.

    Raises UnsupportedKernel, FormatError, OSError when the medium fails.
    """
    head = source.read(0, HEAD_SIZE)
    for probe in FORMATS.values():
        image = probe(head, source)
        if image is not None:
            return image
    raise UnsupportedKernel("an empty file" if not head else "data of no known kind")
