# SPDX-License-Identifier: MIT
"""Boot configurations on one partition, read into entries and problems; pure over a Tree."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from bootmenu.errors import BootmenuError
from bootmenu.model.entry import BootEntry, Problem
from bootmenu.model.kernel import Architecture
from bootmenu.model.machine import MachineFacts
from bootmenu.model.value import Value, replace
from bootmenu.registry import Registry
from bootmenu.sources.tree import Remembering, Tree, TreeError

Parser = Callable[[Tree], Iterator[BootEntry | Problem]]
"""Reads one configuration format. An entry's id need only be unique within its partition and format, and the
same from scan to scan; the scan makes it unique in the world. Raises TreeError for what nothing can follow."""

Board = tuple[str, ...]
"""A machine's root `compatible`, most specific first; () = it is not known."""


class Platform(Value, kw_only=True):
    """What a configuration may ask of the machine that it is read for."""

    board: Board = ()
    architecture: Architecture | None = None
    """None = it is not known."""
    efi: bool | None = None
    """The machine's firmware is EFI; None = it is not known."""

    @classmethod
    def of(cls, machine: MachineFacts) -> Platform:
        """Return that of this machine, or of the one that was recorded."""
        board = machine.tree.compatible if machine.tree else ()
        return cls(board=board, architecture=machine.architecture, efi=machine.efi)


class ForPlatform(Value):
    """A parser of a format that means something else on every machine; register it as `@ForPlatform`."""

    parse: Callable[[Tree, Platform], Iterator[BootEntry | Problem]]


SOURCES: Registry[Parser | ForPlatform] = Registry("bootmenu.sources.parsers")


def read_partition(tree: Tree, platform: Platform = Platform()) -> Iterator[BootEntry | Problem]:  # noqa: B008 - immutable
    """Everything that any format finds on this partition; a parser that fails costs its own entries only."""
    offered: set[object] = set()
    named: set[str] = set()
    watched = tree if isinstance(tree, Remembering) else None
    for name, parser in SOURCES.items():
        if tree.image and name != "grub":
            continue  # only a loopback.cfg tells its system that it lies in a file
        try:
            for found in parser.parse(tree, platform) if isinstance(parser, ForPlatform) else parser(tree):
                if isinstance(found, BootEntry):
                    file = _identity(tree, found)
                    if name == "bare" and file in offered:
                        continue  # a configuration offers it already, and says how
                    offered.add(file)
                    if not found.version:
                        found = replace(found, version=version_of(found.kernel.path))
                    named |= {ref.path for _, ref in found.files}
                elif watched is not None and found.path in watched.denied:
                    continue  # said below, once for all that is there
                yield found
        except TreeError as error:
            if watched is None or error.path not in watched.denied:
                yield Problem(device=tree.device, path=error.path, message=error.detail)
        except BootmenuError as error:
            yield Problem(device=tree.device, path="", message=f"{name}: {error.message}")
    if watched is not None:
        # what only looks whether something is there takes it for absent: conditions of scripts, wildcards, defaults
        yield from (problem for problem in watched.hidden() if problem.path not in named)


_VERSIONED = re.compile(
    r"^(?:[0-9a-z]{32}-)?(?:vmlinu[xz]|Image|kernel|linux)[-_](?P<version>\d.*?)(?:-b?z?Image)?(?:\.gz|\.efi|\.img)?$"
)  # NixOS puts the hash of its store before the name and the target of make behind it


def version_of(path: str) -> str:
    """The version in a kernel's file name, as every distribution writes it; empty when there is none."""
    match = _VERSIONED.match(path.rpartition("/")[2])
    return match["version"] if match else ""


def _identity(tree: Tree, entry: BootEntry) -> object:
    try:
        return tree.stat(entry.kernel.path).identity
    except TreeError:
        return entry.kernel.path
