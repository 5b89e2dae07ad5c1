# SPDX-License-Identifier: MIT
"""Test the pages that show all screens of a language, and the pictures in them."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bootmenu import i18n
from scripts import screens_of_language
from tests.frontends.tui import svg
from tests.frontends.tui.scenes import SCENES
from tests.frontends.tui.svg import Spot


def test_the_pages_have_each_screen_in_both_languages_and_every_size(tmp_path: Path) -> None:
    assert screens_of_language.main(["de", "menu", "menu-tested", "--folder", str(tmp_path)]) == 0
    for columns, rows in screens_of_language.SIZES:
        page = (tmp_path / f"{columns}x{rows}.html").read_text("utf-8")
        assert re.findall(r"<h2>(.*?)</h2>", page) == ["menu", "menu-tested"]
        assert page.count("<svg") == 4
        assert ("1 check passed" in page, "1 Prüfung bestanden" in page) == (True, True)
        assert f"{columns}x{rows}.html" in (tmp_path / "index.html").read_text("utf-8")
    assert i18n._("recommended") == "recommended", "English again"


def test_a_screen_that_is_not_reached_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def never(name: str, _code: str) -> list[str]:
        raise AssertionError(f"{name} did not happen")

    monkeypatch.setattr(screens_of_language, "pictures", never)
    assert screens_of_language.main(["de", "menu", "--folder", str(tmp_path)]) == 1
    assert "Not reached: menu" in (tmp_path / "index.html").read_text("utf-8")
    assert "menu did not happen" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("code", ["de", "es", "fr", "pt"])
@pytest.mark.parametrize("name", SCENES)
def test_every_screen_is_reached_in_every_language(name: str, code: str) -> None:
    assert len(screens_of_language.pictures(name, code)) == len(screens_of_language.SIZES)


def test_a_picture_has_every_word_where_it_is_on_the_screen() -> None:
    ink, ground = "#ffffff", "#000000"
    row = [Spot(char, ink, ground) for char in "a b  <c"] + [
        Spot("", ink, ground),
        Spot(" ", ink, "#0000ff"),
        Spot(" ", ink, ground),
    ]
    row[0] = Spot("x", ground, ink, bold=True, underlined=True)
    picture = svg.drawn([row], 'A "title" & more')
    tree = ElementTree.fromstring(picture)
    space = "{http://www.w3.org/2000/svg}"
    assert tree.findtext(f"{space}title") == 'A "title" & more'
    words = [(one.text, one.get("x"), one.get("textLength")) for one in tree.iter(f"{space}text")]
    assert words == [("x", "0", "10"), ("b", "20", "10"), ("<c", "50", "30")]
    assert [(one.get("x"), one.get("fill")) for one in tree.iter(f"{space}rect")][1:] == [
        ("0", ink),
        ("80", "#0000ff"),
    ]
    assert "font-weight:bold;text-decoration:underline" in picture
    assert "http" not in picture.replace("http://www.w3.org/2000/svg", ""), "nothing from elsewhere"
