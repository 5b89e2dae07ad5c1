# SPDX-License-Identifier: MIT
"""Check that the running kernel can release its CPUs. If not, every load fails or, worse, the jump does."""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.compat.checker import CheckResult, failed, machine_check, passed, unknown, warned
from bootmenu.model.finding import Severity
from bootmenu.model.kernel import Architecture
from bootmenu.model.machine import MachineFacts
from bootmenu.model.regex import regex

_ONE_CPU_HINT = (
    "Start the first stage with nr_cpus=1 on its kernel command line (on a Raspberry Pi: cmdline.txt); "
    "nosmp and maxcpus= do not help. Or use firmware with PSCI."
)


# arch/arm64/kernel/smp.c:__cpu_up counts a CPU as stuck after the first two; machine_kexec.c says the third
_STUCK = regex(r"is stuck in kernel|failed in unknown state|stuck in the kernel")
_LOST = regex(f"{_STUCK.pattern}|failed to come online")


@machine_check("CPU-STUCK", after="SYS-CRASH-LOADED")
def stuck(machine: MachineFacts) -> Iterator[CheckResult]:
    """Check that no CPU is stuck in the running kernel's memory, which would make every load fail with EBUSY.

    Linux on arm64 refuses to load a kernel if it could not take every CPU back. CPUs that are started by a spin
    table, as on a Raspberry Pi 3 or older, cannot be taken back; CPUs that are started by PSCI can.

    fail: more than one CPU is possible and they cannot be taken back, or the kernel says that a CPU is stuck. →
        Start the first stage with nr_cpus=1 on its kernel command line, or use firmware with PSCI. nosmp and
        maxcpus= do not help.
    unknown: the CPUs or the kernel log could not be read. → Run bootmenu as root, with /sys mounted and /dev/kmsg
        present.
    evidence: possible_cpus and offline_control, from /sys/devices/system/cpu; enable_methods, from the running
        device tree; log: lines of the kernel log about CPUs that are stuck
    """
    # arch/arm64/kernel/smp.c:cpus_are_stuck_in_kernel() is true when a CPU was lost while it was brought up,
    # or when more than one CPU is possible and the boot CPU's operations have no cpu_die (all but PSCI).
    if machine.architecture is not Architecture.ARM64:
        return
    possible = machine.possible_cpus
    methods = {cpu.name: cpu.enable_method for cpu in machine.tree.cpus} if machine.tree else {}
    lost = [line for line in machine.log or () if _LOST.search(line)]
    stoppable = any(cpu.offline_control for cpu in machine.cpus)
    fixed = any(cpu.offline_control is False for cpu in machine.cpus)
    evidence: dict[str, object] = {
        "possible_cpus": None if possible is None else list(possible),
        "enable_methods": methods,
        "offline_control": {str(cpu.number): cpu.offline_control for cpu in machine.cpus},
        "log": lost,
    }
    if any(_STUCK.search(line) for line in lost):
        yield failed(
            "CPUs are stuck in the running kernel: it started them and never got them back, "
            "so it refuses to load another kernel.",
            _ONE_CPU_HINT,
            **evidence,
        )
    elif not possible:
        yield unknown(
            "How many CPUs the running kernel could start is not known.",
            "/sys/devices/system/cpu/possible could not be read.",
            **evidence,
        )
    elif len(possible) > 1 and not stoppable and (fixed or set(methods.values()) - {"psci"}):
        names = sorted({method or "no enable-method" for method in methods.values()}) or ["an unknown method"]
        yield failed(
            f"The CPUs cannot be handed over: {len(possible)} are possible, started by {' and '.join(names)}, "
            "and Linux has no way to give those back.",
            _ONE_CPU_HINT,
            **evidence,
        )
    elif machine.log is None:
        yield unknown(
            "Whether the running kernel lost a CPU could not be read from its log.",
            "Run bootmenu as root, with /dev/kmsg present.",
            **evidence,
        )
    elif len(possible) == 1:
        yield passed("Only one CPU is in use, and it is the one that jumps.", **evidence)
    elif stoppable:
        # cpuN/online exists only if the kernel has cpu_die for that CPU
        yield passed(f"The running kernel can stop its {len(possible)} CPUs.", **evidence)
    else:
        yield unknown(
            "Whether the CPUs can be handed over is not known: /sys/devices/system/cpu/cpu*/online "
            "could not be read.",
            "Run as root, with /sys mounted.",
            **evidence,
        )


@machine_check("CPU-OFFLINE")
def offline(machine: MachineFacts) -> Iterator[CheckResult]:
    """Check that all other CPUs can go offline: otherwise loading works, but the jump hits a kernel BUG.

    Before the jump the kernel takes all CPUs offline but the one that jumps. A trusted OS may live on a CPU and
    forbid that.

    fail: another CPU cannot be taken offline. The load would work and the jump would crash. → Let that CPU make the
        jump: start the first stage with reboot=sN, N being its number. If there are several: nr_cpus=1.
    unknown: the CPUs, or which of them makes the jump, could not be read. → Mount /sys and /proc.
    evidence: offline_control: whether each CPU has the file online in /sys/devices/system/cpu; jump_cpu: the CPU
        that makes the jump
    """
    # kernel/cpu.c:smp_shutdown_nonboot_cpus, which machine_shutdown() of arm64 and riscv64 calls: "BUG_ON(num_online_
    # cpus() > 1)"; x86 stops its CPUs with an interrupt
    if machine.architecture not in (Architecture.ARM64, Architecture.RISCV64):
        return
    if machine.architecture is Architecture.ARM64 and any(
        says.severity in (Severity.FAIL, Severity.UNKNOWN) for says in stuck(machine)
    ):
        return  # no load succeeds then, or CPU-STUCK says that it is not known
    if not machine.cpus and (machine.possible_cpus is None or len(machine.possible_cpus) > 1):
        yield unknown("Which CPUs this machine has could not be read.", "Is /sys mounted?")
        return
    jump_cpu = machine.jump_cpu
    secondaries = [cpu for cpu in machine.cpus if cpu.number != jump_cpu]
    if not secondaries:
        return
    evidence: dict[str, object] = {
        "jump_cpu": jump_cpu,
        "offline_control": {str(cpu.number): cpu.offline_control for cpu in secondaries},
    }
    fixed = [cpu.number for cpu in secondaries if cpu.online is not False and cpu.offline_control is False]
    if fixed and jump_cpu is None:
        yield unknown(
            "Which CPU makes the jump is not known, and not every CPU can be taken offline.",
            "Is /proc mounted?",
            **evidence,
        )
    elif fixed:
        numbers = ", ".join(map(str, fixed))
        yield failed(
            f"CPU {numbers} cannot be taken offline, perhaps because a trusted OS lives there: "
            "the load would succeed, and the jump would stop with a kernel BUG.",
            f"Let that CPU make the jump: start the first stage with reboot=s{fixed[0]}."
            if len(fixed) == 1
            else "Start the first stage with nr_cpus=1 on its kernel command line.",
            **evidence,
        )
    elif any(cpu.offline_control is None for cpu in secondaries):
        yield unknown("Whether every CPU can be taken offline could not be read.", "Is /sys mounted?", **evidence)
    else:
        yield passed("Every other CPU can be taken offline before the jump.", **evidence)


@machine_check("EL-PKVM")
def protected_kvm(machine: MachineFacts) -> Iterator[CheckResult]:
    """Check that protected KVM is off: it keeps EL2, so that every load fails with EBUSY.

    Protected KVM keeps the exception level EL2 for itself, and the kernel then refuses every load.

    fail: protected KVM is active. → Start the first stage without kvm-arm.mode=protected on its kernel command line.
    unknown: the kernel log could not be read. → Run bootmenu as root.
    evidence: protected_kvm and exception_level, from the kernel log
    """
    # arch/arm64/kernel/smp.c:cpus_are_stuck_in_kernel() asks is_protected_kvm_enabled(), too
    if machine.architecture is not Architecture.ARM64:
        return
    evidence: dict[str, object] = {"protected_kvm": machine.protected_kvm, "exception_level": machine.exception_level}
    wanted = "kvm-arm.mode=protected" in (machine.command_line or "").split()
    if machine.protected_kvm:
        yield failed(
            "Protected KVM is active on this machine: it keeps EL2, and the kernel refuses to load another one.",
            "Start the first stage without kvm-arm.mode=protected on its kernel command line.",
            **evidence,
        )
    elif machine.protected_kvm is None and (wanted or machine.command_line is None):
        yield unknown(
            "Protected KVM was asked for (kvm-arm.mode=protected); whether it is active could not be read."
            if wanted
            else "Whether protected KVM is active could not be read.",
            "Run bootmenu as root, so that it can read the kernel log.",
            **evidence,
        )
    else:
        # arch/arm64/kvm/arm.c:early_kvm_mode_cfg: only the kernel command line enables it
        yield passed("Protected KVM is not active.", **evidence)


@machine_check("EL-MODE")
def exception_level(machine: MachineFacts) -> Iterator[CheckResult]:
    """Report the exception level of the CPUs, at which the next kernel is entered.

    The next kernel begins at the level at which firmware started this one, and can use KVM only from EL2.

    warn: the CPUs started at different levels, which is a fault of the firmware. → Update the firmware. KVM will not
        work in the next kernel.
    unknown: the beginning of the kernel log could not be read. → Run bootmenu as root, soon after the first stage
        has started.
    evidence: exception_level, from the kernel log
    """
    if machine.architecture is not Architecture.ARM64:
        return
    if machine.exception_level is None:
        yield unknown(
            "At which exception level this machine's CPUs run could not be read from the kernel log.",
            "Run bootmenu as root, soon after the first stage has started: the log forgets its beginning.",
            exception_level=None,
        )
    elif machine.exception_level == "inconsistent":
        yield warned(
            "The CPUs were started at different exception levels: firmware is at fault.",
            "Update the firmware; KVM will not work in the next kernel.",
            exception_level=machine.exception_level,
        )
    else:
        yield passed(f"All CPUs started at {machine.exception_level}.", exception_level=machine.exception_level)
