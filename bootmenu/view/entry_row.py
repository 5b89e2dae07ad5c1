# SPDX-License-Identifier: MIT
"""The parts of an entry's row, which every front end places in its own columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum

from bootmenu.bootstate.state import State
from bootmenu.discovery.scan_events import Listing
from bootmenu.i18n import N_, _
from bootmenu.model.entry import BootEntry
from bootmenu.model.value import Value, field, replace
from bootmenu.terminal.cells import cells, clean
from bootmenu.view.styled_text import Span
from bootmenu.view.wording import name, verdict_of, word


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


class EntryRow(Value):
    """What is said of an entry in a row, fit for a screen."""

    listing: Listing
    mark: Mark | None = None
    lost: bool = False
    """It was started, and never came back since."""
    extra: str = ""
    """What tells it from others of its title and version; empty if nothing is needed."""
    title: str = field(init=False)
    """Kept, as what follows: thousands are measured again and again."""
    version: str = field(init=False)
    """Empty where the title has it."""
    source: str = field(init=False)

    def __post_init__(self) -> None:
        entry, title = self.listing.entry, name(self.listing.entry)
        version = clean(entry.version, 100)
        object.__setattr__(self, "title", title)
        object.__setattr__(self, "version", "" if version in title else version)
        object.__setattr__(self, "source", clean(entry.source, 20))

    @property
    def sign(self) -> str:
        """Return the sign of the mark, or a blank."""
        return self.mark.sign if self.mark else " "

    @property
    def verdict(self) -> Span:
        """Return the sign and the word of the verdict, as wide as its column."""
        return verdict_of(self.listing)

    @property
    def word(self) -> str:
        """Return the word of the verdict alone."""
        return word(self.listing.report.verdict)

    @property
    def full_title(self) -> str:
        """Return title and version."""
        return f"{self.title}, {self.version}" if self.version else self.title

    @property
    def name(self) -> str:
        """Return title, version, and what tells the entry from others: no other one has the same."""
        return self.distinct(self.full_title)

    def distinct(self, text: str) -> str:
        """Return the text with what tells the entry from others."""
        return f"{text} ({self.extra})" if self.extra else text


def entry_row(listing: Listing, state: State | None = None) -> EntryRow:
    """Return the parts of one row. state: what is remembered; None = nothing is."""
    state = state or State()
    return EntryRow(listing, mark=_mark(listing, state), lost=state.lost_at(listing.entry.id) is not None)


def _mark(listing: Listing, state: State) -> Mark | None:
    if listing.entry.id == state.once:
        return Mark.NEXT
    default = listing.entry.default if state.default is None else listing.entry.id == state.default
    return Mark.DEFAULT if default else None


def distinct_names(listings: Iterable[Listing]) -> dict[str, str]:
    """Return the names of entries, no two of which are the same, by their ids."""
    listed = [entry_row(listing) for listing in listings]
    found = extras(listed)
    return {row.listing.entry.id: replace(row, extra=found.get(row.listing.entry.id, "")).name for row in listed}


_LONGEST_LINE = 4096  # characters of a command line, as long as any kernel takes
_LONGEST_EXTRA = 60


def extras(listed: Sequence[EntryRow]) -> dict[str, str]:
    """Return what tells entries of one title and version apart, by their ids."""
    alike: dict[str, list[BootEntry]] = {}
    for row in listed:
        alike.setdefault(row.full_title, []).append(row.listing.entry)
    found: dict[str, str] = {}
    for group in alike.values():
        if len(group) > 1:
            found |= zip((entry.id for entry in group), _apart(group), strict=True)
    return found


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
