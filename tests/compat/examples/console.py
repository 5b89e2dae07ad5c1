# SPDX-License-Identifier: MIT
"""Consoles."""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.compat.facts import EntryFacts
from bootmenu.model.devicetree import SerialPort
from bootmenu.model.kernel import Architecture
from bootmenu.model.value import replace
from tests.builders import machines
from tests.builders.entries import entry, kernel
from tests.compat.examples.base import PASS, UNKNOWN, WARN, Example, own, running, virt


def line(text: str, **changes: object) -> EntryFacts:
    return entry(command_line=text, **changes)


def consoles() -> Iterator[Example]:
    code = "CMD-CONSOLE"
    yield Example(code=code, name="the first stage's", severity=PASS, entry=line("console=ttyAMA0"))
    yield Example(code=code, name="on the board", severity=PASS, entry=line("console=ttyAMA1,115200"))
    yield Example(code=code, name="not there", severity=WARN, entry=line("console=ttyS0"), says="ttyS0")
    yield Example(code=code, name="the last one counts", severity=WARN, entry=line("console=ttyAMA0 console=ttyS0"))
    ns = own(serial_ports=(SerialPort(name="serial@0", compatible=("ns16550a",)),))
    ours = replace(ns, command_line="console=ttyAMA0")
    yield Example(code=code, name="not in its own tree", severity=WARN, entry=ours)
    theirs = replace(ns, command_line="console=ttyS0,115200n8")
    yield Example(code=code, name="in its own tree", severity=PASS, entry=theirs)
    silent = running(stdout_path=None)
    yield Example(code=code, name="none", severity=WARN, entry=line("quiet"), machine=silent, says="Add console=")
    stdout = running(stdout_path="/pl011@9000000")
    yield Example(code=code, name="stdout-path", severity=PASS, entry=line("quiet"), machine=stdout, says="/pl011")
    blind = virt(tree=None, command_line="")
    yield Example(code=code, name="no tree", severity=UNKNOWN, entry=line("console=ttyS0"), machine=blind)
    yield Example(code=code, name="nothing at all", severity=UNKNOWN, entry=line("quiet"), machine=blind)
    acpi = machines.acpi()
    yield Example(code=code, name="acpi", severity=PASS, entry=line("console=ttyAMA0"), machine=acpi)
    for spcr, severity in (("ttyAMA", PASS), ("unknown", UNKNOWN), ("", WARN), (None, UNKNOWN)):
        firmware = replace(acpi, firmware_console=spcr, command_line="")
        yield Example(code=code, name=f"spcr {spcr}", severity=severity, entry=line("quiet"), machine=firmware)
    served = replace(acpi, firmware_console="ttyS", command_line="")
    yield Example(code=code, name="spcr's kind", severity=PASS, entry=line("console=ttyS0,115200"), machine=served)
    yield Example(code=code, name="not spcr's", severity=UNKNOWN, entry=line("console=ttyAMA0"), machine=served)
    unread = replace(served, tree=None)  # it could rule ACPI out
    yield Example(code=code, name="spcr, tree unread", severity=UNKNOWN, entry=line("quiet"), machine=unread)
    yield Example(code=code, name="acpi, another", severity=UNKNOWN, entry=line("console=ttyS0"), machine=acpi)
    yield Example(code=code, name="screen", severity=None, entry=line("console=tty0"))
    known = replace(acpi, serial_terminals=("ttyS0",))
    yield Example(code=code, name="acpi, one of its ports", severity=PASS, entry=line("console=ttyS0"), machine=known)


def consoles_of_a_pc() -> Iterator[Example]:
    code = "CMD-CONSOLE"
    pc = replace(machines.unprivileged_x86(), command_line="console=tty0", serial_terminals=("ttyS0",))
    serial = replace(pc, command_line="console=tty0 console=ttyS0,115200")
    for name, severity, text, machine, says in (
        ("the first stage's", PASS, "console=ttyS0", serial, "the running system's"),
        ("one of its ports", PASS, "console=ttyS0,115200n8", pc, "serial port of this machine"),
        ("not there", WARN, "console=tty0 console=ttyS1", pc, "see nothing"),
        ("ports unread", UNKNOWN, "console=ttyS1", replace(pc, serial_terminals=None), "/sys/class/tty"),
        ("on its screen", None, "quiet", pc, ""),
        ("a screen by name", None, "console=tty1", pc, ""),
        ("not where the menu is", WARN, "quiet", serial, "Add console=ttyS0"),
        ("on its screen, and the menu is not", WARN, "console=tty1", serial, "console=tty1 is given"),
        ("the menu's unread", UNKNOWN, "quiet", replace(pc, command_line=None), "/proc/cmdline"),
        ("there, but not as the last", None, "console=ttyS0 console=tty1", serial, ""),
    ):
        made = line(text, kernel=kernel(format="bzimage", architecture=Architecture.X86_64))
        yield Example(code=code, name=f"PC, {name}", severity=severity, entry=made, machine=machine, says=says)
