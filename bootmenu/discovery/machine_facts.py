# SPDX-License-Identifier: MIT
"""Gather the MachineFacts from /proc, /sys and the kernel log, without judging them."""

from __future__ import annotations

import contextlib
import re
import zlib
from collections.abc import Iterator

from bootmenu.discovery import kernel_keys
from bootmenu.errors import FormatError
from bootmenu.formats import dtb, dtb_facts, spcr
from bootmenu.model.devicetree import MemoryRange
from bootmenu.model.entry import CommandLine
from bootmenu.model.kernel import Architecture, ByteOrder
from bootmenu.model.machine import CpuFacts, KexecFacts, MachineFacts
from bootmenu.model.value import replace
from bootmenu.system import efi
from bootmenu.system.processes import CommandError
from bootmenu.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from bootmenu.model.devicetree import TreeFacts
    from bootmenu.system.host import Host

_CAP_SYS_BOOT = 22  # include/uapi/linux/capability.h
_CPUS = "/sys/devices/system/cpu"
_SAID = (
    "failed to come online",
    "stuck in kernel",
    "stuck in the kernel",
    "failed in unknown state",
    "failed to boot",
    "psci",
    "cpu(s) started at",
    "cpus started in inconsistent modes",
    "vhe mode initialized",
    "virtualization host extensions",
    "hyp mode initialized",
    "protected kvm",
    "kernel is locked down",
    "secure boot",
    "lpi property table",
    "lpi pending table",
    "machine model",
    "physical cpu",
)
"""What a message of the kernel log has in it, if a check or its reader needs it; in lower case."""
_LOG_LINES = 200
_DISABLED = "/proc/sys/kernel/kexec_load_disabled"
_LIMIT = "/proc/sys/kernel/kexec_load_limit_reboot"
_MAX_NODES = 20_000


def gather(host: Host) -> MachineFacts:
    """Return all facts about the running system that checks need. Never raise: what cannot be read is None."""
    machine, release = host.syscalls.uname()
    tree, source, problem = _tree(host)
    iomem, meminfo = host.text("/proc/iomem"), host.text("/proc/meminfo")
    log, whole = host.log.excerpt(_SAID)
    command_line, by_efi = host.text("/proc/cmdline"), host.exists("/sys/firmware/efi")
    lockdown, lockdown_origin = _lockdown(host, log, whole, command_line)
    secure_boot = _secure_boot(host, log) if by_efi else False if host.exists("/sys/firmware") else None
    return MachineFacts(
        architecture=Architecture.from_uname(machine),
        machine=machine,
        kernel_release=release,
        byte_order=ByteOrder.BIG if machine.endswith("_be") else ByteOrder.LITTLE,
        page_size=host.page_size(),
        cap_sys_boot=_capability(host),
        kexec=_kexec(host, machine, release, secure_boot),
        cpus=tuple(_cpus(host)),
        possible_cpus=_cpu_list(host.text(f"{_CPUS}/possible")),
        tree=tree,
        tree_source=source,
        tree_problem=problem,
        acpi=host.exists("/sys/firmware/acpi/tables"),
        firmware_console=_firmware_console(host),
        serial_terminals=_serial_terminals(host),
        ram=_ram(iomem),
        ram_taken=_ram_taken(iomem),
        memory_total=_memory(meminfo, "MemTotal"),
        memory_available=_memory(meminfo, "MemAvailable"),
        efi=by_efi if host.exists("/sys/firmware") else None,
        efi_bits=host.number("/sys/firmware/efi/fw_platform_size"),
        five_level_paging=_flag(host.text("/proc/cpuinfo"), "la57"),
        has_tpm=host.exists("/sys/class/tpm/tpm0") if host.exists("/sys/class") else None,
        lockdown=lockdown,
        lockdown_origin=lockdown_origin,
        secure_boot=secure_boot,
        keys=kernel_keys.keys(host),
        exception_level=_exception_level(log),
        host_extensions=_host_extensions(log),
        protected_kvm=_protected_kvm(log, whole),
        lpi_tables=_lpi_tables(log, whole),
        drivers=_drivers(host),
        command_line=command_line,
        log=None if log is None else tuple(log[:_LOG_LINES]),
    )


def load_limit(host: Host) -> int | None:
    """Return how many more loads are permitted: -1 for any number, None if that is unknown."""
    return host.number(_LIMIT)


def with_permissions(machine: MachineFacts, host: Host, limit: int | None) -> MachineFacts:
    """Return the facts with those about permission to load read again, as they may have changed. What cannot be read
    stays as it was.

    limit: the load limit as it was before the call that these facts are to explain, which may have used it up.
    """
    capability = _capability(host)
    log, whole = host.log.excerpt(_SAID)
    lockdown, origin = _lockdown(host, log, whole, machine.command_line)
    if lockdown in (None, "none"):  # a level is never lowered
        lockdown, origin = machine.lockdown, machine.lockdown_origin
    disabled = host.flag(_DISABLED)
    kexec = replace(
        machine.kexec,
        load_disabled=machine.kexec.load_disabled if disabled is None else disabled,
        load_limit=machine.kexec.load_limit if limit is None else limit,
    )
    return replace(
        machine,
        cap_sys_boot=machine.cap_sys_boot if capability is None else capability,
        kexec=kexec,
        lockdown=lockdown,
        lockdown_origin=origin,
    )


def _capability(host: Host) -> bool | None:
    match = re.search(r"^CapEff:\s*([0-9a-f]{1,16})", host.text("/proc/self/status") or "", re.MULTILINE)
    return None if match is None else bool(int(match[1], 16) >> _CAP_SYS_BOOT & 1)


def _kexec(host: Host, machine: str, release: str, secure_boot: bool | None) -> KexecFacts:
    config, source = _configuration(host, release)
    load: bool | None
    file_load: bool | None
    if config is not None:
        load, file_load = _on(config, "KEXEC"), _on(config, "KEXEC_FILE")
    else:
        load, file_load = _calls_by_symbols(host)
        source = "/proc/kallsyms" if host.exists("/proc/kallsyms") else None
    riscv = Architecture.from_uname(machine) is Architecture.RISCV64
    return KexecFacts(
        signature=None if config is None else _on(config, "KEXEC_SIG"),
        signature_forced=None if config is None else _signatures_forced(config, secure_boot),
        signature_read=None
        if config is None
        else _on(config, "KEXEC_BZIMAGE_VERIFY_SIG") or _on(config, "KEXEC_IMAGE_VERIFY_SIG"),
        file_image=_takes_an_image(host) if riscv and file_load else None,
        load_disabled=host.flag(_DISABLED),
        load_limit=load_limit(host),
        loaded=_first(host.flag("/sys/kernel/kexec_loaded"), host.flag("/sys/kernel/kexec/loaded")),
        crash_loaded=_first(host.flag("/sys/kernel/kexec_crash_loaded"), host.flag("/sys/kernel/kexec/crash_loaded")),
        kexec_load=load,
        kexec_file_load=file_load,
        config_source=source,
        tools_version=_tools_version(host),
    )


def _first(*flags: bool | None) -> bool | None:
    return next((flag for flag in flags if flag is not None), None)


def _configuration(host: Host, release: str) -> tuple[bytes | None, str | None]:
    """Return the running kernel's build configuration, between line ends, and the path it was read from."""
    for path in ("/proc/config.gz", f"/boot/config-{release}", f"/lib/modules/{release}/config"):
        data = host.read(path)
        if data is None:
            continue
        if path.endswith(".gz"):
            try:
                data = zlib.decompress(data, wbits=16 + zlib.MAX_WBITS)  # the module gzip imports more
            except zlib.error:
                continue
        return b"\n" + data + b"\n", path
    return None, None


def _on(config: bytes, name: str) -> bool:
    return f"\nCONFIG_{name}=y\n".encode() in config


def _signatures_forced(config: bytes, secure_boot: bool | None) -> bool | None:
    if _on(config, "KEXEC_SIG_FORCE"):
        return True
    # security/integrity/ima/ima_efi.c:arch_get_ima_policy: set_kexec_sig_enforced(), under Secure Boot
    return secure_boot if _on(config, "KEXEC_SIG") and _on(config, "IMA_ARCH_POLICY") else False


def _takes_an_image(host: Host) -> bool | None:
    # arch/riscv/kernel/kexec_image.c, since 6.16; before that, only kexec_elf.c (or elf_kexec.c)
    found = False
    try:
        with host.path("/proc/kallsyms").open("rb") as file:
            for line in file:
                name = line.split()[2:3]
                found = found or bool(name)
                if name == [b"image_kexec_ops"] or name == [b"image_probe"]:
                    return True
    except OSError:
        return None
    return False if found else None


def _calls_by_symbols(host: Host) -> tuple[bool | None, bool | None]:
    # kernel/sys_ni.c gives a call that is not built in a weak symbol (type W); names are readable by everybody
    found: dict[bytes, bool] = {}
    try:
        with host.path("/proc/kallsyms").open("rb") as file:
            for line in file:
                if b"sys_kexec_" in line:
                    fields = line.split()
                    if len(fields) >= 3 and fields[2].startswith((b"__arm64_sys_", b"__x64_sys_", b"__riscv_sys_")):
                        found[fields[2].partition(b"_sys_")[2]] = fields[1] in b"Tt"
    except OSError:
        return None, None
    return found.get(b"kexec_load"), found.get(b"kexec_file_load")


def _tools_version(host: Host) -> str | None:
    if host.commands.find("kexec") is None:
        return None
    try:
        done = host.commands.run(["kexec", "--version"], timeout=10)
    except CommandError:
        return None
    match = re.search(r"(\d+(?:\.\d+)+)", done.stdout.decode("utf-8", "replace"))
    return match[1] if match else "unknown"


def _cpu_list(text: str | None) -> tuple[int, ...] | None:
    """Parse a list of CPUs: `0-3,8` is (0, 1, 2, 3, 8)."""
    if not text:
        return None
    numbers: list[int] = []
    for part in text.strip().split(","):
        match = re.fullmatch(r"([0-9]{1,9})(?:-([0-9]{1,18}))?", part)
        if match is None:
            return None
        first = int(match[1])
        numbers += range(first, min(int(match[2] or first), first + 65535) + 1)
    return tuple(numbers)


def _cpus(host: Host) -> Iterator[CpuFacts]:
    online = _cpu_list(host.text(f"{_CPUS}/online"))
    for number in _cpu_list(host.text(f"{_CPUS}/present")) or ():
        folder = f"{_CPUS}/cpu{number}"
        reg = host.read(f"{folder}/of_node/reg")
        yield CpuFacts(
            number=number,
            hardware_id=int.from_bytes(reg, "big") if reg and len(reg) in (4, 8) else None,
            online=None if online is None else number in online,
            offline_control=host.exists(f"{folder}/online") if host.exists(folder) else None,
            midr=host.number(f"{folder}/regs/identification/midr_el1", 16),
        )


def read_tree(host: Host) -> tuple[dtb.DeviceTree | None, str | None, str | None]:
    """Return the tree that the running kernel was booted with, the path it was read from, and why it could not be
    read."""
    path = "/sys/firmware/fdt"
    data = host.read(path)
    if data is not None:
        try:
            return dtb.DeviceTree.from_bytes(data), path, None
        except FormatError as error:
            return None, path, error.message
    folder = host.path("/proc/device-tree")
    if folder.is_dir():
        return dtb.DeviceTree(root=_unflattened(host)), "/proc/device-tree", None
    if host.path(path).exists():
        return None, path, "not permitted: only root may read it"
    return None, None, None


def _tree(host: Host) -> tuple[TreeFacts | None, str | None, str | None]:
    tree, source, problem = read_tree(host)
    return None if tree is None else dtb_facts.facts(tree), source, problem


def _unflattened(host: Host) -> dtb.Node:
    """Return /proc/device-tree as nodes, within sensible limits."""
    root = dtb.Node("")
    pending = [(host.path("/proc/device-tree"), root)]
    for _ in range(_MAX_NODES):
        if not pending:
            break
        folder, node = pending.pop()
        for item in sorted(folder.iterdir()):
            if item.is_dir():
                child = dtb.Node(item.name)
                node.children.append(child)
                pending.append((item, child))
            elif (value := host.read("/" + str(item.relative_to(host.root)))) is not None:
                node.properties.append((item.name, value))
    return root


def _ram(text: str | None) -> tuple[MemoryRange, ...] | None:
    """Return the system RAM, with what firmware reserves ("reserved" at the top level: arch/arm64/kernel/setup.c)."""
    lines = re.finditer(
        r"^([0-9a-f]{1,16})-([0-9a-f]{1,16}) : (?:System RAM|reserved)$", text or "", re.IGNORECASE | re.MULTILINE
    )
    bounds = [(int(line[1], 16), int(line[2], 16)) for line in lines]
    ranges = [MemoryRange(base=base, size=last - base + 1) for base, last in bounds]
    # without privileges all addresses read as zero
    return tuple(ranges) if any(area.base or area.size > 1 for area in ranges) else None


def _ram_taken(text: str | None) -> tuple[MemoryRange, ...] | None:
    if _ram(text) is None:
        return None
    # the two kinds that kexec-tools avoids (kexec/arch/arm64/kexec-arm64.c); nomap regions are separate lines at the
    # top level
    pattern = re.compile(
        r"^ *([0-9a-f]{1,16})-([0-9a-f]{1,16}) : (?:reserved|Crash kernel)$", re.IGNORECASE | re.MULTILINE
    )
    found = ((int(match[1], 16), int(match[2], 16)) for match in pattern.finditer(text or ""))
    return tuple(MemoryRange(base=base, size=last - base + 1) for base, last in found)


def _memory(text: str | None, name: str) -> int | None:
    match = re.search(rf"^{name}:\s+([0-9]{{1,18}}) kB", text or "", re.MULTILINE)
    return None if match is None else int(match[1]) * 1024


def _firmware_console(host: Host) -> str | None:
    tables = "/sys/firmware/acpi/tables"
    if not host.exists(tables):
        return None
    if not host.exists(f"{tables}/SPCR"):
        return ""
    found = spcr.console((host.read(f"{tables}/SPCR") or b"")[: spcr.LIMIT])
    return "unknown" if found is None else found  # only root may read the table, but everyone sees its name


def _serial_terminals(host: Host) -> tuple[str, ...] | None:
    folder = "/sys/class/tty"
    try:
        names = sorted(path.name for path in host.path(folder).iterdir() if re.fullmatch(r"tty[A-Z].*", path.name))
    except OSError:
        return None
    # include/uapi/linux/serial_core.h: PORT_UNKNOWN is 0; other drivers make no device without hardware
    return tuple(name for name in names if host.number(f"{folder}/{name}/type") != 0)


def _flag(text: str | None, name: str) -> bool | None:
    """Return whether /proc/cpuinfo lists a CPU flag, or None if it lists none: only x86 has such a line."""
    match = re.search(r"^flags\s*:(.*)$", text or "", re.MULTILINE)
    return None if match is None else name in match[1].split()


def _lockdown(
    host: Host, log: list[str] | None, whole: bool, command_line: str | None
) -> tuple[str | None, str | None]:
    """Return the lockdown level, and what locked the kernel down."""
    # security/lockdown/lockdown.c:lock_kernel_down: "Kernel is locked down from %s; see man kernel_lockdown.7"; the
    # last word counts, since a level can be raised and never lowered
    said = [match[1] for line in log or () if (match := re.search(r"Kernel is locked down from ([^;]{1,60})", line))]
    origin = said[-1].strip() if said else None
    match = re.search(r"\[(\w+)\]", host.text("/sys/kernel/security/lockdown") or "")
    if match:
        return match[1], origin if match[1] != "none" else None
    if origin == "command line" and "confidentiality" in CommandLine(command_line or "").all("lockdown"):
        return "confidentiality", origin
    if origin:
        return "integrity", origin
    # securityfs is mounted but has no such file: not built in; or a complete log has no message about a lockdown
    unread = host.exists("/sys/kernel/security/lockdown")
    return "none" if whole or (host.exists("/sys/kernel/security/lsm") and not unread) else None, None


_SECURE_BOOT = f"{efi.VARIABLES}/SecureBoot-{efi.GLOBAL}"


def _secure_boot(host: Host, log: list[str] | None) -> bool | None:
    """Return whether Secure Boot is on, for a machine that was started by EFI."""
    value = efi.value_of(host.read(_SECURE_BOOT))
    if value is not None and len(value) == 1:  # UEFI 2.10, 3.3
        return value[0] == 1
    # include/linux/efi.h: enum efi_secureboot_mode, 2 = disabled, 3 = enabled; Documentation/arch/x86/zero-page.rst
    parameters = host.read("/sys/kernel/boot_params/data") or b""
    if len(parameters) > _SECURE_BOOT_PARAMETER and parameters[_SECURE_BOOT_PARAMETER] in (2, 3):
        return parameters[_SECURE_BOOT_PARAMETER] == 3
    for line in log or ():
        match = re.search(r"Secure boot (enabled|disabled)|UEFI Secure Boot is (enabled)", line)
        if match:
            return "enabled" in match.groups()
    return None


_SECURE_BOOT_PARAMETER = 0x1EC


def _protected_kvm(lines: list[str] | None, whole: bool) -> bool | None:
    # arch/arm64/kvm/arm.c:kvm_arm_init
    if any("Protected nVHE mode initialized" in line for line in lines or ()):
        return True
    return False if whole else None


_TROUBLESOME = ("amdgpu", "i915", "nouveau", "radeon", "brcmfmac")


def _drivers(host: Host) -> tuple[str, ...] | None:
    """Return which of the drivers that DEV-DMA reports have a device."""
    if not host.exists("/sys/bus"):
        return None
    found = set()
    for bus in ("pci", "platform", "sdio", "usb"):
        for name in _TROUBLESOME:
            with contextlib.suppress(OSError):
                folder = host.path(f"/sys/bus/{bus}/drivers/{name}")
                if any(item.is_symlink() and item.name != "module" for item in folder.iterdir()):
                    found.add(name)
    return tuple(sorted(found))


def _exception_level(lines: list[str] | None) -> str | None:
    # arch/arm64/kernel/smp.c:hyp_mode_check
    for line in lines or ():
        match = re.search(r"All CPU\(s\) started at (EL[12])", line)
        if match:
            return match[1]
        if "CPUs started in inconsistent modes" in line:
            return "inconsistent"
    return None


def _host_extensions(lines: list[str] | None) -> bool | None:
    # arch/arm64/kvm/arm.c:kvm_arm_init, arch/arm64/kernel/cpufeature.c
    for line in lines or ():
        if "VHE mode initialized" in line or "Virtualization Host Extensions" in line:
            return True
        if "Hyp mode initialized" in line or "nVHE mode initialized" in line or "started at EL1" in line:
            return False
    return None


_LPI_TABLE_SIZE = 64 * 1024


def _lpi_tables(lines: list[str] | None, whole: bool) -> tuple[MemoryRange, ...] | None:
    # drivers/irqchip/irq-gic-v3-its.c: "GICv3: using LPI property table @0x...",
    # "GICv3: CPU0: using allocated LPI pending table @0x..."
    if lines is None:
        return None
    found = (
        re.search(r"LPI (?:property|pending) table @(?:0x)?([0-9a-f]{1,16})", line, re.IGNORECASE) for line in lines
    )
    bases = sorted({int(match[1], 16) for match in found if match})
    # the property table is logged first: if the log still has that line, it has all later ones
    if not whole and not any("LPI property table" in line for line in lines):
        return None
    return tuple(MemoryRange(base=base, size=_LPI_TABLE_SIZE) for base in bases)
