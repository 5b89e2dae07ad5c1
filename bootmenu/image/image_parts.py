# SPDX-License-Identifier: MIT
"""What the files of an image belong to, told by their paths: for sizes by part, also of images of other days."""

from __future__ import annotations

import stat
from collections import Counter
from collections.abc import Iterable, Iterator

from bootmenu.image.cpio import ArchiveMember
from bootmenu.model.regex import regex
from bootmenu.model.text import megabytes

BOOTMENU = "bootmenu"
OTHER = "other files"
MODULES = "kernel modules"
_PARTS = (
    (BOOTMENU, regex(r"usr/(local/)?lib(64)?/python3[^/]*/(dist|site)-packages/bootmenu/|usr/bin/bootmenu$")),
    ("Python packages", regex(r"usr/(local/)?lib(64)?/python3[^/]*/(dist|site)-packages/")),
    ("Python", regex(r"usr/(local/)?(lib(64)?/python3|bin/python3)")),
    (MODULES, regex(r"usr/lib/modules/|etc/bootmenu/modules$|etc/mdev\.conf$")),
    ("firmware", regex(r"usr/lib/firmware/")),
    ("libraries", regex(r"usr/(local/)?lib(32|64)?/.*\.so(\.|$)")),
    ("tools", regex(r"usr/(local/)?s?bin/")),
    ("kernel configuration", regex(r"boot/config-")),
    ("settings", regex(r"etc/bootmenu\.toml$|etc/bootmenu/cmdline$")),
    ("init", regex(r"init$|etc/(passwd|group)$|var/lib/bootmenu/unpacked$|bootmenu-first-stage$")),
    ("kernel and stub", regex(r"\.[a-z]+$")),
)
"""In order: the first that matches counts. The last are sections of a unified kernel image."""


def part_of(path: str) -> str:
    """Return the name of the part. path: as in the archive, without a leading slash."""
    return next((part for part, pattern in _PARTS if pattern.match(path)), OTHER)


def sizes(members: Iterable[ArchiveMember]) -> Counter[str]:
    """Return the bytes of regular files by part, unpacked."""
    found: Counter[str] = Counter()
    for member in members:
        if stat.S_ISREG(member.mode):
            found[part_of(member.path)] += len(member.data)
    return found


def biggest(members: Iterable[ArchiveMember], count: int = 6) -> str:
    """Return the biggest parts with their sizes, for a message."""
    return ", ".join(f"{part} {megabytes(size)}" for part, size in sizes(members).most_common(count))


def listing(members: Iterable[ArchiveMember]) -> Iterator[str]:
    """Yield a line for each file: bytes, part, path; and then one for each part, the biggest first."""
    files = [member for member in members if stat.S_ISREG(member.mode)]
    for member in sorted(files, key=lambda member: member.path):
        yield f"{len(member.data):>10}  {part_of(member.path):<20}  {member.path}"
    yield ""
    for part, size in sizes(files).most_common():
        yield f"{size:>10}  {part}"


def differences(old: Iterable[ArchiveMember], new: Iterable[ArchiveMember]) -> Iterator[str]:
    """Yield a line for each part whose size is another, and below it one for each file that was added, removed or
    changed, with the bytes more or less. Yield nothing if both have the same files."""
    before, after = ({each.path: each for each in every if not stat.S_ISDIR(each.mode)} for every in (old, new))
    changed = [path for path in sorted(before.keys() | after.keys()) if before.get(path) != after.get(path)]
    parts: dict[str, list[str]] = {}
    for path in changed:
        parts.setdefault(part_of(path), []).append(path)
    old_sizes, new_sizes = sizes(before.values()), sizes(after.values())
    for part in sorted(parts, key=lambda part: -abs(new_sizes[part] - old_sizes[part])):
        growth = new_sizes[part] - old_sizes[part]
        yield f"{part}: {megabytes(old_sizes[part])} -> {megabytes(new_sizes[part])} ({growth:+} bytes)"
        for path in parts[part]:
            what = "added" if path not in before else "removed" if path not in after else "changed"
            size = (len(after[path].data) if path in after else 0) - (len(before[path].data) if path in before else 0)
            yield f"  {what:<8}{size:>+10}  {path}"
