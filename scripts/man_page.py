# SPDX-License-Identifier: MIT
"""Write docs/bootmenu.8 from the command line's parser, the table of keys and that of the settings: `make man`."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path

from bootmenu import __version__
from bootmenu.bootstate.state_json import NAME
from bootmenu.commands import parser_description, subcommands
from bootmenu.commands.parser_description import Command, Flag
from bootmenu.commands.subcommands import EPILOG
from bootmenu.config.option import Option
from bootmenu.config.plain_toml import dumps
from bootmenu.config.settings import FILE, OPTIONS, Settings
from bootmenu.frontends import theme_folders
from bootmenu.kexec import hooks
from bootmenu.model.text import sentence
from bootmenu.terminal.capabilities import GLYPHS
from bootmenu.view.key_help import key_rows

DATE = "2026-11-29"
"""When the words of this file were changed last."""

Section = tuple[str, str, list[tuple[str, str]]]
"""Title, sentences before the rows, and the rows: a term each, and what it means. No title: a paragraph."""

PAGE = Path(__file__).parent.parent / "docs" / "bootmenu.8"


def page() -> str:
    """The manual page as it has to be."""
    return _roff_page(parser_description.described(), _sections(), version=__version__, epilog=EPILOG)


def _sections() -> Iterator[Section]:
    yield (
        "Keys",
        "In the menu. F1 is help on every screen.",
        key_rows(),
    )
    yield "Settings", _SETTINGS, [(option.name, _about(option)) for option in OPTIONS]
    yield "Files", "", _FILES
    yield "Environment", "", _ENVIRONMENT
    yield "Examples", "", _EXAMPLES


def _about(option: Option) -> str:
    value = option.written(getattr(Settings(), option.field))
    default = option.applies or ("not set" if value is None else dumps(value))
    return f"{option.help.rstrip('.')}. Default: {default}."


_SETTINGS = (
    f"{FILE} is TOML. All but tables and the PIN can be given on the kernel command line, too, as "
    "bootmenu.NAME=VALUE, as far as the file lets them. bootmenu settings prints what they say. A language and a "
    "theme that were chosen in the menu go before the file, but not before the command line or an option, and in a "
    "kiosk not at all."
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
    (
        str(theme_folders.LOCAL_FOLDER),
        "themes of this machine, NAME.toml; they go before the ones that come with bootmenu",
    ),
]
_ENVIRONMENT = [
    (
        "LC_ALL, LC_MESSAGES, LANG",
        "the language of the screens; the first that is set counts. One that was chosen in the menu goes before LANG",
    ),
    ("TERM, COLORTERM", "what the terminal is, and how many colours it has"),
    ("NO_COLOR", "set and not empty: no colours"),
    ("FORCE_COLOR", "set and not empty: check and scan print colours into a pipe, too"),
    ("COLUMNS", "how wide check and scan print where there is no terminal; 80 without it"),
    (GLYPHS, "ascii: draw with ASCII only; utf-8: with box drawing characters"),
    ("BOOTMENU_LOG", "where the log is written"),
    ("XDG_CACHE_HOME", "image build and vm keep what they download in its folder bootmenu; ~/.cache without it"),
    ("SOURCE_DATE_EPOCH", "the time of every file in an image, in seconds since 1970; 0 without it"),
]
_EXAMPLES = [example for command in subcommands.subcommands().values() for example in command.EXAMPLES]


# ---- roff


def _roff_page(found: list[Command], sections: Iterable[Section], *, version: str, epilog: str) -> str:
    """Return bootmenu(8) in the macros of man(7). sections: what comes between the commands and the epilog."""
    top, *rest = found
    lines = [
        '.\\" Made from the source by `make man`; edit bootmenu/commands/, scripts/man_page.py and what they name.',
        f'.TH BOOTMENU 8 "{DATE}" "bootmenu {version}" "System administration"',
        ".SH NAME",
        "bootmenu \\- boot menu that starts Linux from Linux",
        ".SH SYNOPSIS",
        ".B bootmenu",
        "[\\fICOMMAND\\fR] [\\fIOPTION\\fR]...",
        ".SH DESCRIPTION",
        _roff(top.description),
        "Without a command it shows the menu.",
    ]
    lines += [".SH OPTIONS", *_roff_flags(top.flags), ".SH COMMANDS"]
    for command in rest:
        words = " ".join(command.path)
        places = " ".join(_roff_place(flag) for flag in command.flags if not flag.names)
        lines += [f'.SS "bootmenu {words}{f" {places}" if places else ""}"', _roff(command.description)]
        lines += _roff_flags(flag for flag in command.flags if flag.names != ("-h", "--help"))
    for title, text, rows in (*sections, *_epilog(epilog)):
        lines += [f".SH {title.upper()}"] if title else [".PP"]
        lines += [_roff(text)] if text else []
        for name, meaning in rows:
            lines += [".TP", f"\\fB{_escaped(name)}\\fR", _roff(meaning if meaning[-1] in ".!?" else f"{meaning}.")]
    return "\n".join((*lines, ""))


def _epilog(text: str) -> Iterator[Section]:
    """Return the blocks of --help's epilog; what has no title belongs to the one before."""
    for block in text.strip().split("\n\n"):
        title, _, rows = block.partition(":\n")
        parts = [row.strip().partition("  ") for row in rows.splitlines()]
        if rows:
            yield title, "", [(name, meaning.strip()) for name, _, meaning in parts]
        else:
            yield "", " ".join(block.split()), []


def _roff_flags(flags: Iterable[Flag]) -> Iterator[str]:
    for flag in flags:
        if flag.names:
            names = ", ".join(f"\\fB{_escaped(name)}\\fR" for name in flag.names)
            takes = f" \\fI{_escaped(flag.metavar)}\\fR" if flag.metavar else ""
            yield from (".TP", f"{names}{takes}")
        else:
            yield from (".TP", f"\\fI{_escaped(flag.metavar)}\\fR")
        yield _roff(sentence(flag.help))


def _roff_place(flag: Flag) -> str:
    name = _escaped(flag.metavar)
    return name if flag.required else f"[{name}]"


def _roff(text: str) -> str:
    """Return a paragraph, in lines as mandoc wants them."""
    lines = textwrap.wrap(_escaped(text), 78, break_long_words=False, break_on_hyphens=False)
    return "\n".join(f"\\&{line}" if line.startswith((".", "'")) else line for line in lines)


def _escaped(text: str) -> str:
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "".join(char if char.isascii() else f"\\[u{ord(char):04X}]" for char in text)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
