# SPDX-License-Identifier: MIT
"""The commands of U-Boot that read files, change the device tree and start kernels."""

from __future__ import annotations

from bootmenu.errors import FormatError
from bootmenu.formats.kernels import uimage
from bootmenu.model.value import replace
from bootmenu.sources import neighbours
from bootmenu.sources.parsers.raspberrypi import boards as pi_boards
from bootmenu.sources.parsers.uboot import disk_files
from bootmenu.sources.parsers.uboot.hush_interpreter import (
    CommandStatus,
    HushInterpreter,
    ScriptEndedError,
    said,
)
from bootmenu.sources.parsers.uboot.hush_state import CannotFollowError, KernelStart, LoadedFile
from bootmenu.sources.parsers.uboot.shell_commands import command
from bootmenu.sources.parsers.uboot.unknown_text import cleaned, is_unknown, unknown
from bootmenu.sources.references import named
from bootmenu.sources.tree import CONFIG_LIMIT, Tree, TreeError, examined, exists, read_text

_MAX_OVERLAYS = 64
_AMLOGIC_TREE = "dtb_mem_addr"  # where the bootm of their U-Boots takes it from if no argument says so
_SIZE_OF_TREE = "20000"  # of a tree that only U-Boot knows: it decides only where the next file is loaded


# ---- files


@command("load", "fatload", "ext2load", "ext4load", "fsload", "btrload", "sqfsload", "erofsload")
def _load(run: HushInterpreter, _name: str, arguments: list[str]) -> CommandStatus:
    # fs/fs.c:do_load: interface, device, address, file, and optionally bytes and position
    if len(arguments) < 4:
        return 1
    if run.is_elsewhere(arguments[0], arguments[1]):
        return 1
    sought = disk_files.find(run.tree, arguments[1], arguments[3])
    address = run.address(arguments[2])
    before = run.state.memory.get(address)
    if sought.status != 1 or before is None or before.is_missing:
        run.state.memory[address] = sought.file
    if sought.status == 0:
        run.set("filesize", _size_of(sought.file))
        run.set("fileaddr", arguments[2])
    return sought.status


@command("size")
def _size(run: HushInterpreter, _name: str, arguments: list[str]) -> CommandStatus:
    if len(arguments) < 3 or run.is_elsewhere(arguments[0], arguments[1]):
        return 1
    sought = disk_files.find(run.tree, arguments[1], arguments[2])
    if sought.status == 0:
        run.set("filesize", _size_of(sought.file))
    return sought.status


def _size_of(file: LoadedFile | None) -> str:
    if file is not None and file.any_tree:
        return _SIZE_OF_TREE
    return unknown("filesize") if file is None else f"{file.size:x}"


@command("part")
def _part(run: HushInterpreter, _name: str, arguments: list[str]) -> CommandStatus:
    action, _, where, *rest = [*arguments, "", "", ""][: max(len(arguments), 3)]
    names = [name for name in rest if name and not name.startswith("-")]
    tree = disk_files.partition(run.tree, where)
    match action:
        case "uuid":
            return _named_as(run, tree, "partuuid", names[:1])
        case "list" | "nextbootpart" if names:
            # the partitions with the flag for booting: the script's own
            run.set(names[0], run.value("distro_bootpart"))
            return 0
        case "number" if len(names) == 2:
            found = disk_files.labelled(run.tree, names[0])
            if found is None:
                return 1
            run.set(names[1], f"{found:x}")
            return 0
    for name in names[-1:]:
        run.set(name, unknown(name))
    return 0


@command("fsuuid")
def _fsuuid(run: HushInterpreter, _name: str, arguments: list[str]) -> CommandStatus:
    if len(arguments) < 2:
        return 1
    return _named_as(run, disk_files.partition(run.tree, arguments[1]), "uuid", arguments[2:3])


@command("fstype")
def _fstype(run: HushInterpreter, _name: str, arguments: list[str]) -> CommandStatus:
    for name in arguments[2:3]:
        run.set(name, unknown(name))
    return 0 if len(arguments) >= 2 and disk_files.partition(run.tree, arguments[1]) else 1


def _named_as(run: HushInterpreter, tree: Tree | None, kind: str, variables: list[str]) -> CommandStatus:
    """Set a variable to the UUID of a partition or of its file system."""
    if tree is None:
        return 1
    prefix = named(kind, "")
    uuid = next((name.removeprefix(prefix) for name in sorted(tree.names) if name.startswith(prefix)), "")
    for variable in variables:
        run.set(variable, uuid or unknown(variable))
    return 0


@command("unzip", "lzmadec", "unlz4", "zstd", "unzstd", "cp", "fatwrite")
def _copy(run: HushInterpreter, name: str, arguments: list[str]) -> CommandStatus:
    # what is unpacked is loaded as it is: a packed kernel is known as such
    if name == "fatwrite":
        return 0
    source, target, *_ = [*(run.address(text) for text in arguments[:2]), 0, 0]
    if len(arguments) < 2 or source not in run.state.memory:
        return None
    run.state.memory[target] = file = run.state.memory[source]
    return None if file is None else int(file.is_missing)


@command("source", "autoscr")
def _source(run: HushInterpreter, _name: str, arguments: list[str]) -> CommandStatus:
    address = arguments[0].partition(":")[0].partition("#")[0] if arguments else run.value("loadaddr")
    file = run.state.memory.get(run.address(address))
    if file is None:
        raise CannotFollowError("runs a script that is not known")
    if file.tree is None:
        return 1
    return run.run_script(script_text(file.tree, file.path, run), file.path)


def script_text(tree: Tree, path: str, run: HushInterpreter | None = None) -> str:
    """Return the text of a script in a uImage. Raise CannotFollowError."""
    try:
        if tree.stat(path).size > CONFIG_LIMIT:
            raise CannotFollowError(f"{said(path)} is too large")
        text = examined(tree, path, uimage.script)
    except FormatError as error:
        raise CannotFollowError(f"{said(path)}: {error.message}") from None
    except TreeError as error:
        raise CannotFollowError(f"{said(path)}: {error.detail}") from None
    if run is not None:
        run.spend(1, len(text))
    return cleaned(text.decode("utf-8", "replace")).replace("\r\n", "\n").replace("\0", "")


# ---- the device tree


@command("fdt")
def _fdt(run: HushInterpreter, _name: str, arguments: list[str]) -> CommandStatus:
    action, *rest = arguments or [""]
    state = run.state
    addresses = [word for word in rest if not word.startswith("-")]
    if action.startswith("ad"):  # cmd/fdt.c compares as many letters as it needs
        address = run.address(addresses[0]) if addresses else state.dtb
        state.dtb = address
        file = state.memory.get(address) if address is not None else None
        return int(file is not None and file.is_missing)
    if action.startswith("ap"):
        return _apply(run, run.address(addresses[0]) if addresses else None)
    if action.startswith("mo") and len(addresses) >= 2:
        source, target = run.address(addresses[0]), run.address(addresses[1])
        state.memory[target] = state.memory.get(source)
        state.dtb = target
        return 0
    if action == "get" and addresses[2:4] == ["/chosen", "bootargs"] and (line := _firmware_line(run)):
        run.set(addresses[1], line)
        return 0
    if action == "get":
        for name in addresses[1:2]:
            run.set(name, unknown(name))
        return None
    if action in ("set", "rm", "mknode", "mk"):
        file = state.memory.get(state.dtb) if state.dtb is not None else None
        if file is not None and state.dtb is not None:
            state.memory[state.dtb] = replace(file, edited=True)
        run.edits = run.edits or run.line
    return 0


def _firmware_line(run: HushInterpreter) -> str:
    """Return what the firmware of a Raspberry Pi puts into its device tree as command line, or nothing."""
    if run.state.dtb is not None and run.state.memory.get(run.state.dtb) is not None:
        return ""
    for tree in (run.tree, *neighbours.beside(run.tree)):
        if exists(tree, "/config.txt") and exists(tree, "/cmdline.txt"):
            return pi_boards.with_console(_first_line(run, tree, "/cmdline.txt"), pi_boards.find(run.platform.board))
    return ""


def _first_line(run: HushInterpreter, tree: Tree, path: str) -> str:
    try:
        text = cleaned(read_text(tree, path))
    except TreeError as error:
        raise CannotFollowError(f"{said(path)} cannot be read: {error.detail}") from None
    run.spend(1, len(text))
    return next(iter(text.splitlines()), "").strip()


@command("fileenv")
def _fileenv(run: HushInterpreter, _name: str, arguments: list[str]) -> CommandStatus:
    # home-assistant/operating-system, patches/uboot/0001-CMD-read-string-from-fileinto-env.patch: interface, device,
    # address, file and the variable
    if len(arguments) < 5:
        return 1
    sought = disk_files.find(run.tree, arguments[1], arguments[3])
    if sought.status == 0 and sought.file is not None and sought.file.tree is not None:
        run.set(arguments[4], _first_line(run, sought.file.tree, sought.file.path))
    elif sought.status is None:
        run.set(arguments[4], unknown(arguments[4]))
    return sought.status


@command("imi", "iminfo")
def _iminfo(run: HushInterpreter, _name: str, arguments: list[str]) -> CommandStatus:
    address = run.address(arguments[0].partition("#")[0] if arguments else run.value("loadaddr"))
    file = run.state.memory.get(address)
    return None if file is None and address in run.state.memory else int(file is None or file.is_missing)


def _apply(run: HushInterpreter, address: int | None) -> CommandStatus:
    state = run.state
    overlay = state.memory.get(address) if address is not None else None
    base = state.memory.get(state.dtb) if state.dtb is not None else None
    if overlay is None or base is None or state.dtb is None:
        run.edits = run.edits or run.line
        return None
    if overlay.is_missing or base.is_missing:
        return 1
    if len(base.overlays) >= _MAX_OVERLAYS:
        raise CannotFollowError(f"more than {_MAX_OVERLAYS} overlays are applied")
    run.spend(1, 100 * len(base.overlays))
    state.memory[state.dtb] = replace(base, overlays=(*base.overlays, overlay))
    return 0


# ---- kernels


@command("booti", "bootz", "bootm", "zboot")
def _boot(run: HushInterpreter, name: str, arguments: list[str]) -> CommandStatus:
    if name == "zboot":  # arch/x86/lib/zimage.c: kernel, size, initramfs, size
        arguments = [*arguments[:1], *arguments[2:3]]
    kernel, *rest = arguments or [run.value("loadaddr")]
    address, _, part = kernel.partition("#")
    image = _file(run, address, f"the kernel of {name}")
    initrd = dtb = None
    if image is not None and rest and rest[0] != "-":
        initrd = _file(run, rest[0].partition(":")[0], f"the initramfs of {name}")
        image = image if initrd is not None else None
    if image is None:
        return 1
    if len(rest) > 1:
        at = run.address(rest[1])
        # an address into which nothing was loaded: the tree that the firmware handed to U-Boot
        dtb = run.state.memory.get(at)
        if dtb is None and at in run.state.memory:
            raise CannotFollowError(f"the device tree of {name} is not known")
        if dtb is not None and dtb.is_missing:
            _missing(run, dtb, f"the device tree of {name}")
            return 1
    elif (at := run.address(run.value(_AMLOGIC_TREE))) in run.state.memory and name == "bootm":
        dtb = run.state.memory[at]
        dtb = None if dtb is not None and dtb.is_missing else dtb
    doubt = run.doubts[0] if run.doubts else run.not_run
    # boot/bootm.c: the kernel gets the environment variable, never the shell's
    bootargs = "" if "bootargs" in run.state.local and "bootargs" not in run.state.env else run.value("bootargs")
    run.starts.append(
        KernelStart(
            line=run.line,
            script=run.script,
            kernel=image,
            # U-Boot's default configuration, if the name depends on what only U-Boot knows
            part="" if is_unknown(part) else part,
            initrd=initrd,
            dtb=dtb,
            bootargs=bootargs,
            doubt=doubt,
        )
    )
    raise ScriptEndedError


def _file(run: HushInterpreter, text: str, what: str) -> LoadedFile | None:
    """Return the file at an address, or note why there is none."""
    address = run.address(text)
    if run.state.memory.get(address, ...) is None:
        raise CannotFollowError(f"{what} is not known")
    file = run.state.memory.get(address)
    if file is None:
        why = f"“${{{run.lacking}}}” is known to U-Boot only" if run.lacking else said(text)
        run.fail(f"{what} is not loaded: {why}")
        return None
    if file.is_missing:
        _missing(run, file, what)
        return None
    return file


def _missing(run: HushInterpreter, file: LoadedFile, what: str) -> None:
    run.fail(f"{what}, {said(file.path)}, is missing")


@command("bootefi", "bootelf", "bootvx", "go", "bootflow", "bootmenu", "boot", "bootd", "bootdev")
def _other(run: HushInterpreter, name: str, _arguments: list[str]) -> CommandStatus:
    run.fail(f"{name} starts something else")
    raise ScriptEndedError


@command("sysboot")
def _sysboot(_run: HushInterpreter, _name: str, _arguments: list[str]) -> CommandStatus:
    # the entries of an extlinux.conf are listed by its own parser
    raise ScriptEndedError
