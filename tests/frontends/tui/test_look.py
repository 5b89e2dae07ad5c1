# SPDX-License-Identifier: MIT
"""Test that language and theme are chosen in the menu, applied at once and remembered."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bootmenu import i18n
from bootmenu.bootstate.state import State
from bootmenu.bootstate.state_backends import FolderBackend
from bootmenu.bootstate.state_store import StateStore
from bootmenu.config.settings import Settings
from bootmenu.config.settings_layers import Loaded
from bootmenu.frontends import menu_run
from bootmenu.frontends.menu_run import MenuRun
from bootmenu.frontends.outcome import Quit
from bootmenu.frontends.session_startup import SessionStartup
from bootmenu.frontends.theme_folders import theme_folders
from bootmenu.frontends.tui import app, themes
from bootmenu.frontends.tui.screens.choice_screen import ChoiceScreen
from bootmenu.frontends.tui.screens.help_screen import HelpScreen
from bootmenu.frontends.tui.screens.menu_screen import MenuScreen
from bootmenu.model.value import replace
from bootmenu.system.host import Host
from bootmenu.view.styled_text import Style
from tests.builders import fakes
from tests.builders.fakes import FakeSession
from tests.frontends.test_plain_menu import sit
from tests.frontends.tui.driving import Menu, running


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    yield
    i18n.use("en", {})


def remembering(folder: Path) -> StateStore:
    return StateStore(FolderBackend(folder))


async def choose(menu: Menu, text: str) -> None:
    await menu.at(ChoiceScreen)
    row = next(row for row in menu.rows if text in row)
    number = row.split(text)[0].split()[-1]
    if number.isdigit() and len(number) == 1:
        await menu.press(number)
    else:
        await menu.press(*["down"] * menu.rows.index(row))
    await menu.press("enter")


@pytest.mark.parametrize("key", ["T", "f2"])
async def test_a_language_is_used_at_once_and_remembered(key: str, tmp_path: Path) -> None:
    async with running(FakeSession(state_store=remembering(tmp_path)), size=(80, 24)) as menu:
        await menu.scanned()
        await menu.press(key)
        for name in ("English (now)", "Deutsch", "Español", "Français", "Português"):
            assert name in menu.text
        await choose(menu, "Deutsch")
        await menu.sees("Sprache: Deutsch")
        assert "5 Einträge auf 3 Partitionen" in menu.text
        assert "lässt sich hier starten" in menu.text
        assert "e ändern" in menu.rows[-1]
        assert menu.text.count("! entfällt") == 2
        assert "FEHLER" in menu.rows[5]
        assert StateStore(FolderBackend(tmp_path)).state.language == "de"
        await menu.press(key)
        await choose(menu, "English")
        await menu.sees("language: English")
        assert "can be started here" in menu.text


async def test_escape_changes_nothing(tmp_path: Path) -> None:
    async with running(FakeSession(state_store=remembering(tmp_path)), size=(80, 24)) as menu:
        await menu.scanned()
        before = menu.rows
        await menu.press("T", "escape", "T", "enter")
        assert menu.rows == before
        assert not list(tmp_path.iterdir())


async def test_the_help_has_the_key_too_and_is_drawn_in_the_language() -> None:
    async with running(FakeSession(), size=(80, 24)) as menu:
        await menu.scanned()
        await menu.press("f1", "T")
        await choose(menu, "Deutsch")
        await menu.at(HelpScreen)
        assert "Im Menü" in menu.text
        await menu.press("escape")
        await menu.sees("Sprache: Deutsch")


async def test_a_theme_is_used_at_once_and_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")
    async with running(FakeSession(state_store=remembering(tmp_path)), size=(80, 30)) as menu:
        await menu.scanned()
        await menu.press("T")
        await choose(menu, "Choose a theme")
        assert "dark: " in menu.text
        assert "(now)" in next(row for row in menu.rows if "dark: " in row)
        await choose(menu, "light: ")
        await menu.sees("theme: light")
        assert StateStore(FolderBackend(tmp_path)).state.theme == "light"
        light = themes.load("light", theme_folders())
        assert menu.app.inks[Style.FAIL] == themes.rich_inks(light)[Style.FAIL]
        grounds = {segment.style.bgcolor.triplet.hex for strip in menu.app.drawn() for segment in strip
                   if segment.style and segment.style.bgcolor and segment.style.bgcolor.triplet}  # fmt: skip
        assert themes.background(light).lower() in grounds
        await menu.press("T")
        await choose(menu, "Choose a theme")
        await choose(menu, "By the terminal")
        await menu.sees("the theme follows")
        assert menu.app.theme_name == "dark"
        assert StateStore(FolderBackend(tmp_path)).state.theme is None


async def test_without_colours_there_is_no_theme_to_choose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with running(FakeSession(), size=(80, 24)) as menu:
        await menu.scanned()
        await menu.press("T")
        await menu.at(ChoiceScreen)
        assert "Deutsch" in menu.text
        assert "theme" not in menu.text


async def test_another_console_changes_its_language_with_this_one() -> None:
    store = StateStore(None)
    async with running(FakeSession(state_store=store), size=(80, 24)) as menu:
        await menu.scanned()
        await menu.until(lambda: menu.menu._state_store is not None)  # type: ignore[attr-defined]
        i18n.switch("fr")
        store.change(lambda state: replace(state, language="fr"))
        await menu.sees("peut démarrer ici")


async def test_in_a_kiosk_the_key_says_that_the_settings_decide() -> None:
    async with running(FakeSession(), size=(80, 24)) as menu:
        await menu.scanned()
        settings = replace(fakes.KIOSK, kiosk_actions=("look",))
        menu.menu.context = replace(menu.menu.context, settings=settings)
        await menu.press("T")
        await menu.at(MenuScreen)
        await menu.sees("in a kiosk the settings decide language and theme")


async def test_what_cannot_be_kept_is_for_this_session(tmp_path: Path) -> None:
    store = StateStore(None, "There is no place.")
    async with running(FakeSession(state_store=store), size=(120, 30)) as menu:
        await menu.scanned()
        await menu.press("T")
        await choose(menu, "English")
        await menu.sees("language: English, for this session only: There is no place.")


def test_the_plain_menu_has_the_language_too(tmp_path: Path) -> None:
    store = remembering(tmp_path)
    said, _ = sit(FakeSession(state_store=store), "T", "2", "?")
    assert "2  Deutsch" in said
    assert "entfallt" in said, "the list again; this terminal has only ASCII"
    assert StateStore(FolderBackend(tmp_path)).state.language == "de"
    i18n.use("en", {})
    said, _ = sit(FakeSession(state_store=StateStore(None, "There is no place.")), "T", "1", "T", "")
    assert "The language is for this session only." in said
    assert "There is no place." in said


def test_the_next_start_has_the_language_and_the_theme(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    state = State(language="de", theme="light")
    with contextlib.closing(SessionStartup(True, Host(), Loaded(), lambda: None)) as startup:
        startup._use_remembered_language(state)
    assert i18n.language() == "de"
    asked: dict[str, Any] = {}

    def run_on(consoles: Any, **options: Any) -> tuple[int, Quit]:
        asked.update(options)
        return 0, Quit()

    monkeypatch.setattr(app, "run_on", run_on)
    store = StateStore(None)
    store.state = state
    session = FakeSession(state_store=store)

    class Shared:
        def __init__(self) -> None:
            self.session = session

        def console(self) -> FakeSession:
            return session

    shared: Any = Shared()
    console: Any = SimpleNamespace(name="/dev/tty1")
    run = MenuRun(shared=shared, loaded=Loaded(settings=Settings(theme="dark")), consoles=(console,))
    menu_run.run_screens(run, None, None, "")  # type: ignore[arg-type]
    assert asked["theme"] == "light"
    assert asked["settings"].theme == "light"
