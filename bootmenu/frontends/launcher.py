# SPDX-License-Identifier: MIT
"""`bootmenu menu`: the first frame with its countdown, then what starts by itself or the menu, and the jump.

What the frame does not need is imported by a thread while it is looked at; Textual only when the menu is opened.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import queue
import signal
import sys
import termios
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from time import monotonic
from types import FrameType
from typing import TYPE_CHECKING, Any

from bootmenu import i18n
from bootmenu.config.settings import MenuStyle, Profile, Settings
from bootmenu.config.settings_layers import Loaded, load
from bootmenu.errors import BootmenuError, UsageError
from bootmenu.frontends.first_frame import CountdownContent, Frame, KeyPress, SignalReceived, Terminal
from bootmenu.i18n import N_, _, localized
from bootmenu.model.value import Value, field, replace
from bootmenu.session.autoboot import Choice, Chooser, Countdown, countdown_seconds
from bootmenu.system import kmsg, signals, vt
from bootmenu.system.host import Host
from bootmenu.terminal import consoles
from bootmenu.terminal.capabilities import columns_of, drain, own_name
from bootmenu.terminal.character_sets import to_ascii
from bootmenu.terminal.consoles import Console
from bootmenu.terminal.line_input import Prompt

if TYPE_CHECKING:
    from bootmenu.bootstate.state_store import StateStore
    from bootmenu.discovery.scan_events import Listing
    from bootmenu.frontends.outcome import Outcome, Quit
    from bootmenu.kexec.plan import LoadPlan
    from bootmenu.session.machine_session import MachineSession
    from bootmenu.session.shared_session import Shared, View

_KIOSK_LAST_LINE = N_("This is being started. The screen may stay dark for some seconds.")
_LAST_WORDS = 3.0
"""Seconds in which the plain menus of the other consoles end when the process is told to."""


class MenuOptions(Value, kw_only=True):
    """What the command line says."""

    demo: bool = False
    plain: bool = False
    flags: Mapping[str, object] = field(default_factory=dict)
    """Settings, by Option.name."""


def run(options: MenuOptions) -> int:
    """Until somebody leaves it, or until the machine jumps. Returns the exit code. Raises UsageError for a flag that
    makes no sense, and where there is no terminal."""
    host = Host()
    loaded = settings_in_force(host, options.flags)
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("the menu needs a terminal", "For scripts there are bootmenu scan, check and boot.")
    name = own_name()
    plain = options.plain or os.environ.get("TERM") == "dumb" or importlib.util.find_spec("textual") is None
    names = loaded.settings.consoles or (consoles.active(host) if first_stage() else ())
    places = consoles.find(names, name, os.environ, plain=plain)
    # for whatever is imported from now on; a slow line's patience with Esc is everybody's
    os.environ.update(places.consoles[0].environ)
    for variable in os.environ.keys() - places.consoles[0].environ.keys():
        del os.environ[variable]
    if any("ESCDELAY" in console.environ for console in places.consoles):
        os.environ.setdefault("ESCDELAY", "500")
    ascii_only = all(console.traits.ascii for console in places.consoles)
    i18n.use(loaded.settings.language, os.environ, ascii_only=ascii_only)
    if loaded.settings.profile is Profile.KIOSK and first_stage():  # a running system's terminals are its own
        for console in places.consoles:
            if console.is_screen:
                vt.lock(console.name)
    _tell_init(loaded.settings)
    loaded = replace(loaded, problems=(*loaded.problems, *places.problems))
    try:
        with consoles.unechoed(places.consoles), signals.held():
            return _sit(options, host, loaded, places.consoles, plain=plain)
    except (BootmenuError, OSError):
        raise
    except Exception as error:  # no traceback on anybody's screen
        from bootmenu.session import internal_errors

        raise internal_errors.fault(error) from None


def _sit(options: MenuOptions, host: Host, loaded: Loaded, places: Sequence[Console], *, plain: bool) -> int:
    with contextlib.ExitStack() as stack:
        menu_run = stack.enter_context(_begin(options.demo, host, loaded, places, plain=plain))
        while True:
            outcome = _show(menu_run)
            if outcome is None:  # the demonstration was asked for
                menu_run = stack.enter_context(_begin(True, host, loaded, places, plain=plain, quiet=True))
                continue
            return 128 + outcome.signal if outcome.signal else 0


def settings_in_force(host: Host, flags: Mapping[str, object]) -> Loaded:
    """Raises UsageError for a value of the command line that makes no sense: whoever typed it is there."""
    loaded = load(host, flags)
    wrong = [problem for problem in loaded.problems if problem.startswith("--")]
    if wrong:
        raise UsageError(wrong[0].partition("; ")[0])
    return loaded


def first_stage() -> bool:
    """Whether this is the first stage's own menu: started by its init, on a machine that is there for nothing
    else. Elsewhere nothing is executed without a confirmation, and the menu may be left."""
    return os.getppid() == 1 and "BOOTMENU_PRINTK" in os.environ


def _tell_init(settings: Settings) -> None:
    """Write down for the first stage's init what its shell script cannot read in the settings (image/init.sh)."""
    folder = os.environ.get("BOOTMENU_PRINTK")
    if folder and first_stage():
        words = ("yes" if it_is else "no" for it_is in (settings.profile is Profile.KIOSK, settings.shell))
        with contextlib.suppress(OSError):  # then it stays with what it knows
            Path(folder).with_name("settings").write_text(" ".join(words) + "\n")


# ---- from nothing to a session that looks around ----------------------------------------------------------


class SessionStartup:
    """A session on its way. What takes time is done by threads, one after the other; `wake` is called after each."""

    def __init__(self, demo: bool, host: Host, loaded: Loaded, wake: Callable[[], object]) -> None:
        self.stack = contextlib.ExitStack()
        """Closes what was opened."""
        self._demo = demo
        self._host = host
        self.loaded = loaded
        """The settings; of the demonstration as soon as it is prepared."""
        self.simulated_pin = ""
        """What the demonstration says of its PIN."""
        self._wake = wake
        self._make: Callable[[], MachineSession] | None = None
        self._session: MachineSession | None = None
        self._shared: Shared | None = None
        self._error: BaseException | None = None
        self._done = threading.Event()
        self._thread = self._begin(self._prepare)

    def _begin(self, work: Callable[[], None]) -> threading.Thread:
        def body() -> None:
            try:
                work()
            except BaseException as error:  # raised by `poll`
                self._error = error
            self._done.set()
            self._wake()

        self._done.clear()
        thread = threading.Thread(target=body, name="bootmenu-startup", daemon=True)
        thread.start()
        return thread

    def _prepare(self) -> None:
        if self._demo:
            from bootmenu.demo import demonstration
            from bootmenu.session import internal_errors

            self.stack.enter_context(internal_errors.pretending())
            session = self.stack.enter_context(demonstration())
            self._make = lambda: session
            if self.loaded.settings.profile is Profile.KIOSK:
                from bootmenu.demo.demo_kiosk import demonstrated

                settings, self.simulated_pin = demonstrated(self.loaded.settings)
                self.loaded = replace(self.loaded, settings=settings)
            return
        from bootmenu.discovery.hotplug import Hotplug
        from bootmenu.discovery.machine_facts import gather
        from bootmenu.discovery.storage import luks
        from bootmenu.session.machine_session import MachineSession

        machine = gather(self._host)
        if first_stage():  # init starts a menu again that was killed
            luks.close_left(self._host)
        changes = None
        with contextlib.suppress(OSError):  # then a new medium is found by r
            changes = Hotplug()
            self.stack.callback(changes.close)  # also where no session comes of it
        self._make = lambda: self.stack.enter_context(
            contextlib.closing(MachineSession(self._host, machine, settings=self.loaded.settings, changes=changes))
        )

    def _remember(self) -> None:
        """Before anything is mounted read-only."""
        assert self._session is not None
        memory = self._session.memory
        memory.update(lambda state: state.on_menu_start())
        if memory.healed:  # a countdown that is not stopped shows it to nobody
            from bootmenu.session import internal_errors

            internal_errors.note(memory.healed)

    def poll(self) -> Shared | None:
        """The session as soon as it is there; None = not yet. In the main thread: a session has its mounts to itself
        only if it is made there. Raises what went wrong."""
        if self._shared is not None or not self._done.is_set():
            return self._shared
        if self._error is not None:
            raise self._error
        if self._session is None:
            assert self._make is not None
            self._session = self._make()
            self._thread = self._begin(self._remember)
            return None
        from bootmenu.session.shared_session import Shared

        self._shared = Shared(self._session, self._wake)
        self.stack.callback(self._shared.close)
        return self._shared

    def close(self) -> None:
        """Let go of everything."""
        self._thread.join()
        self.stack.close()


# ---- the countdown ----------------------------------------------------------------------------------------


class MenuRun(Value, kw_only=True):
    """A session, and how the menu is to begin."""

    shared: Shared
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


@contextlib.contextmanager
def _begin(
    demo: bool, host: Host, loaded: Loaded, places: Sequence[Console], *, plain: bool, quiet: bool = False
) -> Iterator[MenuRun]:
    """Open a session behind the first frame, and start what starts by itself. quiet: nothing does."""
    settings = loaded.settings
    seconds = countdown_seconds(loaded, first_stage=first_stage(), demo=demo)
    if quiet or settings.menu is MenuStyle.FORCED:
        seconds = None
    hidden = settings.menu is MenuStyle.HIDDEN and seconds is not None
    terminals = [Terminal(place.name, place.traits, addressed=not plain, hidden=hidden) for place in places]
    with contextlib.ExitStack() as stack:
        with Frame(terminals) as frame:
            frame.show(CountdownContent(title=lambda _: _title(settings), seconds=seconds))
            startup = SessionStartup(demo, host, loaded, frame.wake)
            stack.callback(startup.close)
            menu_run = _first_frame(frame, startup, seconds)
        yield replace(
            menu_run, plain=plain, consoles=tuple(places), seconds=seconds, simulated_pin=startup.simulated_pin
        )


def _first_frame(frame: Frame, startup: SessionStartup, seconds: int | None) -> MenuRun:
    decision = _count_down(frame, startup, seconds)

    from bootmenu.frontends.outcome import Quit
    from bootmenu.kexec.kernel_errors import SimulatedJump, leave_note, left_loaded

    shared, loaded = decision.shared, startup.loaded
    if decision.signal:
        return MenuRun(shared=shared, loaded=loaded, outcome=Quit(decision.signal))
    if decision.listing is None:
        return MenuRun(shared=shared, loaded=loaded, said=decision.said)
    view = shared.view()
    kiosk = loaded.settings if loaded.settings.profile is Profile.KIOSK else None
    try:
        with view.holding(decision.listing):
            plan, said = _load_by_itself(frame, view, decision.listing, kiosk)
            if plan is not None:
                try:
                    frame.line(" " + _(_KIOSK_LAST_LINE) if kiosk else localized(plan.last_line))
                    _drain(frame.terminals)
                    frame.release_signals()
                    if frame.signal:
                        raise _Ended(frame.signal)
                    _jump(view, plan)
                except BaseException as error:
                    leave_note(error, view.unload(plan))
                    raise
    except SimulatedJump as arrived:
        return MenuRun(shared=shared, loaded=loaded, said=arrived.message)
    except BootmenuError as error:
        for line in () if kiosk else filter(None, (error.message, *left_loaded(error), error.hint)):
            frame.line(f" {localized(line)}")
        return MenuRun(shared=shared, loaded=loaded, error=error)
    except _Ended as ended:
        return MenuRun(shared=shared, loaded=loaded, outcome=Quit(ended.signal))
    except Exception as error:  # a machine whose default cannot be prepared must not begin with it again and again
        from bootmenu.session import internal_errors

        return MenuRun(shared=shared, loaded=loaded, error=internal_errors.fault(error))
    return MenuRun(shared=shared, loaded=loaded, said=said)


class _Ended(Exception):  # noqa: N818 - not an error of anybody's
    """A signal has ended the menu."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.signal = number


class _Decision(Value, kw_only=True):
    shared: Shared
    listing: Listing | None = None
    """What starts now; None = nothing does, the menu opens."""
    said: str = ""
    signal: int = 0


def _count_down(frame: Frame, startup: SessionStartup, seconds: int | None) -> _Decision:
    """Show the frame until the session is there, and until the time is up or somebody decides."""
    countdown = None if seconds is None else Countdown(seconds, monotonic())
    results, cursor, stopped, ended_by = None, None, False, 0
    chooser = Chooser()
    while True:
        shared, choice = startup.poll(), Choice()
        settings = startup.loaded.settings
        if shared is not None:
            if ended_by or stopped or countdown is None:
                return _Decision(shared=shared, signal=ended_by)
            from bootmenu.session.scan_results import ScanResults
            from bootmenu.view.policy import Policy

            results, policy = results or ScanResults(), Policy.of(settings)
            look = shared.look
            with shared.changed:
                cursor = look.log.cursor() if cursor is None else cursor
                finished, ended = look.finished, look.ended
                while events := cursor.take():
                    for event in events:
                        results.add(event)
            if look.error is not None:
                return _Decision(shared=shared, said=N_("Looking ended early: {error}", error=look.error))
            state = shared.session.memory.state
            able = policy.startable(results.listings)
            choice = chooser.choose(able, state, settings, finished=finished or ended)
            if choice.final and choice.listing is None:
                return _Decision(shared=shared, said=choice.why)
        now = monotonic()
        left = None if countdown is None or stopped else countdown.left(now)
        if left == 0 and shared is not None and choice.final:
            return _Decision(shared=shared, listing=choice.listing)
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


def _title(settings: Settings) -> str:
    return "" if settings.profile is Profile.KIOSK else " bootmenu "


def _countdown_content(
    shared: Shared | None, choice: Choice, left: int | None, settings: Settings
) -> CountdownContent:
    seconds = left or None
    if shared is None:
        return CountdownContent(title=lambda _: _title(settings), seconds=seconds)
    if settings.profile is Profile.KIOSK:
        return _kiosk_countdown_content(shared, choice, left, settings)
    from bootmenu.terminal.cells import clean
    from bootmenu.view.banner import title
    from bootmenu.view.wording import full_name, verdict

    session = shared.session
    if choice.listing is not None:
        lines = [f" {verdict(choice.listing.report.verdict).text} {full_name(choice.listing)}"]
    else:
        lines = [" " + _("Looking for what can be started.")] if left is not None else []
    if choice.why:
        lines.append(f"        {clean(localized(choice.why))}")
    if left == 0 and choice.listing is not None:
        lines.append("        " + _("Starts as soon as the disks have been read."))
    return CountdownContent(
        title=lambda columns: title(session.machine, session.simulated, columns).text, lines=lines, seconds=seconds
    )


def _kiosk_countdown_content(
    shared: Shared, choice: Choice, left: int | None, settings: Settings
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


# ---- starting ---------------------------------------------------------------------------------------------


def _load_by_itself(
    frame: Frame, view: View, listing: Listing, kiosk: Settings | None
) -> tuple[LoadPlan | None, str]:
    """Load, one line a stage, and in the kiosk one line. None = a key took it back, and why. Raises BootmenuError;
    nothing is loaded then."""
    from bootmenu.kexec.kernel_errors import leave_note
    from bootmenu.model.progress import StageState
    from bootmenu.view.wording import full_name, stage_line

    if kiosk is None:
        frame.line(" " + _("Loading {name}. Esc opens the menu.").format(name=full_name(listing)))
    else:
        frame.line(" " + _("This is being started. Please leave the power on."))
    plan = view.plan(listing)
    try:
        for steps in (view.load(plan), view.leave(plan)):
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


def _drain(terminals: Sequence[Terminal]) -> None:
    def wait(descriptor: int) -> None:
        with contextlib.suppress(termios.error):
            termios.tcdrain(descriptor)

    drain(partial(wait, terminal.descriptor) for terminal in terminals)


def _jump(view: View, plan: LoadPlan) -> None:
    """Raises LoadError or SimulatedJump when it comes back."""
    with _kernel_messages():
        view.jump(plan)


def _kernel_messages() -> contextlib.AbstractContextManager[None]:
    """The second kernel's first words, and a failed jump's, belong on the console; what the kernel says afterwards
    would tear the menu, to which a failed jump comes back."""
    saved = os.environ.get("BOOTMENU_PRINTK")
    with contextlib.suppress(OSError, IndexError):
        if saved:
            return kmsg.shown_on_consoles(Path(saved).read_text().split()[0])
    return contextlib.nullcontext()


# ---- the menu ---------------------------------------------------------------------------------------------


def why_it_forgets(memory: StateStore, settings: Settings) -> str:
    """Return what is to be told at the start about what should be remembered between boots. Where the settings name
    no place nothing should, unless there are wrong PINs to count."""
    wanted = memory.remembers or settings.state_device is not None or settings.kiosk_pin is not None
    return memory.error if wanted else ""


def _show(menu_run: MenuRun) -> Quit | None:
    """Run the menu until it is left, and make the jumps it asks for. None = for the demonstration."""
    if menu_run.outcome is not None:
        return menu_run.outcome
    from bootmenu.frontends.outcome import Demo, Jump, Quit
    from bootmenu.kexec.kernel_errors import LoadError, SimulatedJump
    from bootmenu.session import internal_errors

    session = menu_run.shared.session
    memory, settings = session.memory, menu_run.loaded.settings
    forgets = "" if session.simulated else why_it_forgets(memory, settings)
    troubles = (menu_run.said, memory.healed, *menu_run.loaded.problems, forgets)
    said, *more = [text for text in troubles if text] or [""]
    for text in more:
        internal_errors.note(text)
    error, lines = menu_run.error, _Lines(menu_run)
    while True:
        if number := signals.told():  # between the frame and the menu, or in a jump that came back
            return Quit(number)
        view, outcome = lines.run(error, said) if menu_run.plain else _run_screens(menu_run, lines, error, said)
        said = ""
        kiosk = settings.profile is Profile.KIOSK
        if isinstance(outcome, Jump) and not signals.told():
            _say_everywhere(
                menu_run.consoles, " " + _(_KIOSK_LAST_LINE) if kiosk else localized(outcome.plan.last_line)
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
            _jump(view, outcome.plan)
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
    _drain(terminals)
    for terminal in terminals:
        terminal.close()


def _run_screens(menu_run: MenuRun, lines: _Lines, error: BootmenuError | None, said: str) -> tuple[View, Outcome]:
    """The outcome, and of whose view it is."""
    try:
        from bootmenu.frontends.tui import app
    except ImportError as missing:  # an installation that is not whole shows a menu all the same
        return lines.run(error, said or N_("The screens cannot be shown: {reason}.", reason=missing))
    ours, simulated = first_stage(), menu_run.shared.session.simulated
    settings = menu_run.loaded.settings
    views = [menu_run.shared.view() for _ in menu_run.consoles]
    place, outcome = app.run_on(
        list(zip(views, menu_run.consoles, strict=True)),
        theme=settings.theme,
        error=error,
        trouble=said,
        offer_demo=not simulated,
        may_quit=not ours,
        confirm_always=not ours and not simulated,
        settings=settings,
        countdown=menu_run.seconds,
        simulated_pin=menu_run.simulated_pin,
    )
    return views[place], outcome


class _Lines:
    """The plain menus of all consoles. Those of the others go on while one's jump is tried, and comes back."""

    def __init__(self, menu_run: MenuRun) -> None:
        self._menu_run = menu_run
        self._views: dict[int, View] = {}
        """Of the consoles where a menu runs."""
        self._outcomes: queue.SimpleQueue[tuple[int, Outcome, bool]] = queue.SimpleQueue()
        self._prompts: dict[int, Prompt] = {}
        self._signal = 0
        """The one that ends them all."""
        self._ended, self._end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        """A pipe that can be read from the signal on. Its byte is never taken out, so that every menu notices."""

    def run(self, error: BootmenuError | None, said: str) -> tuple[View, Outcome]:
        """The first outcome is everybody's; that of a line which hung up is nobody's else as long as there are
        others."""
        consoles = self._menu_run.consoles
        alone = len(consoles) == 1 and consoles[0].is_own  # in the main thread, where Ctrl+C is heard
        with self._signals(alone=alone):
            for place in range(len(consoles)):
                if place in self._views:
                    continue
                self._views[place] = self._menu_run.shared.view()
                if alone:
                    self._sit(0, error, said)
                else:
                    threading.Thread(target=self._sit, args=(place, error, said), daemon=True).start()
            while True:
                view, outcome, last = self._next()
                if last:
                    return view, outcome

    def _next(self) -> tuple[View, Outcome, bool]:
        """Wait for the next outcome; return whose view it is of, the outcome, and whether it counts."""
        while True:
            with contextlib.suppress(queue.Empty):  # a signal that another thread gets is noticed when this one wakes
                place, outcome, hung_up = self._outcomes.get(timeout=0.5)
                break
        view = self._views.pop(place)
        if not self._signal:
            return view, outcome, not (hung_up and self._views)
        from bootmenu.frontends.outcome import Jump, Quit

        if isinstance(outcome, Jump):
            view.unload(outcome.plan)
        until = monotonic() + _LAST_WORDS
        while self._views and (left := until - monotonic()) > 0:  # the others take out what they have loaded
            with contextlib.suppress(queue.Empty):
                place, outcome, _ = self._outcomes.get(timeout=left)
                other = self._views.pop(place)
                if isinstance(outcome, Jump):
                    other.unload(outcome.plan)
        return view, Quit(self._signal), True

    @contextlib.contextmanager
    def _signals(self, *, alone: bool) -> Iterator[None]:
        """Until the end: those that end a menu let it unload first, and SIGCONT restores the terminals."""
        handlers: dict[signal.Signals, Any] = {}
        # nobody is there to wake a first stage; and Ctrl+C on one of several terminals is not meant for the others
        for number in (signal.SIGTSTP, *(() if alone else (signal.SIGINT,))):
            handlers[number] = signal.SIG_IGN
        handlers[signal.SIGCONT] = self._take_again
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        try:
            with signals.held(), signals.listening(self._told_to_end):
                signal.signal(signal.SIGQUIT, signal.SIG_IGN)
                yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _told_to_end(self, number: int) -> None:
        self._signal = self._signal or number
        with contextlib.suppress(OSError):  # full: it is known
            os.write(self._end, b"!")

    def _take_again(self, _number: int, _frame: FrameType | None) -> None:
        for prompt in tuple(self._prompts.values()):  # a menu of another thread may end meanwhile
            prompt.take()

    def _sit(self, place: int, error: BootmenuError | None, said: str) -> None:
        outcome, hung_up = self._plain_menu(place, self._views[place], error, said)
        self._outcomes.put((place, outcome, hung_up))

    def _plain_menu(self, place: int, view: View, error: BootmenuError | None, said: str) -> tuple[Outcome, bool]:
        """Run the menu of one console; return its outcome, and whether the line has hung up."""
        from bootmenu.frontends.outcome import Quit
        from bootmenu.frontends.plain_kiosk import PlainKiosk
        from bootmenu.frontends.plain_menu import PlainMenu
        from bootmenu.frontends.ui_context import UiContext
        from bootmenu.terminal.teletype import Teletype
        from bootmenu.view.policy import Policy

        menu_run = self._menu_run
        console, settings = menu_run.consoles[place], menu_run.loaded.settings
        ours, simulated = first_stage(), view.simulated
        policy = Policy.of(settings)
        context = UiContext(
            session=view,
            may_quit=not ours,
            confirm_always=not ours and not simulated,
            offer_demo=not simulated and len(menu_run.consoles) == 1,  # the others' are about the real machine
            trouble=said,
            settings=settings,
            countdown=menu_run.seconds,
            simulated_pin=menu_run.simulated_pin,
            policy=policy if console.is_own else replace(policy, offers_shell=False),
        )
        with contextlib.ExitStack() as stack:
            descriptor, sink = sys.stdin.fileno(), sys.stderr
            if not console.is_own:
                try:
                    file = stack.enter_context(open(console.name, "r+b", buffering=0))  # noqa: PTH123
                except OSError:
                    return Quit(), True
                descriptor, sink = file.fileno(), io.TextIOWrapper(file, errors="replace", write_through=True)

            def write(text: str) -> None:
                with contextlib.suppress(OSError):  # a line that hung up: the next read tells
                    sink.write(to_ascii(text) if console.traits.ascii else text)
                    sink.flush()

            prompt = Prompt(descriptor, write, self._ended, lambda: teletype.patience)
            self._prompts[place] = stack.enter_context(prompt)
            stack.callback(self._prompts.pop, place)
            teletype = Teletype(
                prompt,
                sink,
                prompt.secret,
                ending=lambda: self._signal != 0,
                ascii_only=console.traits.ascii,
                columns=lambda: columns_of(descriptor, console.environ),
            )
            menu = PlainKiosk if policy.kiosk else PlainMenu
            return menu(context, teletype).run(error), teletype.hung_up
