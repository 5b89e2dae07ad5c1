# SPDX-License-Identifier: MIT
"""The demonstration machine: sample partitions and a recorded board on which everything works but the jump."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from importlib import resources

from bootmenu.bootstate.state_backends import FolderBackend
from bootmenu.bootstate.state_store import StateStore
from bootmenu.demo.partitions import build
from bootmenu.discovery.hotplug import NoChanges
from bootmenu.model.machine import MachineFacts
from bootmenu.session.machine_session import MachineSession
from bootmenu.system import scratch
from bootmenu.system.recorded_host import SimulatedHost

_PACE = 48_000_000
"""Bytes per second of a good SD card."""


def recorded_machine() -> MachineFacts:
    """Return the facts of a QEMU virt machine with four Cortex-A57, recorded with `bootmenu facts --json`, without
    what that run had on its kernel command line and in /chosen."""
    return MachineFacts.from_json(json.loads(resources.files(__name__).joinpath("machine.json").read_text("utf-8")))


def running_tree() -> bytes:
    """Return the device tree of the recorded machine, from QEMU 7.2: -machine virt -cpu cortex-a57 -smp 4 -m 1024."""
    return resources.files(__name__).joinpath("machine.dtb").read_bytes()


@contextlib.contextmanager
def demonstration(pace: int | None = _PACE) -> Iterator[MachineSession]:
    """Yield a session on the demonstration machine, whose partitions are temporary directories, deleted at the end.

    pace: bytes per second at which files are read; None: as fast as possible.
    """
    machine = recorded_machine()
    with scratch.demonstration() as folder:
        root, tree = folder / "machine", running_tree()
        (root / "sys/firmware").mkdir(parents=True)
        (root / "sys/firmware/fdt").write_bytes(tree)
        devices = build(folder, tree)
        host = SimulatedHost.from_facts(machine, root)
        with contextlib.closing(
            MachineSession(
                host,
                machine,
                lambda: devices,
                method="simulated",
                simulated=True,
                pace=pace,
                state_store=StateStore(FolderBackend(folder / "state")),
                changes=NoChanges(),
            )
        ) as session:
            yield session
