# SPDX-License-Identifier: MIT
"""Gathers EntryFacts: what is on the disks for one entry. Reads only; decides nothing."""

from __future__ import annotations

import dataclasses
import posixpath
from collections.abc import Mapping

from bootmenu.compat.facts import (
    DeviceTreeFacts,
    EntryFacts,
    FileFacts,
    FileState,
    InitramfsFacts,
    KernelFacts,
    find_banner,
)
from bootmenu.formats.devicetree import MAX_SIZE
from bootmenu.model.entry import BootEntry, FileRef
from bootmenu.sources import version_of
from bootmenu.sources.tree import CONFIG_LIMIT, Tree, TreeError, Trouble

_STATES = {
    Trouble.MISSING: FileState.MISSING,
    Trouble.OUTSIDE: FileState.OUTSIDE,
    Trouble.FORBIDDEN: FileState.FORBIDDEN,
}


def gather(
    entry: BootEntry,
    trees: Mapping[str, Tree],
    *,
    partitions: tuple[str, ...] | None = None,
    deep: bool = False,
) -> tuple[BootEntry, EntryFacts]:
    """The facts, and the entry with every file's `exists` filled in. trees: by device name.

    Reads headers and trailers of kernel and initramfs, and all of a device tree of at most 2 MiB. deep: also the
    kernel's content, once, for its version, its configuration, and what modules an initramfs holds. partitions:
    every name of every partition that was seen. Never raises for what is wrong on a disk: that is the answer.
    """
    files = [_file(role, ref, trees) for role, ref in entry.files]
    kernel: KernelFacts | None = None
    own_tree: DeviceTreeFacts | None = None
    banner: str | None = None
    overlays: list[bool] = []
    initramfs: list[InitramfsFacts] = []
    for i, file in enumerate(files):
        if file.state is not FileState.PRESENT:
            continue
        tree = trees[file.device]
        try:
            match file.role:
                case "kernel":
                    with tree.open(file.path) as source:
                        kernel = KernelFacts.from_source(source)
                        banner = find_banner(source, kernel) if deep else None
                case "device tree":
                    own_tree = DeviceTreeFacts.from_bytes(tree.read(file.path, MAX_SIZE))
                case "overlay":
                    overlays.append(DeviceTreeFacts.from_bytes(tree.read(file.path, MAX_SIZE)).tree is not None)
                case _:
                    with tree.open(file.path) as source:
                        initramfs.append(InitramfsFacts.from_source(source, deep=deep))
        except TreeError as error:
            state = _STATES.get(error.trouble, FileState.UNUSABLE)
            files[i] = dataclasses.replace(file, state=state, detail=error.detail)
        except OSError as error:
            detail = f"reading failed: {error.strerror or error}"
            files[i] = dataclasses.replace(file, state=FileState.UNUSABLE, detail=detail)
    entry = _with_existence(entry, files)
    files = [dataclasses.replace(file, path=_short(file)) for file in files]
    facts = EntryFacts(
        id=entry.id,
        title=entry.title,
        version=entry.version,
        command_line=entry.cmdline.text,
        architecture=entry.architecture,
        files=tuple(files),
        kernel=kernel,
        wants_own_tree=entry.dtb is not None,
        own_tree=own_tree,
        overlays=tuple(overlays),
        initramfs=tuple(initramfs),
        configuration=_configuration(files, trees) if deep else None,
        banner=banner,
        partitions=partitions,
    )
    return entry, facts


def _configuration(files: list[FileFacts], trees: Mapping[str, Tree]) -> dict[str, str] | None:
    """config-VERSION beside the kernel, as every distribution installs it."""
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


def _file(role: str, ref: FileRef, trees: Mapping[str, Tree]) -> FileFacts:
    base = FileFacts(role=role, device=ref.device, path=ref.path, state=FileState.WAITING)
    tree = trees.get(ref.device)
    if tree is None:
        return base
    try:
        info = tree.stat(ref.path)
    except TreeError as error:
        return dataclasses.replace(base, state=_STATES.get(error.trouble, FileState.UNUSABLE), detail=error.detail)
    if not info.is_file:
        detail = "is a folder, not a file" if info.is_folder else "is a special file, which is never opened"
        return dataclasses.replace(base, state=FileState.UNUSABLE, detail=detail, resolved=info.resolved)
    return dataclasses.replace(base, state=FileState.PRESENT, size=info.size, resolved=info.resolved)


def _with_existence(entry: BootEntry, files: list[FileFacts]) -> BootEntry:
    found = {(file.role, file.device, file.path): file for file in files}

    def seen(role: str, ref: FileRef) -> FileRef:
        file = found[role, ref.device, ref.path]
        # what lies outside is not on this partition, whatever may be there
        missing = file.state in (FileState.MISSING, FileState.OUTSIDE)
        exists = None if file.state is FileState.WAITING else not missing
        return FileRef(device=ref.device, path=_short(file), exists=exists)

    return dataclasses.replace(
        entry,
        kernel=seen("kernel", entry.kernel),
        initrds=tuple(seen("initramfs", ref) for ref in entry.initrds),
        dtb=seen("device tree", entry.dtb) if entry.dtb else None,
        overlays=tuple(seen("overlay", ref) for ref in entry.overlays),
    )


def _short(file: FileFacts) -> str:
    """Without `..`, where that is certain: by the file system's own answer, or by name where nothing is there."""
    if ".." not in file.path.split("/") or file.state is FileState.OUTSIDE:
        return file.path
    return file.resolved or posixpath.normpath(file.path)
