# SPDX-License-Identifier: MIT
"""Choose the entry that starts automatically, and time the countdown; no I/O, screen or clock."""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Iterator, Sequence

from bootmenu.config.settings import FIRST_STAGE_SECONDS, Profile
from bootmenu.i18n import N_, Message
from bootmenu.model.closed_set import Enum, auto
from bootmenu.model.finding import Severity
from bootmenu.model.place import Bus
from bootmenu.model.value import Value, replace
from bootmenu.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from bootmenu.bootstate.state import State
    from bootmenu.config.settings import Settings
    from bootmenu.config.settings_layers import Loaded
    from bootmenu.discovery.scan_events import Listing


class Choice(Value, kw_only=True):
    """The entry that would start automatically, as far as is known."""

    listing: Listing | None = None
    """The entry, or None if nothing starts automatically."""
    final: bool = False
    """Whether nothing that is still being read can change it."""
    reason: str = ""
    """Why an entry other than the default starts, or none does, as a Message; empty for the default."""


class _Origin(Enum):
    """Where the preference for an entry comes from."""

    ONCE = auto()
    DEFAULT = auto()
    FIRST = auto()


class _Preference(Value):
    """Entries to start if possible, best first."""

    listings: tuple[Listing, ...]
    origin: _Origin
    exact: bool = False
    """Whether it names an id, rather than a pattern or what a configuration has as its default."""
    disks: frozenset[str] = frozenset()
    """Listing.disks when the default was set, if the state has them."""

    @property
    def explicit(self) -> bool:
        """Return whether it was configured, rather than being the first entry of the list."""
        return self.origin is not _Origin.FIRST


def choose(listings: Sequence[Listing], state: State, settings: Settings, *, finished: bool) -> Choice:
    """Return the entry that starts automatically. listings: in menu order. finished: everything has been read.

    The default is the first of these that exists: the entry for the next boot only, the setting's (a pattern takes
    the first match), the one made the default in the menu, that of the first partition whose configuration names one,
    the first of the list. An entry is skipped if its verdict is fail, it has no try left, its last boot did not
    complete, or its disk is not trusted; then the next possible one after it starts, and from the top after the end.

    `warn` starts: a person saw the warning when setting the machine up, and waiting for a key would be worse.
    `unknown` means that no check failed, but evidence is missing. That is enough for a configured default, and for a
    replacement only if no entry has a better verdict. An entry for the next boot only is deliberate: it is tried
    even if its last boot did not complete.

    What never starts by itself (BootEntry.manual) is passed over without a word where it would be the first of a list
    or of a pattern's matches, and with its reason where it was named.

    An entry without a command line, or with one that is only partly known, never starts automatically, even if
    somebody chose it: a kernel without a root file system stops where perhaps nobody sees it.

    A disk is trusted if (1) the default was set on it, or (2) it was present when the default was set and no disk
    with entries is further inside the machine: a USB stick, or a backup in a USB case, starts nothing.
    """
    trusted = _TrustedDisks.of(listings, state, settings)
    preference = next(_preferences(listings, trusted, state, settings), None)
    missing = _missing_default(listings, state, settings) if finished else ""
    if preference is None:
        return Choice(final=finished, reason=N_("There is no entry that could be started.") if finished else "")
    default = preference.listings[0]
    once = preference.origin is _Origin.ONCE
    rejection = trusted.rejection(default, preference) or _rejection(default, state, once=once)
    if rejection is None and (preference.explicit or default.report.verdict is not Severity.UNKNOWN):
        final = finished or (preference.explicit and not _better_may_follow(listings, state, settings))
        return Choice(listing=default, final=final, reason=missing)
    start = listings.index(default) + 1
    others = [
        listing
        for listing in (*listings[start:], *listings[: start - 1])
        if trusted.rejection(listing) is None and _rejection(listing, state) is None
    ]
    good = [listing for listing in others if listing.report.verdict is not Severity.UNKNOWN]
    if rejection is None:  # the first entry of the list is unknown: it starts if no other has a better verdict
        return Choice(listing=(good or [default])[0], final=finished, reason=missing)
    replacement = next(iter(good or others), None)
    reason = _reason(preference.origin, rejection, replaced=replacement is not None)
    return Choice(listing=replacement, final=finished, reason=reason if finished or replacement is not None else "")


class Chooser:
    """Chooses again as disks come and go, and keeps the first final choice.

    A disk that is plugged in during the countdown changes nothing. Two kinds of slow disks do: one with an entry that
    was configured, and one inside the machine if so far only disks outside it had entries. An entry that disappears
    is skipped, and chosen again when it returns.
    """

    def __init__(self) -> None:
        self._final: Choice | None = None

    def choose(self, listings: Sequence[Listing], state: State, settings: Settings, *, finished: bool) -> Choice:
        """Return the choice at this moment; see the function `choose`. state and settings must be the same each
        time."""
        choice, final = choose(listings, state, settings, finished=finished), self._final
        if final is None or final.listing is None:
            self._final = choice if choice.final else None
            return choice
        previous = final.listing
        # the id alone is not enough, because a copy of a disk has the same ids
        wanted = (previous.entry.id, previous.disks)
        found = next((listing for listing in listings if (listing.entry.id, listing.disks) == wanted), None)
        explicit = choice.listing is not None and _is_explicit(choice.listing, previous, state, settings)
        if found is None or found.report.verdict is Severity.FAIL:
            if explicit or choice.listing is None:
                return choice
            name = previous.entry.name
            rejection = N_("{name} cannot be started here", name=name)
            if found is None:
                rejection = N_("{name} is not there any more", name=name)
            return replace(choice, reason=_reason(_Origin.DEFAULT, rejection, replaced=True))
        if choice.listing is not None and choice.listing is not found:
            inside = choice.listing.rank == Bus.INTERNAL.rank < found.rank
            if explicit or (inside and previous.entry.id not in (state.once, settings.default, state.default)):
                self._final = choice
                return choice
        return replace(final, listing=found)


def _is_explicit(listing: Listing, previous: Listing, state: State, settings: Settings) -> bool:
    """Return whether an entry was configured: for the next boot, as the default, or by the setting, unless the
    setting's pattern matches the previous choice, too."""
    found, before = listing.entry.id, previous.entry.id
    pattern = settings.default or ""
    by_pattern = fnmatch.fnmatchcase(found, pattern) and not fnmatch.fnmatchcase(before, pattern)
    return found in (state.once, settings.default, state.default) or by_pattern


class _TrustedDisks(Value, kw_only=True):
    """The disks whose entries may start automatically."""

    rank: float
    """Rank of the innermost disks that have entries: disks further outside cannot replace them."""
    default: frozenset[str]
    """Disks of the entry that was set as the default."""
    present: frozenset[str]
    """Disks that were present when the default was set; empty if none was set."""

    @classmethod
    def of(cls, listings: Sequence[Listing], state: State, settings: Settings) -> _TrustedDisks:
        """Return those for the present entries and the state. In a kiosk the rank does not matter, because its
        settings say which disks may start."""
        ranks = (listing.rank for listing in listings)
        rank = math.inf if settings.profile is Profile.KIOSK else min(ranks, default=0)
        return cls(rank=rank, default=frozenset(state.default_disks), present=frozenset(state.disks))

    def rejection(self, listing: Listing, preference: _Preference | None = None) -> Message | None:
        """Return why an entry does not start automatically from its disk, or None if it may. preference: the one that
        the entry is for, if any."""
        name = listing.entry.name
        outside = N_("{name} is on a disk outside of the machine", name=name)
        if any(place.late for place in listing.places):
            return N_("{name} is on a disk that was plugged in later", name=name)
        if preference is not None and preference.exact:
            if preference.disks:
                moved = N_("{name} is on another disk than when it was chosen", name=name)
                return moved if preference.disks != listing.disks else None
            # its id depends on its own partition, but not on those of its files
            own = listing.places[0].rank if listing.places else listing.rank
            return outside if listing.rank > max(own, self.rank) else None
        if listing.disks and listing.disks <= self.default:
            return None
        if self.present and not listing.disks <= self.present:
            return N_("{name} is on a disk that was not there when the default was made", name=name)
        return outside if listing.rank > self.rank else None


def _preferences(
    listings: Sequence[Listing], trusted: _TrustedDisks, state: State, settings: Settings
) -> Iterator[_Preference]:
    """Yield the preferences that match an entry, strongest first."""
    # the default of a disk that is not trusted counts only if there is no other
    allowed = [listing for listing in listings if trusted.rejection(listing) is None] or list(listings)
    # nobody has named these, so what never starts by itself is not worth a word
    unnamed = [listing for listing in allowed if not listing.entry.manual] or allowed
    once = tuple(_with_id(listings, state.once))
    if once:
        yield _Preference(once, _Origin.ONCE, exact=True, disks=frozenset(state.once_disks))
    if settings.default is not None:
        exact = _is_exact(settings.default)
        if by_setting := tuple(_matching(listings if exact else unnamed, settings.default)):
            yield _Preference(by_setting, _Origin.DEFAULT, exact=exact)
    if made := tuple(_with_id(listings, state.default)):
        yield _Preference(made, _Origin.DEFAULT, exact=True, disks=trusted.default)
    if configured := tuple(listing for listing in allowed if listing.entry.default):
        yield _Preference(configured, _Origin.DEFAULT)
    if unnamed:
        yield _Preference(tuple(unnamed), _Origin.FIRST)


def _is_exact(pattern: str) -> bool:
    return not set("*?[") & set(pattern)


def _with_id(listings: Sequence[Listing], entry: str | None) -> Iterator[Listing]:
    return (listing for listing in listings if listing.entry.id == entry)


def _matching(listings: Sequence[Listing], pattern: str | None) -> Iterator[Listing]:
    return (listing for listing in listings if fnmatch.fnmatchcase(listing.entry.id, pattern or ""))


def _better_may_follow(listings: Sequence[Listing], state: State, settings: Settings) -> bool:
    """Return whether something that is still being read would take precedence over the present choice."""
    if state.once is not None:
        return not any(_with_id(listings, state.once))
    if settings.default is not None:
        # a pattern takes the first match, and a partition further up may still appear
        return not (_is_exact(settings.default) and any(_matching(listings, settings.default)))
    return state.default is None or not any(_with_id(listings, state.default))


def _missing_default(listings: Sequence[Listing], state: State, settings: Settings) -> str:
    """Return the message that a configured default is missing, or an empty string."""
    if state.once is not None and not any(_with_id(listings, state.once)):
        return N_("The entry for this boot, {entry}, is not there.", entry=state.once)
    if settings.default is not None and not any(_matching(listings, settings.default)):
        return N_("The default, {entry}, is not there.", entry=settings.default)
    if settings.default is None and state.default is not None and not any(_with_id(listings, state.default)):
        return N_("The default, {entry}, is not there.", entry=state.default)
    return ""


def _rejection(listing: Listing, state: State, *, once: bool = False) -> Message | None:
    """Return why an entry does not start automatically, or None if it may. once: it is for the next boot only."""
    name = listing.entry.name
    if listing.report.verdict is Severity.FAIL:
        return N_("{name} cannot be started here", name=name)
    if listing.entry.manual:
        return N_("{name} never starts automatically ({reason})", name=name, reason=listing.entry.manual)
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
            return N_("{name} did not complete its last boot ({day})", name=name, day=lost.at[:10])
        return N_("{name} did not complete its last boot", name=name)
    return None


def _reason(origin: _Origin, rejection: Message, *, replaced: bool) -> Message:
    """Return the message that an entry does not start, and that the next one does, or none."""
    match origin:
        case _Origin.ONCE:
            problem = N_("For this boot {why}", why=rejection)
        case _Origin.DEFAULT:
            problem = N_("The default {why}", why=rejection)
        case _Origin.FIRST:
            problem = N_("The first entry {why}", why=rejection)
    if replaced:
        return N_("{problem}: the next one is taken.", problem=problem)
    return N_("{problem}, and no other entry can start automatically.", problem=problem)


class Countdown(Value):
    """A running countdown. It is a value: to stop it, drop it."""

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
