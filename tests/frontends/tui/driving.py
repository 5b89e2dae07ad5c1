# SPDX-License-Identifier: MIT
"""Run the app in a test, and read its screen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from time import monotonic
from typing import Any
from unittest import mock

from textual.pilot import Pilot

from bootmenu.errors import BootmenuError
from bootmenu.frontends.outcome import Outcome
from bootmenu.frontends.tui.app import BootmenuApp
from bootmenu.frontends.tui.screens.scanning_screen import ScanningScreen
from bootmenu.session.session_protocol import Session
from tests.builders.fakes import FakeSession

_FRAME = 0.025
"""Seconds within which Textual draws what has changed: its timer for that has 1/60 s."""


async def _idle(app: BootmenuApp, _min_sleep: float = 0, max_sleep: float = 1) -> None:
    """Wait until the event loop has nothing to run and nothing to draw, or the app has ended: its timers go on.

    Textual's own way looks at how much time the process uses: at least two fiftieths of a second for each key, and on
    a busy machine it takes a process that does not get a turn for one that has nothing to do.
    """
    loop: Any = asyncio.get_running_loop()
    end = monotonic() + max_sleep
    while not app._exit and monotonic() < end:
        await asyncio.sleep(0)
        soon = [timer.when() for timer in loop._scheduled if not timer.cancelled()]
        soon = [when for when in soon if when <= loop.time() + _FRAME]
        if soon:
            await asyncio.sleep(max(0.0, max(soon) - loop.time()))
        elif not loop._ready:
            return


class Menu:
    """A running app, with methods for tests."""

    def __init__(self, app: BootmenuApp, pilot: Pilot[Outcome]) -> None:
        self.app = app
        self.pilot = pilot

    async def press(self, *keys: str) -> None:
        """Press keys one by one, and wait until each is handled."""
        for key in keys:
            await self.pilot.press(key)
            await self.pilot.pause()
        await self.settle()

    async def settle(self) -> None:
        """Wait until everything is drawn."""
        while self.app.is_running and not self.menu.settled:
            await self.pilot.pause(0.01)
        await self.pilot.pause()

    async def until(self, holds: Callable[[], object], seconds: float = 10) -> None:
        """Wait until the condition holds; fail after so many seconds."""
        end = monotonic() + seconds
        while not holds():
            if monotonic() > end:
                raise AssertionError(f"did not happen; on the screen is\n{self.text}")
            await self.pilot.pause(0.01)
        await self.pilot.pause()

    async def sees(self, text: str) -> None:
        """Wait until the text is on the screen."""
        await self.until(lambda: text in self.text)

    async def at(self, screen: type) -> None:
        """Wait until a screen of this class is on top."""
        await self.until(lambda: isinstance(self.app.screen, screen))

    async def scanned(self) -> None:
        """Wait until the scan has finished and is drawn."""
        await self.until(lambda: not self.menu.results.scanning and self.menu.results.finished)
        await self.settle()

    @property
    def menu(self) -> ScanningScreen[None]:
        """Return the screen below all others."""
        screen = self.app.screen_stack[0]
        assert isinstance(screen, ScanningScreen)
        return screen

    @property
    def rows(self) -> list[str]:
        """Return the text of the screen, row by row."""
        return [strip.text[: self.app.size.width] for strip in self.app.drawn()]

    @property
    def text(self) -> str:
        """Return the text of the screen."""
        return "\n".join(self.rows)

    @property
    def selected(self) -> str:
        """Return the selected row, or an empty string."""
        return next((row for row in self.rows if row.startswith(("▶", "│▶"))), "")


@asynccontextmanager
async def driven(app: BootmenuApp, size: tuple[int, int]) -> AsyncIterator[Menu]:
    """Run this app at this size."""
    idle = partial(_idle, app)
    with mock.patch("textual.app.wait_for_idle", idle), mock.patch("textual.pilot.wait_for_idle", idle):
        async with app.run_test(size=size) as pilot:
            yield Menu(app, pilot)


@asynccontextmanager
async def running(
    session: Session,
    *,
    size: tuple[int, int] = (80, 24),
    theme: str | None = None,
    error: BootmenuError | None = None,
    scanned: bool = True,
    **context: Any,
) -> AsyncIterator[Menu]:
    """Run the app at this size. scanned: wait for the first scan."""
    app = BootmenuApp(session, theme=theme, error=error, **context)
    try:
        async with driven(app, size) as menu:
            if scanned:
                await menu.scanned()
            yield menu
    finally:
        if isinstance(session, FakeSession):
            session.scanner.close()
