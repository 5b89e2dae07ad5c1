# SPDX-License-Identifier: MIT
"""Machines to check entries on. `python -m tests.builders.machines` writes tests/machines/ anew.

Until real boards are recorded there, all but the demonstration's machine are derived from it.
"""

from __future__ import annotations

import json
from pathlib import Path

from bootmenu.demo import recorded_machine
from bootmenu.model.devicetree import InterruptController, MemoryRange, SerialPort, TreeFacts
from bootmenu.model.kernel import Architecture
from bootmenu.model.machine import CpuFacts, KexecFacts, MachineFacts
from bootmenu.model.value import replace

FOLDER = Path(__file__).parent.parent / "machines"

CORTEX_A53 = 0x410FD034
CORTEX_A57 = 0x411FD070
CORTEX_A72 = 0x410FD083
CORTEX_A76 = 0x414FD0B1
NEOVERSE_N1 = 0x413FD0C1
A64FX = 0x461F0010
CORTEX_A35 = 0x411FD040
UNLISTED_PART = 0x611F0220


def virt() -> MachineFacts:
    """QEMU virt: four Cortex-A57, PSCI by hvc, 1 GiB."""
    return recorded_machine()


def tree_of(machine: MachineFacts) -> TreeFacts:
    """The running tree of a machine that has one."""
    assert machine.tree is not None
    return machine.tree


def spin_table() -> MachineFacts:
    """QEMU raspi3b: four Cortex-A53 that firmware holds in a spin table; none can be given back."""
    base = virt()
    tree = tree_of(base)
    cpus = tuple(
        replace(node, enable_method="spin-table", release_address=0xD8 + 8 * i) for i, node in enumerate(tree.cpus)
    )
    return replace(
        base,
        cpus=tuple(replace(cpu, offline_control=False, midr=CORTEX_A53) for cpu in base.cpus),
        tree=replace(
            tree,
            compatible=("raspberrypi,3-model-b", "brcm,bcm2837"),
            model="Raspberry Pi 3 Model B",
            cpus=cpus,
            psci_compatible=None,
            psci_method=None,
            memory=(MemoryRange(base=0, size=0x3C000000),),
            memory_reservations=(MemoryRange(base=0, size=0x1000),),
            interrupt_controller=InterruptController(
                name="local_intc@40000000", compatible=("brcm,bcm2836-l1-intc",), base=0x40000000
            ),
            serial_ports=(SerialPort(name="serial@7e215040", compatible=("brcm,bcm2835-aux-uart",)),),
        ),
        ram=(MemoryRange(base=0, size=0x3C000000),),
        ram_taken=(MemoryRange(base=0, size=0x1000), MemoryRange(base=0x200000, size=0x1C40000)),
        exception_level="EL2",
        memory_total=0x3C000000,
        log=("Machine model: Raspberry Pi 3 Model B",),
    )


def nr_cpus_1() -> MachineFacts:
    """The same board with nr_cpus=1 on the first stage's command line: one CPU is possible, and it can jump."""
    base = spin_table()
    return replace(base, cpus=base.cpus[:1], possible_cpus=(0,), command_line="console=ttyAMA0 nr_cpus=1")


def gic_v3() -> MachineFacts:
    """QEMU virt,gic-version=3 with ITS, not booted by EFI: LPI tables lie in memory that nobody reserved."""
    base = virt()
    controller = InterruptController(name="intc@8000000", compatible=("arm,gic-v3",), base=0x8000000)
    tables = tuple(MemoryRange(base=at, size=0x10000) for at in (0x42FB0000, 0x42FC0000))
    return replace(base, tree=replace(tree_of(base), interrupt_controller=controller), lpi_tables=tables)


def unprivileged_x86() -> MachineFacts:
    """A developer's own PC without root: the answers are about files, none is about loading."""
    return MachineFacts(
        architecture=Architecture.X86_64,
        machine="x86_64",
        kernel_release="6.12.0-generic",
        page_size=4096,
        cap_sys_boot=False,
        kexec=KexecFacts(load_disabled=False, loaded=False, kexec_load=True, kexec_file_load=True),
        cpus=tuple(CpuFacts(number=i, online=True, offline_control=bool(i)) for i in range(2)),
        possible_cpus=(0, 1),
        acpi=True,
        memory_total=8 << 30,
        command_line="quiet",
    )


def acpi() -> MachineFacts:
    """An arm64 server described by ACPI: its tree has /chosen and no CPU, board or memory."""
    base = virt()
    return replace(
        base,
        cpus=tuple(replace(cpu, hardware_id=None, midr=NEOVERSE_N1) for cpu in base.cpus),
        tree=TreeFacts(stdout_path=None),
        acpi=True,
        efi=True,
        command_line="console=ttyAMA0 acpi=force",
    )


MACHINES = {
    "virt-psci-hvc": virt,
    "spin-table-4": spin_table,
    "nr-cpus-1": nr_cpus_1,
    "gic-v3": gic_v3,
    "unprivileged-x86": unprivileged_x86,
    "acpi": acpi,
}


def recorded(name: str) -> MachineFacts:
    """A machine of tests/machines/, read as `--machine` reads it."""
    return MachineFacts.from_json(json.loads((FOLDER / f"{name}.json").read_text("utf-8")))


def write() -> None:
    """Write every machine anew."""
    for name, make in MACHINES.items():
        text = json.dumps(make().to_json(), ensure_ascii=False, indent=2)
        (FOLDER / f"{name}.json").write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    write()
