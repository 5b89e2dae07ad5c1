# SPDX-License-Identifier: MIT
"""Devices → trees → entries → reports, as a stream of events."""

from __future__ import annotations

from dataclasses import dataclass

from bootmenu.compat.facts import EntryFacts
from bootmenu.discovery.devices import Device
from bootmenu.model.entry import BootEntry, Problem
from bootmenu.model.finding import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One entry with what was found out about it."""

    entry: BootEntry
    facts: EntryFacts
    report: Report


@dataclass(frozen=True, slots=True)
class DeviceFound:
    """A partition is about to be read."""

    device: Device


@dataclass(frozen=True, slots=True)
class EntryFound:
    """One entry more; it belongs to the device named by `listing.entry.device`."""

    listing: Listing


@dataclass(frozen=True, slots=True)
class ProblemFound:
    """Something could not be read or made no sense."""

    problem: Problem


@dataclass(frozen=True, slots=True)
class DeviceDone:
    """A partition has been read to its end; `entries` is how many it offered."""

    device: Device
    entries: int


@dataclass(frozen=True, slots=True)
class ScanFinished:
    """Nothing more comes."""

    seconds: float


ScanEvent = DeviceFound | EntryFound | ProblemFound | DeviceDone | ScanFinished
