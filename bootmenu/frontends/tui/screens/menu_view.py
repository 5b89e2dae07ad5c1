# SPDX-License-Identifier: MIT
"""The contents of the menu: entries with verdicts, and the summary of the selected one."""

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
from bootmenu.frontends.tui.widgets.text_view import TextView, frame
from bootmenu.frontends.ui_context import UiContext
from bootmenu.i18n import N_, _, localized
from bootmenu.terminal.capabilities import Traits
from bootmenu.terminal.cells import cells
from bootmenu.view import entry_summary, page_edges
from bootmenu.view.abridge import abridged
from bootmenu.view.entry_list import EntryList, Row
from bootmenu.view.list_title import list_title
from bootmenu.view.screen_ids import Situation
from bootmenu.view.styled_text import BLANK, Line, Span, Style, block, paragraph, rule, rule_room
from bootmenu.view.wording import sentence_of

_SUMMARY_DELAY = 0.04
"""Seconds that an entry is selected before its summary is shown: longer than the interval of key repeat."""
_SUMMARY_DELAY_SERIAL = 0.3
"""The delay on a serial line: a summary takes up to 1,000 bytes, about 0.1 s at 115,200 baud."""

_BANNER_HEIGHTS = ((14, 1), (24, 3), (32, 4), (sys.maxsize, 6))
"""On a terminal of less than so many rows, the banner has at most so many: the list is more important."""


class MenuView(PowerScreen[None]):
    """Draws the menu and moves in it; subclasses add the actions."""

    def __init__(self, context: UiContext) -> None:
        super().__init__(context)
        self._summary_timer: Timer | None = None
        self._summary_is_empty = True
        """Whether the summary says that nothing is selected."""
        self._message = localized(context.warning)
        """The text in the lower rule, or empty."""
        self._state = State()
        """The saved state as shown: D and o toggle what the user sees, even if another console has changed it."""
        self._summary_delay = _SUMMARY_DELAY_SERIAL if Traits.of(os.environ).serial else _SUMMARY_DELAY
        self._filter_text = ""
        self._unfolded: frozenset[str] = frozenset()
        """The keys of the rows of snapshots that are unfolded."""
        self.set_class(context.many_colours, "-panes")
        self._list = EntryList(context.settings)
        self._rows = RowList(id="rows")
        """Made here because it handles keys before it is composed."""

    # --- drawing

    def contents(self) -> Iterable[Widget]:
        """Yield banner, rows and summary, with rules between them."""
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
        height = next(most for rows, most in _BANNER_HEIGHTS if self.size.height < rows)
        notices = session.notices
        if self._found_nothing:
            notices = (_("Nothing to start was found. Plug in a medium with Linux and press r."), *notices)
        return page_edges.banner(
            session.machine_report,
            notices,
            width,
            height,
            demo_offered=self._demo_suggested,
            visiting=self.context.visiting,
        )

    @property
    def _demo_suggested(self) -> bool:
        """Return whether the banner offers the demonstration: if there is nothing to boot."""
        nothing = bool(self.context.session.notices) or self._found_nothing
        return self.context.offer_demo and nothing

    @property
    def _found_nothing(self) -> bool:
        """Return whether a scan has ended without an entry."""
        return self.results.finished and not any(True for _listing in self.results.listings)

    @property
    def situations(self) -> frozenset[Situation]:
        """Return the situations. During the first scan ENTRY holds, because an entry may be found at any moment."""
        row = self._rows.selected
        conditions = {
            Situation.NOTHING_TO_BOOT: self._demo_suggested,
            Situation.OWN: row is not None and row.listing is not None and row.listing.entry.is_own,
            Situation.LOCKED: bool(self._locked),
            Situation.FILTER: bool(self._filter_text),
            Situation.FOLDED: row is not None and row.fold is not None and not row.fold.is_open,
            Situation.ENTRY: row.listing is not None if row else not self.results.finished,
        }
        return frozenset(situation for situation, holds in conditions.items() if holds)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return whether the action is permitted; Esc removes the filter if there is one, and else locks the menu."""
        if action in ("unfilter", "lock") and (action == "unfilter") is not bool(self._filter_text):
            return False
        return super().check_action(action, parameters)

    @property
    def _locked(self) -> list[Device]:
        return [group.device for group in self.results.groups if group.device.locked]

    def _upper_rule(self, width: int) -> list[Line]:
        right = [Span(self._hidden_rows, Style.KEY)] if self._hidden_rows else []
        room = rule_room(self._rows.size.width if self.has_class("-wide") else width, right)
        return [rule(width, [Span(self._entry_count(room), Style.HEADING)], right, joint=self._joint("┬"))]

    @property
    def _hidden_rows(self) -> str:
        hidden = [f"▲ {self._rows.above}"] if self._rows.above else []
        return " ".join([*hidden, f"▼ {self._rows.below}"] if self._rows.below else hidden)

    @property
    def _framed(self) -> bool:
        """Return whether list and summary have frames, whose titles say what the rules say elsewhere."""
        return self.has_class("-wide") and self.has_class("-panes")

    def _draw_frames(self) -> None:
        width = self._rows.size.width
        frame(self._rows, self._entry_count(width - 4), self._hidden_rows)
        side = self.query_one("#side")
        title, _verdict = self._titles(side.size.width - 4)
        frame(side, title.text, "".join(span.text for span in more_below(self.text_view("summary").below, width)))

    def _joint(self, sign: str) -> tuple[int, str] | None:
        """Return where a rule meets the line beside the rows, as (column, character), or None without such a line."""
        return (self._rows.size.width, sign) if self.has_class("-wide") else None

    def _entry_count(self, room: int) -> str:
        return list_title(self.results, self._rows.rows, self._filter_text, room)

    def _head(self, width: int) -> list[Line]:
        if self._framed:
            _title, right = self._titles(None)
            return [Line((Span(" "), *right)), BLANK] if right else []
        if self.has_class("-wide"):
            title, right = self._titles(None)
            return [*block(width - 1, [], 1, title.text, title.style), Line((Span(" "), *right)), BLANK]
        title, right = self._titles(width)
        return [rule(width, [title], right)]

    def _titles(self, width: int | None) -> tuple[Span, list[Span]]:
        """Return the title of what is selected, and its verdict. width: of the rule that has both, or None."""
        row = self._rows.selected
        if row is None:
            return Span(_("nothing selected"), Style.DIM), []
        if row.fold is not None:
            return Span(row.fold.text(width - 4 if width else None), Style.STRONG), []
        if row.listing is None:
            return Span(_("Could not be read"), Style.STRONG), [Span(_("left out"), Style.WARN)]
        verdict = [sentence_of(row.listing)]
        room = None if width is None else width if self._framed else rule_room(width, verdict)
        return Span(self._entry_title(row, room), Style.STRONG), verdict

    def _entry_title(self, row: Row, room: int | None) -> str:
        """Return the entry's title, shortened to `room` columns so that no other title becomes the same. It has no
        version if that is complete in the row."""
        columns = self._rows.rows.columns(self._rows.size.width)
        title = columns.title_beside(row)
        if room is None:
            return title
        titles = tuple(columns.title_beside(other) for other in self._rows.rows if other.listing)
        return dict(zip(titles, abridged(titles, room), strict=True)).get(title, title)

    def _entry_summary(self, width: int) -> list[Line]:
        row = self._rows.selected
        if row is None:
            return self._why_nothing_selected(width)
        if row.problem is not None:
            return entry_summary.problem_summary(row.problem, width)
        if row.fold is not None:
            return paragraph(width, row.fold.hint, Style.DIM)
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

    def _why_nothing_selected(self, width: int) -> list[Line]:
        if self.results.scanning or not self.results.finished:
            return paragraph(width, _("Entries appear here as the partitions are read."), Style.DIM)
        if self._filter_text:
            return paragraph(width, _("No entry matches. Esc shows all."), Style.DIM)
        return paragraph(width, _("The list says what each partition has."), Style.DIM)

    def _lower_rule(self, width: int) -> list[Line]:
        if self._framed:
            return paragraph(width, self._message, Style.STRONG) if self._message else [BLANK]
        right = more_below(self.text_view("summary").below, width)
        style = Style.WARN if self._message == localized(self.context.warning) else Style.STRONG
        if cells(self._message) <= rule_room(width, right):
            left = [Span(self._message, style)] if self._message else []
            return [rule(width, left, right, joint=self._joint("┴"))]
        # the message is shown only once, so it wraps instead of being cut
        return [rule(width, (), right, joint=self._joint("┴")), *paragraph(width, self._message, style)]

    def draw_results(self) -> None:
        """Redraw rows and rules; RowList.Moved redraws the summary."""
        self._rows.show(self._list.rows(self.results, self._state, self._filter_text, unfolded=self._unfolded))
        self.text_view("banner").show(self._banner)
        self.text_view("footer").show(self._footer)
        self._draw_rules()
        if self._rows.selected is None:
            self._draw_summary(from_top=True)

    def _draw_rules(self) -> None:
        if self.closed:
            return
        self.text_view("upper").show(self._upper_rule)
        self.text_view("lower").show(self._lower_rule)
        if self._framed:
            self._draw_frames()

    def _draw_summary(self, *, from_top: bool) -> None:
        if self.closed:
            return
        self._summary_is_empty = self._rows.selected is None
        self.text_view("head").show(self._head)
        self.text_view("summary").show(self._entry_summary, from_top=from_top)
        self.text_view("footer").show(self._footer)
        self._draw_rules()

    def _show_message(self, text: str) -> None:
        """Show a sentence in the lower rule until the next key."""
        self._message = text
        self._draw_rules()

    # --- scanning

    def on_mount(self) -> None:
        """Start the first scan."""
        self.start_scan()

    def on_resize(self, _event: events.Resize) -> None:
        """Redraw the summary, whose head depends on the width."""
        self.call_after_refresh(self._draw_summary, from_top=False)

    @on(RowList.Sized)
    @on(TextView.Sized, "#summary")
    def _sized(self) -> None:
        """Redraw the rules, which say how much is hidden, and the head, which has what the rows have no room for."""
        self.text_view("head").show(self._head)
        self._draw_rules()

    def scan_failed(self, error: Exception) -> None:
        """Show the error; the results stay."""
        self._show_message(localized(N_("the scan ended early: {error}", error=error)))

    @on(RowList.Moved)
    def _moved(self, _message: RowList.Moved) -> None:
        # do not draw the summaries of entries that are only passed: on a slow line each would take a second
        if self._summary_timer is not None:
            self._summary_timer.stop()
            self._summary_timer = None
        if self._summary_is_empty:  # the first entry is shown at once
            self._show_summary()
        else:
            self._summary_timer = self.set_timer(self._summary_delay, self._show_summary)

    def _show_summary(self) -> None:
        self._summary_timer = None
        self._draw_summary(from_top=True)

    @property
    def settled(self) -> bool:
        """Return whether nothing waits to be drawn."""
        return super().settled and self._summary_timer is None

    # --- keys

    def action_up(self) -> None:
        """Select the entry above."""
        self._move(-1)

    def action_down(self) -> None:
        """Select the entry below."""
        self._move(1)

    def action_first(self) -> None:
        """Select the first entry."""
        self._move(-1_000_000)

    def action_last(self) -> None:
        """Select the last entry."""
        self._move(1_000_000)

    def action_pick(self, number: str) -> None:
        """Select the entry with this number."""
        self._message = ""
        self._rows.move_to_number(int(number))

    def _move(self, steps: int) -> None:
        self._message = ""
        self._rows.move(steps)

    def action_page_down(self) -> None:
        """Scroll the summary down by a page."""
        self._scroll_summary(1)

    def action_page_up(self) -> None:
        """Scroll the summary up by a page."""
        self._scroll_summary(-1)

    def _scroll_summary(self, pages: int) -> None:
        self.text_view("summary").scroll_pages(pages)
        self._draw_rules()
