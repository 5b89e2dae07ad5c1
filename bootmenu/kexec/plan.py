# SPDX-License-Identifier: MIT
"""What will be loaded, by which method, with which edits: one value behind preview, dry run and execution."""

from __future__ import annotations

from dataclasses import dataclass

from bootmenu.model.entry import BootEntry, FileRef
from bootmenu.model.kernel import Compression
from bootmenu.model.progress import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFile:
    """One file that will be read."""

    ref: FileRef
    size: int
    """Bytes on the disk."""
    compression: Compression = Compression.NONE
    """What it has to be unpacked from before it is loaded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One change to the device tree on its way to the second kernel. value None = the property is removed."""

    path: str
    """Node, absolute: `/chosen`."""
    property: str
    value: bytes | None
    why: str
    """For people: `carried over from the running tree`."""

    def __str__(self) -> str:
        if self.value is None:
            return f"{self.path}: {self.property} removed ({self.why})"
        return f"{self.path}: {self.property} set, {len(self.value)} bytes ({self.why})"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadPlan:
    """Everything that will happen. Nothing has happened yet."""

    entry: BootEntry
    method: str
    """Name of a loading method."""
    reason: str
    """Why that one, for people."""
    kernel: PlannedFile
    initrds: tuple[PlannedFile, ...] = ()
    dtb: PlannedFile | None = None
    """None = the running machine's tree is handed on."""
    edits: tuple[Edit, ...] = ()
    """In order; only to a tree of the entry's own."""
    command_line: str = ""
    notes: tuple[str, ...] = ()
    """What a person should know before it happens."""

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages it runs through, to the jump."""
        return tuple(
            stage
            for stage in Stage
            if not (stage is Stage.INITRAMFS and not self.initrds)
            and not (stage is Stage.DEVICE_TREE and not self.dtb)
        )

    @property
    def last_line(self) -> str:
        """What is left on the console when the jump is made."""
        name = self.entry.title
        if self.entry.version and self.entry.version not in name:
            name += f", {self.entry.version}"
        return f"Starting {name}. The screen may stay dark for some seconds."

    def to_json(self) -> dict[str, object]:
        """What `boot --dry-run --json` prints."""
        return {
            "entry": self.entry.id,
            "title": self.entry.title,
            "method": self.method,
            "reason": self.reason,
            "kernel": _file(self.kernel),
            "initrds": [_file(file) for file in self.initrds],
            "dtb": None if self.dtb is None else _file(self.dtb),
            "edits": [
                {
                    "path": edit.path,
                    "property": edit.property,
                    "value": None if edit.value is None else edit.value.hex(),
                    "why": edit.why,
                }
                for edit in self.edits
            ],
            "cmdline": self.command_line,
            "stages": [str(stage) for stage in self.stages],
            "notes": list(self.notes),
        }


def _file(file: PlannedFile) -> dict[str, object]:
    return {**file.ref.to_json(), "size": file.size, "compression": str(file.compression)}
