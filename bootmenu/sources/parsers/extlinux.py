# SPDX-License-Identifier: MIT
"""Parse extlinux.conf, syslinux.cfg and isolinux.cfg: one language, as U-Boot and syslinux read it.

Sources: U-Boot's doc/README.pxe and boot/pxe_utils.c; syslinux's doc/syslinux.txt, doc/menu.txt and, where these are
silent, com32/menu/readconfig.c.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from bootmenu.errors import BootmenuError
from bootmenu.model.entry import BootEntry, CommandLine, FileRef, Problem
from bootmenu.model.regex import regex
from bootmenu.model.value import Record, field, replace
from bootmenu.sources import SOURCES, ForPlatform, Platform
from bootmenu.sources.line_formats import MAX_ENTRIES, LineConfiguration, configurations, read_each, short
from bootmenu.sources.menu_titles import titled
from bootmenu.sources.references import located
from bootmenu.sources.tree import CONFIG_LIMIT, Tree, TreeError, TreeErrorReason, exists, installer_folders, normal
from bootmenu.sources.variables import needed, parameter_of

_EXTLINUX = tuple(
    f"{folder}/extlinux.conf"
    for folder in ("/extlinux", "/boot/extlinux", "", "/boot", "/boot/syslinux", "/syslinux")
)
# syslinux.txt: "in either the /boot/syslinux or /syslinux directories (searched in that order)"; isolinux.txt says
# the same for isolinux.cfg, and a loader for EFI searches its own directory
_SYSLINUX = (
    *(f"{folder}/syslinux.cfg" for folder in ("/boot/syslinux", "/syslinux", "", "/EFI/syslinux", "/EFI/BOOT")),
    *(f"{folder}/isolinux.cfg" for folder in ("/boot/isolinux", "/isolinux", "", "/boot/syslinux", "/syslinux")),
    *(f"{folder}/syslinux.cfg" for folder in ("/boot/isolinux", "/isolinux")),
)
# pxelinux.txt: "the default configuration file name", below the directory of pxelinux.0, the working directory
_PXELINUX = "pxelinux.cfg/default"
_MMC = regex(r"mmcblk(\d)")
_MAX_DEPTH = 16  # U-Boot's MAX_NEST_LEVEL; syslinux.txt: "up to 16 levels deep"
_MAX_FILES = 256  # the menu of Debian's installer has 27, and its help page includes all of them again
_MAX_REFERENCES = 64
"""Initramfs or overlays of one label."""

# these do not affect what is booted: appearance, sound, delays, serial lines, other loaders' modules
_HARMLESS = frozenset(
    "timeout totaltimeout prompt ui serial console display say font kbdmap allowoptions noescape nocomplete nohalt"
    " implicit ipappend sysappend sendcookies onerror path background kaslrseed sendmac fallback".split()
) | {f"f{number}" for number in range(13)}
# keywords of labels that boot something other than Linux
_UNBOOTABLE = frozenset("localboot com32 comboot boot bss pxe fdimage".split())
# syslinux.txt, "OTHER OPERATING SYSTEMS": KERNEL depends on the extension, LINUX does not. Omitted is .0, which is
# for PXELINUX only and ends many version numbers; .bin and .img apply to ISOLINUX only.
_NO_KERNEL = (".c32", ".com", ".cbt", ".bs", ".bss")
_ISOLINUX_NO_KERNEL = (*_NO_KERNEL, ".bin", ".img")


_PART = regex(r"(?:\(hd[^(),]{1,9},[^(),]{1,9}\)|[^,(]++|\()++")
"""One part of a comma-separated list, in which `(hd0,1)/file` also has a comma."""


class _Menu(Record):
    title: str = ""
    parent: _Menu | None = None
    depth: int = 0

    def path(self) -> list[str]:
        titles: list[str] = []
        menu: _Menu | None = self
        while menu is not None:
            if menu.title:
                titles.insert(0, menu.title)
            menu = menu.parent
        return titles


class _Label(Record):
    name: str
    menu: _Menu
    inherited: str
    """The global APPEND in effect at the beginning of the label."""
    title: str = ""
    kernel: str = ""
    config: str = ""
    append: str | None = None
    initrds: list[str] = field(default_factory=list)
    dtb: str = ""
    dtb_folder: str = ""
    overlays: list[str] = field(default_factory=list)
    menu_default: bool = False
    left_out: bool = False
    """Whether it is hidden, not selectable, or boots something other than Linux."""

    @property
    def cmdline(self) -> str:
        # syslinux.txt: a label's options "should be used instead of the ones specified in the global section",
        # and "APPEND with a single hyphen" is "Append nothing"
        text = self.inherited if self.append is None else self.append
        return "" if text == "-" else text


class _Bounds(Record):
    """What is left of the limits for one configuration and all files it includes."""

    files: int = _MAX_FILES
    labels: int = MAX_ENTRIES
    characters: int = CONFIG_LIMIT
    restarted: set[tuple[str, str]] = field(default_factory=set)
    """(path, working directory) of each configuration that a label switched to. Each is read once, since a help page
    leads back to its menu."""


class _MenuState(Record):
    """The state of parsing, shared by included files: readconfig.c reads them "as if the files had been concatenated
    together"."""

    folder: str
    """The loader's working directory, to which all paths are relative, also those in included files."""
    bounds: _Bounds
    menu: _Menu = field(default_factory=_Menu)
    start: _Menu | None = None
    deeper: int = 0
    """Levels of submenus beyond the limit, whose labels go to the deepest menu."""
    label: _Label | None = None
    labels: list[_Label] = field(default_factory=list)
    append: str = ""
    default: str = ""
    ontimeout: str = ""
    open: list[str] = field(default_factory=list)
    """Paths of the files that are being read."""
    lenient: bool = False
    """Whether missing included files are ignored (readconfig.c:parse_one_config), as Debian's installer requires;
    U-Boot reports an error (pxe_utils.c:handle_include)."""

    def the_default(self) -> _Label | None:
        """Return the label that is booted if no key is pressed."""
        # syslinux.txt: with ONTIMEOUT, "DEFAULT is used only if the user presses <Enter>"; both may have kernel
        # options after the label, or name something else than a label ("DEFAULT menu.c32")
        named = {label.name: label for label in reversed(self.labels)}
        for wanted in (self.ontimeout, self.default):
            if found := named.get(wanted) or named.get(wanted.partition(" ")[0]):
                return found
        # menu.txt: MENU DEFAULT is "the default for this particular submenu". U-Boot takes the first of several.
        start = self.start
        for label in self.labels:
            if label.menu_default and (label.menu is start if start else label.menu.parent is None):
                return label
        return None


@SOURCES.register("extlinux", after="bls")
@ForPlatform
def parse(tree: Tree, platform: Platform) -> Iterator[BootEntry | Problem]:
    """Yield the labels of extlinux.conf in file order."""
    return _parse(tree, "extlinux", (*_of_st(tree, platform), *_EXTLINUX))


def _of_st(tree: Tree, platform: Platform) -> tuple[str, ...]:
    """Return the path of OpenSTLinux's extlinux.conf for this disk and board, if it exists.

    meta-st-stm32mp, recipes-bsp/u-boot/u-boot-stm32mp-extlinux: its boot.scr.uimg reads
    `${boot_device}${boot_instance}_extlinux/${board_name}_extlinux.conf`, and otherwise extlinux.conf there."""
    folder = f"/mmc{(match := _MMC.match(tree.device)) and match[1]}_extlinux"
    models = [name.partition(",")[2] for name in platform.board if name.startswith("st,")]
    paths = [f"{folder}/{name}extlinux.conf" for name in (*(f"{model}_" for model in models), "")]
    return tuple(itertools.islice((path for path in paths if exists(tree, path)), 1))


@SOURCES.register("syslinux")
def parse_syslinux(tree: Tree) -> Iterator[BootEntry | Problem]:
    """Yield the labels of syslinux.cfg and isolinux.cfg in file order."""
    # if a netboot tree of Debian's installer was copied without its links, its configuration is in a subdirectory;
    # its paths are relative to the root
    netboot = (f"{folder}/{_PXELINUX}" for folder in ("", *installer_folders(tree)))
    return _parse(tree, "syslinux", (*_SYSLINUX, *netboot))


def _parse(tree: Tree, source: str, paths: tuple[str, ...]) -> Iterator[BootEntry | Problem]:
    def folder(config: LineConfiguration) -> str:
        return "/" if config.path.endswith(f"/{_PXELINUX}") else config.folder

    return read_each(
        configurations(tree, paths),
        lambda config: _entries(
            config, source, _MenuState(folder(config), _Bounds(), lenient=source == "syslinux"), is_default=True
        ),
    )


def _entries(config: LineConfiguration, source: str, state: _MenuState, *, is_default: bool) -> Iterator[BootEntry]:
    _read(config, state, ())
    default = state.the_default()
    if default is None and source == "extlinux":
        # pxe_utils.c:handle_pxe_menu: if "no default was set", the labels are tried in their order
        default = next((label for label in state.labels if not label.left_out), None)
    for label in state.labels:
        if label.left_out:
            continue
        if label.config:
            yield from _other_configuration(config, source, state, label, is_default=is_default and label is default)
            continue
        # syslinux.txt: "The default for image is the same as label"
        if not label.kernel and exists(config.tree, normal(label.name, state.folder)):
            label.kernel = label.name
        if not label.kernel:
            config.problem(f"label {short(label.name)} names no kernel")
            continue
        try:
            yield _entry(config, source, state.folder, label, default=is_default and label is default)
        except BootmenuError as error:
            config.problem(f"label {short(label.name)}: {error.message}")


def _other_configuration(
    config: LineConfiguration, source: str, state: _MenuState, label: _Label, *, is_default: bool
) -> Iterator[BootEntry]:
    # syslinux.txt: "CONFIG means restart the boot loader using a different configuration file. The configuration
    # file is read, the working directory is changed (if specified via an APPEND)". Arch does just that.
    folder = normal(label.append, state.folder) if label.append and label.append != "-" else state.folder
    path = _path(state, label.config)
    known = (path, folder) in state.bounds.restarted or path in (*state.open, config.path)
    other = None if known else _included(config, state, label.config, 0)
    if other is not None:
        state.bounds.restarted.add((path, folder))
        restarted = _MenuState(folder, state.bounds, open=[*state.open, config.path], lenient=state.lenient)
        yield from _entries(other, source, restarted, is_default=is_default)


def _path(state: _MenuState, path: str) -> str:
    return normal(path.removeprefix("::"), state.folder)


def _included(config: LineConfiguration, state: _MenuState, path: str, number: int) -> LineConfiguration | None:
    path = _path(state, path)
    if path in state.open or path == config.path:
        config.problem(f"{path} includes itself", number)
    elif len(state.open) >= _MAX_DEPTH:
        config.problem(f"includes are nested deeper than {_MAX_DEPTH}", number)
    elif state.bounds.files <= 0:
        config.problem(f"more than {_MAX_FILES} files are included", number)
    else:
        return LineConfiguration(config.tree, path, config.problems)
    return None


def _read(config: LineConfiguration, state: _MenuState, submenu: tuple[str, ...]) -> None:
    bounds = state.bounds
    bounds.files -= 1
    text = config.text()
    bounds.characters -= len(text)
    if bounds.characters < 0:
        config.problem(f"left out: more than {CONFIG_LIMIT:,} characters are included")
        return
    state.open.append(config.path)
    for tag in submenu:
        _begin(state, tag)
    in_text = False
    for number, line in config.lines(text):
        word, *rest = line.split(None, 1)
        key, value = word.lower(), rest[0] if rest else ""
        if in_text:
            in_text = key != "endtext"
        elif key == "text":
            in_text = value.lower() == "help"
        elif key == "label":
            if bounds.labels <= 0:
                config.too_many("labels", number)
                break
            bounds.labels -= 1
            state.label = _Label(value or f"line {number}", state.menu, state.append)
            state.labels.append(state.label)
        elif key == "default" and value:
            state.default = value
        elif key == "ontimeout":
            state.ontimeout = value
        elif key == "include":
            _include(config, state, value, number)
        elif key == "menu":
            sub, *rest = value.split(None, 1) or [""]
            if sub.lower() == "include":
                _include(config, state, rest[0] if rest else "", number)
            else:
                _menu(state, sub.lower(), rest[0] if rest else "")
        elif key == "append" and state.label is None:
            state.append = value
        elif key in _UNBOOTABLE:
            if state.label is not None:
                state.label.left_out = True
        elif key not in _HARMLESS and not _label_key(state.label, key, value, config.path):
            reason = f"unknown keyword {short(word)}" if value else f"{short(word)} has no value"
            config.problem(f"{reason}, ignored", number)
    if in_text:
        config.problem("a help text is not closed: the rest of the file is ignored")
    if submenu:
        _end(state)
    state.open.pop()


def _include(config: LineConfiguration, state: _MenuState, value: str, number: int) -> None:
    path, *tag = value.split(None, 1) or [""]
    if not path:
        config.problem("include names no file", number)
    elif other := _included(config, state, path, number):
        if state.lenient and _is_missing(other.tree, other.path):
            return
        # menu.txt: with a tag "the whole file is considered to have been bracketed with a MENU BEGIN ... MENU END"
        _read(other, state, tuple(tag))


def _is_missing(tree: Tree, path: str) -> bool:
    try:
        tree.stat(path)
    except TreeError as error:
        return error.reason is TreeErrorReason.MISSING
    return False


def _begin(state: _MenuState, tag: str) -> None:
    state.label = None
    if state.menu.depth < _MAX_DEPTH:
        state.menu = _Menu(tag, state.menu, state.menu.depth + 1)
    else:
        state.deeper += 1


def _end(state: _MenuState) -> None:
    state.label = None
    if state.deeper:
        state.deeper -= 1
    elif state.menu.parent is not None:
        state.menu = state.menu.parent


def _menu(state: _MenuState, key: str, value: str) -> None:
    label = state.label
    match key:
        case "begin":
            _begin(state, value)
        case "end":
            _end(state)
        case "start":
            state.start = state.menu
        case "separator":
            # readconfig.c: a separator ends the label before it, which is kept if it has a kernel
            if label is not None and not label.kernel:
                label.left_out = True
            state.label = None
        case "label" if label is not None:
            label.title = value.replace("^", "").strip()
        case "label" | "title" if state.menu.parent is not None:
            state.menu.title = value.replace("^", "").strip()
        case "default" if label is not None:
            label.menu_default = True
        case "hide" | "disable" | "disabled" | "goto" | "exit" | "quit" | "help" if label is not None:
            label.left_out = True


def _label_key(label: _Label | None, key: str, value: str, path: str) -> bool:
    if label is None or (not value and key != "append"):
        return False
    match key:
        case "linux":
            label.kernel = value
        case "kernel":
            label.kernel = value
            others = _ISOLINUX_NO_KERNEL if path.endswith("/isolinux.cfg") else _NO_KERNEL
            label.left_out |= value.lower().endswith(others)
        case "config":
            label.config = value
        case "append":
            label.append = value
        case "initrd":
            # neither documentation mentions several INITRD lines; load all of them
            label.initrds += _parts(value)
        # U-Boot takes the first of several (pxe_utils.c:parse_label)
        case "fdt" | "devicetree":
            label.dtb = label.dtb or value
        case "fdtdir" | "devicetreedir":
            label.dtb_folder = label.dtb_folder or value
        case "fdtoverlays" | "devicetree-overlay":
            label.overlays = label.overlays or value.split()
        case "overlays":  # NVIDIA's L4TLauncher and cboot: separated by commas
            label.overlays = label.overlays or value.replace(",", " ").split()
        case _:
            return False
    return True


# cli_simple_process_macros() of U-Boot, and NVIDIA's cboot, replace these by the loader's variables
_VARIABLE = regex(r"\$\{[^}\s$]{1,64}\}|\$\([^)\s$]{1,64}\)")
_INITRD = regex(r"(?:^|\s)initrd=(\S*)")


def _parts(text: str) -> list[str]:
    """Split a list at commas, up to one more than the limit: a global APPEND may apply to a thousand labels."""
    return [match[0] for match in itertools.islice(_PART.finditer(text), _MAX_REFERENCES + 1)]


def _initrds(label: _Label) -> list[str]:
    if label.initrds:
        return label.initrds
    # syslinux.txt: INITRD "functionally appends initrd=initrd_file to the kernel command line", where the last one
    # counts. The option stays in the command line, as with syslinux.
    found = _INITRD.findall(label.cmdline)
    return _parts(found[-1]) if found else []


def _existing(config: LineConfiguration, label: _Label, overlays: tuple[FileRef, ...]) -> Iterator[FileRef]:
    """Yield the overlays without those that are missing (pxe_utils.c: "Failed loading overlay", and it goes on)."""
    for ref in overlays:
        if ref.device == config.tree.device and _is_missing(config.tree, ref.path):
            config.problem(f"label {short(label.name)}: overlay {ref.path[:100]} does not exist, left out")
        else:
            yield ref


def _entry(config: LineConfiguration, source: str, folder: str, label: _Label, *, default: bool) -> BootEntry:
    tree = config.tree

    def file(path: str) -> FileRef:
        return located(tree, path, folder)

    def files(paths: list[str]) -> tuple[FileRef, ...]:
        if len(paths) > _MAX_REFERENCES:
            config.problem(f"label {short(label.name)} names more than {_MAX_REFERENCES} files: the rest is left out")
        return tuple(file(path) for path in paths[:_MAX_REFERENCES])

    kernel = file(label.kernel)
    if "#" in label.kernel and not exists(tree, kernel.path):
        # README.pxe: "<path>#<conf>[#<extra-conf[#...]]" is a configuration of a FIT image
        path, part, *more = label.kernel.split("#", 2)
        kernel = replace(file(path), part=part)
        if more:
            config.problem(f"label {short(label.name)} wants {short(more[0])} on top of {short(part)}, left out")
    cmdline, unset = label.cmdline, tuple[str, ...]()
    if source == "extlinux" and (variables := _VARIABLE.findall(cmdline)):
        cmdline = _VARIABLE.sub("", cmdline).strip()
        unset = needed(
            cmdline,
            [
                (parameter_of(word), variable[2:-1])
                for word in label.cmdline.split()
                for variable in _VARIABLE.findall(word)[:_MAX_REFERENCES]
            ],
        )
        names = short(", ".join(dict.fromkeys(variables[:_MAX_REFERENCES])))
        message = f"{names} is known to the boot loader only, and left out of the options"
        if not any(problem.message.endswith(message) for problem in config.problems):  # once for all labels
            config.problem(f"label {short(label.name)}: {message}")
    # pxe_utils.c: "fdt -" means no file; README.pxe: "If the fdt command is specified, fdtdir is ignored."
    dtb = label.dtb if label.dtb != "-" else ""
    return BootEntry(
        id=label.name,
        title=titled(label.menu.path(), label.title or label.name),
        source=source,
        config=config.ref,
        device=tree.device,
        kernel=kernel,
        initrds=files(_initrds(label)),
        dtb=file(dtb) if dtb else None,
        dtb_folder=file(label.dtb_folder) if label.dtb_folder and not label.dtb else None,
        overlays=tuple(_existing(config, label, files(label.overlays))),
        cmdline=CommandLine(cmdline, unset=unset),
        default=default,
    )
