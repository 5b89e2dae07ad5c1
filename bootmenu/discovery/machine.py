# SPDX-License-Identifier: MIT
"""Gathers MachineFacts from /proc, /sys and the kernel log. Reads only; decides nothing."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator

from bootmenu.errors import FormatError
from bootmenu.formats import devicetree
from bootmenu.model.devicetree import MemoryRange, TreeFacts
from bootmenu.model.kernel import Architecture, ByteOrder
from bootmenu.model.machine import CpuFacts, KexecFacts, MachineFacts
from bootmenu.system.commands import CommandError
from bootmenu.system.host import Host

_CAP_SYS_BOOT = 22  # include/uapi/linux/capability.h
_CPUS = "/sys/devices/system/cpu"
_LOG = re.compile(
    r"failed to come online|stuck in (the )?kernel|failed in unknown state|failed to boot|psci"
    r"|CPU\(s\) started at|Protected KVM|LPI (property|pending) table|Machine model|physical CPU",
    re.IGNORECASE,
)
_LOG_LINES = 200


def gather(host: Host) -> MachineFacts:
    """Everything that checks ask of the running system. Never raises: what cannot be read is None."""
    machine, release = host.syscalls.uname()
    tree, source, problem = _tree(host)
    return MachineFacts(
        architecture=Architecture.from_uname(machine),
        machine=machine,
        kernel_release=release,
        byte_order=ByteOrder.BIG if machine.endswith("_be") else ByteOrder.LITTLE,
        page_size=host.page_size(),
        cap_sys_boot=_capability(host),
        kexec=_kexec(host, release),
        cpus=tuple(_cpus(host)),
        possible_cpus=_cpu_list(host.text(f"{_CPUS}/possible")),
        tree=tree,
        tree_source=source,
        tree_problem=problem,
        acpi=host.exists("/sys/firmware/acpi/tables"),
        ram=_ram(host.text("/proc/iomem")),
        memory_total=_memory_total(host.text("/proc/meminfo")),
        command_line=host.text("/proc/cmdline"),
        log=_log(host.log.lines()),
    )


def _capability(host: Host) -> bool | None:
    match = re.search(r"^CapEff:\s*([0-9a-f]+)", host.text("/proc/self/status") or "", re.MULTILINE)
    return None if match is None else bool(int(match[1], 16) >> _CAP_SYS_BOOT & 1)


def _kexec(host: Host, release: str) -> KexecFacts:
    load, file_load, source = _calls(host, release)
    return KexecFacts(
        load_disabled=host.flag("/proc/sys/kernel/kexec_load_disabled"),
        load_limit=host.number("/proc/sys/kernel/kexec_load_limit_reboot"),
        loaded=_first(host.flag("/sys/kernel/kexec_loaded"), host.flag("/sys/kernel/kexec/loaded")),
        crash_loaded=_first(host.flag("/sys/kernel/kexec_crash_loaded"), host.flag("/sys/kernel/kexec/crash_loaded")),
        kexec_load=load,
        kexec_file_load=file_load,
        config_source=source,
        tools_version=_tools_version(host),
    )


def _first(*flags: bool | None) -> bool | None:
    return next((flag for flag in flags if flag is not None), None)


def _calls(host: Host, release: str) -> tuple[bool | None, bool | None, str | None]:
    for path in ("/proc/config.gz", f"/boot/config-{release}", f"/lib/modules/{release}/config"):
        data = host.read(path)
        if data is None:
            continue
        if path.endswith(".gz"):
            try:
                data = gzip.decompress(data)
            except (OSError, EOFError, zlib.error):
                continue
        lines = data.splitlines()
        return b"CONFIG_KEXEC=y" in lines, b"CONFIG_KEXEC_FILE=y" in lines, path
    return *_calls_by_symbols(host), "/proc/kallsyms" if host.exists("/proc/kallsyms") else None


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
    """`0-3,8` → (0, 1, 2, 3, 8)"""
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


def _tree(host: Host) -> tuple[TreeFacts | None, str | None, str | None]:
    path = "/sys/firmware/fdt"
    data = host.read(path)
    if data is not None:
        try:
            return devicetree.facts(devicetree.DeviceTree.from_bytes(data)), path, None
        except FormatError as error:
            return None, path, error.message
    folder = host.path("/proc/device-tree")
    if folder.is_dir():
        return devicetree.facts(devicetree.DeviceTree(root=_unflattened(host))), "/proc/device-tree", None
    if host.path(path).exists():
        return None, path, "not permitted: only root may read it"
    return None, None, None


def _unflattened(host: Host) -> devicetree.Node:
    """The part of /proc/device-tree that facts are made of: the root, /chosen, /cpus, /psci, /memory."""
    root = devicetree.Node("")
    base = host.path("/proc/device-tree")
    pending = [(base, root, 0)]
    while pending:
        folder, node, depth = pending.pop()
        for item in sorted(folder.iterdir()):
            if item.is_dir():
                if depth == 0 and item.name.partition("@")[0] not in ("chosen", "cpus", "psci", "memory"):
                    continue
                child = devicetree.Node(item.name)
                node.children.append(child)
                pending.append((item, child, depth + 1))
            else:
                value = host.read("/" + str(item.relative_to(host.root)))
                if value is not None and len(value) < 65536:
                    node.properties.append((item.name, value))
    return root


def _ram(text: str | None) -> tuple[MemoryRange, ...] | None:
    """System RAM, and the RAM that firmware keeps ("reserved" at the top level: arch/arm64/kernel/setup.c)."""
    ranges = []
    for line in (text or "").splitlines():
        match = re.match(r"^([0-9a-f]+)-([0-9a-f]+) : (System RAM|reserved)$", line, re.IGNORECASE)
        if match:
            base, last = int(match[1], 16), int(match[2], 16)
            ranges.append(MemoryRange(base=base, size=last - base + 1))
    # not privileged: every address reads as zero
    return tuple(ranges) if any(area.base or area.size > 1 for area in ranges) else None


def _memory_total(text: str | None) -> int | None:
    match = re.search(r"^MemTotal:\s+([0-9]{1,18}) kB", text or "", re.MULTILINE)
    return None if match is None else int(match[1]) * 1024


def _log(lines: list[str] | None) -> tuple[str, ...] | None:
    return None if lines is None else tuple(line for line in lines if _LOG.search(line))[:_LOG_LINES]
