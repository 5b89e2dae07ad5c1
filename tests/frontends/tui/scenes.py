# SPDX-License-Identifier: MIT
"""Every screen, with the shortest way to it. `appearance` draws them for the tests."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from bootmenu import i18n
from bootmenu.bootstate.state import Attempt, State
from bootmenu.bootstate.state_store import StateStore
from bootmenu.discovery.dtb_candidates import Fit
from bootmenu.discovery.file_choices import FileChoices
from bootmenu.frontends.tui.app import BootmenuApp
from bootmenu.frontends.tui.screens.choice_screen import ChoiceScreen
from bootmenu.frontends.tui.screens.comparison_screen import ComparisonScreen
from bootmenu.frontends.tui.screens.edit_screen import EditScreen
from bootmenu.frontends.tui.screens.kiosk_page import KioskRefusalScreen, KioskSimulationEndScreen
from bootmenu.frontends.tui.screens.kiosk_screen import KioskScreen
from bootmenu.frontends.tui.screens.loading_screen import LoadingScreen
from bootmenu.frontends.tui.screens.name_screen import NameScreen
from bootmenu.frontends.tui.screens.refusal_screen import RefusalScreen, SimulationEndScreen
from bootmenu.frontends.tui.screens.welcome_screen import WelcomeScreen
from bootmenu.model.entry import FileRef
from bootmenu.model.progress import Stage
from bootmenu.model.value import replace
from bootmenu.system.power import Power
from scripts.messages import msgids
from tests.builders import fakes
from tests.builders.fakes import KIOSK, FakeSession
from tests.frontends.tui.driving import Menu
from tests.frontends.tui.test_actions import trees as handed
from tests.frontends.tui.test_menu import choice

Way = Callable[[Menu], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Scene:
    """A screen. make: builds the app. way: goes from its start to the screen."""

    make: Callable[[], BootmenuApp]
    way: Way


def _keys(*pressed: str, until: Callable[[Menu], object] = bool) -> Way:
    """Return a way that waits for the scan, presses the keys and waits until a condition holds."""

    async def way(menu: Menu) -> None:
        screen = menu.app.screen_stack[0]
        if isinstance(screen, KioskScreen):
            await menu.until(lambda: screen._state is not None)
        await menu.scanned()
        await menu.press(*pressed)
        await menu.until(lambda: until(menu))

    return way


def _sees(text: str) -> Way:
    """Return a way that waits for a text."""

    async def way(menu: Menu) -> None:
        await menu.until(lambda: _sees_now(text)(menu))

    return way


def _sees_now(text: str) -> Callable[[Menu], object]:
    """Return whether the screen has an English text, or what says the same in the language in use."""
    return lambda menu: any(said in menu.text for said in _said(text))


def _said(text: str) -> list[str]:
    """Return the text, and the longest part without a field of each message that has it, in the language in use."""
    found = [text]
    if i18n._translations is None:  # finding the messages takes seconds
        return found
    template = re.sub(r"\d+", "{n}", text)
    for key in msgids():
        if any(text in one or template in one for one in key):
            said = i18n.localized(i18n.Message(key[0], {}, key[-1], 2)) if len(key) > 1 else i18n._(key[0])
            if said not in key:
                found.append(max(re.split(r"\{[^}]*\}", said), key=len).strip()[:20])
    return found


def _at(screen: type) -> Callable[[Menu], object]:
    return lambda menu: isinstance(menu.app.screen, screen)


def _menu(way: Way, *, session: Callable[..., FakeSession] = FakeSession, **changes: Any) -> Scene:
    """Return a scene of the menu. changes: arguments of the session or the app."""
    context = {
        name: changes.pop(name)
        for name in ("confirm_always", "offer_demo", "may_quit", "console_names")
        if name in changes
    }
    return Scene(lambda: BootmenuApp(session(**changes), **context), way)


def _kiosk(way: Way, **changes: Any) -> Scene:
    """Return a scene of the kiosk. changes: arguments of the session."""
    return Scene(lambda: BootmenuApp(FakeSession(**changes), settings=KIOSK, simulated_pin="The PIN is 4711."), way)


def _halted(**changes: Any) -> FakeSession:
    """Return a session whose scan and load stop half-way."""
    session = FakeSession(**changes)
    session.load_gate.clear()
    session.scan_gate.clear()
    return session


def _loading(**changes: Any) -> FakeSession:
    """Return a session whose load stops half-way."""
    session = FakeSession(**changes)
    session.load_gate.clear()
    return session


def _going_down() -> FakeSession:
    """Return a session whose machine is about to switch off."""
    session = FakeSession()
    session.power_gate.clear()
    return session


def _unlocking() -> FakeSession:
    """Return a session that tries a passphrase for ever."""
    session = FakeSession(events=fakes.LOCKED)
    session.unlock_gate.clear()
    return session


def _remembering(**state: Any) -> StateStore:
    memory = StateStore(None)
    memory.state = State(**state)
    return memory


def _halfway(menu: Menu) -> object:
    screen = menu.app.screen
    return isinstance(screen, LoadingScreen) and Stage.INITRAMFS in screen.progress


def _judged(menu: Menu) -> object:
    """Return whether the edited entry has been checked and the device trees are known."""
    screen = menu.app.screen
    return isinstance(screen, EditScreen) and screen.settled and not _sees_now("looking for files")(menu)


def _over_editor(kind: type[object]) -> Callable[[Menu], object]:
    """Return whether a dialog is open over an editor whose entry has been checked."""

    def holds(menu: Menu) -> object:
        *_, below, screen = menu.app.screen_stack
        return isinstance(screen, kind) and isinstance(below, EditScreen) and below.settled

    return holds


def _completed(menu: Menu) -> object:
    """Return whether a path was completed, and the edited entry has been checked."""
    screen = menu.app.screen
    return isinstance(screen, EditScreen) and screen.editor.completions and _judged(menu)


def _planned(menu: Menu) -> object:
    return getattr(menu.app.screen, "plan", None)


def _with_log() -> BootmenuApp:
    lines = [f"usb 1-1.{number}: new high-speed USB device" for number in range(40)]
    app = BootmenuApp(FakeSession(kernel_lines=lines))
    app.context = replace(app.context, log_file="/run/bootmenu/menu.log")
    return app


def _in_kiosk(session: FakeSession) -> BootmenuApp:
    return BootmenuApp(session, settings=KIOSK, simulated_pin="The PIN is 4711.")


_LOST = Attempt(entry="debian-49", at="2026-11-14T09:30:00Z")
_GOOD = Attempt(entry="debian-47", at="2026-11-14T09:30:00Z")
_NOTICES = ("not running as root", "this kernel has no kexec")
_TREES = (choice("/dtbs/bcm2837-rpi-3-b.dtb", Fit.EXACT), choice("/dtbs/bcm2837-rpi-3-b-plus.dtb", Fit.RELATED))
_FILES = fakes.FakeEntryFiles(
    FileChoices(kernels=tuple(FileRef(device="mmcblk0p1", path=f"/vmlinuz-{version}") for version in fakes.VERSIONS)),
    tuple(f"/vmlinuz-{version}" for version in fakes.VERSIONS),
)
_TYPED = ("e", "ctrl+u", *"root=/dev/sda2 single", "down", "end", *".wrong", "up")

SCENES: dict[str, Scene] = {
    "menu": _menu(_keys()),
    "menu-warn": _menu(_keys("2")),
    "menu-fail": _menu(_keys("3")),
    "menu-unknown": _menu(_keys("5")),
    "menu-problem": _menu(_keys("end")),
    "menu-stuck": _menu(_keys("3"), session=fakes.stuck_session),
    "menu-waiting": _menu(_keys("1"), events=fakes.WAITING),
    "menu-empty": _menu(_keys(), events=fakes.EMPTY, notices=_NOTICES, offer_demo=True, may_quit=False),
    "welcome": _menu(_keys(until=_at(WelcomeScreen)), session=fakes.stuck_session, offer_demo=True),
    "menu-visited": _menu(_keys("escape"), session=fakes.stuck_session, offer_demo=True),
    "menu-no-partition": _menu(_keys(), events=fakes.FULL[-1:]),
    "menu-looking": _menu(_sees("sdb1"), session=_halted),
    "menu-starting": _menu(_sees("looking for partitions"), session=_halted, events=fakes.FULL[-1:]),
    "menu-ended-early": _menu(_sees("ended early"), scan_error=OSError(5, "Input/output error")),
    "menu-simulation": _menu(_keys("4"), simulated=True),
    "menu-folded": _menu(_keys("down"), events=fakes.snapshot_events(12, 2)),
    "menu-unfolded": _menu(_keys("down", "right", "down"), events=fakes.snapshot_events(12, 2)),
    "menu-locked": _menu(_keys("down"), events=fakes.LOCKED),
    "menu-remembered": _menu(
        _keys("1", until=_sees_now("did not complete")),
        state_store=_remembering(default="alpine", once="debian-47", lost=(_LOST,)),
    ),
    "menu-tested": _menu(_keys("t", until=_sees_now("2 checks passed"))),
    "filter": _menu(_keys("slash", *"debian ok")),
    "filtered": _menu(_keys("slash", *"rootfs", "enter")),
    "filtered-away": _menu(_keys("slash", *"amiga", "enter")),
    "question": _menu(_keys("3", "enter")),
    "question-always": _menu(_keys("enter", "down"), confirm_always=True),
    "progress": _menu(_keys("enter", until=_halfway), session=_loading),
    "error": _menu(_keys("enter", until=_at(RefusalScreen)), load_error=fakes.BUSY),
    "fault": _menu(_keys("enter", until=_at(RefusalScreen)), load_error=ZeroDivisionError("division by zero")),
    "arrival": _menu(_keys("enter", until=_at(SimulationEndScreen)), simulated=True),
    "details": _menu(_keys("3", "d", until=_planned)),
    "details-open": _menu(_keys("3", "d", "enter", until=_planned)),
    "search": _menu(_keys("3", "d", "slash", *"kernel", "down", until=_sees_now("2 of"))),
    "searched": _menu(_keys("d", "v", "slash", *"cpu", "enter", until=_sees_now("next match")), handed=handed()),
    "tree": _menu(_keys("d", "v", until=_sees_now("Differences")), handed=handed()),
    "edit": _menu(_keys(*_TYPED, until=_judged)),
    "edit-tree": _menu(_keys("e", *["down"] * 4, "tab", until=_judged), trees=_TREES),
    "edit-kernel": _menu(_keys("e", "down", "ctrl+u", *"/vmlinuz-6.1", "tab", until=_completed), entry_files=_FILES),
    "edit-name": _menu(_keys("e", *" single", "f3", "ctrl+u", *"my test entry", until=_over_editor(NameScreen))),
    "edit-drop": _menu(_keys("e", *" single", "escape", until=_over_editor(ChoiceScreen))),
    "menu-own": _menu(_keys("4"), events=fakes.OWN),
    "log": Scene(_with_log, _keys("l", until=_sees_now("new high-speed"))),
    "comparison": _menu(_keys("1", "equals_sign", "3", "C", until=_at(ComparisonScreen))),
    "machine": _menu(
        _keys("i", until=_sees_now("worked")),
        state_store=_remembering(default="alpine", last=_GOOD, good=(_GOOD,), lost=(_LOST,)),
        console_names=("/dev/tty1", "/dev/ttyAMA0"),
    ),
    "power": _menu(_keys("p", "down"), can_do=tuple(Power), confirm_always=True),
    "power-off": _menu(_keys("p", "down", "enter", until=_sees_now("restarting")), session=_going_down),
    "language": _menu(_keys("T", "down")),
    "theme": _menu(_keys("T", "7", "enter", "down")),
    "help": _menu(_keys("f1")),
    "help-search": _menu(_keys("f1", "slash", *"default")),
    "passphrase": _menu(_keys("u", "o", "p", "e", "n"), events=fakes.LOCKED),
    "passphrase-wrong": _menu(_keys("u", "n", "o", "enter", until=_sees_now("not its")), events=fakes.LOCKED),
    "passphrase-tried": _menu(_keys("u", "n", "o", "enter", until=_sees_now("deriving")), session=_unlocking),
    "kiosk": _kiosk(_keys("down")),
    "kiosk-remembered": Scene(
        lambda: _in_kiosk(FakeSession(state_store=_remembering(good=(_GOOD,), lost=(_LOST,)), simulated=True)),
        _keys(),
    ),
    "kiosk-looking": Scene(lambda: _in_kiosk(_halted(events=fakes.FULL[-1:])), _sees("One moment")),
    "kiosk-pin": _kiosk(_keys("end", "enter", "4", "7", "up", "up")),
    "kiosk-progress": Scene(lambda: _in_kiosk(_loading()), _keys("enter", until=_halfway)),
    "kiosk-refusal": _kiosk(_keys("enter", until=_at(KioskRefusalScreen)), load_error=fakes.BUSY),
    "kiosk-power-off": Scene(
        lambda: BootmenuApp(_going_down(), settings=replace(KIOSK, kiosk_actions=("power",))),
        _keys("end", "up", "enter", until=_sees_now("switching off")),
    ),
    "kiosk-arrival": _kiosk(_keys("enter", until=_at(KioskSimulationEndScreen)), simulated=True),
    "kiosk-no-entry": _kiosk(_sees("cannot start at the moment"), events=fakes.EMPTY),
}
