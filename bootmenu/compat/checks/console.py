# SPDX-License-Identifier: MIT
"""Check that the next kernel shows itself where somebody is looking."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bootmenu.compat.checker import CheckResult, entry_check, passed, unknown, warned
from bootmenu.compat.facts import EntryFacts
from bootmenu.model.entry import CommandLine
from bootmenu.model.kernel import Architecture
from bootmenu.model.machine import MachineFacts

_CONSOLES = (
    # name on the kernel command line → what a node's compatible contains (drivers/tty/serial)
    ("ttyAMA", ("arm,pl011", "arm,sbsa-uart")),
    ("ttyS", ("ns16550", "16550", "snps,dw-apb-uart", "bcm2835-aux-uart", "8250", "16750", "mediatek,mt6577-uart",
              "nvidia,tegra20-uart", "ti,omap", "xr16850", "intel,xscale-uart", "ti,am")),
    ("ttySC", ("renesas,scif", "renesas,hscif")),
    ("ttyMSM", ("qcom,msm-uartdm", "qcom,geni-debug-uart", "qcom,geni-uart")),
    ("ttyLP", ("fsl,vf610-lpuart", "fsl,imx7ulp-lpuart", "fsl,imx8qxp-lpuart", "fsl,ls1021a-lpuart")),
    ("ttymxc", ("fsl,imx",)),
    ("ttySAC", ("samsung,",)),
    ("ttyAML", ("amlogic,meson",)),
    ("ttyPS", ("cdns,uart", "xlnx,xuartps", "xlnx,zynqmp-uart")),
    ("ttyMV", ("marvell,armada-3700-uart",)),
)  # fmt: skip


@entry_check("CMD-CONSOLE", after="CMD-ROOT")
def console(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:
    """Check that the next kernel has the consoles of its kernel command line; without one its output is lost.

    The entry's command line was often written for another boot loader or board. console= names the line on which the
    next system shows itself. A PC without it does so on its screen, which may not be where the menu is.

    warn: no console is named, or the last one does not exist on this machine. → Use the console of the first stage's
        own kernel command line.
    unknown: whether it exists could not be found out. → Add the console of the first stage's own kernel command
        line; run bootmenu as root.
    evidence: console: what the entry names; running: what the first stage names; serial_ports and stdout_path, from
        the tree; spcr: whether ACPI names a console; serial_terminals: the serial ports in /sys/class/tty, on a PC
    """
    if not entry.command_line.strip():
        return  # CMD-EMPTY reports it
    if machine.architecture is Architecture.X86_64:
        yield from _on_a_pc(machine, entry)
        return
    if machine.architecture not in (Architecture.ARM64, Architecture.RISCV64):
        return
    wanted = _consoles(entry.command_line)
    tree = machine.tree
    if entry.wants_own_tree:
        tree = entry.own_tree.tree if entry.own_tree else None
    elif tree is not None and not tree.cpus:
        tree = None  # with ACPI it describes no devices
    inherited = _consoles(machine.command_line)
    evidence: dict[str, object] = {
        "console": wanted,
        "stdout_path": tree.stdout_path if tree else None,
        "serial_ports": [port.name for port in tree.serial_ports] if tree else None,
        "running": inherited,
    }
    # acpi_parse_spcr: without console= the kernel uses the one in SPCR; a tree with devices rules ACPI out
    uses_acpi = machine.acpi and machine.tree is not None and tree is None and not entry.wants_own_tree
    spcr = machine.firmware_console if uses_acpi else None
    if spcr is not None:
        evidence["spcr"] = spcr
    if not wanted:
        if tree is not None and tree.stdout_path:
            yield passed(f"No console=, and the tree names one: {tree.stdout_path}.", **evidence)
        elif spcr == "unknown":
            yield unknown(
                "No console= is given, and which one ACPI's table SPCR names could not be read.",
                "Run bootmenu as root, or add console=, as the first stage has it on its own kernel command line.",
                **evidence,
            )
        elif spcr:
            yield passed("No console=, and ACPI's table SPCR names one.", **evidence)
        elif tree is None and spcr is None:
            yield unknown(
                "No console= is given, and whether the device tree or ACPI names one is not known.",
                "Add console=, as the first stage has it on its own kernel command line.",
                **evidence,
            )
        else:
            yield warned(
                "No console= is given: nothing may be seen until the system has come up.",
                "Add console=, as the first stage has it on its own kernel command line.",
                **evidence,
            )
        return
    last = wanted[-1]
    if last in inherited and not entry.wants_own_tree:
        yield passed(f"console={last} is the running system's, too.", **evidence)
        return
    drivers = next((names for prefix, names in _CONSOLES if re.fullmatch(rf"{prefix}\d+", last)), None)
    if drivers is None:
        return  # a screen, a hypervisor's console, or one that this table does not know
    if spcr and re.fullmatch(rf"{spcr}\d+", last):
        yield passed(f"console={last} is of the kind that ACPI's table SPCR names.", **evidence)
    elif tree is None and not entry.wants_own_tree and last in (machine.serial_terminals or ()):
        yield passed(f"console={last} is a serial port of this machine.", **evidence)
    elif tree is None:
        yield unknown(
            f"Whether console={last} is a serial port of this board is not known.",
            "Use the console of the first stage's own kernel command line.",
            **evidence,
        )
    elif any(name in compatible for port in tree.serial_ports for compatible in port.compatible for name in drivers):
        yield passed(f"console={last} is on this board.", **evidence)
    else:
        yield warned(
            f"console={last} is no serial port of this board: you would see nothing.",
            "Use the console of the first stage's own kernel command line.",
            **evidence,
        )


def _consoles(command_line: str | None) -> list[str]:
    """Return the names of the consoles on a kernel command line, without their options."""
    return [value.partition(",")[0] for value in CommandLine(command_line or "").all("console")]


_PC_PORT = r"ttyS\d+"


def _on_a_pc(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:
    """Compare the last console with the ports that the running kernel has found: no tree lists them."""
    wanted, inherited, ports = (
        _consoles(entry.command_line),
        _consoles(machine.command_line),
        machine.serial_terminals,
    )
    evidence: dict[str, object] = {
        "console": wanted,
        "running": inherited,
        "serial_terminals": None if ports is None else list(ports),
    }
    last = wanted[-1] if wanted else ""
    if last in inherited and re.fullmatch(_PC_PORT, last):
        yield passed(f"console={last} is the running system's, too.", **evidence)
    elif re.fullmatch(_PC_PORT, last):
        # drivers/tty/serial/8250: a port for which no hardware was found stays of the type "unknown"
        if ports is None:
            yield unknown(
                f"Whether this machine has the serial port of console={last} is not known.",
                "Is /sys mounted? /sys/class/tty shows the ports.",
                **evidence,
            )
        elif last in ports:
            yield passed(f"console={last} is a serial port of this machine.", **evidence)
        else:
            yield warned(
                f"console={last} is no serial port of this machine: you would see nothing.",
                "Use the console of the first stage's own kernel command line.",
                **evidence,
            )
    elif machine.command_line is None:
        yield unknown(
            "Whether the menu is on a serial port, and the next system beside it, is not known.",
            "Is /proc mounted? /proc/cmdline names the first stage's console.",
            **evidence,
        )
    elif inherited and re.fullmatch(_PC_PORT, inherited[-1]) and inherited[-1] not in wanted:
        given = f"console={last} is given" if last else "No console= is given"
        yield warned(
            f"{given}: the next system does not show itself on {inherited[-1]}, where the menu is.",
            f"Add console={inherited[-1]}, as the first stage has it on its own kernel command line.",
            **evidence,
        )
