# SPDX-License-Identifier: MIT
"""Wiring: the session, the theme and the terminal become a running menu, and the menu an outcome."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from typing import ClassVar

from rich.console import RenderableType
from textual.app import App, ScreenStackError
from textual.screen import Screen

from bootmenu.errors import BootmenuError
from bootmenu.kexec.errors import SimulatedJump
from bootmenu.session import Session
from bootmenu.ui import faults, themes
from bootmenu.ui.driver import BootmenuDriver
from bootmenu.ui.outcome import Jump, Outcome, Quit
from bootmenu.ui.screens.base import BootmenuScreen
from bootmenu.ui.screens.menu import MenuScreen
from bootmenu.ui.screens.refusal import RefusalScreen
from bootmenu.ui.terminal import Traits
from bootmenu.ui.terms import Terms


class BootmenuApp(App[Outcome], inherit_bindings=False):
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
        offer_demo: bool = False,
        may_quit: bool = True,
        confirm_always: bool = False,
    ) -> None:
        """error: a load or a jump that came back; it is shown first."""
        traits = Traits.of(os.environ)
        choice = themes.choose(theme, plain=traits.sixteen)
        # Textual picks its colour filters while it is built: the kind of theme has to be known by then
        self._chosen = choice.theme
        super().__init__(driver_class=BootmenuDriver, ansi_color=choice.theme.ansi)
        self.register_theme(choice.theme)
        self.theme = choice.theme.name
        self.terms = Terms(
            session=session,
            may_quit=may_quit,
            confirm_always=confirm_always,
            offer_demo=offer_demo,
            trouble=choice.trouble,
            log_file=str(faults.log_file()),
        )
        self.came_back = error
        self.fault: faults.MenuError | None = None

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """A colour for every ink."""
        return themes.defaults(self._chosen)

    def get_default_screen(self) -> Screen[None]:
        """The menu lies under everything."""
        return MenuScreen(self.terms)

    def on_mount(self) -> None:
        """Show what came back, and leave in order when told to by a signal."""
        if not self.is_headless:
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGINT):
                with contextlib.suppress(ValueError, RuntimeError):
                    loop.add_signal_handler(number, self.exit, Quit(signal=number))
        if self.came_back is not None and not isinstance(self.came_back, SimulatedJump):
            self.push_screen(RefusalScreen(self.terms, self.came_back))

    async def action_quit(self) -> None:
        """Only the menu's own key leaves."""

    def action_suspend_process(self) -> None:
        """Nobody is there to wake a first stage."""

    def action_redraw(self) -> None:
        """Send every cell again."""
        if isinstance(self._driver, BootmenuDriver):
            self._driver.forget()
        self.refresh(repaint=True, layout=True)

    def exit(
        self, result: Outcome | None = None, return_code: int = 0, message: RenderableType | None = None
    ) -> None:
        """End with an outcome, and with everything that still works in a thread."""
        if not isinstance(result, Jump):
            self._let_go()
        super().exit(result, return_code, message)

    def _let_go(self) -> None:
        for screen in self.screen_stack:
            if isinstance(screen, BootmenuScreen):
                screen.let_go()

    def _handle_exception(self, error: Exception) -> None:
        """Restore the terminal, keep the traceback in a file, and let `run` raise one sentence."""
        self._return_code = 1
        if self.fault is None:
            self.fault = faults.fault(error)
            with contextlib.suppress(ScreenStackError):
                self._let_go()
            # tests that drive the app raise this one again
            self._exception = error
            self._exception_event.set()
        self._close_messages_no_wait()


def run(
    session: Session,
    *,
    theme: str | None = None,
    error: BootmenuError | None = None,
    offer_demo: bool = False,
    may_quit: bool = True,
    confirm_always: bool = False,
) -> Outcome:
    """Show the menu until it has an outcome. Raises MenuError after a mistake of its own, the terminal restored."""
    app = BootmenuApp(
        session,
        theme=theme,
        error=error,
        offer_demo=offer_demo,
        may_quit=may_quit,
        confirm_always=confirm_always,
    )
    outcome = app.run(mouse=False)
    if app.fault is not None:
        raise app.fault
    return outcome if outcome is not None else Quit()
