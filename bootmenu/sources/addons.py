# SPDX-License-Identifier: MIT
"""Apply addons of unified kernel images: files that extend a UKI's kernel command line, initramfs or device tree.

systemd-stub(7), COMPANION FILES.
"""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.errors import FormatError
from bootmenu.formats.kernels import unified_image
from bootmenu.model.entry import BootEntry, FileRef, Problem
from bootmenu.model.kernel import Role
from bootmenu.model.value import replace
from bootmenu.sources import Board
from bootmenu.sources.order import Name
from bootmenu.sources.tree import Tree, TreeError, examined, once

_MAX_ADDONS = 100
SUFFIX = ".addon.efi"


def beside(tree: Tree, kernel: str, prefix: str) -> Iterator[str | Problem]:
    """Yield the paths of the addons of the UKI at that path, in the order in which they are applied.

    prefix: the root of its boot partition, one of order.PREFIXES.
    """
    # "Similar files may also be placed in the ESP/loader/addons/ directory"; those come first, then the image's own
    # (src/boot/stub.c:run)
    for place in (f"{prefix}/loader/addons", *own_folders(kernel)):
        try:
            names = _names(tree, place)
        except TreeError as error:
            if not error.reason.is_absence:
                yield Problem(device=tree.device, path=place, message=error.detail)
            continue
        if len(names) > _MAX_ADDONS:
            yield Problem(device=tree.device, path=place, message=f"only the first {_MAX_ADDONS} addons are used")
        yield from (f"{place}/{name}" for name in names[:_MAX_ADDONS])


def own_folders(kernel: str) -> tuple[str, ...]:
    """Return the directories of the files that belong to the UKI at that path."""
    folder, _, name = kernel.rpartition("/")
    stem = name[:-4] if name.lower().endswith(".efi") else name
    # the counter in a file's name changes at every boot; the directory's name omits it
    return tuple(dict.fromkeys((f"{folder}/{name}.extra.d", f"{folder}/{Name.of(stem).plain}.efi.extra.d")))


def applied(
    tree: Tree, entry: BootEntry, profile: unified_image.UkiProfile, paths: Iterator[str | Problem], board: Board
) -> Iterator[BootEntry | Problem]:
    """Yield the problems of the addons at these paths, and then the entry of that profile with the addons applied."""
    before: list[FileRef] = []
    after: list[FileRef] = []
    for path in paths:
        if isinstance(path, Problem):
            yield path
            continue
        try:
            addon = _read(tree, path)
        except TreeError as error:
            yield Problem(device=tree.device, path=path, message=error.detail)
            continue
        except FormatError as error:
            yield Problem(device=tree.device, path=path, message=error.message)
            continue
        if addon.architecture is not profile.architecture:
            continue  # UAPI.5: "should be ... ignored"
        if addon.version and profile.version and addon.version != profile.version:
            continue  # UAPI.5: an addon with .uname applies to that kernel only
        if addon.command_line:
            text = f"{entry.cmdline.text} {addon.command_line}".strip()
            entry = replace(entry, cmdline=replace(entry.cmdline, text=text))
        for part in addon.parts:
            ref = FileRef(device=tree.device, path=path, part=part.name)
            if part.role is Role.INITRAMFS:
                (before if part.name.startswith(".ucode") else after).append(ref)
            elif part.role is Role.DEVICE_TREE and (part.board is None or part.board[:1] == board[:1] != ()):
                entry = replace(entry, dtb=ref)  # each tree replaces the one before
    yield replace(entry, initrds=(*before, *entry.initrds, *after))


def _names(tree: Tree, folder: str) -> list[str]:
    """Return the names of the addons in a directory. Raise TreeError."""
    return once(tree, folder, SUFFIX, lambda: [name for name in tree.list(folder) if name.lower().endswith(SUFFIX)])


def _read(tree: Tree, path: str) -> unified_image.Addon:
    """Return the content of an addon. Raise TreeError, FormatError."""
    # every image of the partition asks for the common addons
    return once(tree, path, unified_image.addon, lambda: examined(tree, path, unified_image.addon))
