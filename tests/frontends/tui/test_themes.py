# SPDX-License-Identifier: MIT
"""Test themes: the shipped ones are complete, broken ones are reported and replaced."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.color import Color as RichColor
from rich.color import ColorSystem
from rich.style import Style as RichStyle
from textual.color import Color
from textual.strip import Strip

import bootmenu
from bootmenu.errors import BootmenuError, FormatError
from bootmenu.frontends import theme_folders
from bootmenu.frontends.tui import themes
from bootmenu.frontends.tui.app import BootmenuApp
from bootmenu.frontends.tui.screens.confirm_screen import ConfirmScreen
from bootmenu.terminal.capabilities import Depth
from bootmenu.view.styled_text import Style
from tests.builders import fakes
from tests.builders.fakes import FakeSession
from tests.frontends.tui import appearance
from tests.frontends.tui.driving import Menu, running
from tests.properties import examples, part


def test_there_are_the_promised_themes() -> None:
    assert {"dark", "light", "high-contrast", "vt16", "mono", "kiosk"} <= set(theme_folders.theme_names())
    assert all(row.description and not row.error for row in themes.theme_files())


@pytest.mark.parametrize("name", theme_folders.theme_names())
def test_a_shipped_theme_has_a_colour_for_every_ink_that_can_be_read(name: str) -> None:
    theme = themes.load(name, theme_folders.theme_folders())
    values = {**themes.defaults(theme), **theme.variables}
    for ink in Style:
        colour = Color.parse(values[f"ink-{ink}"])
        if theme.ansi:
            assert colour.ansi is not None, f"{ink} is not one of the sixteen"
            assert values[f"ink-{ink}"] not in ("ansi_black", "ansi_blue", "ansi_bright_black")
        elif ink not in (Style.RULE, Style.GROOVE):
            least = 3 if ink is Style.BEHIND else 7 if name == "high-contrast" else 4.5
            assert contrast(colour, Color.parse(theme.background or "")) >= least, ink


def contrast(one: Color, other: Color) -> float:
    """Return the contrast ratio as WCAG 2.1 defines it: (L1 + 0.05) / (L2 + 0.05)."""

    def luminance(colour: Color) -> float:
        parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour.normalized]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize(
    ("text", "blamed"),
    [
        ("dark = 'yes'\n[colours]\nprimary = 'red'", "dark"),
        ("[colours]\nprimary = 'no such colour'", "primary"),
        ("[colours]\nsecondary = 'red'", "primary is missing"),
        ("[colours]\nprimary = 'red'\nprimery = 'red'", "primery"),
        ("[colours]\nprimary = 3", "colours"),
        ("[colours]\nprimary = 'red'\n[variables]\nink-fial = 'red'", "fial"),
        ("[colours]\nprimary = 'red'\n[variables]\nink-fail = 'redd'", "ink-fail"),
        ("[colours]\nprimary = 'red'\n[variables]\nink-fail-style = 'shiny'", "shiny"),
        ("not toml", "broken"),
        ("\x00", "broken"),
    ],
)
def test_a_broken_theme_names_what_is_wrong_and_the_default_is_used(tmp_path: Path, text: str, blamed: str) -> None:
    (tmp_path / "broken.toml").write_text(text)
    with pytest.raises(FormatError, match=blamed):
        themes.load("broken", [tmp_path])
    choice = themes.choose("broken", Depth.ALL, folders=[tmp_path, *theme_folders.theme_folders()])
    assert next(themes.theme_files([tmp_path])).error.startswith("theme broken:")
    assert choice.theme.name == Depth.ALL.theme
    assert blamed in choice.error


def test_without_any_theme_file_there_still_is_one(tmp_path: Path) -> None:
    for depth in Depth:
        choice = themes.choose(None, depth, folders=[tmp_path])
        assert choice.theme.ansi is (depth in (Depth.NONE, Depth.SIXTEEN))
        assert choice.error


def test_a_theme_of_the_machines_own_wins_by_its_name(tmp_path: Path) -> None:
    assert theme_folders.theme_folders()[0] == Path("/etc/bootmenu/themes")
    (tmp_path / "dark.toml").write_text("description = 'our own'\n[colours]\nprimary = '#010203'")
    where = [tmp_path, *theme_folders.theme_folders()]
    assert themes.load("dark", where).primary == "#010203"
    (own,) = [row for row in themes.theme_files(where) if row.name == "dark"]
    assert (own.path.parent, own.description) == (tmp_path, "our own")


@pytest.mark.parametrize("mode", [0o666, 0o664])
def test_a_theme_that_others_may_write_is_not_read(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "dark.toml"
    path.write_text("[colours]\nprimary = 'red'")
    path.chmod(mode)
    with pytest.raises(FormatError, match="by other users"):
        themes.load("dark", [tmp_path])


def test_a_theme_beside_the_program_is_read_whoever_may_write_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkout made with umask 002."""
    monkeypatch.setattr(bootmenu, "__file__", str(tmp_path / "bootmenu" / "__init__.py"))
    (tmp_path / "themes").mkdir()
    path = tmp_path / "themes" / "mine.toml"
    path.write_text('colours = {primary = "#00ff00"}\n')
    path.chmod(0o664)
    assert themes.load("mine", theme_folders.theme_folders()).name == "mine"


def test_a_theme_file_has_a_size(tmp_path: Path) -> None:
    (tmp_path / "huge.toml").write_text("#" * 70_000)
    with pytest.raises(FormatError, match="64 KiB"):
        themes.load("huge", [tmp_path])


def sent(colour: RichColor, depth: Depth) -> tuple[str, ...]:
    """Return the SGR parameters for a foreground colour on a terminal with so many colours."""
    system = {Depth.NONE: 1, Depth.SIXTEEN: 1, Depth.MANY: 2, Depth.ALL: 3}[depth]
    return colour.downgrade(ColorSystem(system)).get_ansi_codes()


@pytest.mark.parametrize("depth", Depth)
@pytest.mark.parametrize("name", theme_folders.theme_names())
def test_no_ink_has_the_colour_of_its_ground(name: str, depth: Depth) -> None:
    theme = themes.choose(name, depth).theme
    ground = Color.parse(themes.background(theme)).rich_color
    for ink, (text, _style) in themes.inks(theme).items():
        colour = Color.parse(text).rich_color
        if depth is Depth.NONE:
            assert colour.is_default, ink
        elif not colour.is_default:
            assert sent(colour, depth) != sent(ground, depth), ink


@examples(200)
@given(text=st.tuples(*[st.integers(0, 255)] * 3), ground=st.tuples(*[st.integers(0, 255)] * 3), dark=st.booleans())
def test_fewer_colours_hide_nothing(text: tuple[int, ...], ground: tuple[int, ...], dark: bool) -> None:
    one, other = ("#" + bytes(rgb).hex() for rgb in (text, ground))
    table = {"dark": dark, "colours": {"primary": one, "foreground": one, "background": other}}
    try:
        theme = themes.parse("own", table)
    except FormatError:
        assert text == ground
        return
    for depth in (Depth.SIXTEEN, Depth.MANY, Depth.ALL):
        mended = themes.readable(theme, depth)
        for colour, _style in themes.inks(mended).values():
            assert sent(Color.parse(colour).rich_color, depth) != sent(Color.parse(other).rich_color, depth)


@pytest.mark.parametrize("name", theme_folders.theme_names())
def test_a_sample_has_every_ink_and_as_many_colours_as_the_terminal(name: str) -> None:
    theme = themes.load(name, theme_folders.theme_folders())
    for depth in Depth:
        lines = list(themes.sample(theme, depth))
        assert [line.split()[0] for line in lines] == list(Style)
        text = "".join(lines)
        assert ("\x1b[" in text) is (depth is not Depth.NONE)
        assert "38;2;" not in text or depth is Depth.ALL
        assert "38;5;" not in text or depth is Depth.MANY


@pytest.mark.parametrize("name", ["../dark", "/etc/passwd", "", "no-such"])
def test_a_name_is_no_path(name: str) -> None:
    with pytest.raises(BootmenuError):
        themes.load(name, theme_folders.theme_folders())


@pytest.mark.parametrize(
    ("term", "name"), [("linux", "vt16"), ("vt220", "vt16"), ("screen", "vt16"), ("xterm-256color", "dark")]
)
def test_the_terminal_decides_when_nobody_does(term: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", term)
    assert BootmenuApp(FakeSession()).theme == name


@pytest.mark.parametrize(
    ("term", "no_color", "asked", "name"),
    [
        ("xterm-256color", "", None, "kiosk"),
        ("xterm-256color", "1", None, "mono"),
        ("linux", "", None, "vt16"),
        ("linux", "", "light", "light"),
    ],
)
def test_the_kiosk_has_its_own_theme_where_there_are_colours(
    term: str, no_color: str, asked: str | None, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", term)
    if no_color:
        monkeypatch.setenv("NO_COLOR", no_color)
    assert BootmenuApp(FakeSession(), theme=asked, settings=fakes.KIOSK).theme == name


async def test_trouble_with_a_theme_is_told_in_the_menu() -> None:
    async with running(FakeSession(), theme="no-such") as menu:
        assert "there is no theme no-such" in menu.text
        assert menu.app.theme == "dark"


ENVIRONMENTS = {
    Depth.NONE: {"TERM": "xterm-256color", "NO_COLOR": "1"},
    Depth.SIXTEEN: {"TERM": "linux"},
    Depth.MANY: {"TERM": "xterm-256color"},
    Depth.ALL: {"TERM": "xterm-256color", "COLORTERM": "truecolor"},
}


@pytest.mark.parametrize(("theme", "depth"), part(itertools.product(theme_folders.theme_names(), Depth)))
async def test_no_cell_hides_its_character(theme: str, depth: Depth, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENTS[depth].items():
        monkeypatch.setenv(name, value)
    seen = set()
    async with running(fakes.stuck_session(), theme=theme) as menu:
        for key in ("3", "enter", "escape", "d"):
            await menu.press(key)
            for look in looks(menu):
                colour, ground = (found or RichColor.default() for found in (look.color, look.bgcolor))
                seen.add(colour)
                if not (colour.is_default or ground.is_default):
                    assert sent(colour, depth) != sent(ground, depth), (key, look)
    if depth is Depth.NONE:
        assert seen == {RichColor.default()}


def looks(menu: Menu) -> set[RichStyle]:
    """Return the styles of all non-blank text, as sent to the terminal."""
    found = set()
    for strip in menu.app.drawn():
        for line_filter in menu.app.line_filters:
            if line_filter.enabled:
                strip = Strip(line_filter.apply(list(strip), Color(0, 0, 0)))
        found |= {segment.style for segment in strip if segment.style and segment.text.strip()}
    return found


@pytest.mark.parametrize("theme", theme_folders.theme_names())
async def test_severity_and_selection_need_no_colour(theme: str) -> None:
    async with running(FakeSession(), theme=theme) as menu:
        for word in ("• ok", "▲ warn", "■ FAIL", "▶ "):
            assert word in menu.text
        (row,) = [y for y, text in enumerate(menu.rows) if text.startswith("▶")]
        strip = menu.app.drawn()[row]
        assert all(segment.style and segment.style.reverse for segment in strip if segment.text)


@pytest.mark.parametrize(
    ("environ", "dims"),
    [
        ({"TERM": "linux"}, True),
        ({"TERM": "xterm"}, True),
        ({"TERM": "xterm-256color"}, True),
        ({"TERM": "vt220"}, False),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
    ],
)
async def test_the_page_behind_a_dialog_has_one_ink_but_not_on_a_slow_line(
    environ: dict[str, str], dims: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("COLORTERM", "NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    async with running(FakeSession()) as menu:
        await menu.scanned()
        await menu.press("3")
        before = _looks(menu)
        await menu.press("enter")
        await menu.at(ConfirmScreen)
        behind = _looks(menu)
        assert (len({look for _char, look in behind}) == 1) is dims
        assert (behind == before) is not dims


def _looks(menu: Menu) -> list[tuple[str, str]]:
    """Return the signs of the first rows, each with how it looks."""
    cells = [cell for row in appearance.seen(menu)[:4] for cell in row if cell.char.strip()]
    return [(cell.char, str(appearance.look(cell.style, Depth.ALL))) for cell in cells]
