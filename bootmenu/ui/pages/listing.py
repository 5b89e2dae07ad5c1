# SPDX-License-Identifier: MIT
"""The rows of the menu: partitions, their entries, and what could not be read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bootmenu.discovery.devices import Device
from bootmenu.discovery.scan import Listing
from bootmenu.model.entry import Problem
from bootmenu.ui.catalogue import Catalogue, Group
from bootmenu.ui.lines import Ink, Line, Span, clip
from bootmenu.ui.text import cells, clean, fit
from bootmenu.ui.wording import VERDICT_WIDTH, name, verdict


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


@dataclass(frozen=True, slots=True)
class Columns:
    """Widths of the columns behind the title; 0 = there is no such column."""

    version: int
    source: int
    default: bool

    @classmethod
    def of(cls, listings: Iterable[Listing], width: int) -> Columns:
        """What there is to show, as far as the titles keep room; the source goes first."""
        listings = tuple(listings)
        version = max((cells(clean(listing.entry.version, 60)) for listing in listings), default=0)
        source = max((cells(clean(listing.entry.source, 20)) for listing in listings), default=0)
        titles = min(30, max((cells(name(listing)) for listing in listings), default=0))
        room = width - _FIXED - titles
        default = any(listing.entry.default for listing in listings)
        version = min(version, max(0, room - 2), 28)
        if version < 8:
            version = 0
        room -= version + 2
        if room < source + 2:
            source = 0
        else:
            room -= source + 2
        return cls(version=version, source=source, default=default and room >= len(_DEFAULT) + 2)


_DEFAULT = "default"
_LEFT = 5  # marker, blank, number, mark of the default, blank
_FIXED = _LEFT + VERDICT_WIDTH + 1 + 1


def rows(catalogue: Catalogue) -> list[Row]:
    """Every partition with what was found on it; one that offers nothing says so."""
    listed: list[Row] = []
    number = 0
    for group in catalogue.groups:
        listed.append(Row(None, _title(group.device), heading=True))
        for listing in group.listings:
            number += 1
            listed.append(Row(f"entry {listing.entry.id}", listing=listing, number=number if number <= 9 else 0))
        for problem in group.problems:
            listed.append(Row(f"problem {problem}", problem=problem))
        if not group.listings and not group.problems:
            listed.append(Row(None, _emptiness(group)))
    if not listed and catalogue.finished:
        listed.append(Row(None, "No partition was found. Plug a medium in and press r."))
    return listed


def _title(device: Device) -> str:
    if not device.name:
        return "this machine"
    return clean(device.title, 200)


def _emptiness(group: Group) -> str:
    return "nothing to start here: no boot configuration, no kernel" if group.done else "being read"


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
        text = fit(path + clean(problem.message, 300), width - _LEFT - VERDICT_WIDTH - 2)
        spans = (
            Span(fit(marker, _LEFT)),
            Span(fit("! skip", VERDICT_WIDTH), Ink.WARN),
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
        right.append(Span("  " + fit(_DEFAULT if entry.default else "", len(_DEFAULT)), Ink.STRONG))
    used = sum(cells(span.text) for span in right)
    title = fit(name(listing), max(0, width - _LEFT - VERDICT_WIDTH - 2 - used))
    left = (
        Span(f"{marker} "),
        Span(number, Ink.DIM),
        Span("* " if entry.default and not columns.default else "  "),
        verdict(listing.report.verdict),
        Span(" "),
        Span(title, Ink.STRONG if entry.default else Ink.TEXT),
    )
    return Line(clip((*left, *right, Span(" ")), width), selected)


def selectable(listed: Sequence[Row]) -> list[int]:
    """Indices of the rows on which the cursor may stand."""
    return [index for index, row in enumerate(listed) if row.key is not None]
