# SPDX-License-Identifier: MIT
"""Base classes of the screens: messages before and after a screen's life, title, footer and dialogs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, TypeVar

from rich.console import RenderableType
from textual import events
from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.containers import Container
from textual.css.query import NoMatches
from textual.screen import ModalScreen, Screen
from textual.widget import Widget

from bootmenu.frontends.tui.bindings import bindings
from bootmenu.frontends.tui.textual_internals import dimmed, forget_drawn_lines
from bootmenu.frontends.tui.widgets.text_view import TextView
from bootmenu.frontends.ui_context import UiContext
from bootmenu.i18n import _, ngettext
from bootmenu.terminal.cells import cells
from bootmenu.view import page_edges
from bootmenu.view.key_help import actions_of, labelled, unlabelled_actions
from bootmenu.view.screen_ids import ScreenId, Situation
from bootmenu.view.styled_text import BLANK, Line, Span, Style, rule
from bootmenu.view.unavailable import why_unavailable

T = TypeVar("T")

_LOW, _NARROW = 12, 40
"""Below so many rows a dialog has no lower border; below so many columns it has no padding."""


def more_below(lines: int, width: int) -> list[Span]:
    """Return the text of a rule of this width that says how many lines are below it, and the key to scroll down."""
    if not lines:
        return []
    more = ngettext("{n} line more: ", "{n} lines more: ", lines)
    full = "▼ " + more + _("PgDn")
    return [Span(full if cells(full) + 17 <= width else f"▼ {lines}", Style.KEY, press="pagedown")]


class BaseScreen(Screen[T], inherit_bindings=False):
    """A screen that copes with keys and messages at any time.

    Keys can arrive as soon as it is pushed, before it is composed, and messages from threads after it has ended.
    """

    screen_id: ClassVar[ScreenId]
    """Which rows of the table of actions are its BINDINGS."""
    transient: ClassVar[bool] = False
    """Whether the screen closes when the screen below it is dismissed."""
    context: UiContext

    def __init_subclass__(cls, **options: Any) -> None:
        """Bind the keys of the table of actions, unless the subclass sets BINDINGS."""
        if "screen_id" in cls.__dict__ and "BINDINGS" not in cls.__dict__:
            cls.BINDINGS = bindings(cls.screen_id)
        super().__init_subclass__(**options)

    def text_view(self, name: str) -> TextView:
        """Return a text view by its id; before the screen is composed and after its end, an unused one.

        Nothing is lost: compose() draws the screen's current state.
        """
        try:
            return self.query_one(f"#{name}", TextView)
        except NoMatches:
            return TextView()

    def on_unmount(self) -> None:
        """Free the cached lines: a menu may stay open for months."""
        forget_drawn_lines()

    def dismiss(self, result: T | None = None) -> AwaitComplete:
        """Close with a result, unless another screen is on top: Textual would close that one."""
        while self in self.app.screen_stack and getattr(self.app.screen, "transient", False):
            self.app.pop_screen()
        if self.app.screen_stack[-1:] != [self]:
            return AwaitComplete()
        return super().dismiss(result)

    def check_action(self, action: str, _parameters: tuple[object, ...]) -> bool | None:
        """Return whether the action is permitted."""
        return self.context.permits(action)

    @property
    def unlabelled(self) -> frozenset[str]:
        """Return the actions that the footer leaves out."""
        return self.context.not_permitted | unlabelled_actions(self.screen_id, self.situations)

    @property
    def situations(self) -> frozenset[Situation]:
        """Return the situations in which the screen is, for the actions that depend on them."""
        return frozenset()

    def why_nothing(self, key: str, situations: frozenset[Situation] = frozenset(Situation)) -> str:
        """Return why a key of this screen can do nothing now; empty if it can, or is none. situations: those in which
        the screen is, as far as they matter."""
        meant = [action for action in actions_of(self.screen_id) if key in action.keys]
        if not meant or any(self.check_action(action.name, ()) for action in meant):
            return ""
        return why_unavailable(meant, self.context.not_met, situations)

    def wait_until_drawn(self) -> None:
        """Wait until the terminal has received the current frame. Call it in a thread."""
        self.app.wait_until_drawn()  # type: ignore[attr-defined]

    def redraw_texts(self) -> None:
        """Redraw everything in the language that is in use now."""
        for view in self.query(TextView):
            view.render_again()

    def action_help(self) -> None:
        """Show the help."""
        self.app.show_help(self)  # type: ignore[attr-defined]

    def action_redraw(self) -> None:
        """Redraw the whole screen."""
        self.app.action_redraw()  # type: ignore[attr-defined]


class BoxScreen(ModalScreen[T], BaseScreen[T], inherit_bindings=False):
    """A box over another screen, which stays visible.

    ModalScreen has to be the first base: Textual's CSS considers only the first base of a class.
    """


class DialogScreen(BoxScreen[T], inherit_bindings=False):
    """A box with a message and answers. On a small terminal the message scrolls, and the answers stay visible.

    The page behind it has one dim ink; with 16 colours the plain one. Without colours, or on a serial line, it stays
    as it is.
    """

    heading: str
    """The title in the border."""

    def message(self, width: int) -> list[Line]:
        """Return the lines of the message."""
        raise NotImplementedError

    def answers(self, width: int) -> list[Line]:
        """Return the lines of the answers, or of what is typed."""
        raise NotImplementedError

    @property
    def marked_index(self) -> int:
        """Return the index of the answer line that is kept visible."""
        return 0

    def render(self) -> RenderableType:
        """Return the page behind the box."""
        drawn = super().render()
        behind = self.app.inks[Style.BEHIND]  # type: ignore[attr-defined]
        return dimmed(drawn, behind) if self.context.dims else drawn

    def compose(self) -> ComposeResult:
        """Yield the box and the footer."""
        box = Container(
            TextView(self.message, id="message"),
            TextView(self._more, id="between"),
            TextView(self.answers, id="answers"),
            id="box",
        )
        simulated = self.context.session.simulated
        box.border_title = self.heading + " · " + _("SIMULATION") if simulated else self.heading
        yield box
        yield TextView(
            lambda width: [page_edges.footer(labelled(self.screen_id, self.unlabelled), width)], id="footer"
        )

    def on_resize(self, event: events.Resize) -> None:
        """Give the answers their rows and the message the rest: Textual would cut off the answers."""
        width, height = event.size
        low, narrow = height < _LOW, width < _NARROW
        box = self.query_one("#box")
        box.set_class(low, "-low")
        box.set_class(narrow, "-narrow")
        outside = min(66, width if narrow else width * 94 // 100)
        box.styles.width = outside
        rows = height - (2 if low else 3)
        answers = len(self.answers(outside - (2 if narrow else 4)))
        # one row is for the message, one says how much of it is hidden
        most = min(answers, max(1, rows - 2))
        self.text_view("answers").styles.max_height = most
        self.text_view("message").styles.max_height = max(0, rows - most - 1)
        self.call_after_refresh(self.draw)

    def draw(self) -> None:
        """Redraw the box."""
        self.text_view("message").show(self.message)
        self.text_view("answers").show(self.answers)
        self.text_view("answers").reveal(self.marked_index)
        self.text_view("between").show(self._more)

    def _more(self, width: int) -> list[Line]:
        below = self.text_view("message").below
        return [rule(width, (), more_below(below, width)) if below else BLANK]

    def action_page_down(self) -> None:
        """Scroll the message down by a page."""
        self._scroll(1)

    def action_page_up(self) -> None:
        """Scroll the message up by a page."""
        self._scroll(-1)

    def _scroll(self, pages: int) -> None:
        self.text_view("message").scroll_pages(pages)
        self.text_view("between").show(self._more)


class BootmenuScreen(BaseScreen[T], inherit_bindings=False):
    """A full screen with title and footer. A subclass sets `screen_id` and yields its `contents`."""

    def __init__(self, context: UiContext) -> None:
        super().__init__()
        self.context = context
        self.closed = False

    def compose(self) -> ComposeResult:
        """Yield title, contents and footer."""
        yield TextView(self._title, id="title")
        yield from self.contents()
        yield TextView(self._footer, id="footer")

    def _title(self, width: int) -> list[Line]:
        session = self.context.session
        return [page_edges.title(session.machine, session.simulated, width, logged=self.context.logged())]

    def draw_title(self) -> None:
        """Redraw the title, which says whether something was logged."""
        if not self.closed:
            self.text_view("title").show(self._title)

    def _footer(self, width: int) -> list[Line]:
        return [page_edges.footer(labelled(self.screen_id, self.unlabelled), width)]

    def contents(self) -> Iterable[Widget]:
        """Yield the widgets between title and footer."""
        raise NotImplementedError

    def stop_work(self) -> None:
        """Stop work in threads and draw nothing more, because the app ends."""
        self.closed = True
