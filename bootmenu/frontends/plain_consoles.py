# SPDX-License-Identifier: MIT
"""Run the plain menus of all consoles, each in its own thread."""

from __future__ import annotations

import contextlib
import io
import os
import queue
import signal
import sys
import threading
from collections.abc import Iterator
from time import monotonic
from types import FrameType

from bootmenu.errors import BootmenuError
from bootmenu.frontends.first_stage import before_a_system, first_stage
from bootmenu.model.value import replace
from bootmenu.system import signals
from bootmenu.terminal.capabilities import columns_of
from bootmenu.terminal.character_sets import to_ascii
from bootmenu.terminal.line_input import Prompt
from bootmenu.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bootmenu.frontends.menu_run import MenuRun
    from bootmenu.frontends.outcome import Outcome
    from bootmenu.session.shared_session import ConsoleSession

_SHUTDOWN_TIME = 3.0
"""Seconds that the plain menus of the other consoles have to unload and end after a signal."""


class PlainConsoles:
    """The plain menus of all consoles. If the jump of one of them fails, the others have continued meanwhile."""

    def __init__(self, menu_run: MenuRun) -> None:
        self._menu_run = menu_run
        self._sessions: dict[int, ConsoleSession] = {}
        """The sessions of the consoles whose menu runs, by the console's index."""
        self._outcomes: queue.SimpleQueue[tuple[int, Outcome, bool]] = queue.SimpleQueue()
        """Index of a console, the outcome of its menu, and whether its line has hung up."""
        self._prompts: dict[int, Prompt] = {}
        self._signal = 0
        """Number of the signal that ends all menus, or 0."""
        self._end_reader, self._end_writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        """A pipe that becomes readable with the signal. It is never read, so that every menu notices."""

    def run(self, error: BootmenuError | None, notice: str) -> tuple[ConsoleSession, Outcome]:
        """Run the menus; return the outcome of the first that ends, with its console's session. A menu whose line has
        hung up does not count while others run. error, notice: what they print first."""
        consoles = self._menu_run.consoles
        alone = len(consoles) == 1 and consoles[0].is_own  # it runs in the main thread, which Ctrl+C interrupts
        with self._signals(alone=alone):
            for index in range(len(consoles)):
                if index in self._sessions:
                    continue
                self._sessions[index] = self._menu_run.shared.console()
                if alone:
                    self._run_console(0, error, notice)
                else:
                    threading.Thread(target=self._run_console, args=(index, error, notice), daemon=True).start()
            while True:
                console_session, outcome, counts = self._next()
                if counts:
                    return console_session, outcome

    def _next(self) -> tuple[ConsoleSession, Outcome, bool]:
        """Wait for the next menu to end; return its console's session, its outcome, and whether that counts."""
        while True:
            with contextlib.suppress(queue.Empty):  # the main thread handles signals only when it wakes
                index, outcome, hung_up = self._outcomes.get(timeout=0.5)
                break
        console_session = self._sessions.pop(index)
        if not self._signal:
            return console_session, outcome, not (hung_up and self._sessions)
        from bootmenu.frontends.outcome import Jump, Quit

        if isinstance(outcome, Jump):
            console_session.unload(outcome.plan)
        until = monotonic() + _SHUTDOWN_TIME
        while self._sessions and (left := until - monotonic()) > 0:  # the others unload what they have loaded
            with contextlib.suppress(queue.Empty):
                index, outcome, _ = self._outcomes.get(timeout=left)
                other = self._sessions.pop(index)
                if isinstance(outcome, Jump):
                    other.unload(outcome.plan)
        return console_session, Quit(self._signal), True

    @contextlib.contextmanager
    def _signals(self, *, alone: bool) -> Iterator[None]:
        """Until the end, let signals end the menus after they have unloaded, and SIGCONT restore the terminals."""
        handlers: dict[signal.Signals, Any] = {}
        # nothing could resume a stopped first stage; Ctrl+C on one of several terminals must not reach the others
        for number in (signal.SIGTSTP, *(() if alone else (signal.SIGINT,))):
            handlers[number] = signal.SIG_IGN
        handlers[signal.SIGCONT] = self._restore_terminals
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        try:
            with signals.held(), signals.listening(self._on_signal):
                signal.signal(signal.SIGQUIT, signal.SIG_IGN)
                yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int) -> None:
        self._signal = self._signal or number
        with contextlib.suppress(OSError):  # the pipe is full, so it is readable
            os.write(self._end_writer, b"!")

    def _restore_terminals(self, _number: int, _frame: FrameType | None) -> None:
        for prompt in tuple(self._prompts.values()):  # a copy, because a menu may end in another thread
            prompt.take()

    def _run_console(self, index: int, error: BootmenuError | None, notice: str) -> None:
        """Run the menu of one console, and report its outcome."""
        outcome, hung_up = self._plain_menu(index, self._sessions[index], error, notice)
        self._outcomes.put((index, outcome, hung_up))

    def _plain_menu(
        self, index: int, console_session: ConsoleSession, error: BootmenuError | None, notice: str
    ) -> tuple[Outcome, bool]:
        """Run the menu of one console; return its outcome, and whether the line has hung up."""
        from bootmenu.frontends.outcome import Quit
        from bootmenu.frontends.plain_kiosk import PlainKiosk
        from bootmenu.frontends.plain_menu import PlainMenu
        from bootmenu.frontends.ui_context import UiContext
        from bootmenu.terminal.teletype import Teletype
        from bootmenu.view.policy import Policy

        menu_run = self._menu_run
        console, settings = menu_run.consoles[index], menu_run.loaded.settings
        is_first_stage, simulated = first_stage(), console_session.simulated
        policy = Policy.of(settings)
        context = UiContext(
            session=console_session,
            may_quit=not is_first_stage,
            confirm_always=not before_a_system() and not simulated,
            offer_demo=not simulated and len(menu_run.consoles) == 1,  # other menus stay on the real machine
            warning=notice,
            consoles=tuple(each.name for each in menu_run.consoles),
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
                with contextlib.suppress(OSError):  # the line has hung up, which the next read reports
                    sink.write(to_ascii(text) if console.traits.ascii else text)
                    sink.flush()

            prompt = Prompt(descriptor, write, self._end_reader, lambda: teletype.patience)
            self._prompts[index] = stack.enter_context(prompt)
            stack.callback(self._prompts.pop, index)
            teletype = Teletype(
                prompt,
                sink,
                prompt.secret,
                prompt.edit,
                ending=lambda: self._signal != 0,
                ascii_only=console.traits.ascii,
                columns=lambda: columns_of(descriptor, console.environ),
            )
            menu = PlainKiosk if policy.kiosk else PlainMenu
            return menu(context, teletype).run(error), teletype.hung_up
