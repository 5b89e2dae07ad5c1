# SPDX-License-Identifier: MIT
"""The countdown on the first frame, and what starts when it is over.

What the frame does not need is imported by a thread while it is looked at; Textual only when the menu is opened.
"""

from __future__ import annotations

import contextlib
from time import monotonic
from typing import TYPE_CHECKING

from bootmenu.config.settings import Profile, Settings
from bootmenu.errors import BootmenuError
from bootmenu.frontends.first_frame import CountdownContent, Frame, KeyPress, SignalReceived
from bootmenu.frontends.menu_run import KIOSK_LAST_LINE, MenuRun, drain_terminals, jump
from bootmenu.frontends.session_startup import SessionStartup
from bootmenu.i18n import N_, _, localized
from bootmenu.model.value import Value
from bootmenu.session.autoboot import Choice, Chooser, Countdown

if TYPE_CHECKING:
    from bootmenu.discovery.scan_events import Listing
    from bootmenu.kexec.plan import LoadPlan
    from bootmenu.session.shared_session import ConsoleSession, SharedSession


def first_frame(frame: Frame, startup: SessionStartup, seconds: int | None) -> MenuRun:
    decision = count_down(frame, startup, seconds)

    from bootmenu.frontends.outcome import Quit
    from bootmenu.kexec.kernel_errors import SimulatedJump, leave_note

    shared, loaded = decision.shared, startup.loaded
    if decision.signal:
        return MenuRun(shared=shared, loaded=loaded, outcome=Quit(decision.signal))
    if decision.listing is None:
        return MenuRun(shared=shared, loaded=loaded, said=decision.said)
    view = shared.console()
    kiosk = loaded.settings if loaded.settings.profile is Profile.KIOSK else None
    try:
        with view.holding(decision.listing):
            plan, said = _load_automatically(frame, view, decision.listing, kiosk)
            if plan is not None:
                try:
                    frame.line(" " + _(KIOSK_LAST_LINE) if kiosk else localized(plan.last_line))
                    drain_terminals(frame.terminals)
                    frame.release_signals()
                    if frame.signal:
                        raise _Ended(frame.signal)
                    jump(view, plan)
                except BaseException as error:
                    leave_note(error, view.unload(plan))
                    raise
    except SimulatedJump as arrived:
        return MenuRun(shared=shared, loaded=loaded, said=arrived.message)
    except BootmenuError as error:
        if not kiosk:
            _print_error(frame, error)
        return MenuRun(shared=shared, loaded=loaded, error=error)
    except _Ended as ended:
        return MenuRun(shared=shared, loaded=loaded, outcome=Quit(ended.signal))
    except Exception as error:  # a machine whose default cannot be prepared must not begin with it again and again
        from bootmenu.session import menu_log

        return MenuRun(shared=shared, loaded=loaded, error=menu_log.internal_error(error))
    return MenuRun(shared=shared, loaded=loaded, said=said)


def _print_error(frame: Frame, error: BootmenuError) -> None:
    """Print what went wrong and what to do; the menu, which opens next, shows the call and the kernel's log."""
    from bootmenu.terminal.cells import clean
    from bootmenu.view.refusal import advice, refusal_lines

    for text in filter(None, (*(line for line, most in refusal_lines(error) if most), advice(error))):
        frame.line(f" {clean(text)}")


class _Ended(Exception):  # noqa: N818 - not an error of anybody's
    """A signal has ended the menu."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.signal = number


class Decision(Value, kw_only=True):
    shared: SharedSession
    listing: Listing | None = None
    """What starts now; None = nothing does, the menu opens."""
    said: str = ""
    signal: int = 0


def count_down(frame: Frame, startup: SessionStartup, seconds: int | None) -> Decision:
    """Show the frame until the session is there, and until the time is up or somebody decides."""
    with contextlib.ExitStack() as leave:
        return _decide(frame, startup, seconds, leave)


def _decide(frame: Frame, startup: SessionStartup, seconds: int | None, leave: contextlib.ExitStack) -> Decision:
    """Count down and follow the scan. leave: closed afterwards."""
    countdown = None if seconds is None else Countdown(seconds, monotonic())
    results, subscription, stopped, ended_by = None, None, False, 0
    chooser = Chooser()
    while True:
        shared, choice = startup.poll(), Choice()
        settings = startup.loaded.settings
        if shared is not None:
            if ended_by or stopped or countdown is None:
                return Decision(shared=shared, signal=ended_by)
            from bootmenu.session.scan_results import ScanResults
            from bootmenu.view.policy import Policy

            results, policy = results or ScanResults(), Policy.of(settings)
            if subscription is None:
                subscription = shared.subscribe(frame.wake)
                leave.callback(subscription.close)
            over = subscription.over
            try:
                for event in subscription.take():
                    results.add(event)
            except Exception as error:
                return Decision(shared=shared, said=N_("Looking ended early: {error}", error=error))
            state = shared.session.state_store.state
            able = policy.startable(results.listings)
            choice = chooser.choose(able, state, settings, finished=results.finished or over)
            if choice.final and choice.listing is None:
                return Decision(shared=shared, said=choice.reason)
        now = monotonic()
        left = None if countdown is None or stopped else countdown.left(now)
        if left == 0 and shared is not None and choice.final:
            return Decision(shared=shared, listing=choice.listing)
        frame.show(_countdown_content(shared, choice, left, settings))
        wait = countdown.until_tick(now) if countdown is not None and left else None
        # what is typed when the menu opens anyway is for the menu
        match frame.wait(wait, keys=countdown is not None and not stopped):
            case KeyPress(enter=True) if countdown is not None and not stopped:
                countdown = countdown.over()
            case KeyPress():
                stopped = stopped or countdown is not None
            case SignalReceived(number):
                ended_by, stopped = number, True
            case _:
                pass


def title_of(settings: Settings) -> str:
    return "" if settings.profile is Profile.KIOSK else " bootmenu "


def _countdown_content(
    shared: SharedSession | None, choice: Choice, left: int | None, settings: Settings
) -> CountdownContent:
    seconds = left or None
    if shared is None:
        return CountdownContent(title=lambda _: title_of(settings), seconds=seconds)
    if settings.profile is Profile.KIOSK:
        return _kiosk_countdown_content(shared, choice, left, settings)
    from bootmenu.terminal.cells import clean
    from bootmenu.view.banner import title
    from bootmenu.view.entry_row import entry_row
    from bootmenu.view.wording import verdict

    session = shared.session
    if choice.listing is not None:
        lines = [f" {verdict(choice.listing.report.verdict).text} {entry_row(choice.listing).full_title}"]
    else:
        lines = [" " + _("Looking for what can be started.")] if left is not None else []
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
    """In plain words."""
    from bootmenu.terminal.cells import clean
    from bootmenu.view.kiosk_pages import plain_name

    mark = f" {_('SIMULATION')}" if shared.session.simulated else ""
    words = _("One moment, please.")
    if choice.listing is not None:
        words = plain_name(choice.listing, settings.kiosk_names)
    return CountdownContent(
        title=lambda _: mark, lines=[f" {words}", f" {clean(settings.kiosk_contact, 200)}"], seconds=left or None
    )


def _load_automatically(
    frame: Frame, view: ConsoleSession, listing: Listing, kiosk: Settings | None
) -> tuple[LoadPlan | None, str]:
    """Load, one line a stage, and in the kiosk one line. None = a key took it back, and why. Raises BootmenuError;
    nothing is loaded then."""
    from bootmenu.kexec.kernel_errors import leave_note
    from bootmenu.model.progress import StageState
    from bootmenu.view.wording import full_name, stage_line

    if kiosk is None:
        frame.line(" " + _("Loading {name}. Esc opens the menu.").format(name=full_name(listing.entry)))
    else:
        frame.line(" " + _("Starting. Please do not switch off."))
    plan = view.plan(listing)
    try:
        for steps in (view.load(plan), view.prepare_jump(plan)):
            with contextlib.closing(steps):  # type: ignore[type-var]
                for progress in steps:
                    if kiosk is None and progress.state is not StageState.RUNNING:
                        frame.line(f"   {stage_line(progress)}")
                    match frame.wait(0):
                        case KeyPress(enter=False):
                            return None, localized(view.unload(plan)) or _("taken back: nothing is loaded")
                        case SignalReceived(number):
                            raise _Ended(number)
                        case _:
                            pass
    except BaseException as error:
        leave_note(error, view.unload(plan))
        raise
    return plan, ""
