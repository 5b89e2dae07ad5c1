# SPDX-License-Identifier: MIT
"""The help page, made from the table of keys."""

from __future__ import annotations

from bootmenu import __version__
from bootmenu.i18n import N_, _
from bootmenu.model.finding import Severity
from bootmenu.view.actions import Action
from bootmenu.view.banner import heading
from bootmenu.view.key_help import actions_of, key_names
from bootmenu.view.screen_ids import ScreenId
from bootmenu.view.styled_text import BLANK, Line, Span, Style, block, paragraph
from bootmenu.view.wording import skip, verdict, verdict_width

_MEANINGS = {
    Severity.PASS: N_("every check that applies found this entry right for this machine"),
    Severity.WARN: N_("it comes up, and something that is named gets lost or is at risk"),
    Severity.UNKNOWN: N_("a check applies and could not look; it may work"),
    Severity.FAIL: N_("the load is refused, or the other kernel does not come up"),
}


_PLACES = (
    *(ScreenId.MENU, ScreenId.EDIT, ScreenId.FILTER, ScreenId.DETAILS, ScreenId.PROGRESS),
    *(ScreenId.CONFIRM, ScreenId.CHOICE, ScreenId.PASSPHRASE),
)
_KNOWN = frozenset({"up", "down", "first", "last", "page_up", "page_down", "redraw"})
"""They mean the same everywhere."""


def manual(
    about: ScreenId, without: frozenset[str], width: int, where: str = "", *, alone: bool = False
) -> list[Line]:
    """about: the screen whose keys come first. without: actions that are not offered here. where: the file of
    messages. alone: nothing but its keys, in plain words."""
    lines = _keys(about, without, width)
    if alone:
        return lines
    lines += [BLANK, heading(width, _("Verdicts"))]
    for severity, meaning in _MEANINGS.items():
        lines += _explained(verdict(severity), _(meaning), width)
    lines += _explained(skip(), _("this could not be read; the rest is listed"), width)
    lines += _explained(Span("*", Style.STRONG), _("the default: of its boot configuration, or made with D"), width)
    lines += _explained(Span("→", Style.STRONG), _("the default of the next boot only"), width)
    lines += _explained(Span("!", Style.WARN), _("the last boot of it did not complete"), width)
    lines += _explained(Span(_("! log"), Style.WARN), _("something went wrong, and stands in the log"), width)
    for place in _PLACES:
        if place is not about:
            lines += [BLANK, *_keys(place, without if place is ScreenId.MENU else without | _KNOWN, width)]
    lines += [BLANK, *paragraph(width, f"bootmenu {__version__}", Style.DIM)]
    return [*lines, *paragraph(width, _("log: {where}").format(where=where), Style.DIM)] if where else lines


def _keys(place: ScreenId, without: frozenset[str], width: int) -> list[Line]:
    lines = [heading(width, _(place))]
    for key in actions_of(place):
        if key.name not in without:
            lines += _key(key, width)
    return lines


def _key(key: Action, width: int) -> list[Line]:
    return _explained(Span(key_names(key.shown), Style.KEY), _(key.help), width)


def _explained(sign: Span, text: str, width: int) -> list[Line]:
    return block(width - 1, [Span(" "), sign], max(14, verdict_width() + 4), text)
