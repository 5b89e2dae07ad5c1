# SPDX-License-Identifier: MIT
"""The title of the list: how many entries there are, on how many partitions, with which verdicts."""

from __future__ import annotations

from collections.abc import Iterable

from bootmenu.i18n import _, ngettext
from bootmenu.session.scan_results import ScanResults
from bootmenu.terminal.cells import cells
from bootmenu.view.entry_list import Row
from bootmenu.view.wording import matching_count, verdict_counts


def list_title(results: ScanResults, rows: Iterable[Row], filter_text: str, room: int) -> str:
    """Return the number of entries, of partitions, and of each verdict when all are known; without what does not fit
    into so many columns. With a filter return how many of the entries match. rows: those of the list.
    """
    listings = list(results.listings)
    if filter_text:
        return matching_count(sum(1 for row in rows if row.listing), len(listings), filter_text)
    entries = ngettext("{n} entry", "{n} entries", len(listings))
    partitions = ngettext("{n} partition", "{n} partitions", len(results.groups))
    if results.scanning:
        if not results.groups:
            return _("looking for partitions and entries")
        return _("{entries} on {partitions}, still looking").format(entries=entries, partitions=partitions)
    short = _("{entries} on {partitions}").format(entries=entries, partitions=partitions)
    if not listings:
        return short
    counts = verdict_counts(listings)
    longer = (_("{found}: {verdicts}").format(found=found, verdicts=counts) for found in (short, entries))
    return next((text for text in longer if cells(text) <= room), short)
