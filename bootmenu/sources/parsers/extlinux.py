# SPDX-License-Identifier: MIT
"""extlinux.conf as U-Boot (doc/README.pxe) and syslinux read it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from bootmenu.model.entry import BootEntry, CommandLine, FileRef, Problem
from bootmenu.sources import SOURCES
from bootmenu.sources.tree import Tree, TreeError, Trouble, normal, read_text

_PATHS = ("/extlinux/extlinux.conf", "/boot/extlinux/extlinux.conf", "/extlinux.conf", "/boot/extlinux.conf")
_MAX_DEPTH = 8  # U-Boot's MAX_NEST_LEVEL is 16; nobody nests deeper than two
_MAX_LABELS = 1000

# say nothing about what is booted: looks, sounds, serial lines, other loaders' modules
_HARMLESS = frozenset(
    "timeout totaltimeout prompt ui serial console display say font kbdmap allowoptions noescape nohalt implicit"
    " ipappend sysappend f1 f2 f3 f4 f5 f6 f7 f8 f9 f10 f11 f12 ontimeout onerror kaslrseed sendmac".split()
)
_UNBOOTABLE = frozenset("localboot com32 boot bss pxe fdimage comboot".split())


@dataclass(slots=True)
class _Label:
    name: str
    title: str = ""
    kernel: str = ""
    append: str | None = None
    initrds: list[str] = field(default_factory=list)
    dtb: str = ""
    overlays: list[str] = field(default_factory=list)
    unbootable: bool = False


@dataclass(slots=True)
class _Config:
    labels: list[_Label] = field(default_factory=list)
    append: str = ""
    default: str = ""
    problems: list[Problem] = field(default_factory=list)
    files: int = 0


@SOURCES.register("extlinux", order=30)
def parse(tree: Tree) -> Iterator[BootEntry | Problem]:
    """Labels in file order; `default` by label name, `menu default` where there is none."""
    seen: set[tuple[int, int]] = set()
    for path in _PATHS:
        try:
            identity = tree.stat(path).identity
        except TreeError as error:
            if error.trouble not in (Trouble.MISSING, Trouble.OUTSIDE):
                yield Problem(device=tree.device, path=path, message=error.detail)
            continue
        if identity in seen:
            continue
        seen.add(identity)
        config = _Config()
        _read(tree, path, config, 0)
        yield from config.problems
        default = next((label for label in config.labels if label.name == config.default), None)
        for label in config.labels:
            if label.kernel:
                yield _entry(tree, path, label, config, label is default)
            elif not label.unbootable:
                message = f"label “{label.name}” names no kernel"
                yield Problem(device=tree.device, path=path, message=message)


def _read(tree: Tree, path: str, config: _Config, depth: int) -> None:
    def problem(message: str) -> None:
        if len(config.problems) < 50:
            config.problems.append(Problem(device=tree.device, path=path, message=message))

    config.files += 1
    try:
        text = read_text(tree, path)
    except TreeError as error:
        problem(error.detail)
        return
    label: _Label | None = None
    in_help = False
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if in_help:
            in_help = line.lower() != "endtext"
            continue
        if not line or line.startswith("#"):
            continue
        word, *rest = line.split(None, 1)
        key, value = word.lower(), rest[0] if rest else ""
        if key == "text":
            in_help = value.lower() == "help"
        elif key == "label":
            if len(config.labels) >= _MAX_LABELS:
                problem(f"line {number}: more than {_MAX_LABELS} labels, the rest is left out")
                return
            label = _Label(name=value or f"line {number}")
            config.labels.append(label)
        elif key == "default":
            config.default = value
        elif key == "menu":
            _menu(value, label, config)
        elif key == "include":
            if depth >= _MAX_DEPTH or config.files >= 64:
                problem(f"line {number}: includes are nested too deeply")
            elif value:
                _read(tree, _path(path, value), config, depth + 1)
        elif key == "append":
            if label is None:
                config.append = value
            else:
                # syslinux.wiki: "APPEND -" means nothing, a label's own replaces the global one
                label.append = "" if value == "-" else value
        elif key in _UNBOOTABLE:
            if label is not None:
                label.unbootable = True
        elif key in _HARMLESS:
            continue
        elif not _label_key(label, key, value):
            problem(f"line {number}: “{word[:40]}” makes no sense here")


def _menu(value: str, label: _Label | None, config: _Config) -> None:
    sub, *rest = value.split(None, 1) or [""]
    match sub.lower():
        case "label" if label is not None:
            label.title = rest[0].replace("^", "") if rest else ""
        case "default" if label is not None and not config.default:
            config.default = label.name
        case "separator" | "exit" | "goto" | "quit" | "disable" if label is not None:
            label.unbootable = True


def _label_key(label: _Label | None, key: str, value: str) -> bool:
    if label is None or not value:
        return False
    match key:
        case "kernel" | "linux":
            label.kernel = value
        case "initrd":
            label.initrds += [part for part in value.split(",") if part]
        case "fdt" | "devicetree":
            label.dtb = value
        case "fdtdir" | "devicetreedir":
            pass  # picks this board's own tree: the running one is handed on
        case "fdtoverlays" | "devicetree-overlay":
            label.overlays += value.split()
        case _:
            return False
    return True


def _path(config: str, path: str) -> str:
    # doc/README.pxe: paths are relative to the folder of the configuration unless they begin with a slash
    return normal(path, config.rpartition("/")[0] or "/")


def _entry(tree: Tree, config_path: str, label: _Label, config: _Config, default: bool) -> BootEntry:
    def file(path: str) -> FileRef:
        return FileRef(device=tree.device, path=_path(config_path, path))

    return BootEntry(
        id=f"{label.name}",
        title=label.title.strip() or label.name,
        source="extlinux",
        config=FileRef(device=tree.device, path=config_path, exists=True),
        device=tree.device,
        kernel=file(label.kernel),
        initrds=tuple(file(path) for path in label.initrds),
        dtb=file(label.dtb) if label.dtb else None,
        overlays=tuple(file(path) for path in label.overlays),
        cmdline=CommandLine(config.append if label.append is None else label.append),
        default=default,
    )
