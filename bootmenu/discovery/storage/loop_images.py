# SPDX-License-Identifier: MIT
"""A file system in a file, which GRUB's `loopback` makes a device, as for the systems of Kairos and Elemental.

It is mounted to read kernel and initramfs from it. It lists no entries of its own, unless it is an ISO image.
"""

from __future__ import annotations

import contextlib

from bootmenu.discovery.devices import Device
from bootmenu.discovery.storage import iso
from bootmenu.sources.tree import TreeError
from bootmenu.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from bootmenu.sources.tree import Tree

MAX_IMAGES = 32
"""Maximum number of image files that are read for the configuration of one partition: each takes a loop device."""

_MAGIC = (
    # offset, bytes, file system: fs/squashfs, fs/erofs, fs/ext4, fs/xfs in the kernel's include/uapi/linux/magic.h
    (0, b"hsqs", "squashfs"),
    (1024, b"\xe2\xe1\xf5\xe0", "erofs"),
    (1024 + 56, b"\x53\xef", "ext4"),
    (0, b"XFSB", "xfs"),
)


def image_at(parent: Device, tree: Tree, path: str) -> Device | None:
    """Return the device for an image file, or None if it is not one that can be mounted. tree: the parent's files."""
    with contextlib.suppress(TreeError, OSError):
        if parent.folder is not None and tree.stat(path).is_folder:  # below --tree: one that was unpacked
            return Device.nested(parent, path, filesystem=iso.FILESYSTEM if iso.is_named_so(path) else "squashfs")
        if (label := iso.label(tree, path)) is not None:
            return Device.nested(parent, path, filesystem=iso.FILESYSTEM, label=label or None)
        with tree.open(path) as file:
            for offset, magic, filesystem in _MAGIC:
                if file.read(offset, len(magic)) == magic:
                    return Device.nested(parent, path, filesystem=filesystem)
    return None


def is_silent(device: Device) -> bool:
    """Return whether a device is only a file system in a file, which lists no entries of its own."""
    return device.parent is not None and device.filesystem not in (None, "btrfs", iso.FILESYSTEM)
