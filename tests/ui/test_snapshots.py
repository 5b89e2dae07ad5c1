# SPDX-License-Identifier: MIT
"""How every screen looks. After a change that is meant: pytest tests/ui/test_snapshots.py --snapshot-update."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from bootmenu.discovery.devicetrees import Fit
from bootmenu.model.progress import Stage
from bootmenu.state import Attempt, Memory, State
from bootmenu.system.power import Power
from bootmenu.ui.app import BootmenuApp
from bootmenu.ui.screens.edit import EditScreen
from bootmenu.ui.screens.kiosk import KioskRefusalScreen
from bootmenu.ui.screens.loading import LoadingScreen
from bootmenu.ui.screens.refusal import ArrivalScreen, RefusalScreen
from tests.ui import fakes
from tests.ui.driving import Menu
from tests.ui.fakes import KIOSK, FakeSession
from tests.ui.test_actions import trees as handed
from tests.ui.test_menu import choice

Compare = Callable[..., bool]


def keys(*pressed: str, until: Callable[[Menu], object] | None = None) -> Callable[[Pilot[Any]], Awaitable[None]]:
    """Wait for the scan, press the keys, wait for what shall be there."""

    async def before(pilot: Pilot[Any]) -> None:
        app = pilot.app
        assert isinstance(app, BootmenuApp)
        menu = Menu(app, pilot)
        await menu.scanned()
        await menu.press(*pressed)
        if until is not None:
            await menu.until(lambda: until(menu))

    return before


def halted(**changes: Any) -> FakeSession:
    """A session whose load stops in the middle."""
    session = FakeSession(**changes)
    session.load_gate.clear()
    return session


@pytest.mark.parametrize("theme", ["dark", "light", "vt16"])
@pytest.mark.parametrize("size", [(80, 24), (120, 40), (60, 20)], ids=["80x24", "120x40", "60x20"])
def test_menu(snap_compare: Compare, theme: str, size: tuple[int, int]) -> None:
    assert snap_compare(BootmenuApp(FakeSession(), theme=theme), terminal_size=size, run_before=keys("3"))


def test_menu_as_it_opens(snap_compare: Compare) -> None:
    assert snap_compare(BootmenuApp(FakeSession()), run_before=keys())


def test_stuck_machine(snap_compare: Compare) -> None:
    assert snap_compare(BootmenuApp(fakes.stuck_session()), run_before=keys("3"))


@pytest.mark.parametrize("theme", ["dark", "vt16"])
def test_question(snap_compare: Compare, theme: str) -> None:
    assert snap_compare(BootmenuApp(FakeSession(), theme=theme), run_before=keys("3", "enter"))


def test_question_on_a_running_system(snap_compare: Compare) -> None:
    app = BootmenuApp(FakeSession(), confirm_always=True)
    assert snap_compare(app, terminal_size=(60, 20), run_before=keys("enter", "down"))


@pytest.mark.parametrize("size", [(80, 24), (60, 20)], ids=["80x24", "60x20"])
def test_progress(snap_compare: Compare, size: tuple[int, int]) -> None:
    session = halted()
    before = keys(
        "enter",
        until=lambda menu: (
            (isinstance(menu.app.screen, LoadingScreen) and "34.1 MB" in menu.text) or "12.1 MB" in menu.text
        ),
    )
    assert snap_compare(BootmenuApp(session), terminal_size=size, run_before=before)
    session.load_gate.set()


def test_error(snap_compare: Compare) -> None:
    before = keys("enter", until=lambda menu: isinstance(menu.app.screen, RefusalScreen))
    assert snap_compare(BootmenuApp(FakeSession(load_error=fakes.BUSY)), run_before=before)


def test_details(snap_compare: Compare) -> None:
    before = keys("3", "d", until=lambda menu: getattr(menu.app.screen, "plan", None))
    assert snap_compare(BootmenuApp(FakeSession()), terminal_size=(80, 40), run_before=before)


def test_help(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOOTMENU_LOG", "/run/bootmenu/menu.log")
    monkeypatch.setattr("bootmenu.ui.pages.manual.__version__", "0")
    assert snap_compare(BootmenuApp(FakeSession()), terminal_size=(80, 44), run_before=keys("f1"))


def test_empty(snap_compare: Compare) -> None:
    session = FakeSession(events=fakes.EMPTY, notices=("not running as root", "this kernel has no kexec"))
    assert snap_compare(BootmenuApp(session, offer_demo=True), run_before=keys())


def test_still_looking(snap_compare: Compare) -> None:
    session = FakeSession()
    session.scan_gate.clear()

    async def before(pilot: Pilot[Any]) -> None:
        app = pilot.app
        assert isinstance(app, BootmenuApp)
        await Menu(app, pilot).sees("sdb1")

    assert snap_compare(BootmenuApp(session), run_before=before)
    session.scan_gate.set()


def test_simulation(snap_compare: Compare) -> None:
    assert snap_compare(BootmenuApp(FakeSession(simulated=True)), run_before=keys("4"))


def test_end_of_a_simulation(snap_compare: Compare) -> None:
    before = keys("enter", until=lambda menu: isinstance(menu.app.screen, ArrivalScreen))
    assert snap_compare(BootmenuApp(FakeSession(simulated=True)), run_before=before)


def kiosk(**changes: Any) -> BootmenuApp:
    return BootmenuApp(FakeSession(**changes), theme="dark", settings=KIOSK, simulated_pin="The PIN is 4711.")


SIZES = pytest.mark.parametrize("size", [(80, 24), (120, 40), (60, 20)], ids=["80x24", "120x40", "60x20"])


def kiosk_keys(
    *pressed: str, until: Callable[[Menu], object] | None = None
) -> Callable[[Pilot[Any]], Awaitable[None]]:
    """As keys, when what is remembered has been read, too."""

    async def before(pilot: Pilot[Any]) -> None:
        app = pilot.app
        assert isinstance(app, BootmenuApp)
        menu = Menu(app, pilot)
        await menu.sees("This terminal can start")
        await menu.scanned()
        await menu.press(*pressed)
        if until is not None:
            await menu.until(lambda: until(menu))

    return before


@SIZES
def test_kiosk(snap_compare: Compare, size: tuple[int, int]) -> None:
    state = State(good=(Attempt(entry="debian-47", at="2026-11-14T09:30:00Z"),))
    app = kiosk(memory=Memory(None), simulated=size == (120, 40))
    app.terms.session.memory.keep(state)
    assert snap_compare(app, terminal_size=size, run_before=kiosk_keys("down"))


@SIZES
def test_kiosk_pin(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(kiosk(), terminal_size=size, run_before=kiosk_keys("end", "enter", "4", "7", "up", "up"))


@pytest.mark.parametrize("size", [(80, 24), (60, 20)], ids=["80x24", "60x20"])
def test_kiosk_progress(snap_compare: Compare, size: tuple[int, int]) -> None:
    app = kiosk()
    session = app.terms.session
    assert isinstance(session, FakeSession)
    session.load_gate.clear()

    def halfway(menu: Menu) -> bool:
        screen = menu.app.screen
        return isinstance(screen, LoadingScreen) and Stage.INITRAMFS in screen.told

    before = kiosk_keys("enter", until=halfway)
    assert snap_compare(app, terminal_size=size, run_before=before)
    session.load_gate.set()


@pytest.mark.parametrize("size", [(80, 24), (60, 20)], ids=["80x24", "60x20"])
def test_kiosk_refusal(snap_compare: Compare, size: tuple[int, int]) -> None:
    before = kiosk_keys("enter", until=lambda menu: isinstance(menu.app.screen, KioskRefusalScreen))
    assert snap_compare(kiosk(load_error=fakes.BUSY), terminal_size=size, run_before=before)


def test_kiosk_without_an_entry(snap_compare: Compare) -> None:
    async def before(pilot: Pilot[Any]) -> None:
        app = pilot.app
        assert isinstance(app, BootmenuApp)
        await Menu(app, pilot).sees("cannot start at the moment")

    assert snap_compare(kiosk(events=fakes.EMPTY), run_before=before)


SIZES = pytest.mark.parametrize("size", [(80, 24), (120, 40), (60, 20)], ids=["80x24", "120x40", "60x20"])


def judged(menu: Menu) -> object:
    """The edited entry has its verdict, and the device trees are known."""
    screen = menu.app.screen
    return isinstance(screen, EditScreen) and screen.settled and "looking for" not in menu.text


@SIZES
def test_edit(snap_compare: Compare, size: tuple[int, int]) -> None:
    pressed = ("e", "ctrl+u", *"root=/dev/sda2 single", "down", "end", *".wrong", "up")
    assert snap_compare(BootmenuApp(FakeSession()), terminal_size=size, run_before=keys(*pressed, until=judged))


def test_edit_the_device_tree(snap_compare: Compare) -> None:
    ready = (choice("/dtbs/bcm2837-rpi-3-b.dtb", Fit.EXACT), choice("/dtbs/bcm2837-rpi-3-b-plus.dtb", Fit.RELATED))
    before = keys("e", *["down"] * 4, "tab", until=judged)
    assert snap_compare(BootmenuApp(FakeSession(trees=ready)), run_before=before)


@SIZES
def test_filter(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(BootmenuApp(FakeSession()), terminal_size=size, run_before=keys("slash", *"debian ok"))


def test_filtered(snap_compare: Compare) -> None:
    assert snap_compare(BootmenuApp(FakeSession()), run_before=keys("slash", *"rootfs", "enter"))


def test_power(snap_compare: Compare) -> None:
    app = BootmenuApp(FakeSession(can_do=tuple(Power)), confirm_always=True)
    assert snap_compare(app, run_before=keys("p", "down"))


def test_log(snap_compare: Compare) -> None:
    lines = [f"usb 1-1.{number}: new high-speed USB device" for number in range(40)]
    app = BootmenuApp(FakeSession(kernel_lines=lines))
    app.terms = dataclasses.replace(app.terms, log_file="/run/bootmenu/menu.log")
    assert snap_compare(app, run_before=keys("l", until=lambda menu: "None." in menu.text))


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
def test_device_tree(snap_compare: Compare, size: tuple[int, int]) -> None:
    before = keys("d", "t", until=lambda menu: "Against" in menu.text)
    assert snap_compare(BootmenuApp(FakeSession(handed=handed())), terminal_size=size, run_before=before)


def test_test_load(snap_compare: Compare) -> None:
    before = keys("t", until=lambda menu: "taken out again" in menu.text)
    assert snap_compare(BootmenuApp(FakeSession()), terminal_size=(120, 40), run_before=before)


def test_remembered(snap_compare: Compare) -> None:
    memory = Memory(None)
    memory.state = State(
        default="alpine", once="debian-47", lost=(Attempt(entry="debian-49", at="2026-11-14T09:30:00Z"),)
    )
    before = keys("1", until=lambda menu: "never came back" in menu.text)
    assert snap_compare(BootmenuApp(FakeSession(memory=memory)), run_before=before)


def test_locked(snap_compare: Compare) -> None:
    assert snap_compare(BootmenuApp(FakeSession(events=fakes.LOCKED)), run_before=keys("down"))
