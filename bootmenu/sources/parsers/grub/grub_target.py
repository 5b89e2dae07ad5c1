# SPDX-License-Identifier: MIT
"""Which GRUB this machine would start, and what that sets before it reads its configuration."""

from __future__ import annotations

from bootmenu.model.kernel import Architecture
from bootmenu.sources import Platform
from bootmenu.sources.tree import Tree

FEATURES = (
    # grub-core/normal/main.c, `features`: what a script may ask for as feature_NAME
    "chainloader_bpb ntldr platform_search_hint default_font_path all_video_module menuentry_id menuentry_options"
    " 200_final nativedisk_cmd timeout_style"
).split()

_TARGETS = {
    # GRUB's configure.ac, target_cpu and platform: what it is built for, with EFI and without
    Architecture.X86_64: (("x86_64", "efi"), ("i386", "pc")),
    Architecture.X86: (("i386", "efi"), ("i386", "pc")),
    Architecture.ARM: (("arm", "efi"), ("arm", "uboot")),
    Architecture.PPC64: (("powerpc", "ieee1275"),) * 2,
    Architecture.S390X: (("s390x", "emu"),) * 2,  # Fedora's and SUSE's
    Architecture.MIPS: (("mipsel", "loongson"),) * 2,
}


def target(platform: Platform) -> tuple[str, str]:
    """Return $grub_cpu and $grub_platform (normal/main.c) of the GRUB that this machine would start.

    On arm64, riscv64 and loongarch64 it always comes from EFI, which may be U-Boot's: that the running kernel was
    started in another way says nothing about it. Of an x86 machine that says nothing EFI is assumed.
    """
    architecture = platform.architecture
    usual = (architecture or "", "efi")
    with_efi, without = _TARGETS.get(architecture, (usual, usual)) if architecture else (usual, usual)
    return without if platform.efi is False else with_efi


def own_name(tree: Tree) -> str:
    """How GRUB calls the device that is read: an image as whoever opens one does, for its path may hold blanks."""
    return "loop" if tree.image else tree.device


def own_variables(tree: Tree, config: str, of: Platform) -> dict[str, str]:
    """Return the variables that GRUB sets itself, all of them exported. config: path of its configuration."""
    folder = config.rpartition("/")[0]
    own = own_name(tree)
    cpu, platform = target(of)
    # kern/main.c:grub_set_prefix_and_root: where the firmware found GRUB, on a PC the disk alone
    image = f"({own}){folder}" if folder.startswith("/EFI/") else f"({own})/EFI/BOOT"
    return {
        "root": own,
        "prefix": f"({own}){folder}",
        "cmdpath": image if platform == "efi" else "(hd0)",
        "grub_cpu": cpu,
        "grub_platform": platform,
        "lang": "",
        **{f"feature_{name}": "y" for name in FEATURES},
        # GRUB's manual, "Loopback booting": set by whoever reads the loopback.cfg of an image
        **({"iso_path": tree.image} if tree.image else {}),
    }
