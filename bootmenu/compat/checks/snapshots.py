# SPDX-License-Identifier: MIT
"""Check an entry that boots a snapshot: does its kernel belong to it, and can the system write where it needs to?"""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.compat.checker import CheckResult, entry_check, passed, unknown, warned
from bootmenu.compat.facts import EntryFacts, SnapshotFacts
from bootmenu.model.machine import MachineFacts


def _evidence(snapshot: SnapshotFacts) -> dict[str, object]:
    return {
        "snapshot": snapshot.path,
        "kernel_in": snapshot.kernel_in,
        "release": snapshot.release,
        "modules": snapshot.modules,
    }


@entry_check("SNAPSHOT-KERNEL", after="CMD-ROOT", requires=("FILE-MISSING",))
def kernel(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:  # noqa: ARG001
    """Check that the kernel is of the snapshot that is booted, or that the snapshot has modules for it.

    A snapshot holds the modules of its own kernels. A kernel from elsewhere loads none if the snapshot has no
    modules of its release.

    warn: the snapshot has no modules for this kernel, or that is not known. → Take an entry whose kernel has the
        release of a folder in the snapshot's /usr/lib/modules.
    evidence: snapshot: its path; kernel_in: where the kernel is; release: that of the kernel; modules: whether the
        snapshot has them
    """
    snapshot = entry.snapshot
    if snapshot is None:
        return
    evidence = _evidence(snapshot)
    if snapshot.path and snapshot.kernel_in == snapshot.path:
        yield passed("Kernel and root file system are of the same snapshot.", **evidence)
    elif snapshot.modules:
        yield passed(
            f"The kernel is not of this snapshot (it is in {snapshot.kernel_in}), which has modules for"
            f" {snapshot.release}.",
            **evidence,
        )
    elif snapshot.modules is False:
        yield warned(
            f"The kernel is not of this snapshot (it is in {snapshot.kernel_in}), which has no modules for"
            f" {snapshot.release}: drivers that the initramfs lacks do not load.",
            "Take an entry whose kernel has the release of the snapshot's modules, in /usr/lib/modules there.",
            **evidence,
        )
    else:
        yield warned(
            f"The kernel is not of this snapshot: it is in {snapshot.kernel_in}, and whether the snapshot has modules"
            " for it is not known.",
            "Compare the kernel's release with /usr/lib/modules in the snapshot.",
            **evidence,
        )


@entry_check("SNAPSHOT-WRITE")
def writable(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:  # noqa: ARG001
    """Check that the system can write in a snapshot, or writes elsewhere.

    Many services write to /var and fail if they cannot.

    warn: the snapshot is read-only, and /var is in it. → Boot it to look at it and to copy files. To go on working
        with it, roll back to it (snapper rollback).
    unknown: whether it can be written to is not known. → Run bootmenu as root on the machine itself.
    evidence: snapshot: its path; read_only; writes_elsewhere: whether the system writes outside of it
    """
    snapshot = entry.snapshot
    if snapshot is None:
        return
    evidence: dict[str, object] = {
        "snapshot": snapshot.path,
        "read_only": snapshot.read_only,
        "writes_elsewhere": snapshot.writes_elsewhere,
    }
    if snapshot.writes_elsewhere:
        yield passed("The system writes outside of the snapshot.", **evidence)
    elif snapshot.read_only is False:
        yield passed("The snapshot can be written to.", **evidence)
    elif snapshot.read_only:
        yield warned(
            "The snapshot is read-only, and /var is in it: services that write there fail.",
            "Boot it to look at it and to copy files; to go on working with it, roll back to it (snapper rollback).",
            **evidence,
        )
    else:
        yield unknown(
            "Whether the snapshot can be written to is not known.",
            "Run bootmenu as root on the machine itself.",
            **evidence,
        )
