# SPDX-License-Identifier: MIT
"""Entries that a person has made in the editor and kept in the state: what is stored, and what a partition offers.

They name partitions by what stays the same between boots. Kernel names such as sda1 do not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from bootmenu.discovery.devices import Device
from bootmenu.discovery.entry_ids import readable_id
from bootmenu.model.entry import OWN, BootEntry, FileRef
from bootmenu.model.own_entry import PREFIX, OwnEntry
from bootmenu.model.place import Bus
from bootmenu.model.value import replace


def stored(entry: BootEntry, title: str, devices: Mapping[str, Device]) -> OwnEntry:
    """Return an edited entry as it is stored under a title. devices: all known partitions, by kernel name.

    Saved again on the same partition with the same title, it has the same id, and replaces the earlier one.
    """
    here = devices.get(entry.device)
    identity = here.identity if here is not None else entry.device
    named = replace(entry, id=readable_id(OWN, title, f"{identity}\0{title}"), title=title)
    identities = {name: device.identity for name, device in devices.items()}
    bus = here.place.bus if here is not None else Bus.UNKNOWN
    return OwnEntry(entry=_with_devices(_of_no_configuration(named), identities), bus=bus)


def offered(own: Iterable[OwnEntry], device: Device, copy_number: int) -> Iterator[BootEntry]:
    """Yield the entries that belong to a partition, as a parser would.

    copy_number: number of earlier partitions with the same identity; each copy's entries have ids of their own.
    """
    for one in own:
        belongs = one.entry.device == device.identity and one.bus is device.place.bus
        if belongs and one.entry.id.startswith(PREFIX):
            entry = _with_devices(_of_no_configuration(one.entry), {device.identity: device.name})
            yield replace(entry, id=f"{entry.id}-{copy_number + 1}") if copy_number else entry


def _of_no_configuration(entry: BootEntry) -> BootEntry:
    """Return the entry without what only a configuration can say; a state that was tampered with does not either."""
    return replace(
        entry,
        source=OWN,
        config=None,
        default=False,
        tries_left=None,
        also=(),
        notes=(),
        snapshot=None,
        manual="",
    )


def _with_devices(entry: BootEntry, names: Mapping[str, str]) -> BootEntry:
    """Return the entry with other names for its partitions, and nothing known of its files."""

    def renamed(file: FileRef) -> FileRef:
        return replace(file, device=names.get(file.device, file.device), exists=None)

    return replace(entry.with_files(renamed), device=names.get(entry.device, entry.device))
