# SPDX-License-Identifier: MIT
"""Read autoboot.txt: which partition a Raspberry Pi starts from, and which one for a single try (`tryboot`).

Rules: raspberrypi/documentation, config_txt/autoboot.adoc.
"""

from __future__ import annotations

import re

from bootmenu.model.regex import regex
from bootmenu.model.value import Value
from bootmenu.sources import neighbours
from bootmenu.sources.references import grub_name
from bootmenu.sources.tree import Tree, TreeError

_LIMIT = 512  # "autoboot.txt is limited to 512 bytes"
_NUMBER = regex(r"(?:\D|\dp)(\d{1,3})$")


class Slots(Value, kw_only=True):
    """The partitions that autoboot.txt names, by number."""

    usual: int | None
    tried: int | None
    """For a single try; the same as `usual` if only the files differ."""


def number_of(tree: Tree) -> int | None:
    """Return the number of a partition, or None if unknown."""
    match = _NUMBER.search(grub_name(tree.names)) or _NUMBER.search(tree.device)
    return int(match[1]) if match else None


def slots(tree: Tree) -> Slots | None:
    """Return the slots of a partition's disk, or None if no partition before it has an autoboot.txt.

    The firmware reads the file on the first FAT partition only."""
    own = number_of(tree)
    candidates = [(number, home) for home in neighbours.homes(tree) if (number := number_of(home)) is not None]
    candidates += [(own, tree)] if own is not None else []
    for number, home in sorted(candidates, key=lambda candidate: candidate[0]):
        try:
            text = home.read("/autoboot.txt", _LIMIT).decode("utf-8", "replace")
        except TreeError:
            continue
        return _parsed(text, number)
    return None


def _parsed(text: str, home: int) -> Slots:
    found: dict[str, int] = {}
    section = "all"
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith("["):
            section = line.strip("[]")
        elif match := re.fullmatch(r"boot_partition=(\d{1,3})", line):
            # 0 is the default partition
            found[section] = int(match[1]) or home
    usual = found.get("all", home)
    return Slots(usual=usual, tried=found.get("tryboot", usual))
