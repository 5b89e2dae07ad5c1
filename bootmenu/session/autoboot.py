# SPDX-License-Identifier: MIT
"""Which entry starts automatically, and when. Pure: without disks, screens or clocks."""

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
    """What would start automatically, as far as is known."""

    listing: Listing | None = None
    """The entry; None: nothing starts automatically."""
    final: bool = False
    """Whether nothing that is still being read can change it."""
    why: str = ""
    """Why another entry than the default is taken, or none, as a Message; empty for the default."""


class _Origin(Enum):
    """Where the choice of an entry comes from."""

    ONCE = auto()
    DEFAULT = auto()
    FIRST = auto()


class _Wanted(Value):
    """Entries that are wanted, best first. named: a person chose them, for this machine."""

    listings: tuple[Listing, ...]
    origin: _Origin
    named: bool
    once: bool = False
    exact: bool = False
    """Whether it is chosen by its id, not by a pattern or a configuration."""
    disks: frozenset[str] = frozenset()
    """Listing.disks at the time of the choice, if remembered."""


def choose(listings: Sequence[Listing], state: State, settings: Settings, *, finished: bool) -> Choice:
    """Return the entry that starts automatically. listings: in menu order. finished: everything has been read.

    The default is the first of these that exists: the entry for the next boot only, the setting's (a pattern takes
    the first match), the one made the default in the menu, that of the first partition whose configuration names one,
    the first of the list. An entry is passed over if its verdict is fail, it has no try left, it did not come up the
    last time, or its disk may not decide; then the next possible one after it is taken, from the top after the end.

    `warn` starts: a person saw the warning when setting the machine up, and waiting for a key would be worse.
    `unknown` means that nothing speaks against the entry, but evidence is missing. That is enough for a chosen
    default, and for a replacement only if no entry has a better verdict. A choice for the next boot is deliberate:
    the entry is tried although it failed before.

    An entry without a command line, or with one that is only partly known, never starts automatically, whoever chose
    it: a kernel without a root stops where perhaps nobody sees it.

    A disk may decide if it was present when the default was made and, without a chosen entry, if no other disk with
    entries is further inside the machine: a stick, or a backup in a USB case, decides nothing.
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
    """Chooses again while disks come and go, and keeps the first final answer.

    Disks that are plugged in during the countdown change nothing. Only a slow disk may: one with an entry that was
    named by its id, or one inside the machine if so far only outside disks had entries. An entry that disappears is
    passed over, and chosen again when it returns.
    """

    def __init__(self) -> None:
        self._kept: Choice | None = None

    def choose(self, listings: Sequence[Listing], state: State, settings: Settings, *, finished: bool) -> Choice:
        """Return the choice at this moment; see the function `choose`. state and settings must be the same each
        time."""
        choice, kept = choose(listings, state, settings, finished=finished), self._kept
        if kept is None or kept.listing is None:
            self._kept = choice if choice.final else None
            return choice
        was = kept.listing
        # a copy of a disk has the same id
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
    """Return whether a person named it: for the next boot, as the default, or in the settings, whose pattern may also
    match what was chosen before."""
    found, before = listing.entry.id, was.entry.id
    pattern = settings.default or ""
    by_pattern = fnmatch.fnmatchcase(found, pattern) and not fnmatch.fnmatchcase(before, pattern)
    return found in (state.once, settings.default, state.default) or by_pattern


class _Home(Value, kw_only=True):
    """Which disks may decide what starts automatically."""

    rank: float
    """Rank of the innermost disks that have entries: disks further outside cannot replace them."""
    default: frozenset[str]
    """Disks of the entry that was made the default."""
    there: frozenset[str]
    """Disks that were present then; empty: no default was made."""

    @classmethod
    def of(cls, listings: Sequence[Listing], state: State, settings: Settings) -> _Home:
        """Return it for the present entries and the state. In a kiosk the settings name every place."""
        ranks = (listing.rank for listing in listings)
        rank = math.inf if settings.profile is Profile.KIOSK else min(ranks, default=0)
        return cls(rank=rank, default=frozenset(state.default_disks), there=frozenset(state.disks))

    def misplaced(self, listing: Listing, wanted: _Wanted | None = None) -> Message | None:
        """Return why an entry does not start automatically from its disk, or None if it may. wanted: the choice."""
        name = _name(listing)
        outside = N_("{name} is on a disk outside of the machine", name=name)
        if any(place.late for place in listing.places):
            return N_("{name} is on a disk that was plugged in later", name=name)
        if wanted is not None and wanted.exact:
            if wanted.disks:
                moved = N_("{name} is on another disk than when it was chosen", name=name)
                return moved if wanted.disks != listing.disks else None
            # its id depends on its own partition, but not on those of its files
            own = listing.places[0].rank if listing.places else listing.rank
            return outside if listing.rank > max(own, self.rank) else None
        if listing.disks and listing.disks <= self.default:
            return None
        if self.there and not listing.disks <= self.there:
            return N_("{name} is on a disk that was not there when the default was made", name=name)
        return outside if listing.rank > self.rank else None


def _wanted(listings: Sequence[Listing], home: _Home, state: State, settings: Settings) -> Iterator[_Wanted]:
    # the default of a disk that may not decide counts only if there is no other
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
    """Return whether something that is still being read would take precedence over the present choice."""
    if state.once is not None:
        return not any(_with_id(listings, state.once))
    if settings.default is not None:
        # a pattern takes the first match, and a partition further up may still appear
        return not (_is_exact(settings.default) and any(_matching(listings, settings.default)))
    return state.default is None or not any(_with_id(listings, state.default))


def _missing(listings: Sequence[Listing], state: State, settings: Settings) -> str:
    """Return that a chosen default is missing, or an empty text."""
    if state.once is not None and not any(_with_id(listings, state.once)):
        return N_("The entry for this boot, {entry}, is not there.", entry=state.once)
    if settings.default is not None and not any(_matching(listings, settings.default)):
        return N_("The default, {entry}, is not there.", entry=settings.default)
    if settings.default is None and state.default is not None and not any(_with_id(listings, state.default)):
        return N_("The default, {entry}, is not there.", entry=state.default)
    return ""


def _against(listing: Listing, state: State, *, once: bool = False) -> Message | None:
    """Return why an entry does not start automatically, or None if it may."""
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
    """Return the message that another entry is taken. why: a clause."""
    match origin:
        case _Origin.ONCE:
            return N_("For this boot {why}: the next one is taken.", why=why)
        case _Origin.DEFAULT:
            return N_("The default {why}: the next one is taken.", why=why)
        case _Origin.FIRST:
            return N_("The first entry {why}: the next one is taken.", why=why)


def _none_instead(origin: _Origin, why: Message) -> Message:
    """Return the message that no entry starts. why: a clause."""
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
    """A countdown, as a value: its holder stops it by dropping it."""

    seconds: int
    began: float
    """Start time, on the same clock as `now`."""

    def left(self, now: float) -> int:
        """Return the whole seconds left, rounded up; 0 when the time is up."""
        return max(0, math.ceil(self.began + self.seconds - now))

    def until_tick(self, now: float) -> float:
        """Return the seconds until `left` changes; 0 when the time is up."""
        left = self.left(now)
        return max(0.0, self.began + self.seconds - (left - 1) - now) if left else 0.0

    def over(self) -> Countdown:
        """Return a countdown whose time is up."""
        return replace(self, seconds=0)


def countdown_seconds(loaded: Loaded, *, first_stage: bool, demo: bool) -> int | None:
    """Return the seconds of the countdown, or None for no countdown.

    In a first stage that is the setting, by default FIRST_STAGE_SECONDS. Elsewhere a person has started the menu on a
    running system to look at it: then only the option of that command sets a time.
    """
    origin = loaded.origins.get("timeout")
    if first_stage:
        return loaded.settings.timeout if origin else FIRST_STAGE_SECONDS
    return loaded.settings.timeout if demo or origin == "--timeout" else None
