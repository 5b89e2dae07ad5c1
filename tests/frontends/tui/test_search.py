# SPDX-License-Identifier: MIT
"""Test the search in the pages that scroll."""

from __future__ import annotations

import pytest

from bootmenu.frontends.tui.screens.details_screen import DetailsScreen
from bootmenu.frontends.tui.screens.filter_screen import SearchScreen
from bootmenu.frontends.tui.screens.menu_screen import MenuScreen
from bootmenu.view.page_search import PageSearch
from bootmenu.view.styled_text import Line, Span, Style, line
from tests.builders.fakes import FakeSession
from tests.frontends.tui.driving import Menu, running

LINES = tuple(line(text) for text in ("usb one", "two", "USB three, usb", "four", "a usb"))


def test_lines_are_found_whatever_the_case_and_from_where_the_search_began() -> None:
    found = PageSearch.of("usb", LINES, 1)
    assert (found.matches, found.line, found.count) == ((0, 2, 4), 2, "2 of 3")
    assert [found.moved(steps).line for steps in (1, 2, -1, -2)] == [4, 0, 0, 4]
    assert PageSearch.of("usb", LINES, 99).line == 0, "from the top again"
    assert PageSearch.of("u.b", LINES, 0).count == "not found", "it is no pattern"
    nothing = PageSearch.of("", LINES, 0)
    assert (nothing.line, nothing.count, nothing.moved(1)) == (None, "", nothing)


def test_every_occurrence_is_marked_also_across_styles() -> None:
    styled = Line((Span("The us"), Span("b and US", Style.FAIL), Span("B.")))
    marked = PageSearch.of("usb", (line("usb"), styled), 0).marks()(1, styled)
    assert marked.text == styled.text
    assert [(span.text, span.marked, span.style) for span in marked.spans if span.marked] == [
        ("us", True, Style.TEXT),
        ("b", True, Style.TEXT),
        ("US", True, Style.TEXT),
        ("B", True, Style.TEXT),
    ]
    current = PageSearch.of("usb", (styled,), 0).marks()(0, styled)
    assert {span.style for span in current.spans if span.marked} == {Style.KEY}
    assert PageSearch().marks()(0, styled) == styled


def _log(menu: Menu) -> list[str]:
    return [row for row in menu.rows if "usb 1-1." in row]


LOG = [f"usb 1-1.{number}: {'a hub' if number % 10 == 0 else 'a device'}" for number in range(40)]


async def test_the_log_is_searched() -> None:
    async with running(FakeSession(kernel_lines=LOG), size=(80, 20)) as menu:
        await menu.press("l")
        await menu.sees("usb 1-1.39")
        await menu.press("home")
        await menu.press("/", *"HUB")
        await menu.at(SearchScreen)
        await menu.sees("1 of 4")
        assert "usb 1-1.0: a hub" in menu.text
        await menu.press("down")
        await menu.sees("2 of 4")
        await menu.press("up", "up")
        await menu.sees("4 of 4")
        assert "usb 1-1.30: a hub" in menu.text
        await menu.press("enter")
        await menu.sees("HUB: 4 of 4")
        for key, number in (("N", 0), ("N", 10), ("f3", 20), ("P", 10)):
            await menu.press(key)
            await menu.sees(f"HUB: {number // 10 + 1} of 4")
            assert f"usb 1-1.{number}: a hub" in menu.text
        await menu.press("escape")
        assert "of 4" not in menu.text
        assert f"usb 1-1.{number}: a hub" in menu.text, "it stays where it is"
        await menu.press("escape")
        await menu.at(MenuScreen)


async def test_escape_while_the_text_is_typed_goes_back_to_where_the_search_began() -> None:
    async with running(FakeSession(kernel_lines=LOG), size=(80, 20)) as menu:
        await menu.press("l")
        await menu.sees("usb 1-1.39")
        await menu.press("home", "down", "down")
        before = menu.rows
        await menu.press("f", *"1-1.30")
        assert _log(menu) != [row for row in before if "usb 1-1." in row]
        await menu.press("escape")
        assert menu.rows == before


async def test_what_is_not_there_is_said_and_moves_nothing() -> None:
    async with running(FakeSession(kernel_lines=LOG), size=(80, 20)) as menu:
        await menu.press("l")
        await menu.sees("usb 1-1.39")
        before = _log(menu)
        await menu.press("/", *"amiga")
        await menu.sees("not found")
        assert _log(menu) == before
        await menu.press("down", "enter")
        await menu.sees("amiga: not found")
        await menu.press("N")
        assert _log(menu) == before


async def test_the_search_goes_on_when_the_page_changes() -> None:
    async with running(FakeSession(), size=(80, 24)) as menu:
        await menu.press("3", "d")
        await menu.at(DetailsScreen)
        await menu.sees("more: PgDn")
        await menu.press("/", *"supported", "enter")
        await menu.sees("supported: not found")
        await menu.press("enter")
        await menu.sees("supported: 1 of 1")
        await menu.press("enter")
        await menu.sees("supported: not found")


@pytest.mark.parametrize(
    ("way", "key", "reason"),
    [
        (("d",), "N", "nothing is searched here: press / and type a text"),
        (("end", "d"), "v", "this page is not about an entry"),
    ],
)
async def test_a_key_of_a_page_that_can_do_nothing_says_why(way: tuple[str, ...], key: str, reason: str) -> None:
    async with running(FakeSession(), size=(80, 24)) as menu:
        await menu.press(*way)
        await menu.at(DetailsScreen)
        assert reason not in menu.text
        await menu.press(key)
        await menu.sees(reason)
        await menu.press("down")
        assert reason not in menu.text
