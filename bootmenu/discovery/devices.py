# SPDX-License-Identifier: MIT
"""Which partitions there are, with every name by which a configuration may call them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A partition, or a disk with a file system of its own. None = it has no such name."""

    name: str
    """Kernel name: `sda1`."""
    path: str = ""
    """`/dev/sda1`; empty for a folder that stands for a partition."""
    filesystem: str | None = None
    size: int | None = None
    """Bytes."""
    uuid: str | None = None
    label: str | None = None
    partuuid: str | None = None
    partlabel: str | None = None
    removable: bool = False
    folder: str | None = None
    """A folder that is read in place of a mounted partition (`--tree`)."""

    @property
    def title(self) -> str:
        """`mmcblk0p1 · BOOT · vfat`: how it is called on the screen."""
        parts = (self.name, self.label or self.partlabel, self.filesystem)
        return " · ".join(part for part in parts if part)

    @property
    def identity(self) -> str:
        """What stays the same from boot to boot, for stable entry ids."""
        for kind, value in (
            ("uuid", self.uuid),
            ("partuuid", self.partuuid),
            ("label", self.label),
            ("partlabel", self.partlabel),
        ):
            if value:
                return f"{kind}={value.lower() if 'uuid' in kind else value}"
        return f"name={self.name}"
