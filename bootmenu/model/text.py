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
