# SPDX-License-Identifier: MIT
"""The plain menu: a numbered list and one question at a time, for any terminal that can show lines and send them.

Standard library only, no cursor addressing. The same entries, verdicts and actions as the screens, by the same terms.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Protocol, TextIO

from bootmenu import reports
from bootmenu.autoboot import Choice, choose
from bootmenu.boot import plan_lines
from bootmenu.discovery.devices import Device
from bootmenu.discovery.scan import Listing, ScanFinished, Stream
from bootmenu.discovery.storage.luks import UnlockError
from bootmenu.errors import BootmenuError
from bootmenu.kexec import preflight
from bootmenu.kexec.errors import LoadError, leave_note, left_loaded
from bootmenu.language import _, marked, told
from bootmenu.model.finding import Finding, Severity
from bootmenu.model.progress import Progress, StageState
from bootmenu.model.text import printable
from bootmenu.pin import StoredPin, guard
from bootmenu.policy import Access
from bootmenu.state import State
from bootmenu.system.power import Power
from bootmenu.ui import faults
from bootmenu.ui.catalogue import Catalogue
from bootmenu.ui.draft import Draft, Part, written
from bootmenu.ui.glyphs import to_ascii
from bootmenu.ui.outcome import Demo, Jump, Outcome, Quit
from bootmenu.ui.pages.edit import nothing, ready
from bootmenu.ui.pages.kiosk import plain_name
from bootmenu.ui.pages.listing import matches
from bootmenu.ui.pages.refusal import advice, headline
from bootmenu.ui.pages.tree import TreeText
from bootmenu.ui.terms import Terms
from bootmenu.ui.typed import Typed
from bootmenu.ui.wording import full_name, stage_words

_WIDTH = 79
_MOST_DIFFERENCES = 40
"""Of a device tree: nobody can scroll back on a serial line."""
_POWER = {
    Power.REBOOT: marked("restart"),
    Power.OFF: marked("switch off"),
    Power.FIRMWARE: marked("restart into the firmware's setup"),
}


class _EndOfInput(Exception):  # noqa: N818 - whoever typed has gone
    pass


class _LongIdle(Exception):  # noqa: N818 - whoever had the PIN may have gone
    pass


@dataclass(frozen=True, slots=True)
class _Command:
    """letter: what is typed. action: its name in the key table. numbered: it is about one entry."""

    letter: str
    action: str
    help: str
    numbered: bool = False


_COMMANDS = (
    _Command("d", "details", marked("every check of an entry, and what loading it would do"), numbered=True),
    _Command("t", "test", marked("load an entry and take it out again"), numbered=True),
    _Command("e", "edit", marked("change an entry for this boot only, and start it"), numbered=True),
    _Command("D", "make_default", marked("make an entry the default, or take that back"), numbered=True),
    _Command("o", "next_boot", marked("make an entry the one for the next boot only"), numbered=True),
    _Command("/", "filter", marked("only the entries that have the words behind it; alone: all of them")),
    _Command("r", "rescan", marked("look at every partition again")),
    _Command("u", "unlock", marked("enter the passphrase of an encrypted partition")),
    _Command("l", "log", marked("the kernel's last messages")),
    _Command("p", "power", marked("restart or switch off")),
    _Command("s", "shell", marked("a shell; the menu is back when it ends")),
    _Command("k", "enter_pin", marked("enter the PIN, which opens everything else")),
    _Command("k", "lock", marked("lock everything again that needs the PIN")),
    _Command("m", "demo", marked("the demonstration machine, where nothing can happen")),
    _Command("q", "quit", marked("leave; nothing is loaded")),
)


class Lines(Protocol):
    """Where lines come from: a terminal, or a file in a test."""

    def readline(self) -> str: ...
    def isatty(self) -> bool: ...


class PlainMenu:
    """One sitting on one terminal. secret: asks for a passphrase without showing it. ending: somebody wants this
    process to end: what is being loaded is taken out again."""

    def __init__(
        self,
        terms: Terms,
        source: Lines,
        sink: TextIO,
        secret: Callable[[str], str] | None = None,
        *,
        ending: Callable[[], bool] = lambda: False,
        ascii_only: bool = True,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.terms = self._locked_terms = terms
        self._clock = clock
        self._session = terms.session
        self._source = source
        self._sink = sink
        self._secret = secret or self._ask
        self._ending = ending
        self._ascii = ascii_only
        self._catalogue = Catalogue()
        self._words: tuple[str, ...] = ()
        """Of the filter."""
        self._shown = State()
        """What was remembered when the list was printed: what is seen there is taken back, and nothing else."""
        self._outcome: Outcome | None = None
        self.hung_up = False
        """Nobody types here any more."""

    # --- lines out and in

    def _say(self, text: str = "") -> None:
        self._write(text + "\n")

    def _write(self, text: str) -> None:
        try:
            self._sink.write(to_ascii(text) if self._ascii else text)
            self._sink.flush()
        except OSError:
            raise _EndOfInput from None

    def _wrapped(self, head: str, text: str) -> None:
        for line in textwrap.wrap(
            head + printable(text), _WIDTH, subsequent_indent=" " * len(head), break_on_hyphens=False
        ):
            self._say(line)

    def _ask(self, question: str) -> str:
        self._write(question)
        asked = self._clock()
        while not (line := self._line()):
            # a line that hung up is no terminal any more; Ctrl+D on one that is leaves no kiosk and no first stage
            stays = self.terms.policy.kiosk or not self.terms.may_quit
            if not (stays and self._source.isatty()) or self._ending():
                raise _EndOfInput
        if self.terms.service and self._clock() - asked > self.terms.settings.kiosk_idle:
            raise _LongIdle  # who types it may be somebody else by now
        return line.strip()

    def _line(self) -> str:
        try:
            return self._source.readline()
        except OSError:
            raise _EndOfInput from None

    def _sure(self, question: str) -> bool:
        answer = self._ask(f"{question} {_('(y, or Enter for no)')} ").lower()
        return answer in ("y", "yes", _("y"), _("yes"))

    # --- the list

    def run(self, error: BootmenuError | None = None) -> Outcome:
        """Until there is an outcome. The end of the input is one. error: what came back; it is told first."""
        try:
            if self.terms.trouble:
                self._wrapped("  ! ", told(self.terms.trouble))
            if error is not None:
                self._failed(error)
            self._try(self._look)
            self._try(self._list)
            while self._outcome is None:
                self._try(lambda: self._obey(self._ask("> ")))
        except _EndOfInput:
            self.hung_up = True
            return Quit()
        return self._outcome

    def _try(self, step: Callable[[], None]) -> None:
        """What goes wrong is told, and the menu stays."""
        try:
            step()
        except KeyboardInterrupt:
            self._say()
        except _EndOfInput:
            raise
        except _LongIdle:
            self._lock()
        except BootmenuError as failure:
            self._failed(failure)
        except Exception as mistake:
            faults.write(mistake)
            self._wrapped("  ! ", f"{headline(mistake)} {mistake!r:.200}")
            self._wrapped("    → ", advice(mistake))

    def _look(self) -> None:
        self._say(_("Looking for what can be started."))
        with contextlib.closing(self._session.scan()) as stream:
            self._catalogue.begin()
            self._take(stream)

    def _take(self, stream: Stream) -> None:
        try:
            for event in stream:
                self._catalogue.add(event)
                if isinstance(event, ScanFinished):
                    return
        except BootmenuError as error:
            self._failed(error)
        self._catalogue.stop()

    @property
    def _numbered(self) -> list[Listing]:
        """The entries that exist, as they are numbered from 1."""
        policy, choice = self.terms.policy, self._default
        partitions = {group.device.name: group.device.title for group in self._catalogue.groups}
        return [
            listing
            # what should be started cannot be, or did not come back: then there is a reason
            for listing in policy.offered(
                self._catalogue.listings, repair_first=bool(choice.why), default=choice.listing
            )
            if policy.access_to(listing) is Access.FREE
            and matches(listing, partitions.get(listing.entry.device, ""), self._words)
        ]

    @property
    def _default(self) -> Choice:
        """What the kiosk would start by itself."""
        policy, state = self.terms.policy, self._session.memory.state
        if not policy.kiosk:
            return Choice()
        able = policy.startable(self._catalogue.listings)
        return choose(able, state, self.terms.settings, finished=True)

    def _name(self, listing: Listing) -> str:
        if self.terms.policy.kiosk:
            return plain_name(listing, self.terms.settings.kiosk_names)
        return full_name(listing)

    def _list(self) -> None:
        machine = self._session.machine
        title = " - ".join(part for part in (machine.title, machine.kernel_release) if part)
        self._say()
        mark = f"  {_('SIMULATION')}" if self._session.simulated else ""
        self._say(printable(f"bootmenu{mark}   {title}"))
        for finding in self._session.machine_report.findings:
            if finding.severity is not Severity.PASS:
                self._finding(finding)
        for notice in self._session.notices:
            self._wrapped(f"  {_('note')}  ", told(notice))
        listings, state = self._numbered, self._session.memory.state
        self._shown = state
        place = ""
        for number, listing in enumerate(listings, 1):
            entry = listing.entry
            if entry.device != place and not self.terms.policy.kiosk:
                place = entry.device
                self._say(printable(f" {place}"))
            marks = "*" if entry.default or state.default == entry.id else " "
            word = _(reports.WORDS[listing.report.verdict])
            name = self._name(listing)
            more = f"  {_('next boot')}" if state.once == entry.id else ""
            lost = f"  {_('never came back')}" if state.lost_at(entry.id) else ""
            self._say(f" {number:>2}{marks} {word:<{reports.word_width()}}  {name}  ({entry.source}){more}{lost}")
        if not listings:
            none = (
                _("No entry has these words.") if self._words else _("There is nothing here that could be started.")
            )
            self._say(f" {none}")
        if not self.terms.policy.kiosk:
            for group in self._catalogue.groups:
                for problem in group.problems:
                    self._wrapped(f"     {_('skip')}  ", told(str(problem)))
        self._hints()

    def _hints(self) -> None:
        letters = " ".join(f"{command.letter}{' N' if command.numbered else ''}" for command in self._offered())
        said = _("A number starts that entry. Also: {letters} ? (help), each with Enter.")
        self._wrapped("", said.format(letters=letters))
        if self.terms.policy.kiosk and self.terms.settings.kiosk_contact:
            self._wrapped("", self.terms.settings.kiosk_contact)

    def _offered(self) -> Iterator[_Command]:
        policy = self.terms.policy
        also = {"unlock": bool(self._locked), "enter_pin": policy.kiosk and policy.has_pin}
        for command in _COMMANDS:
            if self.terms.permits(command.action) and also.get(command.action, True):
                yield command

    @property
    def _locked(self) -> list[Device]:
        return [group.device for group in self._catalogue.groups if group.device.locked]

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
        command = next((command for command in self._offered() if command.letter == letter), None)
        if command is None:
            self._say(_("{line} is no command; ? lists them.").format(line=printable(line[:20])))
            return
        if command.action == "filter":
            self._words = tuple(rest.lower().split())
            self._list()
        elif not command.numbered:
            self._do(command.action)
        elif (listing := self._entry(rest)) is not None:
            self._do_with(command.action, listing)

    def _entry(self, number: str) -> Listing | None:
        listings = self._numbered
        wanted = _number(number)
        if wanted is not None and 1 <= wanted <= len(listings):
            return listings[wanted - 1]
        needed = _("That needs the number of an entry: 1 to {n}.").format(n=len(listings))
        self._say(needed if listings else _("There is no entry."))
        return None

    def _do(self, action: str) -> None:
        match action:
            case "rescan":
                self._look()
                self._list()
            case "unlock":
                self._unlock()
            case "log":
                self._log()
            case "power":
                self._power()
            case "shell":
                self._session.shell()
                self._list()
            case "enter_pin":
                self._enter_pin()
            case "lock":
                self._lock()
            case "demo":
                self._outcome = Demo()
            case "quit":
                self._outcome = Quit()

    def _do_with(self, action: str, listing: Listing) -> None:
        match action:
            case "details":
                self._details(listing)
            case "test":
                self._test(listing)
            case "edit":
                self._edit(listing)
            case "make_default" | "next_boot":
                self._remember(action, listing)

    def _help(self) -> None:
        rows = [("N", _("start entry N")), *((_shown(command), _(command.help)) for command in self._offered())]
        for shown, text in (*rows, (_("Enter"), _("the list again")), ("?", _("this"))):
            self._say(f"  {shown:<6} {text}")

    def _details(self, listing: Listing) -> None:
        self._say(self._name(listing))
        for line in reports.report_lines(listing.report):
            self._say(line)
        for line in plan_lines(self._session.plan(listing)):
            for part in textwrap.wrap(line, _WIDTH, subsequent_indent=" " * 14) or [""]:
                self._say(part)
        if self.terms.permits("tree"):
            self._trees(listing)

    def _trees(self, listing: Listing) -> None:
        """How the device tree that is handed on differs from the entry's own, and from the running one."""
        shown = TreeText.read(self._session, listing)
        own, running = _("What is changed in the entry's own"), _("Against the one that runs now")
        for title, texts in ((own, shown.changes), (running, shown.against_running)):
            if texts is not None:
                self._say(title)
                for text in texts[:_MOST_DIFFERENCES] or (_("Nothing: they say the same."),):
                    self._wrapped("  ", text)
                if len(texts) > _MOST_DIFFERENCES:
                    more = _("... and more: only the first {n} are shown")
                    self._wrapped("  ", more.format(n=_MOST_DIFFERENCES))

    def _finding(self, finding: Finding) -> None:
        word, width = _(reports.WORDS[finding.severity]), reports.word_width()
        self._wrapped(f"  {word:<{width}}  ", f"{finding.code}: {told(finding.message)}")
        if finding.hint:
            self._wrapped(" " * (width + 4) + "→ ", told(finding.hint))

    def _boot(self, listing: Listing) -> None:
        if listing.report.verdict is Severity.FAIL:
            for finding in listing.report.of(Severity.FAIL):
                self._finding(finding)
            if not self._sure(_("It cannot be started here. Try it all the same?")):
                return
        elif self.terms.confirm_always and not self._sure(_("This ends what runs now. Start it?")):
            return
        with self._session.holding(listing):
            plan = self._session.plan(listing)
            self._say(_("Loading {name}. Ctrl+C takes it back.").format(name=self._name(listing)))
            try:
                self._follow(self._session.load(plan))
                self._follow(self._session.leave(plan))
            except KeyboardInterrupt:
                left = self._session.unload(plan)
                self._wrapped("  ! " if left else "", told(left) or _("Taken back: nothing is loaded."))
                return
            except BaseException as error:
                leave_note(error, self._session.unload(plan))
                raise
        self._outcome = Jump(plan)

    def _follow(self, steps: Iterator[Progress]) -> None:
        try:
            for progress in steps:
                if self._ending():
                    raise _EndOfInput
                if progress.state is not StageState.RUNNING:
                    size = f"{progress.done / 1e6:8.1f} MB" if progress.done else " " * 11
                    detail = printable(told(progress.detail)[:60])
                    self._say(f"  {stage_words(progress)}{size} {progress.seconds:6.1f} s  {detail}")
        finally:
            close = getattr(steps, "close", None)
            if close is not None:
                close()

    def _test(self, listing: Listing) -> None:
        allowed = self._session.preflight()
        if allowed.refused is not None:
            raise allowed.refused
        if allowed.replaces and not self._sure(
            _("A kernel is loaded already, and would be gone. Test all the same?")
        ):
            return
        error: LoadError | None = None
        with self._session.holding(listing):
            plan = self._session.plan(listing)
            try:
                self._follow(self._session.load(plan))
            except LoadError as failure:
                error = failure
            finally:
                left = self._session.unload(plan)
        if left:
            self._wrapped("  ! ", told(left))
        self._finding(preflight.finding(plan, error))

    def _edit(self, listing: Listing) -> None:
        """Until it is started or left; what cannot be started comes back here, as it was changed."""
        draft, judged = Draft.of(listing.entry), listing
        while self._outcome is None:
            self._draft(draft, judged)
            answer = self._ask(_("Number of a line to change, b to start it, Enter to leave: "))
            if not answer:
                return
            number = _number(answer)
            if answer == "b":
                self._try(partial(self._boot, judged))
            elif number is not None and 1 <= number <= len(draft.slots):
                changed = self._change(dataclasses.replace(draft, at=number - 1), judged)
                if changed.edited() != draft.edited():
                    judged = self._session.recheck(changed.edited())
                draft = changed

    def _draft(self, draft: Draft, judged: Listing) -> None:
        for number, slot in enumerate(draft.slots, 1):
            self._wrapped(f" {number:>2}  {_(slot.part)}: ", slot.line.text or nothing(slot, self._session.machine))
        self._say(_("verdict: {word}").format(word=_(reports.WORDS[judged.report.verdict])))
        for severity in (Severity.FAIL, Severity.WARN):
            for finding in judged.report.of(severity):
                self._finding(finding)

    def _change(self, draft: Draft, listing: Listing) -> Draft:
        """Ask for the current line."""
        texts: list[str] = []
        if draft.current.part is Part.TREE:
            choices = ready(self._session.device_trees(listing))
            texts = list(dict.fromkeys(written(choice.ref, draft.entry.device) for choice in choices))
            for number, text in enumerate(texts, 1):
                self._wrapped(f"  {number:>2}  ", text)
            said = _("A number takes one of these.") if texts else _("none lies ready for this board")
            self._say(f"  {said}")
        line = self._ask(_("Another one for this boot (Enter keeps it, - empties it): "))
        if not line:
            return draft
        wanted = _number(line)
        if wanted is not None and draft.current.part is Part.TREE:
            if not 1 <= wanted <= len(texts):
                return draft  # no device tree is called 7
            line = texts[wanted - 1]
        return draft.typed(Typed() if line == "-" else Typed().insert(line))

    def _remember(self, action: str, listing: Listing) -> None:
        memory, there, shown, name = self._session.memory, self._catalogue.disks, self._shown, listing.entry.id

        def change(state: State) -> State:
            if action == "make_default":
                return state.without_default(name) if shown.default == name else state.with_default(listing, there)
            return state.without_once(name) if shown.once == name else state.with_once(listing)

        kept = memory.update(change)
        self._list()
        if not kept:
            self._wrapped("  ! ", told(memory.trouble))

    def _unlock(self) -> None:
        """Until a partition is unlocked, or Enter is typed alone. After a wrong passphrase comes the next try."""
        locked = self._locked
        chosen = self._choose([device.title for device in locked]) if len(locked) > 1 else 0
        if chosen is None:
            return
        device = locked[chosen]
        question = _("Passphrase of {name} (Enter for none): ").format(name=printable(device.title))
        while secret := self._secret(question):
            self._say(_("deriving the key, which takes some seconds"))
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

    def _choose(self, texts: Sequence[str]) -> int | None:
        """Ask for one of these; return its index."""
        for number, text in enumerate(texts, 1):
            self._wrapped(f"  {number}  ", text)
        choice = _number(self._ask(_("Which (Enter for none): ")))
        return choice - 1 if choice is not None and 1 <= choice <= len(texts) else None

    def _enter_pin(self) -> None:
        stored = self.terms.settings.kiosk_pin
        assert stored is not None, "only offered where there is one"
        keeper = guard(StoredPin.parse(stored), self._session.memory)
        if not keeper.wait:
            typed = self._secret(_("The PIN (Enter for none): "))
            if not typed:
                return
            if keeper.opens(typed):
                self.terms = self._locked_terms.unlocked()
                self._list()
                return
            if not keeper.wait:
                self._say(_("That was not the PIN. Please try again."))
                return
        self._say(_("Please wait {wait} s.").format(wait=keeper.wait))

    def _lock(self) -> None:
        """Whoever comes next finds the kiosk."""
        self.terms, self._words = self._locked_terms, ()
        self._list()

    def _log(self) -> None:
        lines = self._session.kernel_log()
        if lines is None:
            self._say(_("The kernel's messages may not be read."))
        for line in (lines or [])[-20:]:
            self._wrapped("  ", line)

    def _power(self) -> None:
        offered = self._session.powers
        chosen = self._choose([_(_POWER[power]) for power in offered])
        if chosen is not None:
            self._session.power(offered[chosen])

    def _failed(self, error: BootmenuError) -> None:
        self._wrapped("  ! ", told(error.message))
        for left in left_loaded(error):
            self._wrapped("  ! ", told(left))
        if isinstance(error, LoadError):
            for line in _details_of(error):
                self._wrapped("      ", line)
        if error.hint:
            self._wrapped("    → ", told(error.hint))


def _details_of(error: LoadError) -> Iterable[str]:
    if error.errno_text:
        yield f"{error.call}: {error.errno_text}"
    yield from (f"{_('kernel')}: {line}" for line in error.kernel_log)


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,5}", text) else None


def _shown(command: _Command) -> str:
    return f"{command.letter} N" if command.numbered else command.letter
