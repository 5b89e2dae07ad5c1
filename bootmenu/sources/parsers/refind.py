# SPDX-License-Identifier: MIT
"""Parse refind_linux.conf, and the manual stanzas of refind.conf, as rEFInd does (refind/config.c, linux.c).

refind_linux.conf gives each kernel in its directory an entry for each line. What else rEFInd finds by itself is found
by the other formats. Stanzas for programs that are no kernels are omitted.
"""

from __future__ import annotations

import itertools
import posixpath
import re
from collections.abc import Iterator
from functools import partial

from bootmenu.errors import BootmenuError
from bootmenu.model.entry import BootEntry, CommandLine, FileRef, Problem
from bootmenu.model.regex import regex
from bootmenu.model.value import Record, Value, replace
from bootmenu.sources import SOURCES, neighbours
from bootmenu.sources.kernel_files import holds_kernel
from bootmenu.sources.line_formats import MAX_ENTRIES, LineConfiguration, configurations, read_each, short
from bootmenu.sources.parsers.bare import NOT_A_KERNEL
from bootmenu.sources.references import GUID, named
from bootmenu.sources.tree import Tree, TreeError, exists, firmware_files, normal
from bootmenu.sources.version import version_key

_OPTIONS = "refind_linux.conf"
_CONFIGURATION = "refind.conf"
_MAX_TOKENS = 100  # of a line
_MAX_KERNELS = 50  # in one directory
_MAX_INITRDS = 16
_MAX_INCLUDES = 16

# global.h: LINUX_PREFIXES; the second is that of riscv64 and arm64
_KERNEL = regex(r"(?:vmlinuz|bzImage|Image|kernel)", re.IGNORECASE)
_INITRD = regex(r"(?:init|booster)", re.IGNORECASE)
_NUMBERS = regex(r"[0-9](?:.*[0-9])?")
_INITRD_OPTION = regex(r"(?:^|\s)initrd=(\S+)")


class _Stanza(Record, kw_only=True):
    title: str
    line: int
    volume: str = ""
    """As the file has it; empty for the partition of refind.conf."""
    loader: str = ""
    initrd: str = ""
    options: str = ""
    is_linux: bool | None = None
    """Whether `ostype` says so; None if it says nothing."""
    disabled: bool = False
    is_submenu: bool = False

    def copy(self, title: str, line: int) -> _Stanza:
        """Return a submenu entry, which has everything that it does not change."""
        return _Stanza(
            title=f"{self.title} › {title}",
            line=line,
            volume=self.volume,
            loader=self.loader,
            initrd=self.initrd,
            options=self.options,
            is_linux=self.is_linux,
            is_submenu=True,
        )


class _Settings(Value, kw_only=True):
    default: tuple[str, ...] = ()
    """Texts of the last `default_selection` without times, in lower case. A number counts the icons on rEFInd's
    screen, and `+` is what was started last: neither is known here."""
    version_strings: tuple[str, ...] = ()
    """`extra_kernel_version_strings`, which stand for the version in a name without numbers."""

    @classmethod
    def read(cls, config: LineConfiguration) -> _Settings:
        """Read a refind.conf, whose problems are reported elsewhere."""
        default: tuple[str, ...] = ()
        strings: tuple[str, ...] = ()
        for _, (key, *values) in _tokens(LineConfiguration(config.tree, config.path, unreadable=config.unreadable)):
            match key.lower():
                case "default_selection" if len(values) == 1:
                    texts = (text.strip().lower() for text in values[0].split(","))
                    default = tuple(text for text in texts if text and text != "+" and not text.isdigit())
                case "extra_kernel_version_strings":
                    strings = tuple(text for value in values for text in value.split(",") if text)[:_MAX_TOKENS]
        return cls(default=default, version_strings=strings)

    def version(self, name: str) -> str:
        """Return what `%v` stands for: a name from its first to its last digit, and what version strings are in it
        (mystrings.c:FindNumbers)."""
        match = _NUMBERS.search(name)
        begin, end = match.span() if match else (len(name), 0)
        for text in self.version_strings:
            if (place := name.lower().find(text.lower())) >= 0:
                begin, end = min(begin, place), max(end, place + len(text))
                break
        return name[begin:end]


class _Kernel(Value, kw_only=True):
    path: str
    version: str
    """What `%v` stands for."""
    initrd: str
    """Path of the initramfs with the same version in its name; empty without one."""


@SOURCES.register("refind", after="kexecboot")
def parse(tree: Tree) -> Iterator[BootEntry | Problem]:
    """Yield the manual stanzas, then the entries of each refind_linux.conf in the order of its lines, newest kernel
    first. The first entry that matches `default_selection` is the default."""
    own = list(configurations(tree, firmware_files(tree, _CONFIGURATION)))
    above = ("", "/boot")
    paths = [f"{folder}/{_OPTIONS}" for folder in above]
    paths += [path for folder in above for path in firmware_files(tree, _OPTIONS, folder)]
    options = list(configurations(tree, paths))
    if not own and not options:
        return  # and no other partition is asked
    settings = _settings(tree, own)
    manual = read_each(own, _manual)
    of_kernels = read_each(options, partial(_for_kernels, settings=settings))
    default_found = False
    for item in itertools.chain(manual, of_kernels):
        if isinstance(item, BootEntry) and item.default:
            chosen = not default_found and _is_selected(item, settings.default)
            default_found |= chosen
            yield replace(item, default=chosen)
        else:
            yield item


def _settings(tree: Tree, own: list[LineConfiguration]) -> _Settings:
    """Return what the partition's refind.conf says, or one on another partition that rEFInd is started from."""
    homes = neighbours.homes(tree)
    others = (config for home in homes for config in configurations(home, firmware_files(home, _CONFIGURATION)))
    return next((_Settings.read(config) for config in itertools.chain(own, others)), _Settings())


def _is_selected(entry: BootEntry, wanted: tuple[str, ...]) -> bool:
    # the title in rEFInd has the stanza's title, or the path of the kernel with backslashes
    path = entry.kernel.path.removeprefix("/")
    title = f"{entry.title} {path} {path.replace('/', chr(92))}".lower()
    return any(text in title for text in wanted)


def _tokens(config: LineConfiguration) -> Iterator[tuple[int, list[str]]]:
    """Yield (line, tokens) of each line that has any."""
    for number, line in config.lines():
        if tokens := _split(line):
            yield number, tokens


def _split(line: str) -> list[str]:
    """Split a line as config.c:ReadTokenLine: blanks, commas and equal signs separate tokens except in double quotes,
    in which two of them stand for one. A # outside of quotes begins a comment."""
    tokens: list[str] = []
    place, end, quoted = 0, len(line), False
    while len(tokens) < _MAX_TOKENS:
        while place < end and not quoted and line[place] in " \t=,":
            place += 1
        if place >= end or line[place] == "#":
            break
        if line[place] == '"':
            quoted = not quoted
            place += 1
        token: list[str] = []
        while place < end:
            if line[place] == '"':
                if line[place + 1 : place + 2] != '"':
                    quoted = not quoted
                    break
                place += 1
            elif not quoted and line[place] in " \t=#,":
                break
            token.append(line[place])
            place += 1
        finished = place >= end or line[place] == "#"
        tokens.append("".join(token))
        if finished:
            break
        place += 1
    return tokens


# ---- refind_linux.conf --------------------------------------------------------------------------------------


def _for_kernels(config: LineConfiguration, settings: _Settings) -> Iterator[BootEntry]:
    # the first line is the entry itself, and further ones are in its submenu
    numbered = ((index == 0, *line) for index, line in enumerate(_tokens(config)))
    lines = list(itertools.islice((line for line in numbered if len(line[2]) > 1), MAX_ENTRIES + 1))
    kernels = _kernels(config, settings)
    if not kernels and lines:
        config.problem("there is no kernel beside it")
    count = 0
    for kernel in kernels:
        for first, number, tokens in lines:
            count += 1
            if count > MAX_ENTRIES:
                config.too_many("entries", number)
                return
            yield _kernel_entry(config, kernel, tokens[0], tokens[1], first=first)


def _kernels(config: LineConfiguration, settings: _Settings) -> list[_Kernel]:
    try:
        names = config.tree.list(config.folder)
    except TreeError as error:
        config.problem(error.detail)
        return []
    initrds: dict[str, list[str]] = {}
    for name in names:
        if _INITRD.match(name):
            initrds.setdefault(settings.version(name), []).append(name)
    found = [name for name in names if _KERNEL.match(name) and not NOT_A_KERNEL.search(name)]
    found = [name for name in found if exists(config.tree, normal(name, config.folder))]
    if len(found) > _MAX_KERNELS:
        config.problem(f"more than {_MAX_KERNELS} kernels are beside it: the rest is left out")
    # rEFInd sorts them by their time, newest first
    found.sort(key=version_key, reverse=True)
    kernels: list[_Kernel] = []
    for name in found[:_MAX_KERNELS]:
        version = settings.version(name)
        initrd = _best(name, version, initrds.get(version, []))
        path = normal(initrd, config.folder) if initrd else ""
        kernels.append(_Kernel(path=normal(name, config.folder), version=version, initrd=path))
    return kernels


def _best(kernel: str, version: str, initrds: list[str]) -> str:
    """Return the initramfs of a kernel among those with the same version in their names: the one that agrees longest
    with what follows it, then the shortest (linux.c:FindInitrd). Without a version that is what follows the dash:
    vmlinuz-linux-lts and initramfs-linux-lts.img."""

    def after(name: str) -> str:
        return name.partition(version or "-")[2]

    def rank(name: str) -> tuple[int, int]:
        return -len(posixpath.commonprefix([after(kernel), after(name)])), len(name)

    return min(initrds, key=rank, default="")


def _kernel_entry(config: LineConfiguration, kernel: _Kernel, title: str, text: str, *, first: bool) -> BootEntry:
    tree = config.tree
    options = text.replace("%v", kernel.version)
    own = _INITRD_OPTION.findall(options)
    # linux.c:AddInitrdToOptions: only if the options name none. Their paths are the EFI stub's: from the root.
    paths = [normal(path) for path in own[:_MAX_INITRDS]] or ([kernel.initrd] if kernel.initrd else [])
    name = posixpath.basename(kernel.path)
    return BootEntry(
        id=f"{kernel.path} {title}",
        title=f"{name} › {title}" if title else name,
        source="refind",
        config=config.ref,
        device=tree.device,
        kernel=FileRef(device=tree.device, path=kernel.path),
        initrds=tuple(FileRef(device=tree.device, path=path) for path in paths),
        cmdline=CommandLine(options),
        default=first,
    )


# ---- refind.conf ----------------------------------------------------------------------------------------------


def _manual(config: LineConfiguration) -> Iterator[BootEntry]:
    for stanza in _stanzas(config):
        if stanza.disabled or not stanza.loader or stanza.is_linux is False:
            continue
        try:
            entry = _manual_entry(config, stanza)
        except BootmenuError as error:
            config.problem(f"{short(stanza.title)}: {error.message}", stanza.line)
            continue
        is_kernel = holds_kernel(config.tree, entry.kernel)
        if is_kernel is None:  # then what its stanza says counts
            named_so = _KERNEL.match(posixpath.basename(entry.kernel.path)) is not None
            is_kernel = bool(stanza.initrd or stanza.is_linux) or named_so
        if is_kernel:
            yield entry


def _stanzas(config: LineConfiguration, *, included: bool = False) -> list[_Stanza]:
    found: list[_Stanza] = []
    stanza: _Stanza | None = None
    sub: _Stanza | None = None
    includes = 0
    for number, (key, *values) in _tokens(config):
        word = key.lower()
        if stanza is None:
            if word == "menuentry" and values:
                if len(found) >= MAX_ENTRIES:
                    config.too_many("stanzas", number)
                    break
                stanza = _Stanza(title=values[0], line=number)
                found.append(stanza)
            elif word == "include" and len(values) == 1 and not included:
                # config.c:ScanUserConfigured: beside refind.conf, and never from an included file
                includes += 1
                if includes > _MAX_INCLUDES:
                    config.problem(f"more than {_MAX_INCLUDES} files are included, left out", number)
                    continue
                path = normal(values[0], config.folder)
                if exists(config.tree, path):
                    other = LineConfiguration(config.tree, path, problems=config.problems)
                    found += _stanzas(other, included=True)[: MAX_ENTRIES - len(found)]
                else:
                    config.problem(f"the included {short(values[0])} does not exist", number)
        elif word == "}":
            stanza, sub = (stanza, None) if sub is not None else (None, None)
        elif word == "submenuentry" and values and sub is None:
            if len(found) >= MAX_ENTRIES:
                config.too_many("stanzas", number)
                break
            sub = stanza.copy(values[0], number)
            found.append(sub)
        else:
            _set(sub or stanza, word, values)
    return _without_disabled(found)


def _without_disabled(found: list[_Stanza]) -> list[_Stanza]:
    """Return the stanzas that are enabled; a submenu goes with its stanza."""
    kept: list[_Stanza] = []
    above_disabled = False
    for stanza in found:
        if not stanza.is_submenu:
            above_disabled = stanza.disabled
        if not stanza.disabled and not above_disabled:
            kept.append(stanza)
    return kept


def _set(stanza: _Stanza, word: str, values: list[str]) -> None:
    value = values[0] if values else ""
    match word:
        case "disabled":
            stanza.disabled = True
        case "loader" if value:
            stanza.loader = value
        case "volume" if value:
            stanza.volume = value
        case "ostype" if value:
            stanza.is_linux = value[0] in "Ll"
        case "initrd":  # without a name a submenu entry has none
            stanza.initrd = value
        case "options":
            stanza.options = value
        case "add_options" if value:
            stanza.options = f"{stanza.options} {value}".strip()


def _manual_entry(config: LineConfiguration, stanza: _Stanza) -> BootEntry:
    tree = config.tree
    device = _volume(tree, stanza.volume) if stanza.volume else tree.device

    def file(path: str) -> FileRef:
        return FileRef(device=device, path=normal(path))

    own = _INITRD_OPTION.findall(stanza.options)
    paths = [stanza.initrd, *own] if stanza.initrd else own
    return BootEntry(
        id=stanza.title,
        title=stanza.title,
        source="refind",
        config=config.ref,
        device=tree.device,
        kernel=file(stanza.loader),
        initrds=tuple(file(path) for path in paths[:_MAX_INITRDS]),
        cmdline=CommandLine(stanza.options),
        default=not stanza.is_submenu,
    )


def _volume(tree: Tree, name: str) -> str:
    """Return the partition for a file system's label, a partition's name, or a partition's GUID (lib.c:FindVolume).
    Raise BootmenuError."""
    if re.fullmatch(r"(?:fs)?[0-9]{1,3}:", name, re.IGNORECASE):
        raise BootmenuError(f"{short(name)} is a number of the firmware's")
    kinds = ("partuuid", "uuid") if GUID.fullmatch(name) else ("label", "partlabel")
    found = neighbours.first_known(tree, *(named(kind, name) for kind in kinds))
    return tree.device if found in tree.names else found
