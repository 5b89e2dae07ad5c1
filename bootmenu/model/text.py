# SPDX-License-Identifier: MIT
"""Text that came from a disk, made fit to be printed."""

from __future__ import annotations


def printable(text: str) -> str:
    """Without control characters: what a disk says must not steer the terminal."""
    return "".join(char if char.isprintable() else "�" for char in text)
