# SPDX-License-Identifier: MIT
"""The facts about an entry that the checks read, as plain values. Another program can build them, too."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from bootmenu.errors import FormatError
from bootmenu.formats import dtb, dtb_facts, initramfs
from bootmenu.formats.compression import unpack
from bootmenu.formats.identify import identify
from bootmenu.formats.kernels import BrokenContainer, UnsupportedKernel, Wanted
from bootmenu.formats.part_cache import PartCache
from bootmenu.formats.reader import ByteSource, Window
from bootmenu.model.closed_set import StrEnum
from bootmenu.model.devicetree import TreeFacts
from bootmenu.model.kernel import Architecture, Embedded, KernelImage, Signature
from bootmenu.model.regex import regex
from bootmenu.model.stamp import Stamp
from bootmenu.model.value import Value


class FileState(StrEnum):
    """Whether a file that the entry names can be used."""

    PRESENT = "present"
    MISSING = "missing"
    OUTSIDE = "outside"
    """Its path, or a symbolic link in it, leaves the partition."""
    UNUSABLE = "unusable"
    """It exists, but cannot be read as a file: a directory, a FIFO, a bad block, or too large."""
    FORBIDDEN = "forbidden"
    """It exists, but this process may not read it."""
    WAITING = "waiting"
    """Its partition has not been found yet."""


class FileFacts(Value, kw_only=True):
    """One file that the entry names."""

    role: str
    """`kernel`, `initramfs`, `companion`, `device tree` or `overlay`."""
    device: str
    path: str
    """Path in the configuration, absolute from the partition's root."""
    state: FileState
    resolved: str | None = None
    """Path with symbolic links resolved, or None if they could not be."""
    size: int | None = None
    """Size in bytes, or None if not known."""
    stamp: Stamp | None = None
    """Stamp of the file before it was read, or None if not recorded."""
    detail: str = ""
    """Why it is not present, as a message."""
    part: str = ""
    """Name of the part of the file to use (FileRef.part), or empty for the whole file."""
    embedded: Embedded | None = None
    """Where the part, or the content of a uImage, is in the file; None for the whole file or if not found."""
    demanded: str = ""
    """The SHA-256 that the configuration demands of the file (FileRef.sha256); empty for any."""
    sha256: str | None = None
    """The SHA-256 that it has, if one is demanded and it was read; else None."""

    @property
    def name(self) -> str:
        """`sda1:/boot/vmlinuz`, for messages."""
        name = f"{self.device}:{self.path}" if self.device else self.path
        return f"{name} ({self.part})" if self.part else name

    @property
    def used_size(self) -> int | None:
        """Return the size in bytes of what is used of it, its part or the whole; None if not known."""
        return self.embedded.size if self.embedded else self.size


class DtbFolderFacts(Value, kw_only=True):
    """The directory of device trees from which this board's tree is chosen, and the choice."""

    device: str
    path: str
    state: FileState
    detail: str = ""
    """Why it is not present, as a message."""
    trees: int = 0
    """Number of device trees in it and in its subdirectories."""
    unreadable: int = 0
    """Number of files that are named like a device tree, but are not one or could not be read."""
    first_trouble: str = ""
    """Path of the first of these files, and the reason."""
    cut: str = ""
    """Limit that ended the search early, or empty if the search was complete."""
    picked: str | None = None
    """Path of this board's tree, or None if there is none or it is not clear which."""
    reason: str = ""
    """Why this tree was picked."""
    candidates: tuple[str, ...] = ()
    """Paths of the first few trees that matched."""
    related: tuple[str, ...] = ()
    """If no tree is for this board: the first few that share a less specific `compatible` with it."""

    @property
    def name(self) -> str:
        """`sda1:/boot/dtbs`, for messages."""
        return f"{self.device}:{self.path}" if self.device else self.path


class KernelFacts(Value, kw_only=True):
    """The content of the kernel file. Exactly one of image and problem is set."""

    image: KernelImage | None = None
    problem: str | None = None
    """Why it was not recognised."""
    looks_like: str | None = None
    """What the file seems to be instead."""
    architecture: Architecture | None = None
    """The architecture that it says it is for, even if it cannot be started."""
    container: str | None = None
    """Format of the container from which the kernel cannot be extracted, or None."""

    @classmethod
    def from_source(
        cls, source: ByteSource, *, board: tuple[str, ...] = (), part: str = "", cache: PartCache | None = None
    ) -> KernelFacts:
        """Identify a kernel by its headers and trailers; read the whole file only if its format requires it.

        May raise OSError.
        board: root `compatible` of the machine, by which some containers choose a kernel. part: FileRef.part.
        cache: what is already known about the parts of the file.
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


_BANNER = regex(rb"Linux version ([0-9][!-~]{0,99}) \(")


def find_banner(source: ByteSource, kernel: KernelFacts) -> str | None:
    """Return the release in the image's banner, such as `6.1.0-49-arm64`, or None if there is no banner or the image
    cannot be unpacked. Read the content up to the banner. May raise OSError.
    """
    image = kernel.image
    if image is None:
        return None
    if image.format == "bzimage":
        return image.version  # in the set-up header; the content is compressed once more
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
        pass  # IMG-TRUNC reports it
    return None


class DeviceTreeFacts(Value, kw_only=True):
    """The content of the entry's own device tree. `tree` is None if one of the problems is set."""

    size: int
    """Size of the file in bytes."""
    total_size: int | None = None
    """Size in bytes according to the header, or None if the header is damaged."""
    header_problem: str | None = None
    structure_problem: str | None = None
    tree: TreeFacts | None = None

    @classmethod
    @lru_cache(maxsize=4)
    def from_bytes(cls, data: bytes) -> DeviceTreeFacts:
        """Parse a device tree. Never raise: return what is wrong with it. Cache the last few results: a large tree
        takes seconds on a slow board, and all entries of a partition may name the same one."""
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
    """The start of an initramfs."""

    size: int
    """Size of the file in bytes."""
    compression: str | None = None
    """Compression of its first compressed part, or None if what was read is uncompressed cpio."""
    problem: str | None = None
    """Why it is not an initramfs, or None if it begins like one."""
    module_releases: tuple[str, ...] | None = None
    """Directories below lib/modules, or None if not looked for."""
    first_stage: bool = False
    """Whether it is marked as that of a boot menu."""

    @classmethod
    def from_source(cls, source: ByteSource, *, deep: bool) -> InitramfsFacts:
        """Inspect an initramfs; deep: unpack it up to its modules. May raise OSError."""
        try:
            found = initramfs.inspect(source, deep=deep)
        except FormatError as error:
            return cls(size=source.size, problem=error.message)
        return cls(
            size=source.size,
            compression=found.compression,
            module_releases=found.module_releases,
            first_stage=found.first_stage,
        )


class FixedUpDtb(Value, kw_only=True):
    """The device tree that loading the entry would pass on: with overlays, edits and firmware fix-ups applied."""

    base: DeviceTreeFacts | None = None
    """The running tree, if the entry has only overlays for it."""
    tree: TreeFacts | None = None
    """The resulting tree: without overlays and edits if those cannot be applied; None if it cannot be made at all."""
    fixups: tuple[str, ...] = ()
    """Paths of the nodes that come from the running machine, such as `/memory@40000000`."""
    problem: str = ""
    """Why the tree cannot be made, or the overlays not be applied."""
    edit_problem: str = ""
    """Why an edit that the user typed for this boot cannot be made."""
    hint: str = ""
    """What to do about the problem."""


class RootFacts(Value, kw_only=True):
    """The content of the partition that root= names."""

    init: str = ""
    """Path of the init that would be started, or empty if there is none."""
    subvolume: str = ""
    """The btrfs subvolume in rootflags=, by path or number, or empty for the default subvolume."""
    missing: bool = False
    """Whether this subvolume does not exist."""
    others: tuple[str, ...] = ()
    """Top-level subvolumes that have an init, if this one has none."""
    dracut: bool = False
    """Whether a system in one of these uses dracut, which may have put its own rootflags= into the initramfs."""
    whole: bool = True
    """Whether it has the directories of a root file system; if not, an initramfs may use it for something else."""
    default_known: bool = True
    """Whether the default subvolume was examined; False if the top level was, which may differ from it."""
    denied: bool = False
    """Whether it could not be searched for an init: permission was denied, or /usr is on another partition."""


class SnapshotFacts(Value, kw_only=True):
    """The btrfs snapshot that root= and rootflags= name."""

    path: str
    """Path of its subvolume from the top level, without a slash in front."""
    kernel_in: str
    """Path of the subvolume that the kernel is in, or the name of its partition."""
    release: str = ""
    """Release of the kernel, or empty if unknown."""
    modules: bool | None = None
    """Whether the snapshot has modules for this release, or None if unknown."""
    read_only: bool | None = None
    """Whether nothing can be written to it, or None if unknown."""
    writes_elsewhere: bool = False
    """Whether the system writes to other subvolumes, or into memory: /var is not in the snapshot."""


class EntryFacts(Value, kw_only=True):
    """One entry and its files on the disk."""

    id: str = ""
    title: str = ""
    version: str = ""
    """Kernel version in the configuration, or empty if it names none."""
    command_line: str = ""
    unset_variables: tuple[str, ...] = ()
    """Variables of the boot loader whose value is not known (CommandLine.unset)."""
    architecture: Architecture | None = None
    """Architecture in the configuration, or None if it names none."""
    typed: bool = False
    """Whether the user named the files, and no configuration did; hints then suggest another file or name."""
    files: tuple[FileFacts, ...] = ()
    """The files that the entry names."""
    kernel: KernelFacts | None = None
    """The kernel, or None if its file could not be read."""
    wants_own_tree: bool = False
    """Whether the entry names a device tree or overlays, or edits a tree; if not, the running tree is passed on."""
    signature: Signature | None = None
    """The kernel's own signature, or None if it has none, or it was not read."""
    own_tree: DeviceTreeFacts | None = None
    """The entry's device tree as it is on the disk, or None if it names none or the file could not be read."""
    tree_folder: DtbFolderFacts | None = None
    """The directory from which its device tree is chosen, or None if the entry names none."""
    overlays: tuple[bool, ...] = ()
    """For each overlay that could be read: whether it is a valid device tree."""
    dtb_edits: tuple[str, ...] = ()
    """Edits of the device tree for this boot (BootEntry.dtb_edits)."""
    initramfs: tuple[InitramfsFacts, ...] = ()
    """The initramfs files that could be read, in loading order."""
    configuration: Mapping[str, str] | None = None
    """The kernel's build configuration, name without CONFIG_ → value, or None if not found."""
    banner: str | None = None
    """The release in "Linux version RELEASE ..." inside the image, or None if not found or not looked for."""
    partitions: tuple[str, ...] | None = None
    """All names of all partitions found, `uuid=...`, `label=...`, `partuuid=...`, `partlabel=...`,
    `/dev/...`, or None if partitions were not looked for."""
    partitions_complete: bool = True
    """Whether no more partitions are expected: False while a scan may still find some."""
    root: RootFacts | None = None
    """The partition that root= names, or None if it was not found, not opened or not looked for."""
    snapshot: SnapshotFacts | None = None
    """The snapshot that it boots, or None if root= names none."""
    fixed_up: FixedUpDtb | None = None
    """The device tree that loading would pass on, or None if not computed; then the file itself is checked."""
    method: str | None = None
    """Name of the plan's loading method, such as `kexec_load`, or None if not known."""
    reads_into_memory: bool = True
    """Whether the plan's method reads whole files into memory before they are copied, as kexec-tools does."""
    avoids_lpi_tables: bool = False
    """Whether the plan places no segment on the GICv3 LPI tables, and reserves them in the tree it passes on."""

    def file(self, role: str) -> FileFacts | None:
        """Return the first file with this role, or None."""
        return next((file for file in self.files if file.role == role), None)

    @property
    def tree_facts(self) -> DeviceTreeFacts | None:
        """Return the entry's own device tree, or None if it names none or it could not be read."""
        return self.own_tree if self.wants_own_tree else None

    @property
    def tree(self) -> TreeFacts | None:
        """Return the content of the tree that is passed on, as far as known, or None if it is missing or damaged."""
        if self.wants_own_tree and self.fixed_up is not None and self.fixed_up.tree is not None:
            return self.fixed_up.tree
        return self.tree_facts.tree if self.tree_facts else None

    @property
    def kernel_name(self) -> str:
        """Return the name of the kernel's file for messages."""
        file = self.file("kernel")
        return file.name if file else "the kernel"

    @property
    def tree_name(self) -> str:
        """Return the name of the device tree's file for messages."""
        file = self.file("device tree")
        return file.name if file else "the device tree"
