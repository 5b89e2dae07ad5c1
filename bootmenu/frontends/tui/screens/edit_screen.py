# SPDX-License-Identifier: MIT
"""Changes an entry for one boot, and says with every change what it would be worth.

Nothing of it outlives the screen: the entry in the menu stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from textual import on
from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget

from bootmenu.discovery.dtb_candidates import TreeChoice
from bootmenu.discovery.scan_events import Listing
from bootmenu.frontends.tui.screens.base_screen import BootmenuScreen, more_below
from bootmenu.frontends.tui.screens.typing_screen import Typing
from bootmenu.frontends.tui.widgets.text_view import TextView
from bootmenu.frontends.ui_context import UiContext
from bootmenu.i18n import _
from bootmenu.model.entry import BootEntry
from bootmenu.session import menu_log
from bootmenu.view import entry_form
from bootmenu.view.banner import heading
from bootmenu.view.entry_editor import EntryEditor, EntryPart
from bootmenu.view.line_editor import LineEditor
from bootmenu.view.screen_ids import ScreenId
from bootmenu.view.styled_text import Line, Span, Style, rule
from bootmenu.view.wording import full_name

_PAUSE = 0.3
"""Seconds without a key before the entry is judged: it may read the disk."""


class EditScreen(Typing, BootmenuScreen[None]):
    """start: called with the entry as edited and judged; what comes of it is shown over this screen."""

    screen_id = ScreenId.EDIT

    class Judged(Message):
        """The entry was looked at, as it stood at that change. judged None = that failed."""

        def __init__(self, change: int, judged: Listing | None) -> None:
            super().__init__()
            self.change = change
            self.judged = judged

    class TreesFound(Message):
        """The device trees that lie ready are known."""

        def __init__(self, trees: tuple[TreeChoice, ...]) -> None:
            super().__init__()
            self.trees = trees

    def __init__(self, context: UiContext, listing: Listing, start: Callable[[Listing], None]) -> None:
        super().__init__(context)
        self.listing = listing
        self.editor = EntryEditor.of(listing.entry)
        self.judged: Listing | None = listing
        """The entry as it stands; None = it is being looked at."""
        self._start = start
        self._change = 0
        self._pause: Timer | None = None
        self._starting = False
        """It shall be started as soon as it has been judged."""
        self._trees: tuple[TreeChoice, ...] | None = None

    def contents(self) -> Iterable[Widget]:
        """Heading, lines, verdict."""
        title = _("For this boot only: {name}").format(name=full_name(self.listing.entry))
        yield TextView(lambda width: [heading(width, title)], classes="rule")
        yield TextView(self._fields, id="fields")
        yield TextView(lambda width: [entry_form.verdict_rule(self.judged, width)], classes="rule", id="verdict")
        yield TextView(self._entry_summary, id="summary")
        yield TextView(self._more, classes="rule", id="more")

    @property
    def unlabelled(self) -> frozenset[str]:
        """Only the device tree is chosen, and only where more than the running one is there."""
        chosen = self.editor.current.part is EntryPart.TREE and entry_form.suitable_trees(self._trees or ())
        return super().unlabelled | (frozenset() if chosen else frozenset({"choose"}))

    def _fields(self, width: int) -> list[Line]:
        return entry_form.fields(self.editor, self.context.session.machine, self._trees, width)

    def _entry_summary(self, width: int) -> list[Line]:
        return entry_form.new_findings(self.judged, self.context.session.machine_report, width)

    def _more(self, width: int) -> list[Line]:
        below = self.text_view("summary").below
        right = more_below(below, width)
        said = _("starts as soon as it is checked") if self._starting else ""
        return [rule(width, [Span(said, Style.STRONG)] if said else [], right)]

    def _draw(self) -> None:
        if self.gone:
            return
        fields = self.text_view("fields")
        fields.show(self._fields)
        fields.reveal(self.editor.index)
        self.text_view("verdict").show(lambda width: [entry_form.verdict_rule(self.judged, width)])
        if self.judged is not None:  # what was found before stays to be read until there is something new
            self.text_view("summary").show(self._entry_summary)
        self.text_view("more").show(self._more)
        self.text_view("footer").show(self._footer)

    def on_mount(self) -> None:
        """Look for device trees."""
        self.call_after_refresh(self._draw)
        self.run_worker(self._find_trees, thread=True, group="trees", exit_on_error=False)

    def on_resize(self) -> None:
        """More or less is below."""
        self.call_after_refresh(self._draw)

    # --- in threads

    def _find_trees(self) -> None:
        trees: tuple[TreeChoice, ...] = ()
        try:
            trees = self.context.session.device_trees(self.listing)
        except Exception as error:
            menu_log.write_error(error)
        self.post_message(self.TreesFound(trees))

    def _judge(self, change: int, entry: BootEntry) -> None:
        judged: Listing | None = None
        try:
            judged = self.context.session.recheck(entry)
        except Exception as error:
            menu_log.write_error(error)
        self.post_message(self.Judged(change, judged))

    # --- on the screen

    @on(TreesFound)
    def _trees_found(self, message: TreesFound) -> None:
        self._trees = message.trees
        self._draw()

    @on(Judged)
    def _is_judged(self, message: Judged) -> None:
        if message.change != self._change:
            return
        self.judged = message.judged
        if self._starting and self.judged is not None:
            self._starting = False
            self._start(self.judged)
        self._starting = False
        self._draw()

    @property
    def line(self) -> LineEditor:
        """See Typing."""
        return self.editor.current.line

    def typed(self, line: LineEditor) -> None:
        """See Typing."""
        self._become(self.editor.with_line(line))

    def _become(self, editor: EntryEditor) -> None:
        before, self.editor = self.editor, editor
        if editor.edited() != before.edited():
            self._change += 1
            self._starting = False
            self._wait()
        self._draw()

    def _wait(self) -> None:
        """Judge it when nothing is typed for a moment."""
        if self._pause is not None:
            self._pause.stop()
            self._pause = None
        if self.editor.changed:
            self.judged = None
            self._pause = self.set_timer(_PAUSE, self._ask)
        else:
            self.judged = self.listing

    def _ask(self) -> None:
        self._pause = None
        change, entry = self._change, self.editor.edited()
        self.run_worker(lambda: self._judge(change, entry), thread=True, group="judge", exit_on_error=False)

    @property
    def settled(self) -> bool:
        """What was typed has been judged."""
        return self._pause is None and self.judged is not None

    def action_up(self) -> None:
        """The line above."""
        self._become(self.editor.move(-1))

    def action_down(self) -> None:
        """The line below."""
        self._become(self.editor.move(1))

    def action_choose(self) -> None:
        """The next device tree."""
        self._choose(1)

    def action_choose_back(self) -> None:
        """The one before."""
        self._choose(-1)

    def _choose(self, steps: int) -> None:
        choices = entry_form.suitable_trees(self._trees or ())
        self._become(self.editor.choose([choice.ref for choice in choices], steps))

    def action_page_down(self) -> None:
        """Read on."""
        self._scroll(1)

    def action_page_up(self) -> None:
        """Back again."""
        self._scroll(-1)

    def _scroll(self, pages: int) -> None:
        self.text_view("summary").turn(pages)
        self.text_view("more").show(self._more)

    def action_revert(self) -> None:
        """As the configuration has it."""
        self._become(EntryEditor.of(self.listing.entry))

    def action_boot(self) -> None:
        """Start it, when it has been judged."""
        if self.judged is not None:
            self._start(self.judged)
            return
        self._starting = True
        if self._pause is not None:
            self._pause.stop()
            self._ask()
        self._draw()

    def action_back(self) -> None:
        """To the menu; nothing is kept."""
        self.dismiss()
