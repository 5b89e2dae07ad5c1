# SPDX-License-Identifier: MIT
"""`bootmenu pin`: print the line for the settings file that sets the kiosk's PIN."""

from __future__ import annotations

import argparse

from bootmenu.commands.printing import print_note
from bootmenu.errors import UsageError

HELP = "ask for a new PIN of the kiosk, and print its line for the settings file"
FOLLOWS = "settings"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add nothing: it takes no options."""


def run(_arguments: argparse.Namespace) -> int:
    """Ask for the PIN twice and print its line. Raise PinError, UsageError."""
    from getpass import getpass

    from bootmenu.bootstate.pin import PinError, StoredPin
    from bootmenu.config.settings import FILE

    try:
        chosen, again = getpass("New PIN: "), getpass("The same again: ")
    except EOFError:
        raise UsageError("there was no PIN to read") from None
    if chosen != again:
        raise PinError("The two are not the same.", "Nothing was changed; try again.")
    print(f'pin = "{StoredPin.new(chosen)}"')
    print_note(f"this line belongs into the table [kiosk] of {FILE}")
    return 0
