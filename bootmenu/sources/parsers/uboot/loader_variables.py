# SPDX-License-Identifier: MIT
"""The variables that U-Boot has when it starts a script, as far as they are known on another loader's machine."""

from __future__ import annotations

from bootmenu.model.kernel import Architecture
from bootmenu.model.regex import regex
from bootmenu.sources import Platform
from bootmenu.sources.parsers.uboot import stored_environment
from bootmenu.sources.parsers.uboot.unknown_text import unknown
from bootmenu.sources.tree import Tree

_FIRST_ADDRESS, _STEP = 0x1_2340_0000, 0x0800_0000
"""Addresses that no script writes itself, far enough apart that a script may add to one."""

# doc/develop/distro.rst: "kernel_addr_r", "ramdisk_addr_r", "fdt_addr_r", "scriptaddr", "pxefile_addr_r"; the others
# are names of boards' own configurations (include/configs/). Each holds an address, and which one does not matter.
_ADDRESS = regex(r"[A-Za-z0-9_]*addr[A-Za-z0-9_]*|k_addr|rdaddr")
_NO_ADDRESS = regex(r"(?:ip|mac|server|gateway|wlan|wifi|bt|usb|usbnet_dev|usbnet_host)_?addr\d?|\w*eth\d*addr")

# set by U-Boot's own code or a board's configuration: include/configs/*.h, board/*/*.c, arch/arm/mach-*/board.c
_SET_BY_BOARD = frozenset(
    "fdtfile fdt_file dtb_name board board_name board_rev board_id boardname soc soc_type soc_rev vendor variant"
    " serial# ethaddr eth1addr usbethaddr macaddr mac ver mmcroot reset_cause bootsource boot_source boot_device"
    " stdin stdout stderr cpuid boot_interface hwrev cpu arch chip_id chipid socid modelname model"
    " devicetree_overlay".split()
)
_CPUS = {
    # CONFIG_SYS_CPU and CONFIG_SYS_ARCH; arch/arm/Kconfig: "armv7", "armv8"
    Architecture.ARM: ("armv7", "arm"),
    Architecture.ARM64: ("armv8", "arm"),
    Architecture.RISCV64: ("generic", "riscv"),
    Architecture.X86_64: ("x86", "x86"),
}
_ODROID = "hardkernel,odroid-"
_KINDS = (("nvme", "nvme"), ("vd", "virtio"), ("sd", "usb"))
_PARTITION = regex(r"(?P<disk>.*?[a-z](?P<disk_number>\d+)p|[a-z]+)(?P<number>\d+)")


class DiskNames:
    """What U-Boot calls the disk and the partition that holds a script."""

    def __init__(self, tree: Tree) -> None:
        match = _PARTITION.fullmatch(tree.device.partition(":")[0])
        self.is_known = match is not None
        """Whether the number of the partition is known."""
        self.number = int(match["number"]) if match else 1
        """Number of the partition, 1 if it is not known."""
        disk = match["disk"] if match else ""
        self.kind = next((kind for name, kind in _KINDS if disk.startswith(name)), "mmc")
        """U-Boot's name of the kind of disk (doc/develop/distro.rst, devtype)."""
        self.index = match["disk_number"] if match and self.kind == "mmc" and match["disk_number"] else "0"
        """Number of the disk. U-Boot and Linux may count differently; scripts write the one that Linux has."""


def initial(tree: Tree, platform: Platform, prefix: str) -> dict[str, str]:
    """Return the variables that are set when U-Boot runs a script. prefix: the directory of the script, with a slash
    at its end."""
    disk = DiskNames(tree)
    cpu, arch = _CPUS.get(platform.architecture or Architecture.ARM64, ("", ""))
    known = {
        # boot/bootmeth_script.c:script_boot and include/config_distro_bootcmd.h
        "devtype": disk.kind,
        "devnum": disk.index,
        "distro_bootpart": f"{disk.number:x}",
        "prefix": prefix,
        "mmc_bootdev": disk.index,
        # vendors' loaders and older configurations
        "devno": disk.index,
        "bootdev": disk.index,
        "mmcdev": disk.index,
        "bootpart": f"{disk.index}:{disk.number:x}",
        # include/env/ti/ti_common.env
        "bootdir": "/boot",
        # CoreELEC's, which its aml_autoscript sets
        "device": disk.kind,
        "devnr": disk.index,
        "partnr": f"{disk.number:x}",
        "mmc_dev": disk.index,
        # SolidRun's for the CuBox, as flash-kernel's bootscr.cubox lists them
        "device_name": disk.kind,
        "partition": f"{disk.number:x}",
        "directory": prefix,
        "fstype": "ext4",
        # scripts of Xilinx go through them and act for the one that they were read from
        "boot_targets": " ".join(f"{disk.kind}{index}" for index in sorted({disk.index, "0", "1"})),
    }
    if cpu and platform.architecture is not None:
        known |= {"cpu": cpu, "arch": arch}
    return stored_environment.stored(tree) | known | _of_board(platform)


def _of_board(platform: Platform) -> dict[str, str]:
    """Return what hardkernel's U-Boots call this board (board/hardkernel, board/samsung/common)."""
    name = next((name for name in platform.board if name.startswith(_ODROID)), "").removeprefix(_ODROID)
    if not name:
        return {}
    return {
        "board": f"odroid{name.partition('-')[0]}",
        "variant": name.replace("-", "_"),
        "board_name": {"xu3-lite": "xu3l"}.get(name, name),
    }


class Addresses:
    """The addresses in variables that U-Boot has compiled in."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def value(self, name: str) -> str | None:
        """Return the address in a variable, or None if its name is not that of one."""
        if not _ADDRESS.fullmatch(name) or _NO_ADDRESS.fullmatch(name):
            return None
        if name not in self._known and len(self._known) < 100:
            self._known[name] = f"0x{_FIRST_ADDRESS + _STEP * len(self._known):x}"
        return self._known.get(name)


def not_known(name: str) -> str | None:
    """Return the unknown text for a variable that U-Boot sets and whose value is not known here, or None."""
    return unknown(name) if name in _SET_BY_BOARD else None
