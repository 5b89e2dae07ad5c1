# SPDX-License-Identifier: MIT
"""Parse kexecboot's boot.cfg (src/cfgparser.c): `KEY=value` lines, in which each LABEL begins an entry."""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.model.entry import BootEntry, CommandLine, FileRef, Problem
from bootmenu.model.value import Record, field
from bootmenu.sources import SOURCES
from bootmenu.sources.line_formats import MAX_ENTRIES, LineConfiguration, configurations, read_each, short
from bootmenu.sources.tree import Tree, normal

_PATHS = ("/boot/boot.cfg", "/boot.cfg")
_OF_ENTRY = ("KERNEL", "DTB", "INITRD", "APPEND", "CMDLINE", "PRIORITY")
_HARMLESS = ("TIMEOUT", "UI", "GUI", "NOGUI", "DEBUG", "ICON", "LOGO", "ORDER")


class _Section(Record):
    label: str
    fields: dict[str, str] = field(default_factory=dict)
    default: bool = False

    @property
    def priority(self) -> int:
        # cfgparser.c: anything but a non-negative number counts as 0
        text = self.fields.get("PRIORITY", "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


@SOURCES.register("kexecboot", after="yaboot")
def parse(tree: Tree) -> Iterator[BootEntry | Problem]:
    """Yield the entries by descending PRIORITY, then in file order; the last one with DEFAULT is the default."""
    return read_each(configurations(tree, _PATHS), _entries)


def _entries(config: LineConfiguration) -> Iterator[BootEntry]:
    sections: list[_Section] = []
    for number, line in config.lines():
        key, _, value = (part.strip() for part in line.partition("="))
        key = key.upper()
        if key == "LABEL" and value:
            if len(sections) >= MAX_ENTRIES:
                config.too_many("labels", number)
                break
            sections.append(_Section(value))
        elif key in _HARMLESS or not sections:
            # NetBSD and VMware ESXi have a /boot.cfg in another format, without LABEL
            continue
        elif key == "DEFAULT":
            sections[-1].default = True
        elif key in _OF_ENTRY and value:
            sections[-1].fields[key] = value
        else:
            config.problem(f"{short(line)} is not valid here, ignored", number)
    # devicescan.c:addto_bootcfg: the last of several wins
    default = next((section for section in reversed(sections) if section.default), None)
    # kexecboot.c:fill_menu: highest priority first
    for section in sorted(sections, key=lambda section: -section.priority):
        if "KERNEL" in section.fields:
            yield _entry(config, section, default=section is default)
        else:
            config.problem(f"{short(section.label)} names no kernel (KERNEL)")


def _entry(config: LineConfiguration, section: _Section, *, default: bool) -> BootEntry:
    tree, fields = config.tree, section.fields

    def file(key: str) -> FileRef | None:
        # cfgparser.c:set_path: all paths are relative to the root of the configuration's partition
        return FileRef(device=tree.device, path=normal(fields[key])) if key in fields else None

    initrd, kernel = file("INITRD"), file("KERNEL")
    assert kernel is not None
    return BootEntry(
        id=section.label,
        title=section.label,
        source="kexecboot",
        config=config.ref,
        device=tree.device,
        kernel=kernel,
        initrds=(initrd,) if initrd else (),
        dtb=file("DTB"),
        cmdline=CommandLine(_cmdline(tree, fields)),
        default=default,
    )


def _cmdline(tree: Tree, fields: dict[str, str]) -> str:
    if "CMDLINE" in fields:
        return fields["CMDLINE"]
    # kexecboot.c:start_kernel: without CMDLINE it is "root=" with the configuration's partition, its rootfstype,
    # "rootwait" and APPEND. The kernel detects the file system itself, and PARTUUID is more reliable than the name
    # of a device, which may differ from kernel to kernel.
    partuuid = next((name for name in sorted(tree.names) if name.startswith("partuuid=")), "")
    root = f"PARTUUID={partuuid.removeprefix('partuuid=')}" if partuuid else f"/dev/{tree.device}"
    return " ".join(part for part in (f"root={root}", "rootwait", fields.get("APPEND", "")) if part)
