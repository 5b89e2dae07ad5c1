# SPDX-License-Identifier: MIT
"""`bootmenu dtb`: print a device tree as source, or the differences between two.

`diff` exits like diff(1): 0 without differences, 1 with some, 2 if something could not be read.
"""

from __future__ import annotations

import argparse
import os
import stat
from collections.abc import Iterable
from typing import TYPE_CHECKING

from bootmenu.commands.printing import print_json
from bootmenu.errors import FormatError, UsageError
from bootmenu.model.codec import to_json

if TYPE_CHECKING:
    from bootmenu.formats.dtb import DeviceTree
    from bootmenu.formats.dtb_text import Difference
    from bootmenu.formats.editable_dtb import EditableDtb

HELP = "print a device tree as source, or the differences between two"
FOLLOWS = "themes"
EXAMPLES = (
    ("bootmenu dtb show board.dtb", "print a device tree as source"),
    ("bootmenu dtb diff board.dtb other.dtb", "print what differs between two"),
)

_RUNNING = "/sys/firmware/fdt"
_HINT = "Name a device tree as dtc or the kernel's build compiles it (.dtb, .dtbo)."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the actions and their options."""
    actions = parser.add_subparsers(dest="dtb_action", metavar="ACTION", required=True)
    show = actions.add_parser("show", help="print a device tree as source, which dtc can compile")
    show.add_argument("file", metavar="FILE", nargs="?", help="compiled device tree (default: this machine's own)")
    show.add_argument("--json", action="store_true", help="one JSON object: reservations and the root node")
    show.set_defaults(dtb=_show)
    diff = actions.add_parser(
        "diff", help="print the differences between two device trees; exit code 0 none, 1 some, 2 one cannot be read"
    )
    diff.add_argument("file", metavar="FILE", help="compiled device tree")
    diff.add_argument(
        "other",
        metavar="FILE",
        nargs="?",
        help="what it became (without it: from this machine's own tree to the first)",
    )
    diff.add_argument("--json", action="store_true", help="one JSON object: differences")
    diff.set_defaults(dtb=_diff)


def run(arguments: argparse.Namespace) -> int:
    """Run the action that was asked for. Return its exit code, or raise BootmenuError."""
    code: int = arguments.dtb(arguments)
    return code


def _show(arguments: argparse.Namespace) -> int:
    tree = _tree(arguments.file)
    if arguments.json:
        print_json(tree.to_json())
        return 0
    for line in tree.source(None):
        print(line)
    return 0


def _diff(arguments: argparse.Namespace) -> int:
    before, after = (arguments.file, arguments.other) if arguments.other else (None, arguments.file)
    found = list(_tree(before).differences(_tree(after), None))
    if arguments.json:
        print_json({"differences": list(_to_json(found))})
    else:
        for difference in found:
            print(difference)
    return 1 if found else 0


def _to_json(found: Iterable[Difference]) -> Iterable[dict[str, object]]:
    for difference in found:
        yield {**to_json(difference), "change": difference.change.name.lower()}


def _tree(path: str | None) -> EditableDtb:
    """Return the tree in a file, or the running one if path is None. Raise UsageError."""
    from bootmenu.formats.editable_dtb import EditableDtb

    try:
        return EditableDtb.from_tree(_running() if path is None else _file(path))
    except FormatError as error:
        raise UsageError(f"{path or _RUNNING}: {error.message}", error.hint or _HINT) from None


def _running() -> DeviceTree:
    from bootmenu.discovery.machine_facts import read_tree
    from bootmenu.system.host import Host

    tree, path, reason = read_tree(Host())
    if tree is None:
        hint = "Name a FILE, or run as root on a machine that was started with a device tree."
        raise UsageError(f"{path or _RUNNING}: {reason or 'this machine has no device tree'}", hint)
    return tree


def _file(path: str) -> DeviceTree:
    from bootmenu.formats.dtb import MAGIC, MAX_SIZE, DeviceTree

    try:
        # opening a pipe would block, and opening some devices has side effects
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise UsageError(f"{path}: not a regular file", "Name a compiled device tree.")
            data = bytearray()
            while len(data) <= MAX_SIZE and (piece := file.read(MAX_SIZE)):
                data += piece
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}", "Name a file that can be read.") from None
    if (first := int.from_bytes(data[:4], "big")) != MAGIC:
        raise UsageError(f"{path}: not a device tree: it begins with {first:#010x}, not {MAGIC:#010x}", _HINT)
    if len(data) > MAX_SIZE:
        raise UsageError(f"{path}: more than the {MAX_SIZE:,} bytes that a kernel reads", "Is this the right file?")
    return DeviceTree.from_bytes(bytes(data))
