# SPDX-License-Identifier: MIT
"""Themes: one TOML file each, turned into a Textual theme. A broken one is reported and replaced, never fatal.

Files in /etc/bootmenu/themes take precedence over the shipped ones. An ink is the colour and text style of one kind
of text: a theme file sets it as ink-NAME and ink-NAME-style.
"""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from rich.color import ColorSystem
from rich.style import Style as RichStyle
from textual.color import Color, ColorParseError
from textual.css.constants import VALID_STYLE_FLAGS
from textual.theme import Theme

from bootmenu.errors import BootmenuError, FormatError
from bootmenu.frontends.theme_folders import own_folders, theme_folders, theme_names
from bootmenu.model.suggestion import with_suggestion
from bootmenu.model.value import Value
from bootmenu.terminal.capabilities import Depth
from bootmenu.view.styled_text import Style

_MAX_SIZE = 64 * 1024
"""Bytes of the largest theme file that is read."""

_COLOURS = frozenset(
    {"primary", "secondary", "warning", "error", "success", "accent", "foreground", "background", "surface", "panel"}
)
"""Keys of [colours] in a theme file."""

_INKS = {
    Style.TEXT: ("foreground", "none"),
    Style.STRONG: ("foreground", "bold"),
    Style.DIM: ("foreground", "none"),
    Style.LABEL: ("secondary", "none"),
    Style.HEADING: ("secondary", "none"),
    Style.TITLE: ("primary", "bold reverse"),
    Style.RULE: ("secondary", "none"),
    Style.KEY: ("primary", "bold"),
    Style.PASS: ("success", "none"),
    Style.UNKNOWN: ("accent", "bold"),
    Style.WARN: ("warning", "bold"),
    Style.FAIL: ("error", "bold"),
    Style.BAR: ("primary", "none"),
    Style.GROOVE: ("secondary", "none"),
    Style.SIMULATION: ("warning", "bold reverse"),
    Style.SELECTED: ("foreground", "bold"),
    Style.BEHIND: ("secondary", "none"),
}
"""The default of each ink: a key of [colours] and a text style."""


class ThemeChoice(Value):
    """The theme to use. error: why it is not the requested one, or empty."""

    theme: Theme
    error: str = ""


class ThemeFile(Value, kw_only=True):
    """A theme file. error: why it cannot be used, or empty."""

    name: str
    path: Path
    description: str = ""
    dark: bool = True
    error: str = ""


def theme_files(folders: Iterable[Path] | None = None) -> Iterator[ThemeFile]:
    """Yield all themes, sorted by name, including broken ones."""
    searched = tuple(folders or theme_folders())
    for name in theme_names(searched):
        path = next(path for folder in searched if (path := folder / f"{name}.toml").is_file())
        try:
            table = _table(name, searched)
            theme = parse(name, table)
        except BootmenuError as error:
            yield ThemeFile(name=name, path=path, error=error.message)
        else:
            yield ThemeFile(name=name, path=path, description=_description(name, table), dark=theme.dark)


def choose(wanted: str | None, depth: Depth, folders: Iterable[Path] | None = None) -> ThemeChoice:
    """Return the requested theme, or the default for this colour depth if `wanted` is None or cannot be used.

    At Depth.NONE return the theme without colours, whatever is wanted.
    """
    searched = tuple(folders or theme_folders())
    name = depth.theme if wanted is None or depth is Depth.NONE else wanted
    errors: list[str] = []
    for candidate in dict.fromkeys((name, depth.theme)):
        try:
            return ThemeChoice(readable(load(candidate, searched), depth), "; ".join(errors))
        except BootmenuError as error:
            errors.append(error.message)
    return ThemeChoice(built_in(depth), "; ".join(errors))


def load(name: str, folders: Iterable[Path]) -> Theme:
    """Return the theme; raise BootmenuError if it does not exist, FormatError if its file is invalid."""
    return parse(name, _table(name, tuple(folders)))


def _table(name: str, folders: tuple[Path, ...]) -> dict[str, object]:
    if not name.replace("-", "").replace("_", "").isalnum():
        raise BootmenuError("a theme's name may only have letters, digits, - and _")
    for folder in folders:
        path = folder / f"{name}.toml"
        if path.is_file():
            try:
                return tomllib.loads(_text(name, path))
            except (OSError, ValueError, RecursionError) as error:
                raise FormatError(f"theme {name}: {error}") from error
    names = theme_names(folders)
    raise BootmenuError(f"there is no theme {name}", with_suggestion(name, names, f"There are: {', '.join(names)}."))


def _text(name: str, path: Path) -> str:
    """Return the contents of a theme file; raise FormatError if others can write it: the menu runs as root.

    Whoever can write bootmenu's own themes can write the program beside them, too; in a checkout they often belong to
    a user, or to a group that may write, as with umask 002.
    """
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        others = status.st_uid not in (0, os.geteuid()) or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        if others and path.parent not in own_folders():
            raise FormatError(f"theme {name}: {path} can be written by other users")
        data = file.read(_MAX_SIZE + 1)
    if len(data) > _MAX_SIZE:
        raise FormatError(f"theme {name}: {path} is larger than {_MAX_SIZE // 1024} KiB")
    return data.decode("utf-8")


def _description(name: str, table: Mapping[str, object]) -> str:
    text = table.get("description", "")
    if not isinstance(text, str) or not text.isprintable() or len(text) > 200:
        raise FormatError(f"theme {name}: description must be one line of text")
    return text


def parse(name: str, table: Mapping[str, object]) -> Theme:
    """Return the theme for a parsed theme file; raise FormatError that names the invalid key."""
    _description(name, table)
    colours = _strings(name, table, "colours")
    variables = _strings(name, table, "variables")
    for key, value in colours.items():
        if key not in _COLOURS:
            raise FormatError(f"theme {name}: unknown colour {key}; the colours are {', '.join(sorted(_COLOURS))}")
        _check_colour(name, key, value)
    if "primary" not in colours:
        raise FormatError(f"theme {name}: colours.primary is missing")
    for key, value in variables.items():
        ink, is_style = key.removeprefix("ink-").removesuffix("-style"), key.endswith("-style")
        if key.startswith("ink-") and ink not in set(Style):
            raise FormatError(f"theme {name}: unknown ink {ink}; the inks are {', '.join(Style)}")
        if key.startswith("ink-") and not is_style:
            _check_colour(name, key, value)
        if is_style and not set(value.split()) <= VALID_STYLE_FLAGS:
            raise FormatError(f"theme {name}: {key} = {value!r} is not a text style")
    dark, ansi = table.get("dark", True), table.get("ansi", False)
    if not isinstance(dark, bool) or not isinstance(ansi, bool):
        raise FormatError(f"theme {name}: dark and ansi must be true or false")
    theme = Theme(
        name=name,
        primary=colours["primary"],
        secondary=colours.get("secondary"),
        warning=colours.get("warning"),
        error=colours.get("error"),
        success=colours.get("success"),
        accent=colours.get("accent"),
        foreground=colours.get("foreground"),
        background=colours.get("background"),
        surface=colours.get("surface"),
        panel=colours.get("panel"),
        dark=dark,
        ansi=ansi,
        variables=variables,
    )
    hidden = [ink for ink in Style if _hidden(theme, ink, Depth.ALL)]
    if hidden:
        raise FormatError(f"theme {name}: ink {hidden[0]} has the colour of the background")
    return theme


def _strings(name: str, table: Mapping[str, object], key: str) -> dict[str, str]:
    section = table.get(key, {})
    if not isinstance(section, dict) or not all(isinstance(value, str) for value in section.values()):
        raise FormatError(f"theme {name}: [{key}] must be a table of strings")
    return dict(section)


def _check_colour(name: str, key: str, value: str) -> None:
    try:
        Color.parse(value)
    except ColorParseError as error:
        raise FormatError(f"theme {name}: {key} = {value!r} is not a colour") from error


def defaults(theme: Theme) -> dict[str, str]:
    """Return a value for every CSS variable that the theme may leave open."""
    base = {
        "primary": theme.primary,
        "secondary": theme.secondary or theme.primary,
        "warning": theme.warning or theme.primary,
        "error": theme.error or theme.primary,
        "success": theme.success or theme.primary,
        "accent": theme.accent or theme.primary,
        "foreground": theme.foreground or ("ansi_default" if theme.ansi else "white" if theme.dark else "black"),
    }
    # Textual's own style sheets need these in an ANSI theme
    values = {"ansi-background": "ansi_black", "ansi-foreground": "ansi_white"} if theme.ansi else {}
    for ink, (colour, style) in _INKS.items():
        values[f"ink-{ink}"] = base[colour]
        values[f"ink-{ink}-style"] = style
    return values


def inks(theme: Theme) -> dict[Style, tuple[str, str]]:
    """Return the colour and text style of every ink."""
    values = {**defaults(theme), **theme.variables}
    return {ink: (values[f"ink-{ink}"], values[f"ink-{ink}-style"]) for ink in Style}


def rich_inks(theme: Theme) -> dict[Style, RichStyle]:
    """Return every ink as a style of rich, without a background."""
    return {
        ink: RichStyle.parse(style) + RichStyle(color=Color.parse(colour).rich_color)
        for ink, (colour, style) in inks(theme).items()
    }


_COLOUR_SYSTEMS = {
    Depth.NONE: ColorSystem.STANDARD,
    Depth.SIXTEEN: ColorSystem.STANDARD,
    Depth.MANY: ColorSystem.EIGHT_BIT,
    Depth.ALL: ColorSystem.TRUECOLOR,
}


def background(theme: Theme) -> str:
    """Return the theme's background colour, or the one that Textual defaults to."""
    return theme.background or ("ansi_default" if theme.ansi else "#121212" if theme.dark else "#efefef")


def _hidden(theme: Theme, ink: Style, depth: Depth) -> bool:
    """Return whether an ink has the background's colour at this depth."""
    return _same(inks(theme)[ink][0], background(theme), depth)


def _same(one: str, other: str, depth: Depth) -> bool:
    """Return whether two colours look the same at this depth; False if one is the terminal's own default colour."""
    colours = [Color.parse(colour).rich_color for colour in (one, other)]
    if any(colour.is_default for colour in colours):
        return False
    found = {colour.downgrade(_COLOUR_SYSTEMS[depth]).get_ansi_codes() for colour in colours}
    return len(found) == 1


def readable(theme: Theme, depth: Depth) -> Theme:
    """Return the theme with another colour for each ink that would be invisible at this colour depth."""
    plain = inks(theme)[Style.TEXT][0]
    for candidate in (plain, "#ffffff" if theme.dark else "#000000", "#808080"):
        plain = candidate
        if not _same(candidate, background(theme), depth):
            break
    mended = {f"ink-{ink}": plain for ink in Style if _hidden(theme, ink, depth)}
    if depth is Depth.SIXTEEN:  # a shade of sixteen that is dimmer than the text is hard to read
        mended[f"ink-{Style.BEHIND}"] = plain
    return replace(theme, variables={**theme.variables, **mended}) if mended else theme


def built_in(depth: Depth) -> Theme:
    """Return the theme to use if no theme file can be read."""
    plain, mono = depth in (Depth.SIXTEEN, Depth.NONE), depth is Depth.NONE

    def colour(many: str, few: str) -> str:
        return "ansi_default" if mono else few if plain else many

    return Theme(
        name="built-in",
        primary=colour("#5fafff", "ansi_cyan"),
        secondary=colour("#8a9aa8", "ansi_cyan"),
        warning=colour("#e5b567", "ansi_yellow"),
        error=colour("#ff6b68", "ansi_red"),
        success=colour("#7ec07e", "ansi_green"),
        accent=colour("#c79bf0", "ansi_magenta"),
        foreground=colour("#d8dee6", "ansi_default"),
        background=colour("#10151b", "ansi_default"),
        surface=colour("#10151b", "ansi_default"),
        panel=colour("#10151b", "ansi_default"),
        ansi=plain,
    )


_SAMPLES = {
    Style.TEXT: "Debian GNU/Linux 12 (bookworm)",
    Style.STRONG: "Add console=ttyAMA0 to the entry.",
    Style.DIM: "less important text",
    Style.LABEL: "command line",
    Style.HEADING: "mmcblk0p1 · BOOT · vfat",
    Style.TITLE: " bootmenu ",
    Style.RULE: "────────────────",
    Style.KEY: "Enter",
    Style.PASS: "• ok",
    Style.UNKNOWN: "?",
    Style.WARN: "▲ warn",
    Style.FAIL: "■ FAIL",
    Style.BAR: "████████████",
    Style.GROOVE: "░░░░░░░░░░░░",
    Style.SIMULATION: " SIMULATION ",
    Style.SELECTED: "▶ 1  the selected row",
    Style.BEHIND: "the page behind a question",
}


def sample(theme: Theme, depth: Depth) -> Iterator[str]:
    """Yield a sample line for every ink; at Depth.NONE without escape sequences."""
    system = None if depth is Depth.NONE else _COLOUR_SYSTEMS[depth]
    ground = Color.parse(background(theme)).rich_color
    plain = RichStyle(bgcolor=None if ground.is_default else ground)
    for ink, style in rich_inks(theme).items():
        look = plain + style + RichStyle(reverse=bool(style.reverse) ^ (ink is Style.SELECTED))
        text = _SAMPLES[ink]
        yield f"{ink:<12}" + "".join(
            part.render(piece, color_system=system)
            for part, piece in ((plain, " "), (look, text), (plain, " " * (46 - len(text))))
        )
