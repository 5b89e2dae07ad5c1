# SPDX-License-Identifier: MIT
"""Themes: one TOML file each, turned into a Textual theme. A broken one is told and replaced, never fatal."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from textual.color import Color, ColorParseError
from textual.css.constants import VALID_STYLE_FLAGS
from textual.theme import Theme

import bootmenu
from bootmenu.errors import BootmenuError, FormatError
from bootmenu.ui.lines import Ink

DEFAULT = "dark"
PLAIN = "vt16"
"""For terminals of 16 colours."""

_COLOURS = frozenset(
    {"primary", "secondary", "warning", "error", "success", "accent", "foreground", "background", "surface", "panel"}
)

_INKS = {
    Ink.TEXT: ("foreground", "none"),
    Ink.STRONG: ("foreground", "bold"),
    Ink.DIM: ("foreground", "none"),
    Ink.LABEL: ("secondary", "none"),
    Ink.HEADING: ("secondary", "none"),
    Ink.TITLE: ("primary", "bold reverse"),
    Ink.RULE: ("secondary", "none"),
    Ink.KEY: ("primary", "bold"),
    Ink.PASS: ("success", "none"),
    Ink.UNKNOWN: ("accent", "bold"),
    Ink.WARN: ("warning", "bold"),
    Ink.FAIL: ("error", "bold"),
    Ink.BAR: ("primary", "none"),
    Ink.GROOVE: ("secondary", "none"),
    Ink.SIMULATION: ("warning", "bold reverse"),
    Ink.SELECTED: ("foreground", "bold"),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """The theme to use. trouble: why it is not the one that was asked for; empty when it is."""

    theme: Theme
    trouble: str = ""


def folders() -> tuple[Path, ...]:
    """Where themes lie: inside the installed package, or beside it in a checkout."""
    package = Path(bootmenu.__file__).parent
    return (package / "themes", package.parent / "themes")


def names(where: Iterable[Path] | None = None) -> list[str]:
    """Every theme there is, sorted."""
    return sorted({path.stem for folder in (where or folders()) for path in folder.glob("*.toml")})


def choose(asked: str | None, *, plain: bool, where: Iterable[Path] | None = None) -> Choice:
    """The theme that was asked for, or the one that suits the terminal. Falls back, and says why."""
    places = tuple(where or folders())
    fallback = PLAIN if plain else DEFAULT
    name = asked or fallback
    try:
        return Choice(load(name, places))
    except BootmenuError as error:
        trouble = error.message
    try:
        return Choice(load(fallback, places) if name != fallback else built_in(plain=plain), trouble)
    except BootmenuError as error:
        return Choice(built_in(plain=plain), f"{trouble}; {error.message}")


def load(name: str, where: Iterable[Path]) -> Theme:
    """Raises BootmenuError when there is no such theme, FormatError when its file makes no sense."""
    places = tuple(where)
    if not name.replace("-", "").replace("_", "").isalnum():
        raise BootmenuError("a theme's name has letters, digits, - and _ only")
    for folder in places:
        path = folder / f"{name}.toml"
        if path.is_file():
            try:
                return parse(name, tomllib.loads(path.read_text(encoding="utf-8")))
            except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
                raise FormatError(f"theme {name}: {error}") from error
    raise BootmenuError(f"there is no theme {name}", hint="There are: " + ", ".join(names(places)))


def parse(name: str, table: Mapping[str, object]) -> Theme:
    """The table of a theme file → Theme. Raises FormatError that names the key."""
    colours = _strings(name, table, "colours")
    variables = _strings(name, table, "variables")
    for key, value in colours.items():
        if key not in _COLOURS:
            raise FormatError(f"theme {name}: there is no colour {key}; there are {', '.join(sorted(_COLOURS))}")
        _check_colour(name, key, value)
    if "primary" not in colours:
        raise FormatError(f"theme {name}: colours.primary is missing")
    for key, value in variables.items():
        ink, is_style = key.removeprefix("ink-").removesuffix("-style"), key.endswith("-style")
        if key.startswith("ink-") and ink not in set(Ink):
            raise FormatError(f"theme {name}: there is no ink {ink}; there are {', '.join(Ink)}")
        if key.startswith("ink-") and not is_style:
            _check_colour(name, key, value)
        if is_style and not set(value.split()) <= VALID_STYLE_FLAGS:
            raise FormatError(f"theme {name}: {key} = {value!r} is no text style")
    dark, ansi = table.get("dark", True), table.get("ansi", False)
    if not isinstance(dark, bool) or not isinstance(ansi, bool):
        raise FormatError(f"theme {name}: dark and ansi are true or false")
    return Theme(
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


def _strings(name: str, table: Mapping[str, object], key: str) -> dict[str, str]:
    section = table.get(key, {})
    if not isinstance(section, dict) or not all(isinstance(value, str) for value in section.values()):
        raise FormatError(f"theme {name}: [{key}] is a table of strings")
    return dict(section)


def _check_colour(name: str, key: str, value: str) -> None:
    try:
        Color.parse(value)
    except ColorParseError as error:
        raise FormatError(f"theme {name}: {key} = {value!r} is no colour") from error


def defaults(theme: Theme) -> dict[str, str]:
    """A value for every variable of the style sheet that the theme leaves open."""
    base = {
        "primary": theme.primary,
        "secondary": theme.secondary or theme.primary,
        "warning": theme.warning or theme.primary,
        "error": theme.error or theme.primary,
        "success": theme.success or theme.primary,
        "accent": theme.accent or theme.primary,
        "foreground": theme.foreground or ("ansi_default" if theme.ansi else "white" if theme.dark else "black"),
    }
    # a theme of native colours must have these for Textual's own style sheets
    values = {"ansi-background": "ansi_black", "ansi-foreground": "ansi_white"} if theme.ansi else {}
    for ink, (colour, style) in _INKS.items():
        values[f"ink-{ink}"] = base[colour]
        values[f"ink-{ink}-style"] = style
    return values


def built_in(*, plain: bool) -> Theme:
    """What there is when not one theme file can be read."""
    return Theme(
        name="built-in",
        primary="ansi_cyan" if plain else "#5fafff",
        secondary="ansi_cyan" if plain else "#8a9aa8",
        warning="ansi_yellow" if plain else "#e5b567",
        error="ansi_red" if plain else "#ff6b68",
        success="ansi_green" if plain else "#7ec07e",
        accent="ansi_magenta" if plain else "#c79bf0",
        foreground="ansi_default" if plain else "#d8dee6",
        background="ansi_default" if plain else "#10151b",
        surface="ansi_default" if plain else "#10151b",
        panel="ansi_default" if plain else "#10151b",
        ansi=plain,
    )
