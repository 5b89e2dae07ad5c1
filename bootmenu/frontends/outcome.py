# SPDX-License-Identifier: MIT
"""The outcomes of a menu, which say what the caller does next."""

from __future__ import annotations

from bootmenu.kexec.plan import LoadPlan
from bootmenu.model.value import Value


class Jump(Value):
    """An entry is loaded, and the disks are synced and unmounted: print the plan's last line, then execute it."""

    plan: LoadPlan
    done: str = ""
    """What the load has done, to print before the last line; empty if each stage was printed."""


class Demo(Value):
    """The demonstration machine was asked for."""


class VmCommand(Value):
    """`bootmenu vm` was asked for."""


class Quit(Value):
    """The menu was left; nothing is loaded."""

    signal: int = 0
    """Number of the signal that ended it, or 0 for a key."""


Outcome = Jump | Demo | VmCommand | Quit
