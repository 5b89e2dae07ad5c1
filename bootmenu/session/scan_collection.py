# SPDX-License-Identifier: MIT
"""Collect a whole scan into lists, for commands that print it at once."""

from __future__ import annotations

import contextlib

from bootmenu.discovery.scan_events import (
    DeviceDone,
    DeviceFound,
    DeviceGone,
    EntryFound,
    EntryGone,
    ProblemFound,
    ProblemGone,
    ScanFinished,
)
from bootmenu.typed import TYPE_CHECKING, assert_never

if TYPE_CHECKING:
    from bootmenu.discovery.scan_events import (
        Listing,
        Position,
    )
    from bootmenu.discovery.scan_feed import Subscription
    from bootmenu.model.entry import Problem
    from bootmenu.session.session_protocol import Session


def collect(session: Session) -> tuple[list[Listing], list[Problem]]:
    """Scan; return all entries and problems, in the order of the menu."""
    with contextlib.closing(session.scan()) as subscription:
        return collect_from(subscription)


def collect_from(subscription: Subscription) -> tuple[list[Listing], list[Problem]]:
    """Return the entries and problems of a subscription up to the end of its scan, in the order of the menu."""
    positions: dict[str, Position] = {}
    found: dict[tuple[str, str], tuple[int, Listing]] = {}
    """Indexes within their partitions, and entries, by device and id."""
    problems: dict[Problem, None] = {}
    for event in subscription.until_finished():
        match event:
            case DeviceFound(device, position):
                positions[device.name] = position
            case EntryFound(listing, index):
                found[listing.entry.device, listing.entry.id] = (index, listing)
            case EntryGone(name, entry_id):
                found.pop((name, entry_id), None)
            case ProblemFound(problem, position):
                positions.setdefault(problem.device, position)
                problems[problem] = None
            case ProblemGone(problem):
                problems.pop(problem, None)
            case DeviceDone() | DeviceGone() | ScanFinished():
                pass
            case _:
                assert_never(event)
    in_order = sorted(found.values(), key=lambda item: (positions[item[1].entry.device], item[0]))
    return [listing for _, listing in in_order], sorted(problems, key=lambda problem: positions[problem.device])
