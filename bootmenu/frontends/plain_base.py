# SPDX-License-Identifier: MIT
"""The common part of the plain menu and the plain kiosk: scan, print an entry's details, and load it."""

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
from bootmenu.view.dtb_page import DtbText
from bootmenu.view.entry_details import evidence_texts
from bootmenu.view.findings import hint, message
from bootmenu.view.wording import (
    GOING_DOWN,
    verdict_line,
    word,
    word_width,
)

_MAX_DIFFERENCES = 40
"""Differences of a device tree that are printed, because a serial line cannot scroll back."""


class LockRequested(Exception):  # noqa: N818 - not an error
    """The kiosk's service menu is to be locked again."""


class PlainBase:
    """A menu on one terminal that prints lines. results: of an earlier scan, if there is one."""

    def __init__(self, context: UiContext, teletype: Teletype, results: ScanResults | None = None) -> None:
        self.context = context
        self.teletype = teletype
        self.results = results or ScanResults()

    def scan(self) -> None:
        """Scan every partition. If that raises BootmenuError, what was found until then is kept."""
        with contextlib.closing(self.context.session.scan()) as subscription:
            self.results.begin()
            try:
                for event in subscription.until_finished():
                    self.results.add(event)
            finally:
                if self.results.scanning:  # it ended early
                    self.results.stop()

    def load(self, listing: Listing, report: Callable[[Progress], None]) -> LoadPlan:
        """Load an entry and prepare the jump. If anything fails, or Ctrl+C raises KeyboardInterrupt, unload the
        kernel and raise that again."""
        session = self.context.session
        with session.holding(listing):
            plan = session.plan(listing)
            try:
                self.follow(session.load(plan), report)
                self.follow(session.prepare_jump(plan), report)
            except BaseException as error:
                leave_note(error, session.unload(plan))
                raise
        return plan

    def follow(self, steps: Iterator[Progress], report: Callable[[Progress], None]) -> None:
        """Run the steps to their end. Raise EndOfInput if the menu is to end."""
        try:
            for progress in steps:
                if self.teletype.ending():
                    raise EndOfInput
                report(progress)
        finally:
            close = getattr(steps, "close", None)
            if close is not None:
                close()

    def go_down(self, wanted: Power) -> None:
        """Restart or switch off the machine; return only by raising BootmenuError."""
        self.teletype.say(_(GOING_DOWN[wanted]))
        self.context.session.power(wanted)

    def details(self, listing: Listing, name: str) -> None:
        """Print the findings about an entry, and its boot plan."""
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
            self._print_tree_changes(listing)

    def _print_tree_changes(self, listing: Listing) -> None:
        """Print how the kernel's device tree differs from the entry's own, and from the running one."""
        shown = DtbText.read(self.context.session, listing)
        own, running = _("Changes to the entry's device tree"), _("Differences from the running device tree")
        for title, texts in ((own, shown.changes), (running, shown.against_running)):
            if texts is not None:
                self.teletype.say(title)
                for text in texts[:_MAX_DIFFERENCES] or (_("No differences."),):
                    self.teletype.say(text, "  ")
                if len(texts) > _MAX_DIFFERENCES:
                    more = _("... and more: only the first {n} are shown")
                    self.teletype.say(more.format(n=_MAX_DIFFERENCES), "  ")

    def finding(self, finding: Finding) -> None:
        """Print a finding and its hint."""
        width = word_width()
        self.teletype.say(f"{finding.code}: {message(finding)}", f"  {fit(word(finding.severity), width)}  ")
        if advice := hint(finding):
            self.teletype.say(advice, " " * (width + 4) + "→ ")

    def evidence(self, listing: Listing, code: str) -> None:
        """Print the values that the check of this code compared."""
        found = [each for each in listing.report.findings if each.code.casefold() == code.casefold()]
        for each in found:
            self.finding(each)
            for text in evidence_texts(each):
                self.teletype.say(text, " " * (word_width() + 4))
        if not found:
            codes = ", ".join(dict.fromkeys(each.code for each in listing.report.findings))
            self.teletype.say(_("This entry has no check {code}; there are: {codes}.").format(code=code, codes=codes))
