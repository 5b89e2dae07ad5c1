# SPDX-License-Identifier: MIT
"""`bootmenu menu`, which is also what `bootmenu` without a subcommand does."""

from __future__ import annotations

import argparse

HELP = "show the menu (also without any command)"
FOLLOWS = ""
EXAMPLES = (
    ("bootmenu menu --demo", "try the menu on a demonstration machine; nothing is started"),
    (
        "bootmenu menu --timeout 10 --theme light",
        "show this machine's menu, which starts the default entry after 10 s",
    ),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--demo", action="store_true", help="the demonstration machine: everything but the jump")
    parser.add_argument("--plain", action="store_true", help="a numbered list in plain text, for any terminal")
    parser.add_argument(
        "--timeout", metavar="SECONDS", help="seconds until the default entry starts; 0 at once, off never"
    )
    parser.add_argument(
        "--profile", metavar="PROFILE", help="the profile: standard, or kiosk, in which only what is allowed exists"
    )
    parser.add_argument(
        "--theme", metavar="THEME", help="colours, by the name of a theme; bootmenu themes lists them"
    )
    parser.add_argument(
        "--console", action="append", metavar="TTY", help="show the menu on this terminal, such as tty1 (repeatable)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Show the menu until the user leaves it."""
    from bootmenu.commands import subcommands
    from bootmenu.frontends import launcher

    given = {
        "timeout": arguments.timeout,
        "profile": arguments.profile,
        "theme": arguments.theme,
        "console": arguments.console,
    }
    flags = {name: value for name, value in given.items() if value is not None}
    options = launcher.MenuOptions(demo=arguments.demo, plain=arguments.plain, flags=flags)

    def virtual_machine() -> int:
        chosen = subcommands.parse(["vm"])
        code: int = chosen.run(chosen)
        return code

    return launcher.run(options, virtual_machine)
