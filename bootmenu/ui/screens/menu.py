# SPDX-License-Identifier: MIT
"""The menu: every entry with its verdict, and the story of the selected one."""

from __future__ import annotations

from collections.abc import Iterable
from threading import Event
from typing import ClassVar

from textual import events, on
from textual.containers import Container, Vertical
from textual.timer import Timer
from textual.widget import Widget

from bootmenu.discovery.devices import Device
from bootmenu.discovery.scan import Listing
from bootmenu.model.finding import Severity
from bootmenu.ui.keys import Place, bindings
from bootmenu.ui.lines import BLANK, Ink, Line, Span, block, paragraph, rule
from bootmenu.ui.outcome import Demo, Jump, Outcome, Quit
from bootmenu.ui.pages import banner, listing, story
from bootmenu.ui.screens.confirm import ConfirmScreen
from bootmenu.ui.screens.details import DetailsScreen
from bootmenu.ui.screens.help import HelpScreen
from bootmenu.ui.screens.loading import LoadingScreen, Returned
from bootmenu.ui.screens.looking import LookingScreen
from bootmenu.ui.screens.passphrase import PassphraseScreen
from bootmenu.ui.terms import Terms
from bootmenu.ui.text import count
from bootmenu.ui.widgets.paper import Paper
from bootmenu.ui.widgets.rows import RowList
from bootmenu.ui.wording import WORDS, full_name

_PASSING = 0.04
"""Seconds for which an entry is selected before its story is told: longer than a held key takes to repeat."""


class MenuScreen(LookingScreen[None]):
    """The screen to which everything comes back."""

    place = Place.MENU
    BINDINGS: ClassVar = bindings(Place.MENU)

    def __init__(self, terms: Terms, *, after: Event | None = None) -> None:
        super().__init__(terms, after=after)
        self._reading: Timer | None = None
        self._said = terms.trouble

    # --- what is on the screen

    def contents(self) -> Iterable[Widget]:
        """Banner, rows, story, and rules between them."""
        yield Paper(self._banner, id="banner")
        yield Paper(self._upper_rule, classes="rule", id="upper")
        with Container(id="body"):
            yield RowList(id="rows")
            with Vertical(id="side"):
                yield Paper(self._head, id="head")
                yield Paper(self._story, id="story")
        yield Paper(self._lower_rule, classes="rule", id="lower")

    def _banner(self, width: int) -> list[Line]:
        session = self.terms.session
        height = 3 if self.size.height < 24 else 4 if self.size.height < 32 else 6
        notices = session.notices
        if self.catalogue.finished and self._found_nothing:
            notices = ("Nothing to start was found. Plug in a medium with Linux and press r.", *notices)
        return banner.banner(session.machine_report, notices, width, height, demo_offered=self._demo_suggested)

    @property
    def _demo_suggested(self) -> bool:
        """The demonstration machine is offered loudly where there is nothing else to do."""
        nothing = bool(self.terms.session.notices) or (self.catalogue.finished and self._found_nothing)
        return self.terms.offer_demo and nothing

    @property
    def _found_nothing(self) -> bool:
        return not any(True for _ in self.catalogue.listings)

    @property
    def unlabelled(self) -> frozenset[str]:
        """Keys are named where there is something for them: a machine without anything, an encrypted partition."""
        demo = frozenset() if self._demo_suggested else frozenset({"demo"})
        return self.terms.without | demo | (frozenset() if self._locked else frozenset({"unlock"}))

    @property
    def _locked(self) -> list[Device]:
        return [group.device for group in self.catalogue.groups if group.device.locked]

    def _upper_rule(self, width: int) -> list[Line]:
        hidden = [f"▲ {self._rows.above}"] if self._rows.above else []
        hidden += [f"▼ {self._rows.below}"] if self._rows.below else []
        right = [Span(" ".join(hidden), Ink.KEY)] if hidden else []
        return [rule(width, [Span(self._summary(), Ink.HEADING)], right, joint=self._joint("┬"))]

    def _joint(self, sign: str) -> tuple[int, str] | None:
        """Where the line between rows and story meets a rule."""
        return (self._rows.size.width, sign) if self.has_class("-wide") else None

    def _summary(self) -> str:
        entries = sum(1 for _ in self.catalogue.listings)
        told = f"{count(entries, 'entry', 'entries')} on {count(len(self.catalogue.groups), 'partition')}"
        if self.catalogue.scanning:
            return f"{told}, still looking" if self.catalogue.groups else "looking for partitions"
        return told

    def _head(self, width: int) -> list[Line]:
        row = self._rows.selected
        if row is None:
            left, right = [Span("nothing selected", Ink.DIM)], []
        elif row.listing is not None:
            severity = row.listing.report.verdict
            left = [Span(full_name(row.listing), Ink.STRONG)]
            right = [Span(WORDS[severity].sentence, Ink.of(severity))]
        else:
            left, right = [Span("Could not be read", Ink.STRONG)], [Span("left out", Ink.WARN)]
        if self.has_class("-wide"):
            return [*block(width - 1, [], 1, left[0].text, left[0].ink), Line((Span(" "), *right)), BLANK]
        return [rule(width, left, right)]

    def _story(self, width: int) -> list[Line]:
        row = self._rows.selected
        if row is None:
            return self._nothing(width)
        if row.problem is not None:
            return story.problem_story(row.problem, width)
        assert row.listing is not None
        session = self.terms.session
        return story.story(row.listing, session.machine, session.machine_report, width, roomy=self.has_class("-wide"))

    def _nothing(self, width: int) -> list[Line]:
        if self.catalogue.scanning or not self.catalogue.finished:
            return paragraph(width, "Entries appear here as the partitions are read.", Ink.DIM)
        return paragraph(width, "The list says what was found on each partition instead.", Ink.DIM)

    def _lower_rule(self, width: int) -> list[Line]:
        below = self.query_one("#story", Paper).below
        right = [Span(f"▼ {count(below, 'line')} more: PgDn", Ink.KEY)] if below else []
        left = [Span(self._said, Ink.WARN if self._said == self.terms.trouble else Ink.STRONG)] if self._said else []
        return [rule(width, left, right, joint=self._joint("┴"))]

    @property
    def _rows(self) -> RowList:
        return self.query_one("#rows", RowList)

    def draw_found(self) -> None:
        """Bring rows and rules up to date; the story follows through RowList.Moved."""
        self._rows.show(listing.rows(self.catalogue))
        self.query_one("#banner", Paper).show(self._banner)
        self.query_one("#footer", Paper).show(self._footer)
        self._draw_rules()
        if self._rows.selected is None:
            self._draw_story(from_top=True)

    def _draw_rules(self) -> None:
        if self.gone:
            return
        self.query_one("#upper", Paper).show(self._upper_rule)
        self.query_one("#lower", Paper).show(self._lower_rule)

    def _draw_story(self, *, from_top: bool) -> None:
        if self.gone:
            return
        self.query_one("#head", Paper).show(self._head)
        self.query_one("#story", Paper).show(self._story, from_top=from_top)
        self._draw_rules()

    def _say(self, text: str) -> None:
        """One sentence in the lower rule, until the next key."""
        self._said = text
        self._draw_rules()

    # --- scanning

    def on_mount(self) -> None:
        """Look at once."""
        self.start_scan()

    def on_resize(self, _event: events.Resize) -> None:
        """The rules say how much is hidden, and the head is drawn differently when wide."""
        self.call_after_refresh(self._draw_story, from_top=False)

    def looking_failed(self, error: Exception) -> None:
        """One sentence; what was found before stays."""
        self._say(f"looking ended early: {error}")

    @on(RowList.Moved)
    def _moved(self, _message: RowList.Moved) -> None:
        # on a slow line the story of every entry that is only passed would cost a second each
        if self._reading is not None:
            self._reading.stop()
        self._reading = self.set_timer(_PASSING, self._read)

    def _read(self) -> None:
        self._reading = None
        self._draw_story(from_top=True)

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
        self._scroll_story(1)

    def action_page_up(self) -> None:
        """Back again."""
        self._scroll_story(-1)

    def _scroll_story(self, pages: int) -> None:
        paper = self.query_one("#story", Paper)
        paper.scroll(pages * max(1, paper.size.height - 1))
        self._draw_rules()

    def action_rescan(self) -> None:
        """Look again; what is shown stays until it has been read again."""
        if self.catalogue.scanning:
            self._say("still looking")
        else:
            self._said = ""
            self.start_scan()

    def action_details(self) -> None:
        """Everything about the selected entry."""
        row = self._rows.selected
        self.app.push_screen(DetailsScreen(self.terms, row.listing if row else None))

    def action_unlock(self) -> None:
        """Ask for the passphrase of an encrypted partition, and read it."""
        row = self._rows.selected
        here = row.problem.device if row and row.problem else ""
        device = next((device for device in self._locked if device.name == here), next(iter(self._locked), None))
        if device is None:
            self._say("nothing here is locked")
            return
        self.app.push_screen(PassphraseScreen(self.terms, device), self._unlocked)

    def _unlocked(self, done: bool | None) -> None:
        if done:
            self._said = ""
            self.start_scan()

    def action_help(self) -> None:
        """The help page."""
        self.app.push_screen(HelpScreen(self.terms))

    def action_lock(self) -> None:
        """Back to the kiosk."""
        self.dismiss()

    def action_quit(self) -> None:
        """Leave."""
        self._leave(Quit())

    def action_demo(self) -> None:
        """Leave for the demonstration machine."""
        self._leave(Demo())

    def _leave(self, outcome: Outcome) -> None:
        self.app.exit(outcome)

    def action_boot(self) -> None:
        """Start the selected entry, after a question where there has to be one."""
        row = self._rows.selected
        if row is None or row.listing is None:
            self._say("there is nothing here to start")
            return
        chosen = row.listing
        if self.terms.confirm_always or chosen.report.verdict is Severity.FAIL:
            self.app.push_screen(ConfirmScreen(self.terms, chosen), lambda yes: self._load(chosen) if yes else None)
        else:
            self._load(chosen)

    def _load(self, chosen: Listing) -> None:
        self._rows.moved_by_hand = True
        screen = LoadingScreen(self.terms, chosen, after=self.stop_scan())
        self.app.push_screen(screen, self._loaded)

    def _loaded(self, result: Jump | Returned | None) -> None:
        if isinstance(result, Jump):
            self.app.exit(result)
        elif result is not None:
            self._said = result.said
            self._draw_rules()
            if result.look_again or not self.catalogue.finished:
                self.start_scan()
            else:
                self.go_on_looking()
