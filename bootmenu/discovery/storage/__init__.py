# SPDX-License-Identifier: MIT
"""Read arrays, volume groups, encrypted partitions, subvolumes and image files; each kind has its own module.

Nothing is written to the underlying devices. Every tool gets read-only loop devices in place of the partitions, and
the kernel refuses to write to those, even if a tool or driver tries to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from bootmenu.discovery.devices import Device
from bootmenu.discovery.storage.assembler import Assembler
from bootmenu.model.entry import Problem
from bootmenu.model.value import Value
from bootmenu.registry import Registry


class Kind(Value, kw_only=True):
    """How to assemble parts of one kind."""

    filesystem: str
    """lsblk's file system type of the parts."""
    whole: str
    """What they are parts of, for messages."""
    tool: str
    assemble: Callable[[Sequence[Device], Assembler], Iterator[Problem]]
    """Assemble what is possible from all parts, and yield the rest as problems. The steps left to undo are what it
    has assembled. Raise StorageError."""


KINDS: Registry[Kind] = Registry(__name__)
