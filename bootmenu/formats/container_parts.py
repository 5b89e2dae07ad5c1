# SPDX-License-Identifier: MIT
"""Find the parts of a container file: by name, or the device tree that it would boot a board with."""

from __future__ import annotations

from collections.abc import Mapping

from bootmenu.errors import FormatError
from bootmenu.formats.kernels import PARTS
from bootmenu.formats.reader import HEAD_SIZE, ByteSource
from bootmenu.model.kernel import Embedded, KernelImage, Role


def parts_of(source: ByteSource) -> dict[str, Embedded] | None:
    """Return all parts of a container by name (the first, if several share one), or None if it is no container.

    Raise FormatError, OSError.
    """
    head = source.read(0, HEAD_SIZE)
    for parts in PARTS.values():
        found = parts(head, source)
        if found is not None:
            return {part.name: part for part in reversed(found)}
    return None


def part_among(parts: Mapping[str, Embedded] | None, name: str) -> Embedded:
    """Return a part by name from the result of `parts_of`, to be read with `content_of`. Raise FormatError."""
    if parts is None:
        raise FormatError(f"it is not a container: there is no part {name}")
    if name not in parts:
        raise FormatError(f"it has no part {name}")
    return parts[name]


def tree_for(image: KernelImage, board: tuple[str, ...]) -> Embedded | None:
    """Return the device tree that a container would boot this board with, or None if it has none for this board.

    A tree that names this board is preferred over one for any board, and a match with the board's most specific name
    over the others (U-Boot, boot/image-fit.c:fit_conf_find_compat). systemd's stub compares the most specific name
    only (src/boot/devicetree.c:devicetree_match).
    """
    trees = [part for part in image.embedded if part.role is Role.DEVICE_TREE]
    for name in board[:1] if "uki" in image.containers else board:
        for part in trees:
            if part.board and name in part.board:
                return part
    return next((part for part in trees if part.board is None), None)
