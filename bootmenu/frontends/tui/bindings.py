# SPDX-License-Identifier: MIT
"""The table of actions as Textual's key bindings."""

from __future__ import annotations

from textual.binding import Binding

from bootmenu.view.key_help import actions_of
from bootmenu.view.screen_ids import ScreenId

IN_TEXT = "text+"
"""Prefix of the name of a key that arrived in the middle of text."""


def bindings(screen: ScreenId) -> list[Binding | tuple[str, str] | tuple[str, str, str]]:
    """Return a screen's BINDINGS."""
    return [
        Binding(before + key, f"{action.name}('{key}')" if action.takes_key else action.name, action.help, show=False)
        for action in actions_of(screen)
        for key in action.keys
        for before in (("", IN_TEXT) if action.in_text else ("",))
    ]
