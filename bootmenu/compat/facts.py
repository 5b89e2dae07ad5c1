# SPDX-License-Identifier: MIT
"""Everything a check may ask of an entry, as plain values. Built by a gatherer, or by another program."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache

from bootmenu.errors import FormatError
from bootmenu.formats import dtb, dtb_facts, initramfs
from bootmenu.formats.compression import unpack
from bootmenu.formats.kernels import BrokenContainer, PartCache, UnsupportedKernel, Wanted, identify
from bootmenu.formats.reader import ByteSource, Window
from bootmenu.model.devicetree import TreeFacts
from bootmenu.model.kernel import Architecture, Embedded, KernelImage
from bootmenu.model.stamp import Stamp
from bootmenu.model.value import Value


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


class FileFacts(Value, kw_only=True):
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
    stamp: Stamp | None = None
    """Of the file before it was read; None = not recorded."""
    detail: str = ""
    """Why it is not present, in words."""
    part: str = ""
    """Name of the part of the file that is meant, as FileRef has it; empty = the whole file."""
    embedded: Embedded | None = None
    """Where what is meant lies in the file, which may be a uImage around it; None = the whole file, or not found."""

    @property
    def name(self) -> str:
        """`sda1:/boot/vmlinuz`, for messages."""
        name = f"{self.device}:{self.path}" if self.device else self.path
        return f"{name} ({self.part})" if self.part else name


class TreeFolderFacts(Value, kw_only=True):
    """What became of the folder of device trees from which this board's own was to be taken."""

    device: str
    path: str
    state: FileState
    detail: str = ""
    """Why it is not present, in words."""
    trees: int = 0
    """Device trees in it and in the folders below."""
    unreadable: int = 0
    """Files named like a device tree that are none, or could not be read."""
    first_trouble: str = ""
    """The path and the reason of the first of them."""
    cut: str = ""
    """Which limit ended the search early; empty = everything was seen."""
    picked: str | None = None
    """Path of this board's tree; None = it is not known which, or there is none."""
    reason: str = ""
    """Why that one."""
    candidates: tuple[str, ...] = ()
    """The first few paths of those among which the choice was."""
    related: tuple[str, ...] = ()
    """Where none is for this board: the first few that share a later `compatible` with it."""

    @property
    def name(self) -> str:
        """`sda1:/boot/dtbs`, for messages."""
        return f"{self.device}:{self.path}" if self.device else self.path


class KernelFacts(Value, kw_only=True):
    """What was found in the kernel file. Exactly one of image and problem is set."""

    image: KernelImage | None = None
    problem: str | None = None
    """Why it was not recognised."""
    looks_like: str | None = None
    """What it seems to be instead."""
    architecture: Architecture | None = None
    """What it says it is for, also when it cannot be started."""
    container: str | None = None
    """Name of the format around a kernel that cannot be had from it; None = none, or it can."""

    @classmethod
    def from_source(
        cls, source: ByteSource, *, board: tuple[str, ...] = (), part: str = "", cache: PartCache | None = None
    ) -> KernelFacts:
        """Reads headers and trailers, the whole only where formats/kernels says so. May raise OSError.

        board: the machine's root `compatible`, by which some containers choose a kernel. part: FileRef.part.
        cache: what is known of the file's parts.
        """
        try:
            image = identify(source, Wanted(board=board, part=part, cache=cache or PartCache()))
        except BrokenContainer as error:
            return cls(
                problem=error.message,
                looks_like=error.looks_like,
                architecture=error.architecture,
                container=error.container,
            )
        except UnsupportedKernel as error:
            return cls(problem=error.message, looks_like=error.looks_like, architecture=error.architecture)
        except FormatError as error:
            return cls(problem=error.message)
        return cls(image=image, architecture=image.architecture)


_BANNER = re.compile(rb"Linux version ([0-9][!-~]{0,99}) \(")


def find_banner(source: ByteSource, kernel: KernelFacts) -> str | None:
    """The release in the banner inside the image, e.g. `6.1.0-49-arm64`; reads the content to the banner, once.

    None when it is not there or nothing can unpack it. May raise OSError.
    """
    image = kernel.image
    if image is None:
        return None
    if image.format == "bzimage":
        return image.version  # its content is packed once more, and the set-up header says it
    size = source.size - image.payload_offset if image.payload_size is None else image.payload_size
    content = Window(source, image.payload_offset, size)
    tail = b""
    try:
        for piece, _ in unpack(content, image.compression):
            match = _BANNER.search(tail + piece)
            if match:
                return match[1].decode("ascii")
            tail = piece[-256:]
    except FormatError:
        pass  # IMG-TRUNC says so
    return None


class DeviceTreeFacts(Value, kw_only=True):
    """What was found in the entry's own device tree. `tree` is None when one of the problems is set."""

    size: int
    """Bytes of the file."""
    total_size: int | None = None
    """Bytes the header claims; None when there is no sound header."""
    header_problem: str | None = None
    structure_problem: str | None = None
    tree: TreeFacts | None = None

    @classmethod
    @lru_cache(maxsize=4)
    def from_bytes(cls, data: bytes) -> DeviceTreeFacts:
        """Never raises: what is wrong with the bytes is the answer. The last few are remembered: a large tree costs
        seconds on a slow board, and all entries of a partition may name the same one."""
        size = len(data)
        try:
            header = dtb.Header.from_bytes(data)
        except FormatError as error:
            return cls(size=size, header_problem=error.message)
        try:
            tree = dtb.DeviceTree.from_bytes(data)
        except FormatError as error:
            return cls(size=size, total_size=header.total_size, structure_problem=error.message)
        return cls(size=size, total_size=header.total_size, tree=dtb_facts.facts(tree))


class InitramfsFacts(Value, kw_only=True):
    """What was found at the start of an initramfs."""

    size: int
    """Bytes of the file."""
    compression: str | None = None
    """Of its first compressed part; None = a plain cpio archive throughout the part that was read."""
    problem: str | None = None
    """Why it is no initramfs; None = it begins like one."""
    module_releases: tuple[str, ...] | None = None
    """Folders below lib/modules; None = nobody looked."""

    @classmethod
    def from_source(cls, source: ByteSource, *, deep: bool) -> InitramfsFacts:
        """deep: unpack it as far as its modules. May raise OSError."""
        try:
            found = initramfs.inspect(source, deep=deep)
        except FormatError as error:
            return cls(size=source.size, problem=error.message)
        return cls(size=source.size, compression=found.compression, module_releases=found.module_releases)


class FixedUpDtb(Value, kw_only=True):
    """What loading would make of an entry's device tree: overlays applied, this machine's facts carried over."""

    base: DeviceTreeFacts | None = None
    """The running tree, where the entry brings only overlays for it."""
    tree: TreeFacts | None = None
    """None when it cannot be made; `problem` says why."""
    fixups: tuple[str, ...] = ()
    """Nodes that come from the running machine, `/memory@40000000`."""
    problem: str = ""
    edit_problem: str = ""
    """Why an edit of it that somebody typed for this boot cannot be made."""
    hint: str = ""


class RootFacts(Value, kw_only=True):
    """What is on the partition that root= names."""

    init: str = ""
    """Path of what would be started; empty = there is nothing."""
    subvolume: str = ""
    """Of btrfs, as rootflags= names it, by its path or number; empty = none, and the default one is mounted."""
    missing: bool = False
    """There is no such subvolume."""
    others: tuple[str, ...] = ()
    """Subvolumes in the top level that do have an init, where this one has none."""
    dracut: bool = False
    """A system in one of these makes its initramfs with dracut, which may have put rootflags= of its own into it."""
    whole: bool = True
    """It has the folders of a root file system; else an initramfs may want it for something else."""
    default_known: bool = True
    """False: it is mounted from its top level, which need not be the default subvolume."""
    denied: bool = False
    """It could not be looked at whether there is an init: permission was denied, or /usr is on another partition."""


class EntryFacts(Value, kw_only=True):
    """One entry and what is on the disk for it."""

    id: str = ""
    title: str = ""
    version: str = ""
    """Kernel version as the configuration states it; empty when it does not."""
    command_line: str = ""
    unset_variables: tuple[str, ...] = ()
    """CommandLine.unset"""
    architecture: Architecture | None = None
    """As the configuration states it."""
    typed: bool = False
    """Somebody has named the files, and no configuration: what can be mended is another file, or another name."""
    files: tuple[FileFacts, ...] = ()
    kernel: KernelFacts | None = None
    """None = the kernel's file could not be read."""
    wants_own_tree: bool = False
    """The entry names a device tree, or overlays, or edits one; else the running machine's own is handed on."""
    own_tree: DeviceTreeFacts | None = None
    """As it lies on the disk; None = it names none, or the file could not be read."""
    tree_folder: TreeFolderFacts | None = None
    """None = the entry names no folder from which its tree is to be taken."""
    overlays: tuple[bool, ...] = ()
    """For each overlay that could be read: whether it is a sound device tree."""
    dtb_edits: tuple[str, ...] = ()
    """BootEntry.dtb_edits"""
    initramfs: tuple[InitramfsFacts, ...] = ()
    """In loading order; what could not be read is left out."""
    configuration: Mapping[str, str] | None = None
    """The kernel's own build configuration, name without CONFIG_ → value; None = not found."""
    banner: str | None = None
    """The release in "Linux version RELEASE ..." inside the image; None = not looked for, or not found."""
    partitions: tuple[str, ...] | None = None
    """Every name of every partition seen, `uuid=...`, `label=...`, `partuuid=...`, `partlabel=...`,
    `/dev/...`; None = nobody looked."""
    root: RootFacts | None = None
    """Of the partition that root= names; None = it is not there, could not be opened, or nobody looked."""
    fixed_up: FixedUpDtb | None = None
    """What loading would make of its device tree; None = nobody looked, and the tree is judged as it stands."""
    method: str | None = None
    """Name of the loading method that the plan takes, `kexec_load`; None = not known."""
    reads_into_memory: bool = True
    """The plan's method reads whole files into memory before they are copied, as kexec-tools does."""
    avoids_lpi_tables: bool = False
    """The plan keeps every segment off the GICv3 LPI tables, and reserves them in the tree it hands on."""

    def file(self, role: str) -> FileFacts | None:
        """The first file of that role."""
        return next((file for file in self.files if file.role == role), None)

    @property
    def tree_facts(self) -> DeviceTreeFacts | None:
        """The entry's own device tree; None when it brings none, or it could not be read."""
        return self.own_tree if self.wants_own_tree else None

    @property
    def tree(self) -> TreeFacts | None:
        """What stands in it when it is handed on, as far as that is known; None when it is not sound, too."""
        if self.wants_own_tree and self.fixed_up is not None and self.fixed_up.tree is not None:
            return self.fixed_up.tree
        return self.tree_facts.tree if self.tree_facts else None

    @property
    def kernel_name(self) -> str:
        """The kernel's file as messages name it."""
        file = self.file("kernel")
        return file.name if file else "the kernel"

    @property
    def tree_name(self) -> str:
        """The device tree's file as messages name it."""
        file = self.file("device tree")
        return file.name if file else "the device tree"
