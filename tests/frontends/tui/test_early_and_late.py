# SPDX-License-Identifier: MIT
"""Test that every screen copes with keys, pastes and drawing before it is composed and after its end."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
from textual import events
from textual.binding import Binding
from textual.screen import Screen

from bootmenu.bootstate.pin import StoredPin, guard
from bootmenu.bootstate.state_store import StateStore
from bootmenu.discovery.scan_events import DeviceFound, EntryFound
from bootmenu.frontends.tui import screens
from bootmenu.frontends.tui.screens.base_screen import (
    BaseScreen,
    BootmenuScreen,
    BoxScreen,
    DialogScreen,
)
from bootmenu.frontends.tui.screens.choice_screen import ChoiceScreen
from bootmenu.frontends.tui.screens.comparison_screen import ComparisonScreen
from bootmenu.frontends.tui.screens.confirm_screen import ConfirmScreen
from bootmenu.frontends.tui.screens.details_screen import DetailsScreen
from bootmenu.frontends.tui.screens.dtb_screen import DtbScreen
from bootmenu.frontends.tui.screens.edit_screen import EditScreen
from bootmenu.frontends.tui.screens.filter_screen import FilterScreen, SearchScreen
from bootmenu.frontends.tui.screens.help_screen import HelpScreen, HelpSearchScreen
from bootmenu.frontends.tui.screens.kiosk_loading_screen import KioskLoadingScreen
from bootmenu.frontends.tui.screens.kiosk_page import (
    KioskPage,
    KioskRefusalScreen,
    KioskShutdownScreen,
    KioskSimulationEndScreen,
)
from bootmenu.frontends.tui.screens.kiosk_screen import KioskScreen
from bootmenu.frontends.tui.screens.line_editing import TextInput
from bootmenu.frontends.tui.screens.loading_screen import LoadingScreen, Returned
from bootmenu.frontends.tui.screens.log_screen import LogScreen
from bootmenu.frontends.tui.screens.machine_screen import MachineScreen
from bootmenu.frontends.tui.screens.menu_defaults import MenuDefaults
from bootmenu.frontends.tui.screens.menu_folds import MenuFolds
from bootmenu.frontends.tui.screens.menu_look import MenuLook
from bootmenu.frontends.tui.screens.menu_own import OwnEntries
from bootmenu.frontends.tui.screens.menu_screen import MenuScreen
from bootmenu.frontends.tui.screens.menu_view import MenuView
from bootmenu.frontends.tui.screens.name_screen import NameScreen
from bootmenu.frontends.tui.screens.pager_screen import PagerScreen
from bootmenu.frontends.tui.screens.passphrase_screen import PassphraseScreen
from bootmenu.frontends.tui.screens.pin_screen import PinScreen
from bootmenu.frontends.tui.screens.power_screen import PowerScreen
from bootmenu.frontends.tui.screens.refusal_screen import RefusalScreen, SimulationEndScreen
from bootmenu.frontends.tui.screens.scanning_screen import ScanningScreen
from bootmenu.frontends.tui.screens.welcome_screen import WelcomeScreen
from bootmenu.frontends.ui_context import UiContext
from bootmenu.model.value import replace
from bootmenu.system.power import Power
from tests.builders import fakes
from tests.builders.fakes import FakeSession
from tests.frontends.tui.driving import Menu, running
from tests.properties import part

_ERROR = fakes.NO_ROOT
_LOCKED = next(event.device for event in fakes.LOCKED if isinstance(event, DeviceFound) and event.device.locked)
_PLAN = fakes.plan_for(fakes.DEBIAN)


def _pin(context: UiContext) -> PinScreen:
    assert fakes.KIOSK.kiosk_pin is not None
    return PinScreen(context, guard(StoredPin.parse(fakes.KIOSK.kiosk_pin), StateStore(None)))


SCREENS: dict[type[Screen[Any]], Callable[[UiContext], BaseScreen[Any]]] = {
    MenuScreen: MenuScreen,
    DetailsScreen: lambda context: DetailsScreen(context, fakes.DEBIAN),
    DtbScreen: lambda context: DtbScreen(context, fakes.DEBIAN),
    EditScreen: lambda context: EditScreen(context, fakes.DEBIAN, lambda _: None, lambda _entry, _name: None),
    HelpScreen: HelpScreen,
    SearchScreen: lambda context: SearchScreen(context, "", lambda _: None, lambda _: None, str),
    HelpSearchScreen: lambda context: HelpSearchScreen(context, "", lambda _: None, lambda _: None),
    LogScreen: LogScreen,
    MachineScreen: MachineScreen,
    ComparisonScreen: lambda context: ComparisonScreen(context, fakes.DEBIAN, fakes.DEBIAN),
    LoadingScreen: lambda context: LoadingScreen(context, fakes.DEBIAN),
    RefusalScreen: lambda context: RefusalScreen(context, _ERROR),
    SimulationEndScreen: lambda context: SimulationEndScreen(context, _PLAN, ""),
    ChoiceScreen: lambda context: ChoiceScreen(context, "Title", ["Words."], ["no", "yes"]),
    WelcomeScreen: lambda context: WelcomeScreen(context),
    ConfirmScreen: lambda context: ConfirmScreen(context, fakes.DEBIAN),
    PassphraseScreen: lambda context: PassphraseScreen(context, _LOCKED),
    NameScreen: lambda context: NameScreen(context, "mine", lambda _: True),
    FilterScreen: lambda context: FilterScreen(context, "", lambda _: None, lambda _: None),
    KioskScreen: KioskScreen,
    KioskLoadingScreen: lambda context: KioskLoadingScreen(context, fakes.DEBIAN, "Start"),
    KioskRefusalScreen: lambda context: KioskRefusalScreen(context, _ERROR),
    KioskSimulationEndScreen: lambda context: KioskSimulationEndScreen(context, "Start"),
    KioskShutdownScreen: lambda context: KioskShutdownScreen(context, Power.OFF),
    PinScreen: _pin,
}
_BASES = {
    *(BaseScreen, BoxScreen, DialogScreen, BootmenuScreen, PagerScreen, ScanningScreen, KioskPage),
    *(PowerScreen, MenuView, MenuDefaults, MenuLook, OwnEntries, MenuFolds),
}
_ELSEWHERE = ("boot", "quit", "power", "shell", "demo")
"""Actions that end the app, or open a screen that is tested itself."""


def test_every_screen_is_tried_and_has_the_common_base() -> None:
    names = [found.name for found in pkgutil.iter_modules(screens.__path__)]
    modules = [importlib.import_module(f"{screens.__name__}.{name}") for name in names]
    defined = {
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Screen) and value.__module__.startswith(screens.__name__)
    }
    assert defined - _BASES == set(SCREENS)
    assert all(issubclass(kind, BaseScreen) for kind in defined)


def _doings(screen: BaseScreen[Any]) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield everything that a key, a timer or a message can make a screen do."""
    for binding in screen.BINDINGS:
        assert isinstance(binding, Binding)
        if binding.action.partition("(")[0].rpartition(".")[2] not in _ELSEWHERE:
            yield binding.action, partial(_act, screen, binding.action)
    if isinstance(screen, TextInput):
        yield "a character", partial(screen.insert_key, events.Key("4", "4"))
        yield "a paste", partial(screen.insert_paste, "47")
    for name in ("_draw", "draw", "draw_title", "draw_results", "_draw_now", "_draw_rules", "_tick"):
        if (method := getattr(screen, name, None)) is not None:
            yield name, method


def _act(screen: BaseScreen[Any], action: str) -> object:
    return screen.app.run_action(action, screen)


@asynccontextmanager
async def _app(kind: type[Screen[Any]]) -> AsyncIterator[Menu]:
    session = FakeSession(simulated=True)
    in_kiosk = kind is PinScreen or kind.__name__.startswith("Kiosk")
    settings = fakes.KIOSK if in_kiosk else None
    async with running(session, settings=settings) as menu:
        yield menu


async def _do(doing: Callable[[], object]) -> None:
    done = doing()
    if inspect.isawaitable(done):
        await done


async def _leave(menu: Menu, depth: int) -> None:
    while len(menu.app.screen_stack) > depth:
        await menu.app.pop_screen()


@pytest.mark.parametrize("kind", part(SCREENS), ids=lambda kind: kind.__name__)
async def test_what_comes_before_a_screen_is_composed_is_no_fault(kind: type[Screen[Any]]) -> None:
    async with _app(kind) as menu:
        depth = len(menu.app.screen_stack)
        count = len(list(_doings(SCREENS[kind](menu.app.context))))
        assert count > 1
        for number in part(range(count)):
            screen = SCREENS[kind](menu.app.context)
            pushed = menu.app.push_screen(screen)
            assert not screen.query("TextView"), "nothing of it is there yet"
            await _do(list(_doings(screen))[number][1])
            await pushed
            await _leave(menu, depth)
        await menu.pilot.pause()
        assert menu.app.fault is None


@pytest.mark.parametrize("kind", part(SCREENS), ids=lambda kind: kind.__name__)
async def test_what_comes_after_the_end_of_a_screen_is_no_fault(kind: type[Screen[Any]]) -> None:
    async with _app(kind) as menu:
        below = list(menu.app.screen_stack)
        for number in part(range(len(list(_doings(SCREENS[kind](menu.app.context)))))):
            screen = SCREENS[kind](menu.app.context)
            await menu.app.push_screen(screen)
            name, doing = list(_doings(screen))[number]
            await _leave(menu, len(below))
            assert not screen.query("TextView"), "nothing of it is there any more"
            await _do(doing)
            screen.dismiss(None)
            assert menu.app.screen_stack[: len(below)] == below, f"{name} took another screen away"
            await _leave(menu, len(below))
        await menu.pilot.pause()
        assert menu.app.fault is None


async def test_esc_before_a_load_is_drawn_takes_it_back() -> None:
    async with running(FakeSession()) as menu:
        results: list[object] = []
        screen = LoadingScreen(menu.app.context, fakes.DEBIAN)
        pushed = menu.app.push_screen(screen, results.append)
        await menu.app.run_action("cancel", screen)
        await pushed
        await menu.until(lambda: results)
    assert results == [Returned("cancelled: nothing is loaded")]


# ---- the thread that draws makes no calls that may wait for a disk or the firmware -----------------------------


class Asked(FakeSession):
    """A session that records which slow calls come from the thread that draws."""

    DEAR = frozenset(
        {"state_store", "powers", "plan", "load", "prepare_jump", "power", "device_trees", "recheck"}
        | {"plan_dtbs", "unlock", "holding", "kernel_log"}
    )

    def __getattribute__(self, name: str) -> Any:
        if name in Asked.DEAR and threading.current_thread() is threading.main_thread():
            object.__getattribute__(self, "by_the_screens").append(name)
        return super().__getattribute__(name)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.by_the_screens: list[str] = []


async def test_a_menu_that_draws_asks_no_disk_and_no_firmware() -> None:
    session = Asked(events=fakes.LOCKED, can_do=tuple(Power))
    async with running(session) as menu:
        await menu.until(lambda: menu.menu._state_store is not None)  # type: ignore[attr-defined]
        for keys in ("D", "o", "p", "d", "e", "l", "u", "r", "slash"):
            await menu.press(keys)
            await menu.press("escape")
        await menu.press("t")
        await menu.press("enter")
    assert session.by_the_screens == []


async def test_a_kiosk_that_draws_asks_no_disk_and_no_firmware() -> None:
    session = Asked(can_do=tuple(Power))
    settings = replace(fakes.KIOSK, kiosk_actions=("power", "details", "rescan"))
    async with running(session, settings=settings) as menu:
        await menu.sees("Switch off")
        for number in range(10):
            session.later.put(EntryFound(fakes.listing(f"late-{number}", "Late", device="sda2")))
            await menu.press("down")
        await menu.press("home", "enter")
    assert session.by_the_screens == []
