# SPDX-License-Identifier: MIT
"""Themes: those that are shipped are whole, those that are broken are told and replaced."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.color import Color

from bootmenu.errors import BootmenuError, FormatError
from bootmenu.ui import themes
from bootmenu.ui.app import BootmenuApp
from bootmenu.ui.lines import Ink
from tests.ui.driving import running
from tests.ui.fakes import FakeSession


def test_there_are_the_promised_themes() -> None:
    assert {"dark", "light", "vt16"} <= set(themes.names())


@pytest.mark.parametrize("name", themes.names())
def test_a_shipped_theme_has_a_colour_for_every_ink_that_can_be_read(name: str) -> None:
    theme = themes.load(name, themes.folders())
    values = {**themes.defaults(theme), **theme.variables}
    for ink in Ink:
        colour = Color.parse(values[f"ink-{ink}"])
        if theme.ansi:
            assert colour.ansi is not None, f"{ink} is not one of the sixteen"
            assert values[f"ink-{ink}"] not in ("ansi_black", "ansi_blue", "ansi_bright_black")
        elif ink not in (Ink.RULE, Ink.GROOVE):
            ground = Color.parse(theme.background or "")
            assert contrast(colour, ground) >= 4.5, ink


def contrast(one: Color, other: Color) -> float:
    """WCAG 2.1: (L1 + 0.05) / (L2 + 0.05)."""

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
    choice = themes.choose("broken", plain=False, where=[tmp_path, *themes.folders()])
    assert choice.theme.name == themes.DEFAULT
    assert blamed in choice.trouble


def test_without_any_theme_file_there_still_is_one(tmp_path: Path) -> None:
    choice = themes.choose(None, plain=True, where=[tmp_path])
    assert choice.theme.ansi
    assert choice.trouble


@pytest.mark.parametrize("name", ["../dark", "/etc/passwd", "", "no-such"])
def test_a_name_is_no_path(name: str) -> None:
    with pytest.raises(BootmenuError):
        themes.load(name, themes.folders())


@pytest.mark.parametrize(
    ("term", "name"), [("linux", "vt16"), ("vt220", "vt16"), ("screen", "vt16"), ("xterm-256color", "dark")]
)
def test_the_terminal_decides_when_nobody_does(term: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", term)
    assert BootmenuApp(FakeSession()).theme == name


async def test_trouble_with_a_theme_is_told_in_the_menu() -> None:
    async with running(FakeSession(), theme="no-such") as menu:
        assert "there is no theme no-such" in menu.text
        assert menu.app.theme == "dark"


@pytest.mark.parametrize("theme", ["dark", "vt16"])
async def test_without_colours_text_is_not_black_on_black(theme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with running(FakeSession(), theme=theme) as menu:
        screen = menu.app.screen
        for strip in screen._compositor.render_strips(menu.app.size):
            for segment in strip.apply_filter(menu.app._filters[0], Color(0, 0, 0)):
                style = segment.style
                if style is not None and style.color is not None and segment.text.strip():
                    assert style.color != style.bgcolor or style.color.is_default
