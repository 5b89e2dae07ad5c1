# SPDX-License-Identifier: MIT
"""Test the kiosk: its screens, what they permit, and that they permit nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from bootmenu.bootstate.state import Attempt, State
from bootmenu.bootstate.state_backends import FolderBackend
from bootmenu.bootstate.state_store import StateStore
from bootmenu.config.settings import Settings
from bootmenu.config.settings_layers import parse
from bootmenu.frontends.outcome import Jump, Quit
from bootmenu.frontends.tui.screens.details_screen import DetailsScreen
from bootmenu.frontends.tui.screens.kiosk_loading_screen import KioskLoadingScreen
from bootmenu.frontends.tui.screens.kiosk_page import KioskRefusalScreen, KioskSimulationEndScreen
from bootmenu.frontends.tui.screens.kiosk_screen import KioskScreen
from bootmenu.frontends.tui.screens.menu_screen import MenuScreen
from bootmenu.frontends.tui.screens.pin_screen import PinScreen
from bootmenu.frontends.tui.screens.refusal_screen import RefusalScreen
from bootmenu.model.value import replace
from bootmenu.system.power import Power
from tests.builders import fakes
from tests.builders.fakes import KIOSK, FakeSession
from tests.frontends.tui.driving import Menu, running

LOST = State(lost=(Attempt(entry="debian-49", at="2026-11-14T09:30:00Z"),))
TECHNICAL = (
    "kernel",
    "Debian",
    "6.1",
    "FAIL",
    "warn",
    "kexec",
    "mmcblk",
    "partition",
    "CPU",
    "bootmenu",
    "Traceback",
)


def settings(**changes: Any) -> Settings:
    return replace(KIOSK, **changes)


def remembering(state: State, **changes: Any) -> FakeSession:
    session = FakeSession(**changes)
    session.state_store.keep(state)
    return session


@asynccontextmanager
async def kiosk(session: FakeSession | None = None, used: Settings = KIOSK, **context: Any) -> AsyncIterator[Menu]:
    async with running(session or FakeSession(), settings=used, **context) as menu:
        await menu.until(lambda: screen(menu)._state is not None)
        yield menu


def screen(menu: Menu) -> KioskScreen:
    found = menu.app.screen_stack[0]
    assert isinstance(found, KioskScreen)
    return found


def marked(menu: Menu) -> str:
    return next((row.strip() for row in menu.rows if "▶" in row), "")


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40)])
async def test_it_speaks_plainly_and_shows_only_what_is_allowed(size: tuple[int, int]) -> None:
    async with kiosk(size=size) as menu:
        assert "This terminal can start in three ways." in menu.text
        assert [row.key for row in screen(menu).rows] == [
            "mmcblk0p1:debian-49", "mmcblk0p1:debian-47", "sda2:alpine", "service"
        ]  # fmt: skip
        assert marked(menu).endswith("recommended")
        assert "Start normally" in marked(menu)
        assert "Help: 0800 123 456" in menu.rows[-1]
        assert "Up and Down choose, Enter starts." in menu.text
        assert not [word for word in TECHNICAL if word in menu.text]


async def test_three_keys_are_enough_and_the_end_is_the_beginning() -> None:
    async with kiosk() as menu:
        await menu.press("down", "down")
        assert "Repair" in marked(menu)
        await menu.press("down", "down")
        assert "Start normally" in marked(menu)
        await menu.press("up")
        assert "Service" in marked(menu)
        await menu.press("2")
        assert "Start the previous version" in marked(menu)


async def test_enter_starts_the_marked_entry() -> None:
    session = FakeSession()
    async with kiosk(session) as menu:
        await menu.press("down", "enter")
        await menu.until(lambda: menu.app.return_value is not None)
        assert isinstance(menu.app.return_value, Jump)
        assert menu.app.return_value.plan.entry.id == "debian-47"


async def test_the_progress_is_a_bar_and_plain_words() -> None:
    session = FakeSession()
    session.load_gate.clear()
    async with kiosk(session) as menu:
        await menu.press("enter")
        await menu.at(KioskLoadingScreen)
        await menu.sees("Starting.")
        await menu.until(lambda: session.load_reached.is_set())
        await menu.sees("%")
        assert not [word for word in TECHNICAL if word in menu.text]
        assert "Help: 0800" in menu.rows[-1]
        session.load_gate.set()


async def test_a_refusal_says_what_to_do_and_the_reason_is_in_the_log(tmp_path: Path) -> None:
    async with kiosk(FakeSession(load_error=fakes.BUSY)) as menu:
        await menu.press("enter")
        await menu.at(KioskRefusalScreen)
        assert "This did not work: Start normally." in menu.text
        assert not [word for word in TECHNICAL if word in menu.text]
        assert "Device or resource busy" in (tmp_path / "menu.log").read_text()
        await menu.press("enter")
        await menu.at(KioskScreen)
        assert "could not be started just now" in menu.text
        assert "Start the previous version" in marked(menu), "the next one is recommended"


async def test_a_jump_that_came_back_is_told_in_plain_words() -> None:
    async with kiosk(error=fakes.BUSY) as menu:
        await menu.at(KioskRefusalScreen)
        assert "This did not work." in menu.text


async def test_what_is_remembered_of_each_entry() -> None:
    state = State(good=(Attempt(entry="debian-47", at="2026-11-14T09:30:00Z"), Attempt(entry="alpine", at="")))
    async with kiosk(remembering(state)) as menu:
        assert "worked on 14 November" in menu.text
        assert "worked before" in menu.text


async def test_repair_stands_first_when_the_default_did_not_come_back() -> None:
    async with kiosk(remembering(LOST)) as menu:
        assert "Start the previous version" in marked(menu), "that is what a countdown would take"
        assert marked(menu).endswith("recommended")
        assert "did not start on 14 November" in menu.text
        assert [row.name for row in screen(menu).rows][:2] == ["Repair", "Start normally"]


async def test_nothing_to_start_is_said() -> None:
    async with kiosk(FakeSession(events=fakes.EMPTY)) as menu:
        assert "This terminal cannot start at the moment." in menu.text
        await menu.press("enter", "up", "down", "home", "end", "1")
        assert isinstance(menu.app.screen, PinScreen), "the row that is left is the service's"


# ---- what is not allowed


async def test_without_a_pin_there_is_no_way_to_anything_else() -> None:
    async with kiosk(used=settings(kiosk_pin=None)) as menu:
        assert "Service" not in menu.text
        assert "PIN" not in menu.text
        for key in "abcdefghijklmnopqrstuvwxyzDGO?/:!0":
            await menu.press(
                {"?": "question_mark", "/": "slash", ":": "colon", "!": "exclamation_mark"}.get(key, key)
            )
        keys = [
            "escape",
            "ctrl+c",
            "ctrl+q",
            "ctrl+z",
            "ctrl+p",
            "ctrl+d",
            "ctrl+x",
            "ctrl+backslash",
            "tab",
            "f1",
            "f5",
        ]
        await menu.press(*keys, "shift+tab", "ctrl+o", "ctrl+s", "f10", "f12")
        assert menu.app.is_running
        assert menu.app.return_value is None
        assert menu.app.screen is screen(menu)


async def test_a_pin_that_cannot_be_compared_opens_nothing() -> None:
    async with kiosk(used=settings(kiosk_pin="scrypt$4194304$99$99$" + "00" * 16 + "$" + "00" * 32)) as menu:
        assert "Service" not in menu.text


async def test_allowed_actions_are_rows_without_the_pin() -> None:
    session = FakeSession()
    async with kiosk(session, settings(kiosk_actions=("details", "rescan"))) as menu:
        await menu.press("end", "up", "up")
        assert "Technical details" in marked(menu)
        await menu.press("enter")
        await menu.at(DetailsScreen)
        await menu.press("escape", "down", "enter")
        await menu.until(lambda: session.calls.count("scan") == 2)


async def test_switching_off_may_be_allowed() -> None:
    session = FakeSession()
    async with kiosk(session, settings(kiosk_actions=("power",))) as menu:
        assert "Restart" in menu.text
        await menu.press("end", "up")
        assert "Switch off" in marked(menu)
        await menu.press("enter")
        await menu.at(KioskRefusalScreen)
        assert "power poweroff" in session.calls
        assert len(menu.app.screen_stack) == 2, "what said that it goes down is gone"
        assert "This did not work: Switch off." in menu.text
    async with kiosk(used=settings(kiosk_actions=("power",)), confirm_always=True) as menu:
        assert "Switch off" not in menu.text, "a running system"


class Watched(FakeSession):
    """A session that records the screen at the moment of a power action."""

    menu: Menu
    seen = ""

    def power(self, wanted: Power) -> None:
        """See Session."""
        self.seen = self.menu.text
        super().power(wanted)


async def test_the_last_screen_says_that_it_switches_off() -> None:
    session = Watched()
    async with kiosk(session, settings(kiosk_actions=("power",))) as menu:
        session.menu = menu
        await menu.press("end", "up", "enter")
        await menu.at(KioskRefusalScreen)
    assert "The machine is switching off." in session.seen
    assert "Restart" not in session.seen, "the choices are gone"


async def test_an_entry_may_ask_for_the_pin() -> None:
    async with kiosk(used=settings(kiosk_locked=("alpine",))) as menu:
        await menu.press("3")
        assert marked(menu).endswith("asks for the PIN")
        await menu.press("enter")
        await menu.at(PinScreen)
        await menu.press("escape")
        assert menu.app.screen is screen(menu)
        await menu.press("enter", "4", "7", "1", "1", "enter")
        await menu.until(lambda: menu.app.return_value is not None)
        assert isinstance(menu.app.return_value, Jump)


# ---- the PIN


async def opened(menu: Menu, *digits: str) -> None:
    await menu.press("end", "enter")
    await menu.at(PinScreen)
    await menu.press(*digits, "enter")


async def test_the_right_pin_opens_the_whole_menu_and_esc_locks_it_again() -> None:
    session = FakeSession()
    async with kiosk(session, may_quit=False) as menu:
        await opened(menu, *"4711")
        await menu.at(MenuScreen)
        await menu.sees("6.1.0-49-arm64")
        assert "lock" in menu.rows[-1]
        await menu.press("q", "ctrl+c", "ctrl+q")
        assert menu.app.is_running, "a first stage is not left even then"
        await menu.press("escape")
        assert menu.app.screen is screen(menu)
        await menu.until(lambda: session.calls.count("scan") == 3)
        await menu.press("end", "enter")
        await menu.at(PinScreen)


async def test_on_a_running_system_it_is_left_by_the_pin_and_quit() -> None:
    async with kiosk() as menu:
        await opened(menu, *"4711")
        await menu.at(MenuScreen)
        await menu.press("q")
        assert menu.app.return_value == Quit()


async def test_a_wrong_pin_is_counted_and_nothing_of_it_is_shown(tmp_path: Path) -> None:
    session = FakeSession(state_store=StateStore(FolderBackend(tmp_path / "state")))
    async with kiosk(session) as menu:
        await opened(menu, *"9876")
        await menu.sees("That was not the PIN. Please try again.")
        assert session.state_store.state.wrong_pins == 1
        for _ in range(3):
            await menu.press(*"9876")
            assert "* * * * _" in menu.text
            assert "9876" not in menu.text
            await menu.press("enter")
            await menu.until(lambda: not menu.app.screen._checking)  # type: ignore[attr-defined]
        await menu.sees("Please wait")
        await menu.press(*"4711", "enter")
        assert isinstance(menu.app.screen, PinScreen), "in the pause nothing is taken"
        assert session.state_store.state.wrong_pins == 4


async def test_three_buttons_enter_the_pin() -> None:
    async with kiosk() as menu:
        await menu.press("end", "enter")
        await menu.at(PinScreen)
        four, seven = ["down"] * 4, ["down"] * 3
        await menu.press(*four, "enter", *seven, "enter", *["up"] * 6, "enter", "enter")
        assert "* * * * _" in menu.text
        assert "[1]" in menu.text
        await menu.press("up", "up", "up", "up")
        assert "[OK]" in menu.text
        await menu.press("enter")
        await menu.at(MenuScreen)


# ---- time


def idle(menu: Menu) -> None:
    screen(menu)._last_activity = monotonic() - KIOSK.kiosk_idle
    screen(menu)._tick()


async def test_the_idle_time_brings_the_countdown_and_the_countdown_starts_the_recommended_entry() -> None:
    async with kiosk(countdown=0) as menu:
        await menu.press("end", "enter")
        await menu.at(PinScreen)
        idle(menu)
        await menu.at(KioskScreen)
        await menu.sees("Starts automatically in 5 s.")
        assert "Start normally" in marked(menu)
        screen(menu)._countdown_end = monotonic()
        screen(menu)._tick()
        await menu.until(lambda: menu.app.return_value is not None)
        assert isinstance(menu.app.return_value, Jump)
        assert menu.app.return_value.plan.entry.id == "debian-49"


async def test_what_another_console_or_the_open_menu_makes_the_default_is_recommended_at_once() -> None:
    session = FakeSession()
    async with kiosk(session) as menu:
        assert "Start normally" in marked(menu)
        session.state_store.update(lambda state: state.with_default(fakes.OLDER))
        await menu.until(lambda: "Start the previous version" in marked(menu))
    assert session.state_store._listeners == []


async def test_a_key_stops_the_countdown() -> None:
    async with kiosk(countdown=60) as menu:
        idle(menu)
        await menu.sees("Starts automatically in")
        await menu.press("down")
        assert "Starts automatically" not in menu.text
        assert screen(menu)._countdown_end is None


async def test_without_a_countdown_the_idle_time_only_goes_back_to_the_start() -> None:
    async with kiosk() as menu:
        await menu.press("down")
        idle(menu)
        await menu.until(lambda: "Start normally" in marked(menu))
        assert "Starts automatically" not in menu.text


async def test_the_open_menu_is_locked_after_the_idle_time() -> None:
    session = FakeSession()
    async with kiosk(session) as menu:
        await opened(menu, *"4711")
        await menu.at(MenuScreen)
        await menu.press("d")
        await menu.at(DetailsScreen)
        idle(menu)
        await menu.at(KioskScreen)
        await menu.until(lambda: session.calls.count("scan") == 3)


async def test_a_refusal_that_nobody_reads_is_left_and_another_entry_is_next() -> None:
    session = FakeSession(load_error=fakes.BUSY)
    async with kiosk(session, countdown=0) as menu:
        await menu.press("enter")
        await menu.at(KioskRefusalScreen)
        idle(menu)
        await menu.at(KioskScreen)
        await menu.sees("Starts automatically in")  # 5 s, on a machine that draws every second
        assert "Start the previous version" in marked(menu)
        assert len(menu.app.screen_stack) == 1
        session.load_error = None
        screen(menu)._countdown_end = monotonic()
        screen(menu)._tick()
        await menu.until(lambda: menu.app.return_value is not None)
        assert isinstance(menu.app.return_value, Jump)
        assert menu.app.return_value.plan.entry.id == "debian-47"


async def test_what_is_loading_is_not_left_after_the_idle_time() -> None:
    session = FakeSession()
    session.load_gate.clear()
    async with kiosk(session) as menu:
        await menu.press("enter")
        await menu.until(session.load_reached.is_set)
        idle(menu)
        assert isinstance(menu.app.screen, KioskLoadingScreen)
        session.load_gate.set()
        await menu.until(lambda: menu.app.return_value is not None)


async def test_the_open_menu_is_locked_with_a_refusal_on_it() -> None:
    session = FakeSession(load_error=fakes.BUSY)
    async with kiosk(session) as menu:
        await opened(menu, *"4711")
        await menu.at(MenuScreen)
        await menu.sees("6.1.0-49-arm64")
        await menu.press("enter")
        await menu.at(RefusalScreen)
        idle(menu)
        await menu.at(KioskScreen)
        assert len(menu.app.screen_stack) == 1
        await menu.until(lambda: session.calls.count("scan") == 3)


async def test_a_simulation_that_nobody_reads_leaves_nothing_loaded() -> None:
    session = FakeSession(simulated=True)
    async with kiosk(session) as menu:
        await menu.press("enter")
        await menu.at(KioskSimulationEndScreen)
        idle(menu)
        await menu.at(KioskScreen)
        assert session.calls.count("unload") == 1


async def test_the_end_of_a_simulation() -> None:
    async with kiosk(FakeSession(simulated=True), simulated_pin="The PIN is 4711.") as menu:
        assert "SIMULATION" in menu.rows[0]
        assert "The PIN is 4711." in menu.rows[0]
        await menu.press("enter")
        await menu.at(KioskSimulationEndScreen)
        assert "Here this would happen: Start normally." in menu.text
        await menu.press("enter")
        await menu.at(KioskScreen)


async def test_clicks_choose_a_row_and_open_nothing_but_rows() -> None:
    async with kiosk() as menu:
        rows = [y for y, row in enumerate(menu.rows) if row.strip()]
        for y in rows:
            await menu.pilot.click(offset=(20, y))
            await menu.pilot.pause(0.01)
            assert menu.app.screen is screen(menu)
        await menu.press("home", "down")
        second = marked(menu)
        y = next(y for y, row in enumerate(menu.rows) if "▶" in row)
        await menu.press("home")
        assert marked(menu) != second
        await menu.pilot.click(offset=(20, y))
        await menu.press()
        assert marked(menu) == second


async def test_a_contact_of_several_lines_is_shown_whole() -> None:
    contact = "In case of a fault call the control room on extension 4711, or at night the porter on 0800 123 456."
    async with kiosk(used=settings(kiosk_contact=contact), size=(60, 20)) as menu:
        assert " ".join(menu.text.split()).endswith(contact)


async def test_one_whose_settings_were_not_understood_has_its_default_entry_and_the_contact() -> None:
    used = parse(b'[kiosk]\ncontact = "Help: 0800 123 456"\n[broken', "file").settings
    session = FakeSession()
    async with kiosk(session, used) as menu:
        await menu.until(lambda: bool(screen(menu).rows))
        assert [row.key for row in screen(menu).rows] == ["mmcblk0p1:debian-49"]
        assert "Help: 0800 123 456" in menu.rows[-1]
        assert "Service" not in menu.text
        await menu.press("down", "2", "s", "e", "p", "enter")
        await menu.until(lambda: menu.app.return_value is not None)
        assert isinstance(menu.app.return_value, Jump)
        assert menu.app.return_value.plan.entry.id == "debian-49"


async def test_what_is_not_surely_the_default_is_not_offered_as_it() -> None:
    used = parse(b"", "file").settings
    session = FakeSession()
    session.scan_gate.clear()
    async with kiosk(session, used, scanned=False) as menu:
        await menu.until(lambda: bool(list(screen(menu).results.listings)))
        assert screen(menu).rows == []
        session.scan_gate.set()
        await menu.until(lambda: bool(screen(menu).rows))


async def test_the_signs_of_the_pin_stand_in_a_row_so_left_and_right_move_too() -> None:
    async with kiosk() as menu:
        await menu.press("end", "enter")
        await menu.at(PinScreen)
        await menu.press("right", "right", "left")
        await menu.sees("[1]")
