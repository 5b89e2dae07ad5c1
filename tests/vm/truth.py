# SPDX-License-Identifier: MIT
"""The rows of the truth table."""

from __future__ import annotations

from tests.vm import devicetrees
from tests.vm.harness import Hardware
from tests.vm.kernels import Kernel
from tests.vm.scenarios import Load, Scenario, Second

_EFI = ("-bios", "/usr/share/qemu-efi-aarch64/QEMU_EFI.fd")
_TOOLS = "--method kexec_tools"
_FOUR = Hardware(cpus=4)
_PI = Hardware(machine="raspi3b", cpu="cortex-a53", cpus=4)
_PI_TREE = "bcm2837-rpi-3-b.dtb"
_PI_CONSOLE = "earlycon=pl011,0x3f201000"

SCENARIOS = (
    Scenario(name="PSCI, the same kernel", quick=True),
    Scenario(name="PSCI, the same kernel, by kexec-tools", options=_TOOLS),
    Scenario(
        name="CPUs claim a spin table that nobody waits in",
        machine_tree=devicetrees.with_spin_table,
        predicted="fail",
        codes=frozenset({"CPU-STUCK"}),
        load=Load.REFUSED,
        second=Second.NOT_STARTED,
        quick=True,
    ),
    Scenario(name="the entry brings this machine's own tree", entry_tree=devicetrees.same),
    Scenario(name="CPUs without an enable-method: one CPU", machine_tree=devicetrees.without_enable_method),
    Scenario(
        name="Raspberry Pi 3, spin table, 4 CPUs",
        hardware=_PI,
        board_tree=_PI_TREE,
        first=Kernel.BOOKWORM_FULL,
        first_cmdline=_PI_CONSOLE,
        kernel=Kernel.BOOKWORM_FULL,
        predicted="fail",
        codes=frozenset({"CPU-STUCK"}),
        load=Load.REFUSED,
        second=Second.NOT_STARTED,
    ),
    Scenario(
        name="Raspberry Pi 3, nr_cpus=1",
        hardware=_PI,
        board_tree=_PI_TREE,
        first=Kernel.BOOKWORM_FULL,
        first_cmdline=f"{_PI_CONSOLE} nr_cpus=1",
        kernel=Kernel.BOOKWORM_FULL,
        second_cmdline=f"console=ttyAMA0 {_PI_CONSOLE} panic=1 nr_cpus=1",
        predicted="warn",
        codes=frozenset({"CMD-NRCPUS"}),
    ),
    Scenario(
        name="Raspberry Pi 3, nosmp",
        hardware=_PI,
        board_tree=_PI_TREE,
        first=Kernel.BOOKWORM_FULL,
        first_cmdline=f"{_PI_CONSOLE} nosmp",
        kernel=Kernel.BOOKWORM_FULL,
        predicted="fail",
        codes=frozenset({"CPU-STUCK"}),
        load=Load.REFUSED,
        second=Second.NOT_STARTED,
    ),
    Scenario(name="GICv3 with ITS", hardware=Hardware(machine="virt,gic-version=3"), quick=True),
    Scenario(
        name="GICv3 with ITS, by kexec-tools",
        hardware=Hardware(machine="virt,gic-version=3"),
        options=_TOOLS,
        predicted="fail",
        codes=frozenset({"GIC-LPI"}),
        second=Second.SILENT,
    ),
    Scenario(name="GICv3, its=off", hardware=Hardware(machine="virt,gic-version=3,its=off")),
    Scenario(
        name="GICv3, irqchip.gicv3_nolpi=1",
        hardware=Hardware(machine="virt,gic-version=3"),
        first_cmdline="irqchip.gicv3_nolpi=1",
    ),
    Scenario(
        name="the entry's tree claims a spin table",
        entry_tree=devicetrees.with_spin_table,
        predicted="warn",
        codes=frozenset({"DT-CPU-ENABLE-METHOD"}),
        second=Second.FEWER_CPUS,
    ),
    Scenario(name="the entry's tree has no /psci: carried over", entry_tree=devicetrees.without_psci),
    Scenario(
        name="the entry's tree has no /psci: handed on as it is",
        entry_tree=devicetrees.without_psci,
        options="--no-carry-over",
        predicted="warn",
        codes=frozenset({"DT-PSCI-NODE"}),
        second=Second.FEWER_CPUS,
    ),
    Scenario(
        name="the entry's tree has the conduit smc, the machine hvc",
        entry_tree=devicetrees.with_conduit("smc"),
        predicted="fail",
        codes=frozenset({"DT-PSCI-METHOD"}),
        second=Second.SILENT,
    ),
    Scenario(
        name="the entry's tree is of another board",
        entry_tree_file=_PI_TREE,
        options=_TOOLS,  # the native method finds no memory in it to lay a kernel out in, and refuses by itself
        predicted="fail",
        codes=frozenset({"DT-COMPAT"}),
        second=Second.SILENT,
    ),
    Scenario(
        name="the entry's tree has no /memory: carried over",
        entry_tree=devicetrees.without_memory,
    ),
    Scenario(
        name="the entry's tree has no /memory: handed on as it is",
        entry_tree=devicetrees.without_memory,
        options="--no-carry-over",
        predicted="fail",
        codes=frozenset({"DT-MEMORY"}),
        second=Second.SILENT,
    ),
    Scenario(
        name="the entry's tree is as it comes from a package, with an overlay",
        entry_tree=devicetrees.as_from_a_package,
        overlay=devicetrees.MARK,
        fact=("bootmenu-test/marker", "from the overlay"),
    ),
    Scenario(
        name="an overlay by label for the entry's tree, by kexec-tools",
        entry_tree=devicetrees.with_label,
        overlay=devicetrees.MARK_BY_LABEL,
        fact=("bootmenu-target/bootmenu-mark", "by its label"),
        options=_TOOLS,
    ),
    Scenario(
        name="an overlay for another board's tree",
        entry_tree=devicetrees.same,
        overlay=devicetrees.MARK_BY_LABEL,
        predicted="fail",
        codes=frozenset({"DTB-OVERLAYS"}),
        load=Load.REFUSED,
        second=Second.NOT_STARTED,
    ),
    Scenario(
        name="the entry's tree has 2 of 4 CPUs",
        hardware=_FOUR,
        entry_tree=devicetrees.with_half_of_the_cpus,
        predicted="warn",
        codes=frozenset({"DT-CPU-SET"}),
        second=Second.FEWER_CPUS,
    ),
    Scenario(name="EFI firmware, described by ACPI", hardware=Hardware(extra=_EFI)),
    Scenario(
        name="EFI firmware, described by ACPI, GICv3 with ITS",
        hardware=Hardware(machine="virt,gic-version=3", extra=_EFI),
    ),
    Scenario(name="EL2", hardware=Hardware(machine="virt,virtualization=on")),
    Scenario(
        name="EL2, the entry's tree has the conduit hvc, the machine smc",
        hardware=Hardware(machine="virt,virtualization=on"),
        entry_tree=devicetrees.with_conduit("hvc"),
        predicted="warn",
        codes=frozenset({"DT-PSCI-METHOD"}),
        second=Second.FEWER_CPUS,
    ),
    Scenario(
        name="EL2 with VHE (Cortex-A76)",
        hardware=Hardware(machine="virt,virtualization=on", cpu="cortex-a76"),
    ),
    Scenario(
        name="EL2 with VHE, the entry's tree has the conduit hvc, the machine smc",
        hardware=Hardware(machine="virt,virtualization=on", cpu="cortex-a76"),
        entry_tree=devicetrees.with_conduit("hvc"),
        predicted="fail",
        codes=frozenset({"DT-PSCI-METHOD"}),
        second=Second.SILENT,
    ),
    Scenario(
        name="protected KVM",
        hardware=Hardware(machine="virt,virtualization=on"),
        first_cmdline="kvm-arm.mode=protected",
        predicted="fail",
        codes=frozenset({"EL-PKVM"}),
        load=Load.REFUSED,
        second=Second.NOT_STARTED,
    ),
    Scenario(
        name="kexec_load_disabled=1",
        before="echo 1 >/proc/sys/kernel/kexec_load_disabled",
        predicted="fail",
        codes=frozenset({"SYS-DISABLED"}),
        load=Load.REFUSED,
        second=Second.NOT_STARTED,
    ),
    Scenario(
        name="kexec_load_limit_reboot=0",
        first=Kernel.TRIXIE,
        before="echo 0 >/proc/sys/kernel/kexec_load_limit_reboot",
        predicted="fail",
        codes=frozenset({"SYS-LIMIT"}),
        load=Load.REFUSED,
        second=Second.NOT_STARTED,
    ),
    Scenario(
        name="an initramfs over half of the memory",
        hardware=Hardware(memory=512),
        before="busybox truncate -s 260M /vmtest/second.cpio",
        options=_TOOLS,  # the native method refuses by itself, and the kernel is to be the judge
        predicted="fail",
        codes=frozenset({"MEM-HALF"}),
        load=Load.REFUSED,
        second=Second.NOT_STARTED,
    ),
    Scenario(
        name="the kernel is cut off at 60 %",
        cut=0.6,
        predicted="fail",
        codes=frozenset({"IMG-TRUNC"}),
        second=Second.SILENT,
    ),
    Scenario(name="Debian 13 from Debian 12", kernel=Kernel.TRIXIE, quick=True),
    Scenario(
        name="16K pages on a Cortex-A57",
        kernel=Kernel.TRIXIE_16K,
        predicted="fail",
        codes=frozenset({"IMG-PAGE"}),
        second=Second.SILENT,
    ),
    Scenario(name="16K pages on a Cortex-A35", hardware=Hardware(cpu="cortex-a35"), kernel=Kernel.TRIXIE_16K),
    Scenario(name="16K pages on a Cortex-A76", hardware=Hardware(cpu="cortex-a76"), kernel=Kernel.TRIXIE_16K),
)
