# SPDX-License-Identifier: MIT
"""Draw a screen as SVG: small, the same bytes for the same screen, and without anything from elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby

import pyte
from rich.color import Color

from tests.frontends.tui.appearance import Cell, Screen

WIDTH, HEIGHT, BASE = 10, 20, 15
"""Of a cell, and where in it the characters stand, in units of the picture."""

INK, GROUND = "#d8dee9", "#16181d"
"""What a terminal has where nothing is asked for."""

LINUX = ("000000", "aa0000", "00aa00", "aa5500", "0000aa", "aa00aa", "00aaaa", "aaaaaa")
BRIGHT = ("555555", "ff5555", "55ff55", "ffff55", "5555ff", "ff55ff", "55ffff", "ffffff")
"""The sixteen colours of the Linux console."""
_NAMES = ("black", "red", "green", "brown", "blue", "magenta", "cyan", "white")
"""As pyte calls them."""
_CONSOLE = {
    **{name: f"#{colour}" for name, colour in zip(_NAMES, LINUX, strict=True)},
    **{f"bright{name}": f"#{colour}" for name, colour in zip(_NAMES, BRIGHT, strict=True)},
}
_BRIGHTER = dict(zip(map("#{}".format, LINUX), map("#{}".format, BRIGHT), strict=True))


@dataclass(frozen=True, slots=True)
class Spot:
    """A character with its colours, `#rrggbb`; the right half of a wide one has none."""

    char: str
    ink: str
    ground: str
    bold: bool = False
    underlined: bool = False


Rows = Sequence[Sequence[Spot]]


def of_app(screen: Screen) -> Rows:
    """Return what the app has drawn in a theme with colours of its own."""
    return [[_spot(cell) for cell in row] for row in screen]


def _spot(cell: Cell) -> Spot:
    style = cell.style
    ink, ground = _hex(style.color, INK), _hex(style.bgcolor, GROUND)
    if style.reverse:
        ink, ground = ground, ink
    return Spot(cell.char, ink, ground, bool(style.bold), bool(style.underline))


def _hex(colour: Color | None, default: str) -> str:
    return default if colour is None or colour.is_default else colour.get_truecolor().hex


def of_terminal(screen: pyte.Screen) -> Rows:
    """Return what a terminal shows, in the colours of the Linux console, where bold is bright."""
    return [[_glyph(screen.buffer[y][x]) for x in range(screen.columns)] for y in range(screen.lines)]


def _glyph(char: pyte.screens.Char) -> Spot:
    ink = _CONSOLE.get(char.fg, _CONSOLE["white"])
    ground = _CONSOLE.get(char.bg, _CONSOLE["black"])
    if char.bold:
        ink = _BRIGHTER.get(ink, ink)
    if char.reverse:
        ink, ground = ground, ink
    return Spot(char.data, ink, ground, char.bold, char.underscore)


def drawn(rows: Rows, title: str) -> str:
    """Return the picture. title: what a reader hears who does not see it."""
    columns, ground = max(map(len, rows)), rows[0][-1].ground
    classes: dict[tuple[str, bool, bool], str] = {}
    body = [*_grounds(rows, ground), *_texts(rows, classes)]
    styles = [
        f".{name}{{fill:{ink}{';font-weight:bold' * bold}{';text-decoration:underline' * underlined}}}"
        for (ink, bold, underlined), name in classes.items()
    ]
    width, height = columns * WIDTH + 2 * WIDTH, len(rows) * HEIGHT + HEIGHT
    corner, size = (-WIDTH, -HEIGHT // 2), f'width="{width}" height="{height}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{corner[0]} {corner[1]} {width} {height}" role="img">',
            f"<title>{escape(title)}</title>",
            "<style>text{font:16.6px 'DejaVu Sans Mono',Menlo,Consolas,monospace;white-space:pre}",
            *styles,
            f'</style><rect x="{corner[0]}" y="{corner[1]}" {size} rx="6" fill="{ground}"/>',
            *body,
            "</svg>",
            "",
        ]
    )


def _runs(row: Sequence[Spot], of: Callable[[Spot], object]) -> Iterator[tuple[int, list[Spot]]]:
    at = 0
    for _key, spots in groupby(row, of):
        run = list(spots)
        yield at, run
        at += len(run)


def _grounds(rows: Rows, ground: str) -> Iterator[str]:
    for y, row in enumerate(rows):
        for x, run in _runs(row, lambda spot: spot.ground):
            if run[0].ground != ground:
                size = f'width="{len(run) * WIDTH}" height="{HEIGHT}"'
                yield f'<rect x="{x * WIDTH}" y="{y * HEIGHT}" {size} fill="{run[0].ground}"/>'


def _texts(rows: Rows, classes: dict[tuple[str, bool, bool], str]) -> Iterator[str]:
    for y, row in enumerate(rows):
        for x, run in _runs(row, lambda spot: (spot.ink, spot.bold, spot.underlined)):
            look = (run[0].ink, run[0].bold, run[0].underlined)
            for start, text, cells in _words(run):
                name = classes.setdefault(look, f"c{len(classes)}")
                place = f'x="{(x + start) * WIDTH}" y="{y * HEIGHT + BASE}" textLength="{cells * WIDTH}"'
                yield f'<text class="{name}" {place}>{escape(text, quote=False)}</text>'


def _words(run: Iterable[Spot]) -> Iterator[tuple[int, str, int]]:
    """Yield where a text begins in the run, the text, and how many cells it has; two blanks part two texts."""
    chars = [spot.char for spot in run]
    blank = [char in (" ", "\xa0") for char in chars] + [True, True]
    start = 0
    while start < len(chars):
        end = start
        while not (blank[end] and blank[end + 1]) and not (end == start and blank[end]):
            end += 1
        if end > start:
            yield start, "".join(chars[start:end]), end - start
        start = max(end, start + 1)
