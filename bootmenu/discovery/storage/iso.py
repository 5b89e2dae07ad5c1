# SPDX-License-Identifier: MIT
"""Find image files of installation media; sources/live_systems.py says how their systems start from a file."""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.discovery.devices import Device
from bootmenu.i18n import N_
from bootmenu.model.entry import Problem
from bootmenu.sources.tree import Tree, TreeError

FILESYSTEM = "iso9660"
FOLDERS = ("/", "/boot", "/iso", "/isos", "/boot-isos")
MAX_IMAGES = 16
"""Maximum number of images that are read on one partition, as each takes a loop device."""

# ECMA-119, 8.4: the primary volume descriptor is in sector 16; identifier at 1, volume identifier at 40
_DESCRIPTOR = 16 * 2048
_IDENTIFIER = b"\x01CD001"


def images(device: Device, tree: Tree) -> Iterator[Device | Problem]:
    """Yield the image files in the usual directories, recognised by their content and not only their name.

    In a directory given by --tree, a directory of that name is one that was unpacked."""
    found = 0
    for folder in FOLDERS:
        try:
            names = tree.list(folder)
        except TreeError:
            continue
        for name in names:
            if not name.lower().endswith(".iso"):
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
