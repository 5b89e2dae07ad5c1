# SPDX-License-Identifier: MIT
"""The rows of the menu: partitions, their entries, and what could not be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

from bootmenu.bootstate.state import State
from bootmenu.config.settings import Settings
from bootmenu.discovery.devices import Device
from bootmenu.discovery.scan_events import Listing
from bootmenu.i18n import N_, _, for_each_language, localized
from bootmenu.model.entry import Problem
from bootmenu.model.finding import Severity
from bootmenu.model.place import Bus
from bootmenu.model.value import Value, field, replace
from bootmenu.session.scan_results import Group, ScanResults
from bootmenu.terminal.cells import cells, clean, cut, fit
from bootmenu.view.abridge import abridged
from bootmenu.view.entry_texts import EntryTexts, Mark, distinct_texts, entry_texts, mark_of, marks
from bootmenu.view.snapshot_folds import Fold, fold_key, is_quiet, outermost
from bootmenu.view.styled_text import BLANK, Line, Span, Style, clip
from bootmenu.view.wording import WORDS, awaited, name, sentence_of, skip, verdict_of, verdict_width


class Row(Value):
    """One row. key: identifies the row across scans; None if it cannot be selected."""

    key: str | None
    text: str = ""
    entry: EntryTexts | None = None
    problem: Problem | None = None
    number: int = 0
    """1 to 9 for the first nine entries, 0 for other rows."""
    heading: bool = False
    fold: Fold | None = None
    """The group of snapshots that this row stands for, which its key identifies."""
    within: str = ""
    """The key of the row under which this entry is unfolded, or empty."""

    @property
    def listing(self) -> Listing | None:
        """Return the entry with its report; None if this is not an entry's row."""
        return self.entry.listing if self.entry else None

    @property
    def mark(self) -> Mark | None:
        """Return the mark of the entry, if it has one."""
        return self.entry.mark if self.entry else None

    @property
    def name(self) -> str:
        """Return the entry's name, which is unique in the list; empty if this is not an entry's row."""
        return self.entry.name if self.entry else ""


class Columns(Value):
    """Widths of the columns after the title; 0 or False if a column is left out."""

    version: int
    source: int
    default: bool
    texts: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """By the key of a row: the entry's title (or the problem) and its version, shortened to fit; no two rows have the
    same texts."""

    @classmethod
    def of(cls, shown: Iterable[Row], width: int) -> Columns:
        """Return the columns that these rows need and that leave enough room for the titles.

        The source has a column only where no title and no version is shortened for it.
        """
        every = [row for row in shown if row.key is not None]
        entries = [row.entry for row in every if row.entry]
        version = max((cells(entry.version) for entry in entries), default=0)
        source = max((cells(entry.source) for entry in entries), default=0)
        longest = max((cells(entry.title) for entry in entries), default=0)
        room = width - _LEFT - verdict_width() - 2
        version = min(version, 28)
        if room - min(longest, _LONG_TITLE) - (version + 2 if version else 0) < source + 2:
            source = 0
        version = min(version, max(0, room - min(longest, _SHORT_TITLE) - 2))
        if version < 8:
            version = 0
        room -= min(longest, _LONG_TITLE) + (version + 2 if version else 0) + (source + 2 if source else 0)
        default = any(entry.mark for entry in entries) and room >= Mark.width() + 2
        columns = cls(version=version, source=source, default=default)
        return replace(columns, texts=_texts(every, columns, width))

    def title_beside(self, row: Row) -> str:
        """Return the title of a row to show beside or below the list: with the version only if the row itself does
        not show all of it."""
        if row.entry is None:
            return row.name
        _title, version = self.texts.get(row.key or "", ("", ""))
        return row.entry.distinct(row.entry.title) if version == row.entry.version else row.name

    def room(self, width: int, *, version: bool) -> int:
        """Return the columns for a title. version: whether the row shows a version after it."""
        used = self.version + 2 if version else 0
        used += self.source + 2 if self.source else 0
        used += Mark.width() + 2 if self.default else 0
        return max(0, width - _LEFT - verdict_width() - 2 - used)


def _texts(listed: Sequence[Row], columns: Columns, width: int) -> dict[str, tuple[str, str]]:
    """Return the value of Columns.texts for these rows."""
    entries = [(row.key, row.entry) for row in listed if row.key is not None and row.entry]
    versions = abridged(tuple(entry.version if columns.version else "" for _, entry in entries), columns.version)
    shown = [
        (entry.title if columns.version else entry.full_title, version, entry.source if columns.source else "")
        for (_, entry), version in zip(entries, versions, strict=True)
    ]
    counts = Counter(shown)
    result: dict[str, tuple[str, str]] = {}
    for with_version in (False, True):  # titles without a version after them have more room
        some = [
            (key, entry.distinct(words[0]) if counts[words] > 1 else words[0], words[1])
            for (key, entry), words in zip(entries, shown, strict=True)
            if bool(words[1]) is with_version
        ]
        short = abridged(tuple(title for _, title, _ in some), columns.room(width, version=with_version))
        result |= {key: (title, version) for (key, _, version), title in zip(some, short, strict=True)}
    problems = [(row.key, _problem_text(row.problem)) for row in listed if row.key is not None and row.problem]
    texts, room = tuple(text for _, text in problems), width - _LEFT - verdict_width() - 2
    short = tuple(cut(text, room) for text in texts)  # the beginning of a sentence matters most
    if len(set(short)) < len(set(texts)):
        short = abridged(texts, room)
    result |= {key: (text, "") for (key, _), text in zip(problems, short, strict=True)}
    return result


def _problem_text(problem: Problem) -> str:
    path = f"{clean(problem.path, 300)}: " if problem.path else ""
    return path + clean(localized(problem.message), 300)


_SHORT_TITLE, _LONG_TITLE = 30, 48
"""Columns that a title gets before the version is shortened, and before the source has a column."""
_LEFT = 5  # marker, blank, number, mark of the default, blank


class Rows(tuple[Row, ...]):
    """The rows of the menu, which know their columns."""

    _measured: tuple[int, Columns] | None = None

    def columns(self, width: int) -> Columns:
        """Return the columns for a list of this width; they are measured anew only for another one."""
        if self._measured is None or self._measured[0] != width:
            self._measured = width, Columns.of(self, width)
        return self._measured[1]

    def spaced(self, height: int) -> Rows:
        """Return the rows with a blank one before each partition but the first, unless they are then too many for the
        height."""
        starts = {index for index, row in enumerate(self) if row.heading and index}
        if not starts or len(self) + len(starts) > height:
            return self
        blank = Row(None)
        rows = Rows(each for index, row in enumerate(self) for each in ((blank, row) if index in starts else (row,)))
        rows._measured = self._measured
        return rows


class EntryList:
    """Makes the rows of one menu, again and again: each key of a filter among thousands of entries waits for them.

    The texts of an entry are made once, and all rows are kept until one of them changes: they are back at once when a
    filter is removed.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        """settings: they decide what starts automatically."""
        self._settings = settings or Settings()
        self._texts: dict[str, EntryTexts] = {}
        """The texts of each entry, by its id, before they are told apart."""
        self._made: dict[bool, tuple[object, Rows]] = {}
        """The last rows with folds, and without, each after what they were made of."""

    def forget(self) -> None:
        """Make every row anew when it is next asked for, in the language that is in use then."""
        self._texts, self._made = {}, {}

    def rows(
        self,
        results: ScanResults,
        state: State | None = None,
        filter_text: str = "",
        *,
        unfolded: Container[str] | None = frozenset(),
    ) -> Rows:
        """Return each partition with its entries and problems, or a note that it has none.

        The snapshots of a system are one row; what starts automatically is listed as usual. state: remembered
        defaults and boots. filter_text: words; only entries that match all of them are listed, with the numbers that
        they have without it, and nothing is folded. unfolded: keys of rows under which the entries are listed, too;
        None for no such rows, but all entries at their places.
        """
        state = state or State()
        if words := filter_text.lower().split():
            return Rows(_matching_rows(self.rows(results, state, unfolded=None), words))
        parts = [(group.device, group.done, tuple(group.listings), tuple(group.problems)) for group in results.groups]
        made_of = (state, unfolded, results.finished, parts)
        before, rows = self._made.get(unfolded is None, (None, Rows()))
        if before != made_of:
            rows = Rows(self._all_rows(results, state, unfolded))
            self._made[unfolded is None] = made_of, rows
        return rows

    def _all_rows(self, results: ScanResults, state: State, unfolded: Container[str] | None) -> list[Row]:
        """Return the rows without a filter."""
        listed: list[Row] = []
        number = 0
        groups = results.groups
        found = self._entry_texts(results, state)
        texts = iter(distinct_texts(found))
        partition = ""
        folded: dict[str, list[EntryTexts]] = {}
        for group in groups:
            if partition != (partition := outermost(group.device).name):
                listed += _folds(folded, unfolded or ())
                folded = {}
            entries = [next(texts) for _ in group.listings]
            alone = _fold(entries, group, folded)
            shown = entries if unfolded is None else alone
            if not shown and is_quiet(group.device) and not group.problems:
                continue
            listed.append(Row(None, _title(group.device), heading=True))
            places = {id(entry): number + place for place, entry in enumerate(alone, 1)}
            number += len(alone)
            listed += [_entry_row(entry, places.get(id(entry), 0)) for entry in shown]
            listed += [Row(f"problem {problem}", problem=problem) for problem in group.problems]
            if not group.listings and not group.problems:
                listed.append(Row(None, _empty_text(group)))
        if unfolded is not None:
            listed += _folds(folded, unfolded)
        if not listed and results.finished:
            listed.append(Row(None, _("No partition was found. Plug a medium in and press r.")))
        return listed

    def _entry_texts(self, results: ScanResults, state: State) -> list[EntryTexts]:
        """Return the texts of all entries, the same objects as before where nothing has changed."""
        listings = list(results.listings)
        marked = marks(listings, state, self._settings, finished=results.finished)
        found: list[EntryTexts] = []
        for listing in listings:
            known = self._texts.get(listing.entry.id)
            known = known if known and known.listing is listing else None
            found.append(entry_texts(listing, state, known, mark=mark_of(listing, marked)))
        self._texts = {entry.listing.entry.id: entry for entry in found}
        return found


def _matching_rows(rows: Iterable[Row], words: Sequence[str]) -> list[Row]:
    """Return the entries with these words, below their partitions."""
    listed: list[Row] = []
    heading, missing = Row(None), True
    for row in rows:
        if row.heading:
            heading, missing = row, True
        elif row.listing is not None and matches(row.listing, heading.text, words):
            listed += [heading, row] if missing else [row]
            missing = False
    return listed or [Row(None, _("No entry has these words."))]


def entry_key(entry_id: str) -> str:
    """Return the key of an entry's row."""
    return f"entry {entry_id}"


def _entry_row(entry: EntryTexts, number: int = 0, *, within: str = "") -> Row:
    """Return the row of an entry. number: its place in the list, from 1; there are keys for nine."""
    return Row(entry_key(entry.listing.entry.id), entry=entry, number=number if number <= 9 else 0, within=within)


def _fold(entries: Sequence[EntryTexts], group: Group, folded: dict[str, list[EntryTexts]]) -> list[EntryTexts]:
    """Move the entries of snapshots into `folded`, by the key of their row; return the others."""
    alone: list[EntryTexts] = []
    for entry in entries:
        key = fold_key(entry.listing, group.device)
        (folded.setdefault(key, []) if key and not entry.mark else alone).append(entry)
    return alone


def _folds(folded: Mapping[str, Sequence[EntryTexts]], unfolded: Container[str]) -> Iterator[Row]:
    """Yield the row of each group of snapshots, and below it its entries if it is unfolded."""
    for key, entries in folded.items():
        is_open = key in unfolded
        yield Row(key, fold=Fold.of([entry.listing for entry in entries], is_open=is_open))
        for entry in entries if is_open else ():
            yield _entry_row(entry, within=key)


def matches(listing: Listing, partition: str, words: Sequence[str]) -> bool:
    """Return whether each of the words occurs in the entry's row, in its heading (partition) or in its verdict.

    words: in lower case.
    """
    entry = listing.entry
    text = f"{name(entry)} {entry.version} {entry.source} {partition}".lower()
    left = [word for word in words if word not in text]
    if not left:
        return True
    text = _verdict_texts()[listing.report.verdict]
    if awaited(listing):
        text = f"{text} {verdict_of(listing).text} {sentence_of(listing).text}".lower()
    return all(word in text for word in left)


@for_each_language
def _verdict_texts() -> dict[Severity, str]:
    """Return the words by which entries of each verdict are found."""
    return {
        severity: f"{words.sign} {_(words.word)} {_(words.sentence)} {severity}".lower()
        for severity, words in WORDS.items()
    }


_ATTACHED = {Bus.SD: N_("SD card"), Bus.USB: N_("USB"), Bus.EXTERNAL: N_("external")}
"""How a partition is connected, unless its disk is built in."""


def _title(device: Device) -> str:
    if not device.name:
        return _("this machine")
    title, attached = clean(device.title, 200), _ATTACHED.get(device.place.bus)
    return f"{title} · {_(attached)}" if attached else title


def _empty_text(group: Group) -> str:
    return _("nothing to start here: no boot configuration, no kernel") if group.done else _("reading")


def row_line(row: Row, columns: Columns, width: int, *, selected: bool) -> Line:
    """Return a row as a line that is as wide as the list."""
    if row.heading:
        return Line((Span(" "), Span(fit(row.text, width - 2), Style.HEADING)))
    if row.entry is not None:
        return _entry(row, row.entry, columns, width, selected=selected)
    if row.fold is not None:
        marker = "▶" if selected else " "
        sign = Span(fit(row.fold.sign, verdict_width()), Style.KEY)
        text = fit(row.fold.text(room := width - _LEFT - verdict_width() - 2), room)
        return Line((Span(fit(marker, _LEFT)), sign, Span(" "), Span(text), Span(" ")), selected)
    if row.problem is not None:
        marker = "▶" if selected else " "
        text, _version = columns.texts.get(row.key or "", (_problem_text(row.problem), ""))
        text = fit(text, width - _LEFT - verdict_width() - 2)
        spans = (
            Span(fit(marker, _LEFT)),
            skip(),
            Span(" "),
            Span(text, Style.DIM),
        )
        return Line((*spans, Span(" ")), selected)
    return Line((Span(" " * _LEFT), Span(fit(row.text, width - _LEFT), Style.DIM))) if row.text else BLANK


def _entry(row: Row, entry: EntryTexts, columns: Columns, width: int, *, selected: bool) -> Line:
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
    """Return the indices of the rows that can be selected."""
    return [index for index, row in enumerate(listed) if row.key is not None]
