# SPDX-License-Identifier: MIT
"""Parse petitboot.conf, petitboot's native configuration, in both of its forms.

The current one (discover/native/native-lexer.l and native-parser.y) has `key value` lines, and `name` begins an
entry; the older one (discover/native-parser.c, params.c) has `key = value` lines below a `[section]`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from bootmenu.errors import BootmenuError
from bootmenu.model.entry import BootEntry, CommandLine, Problem
from bootmenu.model.regex import regex
from bootmenu.model.value import Record, field
from bootmenu.sources import SOURCES
from bootmenu.sources.line_formats import MAX_ENTRIES, LineConfiguration, configurations, read_each, short
from bootmenu.sources.references import located
from bootmenu.sources.tree import Tree

_PATHS = ("/boot/petitboot.conf", "/petitboot.conf")
_KEYS = ("image", "initrd", "dtb", "args", "name")
_HARMLESS = ("description", "icon", "dev_description")
_LINE = regex(r"(?P<key>[A-Za-z_]+)(?:\s*=\s*|\s+)(?P<value>.*)")


class _Option(Record):
    name: str
    fields: dict[str, str] = field(default_factory=dict)
    arguments: list[str] = field(default_factory=list)
    """The values of all `args`."""


@SOURCES.register("petitboot", after="kboot")
def parse(tree: Tree) -> Iterator[BootEntry | Problem]:
    """Yield the entries in file order."""
    # native.c: only the first file that exists is read
    return read_each(itertools.islice(configurations(tree, _PATHS), 1), _entries)


def _entries(config: LineConfiguration) -> Iterator[BootEntry]:
    default = ""
    options: list[_Option] = []
    lines = list(config.lines(comments="#;"))
    sections = any(_section(line) for _, line in lines)
    for number, line in lines:
        match = _LINE.fullmatch(line)
        key, value = (match["key"].lower(), match["value"]) if match else ("", "")
        option = options[-1] if options else None
        section = _section(line)
        # below a [section] `name` only sets its title, and before the first entry it is the device's name
        if section or (key == "name" and value and not sections):
            if len(options) >= MAX_ENTRIES:
                config.too_many("entries", number)
                break
            options.append(_Option(section or value))
        elif key == "default" and value:
            default = default or value  # native-parser.y: "Duplicate default option, ignoring"
        elif key in _HARMLESS or (key == "name" and option is None):
            continue
        elif key not in _KEYS or not value or option is None:
            config.problem(f"{short(line)} is not valid here, ignored", number)
        elif key == "args":
            # native-parser.y appends without a space, which would merge two options into one
            option.arguments.append(value)
        elif key == "name":
            option.name = value
        elif option.fields.setdefault(key, value) != value:
            config.problem(f"a second {key}, ignored", number)
    marked = False
    for option in options:
        is_default = not marked and option.name == default
        marked |= is_default
        if "image" not in option.fields:
            config.problem(f"{short(option.name)} names no kernel (image)")
            continue
        try:
            yield _entry(config, option, default=is_default)
        except BootmenuError as error:
            config.problem(f"{short(option.name)}: {error.message}")


def _section(line: str) -> str:
    return line[1:].partition("]")[0].strip() if line.startswith("[") else ""


def _entry(config: LineConfiguration, option: _Option, *, default: bool) -> BootEntry:
    tree = config.tree
    files = {role: located(tree, option.fields[role]) for role in ("image", "initrd", "dtb") if role in option.fields}
    return BootEntry(
        id=option.name,
        title=option.name,
        source="petitboot",
        config=config.ref,
        device=tree.device,
        kernel=files["image"],
        initrds=(files["initrd"],) if "initrd" in files else (),
        dtb=files.get("dtb"),
        cmdline=CommandLine(" ".join(option.arguments).strip()),
        default=default,
    )
