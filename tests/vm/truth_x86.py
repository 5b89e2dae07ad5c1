# SPDX-License-Identifier: MIT
"""The rows of the truth table that are about PCs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from tests.vm.harness import PC
from tests.vm.kernels import Kernel
from tests.vm.scenarios import Load, Scenario, Second, cut_off
from tests.vm.secure_boot import Firmware, in_uki, signed, signed_below, unsigned

_CMDLINE = f"console=ttyS0 panic=1 {PC.options}"
_EFI, _SCREEN = "/sys/firmware/efi", "/sys/class/graphics/fb0"
_TOOLS = "--method kexec_tools"
_LOCKED, _SECRET = "lockdown=integrity", "lockdown=confidentiality"
_SIG = frozenset({"SYS-SIG"})
_VARIABLES = "busybox mount -t efivarfs efivarfs /sys/firmware/efi/efivars"

_works = partial(Scenario, hardware=PC, first=Kernel.PC, kernel=Kernel.PC, second_cmdline=_CMDLINE, full=True)
"""A PC on which everything works."""
_refused = partial(_works, predicted="fail", load=Load.REFUSED, second=Second.NOT_STARTED)
"""A PC whose kernel refuses the load."""


def _with(offset: int, size: int, change: Callable[[int], int]) -> Callable[[bytes], bytes]:
    """Another value in the kernel's header."""

    def edit(kernel: bytes) -> bytes:
        value = change(int.from_bytes(kernel[offset : offset + size], "little"))
        return kernel[:offset] + value.to_bytes(size, "little") + kernel[offset + size :]

    return edit


def _command_line(size: int) -> str:
    """One of so many bytes."""
    return f"{_CMDLINE} x=".ljust(size, "0")


_below_4_gb = _with(0x236, 2, lambda flags: flags & ~2)
_without_64_bits = _with(0x236, 2, lambda flags: flags & ~1)
_damaged = _with(0x400000, 1, lambda value: value ^ 1)


SCENARIOS = (
    _works(name="PC with a BIOS (Q35)", full=False),
    _works(name="PC with a BIOS (Q35), by kexec-tools", options=_TOOLS),
    _works(name="PC with a BIOS (i440FX)", hardware=replace(PC, machine="pc")),
    _works(name="PC with 6 GiB of memory", hardware=replace(PC, memory=6144)),
    _works(name="PC with EFI", firmware=Firmware.EFI, exists={_EFI: True, _SCREEN: True}),
    _works(
        name="PC with EFI, by kexec-tools", firmware=Firmware.EFI, options=_TOOLS, exists={_EFI: True, _SCREEN: True}
    ),
    _works(
        name="PC with EFI, noefi",
        firmware=Firmware.EFI,
        first_cmdline="noefi",
        exists={_EFI: False},
        predicted="warn",
        codes=frozenset({"X86-EFI"}),
    ),
    _works(
        name="PC, a console on a port that is not there",
        second_cmdline=f"{_CMDLINE} console=ttyS1 say=ttyS0",
        predicted="warn",
        codes=frozenset({"CMD-CONSOLE"}),
    ),
    _works(
        name="PC without console=, whose menu is on a serial port",
        second_cmdline=f"panic=1 {PC.options} say=ttyS0",
        predicted="warn",
        codes=frozenset({"CMD-CONSOLE"}),
    ),
    _works(name="PC with five-level page tables", hardware=replace(PC, cpu="max")),
    _works(name="PC, Debian 13 from Debian 12", kernel=Kernel.PC_TRIXIE),
    _refused(name="PC, a kernel of 32 bits", kernel=Kernel.PC_32_BITS, codes=frozenset({"IMG-ARCH"})),
    _works(
        name="PC, a kernel of 32 bits, by kexec-tools",
        kernel=Kernel.PC_32_BITS,
        options=_TOOLS,
        predicted="fail",
        codes=frozenset({"IMG-ARCH"}),
        second=Second.SILENT,
    ),
    _refused(name="PC, a kernel for arm64", kernel=Kernel.BOOKWORM, codes=frozenset({"IMG-ARCH"})),
    _refused(
        name="PC, a kernel for arm64, by kexec-tools",
        kernel=Kernel.BOOKWORM,
        options=_TOOLS,
        asks_kernel=False,
        codes=frozenset({"IMG-ARCH"}),
    ),
    _works(
        name="PC, the kernel is cut off at 60 %",
        edit=cut_off(0.6),
        predicted="fail",
        codes=frozenset({"IMG-TRUNC"}),
        second=Second.SILENT,
    ),
    _refused(name="PC, a kernel for below 4 GiB", edit=_below_4_gb, codes=frozenset({"X86-BZIMAGE"})),
    _works(
        # a kernel that says so is entered in 32 bits, where anything may go wrong
        name="PC, a kernel for below 4 GiB, by kexec-tools",
        edit=_below_4_gb,
        options=_TOOLS,
        predicted="unknown",
        codes=frozenset({"X86-BZIMAGE"}),
    ),
    _refused(name="PC, a kernel without a 64-bit entry", edit=_without_64_bits, codes=frozenset({"X86-BZIMAGE"})),
    _refused(
        name="PC, a command line of 2,030 bytes",
        second_cmdline=_command_line(2030),
        codes=frozenset({"CMD-LENGTH"}),
    ),
    _works(
        name="PC, a command line of 2,030 bytes, by kexec-tools",
        second_cmdline=_command_line(2030),
        options=_TOOLS,
    ),
    _refused(
        name="PC, a command line of 2,060 bytes, by kexec-tools",
        second_cmdline=_command_line(2060),
        options=_TOOLS,
        asks_kernel=False,
        codes=frozenset({"CMD-LENGTH"}),
    ),
    _refused(
        name="PC, an initramfs over half of the memory",
        hardware=replace(PC, memory=640),
        before="busybox truncate -s 330M /vmtest/second.cpio",
        codes=frozenset({"MEM-HALF"}),
    ),
    _works(
        name="PC, an initramfs of 40 % of the memory",
        hardware=replace(PC, memory=512),
        before="busybox truncate -s 140M /vmtest/second.cpio",
    ),
    _refused(
        name="PC, kexec_load_disabled=1",
        before="echo 1 >/proc/sys/kernel/kexec_load_disabled",
        codes=frozenset({"SYS-DISABLED"}),
    ),
    _refused(
        name="PC, kexec_load_limit_reboot=0",
        first=Kernel.PC_TRIXIE,
        before="echo 0 >/proc/sys/kernel/kexec_load_limit_reboot",
        codes=frozenset({"SYS-LIMIT"}),
    ),
    # Debian's kernel is not signed by a key that is built into it: only Secure Boot brings that of Debian
    _refused(name="PC, lockdown=integrity, signed by Debian", first_cmdline=_LOCKED, codes=_SIG),
    _refused(name="PC, lockdown=integrity, unsigned", first_cmdline=_LOCKED, edit=unsigned, codes=_SIG),
    _refused(
        name="PC, lockdown=integrity, by kexec-tools",
        first_cmdline=_LOCKED,
        options=_TOOLS,
        codes=frozenset({"SYS-LOCKDOWN"}),
    ),
    _refused(name="PC, lockdown=confidentiality, signed by Debian", first_cmdline=_SECRET, codes=_SIG),
    _refused(name="PC, lockdown=confidentiality, unsigned", first_cmdline=_SECRET, edit=unsigned, codes=_SIG),
    _works(name="PC with Secure Boot and its own key", firmware=Firmware.SECURE_BOOT, edit=signed, full=False),
    _refused(name="PC with Secure Boot and its own key, signed by Debian", firmware=Firmware.SECURE_BOOT, codes=_SIG),
    _refused(
        name="PC with Secure Boot and its own key, unsigned",
        firmware=Firmware.SECURE_BOOT,
        edit=unsigned,
        codes=_SIG,
    ),
    _refused(
        name="PC with Secure Boot and its own key, changed after it was signed",
        firmware=Firmware.SECURE_BOOT,
        edit=lambda kernel: _damaged(signed(kernel)),
        codes=_SIG,
    ),
    _refused(
        name="PC with Secure Boot and its own key, signed twice",
        firmware=Firmware.SECURE_BOOT,
        edit=lambda kernel: signed(kernel, besides=True),
        codes=_SIG,
    ),
    _works(
        name="PC with Secure Boot and its own key, signed by one below it",
        firmware=Firmware.SECURE_BOOT,
        before=_VARIABLES,
        edit=signed_below,
    ),
    _works(
        name="PC with Secure Boot and its own key, signed by one below it, without the firmware's variables",
        firmware=Firmware.SECURE_BOOT,
        edit=signed_below,
        predicted="unknown",
        codes=_SIG,
    ),
    _refused(
        name="PC with Secure Boot and its own key, signed by one below it, whose time was over",
        firmware=Firmware.SECURE_BOOT,
        before=_VARIABLES,
        edit=partial(signed_below, valid=("2020", "2021")),
        codes=_SIG,
    ),
    _refused(
        name="PC with Secure Boot and its own key, a forged certificate of one below it",
        firmware=Firmware.SECURE_BOOT,
        before=_VARIABLES,
        edit=partial(signed_below, key_id="63B8D5EE5DF87B9A2F08DDE4DBA1E606C854DADB"),
        codes=_SIG,
    ),
    _works(
        name="PC with Secure Boot and its own key, a UKI with a signed kernel",
        firmware=Firmware.SECURE_BOOT,
        edit=lambda kernel: in_uki(signed(kernel)),
    ),
    _refused(
        name="PC with Secure Boot and its own key, a UKI with an unsigned kernel",
        firmware=Firmware.SECURE_BOOT,
        edit=lambda kernel: in_uki(unsigned(kernel)),
        codes=_SIG,
    ),
    _works(
        name="PC with Secure Boot, shim and GRUB of Debian",
        firmware=Firmware.SECURE_BOOT_OF_MICROSOFT,
        slowness=3,
    ),
    _refused(
        name="PC with Secure Boot, shim and GRUB of Debian, signed by a stranger",
        firmware=Firmware.SECURE_BOOT_OF_MICROSOFT,
        slowness=3,
        edit=signed,
        codes=_SIG,
    ),
    _refused(
        name="PC with Secure Boot, shim and GRUB of Debian, a forged certificate of Debian's signer",
        firmware=Firmware.SECURE_BOOT_OF_MICROSOFT,
        slowness=3,
        edit=partial(signed_below, name="Debian Secure Boot CA", key_id="6CCECE7E4C6C0D1F6149F3DD27DFCC5CBB419EA1"),
        codes=_SIG,
    ),
)
