# SPDX-License-Identifier: MIT
"""The checks: they turn facts into findings, and use no disk, process, clock or screen.

from bootmenu.compat import check, check_machine, EntryFacts
report = check(machine_facts, entry_facts)
"""

from bootmenu.compat.checker import CHECKS, Check, Scope, check, check_machine
from bootmenu.compat.facts import DeviceTreeFacts, EntryFacts, FileFacts, FileState, KernelFacts

__all__ = [
    "CHECKS",
    "Check",
    "DeviceTreeFacts",
    "EntryFacts",
    "FileFacts",
    "FileState",
    "KernelFacts",
    "Scope",
    "check",
    "check_machine",
]
