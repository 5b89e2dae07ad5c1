# SPDX-License-Identifier: MIT
"""Write docs/bootmenu.8 from the command line's parser, the table of keys and that of the settings: `make man`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bootmenu import __version__, cli
from bootmenu.bootstate.state_file import NAME
from bootmenu.commands import cli_reference
from bootmenu.config.settings import FILE, OPTIONS, Option, Settings
from bootmenu.frontends.tui import themes
from bootmenu.kexec import hooks
from bootmenu.terminal.capabilities import GLYPHS
from bootmenu.view import output
from bootmenu.view.actions import Place, keys_of

PAGE = Path(__file__).parent.parent / "docs" / "bootmenu.8"


def page() -> str:
    """The manual page as it has to be."""
    return cli_reference.man_page(cli.described(), _sections(), version=__version__, epilog=cli.EPILOG)


def _sections() -> Iterator[cli_reference.Section]:
    yield "Keys", "In the menu. F1 is help on every screen.", [(key.shown, key.help) for key in keys_of(Place.MENU)]
    yield "Configuration", _CONFIGURATION, [(option.name, _about(option)) for option in OPTIONS]
    yield "Files", "", _FILES
    yield "Environment", "", _ENVIRONMENT
    yield "Examples", "", _EXAMPLES


def _about(option: Option) -> str:
    value = option.written(getattr(Settings(), option.field))
    default = option.applies or ("not set" if value is None else output.toml(value))
    return f"{option.help.rstrip('.')}. Default: {default}."


_CONFIGURATION = (
    f"{FILE} is TOML. All but tables and the PIN may stand on the kernel command line too, as bootmenu.NAME=VALUE, "
    "as far as the file lets them. bootmenu settings prints what is in force."
)
_STATE = Settings().state_folder
_FILES = [
    (FILE, "the settings"),
    (f"{_STATE}/{NAME}", "what is remembered between boots, where state.device and state.folder name no other place"),
    (
        "/run/bootmenu/menu-app.log",
        "the log of the menu, as root without a home; else bootmenu/menu.log in $XDG_STATE_HOME or ~/.local/state",
    ),
    (hooks.FOLDER, "programs that run before every jump, by name"),
    (str(themes.OWN), "themes of this machine, NAME.toml; they go before the ones that come with bootmenu"),
]
_ENVIRONMENT = [
    ("LC_ALL, LC_MESSAGES, LANG", "the language of the screens; the first that is set counts"),
    ("TERM, COLORTERM", "what the terminal is, and how many colours it has"),
    ("NO_COLOR", "set and not empty: no colours"),
    (GLYPHS, "ascii: draw with ASCII only; utf-8: with box drawing characters"),
    ("BOOTMENU_LOG", "where the log is written"),
]
_EXAMPLES = [
    ("bootmenu --demo", "the demonstration machine, where everything but the jump happens"),
    ("bootmenu scan", "what can be started here, with verdicts and ids"),
    (
        'bootmenu check /boot/vmlinuz --cmdline "root=/dev/sda2"',
        "whether this kernel can be started from here, and why not",
    ),
    ("bootmenu boot ENTRY-ID --dry-run", "what would happen"),
    ("bootmenu image build --debian arm64 --output first-stage.cpio.zst", "a first stage for a board"),
]


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
