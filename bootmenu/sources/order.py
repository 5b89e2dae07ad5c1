# SPDX-License-Identifier: MIT
"""What UAPI.1 says of both types of its entries: boot counting, the order of a menu, and loader.conf's default."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable
from typing import Protocol, TypeVar

from bootmenu.model.value import Value
from bootmenu.sources.tree import Tree, TreeError, normal, read_text
from bootmenu.sources.version import version_key

PREFIXES = ("", "/boot", "/efi", "/boot/efi")
"""Where the root of a boot partition is: itself, or where a root partition without one has its files."""

# boot counting: a plus and the tries left, then perhaps a minus and the tries done, right before the suffix
_COUNTED = re.compile(r"^(?P<name>.+)\+(?P<left>\d{1,6})(?:-(?P<done>\d{1,6}))?$")
_LONGEST_PATTERN = 255  # characters, as a file name; matching one of a mebibyte takes for ever


class Name(Value):
    """A file name without its suffix, in its parts."""

    plain: str
    """Without the counter: what identifies the entry."""
    left: int | None = None
    """Tries left; None = not counted."""
    done: int = 0

    @classmethod
    def of(cls, stem: str) -> Name:
        """Of `debian-6.1+2-1`."""
        counted = _COUNTED.match(stem)
        if counted is None:
            return cls(stem)
        return cls(counted["name"], int(counted["left"]), int(counted["done"] or 0))


class Sortable(Protocol):
    """What the order depends on. Texts are empty where an entry does not say."""

    @property
    def name(self) -> Name: ...
    @property
    def suffix(self) -> str:
        """Return the suffix of the file: `.conf` or `.efi`."""

    @property
    def profile(self) -> tuple[int, str]:
        """Return number and ID of the profile of a unified kernel image, which are 0 and empty for everything
        else."""

    @property
    def sort_key(self) -> str: ...
    @property
    def machine_id(self) -> str: ...
    @property
    def version(self) -> str: ...


S = TypeVar("S", bound=Sortable)


def in_order(entries: Iterable[S]) -> list[S]:
    """Return entries of both types in the order of a menu, best first.

    systemd, src/boot/boot.c:boot_entry_compare, as UAPI.1, Sorting, but for the suffix: entries without a try left
    come last; those with a sort-key come first, by sort-key, machine-id and version, newest first; what is equal then
    goes by file name, newest first, and by profile. File names are compared in lower case and with their suffix. Of
    entries that differ in their counters only, the one with more tries left is first, then the one tried less.
    """
    ordered = sorted(entries, key=lambda entry: (entry.profile[0], -(entry.name.left or 0), entry.name.done))
    ordered.sort(key=lambda entry: version_key(f"{entry.name.plain}{entry.suffix}".lower()), reverse=True)
    ordered.sort(key=lambda entry: version_key(entry.version if entry.sort_key else ""), reverse=True)
    ordered.sort(key=lambda entry: (entry.sort_key, entry.machine_id if entry.sort_key else ""))
    ordered.sort(key=lambda entry: (entry.name.left == 0, not entry.sort_key))
    return ordered


def default_pattern(tree: Tree, prefix: str) -> str:
    """Of loader.conf, in lower case; empty when it names none, or `@saved`: that is a variable of the firmware."""
    try:
        text = read_text(tree, normal(f"{prefix}/loader/loader.conf"))
    except TreeError:
        return ""
    found = ""
    for line in text.splitlines():
        key, *value = line.split(None, 1) or [""]
        if key == "default" and value:
            found = value[0].strip().lower()
    return found if len(found) <= _LONGEST_PATTERN and not found.startswith("@") else ""


def default_of(ordered: Iterable[S], pattern: str) -> S | None:
    """Return the first entry that a pattern of loader.conf means; None = no entry matches."""
    return next((entry for entry in ordered if pattern and matches(pattern, entry)), None)


def matches(pattern: str, entry: Sortable) -> bool:
    """loader.conf(5): a glob pattern for the entry's id, which is its file name in lower case without the counter,
    followed by `@` and the profile of a unified kernel image (src/boot/boot.c:boot_entry_add_type2). Before systemd
    247 the suffix was no part of it."""
    number, profile = entry.profile
    file = f"{entry.name.plain}{entry.suffix}"
    ids = [f"{file}@{profile or number}"] if profile or number else []
    ids += [] if number else [file, entry.name.plain]
    return any(fnmatch.fnmatchcase(text.lower(), pattern) for text in ids)
