# SPDX-License-Identifier: MIT
"""What the running system, the first stage, is: everything that checks ask of it, as plain values.

None always means "could not be found out". The JSON form is what `bootmenu facts` prints and `--machine` reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bootmenu.errors import FormatError
from bootmenu.model import codec
from bootmenu.model.devicetree import MemoryRange, TreeFacts, merged, subtracted
from bootmenu.model.entry import CommandLine
from bootmenu.model.kernel import Architecture, ByteOrder
from bootmenu.model.value import Value, field, replace

SCHEMA = 1


class CpuFacts(Value, kw_only=True):
    """One logical CPU of the running system."""

    number: int
    """As the kernel counts them: cpu0 is 0."""
    hardware_id: int | None = None
    """MPIDR affinity bits of its device-tree node; None = no such node (ACPI) or not readable."""
    online: bool | None = None
    """It runs, by /sys/devices/system/cpu/online."""
    offline_control: bool | None = None
    """Whether /sys/devices/system/cpu/cpuN/online exists: the kernel can take this CPU offline."""
    midr: int | None = None
    """MIDR_EL1 (arm64): implementer in bits 31-24, part number in bits 15-4."""


class KexecFacts(Value, kw_only=True):
    """What the running kernel says about kexec."""

    load_disabled: bool | None = None
    """/proc/sys/kernel/kexec_load_disabled"""
    load_limit: int | None = None
    """/proc/sys/kernel/kexec_load_limit_reboot: loads still permitted, -1 = no limit; None also before 6.3."""
    loaded: bool | None = None
    """/sys/kernel/kexec_loaded"""
    crash_loaded: bool | None = None
    """/sys/kernel/kexec_crash_loaded"""
    kexec_load: bool | None = None
    """The kernel has the call kexec_load (CONFIG_KEXEC)."""
    kexec_file_load: bool | None = None
    """The kernel has the call kexec_file_load (CONFIG_KEXEC_FILE)."""
    config_source: str | None = None
    """Where the two answers above come from."""
    signature: bool | None = None
    """CONFIG_KEXEC_SIG: kexec_file_load looks at signatures."""
    signature_forced: bool | None = None
    """CONFIG_KEXEC_SIG_FORCE, or IMA's policy under Secure Boot: and takes nothing without a valid one."""
    signature_read: bool | None = None
    """The loader of this architecture can look at a signature (CONFIG_KEXEC_BZIMAGE_VERIFY_SIG,
    CONFIG_KEXEC_IMAGE_VERIFY_SIG)."""
    file_image: bool | None = None
    """riscv64: kexec_file_load takes an Image, and not only a vmlinux; None = not known, or another architecture."""
    tools_version: str | None = None
    """Version of kexec-tools; None = not installed."""


class MachineFacts(Value, kw_only=True):
    """The first-stage system."""

    schema: int = SCHEMA
    """Version of this object; one that is newer than the reader is refused."""
    architecture: Architecture | None = None
    """By `uname -m`; None = an architecture this project does not know."""
    machine: str = ""
    """`uname -m`, as it was."""
    kernel_release: str = ""
    """`uname -r`"""
    byte_order: ByteOrder = ByteOrder.LITTLE
    """Of the running kernel."""
    page_size: int | None = None
    """Bytes of a page of the running kernel."""
    cap_sys_boot: bool | None = None
    """CAP_SYS_BOOT is in the effective set of the asking process."""
    kexec: KexecFacts = field(default_factory=KexecFacts)
    """What may be loaded, and with what."""
    cpus: tuple[CpuFacts, ...] = ()
    """The logical CPUs that are present, by number."""
    possible_cpus: tuple[int, ...] | None = None
    """/sys/devices/system/cpu/possible"""
    tree: TreeFacts | None = None
    """The tree the running kernel was booted with; None = there is none or it is not readable."""
    tree_source: str | None = None
    """Where it was read: /sys/firmware/fdt, else /proc/device-tree."""
    tree_problem: str | None = None
    """Why it could not be read, when there is one."""
    acpi: bool | None = None
    """The machine was described by ACPI tables."""
    firmware_console: str | None = None
    """What ACPI's table SPCR makes the console of a kernel without console=: `ttyAMA`, `ttyS`; `unknown` = there is
    the table, and only root may read it; empty = there is none, or it names nothing; None = no ACPI, or not recorded.
    """
    ram: tuple[MemoryRange, ...] | None = None
    """System RAM and firmware-reserved RAM of /proc/iomem; None = not readable or all zero (not privileged)."""
    ram_taken: tuple[MemoryRange, ...] | None = None
    """What of `ram` nothing may be loaded over: `reserved` and `Crash kernel` in /proc/iomem, at any level."""
    memory_total: int | None = None
    """MemTotal, bytes."""
    memory_available: int | None = None
    """MemAvailable, bytes."""
    efi: bool | None = None
    """The running kernel was started by EFI firmware."""
    efi_bits: int | None = None
    """/sys/firmware/efi/fw_platform_size: 64 or 32; None = not started by EFI, or not readable."""
    five_level_paging: bool | None = None
    """x86: la57 is among the CPU's flags and in use."""
    has_tpm: bool | None = None
    """/sys/class/tpm/tpm0 is there."""
    lockdown: str | None = None
    """/sys/kernel/security/lockdown: `none` (also where it is not built in), `integrity` or `confidentiality`; where
    only the kernel's log could be read, `integrity` is the least that it means."""
    lockdown_origin: str | None = None
    """What locked it down, in the words of the kernel's log: `EFI Secure Boot`, `command line`, ...; None = nothing
    did, or the log does not say."""
    secure_boot: bool | None = None
    """EFI's Secure Boot is on."""
    exception_level: str | None = None
    """`EL1` or `EL2`, at which all CPUs started; `inconsistent`; None = the kernel log does not say."""
    host_extensions: bool | None = None
    """The running kernel itself runs at EL2 (VHE); None = the kernel log does not say."""
    protected_kvm: bool | None = None
    """pKVM is active; None = the kernel log is not readable."""
    lpi_tables: tuple[MemoryRange, ...] | None = None
    """GICv3 LPI property and pending tables in use, 64 KiB each; None = the kernel log is not readable."""
    drivers: tuple[str, ...] | None = None
    """Drivers in use that are known to leave their devices in a state that their next start does not expect."""
    command_line: str | None = None
    """/proc/cmdline"""
    log: tuple[str, ...] | None = None
    """The lines of the kernel log that checks look at, without time stamps; None = not readable."""
    not_recorded: tuple[str, ...] = ()
    """Facts, `efi` or `kexec.loaded`, that the recording does not have, since it was made before they existed. They
    have their defaults here, and no place in JSON."""

    @property
    def title(self) -> str:
        """The machine's name for people."""
        name = self.tree.model if self.tree and self.tree.model else ""
        return name or self.machine or "unknown machine"

    @property
    def jump_cpu(self) -> int | None:
        """Number of the logical CPU that makes the jump, the second kernel's boot CPU: 0 unless the command line
        says `reboot=sN` (kernel/reboot.c:reboot_setup); None = the command line is not known."""
        if self.command_line is None:
            return None
        cpu = 0
        for value in CommandLine(self.command_line).all("reboot"):
            for word in value.split(","):
                match = re.match(r"s(?:mp)?([0-9]{1,6})", word)
                if match and (self.possible_cpus is None or int(match[1]) in self.possible_cpus):
                    cpu = int(match[1])
        return cpu

    def to_json(self) -> dict[str, object]:
        """What `bootmenu facts --json` prints."""
        encoded: dict[str, object] = codec.to_json(self)
        del encoded["not_recorded"]
        for path in self.not_recorded:
            _remove(encoded, path.split("."))
        return encoded

    @classmethod
    def from_json(cls, value: object) -> MachineFacts:
        """Raises FormatError when the schema is newer or a field has the wrong type."""
        schema = value.get("schema") if isinstance(value, dict) else None
        if not isinstance(value, dict) or not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
            raise FormatError(
                "these are no machine facts: no schema number", hint="Record some: bootmenu facts --json"
            )
        if schema > SCHEMA:
            raise FormatError(
                f"machine facts of schema {schema}; this bootmenu reads up to {SCHEMA}",
                hint="Use a newer bootmenu, or record the facts again with this one.",
            )
        recorded = {key: item for key, item in value.items() if key != "not_recorded"}
        facts = codec.from_json(cls, recorded, "facts")
        return replace(facts, not_recorded=tuple(sorted(set(_missing(facts.to_json(), value)))))

    @property
    def memory(self) -> tuple[MemoryRange, ...]:
        """Where this machine's RAM is, as the running kernel was told; () = not known.

        By its device tree; started by EFI, Linux takes EFI's memory map and drops what a tree says
        (drivers/firmware/efi/efi-init.c:reserve_regions), which may be a file's placeholder. What firmware keeps is
        named beside RAM in /proc/iomem, and counts where it touches RAM: it lies in it. By itself it may as well be
        flash, which EFI firmware lists with the memory that it keeps.
        """
        told = merged(self.tree.memory if self.tree else ())
        if told and not self.efi:
            return told
        taken = self.ram_taken or ()
        return tuple(area for area in merged(self.ram or ()) if subtracted((area,), taken)) or told


def _missing(known: object, recorded: object, path: str = "") -> Iterator[str]:
    """Iterate over the paths of what is known and is not in the recording; the items of a list share theirs."""
    if isinstance(known, dict) and isinstance(recorded, dict):
        for key, value in known.items():
            if key in recorded:
                yield from _missing(value, recorded[key], f"{path}{key}.")
            else:
                yield path + key
    elif isinstance(known, list) and isinstance(recorded, list):
        for item, other in zip(known, recorded, strict=True):
            yield from _missing(item, other, path)


def _remove(value: object, keys: list[str]) -> None:
    if isinstance(value, list):
        for item in value:
            _remove(item, keys)
    elif isinstance(value, dict) and len(keys) > 1:
        _remove(value.get(keys[0]), keys[1:])
    elif isinstance(value, dict):
        value.pop(keys[0], None)
