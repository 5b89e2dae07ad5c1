# SPDX-License-Identifier: MIT
"""Boot Loader Specification (UAPI.1), type 2: unified kernel images in /EFI/Linux, an entry for each profile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bootmenu.errors import FormatError
from bootmenu.formats.kernels import uki
from bootmenu.model.entry import BootEntry, CommandLine, FileRef, Problem
from bootmenu.model.kernel import Role
from bootmenu.sources import SOURCES, ForPlatform, Platform, addons
from bootmenu.sources.order import PREFIXES, Name, default_pattern, in_order, matches
from bootmenu.sources.tree import LIST_LIMIT, Tree, TreeError, listed

_MAX_IMAGES = 200
_MAX_ENTRIES = 1000


@dataclass(frozen=True, slots=True)
class _Image:
    path: str
    name: Name
    profile: uki.Profile

    @property
    def sort_key(self) -> str:
        return self.profile.sort_key

    @property
    def machine_id(self) -> str:
        return ""  # UAPI.1: "there is no counterpart for the machine-id field"

    @property
    def version(self) -> str:
        return self.profile.os_version


@SOURCES.register("uki", order=15)
@ForPlatform
def parse(tree: Tree, platform: Platform) -> Iterator[BootEntry | Problem]:
    """In the specification's order; the profiles of one image in theirs."""
    for found in listed(tree, (f"{prefix}/EFI/Linux" for prefix in PREFIXES)):
        if isinstance(found, Problem):
            yield found
            continue
        folder, names = found
        prefix = folder.removesuffix("/EFI/Linux")
        files = [name for name in names if name.lower().endswith(".efi") and not name.startswith(".")]
        if len(files) > _MAX_IMAGES or len(names) >= LIST_LIMIT:
            message = f"holds too many files: the first {len(files[:_MAX_IMAGES]):,} images are read"
            yield Problem(device=tree.device, path=folder, message=message)
        images: list[_Image] = []
        for name in files[:_MAX_IMAGES]:
            path = f"{folder}/{name}"
            try:
                with tree.open(path) as source:
                    profiles = uki.profiles(source)
            except TreeError as error:
                yield Problem(device=tree.device, path=path, message=error.detail)
            except FormatError as error:
                yield Problem(device=tree.device, path=path, message=error.message)
            except OSError as error:
                yield Problem(device=tree.device, path=path, message=f"reading failed: {error.strerror or error}")
            else:
                images += [_Image(path, Name.of(name[:-4]), profile) for profile in profiles]
            if len(images) > _MAX_ENTRIES:
                break
        if len(images) > _MAX_ENTRIES:
            message = f"there are too many profiles: the first {_MAX_ENTRIES:,} are listed"
            yield Problem(device=tree.device, path=folder, message=message)
        default = _default(tree, prefix, ordered := in_order(images[:_MAX_ENTRIES]))
        for image in ordered:
            entry = _entry(tree, image, default is image)
            yield from addons.applied(
                tree, entry, image.profile, addons.beside(tree, image.path, prefix), platform.board
            )


def _id(image: _Image) -> str:
    return f"{image.name.plain}{image.profile.part}"


def _default(tree: Tree, prefix: str, images: list[_Image]) -> _Image | None:
    pattern = default_pattern(tree, prefix)
    if not pattern or not images:
        return None
    try:
        # one menu holds both types: an entry of the first that matches is the default already
        texts = tree.list(f"{prefix}/loader/entries")
    except TreeError:
        texts = ()
    if any(matches(pattern, Name.of(name[:-5]).plain, ".conf") for name in texts if name.lower().endswith(".conf")):
        return None
    # src/boot/boot.c:boot_entry_add_type2: FILE.efi, and FILE.efi@NUMBER for a profile
    return next((image for image in images if matches(pattern, image.name.plain, f".efi{image.profile.part}")), None)


def _entry(tree: Tree, image: _Image, default: bool) -> BootEntry:
    profile = image.profile

    def file(part: str) -> FileRef:
        return FileRef(device=tree.device, path=image.path, part=part)

    return BootEntry(
        id=_id(image),
        title=profile.title or _id(image),
        version=profile.version or profile.os_version,
        source="uki",
        config=FileRef(device=tree.device, path=image.path, exists=True),
        device=tree.device,
        kernel=file(profile.part),
        initrds=tuple(file(part.name) for part in profile.all(Role.INITRAMFS)),
        cmdline=CommandLine(profile.command_line or ""),
        architecture=profile.architecture,
        default=default,
        tries_left=image.name.left,
    )
