# SPDX-License-Identifier: MIT
"""The menu from the end of the countdown to its outcome: on screens or on lines, and the jumps that come back."""

from __future__ import annotations

import contextlib
import os
import termios
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bootmenu.config.settings import Profile, Settings
from bootmenu.config.settings_layers import Loaded
from bootmenu.errors import BootmenuError
from bootmenu.frontends.first_frame import Terminal
from bootmenu.frontends.first_stage import first_stage
from bootmenu.frontends.plain_consoles import PlainConsoles
from bootmenu.i18n import N_, _, localized
from bootmenu.model.value import Value
from bootmenu.system import kmsg, signals
from bootmenu.terminal.capabilities import drain
from bootmenu.terminal.consoles import Console

if TYPE_CHECKING:
    from bootmenu.bootstate.state_store import StateStore
    from bootmenu.frontends.outcome import Outcome, Quit
    from bootmenu.kexec.plan import LoadPlan
    from bootmenu.session.shared_session import ConsoleSession, SharedSession

KIOSK_LAST_LINE = N_("Starting. The screen may stay dark for some seconds.")


class MenuRun(Value, kw_only=True):
    """A session, and how the menu is to begin."""

    shared: SharedSession
    loaded: Loaded
    plain: bool = False
    consoles: tuple[Console, ...] = ()
    seconds: int | None = None
    """Of the countdown; None = there is none."""
    simulated_pin: str = ""
    """What the demonstration says of its PIN."""
    outcome: Quit | None = None
    """It is over already."""
    error: BootmenuError | None = None
    """What started by itself came back with this."""
    said: str = ""
    """Why the menu is here, where something was to start by itself."""


def why_it_forgets(memory: StateStore, settings: Settings) -> str:
    """Return what is to be told at the start about what should be remembered between boots. Where the settings name
    no place nothing should, unless there are wrong PINs to count."""
    wanted = memory.remembers or settings.state_device is not None or settings.kiosk_pin is not None
    return memory.error if wanted else ""


def show(menu_run: MenuRun) -> Quit | None:
    """Run the menu until it is left, and make the jumps it asks for. None = for the demonstration."""
    if menu_run.outcome is not None:
        return menu_run.outcome
    from bootmenu.frontends.outcome import Demo, Jump, Quit
    from bootmenu.kexec.kernel_errors import LoadError, SimulatedJump
    from bootmenu.session import menu_log

    session = menu_run.shared.session
    memory, settings = session.state_store, menu_run.loaded.settings
    forgets = "" if session.simulated else why_it_forgets(memory, settings)
    troubles = (menu_run.said, memory.healed, *menu_run.loaded.problems, forgets)
    said, *more = [text for text in troubles if text] or [""]
    for text in more:
        menu_log.write(text)
    error, lines = menu_run.error, PlainConsoles(menu_run)
    while True:
        if number := signals.told():  # between the frame and the menu, or in a jump that came back
            return Quit(number)
        view, outcome = lines.run(error, said) if menu_run.plain else run_screens(menu_run, lines, error, said)
        said = ""
        kiosk = settings.profile is Profile.KIOSK
        if isinstance(outcome, Jump) and not signals.told():
            _say_everywhere(
                menu_run.consoles, " " + _(KIOSK_LAST_LINE) if kiosk else localized(outcome.plan.last_line)
            )
        if number := signals.told():
            if isinstance(outcome, Jump):
                view.unload(outcome.plan)
            return Quit(number)
        if isinstance(outcome, Demo):
            return None
        if not isinstance(outcome, Jump):
            return outcome
        try:
            jump(view, outcome.plan)
        except SimulatedJump as arrived:
            view.unload(outcome.plan)
            error, said = None, localized(arrived.message) if menu_run.plain else ""
        except LoadError as back:
            error = back


def _say_everywhere(places: Sequence[Console], line: str) -> None:
    terminals = []
    for place in places:
        with contextlib.suppress(OSError):
            terminals.append(Terminal(place.name, place.traits))
    for terminal in terminals:
        terminal.line(line)
    drain_terminals(terminals)
    for terminal in terminals:
        terminal.close()


def run_screens(
    menu_run: MenuRun, lines: PlainConsoles, error: BootmenuError | None, said: str
) -> tuple[ConsoleSession, Outcome]:
    """The outcome, and of whose view it is."""
    try:
        from bootmenu.frontends.tui import app
    except ImportError as missing:  # an installation that is not whole shows a menu all the same
        return lines.run(error, said or N_("The screens cannot be shown: {reason}.", reason=missing))
    ours, simulated = first_stage(), menu_run.shared.session.simulated
    settings = menu_run.loaded.settings
    views = [menu_run.shared.console() for _ in menu_run.consoles]
    place, outcome = app.run_on(
        list(zip(views, menu_run.consoles, strict=True)),
        theme=settings.theme,
        error=error,
        warning=said,
        offer_demo=not simulated,
        may_quit=not ours,
        confirm_always=not ours and not simulated,
        settings=settings,
        countdown=menu_run.seconds,
        simulated_pin=menu_run.simulated_pin,
    )
    return views[place], outcome


def drain_terminals(terminals: Sequence[Terminal]) -> None:
    def wait(descriptor: int) -> None:
        with contextlib.suppress(termios.error):
            termios.tcdrain(descriptor)

    drain(partial(wait, terminal.descriptor) for terminal in terminals)


def jump(view: ConsoleSession, plan: LoadPlan) -> None:
    """Raises LoadError or SimulatedJump when it comes back."""
    with _kernel_messages():
        view.execute(plan)


def _kernel_messages() -> contextlib.AbstractContextManager[None]:
    """The second kernel's first words, and a failed jump's, belong on the console; what the kernel says afterwards
    would tear the menu, to which a failed jump comes back."""
    saved = os.environ.get("BOOTMENU_PRINTK")
    with contextlib.suppress(OSError, IndexError):
        if saved:
            return kmsg.shown_on_consoles(Path(saved).read_text().split()[0])
    return contextlib.nullcontext()
