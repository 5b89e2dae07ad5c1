# SPDX-License-Identifier: MIT
"""Text from disks and tools, made safe to print."""

from __future__ import annotations


def quoted(text: str) -> str:
    """Return the words of a tool or a library in quotation marks."""
    return f"“{text.translate(_MARKS)}”"


_MARKS = str.maketrans("“”", '""')


def printable(text: str) -> str:
    """Return text without control characters, so that a disk cannot control the terminal."""
    return "".join(char if char.isprintable() else "�" for char in text)


def megabytes(size: int) -> str:
    """Return a size in millions of bytes with one decimal, so that columns can be compared: `35.1 MB`. Sizes that
    would be 0 get a smaller unit: `3.2 kB`, `812 B`."""
    from bootmenu.i18n import number  # mark-good needs this module, and no language

    if size >= 50_000:
        return f"{number(size / 1_000_000, '.1f')} MB"
    return f"{number(size / 1000, '.1f')} kB" if size >= 1000 else f"{size} B"
