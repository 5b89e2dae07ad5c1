# SPDX-License-Identifier: MIT
"""A whole scan as lists, for commands that show it at once."""

from __future__ import annotations

import contextlib
from typing import assert_never

from bootmenu.discovery.scan_events import (
    DeviceDone,
    DeviceFound,
    DeviceGone,
    EntryFound,
    EntryGone,
    Listing,
    ProblemFound,
    ProblemGone,
    Rank,
    ScanFinished,
)
from bootmenu.discovery.scan_feed import Subscription
from bootmenu.model.entry import Problem
from bootmenu.session.session_protocol import Session


def collect(session: Session) -> tuple[list[Listing], list[Problem]]:
    """Scan, and return all entries and problems, in the order of the menu."""
    with contextlib.closing(session.scan()) as subscription:
        return collect_from(subscription)


def collect_from(subscription: Subscription) -> tuple[list[Listing], list[Problem]]:
    """Return the entries and problems that a subscription gets up to the end of the scan."""
    ranks: dict[str, Rank] = {}
    places: dict[tuple[str, str], tuple[int, Listing]] = {}
    problems: dict[Problem, None] = {}
    for event in subscription.until_finished():
        match event:
            case DeviceFound(device, rank):
                ranks[device.name] = rank
            case EntryFound(listing, place):
                places[listing.entry.device, listing.entry.id] = (place, listing)
            case EntryGone(name, entry_id):
                places.pop((name, entry_id), None)
            case ProblemFound(problem, rank):
                ranks.setdefault(problem.device, rank)
                problems[problem] = None
            case ProblemGone(problem):
                problems.pop(problem, None)
            case DeviceDone() | DeviceGone() | ScanFinished():
                pass
            case _:
                assert_never(event)
    placed = sorted(places.values(), key=lambda found: (ranks[found[1].entry.device], found[0]))
    return [listing for _, listing in placed], sorted(problems, key=lambda problem: ranks[problem.device])
