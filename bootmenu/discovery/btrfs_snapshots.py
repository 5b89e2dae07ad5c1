# SPDX-License-Identifier: MIT
"""Snapshots of a btrfs root file system, as snapper and Timeshift make them: what they are called, and an entry that
boots one.

A snapshot is a copy of the whole system, with its boot configuration: taken literally, that boots the system of which
it is a copy. grub-btrfs and openSUSE write entries that name the snapshot in rootflags=.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

from bootmenu.compat.facts import SnapshotFacts
from bootmenu.discovery.mount_points import MountError
from bootmenu.discovery.resolve import names_of
from bootmenu.discovery.storage import btrfs
from bootmenu.model.entry import CommandLine, Snapshot
from bootmenu.model.regex import regex
from bootmenu.model.value import replace
from bootmenu.sources import version_of
from bootmenu.sources.tree import TreeError, exists
from bootmenu.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from bootmenu.compat.facts import EntryFacts
    from bootmenu.discovery.devices import Device
    from bootmenu.discovery.mounts import Mounts
    from bootmenu.model.entry import BootEntry, FileRef
    from bootmenu.sources.tree import Tree
    from bootmenu.system.directory_tree import DirectoryTree

_PATH = regex(
    # snapper: @/.snapshots/12/snapshot, or @snapshots/12/snapshot as Arch's installer lays it out
    r"/?(?P<path>(?P<folder>(?:[^\n]*/)?[^/\n]*snapshots)/(?P<name>\d{1,9})/snapshot"
    # Timeshift, src/Core/SnapshotRepo.vala: timeshift-btrfs/snapshots/2026-11-14_09-30-01/@
    r"|(?P<folder2>(?:[^\n]*/)?timeshift-btrfs/snapshots)/(?P<name2>[^/\n]{1,64})/[^/\n]{1,64}"
    # refind-btrfs makes writable copies of snapper's: @/root/.refind-btrfs/rwsnap_2026-11-14_09-30-01_ID502
    r"|(?P<folder3>[^\n]*)/(?P<name3>rwsnap_[-\d]{10}_[-\d]{8}_ID\d{1,19}))(?P<rest>/.*)?"
)
_INFO_LIMIT = 64 * 1024
_LONGEST_TEXT = 120
"""Characters of a description that are shown."""
_UNWRITABLE = regex(r"[\s,\"'\\]")
"""What cannot be part of a subvolume's path in rootflags=."""


def named(path: str) -> Snapshot | None:
    """Return the snapshot whose subvolume has this path from the top level, or None if it is no snapshot's."""
    match = _PATH.fullmatch(path)
    return None if match is None or match["rest"] else _snapshot(match)


def _snapshot(match: re.Match[str]) -> Snapshot:
    folder, name = (match[kind] or match[f"{kind}2"] or match[f"{kind}3"] or "" for kind in ("folder", "name"))
    return Snapshot(path=match["path"], folder=folder, name=name)


def subvolume(cmdline: CommandLine) -> str:
    """Return the subvolume in rootflags=subvol=, without a slash in front, or an empty text."""
    return _subvolume_of(cmdline.get("rootflags") or "")


def _subvolume_of(options: str) -> str:
    """Return the subvolume in options of mount, without a slash in front, or an empty text."""
    flags = (option.partition("=") for option in options.split(","))
    return next((value.strip("/") for name, _, value in reversed([*flags]) if name == "subvol"), "")


def in_snapshot(entry: BootEntry, mounts: Mounts, own: Device, root: Device | None) -> BootEntry:
    """Return an entry so that it boots the snapshot in which it was found, with a title that tells this snapshot from
    others. own: the partition that offers it. root: the one that root= names, or None."""
    inside = _inside(own, mounts) or _copy(own, mounts, subvolume(entry.cmdline))
    if inside is not None:
        entry = replace(entry, default=False)  # the system itself is the default
        if root is None and entry.cmdline.get("root"):
            # a disk that was unlocked here has another name: fstab says whether this is what the entry means
            original = subvolume(entry.cmdline)
            if not original or _root_subvolume(own, mounts) != original:
                return replace(entry, manual="its root file system is not found, and may not be this snapshot")
            root = own
        if root is not None and root in (own, own.parent):
            entry = _moved(entry, inside, own, mounts)
    elif root is None:
        return entry
    shown = named(subvolume(entry.cmdline)) or inside
    if shown is None or (inside is None and root is None):
        return entry
    file_system = (own.parent or own) if inside is not None else root
    assert file_system is not None
    shown = _described(shown, mounts, file_system)
    return replace(entry, snapshot=shown, title=_titled(entry.title, shown))


def is_of_another(entry: BootEntry, own: Device) -> bool:
    """Return whether an entry that the configuration in a snapshot offers is one of other snapshots, which it copied
    with the system's menu of snapshots: openSUSE's leads to their configurations, grub-btrfs has a file for them."""
    if entry.config is None or own.filesystem != "btrfs" or named(own.inner_path) is None:
        return False
    match = _PATH.fullmatch(entry.config.path)
    return (match is not None and bool(match["rest"])) or entry.config.path.endswith("/grub-btrfs.cfg")


def _inside(own: Device, mounts: Mounts) -> Snapshot | None:
    """Return the snapshot that a device is, or None. A directory given by --tree in place of a file system may be the
    system's subvolume, and not the top level: its fstab says which subvolume has the snapshots."""
    found = named(own.inner_path) if own.filesystem == "btrfs" else None
    if found is None or found.folder != ".snapshots" or own.parent is None or own.parent.folder is None:
        return found
    with contextlib.suppress(MountError, TreeError), mounts.reading(own.parent) as tree:
        for fields in _fstab(tree):
            if fields[1] == "/.snapshots" and (folder := _subvolume_of(fields[3])):
                return Snapshot(path=f"{folder}/{found.name}/snapshot", folder=folder, name=found.name)
    return found


def _copy(own: Device, mounts: Mounts, original: str) -> Snapshot | None:
    """Return a subvolume as a snapshot, whatever made it, if it is a copy of another one: its fstab has the original
    as the root file system, and the entry boots that. Another system on the same disk has its own subvolume there.
    original: the subvolume in rootflags=."""
    path = own.inner_path.strip("/")
    if own.filesystem != "btrfs" or own.parent is None or not path or original in ("", path):
        return None
    if _root_subvolume(own, mounts) != original:
        return None
    return Snapshot(path=path, folder=path.rpartition("/")[0], name=path.rpartition("/")[2])


def _root_subvolume(own: Device, mounts: Mounts) -> str:
    """Return the subvolume that the fstab in a subvolume has as the root file system, or an empty text."""
    with _below(mounts, own) as tree, contextlib.suppress(TreeError):
        root = next((fields for fields in _fstab(tree) if fields[1] == "/"), None) if tree is not None else None
        return _subvolume_of(root[3]) if root is not None else ""
    return ""


@contextlib.contextmanager
def _below(mounts: Mounts, own: Device) -> Iterator[Tree | None]:
    """Yield the files of a subvolume, and no others: the tree of `own` also has those of the top level."""
    with _top(mounts, own.parent or own) as top, ExitStack() as opened:
        tree = None
        if top is not None:
            with contextlib.suppress(TreeError):
                tree = opened.enter_context(mounts.below(top, own.inner_path))
        yield tree


def _fstab(tree: Tree) -> Iterator[list[str]]:
    """Yield the fields of the lines of a system's fstab."""
    for line in _text(tree, "/etc/fstab").splitlines():
        if len(fields := line.split()) >= 4 and not fields[0].startswith("#"):
            yield fields


def _moved(entry: BootEntry, snapshot: Snapshot, own: Device, mounts: Mounts) -> BootEntry:
    """Return an entry of a snapshot's own configuration, with its root file system and its files in the snapshot."""
    before = subvolume(entry.cmdline)
    if _UNWRITABLE.search(snapshot.path):
        return replace(entry, manual="its snapshot cannot be named in rootflags=, because of its path")
    notes = list(entry.notes)
    if before != snapshot.path:
        entry = replace(
            entry, cmdline=CommandLine(_with_subvolume(entry.cmdline, snapshot.path), entry.cmdline.unset)
        )
        instead = f"in place of {before}" if before else "added"
        notes.append(f"rootflags=subvol={snapshot.path} ({instead}), so that this snapshot is booted")
    with _below(mounts, own) as tree:
        same = names_of(own) | (names_of(own.parent) if own.parent else frozenset())

        def here(ref: FileRef) -> FileRef:
            if tree is None or ref.device not in same:
                return ref
            found = next((path for path in _paths_inside(ref.path, before) if exists(tree, path)), None)
            return ref if found is None else replace(ref, device=own.name, path=found)

        moved = replace(
            entry,
            kernel=here(entry.kernel),
            initrds=tuple(map(here, entry.initrds)),
            dtb=here(entry.dtb) if entry.dtb else None,
            overlays=tuple(map(here, entry.overlays)),
        )
    if moved.kernel != entry.kernel:
        notes.append(f"the kernel is the snapshot's own, not {entry.kernel.path}")
    return replace(moved, notes=tuple(notes))


def _paths_inside(path: str, before: str) -> Iterator[str]:
    """Yield the paths that a file of a copy may have in the copy, where its configuration says `path`. GRUB's paths
    start at the top level: those of a copy lead into the original. before: the subvolume in rootflags=."""
    match = _PATH.fullmatch(path)
    if match and match["rest"]:
        yield match["rest"]
    yield path
    if before and path.startswith(f"/{before}/"):
        yield path.removeprefix(f"/{before}")
    first, slash, rest = path[1:].partition("/")
    if slash and (first.startswith("@") or first == "root"):
        yield f"/{rest}"


_FLAGS = regex(r'(?<!\S)"?rootflags=(?:"[^"]*"|\S*)"?')


def _with_subvolume(cmdline: CommandLine, path: str) -> str:
    """Return the text of a command line that mounts this subvolume of the root file system."""
    given = (cmdline.get("rootflags") or "").split(",")
    kept = [option for option in given if option and option.partition("=")[0] not in ("subvol", "subvolid")]
    flags = f"rootflags={','.join((*kept, f'subvol={path}'))}"
    before, dashes, after = cmdline.text.partition(" -- ")
    text, found = _FLAGS.subn(lambda _: flags, before)
    return f"{text if found else f'{before} {flags}'.strip()}{dashes}{after}"


_TIME = regex(r"\d{4}-\d\d-\d\d[ _T]\d\d[:-]\d\d")


def _titled(title: str, snapshot: Snapshot) -> str:
    """Return a title with the snapshot's date and description, unless it has them."""
    words = []
    # grub-btrfs and limine-snapper-sync write the local time, snapper UTC
    if snapshot.date and not _TIME.search(title):
        words.append(snapshot.date)
    if snapshot.description and snapshot.description not in title:
        words.append(snapshot.description)
    if not snapshot.date and not snapshot.description and snapshot.name not in title:
        words.append(f"snapshot {snapshot.name}")
    return f"{title} ({', '.join(words)})" if words else title


# --- what the tools say about a snapshot

_BEFORE = regex(r"<pre_num>(\d{1,9})</pre_num>")
"""Of a snapshot after a change, the number of the one before it, which may have the description for both; so have it
snapper's plugin for GRUB and sdbootutil."""


def _described(snapshot: Snapshot, mounts: Mounts, device: Device) -> Snapshot:
    """Return the snapshot with the date and the description that its tool noted."""
    with _top(mounts, device) as top:
        for folder in _folders(snapshot, device) if top is not None else ():
            assert top is not None
            for name, read in _INFO.items():
                with contextlib.suppress(TreeError, ValueError, RecursionError):
                    info = _text(top, f"/{folder}/{name}")
                    date, text = read(info)
                    if not text and (before := _BEFORE.search(info)):
                        with contextlib.suppress(TreeError):
                            _, text = read(_text(top, f"/{folder.rpartition('/')[0]}/{before[1]}/{name}"))
                    return replace(snapshot, date=date or _date(snapshot.name), description=_short(text))
    return replace(snapshot, date=_date(snapshot.name))


@contextlib.contextmanager
def _top(mounts: Mounts, device: Device) -> Iterator[DirectoryTree | None]:
    """Yield the top level of a btrfs file system, or the directory given by --tree in its place."""
    with ExitStack() as opened:
        top = None
        with contextlib.suppress(MountError):
            top = opened.enter_context(mounts.reading(btrfs.top_level(device) if device.folder is None else device))
        yield top


def _folders(snapshot: Snapshot, device: Device) -> Iterator[str]:
    yield f"{snapshot.folder}/{snapshot.name}"
    if device.folder is not None:  # which may be the system's subvolume itself
        yield f".snapshots/{snapshot.name}"


def _text(tree: Tree, path: str) -> str:
    return tree.read(path, _INFO_LIMIT).decode("utf-8", "replace")


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 1]}…"


def _date(text: str) -> str:
    """Return `2026-11-14 09:30` for what begins with a date and a time in a form of the tools, or an empty text."""
    match = _TIME.search(text)
    return f"{match[0][:10]} {match[0][11:13]}:{match[0][14:16]}" if match else ""


def _snapper(text: str) -> tuple[str, str]:
    # snapper, snapper/Snapshot.cc:writeInfo: <snapshot> with plain elements, one of each; no attributes. Entities
    # that a document declares are not looked up.
    def element(name: str) -> str:
        match = re.search(rf"<{name}>([^<]{{0,4096}})</{name}>", text)
        if match is None:
            return ""
        import html  # for a snapshot that has such a note

        return html.unescape(match[1])

    return _date(element("date").strip()), element("description")


def _timeshift(text: str) -> tuple[str, str]:
    # Timeshift, src/Core/Snapshot.vala:read_control_file; the folder's name is its local time
    found = json.loads(text)
    comments = found.get("comments") if isinstance(found, dict) else None
    return "", comments if isinstance(comments, str) else ""


_INFO = {"info.xml": _snapper, "info.json": _timeshift}


# --- facts for the checks


def facts_of(
    facts: EntryFacts, cmdline: CommandLine, mounts: Mounts, own: Device, root: Device, devices: Sequence[Device]
) -> SnapshotFacts | None:
    """Return what the checks have to know of the snapshot that root= and rootflags= name, or None if it is none."""
    snapshot = named(subvolume(cmdline))
    kernel = facts.file("kernel")
    if snapshot is None or kernel is None:
        return None
    holder = next((device for device in (own, *devices) if device.name == kernel.device), None)
    match = _PATH.fullmatch(kernel.path)
    if match and match["rest"]:
        place = match["path"]
    elif holder is not None and named(holder.inner_path) is not None:
        # a path that is not found in a snapshot is looked for from the top level
        outside = kernel.path.startswith(f"/{snapshot.path.rpartition('/')[2]}/")
        place = kernel.path.split("/")[1] if outside else holder.inner_path.strip("/")
    else:
        place = kernel.device
    release = _release(facts)
    with _top(mounts, root) as top:
        modules = read_only = None
        writable = False
        if top is not None:
            for path in (snapshot.path, *((f".snapshots/{snapshot.name}/snapshot",) if root.folder else ())):
                with contextlib.suppress(TreeError), mounts.below(top, f"/{path}") as tree:
                    modules = _has_modules(tree, release)
                    read_only = mounts.is_read_only_subvolume(tree)
                    writable = _var_elsewhere(tree)
                    break
    return SnapshotFacts(
        path=snapshot.path,
        kernel_in=place,
        release=release,
        modules=modules,
        read_only=read_only,
        writes_elsewhere=writable or any(cmdline.get(option) is not None for option in _OVERLAYS),
    )


_OVERLAYS = ("systemd.volatile", "rd.live.overlay.overlayfs", "overlayroot")
"""Options by which what is written goes into memory: systemd-volatile-root(8), dracut, overlayroot."""


def _release(facts: EntryFacts) -> str:
    kernel = facts.file("kernel")
    image = facts.kernel.image if facts.kernel else None
    named_so = version_of(kernel.resolved or kernel.path) if kernel else ""
    # sdbootutil writes `version SNAPSHOT@RELEASE`
    return facts.banner or (image.version if image else None) or named_so or facts.version.rpartition("@")[2]


def _has_modules(tree: Tree, release: str) -> bool | None:
    if not release or "/" in release:
        return None
    for folder in ("/usr/lib/modules", "/lib/modules"):
        with contextlib.suppress(TreeError):
            return release in tree.list(folder)
    return None


def _var_elsewhere(tree: Tree) -> bool:
    """Return whether /var is a subvolume or a partition of its own, as openSUSE lays it out for its snapshots."""
    with contextlib.suppress(TreeError):
        return any(fields[1] == "/var" for fields in _fstab(tree))
    return False
