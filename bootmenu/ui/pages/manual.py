# SPDX-License-Identifier: MIT
"""The help page, made from the table of keys."""

from __future__ import annotations

from bootmenu import __version__
from bootmenu.model.finding import Severity
from bootmenu.ui.keys import Key, Place, keys_of
from bootmenu.ui.lines import BLANK, Ink, Line, Span, block, paragraph
from bootmenu.ui.pages.banner import heading
from bootmenu.ui.wording import VERDICT_WIDTH, verdict

_MEANINGS = {
    Severity.PASS: "every check that applies found this entry right for this machine",
    Severity.WARN: "it comes up, and something that is named gets lost or is at risk",
    Severity.UNKNOWN: "a check applies and could not look; it may work",
    Severity.FAIL: "the load is refused, or the other kernel does not come up",
}


_PLACES = (
    *(Place.EDIT, Place.FILTER, Place.DETAILS, Place.PROGRESS),
    *(Place.CONFIRM, Place.CHOICE, Place.PASSPHRASE),
)
_KNOWN = frozenset({"up", "down", "first", "last", "page_up", "page_down", "redraw"})
"""They mean the same everywhere."""


def manual(without: frozenset[str], width: int, where: str = "") -> list[Line]:
    """without: actions that are not offered here. where: the file of messages."""
    lines = _keys(Place.MENU, without, width)
    lines += [BLANK, heading(width, "Verdicts")]
    for severity, meaning in _MEANINGS.items():
        lines += block(width - 1, [Span(" "), verdict(severity)], VERDICT_WIDTH + 8, meaning)
    lines += block(
        width - 1,
        [Span(" "), Span("! skip", Ink.WARN)],
        VERDICT_WIDTH + 8,
        "this could not be read; the rest is listed",
    )
    lines += block(
        width - 1,
        [Span(" "), Span("*", Ink.STRONG)],
        VERDICT_WIDTH + 8,
        "the default: of its boot configuration, or made with D",
    )
    lines += block(
        width - 1, [Span(" "), Span("→", Ink.STRONG)], VERDICT_WIDTH + 8, "the default of the next boot only"
    )
    lines += block(
        width - 1, [Span(" "), Span("!", Ink.WARN)], VERDICT_WIDTH + 8, "it was started, and never came back since"
    )
    for place in _PLACES:
        lines += [BLANK, *_keys(place, without | _KNOWN, width)]
    lines += [BLANK, *paragraph(width, f"bootmenu {__version__}", Ink.DIM)]
    return [*lines, *paragraph(width, f"log: {where}", Ink.DIM)] if where else lines


def _keys(place: Place, without: frozenset[str], width: int) -> list[Line]:
    lines = [heading(width, place)]
    for key in keys_of(place):
        if key.action not in without:
            lines += _key(key, width)
    return lines


def _key(key: Key, width: int) -> list[Line]:
    return block(width - 1, [Span(" "), Span(key.shown, Ink.KEY)], VERDICT_WIDTH + 8, key.help)
