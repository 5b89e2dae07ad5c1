# SPDX-License-Identifier: MIT
"""Run the menu from the end of the countdown to its outcome, as screens or as plain text, and make its jumps."""

from __future__ import annotations

import contextlib
import os
import termios
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from bootmenu.config.settings import Profile, Settings
from bootmenu.config.settings_layers import Loaded
from bootmenu.errors import BootmenuError
from bootmenu.frontends.first_frame import Terminal
from bootmenu.frontends.first_stage import before_a_system, first_stage
from bootmenu.frontends.plain_consoles import PlainConsoles
from bootmenu.i18n import N_, _, localized
from bootmenu.model.value import Value
from bootmenu.system import kmsg, signals
from bootmenu.terminal.capabilities import drain
from bootmenu.terminal.consoles import Console
from bootmenu.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from bootmenu.bootstate.state_store import StateStore
    from bootmenu.frontends.outcome import Demo, Outcome, Quit, VmCommand
    from bootmenu.kexec.plan import LoadPlan
    from bootmenu.session.shared_session import ConsoleSession, SharedSession

KIOSK_LAST_LINE = N_("Starting. The screen may stay dark for some seconds.")


class MenuRun(Value, kw_only=True):
    """A session, and what the menu on it starts with."""

    shared: SharedSession
    loaded: Loaded
    plain: bool = False
    """Whether to use the plain menu instead of the screens."""
    consoles: tuple[Console, ...] = ()
    seconds: int | None = None
    """Seconds of the countdown, or None if nothing starts automatically."""
    simulated_pin: str = ""
    """The line that names the demonstration's PIN, if it has one."""
    outcome: Quit | None = None
    """The outcome, if the menu need not be opened any more."""
    error: BootmenuError | None = None
    """The error with which the automatic start failed, if it did."""
    notice: str = ""
    """Why the menu opens although an entry was to start automatically."""


def state_warning(store: StateStore, settings: Settings) -> str:
    """Return the error of the state store; empty if nothing needs it, because the settings name neither a state
    device nor a PIN."""
    needed = store.remembers or settings.state_device is not None or settings.kiosk_pin is not None
    return store.error if needed else ""


def show(menu_run: MenuRun) -> Demo | VmCommand | Quit:
    """Run the menu until it is left, and make its jumps."""
    if menu_run.outcome is not None:
        return menu_run.outcome
    import gc

    from bootmenu.frontends.outcome import Jump, Quit
    from bootmenu.kexec.kernel_errors import LoadError, SimulatedJump
    from bootmenu.session import menu_log

    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
    session = menu_run.shared.session
    store, settings = session.state_store, menu_run.loaded.settings
    warning = "" if session.simulated else state_warning(store, settings)
    notices = (menu_run.notice, store.healed, *menu_run.loaded.problems, warning)
    notice, *others = [text for text in notices if text] or [""]
    for text in others:
        menu_log.write(text)
    error, plain_consoles = menu_run.error, PlainConsoles(menu_run)
    while True:
        if number := signals.received():  # between the first frame and the menu, or during a jump that failed
            return Quit(number)
        if menu_run.plain:
            console_session, outcome = plain_consoles.run(error, notice)
        else:
            console_session, outcome = run_screens(menu_run, plain_consoles, error, notice)
        notice = ""
        kiosk = settings.profile is Profile.KIOSK
        if isinstance(outcome, Jump) and not signals.received():
            last = localized(outcome.plan.last_line)
            lines = [f" {_(KIOSK_LAST_LINE)}"] if kiosk else [outcome.done, last] if outcome.done else [last]
            _print_on_all(menu_run.consoles, lines)
        if number := signals.received():
            if isinstance(outcome, Jump):
                console_session.unload(outcome.plan)
            return Quit(number)
        if not isinstance(outcome, Jump):
            return outcome
        try:
            jump(console_session, outcome.plan)
        except SimulatedJump as arrived:
            console_session.unload(outcome.plan)
            error, notice = None, localized(arrived.message) if menu_run.plain else ""
        except LoadError as failure:
            error = failure


def _print_on_all(consoles: Sequence[Console], lines: Sequence[str]) -> None:
    """Print lines on all consoles."""
    terminals = []
    for console in consoles:
        with contextlib.suppress(OSError):
            terminals.append(Terminal(console.name, console.traits))
    for terminal in terminals:
        for line in lines:
            terminal.print_line(line)
    drain_terminals(terminals)
    for terminal in terminals:
        terminal.close()


def run_screens(
    menu_run: MenuRun, plain_consoles: PlainConsoles, error: BootmenuError | None, notice: str
) -> tuple[ConsoleSession, Outcome]:
    """Run the screens; return the session of the console that ended them, and the outcome."""
    try:
        from bootmenu.frontends.tui import app
    except ImportError as missing:  # an incomplete installation still has the plain menu
        return plain_consoles.run(error, notice or N_("The screens cannot be shown: {reason}.", reason=missing))
    is_first_stage, simulated = first_stage(), menu_run.shared.session.simulated
    from bootmenu.bootstate.remembered_look import with_look

    state = menu_run.shared.session.state_store.state
    settings = with_look(menu_run.loaded, state, os.environ).settings
    sessions = [menu_run.shared.console() for _ in menu_run.consoles]
    index, outcome = app.run_on(
        list(zip(sessions, menu_run.consoles, strict=True)),
        theme=settings.theme,
        error=error,
        warning=notice,
        console_names=tuple(console.name for console in menu_run.consoles),
        offer_demo=not simulated,
        may_quit=not is_first_stage,
        confirm_always=not before_a_system() and not simulated,
        settings=settings,
        countdown=menu_run.seconds,
        simulated_pin=menu_run.simulated_pin,
    )
    return sessions[index], outcome


def drain_terminals(terminals: Sequence[Terminal]) -> None:
    """Wait until the terminals have sent what was written to them, for a short time at most."""

    def wait(descriptor: int) -> None:
        with contextlib.suppress(termios.error):
            termios.tcdrain(descriptor)

    drain(partial(wait, terminal.descriptor) for terminal in terminals)


def jump(console_session: ConsoleSession, plan: LoadPlan) -> None:
    """Start the loaded kernel. Return only by raising LoadError or SimulatedJump."""
    with _kernel_messages():
        console_session.execute(plan)


def _kernel_messages() -> contextlib.AbstractContextManager[None]:
    """Let the kernel print on the console until the end, for the next kernel's or a failed jump's first messages.
    After a failed jump it is silent again, because its messages would be drawn over the menu."""
    saved = os.environ.get("BOOTMENU_PRINTK")
    with contextlib.suppress(OSError, IndexError):
        if saved:
            return kmsg.shown_on_consoles(Path(saved).read_text().split()[0])
    return contextlib.nullcontext()
