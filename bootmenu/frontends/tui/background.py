# SPDX-License-Identifier: MIT
"""Run what takes time in a thread beside a screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual.app import App
from textual.screen import Screen

from bootmenu.session import menu_log


def in_background(
    owner: App[Any] | Screen[Any], work: Callable[[], object], group: str, *, exclusive: bool = False
) -> None:
    """Run work in a thread that belongs to a screen or to the app.

    Work reports its own errors to the screen. What it did not expect goes to the log: Textual would import what draws
    a traceback, which no image has. exclusive: cancel what runs in this group.
    """

    def guarded() -> None:
        try:
            work()
        except Exception as error:
            menu_log.logged_error(error)

    owner.run_worker(guarded, thread=True, group=group, exclusive=exclusive, exit_on_error=False)
