# SPDX-License-Identifier: MIT
"""Test that verdicts are told apart by those who see fewer colours, and by those who see none."""

from __future__ import annotations

import itertools

import pytest
from rich.color import ColorSystem, ColorType
from textual.color import Color

from bootmenu import i18n
from bootmenu.frontends import theme_folders
from bootmenu.frontends.tui import themes
from bootmenu.model.finding import Severity
from bootmenu.terminal.character_sets import to_ascii
from bootmenu.view.styled_text import Style
from bootmenu.view.wording import WORDS, verdict, verdict_line
from tests.frontends.tui.colour_blindness import Vision, distance

SHIPPED = theme_folders.theme_folders()[1:]
LEAST = {ColorSystem.TRUECOLOR: 20, ColorSystem.EIGHT_BIT: 12, ColorSystem.STANDARD: 12}
"""The difference between two verdicts' colours; what is just noticeable is 2.3."""
_DARK, _BRIGHT = 170, 85
CONSOLE = [
    tuple((_DARK if number & bit else 0) + (_BRIGHT if bright else 0) for bit in (1, 2, 4))
    for bright in (False, True)
    for number in range(8)
]
CONSOLE[3] = (170, 85, 0)
"""The colours of the Linux console (drivers/tty/vt/vt.c: default_red, default_grn, default_blu)."""


def _shown(theme: str, style: Style, colours: ColorSystem) -> tuple[int, ...]:
    """Return red, green and blue of a verdict, on a terminal with so many colours."""
    name, flags = themes.inks(themes.load(theme, SHIPPED))[style]
    colour = Color.parse(name).rich_color
    if colour.type is ColorType.STANDARD:
        assert colour.number is not None
        return CONSOLE[colour.number + (8 if "bold" in flags.split() and colour.number < 8 else 0)]
    return tuple(colour.downgrade(colours).get_truecolor())


def _pairs(theme: str, colours: ColorSystem) -> dict[str, float]:
    return {
        f"{one} {other} {vision.name}": distance(_shown(theme, one, colours), _shown(theme, other, colours), vision)
        for one, other in itertools.combinations(map(Style.of, Severity), 2)
        for vision in Vision
    }


def _cases() -> list[tuple[str, ColorSystem]]:
    names = [name for name in theme_folders.theme_names(SHIPPED) if name != "mono"]  # it has no colours
    many = [(name, system) for name in names if name != "vt16" for system in list(LEAST)[:2]]
    return [*many, ("vt16", ColorSystem.STANDARD)]


@pytest.mark.parametrize(("theme", "colours"), _cases())
def test_verdicts_have_different_colours_for_everybody(theme: str, colours: ColorSystem) -> None:
    close = {pair: round(found) for pair, found in _pairs(theme, colours).items() if found < LEAST[colours]}
    assert close == {}


def test_the_simulation_takes_red_and_green_for_similar_where_people_do() -> None:
    red, green, blue, yellow = (220, 50, 50), (120, 130, 40), (60, 60, 220), (210, 210, 60)
    normal = distance(red, green, Vision.NORMAL)
    assert distance(red, green, Vision.DEUTERANOPIA) < normal / 2
    assert distance(red, green, Vision.PROTANOPIA) < normal
    assert distance(blue, yellow, Vision.DEUTERANOPIA) > normal
    for vision in Vision:
        assert distance((255, 255, 255), (0, 0, 0), vision) == pytest.approx(100, abs=0.1), "greys stay as they are"
        assert distance(red, red, vision) == 0


@pytest.mark.parametrize("code", i18n.available())
def test_verdicts_differ_by_sign_and_word_without_any_colour(code: str) -> None:
    i18n.use(code, {})
    try:
        for convert in (str, to_ascii):
            signs = [convert(words.sign) for words in WORDS.values()]
            texts = [convert(verdict(severity).text).strip() for severity in WORDS]
            lines = [convert(verdict_line(severity)) for severity in WORDS]
            sentences = [convert(i18n._(words.sentence)) for words in WORDS.values()]
            for told in (signs, texts, lines, sentences):
                assert len(set(told)) == len(Severity), told
            assert all(text.startswith(sign) for text, sign in zip(texts, signs, strict=True)), "beside the colour"
            assert len({text.lstrip("*^#? ") for text in texts}) == len(Severity), "words differ without signs, too"
    finally:
        i18n.use("en", {})
