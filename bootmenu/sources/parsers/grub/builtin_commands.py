# SPDX-License-Identifier: MIT
"""GRUB's commands that affect what is booted, each a function of the interpreter and the arguments.

Importing this module registers them in the interpreter's table. All other commands do nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeGuard

from bootmenu.errors import BootmenuError, FormatError
from bootmenu.model.gpt_slot import GptSlot
from bootmenu.model.kernel import Architecture
from bootmenu.model.value import replace
from bootmenu.sources import neighbours, references
from bootmenu.sources.parsers.grub import environment, expressions, options
from bootmenu.sources.parsers.grub.grub_target import own_name
from bootmenu.sources.parsers.grub.interpreter import (
    COMMANDS,
    WITH_BLOCK,
    Block,
    Implementation,
    Interpreter,
    command,
)
from bootmenu.sources.parsers.grub.options import Takes
from bootmenu.sources.tree import Remembering, Tree, holds, normal
from bootmenu.sources.version import version_key


def _count(arguments: list[str]) -> int | None:
    """Return the optional numeric argument of break, continue and shift (default 1), or None if it is invalid."""
    if not arguments:
        return 1
    return int(arguments[0][:9]) if len(arguments) == 1 and arguments[0].isdecimal() else None


# --- the language ------------------------------------------------------------------------------------------------


@command("false", "keystatus", "read", "getenv", "smbios")
def _false(_: Interpreter, __: list[str]) -> int:
    # no keys are pressed, and there is no input
    return 1


@command("cpuid")
def _cpuid(shell: Interpreter, arguments: list[str]) -> int:
    # commands/i386/cpuid.c: whether the processor has long mode or PAE; the command exists on x86 only.
    # Whether a 32-bit kernel runs on a 64-bit processor is not recorded.
    given = options.parse(arguments, dict.fromkeys(_CPUID.values(), Takes.NOTHING), _CPUID)
    asked = any(option in given for option in _CPUID.values())
    return 0 if asked and shell.platform.architecture is Architecture.X86_64 else 1


_CPUID = {"l": "long-mode", "p": "pae"}


@command("test")
def _test(shell: Interpreter, arguments: list[str]) -> int:
    return 0 if expressions.is_true(shell, arguments) else 1


@command("[")
def _bracket(shell: Interpreter, arguments: list[str]) -> int:
    if arguments and arguments[-1] == "]":
        arguments = arguments[:-1]
    return 0 if expressions.is_true(shell, arguments) else 1


@command("set")
def _set(shell: Interpreter, arguments: list[str]) -> int:
    # kern/corecmd.c:grub_core_cmd_set uses its first argument only; without arguments it prints all variables
    if not arguments:
        return 0
    name, equals, value = arguments[0].partition("=")
    return shell.set(name, value) if equals else 1


@command("unset")
def _unset(shell: Interpreter, arguments: list[str]) -> int:
    if not arguments:
        return 1
    shell.context.unset(arguments[0])
    return 0


@command("export")
def _export(shell: Interpreter, arguments: list[str]) -> int:
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if equals and shell.set(name, value):  # not valid in GRUB, but the intention is clear
            return 1
        if name in shell.context.values or shell.set(name, "") == 0:
            shell.context.exported.add(name)
    return 0 if arguments else 1


def _leave(continuing: bool) -> Implementation:
    def leave(shell: Interpreter, arguments: list[str]) -> int:
        count = _count(arguments)
        if not count:
            return 1
        shell.leave_loops(count, continuing=continuing)
        return 0

    return leave


COMMANDS["break"], COMMANDS["continue"] = _leave(False), _leave(True)


@command("return")
def _return(shell: Interpreter, arguments: list[str]) -> int:
    if shell.scope is None or len(arguments) > 1:
        return 1
    status = expressions.number(arguments[0] if arguments else shell.context.get("?"))
    shell.leave_function()
    return status


@command("shift")
def _shift(shell: Interpreter, arguments: list[str]) -> int:
    count = _count(arguments)
    return 1 if count is None else shell.shift(count)


@command("setparams")
def _setparams(shell: Interpreter, arguments: list[str]) -> int:
    if shell.scope is None:
        return 1
    shell.scope = arguments
    return 0


@command("eval")
def _eval(shell: Interpreter, arguments: list[str]) -> int:
    text = " ".join(arguments)
    shell.budget.spend(5)
    return shell.nested(lambda: shell.run_text(text))


@command("exit", "normal_exit", "reboot", "halt", "poweroff")
def _exit(shell: Interpreter, _: list[str]) -> int:
    shell.exiting = True
    return 0


@command("boot")
def _boot(shell: Interpreter, _: list[str]) -> int:
    if shell.loaded.kernel is None:
        return 1
    shell.exiting = True
    return 0


# --- files -------------------------------------------------------------------------------------------------------


@command("source", ".")
def _source(shell: Interpreter, arguments: list[str]) -> int:
    return shell.source(arguments[0]) if len(arguments) == 1 else 1


@command("configfile")
def _configfile(shell: Interpreter, arguments: list[str]) -> int:
    return shell.configfile(arguments[0]) if len(arguments) == 1 else 1


@command("normal")
def _normal(shell: Interpreter, arguments: list[str]) -> int:
    # normal/main.c:grub_cmd_normal: without a file it is $prefix/grub.cfg
    return shell.configfile(arguments[0] if arguments else f"{shell.context.get('prefix')}/grub.cfg")


@command("extract_entries_source")
def _extract_source(shell: Interpreter, arguments: list[str]) -> int:
    return shell.extract(arguments[0], new_context=False) if len(arguments) == 1 else 1


@command("extract_entries_configfile")
def _extract_configfile(shell: Interpreter, arguments: list[str]) -> int:
    return shell.extract(arguments[0], new_context=True) if len(arguments) == 1 else 1


@command("load_env")
def _load_env(shell: Interpreter, arguments: list[str]) -> int:
    given = options.parse(arguments, {"file": Takes.VALUE, "skip-sig": Takes.NOTHING}, {"f": "file", "s": "skip-sig"})
    file = shell.resolve(given.last("file") or f"{shell.context.get('prefix')}/grubenv")
    tree = shell.tree_of(file.device)
    if tree is None:
        shell.unread = True
        return 1
    shell.budget.spend(20)
    try:
        variables = environment.parse(tree.read(file.path, environment.LIMIT))
    except BootmenuError:
        return 1  # no problem: scripts test whether there is a block
    for name, value in variables.items():
        if not given.words or name in given.words:
            shell.set(name, value)
    return 0


@command("save_env")
def _save_env(_: Interpreter, __: list[str]) -> int:
    return 0  # disks are never written to


@command("loopback")
def _loopback(shell: Interpreter, arguments: list[str]) -> int:
    given = options.parse(arguments, {"delete": Takes.NOTHING, "decompress": Takes.NOTHING}, {"d": "delete"})
    if "delete" in given or len(given.words) < 2:
        return 0
    file = shell.resolve(given.words[1])
    if (tree := shell.tree_of(file.device)) is not None and tree.image:
        shell.problem(f"the image {file.path} is in another image, which is not supported")
        return 1
    if len(shell.loopbacks) >= _MAX_LOOPBACKS:
        return 1
    shell.loopbacks[given.words[0].strip("()")] = f"{file.device}:{file.path}"
    return 0


_MAX_LOOPBACKS = 64


# --- devices -----------------------------------------------------------------------------------------------------

_HINTS = ("hint", "hint-ieee1275", "hint-bios", "hint-baremetal", "hint-efi", "hint-arc", "hint-xen")
_SEARCH = {
    "file": Takes.NOTHING,
    "label": Takes.NOTHING,
    "fs-uuid": Takes.NOTHING,
    "part-uuid": Takes.NOTHING,
    "part-label": Takes.NOTHING,
    "set": Takes.MAYBE,
    "no-floppy": Takes.NOTHING,
    "efidisk-only": Takes.NOTHING,
    "root-dev-only": Takes.NOTHING,
    "cryptodisk-only": Takes.NOTHING,
    **dict.fromkeys(_HINTS, Takes.VALUE),
}
_SEARCH_LETTERS = {
    "f": "file",
    "l": "label",
    "u": "fs-uuid",
    "s": "set",
    "n": "no-floppy",
    "r": "root-dev-only",
    "h": "hint",
}
_SEARCHES = {
    "label": "label",
    "fs-uuid": "uuid",
    "part-uuid": "partuuid",
    "part-label": "partlabel",
    "file": "file",
}


@command("search")
def _search(shell: Interpreter, arguments: list[str]) -> int:
    given = options.parse(arguments, _SEARCH, _SEARCH_LETTERS)
    # search_wrap.c: unknown hints are ignored
    words = [word for word in given.words if not word.startswith("--hint-")]
    variable = (given.last("set") or "root") if "set" in given else ""
    if words:
        wanted = words[0]
    elif given.last("set"):
        wanted, variable = given.last("set"), "root"  # `search --file --set /x`: see grub_cmd_search
    else:
        return 1
    kind = next((kind for option, kind in _SEARCHES.items() if option in given), "")
    hints = [hint for option in _HINTS for hint in given.given.get(option, ())]
    return _find(shell, kind, wanted, variable, hints) if kind else 1


@command("search.fs_uuid")
def _search_uuid(shell: Interpreter, arguments: list[str]) -> int:
    return _find(shell, "uuid", arguments[0], "".join(arguments[1:2]), arguments[2:]) if arguments else 1


@command("search.fs_label")
def _search_label(shell: Interpreter, arguments: list[str]) -> int:
    return _find(shell, "label", arguments[0], "".join(arguments[1:2])) if arguments else 1


@command("search.file")
def _search_file(shell: Interpreter, arguments: list[str]) -> int:
    return _find(shell, "file", arguments[0], "".join(arguments[1:2])) if arguments else 1


def _find(shell: Interpreter, kind: str, wanted: str, variable: str, hints: Iterable[str] = ()) -> int:
    """Set the variable to GRUB's name of the partition found. Assume that one that cannot be read here exists, and
    use its canonical name, which discovery resolves later. In an image, it is the image, since a medium searches for
    itself, or the partition that holds the image file: a loopback.cfg searches for $iso_path."""
    if shell.tree.image:
        in_partition = kind == "file" and normal(wanted) == shell.tree.image
        device = _outer(shell.tree.device, shell.tree) if in_partition else shell.tree.device
    elif kind == "file":
        path = normal(wanted)
        shell.budget.spend(5)
        device = next((tree.device for tree in shell.trees() if holds(tree, path)), f"file={path}")
    else:
        device = shell.device(references.named(kind, wanted))
        if kind == "uuid" and shell.tree_of(device) is None:
            device = _without_uuid(shell, hints) or device
    return shell.set(variable, shell.grub_name(device)) if variable else 0


def _without_uuid(shell: Interpreter, hints: Iterable[str]) -> str:
    """Return the partition that a search for a UUID which none has may mean, or empty: a directory given by --tree
    may be without the UUID of its file system. It is the one that the configuration hints at, or the only one."""
    unknown = [tree for tree in shell.trees() if not any(name.startswith("uuid=") for name in tree.names)]
    hinted = {shell.device(hint.rstrip(",")) for hint in (*hints, shell.context.get("root"))}
    meant = [tree for tree in unknown if tree.device in hinted or hinted & tree.names or len(unknown) == 1]
    return meant[0].device if meant else ""


@command("gptprio.next")
def _gptprio_next(shell: Interpreter, arguments: list[str]) -> int:
    # CoreOS' commands/gptprio.c: the /usr partition of the highest priority that was healthy or has tries left
    given = options.parse(arguments, _GPTPRIO, {"d": "set-device", "u": "set-uuid"})
    found = [(GptSlot.of(tree.gpt_attributes or 0), tree) for tree in neighbours.beside(shell.tree) if _is_usr(tree)]
    # of what is not known to be a slot the first may be the one
    usable = [(slot, tree) for slot, tree in found if slot.can_start or tree.gpt_attributes is None]
    if not usable:
        shell.unread = True
        return 1
    _, tree = max(usable, key=lambda candidate: candidate[0].priority)
    uuid = next((name.partition("=")[2] for name in sorted(tree.names) if name.startswith("partuuid=")), "")
    shell.set(given.last("set-device") or "gptprio_device", own_name(tree))
    return shell.set(given.last("set-uuid") or "gptprio_uuid", uuid)


_GPTPRIO = {"set-device": Takes.VALUE, "set-uuid": Takes.VALUE}


def _is_usr(tree: Tree) -> TypeGuard[Remembering]:
    return isinstance(tree, Remembering) and any(name.startswith("partlabel=USR-") for name in tree.names)


_PROBE = {
    "set": Takes.VALUE,
    "driver": Takes.NOTHING,
    "partmap": Takes.NOTHING,
    "fs": Takes.NOTHING,
    "fs-uuid": Takes.NOTHING,
    "label": Takes.NOTHING,
    "part-uuid": Takes.NOTHING,
    "partuuid": Takes.NOTHING,
}
_PROBE_LETTERS = {"s": "set", "d": "driver", "p": "partmap", "f": "fs", "u": "fs-uuid", "l": "label"}


@command("probe")
def _probe(shell: Interpreter, arguments: list[str]) -> int:
    given = options.parse(arguments, _PROBE, _PROBE_LETTERS)
    if not given.words:
        return 1
    asked = {"fs-uuid": "uuid", "label": "label", "part-uuid": "partuuid", "partuuid": "partuuid"}
    kind = next((kind for option, kind in asked.items() if option in given), "")
    device = shell.device(given.words[0])
    image = shell.tree if shell.tree.image else None
    if image is not None and device == _outer(image.device, image):
        names = sorted(_outer(name, image) for name in image.names)
    elif (tree := shell.tree_of(device)) is not None:
        names = [] if tree.image else sorted(tree.names)  # an image's names are those of its partition
    else:
        names = [device]
    value = next((name.partition("=")[2] for name in names if kind and name.startswith(f"{kind}=")), None)
    if value is None:
        return 1
    return (
        shell.set(given.last("set"), references.written(value) if kind == "uuid" else value) if "set" in given else 0
    )


def _outer(name: str, image: Tree) -> str:
    """Return the name of the partition that holds an image file, for a name of the image."""
    return name.removesuffix(f":{image.image}")


# --- texts -------------------------------------------------------------------------------------------------------


@command("regexp")
def _regexp(shell: Interpreter, arguments: list[str]) -> int:
    given = options.parse(arguments, {"set": Takes.VALUE}, {"s": "set"})
    if len(given.words) != 2:
        return 1
    expression, text = given.words
    try:
        regex = shell.regex(expression)
    except FormatError as error:
        shell.problem(error.message)
        return 1
    shell.budget.spend(1 + regex.cost(text) // 8)
    groups = regex.search(text)
    if groups is None:
        return 1
    for wanted in given.given.get("set", []):
        # regexp.c:set_matches: [NUMBER:]VARIABLE, the first group without a number
        number, colon, name = wanted.rpartition(":")
        if colon and not (number.isdecimal() and len(number) < 4):
            return 1
        index = int(number) if colon else 1
        value = groups[index] if index < len(groups) else None
        if value is None:
            shell.context.unset(name)
        elif shell.set(name, value):
            return 1
    return 0


# --- menus -------------------------------------------------------------------------------------------------------

_ENTRY = {
    "class": Takes.VALUE,
    "users": Takes.VALUE,  # access control applies to GRUB only
    "hotkey": Takes.VALUE,
    "source": Takes.VALUE,
    "id": Takes.VALUE,
    "unrestricted": Takes.NOTHING,
}


def _entry(is_submenu: bool) -> Callable[[Interpreter, list[str], Block], int]:
    def entry(shell: Interpreter, arguments: list[str], block: Block) -> int:
        given = options.parse(arguments, _ENTRY)
        # menuentry.c:grub_cmd_menuentry: a title, and either a block or --source
        body = given.last("source") if "source" in given else block
        if not given.words or body is None:
            shell.problem(f"a {'submenu' if is_submenu else 'menuentry'} has no title or no body")
            return 1
        return shell.add(shell.item(given.words, given_id=given.last("id"), body=body, is_submenu=is_submenu))

    return entry


WITH_BLOCK["menuentry"], WITH_BLOCK["submenu"] = _entry(False), _entry(True)


@command("blscfg", "bls_import")
def _blscfg(shell: Interpreter, _: list[str]) -> int:
    # bls.py lists these entries, with GRUB's variables and default from here. This menu only has placeholders for
    # them, so that a default by number is the right entry.
    root = shell.resolve("/")
    tree = shell.tree_of(root.device)
    if tree is None:
        return 0
    shell.bls[tree.device] = shell.context
    # blscfg.c of Fedora's GRUB: $blsdir or /loader/entries, else /boot/loader/entries
    for folder in (shell.context.get("blsdir") or "/loader/entries", "/boot/loader/entries"):
        place = replace(root, path=normal(folder))
        names = [name for name in shell.names(place) if name.endswith(".conf") and name[0] != "."]
        if names:
            for name in sorted((name.removesuffix(".conf") for name in names), key=version_key, reverse=True):
                if shell.add(shell.item([name], given_id=name, body=None)):
                    break
            break
    return 0
