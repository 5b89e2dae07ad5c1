# SPDX-License-Identifier: MIT
"""Test which entries and actions the kiosk has, and their order."""

from __future__ import annotations

import pytest

from bootmenu.config.settings import Profile, Settings
from bootmenu.discovery.scan_events import Listing
from bootmenu.view.policy import Access, Policy
from tests.builders.fakes import ALPINE, DEBIAN, OLDER, PAGES, TEST

FOUND = (DEBIAN, OLDER, PAGES, ALPINE, TEST)


def ids(listings: list[Listing]) -> list[str]:
    return [one.entry.id for one in listings]


def kiosk(**changes: object) -> Policy:
    return Policy.of(Settings(profile=Profile.KIOSK, **changes))  # type: ignore[arg-type]


def test_the_standard_profile_allows_everything_but_a_shell_that_is_switched_off() -> None:
    policy = Policy.of(Settings(shell=False, kiosk_entries=("debian-49",)))
    assert policy.offered(FOUND) == list(FOUND)
    assert policy.allows("edit")
    assert policy.access("shell") is Access.ABSENT
    assert policy.access_to(ALPINE) is Access.FREE


@pytest.mark.parametrize("pin", [None, "scrypt$..."])
def test_the_kiosk_has_what_starts_an_entry_and_what_is_allowed(pin: str | None) -> None:
    policy = kiosk(kiosk_actions=("details",), kiosk_pin=pin)
    assert policy.allows("boot")
    assert policy.allows("details")
    for action in ("edit", "shell", "log", "power", "rescan", "quit", "demo", "help", "unlock", "anything"):
        assert policy.access(action) is (Access.PIN if pin else Access.ABSENT)


def test_after_the_pin_everything_exists_but_what_the_settings_forbid() -> None:
    assert kiosk(kiosk_pin="x").after_pin().allows("edit")
    assert kiosk(kiosk_pin="x", shell=False).after_pin().access("shell") is Access.ABSENT
    assert kiosk(kiosk_pin="x", shell=False, kiosk_actions=("shell",)).access("shell") is Access.ABSENT


def test_entries_stand_in_the_order_of_the_patterns_and_those_that_cannot_start_are_not_there() -> None:
    policy = kiosk(kiosk_entries=("alpine", "debian-*"))
    assert ids(policy.offered(FOUND)) == ["alpine", "debian-49", "debian-47"]
    assert policy.access_to(TEST) is Access.ABSENT


def test_an_entry_may_ask_for_the_pin_and_does_not_exist_without_one() -> None:
    locked = kiosk(kiosk_locked=("alpine",), kiosk_pin="x")
    assert locked.access_to(ALPINE) is Access.PIN
    assert "alpine" in ids(locked.offered(FOUND))
    assert "alpine" not in ids(kiosk(kiosk_locked=("alpine",)).offered(FOUND))


def test_repair_stands_first_when_something_is_wrong_with_the_default() -> None:
    policy = kiosk(kiosk_recovery=("alp*",))
    assert ids(policy.offered(FOUND)) == ["debian-49", "debian-47", "alpine", "image-test"]
    assert ids(policy.offered(FOUND, repair_first=True)) == ["alpine", "debian-49", "debian-47", "image-test"]


def test_what_asks_for_the_pin_or_is_not_there_never_starts_by_itself() -> None:
    policy = kiosk(kiosk_entries=("alpine", "debian-*"), kiosk_locked=("debian-47",), kiosk_pin="x")
    assert ids(policy.startable(FOUND)) == ["alpine", "debian-49", "debian-16k"]
    assert policy.after_pin().startable(FOUND) == list(FOUND)


def test_without_a_pattern_only_the_default_exists() -> None:
    policy = kiosk(kiosk_entries=(), kiosk_locked=("alpine",))
    assert ids(policy.startable(FOUND)) == ["debian-49", "debian-47", "debian-16k", "image-test"]
    assert policy.offered(FOUND) == []
    assert policy.offered(FOUND, default=OLDER) == [OLDER]
    assert policy.offered(FOUND, default=PAGES) == [], "it cannot be started here"
    assert policy.access_to(ALPINE) is Access.ABSENT
    assert Policy.of(Settings(kiosk_entries=())).offered(FOUND) == list(FOUND)
