# SPDX-License-Identifier: MIT
"""The plain menus of all consoles, each in a thread of its own."""

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
from typing import TYPE_CHECKING, Any

from bootmenu.errors import BootmenuError
from bootmenu.frontends.first_stage import first_stage
from bootmenu.model.value import replace
from bootmenu.system import signals
from bootmenu.terminal.capabilities import columns_of
from bootmenu.terminal.character_sets import to_ascii
from bootmenu.terminal.line_input import Prompt

if TYPE_CHECKING:
    from bootmenu.frontends.menu_run import MenuRun
    from bootmenu.frontends.outcome import Outcome
    from bootmenu.session.shared_session import ConsoleSession

_LAST_WORDS = 3.0
"""Seconds in which the plain menus of the other consoles end when the process is told to."""


class PlainConsoles:
    """The plain menus of all consoles. Those of the others go on while one's jump is tried, and comes back."""

    def __init__(self, menu_run: MenuRun) -> None:
        self._menu_run = menu_run
        self._views: dict[int, ConsoleSession] = {}
        """Of the consoles where a menu runs."""
        self._outcomes: queue.SimpleQueue[tuple[int, Outcome, bool]] = queue.SimpleQueue()
        self._prompts: dict[int, Prompt] = {}
        self._signal = 0
        """The one that ends them all."""
        self._ended, self._end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        """A pipe that can be read from the signal on. Its byte is never taken out, so that every menu notices."""

    def run(self, error: BootmenuError | None, said: str) -> tuple[ConsoleSession, Outcome]:
        """The first outcome is everybody's; that of a line which hung up is nobody's else as long as there are
        others."""
        consoles = self._menu_run.consoles
        alone = len(consoles) == 1 and consoles[0].is_own  # in the main thread, where Ctrl+C is heard
        with self._signals(alone=alone):
            for place in range(len(consoles)):
                if place in self._views:
                    continue
                self._views[place] = self._menu_run.shared.console()
                if alone:
                    self._sit(0, error, said)
                else:
                    threading.Thread(target=self._sit, args=(place, error, said), daemon=True).start()
            while True:
                view, outcome, last = self._next()
                if last:
                    return view, outcome

    def _next(self) -> tuple[ConsoleSession, Outcome, bool]:
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

    def _plain_menu(
        self, place: int, view: ConsoleSession, error: BootmenuError | None, said: str
    ) -> tuple[Outcome, bool]:
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
            warning=said,
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
