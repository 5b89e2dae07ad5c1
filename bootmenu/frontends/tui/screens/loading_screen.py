# SPDX-License-Identifier: MIT
"""The progress of a load, stage by stage, up to the jump; Esc takes everything back at any time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from threading import Event
from time import monotonic

from textual import on
from textual.message import Message
from textual.widget import Widget

from bootmenu.discovery.scan_events import Listing
from bootmenu.errors import BootmenuError
from bootmenu.frontends.outcome import Jump
from bootmenu.frontends.tui.screens.base_screen import BootmenuScreen
from bootmenu.frontends.tui.screens.refusal_screen import ArrivalScreen, RefusalScreen
from bootmenu.frontends.tui.widgets.text_view import TextView
from bootmenu.frontends.ui_context import UiContext
from bootmenu.i18n import _, localized
from bootmenu.kexec import trial_load
from bootmenu.kexec.kernel_errors import LoadError, leave_note
from bootmenu.kexec.plan import LoadPlan
from bootmenu.model.finding import Finding
from bootmenu.model.progress import Progress, Stage, StageState
from bootmenu.model.value import Value
from bootmenu.session import menu_log
from bootmenu.view.load_progress import loading
from bootmenu.view.screen_ids import ScreenId
from bootmenu.view.styled_text import Line
from bootmenu.view.wording import full_name

_INTERVAL = 0.1
"""Seconds between two pictures of the same stage."""


class Returned(Value):
    """Back to the menu. said: a sentence for its rule. look_again: the partitions were unmounted."""

    said: str = ""
    look_again: bool = False
    failed: bool = False
    """It could not be loaded."""
    tested: Finding | None = None
    """What a test load showed."""


class LoadingScreen(BootmenuScreen[Jump | Returned]):
    """Ends with the jump to make, or with the way back to the menu.

    test: it goes no further than the load, which is taken back at once.
    """

    screen_id = ScreenId.PROGRESS

    class Planned(Message):
        """What will be done is known."""

        def __init__(self, plan: LoadPlan) -> None:
            super().__init__()
            self.plan = plan

    class Went(Message):
        """A stage went on."""

        def __init__(self, progress: Progress) -> None:
            super().__init__()
            self.progress = progress

    class Ready(Message):
        """Loaded, synced and unmounted."""

        def __init__(self, plan: LoadPlan) -> None:
            super().__init__()
            self.plan = plan

    class Failed(Message):
        """It could not be done; nothing is loaded."""

        def __init__(self, error: Exception) -> None:
            super().__init__()
            self.error = error

    class Tested(Message):
        """The kernel took it, and it is out again."""

        def __init__(self, tested: Finding, left: str) -> None:
            super().__init__()
            self.tested = tested
            self.left = left

    class Cancelled(Message):
        """It was taken back; nothing is loaded, unless `left` says so."""

        def __init__(self, left: str = "") -> None:
            super().__init__()
            self.left = left

    def __init__(self, context: UiContext, listing: Listing, *, test: bool = False) -> None:
        super().__init__(context)
        self.listing = listing
        self.plan: LoadPlan | None = None
        self.told: dict[Stage, Progress] = {}
        self.said = ""
        self.ended: Returned | None = None
        """Nothing goes on any more, and whoever closes the screen above comes back with this."""
        self._test = test
        self._stop = Event()
        self._ready_plan: LoadPlan | None = None
        """Set when everything is done and only the jump is missing."""
        self._leaving = False
        """The partitions may be unmounted."""

    def contents(self) -> Iterable[Widget]:
        """The page."""
        yield TextView(self._page, id="page")

    def _page(self, width: int) -> list[Line]:
        height = self.text_view("page").size.height
        return loading(self.listing, self.plan, self.told, self.said, width, height, test=self._test)

    def _draw(self) -> None:
        if not self.gone:
            self.text_view("page").show(self._page)

    def on_mount(self) -> None:
        """Begin."""
        self.run_worker(self._work, thread=True, exclusive=True, group="load", exit_on_error=False)

    def let_go(self) -> None:
        """A menu that is told to leave while it loads leaves nothing loaded."""
        super().let_go()
        self._stop.set()
        if self._ready_plan is not None:
            self.context.session.unload(self._ready_plan)

    # --- in a thread

    def _work(self) -> None:
        with self.context.session.holding(self.listing):
            self._start()

    def _start(self) -> None:
        session = self.context.session
        plan: LoadPlan | None = None
        try:
            plan = None if self._stop.is_set() else session.plan(self.listing)
            if plan is not None:
                self.post_message(self.Planned(plan))
                loaded = self._follow(session.load(plan))
                if loaded and self._test:
                    self.post_message(self.Tested(trial_load.finding(plan, None), session.unload(plan)))
                    return
                if loaded:
                    self._leaving = True
                    if self._follow(session.prepare_jump(plan)):
                        self._ready_plan = plan
                        if not self._stop.is_set():
                            self.post_message(self.Ready(plan))
                            return
            self.post_message(self.Cancelled("" if plan is None else session.unload(plan)))
        except Exception as error:
            if plan is not None:
                leave_note(error, session.unload(plan))
            if not isinstance(error, BootmenuError):
                menu_log.write_error(error)
            self.post_message(self.Failed(error))

    def _follow(self, steps: Iterator[Progress]) -> bool:
        """Read the iterator to its end; False when it was stopped before."""
        told: tuple[Stage, StageState] | None = None
        when = 0.0
        steps = iter(steps)
        try:
            for progress in steps:
                now, step = monotonic(), (progress.stage, progress.state)
                if step != told or now - when >= _INTERVAL:
                    told, when = step, now
                    self.post_message(self.Went(progress))
                if self._stop.is_set():
                    return False
        finally:
            close = getattr(steps, "close", None)
            if close is not None:
                close()
        return not self._stop.is_set()

    # --- on the screen

    @on(Planned)
    def _planned(self, message: Planned) -> None:
        self.plan = message.plan
        self._draw()

    @on(Went)
    def _went(self, message: Went) -> None:
        self.told[message.progress.stage] = message.progress
        self._draw()

    @on(Ready)
    def _ready(self, message: Ready) -> None:
        if self.gone:
            return
        if self._stop.is_set():
            # Esc came between the last step and this message: take it back
            self.run_worker(
                lambda: self._take_back(message.plan), thread=True, exclusive=True, group="load", exit_on_error=False
            )
        elif self.context.session.simulated:
            self.ended = Returned()
            self.app.push_screen(self.arrived(message.plan), lambda _none: self._take_back(message.plan))
        else:
            self.dismiss(Jump(message.plan))

    def _take_back(self, plan: LoadPlan) -> None:
        self.post_message(self.Cancelled(self.context.session.unload(plan)))

    @on(Failed)
    def _failed(self, message: Failed) -> None:
        if self.gone:
            return
        tested = None
        if self._test and self.plan is not None and isinstance(message.error, LoadError):
            tested = trial_load.finding(self.plan, message.error)
        self.ended = ended = self._returned("", failed=tested is None, tested=tested)
        self.app.push_screen(self.refused(message.error), lambda _none: self._back(ended))

    @on(Tested)
    def _tested(self, message: Tested) -> None:
        if not self.gone:
            said = _("Test passed; nothing is loaded now")
            self.dismiss(Returned(localized(message.left) or said, tested=message.tested))

    @on(Cancelled)
    def _cancelled(self, message: Cancelled) -> None:
        said = _("taken back: nothing is loaded") if self._stop.is_set() else ""
        self._back(self._returned(localized(message.left) or said))

    def refused(self, error: Exception) -> BootmenuScreen[None]:
        """The screen that says so."""
        return RefusalScreen(self.context, error, full_name(self.listing.entry))

    def arrived(self, plan: LoadPlan) -> BootmenuScreen[None]:
        """The screen at the end of a simulation."""
        return ArrivalScreen(self.context, plan)

    def _back(self, result: Returned) -> None:
        if not self.gone:
            self.dismiss(result)

    def _returned(self, said: str, *, failed: bool = False, tested: Finding | None = None) -> Returned:
        look_again = self._leaving and not self.context.session.simulated
        return Returned(said, look_again=look_again, failed=failed, tested=tested)

    def action_cancel(self) -> None:
        """Stop at the next step."""
        if not self._stop.is_set():
            self._stop.set()
            self.said = _("Stopping, and taking everything back.")
            self._draw()
