# SPDX-License-Identifier: MIT
"""The commands of U-Boot that work on variables and decide: setenv, env, test, itest, setexpr, run and exit."""

from __future__ import annotations

import operator
from collections.abc import Callable

from bootmenu.errors import FormatError
from bootmenu.sources.parsers.uboot import disk_files
from bootmenu.sources.parsers.uboot.environment_text import ini_section, settings
from bootmenu.sources.parsers.uboot.hush_interpreter import (
    COMMANDS,
    CommandStatus,
    ExitError,
    HushInterpreter,
    Implementation,
    ScriptEndedError,
    said,
)
from bootmenu.sources.parsers.uboot.hush_state import CannotFollowError, hexadecimal
from bootmenu.sources.parsers.uboot.unknown_text import (
    cleaned,
    first_unknown,
    is_unknown,
    readable,
    unknown,
    without_absent,
)
from bootmenu.sources.patterns import Regex
from bootmenu.sources.tree import TreeError, read_text

_WIDTHS = {"b": 8, "w": 16, "l": 32}


def command(*names: str) -> Callable[[Implementation], Implementation]:
    """Register a command under these names."""

    def register(run: Implementation) -> Implementation:
        COMMANDS.update(dict.fromkeys(names, run))
        return run

    return register


@command("echo", "sleep", "true", "saveenv", "printenv", "usb", "scsi", "sata", "nvme", "virtio", "ls")
def _succeeds(_run: HushInterpreter, _name: str, _arguments: list[str]) -> CommandStatus:
    return 0


@command("mmc")
def _mmc(run: HushInterpreter, _name: str, arguments: list[str]) -> CommandStatus:
    return int(arguments[:1] == ["dev"] and len(arguments) > 1 and run.is_elsewhere("mmc", arguments[1]))


# there is no network here
@command("false", "dhcp", "tftp", "tftpboot", "bootp", "nfs", "ping", "pxe", "wget")
def _fails(_run: HushInterpreter, _name: str, _arguments: list[str]) -> CommandStatus:
    return 1


@command("exit")
def _exit(run: HushInterpreter, _name: str, arguments: list[str]) -> CommandStatus:
    run.state.status = hexadecimal(arguments[0]) if arguments else 0
    raise ExitError


@command("reset", "poweroff", "halt")
def _reset(_run: HushInterpreter, _name: str, _arguments: list[str]) -> CommandStatus:
    raise ScriptEndedError


# ---- variables


@command("setenv")
def _setenv(run: HushInterpreter, _name: str, arguments: list[str]) -> CommandStatus:
    while arguments and without_absent(arguments[0]) in ("-f", "-force"):
        arguments = arguments[1:]
    if not arguments:
        return 1
    name = without_absent(arguments[0])
    if is_unknown(name):
        raise CannotFollowError(f"the variable {readable(name)} is set, whose name is not known")
    if not name or "=" in name:
        return 1
    # env/common.c:env_do_env_set: the arguments are joined with spaces
    run.set(name, " ".join(arguments[1:]))
    return 0


@command("askenv", "editenv")
def _askenv(run: HushInterpreter, _name: str, arguments: list[str]) -> CommandStatus:
    for name in arguments[:1]:
        run.set(name, unknown(name))
    return None


@command("env")
def _env(run: HushInterpreter, _name: str, arguments: list[str]) -> CommandStatus:
    action, *rest = arguments or [""]
    action = without_absent(action)
    if action in ("set", "ask", "edit"):
        return COMMANDS["setenv" if action == "set" else "askenv"](run, action, rest)
    rest = [word for word in map(without_absent, rest) if word]
    names = [word for word in rest if not word.startswith("-")]
    match action:
        case "delete":
            for name in names:
                run.set(name, "")
            return 0
        case "exists":
            value = run.value(rest[0]) if rest else ""
            return None if is_unknown(value) else int(not without_absent(value))
        case "run":
            return COMMANDS["run"](run, action, rest)
        case "import":
            return _import(run, [word for word in rest if word.startswith("-")], names)
        case "print" | "save" | "export" | "load" | "select" | "flags" | "info":
            return 0
    return None


def _import(run: HushInterpreter, options: list[str], arguments: list[str]) -> CommandStatus:
    if not any("t" in option for option in options):
        # from outside all files: what the script stores there
        for name in run.exported:
            if name not in run.state.env:
                run.set(name, unknown(name))
        return None
    if not arguments:
        return 1
    file = run.state.memory.get(run.address(arguments[0]))
    if file is None:
        raise CannotFollowError("variables are read from a file that is not known")
    if file.tree is None:
        return 1
    try:
        text = read_text(file.tree, file.path)
    except TreeError as error:
        raise CannotFollowError(f"{said(file.path)} cannot be read: {error.detail}") from None
    run.spend(1, len(text))
    wanted = set(arguments[2:])
    for name, value in settings(text):
        if not wanted or name in wanted:
            run.set(name, value)
    return 0


@command("ini")
def _ini(run: HushInterpreter, _name: str, arguments: list[str]) -> CommandStatus:
    # cmd/ini.c: section, and optionally address and size of a file; its settings become variables
    if not arguments:
        return 1
    file = run.state.memory.get(run.address(arguments[1] if len(arguments) > 1 else run.value("loadaddr")))
    if file is None or file.tree is None:
        return None if file is None else 1
    try:
        text = read_text(file.tree, file.path)
    except TreeError as error:
        raise CannotFollowError(f"{said(file.path)} cannot be read: {error.detail}") from None
    run.spend(1, len(text))
    for name, value in ini_section(text, arguments[0]):
        run.set(name, value)
    return 0


@command("run")
def _run_variable(run: HushInterpreter, _name: str, arguments: list[str]) -> CommandStatus:
    status: CommandStatus = 1
    for name in arguments:
        text = run.value(name)
        if is_unknown(text) and not said(text):
            raise CannotFollowError(f"runs ${{{said(name)}}}, which is not known")
        text = without_absent(text)
        if not text:
            # cmd/nvedit.c:do_run: an error, unless U-Boot has such a variable compiled in
            if name.replace("_", "") == "findfdt":  # board/ti/*: chooses fdtfile by the board
                run.set("fdtfile", unknown("fdtfile"))
                return 0
            run.not_run = run.not_run or f"run {said(name)}"
            return None
        status = run.run_script(text)
        if status != 0:
            break
    return status


# ---- decisions

_COMPARED: dict[str, Callable[[str, str], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "-eq": lambda left, right: _integer(left) == _integer(right),
    "-ne": lambda left, right: _integer(left) != _integer(right),
    "-lt": lambda left, right: _integer(left) < _integer(right),
    "-le": lambda left, right: _integer(left) <= _integer(right),
    "-gt": lambda left, right: _integer(left) > _integer(right),
    "-ge": lambda left, right: _integer(left) >= _integer(right),
}


def _integer(text: str) -> int:
    """Read a number as simple_strtol(text, NULL, 0) does: decimal, or hexadecimal after 0x."""
    text = text.strip()
    sign, text = (-1, text[1:]) if text.startswith("-") else (1, text)
    base, text = (16, text[2:]) if text.lower().startswith("0x") else (8 if text.startswith("0") else 10, text)
    value = 0
    for char in text[:20].lower():
        digit = "0123456789abcdef".find(char)
        if digit < 0 or digit >= base:
            break
        value = value * base + digit
    return sign * value


@command("test", "[")
def _test(run: HushInterpreter, name: str, arguments: list[str]) -> CommandStatus:
    if name == "[":
        if arguments[-1:] != ["]"]:
            return 1
        arguments = arguments[:-1]
    # cmd/test.c: no argument, an empty one, and "-n" alone are false; one word is true since 2025 only
    if len(arguments) < 2:
        return 1 if arguments in ([], [""], ["-n"]) else None
    if len(arguments) == 2 and arguments[0] in _COMPARED:
        return None  # the left side is a variable without a value here, which the script relies on
    result: bool | None = False
    last: bool | None = None
    negated, binary, at = False, "", 0
    while at < len(arguments):
        left = arguments[at:]
        # cmd/test.c:op_adv: what stands second is looked at first
        used = 3 if len(left) > 1 and left[1] in _COMPARED else _USED.get(left[0], 0)
        if not used or len(left) < used:
            result = True  # "expr = 1; break"
            break
        at += used
        if used > 1:
            result = _compared(run, left)
            result = result if result is None or not negated else not result
            result = _combined(binary, last, result) if binary else result
            negated, binary = False, ""
        elif left[0] == "!":
            negated = not negated
        else:
            last, binary = result, left[0]
    return None if result is None else int(not result)


_USED = {"!": 1, "-o": 1, "-a": 1, "-z": 2, "-n": 2, "-e": 4}
"""Words that an operator takes with its operands."""


def _compared(run: HushInterpreter, words: list[str]) -> bool | None:
    """Return whether a comparison is true, or None if that is not known."""
    if (compare := _COMPARED.get(words[1])) is not None:
        return None if is_unknown(words[0] + words[2]) else compare(words[0], words[2])
    if words[0] == "-e":
        status = 1 if run.is_elsewhere(words[1], words[2]) else disk_files.find(run.tree, words[2], words[3]).status
        return None if status is None else status == 0
    empty = None if is_unknown(words[1]) and not _has_known(words[1]) else not words[1]
    return empty if words[0] == "-z" or empty is None else not empty


def _has_known(text: str) -> bool:
    """Return whether a text has a known part, or is the name of a device tree, which each board's U-Boot has."""
    found = first_unknown(text)
    return bool(said(text)) or (found is not None and found[1] in ("fdtfile", "fdt_file"))


def _combined(binary: str, left: bool | None, right: bool | None) -> bool | None:
    values, decides = (left, right), binary == "-o"
    if decides in values:
        return decides
    return None if None in values else not decides


@command("itest")
def _itest(run: HushInterpreter, name: str, arguments: list[str]) -> CommandStatus:
    if len(arguments) != 3:
        return 1
    left, sign, right = arguments
    sign = {"<>": "!=", "<=": "-le", ">=": "-ge", "<": "-lt", ">": "-gt", "!=": "-ne", "==": "-eq"}.get(sign, sign)
    width = name.partition(".")[2]
    if width == "s":
        if is_unknown(left + right) or "*" in (left[:1], right[:1]):
            return None
        order = (left > right) - (left < right)
    else:
        values = [_number(run, text, name) for text in (left, right)]
        if values[0] is None or values[1] is None:
            return None
        mask = (1 << _WIDTHS.get(width, 32)) - 1
        first, second = (value & mask for value in values if value is not None)
        order = (first > second) - (first < second)
    compare = _COMPARED.get(sign) if sign.startswith("-") else None
    return int(not compare(str(order), "0")) if compare else 1


# ---- arithmetic

_ARITHMETIC: dict[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.floordiv,
    "%": operator.mod,
    "|": operator.or_,
    "&": operator.and_,
    "^": operator.xor,
}


@command("setexpr")
def _setexpr(run: HushInterpreter, name: str, arguments: list[str]) -> CommandStatus:
    if len(arguments) < 2 or is_unknown(arguments[0]):
        return 1 if len(arguments) < 2 else None
    target, first, *rest = arguments
    if first in ("sub", "gsub") and len(rest) in (2, 3):
        text = rest[2] if len(rest) == 3 else run.value(target)
        return _substitute(run, target, rest[0], rest[1], text, everywhere=first == "gsub")
    if len(rest) not in (0, 2) and first != "fmt":
        return 1
    if first == "fmt" or name.endswith(".s"):
        found = _text_at(run, first) if name.endswith(".s") and not rest else None
        run.set(target, unknown(target) if found is None else found)
        return None
    values = [first, *rest[1:]]
    numbers = [_number(run, text, name) for text in values]
    if None in numbers:
        run.set(target, run.unknown_number(target))
        return 0
    if not rest:
        result = numbers[0]
    elif (calculate := _ARITHMETIC.get(rest[0])) is None or (rest[0] in "/%" and not numbers[1]):
        return 1
    else:
        result = calculate(numbers[0] or 0, numbers[1] or 0)
    run.set(target, f"{(result or 0) & (1 << 64) - 1:x}")
    return 0


def _text_at(run: HushInterpreter, text: str) -> str | None:
    """Return the text that was loaded to `*address`, in one line; None if it is not known."""
    file = run.state.memory.get(hexadecimal(text[1:])) if text.startswith("*") and not is_unknown(text) else None
    if file is None or file.tree is None:
        return None
    try:
        found = cleaned(read_text(file.tree, file.path))
    except TreeError:
        return None
    run.spend(1, len(found))
    return " ".join(found.partition("\0")[0].split())


def _number(run: HushInterpreter, text: str, name: str) -> int | None:
    """Return a number, or what is in memory at `*address`; None if it is not known."""
    if is_unknown(text):
        return None
    if not text.startswith("*"):
        return hexadecimal(text)
    return run.peek(hexadecimal(text[1:]), _WIDTHS.get(name.partition(".")[2], 32) // 8)


def _substitute(
    run: HushInterpreter, name: str, pattern: str, new: str, text: str, *, everywhere: bool
) -> CommandStatus:
    """Replace what matches a regular expression (cmd/setexpr.c:setexpr_regex_sub)."""
    text = without_absent(text)
    if is_unknown(pattern + new + text):
        # the name of a device tree, of which a vendor's directory is cut off, is as unknown as before
        run.set(name, text if is_unknown(text) else unknown(name))
        return 0
    try:
        regex = Regex(pattern, lambda count: run.spend(0, count))
    except FormatError:
        return 1
    at, replacements = 0, 0
    while True:
        run.spend(1, regex.cost(text[at:]))
        found = regex.search(text[at:])
        if found is None or found[0] is None:
            if not replacements:
                return 1  # until 2025; newer ones set the variable to the text as it is
            break
        replaced = new
        for number, group in enumerate(found[:10]):
            if not group:
                break
            replaced = replaced.replace(f"\\{number}", group)
            if len(replaced) > 4096:
                return 1
        begin = text.find(found[0], at)
        text = f"{text[:begin]}{replaced}{text[begin + len(found[0]) :]}"
        at, replacements = begin + len(replaced), replacements + 1
        if not everywhere or not found[0]:
            break
    run.set(name, text)
    return 0
