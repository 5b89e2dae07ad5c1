# SPDX-License-Identifier: MIT
"""Write every screen of one language as pages for a reviewer: `make screens LANG=de`.

The screens are those of the snapshots, each beside its English original, in every size. A screen that is not reached
is named, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from bootmenu import i18n
from scripts.build_hook import compile_catalogues
from tests.frontends.tui import appearance
from tests.frontends.tui.pictures import of_scene
from tests.frontends.tui.scenes import SCENES

ROOT = Path(__file__).parents[1]
SIZES = appearance.SIZES

_PAGE = """<!doctype html>
<html lang="{code}"><meta charset="utf-8"><title>{title}</title>
<style>body{{font:16px sans-serif;background:#fff;color:#111;margin:1em}}svg{{width:100%;height:auto}}
section{{display:grid;grid-template-columns:1fr 1fr;gap:1em;margin-bottom:2em}}h2{{grid-column:1/3;margin:0}}</style>
<h1>{title}</h1>
{body}
</html>
"""


def pictures(name: str, code: str) -> list[str]:
    """Return the pictures of a scene in a language, one for each size. Raise AssertionError if it is not reached."""
    i18n.use(code, {})
    try:
        return of_scene(name, SIZES)
    finally:
        i18n.use(i18n.ENGLISH, {})


def rows_of(names: Sequence[str], code: str) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yield the name of each scene with its pictures in English and in the language; none if it is not reached."""
    for name in names:
        try:
            yield name, pictures(name, i18n.ENGLISH), pictures(name, code)
        except AssertionError as error:
            print(f"{name}: {error}", file=sys.stderr)
            yield name, [], []


def write(folder: Path, code: str, names: Sequence[str]) -> list[str]:
    """Write the pages, and return the names of the scenes that were not reached."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = list(rows_of(names, code))
    links = []
    for index, (columns, lines) in enumerate(SIZES):
        title = f"{code}, {columns}x{lines}"
        sections = [
            f'<section id="{name}"><h2>{name}</h2>{_alone(english[index], f"e{number}")}'
            f"{_alone(other[index], f'o{number}')}</section>"
            for number, (name, english, other) in enumerate(rows)
            if other
        ]
        page = f"{columns}x{lines}.html"
        (folder / page).write_text(_PAGE.format(code=code, title=title, body="\n".join(sections)), encoding="utf-8")
        links.append(f'<li><a href="{page}">{title}</a></li>')
    missing = [name for name, _english, other in rows if not other]
    left = f"<p>Not reached: {escape(', '.join(missing))}</p>" if missing else ""
    title = f"{len(rows) - len(missing)} screens in {code}"
    body = f"<ul>{''.join(links)}</ul>{left}"
    (folder / "index.html").write_text(_PAGE.format(code=code, title=title, body=body), encoding="utf-8")
    return missing


def _alone(picture: str, prefix: str) -> str:
    """Return a picture whose styles do not reach the others of the page."""
    return picture.replace('class="c', f'class="{prefix}c').replace("\n.c", f"\n.{prefix}c")


def main(arguments: Sequence[str]) -> int:
    """Write the pages of a language, and say where they are."""
    compile_catalogues()
    parser = argparse.ArgumentParser(prog="make screens", description="Write every screen of a language as pages.")
    parser.add_argument("language", type=i18n.code_of, choices=i18n.available(), help="de, or de_DE.UTF-8")
    parser.add_argument("scenes", nargs="*", help="only these")
    parser.add_argument("--folder", type=Path, help="instead of build/screens/LANGUAGE")
    given = parser.parse_args(arguments)
    unknown = sorted({*given.scenes} - {*SCENES})
    if unknown:
        parser.error(f"there is no scene {', '.join(unknown)}; there are {', '.join(SCENES)}")
    folder = given.folder or ROOT / "build/screens" / given.language
    missing = write(folder, given.language, given.scenes or list(SCENES))
    print(folder / "index.html")
    return 1 if missing else 0


if __name__ == "__main__":
    os.environ.update(TEXTUAL_ANIMATIONS="none", TEXTUAL_SMOOTH_SCROLL="0")
    sys.exit(main(sys.argv[1:]))
