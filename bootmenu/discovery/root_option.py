# SPDX-License-Identifier: MIT
"""Find the partition that root= on a kernel command line names, and whether it has an init."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence

from bootmenu.compat.facts import RootFacts
from bootmenu.discovery import btrfs_snapshots, resolve
from bootmenu.discovery.mount_points import MountError
from bootmenu.discovery.resolve import names_of
from bootmenu.discovery.storage import btrfs
from bootmenu.model.value import replace
from bootmenu.sources.references import canonical
from bootmenu.sources.tree import CONFIG_LIMIT, TreeError, TreeErrorReason, exists, normal
from bootmenu.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from bootmenu.compat.facts import EntryFacts
    from bootmenu.discovery.devices import Device
    from bootmenu.discovery.mounts import Mounts
    from bootmenu.model.entry import CommandLine
    from bootmenu.sources.tree import Tree
    from bootmenu.system.directory_tree import DirectoryTree

_INITS = (
    # init/main.c:kernel_init, and the init script of initramfs-tools, which tries the same files
    *("/sbin/init", "/etc/init", "/bin/init", "/bin/sh"),
    # switch-root.c: a systemd in the initramfs looks for these first
    *("/usr/lib/systemd/systemd", "/lib/systemd/systemd"),
)
_IN_A_FILE = (
    *("boot", "loop", "findiso", "iso-scan/filename", "img_dev", "cos-img/filename"),
    *("snap_core", "snapd_recovery_mode", "composefs"),
)
"""Options of initramfses that mount root= as a medium with a file that holds the root file system."""
_DRACUT = "/usr/bin/dracut"
"""With hostonly_cmdline, dracut writes the root options of the running system into the initramfs (dracut.conf(5))."""
_FOLDERS = frozenset(("bin", "dev", "etc", "lib", "proc", "sbin", "sys", "usr", "var"))
_WHOLE = 3
"""Minimum number of _FOLDERS that a root file system has, even one with only a program and its libraries."""
_MAX_SUBVOLUMES = 32
_MAX_PROBED = 8


def reference(cmdline: CommandLine) -> str | None:
    """Return the partition that root= names, in the form for references.resolve, or None if it names none where a
    kernel or initramfs would look for init."""
    wanted = cmdline.get("root") or ""
    if "PARTNROFF=" in wanted or any(cmdline.get(option) for option in _IN_A_FILE) or cmdline.get("rdinit"):
        # relative to another partition; a live system, whose root is in a file; a system in the initramfs
        return None
    ostree = cmdline.get("ostree")
    if ostree is not None and not ostree.startswith("/"):
        return None  # the initramfs chooses the deployment
    if re.match(r"(?:UUID|LABEL|PARTUUID|PARTLABEL)=.|/dev/.", wanted):
        return canonical(wanted)
    return None


def named_by(wanted: str, own: Device, devices: Sequence[Device]) -> Device | None:
    """Return the device that an entry on `own` refers to, preferring its own file system, or None."""
    for device in (own, own.parent):
        if device is not None and wanted in names_of(device):
            return device
    return resolve.resolve(wanted, own, devices)


def with_root(
    facts: EntryFacts, cmdline: CommandLine, mounts: Mounts, own: Device, devices: Sequence[Device]
) -> EntryFacts:
    """Return the facts of an entry on `own`, with those of the partition that root= names if it is one of the
    devices."""
    device = root_device(cmdline, own, devices)
    if device is None:
        return facts
    snapshot = btrfs_snapshots.facts_of(facts, cmdline, mounts, own, device, devices)
    return replace(facts, root=root_facts(mounts, device, cmdline), snapshot=snapshot)


def root_device(cmdline: CommandLine, own: Device, devices: Sequence[Device]) -> Device | None:
    """Return the device that root= names, if it is the entry's own or one of the devices."""
    wanted = reference(cmdline)
    return None if wanted is None else named_by(wanted, own, devices)


def root_facts(mounts: Mounts, device: Device, cmdline: CommandLine) -> RootFacts | None:
    """Return what would be started from this partition, or None if it cannot be opened, or is a medium (ISO 9660)
    whose initramfs finds the root in a file on it."""
    if device.filesystem == "iso9660":
        return None
    try:
        with mounts.reading(device) as tree:
            return _root_facts(mounts, device, tree, cmdline)
    except MountError:
        return None


def _root_facts(mounts: Mounts, device: Device, tree: DirectoryTree, cmdline: CommandLine) -> RootFacts | None:
    flags = dict(option.partition("=")[::2] for option in (cmdline.get("rootflags") or "").split(","))
    subvolume = flags.get("subvol", "").strip("/")
    number = flags.get("subvolid", "")
    inits = (cmdline.get("init"), *_INITS)
    below = normal(cmdline.get("ostree") or "/").rstrip("/")
    is_btrfs = device.filesystem == "btrfs"
    with contextlib.ExitStack() as opened:
        top: DirectoryTree | None = None
        if is_btrfs and device.folder is None:
            with contextlib.suppress(MountError):
                top = opened.enter_context(mounts.reading(btrfs.top_level(device)))
        elif device.folder is not None:
            top = tree
        if number and not subvolume:
            if int(number) != btrfs.TOP_NUMBER if number.isdecimal() else True:
                return None  # a subvolume id cannot be resolved to a path here
            tree, subvolume = top or tree, number
        elif subvolume:
            try:
                named = None if top is None else opened.enter_context(mounts.below(top, f"/{subvolume}"))
            except TreeError as error:
                if error.reason is not TreeErrorReason.MISSING:
                    return None
                if device.folder is None:
                    return RootFacts(subvolume=subvolume, missing=True, others=_others(mounts, top, inits)[0])
                named = tree  # the folder given by --tree may be the subvolume itself
            if named is None:
                return None
            tree = named
        found, denied = _init(tree, inits, below)
        if found:
            return RootFacts(subvolume=subvolume, init=found)
        if denied or _usr_elsewhere(tree, cmdline):
            return RootFacts(subvolume=subvolume, denied=True)
        others, dracut = _others(mounts, top, inits)
        with contextlib.suppress(TreeError):
            whole = len(_FOLDERS & set(tree.list("/"))) >= _WHOLE
            if device.folder is not None and not others and not whole:
                return None  # the folder given by --tree is only a part of a root, such as its /boot
            return RootFacts(
                subvolume=subvolume,
                others=others,
                # rootflags= on the command line overrides what dracut wrote into the initramfs
                dracut=dracut and not cmdline.get("rootflags"),
                whole=whole,
                default_known=mounts.is_default(device),
            )
        return RootFacts(subvolume=subvolume, denied=True)


def _init(tree: Tree, inits: Sequence[str | None], below: str) -> tuple[str, bool]:
    """Return the first of these files that exists, and whether one could not be checked."""
    denied = False
    for path in inits:
        if not path:
            continue
        try:
            if tree.stat(f"{below}{normal(path)}").is_file:
                return path, False
        except TreeError as error:
            # other than MISSING: it may be a link into /usr on another partition
            denied |= error.reason is not TreeErrorReason.MISSING
    return "", denied


_USR = ("mount.usr", "usrhash", "systemd.verity_usr_data")
"""Options that name the partition of /usr (systemd-fstab-generator(8), systemd-veritysetup-generator(8))."""


def _usr_elsewhere(tree: Tree, cmdline: CommandLine) -> bool:
    """Return whether /usr, with init, is on another partition: the kernel command line or fstab says so, or the
    directory is empty, as for systemd-gpt-auto-generator(8)."""
    if any(cmdline.get(option) for option in _USR):
        return True
    with contextlib.suppress(TreeError):
        if not tree.list("/usr"):
            return True
    try:
        lines = tree.read("/etc/fstab", CONFIG_LIMIT).decode("utf-8", "replace").splitlines()
    except TreeError:
        return False
    return any(line.split()[1:2] == ["/usr"] for line in lines if not line.lstrip().startswith("#"))


def _others(mounts: Mounts, top: DirectoryTree | None, inits: Sequence[str | None]) -> tuple[tuple[str, ...], bool]:
    """Return the top-level subvolumes that have an init, as rootflags=subvol= names them, and whether one of these
    systems has dracut."""
    if top is None:
        return (), False
    found, dracut = [], False
    for name in _subvolumes(top):
        with contextlib.suppress(TreeError), mounts.below(top, f"/{name}") as tree:
            if _init(tree, inits, "")[0]:
                found.append(name)
                dracut |= exists(tree, _DRACUT)
    return tuple(found[:_MAX_PROBED]), dracut


def _subvolumes(top: Tree) -> Iterator[str]:
    left = _MAX_SUBVOLUMES
    # the names that distributions use come first
    usual = ("@", "root", "@rootfs", "@root")
    with contextlib.suppress(TreeError):
        for name in sorted(top.list("/"), key=lambda name: (name not in usual, name))[: 10 * _MAX_SUBVOLUMES]:
            if left and btrfs.is_subvolume(top, f"/{name}"):
                left -= 1
                yield name
