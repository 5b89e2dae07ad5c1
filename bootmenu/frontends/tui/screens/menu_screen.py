# SPDX-License-Identifier: MIT
"""The menu: every entry with its verdict, and the story of the selected one."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from threading import Event

from textual import events, on
from textual.app import SuspendNotSupported
from textual.containers import Container, Vertical
from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget

from bootmenu.bootstate.state import State
from bootmenu.bootstate.state_store import StateStore
from bootmenu.discovery.devices import Device
from bootmenu.discovery.scan_events import Listing
from bootmenu.errors import BootmenuError
from bootmenu.frontends.outcome import Demo, Jump, Outcome, Quit
from bootmenu.frontends.tui.screens.base_screen import more_below
from bootmenu.frontends.tui.screens.choice_screen import ChoiceScreen
from bootmenu.frontends.tui.screens.confirm_screen import ConfirmScreen
from bootmenu.frontends.tui.screens.details_screen import DetailsScreen
from bootmenu.frontends.tui.screens.edit_screen import EditScreen
from bootmenu.frontends.tui.screens.filter_screen import FilterScreen
from bootmenu.frontends.tui.screens.loading_screen import LoadingScreen, Returned
from bootmenu.frontends.tui.screens.log_screen import LogScreen
from bootmenu.frontends.tui.screens.passphrase_screen import PassphraseScreen
from bootmenu.frontends.tui.screens.refusal_screen import RefusalScreen
from bootmenu.frontends.tui.screens.scanning_screen import ScanningScreen
from bootmenu.frontends.tui.widgets.row_list import RowList
from bootmenu.frontends.tui.widgets.text_view import TextView
from bootmenu.frontends.ui_context import UiContext
from bootmenu.i18n import _, localized, ngettext
from bootmenu.kexec.kernel_errors import SimulatedJump
from bootmenu.kexec.trial_load import with_finding
from bootmenu.model.finding import Severity
from bootmenu.model.value import replace
from bootmenu.session import internal_errors
from bootmenu.system.power import Power
from bootmenu.terminal.capabilities import Traits
from bootmenu.terminal.cells import cells, clean
from bootmenu.view import banner, entry_list, entry_summary
from bootmenu.view.abridge import abridged
from bootmenu.view.entry_list import Row
from bootmenu.view.screen_ids import ScreenId, Situation
from bootmenu.view.styled_text import BLANK, Line, Span, Style, block, paragraph, rule, rule_room
from bootmenu.view.wording import GOING_DOWN, POWER_WORDS, full_name, made_default, sentence_of

_PASSING = 0.04
"""Seconds for which an entry is selected before its story is told: longer than a held key takes to repeat."""
_PASSING_SLOWLY = 0.3
"""The same on a serial line: a story takes up to 1,000 bytes, a tenth of a second of 115,200 baud."""

_BANNER = ((14, 1), (24, 3), (32, 4), (sys.maxsize, 6))
"""Under so many rows of the terminal, at most so many of the banner: the list goes before."""


class MenuScreen(ScanningScreen[None]):
    """The screen to which everything comes back."""

    screen_id = ScreenId.MENU

    class StayedUp(Message):
        """The machine did not go down."""

        def __init__(self, error: Exception) -> None:
            super().__init__()
            self.error = error

    class Opened(Message):
        """What is remembered between boots can be asked for, and what can be done with the machine is known."""

        def __init__(self, memory: StateStore, powers: tuple[Power, ...]) -> None:
            super().__init__()
            self.memory = memory
            self.powers = powers

    class Changed(Message):
        """Something else is remembered by now: this console or another one has changed it."""

    class Stored(Message):
        """A change has been stored, or could not be. number: which one. said: what has been changed."""

        def __init__(self, number: int, said: str) -> None:
            super().__init__()
            self.number = number
            self.said = said

    def __init__(self, context: UiContext, *, after: Event | None = None) -> None:
        super().__init__(context, after=after)
        self._reading: Timer | None = None
        self._untold = True
        """Beside the rows stands that nothing is selected."""
        self._said = localized(context.trouble)
        self._memory: StateStore | None = None
        """None = not opened yet."""
        self._powers: tuple[Power, ...] = ()
        """What can be done with the whole machine; () = not known yet."""
        self._state = State()
        """What is remembered, as it is shown: D and o take back what is seen, whatever other consoles do."""
        self._kept = 0
        """How often something was changed here; what is said is about the last time."""
        self._stop_listening: Callable[[], None] = lambda: None
        self._passing = _PASSING_SLOWLY if Traits.of(os.environ).serial else _PASSING
        self._words = ""
        """Of the filter."""
        self._rows = RowList(id="rows")
        """It takes keys before it is composed."""

    # --- what is on the screen

    def contents(self) -> Iterable[Widget]:
        """Banner, rows, story, and rules between them."""
        yield TextView(self._banner, id="banner")
        yield TextView(self._upper_rule, classes="rule", id="upper")
        with Container(id="body"):
            yield self._rows
            with Vertical(id="side"):
                yield TextView(self._head, id="head")
                yield TextView(self._story, id="story")
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
        return [rule(width, [Span(self._summary(), Style.HEADING)], right, joint=self._joint("┬"))]

    def _joint(self, sign: str) -> tuple[int, str] | None:
        """Where the line between rows and story meets a rule."""
        return (self._rows.size.width, sign) if self.has_class("-wide") else None

    def _summary(self) -> str:
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

    def _story(self, width: int) -> list[Line]:
        row = self._rows.selected
        if row is None:
            return self._nothing(width)
        if row.problem is not None:
            return entry_summary.problem_story(row.problem, width)
        assert row.listing is not None
        session = self.context.session
        return entry_summary.story(
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
        return paragraph(width, _("The list says what was found on each partition instead."), Style.DIM)

    def _lower_rule(self, width: int) -> list[Line]:
        right = more_below(self.text_view("story").below, width)
        style = Style.WARN if self._said == localized(self.context.trouble) else Style.STRONG
        if cells(self._said) <= rule_room(width, right):
            said = [Span(self._said, style)] if self._said else []
            return [rule(width, said, right, joint=self._joint("┴"))]
        # it is said once, so none of it is cut
        return [rule(width, (), right, joint=self._joint("┴")), *paragraph(width, self._said, style)]

    def draw_found(self) -> None:
        """Bring rows and rules up to date; the story follows through RowList.Moved."""
        self._rows.show(entry_list.rows(self.results, self._state, self._words))
        self.text_view("banner").show(self._banner)
        self.text_view("footer").show(self._footer)
        self._draw_rules()
        if self._rows.selected is None:
            self._draw_story(from_top=True)

    def _draw_rules(self) -> None:
        if self.gone:
            return
        self.text_view("upper").show(self._upper_rule)
        self.text_view("lower").show(self._lower_rule)

    def _draw_story(self, *, from_top: bool) -> None:
        if self.gone:
            return
        self._untold = self._rows.selected is None
        self.text_view("head").show(self._head)
        self.text_view("story").show(self._story, from_top=from_top)
        self.text_view("footer").show(self._footer)
        self._draw_rules()

    def _say(self, text: str) -> None:
        """One sentence in the lower rule, until the next key."""
        self._said = text
        self._draw_rules()
        self.call_after_refresh(self._draw_rules)  # where it takes more lines, more of the story is hidden

    # --- scanning

    def on_mount(self) -> None:
        """Look at once, and at what is remembered."""
        self.run_worker(self._remember, thread=True, group="memory", exit_on_error=False)
        self.start_scan()

    def on_unmount(self) -> None:
        """Nobody hears of changes any more."""
        self._stop_listening()

    def on_resize(self, _event: events.Resize) -> None:
        """The head is drawn differently when wide."""
        self.call_after_refresh(self._draw_story, from_top=False)

    @on(RowList.Sized)
    def _sized(self) -> None:
        """Draw the rules: they say how much is hidden, and meet the line beside the rows, which may be laid out
        later."""
        self._draw_rules()

    def looking_failed(self, error: Exception) -> None:
        """One sentence; what was found before stays."""
        self._say(_("looking ended early: {error}").format(error=localized(str(error))))

    @on(RowList.Moved)
    def _moved(self, _message: RowList.Moved) -> None:
        # on a slow line the story of every entry that is only passed would cost a second each
        if self._reading is not None:
            self._reading.stop()
            self._reading = None
        if self._untold:  # but the first one is not passed
            self._read()
        else:
            self._reading = self.set_timer(self._passing, self._read)

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
        self.text_view("story").turn(pages)
        self._draw_rules()

    def action_rescan(self) -> None:
        """Look again; what is shown stays until it has been read again."""
        if self.results.scanning:
            self._say(_("still looking"))
        else:
            self._said = ""
            self.start_scan()

    def action_details(self) -> None:
        """Everything about the selected entry, or about what could not be read."""
        row = self._rows.selected
        shown = (row.listing, row.problem) if row else (None, None)
        self.app.push_screen(DetailsScreen(self.context, *shown))

    def action_unlock(self) -> None:
        """Ask for the passphrase of an encrypted partition, and read it."""
        row = self._rows.selected
        here = row.problem.device if row and row.problem else ""
        device = next((device for device in self._locked if device.name == here), next(iter(self._locked), None))
        if device is None:
            self._say(_("nothing here is locked"))
            return
        self.app.push_screen(PassphraseScreen(self.context, device), self._unlocked)

    def _unlocked(self, done: bool | None) -> None:
        if done:
            self._said = ""
            self.start_scan()

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
        chosen = self._chosen(_("there is nothing here to start"))
        if chosen is not None:
            self._start(chosen)

    def _chosen(self, otherwise: str) -> Listing | None:
        """The selected entry; otherwise: what is said when there is none."""
        row = self._rows.selected
        if row is None or row.listing is None:
            self._say(otherwise)
            return None
        return row.listing

    def _start(self, chosen: Listing) -> None:
        if self.context.confirm_always or chosen.report.verdict is Severity.FAIL:
            self.app.push_screen(ConfirmScreen(self.context, chosen), lambda yes: self._load(chosen) if yes else None)
        else:
            self._load(chosen)

    def _load(self, chosen: Listing, *, test: bool = False) -> None:
        self._rows.moved_by_hand = True
        screen = LoadingScreen(self.context, chosen, after=self.stop_scan(), test=test)
        self.app.push_screen(screen, lambda result: self._loaded(chosen, result))

    def _loaded(self, chosen: Listing, result: Jump | Returned | None) -> None:
        if isinstance(result, Jump):
            self.app.exit(result)
        elif result is not None:
            self._said = result.said
            if result.tested is not None:
                report = with_finding(chosen.report, result.tested)
                self.results.replace(replace(chosen, report=report))
                self.draw_found()
            self._draw_rules()
            if result.look_again or not self.results.finished:
                self.start_scan()
            else:
                self.go_on_looking()

    def action_edit(self) -> None:
        """Change the selected entry, for one boot."""
        chosen = self._chosen(_("there is nothing here to edit"))
        if chosen is not None:
            self.app.push_screen(EditScreen(self.context, chosen, self._start))

    def action_test(self) -> None:
        """Load the selected entry, and take it out again."""
        chosen = self._chosen(_("there is nothing here to test"))
        if chosen is None:
            return
        flight = self.context.session.preflight()
        if flight.refused is not None:
            self.app.push_screen(RefusalScreen(self.context, flight.refused, full_name(chosen)))
        elif flight.replaces:
            words = (_("A kernel is loaded already. A test would take it out: afterwards nothing is loaded."),)
            answers = (_("Leave it"), _("Test all the same"))
            screen = ChoiceScreen(self.context, _("Test load"), words, answers)
            self.app.push_screen(screen, lambda taken: self._load(chosen, test=True) if taken else None)
        else:
            self._load(chosen, test=True)

    def action_filter(self) -> None:
        """Type the words of a filter."""
        self._said = ""
        self.app.push_screen(FilterScreen(self.context, self._words, self._filter, self._move))

    def action_unfilter(self) -> None:
        """Show every entry again."""
        self._said = ""
        if self._words:
            self._filter("")

    def _filter(self, words: str) -> None:
        self._words = words
        self.draw_found()

    def action_log(self) -> None:
        """What was written down."""
        self.app.push_screen(LogScreen(self.context))

    # --- the machine

    def action_power(self) -> None:
        """Restart, switch off, firmware."""
        powers = self._powers
        if not powers:
            self._say(_("One moment, please."))
            return
        answers = (_("Go on running"), *(_(POWER_WORDS[power]) for power in powers))
        words = (_("Whatever runs here ends at once."),) if self.context.confirm_always else ()
        screen = ChoiceScreen(self.context, _("Power"), words, answers)
        self.app.push_screen(screen, lambda taken: self._power(powers[taken - 1]) if taken else None)

    def _power(self, wanted: Power) -> None:
        after = self.stop_scan()
        self._say(_(GOING_DOWN[wanted]))
        self.run_worker(lambda: self._go_down(after, wanted), thread=True, group="power", exit_on_error=False)

    def _go_down(self, after: Event, wanted: Power) -> None:
        """In a thread, after the partitions have been let go of."""
        try:
            after.wait()
            self.wait_until_seen()
            self.context.session.power(wanted)
        except Exception as error:
            if not isinstance(error, BootmenuError):
                internal_errors.write(error)
            self.post_message(self.StayedUp(error))

    @on(StayedUp)
    def _stayed_up(self, message: StayedUp) -> None:
        if isinstance(message.error, SimulatedJump):
            self._say(f"{localized(message.error.message)} {localized(message.error.hint)}")
        else:
            self._say("")
            self.app.push_screen(RefusalScreen(self.context, message.error))
        self.start_scan()

    def action_shell(self) -> None:
        """A shell on this terminal, until it ends."""
        try:
            with self.app.suspend():
                sys.stderr.write(f"\r\n{_('exit leads back to the menu.')}\r\n")
                sys.stderr.flush()
                self.context.session.shell()
        except SuspendNotSupported:
            self._say(_("no shell can be opened on this terminal"))
        except BootmenuError as error:
            self._say(localized(error.message))
        self.action_redraw()

    # --- what is remembered

    def action_make_default(self) -> None:
        """The selected entry from now on, or no longer."""
        chosen = self._chosen(_("there is nothing here to make the default"))
        if chosen is None:
            return
        name, there = chosen.entry.id, self.results.disks
        if self._state.default == name:
            self._keep(lambda state: state.without_default(name), _("no longer the default that was made here"))
        else:
            said = made_default(chosen, _("the default from now on"))
            self._keep(lambda state: state.with_default(chosen, there), said)

    def action_next_boot(self) -> None:
        """The selected entry next time only, or not."""
        chosen = self._chosen(_("there is nothing here to choose for the next boot"))
        if chosen is None:
            return
        name = chosen.entry.id
        if self._state.once == name:
            self._keep(lambda state: state.without_once(name), _("no longer chosen for the next boot"))
        else:
            said = made_default(chosen, _("the default of the next boot only"))
            self._keep(lambda state: state.with_once(chosen), said)

    def _keep(self, change: Callable[[State], State], said: str) -> None:
        """Change what is remembered at once, in the order of the keys, and store it in a thread."""
        memory = self._memory
        if memory is None:
            self._say(_("One moment, please."))
            return
        memory.change(change)
        self._say(_("being written down"))
        self._show_remembered()
        self._kept += 1
        number = self._kept
        self.run_worker(lambda: self._store(memory, number, said), thread=True, group="memory", exit_on_error=False)

    def _remember(self) -> None:
        """In a thread: it may look for a partition, and asks the firmware."""
        self.post_message(self.Opened(self.context.session.memory, self.context.session.powers))

    def _store(self, memory: StateStore, number: int, said: str) -> None:
        """In a thread: it writes to a disk."""
        if not memory.store():
            trouble = localized(memory.error)
            said = _("{said}, until power-off: {trouble}").format(said=said, trouble=trouble)
        self.post_message(self.Stored(number, said))

    @on(Opened)
    def _opened(self, message: Opened) -> None:
        self._memory, self._powers = message.memory, message.powers
        self._stop_listening = message.memory.listen(lambda: self.post_message(self.Changed()))
        self._show_remembered()

    @on(Changed)
    def _show_remembered(self) -> None:
        if self._memory is not None and self._memory.state != self._state:
            self._state = self._memory.state
            self.draw_found()
            self._draw_story(from_top=False)

    @on(Stored)
    def _stored(self, message: Stored) -> None:
        if message.number == self._kept:
            self._say(message.said)
