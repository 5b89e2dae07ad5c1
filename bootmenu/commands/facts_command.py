# SPDX-License-Identifier: MIT
"""`bootmenu facts`: print the facts about this machine."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from bootmenu.commands import shared_options
from bootmenu.commands.printing import print_json
from bootmenu.model.text import printable

if TYPE_CHECKING:
    from bootmenu.model.machine import MachineFacts

HELP = "print the facts about this machine; --machine reads them back"
FOLLOWS = "boot"
EXAMPLES = (
    ("bootmenu facts", "print the most important facts about this machine"),
    ("bootmenu facts --json > board.json", "record them, for --machine of other commands"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Print the facts."""
    _, machine = shared_options.host_and_machine(None)
    if arguments.json:
        print_json(machine.to_json())
    else:
        for line in facts_lines(machine):
            print(line)
    return 0


def facts_lines(machine: MachineFacts) -> Iterator[str]:
    """Yield the most important facts as lines; `--json` has all of them."""
    kexec = machine.kexec
    possible = machine.possible_cpus
    tree = machine.tree
    methods = sorted({cpu.enable_method or "none" for cpu in tree.cpus}) if tree else []
    psci = f" ({tree.psci_method})" if tree and tree.psci_method else ""
    rows = (
        ("machine", machine.title),
        (
            "architecture",
            f"{machine.machine}, {machine.byte_order}-endian, {machine.page_size or 'unknown'} byte pages",
        ),
        ("kernel", machine.kernel_release),
        ("CPUs", "not known" if possible is None else str(len(possible))),
        ("enable-method", ", ".join(methods) + psci if methods else "not known"),
        ("device tree", machine.tree_source or machine.tree_problem or "none"),
        ("CAP_SYS_BOOT", _yes_or_no(machine.cap_sys_boot)),
        ("kexec_load", _yes_or_no(kexec.kexec_load)),
        ("kexec_file_load", _yes_or_no(kexec.kexec_file_load)),
        ("switched off", _yes_or_no(kexec.load_disabled)),
        ("loaded", _yes_or_no(kexec.loaded)),
        ("kexec-tools", kexec.tools_version or "not installed"),
    )
    for name, value in rows:
        yield f"{name:<16}{printable(value)}"


def _yes_or_no(value: bool | None) -> str:
    return "not known" if value is None else "yes" if value else "no"
