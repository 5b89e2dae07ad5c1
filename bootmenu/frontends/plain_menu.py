# SPDX-License-Identifier: MIT
"""The plain menu: a numbered list and one question at a time, for any terminal that can print and read lines.

It uses no cursor addressing and no Textual. It has the same entries, verdicts and actions as the screens.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from bootmenu.bootstate.state import State
from bootmenu.discovery.scan_events import Listing
from bootmenu.discovery.storage.luks import UnlockError
from bootmenu.errors import BootmenuError
from bootmenu.frontends.outcome import Demo, Jump, Outcome, Quit
from bootmenu.frontends.plain_base import LockRequested
from bootmenu.frontends.plain_editor import PlainEditor
from bootmenu.frontends.plain_pages import PlainPages
from bootmenu.frontends.ui_context import UiContext
from bootmenu.i18n import _, localized
from bootmenu.kexec import load_test
from bootmenu.kexec.kernel_errors import LoadError, left_loaded
from bootmenu.model.finding import Severity
from bootmenu.model.progress import Progress, StageState
from bootmenu.session import menu_log
from bootmenu.session.scan_results import ScanResults
from bootmenu.terminal.cells import cells, fit
from bootmenu.terminal.line_input import Idle
from bootmenu.terminal.teletype import EndOfInput, Teletype
from bootmenu.view import welcome
from bootmenu.view.action import Action
from bootmenu.view.help_page import grouped
from bootmenu.view.refusal import advice, headline, refusal_lines
from bootmenu.view.wording import POWER_WORDS, explained, full_name, made_default, stage_line


class PlainMenu(PlainPages):
    """The menu on one terminal. results: of an earlier scan, if there is one."""

    def __init__(self, context: UiContext, teletype: Teletype, results: ScanResults | None = None) -> None:
        super().__init__(context, teletype, results)
        self._outcome: Outcome | None = None

    def run(self, error: BootmenuError | None = None) -> Outcome:
        """Run the menu until it has an outcome, such as Quit at the end of the input. error: of an earlier start,
        printed first. Raise LockRequested if the kiosk is to be locked again."""
        # Ctrl+D does not leave a first stage
        self.teletype.stays = not self.context.may_quit
        self.teletype.idle = self.teletype.patience = (
            self.context.settings.kiosk_idle if self.context.service else None
        )
        try:
            if self.context.warning:
                self.teletype.say(localized(self.context.warning), "  ! ")
            if error is not None:
                self._print_error(error)
            if not self.results.finished:
                self._try(self._scan)
            if self.context.visiting:
                self._welcome()
            self._try(self._list)
            while self._outcome is None:
                self._try(lambda: self._execute(self.teletype.ask(self._prompt)))
        except EndOfInput:
            self.teletype.hung_up = True
            return Quit()
        except Idle:
            raise LockRequested from None
        return self._outcome

    def _welcome(self) -> None:
        """Say why nothing can start here, and what can be tried instead."""
        obstacles = welcome.obstacles(self._session.machine_report)
        if obstacles or not any(True for _listing in self.results.listings):
            for text in (*welcome.paragraphs(obstacles), *welcome.trials()):
                self.teletype.say(text, " ")

    def _try(self, step: Callable[[], None]) -> None:
        """Run a step; print the error if it fails, so that the menu stays."""
        try:
            step()
        except KeyboardInterrupt:
            self.teletype.say()
        except (EndOfInput, Idle, LockRequested):
            raise
        except BootmenuError as error:
            self._print_error(error)
        except Exception as error:
            menu_log.write_error(error)
            self.teletype.say(f"{headline(error)} {error!r:.200}", "  ! ")
            self.teletype.say(advice(error), "    → ")

    def _scan(self) -> None:
        """Scan, and print the error if that fails; the menu goes on with what was found."""
        self.teletype.say(_("Scanning for boot entries."))
        try:
            self.scan()
        except BootmenuError as error:
            self._print_error(error)

    # --- commands

    def _execute(self, line: str) -> None:
        """Execute a typed command."""
        if not line:
            self.teletype.say(_("Nothing was typed; here is the list again."))
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
            self.teletype.say(_("{line} is not a command; ? lists them.").format(line=line[:20]))
            return
        command = getattr(self, f"do_{action.name}")
        if action.name == "filter":
            command(rest)
        elif not _takes_number(action):
            command()
        elif action.name == "details" and len(words := rest.split(maxsplit=1)) == 2:
            if (listing := self._entry(words[0])) is not None:
                self.evidence(listing, words[1])
        elif (listing := self._entry(rest)) is not None:
            command(listing)

    # --- the actions, each named after its action of the table

    def do_details(self, listing: Listing) -> None:
        """Print the findings about an entry, and its boot plan."""
        self.details(listing, full_name(listing.entry))

    def do_filter(self, words: str) -> None:
        """List only the entries with these words."""
        self._filter = words
        self._list()

    def do_unfold(self) -> None:
        """List the snapshots, too, or no longer."""
        self._unfolded = not self._unfolded
        self._list()

    def do_rescan(self) -> None:
        """Scan every partition again."""
        self._scan()
        self._list()

    def do_shell(self) -> None:
        """Run a shell until it ends."""
        self._session.shell()
        self._list()

    def do_lock(self) -> None:
        """Return to the kiosk."""
        raise LockRequested

    def do_demo(self) -> None:
        """Switch to the demonstration machine."""
        self._outcome = Demo()

    def do_quit(self) -> None:
        """Leave the menu."""
        self._outcome = Quit()

    def do_edit(self, listing: Listing) -> None:
        """Change an entry for this boot, or keep it as one of one's own, until the editor is left."""
        editor = PlainEditor(self, listing)
        while self._outcome is None and editor.ask():
            if editor.wants_boot:
                self._try(partial(self._boot, editor.listing))
        if editor.saved:
            self.do_rescan()

    def do_remove(self, listing: Listing) -> None:
        """Delete an entry that a person has made, after a confirmation."""
        if not listing.entry.is_own:
            self.teletype.say(_("Only entries of your own can be deleted."))
        elif self.teletype.sure(_("Delete {name}?").format(name=full_name(listing.entry))):
            store = self._session.state_store
            if not store.update(lambda state: state.without_own(listing.entry.id)):
                self.teletype.say(localized(store.error), "  ! ")
            self.teletype.say(_("deleted"))
            self.do_rescan()

    def do_make_default(self, listing: Listing) -> None:
        """Ask whether to make an entry the default, or to undo that: with Caps Lock `d` is this command, too."""
        undo = self._printed_state.default == listing.entry.id
        question = _("Make {name} the default no longer?") if undo else _("Make {name} the default?")
        if self.teletype.sure(question.format(name=full_name(listing.entry))):
            self._toggle_default("make_default", listing)

    def do_next_boot(self, listing: Listing) -> None:
        """Ask whether to make an entry the default of the next boot only, or to undo that."""
        undo = self._printed_state.once == listing.entry.id
        question = _("Start {name} no longer at the next boot?") if undo else _("Start {name} at the next boot only?")
        if self.teletype.sure(question.format(name=full_name(listing.entry))):
            self._toggle_default("next_boot", listing)

    def _help(self) -> None:
        rows = [
            ("boot", "N", _("start entry N")),
            *((action.name, action.plain, _(action.plain_help or action.help)) for action in self._offered()),
            ("help", _("Enter"), _("the list again")),
            ("help", "?", _("this")),
        ]
        for title, helps in grouped(rows).items():
            self.teletype.say(title)
            for shown, text in helps:
                self.teletype.say(text, f"  {fit(shown, max(6, cells(shown)))} ")

    def _boot(self, listing: Listing) -> None:
        """Load an entry for the jump, after a confirmation where one is needed."""
        if listing.report.verdict is Severity.FAIL:
            for finding in listing.report.of(Severity.FAIL):
                self.finding(finding)
            if not self.teletype.sure(_("It cannot be started here. Try anyway?")):
                return
        elif self.context.confirm_always and not self.teletype.sure(_("This ends the running system. Start it?")):
            return
        self.teletype.say(_("Loading {name}. Ctrl+C cancels.").format(name=full_name(listing.entry)))
        try:
            self._outcome = Jump(self.load(listing, self._stage))
        except KeyboardInterrupt as interrupt:
            notes = left_loaded(interrupt)
            for note in notes:
                self.teletype.say(localized(note), "  ! ")
            if not notes:
                self.teletype.say(_("Cancelled: nothing is loaded."))

    def _stage(self, progress: Progress) -> None:
        if progress.state is not StageState.RUNNING:
            self.teletype.say(stage_line(progress), "  ")

    def do_test(self, listing: Listing) -> None:
        """Load an entry as a test, and unload it again."""
        permission = self._session.load_test_permission()
        if permission.refused is not None:
            raise permission.refused
        if permission.replaces and not self.teletype.sure(
            _("A kernel is already loaded; a test unloads it. Test anyway?")
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
                still_loaded = self._session.unload(plan)
        if still_loaded:
            self.teletype.say(localized(still_loaded), "  ! ")
        self.finding(load_test.finding(plan, error))

    def _toggle_default(self, action: str, listing: Listing) -> None:
        """Make an entry the default, or undo that if the printed list has it as the default."""
        store, disks, name = self._session.state_store, self.results.disks, listing.entry.id
        printed = self._printed_state

        def change(state: State) -> State:
            if action == "make_default":
                return state.without_default(name) if printed.default == name else state.with_default(listing, disks)
            return state.without_once(name) if printed.once == name else state.with_once(listing)

        saved = store.update(change)
        self._list()
        if not saved:
            self.teletype.say(localized(store.error), "  ! ")
        if name in (store.state.default, store.state.once) and (warning := made_default(listing, "")):
            self.teletype.say(explained(full_name(listing.entry), localized(warning)), "  ! ")

    def do_unlock(self) -> None:
        """Unlock a partition. Ask for its passphrase until it is right, or Enter alone is typed."""
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
                self._print_error(error)
            else:
                self._scan()
                self._list()
                return
        self.teletype.say(_("It stays locked."))

    def do_power(self) -> None:
        """Restart or switch off the machine."""
        offered = self._session.powers
        chosen = self.teletype.choose([_(POWER_WORDS[power]) for power in offered])
        if chosen is not None:
            self.go_down(offered[chosen])

    def _print_error(self, error: BootmenuError) -> None:
        for text, important in refusal_lines(error):
            self.teletype.say(text, "  ! " if important else "      ")
        if hint := advice(error):
            self.teletype.say(hint, "    → ")


def _takes_number(action: Action) -> bool:
    return action.plain.endswith(" N")
