# SPDX-License-Identifier: MIT
"""Read type 2 entries of the Boot Loader Specification (UAPI.1): UKIs in /EFI/Linux, an entry for each profile.

bls.py lists them together with those of type 1.
"""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.errors import FormatError
from bootmenu.formats.kernels import unified_image
from bootmenu.model.entry import BootEntry, CommandLine, FileRef, Problem
from bootmenu.model.kernel import Architecture, Role
from bootmenu.model.value import Value
from bootmenu.sources import Board, addons
from bootmenu.sources.companions import beside
from bootmenu.sources.order import PREFIXES, Name
from bootmenu.sources.tree import LIST_LIMIT, Tree, TreeError, examined, listed, normal

_MAX_IMAGES = 200
_MAX_ENTRIES = 1000


class Image(Value):
    """One profile of an image, with the properties for sorting."""

    path: str
    name: Name
    content: unified_image.UkiProfile

    @property
    def suffix(self) -> str:
        """See Sortable."""
        return ".efi"

    @property
    def profile(self) -> tuple[int, str]:
        """See Sortable."""
        return self.content.index, self.content.id

    @property
    def architecture(self) -> Architecture | None:
        """Return the architecture of the image; None if it is unknown."""
        return self.content.architecture

    @property
    def sort_key(self) -> str:
        """See Sortable."""
        return self.content.sort_key

    @property
    def machine_id(self) -> str:
        """See Sortable."""
        return ""  # UAPI.1: "there is no counterpart for the machine-id field"

    @property
    def version(self) -> str:
        """See Sortable."""
        return self.content.os_version


def images(tree: Tree) -> Iterator[tuple[str, list[Image]] | Problem]:
    """Yield (prefix, images) for each prefix in order.PREFIXES, unsorted, and all problems."""
    for found in listed(tree, (f"{prefix}/EFI/Linux" for prefix in PREFIXES)):
        if isinstance(found, Problem):
            yield found
            continue
        folder, names = found
        files = [name for name in names if name.lower().endswith(".efi") and not name.startswith(".")]
        if len(files) > _MAX_IMAGES or len(names) >= LIST_LIMIT:
            message = f"has too many files: only the first {len(files[:_MAX_IMAGES]):,} images are read"
            yield Problem(device=tree.device, path=folder, message=message)
        found_here: list[Image] = []
        for name in files[:_MAX_IMAGES]:
            path = f"{folder}/{name}"
            try:
                profiles = examined(tree, path, unified_image.profiles)
            except TreeError as error:
                yield Problem(device=tree.device, path=path, message=error.detail)
            except FormatError as error:
                yield Problem(device=tree.device, path=path, message=error.message)
            else:
                found_here += [Image(path, Name.of(name[:-4]), profile) for profile in profiles]
            if len(found_here) > _MAX_ENTRIES:
                break
        if len(found_here) > _MAX_ENTRIES:
            message = f"has too many profiles: only the first {_MAX_ENTRIES:,} are listed"
            yield Problem(device=tree.device, path=folder, message=message)
        yield folder.removesuffix("/EFI/Linux"), found_here[:_MAX_ENTRIES]


def entries(tree: Tree, prefix: str, image: Image, board: Board, *, default: bool) -> Iterator[BootEntry | Problem]:
    """Yield the entry of an image with its addons applied, and all problems."""
    profile = image.content
    name = f"{image.name.plain}{profile.part}"

    def file(part: str) -> FileRef:
        return FileRef(device=tree.device, path=image.path, part=part)

    def linked(role: Role) -> list[FileRef]:
        # Lanzaboote's paths are those of the EFI system partition, which may be a directory of this one
        found = (link for link in profile.linked if link.role is role)
        return [FileRef(device=tree.device, path=prefix + normal(link.path), sha256=link.sha256) for link in found]

    companions, problems = beside(tree, image.path, prefix)
    yield from problems
    entry = BootEntry(
        id=name,
        title=profile.title or name,
        version=profile.version or profile.os_version,
        source="uki",
        config=FileRef(device=tree.device, path=image.path, exists=True),
        device=tree.device,
        kernel=next(iter(linked(Role.KERNEL)), file(profile.part)),
        initrds=(*linked(Role.INITRAMFS), *(file(part.name) for part in profile.all(Role.INITRAMFS))),
        companions=tuple(companions),
        cmdline=CommandLine(profile.command_line or ""),
        architecture=profile.architecture,
        default=default,
        tries_left=image.name.left,
    )
    yield from addons.applied(tree, entry, profile, addons.beside(tree, image.path, prefix), board)
