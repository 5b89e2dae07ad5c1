# SPDX-License-Identifier: MIT
"""The one table of keys: bindings, the line at the bottom of every screen and the help are made from it."""

from __future__ import annotations

import sys
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from textual.binding import Binding

from bootmenu.i18n import N_, _

IN_TEXT = "text+"
"""Before the name of a key that came in the middle of a text."""


class Place(StrEnum):
    """The screens, as the table knows them. The value says when they are there, for the help."""

    MENU = N_("In the menu")
    EDIT = N_("While an entry is edited")
    FILTER = N_("While a filter is typed")
    DETAILS = N_("In the details")
    TREE = N_("In the device tree")
    LOG = N_("In the log")
    HELP = N_("In the help")
    PROGRESS = N_("While it loads")
    REFUSAL = N_("After an error")
    ARRIVAL = N_("At the end of a simulation")
    CONFIRM = N_("When it asks")
    CHOICE = N_("When it gives a choice")
    PASSPHRASE = N_("When it asks for a passphrase")
    KIOSK = N_("In the kiosk")
    PIN = N_("When it asks for the PIN")


_READING = (Place.DETAILS, Place.TREE, Place.LOG, Place.HELP)
_CHOOSING = (Place.MENU, Place.KIOSK)
_SCROLLED = (Place.REFUSAL, *_READING)
_BOXES = (Place.CONFIRM, Place.CHOICE)
_LETTERLESS = (Place.EDIT, Place.FILTER, Place.PASSPHRASE, Place.KIOSK, Place.PIN)
"""Where a letter is no key."""
_TYPING = (Place.EDIT, Place.FILTER, Place.PASSPHRASE)


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
    in_text: bool = False
    """It counts in the middle of a text as well (terminal/input_filter.py), where nobody may have meant a key: it
    moves something, or belongs to the line that is being typed. What starts, changes or leaves anything does not."""


# Terminals send Enter as carriage return or as line feed (ctrl+j).
_ENTER = ("enter", "ctrl+j")

TABLE: tuple[Key, ...] = (
    # --- the menu, in the order of importance: the bottom line is cut at its end
    Key(
        action="boot",
        keys=(*_ENTER, "x"),
        shown="Enter x",
        label=N_("boot"),
        help=N_("load the selected entry and start it; asks once when the verdict is FAIL"),
        places=(Place.MENU,),
    ),
    Key(
        action="boot",
        keys=_ENTER,
        shown="Enter",
        label=N_("start"),
        help=N_("start it"),
        places=(Place.KIOSK,),
    ),
    Key(
        action="unfilter",
        keys=("escape", "c"),
        shown="Esc c",
        label=N_("show all"),
        help=N_("show all entries again"),
        places=(Place.MENU,),
    ),
    Key(
        action="lock",
        keys=("escape", "L", "upper_l"),
        shown="Esc L",
        label=N_("lock"),
        help=N_("back to the kiosk, which asks for the PIN again"),
        places=(Place.MENU,),
    ),
    Key(
        action="edit",
        keys=("e",),
        shown="e",
        label=N_("edit"),
        help=N_("change command line, kernel, initramfs, device tree and overlays, for this boot only"),
        places=(Place.MENU,),
    ),
    Key(
        action="details",
        keys=("d",),
        shown="d",
        label=N_("details"),
        help=N_("every check of the selected entry with its evidence, and what loading it would do"),
        places=(Place.MENU,),
    ),
    Key(
        action="help",
        keys=("f1", "question_mark", "h"),
        shown="F1 ? h",
        label=N_("help"),
        help=N_("every key, and what the signs mean"),
        places=(Place.MENU,),
    ),
    Key(
        action="unlock",
        keys=("u",),
        shown="u",
        label=N_("unlock"),
        help=N_("enter the passphrase of the encrypted partition under the marker, or of the first that is locked"),
        places=(Place.MENU,),
    ),
    Key(
        action="demo",
        keys=("m",),
        shown="m",
        label=N_("demonstration"),
        help=N_("open the demonstration machine, where nothing can happen"),
        places=(Place.MENU,),
    ),
    Key(
        action="test",
        keys=("t",),
        shown="t",
        label=N_("test"),
        help=N_("load the selected entry, see what the kernel says, and take it out again"),
        places=(Place.MENU,),
    ),
    Key(
        action="filter",
        keys=("slash", "f"),
        shown="/ f",
        label=N_("filter"),
        help=N_("show only entries with certain words: of title, version, source, partition or verdict"),
        places=(Place.MENU,),
    ),
    Key(
        action="quit",
        keys=("q", "ctrl+c", "ctrl+q"),
        shown="q",
        label=N_("quit"),
        help=N_("leave; nothing is loaded"),
        places=(Place.MENU,),
    ),
    Key(
        action="rescan",
        keys=("r", "f5"),
        shown="r",
        label=N_("rescan"),
        help=N_("look at every partition again"),
        places=(Place.MENU,),
    ),
    Key(
        action="power",
        keys=("p",),
        shown="p",
        label=N_("power"),
        help=N_("restart, switch off, or enter the firmware's setup"),
        places=(Place.MENU,),
    ),
    Key(
        action="log",
        keys=("l",),
        shown="l",
        label=N_("log"),
        help=N_("what the menu and the kernel have written down"),
        places=(Place.MENU,),
    ),
    Key(
        action="make_default",
        keys=("D", "upper_d"),
        shown="D",
        label=N_("make default"),
        help=N_("make the selected entry the default from now on; once more takes it back"),
        places=(Place.MENU,),
    ),
    Key(
        action="next_boot",
        keys=("o",),
        shown="o",
        label=N_("next boot only"),
        help=N_("make the selected entry the default of the next boot only; once more takes it back"),
        places=(Place.MENU,),
    ),
    Key(
        action="shell",
        keys=("s",),
        shown="s",
        label=N_("shell"),
        help=N_("open a shell; the menu is back when it ends"),
        places=(Place.MENU,),
    ),
    # --- moving
    Key(
        action="up",
        keys=("up", "k"),
        shown="↑ k",
        help=N_("one entry, one choice or one line up"),
        places=(*_CHOOSING, Place.PIN, *_BOXES, *_SCROLLED),
        in_text=True,
    ),
    Key(
        action="down",
        keys=("down", "j"),
        shown="↓ j",
        help=N_("one entry, one choice or one line down; arrows never start anything"),
        places=(*_CHOOSING, Place.PIN, *_BOXES, *_SCROLLED),
        in_text=True,
    ),
    Key(
        action="first",
        keys=("home", "g"),
        shown="Home g",
        help=N_("the first entry, or the top"),
        places=(*_CHOOSING, *_SCROLLED),
        in_text=True,
    ),
    Key(
        action="last",
        keys=("end", "G", "upper_g"),
        shown="End G",
        help=N_("the last entry, or the bottom"),
        places=(*_CHOOSING, *_SCROLLED),
        in_text=True,
    ),
    Key(
        action="pick",
        keys=tuple("123456789"),
        shown="1-9",
        help=N_("select the one with that number; it is not started"),
        places=(*_CHOOSING, Place.CHOICE),
        argument=True,
        in_text=True,
    ),
    Key(
        action="page_down",
        keys=("pagedown", "space", "z"),
        shown="PgDn Space z",
        help=N_("in the menu: read on about the selected entry; elsewhere one page down"),
        places=(Place.MENU, *_BOXES, *_SCROLLED),
        in_text=True,
    ),
    Key(
        action="page_up",
        keys=("pageup", "b"),
        shown="PgUp b",
        help=N_("back again"),
        places=(Place.MENU, *_BOXES, *_SCROLLED),
        in_text=True,
    ),
    # --- a line that is typed
    Key(
        action="boot",
        keys=_ENTER,
        shown="Enter",
        label=N_("boot"),
        help=N_("start it so"),
        places=(Place.EDIT,),
    ),
    Key(
        action="keep",
        keys=_ENTER,
        shown="Enter",
        label=N_("keep"),
        help=N_("keep the filter"),
        places=(Place.FILTER,),
        in_text=True,
    ),
    Key(
        action="unlock",
        keys=_ENTER,
        shown="Enter",
        label=N_("unlock"),
        help=N_("try the passphrase"),
        places=(Place.PASSPHRASE,),
        in_text=True,
    ),
    Key(
        action="up",
        keys=("up", "ctrl+p"),
        shown="↑",
        help=N_("the line above"),
        places=(Place.EDIT, Place.FILTER),
        in_text=True,
    ),
    Key(
        action="down",
        keys=("down", "ctrl+n"),
        shown="↓",
        help=N_("the line below"),
        places=(Place.EDIT, Place.FILTER),
        in_text=True,
    ),
    Key(
        action="choose",
        keys=("tab",),
        shown="Tab",
        label=N_("next choice"),
        help=N_("the next device tree that lies ready for this board"),
        places=(Place.EDIT,),
    ),
    Key(
        action="choose_back",
        keys=("shift+tab",),
        shown="Shift+Tab",
        help=N_("the one before it"),
        places=(Place.EDIT,),
    ),
    Key(
        action="left",
        keys=("left", "ctrl+b"),
        shown="←",
        help=N_("one character back"),
        places=_TYPING,
        in_text=True,
    ),
    Key(
        action="right",
        keys=("right", "ctrl+f"),
        shown="→",
        help=N_("one character on"),
        places=_TYPING,
        in_text=True,
    ),
    Key(
        action="home",
        keys=("home", "ctrl+a"),
        shown="Home Ctrl+A",
        help=N_("to the beginning"),
        places=_TYPING,
        in_text=True,
    ),
    Key(
        action="end",
        keys=("end", "ctrl+e"),
        shown="End Ctrl+E",
        help=N_("to the end"),
        places=_TYPING,
        in_text=True,
    ),
    Key(
        action="erase",
        keys=("backspace", "ctrl+h"),
        shown="Backspace",
        help=N_("take the character before the cursor back"),
        places=(*_TYPING, Place.PIN),
        in_text=True,
    ),
    Key(
        action="delete",
        keys=("delete", "ctrl+d"),
        shown="Del Ctrl+D",
        help=N_("and the one at it"),
        places=_TYPING,
        in_text=True,
    ),
    Key(
        action="erase_word",
        keys=("ctrl+w",),
        shown="Ctrl+W",
        help=N_("take a word back"),
        places=_TYPING,
        in_text=True,
    ),
    Key(
        action="clear",
        keys=("ctrl+u",),
        shown="Ctrl+U",
        help=N_("take everything before the cursor back"),
        places=_TYPING,
        in_text=True,
    ),
    Key(
        action="kill",
        keys=("ctrl+k",),
        shown="Ctrl+K",
        help=N_("and everything behind it"),
        places=_TYPING,
        in_text=True,
    ),
    Key(
        action="page_down",
        keys=("pagedown",),
        shown="PgDn",
        help=N_("read on"),
        places=(Place.EDIT, Place.PASSPHRASE),
        in_text=True,
    ),
    Key(
        action="page_up",
        keys=("pageup",),
        shown="PgUp",
        help=N_("back again"),
        places=(Place.EDIT, Place.PASSPHRASE),
        in_text=True,
    ),
    Key(
        action="revert",
        keys=("ctrl+r",),
        shown="Ctrl+R",
        label=N_("as it was"),
        help=N_("take back everything that was changed"),
        places=(Place.EDIT,),
    ),
    Key(
        action="back",
        keys=("escape", "ctrl+c"),
        shown="Esc",
        label=N_("back"),
        help=N_("forget it"),
        places=(Place.EDIT,),
    ),
    Key(
        action="no",
        keys=("escape", "ctrl+c"),
        shown="Esc",
        label=N_("show all"),
        help=N_("show all entries again"),
        places=(Place.FILTER,),
    ),
    Key(
        action="no",
        keys=("escape", "ctrl+c"),
        shown="Esc",
        label=N_("back"),
        help=N_("leave it locked"),
        places=(Place.PASSPHRASE,),
    ),
    # --- questions
    Key(
        action="switch",
        keys=("tab", "shift+tab", "left", "right"),
        shown="Tab",
        help=N_("the other choice"),
        places=(Place.CONFIRM,),
    ),
    Key(
        action="confirm",
        keys=_ENTER,
        shown="Enter",
        label=N_("take the marked choice"),
        help=N_("take the marked choice"),
        places=_BOXES,
    ),
    Key(
        action="yes",
        keys=("y",),
        shown="y",
        label=N_("yes"),
        help=N_("yes, start it"),
        places=(Place.CONFIRM,),
    ),
    Key(
        action="no",
        keys=("n", "escape", "q"),
        shown="Esc n",
        label=N_("no, back"),
        help=N_("no, back"),
        places=_BOXES,
    ),
    # --- the others
    Key(
        action="enter_pin",
        keys=_ENTER,
        shown="Enter",
        help=N_("take the marked digit; OK tries the PIN"),
        places=(Place.PIN,),
        in_text=True,
    ),
    Key(
        action="up",
        keys=("left",),
        shown="←",
        help=N_("the sign before it"),
        places=(Place.PIN,),
        in_text=True,
    ),
    Key(
        action="down",
        keys=("right",),
        shown="→",
        help=N_("the next sign"),
        places=(Place.PIN,),
        in_text=True,
    ),
    Key(action="no", keys=("escape",), shown="Esc", help=N_("back to the choices"), places=(Place.PIN,)),
    Key(
        action="cancel",
        keys=("escape", "ctrl+c", "q"),
        shown="Esc",
        label=N_("cancel"),
        help=N_("stop loading and go back to the menu; nothing stays loaded"),
        places=(Place.PROGRESS,),
    ),
    Key(
        action="back",
        keys=(*_ENTER, "escape", "q"),
        shown="Enter",
        label=N_("back to the menu"),
        help=N_("back to the menu"),
        places=(Place.REFUSAL, Place.ARRIVAL),
    ),
    Key(
        action="tree",
        keys=("v",),
        shown="v",
        label=N_("device tree"),
        help=N_(
            "what the device tree says that is handed on, and how it differs from the file and from the running one"
        ),
        places=(Place.DETAILS,),
    ),
    Key(
        action="back",
        keys=("escape", "q", *_ENTER),
        shown="Esc",
        label=N_("back"),
        help=N_("back"),
        places=(Place.DETAILS, Place.TREE, Place.LOG),
    ),
    Key(
        action="back",
        keys=("escape", "q", *_ENTER, "f1", "question_mark", "h"),
        shown="Esc F1",
        label=N_("back"),
        help=N_("back"),
        places=(Place.HELP,),
    ),
    Key(
        action="help",
        keys=("f1", "question_mark", "h"),
        shown="F1 ? h",
        label=N_("help"),
        help=N_("what can be pressed here"),
        places=tuple(place for place in Place if place not in (*_LETTERLESS, Place.MENU, Place.HELP)),
    ),
    Key(
        action="help",
        keys=("f1",),
        shown="F1",
        label=N_("help"),
        help=N_("what can be pressed here"),
        places=_LETTERLESS,
    ),
    Key(
        action="redraw",
        keys=("ctrl+l", "w"),
        shown="Ctrl+L w",
        help=N_("draw the screen again, after noise on the line"),
        places=(Place.MENU,),
    ),
    Key(
        action="redraw",
        keys=("ctrl+l",),
        shown="Ctrl+L",
        help=N_("draw the screen again, after noise on the line"),
        places=tuple(place for place in Place if place is not Place.MENU),
    ),
)


def keys_of(place: Place) -> tuple[Key, ...]:
    """The table's rows for one screen, in its order."""
    return tuple(key for key in TABLE if place in key.places)


def bindings(place: Place) -> list[Binding | tuple[str, str] | tuple[str, str, str]]:
    """For a screen's BINDINGS."""
    return [
        Binding(before + name, f"{key.action}('{name}')" if key.argument else key.action, key.help, show=False)
        for key in keys_of(place)
        for name in key.keys
        for before in (("", IN_TEXT) if key.in_text else ("",))
    ]


def labelled(place: Place, without: Collection[str] = ()) -> list[tuple[str, str, str]]:
    """(key, label, Textual's name of the key) for the bottom line, without the actions that are not offered."""
    return [
        (named(key.shown.split()[0]), _(key.label), key.keys[0])
        for key in keys_of(place)
        if key.label and key.action not in without
    ]


_NAMES = (
    *(N_("Enter"), N_("Esc"), N_("Tab"), N_("Shift+Tab"), N_("Space"), N_("Backspace")),
    *(N_("Home"), N_("End"), N_("PgUp"), N_("PgDn"), N_("Del")),
)
_CTRL = N_("Ctrl+")


def named(shown: str) -> str:
    """Keys as they are called on a keyboard of the language in use; a letter or a sign is what it is."""
    return " ".join(
        _(name) if name in _NAMES else name.replace(_CTRL, _(_CTRL)) if name.startswith(_CTRL) else name
        for name in shown.split()
    )


def markdown() -> str:
    """The list of keys for the README."""
    rows = ["| key | in the menu |", "| --- | --- |"]
    for key in keys_of(Place.MENU):
        shown = " ".join(f"`{name}`" for name in key.shown.split())
        rows.append(f"| {shown} | {key.help} |")
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    sys.stdout.write(markdown())
