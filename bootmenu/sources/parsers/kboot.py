# SPDX-License-Identifier: MIT
"""Parse kboot.conf like petitboot (discover/kboot-parser.c, parser-conf.c): `label='kernel initrd=... options'`."""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.errors import BootmenuError
from bootmenu.model.entry import BootEntry, CommandLine, Problem
from bootmenu.model.regex import regex
from bootmenu.sources import SOURCES
from bootmenu.sources.line_formats import MAX_ENTRIES, LineConfiguration, configurations, read_each, short
from bootmenu.sources.references import located
from bootmenu.sources.tree import Tree

_PATHS = ("/kboot.conf", "/kboot.cnf", "/etc/kboot.conf", "/etc/kboot.cnf")
_GLOBALS = ("default", "initrd", "root")
_HARMLESS = ("delay", "message", "timeout", "video")

# one option of a command line, including text in double quotes
_OPTION = regex(r'(?:[^\s"]++|"[^"]*+"?+)++')


@SOURCES.register("kboot", after="grub")
def parse(tree: Tree) -> Iterator[BootEntry | Problem]:
    """Yield the labels in file order; the one named by `default=` is the default."""
    return read_each(configurations(tree, _PATHS), _entries)


def _entries(config: LineConfiguration) -> Iterator[BootEntry]:
    settings: dict[str, str] = {}
    labels: list[tuple[str, str, dict[str, str]]] = []
    for number, line in config.lines():
        name, equals, value = line.partition("=")
        # parser-conf.c:conf_strip_str removes quotes and space around names and values
        name, value = name.strip(" \t\"'"), value.strip(" \t\"'")
        if not equals or not name or not value:
            config.problem(f"{short(line)} is not of the form label='kernel options'", number)
        elif name in _GLOBALS:
            settings[name] = value
        elif name not in _HARMLESS:
            if len(labels) >= MAX_ENTRIES:
                config.too_many("labels", number)
                break
            # a global option applies to the labels after it
            labels.append((name, value, dict(settings)))
    marked = False
    for name, value, before in labels:
        default = not marked and name == settings.get("default")
        marked |= default
        try:
            yield _entry(config, name, value, before, default=default)
        except BootmenuError as error:
            config.problem(f"{short(name)}: {error.message}")


def _entry(config: LineConfiguration, name: str, value: str, before: dict[str, str], *, default: bool) -> BootEntry:
    tree = config.tree
    kernel, _, rest = value.partition(" ")
    initrd, root = before.get("initrd", ""), before.get("root", "")
    options: list[str] = []
    for option in _OPTION.findall(rest):
        key, _, text = option.partition("=")
        if key == "initrd":
            initrd = text.strip("\"'")
        elif key == "root":
            root = text
        else:
            options.append(option)
    if root:
        options.insert(0, f"root={root}")
    return BootEntry(
        id=name,
        title=name,
        source="kboot",
        config=config.ref,
        device=tree.device,
        kernel=located(tree, kernel),
        initrds=(located(tree, initrd),) if initrd else (),
        cmdline=CommandLine(" ".join(options)),
        default=default,
    )
