# SPDX-License-Identifier: MIT
"""What a row of the table of actions (actions.py) says."""

from __future__ import annotations

from bootmenu.model.value import Value
from bootmenu.view.screen_ids import Requirement, ScreenId, Situation

ENTER = ("enter", "ctrl+j")
"""Textual's names of the key: terminals send it as carriage return or as line feed."""


class Action(Value, kw_only=True):
    """An action, and the keys that trigger it on some screens. If its keys differ between screens, the table has
    several rows with its name."""

    name: str
    keys: tuple[str, ...]
    """Textual's names of the keys."""
    shown: str
    """The keys as they are printed on a keyboard, separated by spaces."""
    label: str = ""
    """Text in the footer; empty if only the help shows the action."""
    labelled_with: Situation | None = None
    """The only situation in which the footer shows it; None for always."""
    help: str
    screens: tuple[ScreenId, ...] = (ScreenId.MENU,)
    plain: str = ""
    """The plain menu's command: `r`, or `d N` if it takes the number of an entry; empty if there is none."""
    plain_help: str = ""
    """Help text in the plain menu, if it differs from `help`."""
    kiosk: str = ""
    """Text of the kiosk's row, in plain words; empty if the kiosk has no row for it."""
    essential: bool = False
    """Whether booting an entry, entering the PIN or another action needs it, so that no policy may forbid it."""
    requires: Requirement | None = None
    takes_key: bool = False
    """Whether the method gets the key that was pressed."""
    in_text: bool = False
    """Whether its keys also work in the middle of a burst of text that may be pasted or noise
    (terminal/input_filter.py). Only for actions that move something or edit the line that is typed."""


def move(name: str, keys: tuple[str, ...], shown: str, text: str, screens: tuple[ScreenId, ...]) -> Action:
    """Return an action that moves something or edits a line: essential, not in the footer, and allowed in a burst of
    text."""
    return Action(name=name, keys=keys, shown=shown, help=text, screens=screens, essential=True, in_text=True)


def essential(
    name: str, keys: tuple[str, ...], shown: str, label: str, text: str, screens: tuple[ScreenId, ...]
) -> Action:
    """Return an action that no policy may forbid."""
    return Action(name=name, keys=keys, shown=shown, label=label, help=text, screens=screens, essential=True)
