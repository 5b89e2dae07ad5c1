# SPDX-License-Identifier: MIT
"""Selections from the table of actions: rows of each front end, footer labels, key names, docs/menu.md's table."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from bootmenu.i18n import N_, _
from bootmenu.view import actions
from bootmenu.view.action import Action
from bootmenu.view.screen_ids import ScreenId, Situation


def actions_of(screen: ScreenId) -> tuple[Action, ...]:
    """Return the actions of a screen, in the order of the table."""
    return tuple(action for action in actions.TABLE if screen in action.screens)


def essential() -> frozenset[str]:
    """Return the names of the actions that no policy may forbid."""
    return frozenset(action.name for action in actions.TABLE if action.essential)


def plain_commands() -> Iterator[Action]:
    """Return an iterator over the actions of the plain menu."""
    return (action for action in actions.TABLE if action.plain)


def kiosk_actions() -> dict[str, str]:
    """Return the text of the kiosk's rows for actions, by the name of the action."""
    return {action.name: action.kiosk for action in actions.TABLE if action.kiosk}


def labelled(screen: ScreenId, without: Collection[str] = ()) -> list[tuple[str, str, str]]:
    """Return (key, label, Textual's name of the key) for the footer. without: names of actions to leave out."""
    return [
        (key_names(action.shown.split()[0]), _(action.label), action.keys[0])
        for action in actions_of(screen)
        if action.label and action.name not in without
    ]


def unlabelled_actions(screen: ScreenId, situations: Collection[Situation]) -> frozenset[str]:
    """Return the names of the actions that the footer of a screen leaves out in these situations."""
    return frozenset(
        action.name
        for action in actions_of(screen)
        if action.labelled_with is not None and action.labelled_with not in situations
    )


_NAMES = (
    *(N_("Enter"), N_("Esc"), N_("Tab"), N_("Shift+Tab"), N_("Space"), N_("Backspace")),
    *(N_("Home"), N_("End"), N_("PgUp"), N_("PgDn"), N_("Del")),
)
_CTRL = N_("Ctrl+")


def key_names(shown: str) -> str:
    """Return the keys as they are printed on a keyboard of the language in use; letters and signs stay the same."""
    return " ".join(
        _(name) if name in _NAMES else name.replace(_CTRL, _(_CTRL)) if name.startswith(_CTRL) else name
        for name in shown.split()
    )


def key_rows() -> list[tuple[str, str]]:
    """Return (keys, help) of the menu's actions, for docs/menu.md and the manual page."""
    return [(action.shown, action.help) for action in actions_of(ScreenId.MENU)]


def markdown() -> str:
    """Return the table of keys as Markdown."""
    rows = ["| key | in the menu |", "| --- | --- |"]
    for shown, text in key_rows():
        rows.append(f"| {' '.join(f'`{name}`' for name in shown.split())} | {text} |")
    return "\n".join(rows) + "\n"
