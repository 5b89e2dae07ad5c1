# SPDX-License-Identifier: MIT
"""Wiring: the session, the theme and the terminal become a running menu, and the menu an outcome."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any, ClassVar, TypedDict, Unpack

from rich.console import RenderableType
from textual import events, on
from textual.app import ScreenStackError
from textual.message import Message
from textual.screen import Screen

from bootmenu.config.settings import Profile, Settings
from bootmenu.errors import BootmenuError
from bootmenu.frontends.outcome import Jump, Outcome, Quit
from bootmenu.frontends.tui import themes
from bootmenu.frontends.tui.driver import BootmenuDriver
from bootmenu.frontends.tui.screens.base_screen import BaseScreen, BootmenuScreen
from bootmenu.frontends.tui.screens.help_screen import HelpScreen
from bootmenu.frontends.tui.screens.kiosk_page import KioskRefusalScreen
from bootmenu.frontends.tui.screens.kiosk_screen import KioskScreen
from bootmenu.frontends.tui.screens.menu_screen import MenuScreen
from bootmenu.frontends.tui.screens.refusal_screen import RefusalScreen
from bootmenu.frontends.tui.textual_internals import TextualApp
from bootmenu.frontends.ui_context import UiContext
from bootmenu.kexec.kernel_errors import SimulatedJump
from bootmenu.model.value import replace
from bootmenu.session import menu_log
from bootmenu.session.session_protocol import Session
from bootmenu.system import signals
from bootmenu.system.buttons import Buttons
from bootmenu.system.host import Host
from bootmenu.terminal.capabilities import DRAIN, Depth
from bootmenu.terminal.consoles import Console
from bootmenu.view.policy import Policy


class BootmenuApp(TextualApp[Outcome], inherit_bindings=False):
    """The menu. Its screens ask the session; its outcome says what the caller does next."""

    TITLE = "bootmenu"
    CSS_PATH = "bootmenu.tcss"
    ENABLE_COMMAND_PALETTE = False
    ALLOW_SELECT = False
    AUTO_FOCUS = ""
    BINDINGS: ClassVar = []
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - the base class says what it is

    def __init__(
        self,
        session: Session,
        *,
        theme: str | None = None,
        error: BootmenuError | None = None,
        trouble: str = "",
        offer_demo: bool = False,
        may_quit: bool = True,
        confirm_always: bool = False,
        settings: Settings | None = None,
        countdown: int | None = None,
        simulated_pin: str = "",
        place: Console | None = None,
        has_buttons: bool = True,
    ) -> None:
        """error: a load or a jump that came back; it is shown first. trouble: a sentence to begin with. place: the
        terminal to draw on, one of several; None = that of this process. has_buttons: those of the machine are this
        terminal's."""
        self.place = place
        self._has_buttons = has_buttons
        self.hung_up = False
        """Nobody is at this one of several terminals any more."""
        settings = settings or Settings()
        depth = Depth.of(os.environ)
        if settings.profile is Profile.KIOSK and depth in (Depth.MANY, Depth.ALL):
            theme = theme or "kiosk"
        choice = themes.choose(theme, depth)
        # Textual picks its colour filters while it is built: the kind of theme has to be known by then
        self._chosen = choice.theme
        super().__init__(driver_class=BootmenuDriver, ansi_color=choice.theme.ansi)
        self.register_theme(choice.theme)
        self.theme = choice.theme.name
        self.context = UiContext(
            session=session,
            may_quit=may_quit,
            confirm_always=confirm_always,
            offer_demo=offer_demo,
            trouble=trouble or choice.trouble,
            log_file="" if session.simulated else str(menu_log.log_file()),
            settings=settings,
            policy=self._policy(settings),
            countdown=countdown,
            simulated_pin=simulated_pin,
            few_buttons=self._few_buttons,
            logged=lambda: self._logged,
        )
        self._logged = False
        self._stop_listening: Callable[[], None] | None = None
        self._listening = contextlib.ExitStack()
        """To signals."""
        # what a simulation comes back with is no trouble
        self._troubles = [text for text in (trouble, choice.trouble) if text and not session.simulated]
        self.came_back = error
        self.fault: menu_log.InternalError | None = None
        self._buttons: Buttons | None = None

    def _policy(self, settings: Settings) -> Policy:
        """A shell is opened on the terminal of this process, which is not where every app is."""
        policy = Policy.of(settings)
        return policy if self.place is None or self.place.is_own else replace(policy, offers_shell=False)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """A colour for every style."""
        return themes.defaults(self._chosen)

    def wait_until_seen(self) -> None:
        """In a thread: wait until what is drawn now stands on the terminal; not long, since a line that takes nothing
        must not keep the machine from what was asked of it."""
        drawn = threading.Event()
        if self.call_soon(self.screen.call_after_refresh, drawn.set):
            drawn.wait(DRAIN)
        if isinstance(self.driver, BootmenuDriver):
            self.driver.drain()

    def get_default_screen(self) -> Screen[None]:
        """The menu, or the kiosk's, lies under everything."""
        return KioskScreen(self.context) if self.context.policy.kiosk else MenuScreen(self.context)

    def _few_buttons(self) -> bool:
        return self._buttons is not None and self._buttons.few

    class Logged(Message):
        """Something was written to the log."""

    @on(Logged)
    def _show_logged(self) -> None:
        self._logged = True
        for screen in self.screen_stack:
            if isinstance(screen, BootmenuScreen):
                screen.draw_title()

    def on_unmount(self) -> None:
        """Nobody looks any more."""
        self._listening.close()
        if self._stop_listening is not None:
            self._stop_listening()

    def on_mount(self) -> None:
        """Show what came back, and leave in order when told to by a signal."""
        self._stop_listening = menu_log.listen(lambda: self.post_message(self.Logged()))
        for trouble in self._troubles:
            menu_log.write(trouble)
        if not self.is_headless:
            loop = asyncio.get_running_loop()
            with contextlib.suppress(ValueError, RuntimeError):
                loop.add_signal_handler(signal.SIGINT, self.exit, Quit(signal=signal.SIGINT))
            # and these not by the loop, which lets them kill again when it is closed
            self._listening.enter_context(
                signals.listening(
                    lambda number: loop.call_soon_threadsafe(self.exit, Quit(signal=signal.Signals(number)))
                )
            )
            if self.context.settings.buttons and self._has_buttons:
                self._buttons = Buttons(Host(), grab=self.context.policy.kiosk)
                self.run_worker(self._read_buttons, thread=True, group="buttons", exit_on_error=False)
            if self.context.policy.kiosk:
                self._lock_terminal()
        if self.came_back is not None and not isinstance(self.came_back, SimulatedJump):
            refusal = KioskRefusalScreen if self.context.policy.kiosk else RefusalScreen
            self.push_screen(refusal(self.context, self.came_back))

    def _lock_terminal(self) -> None:
        """Signals of a keyboard that got through end nothing."""
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP):
            with contextlib.suppress(ValueError, RuntimeError):
                asyncio.get_running_loop().remove_signal_handler(number)
            signal.signal(number, signal.SIG_IGN)

    def _read_buttons(self) -> None:
        """In a thread."""
        assert self._buttons is not None
        for press in self._buttons.presses():
            self.call_from_thread(self.simulate_key, str(press))

    async def on_event(self, event: events.Event) -> None:
        """Every key and click begins the kiosk's idle time anew. The wheel is Up and Down."""
        if isinstance(event, (events.MouseScrollDown, events.MouseScrollUp)) and not event.is_forwarded:
            self.simulate_key("down" if isinstance(event, events.MouseScrollDown) else "up")
            return
        if (
            isinstance(event, (events.Key, events.MouseDown))
            and self.screen_stack
            and isinstance(self.screen_stack[0], KioskScreen)
        ):
            self.screen_stack[0].touch()
        await super().on_event(event)

    def hang_up(self) -> None:
        """The line is gone. Where it is the only one, so is everybody."""
        if self.place is None:
            os.kill(os.getpid(), signal.SIGHUP)
            return
        self.hung_up = True
        # and not waited for: the end of the app waits for this thread
        self.call_soon(self.exit, Quit(signal=signal.SIGHUP))

    async def action_quit(self) -> None:
        """Only the menu's own key leaves."""

    def action_suspend_process(self) -> None:
        """Nobody is there to wake a first stage."""

    def show_help(self, screen: BaseScreen[Any]) -> None:
        """Show the help about a screen's keys over it."""
        self.push_screen(HelpScreen(screen.context, screen.screen_id))

    def action_redraw(self) -> None:
        """Send every cell again."""
        if isinstance(self.driver, BootmenuDriver):
            self.driver.forget()
        self.refresh(repaint=True, layout=True)

    def exit(
        self, result: Outcome | None = None, return_code: int = 0, message: RenderableType | None = None
    ) -> None:
        """End with an outcome, and with everything that still works in a thread."""
        if not isinstance(result, Jump):
            self._let_go()
        elif self._buttons is not None:
            self._buttons.stop()
        super().exit(result, return_code, message)

    def _let_go(self) -> None:
        if self._buttons is not None:
            self._buttons.stop()
        for screen in self.screen_stack:
            if isinstance(screen, BootmenuScreen):
                screen.let_go()

    def on_exception(self, error: Exception) -> None:
        """Keep the traceback in a file, and let `run` raise one sentence once the terminal is restored."""
        self.fault = menu_log.internal_error(error)
        with contextlib.suppress(ScreenStackError):
            self._let_go()


_QUICK = 10.0
"""Seconds within which a fault is a quick one."""
_MOST_QUICK = 3


_LAST_WORDS = 3.0
"""Seconds in which the apps of the other consoles end when one has an outcome."""


class Beginning(TypedDict, total=False):
    """How apps begin; see BootmenuApp."""

    theme: str | None
    error: BootmenuError | None
    trouble: str
    offer_demo: bool
    may_quit: bool
    confirm_always: bool
    settings: Settings | None
    countdown: int | None
    simulated_pin: str


def run(session: Session, **beginning: Unpack[Beginning]) -> Outcome:
    """Show the menu until it has an outcome. Raise InternalError after an unexpected exception, with the terminal
    restored.

    The kiosk begins again instead, unless it fails three times in a row within seconds.
    """
    return run_on([(session, None)], **beginning)[1]


def run_on(places: Sequence[tuple[Session, Console | None]], **beginning: Unpack[Beginning]) -> tuple[int, Outcome]:
    """The same on several terminals at once, each with a view of one session: the first outcome is everybody's.
    Returns whose it is as well."""
    quick = 0
    while True:
        buttons = with_buttons([place for _, place in places])
        apps = [
            _app(session, place, several=len(places) > 1, has_buttons=number == buttons, **beginning)
            for number, (session, place) in enumerate(places)
        ]
        began = monotonic()
        with signals.held():
            outcomes = [apps[0].run()] if len(apps) == 1 else asyncio.run(_together(apps))
        fault = next((app.fault for app in apps if app.fault is not None), None)
        if fault is None:
            first = next((number for number, outcome in enumerate(outcomes) if outcome is not None), 0)
            return first, outcomes[first] or Quit()
        quick = quick + 1 if monotonic() - began < _QUICK else 0
        context = apps[0].context
        if not context.policy.kiosk:
            raise fault
        if quick >= _MOST_QUICK:
            raise menu_log.InternalError(
                "This terminal has a fault, and begins again.", context.settings.kiosk_contact
            )
        beginning["error"] = None


def with_buttons(places: Sequence[Console | None]) -> int:
    """Which of them the machine's buttons belong to: whoever presses one looks at the monitor, if there is one. Read
    for several, a press would be done several times, or only where they were grabbed first."""
    return next((number for number, place in enumerate(places) if place is not None and place.is_screen), 0)


def _app(
    session: Session, place: Console | None, *, several: bool, has_buttons: bool, **beginning: Unpack[Beginning]
) -> BootmenuApp:
    """An app takes colours and glyphs from the environment while it is made."""
    with contextlib.nullcontext() if place is None else place.environment():
        elsewhere = place is not None and (several or not place.is_own)
        return BootmenuApp(session, place=place if elsewhere else None, has_buttons=has_buttons, **beginning)


async def _together(apps: Sequence[BootmenuApp]) -> list[Outcome | None]:
    """Until one has an outcome, or all have hung up; None for those that have none of their own."""
    out, err = sys.stdout, sys.stderr
    tasks = {asyncio.create_task(app.run_async()): app for app in apps}
    pending = set(tasks)
    first: BootmenuApp | None = None
    while pending and first is None:
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        first = next((tasks[task] for task in done if not tasks[task].hung_up), None)
    for task in pending:
        tasks[task].exit(Quit())
    if pending:
        await asyncio.wait(pending, timeout=_LAST_WORDS)
    sys.stdout, sys.stderr = out, err  # each app has put back what it found, which may be another's
    ended = first or apps[0]
    return [app.return_value if app is ended else None for app in apps]
