# SPDX-License-Identifier: MIT
"""An entry that a person has made in the editor, as the state keeps it."""

from __future__ import annotations

from bootmenu.model.entry import ID_DIGITS, OWN, BootEntry
from bootmenu.model.place import Bus
from bootmenu.model.regex import regex
from bootmenu.model.value import Value

MOST = 20
"""Most entries that are kept."""
MOST_CHARACTERS = 80
"""Longest title."""
PREFIX = f"{OWN}-"
"""How their ids begin; no other id does."""
_OF_A_COPY = regex(rf"(?<=-[0-9a-f]{{{ID_DIGITS}}})-\d+$")


class OwnEntry(Value, kw_only=True):
    """An entry as it is stored: every FileRef.device, and its own, is what identifies a partition across boots."""

    entry: BootEntry
    bus: Bus
    """How the disk of its partition was attached; a copy of the disk on another bus does not offer it."""


def kept_id(entry_id: str) -> str:
    """Return the id under which an entry is stored, without the number that a copy of its disk adds."""
    return _OF_A_COPY.sub("", entry_id)
