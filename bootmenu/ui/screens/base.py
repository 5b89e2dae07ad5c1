# SPDX-License-Identifier: MIT
"""What all screens have in common: the title line with the mark of a simulation, and the line of keys."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widget import Widget

from bootmenu.ui.keys import Place, labelled
from bootmenu.ui.pages import banner
from bootmenu.ui.terms import Terms
from bootmenu.ui.widgets.paper import Paper

T = TypeVar("T")


class BootmenuScreen(Screen[T], inherit_bindings=False):
    """Title, contents, keys. A subclass sets `place` and BINDINGS, and yields its `contents`."""

    place: ClassVar[Place]

    def __init__(self, terms: Terms) -> None:
        super().__init__()
        self.terms = terms

    def compose(self) -> ComposeResult:
        """The frame around the contents."""
        session = self.terms.session
        yield Paper(lambda width: [banner.title(session.machine, session.simulated, width)], id="title")
        yield from self.contents()
        yield Paper(lambda width: [banner.footer(labelled(self.place, self.hidden_actions), width)], id="footer")

    def contents(self) -> Iterable[Widget]:
        """What stands between title and keys."""
        raise NotImplementedError

    @property
    def hidden_actions(self) -> frozenset[str]:
        """Actions that are not offered now."""
        return self.terms.without

    def check_action(self, action: str, _parameters: tuple[object, ...]) -> bool | None:
        """What is not offered does nothing."""
        return action not in self.hidden_actions

    def action_redraw(self) -> None:
        """Send every cell again."""
        self.app.action_redraw()  # type: ignore[attr-defined]


class ReadingScreen(BootmenuScreen[T]):
    """A screen with one page to read. A subclass yields a Paper with the id `page`."""

    @property
    def page(self) -> Paper:
        """The sheet."""
        return self.query_one("#page", Paper)

    def action_up(self) -> None:
        """One line."""
        self.page.scroll(-1)

    def action_down(self) -> None:
        """One line."""
        self.page.scroll(1)

    def action_page_up(self) -> None:
        """A page, less one line."""
        self.page.scroll(1 - self.page.size.height)

    def action_page_down(self) -> None:
        """A page, less one line."""
        self.page.scroll(self.page.size.height - 1)

    def action_first(self) -> None:
        """The top."""
        self.page.scroll(-len(self.page.lines))

    def action_last(self) -> None:
        """The bottom."""
        self.page.scroll(len(self.page.lines))
