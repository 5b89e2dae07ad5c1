# SPDX-License-Identifier: MIT
"""The FIT image of U-Boot (doc/usage/fit/source_file_format.rst): a device tree of images and configurations."""

from __future__ import annotations

import dataclasses
import hashlib
import zlib
from collections.abc import Iterator

from bootmenu.errors import FormatError
from bootmenu.formats.compression import CEILING
from bootmenu.formats.devicetree import DeviceTree, Header, Node
from bootmenu.formats.kernels import FORMATS, BrokenContainer, UnsupportedKernel, identify_packed, identify_part
from bootmenu.formats.reader import Buffer, ByteSource, Window
from bootmenu.model.kernel import Architecture, Compression, KernelImage

NAME = "fit"
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
_MAX_TREE = 128 * 1024  # bytes of a device tree in it that is asked for its board; larger ones are not
_MAX_TOKENS = 100_000  # a FIT image has some hundred; a quarter of a GiB of empty nodes would fill the memory
_MAX_HASHES = 4
_MAX_CONFIGURATIONS = 256
_CHUNK = 1024 * 1024


@FORMATS.register(NAME, order=32)
def probe(head: bytes, source: ByteSource) -> KernelImage | None:
    """The kernel is that of the default configuration, or of the first; which board it is for, `board` says.

    Images of that configuration are checked against their hashes, which reads them.
    """
    if head[:4] != b"\xd0\x0d\xfe\xed":
        return None
    tree = _tree(head, source)
    images, configurations = tree.root.child("images"), tree.root.child("configurations")
    if images is None:
        raise UnsupportedKernel("a device tree")
    fit = _Fit(source, tree, images)
    chosen = _chosen(configurations)
    kernel = fit.image(chosen, "kernel") if chosen else _first_kernel(images)
    if kernel is None:
        raise _broken("no configuration names a kernel that is there")
    architecture = _ARCHITECTURES.get(kernel.string("arch") or "")
    offset, size = fit.place(kernel, architecture)
    packed = kernel.string("compression") or "none"
    compression = _COMPRESSIONS.get(packed)
    if compression is None:
        raise _broken(f"its compression {packed!r} is none that can be unpacked here", architecture)
    try:
        if compression is Compression.NONE:
            image = identify_part(source, offset, size, NAME)
        else:
            image = dataclasses.replace(
                identify_packed(Window(source, offset, size), compression, None),
                containers=(NAME,),
                payload_offset=offset,
                payload_size=size,
                file_size=source.size,
            )
    except FormatError as error:
        raise _broken(f"the kernel in it cannot be had: {error.message}", architecture) from None
    used = [kernel, *(part for name in ("fdt", "ramdisk") if chosen and (part := fit.image(chosen, name)))]
    verdicts = [(node, *verdict) for node in used for verdict in fit.hashes(node)]
    wrong = next((message for _, message, right in verdicts if not right), None)
    signers = (*kernel.children, *(chosen.children if chosen else ()))
    return dataclasses.replace(
        image,
        parts=tuple(node.name for node in images.children[:_MAX_CONFIGURATIONS]),
        board=fit.boards(configurations),
        checksum_problem=wrong or image.checksum_problem,
        checksummed=wrong is None and (image.checksummed or any(node is kernel for node, _, _ in verdicts)),
        signed=any(node.name.startswith("signature") for node in signers),
    )


def _tree(head: bytes, source: ByteSource) -> DeviceTree:
    try:
        header = Header.from_bytes(head, source.size)
        if header.total_size > CEILING:
            raise _broken(f"its device tree of {header.total_size:,} bytes is larger than any kernel")
        return DeviceTree.from_bytes(source.read(0, header.total_size), _MAX_TOKENS)
    except BrokenContainer:
        raise
    except FormatError as error:
        raise UnsupportedKernel(f"a damaged device tree or FIT image: {error.message}") from None


def _chosen(configurations: Node | None) -> Node | None:
    if configurations is None or not configurations.children:
        return None
    default = configurations.string("default")
    wanted = configurations.child(default) if default else configurations.children[0]
    if wanted is None:
        raise _broken(f"its default configuration {default!r} is not there")
    return wanted


def _first_kernel(images: Node) -> Node | None:
    return next((node for node in images.children if node.string("type") in ("kernel", "kernel_noload")), None)


@dataclasses.dataclass(frozen=True, slots=True)
class _Fit:
    source: ByteSource
    tree: DeviceTree
    images: Node

    def image(self, configuration: Node, role: str) -> Node | None:
        """The image that a configuration names for it."""
        name = configuration.string(role)
        return self.images.child(name) if name else None

    def content(self, node: Node) -> ByteSource:
        """Its data as it lies in the file. Raises BrokenContainer."""
        inside = node.get("data")
        return Window(self.source, *self.place(node)) if inside is None else Buffer(inside)

    def place(self, node: Node, architecture: Architecture | None = None) -> tuple[int, int]:
        """(offset, size) of its data in the file, inside the tree or behind it. Raises BrokenContainer."""
        inside = node.get("data")
        if inside is not None:
            total = int.from_bytes(self.source.read(4, 4), "big")
            # the same bytes at another place would be just as good
            at = self.source.read(0, total).find(inside) if inside else -1
            if at < 0:
                raise _broken(f"the image {node.name} is empty", architecture)
            return at, len(inside)
        offset, position, size = node.u32("data-offset"), node.u32("data-position"), node.u32("data-size")
        if offset is not None:
            # doc/usage/fit/source_file_format.rst, External data: relative to the tree's end, rounded up to 4
            total = int.from_bytes(self.source.read(4, 4), "big")
            position = offset + (total + 3 & ~3)
        if position is None or not size or size > CEILING or position + size > self.source.size:
            raise _broken(f"the data of the image {node.name} lies outside the file", architecture)
        return position, size

    def hashes(self, node: Node) -> Iterator[tuple[str, bool]]:
        """(message, whether it is right) of each hash of an image that can be computed here."""
        count = 0
        for child in node.children:
            if child.name.partition("@")[0].partition("-")[0] != "hash" or count >= _MAX_HASHES:
                continue
            algorithm, value = child.string("algo") or "", child.get("value")
            if algorithm in ("crc32", "sha1", "sha256") and value:
                count += 1
                right = _digest(algorithm, self.content(node)) == value
                yield f"the {algorithm} of the FIT's image {node.name} is wrong", right

    def boards(self, configurations: Node | None) -> tuple[str, ...] | None:
        """What its configurations are for: their own `compatible`, or that of their device tree."""
        names: dict[str, None] = {}
        for node in configurations.children[:_MAX_CONFIGURATIONS] if configurations else ():
            tree = self.image(node, "fdt")
            own = node.strings("compatible")
            names |= dict.fromkeys(own or (self._board_of(tree) if tree else ()))
        return tuple(names) or None

    def _board_of(self, node: Node) -> tuple[str, ...]:
        if (node.string("compression") or "none") != "none":
            return ()
        try:
            content = self.content(node)
            if content.size > _MAX_TREE:
                return ()
            return DeviceTree.from_bytes(content.read(0, content.size)).root.strings("compatible")
        except FormatError:
            return ()


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


def _broken(problem: str, architecture: Architecture | None = None) -> BrokenContainer:
    return BrokenContainer(NAME, _LOOKS_LIKE, problem, architecture)
