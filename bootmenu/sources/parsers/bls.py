# SPDX-License-Identifier: MIT
"""Boot Loader Specification (UAPI.1), type 1: one entry a file in /loader/entries."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator
from dataclasses import dataclass

from bootmenu.model.entry import BootEntry, CommandLine, FileRef, Problem
from bootmenu.model.kernel import Architecture
from bootmenu.sources import SOURCES
from bootmenu.sources.parsers.grub import fedora
from bootmenu.sources.tree import LIST_LIMIT, Tree, TreeError, Trouble, exists, normal, read_text
from bootmenu.sources.version import version_key

_FOLDERS = ("/loader", "/boot/loader")
_MAX_ENTRIES = 1000
_LONGEST_PATTERN = 255  # characters, as a file name; matching one of a mebibyte takes for ever

_REPEATED = ("initrd", "options", "devicetree-overlay")
_SINGLE = (
    "title",
    "version",
    "machine-id",
    "sort-key",
    "linux",
    "efi",
    "devicetree",
    "architecture",
)
_FOR_OTHERS = (  # valid for other boot loaders, without effect here
    "id",
    "grub_users",
    "grub_hotkey",
    "grub_class",
    "grub_arg",
    "uki",
    "uki-url",
    "profile",
    "extra",
)
_ARCHITECTURES = {
    # UAPI.1: "architecture refers to the architecture this entry is for", as EFI names them
    "aa64": Architecture.ARM64,
    "arm": Architecture.ARM,
    "x64": Architecture.X86_64,
    "ia32": Architecture.X86,
    "riscv64": Architecture.RISCV64,
    "loongarch64": Architecture.LOONGARCH64,
}
# UAPI.1, boot counting: "+LEFT" or "+LEFT-DONE" before .conf
_COUNTED = re.compile(r"^(?P<name>.+)\+(?P<left>\d{1,6})(-\d{1,6})?$")


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    """File name without .conf and counter."""
    left: int | None
    """Tries left; None = not counted."""
    fields: dict[str, list[str]]
    config: str

    def one(self, key: str) -> str:
        return self.fields.get(key, [""])[-1]


@SOURCES.register("bls", order=10)
def parse(tree: Tree) -> Iterator[BootEntry | Problem]:
    """Entries in the specification's order, the default marked as loader.conf wants it."""
    seen: set[tuple[int, int]] = set()
    for folder in _FOLDERS:
        try:
            here = tree.stat(f"{folder}/entries")
            names = tree.list(f"{folder}/entries")
        except TreeError as error:
            if error.trouble not in (Trouble.MISSING, Trouble.OUTSIDE, Trouble.NOT_A_FOLDER):
                yield Problem(device=tree.device, path=error.path, message=error.detail)
            continue
        if here.identity in seen:
            continue  # /boot is a link to . on a boot partition
        seen.add(here.identity)
        entries: list[_Entry] = []
        configs = [name for name in names if name.endswith(".conf")]
        if len(configs) > _MAX_ENTRIES or len(names) >= LIST_LIMIT:
            message = f"holds too many files: the first {len(configs[:_MAX_ENTRIES]):,} entries are read"
            yield Problem(device=tree.device, path=f"{folder}/entries", message=message)
        for name in configs[:_MAX_ENTRIES]:
            path = f"{folder}/entries/{name}"
            try:
                text = read_text(tree, path)
            except TreeError as error:
                yield Problem(device=tree.device, path=path, message=error.detail)
                continue
            fields, problems = _fields(text)
            for message in problems:
                yield Problem(device=tree.device, path=path, message=message)
            if not fields.get("linux") and not fields.get("efi"):
                yield Problem(device=tree.device, path=path, message="names no kernel (linux)")
                continue
            counted = _COUNTED.match(name.removesuffix(".conf"))
            entries.append(
                _Entry(
                    name=counted["name"] if counted else name.removesuffix(".conf"),
                    left=int(counted["left"]) if counted else None,
                    fields=fields,
                    config=path,
                )
            )
        yield from _finish(tree, folder, entries)


def _fields(text: str) -> tuple[dict[str, list[str]], list[str]]:
    fields: dict[str, list[str]] = {}
    problems: list[str] = []
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        key, *rest = line.split(None, 1)
        value = rest[0] if rest else ""
        if key in _FOR_OTHERS:
            continue
        if key not in _SINGLE and key not in _REPEATED:
            problems.append(f"line {number}: {_short(key)} is no key of a boot entry")
        elif not value:
            problems.append(f"line {number}: {key} has no value")
        elif key == "architecture" and value.lower() not in _ARCHITECTURES:
            problems.append(f"line {number}: {_short(value)} is no architecture that is known here")
        else:
            fields.setdefault(key, []).append(value)
    return fields, problems[:20]


def _short(text: str) -> str:
    return f"“{text}”" if len(text) <= 40 else f"“{text[:37]}...”"


def _finish(tree: Tree, folder: str, entries: list[_Entry]) -> Iterator[BootEntry | Problem]:
    # UAPI.1, sorting: entries with a sort-key first, by sort-key, machine-id, then version (newest first); the
    # others by file name, newest first; entries that were tried too often last.
    keyed = [entry for entry in entries if entry.one("sort-key")]
    plain = [entry for entry in entries if not entry.one("sort-key")]
    keyed.sort(key=lambda entry: version_key(entry.one("version")), reverse=True)
    keyed.sort(key=lambda entry: (entry.one("sort-key"), entry.one("machine-id")))
    plain.sort(key=lambda entry: version_key(entry.name), reverse=True)
    ordered = sorted([*keyed, *plain], key=lambda entry: entry.left == 0)
    default = _default(tree, folder, ordered)
    variables = fedora.variables(tree, folder.removesuffix("/loader"))
    for entry in ordered:
        if name := variables.missing(entry.fields.get("options", [])):
            message = f"${name} is set by no grubenv on this partition, and left out"
            yield Problem(device=tree.device, path=entry.config, message=message)
        yield _boot_entry(tree, folder, entry, variables, default is entry)


def _default(tree: Tree, folder: str, entries: list[_Entry]) -> _Entry | None:
    try:
        text = read_text(tree, f"{folder}/loader.conf")
    except TreeError:
        return None
    for line in text.splitlines():
        key, _, value = line.strip().partition(" ")
        pattern = value.strip()
        if key == "default" and 0 < len(pattern) <= _LONGEST_PATTERN:
            # loader.conf(5): "a glob pattern ... matched against the entry's file name", with or without .conf
            for entry in entries:
                if any(fnmatch.fnmatchcase(name, pattern) for name in (entry.name, f"{entry.name}.conf")):
                    return entry
    return None


def _boot_entry(tree: Tree, folder: str, entry: _Entry, variables: fedora.Variables, default: bool) -> BootEntry:
    prefix = folder.removesuffix("/loader")

    def file(path: str) -> FileRef:
        # UAPI.1: paths are relative to the root of the partition. On a root partition that holds /boot itself
        # Fedora's tools write them relative to /boot.
        absolute = normal(path)
        if prefix and not exists(tree, absolute) and exists(tree, prefix + absolute):
            absolute = prefix + absolute
        return FileRef(device=tree.device, path=absolute)

    devicetree = entry.one("devicetree")
    version = entry.one("version")
    kernel = entry.one("linux") or entry.one("efi")
    return BootEntry(
        id=entry.name,
        title=entry.one("title") or entry.name,
        version=version,
        source="bls",
        config=FileRef(device=tree.device, path=entry.config, exists=True),
        device=tree.device,
        kernel=file(kernel),
        initrds=tuple(file(path) for path in variables.initrds(entry.fields.get("initrd", []), kernel)),
        dtb=file(devicetree) if devicetree else None,
        overlays=tuple(file(path) for value in entry.fields.get("devicetree-overlay", []) for path in value.split()),
        cmdline=CommandLine(variables.options(entry.fields.get("options", []))),
        architecture=_ARCHITECTURES.get(entry.one("architecture").lower()),
        default=default,
    )
