# SPDX-License-Identifier: MIT
"""Determine which GRUB this machine would start, and the variables it sets before it reads its configuration."""

from __future__ import annotations

from bootmenu.model.kernel import Architecture
from bootmenu.sources import Platform
from bootmenu.sources.references import grub_name
from bootmenu.sources.tree import Tree

FEATURES = (
    # grub-core/normal/main.c, `features`: available to scripts as feature_NAME
    "chainloader_bpb ntldr platform_search_hint default_font_path all_video_module menuentry_id menuentry_options"
    " 200_final nativedisk_cmd timeout_style"
).split()

_TARGETS = {
    # GRUB's configure.ac, target_cpu and platform: with EFI and without
    Architecture.X86_64: (("x86_64", "efi"), ("i386", "pc")),
    Architecture.X86: (("i386", "efi"), ("i386", "pc")),
    Architecture.ARM: (("arm", "efi"), ("arm", "uboot")),
    Architecture.PPC64: (("powerpc", "ieee1275"),) * 2,
    Architecture.S390X: (("s390x", "emu"),) * 2,  # Fedora's and SUSE's
    Architecture.MIPS: (("mipsel", "loongson"),) * 2,
}


def target(platform: Platform) -> tuple[str, str]:
    """Return $grub_cpu and $grub_platform (normal/main.c) of the GRUB that this machine would start.

    On arm64, riscv64 and loongarch64 it is always started by EFI, possibly U-Boot's, regardless of how the running
    kernel was started. On x86 EFI is assumed if unknown.
    """
    architecture = platform.architecture
    usual = (architecture or "", "efi")
    with_efi, without = _TARGETS.get(architecture, (usual, usual)) if architecture else (usual, usual)
    return without if platform.efi is False else with_efi


def own_name(tree: Tree) -> str:
    """Return GRUB's name for a partition, such as `hd0,gpt2`: scripts take it apart. Return `loop` for an image file,
    whose path may contain spaces, and the kernel's name where GRUB's is not known."""
    return "loop" if tree.image else grub_name(tree.names) or tree.device


def own_variables(tree: Tree, config: str, of: Platform) -> dict[str, str]:
    """Return the variables that GRUB itself sets and exports. config: path of its configuration."""
    folder = config.rpartition("/")[0]
    own = own_name(tree)
    cpu, platform = target(of)
    # kern/main.c:grub_set_prefix_and_root: where the firmware found GRUB, on a PC the disk alone
    image = f"({own}){folder}" if folder.startswith("/EFI/") else f"({own})/EFI/BOOT"
    return {
        "root": own,
        "prefix": f"({own}){folder}",
        "cmdpath": image if platform == "efi" else "(hd0)",
        **({"fw_path": image} if platform == "efi" else {}),  # Red Hat's and OpenEmbedded's
        "grub_cpu": cpu,
        "grub_platform": platform,
        "lang": "",
        **{f"feature_{name}": "y" for name in FEATURES},
        # GRUB's manual, "Loopback booting": set before the loopback.cfg of an image is read
        **({"iso_path": tree.image} if tree.image else {}),
    }
