# SPDX-License-Identifier: MIT
"""Reading a partition in memory, for the tests of every configuration format."""

from __future__ import annotations

from collections.abc import Mapping

from bootmenu.model.entry import BootEntry, Problem
from bootmenu.model.kernel import Architecture
from bootmenu.sources import Platform, read_partition
from bootmenu.sources.tree import TreeErrorReason
from tests.builders.trees import MemoryTree


def read(
    files: Mapping[str, bytes | str],
    troubles: Mapping[str, TreeErrorReason] | None = None,
    board: tuple[str, ...] = (),
    architecture: Architecture | None = None,
    efi: bool | None = None,
) -> tuple[list[BootEntry], list[Problem]]:
    """(entries, problems) of a partition with these files, on this board of this architecture."""
    data = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
    platform = Platform(board=board, architecture=architecture, efi=efi)
    found = list(read_partition(MemoryTree(data, troubles or {}), platform))
    return (
        [item for item in found if isinstance(item, BootEntry)],
        [item for item in found if isinstance(item, Problem)],
    )
