# SPDX-License-Identifier: MIT
"""The names of the screens, and the conditions under which actions exist and are shown in the footer."""

from __future__ import annotations

from bootmenu.i18n import N_
from bootmenu.model.closed_set import Enum, StrEnum, auto


class ScreenId(StrEnum):
    """The screens. The value is the heading in the help: when the screen is shown."""

    MENU = N_("In the menu")
    EDIT = N_("While an entry is edited")
    NAME = N_("When it asks for a name")
    FILTER = N_("While a filter is typed")
    SEARCH = N_("While a page is searched")
    DETAILS = N_("In the details")
    TREE = N_("In the device tree")
    LOG = N_("In the log")
    MACHINE = N_("On the page about this machine")
    COMPARISON = N_("While two entries are compared")
    HELP = N_("In the help")
    PROGRESS = N_("While it loads")
    REFUSAL = N_("After an error")
    ARRIVAL = N_("At the end of a simulation")
    CONFIRM = N_("When it asks")
    CHOICE = N_("When it gives a choice")
    PASSPHRASE = N_("When it asks for a passphrase")
    KIOSK = N_("In the kiosk")
    PIN = N_("When it asks for the PIN")


SEARCHED = (ScreenId.DETAILS, ScreenId.TREE, ScreenId.LOG, ScreenId.MACHINE, ScreenId.COMPARISON)
READING = (*SEARCHED, ScreenId.HELP)
CHOOSING = (ScreenId.MENU, ScreenId.KIOSK)
SCROLLED = (ScreenId.REFUSAL, *READING)
BOXES = (ScreenId.CONFIRM, ScreenId.CHOICE)
LETTERLESS = (
    *(ScreenId.EDIT, ScreenId.NAME, ScreenId.FILTER, ScreenId.SEARCH, ScreenId.PASSPHRASE),
    *(ScreenId.KIOSK, ScreenId.PIN),
)
"""Screens on which letters are typed, and are not keys of actions."""
TYPING = (ScreenId.EDIT, ScreenId.NAME, ScreenId.FILTER, ScreenId.SEARCH, ScreenId.PASSPHRASE)


class Requirement(Enum):
    """A condition for an action to exist, which depends on where bootmenu runs and on the settings."""

    QUIT = auto()
    """There is a system to return to: this is not a first stage."""
    SHELL = auto()
    """This is a first stage, and the settings permit a shell."""
    DEMO = auto()
    """The demonstration machine is offered."""
    SERVICE = auto()
    """This is the service menu of a kiosk."""
    LOOK = auto()
    """Language and theme can be chosen: this is no kiosk, where the settings decide."""


class Situation(Enum):
    """A situation in which the footer shows an action that also exists at other times."""

    ENTRY = auto()
    """An entry is selected."""
    FOLDED = auto()
    """A row of snapshots is selected that is folded."""
    LOCKED = auto()
    """There is an encrypted partition."""
    OWN = auto()
    """An entry is selected that a person has made here."""
    FILTER = auto()
    """A filter is set."""
    SEARCH = auto()
    """A text is searched on the page."""
    NOTHING_TO_BOOT = auto()
    """No entry was found, or this machine cannot boot any."""
