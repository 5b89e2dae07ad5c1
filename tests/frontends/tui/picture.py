# SPDX-License-Identifier: MIT
"""Draw the pictures of README.md and docs/ from the demonstration: python -m tests.frontends.tui.picture [FOLDER]"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import monotonic

from textual.pilot import Pilot

from bootmenu.config.settings import Profile, Settings
from bootmenu.demo import demonstration
from bootmenu.demo.demo_kiosk import demonstrated
from bootmenu.frontends.outcome import Outcome
from bootmenu.frontends.tui.app import BootmenuApp
from bootmenu.frontends.tui.screens.kiosk_screen import KioskScreen
from bootmenu.frontends.tui.screens.loading_screen import LoadingScreen
from bootmenu.frontends.tui.screens.menu_screen import MenuScreen
from bootmenu.model.progress import Stage
from bootmenu.model.value import replace
from bootmenu.terminal.capabilities import prepare_environment

SIZE = (100, 26)
SLOW = 8_000_000
"""Bytes per second: slow enough that a load is seen half done."""

PASSES, FAILS = "1", "3"
"""Numbers of entries of the demonstration, by their verdict."""

Way = Callable[[Pilot[Outcome]], Awaitable[None]]
"""From the first screen to the one that is drawn."""


async def until(pilot: Pilot[Outcome], holds: Callable[[], bool]) -> None:
    """Wait until the condition holds and the screen is drawn."""
    end = monotonic() + 60
    while not holds():
        assert monotonic() < end, f"it did not come to that: {pilot.app.screen}"
        await pilot.pause(0.01)
    await pilot.pause()


async def menu_of(pilot: Pilot[Outcome]) -> MenuScreen:
    """Return the menu once everything is in it."""
    (menu,) = [screen for screen in pilot.app.screen_stack if isinstance(screen, MenuScreen)]
    await until(pilot, lambda: menu.results.finished and menu.settled)
    return menu


def select(number: str) -> Way:
    """Return the way to the entry with this number."""

    async def way(pilot: Pilot[Outcome]) -> None:
        menu = await menu_of(pilot)
        await pilot.press(number)
        await until(pilot, lambda: menu.settled)

    return way


async def half_loaded(pilot: Pilot[Outcome]) -> None:
    """Start the entry that passes, and wait until its initramfs is half read."""
    await select(PASSES)(pilot)
    await pilot.press("enter")

    def loading() -> bool:
        screen = pilot.app.screen
        step = screen.progress.get(Stage.INITRAMFS) if isinstance(screen, LoadingScreen) else None
        return step is not None and 2 * step.done > step.total

    await until(pilot, loading)


async def kiosk(pilot: Pilot[Outcome]) -> None:
    """Wait for the kiosk."""
    await until(pilot, lambda: isinstance(pilot.app.screen, KioskScreen))
    await until(pilot, lambda: "Start normally" in pilot.app.export_screenshot().replace("&#160;", " "))


KIOSK, _PIN = demonstrated(Settings(profile=Profile.KIOSK))
PICTURES: dict[str, tuple[Settings, Way]] = {
    "pass": (Settings(), select(PASSES)),
    "fail": (Settings(), select(FAILS)),
    "progress": (Settings(), half_loaded),
    "kiosk": (KIOSK, kiosk),
}
"""By the name of the file: the settings, and the way to the screen."""


async def picture(name: str) -> str:
    """Return a screen of the demonstration as SVG."""
    settings, way = PICTURES[name]
    with demonstration(pace=SLOW if name == "progress" else None) as session:
        theme = None if settings.profile is Profile.KIOSK else "dark"
        app = BootmenuApp(session, theme=theme, settings=replace(settings, timeout=None))
        async with app.run_test(size=SIZE) as pilot:
            await way(pilot)
            # a picture loads nothing from elsewhere: the viewer's own monospaced font will do
            return re.sub(r"@font-face \{.*?\}\n", "", app.export_screenshot(), flags=re.DOTALL)


def main() -> None:
    """Write the pictures."""
    os.environ["TERM"] = "xterm-256color"
    os.environ["COLORTERM"] = "truecolor"
    prepare_environment(os.environ)
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[3] / "docs"
    folder.mkdir(parents=True, exist_ok=True)
    for name in PICTURES:
        (folder / f"{name}.svg").write_text(asyncio.run(picture(name)), encoding="utf-8")


if __name__ == "__main__":
    main()
