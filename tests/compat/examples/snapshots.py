# SPDX-License-Identifier: MIT
"""Entries that boot a snapshot."""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.compat.facts import EntryFacts, FileState, SnapshotFacts
from bootmenu.model.finding import Severity
from bootmenu.model.value import replace
from tests.builders.entries import entry, kernel_file
from tests.compat.examples.base import PASS, UNKNOWN, WARN, Example, Unreachable

OF = SnapshotFacts(path="@/.snapshots/12/snapshot", kernel_in="@/.snapshots/12/snapshot", release="6.1.0-49-arm64")
APART = replace(OF, kernel_in="sda1")

UNREACHABLE: Unreachable = {
    (
        "SNAPSHOT-KERNEL",
        Severity.UNKNOWN,
    ): "a kernel of another snapshot is a risk as long as its modules are not seen",
}


def booting(snapshot: SnapshotFacts, **changes: object) -> EntryFacts:
    return replace(entry(**changes), snapshot=snapshot)


def snapshots() -> Iterator[Example]:
    code = "SNAPSHOT-KERNEL"
    yield Example(code=code, name="no snapshot", severity=None)
    yield Example(code=code, name="its own", severity=PASS, entry=booting(OF), says="same snapshot")
    yield Example(
        code=code,
        name="modules are there",
        severity=PASS,
        entry=booting(replace(APART, modules=True)),
        says="in sda1",
    )
    yield Example(
        code=code,
        name="no modules",
        severity=WARN,
        entry=booting(replace(APART, modules=False)),
        says="no modules for 6.1.0-49-arm64",
    )
    yield Example(code=code, name="modules unknown", severity=WARN, entry=booting(APART), says="not known")
    gone = booting(APART, files=(kernel_file(state=FileState.MISSING),))
    yield Example(code=code, name="no kernel", severity=None, entry=gone)
    code = "SNAPSHOT-WRITE"
    yield Example(code=code, name="no snapshot", severity=None)
    yield Example(code=code, name="writable", severity=PASS, entry=booting(replace(OF, read_only=False)))
    yield Example(
        code=code,
        name="var elsewhere",
        severity=PASS,
        entry=booting(replace(OF, read_only=True, writes_elsewhere=True)),
    )
    yield Example(
        code=code, name="read-only", severity=WARN, entry=booting(replace(OF, read_only=True)), says="roll back"
    )
    yield Example(code=code, name="flags unknown", severity=UNKNOWN, entry=booting(OF), says="as root")
