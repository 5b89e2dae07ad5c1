# SPDX-License-Identifier: MIT
"""The rows of the menu: partitions, their entries, and what could not be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from bootmenu.bootstate.state import State
from bootmenu.discovery.devices import Device
from bootmenu.discovery.scan_events import Listing
from bootmenu.i18n import N_, _, localized
from bootmenu.model.entry import Problem
from bootmenu.model.place import Bus
from bootmenu.model.value import Value, field, replace
from bootmenu.session.scan_results import Group, ScanResults
from bootmenu.terminal.cells import cells, clean, cut, fit
from bootmenu.view.abridge import abridged
from bootmenu.view.entry_row import EntryRow, Mark, entry_row, extras
from bootmenu.view.styled_text import Line, Span, Style, clip
from bootmenu.view.wording import WORDS, name, sentence_of, skip, verdict_of, verdict_width


class Row(Value):
    """One row. key: the same from scan to scan; None = the row cannot be selected."""

    key: str | None
    text: str = ""
    entry: EntryRow | None = None
    problem: Problem | None = None
    number: int = 0
    """1 to 9 for the first nine entries."""
    heading: bool = False

    @property
    def listing(self) -> Listing | None:
        """Return the entry with its report, if the row is one's."""
        return self.entry.listing if self.entry else None

    @property
    def mark(self) -> Mark | None:
        """Return what is marked of its entry, if anything is."""
        return self.entry.mark if self.entry else None

    @property
    def title(self) -> str:
        """Return the whole name of its entry, which no other one has; empty if it is no entry's."""
        return self.entry.name if self.entry else ""


class Columns(Value):
    """Widths of the columns behind the title; 0 = there is no such column."""

    version: int
    source: int
    default: bool
    texts: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """By the key of a row: the title of its entry, or its problem, and the version beside it, cut to the room there
    is; no two rows say the same."""

    @classmethod
    def of(cls, shown: Iterable[Row], width: int) -> Columns:
        """What there is to show, as far as the titles keep room; the source goes first, but not for the end of a long
        version. A version that is in the title is not shown once more."""
        every = [row for row in shown if row.key is not None]
        entries = [row.entry for row in every if row.entry]
        version = max((cells(entry.version) for entry in entries), default=0)
        source = max((cells(entry.source) for entry in entries), default=0)
        titles = min(30, max((cells(entry.title) for entry in entries), default=0))
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
        default = any(entry.mark for entry in entries) and room >= Mark.width() + 2
        columns = cls(version=version, source=source, default=default)
        return replace(columns, texts=_texts(every, columns, width))

    def room(self, width: int, *, version: bool) -> int:
        """Return the columns of a title. version: there is one beside it."""
        used = self.version + 2 if version else 0
        used += self.source + 2 if self.source else 0
        used += Mark.width() + 2 if self.default else 0
        return max(0, width - _LEFT - verdict_width() - 2 - used)


def _texts(listed: Sequence[Row], columns: Columns, width: int) -> dict[str, tuple[str, str]]:
    """See Columns.texts."""
    entries = [(row.key, row.entry) for row in listed if row.key is not None and row.entry]
    versions = abridged(tuple(entry.version if columns.version else "" for _, entry in entries), columns.version)
    said = [
        (entry.title if columns.version else entry.full_title, version, entry.source if columns.source else "")
        for (_, entry), version in zip(entries, versions, strict=True)
    ]
    counts = Counter(said)
    found: dict[str, tuple[str, str]] = {}
    for beside in (False, True):
        some = [
            (key, entry.distinct(words[0]) if counts[words] > 1 else words[0], words[1])
            for (key, entry), words in zip(entries, said, strict=True)
            if bool(words[1]) is beside
        ]
        short = abridged(tuple(title for _, title, _ in some), columns.room(width, version=beside))
        found |= {key: (title, version) for (key, _, version), title in zip(some, short, strict=True)}
    problems = [(row.key, _said(row.problem)) for row in listed if row.key is not None and row.problem]
    texts, room = tuple(text for _, text in problems), width - _LEFT - verdict_width() - 2
    short = tuple(cut(text, room) for text in texts)  # a sentence says the most at its beginning
    if len(set(short)) < len(set(texts)):
        short = abridged(texts, room)
    found |= {key: (text, "") for (key, _), text in zip(problems, short, strict=True)}
    return found


def _said(problem: Problem) -> str:
    path = f"{clean(problem.path, 300)}: " if problem.path else ""
    return path + clean(localized(problem.message), 300)


def _told_apart(listed: list[Row]) -> list[Row]:
    """Return the rows, those of entries with what tells them apart."""
    found = extras([row.entry for row in listed if row.entry])
    if not found:
        return listed
    return [
        replace(row, entry=replace(row.entry, extra=found.get(row.entry.listing.entry.id, ""))) if row.entry else row
        for row in listed
    ]


_SHORT_VERSION = 16
"""Columns: `6.12.57+deb13-a»` tells one kernel from the others."""
_LEFT = 5  # marker, blank, number, mark of the default, blank


def rows(results: ScanResults, state: State | None = None, wanted: str = "") -> list[Row]:
    """Every partition with what was found on it; one that offers nothing says so.

    state: what is remembered. wanted: words of a filter; with one, only entries that have all of them are listed.
    """
    state = state or State()
    words = wanted.lower().split()
    listed: list[Row] = []
    number = 0
    for group in results.groups:
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
                    entry=entry_row(listing, state),
                    number=number if number <= 9 else 0,
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
    elif not listed and results.finished:
        listed.append(Row(None, _("No partition was found. Plug a medium in and press r.")))
    return _told_apart(listed)


def matches(listing: Listing, partition: str, words: Sequence[str]) -> bool:
    """Every word, in lower case, is in what the row, its heading or its verdict says."""
    entry, verdict_words = listing.entry, WORDS[listing.report.verdict]
    text = " ".join(
        (
            *(name(listing.entry), entry.version, entry.source, partition),
            *(_(verdict_words.word), _(verdict_words.sentence), str(listing.report.verdict)),
            *(verdict_of(listing).text, sentence_of(listing).text),
        )
    ).lower()
    return all(word in text for word in words)


_ATTACHED = {Bus.SD: N_("SD card"), Bus.USB: N_("USB"), Bus.EXTERNAL: N_("external")}
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
        return Line((Span(" "), Span(fit(row.text, width - 2), Style.HEADING)))
    if row.entry is not None:
        return _entry(row, row.entry, columns, width, selected=selected)
    if row.problem is not None:
        marker = "▶" if selected else " "
        text, _version = columns.texts.get(row.key or "", (_said(row.problem), ""))
        text = fit(text, width - _LEFT - verdict_width() - 2)
        spans = (
            Span(fit(marker, _LEFT)),
            skip(),
            Span(" "),
            Span(text, Style.DIM),
        )
        return Line((*spans, Span(" ")), selected)
    return Line((Span(" " * _LEFT), Span(fit(row.text, width - _LEFT), Style.DIM)))


def _entry(row: Row, entry: EntryRow, columns: Columns, width: int, *, selected: bool) -> Line:
    marker = "▶" if selected else " "
    number = str(row.number) if row.number else " "
    right: list[Span] = []
    title, version = columns.texts.get(row.key or "", (entry.full_title, ""))
    if version:
        right.append(Span("  " + fit(version, columns.version), Style.TEXT))
    if columns.source:
        right.append(Span("  " + fit(entry.source, columns.source), Style.DIM))
    if columns.default:
        right.append(Span("  " + fit(_(entry.mark) if entry.mark else "", Mark.width()), Style.STRONG))
    title = fit(title, columns.room(width, version=bool(version)))
    left = (
        Span(f"{marker} "),
        Span(number, Style.DIM),
        Span("! ", Style.WARN) if entry.lost else Span("  " if columns.default else f"{entry.sign} "),
        entry.verdict,
        Span(" "),
        Span(title, Style.STRONG if entry.mark else Style.TEXT),
    )
    return Line(clip((*left, *right, Span(" ")), width), selected)


def selectable(listed: Sequence[Row]) -> list[int]:
    """Indices of the rows on which the cursor may stand."""
    return [index for index, row in enumerate(listed) if row.key is not None]
