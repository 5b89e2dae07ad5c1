# SPDX-License-Identifier: MIT
"""Draw the pictures of README.md and docs/ from the scenes of the snapshots: `make pictures`.

Those of a console and of a serial line are what a terminal shows of the bytes that the program sends.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from bootmenu.terminal.capabilities import Depth
from tests.frontends.pseudo_terminal import menu_on_a_line
from tests.frontends.tui import appearance, svg

FOLDER = Path(__file__).parents[3] / "docs" / "pictures"
DARK, KIOSK = (
    next(one.theme for one in appearance.VARIANTS if (one.name, one.depth) == (name, Depth.ALL))
    for name in ("dark", "kiosk")
)


class Picture(NamedTuple):
    """A picture of a scene. title: what a reader hears who does not see it."""

    scene: str
    size: tuple[int, int]
    title: str


class Terminal(NamedTuple):
    """A picture of a terminal. term, charset: the variables TERM and LC_ALL there."""

    term: str
    charset: str
    title: str


PICTURES: dict[str, Picture | Terminal] = {
    "menu": Picture("menu-fail", (120, 32), "An entry that cannot be started, with the reason and the remedy"),
    "details": Picture("details", (100, 30), "The details of an entry: every check with its evidence"),
    "editor": Picture("edit", (100, 22), "An entry is being edited, and checked as it is"),
    "progress": Picture("progress", (100, 18), "An entry is being loaded: each stage, with bytes and rate"),
    "refusal": Picture("error", (100, 18), "The kernel refused an entry: what it said, and what to do"),
    "kiosk": Picture("kiosk", (80, 24), "A kiosk: three choices in plain words, and whom to call"),
    "console": Terminal("linux", "C.UTF-8", "The menu on a Linux console, in its sixteen colours"),
    "serial": Terminal("vt220", "C", "The menu on a serial line, in ASCII"),
}
"""By the name of the file."""


async def _drawn(scene: str, sizes: Sequence[tuple[int, int]], title: str) -> list[str]:
    found = []
    async with appearance.playing(scene) as menu:
        await appearance.dress(menu, KIOSK if scene.startswith("kiosk") else DARK)
        for size in sizes:
            if size != appearance.SIZES[0]:
                await menu.pilot.resize_terminal(*size)
                await menu.pilot.pause()
            found.append(svg.drawn(svg.of_app(appearance.seen(menu)), title))
    return found


def of_scene(scene: str, sizes: Sequence[tuple[int, int]], title: str = "") -> list[str]:
    """Return the pictures of a scene, one for each size. Raise AssertionError if it is not reached."""
    return asyncio.run(_drawn(scene, sizes, title or scene))


def _of_terminal(term: str, charset: str, title: str) -> str:
    """Return the picture of the menu, with the entry that fails selected, as a terminal shows it."""
    with menu_on_a_line(term, LC_ALL=charset) as line:
        line.until(lambda: "/vmlinuz" in line.text)
        line.settle()
        line.type(b"3")
        line.until(lambda: "IMG-PAGE" in line.text)
        line.settle()
        return svg.drawn(svg.of_terminal(line.screen), title)


def drawn(name: str) -> str:
    """Return a picture."""
    wanted = PICTURES[name]
    if isinstance(wanted, Terminal):
        return _of_terminal(*wanted)
    (picture,) = of_scene(wanted.scene, [wanted.size], wanted.title)
    return picture


def main(names: Sequence[str]) -> None:
    """Write the named pictures, or all of them."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in names or PICTURES:
        (FOLDER / f"{name}.svg").write_text(drawn(name), encoding="utf-8")


if __name__ == "__main__":
    os.environ.update(TEXTUAL_ANIMATIONS="none", TEXTUAL_SMOOTH_SCROLL="0")
    main(sys.argv[1:])
