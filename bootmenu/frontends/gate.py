# SPDX-License-Identifier: MIT
"""Wait until the first stage's init has inserted its modules, and import meanwhile what is needed then.

On a slow board either takes seconds, and each leaves a processor idle at times. Nothing is looked at before there is
the gate, which is a file: what is not inserted yet would be taken for missing.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import time
from collections.abc import MutableMapping
from signal import SIG_IGN, SIGINT, signal

VARIABLE = "BOOTMENU_GATE"
"""The path of the file."""
PARTS = (
    "bootmenu.frontends.launcher",
    "bootmenu.frontends.outcome",
    "bootmenu.discovery.machine_facts",
    "bootmenu.discovery.hotplug",
    "bootmenu.discovery.storage.luks",
    "bootmenu.session.machine_session",
    "bootmenu.session.shared_session",
    "bootmenu.compat.checks",
    "bootmenu.sources.parsers",
    "bootmenu.session.scan_results",
    "bootmenu.session.menu_log",
    "bootmenu.view.page_edges",
    "bootmenu.view.entry_texts",
    "bootmenu.view.wording",
)
"""What the first verdict needs, whatever is on the disks."""
_INTERVAL = 0.02  # seconds
LONGEST = 120.0
"""Seconds after which the gate is passed all the same: a driver that hangs must not keep everything else waiting."""


def wait(environ: MutableMapping[str, str], longest: float = LONGEST) -> None:
    """Import PARTS, and return when the gate is open; at once where there is none."""
    gate = environ.pop(VARIABLE, "")
    if not gate or os.access(gate, os.F_OK):
        return
    before = signal(SIGINT, SIG_IGN)  # nothing is there yet that Ctrl+C could end
    for name in PARTS:
        with contextlib.suppress(Exception):  # the menu says so when it needs it
            importlib.import_module(name)
    end = time.monotonic() + longest
    while not os.access(gate, os.F_OK) and time.monotonic() < end:
        time.sleep(_INTERVAL)
    signal(SIGINT, before)
