# SPDX-License-Identifier: MIT
"""The titles of entries in menus within menus."""

from __future__ import annotations

from collections.abc import Iterable

LONGEST_MENU = 200
"""Characters of a menu's title, which is a prefix of the titles of all entries in it."""


def titled(menus: Iterable[str], title: str) -> str:
    """Return the title of an entry behind those of the menus that lead to it: often only they tell entries apart."""
    return " › ".join([*(menu[:LONGEST_MENU] for menu in menus if menu.strip()), title])
