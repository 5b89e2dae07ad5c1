# SPDX-License-Identifier: MIT
"""The one table of keys: bindings, the line at the bottom of every screen and the help are made from it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from textual.binding import Binding


class Place(StrEnum):
    """The screens, as the table knows them."""

    MENU = "menu"
    CONFIRM = "question"
    PASSPHRASE = "passphrase"  # noqa: S105 - a screen
    PROGRESS = "progress"
    REFUSAL = "error"
    ARRIVAL = "arrival"
    DETAILS = "details"
    HELP = "help"
    KIOSK = "kiosk"
    PIN = "PIN"


_READING = (Place.DETAILS, Place.HELP)
_CHOOSING = (Place.MENU, Place.KIOSK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One action, with every key that means it in the places where it does."""

    action: str
    keys: tuple[str, ...]
    """Textual's names."""
    shown: str
    """What stands on the keyboard."""
    label: str = ""
    """For the bottom line; empty = it is in the help only."""
    help: str
    places: tuple[Place, ...]
    argument: bool = False
    """The action is told which key it was."""


# Terminals send Enter as carriage return or as line feed (ctrl+j).
_ENTER = ("enter", "ctrl+j")

TABLE: tuple[Key, ...] = (
    Key(
        action="boot",
        keys=_ENTER,
        shown="Enter",
        label="boot",
        help="load the selected entry and start it; asks once when the verdict is FAIL",
        places=_CHOOSING,
    ),
    Key(
        action="up",
        keys=("up", "k"),
        shown="↑ k",
        help="one entry, one choice or one line up",
        places=(*_CHOOSING, Place.PIN, Place.CONFIRM, Place.REFUSAL, *_READING),
    ),
    Key(
        action="down",
        keys=("down", "j"),
        shown="↓ j",
        help="one entry, one choice or one line down; arrows never start anything",
        places=(*_CHOOSING, Place.PIN, Place.CONFIRM, Place.REFUSAL, *_READING),
    ),
    Key(
        action="switch",
        keys=("tab", "shift+tab", "left", "right"),
        shown="Tab",
        help="the other choice",
        places=(Place.CONFIRM,),
    ),
    Key(
        action="first",
        keys=("home", "g"),
        shown="Home g",
        help="the first entry, or the top",
        places=(*_CHOOSING, Place.REFUSAL, *_READING),
    ),
    Key(
        action="last",
        keys=("end", "G", "upper_g"),
        shown="End G",
        help="the last entry, or the bottom",
        places=(*_CHOOSING, Place.REFUSAL, *_READING),
    ),
    Key(
        action="pick",
        keys=tuple("123456789"),
        shown="1-9",
        help="select the entry with that number; it is not started",
        places=_CHOOSING,
        argument=True,
    ),
    Key(
        action="page_down",
        keys=("pagedown", "space"),
        shown="PgDn Space",
        help="in the menu: read on about the selected entry; elsewhere one page down",
        places=(Place.MENU, Place.REFUSAL, *_READING),
    ),
    Key(
        action="page_up",
        keys=("pageup", "b"),
        shown="PgUp b",
        help="back again",
        places=(Place.MENU, Place.REFUSAL, *_READING),
    ),
    Key(
        action="details",
        keys=("d",),
        shown="d",
        label="details",
        help="every check of the selected entry with its evidence, and what loading it would do",
        places=(Place.MENU,),
    ),
    Key(
        action="rescan",
        keys=("r", "f5"),
        shown="r",
        label="rescan",
        help="look at every partition again",
        places=(Place.MENU,),
    ),
    Key(
        action="unlock",
        keys=("u",),
        shown="u",
        label="unlock",
        help="enter the passphrase of the encrypted partition under the marker, or of the first that is locked",
        places=(Place.MENU,),
    ),
    Key(
        action="demo",
        keys=("m",),
        shown="m",
        label="demonstration",
        help="open the demonstration machine, where nothing can happen",
        places=(Place.MENU,),
    ),
    Key(
        action="confirm",
        keys=_ENTER,
        shown="Enter",
        label="take the marked choice",
        help="take the marked choice",
        places=(Place.CONFIRM,),
    ),
    Key(action="yes", keys=("y",), shown="y", label="yes", help="yes, start it", places=(Place.CONFIRM,)),
    Key(
        action="no",
        keys=("n", "escape", "q"),
        shown="Esc n",
        label="no, back",
        help="no, back",
        places=(Place.CONFIRM,),
    ),
    Key(
        action="unlock",
        keys=_ENTER,
        shown="Enter",
        label="unlock",
        help="try the passphrase",
        places=(Place.PASSPHRASE,),
    ),
    Key(
        action="erase",
        keys=("backspace", "ctrl+h"),
        shown="Backspace",
        help="take the last character back",
        places=(Place.PASSPHRASE, Place.PIN),
    ),
    Key(
        action="clear",
        keys=("ctrl+u",),
        shown="Ctrl+U",
        label="begin again",
        help="take all of it back",
        places=(Place.PASSPHRASE,),
    ),
    Key(
        action="no",
        keys=("escape", "ctrl+c"),
        shown="Esc",
        label="back",
        help="leave it locked",
        places=(Place.PASSPHRASE,),
    ),
    Key(
        action="enter_pin",
        keys=_ENTER,
        shown="Enter",
        help="take the marked digit; OK tries the PIN",
        places=(Place.PIN,),
    ),
    Key(action="no", keys=("escape",), shown="Esc", help="back to the choices", places=(Place.PIN,)),
    Key(
        action="lock",
        keys=("escape",),
        shown="Esc",
        label="lock",
        help="back to the kiosk, which asks for the PIN again",
        places=(Place.MENU,),
    ),
    Key(
        action="cancel",
        keys=("escape", "ctrl+c", "q"),
        shown="Esc",
        label="cancel",
        help="stop loading and go back to the menu; nothing stays loaded",
        places=(Place.PROGRESS,),
    ),
    Key(
        action="back",
        keys=(*_ENTER, "escape", "q"),
        shown="Enter",
        label="back to the menu",
        help="back to the menu",
        places=(Place.REFUSAL, Place.ARRIVAL),
    ),
    Key(
        action="back",
        keys=("escape", "q", *_ENTER, "d", "f1"),
        shown="Esc",
        label="back",
        help="back",
        places=_READING,
    ),
    Key(
        action="help",
        keys=("f1", "question_mark"),
        shown="F1 ?",
        label="help",
        help="this page",
        places=(Place.MENU,),
    ),
    Key(
        action="redraw",
        keys=("ctrl+l",),
        shown="Ctrl+L",
        help="draw the screen again, after noise on the line",
        places=tuple(Place),
    ),
    Key(
        action="quit",
        keys=("q", "ctrl+c", "ctrl+q"),
        shown="q",
        label="quit",
        help="leave; nothing is loaded",
        places=(Place.MENU,),
    ),
)


def keys_of(place: Place) -> tuple[Key, ...]:
    """The table's rows for one screen, in its order."""
    return tuple(key for key in TABLE if place in key.places)


def bindings(place: Place) -> list[Binding | tuple[str, str] | tuple[str, str, str]]:
    """For a screen's BINDINGS."""
    return [
        Binding(name, f"{key.action}('{name}')" if key.argument else key.action, key.help, show=False)
        for key in keys_of(place)
        for name in key.keys
    ]


def labelled(place: Place, without: Collection[str] = ()) -> list[tuple[str, str]]:
    """(key, label) for the bottom line, without the actions that are not offered."""
    return [(key.shown, key.label) for key in keys_of(place) if key.label and key.action not in without]
