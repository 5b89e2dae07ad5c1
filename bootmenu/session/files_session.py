# SPDX-License-Identifier: MIT
"""A session about files given on the command line, for `check` and `boot --kernel`."""

from __future__ import annotations

import os
from collections.abc import Sequence

from bootmenu.bootstate.state_store import StateStore
from bootmenu.compat import EntryFacts, FileState, check
from bootmenu.config.settings import Settings
from bootmenu.discovery import root_option
from bootmenu.discovery.devices import Device, find
from bootmenu.discovery.entry_facts import gather
from bootmenu.discovery.scan_events import Listing
from bootmenu.errors import UsageError
from bootmenu.kexec.dtb_builder import DtbBuilder
from bootmenu.kexec.plan import predict_method
from bootmenu.model.entry import BootEntry, CommandLine, FileRef
from bootmenu.model.finding import Report
from bootmenu.model.machine import MachineFacts
from bootmenu.model.value import replace
from bootmenu.session.machine_session import MachineSession
from bootmenu.system.host import Host


class FilesSession(MachineSession):
    """A session about one entry, which is made of files of the running system.

    The paths come from the caller and may lead anywhere. Raises UsageError if one of them cannot be read.
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
        """partitions: where to search for the root file system that root= names; None to skip the search."""
        super().__init__(
            host, machine, tuple, method=method, settings=settings, local=local, state_store=StateStore(None)
        )  # nothing is remembered about files that are not an entry
        here = Device(name="", folder="/")
        self._partitions.unscanned[here.name] = here
        self._partitions.digest_devices = self._all_devices
        self._found: dict[str, Device] | None = None
        tree = self._mounts.tree(here)

        def ref(path: str) -> FileRef:
            return FileRef(device=here.name, path=os.path.realpath(path))

        self._here, self._tree, self._roots = here, tree, partitions
        self._entry = BootEntry(
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
        )
        self._facts: dict[object, EntryFacts] = {}
        entry, facts = self._gathered(machine, self.dtb_builder)
        for file in facts.files:
            if file.state is not FileState.PRESENT:
                raise UsageError(f"{file.path}: {file.detail or file.state}", f"Name a {file.role} that can be read.")
        facts = self.predict(facts)
        self.listing = Listing(entry=entry, facts=facts, report=check(machine, facts, self.machine_report))
        """The entry, its facts and its report."""

    def report_on(self, machine: MachineFacts) -> Report:
        """Return the report for another machine than that of the session, of which nothing but the facts is known.

        The files are read once, unless what they say depends on the machine: a device tree gets its fix-ups.
        """
        image = self.listing.facts.kernel.image if self.listing.facts.kernel else None
        by_board = machine.tree is not None and image is not None and bool(image.embedded)
        board = machine.tree.compatible if machine.tree is not None and by_board else ()
        key = (board, tuple((machine.public_keys or {}).items()))
        facts = self._facts.get(key)
        if facts is None:
            trees = self._mounts.open_trees
            builder = DtbBuilder(self.host, machine, trees, carry_over=self.settings.carry_over, local=False)
            facts = self._gathered(machine, builder)[1]
            if not facts.wants_own_tree:
                self._facts[key] = facts
        return check(machine, predict_method(facts, machine, self._method))

    def _gathered(self, machine: MachineFacts, builder: DtbBuilder) -> tuple[BootEntry, EntryFacts]:
        """Return the entry and its facts, as far as they are not about the loading method."""
        roots = self._roots
        entry, facts = gather(
            self._entry,
            {self._here.name: self._tree},
            board=machine.tree.compatible if machine.tree else (),
            deep=True,
            partitions=None if roots is None else tuple(name for each in roots for name in each.names),
            public_keys=machine.public_keys,
            predict_dtb=builder.predict,
        )
        facts = replace(facts, typed=True)
        return entry, root_option.with_root(facts, entry.cmdline, self._mounts, self._here, roots or ())

    def _all_devices(self) -> dict[str, Device]:
        """Return all partitions of the machine, because the files may be on any of them. They are searched for once,
        and only if the settings demand a digest."""
        if self._found is None:
            found = find(self.host) if self.settings.sha256 else ()
            self._found = {device.name: device for device in found if isinstance(device, Device)}
        return self._found
