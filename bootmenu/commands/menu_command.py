# SPDX-License-Identifier: MIT
"""`bootmenu menu`, which is also what `bootmenu` without a subcommand does."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from bootmenu.typed import TYPE_CHECKING

if TYPE_CHECKING:
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
    given = {
        "timeout": arguments.timeout,
        "profile": arguments.profile,
        "theme": arguments.theme,
        "console": arguments.console,
    }
    flags = {name: value for name, value in given.items() if value is not None}
    return show(demo=arguments.demo, plain=arguments.plain, flags=flags)


def show(*, demo: bool = False, plain: bool = False, flags: Mapping[str, object] = MappingProxyType({})) -> int:
    """Show the menu until the user leaves it. flags: values of settings, by Option.name."""
    from bootmenu.frontends import launcher

    return launcher.run(launcher.MenuOptions(demo=demo, plain=plain, flags=flags), _virtual_machine)


def _virtual_machine() -> int:
    from bootmenu.commands import subcommands

    chosen = subcommands.parse(["vm"])
    code: int = chosen.run(chosen)
    return code
