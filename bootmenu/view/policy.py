# SPDX-License-Identifier: MIT
"""The policy: which entries and actions a person may use, and in which order entries are offered.

It is decided only here, for all front ends: each of them asks a Policy, and offers nothing else.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Sequence

from bootmenu.config.settings import Profile, Settings
from bootmenu.model.closed_set import StrEnum
from bootmenu.model.finding import Severity
from bootmenu.model.place import INTERNAL_ONLY, PlaceRule
from bootmenu.model.value import Value
from bootmenu.typed import TYPE_CHECKING
from bootmenu.view.key_help import essential

if TYPE_CHECKING:  # the first frame imports this module, and must not wait for these
    from bootmenu.discovery.scan_events import Listing
    from bootmenu.model.entry import BootEntry


class Access(StrEnum):
    """How an entry or an action can be used."""

    FREE = "free"
    PIN = "pin"
    """Only after the PIN."""
    ABSENT = "absent"
    """Not at all: it is neither shown nor performed."""


class Policy(Value, kw_only=True):
    """What the settings permit. The default policy permits everything."""

    kiosk: bool = False
    """Whether this is a kiosk; if not, only `offers_shell` matters."""
    entries: tuple[str, ...] = ("*",)
    """Patterns of the ids of permitted entries; entries that match an earlier pattern are offered first."""
    disks: tuple[PlaceRule, ...] = INTERNAL_ONLY
    """Places whose entries are permitted. Ids alone are not safe: the author of a disk chooses them."""
    default_only: bool = False
    """Whether, of those that match, only the entry that would start automatically is offered."""
    recovery: tuple[str, ...] = ()
    """Patterns of the ids of entries for repair."""
    locked: tuple[str, ...] = ()
    """Patterns of the ids of entries that ask for the PIN."""
    actions: frozenset[str] = frozenset()
    """Names of actions that are permitted without the PIN, besides the essential ones."""
    has_pin: bool = False
    offers_shell: bool = True

    @classmethod
    def of(cls, settings: Settings) -> Policy:
        """Return the policy of the settings."""
        return cls(
            kiosk=settings.profile is Profile.KIOSK,
            entries=settings.kiosk_entries or settings.kiosk_default_of,
            disks=settings.kiosk_disks,
            default_only=not settings.kiosk_entries,
            recovery=settings.kiosk_recovery,
            locked=settings.kiosk_locked,
            actions=frozenset(settings.kiosk_actions),
            has_pin=settings.kiosk_pin is not None,
            offers_shell=settings.shell,
        )

    def after_pin(self) -> Policy:
        """Return the policy after the PIN: everything, except a shell if the settings forbid one."""
        return Policy(offers_shell=self.offers_shell)

    def access(self, action: str) -> Access:
        """Return how an action can be used. action: its name in the table of actions."""
        if action == "shell" and not self.offers_shell:
            return Access.ABSENT
        if not self.kiosk or action in essential() or action in self.actions:
            return Access.FREE
        return Access.PIN if self.has_pin else Access.ABSENT

    def allows(self, action: str) -> bool:
        """Return whether an action can be used without the PIN."""
        return self.access(action) is Access.FREE

    def access_to(self, listing: Listing) -> Access:
        """Return how an entry can be used, whatever its verdict."""
        if not self.kiosk:
            return Access.FREE
        if listing.entry.is_own:
            return Access.ABSENT  # whoever can write the state could add one
        if listing.entry.snapshot is not None and listing.entry.id not in self.entries:
            return Access.ABSENT  # nobody who passes by is to get an older system, unless it is named
        if _first_match(listing.entry.id, self.entries) is None or not self._allows_places(listing):
            return Access.ABSENT
        if _first_match(listing.entry.id, self.locked) is None:
            return Access.FREE
        return Access.PIN if self.has_pin else Access.ABSENT

    def _allows_places(self, listing: Listing) -> bool:
        """Return whether every partition that has a file of the entry is at a permitted place."""
        return bool(listing.places) and all(
            any(rule.allows(place) for rule in self.disks) for place in listing.places
        )

    def is_for_repair(self, entry: BootEntry) -> bool:
        """Return whether an entry is one for repair."""
        return _first_match(entry.id, self.recovery) is not None

    def startable(self, listings: Iterable[Listing]) -> list[Listing]:
        """Return the entries that may be started without the PIN, in the order of the patterns, whatever their
        verdict."""
        found = list(listings)
        if not self.kiosk:
            return found
        return self._in_order(one for one in found if self.access_to(one) is Access.FREE)

    def offered(
        self, listings: Iterable[Listing], *, repair_first: bool = False, default: Listing | None = None
    ) -> list[Listing]:
        """Return the entries to choose from. Outside the kiosk these are all, in their order; in it, not those with
        the verdict FAIL.

        repair_first: whether entries for repair come first, as something is wrong with the default. default: the
        startable entry that would start automatically; None if there is none, or it may still change.
        """
        found = list(listings)
        if not self.kiosk:
            return found
        if self.default_only:
            found = [one for one in found if one is default]
        offered = self._in_order(
            one
            for one in found
            if self.access_to(one) is not Access.ABSENT and one.report.verdict is not Severity.FAIL
        )
        return sorted(offered, key=lambda one: not (repair_first and self.is_for_repair(one.entry)))

    def _in_order(self, listings: Iterable[Listing]) -> list[Listing]:
        return sorted(listings, key=lambda one: _first_match(one.entry.id, self.entries) or 0)


def _first_match(entry_id: str, patterns: Sequence[str]) -> int | None:
    """Return the index of the first pattern that matches an id, if any."""
    for index, pattern in enumerate(patterns):
        if fnmatch.fnmatchcase(entry_id, pattern):
            return index
    return None
