# SPDX-License-Identifier: MIT
"""The running system, the first stage: everything that checks need to know about it, as plain values.

None always means "could not be found out". The JSON form is what `bootmenu facts` prints and `--machine` reads.
"""

from __future__ import annotations

import re

from bootmenu.errors import FormatError
from bootmenu.model import codec
from bootmenu.model.devicetree import MemoryRange, TreeFacts, merged, subtracted
from bootmenu.model.entry import CommandLine
from bootmenu.model.kernel import Architecture, ByteOrder
from bootmenu.model.value import Value, field

SCHEMA = 1


class CpuFacts(Value, kw_only=True):
    """One logical CPU of the running system."""

    number: int
    """Number in the kernel: cpu0 is 0."""
    hardware_id: int | None = None
    """MPIDR affinity bits of its device-tree node; None: there is no node (ACPI), or it is not readable."""
    online: bool | None = None
    """Whether it runs, according to /sys/devices/system/cpu/online."""
    offline_control: bool | None = None
    """Whether /sys/devices/system/cpu/cpuN/online exists: the kernel can take this CPU offline."""
    midr: int | None = None
    """MIDR_EL1 (arm64): implementer in bits 31-24, part number in bits 15-4."""


class KexecFacts(Value, kw_only=True):
    """What the running kernel says about kexec."""

    load_disabled: bool | None = None
    """/proc/sys/kernel/kexec_load_disabled"""
    load_limit: int | None = None
    """/proc/sys/kernel/kexec_load_limit_reboot: loads still permitted, -1 without a limit; None also before 6.3."""
    loaded: bool | None = None
    """/sys/kernel/kexec_loaded"""
    crash_loaded: bool | None = None
    """/sys/kernel/kexec_crash_loaded"""
    kexec_load: bool | None = None
    """Whether the kernel has the call kexec_load (CONFIG_KEXEC)."""
    kexec_file_load: bool | None = None
    """Whether the kernel has the call kexec_file_load (CONFIG_KEXEC_FILE)."""
    config_source: str | None = None
    """The source of the two answers above."""
    signature: bool | None = None
    """Whether kexec_file_load checks signatures (CONFIG_KEXEC_SIG)."""
    signature_forced: bool | None = None
    """Whether it demands a valid signature (CONFIG_KEXEC_SIG_FORCE, or IMA's policy under Secure Boot)."""
    signature_read: bool | None = None
    """Whether the loader of this architecture can check a signature (CONFIG_KEXEC_BZIMAGE_VERIFY_SIG,
    CONFIG_KEXEC_IMAGE_VERIFY_SIG)."""
    file_image: bool | None = None
    """Whether kexec_file_load on riscv64 accepts an Image, not only a vmlinux; None: unknown, or another
    architecture."""
    tools_version: str | None = None
    """Version of kexec-tools; None: not installed."""


class KeyFacts(Value, kw_only=True):
    """A key that the running kernel checks signatures with."""

    name: str
    """The subject of its certificate."""
    id: str
    """Identifier of the key, in hexadecimal."""
    keyring: str
    """Where the kernel keeps it, such as `.builtin_trusted_keys`; `.blacklist`: it is revoked. A name of `tbs` there
    means that the identifier is one of a certificate, the SHA-256 of what is signed of it."""
    public_key: str = ""
    """The key itself (SubjectPublicKeyInfo, RFC 5280), in hexadecimal, as the firmware's lists of certificates have
    it; empty: they do not."""


class MachineFacts(Value, kw_only=True):
    """The first-stage system."""

    schema: int = SCHEMA
    """Version of this object; a reader refuses a newer one."""
    architecture: Architecture | None = None
    """According to `uname -m`; None: an architecture that bootmenu does not know."""
    machine: str = ""
    """The output of `uname -m`."""
    kernel_release: str = ""
    """The output of `uname -r`."""
    byte_order: ByteOrder = ByteOrder.LITTLE
    """Byte order of the running kernel."""
    page_size: int | None = None
    """Page size of the running kernel, in bytes."""
    cap_sys_boot: bool | None = None
    """Whether CAP_SYS_BOOT is in the effective set of the asking process."""
    kexec: KexecFacts = field(default_factory=KexecFacts)
    """What the running kernel says about kexec."""
    cpus: tuple[CpuFacts, ...] = ()
    """The logical CPUs that are present, by number."""
    possible_cpus: tuple[int, ...] | None = None
    """/sys/devices/system/cpu/possible"""
    tree: TreeFacts | None = None
    """The device tree that the running kernel was booted with; None: there is none, or it is not readable."""
    tree_source: str | None = None
    """Where the tree was read: /sys/firmware/fdt, otherwise /proc/device-tree."""
    tree_problem: str | None = None
    """Why an existing tree could not be read."""
    acpi: bool | None = None
    """Whether ACPI tables describe the machine."""
    firmware_console: str | None = None
    """Console of a kernel without console=, according to the ACPI table SPCR: `ttyAMA` or `ttyS`; `unknown`: only
    root can read the table; empty: there is no table, or it names none; None: no ACPI, or not recorded."""
    serial_terminals: tuple[str, ...] | None = None
    """Names of the serial ports for which the running kernel has found hardware, such as `ttyS0`; None: it does not
    say."""
    ram: tuple[MemoryRange, ...] | None = None
    """System RAM and firmware-reserved RAM in /proc/iomem; None: not readable, or all zeros without privileges."""
    ram_taken: tuple[MemoryRange, ...] | None = None
    """Parts of `ram` that nothing may be loaded over: `reserved` and `Crash kernel` in /proc/iomem, at any level."""
    memory_total: int | None = None
    """MemTotal in bytes."""
    memory_available: int | None = None
    """MemAvailable in bytes."""
    efi: bool | None = None
    """Whether EFI firmware started the running kernel."""
    efi_bits: int | None = None
    """/sys/firmware/efi/fw_platform_size, 64 or 32; None: not started by EFI, or not readable."""
    five_level_paging: bool | None = None
    """Whether five-level paging (la57) is used, on x86."""
    has_tpm: bool | None = None
    """Whether /sys/class/tpm/tpm0 exists."""
    lockdown: str | None = None
    """/sys/kernel/security/lockdown: `none` (also if it is not built in), `integrity` or `confidentiality`; if only
    the kernel's log could be read, `integrity` means at least that."""
    lockdown_origin: str | None = None
    """What caused the lockdown, in the words of the kernel's log: `EFI Secure Boot`, `command line`, ...; None:
    nothing, or the log does not say."""
    secure_boot: bool | None = None
    """Whether EFI Secure Boot is on."""
    keys: tuple[KeyFacts, ...] | None = None
    """The keys that vouch for a kernel under lockdown, and those that are revoked; None: not readable."""
    exception_level: str | None = None
    """`EL1` or `EL2` at which all CPUs started, or `inconsistent`; None: the kernel log does not say."""
    host_extensions: bool | None = None
    """Whether the running kernel runs at EL2 (VHE); None: the kernel log does not say."""
    protected_kvm: bool | None = None
    """Whether pKVM is active; None: the kernel log is not readable."""
    lpi_tables: tuple[MemoryRange, ...] | None = None
    """GICv3 LPI property and pending tables in use, 64 KiB each; None: the kernel log is not readable."""
    drivers: tuple[str, ...] | None = None
    """Drivers in use that are known to leave their devices in a state that the next kernel's driver does not
    expect."""
    command_line: str | None = None
    """/proc/cmdline"""
    log: tuple[str, ...] | None = None
    """Lines of the kernel log that checks use, without time stamps; None: not readable."""
    not_recorded: tuple[str, ...] = ()
    """Names of facts (`efi`, `kexec.loaded`) that a recording lacks, because it is older than they are. They have
    their defaults here, and are not part of the JSON."""

    @property
    def title(self) -> str:
        """Return the machine's name for people."""
        name = self.tree.model if self.tree and self.tree.model else ""
        return name or self.machine or "unknown machine"

    @property
    def public_keys(self) -> dict[str, bytes] | None:
        """Return what is known of the keys with which signatures are checked (SubjectPublicKeyInfo), by their
        identifiers; None: the running kernel is not known to load signed kernels only, by kexec_file_load."""
        if self.lockdown in (None, "none") and self.kexec.signature_forced is not True:
            return None
        return {key.id: data for key in self.keys or () if (data := _from_hex(key.public_key))}

    @property
    def jump_cpu(self) -> int | None:
        """Return the number of the CPU that makes the jump and boots the next kernel: 0, unless the kernel command
        line says `reboot=sN` (kernel/reboot.c:reboot_setup), or None if that is unknown."""
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
        """Return the object that `bootmenu facts --json` prints."""
        encoded: dict[str, object] = codec.to_json(self)
        del encoded["not_recorded"]
        for path in self.not_recorded:
            _remove(encoded, path.split("."))
        return encoded

    @classmethod
    def from_json(cls, value: object) -> MachineFacts:
        """Return the facts in a JSON object; raise FormatError if its schema is newer or a field has the wrong
        type."""
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
        missing = {path for path in codec.absent(cls, value) if path != "not_recorded"}
        return codec.from_json(cls, {**value, "not_recorded": sorted(missing)}, "facts")

    @property
    def memory(self) -> tuple[MemoryRange, ...]:
        """Return where this machine's RAM is, as the running kernel was told; empty if unknown.

        The device tree says so, unless EFI started the kernel: then Linux uses EFI's memory map instead of the tree's
        (drivers/firmware/efi/efi-init.c:reserve_regions), which may be a placeholder. /proc/iomem lists memory that
        firmware keeps next to RAM. It counts only where it touches RAM; elsewhere it may be flash, which EFI firmware
        lists as well.
        """
        told = merged(self.tree.memory if self.tree else ())
        if told and not self.efi:
            return told
        taken = self.ram_taken or ()
        return tuple(area for area in merged(self.ram or ()) if subtracted((area,), taken)) or told


def _from_hex(text: str) -> bytes:
    """Return bytes, or none where a record of a machine has something else."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def _remove(value: object, keys: list[str]) -> None:
    if isinstance(value, list):
        for item in value:
            _remove(item, keys)
    elif isinstance(value, dict) and len(keys) > 1:
        _remove(value.get(keys[0]), keys[1:])
    elif isinstance(value, dict):
        value.pop(keys[0], None)
