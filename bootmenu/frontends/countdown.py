# SPDX-License-Identifier: MIT
"""Count down on the first frame, and start the default entry when the time is up.

What the frame does not need is imported while it is shown; what only the menu needs, such as Textual, when there is
nothing else to do.
"""

from __future__ import annotations

import contextlib
from time import monotonic

from bootmenu.config.settings import Profile, Settings
from bootmenu.errors import BootmenuError
from bootmenu.frontends.first_frame import CountdownContent, Frame, KeyPress, SignalReceived, Woken
from bootmenu.frontends.menu_run import KIOSK_LAST_LINE, MenuRun, drain_terminals, jump
from bootmenu.frontends.preload import Preload
from bootmenu.frontends.session_startup import SessionStartup
from bootmenu.i18n import N_, _, localized
from bootmenu.model.value import Value
from bootmenu.session.autoboot import Choice, Chooser, Countdown
from bootmenu.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from bootmenu.discovery.scan_events import Listing
    from bootmenu.kexec.plan import LoadPlan
    from bootmenu.session.shared_session import ConsoleSession, SharedSession


def run(frame: Frame, startup: SessionStartup, seconds: int | None, *, plain: bool = False) -> MenuRun:
    """Count down and start the default entry; return how the menu begins, if that was stopped or has failed. seconds:
    of the countdown, or None for the menu at once. plain: the menu needs no Textual."""
    decision = count_down(frame, startup, seconds, plain=plain)

    from bootmenu.frontends.outcome import Quit
    from bootmenu.kexec.kernel_errors import SimulatedJump, leave_note

    shared, loaded = decision.shared, startup.loaded
    if decision.signal:
        return MenuRun(shared=shared, loaded=loaded, outcome=Quit(decision.signal))
    if decision.listing is None:
        return MenuRun(shared=shared, loaded=loaded, notice=decision.notice)
    console_session = shared.console()
    kiosk = loaded.settings if loaded.settings.profile is Profile.KIOSK else None
    try:
        with console_session.holding(decision.listing):
            plan, notice = _load_automatically(frame, console_session, decision.listing, kiosk)
            if plan is not None:
                try:
                    frame.print_line(" " + _(KIOSK_LAST_LINE) if kiosk else localized(plan.last_line))
                    drain_terminals(frame.terminals)
                    frame.release_signals()
                    if frame.signal:
                        raise _EndedBySignal(frame.signal)
                    jump(console_session, plan)
                except BaseException as error:
                    leave_note(error, console_session.unload(plan))
                    raise
    except SimulatedJump as arrived:
        return MenuRun(shared=shared, loaded=loaded, notice=arrived.message)
    except BootmenuError as error:
        if not kiosk:
            _print_error(frame, error)
        return MenuRun(shared=shared, loaded=loaded, error=error)
    except _EndedBySignal as ended:
        return MenuRun(shared=shared, loaded=loaded, outcome=Quit(ended.signal))
    except Exception as error:  # it must not end this process: init would start it again, and again with this entry
        from bootmenu.session import menu_log

        return MenuRun(shared=shared, loaded=loaded, error=menu_log.internal_error(error))
    return MenuRun(shared=shared, loaded=loaded, notice=notice)


def _print_error(frame: Frame, error: BootmenuError) -> None:
    """Print the error and its hint. The menu, which opens next, shows the details."""
    from bootmenu.terminal.cells import clean
    from bootmenu.view.refusal import advice, refusal_lines

    for text in filter(None, (*(line for line, most in refusal_lines(error) if most), advice(error))):
        frame.print_line(f" {clean(text)}")


class _EndedBySignal(Exception):  # noqa: N818 - not an error
    """A signal asks this process to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.signal = number


class Decision(Value, kw_only=True):
    """The result of the countdown."""

    shared: SharedSession
    listing: Listing | None = None
    """The entry to start now, or None to open the menu."""
    notice: str = ""
    """Why nothing starts automatically; empty if a person has stopped the countdown."""
    signal: int = 0
    """Number of the signal that has ended it, or 0."""


def count_down(frame: Frame, startup: SessionStartup, seconds: int | None, *, plain: bool = False) -> Decision:
    """Show the frame until the session is open, and the time is up or a key is pressed. plain: see `run`."""
    with contextlib.ExitStack() as stack:
        return _count_down(frame, startup, seconds, stack, plain)


def _count_down(
    frame: Frame, startup: SessionStartup, seconds: int | None, stack: contextlib.ExitStack, plain: bool
) -> Decision:
    """Count down and follow the scan. stack: closes the subscription."""
    countdown = None if seconds is None else Countdown(seconds, monotonic())
    results, subscription, stopped, ended_by = None, None, False, 0
    chooser, preload = Chooser(), None
    while True:
        shared, choice, known = startup.poll(), Choice(), False
        settings = startup.loaded.settings
        if shared is not None:
            if ended_by or stopped or countdown is None:
                return Decision(shared=shared, signal=ended_by)
            from bootmenu.session.scan_results import ScanResults
            from bootmenu.view.policy import Policy

            results, policy = results or ScanResults(), Policy.of(settings)
            if subscription is None:
                preload = None if plain else Preload(shared.session.machine.memory_available)
                subscription = shared.subscribe(frame.wake)
                stack.callback(subscription.close)
            over = subscription.over
            try:
                for event in subscription.take():
                    results.add(event)
            except Exception as error:
                return Decision(shared=shared, notice=N_("The scan ended early: {error}", error=error))
            state = shared.session.state_store.state
            startable = policy.startable(results.listings)
            choice = chooser.choose(startable, state, settings, finished=results.finished or over)
            known = choice.final and (results.finished or over)
            if choice.final and choice.listing is None:
                return Decision(shared=shared, notice=choice.reason)
        now = monotonic()
        left = None if countdown is None or stopped else countdown.left(now)
        if left == 0 and shared is not None and choice.final:
            return Decision(shared=shared, listing=choice.listing)
        frame.show(_countdown_content(shared, choice, left, settings))
        wait = countdown.until_tick(now) if countdown is not None and left else None
        due = preload.due(now, known=known, left=left) if preload is not None else None
        if due is not None and wait is not None:
            wait = min(wait, due)
        # if the menu opens anyway, the keys are for the menu
        match frame.wait(wait, keys=countdown is not None and not stopped):
            case KeyPress(enter=True) if countdown is not None and not stopped:
                countdown = countdown.over()
            case KeyPress():
                stopped = stopped or countdown is not None
            case SignalReceived(number):
                ended_by, stopped = number, True
            case Woken() if preload is not None and due == 0.0:
                preload.import_next()


def initial_title(settings: Settings) -> str:
    """Return the first line of the frame before the session is open."""
    return "" if settings.profile is Profile.KIOSK else " bootmenu "


def _countdown_content(
    shared: SharedSession | None, choice: Choice, left: int | None, settings: Settings
) -> CountdownContent:
    """Return the content of the frame. left: seconds left, or None if no countdown runs."""
    seconds = left or None
    if shared is None:
        return CountdownContent(title=lambda _: initial_title(settings), seconds=seconds)
    if settings.profile is Profile.KIOSK:
        return _kiosk_countdown_content(shared, choice, left, settings)
    from bootmenu.terminal.cells import clean
    from bootmenu.view.entry_texts import entry_texts
    from bootmenu.view.page_edges import title
    from bootmenu.view.wording import verdict

    session = shared.session
    if choice.listing is not None:
        lines = [f" {verdict(choice.listing.report.verdict).text} {entry_texts(choice.listing).full_title}"]
    else:
        lines = [" " + _("Scanning for boot entries.")] if left is not None else []
    if choice.reason:
        lines.append(f"        {clean(localized(choice.reason))}")
    if left == 0 and choice.listing is not None:
        lines.append("        " + _("Starts as soon as the disks have been read."))
    return CountdownContent(
        title=lambda columns: title(session.machine, session.simulated, columns).text, lines=lines, seconds=seconds
    )


def _kiosk_countdown_content(
    shared: SharedSession, choice: Choice, left: int | None, settings: Settings
) -> CountdownContent:
    """Return the content of the frame for the kiosk."""
    from bootmenu.terminal.cells import clean
    from bootmenu.view.kiosk_pages import plain_name

    mark = " " + _("SIMULATION") if shared.session.simulated else ""
    name = _("One moment, please.")
    if choice.listing is not None:
        name = plain_name(choice.listing, settings.kiosk_names)
    return CountdownContent(
        title=lambda _: mark, lines=[f" {name}", f" {clean(settings.kiosk_contact, 200)}"], seconds=left or None
    )


def _load_automatically(
    frame: Frame, console_session: ConsoleSession, listing: Listing, kiosk: Settings | None
) -> tuple[LoadPlan | None, str]:
    """Load an entry, printing a line for each stage, or one line in the kiosk.

    Return the plan and an empty string, or None and a message if a key has cancelled it. Raise BootmenuError if it
    fails; nothing is loaded then."""
    from bootmenu.kexec.kernel_errors import leave_note
    from bootmenu.model.progress import StageState
    from bootmenu.view.wording import full_name, stage_line

    if kiosk is None:
        frame.print_line(" " + _("Loading {name}. Esc opens the menu.").format(name=full_name(listing.entry)))
    else:
        frame.print_line(" " + _("Starting. Please do not switch off."))
    plan = console_session.plan(listing)
    try:
        for steps in (console_session.load(plan), console_session.prepare_jump(plan)):
            with contextlib.closing(steps):  # type: ignore[type-var]
                for progress in steps:
                    if kiosk is None and progress.state is not StageState.RUNNING:
                        frame.print_line(f"   {stage_line(progress)}")
                    match frame.wait(0):
                        case KeyPress(enter=False):
                            return None, localized(console_session.unload(plan)) or _("cancelled: nothing is loaded")
                        case SignalReceived(number):
                            raise _EndedBySignal(number)
                        case _:
                            pass
    except BaseException as error:
        leave_note(error, console_session.unload(plan))
        raise
    return plan, ""
