# SPDX-License-Identifier: MIT
"""What exists for the person in front of the screen: which entries, in which order, and which actions.

The one place that decides it, for every menu: screens and the plain menu ask, and offer nothing else.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

from bootmenu.config.settings import Profile, Settings
from bootmenu.model.finding import Severity
from bootmenu.model.place import INTERNAL_ONLY, PlaceRule
from bootmenu.model.value import Value
from bootmenu.view.key_help import essential

if TYPE_CHECKING:  # the first frame asks, too, and must not wait for imports
    from bootmenu.discovery.scan_events import Listing
    from bootmenu.model.entry import BootEntry


class Access(StrEnum):
    """How something can be reached."""

    FREE = "free"
    PIN = "pin"
    """After the PIN."""
    ABSENT = "absent"
    """Not at all: it is neither shown nor done."""


class Policy(Value, kw_only=True):
    """The answers. The default one allows everything."""

    kiosk: bool = False
    entries: tuple[str, ...] = ("*",)
    """Patterns of ids; what matches an earlier one stands first."""
    disks: tuple[PlaceRule, ...] = INTERNAL_ONLY
    """Places whose entries exist: an id is made of names that whoever made the disk has chosen."""
    default_only: bool = False
    """Of those that match, only the entry that would start by itself exists."""
    recovery: tuple[str, ...] = ()
    locked: tuple[str, ...] = ()
    """Patterns of ids that ask for the PIN."""
    actions: frozenset[str] = frozenset()
    """Without the PIN, beside those that are essential."""
    has_pin: bool = False
    offers_shell: bool = True

    @classmethod
    def of(cls, settings: Settings) -> Policy:
        """What the settings want."""
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

    def unlocked(self) -> Policy:
        """After the PIN: everything, but a shell where the settings forbid one."""
        return Policy(offers_shell=self.offers_shell)

    def access(self, action: str) -> Access:
        """Return how an action can be reached, by its name in the table."""
        if action == "shell" and not self.offers_shell:
            return Access.ABSENT
        if not self.kiosk or action in essential() or action in self.actions:
            return Access.FREE
        return Access.PIN if self.has_pin else Access.ABSENT

    def allows(self, action: str) -> bool:
        """Return whether an action needs nothing else."""
        return self.access(action) is Access.FREE

    def access_to(self, listing: Listing) -> Access:
        """Of an entry, whatever its verdict."""
        if not self.kiosk:
            return Access.FREE
        if _place(listing.entry.id, self.entries) is None or not self._allows_places(listing):
            return Access.ABSENT
        if _place(listing.entry.id, self.locked) is None:
            return Access.FREE
        return Access.PIN if self.has_pin else Access.ABSENT

    def _allows_places(self, listing: Listing) -> bool:
        """Whether every partition that an entry takes something from is at a place that is allowed."""
        return bool(listing.places) and all(
            any(rule.allows(place) for rule in self.disks) for place in listing.places
        )

    def repairs(self, entry: BootEntry) -> bool:
        """Whether it is one of those for repair."""
        return _place(entry.id, self.recovery) is not None

    def startable(self, listings: Iterable[Listing]) -> list[Listing]:
        """Those that may be started without the PIN, whatever their verdict, in the order of the patterns."""
        found = list(listings)
        if not self.kiosk:
            return found
        return self._in_order(one for one in found if self.access_to(one) is Access.FREE)

    def offered(
        self, listings: Iterable[Listing], *, repair_first: bool = False, default: Listing | None = None
    ) -> list[Listing]:
        """What there is to choose from. Without a kiosk: everything, as it came.

        In the kiosk: none that cannot be started here. repair_first: something is wrong with the default. default:
        what would start by itself, of those that are startable; None = nothing, or it is not known for sure yet.
        """
        found = list(listings)
        if not self.kiosk:
            return found
        if self.default_only:
            found = [one for one in found if one is default]
        able = self._in_order(
            one
            for one in found
            if self.access_to(one) is not Access.ABSENT and one.report.verdict is not Severity.FAIL
        )
        return sorted(able, key=lambda one: not (repair_first and self.repairs(one.entry)))

    def _in_order(self, listings: Iterable[Listing]) -> list[Listing]:
        return sorted(listings, key=lambda one: _place(one.entry.id, self.entries) or 0)


def _place(entry_id: str, patterns: Sequence[str]) -> int | None:
    for index, pattern in enumerate(patterns):
        if fnmatch.fnmatchcase(entry_id, pattern):
            return index
    return None
