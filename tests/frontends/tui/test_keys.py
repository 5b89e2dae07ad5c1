# SPDX-License-Identifier: MIT
"""The table of keys: complete, without collisions, and behind every action there is a method."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from textual.screen import Screen

from bootmenu.errors import BootmenuError
from bootmenu.frontends.outcome import Jump
from bootmenu.frontends.tui.screens.base_screen import BaseScreen
from bootmenu.frontends.tui.screens.choice_screen import ChoiceScreen
from bootmenu.frontends.tui.screens.confirm_screen import ConfirmScreen
from bootmenu.frontends.tui.screens.details_screen import DetailsScreen
from bootmenu.frontends.tui.screens.dtb_screen import TreeScreen
from bootmenu.frontends.tui.screens.edit_screen import EditScreen
from bootmenu.frontends.tui.screens.filter_screen import FilterScreen
from bootmenu.frontends.tui.screens.help_screen import HelpScreen
from bootmenu.frontends.tui.screens.kiosk_screen import KioskScreen, PinScreen
from bootmenu.frontends.tui.screens.loading_screen import LoadingScreen
from bootmenu.frontends.tui.screens.log_screen import LogScreen
from bootmenu.frontends.tui.screens.menu_screen import MenuScreen
from bootmenu.frontends.tui.screens.passphrase_screen import PassphraseScreen
from bootmenu.frontends.tui.screens.refusal_screen import ArrivalScreen, RefusalScreen
from bootmenu.view.actions import TABLE, Place, bindings, keys_of, markdown
from bootmenu.view.banner import footer
from tests.builders import fakes
from tests.builders.fakes import KIOSK, FakeSession
from tests.frontends.tui import appearance
from tests.frontends.tui.driving import running
from tests.frontends.tui.scenes import SCENES

SCREENS: dict[Place, type[Screen[object]]] = {
    Place.MENU: MenuScreen,  # type: ignore[dict-item]
    Place.CONFIRM: ConfirmScreen,  # type: ignore[dict-item]
    Place.PASSPHRASE: PassphraseScreen,  # type: ignore[dict-item]
    Place.PROGRESS: LoadingScreen,  # type: ignore[dict-item]
    Place.REFUSAL: RefusalScreen,  # type: ignore[dict-item]
    Place.ARRIVAL: ArrivalScreen,  # type: ignore[dict-item]
    Place.DETAILS: DetailsScreen,  # type: ignore[dict-item]
    Place.HELP: HelpScreen,  # type: ignore[dict-item]
    Place.EDIT: EditScreen,  # type: ignore[dict-item]
    Place.FILTER: FilterScreen,  # type: ignore[dict-item]
    Place.TREE: TreeScreen,  # type: ignore[dict-item]
    Place.LOG: LogScreen,  # type: ignore[dict-item]
    Place.CHOICE: ChoiceScreen,  # type: ignore[dict-item]
    Place.KIOSK: KioskScreen,  # type: ignore[dict-item]
    Place.PIN: PinScreen,  # type: ignore[dict-item]
}


@pytest.mark.parametrize("place", Place)
def test_each_key_means_one_thing_and_every_action_exists(place: Place) -> None:
    names = [name for key in keys_of(place) for name in key.keys if key.action != "unfilter"]
    assert len(names) == len(set(names)), "a filter lends Esc another meaning while it holds"
    for key in keys_of(place):
        assert hasattr(SCREENS[place], f"action_{key.action}"), key.action


@pytest.mark.parametrize("place", Place)
def test_a_screen_has_the_bindings_of_the_table_and_no_others(place: Place) -> None:
    merged = SCREENS[place]._merged_bindings
    assert merged is not None
    bound = set(merged.key_to_bindings)
    assert bound == {binding.key for binding in bindings(place)}  # type: ignore[union-attr]


def test_every_key_is_shown_and_explained() -> None:
    for key in TABLE:
        assert key.shown
        assert key.help
        assert key.places


def test_the_bottom_line_drops_from_the_end_what_does_not_fit() -> None:
    labels = [("Enter", "boot"), ("d", "details"), ("q", "quit")]
    assert footer(labels, 80).text == " Enter boot   d details   q quit"
    assert footer(labels, 25).text == " Enter boot   d details"
    assert footer(labels, 5).text == ""


def test_every_action_of_the_menu_is_on_a_letter_or_a_digit() -> None:
    for key in keys_of(Place.MENU):
        assert any(len(name) == 1 and name.isalnum() for name in key.keys), key.action


def test_the_readme_has_the_keys_of_the_table() -> None:
    text = (Path(__file__).parents[3] / "README.md").read_text()
    assert markdown() in text, "put what `python -m bootmenu.view.actions` prints between its two marks"


_LEAVING = {"quit", "no", "cancel", "back"}
"""One thing: away from here, and nothing has happened."""


def test_a_letter_means_one_thing_on_all_screens() -> None:
    meant: dict[str, set[str]] = {}
    for key in TABLE:
        if key.places != (Place.HELP,):  # the keys that open the help close it
            for name in key.keys:
                meant.setdefault(name, set()).add("leave" if key.action in _LEAVING else key.action)
    letters = {name: actions for name, actions in meant.items() if len(name) == 1 and name.isalpha()}
    assert letters["q"] == {"leave"}
    assert {name: actions for name, actions in letters.items() if len(actions) > 1} == {}


@pytest.mark.parametrize("place", Place)
def test_f1_is_help_on_every_screen(place: Place) -> None:
    (action,) = {key.action for key in keys_of(place) if "f1" in key.keys}
    assert action == ("back" if place is Place.HELP else "help")


@pytest.mark.parametrize("name", SCENES)
async def test_the_help_begins_with_the_screen_that_is_shown(name: str) -> None:
    async with appearance.playing(name) as menu:
        screen = menu.app.screen
        if isinstance(screen, HelpScreen):
            return
        await menu.press("f1")
        if name.startswith("kiosk"):
            assert menu.app.screen is screen, "a kiosk whose settings do not name the action has none"
            return
        await menu.at(HelpScreen)
        assert isinstance(screen, BaseScreen)
        assert any(row.startswith(f"─ {screen.place} ─") for row in menu.rows[:3])
        await menu.press("f1")
        await menu.until(lambda: menu.app.screen is screen)


async def test_the_kiosk_has_help_about_its_own_keys_where_the_settings_allow_it() -> None:
    settings = dataclasses.replace(KIOSK, kiosk_actions=("help",))
    async with running(FakeSession(), settings=settings) as menu:
        await menu.scanned()
        await menu.press("f1")
        await menu.at(HelpScreen)
        assert any(f"─ {Place.KIOSK} ─" in row for row in menu.rows)
        assert "shell" not in menu.text
        assert f"─ {Place.MENU} ─" not in menu.text


@pytest.mark.parametrize("error", [None, fakes.BUSY])
async def test_a_load_that_ends_under_the_help_ends(error: BootmenuError | None) -> None:
    session = FakeSession(load_error=error)
    session.load_gate.clear()
    async with running(session) as menu:
        await menu.scanned()
        await menu.press("enter")
        await menu.at(LoadingScreen)
        await menu.press("f1")
        await menu.at(HelpScreen)
        session.load_gate.set()
        if error is None:
            await menu.until(lambda: isinstance(menu.app.return_value, Jump))
        else:
            await menu.at(RefusalScreen)
            await menu.press("escape")
            await menu.at(MenuScreen)
