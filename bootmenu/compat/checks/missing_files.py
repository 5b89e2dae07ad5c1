# SPDX-License-Identifier: MIT
"""Check that all files that the entry names exist, each on its own partition."""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.compat.checker import CheckResult, entry_check, failed, passed, unknown
from bootmenu.compat.facts import EntryFacts, FileFacts, FileState
from bootmenu.model.machine import MachineFacts


def _evidence(file: FileFacts) -> dict[str, object]:
    return {
        "role": file.role,
        "device": file.device,
        "path": file.path,
        "resolved": file.resolved,
        "state": str(file.state),
    }


@entry_check("FILE-OUTSIDE", after="DEV-DMA")
def inside(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:  # noqa: ARG001
    """Check that no path or symbolic link leaves its partition; such a file is never opened.

    A disk may be hostile. A path or a link on it must not reach files of another partition, or of the running
    system.

    fail: a path leads out of its partition. → Put the file itself on the partition, or correct the path in the
        configuration.
    unknown: this user may not follow the path. → Run bootmenu as root.
    evidence: role, device, path, resolved and state of the file, or a list of them in files; paths: what was
        followed
    """
    outside = [file for file in entry.files if file.state is FileState.OUTSIDE]
    for file in outside:
        yield failed(
            f"The {file.role} {file.name} leaves its partition: {file.detail or 'a link or .. points outside'}.",
            "Put the file itself on the partition, or correct the path in the configuration.",
            **_evidence(file),
        )
    forbidden = [file for file in entry.files if file.state is FileState.FORBIDDEN]
    if forbidden:
        yield unknown(
            f"Whether the {forbidden[0].role} {forbidden[0].name} stays on its partition could not be checked.",
            "Run bootmenu as root.",
            files=[_evidence(file) for file in forbidden],
        )
    # if the partition was not found, FILE-MISSING reports it
    elif entry.files and not outside and all(file.state is not FileState.WAITING for file in entry.files):
        yield passed("Every path stays on its partition.", paths=[file.path for file in entry.files])


@entry_check("FILE-MISSING")
def present(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:  # noqa: ARG001
    """Check that all files that the entry names exist and can be read.

    An entry is started whole or not at all: kernel, initramfs, device tree and overlays.

    fail: a file does not exist, or is no file that can be read. → Reinstall the kernel package, or correct the path
        in the configuration. Look at the health of the disk.
    unknown: this user may not read the file, or its disk has not been seen. → Run bootmenu as root, or plug the disk
        in. The entry is then judged again.
    evidence: role, device, path, resolved and state of the file; files: those that are there
    """
    whole = True
    for file in entry.files:
        resolved = f" (that is {file.resolved})" if file.resolved not in (None, file.path) else ""
        match file.state:
            case FileState.PRESENT:
                continue
            case FileState.OUTSIDE:  # FILE-OUTSIDE has said it
                pass
            case FileState.MISSING:
                yield failed(
                    f"The {file.role} {file.name}{resolved} does not exist.",
                    "Reinstall the kernel package, or correct the path in the configuration.",
                    **_evidence(file),
                )
            case FileState.UNUSABLE:
                yield failed(
                    f"The {file.role} {file.name}{resolved} cannot be used: {file.detail}.",
                    "Look at the file and at the health of its disk.",
                    **_evidence(file),
                )
            case FileState.FORBIDDEN:
                yield unknown(
                    f"The {file.role} {file.name}{resolved} may not be read by this user.",
                    "Run bootmenu as root.",
                    **_evidence(file),
                )
            case FileState.WAITING:
                yield unknown(
                    f"The {file.role} {file.path} waits for the device {file.device}, which has not been seen.",
                    "Plug it in: the entry is judged again when it is there.",
                    **_evidence(file),
                )
        whole = False
    if entry.files and whole:
        yield passed("Every file is there.", files=[file.name for file in entry.files])


@entry_check("FILE-DIGEST", requires=("FILE-MISSING",))
def digests(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:  # noqa: ARG001
    """Check that files have the SHA-256 that the entry demands of them; what has another is never loaded.

    Some configurations name the SHA-256 that a file must have. Another file in its place may be damaged or replaced
    on purpose.

    fail: the file has another SHA-256, and is never loaded. → Install the boot entries of the system again.
    unknown: the file has not been read yet; its SHA-256 is compared when it is loaded. → Start it: a wrong file is
        not loaded.
    evidence: path, sha256 and demanded (the SHA-256 that it must have); files: those that have it, or were not read
    """
    demanded = [file for file in entry.files if file.demanded and file.state is FileState.PRESENT]
    for file in demanded:
        if file.sha256 not in (None, file.demanded):
            yield failed(
                f"The {file.role} {file.name} is not the one that the entry was made for: its SHA-256 differs.",
                "Install the boot entries of the system again.",
                path=file.path,
                sha256=file.sha256,
                demanded=file.demanded,
            )
    left = [file.name for file in demanded if file.sha256 is None]
    if left:
        yield unknown(
            f"Whether {left[0]} is the one that the entry was made for is only seen when it is loaded.",
            "Start it: a file with another SHA-256 is not loaded.",
            files=left,
        )
    elif demanded and all(file.sha256 == file.demanded for file in demanded):
        yield passed("Every file is the one that the entry was made for.", files=[file.name for file in demanded])
