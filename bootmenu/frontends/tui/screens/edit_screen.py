# SPDX-License-Identifier: MIT
"""Edit an entry, and check it again after every change.

The changes are for one boot, or are kept as an entry of one's own: the entry in the menu stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from textual import on
from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget

from bootmenu.discovery.scan_events import Listing
from bootmenu.errors import BootmenuError
from bootmenu.frontends.edit_lookups import found_choices
from bootmenu.frontends.tui.background import in_background
from bootmenu.frontends.tui.screens.base_screen import BootmenuScreen, more_below
from bootmenu.frontends.tui.screens.choice_screen import ChoiceScreen
from bootmenu.frontends.tui.screens.line_editing import LineEditing
from bootmenu.frontends.tui.screens.name_screen import NameScreen
from bootmenu.frontends.tui.widgets.text_view import TextView
from bootmenu.frontends.ui_context import UiContext
from bootmenu.i18n import _, localized
from bootmenu.model.entry import BootEntry
from bootmenu.model.own_entry import MOST_CHARACTERS
from bootmenu.session import menu_log
from bootmenu.session.session_protocol import Session
from bootmenu.terminal.cells import clean
from bootmenu.view import entry_form
from bootmenu.view.edit_history import EditHistory
from bootmenu.view.entry_editor import EntryEditor
from bootmenu.view.entry_form import Choices
from bootmenu.view.line_editor import LineEditor
from bootmenu.view.page_edges import heading
from bootmenu.view.screen_ids import ScreenId
from bootmenu.view.styled_text import Line, Span, Style, rule
from bootmenu.view.wording import full_name

_CHECK_DELAY = 0.3
"""Seconds without a key before the entry is checked: checking may read the disk."""


def found_completions(session: Session, editor: EntryEditor) -> tuple[str, ...]:
    """Return how the path in the current line can go on. Call it in a thread: it reads disks."""
    try:
        return session.entry_files.completions(editor.entry, editor.current.line.text)
    except Exception as error:
        menu_log.write_error(error)
        return ()


Save = Callable[[BootEntry, str], None]
"""Keeps an edited entry under a name; raises BootmenuError if it cannot be kept."""


class EditScreen(LineEditing, BootmenuScreen[None]):
    """Shows the fields of an entry and their verdict. start: called with the edited and checked entry to boot."""

    screen_id = ScreenId.EDIT

    class Checked(Message):
        """The entry was checked after the change with this number. checked: None if the check failed."""

        def __init__(self, change: int, checked: Listing | None) -> None:
            super().__init__()
            self.change = change
            self.checked = checked

    class ChoicesFound(Message):
        """The files to choose from are known."""

        def __init__(self, choices: Choices) -> None:
            super().__init__()
            self.choices = choices

    class Completed(Message):
        """It is known how a path can go on. asked: the editor for which that was asked."""

        def __init__(self, asked: EntryEditor, found: tuple[str, ...]) -> None:
            super().__init__()
            self.asked = asked
            self.found = found

    def __init__(self, context: UiContext, listing: Listing, start: Callable[[Listing], None], save: Save) -> None:
        super().__init__(context)
        self.listing = listing
        self.editor = EntryEditor.of(listing.entry)
        self.checked: Listing | None = listing
        """The edited entry with its verdict, or None while it is checked."""
        self._start = start
        self._save = save
        self._history = EditHistory()
        self._note = ""
        """What is said below the findings until the next key."""
        self._change = 0
        self._check_timer: Timer | None = None
        self._start_when_checked = False
        """Whether to boot the entry as soon as it is checked."""
        self._choices: Choices | None = None

    def contents(self) -> Iterable[Widget]:
        """Yield heading, fields and verdict."""
        if self.listing.entry.is_own:
            title = _("Your own entry: {name}").format(name=full_name(self.listing.entry))
        else:
            title = _("For this boot only: {name}").format(name=full_name(self.listing.entry))
        yield TextView(lambda width: [heading(width, title)], classes="rule")
        yield TextView(self._fields, id="fields")
        yield TextView(lambda width: [entry_form.verdict_rule(self.checked, width)], classes="rule", id="verdict")
        yield TextView(self._entry_summary, id="summary")
        yield TextView(self._more, classes="rule", id="more")

    @property
    def unlabelled(self) -> frozenset[str]:
        """Return the actions that the footer leaves out: those that do nothing now."""
        nothing = set() if self.editor.current.part.is_file else {"choose"}
        nothing |= set() if self.editor.changed else {"save"}
        return super().unlabelled | nothing

    def _fields(self, width: int) -> list[Line]:
        return entry_form.fields(self.editor, self.context.session.machine, self._choices, width)

    def _entry_summary(self, width: int) -> list[Line]:
        return entry_form.new_findings(self.checked, self.context.session.machine_report, width)

    def _more(self, width: int) -> list[Line]:
        below = self.text_view("summary").below
        right = more_below(below, width)
        note = _("starts as soon as it is checked") if self._start_when_checked else self._note
        return [rule(width, [Span(note, Style.STRONG)] if note else [], right)]

    def _draw(self) -> None:
        if self.closed:
            return
        fields = self.text_view("fields")
        fields.show(self._fields)
        fields.reveal(self.editor.index)
        self.text_view("verdict").show(lambda width: [entry_form.verdict_rule(self.checked, width)])
        if self.checked is not None:  # else the previous verdict stays
            self.text_view("summary").show(self._entry_summary)
        self.text_view("more").show(self._more)
        self.text_view("footer").show(self._footer)

    def on_mount(self) -> None:
        """Start the search for files to choose from."""
        self.call_after_refresh(self._draw)
        in_background(self, self._find_choices, "choices")

    def on_resize(self) -> None:
        """Redraw, because another number of lines is hidden."""
        self.call_after_refresh(self._draw)

    # --- in threads

    def _find_choices(self) -> None:
        self.post_message(self.ChoicesFound(found_choices(self.context.session, self.listing)))

    def _complete(self, asked: EntryEditor) -> None:
        self.post_message(self.Completed(asked, found_completions(self.context.session, asked)))

    def _check(self, change: int, entry: BootEntry) -> None:
        checked: Listing | None = None
        try:
            checked = self.context.session.recheck(entry)
        except Exception as error:
            menu_log.write_error(error)
        self.post_message(self.Checked(change, checked))

    # --- messages and keys

    @on(ChoicesFound)
    def _choices_found(self, message: ChoicesFound) -> None:
        self._choices = message.choices
        self._draw()

    @on(Completed)
    def _completed(self, message: Completed) -> None:
        if message.asked is not self.editor:
            return  # something was typed since
        self._set_editor(self.editor.complete(message.found))
        if not message.found:
            self._say(_("no file begins like this"))

    @on(Checked)
    def _checked(self, message: Checked) -> None:
        if message.change != self._change:
            return
        self.checked = message.checked
        if self._start_when_checked and self.checked is not None:
            self._start_when_checked = False
            self._start(self.checked)
        self._start_when_checked = False
        self._draw()

    @property
    def line(self) -> LineEditor:
        """Return the field that is edited."""
        return self.editor.current.line

    def line_changed(self, line: LineEditor) -> None:
        """Take the edited field."""
        self._set_editor(self.editor.with_line(line))

    def _set_editor(self, editor: EntryEditor) -> None:
        self._history.note(self.editor, editor)
        self._replace_editor(editor)

    def _replace_editor(self, editor: EntryEditor) -> None:
        before, self.editor, self._note = self.editor, editor, ""
        if editor.edited() != before.edited():
            self._change += 1
            self._start_when_checked = False
            self._schedule_check()
        self._draw()

    def _schedule_check(self) -> None:
        """Check the entry when no key has been pressed for a moment; no check is needed if nothing is changed."""
        if self._check_timer is not None:
            self._check_timer.stop()
            self._check_timer = None
        if self.editor.changed:
            self.checked = None
            self._check_timer = self.set_timer(_CHECK_DELAY, self._start_check)
        else:
            self.checked = self.listing

    def _start_check(self) -> None:
        self._check_timer = None
        change, entry = self._change, self.editor.edited()
        in_background(self, lambda: self._check(change, entry), "check")

    @property
    def settled(self) -> bool:
        """Return whether the current text has been checked."""
        return self._check_timer is None and self.checked is not None

    def action_up(self) -> None:
        """Edit the field above."""
        self._set_editor(self.editor.move(-1))

    def action_down(self) -> None:
        """Edit the field below."""
        self._set_editor(self.editor.move(1))

    def action_choose(self) -> None:
        """Complete the path, or choose the next file."""
        self._choose(1)

    def action_choose_back(self) -> None:
        """Choose the previous file."""
        self._choose(-1)

    def _choose(self, steps: int) -> None:
        part = self.editor.current.part
        files = (self._choices or Choices()).of(part)
        if self.editor.can_choose(files):
            self._set_editor(self.editor.choose(files, steps))
        elif part.is_file:
            asked = self.editor
            in_background(self, lambda: self._complete(asked), "complete")
        else:
            self._say(_("this line names no file that could be chosen"))

    def action_page_down(self) -> None:
        """Scroll the verdict down by a page."""
        self._scroll(1)

    def action_page_up(self) -> None:
        """Scroll the verdict up by a page."""
        self._scroll(-1)

    def _scroll(self, pages: int) -> None:
        self.text_view("summary").scroll_pages(pages)
        self.text_view("more").show(self._more)

    def action_revert(self) -> None:
        """Restore the entry as it was at the beginning."""
        self._set_editor(EntryEditor.of(self.listing.entry))

    def action_undo(self) -> None:
        """Undo the last change."""
        self._go_to(self._history.undo(self.editor), _("there is nothing to undo"))

    def action_redo(self) -> None:
        """Make the change again that was undone last."""
        self._go_to(self._history.redo(self.editor), _("nothing was undone"))

    def _go_to(self, editor: EntryEditor | None, otherwise: str) -> None:
        if editor is not None:
            self._replace_editor(editor)
        else:
            self._say(otherwise)

    def _say(self, text: str) -> None:
        """Say below the findings why a key did nothing, or what went wrong, until the next key."""
        self._note = text
        self._draw()

    def _say_error(self, error: BootmenuError) -> None:
        parts = [localized(part).rstrip(".") for part in (error.message, error.hint) if part]
        self._say(" ".join(f"{part[:1].upper()}{part[1:]}." for part in parts))

    def action_save(self) -> None:
        """Ask for a name, and keep the entry under it."""
        entry, session = self.listing.entry, self.context.session
        state, edited = session.state_store.state, self.editor.edited()
        name = entry.title if entry.is_own else _("{name}, changed").format(name=entry.name)
        name, ids = clean(name, MOST_CHARACTERS), {one.entry.id for one in state.own}
        try:
            state.with_own(session.entry_files.own_entry(edited, name))
        except BootmenuError as error:  # no room: say so before a name is typed
            self._say_error(error)
            return
        screen = NameScreen(
            self.context, name, lambda name: session.entry_files.own_entry(edited, name).entry.id in ids
        )
        self.app.push_screen(screen, self._named)

    def _named(self, name: str | None) -> None:
        if not name:
            return
        try:
            self._save(self.editor.edited(), name)
        except BootmenuError as error:
            self._say_error(error)
        else:
            self.dismiss()

    def action_boot(self) -> None:
        """Boot the edited entry, after the check if it is not finished."""
        if self.checked is not None:
            self._start(self.checked)
            return
        self._start_when_checked = True
        if self._check_timer is not None:
            self._check_timer.stop()
            self._start_check()
        self._draw()

    def action_back(self) -> None:
        """Return to the menu; ask first if changes would be dropped."""
        if not self.editor.changed:
            self.dismiss()
            return
        answers: dict[str, Callable[[], object]] = {_("Go on editing"): lambda: None}
        if self.context.permits("save"):
            answers[_("Keep them as an entry of your own")] = self.action_save
        answers[_("Drop them")] = self.dismiss

        def leave(answer: int | None) -> None:
            list(answers.values())[answer or 0]()

        words = (_("The changes are kept nowhere yet."),)
        self.app.push_screen(ChoiceScreen(self.context, _("Drop the changes?"), words, tuple(answers)), leave)
