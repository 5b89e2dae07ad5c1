# SPDX-License-Identifier: MIT
"""Gather the EntryFacts of an entry from its files on the disks, without judging them."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping, Sequence

from bootmenu.compat.facts import (
    DeviceTreeFacts,
    EntryFacts,
    FileFacts,
    FileState,
    FixedUpDtb,
    InitramfsFacts,
    KernelFacts,
    find_banner,
)
from bootmenu.discovery.dtb_candidates import DtbFolders
from bootmenu.errors import FormatError
from bootmenu.formats.container_parts import part_among, parts_of, tree_for
from bootmenu.formats.dtb import MAX_SIZE
from bootmenu.formats.kernels.uimage import ramdisk
from bootmenu.formats.kernels.unified_image import archive_path
from bootmenu.formats.part_cache import PartCache, content_of, digest_of
from bootmenu.formats.reader import Window
from bootmenu.i18n import N_
from bootmenu.model.digest import sha256
from bootmenu.model.entry import BootEntry, CommandLine, FileRef
from bootmenu.model.kernel import Compression, Embedded, Role, Signature
from bootmenu.model.value import Record, field, replace
from bootmenu.sources import version_of
from bootmenu.sources.tree import CONFIG_LIMIT, Tree, TreeError, TreeErrorReason, once

PredictDtb = Callable[[bytes | None, Sequence[bytes], Sequence[str]], FixedUpDtb]
"""Predict the tree that loading passes on: (entry's tree or None for the running one, overlays, edits) → result."""

_STATES = {
    TreeErrorReason.MISSING: FileState.MISSING,
    TreeErrorReason.OUTSIDE: FileState.OUTSIDE,
    TreeErrorReason.FORBIDDEN: FileState.FORBIDDEN,
}


def gather(
    entry: BootEntry,
    trees: Mapping[str, Tree],
    *,
    board: tuple[str, ...] = (),
    partitions: tuple[str, ...] | None = None,
    deep: bool = False,
    public_keys: Mapping[str, bytes] | None = None,
    device_trees: DtbFolders | None = None,
    predict_dtb: PredictDtb | None = None,
    complete: bool = True,
) -> tuple[BootEntry, EntryFacts]:
    """Return the entry with every file's `exists` filled in, and its facts. trees: by device name.

    What the entry does not name is taken from its kernel's container (UKI, FIT), if it has one, unless `complete` is
    False. board: root `compatible` of the machine, by which a container's device tree is chosen.

    Read the headers and trailers of kernel and initramfs, and device trees of up to 2 MiB. deep: also read the
    kernel's content once, for its version and configuration, and the modules in the initramfs. public_keys: the keys
    with which its signature is checked, by their identifiers; unless it is None, also read the kernel for that, as
    deep does. partitions: all names of all partitions found. device_trees: chooses this board's tree from the
    entry's `dtb_folder`. predict_dtb: predicts the tree that loading would pass on. Never raise for errors on a disk:
    they are part of the facts.
    """
    entry, tree_folder = device_trees.resolve(entry, trees) if device_trees else (entry, None)
    if public_keys is None and deep:
        public_keys = {}
    reading = _Reading(trees=trees, board=board, deep=deep, public_keys=public_keys)
    files = [reading.file("kernel", entry.kernel)]
    entry = _completed(entry, reading) if complete else entry
    files += [reading.file(role, ref) for role, ref in entry.files if role != "kernel"]
    kernel, own_tree, banner = reading.kernel, reading.own_tree, reading.banner
    overlays, initramfs = reading.overlays, reading.initramfs
    own, fixed_up = own_tree, None
    wants_own_tree = entry.dtb is not None or bool(entry.overlays) or bool(entry.dtb_edits)
    if predict_dtb is not None and wants_own_tree and reading.readable(entry):
        fixed_up = predict_dtb(reading.tree_data, reading.overlay_data, entry.dtb_edits)
        own = own_tree or fixed_up.base
    entry = _with_existence(entry, files)
    if _opens_a_menu(entry.cmdline, initramfs):
        # where the first stage is installed, it is the default of the loader that started it
        entry = replace(entry, default=False, manual=entry.manual or N_("it opens the menu again"))
    files = [file if file.path == (path := _short(file)) else replace(file, path=path) for file in files]
    facts = EntryFacts(
        id=entry.id,
        title=entry.title,
        version=entry.version,
        command_line=entry.cmdline.text,
        unset_variables=entry.cmdline.unset,
        architecture=entry.architecture,
        files=tuple(files),
        kernel=kernel,
        signature=reading.signature,
        wants_own_tree=wants_own_tree,
        own_tree=own,
        fixed_up=fixed_up,
        tree_folder=tree_folder,
        overlays=tuple(overlays),
        dtb_edits=entry.dtb_edits,
        initramfs=tuple(initramfs),
        configuration=_configuration(files, trees) if deep else None,
        banner=banner,
        partitions=partitions,
    )
    return entry, facts


def _opens_a_menu(cmdline: CommandLine, initramfs: Sequence[InitramfsFacts]) -> bool:
    """Return whether an entry starts a first stage, this one or another: by itself it would do so for ever.

    break=, rd.break=: where the menu is in the initramfs of another program (data/initramfs-tools, data/dracut).
    """
    stops = {stage for value in cmdline.all("break") for stage in value.split(",")} | set(cmdline.all("rd.break"))
    return "bootmenu" in stops or any(archive.first_stage for archive in initramfs)


def _configuration(files: list[FileFacts], trees: Mapping[str, Tree]) -> dict[str, str] | None:
    """Return the build configuration in config-VERSION next to the kernel, where distributions install it."""
    kernel = next((file for file in files if file.role == "kernel"), None)
    if kernel is None or kernel.state is not FileState.PRESENT:
        return None
    folder, _, name = (kernel.resolved or kernel.path).rpartition("/")
    version = version_of(name)
    if not version:
        return None
    try:
        data = trees[kernel.device].read(f"{folder}/config-{version}", CONFIG_LIMIT)
    except TreeError:
        return None
    lines = (line.partition(b"=") for line in data.splitlines() if line.startswith(b"CONFIG_"))
    return {name[7:].decode("ascii", "replace"): value.decode("utf-8", "replace") for name, _, value in lines}


class _HashBudget(Record):
    """How many bytes of a partition may still be read for demanded digests: a few generations of a system. A load
    reads everything anyway."""

    left: int = 256 * 1024 * 1024


class _Reading(Record, kw_only=True):
    """The facts gathered so far about the files of one entry."""

    trees: Mapping[str, Tree]
    board: tuple[str, ...]
    deep: bool
    public_keys: Mapping[str, bytes] | None
    kernel: KernelFacts | None = None
    kernel_file: FileRef | None = None
    own_tree: DeviceTreeFacts | None = None
    banner: str | None = None
    signature: Signature | None = None
    overlays: list[bool] = field(default_factory=list)
    initramfs: list[InitramfsFacts] = field(default_factory=list)
    tree_data: bytes | None = None
    overlay_data: list[bytes] = field(default_factory=list)

    def readable(self, entry: BootEntry) -> bool:
        """Return whether the tree and all overlays could be read and are valid."""
        sound = self.own_tree is not None and self.own_tree.tree is not None
        return (sound or entry.dtb is None) and len(self.overlays) == len(entry.overlays) and all(self.overlays)

    def file(self, role: str, ref: FileRef) -> FileFacts:
        """Return the facts of one file, and add those of its content."""
        file = _file(role, ref, self.trees)
        if file.state is not FileState.PRESENT:
            return file
        try:
            if ref.sha256:
                file = replace(file, demanded=ref.sha256, sha256=self._sha256(ref, file.size or 0))
            if role == "companion":
                file = replace(file, embedded=self._part(ref) if ref.part else None)
            elif role == "initramfs" or (ref.part and role != "kernel"):
                part = self._part(ref) if ref.part else self._ramdisk(ref)
                file = replace(file, embedded=part)
                self._part_content(role, ref, part)
            else:
                self._content(role, ref)
        except TreeError as error:
            state = _STATES.get(error.reason, FileState.UNUSABLE)
            return replace(file, state=state, detail=error.detail)
        except FormatError as error:
            return replace(file, state=FileState.UNUSABLE, detail=error.message)
        except OSError as error:
            detail = f"reading failed: {error.strerror or error}"
            return replace(file, state=FileState.UNUSABLE, detail=detail)
        return file

    def _sha256(self, ref: FileRef, size: int) -> str | None:
        """Return the digest of a file, or None if too much of its partition would have to be read."""
        tree = self.trees[ref.device]
        budget = once(tree, "/", _HashBudget, _HashBudget)

        def read() -> str | None:
            budget.left -= size
            if budget.left < 0:
                return None
            with tree.open(ref.path) as source:
                return digest_of("sha256", source).hex()

        return once(tree, ref.path, digest_of, read)

    def _content(self, role: str, ref: FileRef) -> None:
        tree = self.trees[ref.device]
        match role:
            case "kernel":
                self.kernel_file = ref
                self.kernel = self._kernel(tree, ref)
                if self.deep:
                    self.banner = self._banner(tree, ref, self.kernel)
                if self.public_keys is not None:
                    self.signature = self._signature(tree, ref, self.kernel)
            case "device tree":
                self._tree(tree.read(ref.path, MAX_SIZE))
            case _:
                self._room_for(tree.stat(ref.path).size)
                self._overlay(ref, tree.read(ref.path, MAX_SIZE))

    def _kernel(self, tree: Tree, ref: FileRef) -> KernelFacts:
        cache = once(tree, ref.path, PartCache, PartCache)

        def read() -> KernelFacts:
            with tree.open(ref.path) as source:
                return KernelFacts.from_source(source, board=self.board, part=ref.part, cache=cache)

        return once(tree, ref.path, (KernelFacts, self.board, ref.part), read)

    def _banner(self, tree: Tree, ref: FileRef, kernel: KernelFacts) -> str | None:
        def read() -> str | None:
            with tree.open(ref.path) as source:
                return find_banner(source, kernel)

        return once(tree, ref.path, (find_banner, self.board, ref.part), read)

    def _signature(self, tree: Tree, ref: FileRef, kernel: KernelFacts) -> Signature | None:
        """Return the signature of what is loaded, which a container or compression around it does not change."""
        image = kernel.image
        if image is None or not image.signed or image.compression is not Compression.NONE:
            return None

        keys = self.public_keys or {}

        def read() -> Signature | None:
            from bootmenu.discovery import authorities
            from bootmenu.formats.authenticode import signature_of

            known = {**authorities.public_keys(), **keys}
            with tree.open(ref.path) as source:
                size = source.size - image.payload_offset if image.payload_size is None else image.payload_size
                try:
                    return signature_of(Window(source, image.payload_offset, size), known)
                except FormatError as error:
                    return Signature(signer="", keys=(), unchecked=error.message)

        return once(tree, ref.path, (Signature, self.board, ref.part, tuple(keys.items())), read)

    def _part_content(self, role: str, ref: FileRef, part: Embedded | None) -> None:
        """Add the facts of a part of a file; part: None for a whole initramfs."""
        tree = self.trees[ref.device]

        def inspect() -> InitramfsFacts:
            with tree.open(ref.path) as source:
                content = source if part is None else Window(source, part.offset, part.size)
                return InitramfsFacts.from_source(content, deep=self.deep)

        if role == "initramfs" or part is None:
            extent = None if part is None else (part.offset, part.size)
            self.initramfs.append(once(tree, ref.path, (InitramfsFacts, extent, self.deep), inspect))
            return
        if role == "overlay":
            self._room_for(part.size)
        with tree.open(ref.path) as source:
            content = content_of(source, part)
        if role == "device tree":
            self._tree(content)
        else:
            self._overlay(ref, content)

    def _tree(self, data: bytes) -> None:
        self.tree_data, self.own_tree = data, DeviceTreeFacts.from_bytes(data)

    def _room_for(self, size: int) -> None:
        """Raise FormatError if all overlays together, with this one, are larger than a device tree may be."""
        if sum(map(len, self.overlay_data)) + size > MAX_SIZE:
            raise FormatError(f"the overlays together have more than {MAX_SIZE:,} bytes")

    def _overlay(self, ref: FileRef, data: bytes) -> None:
        self.overlay_data.append(data)
        # an entry may name dozens, more than DeviceTreeFacts caches
        what = ("overlay", ref.part, sha256(data).digest())
        tree = self.trees[ref.device]
        self.overlays.append(once(tree, ref.path, what, lambda: DeviceTreeFacts.from_bytes(data).tree is not None))

    def _ramdisk(self, ref: FileRef) -> Embedded | None:
        tree = self.trees[ref.device]

        def read() -> Embedded | None:
            with tree.open(ref.path) as source:
                return ramdisk(source, checked=self.deep)

        return once(tree, ref.path, (ramdisk, self.deep), read)

    def _part(self, ref: FileRef) -> Embedded:
        kernel, tree = self.kernel_file, self.trees[ref.device]
        if self.kernel and self.kernel.image and kernel and (kernel.device, kernel.path) == (ref.device, ref.path):
            for part in self.kernel.image.embedded:
                if part.name == ref.part:
                    return part

        def read() -> dict[str, Embedded] | None:
            with tree.open(ref.path) as source:
                return parts_of(source)

        return part_among(once(tree, ref.path, parts_of, read), ref.part)


def _completed(entry: BootEntry, reading: _Reading) -> BootEntry:
    """Return the entry, completed with what its kernel's container has and the configuration does not name."""
    image = reading.kernel.image if reading.kernel else None
    if image is None or not image.embedded:
        return entry

    def parts(role: Role) -> tuple[FileRef, ...]:
        return tuple(ref(part) for part in image.embedded if part.role is role)

    def ref(part: Embedded) -> FileRef:
        archive = archive_path(part.name) if part.role is Role.COMPANION else ""
        return FileRef(device=entry.kernel.device, path=entry.kernel.path, part=part.name, archive=archive)

    tree = None
    if entry.dtb is None and entry.dtb_folder is None:
        tree = tree_for(image, reading.board)
    # systemd, src/boot/stub.c:settle_command_line: a given command line replaces that of the UKI, except under Secure
    # Boot. Here it cannot break a chain of signatures, as the kernel is extracted from the signed file anyway.
    own = next((part.text for part in image.embedded if part.role is Role.COMMAND_LINE and part.text), None)
    return replace(
        entry,
        initrds=entry.initrds or parts(Role.INITRAMFS),
        companions=(*entry.companions, *parts(Role.COMPANION)),
        dtb=entry.dtb if tree is None else ref(tree),
        overlays=entry.overlays if tree is None or entry.overlays else parts(Role.OVERLAY),
        cmdline=entry.cmdline if own is None or entry.cmdline.text.strip() else CommandLine(own),
    )


def _file(role: str, ref: FileRef, trees: Mapping[str, Tree]) -> FileFacts:
    state, detail, size, resolved, stamp = FileState.WAITING, "", None, None, None
    if (tree := trees.get(ref.device)) is not None:
        try:
            info = tree.stat(ref.path)
        except TreeError as error:
            state, detail = _STATES.get(error.reason, FileState.UNUSABLE), error.detail
        else:
            resolved = info.resolved
            if info.is_file:
                state, size, stamp = FileState.PRESENT, info.size, info.stamp
            else:
                state = FileState.UNUSABLE
                detail = (
                    N_("is a folder, not a file")
                    if info.is_folder
                    else N_("is a special file, which is never opened")
                )
    return FileFacts(
        role=role,
        device=ref.device,
        path=ref.path,
        state=state,
        size=size,
        stamp=stamp,
        resolved=resolved,
        detail=detail,
        part=ref.part,
    )


def _with_existence(entry: BootEntry, files: list[FileFacts]) -> BootEntry:
    found = {(file.role, file.device, file.path, file.part): file for file in files}

    def seen(role: str, ref: FileRef) -> FileRef:
        file = found[role, ref.device, ref.path, ref.part]
        # a path that leaves the partition does not exist on it
        missing = file.state in (FileState.MISSING, FileState.OUTSIDE)
        exists = None if file.state is FileState.WAITING else not missing
        return replace(ref, path=_short(file), exists=exists)

    return replace(
        entry,
        kernel=seen("kernel", entry.kernel),
        initrds=tuple(seen("initramfs", ref) for ref in entry.initrds),
        companions=tuple(seen("companion", ref) for ref in entry.companions),
        dtb=seen("device tree", entry.dtb) if entry.dtb else None,
        overlays=tuple(seen("overlay", ref) for ref in entry.overlays),
    )


def _short(file: FileFacts) -> str:
    """Return the path without `..`, resolved by the file system, or by name if the file does not exist."""
    if ".." not in file.path.split("/") or file.state is FileState.OUTSIDE:
        return file.path
    return file.resolved or posixpath.normpath(file.path)
