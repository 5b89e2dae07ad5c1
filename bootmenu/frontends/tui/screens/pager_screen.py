# SPDX-License-Identifier: MIT
"""The base of the screens with one page that scrolls and can be searched."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from textual import events
from textual.widget import Widget

from bootmenu.frontends.tui.screens.base_screen import BootmenuScreen, more_below
from bootmenu.frontends.tui.screens.filter_screen import SearchScreen
from bootmenu.frontends.tui.widgets.text_view import TextView
from bootmenu.frontends.ui_context import UiContext
from bootmenu.view.key_help import unlabelled_actions
from bootmenu.view.page_search import PageSearch
from bootmenu.view.screen_ids import Situation
from bootmenu.view.styled_text import BLANK, Line, Span, Style, rule

T = TypeVar("T")


class PagerScreen(BootmenuScreen[T]):
    """A screen with one scrolling page."""

    def __init__(self, context: UiContext) -> None:
        super().__init__(context)
        self._search = PageSearch()
        self._top_before = 0
        """The first visible line when the search began."""
        self._message = ""
        """A sentence in the rule below the page until the next key, or empty."""

    def contents(self) -> Iterable[Widget]:
        """Yield the page, and a rule that says how many lines are below."""
        yield TextView(self.render_page, id="page")
        yield TextView(self._more, id="more")

    def render_page(self, width: int) -> Sequence[Line]:
        """Return the lines of the page."""
        raise NotImplementedError

    def _more(self, width: int) -> list[Line]:
        right = more_below(self.page.below, width)
        said = self._message or self._search.status
        if not said and not right:
            return [BLANK]
        return [rule(width, [Span(said, Style.STRONG)] if said else (), right)]

    @property
    def page(self) -> TextView:
        """Return the view of the page."""
        return self.text_view("page")

    @property
    def situations(self) -> frozenset[Situation]:
        """Return SEARCH while a text is searched."""
        return frozenset({Situation.SEARCH} if self._search.text else ())

    # --- drawing

    def on_resize(self, _event: events.Resize) -> None:
        """Redraw the page and the rule."""
        self.call_after_refresh(self.draw)

    def draw(self) -> None:
        """Redraw the page, and the rule and the keys below it."""
        self.page.show(self.render_page)
        if self._search.text:
            self._search = PageSearch.of(self._search.text, self.page.lines, self._search.line or self.page.top)
            self.page.mark(self._search.marks())
        self._draw_below()

    def _draw_below(self) -> None:
        self.text_view("more").show(self._more)
        self.text_view("footer").show(self._footer)

    def show_message(self, text: str) -> None:
        """Show a sentence in the rule below the page until the next key."""
        self._message = text
        self._draw_below()

    # --- keys that can do nothing now

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return whether the action is permitted, and the screen is in the situation for it."""
        if action in unlabelled_actions(self.screen_id, self.situations):
            return False
        return super().check_action(action, parameters)

    def on_key(self, event: events.Key) -> None:
        """Say why a key of this screen can do nothing now."""
        if why := self.why_nothing(event.key, self.situations):
            self.show_message(why)

    # --- scrolling

    def _scroll(self, lines: int) -> None:
        self._message = ""
        self.page.scroll(lines)
        self.text_view("more").show(self._more)

    def _turn(self, pages: int) -> None:
        self._message = ""
        self.page.scroll_pages(pages)
        self.text_view("more").show(self._more)

    def action_up(self) -> None:
        """Scroll up by a line."""
        self._scroll(-1)

    def action_down(self) -> None:
        """Scroll down by a line."""
        self._scroll(1)

    def action_page_up(self) -> None:
        """Scroll up by a page."""
        self._turn(-1)

    def action_page_down(self) -> None:
        """Scroll down by a page."""
        self._turn(1)

    def action_first(self) -> None:
        """Scroll to the top."""
        self._scroll(-len(self.page.lines))

    def action_last(self) -> None:
        """Scroll to the bottom."""
        self._scroll(len(self.page.lines))

    # --- searching

    def action_filter(self) -> None:
        """Ask for the text to search on the page."""
        self._message = ""
        self._top_before = self.page.top
        self.app.push_screen(
            SearchScreen(self.context, self._search.text, self._search_for, self._go, lambda: self._search.count)
        )

    def _search_for(self, text: str) -> None:
        """Go to the first line with this text that is not above the place where the search began."""
        self._show_search(PageSearch.of(text, self.page.lines, self._top_before))
        if self._search.line is None:
            self.page.scroll(self._top_before - self.page.top)
            self.text_view("more").show(self._more)

    def _go(self, steps: int) -> None:
        self._message = ""
        self._show_search(self._search.moved(steps))

    def _show_search(self, search: PageSearch) -> None:
        self._search = search
        self.page.mark(search.marks())
        if search.line is not None:
            self.page.reveal(search.line, middle=True)
        self._draw_below()

    def action_next_match(self) -> None:
        """Go to the next line with the text."""
        self._go(1)

    def action_previous_match(self) -> None:
        """Go to the previous line with the text."""
        self._go(-1)

    def action_back(self) -> None:
        """End the search, or return to the screen below."""
        if self._search.text:
            self._show_search(PageSearch())
        else:
            self.dismiss()
