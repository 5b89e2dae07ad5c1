# SPDX-License-Identifier: MIT
"""Draw docs/menu.svg, the README's picture, from the demonstration: python -m tests.frontends.tui.picture [FILE]"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from bootmenu.frontends.outcome import Outcome

SIZE = (120, 30)
SELECTED = "3"


async def until(pilot: Pilot[Outcome], holds: Callable[[], bool]) -> None:
    """Wait until the condition holds and the screen is drawn."""
    end = monotonic() + 30
    while not holds():
        assert monotonic() < end, "the demonstration machine was not read to its end"
        await pilot.pause(0.01)
    await pilot.pause()


async def picture() -> str:
    """Return the menu of the demonstration as SVG."""
    from bootmenu.demo import demonstration
    from bootmenu.frontends.tui.app import BootmenuApp
    from bootmenu.frontends.tui.screens.menu_screen import MenuScreen

    with demonstration(pace=None) as session:
        app = BootmenuApp(session, theme="dark")
        async with app.run_test(size=SIZE) as pilot:
            (menu,) = [screen for screen in app.screen_stack if isinstance(screen, MenuScreen)]
            await until(pilot, lambda: menu.results.finished and menu.settled)
            await pilot.press(SELECTED)
            await until(pilot, lambda: menu.settled)
            # a picture loads nothing from elsewhere: the viewer's own monospaced font will do
            return re.sub(r"@font-face \{.*?\}\n", "", app.export_screenshot(), flags=re.DOTALL)


def main() -> None:
    """Write the picture."""
    from bootmenu.terminal.capabilities import prepare_environment

    os.environ["TERM"] = "xterm-256color"
    prepare_environment(os.environ)
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[3] / "docs" / "menu.svg"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(asyncio.run(picture()), encoding="utf-8")


if __name__ == "__main__":
    main()
