# SPDX-License-Identifier: MIT
"""Read the boot configurations of a partition into entries and problems, through the Tree interface only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from bootmenu.errors import BootmenuError
from bootmenu.model.entry import BootEntry, Problem
from bootmenu.model.kernel import Architecture
from bootmenu.model.machine import MachineFacts
from bootmenu.model.regex import regex
from bootmenu.model.value import Value, replace
from bootmenu.registry import Registry
from bootmenu.sources import live_systems
from bootmenu.sources.tree import Remembering, Tree, TreeError
from bootmenu.sources.version import is_version

Parser = Callable[[Tree], Iterator[BootEntry | Problem]]
"""Reads one configuration format. An entry's id must be unique within its partition and format, and the same in every
scan; the scan makes it globally unique. Raises TreeError if it cannot continue."""

Board = tuple[str, ...]
"""A machine's root `compatible`, most specific first; () if unknown."""


class Platform(Value, kw_only=True):
    """Properties of the machine on which the result of a configuration may depend."""

    board: Board = ()
    architecture: Architecture | None = None
    """None if unknown."""
    efi: bool | None = None
    """Whether the machine's firmware is EFI; None if unknown."""

    @classmethod
    def of(cls, machine: MachineFacts) -> Platform:
        """Return the platform of this machine, or of a recorded one."""
        board = machine.tree.compatible if machine.tree else ()
        return cls(board=board, architecture=machine.architecture, efi=machine.efi)

    def excludes(self, architecture: Architecture | None) -> bool:
        """Return whether an entry for this architecture is known not to be for this machine."""
        return None not in (architecture, self.architecture) and architecture is not self.architecture


class ForPlatform(Value):
    """A parser whose result depends on the machine; register it as `@ForPlatform`."""

    parse: Callable[[Tree, Platform], Iterator[BootEntry | Problem]]


SOURCES: Registry[Parser | ForPlatform] = Registry("bootmenu.sources.parsers")


_WITH_FILES_BESIDE = ("bls", "bare")
"""Formats that have added what lies beside a unified kernel."""


def read_partition(tree: Tree, platform: Platform = Platform()) -> Iterator[BootEntry | Problem]:  # noqa: B008 - immutable
    """Yield the entries and problems of all formats on this partition; an error in one parser affects no other."""
    from bootmenu.sources import unified_kernels  # which imports this module

    offered: set[object] = set()
    foreign: Counter[str] = Counter()
    named: set[str] = set()
    watched = tree if isinstance(tree, Remembering) else None
    for name, parser in _in_image() if tree.image else SOURCES.items():
        if tree.image and offered:
            break
        try:
            for found in parser.parse(tree, platform) if isinstance(parser, ForPlatform) else parser(tree):
                if isinstance(found, BootEntry):
                    file = _identity(tree, found)
                    if name == "bare" and file in offered:
                        continue  # a configuration already has an entry for it, with options
                    offered.add(file)
                    # systemd-boot does not list it either (src/boot/boot.c:boot_entry_add_type1, and pe.c:verify_pe)
                    if platform.excludes(found.architecture):
                        foreign[str(found.architecture)] += 1
                        continue
                    if not found.version:
                        found = replace(found, version=version_of(found.kernel.path))
                    if tree.image:
                        found = live_systems.from_file(tree, found)
                    named |= {ref.path for _, ref in found.files}
                    if name not in _WITH_FILES_BESIDE:
                        yield from unified_kernels.of_any_loader(tree, found, platform.board)
                        continue
                elif watched is not None and found.path in watched.denied:
                    continue  # reported below, once per directory
                yield found
        except TreeError as error:
            if watched is None or error.path not in watched.denied:
                yield Problem(device=tree.device, path=error.path, message=error.detail)
        except BootmenuError as error:
            yield Problem(device=tree.device, path="", message=f"{name}: {error.message}")
    if tree.image and not offered:
        yield Problem(device=tree.device, path="", message="no boot configuration was found in this image")
    if foreign:
        count, others = foreign.total(), ", ".join(foreign)
        message = f"{count} {'entry is' if count == 1 else 'entries are'} for {others}, and not listed"
        yield Problem(device=tree.device, path="", message=message)
    if watched is not None:
        # tests for existence (conditions in scripts, wildcards, defaults) treat unreadable paths as absent
        yield from (problem for problem in watched.hidden() if problem.path not in named)


def _in_image() -> Iterator[tuple[str, Parser | ForPlatform]]:
    for name in live_systems.FORMATS:
        if (parser := SOURCES.get(name)) is not None:
            yield name, parser


_VERSIONED = regex(
    r"^(?:[0-9a-z]{32}-)?(?:vmlinu[xz]|(?:b?z|u|fit)?Image|kernel|linux)[-_.](?P<version>.+?)(?:-b?z?Image)?"
    r"(?:\.(?:gz|xz|zst|lz4|lzma|bz2|efi|img|itb|bin))?$"
)  # NixOS puts a hash of its store before the name and the target of make after it


def version_of(path: str) -> str:
    """Return the version in a kernel's file name, in the forms that distributions use; empty if there is none."""
    match = _VERSIONED.match(path.rpartition("/")[2])
    return match["version"] if match and is_version(match["version"]) else ""


def _identity(tree: Tree, entry: BootEntry) -> object:
    try:
        return tree.stat(entry.kernel.path).identity
    except TreeError:
        return entry.kernel.path
