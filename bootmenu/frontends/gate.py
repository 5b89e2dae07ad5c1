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

from bootmenu.frontends.preload import ENOUGH_MEMORY

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
    "bootmenu.bootstate.backend_from_settings",
    "bootmenu.discovery.partition_reader",
    "bootmenu.kexec.plan",
    "bootmenu.compat.checks",
    "bootmenu.sources.parsers",
    "bootmenu.session.scan_results",
    "bootmenu.session.menu_log",
    "bootmenu.view.page_edges",
    "bootmenu.view.entry_texts",
    "bootmenu.view.wording",
)
"""What the first verdict needs, whatever is on the disks."""
LATER = (
    "bootmenu.sources.parsers.bls",
    "bootmenu.sources.parsers.grub.interpreter",
    "bootmenu.kexec.load",
    "bootmenu.kexec.jump",
)
"""What most disks need, and what a start does, if there is time."""
OF_THE_MENU = ("asyncio", "rich.console", "rich.table", "rich.tree")
"""What the full menu needs, as far as it does not read the environment, which the terminal decides later. Not with
one processor only, which init has to itself, and not where the next system needs the memory more."""
_INTERVAL = 0.02  # seconds
LONGEST = 120.0
"""Seconds after which the gate is passed all the same: a driver that hangs must not keep everything else waiting."""


def wait(environ: MutableMapping[str, str], longest: float = LONGEST) -> None:
    """Import PARTS until the gate is open; return at once where there is none."""
    gate = environ.pop(VARIABLE, "")
    if not gate or os.access(gate, os.F_OK):
        return
    before = signal(SIGINT, SIG_IGN)  # nothing is there yet that Ctrl+C could end
    later, end = [*PARTS, *LATER, *_of_the_menu()], time.monotonic() + longest
    while not os.access(gate, os.F_OK) and time.monotonic() < end:
        if later:
            _import(later.pop(0))
        else:
            time.sleep(_INTERVAL)
    signal(SIGINT, before)


def _import(name: str) -> None:
    with contextlib.suppress(Exception):  # the menu says so when it needs it
        importlib.import_module(name)


def _of_the_menu() -> tuple[str, ...]:
    pages, size = os.sysconf("SC_AVPHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return OF_THE_MENU if len(os.sched_getaffinity(0)) > 1 and pages * size >= ENOUGH_MEMORY else ()
