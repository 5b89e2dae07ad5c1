# SPDX-License-Identifier: MIT
"""Draw every screen as characters and styles, and record how each theme sends each style to each kind of terminal.

`snapshots/SCENE-80x24.txt` has a screen's characters and, below them, a letter for each cell's style: they are the
same in every theme. `snapshots/inks.txt` lists how each letter looks, by theme and number of colours. Tests draw all
themes and compare every cell with these files. After an intended change run `make snapshots`.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
import sys
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from rich.cells import cell_len
from rich.color import Color as RichColor
from rich.color import ColorSystem
from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.color import Color
from textual.filter import NoColor
from textual.theme import Theme

from bootmenu.frontends import theme_folders
from bootmenu.frontends.tui import themes
from bootmenu.frontends.tui.widgets.text_view import StyledWidget
from bootmenu.model.value import replace
from bootmenu.terminal.capabilities import Depth
from bootmenu.view.styled_text import Style
from tests.builders.fakes import FakeSession
from tests.frontends.tui.driving import Menu, driven
from tests.frontends.tui.scenes import SCENES

FOLDER = Path(__file__).parent / "snapshots"
SIZES = ((80, 24), (120, 40), (60, 20))
THEMES = ("dark", "high-contrast", "kiosk", "light", "mono", "vt16")


@dataclass(frozen=True, slots=True)
class Look:
    """How a cell looks, as sent to a terminal. A colour is `#rrggbb`, a number of 256, a name of 16, or `default`."""

    colour: str
    ground: str
    flags: tuple[str, ...]

    def __str__(self) -> str:
        ground = "" if self.ground == "default" else f" on {self.ground}"
        return " ".join((self.colour + ground, *self.flags))


@dataclass(frozen=True, slots=True)
class Cell:
    """A character and its style. The right half of a double-width character has no character."""

    char: str
    style: RichStyle


Screen = tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class Variant:
    """A theme at a colour depth."""

    name: str
    depth: Depth
    theme: Theme


VARIANTS = tuple(
    Variant(name, depth, themes.choose(name, depth, theme_folders.theme_folders()[1:]).theme)
    for name in THEMES
    for depth in Depth
)


@cache
def look(style: RichStyle, depth: Depth) -> Look:
    """Return how a style looks on a terminal with so many colours."""
    if depth is Depth.NONE:
        (segment,) = NoColor().apply([Segment(" ", style)], Color(0, 0, 0))
        style = segment.style or RichStyle.null()
    flags = [name for name in ("bold", "dim", "italic", "underline", "reverse") if getattr(style, name)]
    return Look(_sent(style.color, depth), _sent(style.bgcolor, depth), tuple(flags))


_NAMES = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")


def _sent(colour: RichColor | None, depth: Depth) -> str:
    """Return the colour that rich sends to a terminal with so many colours."""
    if colour is None or colour.is_default:
        return "default"
    systems = {Depth.ALL: ColorSystem.TRUECOLOR, Depth.MANY: ColorSystem.EIGHT_BIT}
    mapped = colour.downgrade(systems.get(depth, ColorSystem.STANDARD))
    if mapped.number is not None and mapped.number < 16:
        return ("bright " if mapped.number > 7 else "") + _NAMES[mapped.number % 8]
    return str(mapped.number) if mapped.number is not None else mapped.get_truecolor().hex


# --- which style a cell has: a theme in which each has a colour of its own

_PROBE = Theme(
    name="probe",
    primary="#000001",
    background="#000000",
    variables={
        name: value
        for number, style in enumerate(Style, 1)
        for name, value in ((f"ink-{style}", f"#0000{number:02x}"), (f"ink-{style}-style", "bold"))
    }
    | {"ink-selected-style": "italic"},
)
_BORDERS = {Style.RULE: "|", Style.WARN: "="}
_LETTERS = dict(zip(Style, ".sdlhtrkpuwfbgxS,", strict=True))


_REVERSED = {Style.TEXT: "~", Style.KEY: "@"}
_NAMES_OF = {"_": "cursor", "~": "match", "@": "match, gone to", "|": "border", "=": "border, question"}


@cache
def letter(style: RichStyle) -> str:
    """Return the letter of a cell drawn in the probe: capital on the selected row, `_` for a cursor, `~` and `@` for
    matches, `|` for a border and `=` for the border of a question."""
    assert style.color is not None
    role = tuple(Style)[style.color.get_truecolor().blue - 1]
    if role in _BORDERS and not (style.bold or style.italic):
        return _BORDERS[role]  # has the colour of the style, and not its weight
    if style.reverse and not style.italic:
        return _REVERSED.get(role, "_")
    return _LETTERS[role].upper() if style.italic and role is not Style.SELECTED else _LETTERS[role]


def meaning(sign: str) -> str:
    """Return the description of a letter."""
    if sign in _NAMES_OF:
        return _NAMES_OF[sign]
    selected = sign.isupper() and sign != _LETTERS[Style.SELECTED]
    style = next(style for style, known in _LETTERS.items() if known == (sign.lower() if selected else sign))
    return f"{style}, selected" if selected else str(style)


# --- drawing


@contextmanager
def settled() -> Iterator[None]:
    """Fix what screens show of the machine and the version."""
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as folder:
        for name in ("COLORTERM", "NO_COLOR", "COLUMNS", "LINES", "BOOTMENU_GLYPHS"):
            patch.delenv(name, raising=False)
        patch.setenv("TERM", "xterm-256color")
        patch.setenv("BOOTMENU_LOG", f"{folder}/menu.log")
        patch.setattr("bootmenu.view.help_page.__version__", "0")
        yield


@asynccontextmanager
async def playing(name: str, size: tuple[int, int] = SIZES[0]) -> AsyncIterator[Menu]:
    """Run a scene up to the screen that it shows."""
    with settled():
        app = SCENES[name].make()
        session = app.context.session
        assert isinstance(session, FakeSession)
        app.context = replace(app.context, log_file="/run/bootmenu/menu.log")
        async with driven(app, size) as menu:
            try:
                await SCENES[name].way(menu)
                await menu.settle()
                yield menu
            finally:
                waits = (session.scan_gate, session.load_gate, session.unlock_gate, session.recheck_gate)
                for gate in (*waits, session.power_gate):
                    gate.set()


async def dress(menu: Menu, theme: Theme) -> None:
    """Switch to a theme."""
    app = menu.app
    with app.batch_update():  # nobody looks meanwhile
        # a theme that is mended for fewer colours has the name of the one before, and Textual would see no change
        theme = dataclasses.replace(theme, name=f"{theme.name}-{id(theme)}")
        app._chosen = theme
        app.register_theme(theme)
        app.ansi_color = theme.ansi
        app.theme = theme.name
        app.inks = themes.rich_inks(theme)
        await menu.pilot.pause()
        for screen in app.screen_stack:
            for widget in screen.query(StyledWidget):
                widget.refresh()
        await menu.pilot.pause()


def seen(menu: Menu) -> Screen:
    """Return the cells of the screen."""
    return tuple(tuple(_cells(strip)) for strip in menu.app.drawn(with_background=True))


def _cells(segments: Iterable[Segment]) -> Iterator[Cell]:
    for segment in segments:
        for char in segment.text:
            yield Cell(char, segment.style or RichStyle.null())
            if cell_len(char) == 2:
                yield Cell("", segment.style or RichStyle.null())


@dataclass(frozen=True, slots=True)
class Drawn:
    """A screen as drawn at one size.

    styles: for each distinct theme, how each style looks, with the first cell (row, column) that has it. A letter
    appears more than once if a theme draws its style in several ways.
    """

    size: tuple[int, int]
    screen: Screen
    styles: list[tuple[Sequence[Variant], Mapping[tuple[str, RichStyle], tuple[int, int]]]]

    @property
    def seen(self) -> Iterator[tuple[Variant, str, RichStyle, tuple[int, int]]]:
        """Yield how each style looks, for every theme and number of colours, and the first cell that has it."""
        for variants, looks in self.styles:
            for (sign, style), cell in looks.items():
                for variant in variants:
                    yield variant, sign, style, cell


_WORN: list[tuple[Theme, list[Variant]]] = []
for _variant in VARIANTS:
    _same = next((variants for theme, variants in _WORN if theme == _variant.theme), None)
    if _same is None:
        _WORN.append((_variant.theme, [_variant]))
    else:
        _same.append(_variant)


def worn_by(name: str) -> Variant:
    """Return the theme for a scene that is drawn in one theme only; the scenes are distributed over all themes."""
    return _WORN[list(SCENES).index(name) % len(_WORN)][1][0]


def harvest(name: str, *, every_theme: bool = True, sizes: Sequence[tuple[int, int]] = SIZES) -> Sequence[Drawn]:
    """Draw a scene in these sizes, in one run of the app.

    every_theme: draw it in every theme instead of one; in the last and smallest size still in one only.
    """
    drawn: list[Drawn] = []
    worn = _WORN if every_theme else [one for one in _WORN if worn_by(name) in one[1]]
    asyncio.run(_draw(name, drawn, worn, sizes))
    return drawn


async def _draw(
    name: str,
    drawn: list[Drawn],
    worn: Sequence[tuple[Theme, list[Variant]]],
    sizes: Sequence[tuple[int, int]],
) -> None:
    async with playing(name) as menu:
        for size in SIZES[: max(map(SIZES.index, sizes)) + 1]:
            if size != SIZES[0]:
                await menu.pilot.resize_terminal(*size)
                await menu.pilot.pause()
            if size not in sizes:  # yet it was there before: what is scrolled depends on the sizes before
                continue
            await dress(menu, _PROBE)
            screen = seen(menu)
            one = Drawn(size, screen, [])
            drawn.append(one)
            for theme, variants in worn if size != SIZES[-1] else worn[:1]:
                await dress(menu, theme)
                dressed = seen(menu)
                assert characters(dressed) == characters(screen), f"other characters in {theme.name}"
                looks: dict[tuple[str, RichStyle], tuple[int, int]] = {}
                for y, (row, inks) in enumerate(zip(dressed, screen, strict=True)):
                    for x, (cell, probed) in enumerate(zip(row, inks, strict=True)):
                        if _is_seen(probed):
                            looks.setdefault((letter(probed.style), cell.style), (y, x))
                one.styles.append((variants, looks))


def _is_seen(cell: Cell) -> bool:
    return bool(cell.char.strip() or cell.style.reverse)


# --- the files


def characters(screen: Screen) -> list[str]:
    """Return the rows of the screen without trailing blanks."""
    return ["".join(cell.char for cell in row).rstrip() for row in screen]


def letters(screen: Screen) -> list[str]:
    """Return the letters of the cells, row by row, of a screen in the probe theme."""
    return ["".join(letter(cell.style) if _is_seen(cell) else " " for cell in row).rstrip() for row in screen]


def page(screen: Screen) -> str:
    """Return the contents of a file in `snapshots/`."""
    return "\n".join([*characters(screen), "", *letters(screen), ""])


def path(name: str, size: tuple[int, int]) -> Path:
    """Return the path of a screen's file."""
    return FOLDER / f"{name}-{size[0]}x{size[1]}.txt"


Legend = dict[tuple[str, Depth], dict[str, str]]
"""(theme, depth) → letter → look."""


def read_legend() -> Legend:
    """Read `inks.txt`."""
    legend: Legend = {}
    at: dict[str, str] = {}
    for row in (FOLDER / "inks.txt").read_text(encoding="utf-8").splitlines():
        if row.startswith("== "):
            theme, depth = row[3:].split(", ")
            at = legend.setdefault((theme, Depth(depth)), {})
        elif row:
            at[row[0]] = row[20:]
    return legend


def legend_page(legend: Legend) -> str:
    """Return the contents of `inks.txt`."""
    rows: list[str] = []
    for (theme, depth), looks in legend.items():
        rows.append(f"== {theme}, {depth}")
        rows += [f"{sign} {meaning(sign):<18}{look}" for sign, look in sorted(looks.items())]
        rows.append("")
    return "\n".join(rows)


def main(names: Sequence[str]) -> None:
    """Write the files of the named scenes again, or of all scenes."""
    FOLDER.mkdir(exist_ok=True)
    legend: Legend = {(variant.name, variant.depth): {} for variant in VARIANTS}
    if names and (FOLDER / "inks.txt").exists():
        legend = read_legend()
    else:
        for old in FOLDER.glob("*.txt"):
            old.unlink()
    for name in names or SCENES:
        for drawn in harvest(name):
            path(name, drawn.size).write_text(page(drawn.screen), encoding="utf-8")
            for variant, sign, style, _cell in drawn.seen:
                told = str(look(style, variant.depth))
                if legend[variant.name, variant.depth].setdefault(sign, told) != told:
                    raise SystemExit(f"{name} in {variant.name}, {variant.depth}: {meaning(sign)} is {told} as well")
    (FOLDER / "inks.txt").write_text(legend_page(legend), encoding="utf-8")


if __name__ == "__main__":
    os.environ.update(TEXTUAL_ANIMATIONS="none", TEXTUAL_SMOOTH_SCROLL="0")
    main(sys.argv[1:])
