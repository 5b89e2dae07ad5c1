# SPDX-License-Identifier: MIT
"""What exists for the person in front of the screen: which entries, in which order, and which actions.

The one place that decides it, for every menu: screens and the plain menu ask, and offer nothing else.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bootmenu.discovery.scan import Listing
from bootmenu.model.entry import BootEntry
from bootmenu.model.finding import Severity
from bootmenu.settings import Profile, Settings
from bootmenu.state import State


class Access(StrEnum):
    """How something can be reached."""

    FREE = "free"
    PIN = "pin"
    """After the PIN."""
    ABSENT = "absent"
    """Not at all: it is neither shown nor done."""


ALWAYS = frozenset(
    {
        *("up", "down", "first", "last", "page_up", "page_down", "pick", "switch"),  # looking around
        *("boot", "confirm", "yes", "no", "cancel", "back", "redraw"),  # starting an entry, and not
        *("digit", "erase", "clear", "enter_pin"),  # entering the PIN
    }
)
"""Actions of the key table that are part of starting an entry, or of being asked for the PIN."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The answers. The default one allows everything."""

    kiosk: bool = False
    entries: tuple[str, ...] = ("*",)
    """Patterns of ids; what matches an earlier one stands first."""
    recovery: tuple[str, ...] = ()
    locked: tuple[str, ...] = ()
    """Patterns of ids that ask for the PIN."""
    actions: frozenset[str] = frozenset()
    """Without the PIN, beside ALWAYS."""
    has_pin: bool = False
    shell: bool = True

    @classmethod
    def of(cls, settings: Settings) -> Policy:
        """What the settings want."""
        return cls(
            kiosk=settings.profile is Profile.KIOSK,
            entries=settings.kiosk_entries,
            recovery=settings.kiosk_recovery,
            locked=settings.kiosk_locked,
            actions=frozenset(settings.kiosk_actions),
            has_pin=settings.kiosk_pin is not None,
            shell=settings.shell,
        )

    def unlocked(self) -> Policy:
        """After the PIN: everything, but a shell where the settings forbid one."""
        return Policy(shell=self.shell)

    def access(self, action: str) -> Access:
        """Of an action, by its name in the key table."""
        if action == "shell" and not self.shell:
            return Access.ABSENT
        if not self.kiosk or action in ALWAYS or action in self.actions:
            return Access.FREE
        return Access.PIN if self.has_pin else Access.ABSENT

    def allows(self, action: str) -> bool:
        """Whether it is done at once."""
        return self.access(action) is Access.FREE

    def access_to(self, entry: BootEntry) -> Access:
        """Of an entry, whatever its verdict."""
        if not self.kiosk:
            return Access.FREE
        if _place(entry.id, self.entries) is None:
            return Access.ABSENT
        if _place(entry.id, self.locked) is None:
            return Access.FREE
        return Access.PIN if self.has_pin else Access.ABSENT

    def repairs(self, entry: BootEntry) -> bool:
        """Whether it is one of those for repair."""
        return _place(entry.id, self.recovery) is not None

    def offered(
        self,
        listings: Iterable[Listing],
        state: State | None = None,
        default: str | None = None,
        *,
        finished: bool = True,
    ) -> tuple[Listing, ...]:
        """What there is to choose from, the first one to be recommended. Without a kiosk: everything, as it came.

        In the kiosk: no entry that cannot be started here; those for repair first when `default`, the entry that
        should have been started, never came back from its last try, cannot be started, or is not there when the
        scan has finished.
        """
        found = tuple(listings)
        if not self.kiosk:
            return found
        known = [one for one in found if self.access_to(one.entry) is not Access.ABSENT]
        places = {id(one): _place(one.entry.id, self.entries) or 0 for one in known}
        able = [one for one in known if one.report.verdict is not Severity.FAIL]
        # within one pattern the default stands first, then the order of the menu
        able.sort(key=lambda one: (places[id(one)], one.entry.id != default))
        if self._trouble(known, state, default, finished=finished):
            able.sort(key=lambda one: not self.repairs(one.entry))
        return tuple(able)

    def _trouble(self, known: Sequence[Listing], state: State | None, default: str | None, *, finished: bool) -> bool:
        if default is None:
            return False
        if state is not None and state.lost_at(default) is not None:
            return True
        found = [one for one in known if one.entry.id == default]
        return (finished or bool(found)) and all(one.report.verdict is Severity.FAIL for one in found)


def _place(entry_id: str, patterns: Sequence[str]) -> int | None:
    for index, pattern in enumerate(patterns):
        if fnmatch.fnmatchcase(entry_id, pattern):
            return index
    return None
