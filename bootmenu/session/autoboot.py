# SPDX-License-Identifier: MIT
"""Which entry starts by itself, and when. Pure: knows no disk, no screen and no clock."""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Iterator, Sequence
from enum import Enum, auto
from typing import TYPE_CHECKING

from bootmenu.config.settings import FIRST_STAGE_SECONDS, Profile
from bootmenu.i18n import N_, Message
from bootmenu.model.finding import Severity
from bootmenu.model.place import Bus
from bootmenu.model.value import Value, replace

if TYPE_CHECKING:
    from bootmenu.bootstate.state import State
    from bootmenu.config.settings import Settings
    from bootmenu.config.settings_layers import Loaded
    from bootmenu.discovery.scan_events import Listing


class Choice(Value, kw_only=True):
    """What would start, as far as is known."""

    listing: Listing | None = None
    """None = nothing starts by itself."""
    final: bool = False
    """Nothing that is still being read can change it."""
    why: str = ""
    """A Message where it is not simply the default: why another one is taken, or none."""


class _Origin(Enum):
    """Why an entry is the one to start."""

    ONCE = auto()
    DEFAULT = auto()
    FIRST = auto()


class _Wanted(Value):
    """Entries that somebody wants, best first. named: by a person, for this machine."""

    listings: tuple[Listing, ...]
    origin: _Origin
    named: bool
    once: bool = False
    exact: bool = False
    """By its id, and not by a pattern or a configuration."""
    disks: frozenset[str] = frozenset()
    """Listing.disks of when it was chosen, where that is remembered."""


def choose(listings: Sequence[Listing], state: State, settings: Settings, *, finished: bool) -> Choice:
    """The entry that starts by itself. listings: in the order of the menu. finished: all that answers has been read.

    The first of these that is there is the default: the one for the next boot only, the setting's (a pattern takes
    the first that matches), the one that was made the default in the menu, that of the first partition whose
    configuration names one, the first of the list. It is not started when its verdict is fail, when it has no try
    left or never came back, or when it is on a disk that has no say here; then it is the next one behind it that can
    be, going on from the top after the end.

    `warn` starts: somebody saw the warning when the machine was set up, and a machine that waits for a key is worse.
    `unknown` says that nothing speaks against an entry but not all could be looked at. That is enough for a default
    that was named, and for a stand-in only where no entry has a better verdict. A choice for the next boot is a
    person's own: it is tried although the entry was lost before.

    What has no command line, or one that is known in part only, never starts by itself, whoever chose it: a kernel
    that knows no root stops where nobody may be there to see it.

    A disk has a say when it was there when the default was made, and, where nobody has named the entry, when no other
    disk with entries is further inside the machine: a stick, or a backup in a USB case, decides nothing.
    """
    home = _Home.of(listings, state, settings)
    wanted = next(_wanted(listings, home, state, settings), None)
    missing = _missing(listings, state, settings) if finished else ""
    if wanted is None:
        return Choice(final=finished, why=N_("There is no entry that could be started.") if finished else "")
    default = wanted.listings[0]
    against = home.misplaced(default, wanted) or _against(default, state, once=wanted.once)
    if against is None and (wanted.named or default.report.verdict is not Severity.UNKNOWN):
        sure = finished or (wanted.named and not _waits_for_better(listings, state, settings))
        return Choice(listing=default, final=sure, why=missing)
    start = listings.index(default) + 1
    others = [
        listing
        for listing in (*listings[start:], *listings[: start - 1])
        if home.misplaced(listing) is None and _against(listing, state) is None
    ]
    good = [listing for listing in others if listing.report.verdict is not Severity.UNKNOWN]
    if against is None:  # nobody named it, and nothing is better: then it is the first of the list that is taken
        return Choice(listing=(good or [default])[0], final=finished, why=missing)
    stand_in = next(iter(good or others), None)
    if stand_in is None:
        return Choice(final=finished, why=_none_instead(wanted.origin, against) if finished else "")
    return Choice(listing=stand_in, final=finished, why=_next_instead(wanted.origin, against))


class Chooser:
    """Chooses again and again while disks come and go, and stays with the first answer that is final.

    What is plugged in during the countdown changes nothing. Only a slow disk may: the one with the entry that
    somebody named by its id, or one inside the machine where so far only disks outside of it had entries. An entry
    that is taken away is passed over, and is the choice again when it is back.
    """

    def __init__(self) -> None:
        self._kept: Choice | None = None

    def choose(self, listings: Sequence[Listing], state: State, settings: Settings, *, finished: bool) -> Choice:
        """See `choose`. state and settings are the same each time."""
        choice, kept = choose(listings, state, settings, finished=finished), self._kept
        if kept is None or kept.listing is None:
            self._kept = choice if choice.final else None
            return choice
        was = kept.listing
        # a copy has the same id
        same = (found for found in listings if (found.entry.id, found.disks) == (was.entry.id, was.disks))
        found = next(same, None)
        wanted = choice.listing is not None and _is_named(choice.listing, was, state, settings)
        if found is None or found.report.verdict is Severity.FAIL:
            if wanted or choice.listing is None:
                return choice
            name = _name(was)
            against = N_("{name} cannot be started here", name=name)
            if found is None:
                against = N_("{name} is not there any more", name=name)
            return replace(choice, why=_next_instead(_Origin.DEFAULT, against))
        if choice.listing is not None and choice.listing is not found:
            inside = choice.listing.rank == Bus.INTERNAL.rank < found.rank
            if wanted or (inside and was.entry.id not in (state.once, settings.default, state.default)):
                self._kept = choice
                return choice
        return replace(kept, listing=found)


def _is_named(listing: Listing, was: Listing, state: State, settings: Settings) -> bool:
    """Return whether somebody has named it: for the next boot, as the default, or in the settings, whose pattern may
    mean what was chosen before as well."""
    found, before = listing.entry.id, was.entry.id
    pattern = settings.default or ""
    by_pattern = fnmatch.fnmatchcase(found, pattern) and not fnmatch.fnmatchcase(before, pattern)
    return found in (state.once, settings.default, state.default) or by_pattern


class _Home(Value, kw_only=True):
    """Which disks have a say in what starts by itself."""

    rank: float
    """Of the disks furthest inside the machine that offer anything: nothing further outside stands in for them."""
    default: frozenset[str]
    """Those of the entry that was made the default."""
    there: frozenset[str]
    """Those that were there then; empty = none was made."""

    @classmethod
    def of(cls, listings: Sequence[Listing], state: State, settings: Settings) -> _Home:
        """From what is there, and what is remembered. In a kiosk every place has been named."""
        ranks = (listing.rank for listing in listings)
        rank = math.inf if settings.profile is Profile.KIOSK else min(ranks, default=0)
        return cls(rank=rank, default=frozenset(state.default_disks), there=frozenset(state.disks))

    def misplaced(self, listing: Listing, wanted: _Wanted | None = None) -> Message | None:
        """Return why an entry does not start automatically from its disk; None = it may. wanted: who wants it."""
        name = _name(listing)
        outside = N_("{name} is on a disk outside of the machine", name=name)
        if any(place.late for place in listing.places):
            return N_("{name} is on a disk that was plugged in later", name=name)
        if wanted is not None and wanted.exact:
            if wanted.disks:
                moved = N_("{name} is on another disk than when it was chosen", name=name)
                return moved if wanted.disks != listing.disks else None
            # its id says where its own partition is, and nothing of those that its files are on
            own = listing.places[0].rank if listing.places else listing.rank
            return outside if listing.rank > max(own, self.rank) else None
        if listing.disks and listing.disks <= self.default:
            return None
        if self.there and not listing.disks <= self.there:
            return N_("{name} is on a disk that was not there when the default was made", name=name)
        return outside if listing.rank > self.rank else None


def _wanted(listings: Sequence[Listing], home: _Home, state: State, settings: Settings) -> Iterator[_Wanted]:
    # what a disk without a say wants is looked at only where nobody else wants anything
    able = [listing for listing in listings if home.misplaced(listing) is None] or list(listings)
    once = tuple(_with_id(listings, state.once))
    if once:
        yield _Wanted(once, _Origin.ONCE, named=True, once=True, exact=True, disks=frozenset(state.once_disks))
    if settings.default is not None:
        exact = _is_exact(settings.default)
        if set_here := tuple(_matching(listings if exact else able, settings.default)):
            yield _Wanted(set_here, _Origin.DEFAULT, named=True, exact=exact)
    if made := tuple(_with_id(listings, state.default)):
        yield _Wanted(made, _Origin.DEFAULT, named=True, exact=True, disks=home.default)
    if configured := tuple(listing for listing in able if listing.entry.default):
        yield _Wanted(configured, _Origin.DEFAULT, named=True)
    if able:
        yield _Wanted(tuple(able), _Origin.FIRST, named=False)


def _is_exact(pattern: str) -> bool:
    return not set("*?[") & set(pattern)


def _with_id(listings: Sequence[Listing], entry: str | None) -> Iterator[Listing]:
    return (listing for listing in listings if listing.entry.id == entry)


def _matching(listings: Sequence[Listing], pattern: str | None) -> Iterator[Listing]:
    return (listing for listing in listings if fnmatch.fnmatchcase(listing.entry.id, pattern or ""))


def _waits_for_better(listings: Sequence[Listing], state: State, settings: Settings) -> bool:
    """Whether something that is still being read would come before what is wanted now."""
    if state.once is not None:
        return not any(_with_id(listings, state.once))
    if settings.default is not None:
        # a pattern takes the first that matches, and a partition above may still come
        return not (_is_exact(settings.default) and any(_matching(listings, settings.default)))
    return state.default is None or not any(_with_id(listings, state.default))


def _missing(listings: Sequence[Listing], state: State, settings: Settings) -> str:
    """That a default which was named is not there."""
    if state.once is not None and not any(_with_id(listings, state.once)):
        return N_("The entry for this boot, {entry}, is not there.", entry=state.once)
    if settings.default is not None and not any(_matching(listings, settings.default)):
        return N_("The default, {entry}, is not there.", entry=settings.default)
    if settings.default is None and state.default is not None and not any(_with_id(listings, state.default)):
        return N_("The default, {entry}, is not there.", entry=state.default)
    return ""


def _against(listing: Listing, state: State, *, once: bool = False) -> Message | None:
    """Return why an entry does not start automatically; None = it may."""
    name = _name(listing)
    if listing.report.verdict is Severity.FAIL:
        return N_("{name} cannot be started here", name=name)
    cmdline = listing.entry.cmdline
    if not cmdline.text.strip():
        return N_("{name} has no command line", name=name)
    if variables := cmdline.variables:
        return N_(
            "{name} has {variable} in its command line, which nothing here sets",
            name=name,
            variable=f"${variables[0]}",
        )
    if cmdline.names_no_root:
        return N_("{name} has an empty root= in its command line", name=name)
    if once:
        return None
    if listing.entry.tries_left == 0:
        return N_("{name} has no try left", name=name)
    if (lost := state.lost_at(listing.entry.id)) is not None:
        if lost.at:
            return N_("{name} was started on {day} and never came back", name=name, day=lost.at[:10])
        return N_("{name} was started before and never came back", name=name)
    return None


def _next_instead(origin: _Origin, why: Message) -> Message:
    """Return that another entry is taken. why: a clause."""
    match origin:
        case _Origin.ONCE:
            return N_("For this boot {why}: the next one is taken.", why=why)
        case _Origin.DEFAULT:
            return N_("The default {why}: the next one is taken.", why=why)
        case _Origin.FIRST:
            return N_("The first entry {why}: the next one is taken.", why=why)


def _none_instead(origin: _Origin, why: Message) -> Message:
    """Return that no entry starts. why: a clause."""
    match origin:
        case _Origin.ONCE:
            return N_("For this boot {why}, and no other entry can be started by itself.", why=why)
        case _Origin.DEFAULT:
            return N_("The default {why}, and no other entry can be started by itself.", why=why)
        case _Origin.FIRST:
            return N_("The first entry {why}, and no other entry can be started by itself.", why=why)


def _name(listing: Listing) -> str:
    return listing.entry.title or listing.entry.kernel.path


class Countdown(Value):
    """Seconds that run from a moment on. A value: what stops it is whoever holds it."""

    seconds: int
    began: float
    """On the clock that `left` is asked with."""

    def left(self, now: float) -> int:
        """Whole seconds, rounded up; 0 = the time is up."""
        return max(0, math.ceil(self.began + self.seconds - now))

    def until_tick(self, now: float) -> float:
        """Seconds until `left` is another number; 0 when the time is up."""
        left = self.left(now)
        return max(0.0, self.began + self.seconds - (left - 1) - now) if left else 0.0

    def over(self) -> Countdown:
        """The time is up at once."""
        return replace(self, seconds=0)


def countdown_seconds(loaded: Loaded, *, first_stage: bool, demo: bool) -> int | None:
    """How long the countdown is; None = there is none.

    In a first stage it is what the settings say, and FIRST_STAGE_SECONDS where they are silent. Elsewhere somebody
    has started the menu to look at it, on a machine that runs: only that very call's own option can set a time.
    """
    origin = loaded.origins.get("timeout")
    if first_stage:
        return loaded.settings.timeout if origin else FIRST_STAGE_SECONDS
    return loaded.settings.timeout if demo or origin == "--timeout" else None
