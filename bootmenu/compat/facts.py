# SPDX-License-Identifier: MIT
"""Everything a check may ask of an entry, as plain values. Built by a gatherer, or by another program."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bootmenu.errors import FormatError
from bootmenu.formats import devicetree
from bootmenu.formats.kernels import UnsupportedKernel, identify
from bootmenu.formats.reader import ByteSource
from bootmenu.model.devicetree import TreeFacts
from bootmenu.model.kernel import Architecture, KernelImage


class FileState(StrEnum):
    """What became of a file that the entry names."""

    PRESENT = "present"
    MISSING = "missing"
    OUTSIDE = "outside"
    """Its path, or a link on the way, leaves the partition."""
    UNUSABLE = "unusable"
    """Something is there, and it cannot be read as a file: a folder, a FIFO, a bad block, too large."""
    FORBIDDEN = "forbidden"
    """It is there, and the asking process may not read it."""
    WAITING = "waiting"
    """Its partition has not been seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """One file that the entry names."""

    role: str
    """`kernel`, `initramfs`, `device tree` or `overlay`."""
    device: str
    path: str
    """As the configuration states it, absolute below the partition's root."""
    state: FileState
    resolved: str | None = None
    """After following links; None when that was not possible."""
    size: int | None = None
    """Bytes."""
    detail: str = ""
    """Why it is not present, in words."""

    @property
    def name(self) -> str:
        """`sda1:/boot/vmlinuz`, for messages."""
        return f"{self.device}:{self.path}" if self.device else self.path


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelFacts:
    """What was found in the kernel file. Exactly one of image and problem is set."""

    image: KernelImage | None = None
    problem: str | None = None
    """Why it was not recognised."""
    looks_like: str | None = None
    """What it seems to be instead."""
    architecture: Architecture | None = None
    """What it says it is for, also when it cannot be started."""

    @classmethod
    def from_source(cls, source: ByteSource) -> KernelFacts:
        """Reads headers and trailers, the whole only where formats/kernels says so. May raise OSError."""
        try:
            image = identify(source)
        except UnsupportedKernel as error:
            return cls(problem=error.message, looks_like=error.looks_like, architecture=error.architecture)
        except FormatError as error:
            return cls(problem=error.message)
        return cls(image=image, architecture=image.architecture)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceTreeFacts:
    """What was found in the entry's own device tree. `tree` is None when one of the problems is set."""

    size: int
    """Bytes of the file."""
    total_size: int | None = None
    """Bytes the header claims; None when there is no sound header."""
    aligned: bool | None = None
    header_problem: str | None = None
    structure_problem: str | None = None
    tree: TreeFacts | None = None

    @classmethod
    def from_bytes(cls, data: bytes) -> DeviceTreeFacts:
        """Never raises: what is wrong with the bytes is the answer."""
        size = len(data)
        try:
            header = devicetree.Header.from_bytes(data)
        except FormatError as error:
            return cls(size=size, header_problem=error.message)
        try:
            tree = devicetree.DeviceTree.from_bytes(data)
        except FormatError as error:
            return cls(
                size=size,
                total_size=header.total_size,
                aligned=header.aligned,
                structure_problem=error.message,
            )
        return cls(size=size, total_size=header.total_size, aligned=header.aligned, tree=devicetree.facts(tree))


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryFacts:
    """One entry and what is on the disk for it."""

    id: str = ""
    title: str = ""
    command_line: str = ""
    architecture: Architecture | None = None
    """As the configuration states it."""
    files: tuple[FileFacts, ...] = ()
    kernel: KernelFacts | None = None
    """None = the kernel's file could not be read."""
    wants_own_tree: bool = False
    """The entry names a device tree; without one the running machine's own is handed on."""
    own_tree: DeviceTreeFacts | None = None
    """None = it names none, or the file could not be read."""
    carries_memory_over: bool = True
    """The plan puts the running machine's /memory into a tree that has none."""

    def file(self, role: str) -> FileFacts | None:
        """The first file of that role."""
        return next((file for file in self.files if file.role == role), None)
