# SPDX-License-Identifier: MIT
"""Parse limine.conf (version 8 and newer) and limine.cfg (older) as Limine does (CONFIG.md, common/lib/config.c).

Entries of the protocols `linux` and `efi` that start a kernel are listed. The hash that may follow a path is not
checked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from bootmenu.errors import BootmenuError
from bootmenu.model.entry import BootEntry, CommandLine, FileRef, Problem
from bootmenu.model.kernel import Architecture
from bootmenu.model.regex import regex
from bootmenu.model.value import Record, Value, field
from bootmenu.sources import SOURCES, ForPlatform, Platform, neighbours
from bootmenu.sources.kernel_files import holds_kernel
from bootmenu.sources.line_formats import MAX_ENTRIES, LineConfiguration, configurations, read_each, short
from bootmenu.sources.references import GUID, named
from bootmenu.sources.tree import Tree, firmware_files, normal
from bootmenu.sources.version import is_version

_FOLDERS = ("", "/limine", "/boot", "/boot/limine")
_MAX_FILES = 64  # modules of an entry
_MAX_PROGRAMS = 50  # EFI programs that are examined
_MAX_GROWTH = 4  # config.c: macros may make a configuration four times as large

_LINUX = ("linux",)
_PROGRAMS = ("efi", "uefi", "efi_chainload")
_ARCHITECTURES = {
    Architecture.X86_64: "x86-64",
    Architecture.ARM64: "aarch64",
    Architecture.RISCV64: "riscv64",
}

_DEFINITION = regex(r"\$\{([^}\n]*)\}=(.*)")
_MACRO = regex(r"\$\{([^{}$]{1,64})\}")  # bounded: of many that are not closed, each would search to the end
_PATH = regex(r"(?P<kind>[a-z]+)\((?P<where>[^)]*)\):/(?P<path>[^#]*)(?:#.*)?")
_OLD_PATH = regex(r"\$?(?P<kind>[a-z]+)://(?P<where>[^/]*)/(?P<path>[^#]*)(?:#.*)?")


class _Syntax(Value, kw_only=True):
    marker: str
    """Begins the title of an entry, once for each level."""
    equals: str
    folds: bool
    """Whether the case of names does not matter."""
    path: re.Pattern[str]


_NEW = _Syntax(marker="/", equals=":", folds=True, path=_PATH)
_OLD = _Syntax(marker=":", equals="=", folds=False, path=_OLD_PATH)


class _LimineEntry(Record, kw_only=True):
    title: str
    depth: int
    parent: _LimineEntry | None
    expanded: bool
    line: int
    is_directory: bool = False
    options: list[tuple[str, str]] = field(default_factory=list)

    def all(self, *names: str) -> list[str]:
        """Return the values of all options with one of these names, in order."""
        return [value for name, value in self.options if name in names]

    def one(self, *names: str) -> str:
        """Return the first value of the first of these names that has one; config.c:config_get_value."""
        return next((values[0] for name in names if (values := self.all(name))), "")

    @property
    def is_visible(self) -> bool:
        """Return whether the menu shows it when it appears: not within a directory that is closed."""
        above = self.parent
        while above is not None and above.expanded:
            above = above.parent
        return above is None

    @property
    def full_title(self) -> str:
        """Return its title after those of the directories it is in."""
        titles, above = [self.title], self.parent
        while above is not None:
            titles.insert(0, above.title)
            above = above.parent
        return " › ".join(titles)


@SOURCES.register("limine", after="refind")
@ForPlatform
def parse(tree: Tree, platform: Platform) -> Iterator[BootEntry | Problem]:
    """Yield the entries in file order. Limine reads the first file that it finds on a partition, and a limine.cfg
    only without a limine.conf."""
    for name, syntax in (("limine.conf", _NEW), ("limine.cfg", _OLD)):
        # since version 9 also beside Limine's own EFI program
        paths = (*(f"{folder}/{name}" for folder in _FOLDERS), *firmware_files(tree, name))
        first = next(configurations(tree, paths), None)
        if first is not None:
            yield from read_each([first], partial(_entries, syntax=syntax, platform=platform))
            return


def _entries(config: LineConfiguration, syntax: _Syntax, platform: Platform) -> Iterator[BootEntry]:
    options, found = _parsed(config, syntax, platform)
    # menu.c: DEFAULT_ENTRY counts the rows of the menu from 1; a directory starts nothing. What it remembers is in
    # a variable of the firmware.
    number = next((value for name, value in options if name == "default_entry"), "1")
    rows = [entry for entry in found if entry.is_visible]
    index = max(int(number) - 1, 0) if re.fullmatch(r"[0-9]{1,9}", number) else 0
    default = (rows[index] if index < len(rows) else rows[0]) if rows else None
    programs = 0
    for entry in found:
        protocol = entry.one("protocol")
        if entry.is_directory or protocol not in (*_LINUX, *_PROGRAMS):
            continue
        try:
            made = _entry(config, syntax, entry, default=entry is default)
        except BootmenuError as error:
            config.problem(f"{short(entry.full_title)}: {error.message}", entry.line)
            continue
        if protocol in _PROGRAMS:
            programs += 1
            if programs > _MAX_PROGRAMS or not holds_kernel(config.tree, made.kernel):  # unknown is none
                continue
        yield made


def _parsed(
    config: LineConfiguration, syntax: _Syntax, platform: Platform
) -> tuple[list[tuple[str, str]], list[_LimineEntry]]:
    """Return the global options, and the entries in file order with those that are directories."""
    before: list[tuple[str, str]] = []
    entries: list[_LimineEntry] = []
    above: list[_LimineEntry] = []
    for number, line in config.lines(_expanded(config, platform)):
        depth = len(line) - len(line.lstrip(syntax.marker))
        if not depth:
            name, equals, value = line.partition(syntax.equals)
            if equals:
                name = name.lower() if syntax.folds or name.isupper() else name
                (entries[-1].options if entries else before).append((name, value.strip()))
            continue
        if len(entries) >= MAX_ENTRIES:
            config.too_many("entries", number)
            break
        if depth > len(above) + 1:
            config.problem(f"{short(line)} is not in an entry of the level above, left out", number)
            depth = len(above) + 1
        del above[depth - 1 :]
        title = line.lstrip(syntax.marker)
        entry = _LimineEntry(
            title=title.removeprefix("+").strip(),
            depth=depth,
            parent=above[-1] if above else None,
            expanded=title.startswith("+"),
            line=number,
        )
        if entry.parent is not None:
            entry.parent.is_directory = True
        above.append(entry)
        entries.append(entry)
    return before, entries


def _expanded(config: LineConfiguration, platform: Platform) -> str:
    """Return the text with its macros replaced; an unknown one is empty, and of two definitions the last one counts
    (config.c:init_config)."""
    text = config.text().replace("\r", "")
    macros = {"ARCH": _ARCHITECTURES.get(platform.architecture, "") if platform.architecture else ""}
    lines = [line.strip(" \t") for line in text.split("\n")]
    for line in lines:
        if match := _DEFINITION.match(line):
            macros[match[1]] = match[2]
    left = _MAX_GROWTH * len(text)
    for place, line in enumerate(lines):
        lines[place] = "" if _DEFINITION.match(line) else _replaced(line, macros, left)
        left -= len(lines[place])
        if left < 0:
            config.problem("its macros make it too large: the rest is ignored", place + 1)
            return "\n".join(lines[:place])
    return "\n".join(lines)


def _replaced(line: str, macros: dict[str, str], limit: int) -> str:
    """Return a line with its macros replaced, or without its end if it gets longer than `limit`."""
    parts: list[str] = []
    size = place = 0
    for match in _MACRO.finditer(line):
        parts += [line[place : match.start()], macros.get(match[1], "")]
        size += len(parts[-2]) + len(parts[-1])
        place = match.end()
        if size > limit:
            break
    return "".join([*parts, line[place:]])


def _entry(config: LineConfiguration, syntax: _Syntax, entry: _LimineEntry, *, default: bool) -> BootEntry:
    tree = config.tree
    kernel = entry.one("path", "kernel_path", "image_path")
    if not kernel:
        raise BootmenuError("names no kernel")
    modules = entry.all("module_path")
    if len(modules) > _MAX_FILES:
        config.problem(f"{short(entry.title)} names more than {_MAX_FILES} modules: the rest is left out", entry.line)
    dtb = entry.one("dtb_path")
    versions = (comment.partition("Kernel version: ")[2] for comment in entry.all("comment"))
    return BootEntry(
        id=entry.full_title,
        title=entry.full_title,
        source="limine",
        config=config.ref,
        device=tree.device,
        version=next(filter(is_version, versions), ""),  # limine-entry-tool and limine-snapper-sync note it so
        kernel=_file(tree, syntax, kernel),
        initrds=tuple(_file(tree, syntax, module) for module in modules[:_MAX_FILES]),
        dtb=_file(tree, syntax, dtb) if dtb else None,
        # menu.c:boot
        cmdline=CommandLine(entry.one("kernel_cmdline", "cmdline")),
        default=default,
    )


def _file(tree: Tree, syntax: _Syntax, text: str) -> FileRef:
    match = syntax.path.fullmatch(text)
    if match is None:
        raise BootmenuError(f"{short(text)} is not a path of Limine")
    device = _partition(tree, match["kind"], match["where"])
    return FileRef(device=tree.device if device in tree.names else device, path=normal(match["path"]))


def _partition(tree: Tree, kind: str, where: str) -> str:
    """Return the partition for a resource and its argument, in a form of references.py. Raise BootmenuError."""
    if kind == "boot":
        if not where:
            return tree.device
        if where.isascii() and where.isdigit() and 0 < int(where[:4]) <= 256:
            return f"hd0,{int(where[:4])}"  # of the same disk, see discovery/resolve.py
    elif kind == "hdd":
        drive, _, partition = where.partition(":")
        if re.fullmatch(r"[1-9][0-9]{0,2}", drive) and re.fullmatch(r"[0-9]{0,3}", partition):
            return f"hd{int(drive) - 1},{int(partition)}" if int(partition or 0) else f"hd{int(drive) - 1}"
    elif kind in ("guid", "uuid"):
        # "The GUID is that of either a filesystem, when available, or a GPT partition GUID, [...] in a unified
        # namespace"
        if GUID.fullmatch(where):
            return neighbours.first_known(tree, named("partuuid", where), named("uuid", where))
    elif kind == "fslabel":
        if where:
            return named("label", where)
    elif kind == "tftp":
        raise BootmenuError("its files are on the network, which is not supported")
    raise BootmenuError(f"{short(f'{kind}({where})')} names no partition")
