# SPDX-License-Identifier: MIT
"""The list of the plain menu: every entry with its number, and the commands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bootmenu import i18n
from bootmenu.bootstate.state import State
from bootmenu.discovery.devices import Device
from bootmenu.discovery.scan_events import Listing
from bootmenu.frontends.plain_base import PlainBase
from bootmenu.frontends.ui_context import UiContext
from bootmenu.i18n import _, localized
from bootmenu.model.value import replace
from bootmenu.session.scan_results import ScanResults
from bootmenu.terminal.cells import clean, cut
from bootmenu.terminal.teletype import Teletype, typed_number
from bootmenu.view import welcome
from bootmenu.view.abridge import abridged
from bootmenu.view.action import Action
from bootmenu.view.entry_list import EntryList, Row
from bootmenu.view.entry_texts import EntryTexts
from bootmenu.view.key_help import plain_commands
from bootmenu.view.plain_list import entry_lines
from bootmenu.view.screen_ids import Situation
from bootmenu.view.wording import matching_count


class PlainListing(PlainBase):
    """Prints the list, and finds an entry by its number."""

    def __init__(self, context: UiContext, teletype: Teletype, results: ScanResults | None = None) -> None:
        super().__init__(context, teletype, results)
        self._session = context.session
        self._entries = EntryList(context.settings)
        self._filter = ""
        """The words that listed entries contain."""
        self._unfolded = False
        """Whether the snapshots are listed, too."""
        self._printed_state = State()
        """The state when the list was printed: a command toggles what the person sees there."""

    @property
    def _prompt(self) -> str:
        return f"/{cut(clean(self._filter), self.teletype.room // 2)} >" if self._filter else ">"

    @property
    def _rows(self) -> tuple[Sequence[Row], dict[tuple[str, str], tuple[int, EntryTexts]]]:
        """Return the rows to print; and for each entry among them, by its key, its number in the whole list and its
        row there."""
        state = self._session.state_store.state
        all_rows = self._entries.rows(self.results, state, unfolded=None)
        numbered = {
            _key(entry.listing): (index, entry)
            for index, entry in enumerate((row.entry for row in all_rows if row.entry), 1)
        }
        if not self._filter:
            return all_rows if self._unfolded else self._entries.rows(self.results, state), numbered
        matching = self._entries.rows(self.results, state, self._filter)
        keys = [_key(row.listing) for row in matching if row.listing]
        return matching, {key: numbered[key] for key in keys}

    def _list(self) -> None:
        """Print the list."""
        say, machine = self.teletype.say, self._session.machine
        title = " - ".join(part for part in (machine.title, machine.kernel_release) if part)
        say()
        mark = "  " + _("SIMULATION") if self._session.simulated else ""
        say(f"bootmenu{mark}   {title}")
        session, visiting = self._session, self.context.visiting
        # the first lines of the menu have said the obstacles
        alarms, notices = welcome.alarms(session.machine_report, session.notices, visiting=visiting)
        for finding in alarms:
            self.finding(finding)
        for notice in notices:
            say(localized(notice), f"  {_('note')}  ")
        self._printed_state = self._session.state_store.state
        shown, numbered = self._rows
        entries = dict(zip(numbered, entry_lines(list(numbered.values()), self.teletype.room), strict=True))
        headings = [row.text for row in shown if row.heading]
        partitions = iter(abridged(tuple(headings), self.teletype.room - 1))
        for row in shown:
            if row.listing is not None:
                say(entries[_key(row.listing)])
            elif row.fold is not None:
                say(row.fold.text(), f"     {row.fold.sign}  ")
            elif row.heading:
                say(f" {next(partitions)}")
            elif row.problem is not None:
                say(localized(row.problem.located), f"     {_('skip')}  ")
            else:
                say(row.text, "     ")
        if not entries and not self._filter:
            say(_("No boot entries found."), " ")
        self._hints(len(entries))

    def _hints(self, shown: int) -> None:
        """Print how many entries match the filter, and the commands. shown: number of entries that match."""
        if self._filter:
            count = matching_count(shown, len(list(self.results.listings)), self._filter)
            self.teletype.say(count + ". " + _("/ alone shows all of them."))
        commands = [
            f"{action.plain} ({_(action.label)})" if action.label else action.plain for action in self._offered()
        ]
        text = _("A number starts that entry. Also: {commands}, ? (help). Press Enter after each.")
        self.teletype.say(text.format(commands=", ".join(commands)))

    def do_look(self) -> None:
        """Choose the language, and remember it."""
        names = i18n.names()
        chosen = self.teletype.choose(list(names.values()))
        if chosen is None:
            return
        code = list(names)[chosen]
        i18n.switch(code)
        self._entries.forget()
        store = self._session.state_store
        saved = store.update(lambda state: replace(state, language=code))
        self._list()
        if not saved:
            self.teletype.say(_("The language is for this session only."), "  ! ")
            if store.error:
                self.teletype.say(localized(store.error), "  ! ")

    def _offered(self) -> Iterator[Action]:
        """Yield the actions that are possible now."""
        missing = set() if self._locked else {Situation.LOCKED}
        if not self._has_folds:
            missing.add(Situation.FOLDED)
        if not any(listing.entry.is_own for listing in self.results.listings):
            missing.add(Situation.OWN)
        for action in plain_commands():
            if self.context.permits(action.name) and action.labelled_with not in missing:
                yield action

    @property
    def _has_folds(self) -> bool:
        if all(listing.entry.snapshot is None for listing in self.results.listings):
            return False
        return any(row.fold for row in self._entries.rows(self.results, self._session.state_store.state))

    @property
    def _locked(self) -> list[Device]:
        return [group.device for group in self.results.groups if group.device.locked]

    def _entry(self, typed: str) -> Listing | None:
        """Return the entry with the typed number if it is listed; else print which numbers there are."""
        _shown, numbered = self._rows
        wanted = typed_number(typed)
        for index, row in numbered.values():
            if index == wanted:
                return row.listing
        numbers = [index for index, _row in numbered.values()]
        if not numbers:
            self.teletype.say(_("There is no entry."))
        elif self._filter:
            some = ", ".join(map(str, numbers))
            self.teletype.say(_("That needs the number of an entry that is shown: {numbers}.").format(numbers=some))
        else:
            self.teletype.say(_("That needs the number of an entry: 1 to {n}.").format(n=numbers[-1]))
        return None


def _key(listing: Listing) -> tuple[str, str]:
    """Return what identifies an entry. Its id alone does not, because a copy of a disk has the same ids."""
    return listing.entry.device, listing.entry.id
