# SPDX-License-Identifier: MIT
"""The FIT image of U-Boot (doc/usage/fit/source_file_format.rst): a device tree of images and configurations.

The data of an image lie inside that tree or behind it. A configuration names a kernel, an initramfs, a device tree
and overlays for it, and which boards it is for.
"""

from __future__ import annotations

import dataclasses
import hashlib
import zlib
from collections.abc import Iterator, Mapping, Sequence

from bootmenu.errors import FormatError
from bootmenu.formats.compression import CEILING
from bootmenu.formats.devicetree import DeviceTree, Header, Node
from bootmenu.formats.devicetree_head import read_head
from bootmenu.formats.kernels import (
    FORMATS,
    PARTS,
    BrokenContainer,
    Container,
    UnsupportedKernel,
    Wanted,
    content_of,
    identify_packed,
    identify_part,
)
from bootmenu.formats.reader import Buffer, ByteSource, Window
from bootmenu.model.kernel import Architecture, Compression, Embedded, KernelImage, Role

NAME = "fit"
_MAGIC = b"\xd0\x0d\xfe\xed"
_LOOKS_LIKE = "a FIT image"
_COMPRESSIONS = {
    "none": Compression.NONE,
    "gzip": Compression.GZIP,
    "bzip2": Compression.BZIP2,
    "lzma": Compression.LZMA,
    "lz4": Compression.LZ4,
    "zstd": Compression.ZSTD,
}
_ARCHITECTURES = {"arm64": Architecture.ARM64, "arm": Architecture.ARM, "riscv": Architecture.RISCV64}
_ROLES = {
    "kernel": Role.KERNEL,
    "kernel_noload": Role.KERNEL,
    "ramdisk": Role.INITRAMFS,
    "flat_dt": Role.DEVICE_TREE,
}
_DIGESTS = ("md5", "sha1", "sha256", "sha384", "sha512")
_MAX_TOKENS = 100_000  # a FIT image has some hundred; a quarter of a GiB of empty nodes would fill the memory
_MAX_HASHES = 2
_MAX_CONFIGURATIONS = 256
_MAX_OVERLAYS = 64
_CHUNK = 1024 * 1024


@FORMATS.register(NAME, order=32)
@Container
def probe(head: bytes, source: ByteSource, wanted: Wanted) -> KernelImage | None:
    """The kernel of the configuration that is wanted, or fits the board best, or is the default, or the first.

    Images of that configuration are checked against their hashes, which reads them.
    """
    if head[:4] != _MAGIC:
        return None
    fit = _Fit.read(head, source)
    chosen = fit.chosen(wanted)
    kernel = fit.image(chosen, "kernel") if chosen else fit.first_kernel()
    if kernel is None:
        raise _broken("no configuration names a kernel that is there")
    architecture = _ARCHITECTURES.get(kernel.string("arch") or "")
    try:
        place = fit.part(kernel, Role.KERNEL)
        others = tuple(fit.others(chosen, wanted)) if chosen else ()
    except FormatError as error:
        raise _broken(error.message, architecture) from None
    try:
        if place.compression is Compression.NONE:
            image = identify_part(source, place.offset, place.size, NAME)
        else:
            image = dataclasses.replace(
                identify_packed(Window(source, place.offset, place.size), place.compression, None),
                containers=(NAME,),
                payload_offset=place.offset,
                payload_size=place.size,
                file_size=source.size,
            )
    except FormatError as error:
        raise _broken(f"the kernel in it cannot be had: {error.message}", architecture) from None
    used = [kernel, *(node for part in others if (node := fit.images.child(part.name)))]
    verdicts = [(node, *verdict) for node in used for verdict in fit.hashes(node)]
    wrong = next((message for _, message, right in verdicts if not right), None)
    signers = (*kernel.children, *(chosen.children if chosen else ()))
    return dataclasses.replace(
        image,
        parts=tuple(node.name for node in fit.images.children[:_MAX_CONFIGURATIONS]),
        embedded=others,
        board=tuple(dict.fromkeys(name for node in fit.configurations for name in fit.boards(node))) or None,
        checksum_problem=wrong or image.checksum_problem,
        checksummed=wrong is None and (image.checksummed or any(node is kernel for node, _, _ in verdicts)),
        signed=any(node.name.startswith("signature") for node in signers),
    )


@PARTS.register(NAME, order=32)
def parts(head: bytes, source: ByteSource) -> tuple[Embedded, ...] | None:
    """Every image that a kernel boots with, whichever configuration uses it; what cannot be had is left out."""
    if head[:4] != _MAGIC:
        return None
    fit = _Fit.read(head, source)
    found = []
    for node in fit.images.children:
        role = _ROLES.get(node.string("type") or "")
        try:
            found += [fit.part(node, role)] if role else []
        except FormatError:
            continue
    return tuple(found)


def _digest(algorithm: str, content: ByteSource) -> bytes:
    crc = 0
    # not against an enemy, who would write his own hash: against a damaged copy
    digest = hashlib.new("sha256" if algorithm == "crc32" else algorithm, usedforsecurity=False)
    for at in range(0, content.size, _CHUNK):
        piece = content.read(at, _CHUNK)
        if algorithm == "crc32":
            crc = zlib.crc32(piece, crc)
        else:
            digest.update(piece)
    return crc.to_bytes(4, "big") if algorithm == "crc32" else digest.digest()


def _places(blob: bytes, images: Sequence[Node]) -> Iterator[tuple[str, tuple[int, int]]]:
    """(image, (offset, size) of its data in the tree) in reverse, so that the first of a name counts in the end."""
    found, end = [], 0
    for node in images:
        data = node.get("data")
        if data:
            # images lie in the tree in their order, so that each byte is searched once; the same bytes at an earlier
            # place are just as good
            at = blob.find(data, end)
            end = at + len(data)
            found.append((node.name, (at, len(data))))
    yield from reversed(found)


@dataclasses.dataclass(frozen=True, slots=True)
class _Fit:
    source: ByteSource
    blob: bytes
    """The device tree."""
    images: Node
    configurations: Sequence[Node]
    default: str | None
    inside: Mapping[str, tuple[int, int]]
    """(offset, size) of the data of each image that lie in the tree."""
    known_boards: dict[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    """Of device trees, by their images' names: many configurations may share one."""

    @classmethod
    def read(cls, head: bytes, source: ByteSource) -> _Fit:
        """Raises UnsupportedKernel."""
        try:
            header = Header.from_bytes(head, source.size)
            if header.total_size > CEILING:
                raise _broken(f"its device tree of {header.total_size:,} bytes is larger than any kernel")
            blob = source.read(0, header.total_size)
            root = DeviceTree.from_bytes(blob, _MAX_TOKENS).root
        except BrokenContainer:
            raise
        except FormatError as error:
            raise UnsupportedKernel(f"a damaged device tree or FIT image: {error.message}") from None
        images, configurations = root.child("images"), root.child("configurations")
        if images is None:
            raise UnsupportedKernel("a device tree")
        return cls(
            source,
            blob,
            images,
            configurations.children[:_MAX_CONFIGURATIONS] if configurations else (),
            configurations.string("default") if configurations else None,
            dict(_places(blob, images.children)),
        )

    def chosen(self, wanted: Wanted) -> Node | None:
        """The configuration; None = there are none at all. Raises BrokenContainer."""
        if wanted.part:
            # doc/usage/fit/overlay-fdt-boot.rst: `#conf-1#conf-overlay`, of which the first has the kernel
            name = wanted.part.partition("#")[0]
            return self._configuration(name, "its configuration")
        best = self._best(wanted.board)
        if best is not None or not self.configurations:
            return best
        return (
            self._configuration(self.default, "its default configuration") if self.default else self.configurations[0]
        )

    def _configuration(self, name: str, what: str) -> Node:
        found = next((node for node in self.configurations if node.name == name), None)
        if found is None:
            raise _broken(f"{what} {name!r} is not there")
        return found

    def _best(self, board: tuple[str, ...]) -> Node | None:
        # boot/image-fit.c:fit_conf_find_compat: the earliest name of the machine that any configuration has
        boards = [(node, self.boards(node)) for node in self.configurations] if board else []
        for name in board:
            for node, names in boards:
                if name in names:
                    return node
        return None

    def first_kernel(self) -> Node | None:
        """Of a FIT without configurations."""
        return next(
            (node for node in self.images.children if _ROLES.get(node.string("type") or "") is Role.KERNEL), None
        )

    def image(self, configuration: Node, role: str) -> Node | None:
        """The image that a configuration names for it."""
        name = configuration.string(role)
        return self.images.child(name) if name else None

    def others(self, chosen: Node, wanted: Wanted) -> Iterator[Embedded]:
        """What boots along with the kernel, in loading order. Raises FormatError."""
        ramdisk = self._named(chosen.string("ramdisk"))
        if ramdisk is not None:
            yield self.part(ramdisk, Role.INITRAMFS)
        names = list(chosen.strings("fdt"))
        for name in filter(None, wanted.part.split("#")[1:]):
            names += self._configuration(name, "its configuration").strings("fdt")
        # source_file_format.rst: "fdt: ... a list of strings: the first is the base FDT, the others are overlays"
        for index, name in enumerate(names[: 1 + _MAX_OVERLAYS]):
            node = self._named(name)
            if node is None:
                continue
            part = self.part(node, Role.OVERLAY if index else Role.DEVICE_TREE)
            # a configuration that is named is meant for this machine, whatever it says
            board = None if index or wanted.part else self.boards(chosen) or None
            yield dataclasses.replace(part, board=board)

    def _named(self, name: str | None) -> Node | None:
        if not name:
            return None
        node = self.images.child(name)
        if node is None:
            raise FormatError(f"the image {name} that it boots with is not there")
        return node

    def part(self, node: Node, role: Role) -> Embedded:
        """An image as a part of the file. Raises FormatError."""
        packed = (node.string("compression") or "none") if role is not Role.INITRAMFS else "none"
        # boot/image-fit.c:fit_image_load: "'compression' nodes for ramdisks are deprecated": the kernel unpacks them
        compression = _COMPRESSIONS.get(packed)
        if compression is None:
            raise FormatError(
                f"the compression {packed!r} of its image {node.name} is none that can be unpacked here"
            )
        offset, size = self.place(node)
        return Embedded(role=role, name=node.name, offset=offset, size=size, compression=compression)

    def place(self, node: Node) -> tuple[int, int]:
        """(offset, size) of its data in the file, inside the tree or behind it. Raises FormatError."""
        offset, position, size = node.u32("data-offset"), node.u32("data-position"), node.u32("data-size")
        # boot/image-fit.c:fit_image_get_data: a position counts from the FIT's start and goes before an offset, which
        # counts from the tree's end, rounded up to 4
        if position is None and offset is not None:
            position = offset + (len(self.blob) + 3 & ~3)
        if position is None and node.get("data") is not None:
            if node.name not in self.inside:
                raise FormatError(f"the image {node.name} is empty")
            return self.inside[node.name]
        if position is None or not size or size > CEILING or position + size > self.source.size:
            raise FormatError(f"the data of the image {node.name} lies outside the file")
        return position, size

    def hashes(self, node: Node) -> Iterator[tuple[str, bool]]:
        """(message, whether it is right) of each hash of an image that can be computed here."""
        count = 0
        for child in node.children:
            if child.name.partition("@")[0].partition("-")[0] != "hash" or count >= _MAX_HASHES:
                continue
            algorithm, value = child.string("algo") or "", child.get("value")
            if algorithm in ("crc32", *_DIGESTS) and value:
                count += 1
                right = _digest(algorithm, Window(self.source, *self.place(node))) == value
                yield f"the {algorithm} of the FIT's image {node.name} is wrong", right

    def boards(self, configuration: Node) -> tuple[str, ...]:
        """What a configuration is for: its own `compatible`, or that of its device tree."""
        own, name = configuration.strings("compatible"), configuration.string("fdt")
        if own or not name:
            return own
        if name not in self.known_boards:
            self.known_boards[name] = self._board_of(name)
        return self.known_boards[name]

    def _board_of(self, name: str) -> tuple[str, ...]:
        node = self.images.child(name)
        try:
            if node is None:
                return ()
            part = self.part(node, Role.DEVICE_TREE)
            if part.compression is Compression.NONE:
                return read_head(Window(self.source, part.offset, part.size)).compatible
            return read_head(Buffer(content_of(self.source, part))).compatible
        except FormatError:
            return ()


def _broken(problem: str, architecture: Architecture | None = None) -> BrokenContainer:
    return BrokenContainer(NAME, _LOOKS_LIKE, problem, architecture)
