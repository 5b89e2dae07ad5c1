# SPDX-License-Identifier: MIT
"""The progress of a load up to the jump; Esc cancels it at any time."""

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
from bootmenu.frontends.tui.background import in_background
from bootmenu.frontends.tui.screens.base_screen import BootmenuScreen
from bootmenu.frontends.tui.screens.refusal_screen import FollowUp, RefusalScreen, SimulationEndScreen
from bootmenu.frontends.tui.widgets.text_view import TextView
from bootmenu.frontends.ui_context import UiContext
from bootmenu.i18n import _, localized
from bootmenu.kexec import load_test
from bootmenu.kexec.kernel_errors import LoadError, leave_note
from bootmenu.kexec.plan import LoadPlan
from bootmenu.model.finding import Finding
from bootmenu.model.progress import Progress, Stage, StageState
from bootmenu.model.value import Value, replace
from bootmenu.session import menu_log
from bootmenu.view.load_progress import loading, work_done
from bootmenu.view.screen_ids import ScreenId
from bootmenu.view.styled_text import Line
from bootmenu.view.wording import full_name

_INTERVAL = 0.1
"""Seconds between two redraws during one stage."""


class Returned(Value):
    """The result of a load without a jump."""

    message: str = ""
    """A sentence to show in the menu, or empty."""
    rescan: bool = False
    """Whether to scan again, because the partitions were unmounted."""
    failed: bool = False
    """Whether the entry could not be loaded."""
    tested: Finding | None = None
    """The finding of a test load, or None."""
    follow_up: FollowUp | None = None
    """What the user wants after a failure, or None."""


class LoadingScreen(BootmenuScreen[Jump | Returned]):
    """Loads an entry and shows the progress; its result is a Jump, or Returned if there is no jump.

    test: only load the entry, and unload it at once.
    """

    screen_id = ScreenId.PROGRESS

    class Planned(Message):
        """The plan was made."""

        def __init__(self, plan: LoadPlan) -> None:
            super().__init__()
            self.plan = plan

    class Progressed(Message):
        """A stage made progress."""

        def __init__(self, progress: Progress) -> None:
            super().__init__()
            self.progress = progress

    class ReadyToJump(Message):
        """Everything is loaded, synced and unmounted: the jump can follow."""

        def __init__(self, plan: LoadPlan) -> None:
            super().__init__()
            self.plan = plan

    class Failed(Message):
        """The load failed; nothing is loaded."""

        def __init__(self, error: Exception) -> None:
            super().__init__()
            self.error = error

    class Tested(Message):
        """The test load succeeded and was unloaded. leftover: what could not be unloaded, or empty."""

        def __init__(self, tested: Finding, leftover: str) -> None:
            super().__init__()
            self.tested = tested
            self.leftover = leftover

    class Cancelled(Message):
        """The load was cancelled or unloaded. leftover: what could not be unloaded, or empty."""

        def __init__(self, leftover: str = "") -> None:
            super().__init__()
            self.leftover = leftover

    def __init__(self, context: UiContext, listing: Listing, *, test: bool = False) -> None:
        super().__init__(context)
        self.listing = listing
        self.plan: LoadPlan | None = None
        self.progress: dict[Stage, Progress] = {}
        self.status = ""
        self.result: Returned | None = None
        """Set when the load has ended and another screen tells how: the result after that is closed."""
        self._test = test
        self._stop = Event()
        self._loaded_plan: LoadPlan | None = None
        """Set when only the jump is left to do."""
        self._unmounting = False
        """Whether partitions may have been unmounted."""

    def contents(self) -> Iterable[Widget]:
        """Yield the page."""
        yield TextView(self._page, id="page")

    def _page(self, width: int) -> list[Line]:
        height = self.text_view("page").size.height
        return loading(self.listing, self.plan, self.progress, self.status, width, height, test=self._test)

    @property
    def unlabelled(self) -> frozenset[str]:
        """Return the actions that the footer leaves out: a load that is being cancelled cannot be cancelled again."""
        return super().unlabelled | ({"cancel"} if self._stop.is_set() else set())

    def _draw(self) -> None:
        if not self.closed:
            self.text_view("page").show(self._page)

    def on_mount(self) -> None:
        """Start the load."""
        in_background(self, self._work, "load", exclusive=True)

    def stop_work(self) -> None:
        """Stop the load, and unload what is loaded, because the app ends."""
        super().stop_work()
        self._stop.set()
        if self._loaded_plan is not None:
            self.context.session.unload(self._loaded_plan)

    # --- in a thread

    def _work(self) -> None:
        with self.context.session.holding(self.listing):
            self._load()

    def _load(self) -> None:
        session = self.context.session
        plan: LoadPlan | None = None
        try:
            plan = None if self._stop.is_set() else session.plan(self.listing)
            if plan is not None:
                self.post_message(self.Planned(plan))
                loaded = self._report_progress(session.load(plan))
                if loaded and self._test:
                    self.post_message(self.Tested(load_test.finding(plan, None), session.unload(plan)))
                    return
                if loaded:
                    self._unmounting = True
                    if self._report_progress(session.prepare_jump(plan)):
                        self._loaded_plan = plan
                        if not self._stop.is_set():
                            self.post_message(self.ReadyToJump(plan))
                            return
            self.post_message(self.Cancelled("" if plan is None else session.unload(plan)))
        except Exception as error:
            if plan is not None:
                leave_note(error, session.unload(plan))
            if not isinstance(error, BootmenuError):
                menu_log.write_error(error)
            self.post_message(self.Failed(error))

    def _report_progress(self, steps: Iterator[Progress]) -> bool:
        """Run the steps and post their progress; return False if they were stopped."""
        posted: tuple[Stage, StageState] | None = None
        posted_at = 0.0
        steps = iter(steps)
        try:
            for progress in steps:
                now, step = monotonic(), (progress.stage, progress.state)
                if step != posted or now - posted_at >= _INTERVAL:
                    posted, posted_at = step, now
                    self.post_message(self.Progressed(progress))
                if self._stop.is_set():
                    return False
        finally:
            close = getattr(steps, "close", None)
            if close is not None:
                close()
        return not self._stop.is_set()

    # --- messages and keys

    @on(Planned)
    def _planned(self, message: Planned) -> None:
        self.plan = message.plan
        self._draw()

    @on(Progressed)
    def _progressed(self, message: Progressed) -> None:
        self.progress[message.progress.stage] = message.progress
        self._draw()

    @on(ReadyToJump)
    def _ready_to_jump(self, message: ReadyToJump) -> None:
        if self.closed:
            return
        if self._stop.is_set():
            # Esc was pressed between the last step and this message
            in_background(self, lambda: self._unload(message.plan), "load", exclusive=True)
        elif self.context.session.simulated:
            self.result = Returned()
            self.app.push_screen(self.simulation_end_screen(message.plan), lambda _none: self._unload(message.plan))
        else:
            self.dismiss(Jump(message.plan, work_done(message.plan, self.progress)))

    def _unload(self, plan: LoadPlan) -> None:
        self.post_message(self.Cancelled(self.context.session.unload(plan)))

    @on(Failed)
    def _failed(self, message: Failed) -> None:
        if self.closed:
            return
        tested = None
        if self._test and self.plan is not None and isinstance(message.error, LoadError):
            tested = load_test.finding(self.plan, message.error)
        self.result = result = self._make_result("", failed=tested is None, tested=tested)
        screen = self.error_screen(message.error)
        self.app.push_screen(screen, lambda next_: self._close_with(replace(result, follow_up=next_)))

    @on(Tested)
    def _tested(self, message: Tested) -> None:
        if not self.closed:
            text = _("Test passed; nothing is loaded now")
            if self.plan is not None:
                text = f"{text}. {work_done(self.plan, self.progress)}"
            self.dismiss(Returned(localized(message.leftover) or text, tested=message.tested))

    @on(Cancelled)
    def _cancelled(self, message: Cancelled) -> None:
        text = _("cancelled: nothing is loaded") if self._stop.is_set() else ""
        self._close_with(self._make_result(localized(message.leftover) or text))

    def error_screen(self, error: Exception) -> BootmenuScreen[FollowUp]:
        """Return the screen for a failed load."""
        return RefusalScreen(self.context, error, full_name(self.listing.entry), self.listing)

    def simulation_end_screen(self, plan: LoadPlan) -> BootmenuScreen[None]:
        """Return the screen for the end of a simulation."""
        return SimulationEndScreen(self.context, plan, work_done(plan, self.progress))

    def _close_with(self, result: Returned) -> None:
        if not self.closed:
            self.dismiss(result)

    def _make_result(self, message: str, *, failed: bool = False, tested: Finding | None = None) -> Returned:
        rescan = self._unmounting and not self.context.session.simulated
        return Returned(message, rescan=rescan, failed=failed, tested=tested)

    def action_cancel(self) -> None:
        """Cancel the load at its next step."""
        if not self._stop.is_set():
            self._stop.set()
            self.status = _("Cancelling. Please wait.")
            self._draw()
            self.text_view("footer").show(self._footer)
