# SPDX-License-Identifier: MIT
"""Judge an entry that was changed on the screen."""

from __future__ import annotations

from bootmenu.compat import check
from bootmenu.discovery import root_option
from bootmenu.discovery.devices import Device
from bootmenu.discovery.entry_facts import gather
from bootmenu.discovery.scan_events import Listing
from bootmenu.model.value import replace
from bootmenu.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from bootmenu.model.entry import BootEntry
    from bootmenu.session.machine_session import MachineSession
    from bootmenu.session.partition_access import PartitionAccess


def judge(entry: BootEntry, session: MachineSession, partitions: PartitionAccess) -> Listing:
    """Return the entry with its report. Its files may name their partitions in any way (UUID=…, LABEL=…, sda1)."""
    entry, devices, machine = partitions.resolved(entry), partitions.known(), session.machine
    with partitions.reading_if_possible(ref.device for _, ref in entry.files) as trees:
        entry, facts = gather(
            entry,
            trees,
            board=machine.tree.compatible if machine.tree else (),
            partitions=tuple(name for device in devices.values() for name in device.names),
            predict_dtb=session.dtb_builder.predict,
            public_keys=machine.public_keys,
            complete=False,
        )
        here = devices.get(entry.device) or Device(name=entry.device)
        facts = root_option.with_root(facts, entry.cmdline, partitions.mounts, here, tuple(devices.values()))
    facts = session.predict(replace(facts, partitions_complete=session.scanner.is_complete))
    names = dict.fromkeys((entry.device, *(ref.device for _, ref in entry.files)))
    return Listing(
        entry=entry,
        facts=facts,
        report=check(machine, facts, session.machine_report),
        places=tuple(dict.fromkeys(devices[name].place for name in names if name in devices)),
    )
