# SPDX-License-Identifier: MIT
"""What the plain menu prints without changing anything: the kernel's messages, a comparison, the machine."""

from __future__ import annotations

from bootmenu.discovery.scan_events import Listing
from bootmenu.frontends.plain_listing import PlainListing
from bootmenu.frontends.ui_context import UiContext
from bootmenu.i18n import _
from bootmenu.session.scan_results import ScanResults
from bootmenu.terminal.cells import fit
from bootmenu.terminal.teletype import Teletype
from bootmenu.view.comparison import differences
from bootmenu.view.machine_page import label_width, sections


class PlainPages(PlainListing):
    """A menu on one terminal that can say what it knows. results: of an earlier scan, if there is one."""

    def __init__(self, context: UiContext, teletype: Teletype, results: ScanResults | None = None) -> None:
        super().__init__(context, teletype, results)
        self._marked: Listing | None = None
        """The entry that the next one is compared with."""

    def do_log(self) -> None:
        """Print the last of the kernel's messages."""
        lines = self._session.kernel_log()
        if lines is None:
            self.teletype.say(_("The kernel's messages cannot be read."))
        elif not lines:
            self.teletype.say(_("The kernel has no messages."))
        for line in (lines or [])[-20:]:
            self.teletype.say(line, "  ")

    def do_compare(self, listing: Listing) -> None:
        """Mark an entry, or print how it differs from the one that is marked."""
        marked, self._marked = self._marked, None
        if marked is None or marked.entry.id == listing.entry.id:
            self._marked = listing if marked is None else None
            self.teletype.say(_("Marked. Type = and another number.") if self._marked else _("No longer marked."))
            return
        found = list(differences(marked, listing))
        for each in found:
            self.teletype.say(_(each.label))
            self.teletype.say(each.first or _("nothing"), "  - ")
            self.teletype.say(each.second or _("nothing"), "  + ")
        if not found:
            self.teletype.say(_("Nothing that can be seen here."))

    def do_machine(self) -> None:
        """Print what this machine is, and what it remembers."""
        store = self._session.state_store
        for title, rows in sections(self._session.machine, store.state, store.error, self.context.consoles):
            self.teletype.say(title)
            for row in rows:
                self.teletype.say(row.value, fit(f"  {_(row.label) if row.label else ''}", label_width() + 2))
