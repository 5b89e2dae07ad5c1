# SPDX-License-Identifier: MIT
"""The texts of an entry's row. entry_list.py lays them out in columns, plain_list.py in lines of the plain menu."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from bootmenu.bootstate.state import State
from bootmenu.config.settings import Settings
from bootmenu.discovery.scan_events import Listing
from bootmenu.i18n import N_, _
from bootmenu.model.closed_set import StrEnum
from bootmenu.model.entry import BootEntry
from bootmenu.model.value import Value, field, replace
from bootmenu.session.autoboot import choose
from bootmenu.terminal.cells import cells, clean
from bootmenu.view.styled_text import Span
from bootmenu.view.wording import name, verdict_of, word


class Mark(StrEnum):
    """The mark of what starts automatically: in the last column, or as a sign if it has no room. No two entries have
    the same one."""

    NEXT = N_("next")
    """It starts the next time only."""
    STARTS = N_("starts")
    """It starts if nobody chooses, except for the next time if another entry has NEXT."""

    @classmethod
    def width(cls) -> int:
        """Return the columns of the longest mark."""
        return max(cells(_(mark)) for mark in cls)

    @property
    def sign(self) -> str:
        """Return the sign that stands for the mark if there is no room for its column."""
        return "→" if self is Mark.NEXT else "*"


class EntryTexts(Value):
    """The texts of an entry's row, safe to print on a terminal."""

    listing: Listing
    mark: Mark | None = None
    lost: bool = False
    """Whether its last boot did not complete."""
    extra: str = ""
    """What distinguishes it from entries of the same title and version; empty if there are none."""
    # the three that follow are stored, not computed: the list measures thousands of them at each change
    title: str = field(init=False)
    version: str = field(init=False)
    """The version; empty if the title contains it."""
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
        """Return title, version and `extra`, which together are unique in the list."""
        return self.distinct(self.full_title)

    def distinct(self, text: str) -> str:
        """Return the text with `extra` appended, if there is one."""
        return f"{text} ({self.extra})" if self.extra else text


def entry_texts(
    listing: Listing, state: State | None = None, known: EntryTexts | None = None, *, mark: Mark | None = None
) -> EntryTexts:
    """Return the row of an entry. state: the remembered boots, if any.

    known: its row so far, which is returned if it still holds.
    """
    lost = state is not None and state.lost_at(listing.entry.id) is not None
    if known is not None and known.mark is mark and known.lost is lost:
        return known
    return EntryTexts(listing, mark=mark, lost=lost)


Marks = Sequence[tuple[Listing, Mark]]


def marks(listings: Sequence[Listing], state: State, settings: Settings, *, finished: bool) -> Marks:
    """Return the entries that have a mark: what starts automatically the next time, if that was chosen, and what
    starts otherwise. Without the mark that an entry which is still being read may take."""
    found: list[tuple[Listing, Mark]] = []
    following = state
    if state.once is not None:
        following = state.without_once(state.once)
        once = choose(listings, state, settings, finished=finished)
        if once.final and once.listing is not None and once.listing.entry.id == state.once:
            found.append((once.listing, Mark.NEXT))
    always = choose(listings, following, settings, finished=finished)
    if always.final and always.listing is not None and all(always.listing is not listing for listing, _mark in found):
        found.append((always.listing, Mark.STARTS))
    return found


def mark_of(listing: Listing, marked: Marks) -> Mark | None:
    """Return the mark of an entry, if it has one."""
    return next((mark for owner, mark in marked if owner is listing), None)


def distinct_texts(listed: Sequence[EntryTexts]) -> list[EntryTexts]:
    """Return the rows with `extra` set where entries share title and version, so that no two names are the same."""
    extras = _extras([row.full_title for row in listed], [row.listing.entry for row in listed])
    return [replace(row, extra=extra) if extra else row for row, extra in zip(listed, extras, strict=True)]


def unique_titles(entries: Sequence[BootEntry]) -> list[str]:
    """Return the titles of the entries, in which equal ones are followed by what tells them apart."""
    extras = _extras([entry.name for entry in entries], entries)
    titles = [
        f"{entry.name} ({extra})" if extra else entry.name for entry, extra in zip(entries, extras, strict=True)
    ]
    taken, numbers = Counter(titles), Counter[str]()
    for index, title in enumerate(titles):
        while taken[titles[index]] > 1:  # a configuration can have any title, even one of these
            taken[titles[index]] -= 1
            numbers[title] += 1
            titles[index] = f"{title} #{numbers[title]}"
            taken[titles[index]] += 1
    return titles


_MAX_CMDLINE = 4096  # characters of a kernel command line, the most that any kernel takes
_MAX_EXTRA = 60


def _extras(texts: Sequence[str], entries: Sequence[BootEntry]) -> list[str]:
    """Return for each entry what tells it apart from those with the same text; empty if there are none."""
    extras = [""] * len(entries)
    for group in _equal(texts, range(len(entries))):
        for index, extra in zip(group, _distinctions([entries[index] for index in group]), strict=True):
            extras[index] = extra
    return extras


def _equal(texts: Sequence[str], indexes: Iterable[int]) -> Iterator[list[int]]:
    """Yield the indexes of texts that occur more than once, those of each text together."""
    groups: dict[str, list[int]] = {}
    for index in indexes:
        groups.setdefault(texts[index], []).append(index)
    return (group for group in groups.values() if len(group) > 1)


def _distinctions(entries: Sequence[BootEntry]) -> list[str]:
    """Return a text for each entry, no two the same.

    As in systemd-boot (src/boot/boot.c:generate_boot_entry_titles), entries that are still the same get the version,
    then the start of the machine-id, then the name of the configuration file; here also the partition, the kernel
    parameters that not all of them have, the kernel's path, and at last a number. What is the same in all of them is
    left out.
    """
    cmdlines = [dict.fromkeys(entry.cmdline.text[:_MAX_CMDLINE].split()) for entry in entries]
    common = set(cmdlines[0]).intersection(*cmdlines[1:])
    kinds = (
        [entry.version for entry in entries],
        [entry.machine_id[:_MACHINE_ID] for entry in entries],
        [entry.config.path.rpartition("/")[2] if entry.config else "" for entry in entries],
        [entry.device for entry in entries],
        [" ".join(word for word in cmdline if word not in common) for cmdline in cmdlines],
        [entry.kernel.path for entry in entries],
        [f"#{number}" for number, _entry in enumerate(entries, 1)],
    )
    texts = [""] * len(entries)
    for kind in kinds:
        for group in list(_equal(texts, range(len(entries)))):
            cleaned = {index: clean(kind[index], _MAX_EXTRA) for index in group}
            if len(set(cleaned.values())) > 1:
                for index, text in cleaned.items():
                    texts[index] = ", ".join(filter(None, (texts[index], text)))
    return texts


_MACHINE_ID = 8  # digits that systemd-boot shows
