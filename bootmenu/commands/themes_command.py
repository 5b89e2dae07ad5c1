# SPDX-License-Identifier: MIT
"""`bootmenu themes`: list the themes, or show the colours of one."""

from __future__ import annotations

import argparse
import os
import sys

from bootmenu.commands.printing import print_note
from bootmenu.errors import BootmenuError, UsageError

HELP = "list the themes, or show the colours of one"
FOLLOWS = "report"
EXAMPLES = (
    ("bootmenu themes", "list the themes"),
    ("bootmenu themes light", "show the colours of one"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("name", metavar="THEME", nargs="?", help="show this one")


def run(arguments: argparse.Namespace) -> int:
    """List the themes, or print a sample of one. Raise UsageError if it does not exist, or cannot be read."""
    from bootmenu.frontends import theme_folders
    from bootmenu.frontends.tui import themes
    from bootmenu.terminal.capabilities import Depth, prepare_environment

    environ = dict(os.environ)
    prepare_environment(environ)
    depth = Depth.of(environ) if sys.stdout.isatty() else Depth.NONE
    if arguments.name is not None:
        try:
            theme = themes.load(arguments.name, theme_folders.theme_folders())
        except BootmenuError as error:
            raise UsageError(error.message, error.hint) from None
        for line in themes.sample(themes.readable(theme, depth), depth):
            print(line)
        return 0
    rows = list(themes.theme_files())
    width = max((len(row.name) for row in rows), default=0)
    for row in rows:
        ground = "broken" if row.error else "dark" if row.dark else "light"
        where = str(row.path.parent) if row.path.parent == theme_folders.LOCAL_FOLDER else "shipped"
        print(f"{row.name:<{width}}  {ground:<6}  {where:<7}  {row.description}".rstrip())
    for row in rows:
        if row.error:
            print_note(row.error)
    return 0
