# SPDX-License-Identifier: MIT
"""Find Android boot images that lie as files in / or /boot: boot.img, boot_a.img, recovery.img.

The command line is joined from the headers as U-Boot joins it (boot/image-android.c): the boot image's, then the
vendor's. The generic ramdisk follows the vendor's, and may be in an init_boot image.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bootmenu.formats.kernels.android_boot import AndroidBoot
from bootmenu.formats.reader import HEAD_SIZE
from bootmenu.model.entry import BootEntry, CommandLine, FileRef, Problem
from bootmenu.model.kernel import Embedded, Role
from bootmenu.model.regex import regex
from bootmenu.sources import SOURCES, Board, ForPlatform, Platform
from bootmenu.sources.kernel_files import images
from bootmenu.sources.tree import Tree, examined

_FOLDERS = ("/", "/boot")
_IMAGE = regex(r"(?P<kind>boot|recovery)(?P<slot>[-_.][\w.+-]{1,60})?\.img")


@SOURCES.register("android", after="grub-legacy")
@ForPlatform
def parse(tree: Tree, platform: Platform) -> Iterator[BootEntry | Problem]:
    """Yield an entry for each boot image that holds a kernel; a file of such a name may be something else."""

    def entries(path: str, names: tuple[str, ...]) -> Iterator[BootEntry | Problem]:
        match = _IMAGE.fullmatch(path.rpartition("/")[2])
        boot = _read(tree, path)
        if match is not None and boot is not None and boot.kernel is not None:
            yield from _entry(tree, path, match, frozenset(names), boot, platform.board)

    yield from images(tree, _FOLDERS, lambda _, name: _IMAGE.fullmatch(name), entries, "an Android boot image")


def _read(tree: Tree, path: str) -> AndroidBoot | None:
    return examined(tree, path, lambda source: AndroidBoot.read(source.read(0, HEAD_SIZE), source))


def _entry(
    tree: Tree, path: str, match: re.Match[str], names: frozenset[str], boot: AndroidBoot, board: Board
) -> Iterator[BootEntry | Problem]:
    """Yield the entry of a boot image, and what is missing beside it. names: of the files in its folder."""
    folder = path.rpartition("/")[0]
    found: list[tuple[FileRef, Embedded]] = []
    lines = [boot.command_line]

    def take(path: str, image: AndroidBoot) -> None:
        found.extend((FileRef(device=tree.device, path=path, part=part.name), part) for part in image.others)

    if boot.version >= 3:
        vendor_name = f"vendor_boot{match['slot'] or ''}.img"
        vendor = _read(tree, f"{folder}/{vendor_name}") if vendor_name in names else None
        if vendor is None:
            message = (
                f"an Android boot image of version {boot.version} needs {vendor_name} beside it, which is missing"
            )
            yield Problem(device=tree.device, path=path, message=message)
            lines = []  # without the vendor's drivers it finds no root, so it must not start automatically
        else:
            take(f"{folder}/{vendor_name}", vendor)
            lines.append(vendor.command_line)
            if vendor.has_bootconfig:
                message = "its bootconfig, which Android reads, is left out"
                yield Problem(device=tree.device, path=f"{folder}/{vendor_name}", message=message)
        generic_name = f"init_boot{match['slot'] or ''}.img"
        if not boot.others and generic_name in names and (generic := _read(tree, f"{folder}/{generic_name}")):
            take(f"{folder}/{generic_name}", generic)
    take(path, boot)
    yield BootEntry(
        id=path,
        title=f"Android {match['kind']} image {match[0]}",
        source="android",
        config=FileRef(device=tree.device, path=path, exists=True),
        device=tree.device,
        kernel=FileRef(device=tree.device, path=path),
        initrds=tuple(ref for ref, part in found if part.role is Role.INITRAMFS),
        dtb=_chosen([(ref, part) for ref, part in found if part.role is Role.DEVICE_TREE], board),
        cmdline=CommandLine(" ".join(filter(None, lines))),
    )


def _chosen(trees: list[tuple[FileRef, Embedded]], board: Board) -> FileRef | None:
    """Return the device tree for this board, by its most specific name that any has, or the one that is for any. An
    Android boot loader goes by numbers of its own, which are the board's vendor's."""
    for name in board:
        for ref, part in trees:
            if part.board and name in part.board:
                return ref
    return next((ref for ref, part in trees if part.board is None), None)
