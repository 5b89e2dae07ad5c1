# SPDX-License-Identifier: MIT
"""The help page, generated from the table of actions."""

from __future__ import annotations

from collections.abc import Iterable

from bootmenu import __version__
from bootmenu.i18n import N_, _, for_each_language
from bootmenu.model.finding import Severity
from bootmenu.terminal.cells import cells
from bootmenu.typed import TypeVar
from bootmenu.view.key_help import actions_of, key_names
from bootmenu.view.page_edges import heading
from bootmenu.view.screen_ids import ScreenId
from bootmenu.view.styled_text import BLANK, Line, Span, Style, block, paragraph
from bootmenu.view.wording import skip, verdict, verdict_width

T = TypeVar("T")

_MEANINGS = {
    Severity.PASS: N_("all checks passed"),
    Severity.WARN: N_("it boots, but something is lost or at risk, as the finding says"),
    Severity.UNKNOWN: N_("a check could not be made; it may work"),
    Severity.FAIL: N_("the load is refused, or the next kernel does not start"),
}

_GROUPS: dict[str, frozenset[str]] = {
    N_("Move"): frozenset(
        {*("up", "down", "first", "last", "page_up", "page_down", "pick", "switch")}
        | {*("left", "right", "home", "end")}
        | {*("next_finding", "previous_finding", "next_match", "previous_match")}
    ),
    N_("Start"): frozenset({"boot", "test", "confirm", "yes", "enter_pin", "cancel"}),
    N_("Change"): frozenset(
        {*("edit", "make_default", "next_boot", "choose", "choose_back", "revert")}
        | {*("save", "undo", "redo", "remove")}
        | {*("erase", "delete", "erase_word", "clear", "kill")}
    ),
    N_("Look"): frozenset(
        {*("details", "evidence", "evidence_all", "tree", "filter", "unfilter", "keep", "unfold", "fold")}
        | {*("log", "help", "rescan", "machine", "compare")}
    ),
}
"""The names of the actions below each heading; all others are below the last one."""
_SYSTEM = N_("System")


def help_page(
    about: ScreenId,
    without: frozenset[str],
    width: int,
    log_file: str = "",
    *,
    keys_only: bool = False,
    words: str = "",
) -> list[Line]:
    """Return the help of one screen: its keys in groups; in the menu also the verdicts and signs.

    without: names of actions that are not available here. keys_only: without verdicts and signs, for the kiosk.
    words: show only what has all of them; empty: everything.
    """
    wanted = words.casefold().split()
    lines = [heading(width, _(about))]
    for group, rows in _keys(about, without).items():
        lines += _group(group, rows, width, wanted)
    if keys_only:
        return lines
    if about in (ScreenId.MENU, ScreenId.DETAILS, ScreenId.EDIT):
        lines += _group(_("Verdicts"), [(verdict(one), _(text)) for one, text in _MEANINGS.items()], width, wanted)
    if about is ScreenId.MENU:
        lines += _group(_("Signs"), _signs(), width, wanted)
    if wanted and len(lines) == 1:
        lines += paragraph(width, _("Nothing in the help has these words. Esc shows all."), Style.DIM)
    if wanted:
        return lines
    lines += [BLANK, *paragraph(width, f"bootmenu {__version__}", Style.DIM)]
    return [*lines, *paragraph(width, _("log: {where}").format(where=log_file), Style.DIM)] if log_file else lines


def _signs() -> list[tuple[Span, str]]:
    return [
        (skip(), _("this could not be read; the rest is listed")),
        (Span("*", Style.STRONG), _("starts automatically; D makes an entry the default")),
        (Span("→", Style.STRONG), _("starts automatically the next time only")),
        (Span("!", Style.WARN), _("the last boot of it did not complete")),
        (Span(_("! log"), Style.WARN), _("something went wrong; see the log")),
    ]


def _keys(screen: ScreenId, without: frozenset[str]) -> dict[str, list[tuple[Span, str]]]:
    """Return the keys of a screen and their explanations, below the headings of their groups."""
    return grouped(
        (action.name, Span(key_names(action.shown), Style.KEY), _(action.help))
        for action in actions_of(screen)
        if action.name not in without
    )


def grouped(rows: Iterable[tuple[str, T, str]]) -> dict[str, list[tuple[T, str]]]:
    """Return rows below the headings of their groups, without headings that have none. A row is the name of an
    action, its key and its explanation."""
    found: dict[str, list[tuple[T, str]]] = {_(group): [] for group in (*_GROUPS, _SYSTEM)}
    for name, key, text in rows:
        group = next((group for group, names in _GROUPS.items() if name in names), _SYSTEM)
        found[_(group)].append((key, text))
    return {title: below for title, below in found.items() if below}


def _group(title: str, rows: list[tuple[Span, str]], width: int, wanted: list[str]) -> list[Line]:
    """Return the rows that have all the words, below a title; nothing if none has."""
    lines: list[Line] = []
    for sign, text in rows:
        if all(word in f"{title} {sign.text} {text}".casefold() for word in wanted):
            lines += _explained(sign, text, width)
    return [Line((Span(f" {title}", Style.HEADING),)), *lines] if lines else []


def _explained(sign: Span, text: str, width: int) -> list[Line]:
    return block(width - 1, [Span(" "), sign], _sign_width(), text)


@for_each_language
def _sign_width() -> int:
    """Return the column at which explanations start: the longest names of keys have a blank before and after them."""
    keys = (cells(key_names(action.shown)) + 2 for screen in ScreenId for action in actions_of(screen))
    return max(14, verdict_width() + 4, *keys)
