# SPDX-License-Identifier: MIT
"""The rows of the menu: partitions, their entries, and what could not be read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bootmenu.discovery.devices import Device
from bootmenu.discovery.scan import Listing
from bootmenu.language import _, marked, told
from bootmenu.model.entry import Problem
from bootmenu.model.place import Bus
from bootmenu.state import State
from bootmenu.ui.catalogue import Catalogue, Group
from bootmenu.ui.lines import Ink, Line, Span, clip
from bootmenu.ui.text import cells, clean, fit
from bootmenu.ui.wording import WORDS, name, sentence_of, skip, verdict_of, verdict_width


@dataclass(frozen=True, slots=True)
class Row:
    """One row. key: the same from scan to scan; None = the row cannot be selected."""

    key: str | None
    text: str = ""
    listing: Listing | None = None
    problem: Problem | None = None
    number: int = 0
    """1 to 9 for the first nine entries."""
    heading: bool = False
    mark: Mark | None = None
    lost: bool = False
    """It was started, and never came back since."""


class Mark(StrEnum):
    """What stands in the last column; the first that holds."""

    NEXT = marked("next")
    """The default of the next boot only."""
    DEFAULT = marked("default")

    @classmethod
    def width(cls) -> int:
        """Columns of the longest."""
        return max(cells(_(mark)) for mark in cls)

    @property
    def sign(self) -> str:
        """Where there is no room for the column."""
        return "→" if self is Mark.NEXT else "*"


@dataclass(frozen=True, slots=True)
class Columns:
    """Widths of the columns behind the title; 0 = there is no such column."""

    version: int
    source: int
    default: bool

    @classmethod
    def of(cls, shown: Iterable[Row], width: int) -> Columns:
        """What there is to show, as far as the titles keep room; the source goes first, but not for the end of a long
        version."""
        shown = [row for row in shown if row.listing]
        listings = [row.listing for row in shown if row.listing]
        version = max((cells(clean(listing.entry.version, 60)) for listing in listings), default=0)
        source = max((cells(clean(listing.entry.source, 20)) for listing in listings), default=0)
        titles = min(30, max((cells(name(listing)) for listing in listings), default=0))
        room = width - _LEFT - verdict_width() - 2 - titles
        beside = room - (source + 2) - 2
        if beside >= min(version, _SHORT_VERSION):
            version = min(version, beside)
        version = min(version, max(0, room - 2), 28)
        if version < 8:
            version = 0
        room -= version + 2
        if room < source + 2:
            source = 0
        else:
            room -= source + 2
        return cls(
            version=version, source=source, default=any(row.mark for row in shown) and room >= Mark.width() + 2
        )


_SHORT_VERSION = 16
"""Columns: `6.12.57+deb13-a»` tells one kernel from the others."""
_LEFT = 5  # marker, blank, number, mark of the default, blank


def rows(catalogue: Catalogue, state: State | None = None, wanted: str = "") -> list[Row]:
    """Every partition with what was found on it; one that offers nothing says so.

    state: what is remembered. wanted: words of a filter; with one, only entries that have all of them are listed.
    """
    state = state or State()
    words = wanted.lower().split()
    listed: list[Row] = []
    number = 0
    for group in catalogue.groups:
        title = _title(group.device)
        found = [listing for listing in group.listings if matches(listing, title, words)]
        if words and not found:
            continue
        listed.append(Row(None, title, heading=True))
        for listing in found:
            number += 1
            listed.append(
                Row(
                    f"entry {listing.entry.id}",
                    listing=listing,
                    number=number if number <= 9 else 0,
                    mark=_mark(listing, state),
                    lost=state.lost_at(listing.entry.id) is not None,
                )
            )
        if words:
            continue
        for problem in group.problems:
            listed.append(Row(f"problem {problem}", problem=problem))
        if not group.listings and not group.problems:
            listed.append(Row(None, _emptiness(group)))
    if words and not listed:
        listed.append(Row(None, _("No entry has these words.")))
    elif not listed and catalogue.finished:
        listed.append(Row(None, _("No partition was found. Plug a medium in and press r.")))
    return listed


def matches(listing: Listing, partition: str, words: Sequence[str]) -> bool:
    """Every word, in lower case, is in what the row, its heading or its verdict says."""
    entry, verdict_words = listing.entry, WORDS[listing.report.verdict]
    text = " ".join(
        (
            *(name(listing), entry.version, entry.source, partition),
            *(_(verdict_words.word), _(verdict_words.sentence), str(listing.report.verdict)),
            *(verdict_of(listing).text, sentence_of(listing).text),
        )
    ).lower()
    return all(word in text for word in words)


def _mark(listing: Listing, state: State) -> Mark | None:
    if listing.entry.id == state.once:
        return Mark.NEXT
    default = listing.entry.default if state.default is None else listing.entry.id == state.default
    return Mark.DEFAULT if default else None


_ATTACHED = {Bus.SD: marked("SD card"), Bus.USB: marked("USB"), Bus.EXTERNAL: marked("external")}
"""What is said of a partition that is not inside the machine."""


def _title(device: Device) -> str:
    if not device.name:
        return _("this machine")
    title, attached = clean(device.title, 200), _ATTACHED.get(device.place.bus)
    return f"{title} · {_(attached)}" if attached else title


def _emptiness(group: Group) -> str:
    return _("nothing to start here: no boot configuration, no kernel") if group.done else _("being read")


def line_of(row: Row, columns: Columns, width: int, *, selected: bool) -> Line:
    """One row as wide as the list."""
    if row.heading:
        return Line((Span(" "), Span(fit(row.text, width - 2), Ink.HEADING)))
    if row.listing is not None:
        return _entry(row, row.listing, columns, width, selected=selected)
    if row.problem is not None:
        marker = "▶" if selected else " "
        problem = row.problem
        path = f"{clean(problem.path, 300)}: " if problem.path else ""
        text = fit(path + clean(told(problem.message), 300), width - _LEFT - verdict_width() - 2)
        spans = (
            Span(fit(marker, _LEFT)),
            skip(),
            Span(" "),
            Span(text, Ink.DIM),
        )
        return Line((*spans, Span(" ")), selected)
    return Line((Span(" " * _LEFT), Span(fit(row.text, width - _LEFT), Ink.DIM)))


def _entry(row: Row, listing: Listing, columns: Columns, width: int, *, selected: bool) -> Line:
    entry = listing.entry
    marker = "▶" if selected else " "
    number = str(row.number) if row.number else " "
    right: list[Span] = []
    if columns.version:
        right.append(Span("  " + fit(clean(entry.version, 60), columns.version), Ink.TEXT))
    if columns.source:
        right.append(Span("  " + fit(clean(entry.source, 20), columns.source), Ink.DIM))
    if columns.default:
        right.append(Span("  " + fit(_(row.mark) if row.mark else "", Mark.width()), Ink.STRONG))
    used = sum(cells(span.text) for span in right)
    title = fit(name(listing), max(0, width - _LEFT - verdict_width() - 2 - used))
    left = (
        Span(f"{marker} "),
        Span(number, Ink.DIM),
        Span("! ", Ink.WARN) if row.lost else Span(f"{row.mark.sign} " if row.mark and not columns.default else "  "),
        verdict_of(listing),
        Span(" "),
        Span(title, Ink.STRONG if row.mark else Ink.TEXT),
    )
    return Line(clip((*left, *right, Span(" ")), width), selected)


def selectable(listed: Sequence[Row]) -> list[int]:
    """Indices of the rows on which the cursor may stand."""
    return [index for index, row in enumerate(listed) if row.key is not None]
