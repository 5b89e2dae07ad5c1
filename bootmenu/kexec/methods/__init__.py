# SPDX-License-Identifier: MIT
"""One file per way of loading. The plan picks the first that is available, or the one asked for."""

from __future__ import annotations

from typing import Protocol

from bootmenu.errors import BootmenuError
from bootmenu.model.machine import MachineFacts
from bootmenu.model.value import Value, field
from bootmenu.registry import Registry
from bootmenu.system.host import Host


class FileRange(Value, kw_only=True):
    """A range of an open file."""

    descriptor: int
    offset: int
    size: int


class Staged(Value, kw_only=True):
    """What is handed to the kernel: open descriptors whose content will not change any more."""

    kernel: FileRange
    """A raw kernel image, unpacked."""
    initramfs: tuple[FileRange, ...] = ()
    """In order; more than one, and less than whole files, only for a method that takes parts."""
    dtb: int | None = None
    """Edited and packed, without what depends on addresses; None = the running machine's tree is handed on by whoever
    loads. A method that writes the tree always gets one."""
    command_line: str = ""
    machine: MachineFacts = field(default_factory=MachineFacts)
    """The running one: where its memory is, and what lies in it."""

    @property
    def initrd(self) -> int | None:
        """The one descriptor, for a method that takes no parts; None = there is no initramfs."""
        return self.initramfs[0].descriptor if self.initramfs else None

    @property
    def descriptors(self) -> tuple[int, ...]:
        """All of them."""
        fds = [self.kernel.descriptor, *(part.descriptor for part in self.initramfs)]
        return (*fds, self.dtb) if self.dtb is not None else tuple(fds)


class MethodError(BootmenuError):
    """The call failed. errno: None = not known. output: what a tool wrote."""

    def __init__(self, call: str, errno: int | None, output: str) -> None:
        super().__init__(output or f"{call} failed")
        self.call = call
        self.errno = errno
        self.output = output


class Method(Protocol):
    """One way of loading."""

    @property
    def accepts_dtb(self) -> bool:
        """It can hand on a device tree of the entry's own."""

    @property
    def writes_dtb(self) -> bool:
        """It writes every tree that is handed on, the running one, too; so it keeps off the GICv3 LPI tables and
        reserves them."""

    @property
    def reads_into_memory(self) -> bool:
        """Whole files are read into memory, by it or by the kernel, before they are copied to where they are kept."""

    @property
    def parts(self) -> int:
        """How many parts of files it makes an initramfs of without a copy; it then takes the kernel out of a larger
        file, too. 0 = it wants one whole file for each."""

    def unavailable(self, machine: MachineFacts, own_tree: bool) -> str | None:
        """Why it cannot be used here, in words; None = it can. own_tree: the entry brings a device tree."""

    def reason(self, own_tree: bool) -> str:
        """What it does, for the plan."""

    def load(self, staged: Staged, host: Host) -> None:
        """Hand everything to the kernel. Raises MethodError when the kernel refuses it; BootmenuError and OSError for
        what comes before that."""

    def unload(self, host: Host) -> None:
        """Take a loaded kernel out again. Raises MethodError."""


METHODS: Registry[Method] = Registry(__name__)
