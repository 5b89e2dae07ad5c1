# SPDX-License-Identifier: MIT
"""Find the files that a script of U-Boot names, on the partition that it is on or another one of its disk."""

from __future__ import annotations

from bootmenu.model.value import Value
from bootmenu.sources import neighbours
from bootmenu.sources.parsers.uboot.hush_state import LoadedFile
from bootmenu.sources.parsers.uboot.loader_variables import DiskNames
from bootmenu.sources.parsers.uboot.unknown_text import first_unknown, is_unknown, without_absent
from bootmenu.sources.tree import Tree, TreeError, normal

_MAX_PARTITIONS = 256


class Sought(Value):
    """What a script's file name leads to."""

    file: LoadedFile | None
    """None if it is not known which file it is."""

    @property
    def status(self) -> int | None:
        """Return the result of a command that needs the file."""
        return None if self.file is None else int(self.file.is_missing)


def partition(tree: Tree, where: str) -> Tree | None:
    """Return the partition that U-Boot calls `0:2`, or `0` for the one that it boots from; None if there is none.

    The number of the disk says nothing, since U-Boot and Linux count disks differently: it is the script's disk.
    disk/part.c:blk_get_device_part_str: "HushIf no partition is given, use the first bootable partition".
    """
    _, colon, number = without_absent(where).partition(":")
    own = DiskNames(tree)
    if not colon or not number or is_unknown(number) or not own.is_known:
        return tree
    try:
        wanted = int(number, 16)
    except ValueError:
        return tree  # "auto"
    if wanted in (0, own.number):
        return tree
    for at, other in enumerate(neighbours.beside(tree)):
        if at >= _MAX_PARTITIONS:
            break
        if DiskNames(other).number == wanted:
            return other
    return None


def labelled(tree: Tree, label: str) -> int | None:
    """Return the number of the partition of the script's disk with this name in the partition table, or None."""
    reference = f"partlabel={label}"
    for at, each in enumerate((tree, *neighbours.beside(tree))):
        if at < _MAX_PARTITIONS and reference in each.names:
            return DiskNames(each).number
    return None


def find(tree: Tree, where: str, name: str) -> Sought:
    """Return the file of this name on a partition."""
    found = partition(tree, where)
    if found is None:
        return Sought(LoadedFile(tree.device, normal(without_absent(name))))
    if part := first_unknown(name):
        return _one_of(found, *part, whole=name)
    path = normal(name)
    try:
        info = found.stat(path)
    except TreeError:
        return Sought(LoadedFile(found.device, path))
    return Sought(
        LoadedFile(found.device, path, found, size=info.size) if info.is_file else LoadedFile(found.device, path)
    )


def _one_of(tree: Tree, before: str, variable: str, whole: str) -> Sought:
    """Return what is known of a file whose name has an unknown part: for a device tree, its directory."""
    if not (variable.startswith(("fdt", "dtb")) or whole.endswith(".dtb")):
        return Sought(None)
    folder = normal(before.rpartition("/")[0] or "/")
    try:
        is_folder = tree.stat(folder).is_folder
    except TreeError:
        is_folder = False
    return Sought(LoadedFile(tree.device, folder, tree if is_folder else None, any_tree=True))
