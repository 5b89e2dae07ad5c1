# SPDX-License-Identifier: MIT
"""The loading methods, one file each. A plan uses the first available one, or the one asked for."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator

from bootmenu.errors import BootmenuError
from bootmenu.formats.dtb import DeviceTree
from bootmenu.model.machine import MachineFacts
from bootmenu.model.value import Value, field
from bootmenu.registry import Registry
from bootmenu.system.host import Host
from bootmenu.typed import Protocol

_PIECE = 1 << 20  # bytes that are read at once


class FileRange(Value, kw_only=True):
    """A range of an open file."""

    descriptor: int
    offset: int
    size: int
    path: str = ""
    """Its path, for messages; empty for a file in memory."""

    def read_through(self) -> None:
        """Read all of it and keep nothing. Raise OSError, which names the path: ENODATA if it ends early."""
        done = 0
        while done < self.size:
            with self.naming_path():
                piece = os.pread(self.descriptor, min(_PIECE, self.size - done), self.offset + done)
                if not piece:
                    raise OSError(errno.ENODATA, "the file ends early")
            done += len(piece)

    @contextlib.contextmanager
    def naming_path(self) -> Iterator[None]:
        """Let an OSError name the path."""
        try:
            yield
        except OSError as error:
            raise OSError(error.errno, error.strerror, self.path) from None


class Staged(Value, kw_only=True):
    """The files to hand to the kernel: open descriptors whose content will not change."""

    kernel: FileRange
    """A raw kernel image, unpacked."""
    initramfs: tuple[FileRange, ...] = ()
    """In order; several ranges, or ranges that are no whole file, only for a method that takes parts."""
    dtb: int | None = None
    """The edited tree, for a method that does not write it; None if the method or the kernel hands over the running
    machine's."""
    tree: DeviceTree | None = None
    """The edited tree, without what depends on addresses, for a method that writes it, which always gets one and may
    change it."""
    command_line: str = ""
    machine: MachineFacts = field(default_factory=MachineFacts)
    """Facts of the running machine, with its memory and what is reserved."""

    @property
    def initrd(self) -> int | None:
        """Return the one descriptor of the initramfs, for a method that takes no parts; None without an initramfs."""
        return self.initramfs[0].descriptor if self.initramfs else None

    @property
    def descriptors(self) -> tuple[int, ...]:
        """Return all descriptors."""
        fds = [self.kernel.descriptor, *(part.descriptor for part in self.initramfs)]
        return (*fds, self.dtb) if self.dtb is not None else tuple(fds)


class MethodError(BootmenuError):
    """The call failed. errno: None if unknown. output: what a tool wrote."""

    def __init__(self, call: str, errno: int | None, output: str) -> None:
        super().__init__(output or f"{call} failed")
        self.call = call
        self.errno = errno
        self.output = output


class Method(Protocol):
    """One way of loading."""

    @property
    def accepts_dtb(self) -> bool:
        """Return whether it can hand over the entry's own device tree."""

    @property
    def writes_dtb(self) -> bool:
        """Return whether it writes every tree that is passed on, even the running one; it then avoids the GICv3
        LPI tables and reserves them."""

    @property
    def reads_into_memory(self) -> bool:
        """Return whether the method or the kernel reads whole files into memory before they are copied to their
        destination."""

    @property
    def max_parts(self) -> int:
        """Return how many ranges of files it can combine to an initramfs without a copy; the kernel may then be part
        of a larger file, too. 0 if it needs one whole file for each."""

    def unavailable(self, machine: MachineFacts, own_tree: bool) -> str | None:
        """Return why it cannot be used here, for people; None if it can. own_tree: the entry has its own tree."""

    def reason(self, own_tree: bool) -> str:
        """Return what it does, for people."""

    def load(self, staged: Staged, host: Host) -> None:
        """Hand everything to the kernel. If it cannot read a file, read that and try once more, as a disk may fail
        just once. Raise MethodError if the kernel refuses it; BootmenuError and OSError for failures before that, the
        latter with the path of a file that cannot be read."""

    def unload(self, host: Host) -> None:
        """Unload a loaded kernel. Raise MethodError."""


METHODS: Registry[Method] = Registry(__name__)
