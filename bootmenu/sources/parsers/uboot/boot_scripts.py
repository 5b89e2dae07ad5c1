# SPDX-License-Identifier: MIT
"""Read boot.scr and boot.ini. A script is followed as U-Boot would run it (hush_interpreter.py); if it cannot be
followed, or if there is none, the settings beside it still say how the kernel is to be started (board_settings.py).
"""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.model.entry import BootEntry, CommandLine, FileRef, Problem
from bootmenu.model.regex import regex
from bootmenu.model.value import replace
from bootmenu.sources import Platform, version_of
from bootmenu.sources.line_formats import MAX_TEXT, LineConfiguration, configurations
from bootmenu.sources.parsers.uboot import boot_commands, loader_variables, update_slots
from bootmenu.sources.parsers.uboot.board_settings import BoardSettings
from bootmenu.sources.parsers.uboot.file_names import OTHER_SCRIPTS, PREFIXES, SCRIPTS
from bootmenu.sources.parsers.uboot.hush_interpreter import HushInterpreter, ScriptEndedError
from bootmenu.sources.parsers.uboot.hush_state import CannotFollowError, HushState, KernelStart, LoadedFile
from bootmenu.sources.parsers.uboot.unknown_text import cleaned, is_unknown, names, plain
from bootmenu.sources.tree import Tree, TreeError, exists, normal, read_text
from bootmenu.sources.variables import DECIDING, needed, parameter_of

_EXTLINUX = "extlinux/extlinux.conf"
# the first line of a boot.ini is what the vendor's `cfgload` looks for (ODROIDXU-UBOOT-CONFIG, ODROIDC2-UBOOT-CONFIG)
_VENDOR_LINE = regex(r"\A\s*[A-Z0-9-]+-UBOOT-CONFIG\b[^\n]*")
_MAX_STARTS = 8


def parse(tree: Tree, platform: Platform) -> Iterator[BootEntry | Problem]:
    """Yield what the scripts of this partition start, and otherwise what its settings describe."""
    followed = False
    for config, prefix in _scripts(tree):
        found = list(_entries(config, prefix, platform, first=not followed))
        yield from config.problems
        yield from found
        followed = followed or bool(found)
    if not followed:
        has_default = _extlinux_is_first(tree, PREFIXES[-1])
        yield from BoardSettings(tree, platform, _entry_of).entries(has_default=has_default)


def _scripts(tree: Tree) -> Iterator[tuple[LineConfiguration, str]]:
    prefixes: list[str] = []
    identities: set[object] = set()
    for prefix in PREFIXES:
        try:
            identity = tree.stat(prefix.rstrip("/") or "/").identity
        except TreeError:
            continue
        if identity not in identities:  # on many boot partitions /boot is a link to `.`
            identities.add(identity)
            prefixes.append(prefix)
    for prefix in prefixes:
        here = list(configurations(tree, [f"{prefix}{name}" for name in SCRIPTS]))
        yield from ((config, prefix) for config in here or _first_of(tree, prefix))


def _first_of(tree: Tree, prefix: str) -> list[LineConfiguration]:
    return list(configurations(tree, [f"{prefix}{name}" for name in OTHER_SCRIPTS]))[:1]


def _entries(config: LineConfiguration, prefix: str, platform: Platform, *, first: bool) -> Iterator[BootEntry]:
    run = interpreter(config.tree, platform, prefix)
    try:
        text = _text(config)
        slots = update_slots.slots(text, config.tree, run.state.env)
    except CannotFollowError as error:
        text, slots = "", []
        if not config.unreadable:
            config.problem(f"{error.message}: what it starts is not known")
    starts: list[KernelStart] = []
    for slot in slots or [update_slots.NO_SLOT]:
        run = interpreter(config.tree, platform, prefix)
        run.state.env.update(slot.variables)
        _follow(run, text, config)
        starts += [replace(start, slot=slot.name, doubt=slot.decided_by or start.doubt) for start in run.starts]
    if not starts and not config.problems:
        only_there = f": “{run.not_run}” is known to U-Boot only" if run.not_run else ""
        for reason in run.failed or [f"the script starts no kernel{only_there}"]:
            config.problem(reason)
    if run.edits:
        config.problem("the script changes the device tree itself, which is left out", run.edits)
    starts = _distinct(starts, run.not_run)
    known = len(starts) == 1 or bool(starts and starts[0].slot and not starts[0].doubt)
    default = first and known and not _extlinux_is_first(config.tree, prefix)
    size = 0
    for number, start in enumerate(starts[:_MAX_STARTS]):
        size += len(start.bootargs)
        if size < MAX_TEXT:
            yield _entry_of(config, start, number, default=default and number == 0)
    if not known and starts:
        doubt = starts[0].doubt[:60]
        if starts[0].slot:
            config.problem(f"which slot it starts depends on “{doubt}”, which is not known", starts[0].line)
        else:
            config.problem(f"what it starts depends on “{doubt}”, whose result is not known", starts[0].line)


def _follow(run: HushInterpreter, text: str, config: LineConfiguration) -> None:
    try:
        run.run_script(text, config.path)
    except ScriptEndedError:
        pass
    except CannotFollowError as error:
        where = "" if run.script in (config.path, "") else f" of {run.script}"
        config.problem(f"{error.message}: what it starts from here is not known{where}", run.line)


def _distinct(starts: list[KernelStart], not_run: str) -> list[KernelStart]:
    """Return the starts that differ; if all ways start the same, it does not matter which one is taken."""
    found: dict[object, KernelStart] = {}
    for start in starts:
        files = tuple(each.identity if each else None for each in (start.kernel, start.initrd, start.dtb))
        found.setdefault((files, start.part, start.bootargs), start)
    if len(found) == 1 < len(starts):
        # a script that sets the slot itself, as on its first boot, may take another one next time
        return [replace(starts[0], doubt=starts[0].doubt if starts[0].slot else not_run)]
    return list(found.values())


def _extlinux_is_first(tree: Tree, prefix: str) -> bool:
    """Return whether there is an extlinux.conf, which U-Boot looks for first in each directory up to this one."""
    return any(exists(tree, f"{each}{_EXTLINUX}") for each in PREFIXES[: PREFIXES.index(prefix) + 1])


def interpreter(tree: Tree, platform: Platform, prefix: str) -> HushInterpreter:
    """Return an interpreter with the variables that U-Boot sets for a script in this directory."""
    return HushInterpreter(
        tree, platform, HushState(loader_variables.initial(tree, platform, prefix), deleted={"bootargs"})
    )


def _text(config: LineConfiguration) -> str:
    if config.unreadable:
        return ""
    if config.path.endswith((".ini", ".cmd")):
        try:
            text = cleaned(read_text(config.tree, config.path)).replace("\r\n", "\n")
        except TreeError as error:
            raise CannotFollowError(error.detail) from None
        return _VENDOR_LINE.sub("", text, count=1)
    return boot_commands.script_text(config.tree, config.path)


def _entry_of(config: LineConfiguration, start: KernelStart, number: int, *, default: bool) -> BootEntry:
    kernel, tree = start.kernel, config.tree
    text = plain(" ".join(word for word in start.bootargs.split(" ") if not _says_nothing(word))).strip()
    variables = [(parameter_of(plain(word)), name) for word in start.bootargs.split() for name in names(word)]
    unset = needed(text, variables)
    if start.doubt:
        unset = (*unset, start.doubt)
    dtb = start.dtb
    resolved = _resolved(kernel)
    return BootEntry(
        id=f"{config.path}{f'#{number}' if number else ''}",
        title=f"{resolved.rpartition('/')[2]} ({config.path.rpartition('/')[2]}{start.slot and ': '}{start.slot})",
        version=version_of(resolved),
        source="uboot",
        config=config.ref,
        device=tree.device,
        kernel=FileRef(device=kernel.device, path=kernel.path, part=start.part),
        initrds=(_ref(start.initrd),) if start.initrd else (),
        dtb=_ref(dtb) if dtb and not dtb.any_tree else None,
        dtb_folder=_ref(dtb) if dtb and dtb.any_tree else None,
        overlays=tuple(_ref(each) for each in dtb.overlays) if dtb else (),
        cmdline=CommandLine(text, unset=tuple(dict.fromkeys(unset))),
        default=default,
    )


def _says_nothing(word: str) -> bool:
    """Return whether a word sets a parameter to a value that only U-Boot knows as a whole.

    Half of a value, or `console=` without one, would be worse than nothing (kernel/printk/printk.c:console_setup
    takes the console away). What names the system stays, and keeps the entry from starting automatically."""
    name, equals, value = plain(word).partition("=")
    if not equals or not names(word) or name in DECIDING:
        return False
    return is_unknown(word) or (name == "console" and not value)


def _ref(file: LoadedFile) -> FileRef:
    return FileRef(device=file.device, path=normal(file.path))


def _resolved(kernel: LoadedFile) -> str:
    """Return the path that a link leads to, whose name has the version."""
    try:
        found = kernel.tree.stat(kernel.path).resolved if kernel.tree else ""
    except TreeError:
        found = ""
    return found or kernel.path
