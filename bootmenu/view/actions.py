# SPDX-License-Identifier: MIT
"""The one table of keys: bindings, the line at the bottom of every screen and the help are made from it."""

from __future__ import annotations

import sys
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from textual.binding import Binding

from bootmenu.i18n import _, marked

IN_TEXT = "text+"
"""Before the name of a key that came in the middle of a text."""


class Place(StrEnum):
    """The screens, as the table knows them. The value says when they are there, for the help."""

    MENU = marked("In the menu")
    EDIT = marked("While an entry is edited")
    FILTER = marked("While a filter is typed")
    DETAILS = marked("In the details")
    TREE = marked("In the device tree")
    LOG = marked("In the log")
    HELP = marked("In the help")
    PROGRESS = marked("While it loads")
    REFUSAL = marked("After an error")
    ARRIVAL = marked("At the end of a simulation")
    CONFIRM = marked("When it asks")
    CHOICE = marked("When it gives a choice")
    PASSPHRASE = marked("When it asks for a passphrase")
    KIOSK = marked("In the kiosk")
    PIN = marked("When it asks for the PIN")


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
        label=marked("boot"),
        help=marked("load the selected entry and start it; asks once when the verdict is FAIL"),
        places=(Place.MENU,),
    ),
    Key(
        action="boot",
        keys=_ENTER,
        shown="Enter",
        label=marked("start"),
        help=marked("start it"),
        places=(Place.KIOSK,),
    ),
    Key(
        action="unfilter",
        keys=("escape", "c"),
        shown="Esc c",
        label=marked("show all"),
        help=marked("show all entries again"),
        places=(Place.MENU,),
    ),
    Key(
        action="lock",
        keys=("escape", "L", "upper_l"),
        shown="Esc L",
        label=marked("lock"),
        help=marked("back to the kiosk, which asks for the PIN again"),
        places=(Place.MENU,),
    ),
    Key(
        action="edit",
        keys=("e",),
        shown="e",
        label=marked("edit"),
        help=marked("change command line, kernel, initramfs, device tree and overlays, for this boot only"),
        places=(Place.MENU,),
    ),
    Key(
        action="details",
        keys=("d",),
        shown="d",
        label=marked("details"),
        help=marked("every check of the selected entry with its evidence, and what loading it would do"),
        places=(Place.MENU,),
    ),
    Key(
        action="help",
        keys=("f1", "question_mark", "h"),
        shown="F1 ? h",
        label=marked("help"),
        help=marked("every key, and what the signs mean"),
        places=(Place.MENU,),
    ),
    Key(
        action="unlock",
        keys=("u",),
        shown="u",
        label=marked("unlock"),
        help=marked(
            "enter the passphrase of the encrypted partition under the marker, or of the first that is locked"
        ),
        places=(Place.MENU,),
    ),
    Key(
        action="demo",
        keys=("m",),
        shown="m",
        label=marked("demonstration"),
        help=marked("open the demonstration machine, where nothing can happen"),
        places=(Place.MENU,),
    ),
    Key(
        action="test",
        keys=("t",),
        shown="t",
        label=marked("test"),
        help=marked("load the selected entry, see what the kernel says, and take it out again"),
        places=(Place.MENU,),
    ),
    Key(
        action="filter",
        keys=("slash", "f"),
        shown="/ f",
        label=marked("filter"),
        help=marked("show only entries with certain words: of title, version, source, partition or verdict"),
        places=(Place.MENU,),
    ),
    Key(
        action="quit",
        keys=("q", "ctrl+c", "ctrl+q"),
        shown="q",
        label=marked("quit"),
        help=marked("leave; nothing is loaded"),
        places=(Place.MENU,),
    ),
    Key(
        action="rescan",
        keys=("r", "f5"),
        shown="r",
        label=marked("rescan"),
        help=marked("look at every partition again"),
        places=(Place.MENU,),
    ),
    Key(
        action="power",
        keys=("p",),
        shown="p",
        label=marked("power"),
        help=marked("restart, switch off, or enter the firmware's setup"),
        places=(Place.MENU,),
    ),
    Key(
        action="log",
        keys=("l",),
        shown="l",
        label=marked("log"),
        help=marked("what the menu and the kernel have written down"),
        places=(Place.MENU,),
    ),
    Key(
        action="make_default",
        keys=("D", "upper_d"),
        shown="D",
        label=marked("make default"),
        help=marked("make the selected entry the default from now on; once more takes it back"),
        places=(Place.MENU,),
    ),
    Key(
        action="next_boot",
        keys=("o",),
        shown="o",
        label=marked("next boot only"),
        help=marked("make the selected entry the default of the next boot only; once more takes it back"),
        places=(Place.MENU,),
    ),
    Key(
        action="shell",
        keys=("s",),
        shown="s",
        label=marked("shell"),
        help=marked("open a shell; the menu is back when it ends"),
        places=(Place.MENU,),
    ),
    # --- moving
    Key(
        action="up",
        keys=("up", "k"),
        shown="↑ k",
        help=marked("one entry, one choice or one line up"),
        places=(*_CHOOSING, Place.PIN, *_BOXES, *_SCROLLED),
        in_text=True,
    ),
    Key(
        action="down",
        keys=("down", "j"),
        shown="↓ j",
        help=marked("one entry, one choice or one line down; arrows never start anything"),
        places=(*_CHOOSING, Place.PIN, *_BOXES, *_SCROLLED),
        in_text=True,
    ),
    Key(
        action="first",
        keys=("home", "g"),
        shown="Home g",
        help=marked("the first entry, or the top"),
        places=(*_CHOOSING, *_SCROLLED),
        in_text=True,
    ),
    Key(
        action="last",
        keys=("end", "G", "upper_g"),
        shown="End G",
        help=marked("the last entry, or the bottom"),
        places=(*_CHOOSING, *_SCROLLED),
        in_text=True,
    ),
    Key(
        action="pick",
        keys=tuple("123456789"),
        shown="1-9",
        help=marked("select the one with that number; it is not started"),
        places=(*_CHOOSING, Place.CHOICE),
        argument=True,
        in_text=True,
    ),
    Key(
        action="page_down",
        keys=("pagedown", "space", "z"),
        shown="PgDn Space z",
        help=marked("in the menu: read on about the selected entry; elsewhere one page down"),
        places=(Place.MENU, *_BOXES, *_SCROLLED),
        in_text=True,
    ),
    Key(
        action="page_up",
        keys=("pageup", "b"),
        shown="PgUp b",
        help=marked("back again"),
        places=(Place.MENU, *_BOXES, *_SCROLLED),
        in_text=True,
    ),
    # --- a line that is typed
    Key(
        action="boot",
        keys=_ENTER,
        shown="Enter",
        label=marked("boot"),
        help=marked("start it so"),
        places=(Place.EDIT,),
    ),
    Key(
        action="keep",
        keys=_ENTER,
        shown="Enter",
        label=marked("keep"),
        help=marked("keep the filter"),
        places=(Place.FILTER,),
        in_text=True,
    ),
    Key(
        action="unlock",
        keys=_ENTER,
        shown="Enter",
        label=marked("unlock"),
        help=marked("try the passphrase"),
        places=(Place.PASSPHRASE,),
        in_text=True,
    ),
    Key(
        action="up",
        keys=("up", "ctrl+p"),
        shown="↑",
        help=marked("the line above"),
        places=(Place.EDIT, Place.FILTER),
        in_text=True,
    ),
    Key(
        action="down",
        keys=("down", "ctrl+n"),
        shown="↓",
        help=marked("the line below"),
        places=(Place.EDIT, Place.FILTER),
        in_text=True,
    ),
    Key(
        action="choose",
        keys=("tab",),
        shown="Tab",
        label=marked("next choice"),
        help=marked("the next device tree that lies ready for this board"),
        places=(Place.EDIT,),
    ),
    Key(
        action="choose_back",
        keys=("shift+tab",),
        shown="Shift+Tab",
        help=marked("the one before it"),
        places=(Place.EDIT,),
    ),
    Key(
        action="left",
        keys=("left", "ctrl+b"),
        shown="←",
        help=marked("one character back"),
        places=_TYPING,
        in_text=True,
    ),
    Key(
        action="right",
        keys=("right", "ctrl+f"),
        shown="→",
        help=marked("one character on"),
        places=_TYPING,
        in_text=True,
    ),
    Key(
        action="home",
        keys=("home", "ctrl+a"),
        shown="Home Ctrl+A",
        help=marked("to the beginning"),
        places=_TYPING,
        in_text=True,
    ),
    Key(
        action="end",
        keys=("end", "ctrl+e"),
        shown="End Ctrl+E",
        help=marked("to the end"),
        places=_TYPING,
        in_text=True,
    ),
    Key(
        action="erase",
        keys=("backspace", "ctrl+h"),
        shown="Backspace",
        help=marked("take the character before the cursor back"),
        places=(*_TYPING, Place.PIN),
        in_text=True,
    ),
    Key(
        action="delete",
        keys=("delete", "ctrl+d"),
        shown="Del Ctrl+D",
        help=marked("and the one at it"),
        places=_TYPING,
        in_text=True,
    ),
    Key(
        action="erase_word",
        keys=("ctrl+w",),
        shown="Ctrl+W",
        help=marked("take a word back"),
        places=_TYPING,
        in_text=True,
    ),
    Key(
        action="clear",
        keys=("ctrl+u",),
        shown="Ctrl+U",
        help=marked("take everything before the cursor back"),
        places=_TYPING,
        in_text=True,
    ),
    Key(
        action="kill",
        keys=("ctrl+k",),
        shown="Ctrl+K",
        help=marked("and everything behind it"),
        places=_TYPING,
        in_text=True,
    ),
    Key(
        action="page_down",
        keys=("pagedown",),
        shown="PgDn",
        help=marked("read on"),
        places=(Place.EDIT, Place.PASSPHRASE),
        in_text=True,
    ),
    Key(
        action="page_up",
        keys=("pageup",),
        shown="PgUp",
        help=marked("back again"),
        places=(Place.EDIT, Place.PASSPHRASE),
        in_text=True,
    ),
    Key(
        action="revert",
        keys=("ctrl+r",),
        shown="Ctrl+R",
        label=marked("as it was"),
        help=marked("take back everything that was changed"),
        places=(Place.EDIT,),
    ),
    Key(
        action="back",
        keys=("escape", "ctrl+c"),
        shown="Esc",
        label=marked("back"),
        help=marked("forget it"),
        places=(Place.EDIT,),
    ),
    Key(
        action="no",
        keys=("escape", "ctrl+c"),
        shown="Esc",
        label=marked("show all"),
        help=marked("show all entries again"),
        places=(Place.FILTER,),
    ),
    Key(
        action="no",
        keys=("escape", "ctrl+c"),
        shown="Esc",
        label=marked("back"),
        help=marked("leave it locked"),
        places=(Place.PASSPHRASE,),
    ),
    # --- questions
    Key(
        action="switch",
        keys=("tab", "shift+tab", "left", "right"),
        shown="Tab",
        help=marked("the other choice"),
        places=(Place.CONFIRM,),
    ),
    Key(
        action="confirm",
        keys=_ENTER,
        shown="Enter",
        label=marked("take the marked choice"),
        help=marked("take the marked choice"),
        places=_BOXES,
    ),
    Key(
        action="yes",
        keys=("y",),
        shown="y",
        label=marked("yes"),
        help=marked("yes, start it"),
        places=(Place.CONFIRM,),
    ),
    Key(
        action="no",
        keys=("n", "escape", "q"),
        shown="Esc n",
        label=marked("no, back"),
        help=marked("no, back"),
        places=_BOXES,
    ),
    # --- the others
    Key(
        action="enter_pin",
        keys=_ENTER,
        shown="Enter",
        help=marked("take the marked digit; OK tries the PIN"),
        places=(Place.PIN,),
        in_text=True,
    ),
    Key(
        action="up",
        keys=("left",),
        shown="←",
        help=marked("the sign before it"),
        places=(Place.PIN,),
        in_text=True,
    ),
    Key(
        action="down",
        keys=("right",),
        shown="→",
        help=marked("the next sign"),
        places=(Place.PIN,),
        in_text=True,
    ),
    Key(action="no", keys=("escape",), shown="Esc", help=marked("back to the choices"), places=(Place.PIN,)),
    Key(
        action="cancel",
        keys=("escape", "ctrl+c", "q"),
        shown="Esc",
        label=marked("cancel"),
        help=marked("stop loading and go back to the menu; nothing stays loaded"),
        places=(Place.PROGRESS,),
    ),
    Key(
        action="back",
        keys=(*_ENTER, "escape", "q"),
        shown="Enter",
        label=marked("back to the menu"),
        help=marked("back to the menu"),
        places=(Place.REFUSAL, Place.ARRIVAL),
    ),
    Key(
        action="tree",
        keys=("v",),
        shown="v",
        label=marked("device tree"),
        help=marked(
            "what the device tree says that is handed on, and how it differs from the file and from the running one"
        ),
        places=(Place.DETAILS,),
    ),
    Key(
        action="back",
        keys=("escape", "q", *_ENTER),
        shown="Esc",
        label=marked("back"),
        help=marked("back"),
        places=(Place.DETAILS, Place.TREE, Place.LOG),
    ),
    Key(
        action="back",
        keys=("escape", "q", *_ENTER, "f1", "question_mark", "h"),
        shown="Esc F1",
        label=marked("back"),
        help=marked("back"),
        places=(Place.HELP,),
    ),
    Key(
        action="help",
        keys=("f1", "question_mark", "h"),
        shown="F1 ? h",
        label=marked("help"),
        help=marked("what can be pressed here"),
        places=tuple(place for place in Place if place not in (*_LETTERLESS, Place.MENU, Place.HELP)),
    ),
    Key(
        action="help",
        keys=("f1",),
        shown="F1",
        label=marked("help"),
        help=marked("what can be pressed here"),
        places=_LETTERLESS,
    ),
    Key(
        action="redraw",
        keys=("ctrl+l", "w"),
        shown="Ctrl+L w",
        help=marked("draw the screen again, after noise on the line"),
        places=(Place.MENU,),
    ),
    Key(
        action="redraw",
        keys=("ctrl+l",),
        shown="Ctrl+L",
        help=marked("draw the screen again, after noise on the line"),
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
    *(marked("Enter"), marked("Esc"), marked("Tab"), marked("Shift+Tab"), marked("Space"), marked("Backspace")),
    *(marked("Home"), marked("End"), marked("PgUp"), marked("PgDn"), marked("Del")),
)
_CTRL = marked("Ctrl+")


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
