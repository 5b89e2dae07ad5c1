# SPDX-License-Identifier: MIT
"""Make ids for entries: readable, and the same from scan to scan."""

from __future__ import annotations

import re

from bootmenu.discovery.devices import Device
from bootmenu.model.digest import sha256
from bootmenu.model.entry import ID_DIGITS, BootEntry
from bootmenu.model.place import Bus


def readable_id(source: str, name: str, key: str) -> str:
    """Return an id of the source, the words in a name, and a digest of what it depends on."""
    words = re.sub(r"[^A-Za-z0-9._]+", "-", name).strip("-.")[:40].lower() or "entry"
    return f"{source}-{words}-{sha256(key.encode('utf-8', 'replace')).hexdigest()[:ID_DIGITS]}"


class EntryIds:
    """The ids of one partition's entries.

    copy_number: number of earlier partitions with the same identity (FoundPartition). most: maximum number of ids.
    """

    def __init__(self, device: Device, copy_number: int, most: int) -> None:
        self._device = device
        self._copy_number = copy_number
        self._most = most
        self._taken: set[str] = set()
        self._next: dict[tuple[str, str, str], int] = {}
        """The next number to try for entries with the same source, configuration and name."""

    def __len__(self) -> int:
        return len(self._taken)

    def assign(self, entry: BootEntry) -> str:
        """Return an id that depends on partition, configuration and name: `bls-debian-6.1-3f9a2c0b17d4e855`.

        Everything but the bus can be copied to another disk; because of the bus, no external disk can get the id of
        an internal entry.
        """
        # boot counting renames the file of an entry at every try (UAPI.1: "+LEFT" or "+LEFT-DONE")
        config = re.sub(r"\+\d+(-\d+)?(?=\.(conf|efi)$)", "", entry.config.path) if entry.config else ""
        bus = self._device.place.bus
        identity = self._device.identity  # contains a "=", which no bus does
        like = (entry.source, config, entry.id)
        # start after the numbers taken already: thousands of entries may have the same name
        for number in range(self._next.get(like, self._copy_number), self._copy_number + self._most + 1):
            key = "\0".join((identity, entry.source, config, entry.id, str(number or "")))
            key = key if bus is Bus.INTERNAL else f"{bus}\0{key}"
            name = readable_id(entry.source, entry.id, key)
            if name not in self._taken:
                break
        self._next[like] = number + 1
        self._taken.add(name)
        return name
