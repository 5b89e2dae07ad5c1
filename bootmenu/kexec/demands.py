# SPDX-License-Identifier: MIT
"""The SHA-256 that the settings demand of a file.

A demand applies to the file under any of its names, so it is looked up by device and inode when the file is opened.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping

from bootmenu.config.settings import Settings, Verify
from bootmenu.discovery.devices import Device
from bootmenu.discovery.resolve import names_of
from bootmenu.errors import BootmenuError
from bootmenu.i18n import N_
from bootmenu.model.entry import FileRef
from bootmenu.model.value import Value, field
from bootmenu.sources.references import FileNameError, file_name, joined
from bootmenu.sources.tree import TreeError, TreeErrorReason, normal
from bootmenu.system.directory_tree import DirectoryTree

Identity = tuple[int, int]
"""(device, inode) of a file, as in stat(2)."""


class DemandError(BootmenuError):
    """The settings do not allow a file to be loaded."""


class FileDemand(Value, kw_only=True):
    """What the settings demand of one file."""

    digest: str | None = None
    """64 hexadecimal digits; empty if the digest in the settings is invalid, None if nothing is demanded."""
    unknown: str = ""
    """Name of a demand that may or may not be for this file; empty if there is no such demand."""


class Demands(Value, kw_only=True):
    """What the settings demand of the files to load."""

    files: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """Digest by (partition, path), in the form of references.file_name; see Settings.sha256."""
    every_file: bool = False
    """Whether a file without a digest must not be loaded."""
    partitions: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """All names of each present partition, by its kernel name."""

    @classmethod
    def from_settings(cls, settings: Settings, devices: Iterable[Device] = ()) -> Demands:
        """Return the demands of the settings. devices: the partitions that are present."""
        return cls.from_table(settings.sha256, every_file=settings.verify is Verify.ALL, devices=devices)

    @classmethod
    def from_table(
        cls, table: Mapping[str, str], *, every_file: bool = False, devices: Iterable[Device] = ()
    ) -> Demands:
        """Return the demands of a table, without invalid file names, which the settings have already reported."""
        files = {}
        for name, digest in table.items():
            with contextlib.suppress(FileNameError):
                files[file_name(name)] = digest
        partitions = {device.name: names_of(device) for device in devices} if files else {}
        return cls(files=files, every_file=every_file, partitions=partitions)

    def __bool__(self) -> bool:
        return bool(self.files) or self.every_file

    def find(self, ref: FileRef, identity: Identity | None, trees: Mapping[str, DirectoryTree]) -> FileDemand:
        """Return what is demanded of a file. identity: of the open file, or None if unknown. trees: by device name.

        A demand for the file's own partition takes precedence over one for all partitions.
        """
        own: set[str] = set()
        everywhere: set[str] = set()
        unknown = ""
        # a file of a subvolume is also a file of the whole file system
        related = {
            name: self._names(name, trees)
            for name in dict.fromkeys((ref.device, *self.partitions, *trees))
            if _are_related(name, ref.device)
        }
        for (device, path), digest in self.files.items():
            partitions = [name for name, names in related.items() if device in names] if device else [ref.device]
            answer = (ref.device in partitions and path == normal(ref.path)) or _is_same_file(
                path, identity, partitions, trees
            )
            if answer is None:
                unknown = unknown or joined(device, path)
            elif answer:
                (own if device else everywhere).add(digest)
        digests = own or everywhere
        return FileDemand(digest=next(iter(digests), None) if len(digests) < 2 else "", unknown=unknown)

    def partitions_of(self, devices: Iterable[str]) -> frozenset[str]:
        """Return the kernel names of the partitions that have to be open to load files from these devices."""
        demanded = {device for device, _ in self.files}
        return frozenset(
            name
            for name, names in self.partitions.items()
            if names & demanded and any(_are_related(name, device) for device in devices)
        )

    def _names(self, device: str, trees: Mapping[str, DirectoryTree]) -> frozenset[str]:
        known = self.partitions.get(device, frozenset((device,)))
        return known | trees[device].names if device in trees else known

    def demanded_digest(
        self, ref: FileRef, identity: Identity | None, trees: Mapping[str, DirectoryTree]
    ) -> str | None:
        """Return the digest that an open file must have, or None for any; raise DemandError if it must not load."""
        found = self.find(ref, identity, trees)
        reject_invalid(found)
        if found.digest is None and found.unknown:
            raise DemandError(
                N_(
                    "the settings demand a SHA-256 of {path}, and whether this is that file is not known",
                    path=found.unknown,
                ),
                N_("Check the disk, then scan again."),
            )
        if found.digest is None and self.every_file and not self.demanded_image(ref, trees):
            raise no_digest()
        return found.digest

    def demanded_image(self, ref: FileRef, trees: Mapping[str, DirectoryTree]) -> tuple[FileRef, int] | None:
        """Return the image file that contains a file, and its size in bytes, if a digest is demanded of it. Raise
        DemandError if it must not be used."""
        outer = enclosing_image(ref, trees)
        if outer is None or not self:
            return None
        tree = trees.get(outer.device)
        if tree is None:
            raise DemandError(
                N_("{device}, where its image file is, cannot be read any more", device=outer.device),
                N_("Scan again."),
            )
        try:
            info = tree.stat(outer.path)
        except TreeError as error:
            raise DemandError(error.message, N_("Scan again.")) from None
        found = self.find(outer, info.identity, trees)
        reject_invalid(found)
        return (outer, info.size) if found.digest else None

    def unmatched(self, trees: Mapping[str, DirectoryTree]) -> Iterator[str]:
        """Yield the names of demanded files that are known not to exist."""
        named = {outermost(name) for names in self.partitions.values() for name in names}
        for device, path in self.files:
            if device and self.partitions and outermost(device) not in named:
                yield joined(device, path)
                continue
            partitions = [name for name in trees if not device or device in self._names(name, trees)]
            if (
                partitions
                and (device or set(partitions) >= self.partitions.keys())
                and all(_is_missing(trees[name], path) for name in partitions)
            ):
                yield joined(device, path)


def _is_same_file(
    path: str, identity: Identity | None, partitions: Iterable[str], trees: Mapping[str, DirectoryTree]
) -> bool | None:
    """Return whether a path leads to this file on one of the partitions; None if that cannot be determined."""
    answer: bool | None = False
    for name in partitions:
        tree = trees.get(name)
        if tree is None or identity is None:
            answer = None
            continue
        try:
            if tree.stat(path).identity == identity:
                return True
        except TreeError as error:
            # with these reasons it is no file of this partition
            if error.reason not in (TreeErrorReason.MISSING, TreeErrorReason.OUTSIDE):
                answer = None
    return answer


def reject_invalid(found: FileDemand) -> None:
    """Raise DemandError for a file whose digest in the settings is invalid."""
    if found.digest == "":
        raise DemandError(
            N_("its SHA-256 in the settings is invalid, or there are two different ones"),
            N_("bootmenu settings says what is wrong. Write what sha256sum prints."),
        )


def no_digest() -> DemandError:
    """Return the error for a file that has no digest in the settings."""
    return DemandError(
        N_("the settings have no SHA-256 for it, and nothing is started without one"),
        N_("Add it to [sha256], as sha256sum prints it, or set verify to listed."),
    )


def outermost(device: str) -> str:
    """Return the partition that contains a subvolume or an image file; for anything else, the name itself."""
    return device.partition(":/")[0]


def _are_related(name: str, device: str) -> bool:
    """Return whether a file of one device may also be a file of the other. The running system has no name and may be
    on any device."""
    return not device or outermost(name) == outermost(device)


def enclosing_image(ref: FileRef, trees: Mapping[str, DirectoryTree]) -> FileRef | None:
    """Return the image file that contains a file, or None."""
    tree = trees.get(ref.device)
    if tree is None or not tree.image:
        return None
    return FileRef(device=ref.device.removesuffix(f":{tree.image}"), path=tree.image)


def unmatched(table: Mapping[str, str], found: Iterable[object]) -> Iterator[str]:
    """Yield a sentence for each file whose partition does not exist. found: the result of a scan of the devices."""
    named = {name for device in found if isinstance(device, Device) for name in names_of(device)}
    for device, path in Demands.from_table(table).files:
        if device and outermost(device) not in named:
            why = f"no partition is called {outermost(device)} here"
            yield f"[sha256]: {joined(device, path)} matches nothing: {why}."


def _is_missing(tree: DirectoryTree, path: str) -> bool:
    try:
        tree.stat(path)
    except TreeError as error:
        return error.reason is TreeErrorReason.MISSING
    return False
