# SPDX-License-Identifier: MIT
"""Assemble Linux software RAID arrays (md(4)) with mdadm, if they are as complete as when last used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bootmenu.discovery.storage import KINDS, Kind
from bootmenu.discovery.storage.assembler import StorageError
from bootmenu.i18n import N_
from bootmenu.model.entry import Problem
from bootmenu.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from bootmenu.discovery.devices import Device
    from bootmenu.discovery.storage.assembler import Assembler

_HIGHEST = 127  # as mdadm itself counts, from there downwards


def assemble(parts: Sequence[Device], assembler: Assembler) -> Iterator[Problem]:
    """Assemble one array per UUID, and yield a problem for each that lacks parts."""
    arrays: dict[str, list[Device]] = {}
    for part in parts:
        arrays.setdefault(part.uuid or part.name, []).append(part)
    for members in arrays.values():
        # anyone can forge a UUID: an array that is complete inside the machine takes no parts from outside
        inside = [part for part in members if part.place.internal]
        attempts = [inside, members] if 0 < len(inside) < len(members) else [members]
        trouble: StorageError | None = None
        for attempt in attempts:
            trouble = _assemble(attempt, assembler)
            if trouble is None:
                break
        if trouble is not None:
            label, reason = members[0].label, trouble.message
            message = N_("waiting for the other parts of the array it belongs to ({reason})", reason=reason)
            if label:
                message = N_(
                    "waiting for the other parts of the array “{label}” it belongs to ({reason})",
                    label=label,
                    reason=reason,
                )
            yield Problem(device=members[0].name, path="", message=message)


def _assemble(members: Sequence[Device], assembler: Assembler) -> StorageError | None:
    """Assemble one array; return why it cannot be assembled, or None."""
    steps = assembler.steps
    name = _free(assembler)
    try:
        # mdadm(8), --run: without it an array that lost a part since it was last used is not started
        paths = [assembler.read_only_loop(part) for part in members]
        assembler.undo_by(name, "mdadm", "--stop", f"/dev/{name}")
        assembler.run("mdadm", "--assemble", "--readonly", "--config=none", f"/dev/{name}", *paths)
    except StorageError as error:
        assembler.undo(steps)
        return error
    return None


def _free(assembler: Assembler) -> str:
    """Return a kernel name that no array has. Raise StorageError."""
    for number in range(_HIGHEST, -1, -1):
        if not assembler.host.exists(f"/sys/class/block/md{number}"):
            return f"md{number}"
    raise StorageError(N_("{n} arrays already exist", n=_HIGHEST + 1))


KINDS.register("md")(Kind(filesystem="linux_raid_member", whole=N_("an array"), tool="mdadm", assemble=assemble))
