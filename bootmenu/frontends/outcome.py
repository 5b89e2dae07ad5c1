# SPDX-License-Identifier: MIT
"""How the screens end: what the caller does next."""

from __future__ import annotations

from dataclasses import dataclass

from bootmenu.kexec.plan import LoadPlan


@dataclass(frozen=True, slots=True)
class Jump:
    """The plan is loaded, synced and unmounted: print its last line and call `session.jump(plan)`."""

    plan: LoadPlan


@dataclass(frozen=True, slots=True)
class Demo:
    """The offered demonstration machine was accepted."""


@dataclass(frozen=True, slots=True)
class Quit:
    """Leave; nothing is loaded. signal: the number of the signal that asked for it, 0 = a key did."""

    signal: int = 0


Outcome = Jump | Demo | Quit
