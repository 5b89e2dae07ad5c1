# SPDX-License-Identifier: MIT
"""What the plain menu and the plain kiosk have in common: scanning, the details of an entry, and loading it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from bootmenu.discovery.scan_events import Listing
from bootmenu.frontends.ui_context import UiContext
from bootmenu.i18n import _
from bootmenu.kexec.kernel_errors import leave_note
from bootmenu.kexec.plan import LoadPlan
from bootmenu.model.finding import Finding
from bootmenu.model.progress import Progress
from bootmenu.session.scan_results import ScanResults
from bootmenu.system.power import Power
from bootmenu.terminal.cells import cells, fit
from bootmenu.terminal.teletype import EndOfInput, Teletype
from bootmenu.view.boot_plan import plan_rows
from bootmenu.view.dtb_page import TreeText
from bootmenu.view.findings import hint, message
from bootmenu.view.wording import (
    GOING_DOWN,
    verdict_line,
    word,
    word_width,
)

_MOST_DIFFERENCES = 40
"""Of a device tree: nobody can scroll back on a serial line."""


class Locked(Exception):  # noqa: N818 - it is what was wanted
    """The kiosk is to be locked again."""


class PlainBase:
    """What the menu and the kiosk both do on a terminal: look, show details, and load."""

    def __init__(self, context: UiContext, teletype: Teletype, results: ScanResults | None = None) -> None:
        self.context = context
        self.teletype = teletype
        self.results = results or ScanResults()

    def look(self) -> None:
        """Read every partition. Raise BootmenuError; what was found before it is kept."""
        with contextlib.closing(self.context.session.scan()) as subscription:
            self.results.begin()
            try:
                for event in subscription.until_finished():
                    self.results.add(event)
            finally:
                if self.results.scanning:  # it ended early
                    self.results.stop()

    def load(self, listing: Listing, tell: Callable[[Progress], None]) -> LoadPlan:
        """Load an entry, until only the jump is missing. Raise KeyboardInterrupt, after the loaded kernel was taken
        out again, and whatever went wrong."""
        session = self.context.session
        with session.holding(listing):
            plan = session.plan(listing)
            try:
                self.follow(session.load(plan), tell)
                self.follow(session.prepare_jump(plan), tell)
            except BaseException as error:
                leave_note(error, session.unload(plan))
                raise
        return plan

    def follow(self, steps: Iterator[Progress], tell: Callable[[Progress], None]) -> None:
        """Read the iterator to its end."""
        try:
            for progress in steps:
                if self.teletype.ending():
                    raise EndOfInput
                tell(progress)
        finally:
            close = getattr(steps, "close", None)
            if close is not None:
                close()

    def go_down(self, wanted: Power) -> None:
        """Restart or switch off; return only by raising BootmenuError."""
        self.teletype.say(_(GOING_DOWN[wanted]))
        self.context.session.power(wanted)

    def details(self, listing: Listing, name: str) -> None:
        """Say what was found about an entry, and what loading it would do."""
        say = self.teletype.say
        say(name)
        for finding in listing.report.findings:
            self.finding(finding)
        say(verdict_line(listing.report.verdict))
        plan = plan_rows(self.context.session.plan(listing))
        width = max(14, *(cells(row.name) + 2 for row in plan))
        for row in plan:
            say(row.full_text, fit(row.name, width))
        if self.context.permits("tree"):
            self._trees(listing)

    def _trees(self, listing: Listing) -> None:
        """How the device tree that is handed on differs from the entry's own, and from the running one."""
        shown = TreeText.read(self.context.session, listing)
        own, running = _("Changes to the entry's device tree"), _("Differences from the running device tree")
        for title, texts in ((own, shown.changes), (running, shown.against_running)):
            if texts is not None:
                self.teletype.say(title)
                for text in texts[:_MOST_DIFFERENCES] or (_("No differences."),):
                    self.teletype.say(text, "  ")
                if len(texts) > _MOST_DIFFERENCES:
                    more = _("... and more: only the first {n} are shown")
                    self.teletype.say(more.format(n=_MOST_DIFFERENCES), "  ")

    def finding(self, finding: Finding) -> None:
        """Say what a check has found, and what to do."""
        width = word_width()
        self.teletype.say(f"{finding.code}: {message(finding)}", f"  {fit(word(finding.severity), width)}  ")
        if advice := hint(finding):
            self.teletype.say(advice, " " * (width + 4) + "→ ")
