# SPDX-License-Identifier: MIT
"""Compare every screen in every theme with its snapshot; see `appearance`. Update them with `make snapshots`."""

from __future__ import annotations

import pytest

from bootmenu.discovery.scan_events import EntryFound
from bootmenu.frontends import theme_folders
from bootmenu.model.finding import Finding, Severity
from bootmenu.terminal.capabilities import Depth
from bootmenu.terminal.character_sets import to_ascii, to_console
from bootmenu.view.wording import WORDS
from tests.builders import fakes
from tests.builders.fakes import FakeSession
from tests.frontends.tui import appearance
from tests.frontends.tui.appearance import Drawn
from tests.frontends.tui.driving import running
from tests.frontends.tui.scenes import SCENES
from tests.properties import ALL

SAFE = frozenset("─│┌┐└┘├┤┬┴┼═║╔╗╚╝█░▒■▲▼▶◀←↑→↓•·±°«»")
"""Characters that are both in the kernel's font and in Debian's."""
_LANGUAGES = frozenset("çñê")
"""Letters in the names of languages, which both fonts have, too: code page 437 and Latin-1."""
_CORNERS = frozenset("╭╮╰╯")
"""The corners of frames, which terminals with few colours, as all consoles are, do not get."""


@pytest.fixture(
    scope="module",
    params=[
        *(pytest.param((name, False), id=name) for name in SCENES),
        *(pytest.param((name, True), id=f"{name}-in-every-theme", marks=pytest.mark.slow) for name in SCENES),
    ],
)
def drawn(request: pytest.FixtureRequest) -> tuple[str, list[Drawn]]:
    """A scene in one theme or in every theme; in every size, or by default in one, which changes from scene to scene.

    One scene at a time: it has 50,000 cells.
    """
    name, every_theme = request.param
    turn = list(SCENES).index(name) % len(appearance.SIZES)
    sizes = appearance.SIZES if ALL or every_theme else appearance.SIZES[turn : turn + 1]
    return name, list(appearance.harvest(name, every_theme=every_theme, sizes=sizes))


def test_every_theme_has_scenes_that_are_drawn_in_it() -> None:
    kinds = {worn.theme.name for worn in map(appearance.worn_by, SCENES)}
    assert kinds == {variant.theme.name for variant in appearance.VARIANTS}


def test_a_screen_is_as_it_was(drawn: tuple[str, list[Drawn]]) -> None:
    name, screens = drawn
    for one in screens:
        assert appearance.page(one.screen) == appearance.path(name, one.size).read_text(encoding="utf-8")


def test_every_theme_gives_every_ink_its_look(drawn: tuple[str, list[Drawn]]) -> None:
    legend = appearance.read_legend()
    for one in drawn[1]:
        for variant, sign, style, cell in one.seen:
            look = str(appearance.look(style, variant.depth))
            wanted = legend[variant.name, variant.depth].get(sign)
            assert look == wanted, (
                f"{appearance.meaning(sign)} in {variant.name}, {variant.depth}, at {cell} of {one.size}"
            )


def test_no_character_has_the_colour_of_its_ground(drawn: tuple[str, list[Drawn]]) -> None:
    for one in drawn[1]:
        for variant, sign, style, cell in one.seen:
            look = appearance.look(style, variant.depth)
            where = f"{appearance.meaning(sign)} in {variant.name}, {variant.depth}, at {cell} of {one.size}"
            # on the terminal's default background only the terminal knows the contrast
            assert look.colour != look.ground or look.colour == "default", where
            assert look.colour != "default" or look.ground == "default", where
            if variant.depth is Depth.NONE:
                assert (look.colour, look.ground) == ("default", "default"), where


def test_every_character_is_in_the_fonts_of_consoles(drawn: tuple[str, list[Drawn]]) -> None:
    for one in drawn[1]:
        text = "".join(appearance.characters(one.screen))
        assert {char for char in to_console(text) if not char.isascii()} <= SAFE | _CORNERS | _LANGUAGES
        assert len(to_console(text)) == len(text)
        plain = to_ascii(text)
        assert plain.isascii()
        assert len(plain) == len(text)
        assert plain.count("?") == text.count("?"), "a sign without a likeness in ASCII"


async def test_a_console_gets_no_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "linux")
    monkeypatch.delenv("COLORTERM", raising=False)
    async with running(FakeSession(), size=(120, 40)) as menu:
        assert not _CORNERS & set(menu.text)
        assert "┬" in menu.text


async def test_a_verdict_is_told_without_its_colour() -> None:
    """Show one finding in every severity: no two screens have the same characters."""
    seen = set()
    for one in Severity:
        found = Finding(code="IMG-PAGE", severity=one, message="Pages.", hint="Look.")
        events = (fakes.FULL[0], EntryFound(fakes.listing("one", "Linux", found)), fakes.FULL[-1])
        async with running(FakeSession(events=events)) as menu:
            (row,) = [row for row in menu.rows if "Linux" in row and row.startswith("▶")]
            (head,) = [row for row in menu.rows if row.startswith("─ Linux")]
            seen.add((row, head))
            assert WORDS[one].sign in row
            assert WORDS[one].word in row
            assert WORDS[one].sentence in head
    assert len(seen) == len(Severity)


def test_there_are_no_other_files() -> None:
    wanted = {appearance.path(name, size) for name in SCENES for size in appearance.SIZES}
    assert set(appearance.FOLDER.iterdir()) == {*wanted, appearance.FOLDER / "inks.txt"}
    assert {theme for theme, _ in appearance.read_legend()} == set(appearance.THEMES)
    assert set(appearance.THEMES) == set(theme_folders.theme_names(theme_folders.theme_folders()[1:]))
