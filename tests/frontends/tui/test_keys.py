# SPDX-License-Identifier: MIT
"""Test the table of actions: keys do not collide, and every action has a method."""

from __future__ import annotations

import pytest
from textual.screen import Screen

from bootmenu.errors import BootmenuError
from bootmenu.frontends.outcome import Jump
from bootmenu.frontends.tui.bindings import bindings
from bootmenu.frontends.tui.screens.base_screen import BaseScreen
from bootmenu.frontends.tui.screens.choice_screen import ChoiceScreen
from bootmenu.frontends.tui.screens.comparison_screen import ComparisonScreen
from bootmenu.frontends.tui.screens.confirm_screen import ConfirmScreen
from bootmenu.frontends.tui.screens.details_screen import DetailsScreen
from bootmenu.frontends.tui.screens.dtb_screen import DtbScreen
from bootmenu.frontends.tui.screens.edit_screen import EditScreen
from bootmenu.frontends.tui.screens.filter_screen import FilterScreen, SearchScreen
from bootmenu.frontends.tui.screens.help_screen import HelpScreen
from bootmenu.frontends.tui.screens.kiosk_screen import KioskScreen
from bootmenu.frontends.tui.screens.loading_screen import LoadingScreen
from bootmenu.frontends.tui.screens.log_screen import LogScreen
from bootmenu.frontends.tui.screens.machine_screen import MachineScreen
from bootmenu.frontends.tui.screens.menu_screen import MenuScreen
from bootmenu.frontends.tui.screens.name_screen import NameScreen
from bootmenu.frontends.tui.screens.passphrase_screen import PassphraseScreen
from bootmenu.frontends.tui.screens.pin_screen import PinScreen
from bootmenu.frontends.tui.screens.refusal_screen import RefusalScreen, SimulationEndScreen
from bootmenu.frontends.tui.textual_internals import merged_keys
from bootmenu.model.value import replace
from bootmenu.view.actions import TABLE
from bootmenu.view.key_help import actions_of
from bootmenu.view.page_edges import footer
from bootmenu.view.screen_ids import ScreenId
from tests.builders import fakes
from tests.builders.fakes import KIOSK, FakeSession
from tests.frontends.tui import appearance
from tests.frontends.tui.driving import running
from tests.frontends.tui.scenes import SCENES
from tests.properties import part

SCREENS: dict[ScreenId, type[Screen[object]]] = {
    ScreenId.MENU: MenuScreen,  # type: ignore[dict-item]
    ScreenId.CONFIRM: ConfirmScreen,  # type: ignore[dict-item]
    ScreenId.PASSPHRASE: PassphraseScreen,  # type: ignore[dict-item]
    ScreenId.PROGRESS: LoadingScreen,  # type: ignore[dict-item]
    ScreenId.REFUSAL: RefusalScreen,  # type: ignore[dict-item]
    ScreenId.ARRIVAL: SimulationEndScreen,  # type: ignore[dict-item]
    ScreenId.DETAILS: DetailsScreen,  # type: ignore[dict-item]
    ScreenId.HELP: HelpScreen,  # type: ignore[dict-item]
    ScreenId.EDIT: EditScreen,  # type: ignore[dict-item]
    ScreenId.NAME: NameScreen,  # type: ignore[dict-item]
    ScreenId.FILTER: FilterScreen,  # type: ignore[dict-item]
    ScreenId.SEARCH: SearchScreen,  # type: ignore[dict-item]
    ScreenId.TREE: DtbScreen,  # type: ignore[dict-item]
    ScreenId.LOG: LogScreen,  # type: ignore[dict-item]
    ScreenId.MACHINE: MachineScreen,  # type: ignore[dict-item]
    ScreenId.COMPARISON: ComparisonScreen,  # type: ignore[dict-item]
    ScreenId.CHOICE: ChoiceScreen,  # type: ignore[dict-item]
    ScreenId.KIOSK: KioskScreen,  # type: ignore[dict-item]
    ScreenId.PIN: PinScreen,  # type: ignore[dict-item]
}


@pytest.mark.parametrize("screen", ScreenId)
def test_each_key_means_one_thing_and_every_action_exists(screen: ScreenId) -> None:
    names = [name for action in actions_of(screen) for name in action.keys if action.name != "unfilter"]
    assert len(names) == len(set(names)), "a filter lends Esc another meaning while it holds"
    for action in actions_of(screen):
        assert hasattr(SCREENS[screen], f"action_{action.name}"), action.name


@pytest.mark.parametrize("screen", ScreenId)
def test_a_screen_has_the_bindings_of_the_table_and_no_others(screen: ScreenId) -> None:
    assert merged_keys(SCREENS[screen]) == {binding.key for binding in bindings(screen)}  # type: ignore[union-attr]


def test_every_key_is_shown_and_explained() -> None:
    for action in TABLE:
        assert action.shown
        assert action.help
        assert action.screens


def test_the_bottom_line_drops_from_the_end_what_does_not_fit() -> None:
    labels = [("Enter", "boot"), ("d", "details"), ("q", "quit")]
    assert footer(labels, 80).text == " Enter boot   d details   q quit"
    assert footer(labels, 25).text == " Enter boot   d details"
    assert footer(labels, 5).text == ""


def test_every_action_of_the_menu_is_on_a_letter_or_a_digit() -> None:
    for action in actions_of(ScreenId.MENU):
        assert any(len(name) == 1 and name.isalnum() for name in action.keys), action.name


_LEAVING = {"quit", "no", "cancel", "back"}
"""Actions that all leave a screen without a change."""


def test_a_letter_means_one_thing_on_all_screens() -> None:
    meant: dict[str, set[str]] = {}
    for action in TABLE:
        if action.screens != (ScreenId.HELP,):  # the keys that open the help close it
            for name in action.keys:
                meant.setdefault(name, set()).add("leave" if action.name in _LEAVING else action.name)
    letters = {name: actions for name, actions in meant.items() if len(name) == 1 and name.isalpha()}
    assert letters["q"] == {"leave"}
    assert {name: actions for name, actions in letters.items() if len(actions) > 1} == {}


@pytest.mark.parametrize("screen", ScreenId)
def test_f1_is_help_on_every_screen(screen: ScreenId) -> None:
    (action,) = {action.name for action in actions_of(screen) if "f1" in action.keys}
    assert action == ("back" if screen is ScreenId.HELP else "help")


@pytest.mark.parametrize("name", part(SCENES))
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
        assert any(row.startswith(f"─ {screen.screen_id} ─") for row in menu.rows[:3])
        await menu.press("f1")
        await menu.until(lambda: menu.app.screen is screen)


async def test_the_kiosk_has_help_about_its_own_keys_where_the_settings_allow_it() -> None:
    settings = replace(KIOSK, kiosk_actions=("help",))
    async with running(FakeSession(), settings=settings) as menu:
        await menu.scanned()
        await menu.press("f1")
        await menu.at(HelpScreen)
        assert any(f"─ {ScreenId.KIOSK} ─" in row for row in menu.rows)
        assert "shell" not in menu.text
        assert f"─ {ScreenId.MENU} ─" not in menu.text


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
