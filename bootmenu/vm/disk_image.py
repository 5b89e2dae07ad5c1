# SPDX-License-Identifier: MIT
"""Write disk images with partitions and file systems, without root, mounts or loop devices."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import assert_never

from bootmenu.errors import BootmenuError
from bootmenu.image.process_runner import Runner, output
from bootmenu.model.value import Value, field

_MIB = 1 << 20
_SECTOR = 512
_PATIENCE = 120.0
"""Seconds for each tool."""


class FileSystem(StrEnum):
    """How a partition is formatted."""

    FAT = "vfat"
    EXT4 = "ext4"
    BTRFS = "btrfs"

    @property
    def gpt_type(self) -> str:
        """Return sfdisk's name of the partition type."""
        return "uefi" if self is FileSystem.FAT else "linux"


class DiskPartition(Value, kw_only=True):
    """One partition with everything by which it is named, and its files."""

    file_system: FileSystem
    label: str
    partition_label: str
    partition_uuid: str
    uuid: str
    """FAT: ``ABCD-1234``; others: a UUID."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """Path without a leading slash → content."""
    snapshots: Sequence[str] = ()
    """btrfs: folders that are to be read-only subvolumes. mkfs.btrfs before 6.12 leaves them ordinary folders."""
    made: Path | None = None
    """An image that already has the file system, no larger than the partition."""
    size: int = 96
    """MiB."""

    def write(self, image: Path, work: Path, runner: Runner) -> None:
        """Write the file system into an image file of its own. Raise BootmenuError if a tool fails."""
        folder = work / f"{self.partition_label}.files"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for path, data in self.files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        image.unlink(missing_ok=True)
        with image.open("wb") as file:
            file.truncate(self.size * _MIB)
        match self.file_system:
            case FileSystem.FAT:
                _run(runner, ["mkfs.vfat", "-n", self.label, "-i", self.uuid.replace("-", ""), image])
                # mtools expect whole tracks of a floppy disk, which no partition has
                # and read @@ and backslashes of a path in their own way, so they get names of ours only
                here = ["env", f"--chdir={work}", "MTOOLS_SKIP_CHECK=1"]
                for entry in sorted(folder.iterdir()):
                    _run(runner, [*here, "mcopy", "-s", "-i", image.name, f"{folder.name}/{entry.name}", "::/"])
            case FileSystem.EXT4:
                _run(runner, ["mkfs.ext4", "-q", "-L", self.label, "-U", self.uuid, "-d", folder, image])
            case FileSystem.BTRFS:
                argv: list[str | Path] = ["mkfs.btrfs", "-q", "-L", self.label, "-U", self.uuid, "--rootdir", folder]
                if self.snapshots and b"--subvol" in output(runner, ["mkfs.btrfs", "--help"], timeout=_PATIENCE):
                    argv += [f"--subvol=ro:{path}" for path in self.snapshots]
                _run(runner, [*argv, image])
            case _:
                assert_never(self.file_system)
        shutil.rmtree(folder)


def write_disk(disk: Path, partitions: Sequence[DiskPartition], work: Path, runner: Runner) -> Path:
    """Write a GPT disk with the partitions in this order, and return its path.

    work: a folder for intermediate files. Raise BootmenuError if a tool fails or something cannot be written.
    """
    try:
        return _write(disk, partitions, work, runner)
    except OSError as error:
        raise BootmenuError(f"{error.filename or disk} cannot be written: {error.strerror}") from error


def _write(disk: Path, partitions: Sequence[DiskPartition], work: Path, runner: Runner) -> Path:
    work.mkdir(parents=True, exist_ok=True)
    start = _MIB
    table = ["label: gpt", f"sector-size: {_SECTOR}"]
    placed: list[tuple[int, Path]] = []
    for number, partition in enumerate(partitions, start=1):
        image = work / f"p{number}.img"
        if partition.made is None:
            partition.write(image, work, runner)
        placed.append((start, partition.made or image))
        table.append(
            f"start={start // _SECTOR}, size={partition.size * _MIB // _SECTOR}, "
            f"type={partition.file_system.gpt_type}, "
            f'name="{partition.partition_label}", uuid={partition.partition_uuid}'
        )
        start += partition.size * _MIB
    disk.unlink(missing_ok=True)
    with disk.open("wb") as file:
        file.truncate(start + _MIB)
    _run(runner, ["sfdisk", "-q", disk], data="\n".join(table).encode() + b"\n")
    with disk.open("r+b") as file:
        for offset, image in placed:
            _copy(image, file.fileno(), offset)
            if image.parent == work:
                image.unlink()
        os.fsync(file.fileno())
    return disk


def _run(runner: Runner, argv: Sequence[str | Path], data: bytes | None = None) -> None:
    output(runner, [str(part) for part in argv], timeout=_PATIENCE, data=data)


def _copy(image: Path, descriptor: int, offset: int) -> None:
    """Copy a file into another at an offset; blocks of zeros stay holes."""
    zeros = bytes(_MIB)
    with image.open("rb") as source:
        while block := source.read(_MIB):
            if block != zeros[: len(block)]:
                os.pwrite(descriptor, block, offset)
            offset += len(block)
