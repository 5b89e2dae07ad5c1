# SPDX-License-Identifier: MIT
"""The pages of the kiosk: plain words, much space, the contact on each page, and nothing technical."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence

from bootmenu.bootstate.state import Attempt, State
from bootmenu.discovery.scan_events import Listing
from bootmenu.i18n import N_, _, ngettext
from bootmenu.model.finding import Severity
from bootmenu.model.value import Value, replace
from bootmenu.system.power import Power
from bootmenu.terminal.cells import cells, clean, cut, fit, wrap
from bootmenu.view.entry_texts import distinct_texts, entry_texts
from bootmenu.view.key_help import kiosk_actions
from bootmenu.view.page_edges import simulation
from bootmenu.view.policy import Access, Policy
from bootmenu.view.styled_text import BLANK, Line, Span, Style, bar, line, middle, spread
from bootmenu.view.wording import GOING_DOWN, POWER_WORDS, name

KEYS = N_("Up and Down choose, Enter starts.")
FEW_BUTTONS = N_("Press to go on, hold to start.")
SHORTEST_COUNTDOWN = 5
"""Seconds of the countdown after the idle time, so that a person who returns can see and stop it."""

_MONTHS = (
    *(N_("January"), N_("February"), N_("March"), N_("April"), N_("May"), N_("June")),
    *(N_("July"), N_("August"), N_("September"), N_("October"), N_("November")),
    N_("December"),
)

POWERS = (Power.REBOOT, Power.OFF)
"""The choices of the action `power`; the firmware setup is not for a kiosk."""
SERVICE = "service"
"""The action of the row that opens the service menu after the PIN."""


class KioskRow(Value, kw_only=True):
    """One row to choose: an entry or an action."""

    name: str
    note: str = ""
    listing: Listing | None = None
    """The entry; None for an action."""
    action: str = ""
    """Name of the action in the table of actions, or SERVICE."""
    power: Power | None = None
    pin: bool = False
    """Whether it asks for the PIN."""
    warning: bool = False
    """Whether the note says that something went wrong, or may."""

    @property
    def key(self) -> str:
        """Return a key that identifies the row when the rows are made again."""
        if self.listing is not None:
            return f"{self.listing.entry.device}:{self.listing.entry.id}"
        return f"{self.action}:{self.power}" if self.power else self.action


def kiosk_rows(
    policy: Policy,
    offered: Sequence[Listing],
    state: State,
    names: Mapping[str, str],
    *,
    powers: Sequence[Power] = (),
    recommended: Listing | None,
    refused: frozenset[str] = frozenset(),
) -> list[KioskRow]:
    """Return the rows: entries, then actions that the policy allows, then the service row if there is a PIN.

    offered: the entries that the policy offers. names: plain names by patterns of ids. recommended: the entry that
    would start automatically. refused: ids of entries that could not be loaded since the menu was opened.
    """
    rows: list[KioskRow] = []
    plain = [plain_name(one, names) for one in offered]
    if len(set(plain)) < len(plain):
        distinct = distinct_texts([entry_texts(one) for one in offered])
        plain = [words if plain.count(words) == 1 else row.name for words, row in zip(plain, distinct, strict=True)]
    for one, words in zip(offered, plain, strict=True):
        pin = policy.access_to(one) is Access.PIN
        note, warning = _note(one, state, pin=pin, recommended=one is recommended, refused=one.entry.id in refused)
        rows.append(KioskRow(name=words, note=note, listing=one, pin=pin, warning=warning))
    rows += [
        KioskRow(name=_(words), action=action) for action, words in kiosk_actions().items() if policy.allows(action)
    ]
    if policy.allows("power"):
        rows += [KioskRow(name=_(POWER_WORDS[one]), action="power", power=one) for one in powers if one in POWERS]
    if policy.has_pin:
        rows.append(KioskRow(name=_("Service"), note=_("asks for the PIN"), action=SERVICE, pin=True))
    return rows


def plain_name(listing: Listing, names: Mapping[str, str]) -> str:
    """Return the name that the settings give an entry, or its title. names: by patterns of ids."""
    for pattern, words in names.items():
        if fnmatch.fnmatchcase(listing.entry.id, pattern):
            return clean(words, 100)
    return name(listing.entry)


def _note(listing: Listing, state: State, *, pin: bool, recommended: bool, refused: bool) -> tuple[str, bool]:
    """Return the note after an entry's name, and whether it is a warning."""
    lost, good = state.lost_at(listing.entry.id), state.good_at(listing.entry.id)
    if refused:
        return _("could not be started just now"), True
    if lost is not None:
        day = _day(lost)
        return (_("did not start on {day}").format(day=day) if day else _("did not start last time")), True
    if pin:
        return _("asks for the PIN"), False
    if recommended:
        return _("recommended"), False
    if good is not None:
        day = _day(good)
        return (_("worked on {day}").format(day=day) if day else _("worked before")), False
    if listing.report.verdict is Severity.WARN:
        return _("may work only in part"), True
    return "", False


def _day(attempt: Attempt) -> str:
    """Return `14 November`; empty if the clock was not set."""
    date = attempt.at[:10].split("-")
    if len(date) != 3 or not all(part.isascii() and part.isdigit() for part in date):
        return ""
    month, day = int(date[1]), int(date[2])
    return _("{day} {month}").format(day=day, month=_(_MONTHS[month - 1])) if 1 <= month <= 12 else ""


# ---- parts of every page ---------------------------------------------------------------------------------------


def _margin(width: int) -> int:
    return max(2 if width >= 30 else 1, (width - 64) // 2)


def _text(width: int, text: str, style: Style = Style.TEXT) -> list[Line]:
    """Return the text, wrapped inside the margins."""
    left = _margin(width)
    return [line(" " * left, Span(row, style)) for row in wrap(clean(text), width - 2 * left)]


def top(simulated: bool, hint: str, width: int) -> list[Line]:
    """Return the first row: blank, or a badge in a simulation. hint: text after the badge, such as the PIN."""
    if not simulated:
        return [BLANK]
    return [spread(width, [Span(" "), simulation()], [Span(f"{hint} " if hint else "", Style.DIM)])]


def bottom(contact: str, width: int) -> list[Line]:
    """Return the contact, wrapped and not cut, so that a telephone number stays complete."""
    return _text(width, clean(contact, 200), Style.LABEL)[:_MAX_CONTACT_LINES]


_MAX_CONTACT_LINES = 4


# ---- pages -----------------------------------------------------------------------------------------------------


def start(
    rows: Sequence[KioskRow], selected: int, instructions: str, width: int, height: int, *, scanning: bool = False
) -> list[Line]:
    """Return the page with the rows to choose from.

    instructions: the keys and the countdown, printed below; may be broken where there are two blanks. scanning:
    whether more rows may follow.
    """
    heading = _text(width, ways_to_start(rows, scanning=scanning), Style.STRONG)
    footing = [row for part in instructions.split("  ") for row in _text(width, part)]
    if sum(map(cells, instructions.split("  "))) + 4 <= width - 2 * _margin(width):
        footing = _text(width, instructions)
    if rows and _note_after_name(rows[selected], width) is None:
        row = rows[selected]
        footing = [*_text(width, row.note, Style.WARN if row.warning else Style.DIM), *footing]
    if height < _LOW_HEIGHT:  # rows matter more than all text; without rows, the heading more than the instructions
        footing = footing[: max(0, height - 2 - len(rows))]
        if any(row.listing for row in rows) and len(heading) + len(rows) + len(footing) >= height:
            heading = []
    room = max(1, height - len(heading) - len(footing) - (2 if footing else 1 if heading else 0))
    step = 2 if len(rows) * 2 - 1 <= room - 1 else 1
    first = 0
    if step == 1 and len(rows) > room:
        first = max(0, min(selected - room // 2, len(rows) - room))
    lines = [*heading, BLANK] if heading else []
    for index, row in list(enumerate(rows))[first : first + room]:
        press = str(index + 1) if index < 9 else ""
        lines.append(replace(_row(row, selected=index == selected, width=width), press=press))
        if step == 2:
            lines.append(BLANK)
    lines += [BLANK] * max(0, min(2, height - len(lines) - len(footing) - 1))
    lines += footing
    spare = height - len(lines)
    return [*[BLANK] * (spare // 3), *lines]


_LOW_HEIGHT = 12

WAIT = N_("One moment, please. This terminal is getting ready.")


def ways_to_start(rows: Sequence[KioskRow], *, scanning: bool = False) -> str:
    """Return a sentence that says how many entries there are. scanning: whether more may follow."""
    count = sum(1 for row in rows if row.listing is not None)
    if not count and scanning:
        return _(WAIT)
    if not count:
        return _("This terminal cannot start at the moment. Please call for help.")
    numbers = {
        1: _("This terminal can start in one way."),
        2: _("This terminal can start in two ways."),
        3: _("This terminal can start in three ways."),
        4: _("This terminal can start in four ways."),
    }
    return numbers.get(count) or _("This terminal can start in {number} ways.").format(number=count)


def _note_after_name(row: KioskRow, width: int) -> str | None:
    """Return the note that is shown after the name of a row; None if it would leave too little room for the name."""
    room = width - 2 * _margin(width) - 3
    return row.note if not row.note or cells(row.name) + 2 + cells(row.note) <= room or room >= 50 else None


def _row(row: KioskRow, *, selected: bool, width: int) -> Line:
    left = _margin(width)
    room = width - 2 * left - 3
    note = cut(_note_after_name(row, width) or "", room // 2)
    label = fit(row.name, room - cells(note) - (2 if note else 0))
    body = [Span("▶  " if selected else "   ", Style.KEY), Span(label, Style.STRONG if selected else Style.TEXT)]
    if note:
        body.append(Span("  " + note, Style.WARN if row.warning else Style.DIM))
    return Line((Span(" " * left), *body), selected)


def waiting(width: int, height: int) -> list[Line]:
    """Return the page that is shown before the first entry is found."""
    return middle(_text(width, _(WAIT), Style.STRONG), height)


def progress(
    name: str, fraction: float, message: str, width: int, height: int, *, left: int | None = None
) -> list[Line]:
    """Return the page that is shown while an entry is loaded. fraction: 0.0 to 1.0. left: seconds until everything
    is read, or None if unknown."""
    margin = _margin(width)
    progress_bar = bar(fraction, width - 2 * margin - 7, indent=margin)
    remaining = ngettext("About {n} second more", "About {n} seconds more", left) if left else ""
    lines = [*_text(width, name, Style.STRONG), BLANK, progress_bar, *_text(width, remaining, Style.DIM), BLANK]
    return middle([*lines, *_text(width, message or _("Starting. Please do not switch off."))], height)


def refusal(name: str, width: int, height: int) -> list[Line]:
    """Return the page that says that an entry could not be started. The log has the reason."""
    what, another, call = refusal_sentences(name)
    lines = [*_text(width, what, Style.STRONG), BLANK, *_text(width, another)]
    lines += [BLANK, *_text(width, call), BLANK, BLANK]
    return middle([*lines, *_text(width, _("Enter goes back."))], height)


def refusal_sentences(name: str) -> tuple[str, str, str]:
    """Return what did not work, what to do next, and what to do if nothing works."""
    what = _("This did not work: {name}.").format(name=name) if name else _("This did not work.")
    another = _("Nothing was changed. Please choose another way.")
    return what, another, _("If none of them works, please call for help.")


def going_down(power: Power, width: int, height: int) -> list[Line]:
    """Return the page that is shown while the machine restarts or switches off."""
    return middle(_text(width, _(GOING_DOWN[power]), Style.STRONG), height)


def arrival(name: str, width: int, height: int) -> list[Line]:
    """Return the page at the end of a simulation."""
    what, nothing = arrival_sentences(name)
    lines = [*_text(width, what, Style.STRONG), BLANK, *_text(width, nothing)]
    return middle([*lines, BLANK, *_text(width, _("Enter goes back."))], height)


def arrival_sentences(name: str) -> tuple[str, str]:
    """Return what would start, and that nothing does."""
    return (
        _("Here this would happen: {name}.").format(name=name),
        _("This is a simulation. Nothing was started, and nothing was changed."),
    )


DIGITS = ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9")
WHEEL = (*DIGITS, "OK", N_("erase"), N_("back"))
"""The signs that Up and Down step through while the PIN is entered."""


def pin_message(wait: int, *, wrong: bool) -> str:
    """Return the message about the last PIN; empty if none was tried. wait: seconds until the next may be tried."""
    if wait:
        words = _("That was not the PIN. Please wait {wait} s.") if wrong else _("Please wait {wait} s.")
        return words.format(wait=wait)
    return _("That was not the PIN. Please try again.") if wrong else ""


def pin(typed: int, wheel_index: int, message: str, width: int, height: int, *, few_buttons: bool) -> list[Line]:
    """Return the page that asks for the PIN.

    typed: number of digits so far. wheel_index: the marked sign of WHEEL. message: about the last PIN.
    """
    left = _margin(width)
    stars = "* " * min(typed, (width - 2 * left) // 2 - 2)
    lines = [*_text(width, _("Please enter the PIN."), Style.STRONG), BLANK]
    lines += [line(" " * left, Span(f"{stars}_", Style.STRONG)), BLANK, _wheel(wheel_index, width), BLANK]
    about_last = _text(width, message, Style.WARN) if message else [BLANK]
    keys = _("Type it, or choose with Up and Down and take with Enter.")
    if few_buttons:
        keys = _("Press for the next sign, hold to take it.")
    lines += [*about_last, *[BLANK] * max(0, 2 - len(about_last)), *_text(width, keys)]
    return middle(lines, height)


def _wheel(marked: int, width: int) -> Line:
    """Return the signs in a row; if not all of them fit, those around the marked one."""
    left = _margin(width)
    signs = [f"[{_(sign)}]" if index == marked else f" {_(sign)} " for index, sign in enumerate(WHEEL)]
    first, last = 0, len(signs)
    while sum(map(cells, signs[first:last])) > width - 2 * left:
        if marked - first > last - 1 - marked:
            first += 1
        else:
            last -= 1
    shown = [
        Span(sign, Style.KEY if index == marked else Style.TEXT) for index, sign in list(enumerate(signs))[first:last]
    ]
    return line(" " * left, *shown)
