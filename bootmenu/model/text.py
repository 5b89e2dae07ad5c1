# SPDX-License-Identifier: MIT
"""Texts in the form in which they are printed."""

from __future__ import annotations


def quoted(text: str) -> str:
    """Return the words of a tool or a library in quotation marks."""
    return f"“{text.translate(_MARKS)}”"


_MARKS = str.maketrans("“”", '""')


def printable(text: str) -> str:
    """Return text without control characters, so that a disk cannot control the terminal."""
    return "".join(char if char.isprintable() else "�" for char in text)


def sentence(text: str) -> str:
    """Return the text as a sentence; a name at its beginning keeps its case."""
    if not text:
        return ""
    first = text.split()[0].strip(",:;.")
    text = text if "_" in first or "/" in first or first == "bootmenu" else text[0].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."


def megabytes(size: int) -> str:
    """Return a size in millions of bytes with one decimal, so that columns can be compared: `35.1 MB`. Sizes that
    would be 0 get a smaller unit: `3.2 kB`, `812 B`."""
    from bootmenu.i18n import _, number  # mark-good needs this module, and no language

    if size >= 50_000:
        return f"{number(size / 1_000_000, '.1f')} " + _("MB")
    return f"{number(size / 1000, '.1f')} " + _("kB") if size >= 1000 else f"{size} " + _("B")
