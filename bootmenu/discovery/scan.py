# SPDX-License-Identifier: MIT
"""Devices → trees → entries → reports, as a stream of events."""

from __future__ import annotations

import dataclasses
import hashlib
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from bootmenu.compat import EntryFacts, check
from bootmenu.discovery import facts
from bootmenu.discovery.devices import Device
from bootmenu.discovery.devicetrees import DeviceTrees
from bootmenu.discovery.mounts import MountError, Mounts
from bootmenu.model.entry import BootEntry, Problem
from bootmenu.model.finding import Report
from bootmenu.model.machine import MachineFacts
from bootmenu.sources import read_partition

MAX_ENTRIES = 5000
"""On one machine; more are no boot menu."""


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


def scan(
    devices: Iterable[Device | Problem],
    mounts: Mounts,
    machine: MachineFacts,
    machine_report: Report,
    device_trees: DeviceTrees | None = None,
    foresee: Callable[[EntryFacts], EntryFacts] = lambda facts: facts,
) -> Iterator[ScanEvent]:
    """Read one partition after the other. Whatever is wrong with one costs nothing but its own entries.

    foresee: adds to an entry's facts what a plan would do for it.
    """
    began = time.monotonic()
    taken: set[str] = set()
    devices = tuple(devices)
    device_trees = device_trees or DeviceTrees(machine.tree)
    board = machine.tree.compatible if machine.tree else ()
    partitions = tuple(name for device in devices if isinstance(device, Device) for name in device.names)
    for device in devices:
        if isinstance(device, Problem):
            yield ProblemFound(device)
            continue
        yield DeviceFound(device)
        entries = 0
        try:
            tree = mounts.tree(device)
        except MountError as error:
            yield ProblemFound(Problem(device=device.name, path="", message=error.message))
        else:
            for found in read_partition(tree, board):
                if isinstance(found, Problem):
                    yield ProblemFound(found)
                    continue
                if len(taken) >= MAX_ENTRIES:
                    message = f"there are too many entries: the first {MAX_ENTRIES:,} are listed"
                    yield ProblemFound(Problem(device=device.name, path="", message=message))
                    break
                named = dataclasses.replace(found, id=_unique_id(found, device, taken))
                entry, gathered = facts.gather(
                    named, mounts.known(), board=board, partitions=partitions, device_trees=device_trees
                )
                entry_facts = foresee(gathered)
                entries += 1
                report = check(machine, entry_facts, machine_report)
                yield EntryFound(Listing(entry=entry, facts=entry_facts, report=report))
        yield DeviceDone(device, entries)
    yield ScanFinished(time.monotonic() - began)


def _unique_id(entry: BootEntry, device: Device, taken: set[str]) -> str:
    """Readable, and the same as long as partition, configuration and name are: `bls-debian-6.1-3f9a2c`."""
    # boot counting renames the file of an entry at every try (UAPI.1: "+LEFT" or "+LEFT-DONE")
    config = re.sub(r"\+\d+(-\d+)?(?=\.(conf|efi)$)", "", entry.config.path) if entry.config else ""
    words = re.sub(r"[^A-Za-z0-9._]+", "-", entry.id).strip("-.")[:40].lower() or "entry"
    for again in range(MAX_ENTRIES):
        key = "\0".join((device.identity, entry.source, config, entry.id, str(again or "")))
        name = f"{entry.source}-{words}-{hashlib.sha256(key.encode('utf-8', 'replace')).hexdigest()[:6]}"
        if name not in taken:
            break
    taken.add(name)
    return name
