# SPDX-License-Identifier: MIT
"""Disk images with partitions and file systems, made without root and without loop devices."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from tests.vm.harness import run_tool

_MIB = 1 << 20
_SECTOR = 512


class FileSystem(StrEnum):
    """What a partition is formatted with."""

    FAT = "vfat"
    EXT4 = "ext4"

    @property
    def gpt_type(self) -> str:
        """sfdisk's name of the partition type."""
        return "uefi" if self is FileSystem.FAT else "linux"


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """One partition with everything that tells it apart from others."""

    file_system: FileSystem
    label: str
    partition_label: str
    partition_uuid: str
    uuid: str
    """FAT: ``ABCD-1234``; ext4: a UUID."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """Path without a leading slash → content."""
    made: Path | None = None
    """An image that has the file system already, no larger than the partition."""
    size: int = 96
    """MiB."""

    def write(self, image: Path, work: Path) -> None:
        """Make the file system as an image file of its own."""
        folder = work / f"{self.partition_label}.files"
        shutil.rmtree(folder, ignore_errors=True)
        for path, data in self.files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        image.unlink(missing_ok=True)
        with image.open("wb") as file:
            file.truncate(self.size * _MIB)
        match self.file_system:
            case FileSystem.FAT:
                run_tool(["mkfs.vfat", "-n", self.label, "-i", self.uuid.replace("-", ""), image])
                for entry in sorted(folder.iterdir()):
                    run_tool(["mcopy", "-s", "-i", image, entry, "::/"])
            case FileSystem.EXT4:
                run_tool(["mkfs.ext4", "-q", "-L", self.label, "-U", self.uuid, "-d", folder, image])


def write_disk(disk: Path, partitions: list[Partition], work: Path) -> Path:
    """A GPT disk with the partitions in this order.

    work: a folder for intermediate files.
    """
    work.mkdir(parents=True, exist_ok=True)
    start = _MIB
    table = ["label: gpt", f"sector-size: {_SECTOR}"]
    placed: list[tuple[int, Path]] = []
    for number, partition in enumerate(partitions, start=1):
        image = work / f"p{number}.img"
        if partition.made is None:
            partition.write(image, work)
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
    run_tool(["sfdisk", "-q", disk], data="\n".join(table).encode() + b"\n")
    with disk.open("r+b") as file:
        for offset, image in placed:
            _copy(image, file.fileno(), offset)
            if image.parent == work:
                image.unlink()
    return disk


def _copy(image: Path, descriptor: int, offset: int) -> None:
    """Copy a file into another at an offset; blocks of zeros stay holes."""
    zeros = bytes(_MIB)
    with image.open("rb") as source:
        while block := source.read(_MIB):
            if block != zeros[: len(block)]:
                os.pwrite(descriptor, block, offset)
            offset += len(block)
