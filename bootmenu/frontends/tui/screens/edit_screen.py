# SPDX-License-Identifier: MIT
"""Edit an entry for one boot, and check it again after every change.

The changes are lost when the screen closes: the entry in the menu stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from textual import on
from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget

from bootmenu.discovery.dtb_candidates import DtbChoice
from bootmenu.discovery.scan_events import Listing
from bootmenu.frontends.tui.background import in_background
from bootmenu.frontends.tui.screens.base_screen import BootmenuScreen, more_below
from bootmenu.frontends.tui.screens.line_editing import LineEditing
from bootmenu.frontends.tui.widgets.text_view import TextView
from bootmenu.frontends.ui_context import UiContext
from bootmenu.i18n import _
from bootmenu.model.entry import BootEntry
from bootmenu.session import menu_log
from bootmenu.view import entry_form
from bootmenu.view.entry_editor import EntryEditor, EntryPart
from bootmenu.view.line_editor import LineEditor
from bootmenu.view.page_edges import heading
from bootmenu.view.screen_ids import ScreenId
from bootmenu.view.styled_text import Line, Span, Style, rule
from bootmenu.view.wording import full_name

_CHECK_DELAY = 0.3
"""Seconds without a key before the entry is checked: checking may read the disk."""


class EditScreen(LineEditing, BootmenuScreen[None]):
    """Shows the fields of an entry and their verdict. start: called with the edited and checked entry to boot."""

    screen_id = ScreenId.EDIT

    class Checked(Message):
        """The entry was checked after the change with this number. checked: None if the check failed."""

        def __init__(self, change: int, checked: Listing | None) -> None:
            super().__init__()
            self.change = change
            self.checked = checked

    class DtbsFound(Message):
        """The device trees to choose from are known."""

        def __init__(self, trees: tuple[DtbChoice, ...]) -> None:
            super().__init__()
            self.trees = trees

    def __init__(self, context: UiContext, listing: Listing, start: Callable[[Listing], None]) -> None:
        super().__init__(context)
        self.listing = listing
        self.editor = EntryEditor.of(listing.entry)
        self.checked: Listing | None = listing
        """The edited entry with its verdict, or None while it is checked."""
        self._start = start
        self._change = 0
        self._check_timer: Timer | None = None
        self._start_when_checked = False
        """Whether to boot the entry as soon as it is checked."""
        self._trees: tuple[DtbChoice, ...] | None = None

    def contents(self) -> Iterable[Widget]:
        """Yield heading, fields and verdict."""
        title = _("For this boot only: {name}").format(name=full_name(self.listing.entry))
        yield TextView(lambda width: [heading(width, title)], classes="rule")
        yield TextView(self._fields, id="fields")
        yield TextView(lambda width: [entry_form.verdict_rule(self.checked, width)], classes="rule", id="verdict")
        yield TextView(self._entry_summary, id="summary")
        yield TextView(self._more, classes="rule", id="more")

    @property
    def unlabelled(self) -> frozenset[str]:
        """Return the actions that the footer leaves out. Tab chooses only in the field of the device tree."""
        can_choose = self.editor.current.part is EntryPart.TREE and entry_form.suitable_trees(self._trees or ())
        return super().unlabelled | (frozenset() if can_choose else frozenset({"choose"}))

    def _fields(self, width: int) -> list[Line]:
        return entry_form.fields(self.editor, self.context.session.machine, self._trees, width)

    def _entry_summary(self, width: int) -> list[Line]:
        return entry_form.new_findings(self.checked, self.context.session.machine_report, width)

    def _more(self, width: int) -> list[Line]:
        below = self.text_view("summary").below
        right = more_below(below, width)
        note = _("starts as soon as it is checked") if self._start_when_checked else ""
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
        """Start the search for device trees."""
        self.call_after_refresh(self._draw)
        in_background(self, self._find_trees, "trees")

    def on_resize(self) -> None:
        """Redraw, because another number of lines is hidden."""
        self.call_after_refresh(self._draw)

    # --- in threads

    def _find_trees(self) -> None:
        trees: tuple[DtbChoice, ...] = ()
        try:
            trees = self.context.session.device_trees(self.listing)
        except Exception as error:
            menu_log.write_error(error)
        self.post_message(self.DtbsFound(trees))

    def _check(self, change: int, entry: BootEntry) -> None:
        checked: Listing | None = None
        try:
            checked = self.context.session.recheck(entry)
        except Exception as error:
            menu_log.write_error(error)
        self.post_message(self.Checked(change, checked))

    # --- messages and keys

    @on(DtbsFound)
    def _dtbs_found(self, message: DtbsFound) -> None:
        self._trees = message.trees
        self._draw()

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
        before, self.editor = self.editor, editor
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
        """Choose the next device tree."""
        self._choose(1)

    def action_choose_back(self) -> None:
        """Choose the previous device tree."""
        self._choose(-1)

    def _choose(self, steps: int) -> None:
        choices = entry_form.suitable_trees(self._trees or ())
        self._set_editor(self.editor.choose([choice.ref for choice in choices], steps))

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
        """Restore the entry of the configuration."""
        self._set_editor(EntryEditor.of(self.listing.entry))

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
        """Return to the menu; the changes are lost."""
        self.dismiss()
