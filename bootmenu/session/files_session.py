# SPDX-License-Identifier: MIT
"""A session about files that were named on the command line, for `check` and `boot --kernel`."""

from __future__ import annotations

import os
from collections.abc import Sequence

from bootmenu.bootstate.state_store import StateStore
from bootmenu.compat import FileState, check
from bootmenu.config.settings import Settings
from bootmenu.discovery import root_option
from bootmenu.discovery.devices import Device, find
from bootmenu.discovery.entry_facts import gather
from bootmenu.discovery.scan_events import Listing
from bootmenu.errors import UsageError
from bootmenu.model.entry import BootEntry, CommandLine, FileRef
from bootmenu.model.machine import MachineFacts
from bootmenu.model.value import replace
from bootmenu.session.machine_session import MachineSession
from bootmenu.system.host import Host


class FilesSession(MachineSession):
    """A session about one entry that consists of files of the running system.

    The paths come from the caller and may lead anywhere. Raise UsageError if one of them cannot be read.
    """

    def __init__(
        self,
        host: Host,
        machine: MachineFacts,
        *,
        kernel: str,
        dtb: str | None,
        overlays: tuple[str, ...],
        initrds: tuple[str, ...],
        command_line: str,
        dtb_edits: tuple[str, ...] = (),
        method: str | None = None,
        settings: Settings | None = None,
        local: bool = True,
        partitions: Sequence[Device] | None = None,
    ) -> None:
        """partitions: where to look for what root= names; None: do not look."""
        super().__init__(
            host, machine, tuple, method=method, settings=settings, local=local, state_store=StateStore(None)
        )  # files that were named are no entry that could be remembered
        here = Device(name="", folder="/")
        self._partitions.unscanned[here.name] = here
        self._partitions.present = self._present
        self._all: dict[str, Device] | None = None
        tree = self._mounts.tree(here)

        def ref(path: str) -> FileRef:
            return FileRef(device=here.name, path=os.path.realpath(path))

        entry, facts = gather(
            BootEntry(
                id="files",
                title=os.path.basename(kernel),
                source="files",
                device=here.name,
                kernel=ref(kernel),
                initrds=tuple(map(ref, initrds)),
                dtb=None if dtb is None else ref(dtb),
                overlays=tuple(map(ref, overlays)),
                dtb_edits=dtb_edits,
                cmdline=CommandLine(command_line),
            ),
            {here.name: tree},
            board=machine.tree.compatible if machine.tree else (),
            deep=True,
            partitions=None if partitions is None else tuple(name for each in partitions for name in each.names),
            predict_dtb=self.dtb_fixups.predict,
        )
        facts = replace(facts, typed=True)
        facts = self.predict(root_option.with_root(facts, entry.cmdline, self._mounts, here, partitions or ()))
        for file in facts.files:
            if file.state is not FileState.PRESENT:
                raise UsageError(f"{file.path}: {file.detail or file.state}", f"Name a {file.role} that can be read.")
        self.listing = Listing(entry=entry, facts=facts, report=check(machine, facts, self.machine_report))
        """The entry, with its report."""

    def _present(self) -> dict[str, Device]:
        """Return all partitions of the machine, since the files may be on any. Look for them once, and only if that
        matters."""
        if self._all is None:
            found = find(self.host) if self.settings.sha256 else ()
            self._all = {device.name: device for device in found if isinstance(device, Device)}
        return self._all
