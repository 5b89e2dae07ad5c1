# SPDX-License-Identifier: MIT
"""Import the menu while its countdown runs, so that a key opens it at once: on a slow board that takes seconds.

The thread that counts does it, a part at a time, and no other one: two threads that import may get halves of modules
that import each other.
"""

from __future__ import annotations

import contextlib
import importlib

PARTS = (
    "asyncio",
    "rich.console",
    "textual",
    "textual.css.stylesheet",
    "textual.screen",
    "textual.command",
    "textual.app",
    "bootmenu.frontends.tui.themes",
    "bootmenu.frontends.tui.driver",
    "bootmenu.frontends.tui.screens.base_screen",
    "bootmenu.frontends.tui.screens.menu_screen",
    "bootmenu.frontends.tui.app",
)
"""In the order in which the menu imports them. A key waits until the part that it falls into has been imported."""
ENOUGH_MEMORY = 256 * 1024 * 1024
"""Bytes that have to be available: with less, the system that is about to be loaded needs them more."""
READING = 1.0
"""Seconds during which nothing is imported after it is known what starts: Enter is to act at once."""
BEFORE_START = 2
"""Seconds at the end of the countdown during which nothing is imported."""


class Preload:
    """The parts of the menu that are not imported yet."""

    def __init__(self, available: int | None) -> None:
        """available: bytes of memory, or None if unknown."""
        self._parts = list(PARTS) if available is not None and available >= ENOUGH_MEMORY else []
        self._known_since: float | None = None

    def due(self, now: float, *, known: bool, left: int | None) -> float | None:
        """Return the seconds until the next part is to be imported, or None if it is not.

        known: whether it is known what starts, and everything has been read. left: seconds left of the countdown.
        """
        if not known:
            self._known_since = None
        if not (known and self._parts and left is not None and left > BEFORE_START):
            return None
        if self._known_since is None:
            self._known_since = now
        return max(0.0, self._known_since + READING - now)

    def import_next(self) -> None:
        """Import the next part. What fails is passed over: the menu says so when it is opened."""
        with contextlib.suppress(Exception):
            importlib.import_module(self._parts.pop(0))
