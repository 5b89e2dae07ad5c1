# SPDX-License-Identifier: MIT
"""The table of actions. Key bindings, footer, help, docs/menu.md, manual page, the plain menu's commands, and the
kiosk's rows and policy are generated from it.

To add an action, add a row here and the method that performs it: `action_NAME` of the screen, `do_NAME` of the plain
menu.
"""

from __future__ import annotations

from bootmenu.i18n import N_
from bootmenu.model.value import Value
from bootmenu.view.screen_ids import BOXES, CHOOSING, LETTERLESS, SCROLLED, TYPING, Requirement, ScreenId, Situation


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


def _move(name: str, keys: tuple[str, ...], shown: str, text: str, screens: tuple[ScreenId, ...]) -> Action:
    """Return an action that moves something or edits a line: essential, not in the footer, and allowed in a burst of
    text."""
    return Action(name=name, keys=keys, shown=shown, help=text, screens=screens, essential=True, in_text=True)


# Terminals send Enter as carriage return or as line feed (ctrl+j).
_ENTER = ("enter", "ctrl+j")

TABLE: tuple[Action, ...] = (
    # --- the menu, most important first: the footer is cut at its right end
    Action(
        name="boot",
        keys=(*_ENTER, "x"),
        shown="Enter x",
        label=N_("boot"),
        help=N_("boot the selected entry; asks first if its verdict is FAIL"),
        essential=True,
        labelled_with=Situation.ENTRY,
    ),
    Action(
        name="unfold",
        keys=("right", "a"),
        shown="→ a",
        label=N_("show"),
        help=N_("show the snapshots that the selected row stands for"),
        plain="+",
        plain_help=N_("list the snapshots of each system, too; again: fold them"),
        essential=True,
        labelled_with=Situation.FOLDED,
    ),
    Action(
        name="boot",
        keys=_ENTER,
        shown="Enter",
        label=N_("start"),
        help=N_("boot it"),
        screens=(ScreenId.KIOSK,),
        essential=True,
    ),
    Action(
        name="unfilter",
        keys=("escape", "c"),
        shown="Esc c",
        label=N_("show all"),
        help=N_("show all entries again"),
        essential=True,
        labelled_with=Situation.FILTER,
    ),
    Action(
        name="lock",
        keys=("escape", "L", "upper_l"),
        shown="Esc L",
        label=N_("lock"),
        help=N_("back to the kiosk, which asks for the PIN again"),
        plain="L",
        requires=Requirement.SERVICE,
    ),
    Action(
        name="edit",
        keys=("e",),
        shown="e",
        label=N_("edit"),
        help=N_("change command line, kernel, initramfs, device tree and overlays, for this boot only"),
        plain="e N",
        labelled_with=Situation.ENTRY,
    ),
    Action(
        name="details",
        keys=("d",),
        shown="d",
        label=N_("details"),
        help=N_("show every check of the entry with its evidence, and the boot plan"),
        plain="d N",
        kiosk=N_("Technical details"),
    ),
    Action(
        name="help",
        keys=("f1", "question_mark", "h"),
        shown="F1 ? h",
        label=N_("help"),
        help=N_("show every key, and what the signs mean"),
        kiosk=N_("Help"),
    ),
    Action(
        name="unlock",
        keys=("u",),
        shown="u",
        label=N_("unlock"),
        help=N_("enter the passphrase of an encrypted partition"),
        plain="u",
        labelled_with=Situation.LOCKED,
    ),
    Action(
        name="demo",
        keys=("m",),
        shown="m",
        label=N_("demonstration"),
        help=N_("open the demonstration machine, where nothing can happen"),
        plain="m",
        labelled_with=Situation.NOTHING_TO_BOOT,
        requires=Requirement.DEMO,
    ),
    Action(
        name="test",
        keys=("t",),
        shown="t",
        label=N_("test"),
        help=N_("load the entry, see what the kernel says, and unload it"),
        plain="t N",
        labelled_with=Situation.ENTRY,
    ),
    Action(
        name="filter",
        keys=("slash", "f"),
        shown="/ f",
        label=N_("filter"),
        help=N_("show only entries with these words in title, version, source, partition or verdict"),
        plain="/",
        plain_help=N_("list only entries with these words: / WORDS; / alone lists all of them"),
    ),
    Action(
        name="quit",
        keys=("q", "ctrl+c", "ctrl+q"),
        shown="q",
        label=N_("quit"),
        help=N_("quit; nothing is loaded"),
        plain="q",
        requires=Requirement.QUIT,
    ),
    Action(
        name="rescan",
        keys=("r", "f5"),
        shown="r",
        label=N_("rescan"),
        help=N_("read every partition again"),
        plain="r",
        kiosk=N_("Look again"),
    ),
    Action(
        name="power",
        keys=("p",),
        shown="p",
        label=N_("power"),
        help=N_("restart, switch off, or enter the firmware setup"),
        plain="p",
    ),
    Action(
        name="log",
        keys=("l",),
        shown="l",
        label=N_("log"),
        help=N_("show the messages of the kernel, and internal errors"),
        plain="l",
        plain_help=N_("the kernel's last messages"),
    ),
    Action(name="machine", keys=("i",), shown="i", plain="i", label=N_("machine"), help=N_("what this machine is")),
    Action(
        name="make_default",
        keys=("D", "upper_d"),
        shown="D",
        label=N_("make default"),
        help=N_("make the entry the default; again: undo that"),
        plain="D N",
        labelled_with=Situation.ENTRY,
    ),
    Action(
        name="next_boot",
        keys=("o",),
        shown="o",
        label=N_("next boot only"),
        help=N_("boot the entry by default next time only; again: undo that"),
        plain="o N",
        labelled_with=Situation.ENTRY,
    ),
    Action(
        name="shell",
        keys=("s",),
        shown="s",
        label=N_("shell"),
        help=N_("open a shell; when it ends, the menu is back"),
        plain="s",
        requires=Requirement.SHELL,
    ),
    # --- moving
    _move(
        "up",
        ("up", "k"),
        "↑ k",
        N_("one entry, one choice or one line up"),
        (*CHOOSING, ScreenId.PIN, *BOXES, *SCROLLED),
    ),
    _move(
        "down",
        ("down", "j"),
        "↓ j",
        N_("one entry, one choice or one line down; arrows never start anything"),
        (*CHOOSING, ScreenId.PIN, *BOXES, *SCROLLED),
    ),
    _move(
        "fold",
        ("left", "A", "upper_a"),
        "← A",
        N_("fold the snapshots of a system into one row again"),
        (ScreenId.MENU,),
    ),
    _move("first", ("home", "g"), "Home g", N_("the first entry, or the top"), (*CHOOSING, *SCROLLED)),
    _move("last", ("end", "G", "upper_g"), "End G", N_("the last entry, or the bottom"), (*CHOOSING, *SCROLLED)),
    Action(
        name="pick",
        keys=tuple("123456789"),
        shown="1-9",
        help=N_("select the one with that number; it is not started"),
        screens=(*CHOOSING, ScreenId.CHOICE),
        essential=True,
        takes_key=True,
        in_text=True,
    ),
    _move(
        "page_down",
        ("pagedown", "space", "z"),
        "PgDn Space z",
        N_("in the menu: scroll down the entry's summary; elsewhere one page down"),
        (ScreenId.MENU, *BOXES, *SCROLLED),
    ),
    _move("page_up", ("pageup", "b"), "PgUp b", N_("scroll up"), (ScreenId.MENU, *BOXES, *SCROLLED)),
    # --- a line that is typed
    Action(
        name="boot",
        keys=_ENTER,
        shown="Enter",
        label=N_("boot"),
        help=N_("boot with these changes"),
        screens=(ScreenId.EDIT,),
        essential=True,
    ),
    Action(
        name="keep",
        keys=_ENTER,
        shown="Enter",
        label=N_("keep"),
        help=N_("keep the filter"),
        screens=(ScreenId.FILTER,),
        essential=True,
        in_text=True,
    ),
    Action(
        name="unlock",
        keys=_ENTER,
        shown="Enter",
        label=N_("unlock"),
        help=N_("try the passphrase"),
        screens=(ScreenId.PASSPHRASE,),
        in_text=True,
    ),
    _move("up", ("up", "ctrl+p"), "↑", N_("the line above"), (ScreenId.EDIT, ScreenId.FILTER)),
    _move("down", ("down", "ctrl+n"), "↓", N_("the line below"), (ScreenId.EDIT, ScreenId.FILTER)),
    Action(
        name="choose",
        keys=("tab",),
        shown="Tab",
        label=N_("next choice"),
        help=N_("the next device tree for this board"),
        screens=(ScreenId.EDIT,),
        essential=True,
    ),
    Action(
        name="choose_back",
        keys=("shift+tab",),
        shown="Shift+Tab",
        help=N_("the one before it"),
        screens=(ScreenId.EDIT,),
        essential=True,
    ),
    _move("left", ("left", "ctrl+b"), "←", N_("one character back"), TYPING),
    _move("right", ("right", "ctrl+f"), "→", N_("one character forward"), TYPING),
    _move("home", ("home", "ctrl+a"), "Home Ctrl+A", N_("to the beginning"), TYPING),
    _move("end", ("end", "ctrl+e"), "End Ctrl+E", N_("to the end"), TYPING),
    _move(
        "erase",
        ("backspace", "ctrl+h"),
        "Backspace",
        N_("delete the character before the cursor"),
        (*TYPING, ScreenId.PIN),
    ),
    _move("delete", ("delete", "ctrl+d"), "Del Ctrl+D", N_("delete the character under the cursor"), TYPING),
    _move("erase_word", ("ctrl+w",), "Ctrl+W", N_("delete a word"), TYPING),
    _move("clear", ("ctrl+u",), "Ctrl+U", N_("delete to the beginning of the line"), TYPING),
    _move("kill", ("ctrl+k",), "Ctrl+K", N_("delete to the end of the line"), TYPING),
    _move("page_down", ("pagedown",), "PgDn", N_("scroll down"), (ScreenId.EDIT, ScreenId.PASSPHRASE)),
    _move("page_up", ("pageup",), "PgUp", N_("scroll up"), (ScreenId.EDIT, ScreenId.PASSPHRASE)),
    Action(
        name="revert",
        keys=("ctrl+r",),
        shown="Ctrl+R",
        label=N_("undo all"),
        help=N_("undo every change"),
        screens=(ScreenId.EDIT,),
        essential=True,
    ),
    Action(
        name="back",
        keys=("escape", "ctrl+c"),
        shown="Esc",
        label=N_("back"),
        help=N_("discard the changes, and go back"),
        screens=(ScreenId.EDIT,),
        essential=True,
    ),
    Action(
        name="no",
        keys=("escape", "ctrl+c"),
        shown="Esc",
        label=N_("show all"),
        help=N_("show all entries again"),
        screens=(ScreenId.FILTER,),
        essential=True,
    ),
    Action(
        name="no",
        keys=("escape", "ctrl+c"),
        shown="Esc",
        label=N_("back"),
        help=N_("leave it locked"),
        screens=(ScreenId.PASSPHRASE,),
        essential=True,
    ),
    # --- questions
    Action(
        name="switch",
        keys=("tab", "shift+tab", "left", "right"),
        shown="Tab",
        help=N_("the other choice"),
        screens=(ScreenId.CONFIRM,),
        essential=True,
    ),
    Action(
        name="confirm",
        keys=_ENTER,
        shown="Enter",
        label=N_("take the marked choice"),
        help=N_("take the marked choice"),
        screens=BOXES,
        essential=True,
    ),
    Action(
        name="yes",
        keys=("y",),
        shown="y",
        label=N_("yes"),
        help=N_("yes, start it"),
        screens=(ScreenId.CONFIRM,),
        essential=True,
    ),
    Action(
        name="no",
        keys=("n", "escape", "q"),
        shown="Esc n",
        label=N_("no, back"),
        help=N_("no, back"),
        screens=BOXES,
        essential=True,
    ),
    # --- the other screens
    _move("enter_pin", _ENTER, "Enter", N_("take the marked digit; OK tries the PIN"), (ScreenId.PIN,)),
    _move("up", ("left",), "←", N_("the previous sign"), (ScreenId.PIN,)),
    _move("down", ("right",), "→", N_("the next sign"), (ScreenId.PIN,)),
    Action(
        name="no",
        keys=("escape",),
        shown="Esc",
        help=N_("back to the choices"),
        screens=(ScreenId.PIN,),
        essential=True,
    ),
    Action(
        name="cancel",
        keys=("escape", "ctrl+c", "q"),
        shown="Esc",
        label=N_("cancel"),
        help=N_("stop loading and go back to the menu; nothing stays loaded"),
        screens=(ScreenId.PROGRESS,),
        essential=True,
    ),
    Action(
        name="back",
        keys=(*_ENTER, "escape", "q"),
        shown="Enter",
        label=N_("back to the menu"),
        help=N_("back to the menu"),
        screens=(ScreenId.REFUSAL, ScreenId.ARRIVAL),
        essential=True,
    ),
    Action(
        name="tree",
        keys=("v",),
        shown="v",
        label=N_("device tree"),
        help=N_(
            "show the device tree that the kernel gets, and its differences from the file and from the running one"
        ),
        screens=(ScreenId.DETAILS,),
        labelled_with=Situation.ENTRY,
    ),
    Action(
        name="back",
        keys=("escape", "q", *_ENTER),
        shown="Esc",
        label=N_("back"),
        help=N_("back"),
        screens=(ScreenId.DETAILS, ScreenId.TREE, ScreenId.LOG, ScreenId.MACHINE),
        essential=True,
    ),
    Action(
        name="back",
        keys=("escape", "q", *_ENTER, "f1", "question_mark", "h"),
        shown="Esc F1",
        label=N_("back"),
        help=N_("back"),
        screens=(ScreenId.HELP,),
        essential=True,
    ),
    Action(
        name="help",
        keys=("f1", "question_mark", "h"),
        shown="F1 ? h",
        label=N_("help"),
        help=N_("show the keys of this screen"),
        screens=tuple(screen for screen in ScreenId if screen not in (*LETTERLESS, ScreenId.MENU, ScreenId.HELP)),
    ),
    Action(
        name="help",
        keys=("f1",),
        shown="F1",
        label=N_("help"),
        help=N_("show the keys of this screen"),
        screens=LETTERLESS,
    ),
    Action(
        name="redraw",
        keys=("ctrl+l", "w"),
        shown="Ctrl+L w",
        help=N_("redraw the screen, after noise on the line"),
        essential=True,
    ),
    Action(
        name="redraw",
        keys=("ctrl+l",),
        shown="Ctrl+L",
        help=N_("redraw the screen, after noise on the line"),
        screens=tuple(screen for screen in ScreenId if screen is not ScreenId.MENU),
        essential=True,
    ),
)
