# SPDX-License-Identifier: MIT
"""Let the system of an installation medium find its medium again when that is a file on a partition.

Firmware starts such a system from a drive, where its initramfs looks for it. Started from an image file, it needs the
path of the file in a kernel parameter, which differs between the initramfses. Which one an image has is seen from
what lies in it and from its kernel command line, never from names that somebody chose. A loopback.cfg adds the
parameter itself (GRUB's manual, "Loopback booting").
"""

from __future__ import annotations

import re
from collections.abc import Callable

from bootmenu.model.entry import BootEntry, CommandLine
from bootmenu.model.regex import regex
from bootmenu.model.value import replace
from bootmenu.sources.references import written
from bootmenu.sources.tree import Tree, TreeError, exists, names_in, normal

FORMATS = ("grub", "syslinux", "bls")
"""The formats that are read in an image. The first that has entries is taken, as all of them offer the same."""

_MAX_FOLDERS = 16
_UNREADABLE = regex(r"[\s\"'\\$`]")
"""What the scripts of an initramfs, which split /proc/cmdline at blanks, do not read as part of a path."""
_END = regex(r"(?<!\S)---?(?!\S)")
"""What comes after is init's, or with three dashes what Debian's and Ubuntu's installers pass on."""

System = Callable[[Tree, BootEntry], "tuple[str, ...] | str | None"]
"""Return the parameters to add, or why there are none, or None if this is another kind of system."""


def from_file(tree: Tree, entry: BootEntry) -> BootEntry:
    """Return an entry that an image offers, with the parameter by which its system finds the image file.

    Where none is known, or none could work, the entry never starts automatically."""
    entry = replace(entry, default=False)  # an image on a disk is not what the disk is there for
    if tree.image in entry.cmdline.text:
        # its configuration says it: a loopback.cfg, or one that uses $iso_path
        return replace(entry, manual=_obstacle(tree))
    found: tuple[str, ...] | str | None = next(
        (answer for system in _SYSTEMS if (answer := system(tree, entry)) is not None), None
    )
    if found is None:
        if entry.config is not None and entry.config.path.endswith("/loopback.cfg"):
            return entry  # it is written for image files
        found = "nothing in this image says how its system finds the image file again"
    elif isinstance(found, tuple):
        found = (_obstacle(tree) or found) if found else ()
    if not found:
        return entry  # it needs none
    if isinstance(found, str):
        return replace(entry, manual=found)
    text = entry.cmdline.text
    end = match.start() if (match := _END.search(text)) else len(text)
    text = " ".join((text[:end].rstrip(), *found, text[end:])).strip()
    note = f"{' '.join(found)} was added, so that the system finds its image file"
    return replace(entry, cmdline=CommandLine(text, unset=entry.cmdline.unset), notes=(*entry.notes, note))


def _obstacle(tree: Tree) -> str:
    """Return why no parameter can name the image file, or an empty text."""
    if _UNREADABLE.search(tree.image):
        return "the path of the image file has a blank or a special character, which no initramfs reads"
    if ":/" in tree.device.removesuffix(f":{tree.image}"):
        return "the image file is in a subvolume or in another image, where no initramfs looks for it"
    return ""


def _is_folder(tree: Tree, path: str) -> bool:
    try:
        return tree.stat(normal(path)).is_folder
    except TreeError:
        return False


def _names(tree: Tree, path: str) -> tuple[str, ...]:
    return names_in(tree, normal(path))[:_MAX_FOLDERS]


def _debian_live(tree: Tree, entry: BootEntry) -> tuple[str, ...] | None:
    # live-boot, components/9990-cmdline-old: findiso=; initramfs-tools runs it for boot=live. So have Kali, GRML,
    # Clonezilla, GParted, Tails.
    folder = entry.cmdline.get("live-media-path") or "live"
    if entry.cmdline.get("boot") != "live" or not _is_folder(tree, folder):
        return None
    return (f"findiso={tree.image}",)


def _casper(tree: Tree, entry: BootEntry) -> tuple[str, ...] | None:
    # casper (before, lupin-casper), scripts/casper-premount/20iso_scan. Ubuntu, Mint, Pop!_OS; since Ubuntu 20.04
    # boot=casper is left out, as the initramfs has it as its default.
    folder = entry.cmdline.get("live-media-path") or "casper"
    boot = entry.cmdline.get("boot")
    if not _is_folder(tree, folder) or not (
        boot == "casper" or (boot is None and entry.kernel.path.startswith(f"{normal(folder)}/"))
    ):
        return None
    return (f"iso-scan/filename={tree.image}",)


_BY_NAME = regex(r"(?:CDLABEL|LABEL|UUID|PARTUUID|PARTLABEL)=.|/dev/disk/by-.")


def _dracut(tree: Tree, entry: BootEntry) -> tuple[str, ...] | None:
    # dracut, modules.d/90dmsquash-live/iso-scan.sh sets up a loop device, which then has the name in root=live:NAME.
    # kiwi's kiwi-live (openSUSE's live systems) installs the same script. Fedora, Void, OpenMandriva.
    root = entry.cmdline.get("root") or ""
    if not root.startswith("live:") and entry.cmdline.get("rd.live.image") is not None:
        root = f"live:{root}"  # parse-dmsquash-live.sh: the form before "live:"
    kind, _, name = root.partition(":")
    folder = entry.cmdline.get("rd.live.dir") or "LiveOS"
    # dmsquash-live-root.sh: what it looks for there
    files = (entry.cmdline.get("rd.live.squashimg") or "squashfs.img", "rootfs.img", "ext3fs.img")
    if kind != "live" or not _BY_NAME.match(name) or not any(exists(tree, normal(f"{folder}/{f}")) for f in files):
        return None
    return (f"iso-scan/filename={tree.image}",)


def _anaconda(tree: Tree, entry: BootEntry) -> tuple[str, ...] | None:
    # anaconda, dracut/parse-anaconda-repo.sh: hd:LABEL=..., a device that iso-scan.sh makes; its initramfs is built
    # with dmsquash-live (lorax)
    if not exists(tree, "/images/install.img") and not _is_folder(tree, "/LiveOS"):
        return None
    for option in ("inst.stage2", "inst.repo", "stage2", "repo"):
        kind, _, name = (entry.cmdline.get(option) or "").partition(":")
        if kind == "hd" and _BY_NAME.match(name):
            return (f"iso-scan/filename={tree.image}",)
    return None


def _archiso(tree: Tree, entry: BootEntry) -> tuple[str, ...] | str | None:
    # mkinitcpio-archiso, hooks/archiso and hooks/archiso_loop_mnt; SystemRescue has another basedir. Parabola,
    # Hyperbola and KaOS have copies of it, with their name before `iso`.
    prefix = next((match[1] for name, _ in entry.cmdline.options() if (match := _ARCHISO.fullmatch(name))), None)
    if prefix is None:
        return None
    base = entry.cmdline.get(f"{prefix}isobasedir") or prefix
    for architecture in _names(tree, base):
        if any(name.startswith(("airootfs.", "root-image.")) for name in _names(tree, f"{base}/{architecture}")):
            return _img_loop(tree)
    return None


_ARCHISO = regex(r"([a-z]+)iso(?:basedir|label|searchuuid|searchfilename|device)")


def _manjaro(tree: Tree, entry: BootEntry) -> tuple[str, ...] | str | None:
    # manjaro-tools, initcpio/hooks/miso_loop_mnt
    base = entry.cmdline.get("misobasedir")
    return _img_loop(tree) if base and _is_folder(tree, base) else None


def _img_loop(tree: Tree) -> tuple[str, ...] | str:
    """Return the parameters of a hook that mounts one partition, which it has to be told."""
    for kind in ("uuid", "partuuid"):
        if value := _of_partition(tree, kind):
            return (f"img_dev=/dev/disk/by-{kind}/{value}", f"img_loop={tree.image}")
    return _NO_UUID


_NO_UUID = "its system has to be told the partition of the image file, whose UUID is not known"


def _of_partition(tree: Tree, kind: str) -> str:
    """Return the UUID of the partition that holds the image, as udev's links have it; empty if it is not known."""
    outer = (name.removesuffix(f":{tree.image}") for name in sorted(tree.names))
    return next((written(name.partition("=")[2]) for name in outer if name.startswith(f"{kind}=")), "")


def _nixos(tree: Tree, entry: BootEntry) -> tuple[str, ...] | None:
    # nixpkgs, nixos/modules/system/boot/stage-1-init.sh
    if not exists(tree, "/nix-store.squashfs") or not (entry.cmdline.get("init") or "").startswith("/nix/store/"):
        return None
    return (f"findiso={tree.image}",)


def _suse(tree: Tree, entry: BootEntry) -> tuple[str, ...] | None:
    # linuxrc, linuxrc_boot.md: install=hd:PATH may name an image file; the installer is in boot/ARCHITECTURE/root
    match = re.match(r"/boot/[^/]+(?=/(?:loader/)?linux$)", entry.kernel.path)
    if match is None or not exists(tree, f"{match[0]}/root") or entry.cmdline.get("root"):
        return None
    # a network installer names its server
    return () if entry.cmdline.get("install") else (f"install=hd:{tree.image}",)


def _android(tree: Tree, entry: BootEntry) -> tuple[str, ...] | None:
    # Android-x86, bootable/newinstaller/initrd/init
    parts = ("/system.sfs", "/system.efs", "/system.img")
    if entry.kernel.path != "/kernel" or not any(exists(tree, path) for path in parts):
        return None
    return (f"iso-scan/filename={tree.image}",)


def _live_kit(tree: Tree, entry: BootEntry) -> tuple[str, ...] | None:
    # linux-live, livekitlib:find_data_try, and Porteus, linuxrc: from= may name an image file
    known = any(_is_folder(tree, name) for name in ("slax", "porteus")) and "/boot/" in entry.kernel.path
    return (f"from={tree.image}",) if known else None


def _liveslak(tree: Tree, _: BootEntry) -> tuple[str, ...] | None:
    # liveslak, liveinit.tpl: livemedia=scandev:PATH. Slackware Live
    return (f"livemedia=scandev:{tree.image}",) if _is_folder(tree, "liveslak/system") else None


def _antix(tree: Tree, entry: BootEntry) -> tuple[str, ...] | str | None:
    # antiX's and MX's live-init: the UUID of the partition, and the file on it
    if not entry.kernel.path.startswith("/antiX/"):
        return None
    uuid = _of_partition(tree, "uuid")
    return (f"buuid={uuid}", f"fromiso={tree.image}") if uuid else _NO_UUID


def _genkernel(tree: Tree, entry: BootEntry) -> tuple[str, ...] | None:
    # genkernel, defaults/initrd.scripts:findmediamount. Gentoo, Pentoo, Calculate
    loop = entry.cmdline.get("loop")
    if entry.cmdline.get("cdroot") is None or not loop or not exists(tree, normal(loop)):
        return None
    return (f"isoboot={tree.image}",)


def _in_memory(tree: Tree, entry: BootEntry) -> tuple[str, ...] | None:
    # Debian's and Ubuntu's mini.iso, whose installer fetches everything; Tiny Core without extensions
    core = any(_CORE.fullmatch(ref.path) for ref in entry.initrds) and entry.cmdline.get("cde") is None
    return () if core or exists(tree, "/.disk/mini-info") else None


_CORE = regex(r"/boot/core(?:pure)?(?:64)?\.gz")


def _alpine(tree: Tree, _: BootEntry) -> str | None:
    # mkinitfs, nlplug-findfs.c looks for .boot_repository on file systems of block devices only
    if not exists(tree, "/apks/.boot_repository") and not exists(tree, "/.alpine-release"):
        return None
    return "Alpine's initramfs looks for its packages on partitions only, not in an image file"


def _debian_installer(tree: Tree, entry: BootEntry) -> str | None:
    # debian-installer: only the initramfs of its hd-media build has iso-scan, and that is on no medium
    if not entry.kernel.path.startswith("/install") or not _is_folder(tree, "/dists"):
        return None
    return "Debian's installer looks for its packages on a drive only, not in an image file"


_SYSTEMS: tuple[System, ...] = (
    *(_debian_live, _casper, _dracut, _anaconda, _archiso, _manjaro, _nixos, _suse, _android),
    *(_live_kit, _liveslak, _antix, _genkernel, _in_memory),
    *(_alpine, _debian_installer),
)
