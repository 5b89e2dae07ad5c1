# SPDX-License-Identifier: MIT
"""The plain menu: a numbered list and one question at a time, for any terminal that can show lines and send them.

Standard library only, no cursor addressing. It has the same entries, verdicts and actions as the screens.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from bootmenu.bootstate.state import State
from bootmenu.discovery.scan_events import Listing
from bootmenu.discovery.storage.luks import UnlockError
from bootmenu.errors import BootmenuError
from bootmenu.frontends.outcome import Demo, Jump, Outcome, Quit
from bootmenu.frontends.plain_base import Locked
from bootmenu.frontends.plain_editor import PlainEditor
from bootmenu.frontends.plain_listing import PlainListing
from bootmenu.frontends.ui_context import UiContext
from bootmenu.i18n import _, localized
from bootmenu.kexec import trial_load
from bootmenu.kexec.kernel_errors import LoadError, left_loaded
from bootmenu.model.finding import Severity
from bootmenu.model.progress import Progress, StageState
from bootmenu.session import menu_log
from bootmenu.session.scan_results import ScanResults
from bootmenu.terminal.cells import cells, fit
from bootmenu.terminal.line_input import Idle
from bootmenu.terminal.teletype import EndOfInput, Teletype
from bootmenu.view.actions import Action
from bootmenu.view.refusal import advice, headline, refusal_lines
from bootmenu.view.wording import POWER_WORDS, full_name, made_default, stage_line


class PlainMenu(PlainListing):
    """The menu on one terminal. results: of a scan that was made already."""

    def __init__(self, context: UiContext, teletype: Teletype, results: ScanResults | None = None) -> None:
        super().__init__(context, teletype, results)
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
            if self.context.warning:
                self.teletype.say(localized(self.context.warning), "  ! ")
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
            menu_log.write_error(mistake)
            self.teletype.say(f"{headline(mistake)} {mistake!r:.200}", "  ! ")
            self.teletype.say(advice(mistake), "    → ")

    def _look(self) -> None:
        self.teletype.say(_("Looking for what can be started."))
        try:
            self.look()
        except BootmenuError as error:
            self._failed(error)

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

    # --- what the actions do, by their names in the table

    def do_details(self, listing: Listing) -> None:
        """Say every finding about an entry, and its boot plan."""
        self.details(listing, full_name(listing.entry))

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

    def do_edit(self, listing: Listing) -> None:
        """Change an entry for this boot only, until it is started or left."""
        editor = PlainEditor(self, listing)
        while self._outcome is None and editor.ask():
            if editor.wants_boot:
                self._try(partial(self._boot, editor.judged))

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
        self.teletype.say(_("Loading {name}. Ctrl+C takes it back.").format(name=full_name(listing.entry)))
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

    def _remember(self, action: str, listing: Listing) -> None:
        memory, there, shown, name = self._session.state_store, self.results.disks, self._shown, listing.entry.id

        def change(state: State) -> State:
            if action == "make_default":
                return state.without_default(name) if shown.default == name else state.with_default(listing, there)
            return state.without_once(name) if shown.once == name else state.with_once(listing)

        kept = memory.update(change)
        self._list()
        if not kept:
            self.teletype.say(localized(memory.error), "  ! ")
        if name in (memory.state.default, memory.state.once) and (warning := made_default(listing, "")):
            self.teletype.say(f"{full_name(listing.entry)}: {localized(warning)}", "  ! ")

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
        for text, most in refusal_lines(error):
            self.teletype.say(text, "  ! " if most else "      ")
        if hint := advice(error):
            self.teletype.say(hint, "    → ")


def _takes_number(action: Action) -> bool:
    return action.plain.endswith(" N")
