# SPDX-License-Identifier: MIT
"""`bootmenu pin`: print the line for the settings file that sets the kiosk's PIN."""

from __future__ import annotations

import argparse
import sys
import warnings

from bootmenu.commands.printing import print_note
from bootmenu.errors import UsageError

HELP = "ask for a new PIN of the kiosk, and print its line for the settings file"
FOLLOWS = "settings"
EXAMPLES = (("bootmenu pin", "ask for a PIN twice, and print its line for /etc/bootmenu.toml"),)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add nothing: it takes no options."""


def run(_arguments: argparse.Namespace) -> int:
    """Ask for the PIN twice and print its line. Raise PinError, UsageError."""
    from bootmenu.bootstate.pin import PinError, StoredPin
    from bootmenu.config.settings import FILE

    try:
        chosen = _read_pin("New PIN: ")
        stored = StoredPin.new(chosen)  # refuses a bad one before it is typed again
        again = _read_pin("The same again: ")
    except (EOFError, UnicodeError):  # UnicodeError: bytes that are no text
        raise UsageError("there was no PIN to read") from None
    if chosen != again:
        raise PinError("the two are not the same", "Nothing was changed; try again.")
    print(f'pin = "{stored}"')
    print_note(f"this line belongs into the table [kiosk] of {FILE}")
    return 0


def _read_pin(prompt: str) -> str:
    """Return a line from the terminal, without showing it, or else from standard input. Raise EOFError at its end."""
    from getpass import GetPassWarning, getpass

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", GetPassWarning)
            return getpass(prompt)
    except GetPassWarning:  # there is no terminal that could show it
        line = sys.stdin.readline() if sys.stdin is not None else ""
        if not line:
            raise EOFError from None
        return line.rstrip("\n")
