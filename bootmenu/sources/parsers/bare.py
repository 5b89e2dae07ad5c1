# SPDX-License-Identifier: MIT
"""Find kernels that no configuration names, and pair them with initramfs and device trees by version.

The names are those used by Debian, Fedora, openSUSE, Alpine, Arch Linux ARM, Armbian and Yocto. The content of
kernels is examined later; only .efi and .itb files are read here, since most of them are not kernels. In the /boot of
a root file system they have the kernel command line of its /etc/kernel/cmdline; all others have none, except UKIs.

What firmware itself starts is in the directories of loaders, /EFI/NAME: ZFSBootMenu and Talos are UKIs there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from bootmenu.errors import FormatError
from bootmenu.formats.identify import identify
from bootmenu.formats.kernels import fit_image, unified_image
from bootmenu.formats.reader import HEAD_SIZE, ByteSource
from bootmenu.model.entry import BootEntry, CommandLine, FileRef, Problem
from bootmenu.model.kernel import Role
from bootmenu.model.regex import regex
from bootmenu.model.value import Value, replace
from bootmenu.sources import SOURCES, ForPlatform, Platform
from bootmenu.sources.order import Name
from bootmenu.sources.parsers.uki_folder import Image, entries
from bootmenu.sources.tree import (
    LIST_LIMIT,
    Tree,
    TreeError,
    TreeErrorReason,
    examined,
    firmware_folders,
    listed,
    read_text,
)
from bootmenu.sources.version import is_version, version_key

_FOLDERS = ("/", "/boot")
_REPLACED = ("old", "previous", "backup")
"""What kernels are called that were replaced: vmlinuz.old, vmlinuz-previous.efi, and ZFSBootMenu's backup."""
_MAX_ENTRIES = 200
_MAX_PROGRAMS = 50  # EFI programs and FIT images that are examined
_CMDLINES = ("/etc/kernel/cmdline", "/usr/lib/kernel/cmdline")
_MAX_VERSION = 100  # characters
_MAX_CMDLINE = 4096  # characters, the most that any kernel takes

_PACKED = r"(?:\.(?:gz|xz|zst|lz4|lzma|bz2))?"
_KERNEL = regex(
    rf"^(?:(?:vmlinuz|vmlinux|(?:b?z|u|fit)?Image|kernel)(?:[-.](?P<version>.+?))??|linux-(?P<other>\d.*?)){_PACKED}$"
)
# UEFI specification, Removable Media Boot Behavior: what is started without a boot option
_STARTED_BY_FIRMWARE = regex(r"/EFI/BOOT/BOOT(?:X64|IA32|AA64|ARM|RISCV64|LOONGARCH64)\.EFI", re.IGNORECASE)
_PROGRAM = regex(r"^(?P<name>.+)\.(?:efi|itb)$", re.IGNORECASE)
NOT_A_KERNEL = regex(r"\.(dtbo?|txt|sig|sha256|md5|old-dkms|conf|cfg|map|img|kpart|hmac|asc)$", re.IGNORECASE)

_INITRAMFS = (
    "initrd.img-{}",  # Debian, Ubuntu, Armbian
    "initrd.img.{}",  # Debian's vmlinuz.old
    "initramfs-{}.img",  # Fedora, Arch Linux
    "initrd-{}",  # openSUSE
    "initrd-{}.img",
    "initramfs-{}",  # Alpine
    "uInitrd-{}",  # Armbian
)
_UNVERSIONED_INITRAMFS = (
    "initrd.img",
    "initramfs.img",
    "initrd",
    "initramfs",
    "initramfs-linux.img",  # beside the Image of Arch Linux ARM
    "uInitrd",
    "initrd.gz",
    "initramfs.cpio.gz",
    "initramfs.cpio",
)
TREES = (  # below the kernel's folder
    "dtb-{}",  # openSUSE, Fedora, Armbian: a folder; Debian's flash-kernel: a file
    "dtbs/{}",  # Debian's flash-kernel
    "dtbs-{}",  # Alpine
    "dtb/{}",
)
INSTALLED_TREES = (  # below the root, where packages install them
    "/usr/lib/linux-image-{}",  # Debian
    "/usr/lib/firmware/{}/device-tree",  # Ubuntu
    "/lib/firmware/{}/device-tree",
    "/usr/lib/modules/{}/dtb",  # Fedora
    "/lib/modules/{}/dtb",
)
COMMON_TREES = ("dtbs", "dtb")  # Arch Linux ARM, Armbian


class _Found(Value):
    folder: str
    """Without a trailing slash; empty for the root."""
    name: str
    version: str
    """What follows the kind of kernel in its name, and the name of what belongs to it: `6.1`, or `lts`."""
    names: frozenset[str]
    """All names in the directory."""

    @property
    def path(self) -> str:
        return f"{self.folder}/{self.name}"


@SOURCES.register("bare", last=True)
@ForPlatform
def parse(tree: Tree, platform: Platform) -> Iterator[BootEntry | Problem]:
    """Yield an entry for each file with the name of a kernel, newest first.

    Links without a version come last, so that read_partition, which takes each file once, prefers versioned names."""
    kernels: list[_Found] = []
    loaders = (
        folder for folder in firmware_folders(tree) if not folder.lower().endswith("/linux")
    )  # see uki_folder.py
    for found in listed(tree, (*_FOLDERS, *loaders)):
        if isinstance(found, Problem):
            yield found
            continue
        folder, names = found
        here = list(_named(folder.rstrip("/"), names))
        if len(here) > _MAX_ENTRIES or len(names) >= LIST_LIMIT:
            message = f"has too many files: only the first {len(here[:_MAX_ENTRIES]):,} kernels are listed"
            yield Problem(device=tree.device, path=folder, message=message)
        kernels += here[:_MAX_ENTRIES]
    # newest first
    kernels.sort(key=lambda kernel: version_key(kernel.version), reverse=True)
    # those without a version last, as /vmlinuz is usually a link to one of the others
    kernels.sort(key=lambda kernel: (not is_version(kernel.version), kernel.version.lower() in _REPLACED))
    programs = 0
    cmdline, config = "", ""
    for path in _CMDLINES if kernels else ():
        try:
            cmdline, config = _cmdline(read_text(tree, path)), path
            break
        except TreeError as error:
            if error.reason is not TreeErrorReason.MISSING:
                yield Problem(device=tree.device, path=path, message=error.detail)
    # most partitions have none of these directories: check once instead of for every kernel
    installed = [
        pattern for pattern in INSTALLED_TREES if _kind(tree, pattern.partition("{")[0].rpartition("/")[0])[1]
    ]
    for kernel in kernels:
        try:
            if not tree.stat(kernel.path).is_file:
                continue
            if _PROGRAM.match(kernel.name):
                programs += 1
                if programs > _MAX_PROGRAMS:
                    continue
                if unified := _unified(tree, kernel.path):
                    yield from _unified_entries(tree, unified, platform)
                    continue
                if not _is_kernel(tree, kernel.path):
                    continue
        except TreeError as error:
            if error.reason is not TreeErrorReason.MISSING:
                yield Problem(device=tree.device, path=kernel.path, message=error.detail)
            continue
        entry = _entry(tree, kernel, installed)
        if cmdline and kernel.folder == "/boot":
            ref = FileRef(device=tree.device, path=config, exists=True)
            entry = replace(entry, cmdline=CommandLine(cmdline), config=ref)
        yield entry


def _cmdline(text: str) -> str:
    """Return the command line in a file of kernel-install(8), whose 90-loaderentry.install writes it in one line;
    mkinitcpio (`process_preset`) drops lines that begin with #."""
    return " ".join(" ".join(line for line in text.splitlines() if not line.startswith("#")).split())[:_MAX_CMDLINE]


def _named(folder: str, names: tuple[str, ...]) -> Iterator[_Found]:
    here = frozenset(names)
    for name in names:
        if program := _PROGRAM.match(name):
            kernel = _KERNEL.match(program["name"])
        elif is_named_like_a_kernel(name):
            kernel = _KERNEL.match(name)
        else:
            continue
        version = (kernel["version"] or kernel["other"] or "") if kernel else ""
        yield _Found(folder, name, version[:_MAX_VERSION], here)


def is_named_like_a_kernel(name: str) -> bool:
    """Return whether a file has the name of a kernel, packed or not."""
    return _KERNEL.match(name) is not None and not NOT_A_KERNEL.search(name)


def _unified(tree: Tree, path: str) -> Image | None:
    """Return the UKI at that path, as its first profile, or None if it is none. Raise TreeError."""
    try:
        found = examined(tree, path, unified_image.profiles)
    except FormatError:
        return None
    return Image(path, Name.of(path.rpartition("/")[2][:-4]), found[0])


def _unified_entries(tree: Tree, image: Image, platform: Platform) -> Iterator[BootEntry | Problem]:
    default = _STARTED_BY_FIRMWARE.fullmatch(image.path) is not None and not platform.excludes(image.architecture)
    for entry in entries(tree, "", image, platform.board, default=default):
        # the names of two of them may be the same
        yield replace(entry, id=image.path) if isinstance(entry, BootEntry) else entry


def _is_kernel(tree: Tree, path: str) -> bool:
    try:
        return bool(examined(tree, path, _fit_holds_kernel if path.lower().endswith(".itb") else identify))
    except FormatError:
        return False


def _fit_holds_kernel(source: ByteSource) -> bool:
    """Return whether a FIT image holds a kernel: u-boot.itb has U-Boot. Its hashes are checked later."""
    found = fit_image.parts(source.read(0, HEAD_SIZE), source) or ()
    return any(part.role is Role.KERNEL for part in found)


def _entry(tree: Tree, kernel: _Found, installed: Sequence[str]) -> BootEntry:
    def file(path: str) -> FileRef:
        return FileRef(device=tree.device, path=path)

    wanted = [pattern.format(kernel.version) for pattern in _INITRAMFS] if kernel.version else _UNVERSIONED_INITRAMFS
    initrd = next((name for name in wanted if name in kernel.names), None)
    dtb, folder = _trees(tree, kernel, installed)
    return BootEntry(
        id=kernel.path,
        title=kernel.name,
        source="bare",
        device=tree.device,
        kernel=file(kernel.path),
        initrds=(file(f"{kernel.folder}/{initrd}"),) if initrd else (),
        dtb=file(dtb) if dtb else None,
        dtb_folder=file(folder) if folder else None,
    )


def _trees(tree: Tree, kernel: _Found, installed: Sequence[str]) -> tuple[str | None, str | None]:
    """Return (device tree, directory of trees) for a kernel. installed: the patterns of INSTALLED_TREES to try."""
    paths: list[str] = []
    if kernel.version:
        below = (f"{kernel.folder}/{pattern.format(kernel.version)}" for pattern in TREES)
        # the listing tells which of these can exist
        paths += [path for path in below if path[len(kernel.folder) + 1 :].split("/")[0] in kernel.names]
        paths += [pattern.format(kernel.version) for pattern in installed]
    for path in paths:
        is_file, is_folder = _kind(tree, path)
        if is_file or is_folder:
            return (path, None) if is_file else (None, path)
    for name in COMMON_TREES:
        path = f"{kernel.folder}/{name}"
        is_file, is_folder = _kind(tree, path) if name in kernel.names else (False, False)
        if is_file and not kernel.version:
            return path, None
        if is_folder and not (kernel.version and _has_versions(tree, path)):
            return None, path
    if not kernel.version and any(name.endswith(".dtb") for name in kernel.names):
        return None, kernel.folder or "/"
    return None, None


def _kind(tree: Tree, path: str) -> tuple[bool, bool]:
    try:
        info = tree.stat(path)
    except TreeError:
        return False, False
    return info.is_file, info.is_folder


def _has_versions(tree: Tree, path: str) -> bool:
    """Return whether a directory has a subdirectory for each kernel version."""
    try:
        return any(re.match(r"\d+\.\d", name) for name in tree.list(path))
    except TreeError:
        return False
