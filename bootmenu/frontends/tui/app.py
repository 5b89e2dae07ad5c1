# SPDX-License-Identifier: MIT
"""Run the Textual app on one or several terminals, and return what it ended with."""

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
from bootmenu.frontends.tui.background import in_background
from bootmenu.frontends.tui.driver import BootmenuDriver
from bootmenu.frontends.tui.screens.base_screen import BaseScreen, BootmenuScreen
from bootmenu.frontends.tui.screens.help_screen import HelpScreen
from bootmenu.frontends.tui.screens.kiosk_page import KioskRefusalScreen
from bootmenu.frontends.tui.screens.kiosk_screen import KioskScreen
from bootmenu.frontends.tui.screens.line_editing import TextInput
from bootmenu.frontends.tui.screens.menu_screen import MenuScreen
from bootmenu.frontends.tui.screens.refusal_screen import RefusalScreen
from bootmenu.frontends.tui.textual_internals import TextualApp
from bootmenu.frontends.tui.widgets.text_view import StyledWidget
from bootmenu.frontends.ui_context import UiContext
from bootmenu.kexec.kernel_errors import SimulatedJump
from bootmenu.model.value import replace
from bootmenu.session import menu_log
from bootmenu.session.session_protocol import Session
from bootmenu.system import signals
from bootmenu.system.buttons import Buttons
from bootmenu.system.host import Host
from bootmenu.terminal.capabilities import DRAIN, Depth, Traits
from bootmenu.terminal.consoles import Console
from bootmenu.view.policy import Policy


class BootmenuApp(TextualApp[Outcome], inherit_bindings=False):
    """Show the menu for a session; the app's return value says what the caller does next."""

    TITLE = "bootmenu"
    CSS_PATH = "bootmenu.tcss"
    ENABLE_COMMAND_PALETTE = False
    ALLOW_SELECT = False
    AUTO_FOCUS = ""
    BINDINGS: ClassVar = []
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (116, "-wide")]  # noqa: RUF012 - the base class says what it is

    def __init__(
        self,
        session: Session,
        *,
        theme: str | None = None,
        error: BootmenuError | None = None,
        warning: str = "",
        console_names: tuple[str, ...] = (),
        offer_demo: bool = False,
        may_quit: bool = True,
        confirm_always: bool = False,
        settings: Settings | None = None,
        countdown: int | None = None,
        simulated_pin: str = "",
        tty: Console | None = None,
        has_buttons: bool = True,
    ) -> None:
        """Build the menu.

        error: a failed load or jump, shown first. warning: a sentence that is shown at the start. tty: the console to
        draw on if it is one of several, or None for the terminal of this process. has_buttons: whether this app reads
        the machine's buttons.
        """
        self.tty = tty
        self._has_buttons = has_buttons
        self.hung_up = False
        """Whether this one of several terminals was disconnected."""
        settings = settings or Settings()
        depth = Depth.of(os.environ)
        if settings.profile is Profile.KIOSK and depth in (Depth.MANY, Depth.ALL):
            theme = theme or "kiosk"
        choice = themes.choose(theme, depth)
        # App.__init__ picks the colour filters, so it has to know whether the theme is an ANSI theme
        self._chosen = choice.theme
        super().__init__(driver_class=BootmenuDriver, ansi_color=choice.theme.ansi)
        self.register_theme(choice.theme)
        self.theme = choice.theme.name
        self.inks = themes.rich_inks(choice.theme)
        self.context = UiContext(
            session=session,
            may_quit=may_quit,
            confirm_always=confirm_always,
            offer_demo=offer_demo,
            warning=warning or choice.error,
            consoles=console_names,
            log_file="" if session.simulated else str(menu_log.log_file()),
            settings=settings,
            policy=self._policy(settings),
            countdown=countdown,
            simulated_pin=simulated_pin,
            few_buttons=self._few_buttons,
            logged=lambda: self._logged,
            depth=depth,
            dims=depth is not Depth.NONE and not Traits.of(os.environ).serial,
        )
        self._logged = False
        self._stop_listening: Callable[[], None] | None = None
        self._signal_handlers = contextlib.ExitStack()
        # a simulation comes back with a message that is no warning
        self._warnings = [text for text in (warning, choice.error) if text and not session.simulated]
        self.first_error = error
        self.fault: menu_log.InternalError | None = None
        self._buttons: Buttons | None = None

    @property
    def theme_name(self) -> str:
        """Return the name of the theme in use."""
        return self._chosen.name

    def use_theme(self, name: str | None) -> None:
        """Draw in another theme from now on; None for the one for the terminal's colours."""
        choice = themes.choose(name, self.context.depth)
        if choice.error:
            menu_log.write(choice.error)
        with self.batch_update():
            self._chosen = choice.theme
            self.register_theme(choice.theme)
            self.ansi_color = choice.theme.ansi
            self.theme = choice.theme.name
            self.inks = themes.rich_inks(choice.theme)
            for screen in self.screen_stack:
                for widget in screen.query(StyledWidget):
                    widget.refresh()
        self.action_redraw()

    def redraw_texts(self) -> None:
        """Draw every screen in the language that is in use now."""
        for screen in self.screen_stack:
            if isinstance(screen, BaseScreen):
                screen.redraw_texts()

    def choose_look(self) -> None:
        """Let the menu ask for language and theme."""
        for screen in self.screen_stack:
            if isinstance(screen, MenuScreen):
                screen.action_look()

    def _policy(self, settings: Settings) -> Policy:
        """Return the policy; without a shell on other terminals, because it runs on the terminal of this process."""
        policy = Policy.of(settings)
        return policy if self.tty is None or self.tty.is_own else replace(policy, offers_shell=False)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return a value for every CSS variable that the theme leaves open."""
        return themes.defaults(self._chosen)

    def wait_until_drawn(self) -> None:
        """Wait until the terminal has received the current frame. Call it in a thread.

        It gives up after a moment: a blocked serial line must not delay the boot.
        """
        drawn = threading.Event()
        if self.call_soon(self.screen.call_after_refresh, drawn.set):
            drawn.wait(DRAIN)
        if isinstance(self.driver, BootmenuDriver):
            self.driver.drain()

    def get_default_screen(self) -> Screen[None]:
        """Return the bottom of the screen stack: the menu or the kiosk."""
        return KioskScreen(self.context) if self.context.policy.kiosk else MenuScreen(self.context)

    def _few_buttons(self) -> bool:
        return self._buttons is not None and self._buttons.few

    class Logged(Message):
        """A message was logged."""

    @on(Logged)
    def _show_logged(self) -> None:
        self._logged = True
        for screen in self.screen_stack:
            if isinstance(screen, BootmenuScreen):
                screen.draw_title()

    def on_unmount(self) -> None:
        """Stop listening for signals and log messages."""
        self._signal_handlers.close()
        if self._stop_listening is not None:
            self._stop_listening()

    def on_mount(self) -> None:
        """Show the first error, handle signals and read the buttons."""
        self._stop_listening = menu_log.listen(lambda: self.post_message(self.Logged()))
        for warning in self._warnings:
            menu_log.write(warning)
        if not self.is_headless:
            loop = asyncio.get_running_loop()
            with contextlib.suppress(ValueError, RuntimeError):
                loop.add_signal_handler(signal.SIGINT, self.exit, Quit(signal=signal.SIGINT))
            # not with add_signal_handler: a closing loop restores the default action, which kills the process
            self._signal_handlers.enter_context(
                signals.listening(
                    lambda number: loop.call_soon_threadsafe(self.exit, Quit(signal=signal.Signals(number)))
                )
            )
            if self.context.settings.buttons and self._has_buttons:
                self._buttons = Buttons(Host(), grab=self.context.policy.kiosk)
                in_background(self, self._read_buttons, "buttons")
            if self.context.policy.kiosk:
                self._ignore_terminal_signals()
        if self.first_error is not None and not isinstance(self.first_error, SimulatedJump):
            refusal = KioskRefusalScreen if self.context.policy.kiosk else RefusalScreen
            self.push_screen(refusal(self.context, self.first_error))

    def _ignore_terminal_signals(self) -> None:
        """Ignore the signals that keys can send, in case the terminal still sends them."""
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP):
            with contextlib.suppress(ValueError, RuntimeError):
                asyncio.get_running_loop().remove_signal_handler(number)
            signal.signal(number, signal.SIG_IGN)

    def _read_buttons(self) -> None:
        """Turn button presses into keys, in a thread."""
        assert self._buttons is not None
        for press in self._buttons.presses():
            self.call_from_thread(self.simulate_key, str(press))

    async def on_event(self, event: events.Event) -> None:
        """Turn the mouse wheel into Up and Down; restart the kiosk's idle time at every key and click."""
        if isinstance(event, (events.MouseScrollDown, events.MouseScrollUp)) and not event.is_forwarded:
            self.simulate_key("down" if isinstance(event, events.MouseScrollDown) else "up")
            return
        if (
            isinstance(event, (events.Key, events.MouseDown))
            and self.screen_stack
            and isinstance(self.screen_stack[0], KioskScreen)
        ):
            self.screen_stack[0].note_activity()
        await super().on_event(event)

    def on_key(self, event: events.Key) -> None:
        """Pass typed text to the screen.

        Textual looks for a key's action when the key has gone up from the screen to the app. Text that the screen
        took on the way up would overtake the keys before it: Ctrl+U would delete what was typed after it.
        """
        if isinstance(self.screen, TextInput):
            self.screen.insert_key(event)

    def on_paste(self, event: events.Paste) -> None:
        """Pass pasted text to the screen, in its turn among the keys."""
        if isinstance(self.screen, TextInput):
            self.screen.insert_paste(event.text)

    def hang_up(self) -> None:
        """End this app because its terminal was disconnected; if it is the only terminal, end the process."""
        if self.tty is None:
            os.kill(os.getpid(), signal.SIGHUP)
            return
        self.hung_up = True
        # do not wait for it: the app waits for this thread when it ends
        self.call_soon(self.exit, Quit(signal=signal.SIGHUP))

    async def action_quit(self) -> None:
        """Ignore Textual's own way to quit: only the menu's key ends the app."""

    def action_suspend_process(self) -> None:
        """Ignore it: nothing could resume a suspended first stage."""

    def show_help(self, screen: BaseScreen[Any]) -> None:
        """Show the help for a screen's keys."""
        self.push_screen(HelpScreen(screen.context, screen.screen_id))

    def action_redraw(self) -> None:
        """Redraw the whole screen."""
        if isinstance(self.driver, BootmenuDriver):
            self.driver.forget()
        self.refresh(repaint=True, layout=True)

    def exit(
        self, result: Outcome | None = None, return_code: int = 0, message: RenderableType | None = None
    ) -> None:
        """End the app with an outcome; stop the threads, except after a load that is about to jump."""
        if not isinstance(result, Jump):
            self._stop_screens()
        elif self._buttons is not None:
            self._buttons.stop()
        super().exit(result, return_code, message)

    def _stop_screens(self) -> None:
        if self._buttons is not None:
            self._buttons.stop()
        for screen in self.screen_stack:
            if isinstance(screen, BootmenuScreen):
                screen.stop_work()

    def on_exception(self, error: Exception) -> None:
        """Log the traceback; `run` raises InternalError when the terminal is restored."""
        self.fault = menu_log.internal_error(error)
        with contextlib.suppress(ScreenStackError):
            self._stop_screens()


_QUICK_FAILURE = 10.0
"""An app that fails in less than so many seconds failed quickly."""
_MAX_QUICK_FAILURES = 3
"""Quick failures in a row after which the kiosk is not restarted."""

_EXIT_TIMEOUT = 3.0
"""Seconds that the apps on the other consoles have to end after one has an outcome."""


class AppOptions(TypedDict, total=False):
    """Arguments of BootmenuApp that all consoles share."""

    theme: str | None
    error: BootmenuError | None
    warning: str
    console_names: tuple[str, ...]
    offer_demo: bool
    may_quit: bool
    confirm_always: bool
    settings: Settings | None
    countdown: int | None
    simulated_pin: str


def run(session: Session, **options: Unpack[AppOptions]) -> Outcome:
    """Show the menu and return its outcome; raise InternalError after an internal error, with the terminal restored.

    The kiosk is restarted instead, unless it fails three times in a row within seconds.
    """
    return run_on([(session, None)], **options)[1]


def run_on(consoles: Sequence[tuple[Session, Console | None]], **options: Unpack[AppOptions]) -> tuple[int, Outcome]:
    """Show the menu on several consoles at once; return the first outcome and the index of its console.

    All consoles end with the first outcome. The sessions are views of one session. Raise InternalError as `run` does.
    """
    quick_failures = 0
    while True:
        buttons = console_with_buttons([console for _, console in consoles])
        apps = [
            _make_app(session, console, several=len(consoles) > 1, has_buttons=number == buttons, **options)
            for number, (session, console) in enumerate(consoles)
        ]
        started = monotonic()
        with signals.held():
            outcomes = [apps[0].run()] if len(apps) == 1 else asyncio.run(_run_all(apps))
        fault = next((app.fault for app in apps if app.fault is not None), None)
        if fault is None:
            first = next((number for number, outcome in enumerate(outcomes) if outcome is not None), 0)
            return first, outcomes[first] or Quit()
        quick_failures = quick_failures + 1 if monotonic() - started < _QUICK_FAILURE else 0
        context = apps[0].context
        if not context.policy.kiosk:
            raise fault
        if quick_failures >= _MAX_QUICK_FAILURES:
            raise menu_log.InternalError("The menu failed, and is restarted.", context.settings.kiosk_contact)
        options["error"] = None


def console_with_buttons(consoles: Sequence[Console | None]) -> int:
    """Return the index of the console that reads the machine's buttons: the first monitor, or else the first console.

    Only one may read them, or each press would count once for every console.
    """
    return next((number for number, console in enumerate(consoles) if console is not None and console.is_screen), 0)


def _make_app(
    session: Session, console: Console | None, *, several: bool, has_buttons: bool, **options: Unpack[AppOptions]
) -> BootmenuApp:
    """Build an app in the console's environment, from which it takes colours and glyphs."""
    with contextlib.nullcontext() if console is None else console.environment():
        shared = console is not None and (several or not console.is_own)
        return BootmenuApp(session, tty=console if shared else None, has_buttons=has_buttons, **options)


async def _run_all(apps: Sequence[BootmenuApp]) -> list[Outcome | None]:
    """Run the apps until one has an outcome or all terminals have hung up.

    Return the outcome of that app, and None for each of the others.
    """
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
        await asyncio.wait(pending, timeout=_EXIT_TIMEOUT)
    sys.stdout, sys.stderr = out, err  # each app restored what it found, which may be another app's
    ended = first or apps[0]
    return [app.return_value if app is ended else None for app in apps]
