# SPDX-License-Identifier: MIT
"""Progress of a load: the stage, its bytes and its time."""

from __future__ import annotations

from bootmenu.i18n import N_
from bootmenu.model.closed_set import StrEnum
from bootmenu.model.value import Value


class Stage(StrEnum):
    """The stages from the chosen entry to the next kernel, in order."""

    KERNEL = N_("read kernel")
    INITRAMFS = N_("read initramfs")
    DEVICE_TREE = N_("prepare device tree")
    LOAD = N_("load")
    HOOKS = N_("hooks")
    SYNC = N_("sync")
    UNMOUNT = N_("unmount")
    WATCHDOG = N_("watchdog")
    JUMP = N_("jump")


class StageState(StrEnum):
    """The state of a stage."""

    RUNNING = N_("running")
    DONE = N_("done")
    SKIPPED = N_("skipped")


class Algorithm(StrEnum):
    """Digest algorithms, by their names in the GNU tools."""

    BLAKE2B = "BLAKE2b"
    """RFC 7693, 512 bits (b2sum). Without processor instructions for SHA-256 it is two to three times as fast."""
    SHA256 = "SHA256"
    """FIPS 180-4 (sha256sum). With processor instructions it is the faster one."""


class Digest(Value, kw_only=True):
    """Digest of a file, or of the part of it that was read."""

    device: str
    """The partition's kernel name."""
    path: str
    """Path below the partition's root."""
    offset: int
    """Offset in the file of what was read, in bytes."""
    size: int
    """Bytes that were read."""
    algorithm: Algorithm
    digits: str
    """Hexadecimal digits: 128 of BLAKE2b, 64 of SHA-256."""

    def __str__(self) -> str:
        """Return the digest as `b2sum --tag` and `sha256sum --tag` print it."""
        name = f"{self.device}:{self.path}" if self.device else self.path
        return f"{self.algorithm} ({name}) = {self.digits}"

    def to_json(self) -> dict[str, object]:
        """Return the object for `boot --json`."""
        return {
            "device": self.device,
            "path": self.path,
            "offset": self.offset,
            "size": self.size,
            "algorithm": str(self.algorithm),
            "digits": self.digits,
        }


class Progress(Value, kw_only=True):
    """One event of a load. The last event of a stage has state done or skipped."""

    stage: Stage
    state: StageState
    done: int = 0
    """Bytes done so far in this stage; 0 if the stage moves none."""
    total: int = 0
    """Bytes of the whole stage; 0 if unknown or none."""
    seconds: float = 0.0
    """Seconds since this stage began."""
    detail: str = ""
    """What happened, for people: `unpacked from gzip`, `9 edits`."""
    digests: tuple[Digest, ...] = ()
    """Digests of the files that the stage has read, with its last event."""

    @property
    def rate(self) -> float:
        """Return the bytes per second; 0 if it is too early to say."""
        return self.done / self.seconds if self.seconds > 0.001 else 0.0

    @property
    def remaining(self) -> float | None:
        """Return the seconds to the end of the stage at this rate, or None if unknown."""
        return max(0, self.total - self.done) / self.rate if self.total and self.rate else None

    def to_json(self) -> dict[str, object]:
        """Return the object for a line of `boot --json`."""
        return {
            "stage": str(self.stage),
            "state": str(self.state),
            "done": self.done,
            "total": self.total,
            "seconds": round(self.seconds, 3),
            "rate": round(self.rate),
            "remaining": None if self.remaining is None else round(self.remaining, 1),
            "detail": self.detail,
            **({"digests": [digest.to_json() for digest in self.digests]} if self.digests else {}),
        }
