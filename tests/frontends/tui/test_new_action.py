# SPDX-License-Identifier: MIT
"""Test that a new action needs only a row of the table and a method."""

from __future__ import annotations

import pytest

from bootmenu.config.settings import Profile, Settings
from bootmenu.frontends.plain_menu import PlainMenu
from bootmenu.frontends.tui import app
from bootmenu.frontends.tui.screens.help_screen import HelpScreen
from bootmenu.frontends.tui.screens.kiosk_screen import KioskScreen
from bootmenu.frontends.tui.screens.menu_screen import MenuScreen
from bootmenu.frontends.ui_context import UiContext
from bootmenu.model.value import replace
from bootmenu.view import actions
from bootmenu.view.action import Action
from bootmenu.view.key_help import key_rows, markdown
from bootmenu.view.policy import Access, Policy
from bootmenu.view.screen_ids import ScreenId
from tests.builders.fakes import KIOSK, FakeSession
from tests.frontends.test_plain_menu import sit
from tests.frontends.tui.driving import running

GREET = Action(name="greet", keys=("B",), shown="B", label="greet", help="say hello", plain="B", kiosk="Greeting")


@pytest.fixture(autouse=True)
def greeting(monkeypatch: pytest.MonkeyPatch) -> None:
    boot, *others = actions.TABLE
    monkeypatch.setattr(actions, "TABLE", (boot, GREET, *others))


async def test_it_is_a_key_with_a_label_and_a_help(monkeypatch: pytest.MonkeyPatch) -> None:
    class GreetingScreen(MenuScreen):
        screen_id = ScreenId.MENU
        greeted = 0

        def action_greet(self) -> None:
            self.greeted += 1

    monkeypatch.setattr(app, "MenuScreen", GreetingScreen)
    async with running(FakeSession()) as menu:
        await menu.scanned()
        assert "B greet" in menu.rows[-1]
        await menu.press("B")
        screen = menu.app.screen
        assert isinstance(screen, GreetingScreen)
        assert screen.greeted == 1
        await menu.press("f1")
        await menu.at(HelpScreen)
        await menu.press("slash", *"hello")  # the help has more lines than the screen
        await menu.sees("say hello")


def test_it_is_a_command_of_the_plain_menu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PlainMenu, "do_greet", lambda self: self.teletype.say("Hello!"), raising=False)
    said, _ = sit(FakeSession(), "?", "B")
    assert "Also: B (greet), " in said
    assert "say hello" in said
    assert "Hello!" in said


def test_it_is_in_the_papers() -> None:
    assert "| `B` | say hello |\n" in markdown()
    assert ("B", "say hello") in key_rows()


def test_the_kiosk_has_it_where_the_settings_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    kiosk = Settings(profile=Profile.KIOSK)
    assert Policy.of(kiosk).access("greet") is Access.ABSENT
    assert Policy.of(replace(kiosk, kiosk_pin="x")).access("greet") is Access.PIN
    named = Policy.of(replace(kiosk, kiosk_actions=("greet",)))
    assert named.access("greet") is Access.FREE
    assert UiContext(session=FakeSession(), policy=named).permits("greet")
    assert not UiContext(session=FakeSession(), policy=Policy.of(kiosk)).permits("greet")


async def test_it_is_a_row_of_the_kiosk(monkeypatch: pytest.MonkeyPatch) -> None:
    greeted: list[KioskScreen] = []
    monkeypatch.setattr(KioskScreen, "action_greet", lambda self: greeted.append(self), raising=False)
    async with running(FakeSession(), settings=replace(KIOSK, kiosk_actions=("greet",))) as menu:
        await menu.scanned()
        assert "Greeting" in menu.text
        screen = menu.app.screen
        assert isinstance(screen, KioskScreen)
        (at,) = (index for index, row in enumerate(screen.rows, 1) if row.name == "Greeting")
        await menu.press(str(at), "enter")
        await menu.until(lambda: greeted == [screen])
