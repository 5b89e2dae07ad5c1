# SPDX-License-Identifier: MIT
"""Hardware watchdogs that are running (Documentation/watchdog/watchdog-api.rst)."""

from __future__ import annotations

import re

from bootmenu.i18n import N_, joined
from bootmenu.system.host import Host

_CLASS = "/sys/class/watchdog"


def running(host: Host) -> list[str]:
    """Return the names of the watchdogs that count down. Leave the others alone, because opening one starts it."""
    try:
        names = sorted(path.name for path in host.path(_CLASS).iterdir())
    except OSError:
        return []
    return [
        name
        for name in names
        if re.fullmatch(r"watchdog\d+", name) and host.text(f"{_CLASS}/{name}/state") == "active"
    ]


def feed(host: Host) -> str:
    """Restart the time of each watchdog; return what happened, in words."""
    return _each(host, disarm=False) or N_("no watchdog is running")


def disarm(host: Host) -> str:
    """Stop each watchdog; return what happened, in words. A driver may refuse (nowayout)."""
    return _each(host, disarm=True) or N_("no watchdog is running")


def _each(host: Host, *, disarm: bool) -> str:
    told = []
    for name in running(host):
        try:
            host.syscalls.watchdog(str(host.path(f"/dev/{name}")), disarm=disarm)
        except OSError as error:
            told.append(N_("{name} is still counting: {error}", name=name, error=error))
            continue
        if not disarm:
            told.append(N_("{name} fed", name=name))
        elif host.text(f"{_CLASS}/{name}/state") == "active":
            told.append(N_("{name} is still counting: its driver lets nobody stop it", name=name))
        else:
            told.append(N_("{name} switched off", name=name))
    return joined("; ", told)
