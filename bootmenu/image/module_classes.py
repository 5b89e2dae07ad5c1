# SPDX-License-Identifier: MIT
"""Which kernel modules a first stage has, by the machines that it is for.

A pattern with a slash is of paths below `kernel/`, any other one of names, with underscores only. What a kernel does
not have is no error: distributions build some of them in, and leave others out. init inserts those that the machine's
devices ask for, so more of them cost room, and no time.
"""

from __future__ import annotations

from enum import StrEnum
from typing import assert_never

_VIRT = (
    # what any machine can have: disks, USB, keyboards, a screen that firmware has set up
    "nvme", "sd_mod", "sr_mod", "ahci", "usb_storage", "uas", "mmc_block",
    "xhci_pci", "ehci_pci", "ohci_pci", "uhci_hcd", "usbhid", "hid_generic", "evdev", "simpledrm",
    # QEMU, and what else speaks virtio; its power button and older disks
    "drivers/virtio/*", "virtio_blk", "virtio_scsi", "virtio_console", "virtio_gpu", "bochs",
    "gpio_keys", "ata_piix", "sdhci_pci",
    # Hyper-V, VMware, Xen
    "hv_storvsc", "hid_hyperv", "hyperv_keyboard", "vmw_pvscsi", "mptspi", "xen_blkfront",
)  # fmt: skip

_PC = (
    # disks: old ones, behind Intel's VMD, of servers; readers of SD cards
    "ata_generic", "vmd", "megaraid_sas", "mpt3sas", "smartpqi", "hpsa", "aacraid", "ufshcd_pci",
    "sdhci_acpi", "rtsx_pci_sdmmc", "rtsx_usb_sdmmc",
    # keyboards and buttons of laptops that are not on the usual controller
    "i2c_hid_acpi", "intel_lpss_pci", "intel_lpss_acpi", "i2c_designware_*", "drivers/pinctrl/intel/*",
    "pinctrl_amd", "applespi", "spi_pxa2xx_*", "surface_kbd", "surface_aggregator_registry", "soc_button_array",
    "cros_ec_keyb", "cros_ec_lpcs",
)  # fmt: skip

_BOARDS = (
    "drivers/mmc/host/*", "ahci_*", "drivers/ufs/*",
    "drivers/usb/host/*", "drivers/usb/dwc2/*", "drivers/usb/dwc3/*", "drivers/usb/chipidea/*",
    "drivers/usb/musb/*", "drivers/usb/cdns3/*", "drivers/usb/mtu3/*", "onboard_usb_*",
    # what disks and USB hang on: without its regulator or clock no card is found
    "drivers/regulator/*", "drivers/clk/*", "drivers/pinctrl/*", "drivers/gpio/*", "drivers/phy/*", "drivers/reset/*",
    "drivers/i2c/busses/*", "drivers/mfd/*", "drivers/pwm/*", "drivers/pci/controller/*", "drivers/interconnect/*",
    "drivers/pmdomain/*", "drivers/power/reset/*", "drivers/bus/*", "drivers/mailbox/*", "drivers/spmi/*",
    "drivers/hwspinlock/*", "drivers/nvmem/*", "drivers/extcon/*", "drivers/soc/*",
    # buttons: volume keys on an ADC, power keys of power management chips
    "adc_keys", "*saradc*", "*_pek", "*_pwrkey", "*_onkey",
    # neither cameras, sound, screens, video nor modems
    "!*camcc*", "!*dispcc*", "!*gpucc*", "!*videocc*", "!*lpass*", "!*mmcc*", "!clk_mt*_[ijvw]*", "!clk_mt*_mm*",
    "!clk_mt*_mfg*", "!clk_mt*_mdp*", "!clk_mt*_cam*", "!clk_mt*_aud*", "!clk_mt*adsp*", "!clk_mt*_bdp*",
    "!*axg_audio*", "!*dsi*", "!*hdmi*", "!*csi*", "!*dphy*", "!phy*_dp", "!*edp*", "!mhi*", "!wcd*", "!wm8994",
)  # fmt: skip


class ModulesFor(StrEnum):
    """The machines that a first stage has modules for. Virtual ones are in each: that is where people try it."""

    BOARDS = "boards"
    PC = "pc"
    VIRT = "virt"
    ALL = "all"

    @property
    def patterns(self) -> tuple[str, ...]:
        """Return the patterns of the modules that devices ask for; a `!` leaves out what those before it took."""
        match self:
            case ModulesFor.BOARDS:
                return _BOARDS + _VIRT
            case ModulesFor.PC:
                return _PC + _VIRT
            case ModulesFor.VIRT:
                return _VIRT
            case ModulesFor.ALL:
                return _BOARDS + _PC + _VIRT
            case _:
                assert_never(self)


ALWAYS = ("ext4", "vfat", "nls_cp437", "nls_ascii", "dm_mod")
"""Modules that no device asks for, and that nearly every machine needs: inserted with the first ones."""

ON_DEMAND = (
    "btrfs", "xfs", "f2fs", "exfat", "ntfs3", "isofs", "udf", "squashfs", "erofs", "overlay", "nls_iso8859_1",
    "nls_utf8",
    # for EFI variables: state.device = "efi"
    "efivarfs",
    # image files, RAID and encrypted partitions
    "loop", "md_mod", "raid0", "raid1", "raid10", "raid456", "dm_crypt",
    # usual algorithms of encrypted partitions, for the kernel and for cryptsetup
    "xts", "cbc", "ecb", "essiv", "aes_generic", "aes_arm64", "aes_ce_blk", "aes_neon_blk", "sha256_generic",
    "af_alg", "algif_skcipher", "algif_hash",
)  # fmt: skip
"""Modules that the kernel asks for when something is mounted or opened."""
