# SPDX-License-Identifier: MIT
"""Common rules of UAPI.1 for both types of entries: boot counting, sort order, and loader.conf's default."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Sequence

from bootmenu.model.regex import regex
from bootmenu.model.value import Value
from bootmenu.sources.tree import Tree, TreeError, normal, read_text
from bootmenu.sources.version import version_key
from bootmenu.typed import Protocol, TypeVar

PREFIXES = ("", "/boot", "/efi", "/boot/efi")
"""Where the root of a boot partition may be: at the partition's root, or within a root partition."""

# boot counting: right before the suffix, a plus and the tries left, then optionally a minus and the tries done
_COUNTED = regex(r"^(?P<name>.+)\+(?P<left>\d{1,6})(?:-(?P<done>\d{1,6}))?$")
_LONGEST_PATTERN = 255  # characters, like a file name; matching a pattern of 1 MiB would take forever


class Name(Value):
    """The parts of an entry's file name without the suffix."""

    plain: str
    """The name without the counter, which identifies the entry."""
    left: int | None = None
    """Tries left, or None if boots are not counted."""
    done: int = 0

    @classmethod
    def of(cls, stem: str) -> Name:
        """Split a file name without suffix, such as `debian-6.1+2-1`."""
        counted = _COUNTED.match(stem)
        if counted is None:
            return cls(stem)
        return cls(counted["name"], int(counted["left"]), int(counted["done"] or 0))


class Sortable(Protocol):
    """The properties that determine the sort order. Texts that an entry does not have are empty."""

    @property
    def name(self) -> Name: ...
    @property
    def suffix(self) -> str:
        """Return the suffix of the file: `.conf` or `.efi`."""

    @property
    def profile(self) -> tuple[int, str]:
        """Return number and ID of the UKI profile; (0, "") for all other entries."""

    @property
    def sort_key(self) -> str: ...
    @property
    def machine_id(self) -> str: ...
    @property
    def version(self) -> str: ...


S = TypeVar("S", bound=Sortable)


def in_order(entries: Iterable[S]) -> list[S]:
    """Return entries of both types in the order of a menu, best first.

    This is the order of systemd (src/boot/boot.c:boot_entry_compare) and of UAPI.1, Sorting, except for the suffix:
    entries without tries left are last; entries with a sort-key are first, by sort-key, machine-id and version,
    newest first; ties are resolved by the number of the profile, and by file name, newest first. File names are
    compared in lower case and with their suffix. If only the counters differ, more tries left come first, then fewer
    tries done. Up to systemd 257 the profile came after the file name.
    """
    ordered = sorted(entries, key=lambda entry: (-(entry.name.left or 0), entry.name.done))
    ordered.sort(key=lambda entry: version_key(f"{entry.name.plain}{entry.suffix}".lower()), reverse=True)
    ordered.sort(key=lambda entry: entry.profile[0])
    ordered.sort(key=lambda entry: version_key(entry.version if entry.sort_key else ""), reverse=True)
    ordered.sort(key=lambda entry: (entry.sort_key, entry.machine_id if entry.sort_key else ""))
    ordered.sort(key=lambda entry: (entry.name.left == 0, not entry.sort_key))
    return ordered


class LoaderSettings(Value, kw_only=True):
    """What loader.conf says about the default entry: patterns in lower case, empty where it says nothing."""

    preferred: str = ""
    """Since systemd 260; never matches an entry without tries left."""
    default: str = ""

    @classmethod
    def read(cls, tree: Tree, prefix: str) -> LoaderSettings | None:
        """Read loader.conf; return None if there is none."""
        try:
            text = read_text(tree, normal(f"{prefix}/loader/loader.conf"))
        except TreeError:
            return None
        found = {"preferred": "", "default": ""}
        for line in text.splitlines():
            key, *value = line.split(None, 1) or [""]
            if key in found and value:
                found[key] = value[0].strip().lower()
        for key, pattern in found.items():
            # `@saved` refers to a variable of the firmware
            if len(pattern) > _LONGEST_PATTERN or pattern.startswith("@"):
                found[key] = ""
        return cls(**found)

    def choose(self, ordered: Sequence[S]) -> S | None:
        """Return the default among all entries of a loader, or None if it is only the first one."""
        healthy = (entry for entry in ordered if entry.name.left != 0)
        for pattern, among in ((self.preferred, healthy), (self.default, iter(ordered))):
            if pattern and (found := next((entry for entry in among if matches(pattern, entry)), None)) is not None:
                return found
        # Pop!_OS's systemd-boot goes on to accept ids without the suffix, as up to systemd 244 (systemd's issue
        # 15068), since its kernelstub writes `default Pop_OS-current` (pop-os/installer, issue 210)
        own = (entry for entry in ordered if entry.suffix == ".conf" and entry.name.plain.startswith("Pop_OS-"))
        return next((entry for entry in own if entry.name.plain.lower() == self.default), None)


def matches(pattern: str, entry: Sortable) -> bool:
    """Return whether an entry matches a pattern of loader.conf, which is a glob for its id (loader.conf(5))."""
    number, profile = entry.profile
    entry_id = f"{entry.name.plain}{entry.suffix}" + (f"@{profile or number}" if profile or number else "")
    return fnmatch.fnmatchcase(entry_id.lower(), pattern)
