# SPDX-License-Identifier: MIT
"""What the kernel log, /proc/iomem and /sys say of the running machine, and what their silence means."""

from __future__ import annotations

from pathlib import Path

import pytest

from bootmenu.discovery.machine_facts import gather, with_permissions
from bootmenu.model.devicetree import MemoryRange
from bootmenu.model.machine import MachineFacts
from bootmenu.model.value import replace
from bootmenu.system.host import Host
from bootmenu.system.kmsg import KernelLog
from bootmenu.system.processes import Commands
from bootmenu.system.syscalls import Syscalls
from tests.builders.trees import write_tree


class Log(KernelLog):
    """These lines; first: the number of the oldest one that is still there."""

    def __init__(self, lines: list[str] | None, first: int = 0) -> None:
        super().__init__("")
        self._found = None if lines is None else [(first + i, line) for i, line in enumerate(lines)]

    def _records(self) -> list[tuple[int, str]] | None:
        return self._found


class Arm(Syscalls):
    """An arm64 machine."""

    def uname(self) -> tuple[str, str]:
        return "aarch64", "6.1.0-49-arm64"


class RiscV(Syscalls):
    """A riscv64 machine."""

    def uname(self) -> tuple[str, str]:
        return "riscv64", "6.12"


class NoCommands(Commands):
    """Nothing is installed."""

    def find(self, name: str) -> str | None:
        return None


def machine(root: Path, files: dict[str, str] | None = None, log: Log | None = None) -> MachineFacts:
    write_tree(root, files or {})
    return gather(Host(root=root, syscalls=Arm(), commands=NoCommands(), log=log or Log([])))


IOMEM = """\
00000000-00000fff : pci
40000000-7fffffff : System RAM
  40210000-41e4ffff : Kernel code
  41e50000-4229ffff : reserved
  7b800000-7fdfffff : Crash kernel
    7b900000-7b9fffff : reserved
80000000-800fffff : reserved
"""


def test_ram_and_what_of_it_is_taken(tmp_path: Path) -> None:
    facts = machine(tmp_path, {"/proc/iomem": IOMEM})
    assert facts.ram == (MemoryRange(base=0x40000000, size=1 << 30), MemoryRange(base=0x80000000, size=1 << 20))
    assert facts.ram_taken == tuple(
        MemoryRange(base=base, size=last - base + 1)
        for base, last in (
            (0x41E50000, 0x4229FFFF),
            (0x7B800000, 0x7FDFFFFF),
            (0x7B900000, 0x7B9FFFFF),
            (0x80000000, 0x800FFFFF),  # firmware's nomap memory is a line of its own
        )
    )


@pytest.mark.parametrize("text", ["", "00000000-00000000 : System RAM\n  00000000-00000000 : reserved\n"])
def test_a_map_of_zeros_is_not_known(tmp_path: Path, text: str) -> None:
    facts = machine(tmp_path, {"/proc/iomem": text})
    assert (facts.ram, facts.ram_taken) == (None, None)


def test_memory_sizes(tmp_path: Path) -> None:
    facts = machine(tmp_path, {"/proc/meminfo": "MemTotal:  1000 kB\nMemFree: 5 kB\nMemAvailable:  900 kB\n"})
    assert (facts.memory_total, facts.memory_available) == (1000 * 1024, 900 * 1024)
    assert machine(tmp_path / "none").memory_total is None


@pytest.mark.parametrize(
    ("text", "level"),
    [("[none] integrity confidentiality", "none"), ("none [integrity] confidentiality", "integrity")],
)
def test_lockdown(tmp_path: Path, text: str, level: str) -> None:
    assert machine(tmp_path, {"/sys/kernel/security/lockdown": text}).lockdown == level


def test_lockdown_that_is_not_built_in_is_none_and_an_unread_one_is_not_known(tmp_path: Path) -> None:
    assert machine(tmp_path, {"/sys/kernel/security/lsm": "capability"}, Log(None)).lockdown == "none"
    assert machine(tmp_path / "a", log=Log(["Booting Linux"])).lockdown == "none"
    assert machine(tmp_path / "b", log=Log(["late"], first=7)).lockdown is None
    assert machine(tmp_path / "c", log=Log(None)).lockdown is None
    unread = {"/sys/kernel/security/lsm": "capability", "/sys/kernel/security/lockdown": ""}
    assert machine(tmp_path / "d", unread, Log(None)).lockdown is None


@pytest.mark.parametrize(
    ("origin", "command_line", "level"),
    [
        ("EFI Secure Boot", "", "integrity"),
        ("command line", "quiet lockdown=integrity", "integrity"),
        ("command line", "quiet lockdown=confidentiality", "confidentiality"),
        ("securityfs", "", "integrity"),
    ],
)
def test_lockdown_is_read_from_the_log_without_securityfs(
    tmp_path: Path, origin: str, command_line: str, level: str
) -> None:
    log = Log([f"Kernel is locked down from {origin}; see man kernel_lockdown.7"], first=7)
    facts = machine(tmp_path, {"/proc/cmdline": command_line}, log)
    assert (facts.lockdown, facts.lockdown_origin) == (level, origin)
    mounted = machine(tmp_path, {"/sys/kernel/security/lockdown": "none integrity [confidentiality]"}, log)
    assert (mounted.lockdown, mounted.lockdown_origin) == ("confidentiality", origin)


def test_what_permits_a_load_is_read_again_and_a_level_is_never_lowered(tmp_path: Path) -> None:
    before = machine(tmp_path, {"/proc/sys/kernel/kexec_load_disabled": "0"}, Log(["Booting Linux"]))
    assert (before.kexec.load_disabled, before.lockdown) == (False, "none")
    write_tree(tmp_path, {"/proc/sys/kernel/kexec_load_disabled": "1", "/proc/self/status": "CapEff:\t0\n"})
    log = Log(["Kernel is locked down from securityfs; see man kernel_lockdown.7"])
    now = with_permissions(before, Host(root=tmp_path, syscalls=Arm(), commands=NoCommands(), log=log), 1)
    assert (now.kexec.load_disabled, now.cap_sys_boot, now.lockdown) == (True, False, "integrity")
    assert now.kexec.load_limit == 1
    gone = Host(root=tmp_path / "gone", syscalls=Arm(), commands=NoCommands(), log=Log([]))
    later = with_permissions(now, gone, None)
    assert later == now


_EFI = "/sys/firmware/efi/"
_VARIABLE = f"{_EFI}efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
_PARAMETERS = "/sys/kernel/boot_params/data"


@pytest.mark.parametrize(
    ("files", "lines", "on"),
    [
        ({_VARIABLE: "\6\0\0\0\1"}, [], True),
        ({_VARIABLE: "\6\0\0\0\0"}, ["Secure boot enabled"], False),
        ({_VARIABLE: "\6\0", _PARAMETERS: "\0" * 0x1EC + "\3"}, [], True),
        ({_PARAMETERS: "\0" * 0x1EC + "\2"}, [], False),
        ({_PARAMETERS: "\0" * 0x1EC + "\1"}, [], None),
        ({}, ["Secure boot enabled"], True),
        ({}, ["Secure boot disabled"], False),
        ({}, ["UEFI Secure Boot is enabled."], True),
        ({}, ["Secure boot could not be determined (mode 1)"], None),
    ],
)
def test_secure_boot(tmp_path: Path, files: dict[str, str], lines: list[str], on: bool | None) -> None:
    facts = machine(tmp_path, {f"{_EFI}fw_platform_size": "32\n", **files}, Log(lines))
    assert (facts.secure_boot, facts.efi_bits) == (on, 32)
    assert machine(tmp_path / "bios", {"/sys/firmware/memmap/0/type": ""}).secure_boot is False


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("CPU: All CPU(s) started at EL2", "EL2"),
        ("CPU: All CPU(s) started at EL1", "EL1"),
        ("CPU: CPUs started in inconsistent modes", "inconsistent"),
        ("something else", None),
    ],
)
def test_exception_level(tmp_path: Path, line: str, level: str | None) -> None:
    assert machine(tmp_path, log=Log(["Booting Linux", line])).exception_level == level


def test_protected_kvm_is_denied_only_by_a_whole_log(tmp_path: Path) -> None:
    assert machine(tmp_path, log=Log(["kvm [1]: Protected nVHE mode initialized successfully"])).protected_kvm is True
    assert machine(tmp_path, log=Log(["Booting Linux"])).protected_kvm is False
    assert machine(tmp_path, log=Log(["late"], first=900)).protected_kvm is None
    assert machine(tmp_path, log=Log(None)).protected_kvm is None


LPI = [
    "GICv3: using LPI property table @0x0000000042fb0000",
    "GICv3: CPU0: using allocated LPI pending table @0x0000000042fc0000",
    "GICv3: CPU1: using allocated LPI pending table @0x0000000042fd0000",
]


def test_lpi_tables_are_64_kib_each(tmp_path: Path) -> None:
    wanted = tuple(MemoryRange(base=base, size=0x10000) for base in (0x42FB0000, 0x42FC0000, 0x42FD0000))
    assert machine(tmp_path, log=Log(LPI)).lpi_tables == wanted
    assert machine(tmp_path, log=Log(LPI, first=50)).lpi_tables == wanted
    assert machine(tmp_path, log=Log([])).lpi_tables is None
    assert machine(tmp_path, log=Log(["Booting Linux"])).lpi_tables == ()


def test_a_log_that_lost_the_first_table_says_nothing(tmp_path: Path) -> None:
    assert machine(tmp_path, log=Log(LPI[1:], first=50)).lpi_tables is None
    assert machine(tmp_path, log=Log(["late"], first=50)).lpi_tables is None
    assert machine(tmp_path, log=Log(None)).lpi_tables is None


def test_five_level_paging(tmp_path: Path) -> None:
    assert machine(tmp_path, {"/proc/cpuinfo": "flags\t\t: fpu la57 sse\n"}).five_level_paging is True
    assert machine(tmp_path, {"/proc/cpuinfo": "flags\t\t: fpu sse\n"}).five_level_paging is False
    assert machine(tmp_path, {"/proc/cpuinfo": "Features\t: fp asimd\n"}).five_level_paging is None


def test_drivers_count_when_they_have_a_device(tmp_path: Path) -> None:
    assert machine(tmp_path).drivers is None
    for name in ("nouveau", "amdgpu"):
        folder = tmp_path / f"sys/bus/pci/drivers/{name}"
        folder.mkdir(parents=True)
        (folder / "bind").touch()
        (folder / "module").symlink_to("../../../../module/x")
    (tmp_path / "sys/bus/pci/drivers/nouveau/0000:01:00.0").symlink_to("../../../../devices/pci0000:00")
    assert machine(tmp_path).drivers == ("nouveau",)


def test_signatures_are_read_from_the_configuration(tmp_path: Path) -> None:
    path = "/boot/config-6.1.0-49-arm64"
    text = "CONFIG_KEXEC_FILE=y\nCONFIG_KEXEC_SIG=y\n# CONFIG_KEXEC_SIG_FORCE is not set\n"
    facts = machine(tmp_path, {path: text}).kexec
    assert (facts.kexec_load, facts.kexec_file_load, facts.signature, facts.signature_forced) == (
        False,
        True,
        True,
        False,
    )
    assert facts.signature_read is False
    assert machine(tmp_path / "none").kexec.signature is None
    reads = machine(tmp_path, {path: f"{text}CONFIG_KEXEC_IMAGE_VERIFY_SIG=y\nCONFIG_IMA_ARCH_POLICY=y\n"}).kexec
    assert (reads.signature_read, reads.signature_forced) == (True, None)
    by_policy = {_VARIABLE: "\6\0\0\0\1"}
    assert machine(tmp_path, by_policy).kexec.signature_forced is True


@pytest.mark.parametrize(
    ("symbols", "takes"),
    [
        ("0 T __riscv_sys_kexec_file_load\n0 r elf_kexec_ops\n0 r image_kexec_ops\n", True),
        ("0 T __riscv_sys_kexec_file_load\n0 t image_probe\n", True),
        ("0 T __riscv_sys_kexec_file_load\n0 r elf_kexec_ops\n", False),
        ("", None),
    ],
)
def test_whether_riscv64_takes_an_image_is_read_from_its_symbols(
    tmp_path: Path, symbols: str, takes: bool | None
) -> None:
    write_tree(tmp_path, {"/boot/config-6.12": "CONFIG_KEXEC_FILE=y\n", "/proc/kallsyms": symbols})
    facts = gather(Host(root=tmp_path, syscalls=RiscV(), commands=NoCommands(), log=Log([])))
    assert facts.kexec.file_image is takes


def test_nothing_at_all_is_known_of_an_empty_machine(tmp_path: Path) -> None:
    facts = machine(tmp_path, log=Log(None))
    for name in ("ram", "ram_taken", "memory_total", "memory_available", "efi", "has_tpm", "lockdown", "lpi_tables"):
        assert getattr(facts, name) is None, name
    assert MachineFacts.from_json(facts.to_json()) == replace(facts)
