# SPDX-License-Identifier: MIT
"""The rows of the menu: partitions, their entries, and what could not be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from bootmenu.bootstate.state import State
from bootmenu.discovery.devices import Device
from bootmenu.discovery.scan_events import Listing
from bootmenu.i18n import N_, _, localized
from bootmenu.model.entry import BootEntry, Problem
from bootmenu.model.place import Bus
from bootmenu.model.value import Value, field, replace
from bootmenu.session.scan_results import Group, ScanResults
from bootmenu.terminal.cells import cells, clean, cut, fit
from bootmenu.view.abridge import abridged
from bootmenu.view.styled_text import Line, Span, Style, clip
from bootmenu.view.wording import WORDS, name, sentence_of, skip, verdict_of, verdict_width, with_version


class Row(Value):
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
    extra: str = ""
    """What tells an entry from others of its title and version; empty = there is none."""
    name: str = field(init=False)
    """The title of an entry, fit for a screen, as what follows; thousands are measured again and again."""
    version: str = field(init=False)
    """Its version; empty where the title has it."""

    def __post_init__(self) -> None:
        title, version = (name(self.listing), clean(self.listing.entry.version, 60)) if self.listing else ("", "")
        object.__setattr__(self, "name", title)
        object.__setattr__(self, "version", "" if version in title else version)

    @property
    def full_name(self) -> str:
        """Return title and version."""
        return with_version(self.name, self.version)

    @property
    def title(self) -> str:
        """Return the whole name of an entry, which no other one has."""
        return _with(self.full_name, self.extra)


class Mark(StrEnum):
    """What stands in the last column; the first that holds."""

    NEXT = N_("next")
    """The default of the next boot only."""
    DEFAULT = N_("default")

    @classmethod
    def width(cls) -> int:
        """Columns of the longest."""
        return max(cells(_(mark)) for mark in cls)

    @property
    def sign(self) -> str:
        """Where there is no room for the column."""
        return "→" if self is Mark.NEXT else "*"


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
        shown = [row for row in every if row.listing]
        listings = [row.listing for row in shown if row.listing]
        version = max((cells(row.version) for row in shown), default=0)
        source = max((cells(clean(listing.entry.source, 20)) for listing in listings), default=0)
        titles = min(30, max((cells(row.name) for row in shown), default=0))
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
        default = any(row.mark for row in shown) and room >= Mark.width() + 2
        columns = cls(version=version, source=source, default=default)
        return replace(columns, texts=_texts(every, columns, width))

    def room(self, width: int, *, version: bool) -> int:
        """Return the columns of a title. version: there is one beside it."""
        used = self.version + 2 if version else 0
        used += self.source + 2 if self.source else 0
        used += Mark.width() + 2 if self.default else 0
        return max(0, width - _LEFT - verdict_width() - 2 - used)


def _with(text: str, extra: str) -> str:
    return f"{text} ({extra})" if extra else text


def _texts(listed: Sequence[Row], columns: Columns, width: int) -> dict[str, tuple[str, str]]:
    """See Columns.texts."""
    entries = [(row.key, row, row.listing.entry.source) for row in listed if row.key is not None and row.listing]
    versions = abridged(tuple(row.version if columns.version else "" for _, row, _ in entries), columns.version)
    said = [
        (row.name if columns.version else row.full_name, version, source if columns.source else "")
        for (_, row, source), version in zip(entries, versions, strict=True)
    ]
    counts = Counter(said)
    found: dict[str, tuple[str, str]] = {}
    for beside in (False, True):
        some = [
            (key, _with(words[0], row.extra) if counts[words] > 1 else words[0], words[1])
            for (key, row, _), words in zip(entries, said, strict=True)
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


_LONGEST_LINE = 4096  # characters of a command line, as long as any kernel takes
_LONGEST_EXTRA = 60


def _told_apart(listed: list[Row]) -> list[Row]:
    """Return the rows, with Row.extra."""
    alike: dict[str, list[BootEntry]] = {}
    for row in listed:
        if row.listing is not None:
            alike.setdefault(row.full_name, []).append(row.listing.entry)
    extras: dict[str, str] = {}
    for group in alike.values():
        if len(group) > 1:
            extras |= zip((entry.id for entry in group), _apart(group), strict=True)
    if not extras:
        return listed
    return [replace(row, extra=extras.get(row.listing.entry.id, "")) if row.listing else row for row in listed]


def _apart(entries: Sequence[BootEntry]) -> list[str]:
    """Return a text for each, no two of which are the same.

    As systemd-boot goes about it (src/boot/boot.c:generate_boot_entry_titles), the file of the configuration comes
    first; then the partition, the words of the command line that not all of them have, and the kernel.
    """
    lines = [dict.fromkeys(entry.cmdline.text[:_LONGEST_LINE].split()) for entry in entries]
    common = set(lines[0]).intersection(*lines[1:])
    kinds = [
        [clean(text, _LONGEST_EXTRA) for text in texts]
        for texts in (
            [entry.config.path.rpartition("/")[2] if entry.config else "" for entry in entries],
            [entry.device for entry in entries],
            [" ".join(word for word in line if word not in common) for line in lines],
            [entry.kernel.path for entry in entries],
        )
    ]
    for texts in kinds:
        if len(set(texts)) == len(entries):
            return texts
    kinds = [texts for texts in kinds if len(set(texts)) > 1]
    texts = [", ".join(filter(None, row)) for row in zip(*kinds, strict=True)] or [""] * len(entries)
    counts, seen = Counter(texts), Counter[str]()
    for index, text in enumerate(texts):
        if counts[text] > 1:
            seen[text] += 1
            texts[index] = ", ".join(filter(None, (text, f"#{seen[text]}")))
    return texts


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
    elif not listed and results.finished:
        listed.append(Row(None, _("No partition was found. Plug a medium in and press r.")))
    return _told_apart(listed)


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
    if row.listing is not None:
        return _entry(row, row.listing, columns, width, selected=selected)
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


def _entry(row: Row, listing: Listing, columns: Columns, width: int, *, selected: bool) -> Line:
    entry = listing.entry
    marker = "▶" if selected else " "
    number = str(row.number) if row.number else " "
    right: list[Span] = []
    title, version = columns.texts.get(row.key or "", (row.full_name, ""))
    if version:
        right.append(Span("  " + fit(version, columns.version), Style.TEXT))
    if columns.source:
        right.append(Span("  " + fit(clean(entry.source, 20), columns.source), Style.DIM))
    if columns.default:
        right.append(Span("  " + fit(_(row.mark) if row.mark else "", Mark.width()), Style.STRONG))
    title = fit(title, columns.room(width, version=bool(version)))
    left = (
        Span(f"{marker} "),
        Span(number, Style.DIM),
        Span("! ", Style.WARN)
        if row.lost
        else Span(f"{row.mark.sign} " if row.mark and not columns.default else "  "),
        verdict_of(listing),
        Span(" "),
        Span(title, Style.STRONG if row.mark else Style.TEXT),
    )
    return Line(clip((*left, *right, Span(" ")), width), selected)


def selectable(listed: Sequence[Row]) -> list[int]:
    """Indices of the rows on which the cursor may stand."""
    return [index for index, row in enumerate(listed) if row.key is not None]
