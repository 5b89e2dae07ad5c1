# SPDX-License-Identifier: MIT
"""Find image files of installation media; sources/live_systems.py says how their systems start from a file."""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.discovery.devices import Device
from bootmenu.i18n import N_
from bootmenu.model.entry import Problem
from bootmenu.sources.tree import TreeError, names_in
from bootmenu.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from bootmenu.sources.tree import Tree

FILESYSTEM = "iso9660"
_FOLDERS = frozenset(("boot", "iso", "isos", "boot-isos", "images"))
"""Directories at the top in which people keep image files, in lower case."""
_IN_BOOT = frozenset(("iso", "isos", "images", "grml", "boot-isos"))
"""The same in /boot: live-iso-boot, multibootusb, grub-imageboot, grml-rescueboot."""
_MAX_FOLDERS = 200
_MAX_DEPTH = 5
_MAX_NAMES = 50_000
"""Names that are read in all directories of a Ventoy partition, besides those of the last one."""
MAX_IMAGES = 32
"""Maximum number of images that are read on one partition, as each takes a loop device."""

# ECMA-119, 8.4: the primary volume descriptor is in sector 16; identifier at 1, volume identifier at 40
_DESCRIPTOR = 16 * 2048
_IDENTIFIER = b"\x01CD001"


def images(device: Device, tree: Tree) -> Iterator[Device | Problem]:
    """Yield the image files in the usual directories, recognised by their content and not only their name.

    In a directory given by --tree, a directory of that name is one that was unpacked."""
    found = 0
    for folder in _folders(device, tree):
        try:
            names = tree.list(folder)
        except TreeError:
            continue
        for name in names:
            if not is_named_so(name):
                continue
            path = f"{folder.rstrip('/')}/{name}"
            try:
                unpacked = device.folder is not None and tree.stat(path).is_folder
                volume = "" if unpacked else label(tree, path)
            except TreeError as error:
                yield Problem(device=device.name, path=path, message=error.detail)
                continue
            if volume is None:
                yield Problem(device=device.name, path=path, message=N_("is not a disc image"))
                continue
            found += 1
            if found > MAX_IMAGES:
                message = N_(
                    "left out with all that follow: of the images on a partition, {n} are looked at", n=MAX_IMAGES
                )
                yield Problem(device=device.name, path=path, message=message)
                return
            yield Device.nested(device, path, filesystem=FILESYSTEM, label=volume or None)


def is_named_so(name: str) -> bool:
    """Return whether this is the name of an image of a medium."""
    return name.lower().endswith(".iso")


def _folders(device: Device, tree: Tree) -> Iterator[str]:
    """Yield the directories that are searched, each once: FAT ignores the case of names."""
    top = names_in(tree, "/")
    if device.label == "Ventoy" or "ventoy" in top:
        yield from _all_folders(tree)
        return
    yield "/"
    for name in top:
        if name.lower() in _FOLDERS:
            yield f"/{name}"
            if name.lower() == "boot":
                yield from (f"/{name}/{inner}" for inner in names_in(tree, f"/{name}") if inner.lower() in _IN_BOOT)


def _all_folders(tree: Tree) -> Iterator[str]:
    # Ventoy, GRUB2/MOD_SRC/grub-2.04/grub-core/ventoy/ventoy_cmd.c:ventoy_collect_img_files: every directory of its
    # partition, except those with a .ventoyignore
    pending, left = ["/"], _MAX_NAMES
    for path in pending:
        if left < 0:
            return
        try:
            with tree.folder(path) as folder:
                names, files = folder.folders, folder.files
        except TreeError:
            continue
        left -= len(names) + len(files)
        if ".ventoyignore" in files:
            continue
        yield path
        if path.count("/") < _MAX_DEPTH:
            below = (name for name in names if not name.startswith((".", "$")) and not is_named_so(name))
            pending += [f"{path.rstrip('/')}/{name}" for name in below][: _MAX_FOLDERS - len(pending)]


def label(tree: Tree, path: str) -> str | None:
    """Return the volume's name, which may be empty, or None if this is not an ISO 9660 image."""
    with tree.open(path) as file:
        try:
            descriptor = file.read(_DESCRIPTOR, 72)
        except OSError:
            return None
    if len(descriptor) < 72 or not descriptor.startswith(_IDENTIFIER):
        return None
    return descriptor[40:72].decode("ascii", "replace").strip(" \0")
