# SPDX-License-Identifier: MIT
"""Text that came from a disk, made fit to be printed."""

from __future__ import annotations


def quoted(text: str) -> str:
    """Between quotation marks: what a tool or a library said, in its own words. language.told keeps it so."""
    return f"“{text.translate(_MARKS)}”"


_MARKS = str.maketrans("“”", '""')


def printable(text: str) -> str:
    """Without control characters: what a disk says must not steer the terminal."""
    return "".join(char if char.isprintable() else "�" for char in text)


def megabytes(size: int) -> str:
    """`35.1 MB`: millions of bytes with one decimal, so that columns can be compared; what that would be nothing of,
    in a smaller unit: `3.2 kB`, `812 B`."""
    if size >= 50_000:
        return f"{size / 1_000_000:.1f} MB"
    return f"{size / 1000:.1f} kB" if size >= 1000 else f"{size} B"
