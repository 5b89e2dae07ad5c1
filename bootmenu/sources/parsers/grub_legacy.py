# SPDX-License-Identifier: MIT
"""Parse menu.lst and grub.conf of GRUB legacy (GRUB 0.97, docs/grub.texi, stage2/stage2.c and builtins.c).

Partitions are counted from 0. Entries that do not start Linux, such as chain loading, are omitted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bootmenu.errors import BootmenuError
from bootmenu.model.entry import BootEntry, CommandLine, FileRef, Problem
from bootmenu.model.regex import regex
from bootmenu.model.value import Record, replace
from bootmenu.sources import SOURCES
from bootmenu.sources.line_formats import (
    LINE_LIMIT,
    MAX_ENTRIES,
    LineConfiguration,
    configurations,
    read_each,
    short,
)
from bootmenu.sources.references import named
from bootmenu.sources.tree import Tree, TreeError, exists, normal

_FOLDERS = ("/boot/grub", "/grub", "", "/boot")
_NAMES = ("menu.lst", "grub.conf")  # the second is Red Hat's, usually a link to the first
_MAX_SAVED = 4096  # bytes; savedefault writes ten digits and a comment

# stage2/cmdline.c:skip_to: a blank or an equal sign ends the name of a command
_COMMAND = regex(r"([^\s=]+)[\s=]*(.*)", re.DOTALL)
_OPTION = regex(r"--\S*\s*")
_DEVICE = regex(r"\((?P<name>[^)]{0,40})\)(?P<path>.*)", re.DOTALL)
_DISK = regex(r"hd(?P<disk>[0-9]{1,3})(?:,(?P<partition>[0-9]{1,3})(?:,[a-h])?)?")


class _Title(Record, kw_only=True):
    text: str
    line: int
    root: str = ""
    """Partition for paths without one, in a form of references.py; empty for the configuration's own."""
    kernel: str = ""
    cmdline: str = ""
    initrd: str = ""
    is_multiboot: bool = False
    error: str = ""


@SOURCES.register("grub-legacy", after="limine")
def parse(tree: Tree) -> Iterator[BootEntry | Problem]:
    """Yield the titles in file order. Beside a grub.cfg they are left over from before GRUB 2, and none is the
    default."""
    paths = (f"{folder}/{name}" for folder in _FOLDERS for name in _NAMES)
    default_found = False
    for found in read_each(configurations(tree, paths), _entries):
        if isinstance(found, BootEntry):
            # each configuration has a default; the first one is the partition's
            yield replace(found, default=False) if default_found else found
            default_found = default_found or found.default
        else:
            yield found


def _entries(config: LineConfiguration) -> Iterator[BootEntry]:
    default, titles = _titles(config)
    number = _saved(config) if default == "saved" else default
    wanted = int(number) if re.fullmatch(r"[0-9]{1,9}", number) else 0
    replaced = exists(config.tree, normal("grub.cfg", config.folder))
    for index, title in enumerate(titles):
        if not title.kernel:
            continue
        try:
            if title.error:
                raise BootmenuError(title.error)
            if title.is_multiboot:
                raise BootmenuError("starts a hypervisor with modules, left out")
            yield _entry(config, title, default=index == wanted and not replaced)
        except BootmenuError as error:
            config.problem(f"{short(title.text)}: {error.message}", title.line)


def _titles(config: LineConfiguration) -> tuple[str, list[_Title]]:
    """Return the value of `default`, and all titles, as `default` counts those that start something else, too."""
    default = "0"
    titles: list[_Title] = []
    for number, line in _joined(config):
        match = _COMMAND.match(line)
        if match is None:
            continue
        name, value = match[1], match[2].strip()
        if name == "title":
            if len(titles) >= MAX_ENTRIES:
                config.too_many("titles", number)
                break
            titles.append(_Title(text=value, line=number))
        elif titles:
            try:
                _run(config.tree, titles[-1], name, value)
            except BootmenuError as error:
                titles[-1].error = error.message
        elif name == "default":
            default = value
        # the others before the first title are for appearance and passwords, or say what is tried after a failure
    return default, titles


def _joined(config: LineConfiguration) -> Iterator[tuple[int, str]]:
    """Yield the lines; a backslash at the end continues one (stage2.c:get_line_from_config)."""
    joined = ""
    for number, line in config.lines():
        joined += line.replace("\t", " ")
        if len(joined) > LINE_LIMIT:
            config.problem(f"continues for more than {LINE_LIMIT:,} characters, left out", number)
            joined = ""
        elif joined.endswith("\\"):
            joined = joined[:-1]
        elif joined:
            yield number, joined
            joined = ""


def _run(tree: Tree, title: _Title, name: str, value: str) -> None:
    """Apply one command of an entry. Raise BootmenuError for a device that does not exist here."""
    match name:
        case "root" | "rootnoverify":
            title.root = _partition(value)
        case "uuid":  # Debian and Ubuntu
            title.root = named("uuid", value.split()[0]) if value else ""
        case "find" if value.startswith("--set-root"):  # grub4dos, openSUSE
            path = value.split()[-1]
            title.root = "" if exists(tree, normal(path)) else f"file={normal(path)}"
        case "kernel":
            while option := _OPTION.match(value):  # --type=linux, --no-mem-option
                value = value[option.end() :]
            title.kernel, _, title.cmdline = value.partition(" ")
            title.initrd, title.is_multiboot = "", False
        case "initrd":
            title.initrd = value.partition(" ")[0]
        case "module" | "modulenounzip":
            title.is_multiboot = True


def _partition(text: str) -> str:
    """Return the reference for `(hd0,1)`, counted from 1, or for the whole disk `(hd0)`. Raise BootmenuError."""
    device = _DEVICE.match(text)
    match = _DISK.fullmatch(device["name"]) if device else None
    if match is None:
        raise BootmenuError(f"{short(text)} is not a partition of a disk")
    disk = f"hd{int(match['disk'])}"
    return disk if match["partition"] is None else f"{disk},{int(match['partition']) + 1}"


def _file(tree: Tree, title: _Title, text: str) -> FileRef:
    device, path = title.root, normal(text)
    if match := _DEVICE.match(text):
        device, path = _partition(text), normal(match["path"])
    # (hd0) is a disk without partitions, as in virtual machines that were started by pv-grub
    if not device or device in tree.names or ("," not in device and "=" not in device and exists(tree, path)):
        device = tree.device
    return FileRef(device=device, path=path)


def _saved(config: LineConfiguration) -> str:
    """Return the number that `savedefault` has written into the file `default` (builtins.c:savedefault_func)."""
    try:
        data = config.tree.read(normal("default", config.folder), _MAX_SAVED)
    except TreeError:
        return "0"
    match = re.match(rb"\s*([0-9]{1,9})", data)
    return match[1].decode("ascii") if match else "0"


def _entry(config: LineConfiguration, title: _Title, *, default: bool) -> BootEntry:
    tree = config.tree
    return BootEntry(
        id=title.text,
        title=title.text,
        source="grub-legacy",
        config=config.ref,
        device=tree.device,
        kernel=_file(tree, title, title.kernel),
        initrds=(_file(tree, title, title.initrd),) if title.initrd else (),
        cmdline=CommandLine(title.cmdline.strip()),
        default=default,
    )
