# SPDX-License-Identifier: MIT
"""What the menu shows: the entries with their verdicts, and the summary of the selected one."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

from textual import events, on
from textual.containers import Container, Vertical
from textual.timer import Timer
from textual.widget import Widget

from bootmenu.bootstate.state import State
from bootmenu.discovery.devices import Device
from bootmenu.frontends.tui.screens.base_screen import more_below
from bootmenu.frontends.tui.screens.power_screen import PowerScreen
from bootmenu.frontends.tui.widgets.row_list import RowList
from bootmenu.frontends.tui.widgets.text_view import TextView
from bootmenu.frontends.ui_context import UiContext
from bootmenu.i18n import N_, _, localized, ngettext
from bootmenu.terminal.capabilities import Traits
from bootmenu.terminal.cells import cells, clean
from bootmenu.view import banner, entry_list, entry_summary
from bootmenu.view.abridge import abridged
from bootmenu.view.entry_list import Row
from bootmenu.view.screen_ids import Situation
from bootmenu.view.styled_text import BLANK, Line, Span, Style, block, paragraph, rule, rule_room
from bootmenu.view.wording import sentence_of

_PASSING = 0.04
"""Seconds for which an entry is selected before its summary is shown: longer than a held key takes to repeat."""
_PASSING_SLOWLY = 0.3
"""The same on a serial line: a summary takes up to 1,000 bytes, a tenth of a second of 115,200 baud."""

_BANNER = ((14, 1), (24, 3), (32, 4), (sys.maxsize, 6))
"""Under so many rows of the terminal, at most so many of the banner: the list goes before."""


class MenuView(PowerScreen[None]):
    """Draws the menu, and moves in it. A subclass does what its keys ask for."""

    def __init__(self, context: UiContext) -> None:
        super().__init__(context)
        self._reading: Timer | None = None
        self._untold = True
        """Beside the rows stands that nothing is selected."""
        self._said = localized(context.trouble)
        self._state = State()
        """What is remembered, as it is shown: D and o take back what is seen, whatever other consoles do."""
        self._passing = _PASSING_SLOWLY if Traits.of(os.environ).serial else _PASSING
        self._words = ""
        """Of the filter."""
        self._rows = RowList(id="rows")
        """It takes keys before it is composed."""

    # --- what is on the screen

    def contents(self) -> Iterable[Widget]:
        """Banner, rows, summary, and rules between them."""
        yield TextView(self._banner, id="banner")
        yield TextView(self._upper_rule, classes="rule", id="upper")
        with Container(id="body"):
            yield self._rows
            with Vertical(id="side"):
                yield TextView(self._head, id="head")
                yield TextView(self._entry_summary, id="summary")
        yield TextView(self._lower_rule, classes="rule", id="lower")

    def _banner(self, width: int) -> list[Line]:
        session = self.context.session
        height = next(most for rows, most in _BANNER if self.size.height < rows)
        notices = session.notices
        if self.results.finished and self._found_nothing:
            notices = (_("Nothing to start was found. Plug in a medium with Linux and press r."), *notices)
        return banner.banner(session.machine_report, notices, width, height, demo_offered=self._demo_suggested)

    @property
    def _demo_suggested(self) -> bool:
        """The demonstration machine is offered loudly where there is nothing else to do."""
        nothing = bool(self.context.session.notices) or (self.results.finished and self._found_nothing)
        return self.context.offer_demo and nothing

    @property
    def _found_nothing(self) -> bool:
        return not any(True for _listing in self.results.listings)

    @property
    def situations(self) -> frozenset[Situation]:
        """Return what there is on the screen. Until the first scan has ended an entry may be about to be selected."""
        row = self._rows.selected
        holds = {
            Situation.NOTHING_TO_BOOT: self._demo_suggested,
            Situation.LOCKED: bool(self._locked),
            Situation.FILTER: bool(self._words),
            Situation.ENTRY: row.listing is not None if row else not self.results.finished,
        }
        return frozenset(situation for situation, is_so in holds.items() if is_so)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Esc shows every entry again while there is a filter; else it may have another meaning."""
        if action in ("unfilter", "lock") and (action == "unfilter") is not bool(self._words):
            return False
        return super().check_action(action, parameters)

    @property
    def _locked(self) -> list[Device]:
        return [group.device for group in self.results.groups if group.device.locked]

    def _upper_rule(self, width: int) -> list[Line]:
        hidden = [f"▲ {self._rows.above}"] if self._rows.above else []
        hidden += [f"▼ {self._rows.below}"] if self._rows.below else []
        right = [Span(" ".join(hidden), Style.KEY)] if hidden else []
        return [rule(width, [Span(self._counts(), Style.HEADING)], right, joint=self._joint("┬"))]

    def _joint(self, sign: str) -> tuple[int, str] | None:
        """Where the line between rows and summary meets a rule."""
        return (self._rows.size.width, sign) if self.has_class("-wide") else None

    def _counts(self) -> str:
        listings = sum(1 for _listing in self.results.listings)
        entries = ngettext("{n} entry", "{n} entries", listings)
        if self._words:
            shown = sum(1 for row in self._rows.rows if row.listing)
            words = clean(self._words, 40)
            return _("{shown} of {entries} with “{words}”").format(shown=shown, entries=entries, words=words)
        partitions = ngettext("{n} partition", "{n} partitions", len(self.results.groups))
        if not self.results.scanning:
            return _("{entries} on {partitions}").format(entries=entries, partitions=partitions)
        if not self.results.groups:
            return _("looking for partitions")
        return _("{entries} on {partitions}, still looking").format(entries=entries, partitions=partitions)

    def _head(self, width: int) -> list[Line]:
        row = self._rows.selected
        if row is None:
            left, right = [Span(_("nothing selected"), Style.DIM)], []
        elif row.listing is not None:
            right = [sentence_of(row.listing)]
            room = None if self.has_class("-wide") else rule_room(width, right)
            left = [Span(self._entry_title(row, room), Style.STRONG)]
        else:
            left, right = [Span(_("Could not be read"), Style.STRONG)], [Span(_("left out"), Style.WARN)]
        if self.has_class("-wide"):
            return [*block(width - 1, [], 1, left[0].text, left[0].style), Line((Span(" "), *right)), BLANK]
        return [rule(width, left, right)]

    def _entry_title(self, row: Row, room: int | None) -> str:
        """Return the name of an entry, cut to so many columns as no other one is."""
        if room is None:
            return row.title
        titles = tuple(other.title for other in self._rows.rows if other.listing)
        return dict(zip(titles, abridged(titles, room), strict=True)).get(row.title, row.title)

    def _entry_summary(self, width: int) -> list[Line]:
        row = self._rows.selected
        if row is None:
            return self._nothing(width)
        if row.problem is not None:
            return entry_summary.problem_summary(row.problem, width)
        assert row.listing is not None
        session = self.context.session
        return entry_summary.summary(
            row.listing,
            session.machine,
            session.machine_report,
            width,
            state=self._state,
            method=session.method(row.listing.facts),
            roomy=self.has_class("-wide"),
        )

    def _nothing(self, width: int) -> list[Line]:
        if self.results.scanning or not self.results.finished:
            return paragraph(width, _("Entries appear here as the partitions are read."), Style.DIM)
        if self._words:
            return paragraph(width, _("No entry matches. Esc shows all."), Style.DIM)
        return paragraph(width, _("The list says what each partition has."), Style.DIM)

    def _lower_rule(self, width: int) -> list[Line]:
        right = more_below(self.text_view("summary").below, width)
        style = Style.WARN if self._said == localized(self.context.trouble) else Style.STRONG
        if cells(self._said) <= rule_room(width, right):
            said = [Span(self._said, style)] if self._said else []
            return [rule(width, said, right, joint=self._joint("┴"))]
        # it is said once, so none of it is cut
        return [rule(width, (), right, joint=self._joint("┴")), *paragraph(width, self._said, style)]

    def draw_found(self) -> None:
        """Bring rows and rules up to date; the summary follows through RowList.Moved."""
        self._rows.show(entry_list.rows(self.results, self._state, self._words))
        self.text_view("banner").show(self._banner)
        self.text_view("footer").show(self._footer)
        self._draw_rules()
        if self._rows.selected is None:
            self._draw_summary(from_top=True)

    def _draw_rules(self) -> None:
        if self.gone:
            return
        self.text_view("upper").show(self._upper_rule)
        self.text_view("lower").show(self._lower_rule)

    def _draw_summary(self, *, from_top: bool) -> None:
        if self.gone:
            return
        self._untold = self._rows.selected is None
        self.text_view("head").show(self._head)
        self.text_view("summary").show(self._entry_summary, from_top=from_top)
        self.text_view("footer").show(self._footer)
        self._draw_rules()

    def _say(self, text: str) -> None:
        """One sentence in the lower rule, until the next key."""
        self._said = text
        self._draw_rules()
        self.call_after_refresh(self._draw_rules)  # where it takes more lines, more of the summary is hidden

    # --- scanning

    def on_mount(self) -> None:
        """Scan."""
        self.start_scan()

    def on_resize(self, _event: events.Resize) -> None:
        """The head is drawn differently when wide."""
        self.call_after_refresh(self._draw_summary, from_top=False)

    @on(RowList.Sized)
    def _sized(self) -> None:
        """Draw the rules: they say how much is hidden, and meet the line beside the rows, which may be laid out
        later."""
        self._draw_rules()

    def looking_failed(self, error: Exception) -> None:
        """One sentence; what was found before stays."""
        self._say(localized(N_("looking ended early: {error}", error=error)))

    @on(RowList.Moved)
    def _moved(self, _message: RowList.Moved) -> None:
        # on a slow line the summary of every entry that is only passed would cost a second each
        if self._reading is not None:
            self._reading.stop()
            self._reading = None
        if self._untold:  # but the first one is not passed
            self._read()
        else:
            self._reading = self.set_timer(self._passing, self._read)

    def _read(self) -> None:
        self._reading = None
        self._draw_summary(from_top=True)

    @property
    def settled(self) -> bool:
        """Nothing that is known waits to be drawn."""
        return super().settled and self._reading is None

    # --- keys

    def action_up(self) -> None:
        """The entry above."""
        self._move(-1)

    def action_down(self) -> None:
        """The entry below."""
        self._move(1)

    def action_first(self) -> None:
        """The first entry."""
        self._move(-1_000_000)

    def action_last(self) -> None:
        """The last entry."""
        self._move(1_000_000)

    def action_pick(self, number: str) -> None:
        """The entry with that number."""
        self._said = ""
        self._rows.move_to_number(int(number))

    def _move(self, steps: int) -> None:
        self._said = ""
        self._rows.move(steps)

    def action_page_down(self) -> None:
        """Read on about the selected entry."""
        self._scroll_summary(1)

    def action_page_up(self) -> None:
        """Back again."""
        self._scroll_summary(-1)

    def _scroll_summary(self, pages: int) -> None:
        self.text_view("summary").turn(pages)
        self._draw_rules()
