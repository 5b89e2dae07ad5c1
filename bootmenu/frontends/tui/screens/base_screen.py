# SPDX-License-Identifier: MIT
"""What all screens have in common: keys and messages may come early and late, the title line, the line of keys."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.containers import Container
from textual.css.query import NoMatches
from textual.screen import ModalScreen, Screen
from textual.widget import Widget

from bootmenu.frontends.tui.bindings import bindings
from bootmenu.frontends.tui.textual_internals import forget_drawn_lines
from bootmenu.frontends.tui.widgets.text_view import TextView
from bootmenu.frontends.ui_context import UiContext
from bootmenu.i18n import _, ngettext
from bootmenu.terminal.cells import cells
from bootmenu.view import banner
from bootmenu.view.key_help import labelled, unlabelled_actions
from bootmenu.view.screen_ids import ScreenId, Situation
from bootmenu.view.styled_text import BLANK, Line, Span, Style, rule

T = TypeVar("T")

_LOW, _NARROW = 12, 40
"""Rows and columns under which a box has a border above it only, or no margins in it."""


def more_below(lines: int, width: int) -> list[Span]:
    """Return how much is hidden under a rule of that width, and the key that leads there where there is room."""
    if not lines:
        return []
    more = ngettext("{n} line more: ", "{n} lines more: ", lines)
    full = f"▼ {more}{_('PgDn')}"
    return [Span(full if cells(full) + 17 <= width else f"▼ {lines}", Style.KEY, press="pagedown")]


class BaseScreen(Screen[T], inherit_bindings=False):
    """A screen that is on the stack before it is composed and that gets messages after its end: the app hands keys to
    it from the moment it is pushed, and what a thread has found comes whenever it comes."""

    screen_id: ClassVar[ScreenId]
    """Its rows in the table of actions, from which its BINDINGS are made."""
    passing: ClassVar[bool] = False
    """It goes when the screen under it ends."""
    context: UiContext

    def __init_subclass__(cls, **options: Any) -> None:
        """Bind the keys of the table, unless the subclass binds its own."""
        if "screen_id" in cls.__dict__ and "BINDINGS" not in cls.__dict__:
            cls.BINDINGS = bindings(cls.screen_id)
        super().__init_subclass__(**options)

    def text_view(self, name: str) -> TextView:
        """Return a sheet by its id; before the screen is composed and after its end one that nobody sees.

        A sheet is made of what the screen knows, so nothing that comes early is lost.
        """
        try:
            return self.query_one(f"#{name}", TextView)
        except NoMatches:
            return TextView()

    def on_unmount(self) -> None:
        """Let go of what was drawn: a menu is open for months."""
        forget_drawn_lines()

    def dismiss(self, result: T | None = None) -> AwaitComplete:
        """End with a result, unless it has ended or is under another one: Textual would take away that."""
        while self in self.app.screen_stack and getattr(self.app.screen, "passing", False):
            self.app.pop_screen()
        if self.app.screen_stack[-1:] != [self]:
            return AwaitComplete()
        return super().dismiss(result)

    def check_action(self, action: str, _parameters: tuple[object, ...]) -> bool | None:
        """Let what is not offered do nothing."""
        return self.context.permits(action)

    @property
    def unlabelled(self) -> frozenset[str]:
        """Return the actions that the footer leaves out now."""
        return self.context.not_permitted | unlabelled_actions(self.screen_id, self.situations)

    @property
    def situations(self) -> frozenset[Situation]:
        """Return what there is on the screen, for actions that are of use only then."""
        return frozenset()

    def wait_until_seen(self) -> None:
        """In a thread: wait until what is drawn now stands on the terminal."""
        self.app.wait_until_seen()  # type: ignore[attr-defined]

    def action_help(self) -> None:
        """Show what can be pressed on this screen."""
        self.app.show_help(self)  # type: ignore[attr-defined]

    def action_redraw(self) -> None:
        """Send every cell again."""
        self.app.action_redraw()  # type: ignore[attr-defined]


class BoxScreen(ModalScreen[T], BaseScreen[T], inherit_bindings=False):
    """A box over another screen, which shines through: Textual takes the styles of the first base alone."""


class AskingScreen(BoxScreen[T], inherit_bindings=False):
    """A box that asks. What it says scrolls where the terminal is low; what is answered stands below and stays."""

    heading: str
    """In the border."""

    def said(self, width: int) -> list[Line]:
        """Return what there is to know."""
        raise NotImplementedError

    def answers(self, width: int) -> list[Line]:
        """Return what there is to choose or to type."""
        raise NotImplementedError

    @property
    def at(self) -> int:
        """Return the index of the answer that is in sight even where not all of them are."""
        return 0

    def compose(self) -> ComposeResult:
        """Make the box, and the line of keys."""
        box = Container(
            TextView(self.said, id="said"),
            TextView(self._more, id="between"),
            TextView(self.answers, id="answers"),
            id="box",
        )
        simulated = self.context.session.simulated
        box.border_title = f"{self.heading} · {_('SIMULATION')}" if simulated else self.heading
        yield box
        yield TextView(lambda width: [banner.footer(labelled(self.screen_id, self.unlabelled), width)], id="footer")

    def on_resize(self, event: events.Resize) -> None:
        """Give the answers their rows, and what is said the rest: Textual would let the answers be cut off."""
        width, height = event.size
        low, narrow = height < _LOW, width < _NARROW
        box = self.query_one("#box")
        box.set_class(low, "-low")
        box.set_class(narrow, "-narrow")
        outside = min(66, width if narrow else width * 94 // 100)
        box.styles.width = outside
        rows = height - (2 if low else 3)
        answers = len(self.answers(outside - (2 if narrow else 4)))
        # one row is for what is said, one for how much of it is hidden
        most = min(answers, max(1, rows - 2))
        self.text_view("answers").styles.max_height = most
        self.text_view("said").styles.max_height = max(0, rows - most - 1)
        self.call_after_refresh(self.draw)

    def draw(self) -> None:
        """Bring the box up to date."""
        self.text_view("said").show(self.said)
        self.text_view("answers").show(self.answers)
        self.text_view("answers").reveal(self.at)
        self.text_view("between").show(self._more)

    def _more(self, width: int) -> list[Line]:
        below = self.text_view("said").below
        return [rule(width, (), more_below(below, width)) if below else BLANK]

    def action_page_down(self) -> None:
        """Read on."""
        self._scroll(1)

    def action_page_up(self) -> None:
        """Back again."""
        self._scroll(-1)

    def _scroll(self, pages: int) -> None:
        self.text_view("said").turn(pages)
        self.text_view("between").show(self._more)


class BootmenuScreen(BaseScreen[T], inherit_bindings=False):
    """Title, contents, keys. A subclass sets `place` and BINDINGS, and yields its `contents`."""

    def __init__(self, context: UiContext) -> None:
        super().__init__()
        self.context = context
        self.gone = False

    def compose(self) -> ComposeResult:
        """The frame around the contents."""
        yield TextView(self._title, id="title")
        yield from self.contents()
        yield TextView(self._footer, id="footer")

    def _title(self, width: int) -> list[Line]:
        session = self.context.session
        return [banner.title(session.machine, session.simulated, width, logged=self.context.logged())]

    def draw_title(self) -> None:
        """Something was logged, perhaps while this screen was being made."""
        if not self.gone:
            self.text_view("title").show(self._title)

    def _footer(self, width: int) -> list[Line]:
        return [banner.footer(labelled(self.screen_id, self.unlabelled), width)]

    def contents(self) -> Iterable[Widget]:
        """What stands between title and keys."""
        raise NotImplementedError

    def let_go(self) -> None:
        """The menu is about to end: work in threads shall end too, and nothing is drawn any more."""
        self.gone = True


class ReadingScreen(BootmenuScreen[T]):
    """A screen with one page to read."""

    def contents(self) -> Iterable[Widget]:
        """The page, and a rule that says how much of it is below."""
        yield TextView(self.render_page, id="page")
        yield TextView(self._more, id="more")

    def render_page(self, width: int) -> Sequence[Line]:
        """What there is to read."""
        raise NotImplementedError

    def _more(self, width: int) -> list[Line]:
        below = self.page.below
        return [rule(width, (), more_below(below, width))] if below else [BLANK]

    def on_resize(self, _event: events.Resize) -> None:
        """More or less of the page is below."""
        self.call_after_refresh(self.draw)

    def draw(self) -> None:
        """Bring the page and the rule under it up to date."""
        self.page.show(self.render_page)
        self.text_view("more").show(self._more)

    def _scroll(self, lines: int) -> None:
        self.page.scroll(lines)
        self.text_view("more").show(self._more)

    def _turn(self, pages: int) -> None:
        self.page.turn(pages)
        self.text_view("more").show(self._more)

    @property
    def page(self) -> TextView:
        """The sheet."""
        return self.text_view("page")

    def action_up(self) -> None:
        """One line."""
        self._scroll(-1)

    def action_down(self) -> None:
        """One line."""
        self._scroll(1)

    def action_page_up(self) -> None:
        """A page, less one line."""
        self._turn(-1)

    def action_page_down(self) -> None:
        """A page, less one line."""
        self._turn(1)

    def action_first(self) -> None:
        """The top."""
        self._scroll(-len(self.page.lines))

    def action_last(self) -> None:
        """The bottom."""
        self._scroll(len(self.page.lines))
