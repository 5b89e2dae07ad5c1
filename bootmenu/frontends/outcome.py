# SPDX-License-Identifier: MIT
"""How the screens end: what the caller does next."""

from __future__ import annotations

from bootmenu.kexec.plan import LoadPlan
from bootmenu.model.value import Value


class Jump(Value):
    """The plan is loaded, synced and unmounted: print its last line and call `session.execute(plan)`."""

    plan: LoadPlan


class Demo(Value):
    """The offered demonstration machine was accepted."""


class Quit(Value):
    """Leave; nothing is loaded. signal: the number of the signal that asked for it, 0 = a key did."""

    signal: int = 0


Outcome = Jump | Demo | Quit
