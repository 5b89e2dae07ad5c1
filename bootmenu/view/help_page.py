# SPDX-License-Identifier: MIT
"""The help page, generated from the table of actions."""

from __future__ import annotations

from bootmenu import __version__
from bootmenu.i18n import N_, _, for_each_language
from bootmenu.model.finding import Severity
from bootmenu.terminal.cells import cells
from bootmenu.view.key_help import actions_of, key_names
from bootmenu.view.page_edges import heading
from bootmenu.view.screen_ids import ScreenId
from bootmenu.view.styled_text import BLANK, Line, Span, Style, block, paragraph
from bootmenu.view.wording import skip, verdict, verdict_width

_MEANINGS = {
    Severity.PASS: N_("all checks passed"),
    Severity.WARN: N_("it boots, but something is lost or at risk, as the finding says"),
    Severity.UNKNOWN: N_("a check could not be made; it may work"),
    Severity.FAIL: N_("the load is refused, or the next kernel does not start"),
}

_SCREENS = (
    *(ScreenId.MENU, ScreenId.EDIT, ScreenId.FILTER, ScreenId.DETAILS, ScreenId.PROGRESS),
    *(ScreenId.CONFIRM, ScreenId.CHOICE, ScreenId.PASSPHRASE),
)
_COMMON = frozenset({"up", "down", "first", "last", "page_up", "page_down", "redraw"})
"""Names of actions that mean the same on every screen."""


def help_page(
    about: ScreenId, without: frozenset[str], width: int, log_file: str = "", *, keys_only: bool = False
) -> list[Line]:
    """Return the help: the keys of one screen, the verdicts and signs, then the keys of the other screens.

    about: the screen whose keys come first. without: names of actions that are not available here. keys_only: stop
    after the keys of that screen, for the kiosk.
    """
    lines = _keys(about, without, width)
    if keys_only:
        return lines
    lines += [BLANK, heading(width, _("Verdicts"))]
    for severity, meaning in _MEANINGS.items():
        lines += _explained(verdict(severity), _(meaning), width)
    lines += _explained(skip(), _("this could not be read; the rest is listed"), width)
    lines += _explained(Span("*", Style.STRONG), _("starts automatically; D makes an entry the default"), width)
    lines += _explained(Span("→", Style.STRONG), _("starts automatically the next time only"), width)
    lines += _explained(Span("!", Style.WARN), _("the last boot of it did not complete"), width)
    lines += _explained(Span(_("! log"), Style.WARN), _("something went wrong; see the log"), width)
    for screen in _SCREENS:
        if screen is not about:
            lines += [BLANK, *_keys(screen, without if screen is ScreenId.MENU else without | _COMMON, width)]
    lines += [BLANK, *paragraph(width, f"bootmenu {__version__}", Style.DIM)]
    return [*lines, *paragraph(width, _("log: {where}").format(where=log_file), Style.DIM)] if log_file else lines


def _keys(screen: ScreenId, without: frozenset[str], width: int) -> list[Line]:
    lines = [heading(width, _(screen))]
    for action in actions_of(screen):
        if action.name not in without:
            lines += _explained(Span(key_names(action.shown), Style.KEY), _(action.help), width)
    return lines


def _explained(sign: Span, text: str, width: int) -> list[Line]:
    return block(width - 1, [Span(" "), sign], _sign_width(), text)


@for_each_language
def _sign_width() -> int:
    """Return the column at which explanations start: the longest names of keys have a blank before and after them."""
    keys = (cells(key_names(action.shown)) + 2 for screen in ScreenId for action in actions_of(screen))
    return max(14, verdict_width() + 4, *keys)
