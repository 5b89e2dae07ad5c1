# SPDX-License-Identifier: MIT
"""What all screens have in common: keys and messages may come early and late, the title line, the line of keys."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, TypeVar

from textual import events
from textual._styles_cache import StylesCache
from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.css.query import NoMatches
from textual.screen import ModalScreen, Screen
from textual.widget import Widget

from bootmenu.language import _, counted
from bootmenu.ui.keys import Place, labelled
from bootmenu.ui.lines import BLANK, Ink, Line, Span, rule
from bootmenu.ui.pages import banner
from bootmenu.ui.terms import Terms
from bootmenu.ui.widgets.paper import Paper

T = TypeVar("T")


def more_below(lines: int) -> list[Span]:
    """For a rule: how much is hidden under it, and the key that leads there."""
    more = counted(lines, "{n} line more: ", "{n} lines more: ")
    return [Span(f"▼ {more}{_('PgDn')}", Ink.KEY, press="pagedown")] if lines else []


class BaseScreen(Screen[T], inherit_bindings=False):
    """A screen that is on the stack before it is composed and that gets messages after its end: the app hands keys to
    it from the moment it is pushed, and what a thread has found comes whenever it comes."""

    def paper(self, name: str) -> Paper:
        """Return a sheet by its id; before the screen is composed and after its end one that nobody sees.

        A sheet is made of what the screen knows, so nothing that comes early is lost.
        """
        try:
            return self.query_one(f"#{name}", Paper)
        except NoMatches:
            return Paper()

    def on_unmount(self) -> None:
        """Let go of what was drawn: Textual remembers two colours by the cache of lines of every widget there was,
        a thousand of them (StylesCache.get_inner_outer), and a menu is open for months."""
        StylesCache.get_inner_outer.cache_clear()

    def dismiss(self, result: T | None = None) -> AwaitComplete:
        """End with a result, unless it has ended or is under another one: Textual would take away that."""
        if self.app.screen_stack[-1:] != [self]:
            return AwaitComplete()
        return super().dismiss(result)

    def action_redraw(self) -> None:
        """Send every cell again."""
        self.app.action_redraw()  # type: ignore[attr-defined]


class BoxScreen(ModalScreen[T], BaseScreen[T], inherit_bindings=False):
    """A box over another screen, which shines through: Textual takes the styles of the first base alone."""


class BootmenuScreen(BaseScreen[T], inherit_bindings=False):
    """Title, contents, keys. A subclass sets `place` and BINDINGS, and yields its `contents`."""

    place: ClassVar[Place]

    def __init__(self, terms: Terms) -> None:
        super().__init__()
        self.terms = terms
        self.gone = False

    def compose(self) -> ComposeResult:
        """The frame around the contents."""
        yield Paper(self._title, id="title")
        yield from self.contents()
        yield Paper(self._footer, id="footer")

    def _title(self, width: int) -> list[Line]:
        session = self.terms.session
        return [banner.title(session.machine, session.simulated, width, logged=self.terms.logged())]

    def draw_title(self) -> None:
        """Something was logged, perhaps while this screen was being made."""
        if not self.gone:
            self.paper("title").show(self._title)

    def _footer(self, width: int) -> list[Line]:
        return [banner.footer(labelled(self.place, self.unlabelled), width)]

    def contents(self) -> Iterable[Widget]:
        """What stands between title and keys."""
        raise NotImplementedError

    def let_go(self) -> None:
        """The menu is about to end: work in threads shall end too, and nothing is drawn any more."""
        self.gone = True

    @property
    def unlabelled(self) -> frozenset[str]:
        """Actions that the line of keys leaves out now."""
        return self.terms.without

    def check_action(self, action: str, _parameters: tuple[object, ...]) -> bool | None:
        """What is not offered does nothing."""
        return self.terms.permits(action)


class ReadingScreen(BootmenuScreen[T]):
    """A screen with one page to read."""

    def contents(self) -> Iterable[Widget]:
        """The page, and a rule that says how much of it is below."""
        yield Paper(self.sheet, id="page")
        yield Paper(self._more, id="more")

    def sheet(self, width: int) -> list[Line]:
        """What there is to read."""
        raise NotImplementedError

    def _more(self, width: int) -> list[Line]:
        below = self.page.below
        return [rule(width, (), more_below(below))] if below else [BLANK]

    def on_resize(self, _event: events.Resize) -> None:
        """More or less of the page is below."""
        self.call_after_refresh(self.draw)

    def draw(self) -> None:
        """Bring the page and the rule under it up to date."""
        self.page.show(self.sheet)
        self.paper("more").show(self._more)

    def _scroll(self, lines: int) -> None:
        self.page.scroll(lines)
        self.paper("more").show(self._more)

    @property
    def page(self) -> Paper:
        """The sheet."""
        return self.paper("page")

    def action_up(self) -> None:
        """One line."""
        self._scroll(-1)

    def action_down(self) -> None:
        """One line."""
        self._scroll(1)

    def action_page_up(self) -> None:
        """A page, less one line."""
        self._scroll(1 - self.page.size.height)

    def action_page_down(self) -> None:
        """A page, less one line."""
        self._scroll(self.page.size.height - 1)

    def action_first(self) -> None:
        """The top."""
        self._scroll(-len(self.page.lines))

    def action_last(self) -> None:
        """The bottom."""
        self._scroll(len(self.page.lines))
