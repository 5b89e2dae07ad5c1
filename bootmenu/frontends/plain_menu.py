# SPDX-License-Identifier: MIT
"""The plain menu: a numbered list and one question at a time, for any terminal that can show lines and send them.

Standard library only, no cursor addressing. It has the same entries, verdicts and actions as the screens.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from bootmenu.bootstate.state import State
from bootmenu.discovery.devices import Device
from bootmenu.discovery.scan_events import Listing, ScanFinished, Stream
from bootmenu.discovery.storage.luks import UnlockError
from bootmenu.errors import BootmenuError
from bootmenu.frontends.outcome import Demo, Jump, Outcome, Quit
from bootmenu.frontends.ui_context import UiContext
from bootmenu.i18n import _, localized, ngettext
from bootmenu.kexec import trial_load
from bootmenu.kexec.kernel_errors import LoadError, leave_note, left_loaded
from bootmenu.kexec.plan import LoadPlan
from bootmenu.model.finding import Finding, Severity
from bootmenu.model.progress import Progress, StageState
from bootmenu.model.value import replace
from bootmenu.session import internal_errors
from bootmenu.session.scan_results import ScanResults
from bootmenu.system.power import Power
from bootmenu.terminal.cells import cells, clean, cut, fit
from bootmenu.terminal.line_input import Idle
from bootmenu.terminal.teletype import EndOfInput, Teletype, typed_number
from bootmenu.view import output
from bootmenu.view.abridge import abridged
from bootmenu.view.actions import Action
from bootmenu.view.dtb_page import TreeText
from bootmenu.view.entry_editor import EntryEditor, EntryPart, written
from bootmenu.view.entry_form import nothing, ready
from bootmenu.view.entry_list import Mark, Row, rows
from bootmenu.view.key_help import plain_commands
from bootmenu.view.line_editor import LineEditor
from bootmenu.view.plan import plan_rows
from bootmenu.view.refusal import advice, headline
from bootmenu.view.screen_ids import Situation
from bootmenu.view.wording import GOING_DOWN, POWER_WORDS, full_name, made_default, stage_line

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
        """Look at every partition. Raise BootmenuError; what was found before it is there."""
        with contextlib.closing(self.context.session.scan()) as stream:
            self.results.begin()
            try:
                self._take(stream)
            except BootmenuError:
                self.results.stop()
                raise

    def _take(self, stream: Stream) -> None:
        for event in stream:
            self.results.add(event)
            if isinstance(event, ScanFinished):
                return
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
        say(_("verdict: {word}").format(word=_(output.WORDS[listing.report.verdict])))
        plan = plan_rows(self.context.session.plan(listing))
        width = max(14, *(cells(label) + 2 for label, _text in plan))
        for label, text in plan:
            say(text, fit(label, width))
        if self.context.permits("tree"):
            self._trees(listing)

    def _trees(self, listing: Listing) -> None:
        """How the device tree that is handed on differs from the entry's own, and from the running one."""
        shown = TreeText.read(self.context.session, listing)
        own, running = _("What is changed in the entry's own"), _("Against the one that runs now")
        for title, texts in ((own, shown.changes), (running, shown.against_running)):
            if texts is not None:
                self.teletype.say(title)
                for text in texts[:_MOST_DIFFERENCES] or (_("Nothing: they say the same."),):
                    self.teletype.say(text, "  ")
                if len(texts) > _MOST_DIFFERENCES:
                    more = _("... and more: only the first {n} are shown")
                    self.teletype.say(more.format(n=_MOST_DIFFERENCES), "  ")

    def finding(self, finding: Finding) -> None:
        """Say what a check has found, and what to do."""
        word, width = _(output.WORDS[finding.severity]), output.word_width()
        self.teletype.say(f"{finding.code}: {localized(finding.message)}", f"  {word:<{width}}  ")
        if finding.hint:
            self.teletype.say(localized(finding.hint), " " * (width + 4) + "→ ")


class PlainMenu(PlainBase):
    """The menu on one terminal. results: of a scan that was made already."""

    def __init__(self, context: UiContext, teletype: Teletype, results: ScanResults | None = None) -> None:
        super().__init__(context, teletype, results)
        self._session = context.session
        self._words = ""
        """Of the filter."""
        self._shown = State()
        """What was remembered when the list was printed: what is seen there is taken back, and nothing else."""
        self._outcome: Outcome | None = None

    def run(self, error: BootmenuError | None = None) -> Outcome:
        """Until there is an outcome. The end of the input is one. error: what came back; it is told first. Raise
        Locked where the kiosk is to be locked again."""
        # nobody leaves a first stage by Ctrl+D
        self.teletype.stays = not self.context.may_quit
        self.teletype.idle = self.teletype.patience = (
            self.context.settings.kiosk_idle if self.context.service else None
        )
        try:
            if self.context.trouble:
                self.teletype.say(localized(self.context.trouble), "  ! ")
            if error is not None:
                self._failed(error)
            if not self.results.finished:
                self._try(self._look)
            self._try(self._list)
            while self._outcome is None:
                self._try(lambda: self._obey(self.teletype.ask(self._prompt)))
        except EndOfInput:
            self.teletype.hung_up = True
            return Quit()
        except Idle:
            raise Locked from None
        return self._outcome

    def _try(self, step: Callable[[], None]) -> None:
        """What goes wrong is told, and the menu stays."""
        try:
            step()
        except KeyboardInterrupt:
            self.teletype.say()
        except (EndOfInput, Idle, Locked):
            raise
        except BootmenuError as failure:
            self._failed(failure)
        except Exception as mistake:
            internal_errors.write(mistake)
            self.teletype.say(f"{headline(mistake)} {mistake!r:.200}", "  ! ")
            self.teletype.say(advice(mistake), "    → ")

    def _look(self) -> None:
        self.teletype.say(_("Looking for what can be started."))
        try:
            self.look()
        except BootmenuError as error:
            self._failed(error)

    # --- the list

    @property
    def _prompt(self) -> str:
        return f"/{cut(clean(self._words), self.teletype.room // 2)} >" if self._words else ">"

    @property
    def _rows(self) -> tuple[list[Row], dict[tuple[str, str], tuple[int, Row]]]:
        """Return the rows that are shown, and by its place every entry that is, with the number that it has in the
        whole list, and its row there."""
        every = rows(self.results, self._session.memory.state)
        numbered = {
            _place(row.listing): (index, row)
            for index, row in enumerate((row for row in every if row.listing), 1)
            if row.listing
        }
        if not self._words:
            return every, numbered
        shown = rows(self.results, self._session.memory.state, self._words)
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
        self._shown = self._session.memory.state
        shown, numbered = self._rows
        entries = dict(zip(numbered, self._entries(list(numbered.values())), strict=True))
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

    def _entries(self, numbered: Sequence[tuple[int, Row]]) -> list[str]:
        """Return a line for each entry, none longer than there is room for and no two of them the same. What stands
        behind the name goes before the name is cut to less than half of 60 columns."""
        digits = max(2, *(len(str(index)) for index, _row in numbered), 0)
        width = output.word_width()
        names = tuple(row.title for _index, row in numbered)
        longest = max(map(cells, names), default=0)
        for more in (2, 1, 0):
            tails = [_tail(row, more) for _index, row in numbered]
            room = self.teletype.room - digits - width - 5 - max(map(cells, tails), default=0)
            if room >= min(30, longest):
                break
        lines = []
        for (index, row), name, tail in zip(numbered, abridged(names, max(room, 1)), tails, strict=True):
            assert row.listing is not None
            sign = "!" if row.lost and not more else row.mark.sign if row.mark else " "
            word = _(output.WORDS[row.listing.report.verdict])
            lines.append(f" {index:>{digits}}{sign} {word:<{width}}  {name}{tail}")
        return lines

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

    # --- commands

    def _obey(self, line: str) -> None:
        if not line:
            self._list()
            return
        letter, rest = ("", line) if line.isdigit() else (line[0], line[1:].strip())
        if letter in ("?", "h"):
            self._help()
            return
        if not letter:
            if (listing := self._entry(rest)) is not None:
                self._boot(listing)
            return
        action = next((action for action in self._offered() if action.plain[0] == letter), None)
        if action is None:
            self.teletype.say(_("{line} is no command; ? lists them.").format(line=line[:20]))
            return
        do = getattr(self, f"do_{action.name}")
        if action.name == "filter":
            do(rest)
        elif not _takes_number(action):
            do()
        elif (listing := self._entry(rest)) is not None:
            do(listing)

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

    # --- what the actions do, by their names in the table

    def do_details(self, listing: Listing) -> None:
        """Say every finding about an entry, and its boot plan."""
        self.details(listing, full_name(listing))

    def do_filter(self, words: str) -> None:
        """List only the entries with these words."""
        self._words = words
        self._list()

    def do_rescan(self) -> None:
        """Read every partition again."""
        self._look()
        self._list()

    def do_shell(self) -> None:
        """Open a shell, until it ends."""
        self._session.shell()
        self._list()

    def do_lock(self) -> None:
        """Go back to the kiosk."""
        raise Locked

    def do_demo(self) -> None:
        """Leave for the demonstration machine."""
        self._outcome = Demo()

    def do_quit(self) -> None:
        """Leave."""
        self._outcome = Quit()

    def do_make_default(self, listing: Listing) -> None:
        """Make an entry the default, or no longer."""
        self._remember("make_default", listing)

    def do_next_boot(self, listing: Listing) -> None:
        """Make an entry the default of the next boot only, or no longer."""
        self._remember("next_boot", listing)

    def _help(self) -> None:
        helps = [
            ("N", _("start entry N")),
            *((action.plain, _(action.plain_help or action.help)) for action in self._offered()),
        ]
        for shown, text in (*helps, (_("Enter"), _("the list again")), ("?", _("this"))):
            self.teletype.say(text, f"  {fit(shown, max(6, cells(shown)))} ")

    def _boot(self, listing: Listing) -> None:
        if listing.report.verdict is Severity.FAIL:
            for finding in listing.report.of(Severity.FAIL):
                self.finding(finding)
            if not self.teletype.sure(_("It cannot be started here. Try it all the same?")):
                return
        elif self.context.confirm_always and not self.teletype.sure(_("This ends what runs now. Start it?")):
            return
        self.teletype.say(_("Loading {name}. Ctrl+C takes it back.").format(name=full_name(listing)))
        try:
            self._outcome = Jump(self.load(listing, self._stage))
        except KeyboardInterrupt as interrupt:
            for left in left_loaded(interrupt):
                self.teletype.say(localized(left), "  ! ")
            if not left_loaded(interrupt):
                self.teletype.say(_("Taken back: nothing is loaded."))

    def _stage(self, progress: Progress) -> None:
        if progress.state is not StageState.RUNNING:
            self.teletype.say(stage_line(progress), "  ")

    def do_test(self, listing: Listing) -> None:
        allowed = self._session.preflight()
        if allowed.refused is not None:
            raise allowed.refused
        if allowed.replaces and not self.teletype.sure(
            _("A kernel is loaded already, and would be gone. Test all the same?")
        ):
            return
        error: LoadError | None = None
        with self._session.holding(listing):
            plan = self._session.plan(listing)
            try:
                self.follow(self._session.load(plan), self._stage)
            except LoadError as failure:
                error = failure
            finally:
                left = self._session.unload(plan)
        if left:
            self.teletype.say(localized(left), "  ! ")
        self.finding(trial_load.finding(plan, error))

    def do_edit(self, listing: Listing) -> None:
        """Until it is started or left; what cannot be started comes back here, as it was changed."""
        editor, judged = EntryEditor.of(listing.entry), listing
        while self._outcome is None:
            self._show_editor(editor, judged)
            answer = self.teletype.ask(_("Number of a line to change, b to start it, Enter to leave: "))
            if not answer:
                return
            number = typed_number(answer)
            if answer == "b":
                self._try(partial(self._boot, judged))
            elif number is not None and 1 <= number <= len(editor.slots):
                changed = self._change(replace(editor, at=number - 1), judged)
                if changed.edited() != editor.edited():
                    judged = self._session.recheck(changed.edited())
                editor = changed

    def _show_editor(self, editor: EntryEditor, judged: Listing) -> None:
        for number, slot in enumerate(editor.slots, 1):
            text = slot.line.text or nothing(slot, self._session.machine)
            self.teletype.say(text, f" {number:>2}  {_(slot.part)}: ")
        self.teletype.say(_("verdict: {word}").format(word=_(output.WORDS[judged.report.verdict])))
        for severity in (Severity.FAIL, Severity.WARN):
            for finding in judged.report.of(severity):
                self.finding(finding)

    def _change(self, editor: EntryEditor, listing: Listing) -> EntryEditor:
        """Ask for the current line."""
        texts: list[str] = []
        if editor.current.part is EntryPart.TREE:
            choices = ready(self._session.device_trees(listing))
            texts = list(dict.fromkeys(written(choice.ref, editor.entry.device) for choice in choices))
            for number, text in enumerate(texts, 1):
                self.teletype.say(text, f"  {number:>2}  ")
            said = _("A number takes one of these.") if texts else _("none lies ready for this board")
            self.teletype.say(f"  {said}")
        line = self.teletype.ask(_("Another one for this boot (Enter keeps it, - empties it): "))
        if not line:
            return editor
        wanted = typed_number(line)
        if wanted is not None and editor.current.part is EntryPart.TREE:
            if not 1 <= wanted <= len(texts):
                return editor  # no device tree is called 7
            line = texts[wanted - 1]
        return editor.typed(LineEditor() if line == "-" else LineEditor().insert(line))

    def _remember(self, action: str, listing: Listing) -> None:
        memory, there, shown, name = self._session.memory, self.results.disks, self._shown, listing.entry.id

        def change(state: State) -> State:
            if action == "make_default":
                return state.without_default(name) if shown.default == name else state.with_default(listing, there)
            return state.without_once(name) if shown.once == name else state.with_once(listing)

        kept = memory.update(change)
        self._list()
        if not kept:
            self.teletype.say(localized(memory.error), "  ! ")
        if name in (memory.state.default, memory.state.once) and (warning := made_default(listing, "")):
            self.teletype.say(f"{full_name(listing)}: {localized(warning)}", "  ! ")

    def do_unlock(self) -> None:
        """Until a partition is unlocked, or Enter is typed alone. After a wrong passphrase comes the next try."""
        locked = self._locked
        chosen = self.teletype.choose([device.title for device in locked]) if len(locked) > 1 else 0
        if chosen is None:
            return
        device = locked[chosen]
        question = _("Passphrase of {name} (Enter for none): ").format(name=device.title)
        while secret := self.teletype.ask(question, secret=True):
            self.teletype.say(_("deriving the key, which takes some seconds"))
            try:
                self._session.unlock(device.name, secret)
            except UnlockError as error:
                if not error.wrong:
                    raise
                self._failed(error)
            else:
                self._look()
                self._list()
                return

    def do_log(self) -> None:
        lines = self._session.kernel_log()
        if lines is None:
            self.teletype.say(_("The kernel's messages may not be read."))
        for line in (lines or [])[-20:]:
            self.teletype.say(line, "  ")

    def do_power(self) -> None:
        offered = self._session.powers
        chosen = self.teletype.choose([_(POWER_WORDS[power]) for power in offered])
        if chosen is not None:
            self.go_down(offered[chosen])

    def _failed(self, error: BootmenuError) -> None:
        self.teletype.say(localized(error.message), "  ! ")
        for left in left_loaded(error):
            self.teletype.say(localized(left), "  ! ")
        if isinstance(error, LoadError):
            for line in _details_of(error):
                self.teletype.say(line, "      ")
        if error.hint:
            self.teletype.say(localized(error.hint), "    → ")


def _details_of(error: LoadError) -> Iterable[str]:
    if error.errno_text:
        yield f"{error.call}: {error.errno_text}"
    yield from (f"{_('kernel')}: {line}" for line in error.kernel_log)


def _takes_number(action: Action) -> bool:
    return action.plain.endswith(" N")


def _place(listing: Listing) -> tuple[str, str]:
    """Return what no other entry has: a copy of a disk has the same ids."""
    return listing.entry.device, listing.entry.id


def _tail(row: Row, more: int) -> str:
    """Return what stands behind the name of an entry. more: 2 = all there is, 1 = what is remembered, 0 = nothing."""
    assert row.listing is not None
    source = f"  ({clean(row.listing.entry.source, 20)})" if more > 1 else ""
    if not more:
        return ""
    once = f"  {_('next boot')}" if row.mark is Mark.NEXT else ""
    return source + once + (f"  {_('never came back')}" if row.lost else "")
