# SPDX-License-Identifier: MIT
"""The JSON output of the subcommands, which docs/json.md documents."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from bootmenu.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from bootmenu.config.option import Option
    from bootmenu.config.settings_layers import Loaded
    from bootmenu.discovery.scan_events import Listing
    from bootmenu.model.entry import Problem
    from bootmenu.model.finding import Report


def scan_to_json(listings: Iterable[Listing], problems: Iterable[Problem]) -> dict[str, object]:
    """Return the object that `scan --json` prints."""
    every = list(listings)
    if every:  # its module is not needed otherwise
        from bootmenu.view.entry_texts import unique_titles

    titles = unique_titles([listing.entry for listing in every]) if every else []
    return {
        "entries": [entry_to_json(listing, title) for listing, title in zip(every, titles, strict=True)],
        "problems": [problem.to_json() for problem in problems],
    }


def entry_to_json(listing: Listing, title: str) -> dict[str, object]:
    """Return one element of `entries`. title: as no other entry has it."""
    entry, facts = listing.entry, listing.facts
    architecture = entry.architecture or (facts.kernel.architecture if facts.kernel else None)
    return {
        "id": entry.id,
        "title": title,
        "version": entry.version,
        "source": entry.source,
        "config": entry.config.to_json() if entry.config else None,
        "also": [origin.to_json() for origin in entry.also],
        "device": entry.device,
        "kernel": entry.kernel.to_json(),
        "initrds": [ref.to_json() for ref in entry.initrds],
        **({"companions": [ref.to_json() for ref in entry.companions]} if entry.companions else {}),
        "dtb": entry.dtb.to_json() if entry.dtb else None,
        "overlays": [ref.to_json() for ref in entry.overlays],
        "cmdline": entry.cmdline.text,
        "architecture": str(architecture) if architecture else None,
        "default": entry.default,
        **({"notes": [str(note) for note in entry.notes]} if entry.notes else {}),
        **({"snapshot": entry.snapshot.to_json()} if entry.snapshot else {}),
        **({"manual": str(entry.manual)} if entry.manual else {}),
        **report_to_json(listing.report),
    }


def report_to_json(report: Report) -> dict[str, object]:
    """Return the object that `check --json` prints: the verdict, and the findings, worst first."""
    return {"verdict": str(report.verdict), "findings": [finding.to_json() for finding in report.findings]}


def json_text(value: object, *, indent: int | None = None) -> str:
    """Return JSON in printable ASCII, so that no name from a disk can send control sequences to a terminal."""
    return json.dumps(value, indent=indent).replace("\x7f", "\\u007f")


Applied = Mapping[str, tuple[object, str]]
"""By Option.name: the value that takes effect for a setting that is not set, and why."""
NOTHING_APPLIED: Applied = MappingProxyType({})


def settings_to_json(loaded: Loaded, applied: Applied = NOTHING_APPLIED) -> dict[str, object]:
    """Return the object that `settings --json` prints: `{NAME: {"value": ..., "origin": ...}}`, and the problems."""
    values = {
        option.name: {"value": "set" if option.secret and value is not None else value, "origin": origin}
        for option, value, origin in settings_rows(loaded, applied)
    }
    return {"settings": values, "problems": list(loaded.problems)}


def settings_rows(loaded: Loaded, applied: Applied) -> Iterator[tuple[Option, object, str]]:
    """Yield each option, its value in the form of a settings file, and its origin."""
    for option, value, origin in loaded.rows():
        if option.name in applied and option.name not in loaded.origins:
            value, why = applied[option.name]
            origin = f"{origin}, {why}"
        yield option, option.written(value), origin
