# SPDX-License-Identifier: MIT
"""Rows of the truth table: more arm64 boards, which a newer QEMU has, and what is about memory."""

from __future__ import annotations

from tests.vm import devicetrees
from tests.vm.harness import Hardware
from tests.vm.kernels import Kernel
from tests.vm.scenarios import Load, Scenario, Second

_IMX8 = Hardware(newer=True, machine="imx8mp-evk", cpu="cortex-a53", cpus=4, memory=1024, console="ttymxc1", serial=1)
_IMX8_TREE = "imx8mp-evk.dtb"
_IMX8_EARLY = "earlycon=ec_imx6q,0x30890000"
_VERSAL = Hardware(newer=True, machine="xlnx-versal-virt", cpu="cortex-a72", cpus=4, memory=1024)
_PI4 = Hardware(newer=True, machine="raspi4b", cpu="cortex-a72", cpus=4, memory=2048, console="ttyAMA0")
_PI4_TREE = "bcm2711-rpi-4-b.dtb"
# QEMU has no brcmstb interrupt controllers, nor the clock of the console
_PI4_WORDS = (
    "earlycon=pl011,0xfe201000 initcall_blacklist=brcmstb_l2_driver_init,brcmstb_i2c_driver_init clk_ignore_unused"
)
_MEMTOTAL = "$(($(busybox awk '/^MemTotal/ {print $2}' /proc/meminfo) * 1024"


def _initramfs_of(percent: int) -> str:
    """Shell that makes kernel and initramfs this much of the memory: an Image says at offset 16 what it takes."""
    image = "$(busybox od -A n -t u8 -j 16 -N 8 /vmtest/kernel)"
    return f"busybox truncate -s {_MEMTOTAL} * {percent} / 100 - {image})) /vmtest/second.cpio"


SCENARIOS = (
    Scenario(
        name="i.MX 8M Plus EVK",
        hardware=_IMX8,
        board_tree=_IMX8_TREE,
        trees=Kernel.TRIXIE_FULL,
        first=Kernel.TRIXIE_FULL,
        first_cmdline=_IMX8_EARLY,
        kernel=Kernel.TRIXIE_FULL,
        second_cmdline=f"console=ttymxc1 {_IMX8_EARLY} panic=1",
        slowness=3,
        full=True,
    ),
    Scenario(
        name="i.MX 8M Plus EVK, the entry's tree is as Debian packs it",
        hardware=_IMX8,
        board_tree=_IMX8_TREE,
        trees=Kernel.TRIXIE_FULL,
        first=Kernel.TRIXIE_FULL,
        first_cmdline=_IMX8_EARLY,
        kernel=Kernel.TRIXIE_FULL,
        entry_tree_file=_IMX8_TREE,
        second_cmdline=f"console=ttymxc1 {_IMX8_EARLY} panic=1",
        slowness=3,
        full=True,
    ),
    Scenario(
        name="i.MX 8M Plus EVK, the entry's tree is of the 8M Mini",
        hardware=_IMX8,
        board_tree=_IMX8_TREE,
        trees=Kernel.TRIXIE_FULL,
        first=Kernel.TRIXIE_FULL,
        first_cmdline=_IMX8_EARLY,
        kernel=Kernel.TRIXIE_FULL,
        entry_tree_file="imx8mm-evk.dtb",
        second_cmdline=f"console=ttymxc1 {_IMX8_EARLY} panic=1",
        predicted="fail",
        codes=frozenset({"DT-COMPAT"}),
        second=Second.SILENT,
        slowness=3,
        full=True,
    ),
    Scenario(
        name="Versal",
        hardware=_VERSAL,
        first=Kernel.TRIXIE_FULL,
        kernel=Kernel.TRIXIE_FULL,
        slowness=3,
        full=True,
    ),
    Scenario(
        name="Raspberry Pi 4, 4 CPUs",
        hardware=_PI4,
        board_tree=_PI4_TREE,
        trees=Kernel.TRIXIE_FULL,
        first=Kernel.TRIXIE_FULL,
        first_cmdline=_PI4_WORDS,
        kernel=Kernel.TRIXIE_FULL,
        second_cmdline=f"console=ttyAMA0 {_PI4_WORDS} panic=1",
        predicted="fail",
        codes=frozenset({"CPU-STUCK"}),
        load=Load.REFUSED,
        second=Second.NOT_STARTED,
        slowness=3,
        full=True,
    ),
    Scenario(
        name="Raspberry Pi 4, nr_cpus=1",
        hardware=_PI4,
        board_tree=_PI4_TREE,
        trees=Kernel.TRIXIE_FULL,
        first=Kernel.TRIXIE_FULL,
        first_cmdline=f"{_PI4_WORDS} nr_cpus=1",
        kernel=Kernel.TRIXIE_FULL,
        second_cmdline=f"console=ttyAMA0 {_PI4_WORDS} panic=1 nr_cpus=1",
        predicted="warn",
        codes=frozenset({"CMD-NRCPUS"}),
        slowness=3,
        full=True,
    ),
    Scenario(name="a machine with a secure world", hardware=Hardware(machine="virt,secure=on")),
    Scenario(
        name="the entry's tree has a CPU twice",
        entry_tree=devicetrees.with_a_cpu_twice,
        predicted="warn",
        codes=frozenset({"DT-CPU-SET"}),
    ),
    Scenario(
        name="kernel and initramfs are 30 % of the memory",
        disk=600,
        before="busybox modprobe -a virtio_pci virtio_blk\n"
        "busybox mkdir /disk\nbusybox mount -t ext4 /dev/vda /disk\nbusybox mv /vmtest/second.cpio /disk\n"
        "busybox ln -s /disk/second.cpio /vmtest\n" + _initramfs_of(30),
        slowness=2,
        full=True,
    ),
    Scenario(
        name="ppc64le, pseries",
        hardware=Hardware(
            emulator="qemu-system-ppc64", newer=True, console="hvc0", machine="pseries", cpu="power9", memory=2048
        ),
        first=Kernel.POWER,
        kernel=Kernel.POWER,
        second_cmdline="console=hvc0 panic=1",
        predicted="fail",
        codes=frozenset({"SYS-ARCH"}),
        load=Load.REFUSED,
        asks_kernel=False,
        second=Second.NOT_STARTED,
        slowness=3,
        full=True,
    ),
    Scenario(
        name="loongarch64, virt",
        hardware=Hardware(
            emulator="qemu-system-loongarch64", newer=True, console="ttyS0", machine="virt", cpu="la464", memory=2048
        ),
        first=Kernel.LOONGARCH,
        first_cmdline="initcall_blacklist=i8042_init",  # without firmware it is not told that there is none
        kernel=Kernel.LOONGARCH,
        second_cmdline="console=ttyS0 panic=1",
        predicted="fail",
        codes=frozenset({"SYS-ARCH"}),
        load=Load.REFUSED,
        asks_kernel=False,
        second=Second.NOT_STARTED,
        slowness=3,
        full=True,
    ),
    Scenario(
        name="kernel and initramfs are 51 % of the memory",
        hardware=Hardware(memory=640),
        before=_initramfs_of(51),
        options="--method kexec_tools",
        predicted="fail",
        codes=frozenset({"MEM-HALF"}),
        load=Load.REFUSED,
        second=Second.NOT_STARTED,
        full=True,
    ),
)
