# SPDX-License-Identifier: MIT
"""The list of the plain menu: every entry with its number, and what can be typed."""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.bootstate.state import State
from bootmenu.discovery.devices import Device
from bootmenu.discovery.scan_events import Listing
from bootmenu.frontends.plain_base import PlainBase
from bootmenu.frontends.ui_context import UiContext
from bootmenu.i18n import _, localized, ngettext
from bootmenu.model.finding import Severity
from bootmenu.session.scan_results import ScanResults
from bootmenu.terminal.cells import clean, cut
from bootmenu.terminal.teletype import Teletype, typed_number
from bootmenu.view.abridge import abridged
from bootmenu.view.actions import Action
from bootmenu.view.entry_list import Row, rows
from bootmenu.view.entry_row import EntryRow
from bootmenu.view.key_help import plain_commands
from bootmenu.view.plain_list import entry_lines
from bootmenu.view.screen_ids import Situation


class PlainListing(PlainBase):
    """Prints the list, and finds an entry by its number."""

    def __init__(self, context: UiContext, teletype: Teletype, results: ScanResults | None = None) -> None:
        super().__init__(context, teletype, results)
        self._session = context.session
        self._words = ""
        """Of the filter."""
        self._shown = State()
        """What was remembered when the list was printed: what is seen there is taken back, and nothing else."""

    @property
    def _prompt(self) -> str:
        return f"/{cut(clean(self._words), self.teletype.room // 2)} >" if self._words else ">"

    @property
    def _rows(self) -> tuple[list[Row], dict[tuple[str, str], tuple[int, EntryRow]]]:
        """Return the rows that are shown, and by its place every entry that is, with the number that it has in the
        whole list, and its row there."""
        every = rows(self.results, self._session.state_store.state)
        numbered = {
            _place(entry.listing): (index, entry)
            for index, entry in enumerate((row.entry for row in every if row.entry), 1)
        }
        if not self._words:
            return every, numbered
        shown = rows(self.results, self._session.state_store.state, self._words)
        places = [_place(row.listing) for row in shown if row.listing]
        return shown, {place: numbered[place] for place in places}

    def _list(self) -> None:
        say, machine = self.teletype.say, self._session.machine
        title = " - ".join(part for part in (machine.title, machine.kernel_release) if part)
        say()
        mark = f"  {_('SIMULATION')}" if self._session.simulated else ""
        say(f"bootmenu{mark}   {title}")
        for finding in self._session.machine_report.findings:
            if finding.severity is not Severity.PASS:
                self.finding(finding)
        for notice in self._session.notices:
            say(localized(notice), f"  {_('note')}  ")
        self._shown = self._session.state_store.state
        shown, numbered = self._rows
        entries = dict(zip(numbered, entry_lines(list(numbered.values()), self.teletype.room), strict=True))
        headings = [row.text for row in shown if row.heading]
        partitions = iter(abridged(tuple(headings), self.teletype.room - 1))
        for row in shown:
            if row.listing is not None:
                say(entries[_place(row.listing)])
            elif row.heading:
                say(f" {next(partitions)}")
            elif row.problem is not None:
                say(localized(row.problem.located), f"     {_('skip')}  ")
            else:
                say(row.text, "     ")
        if not entries and not self._words:
            say(_("There is nothing here that could be started."), " ")
        self._hints(len(entries))

    def _hints(self, shown: int) -> None:
        if self._words:
            entries = ngettext("{n} entry", "{n} entries", sum(1 for _each in self.results.listings))
            said = _("{shown} of {entries} with “{words}”").format(
                shown=shown, entries=entries, words=clean(self._words, 40)
            )
            self.teletype.say(f"{said}. {_('/ alone shows all of them.')}")
        letters = " ".join(action.plain for action in self._offered())
        said = _("A number starts that entry. Also: {letters} ? (help), each with Enter.")
        self.teletype.say(said.format(letters=letters))

    def _offered(self) -> Iterator[Action]:
        for action in plain_commands():
            if self.context.permits(action.name) and (action.labelled_with is not Situation.LOCKED or self._locked):
                yield action

    @property
    def _locked(self) -> list[Device]:
        return [group.device for group in self.results.groups if group.device.locked]

    def _entry(self, typed: str) -> Listing | None:
        """Return the entry of that number, as long as it is shown; else say what is needed."""
        _shown, numbered = self._rows
        wanted = typed_number(typed)
        for index, row in numbered.values():
            if index == wanted:
                return row.listing
        numbers = [index for index, _row in numbered.values()]
        if not numbers:
            self.teletype.say(_("There is no entry."))
        elif self._words:
            some = ", ".join(map(str, numbers))
            self.teletype.say(_("That needs the number of an entry that is shown: {numbers}.").format(numbers=some))
        else:
            self.teletype.say(_("That needs the number of an entry: 1 to {n}.").format(n=numbers[-1]))
        return None


def _place(listing: Listing) -> tuple[str, str]:
    """Return what no other entry has: a copy of a disk has the same ids."""
    return listing.entry.device, listing.entry.id
