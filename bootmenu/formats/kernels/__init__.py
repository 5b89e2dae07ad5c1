# SPDX-License-Identifier: MIT
"""What a kernel format is, and the registry of them: one module per format, recognised by its content alone."""

from __future__ import annotations

from collections.abc import Callable

from bootmenu.errors import FormatError
from bootmenu.formats.part_cache import PartCache
from bootmenu.formats.reader import ByteSource
from bootmenu.i18n import English
from bootmenu.model.kernel import Architecture, Embedded, KernelImage
from bootmenu.model.value import Value, field
from bootmenu.registry import Registry
from bootmenu.typed import Protocol


class UnsupportedKernel(FormatError):  # noqa: N818 - the field's own words
    """Raised for a file that cannot be booted.

    looks_like: a description of what it seems to be. architecture: the one its header names, if any.
    """

    def __init__(self, looks_like: str, architecture: Architecture | None = None) -> None:
        super().__init__(f"this looks like {looks_like}")
        self.looks_like = looks_like
        self.architecture = architecture


class BrokenContainer(UnsupportedKernel):
    """Raised for a known container whose kernel cannot be read.

    container: the format's name. message: why.
    """

    def __init__(
        self, container: str, looks_like: str, problem: str, architecture: Architecture | None = None
    ) -> None:
        super().__init__(looks_like, architecture)
        self.container = container
        self.message = English(problem)
        self.args = (problem,)


class KernelFormat(Protocol):
    """A function that recognises one format.

    Return None if the file has another format. Raise FormatError if it has this format but is damaged, and
    UnsupportedKernel if it is recognised but cannot be booted."""

    def __call__(self, head: bytes, source: ByteSource) -> KernelImage | None: ...


class Wanted(Value, kw_only=True):
    """Which kernel to take from a container that holds several."""

    board: tuple[str, ...] = ()
    """The machine's root `compatible`, most specific first; () if unknown."""
    part: str = ""
    """FileRef.part of an entry's kernel: a profile of a UKI (`@1`) or a configuration of a FIT image; empty for the
    container's default."""
    cache: PartCache = field(default_factory=PartCache, compare=False)
    """Pass the same one for every part of a file."""


class Container(Value):
    """A file format that may hold several kernels; register its probe as `@Container`."""

    probe: Callable[[bytes, ByteSource, Wanted], KernelImage | None]


FORMATS: Registry[KernelFormat | Container] = Registry(__name__)

PARTS: Registry[Callable[[bytes, ByteSource], tuple[Embedded, ...] | None]] = Registry(__name__)
"""For each container format, a function that returns all parts of a file, or None if it has another format."""
