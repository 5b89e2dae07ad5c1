# SPDX-License-Identifier: MIT
"""The FIT image of U-Boot (doc/usage/fit/source_file_format.rst): a device tree of images and configurations.

The data of an image is inside that tree or after it. A configuration names a kernel, an initramfs, a device tree with
overlays, and the boards that it is for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bootmenu.errors import FormatError
from bootmenu.formats.compression import CEILING
from bootmenu.formats.dtb import Header, by_name, string_list
from bootmenu.formats.dtb_index import PlacedNode, read_nodes
from bootmenu.formats.identify import kernel_in
from bootmenu.formats.kernels import FORMATS, PARTS, BrokenContainer, Container, UnsupportedKernel, Wanted
from bootmenu.formats.part_cache import PartCache
from bootmenu.formats.reader import ByteSource
from bootmenu.model.kernel import Architecture, Compression, Embedded, KernelImage, Role
from bootmenu.model.value import Value, replace

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
_DIGESTS = ("crc32", "md5", "sha1", "sha256", "sha384", "sha512")
_MAX_TOKENS = 100_000  # a FIT image has a few hundred; 256 MiB of empty nodes would exhaust memory
_MAX_HASHES = 2
_MAX_CONFIGURATIONS = 256
_MAX_OVERLAYS = 64
_MAX_BOARD = 4096  # bytes of a configuration's `compatible`, the same limit as for a tree's
_MAX_NAME = 64  # characters of a name in a message


@FORMATS.register(NAME, after="uki")
@Container
def probe(head: bytes, source: ByteSource, wanted: Wanted) -> KernelImage | None:
    """Identify the kernel of the requested configuration, or else of the one that fits the board best, the default or
    the first.

    Check the images of that configuration against their hashes, which reads them completely.
    """
    if head[:4] != _MAGIC:
        return None
    cache = wanted.cache
    fit = cache.parsed(_Fit, lambda: _Fit.read(head, source, cache))
    chosen = fit.chosen(wanted)
    kernel = fit.image(chosen.kernel) if chosen else fit.first_kernel()
    if kernel is None:
        raise _broken("no configuration names an existing kernel")
    try:
        place = kernel.part(Role.KERNEL)
        others = tuple(fit.others(chosen, wanted)) if chosen else ()
    except FormatError as error:
        raise _broken(error.message, kernel.architecture) from None
    try:
        image = cache.kernel(source, place, lambda: kernel_in(source, place, NAME))
    except FormatError as error:
        raise _broken(f"its kernel cannot be read: {error.message}", kernel.architecture) from None
    try:
        used = (kernel, *filter(None, (fit.image(part.name) for part in others)))
        wrong = next(_wrong_hashes(used, source, cache), None)
    except FormatError as error:
        raise _broken(error.message, kernel.architecture) from None
    return replace(
        image,
        parts=fit.names,
        embedded=others,
        board=fit.board,
        checksum_problem=wrong or image.checksum_problem,
        checksummed=wrong is None and (image.checksummed or bool(kernel.hashes)),
    )


@PARTS.register(NAME, after="uki")
def parts(head: bytes, source: ByteSource) -> tuple[Embedded, ...] | None:
    """Return the images of all configurations that have a role in booting; skip those that cannot be read."""
    if head[:4] != _MAGIC:
        return None
    fit = _Fit.read(head, source, PartCache())
    found = []
    for image in dict.fromkeys(fit.images.values()):
        try:
            found += [image.part(image.role)] if image.role else []
        except FormatError:
            continue
    return tuple(found)


def _wrong_hashes(images: Sequence[_FitImage], source: ByteSource, cache: PartCache) -> Iterator[str]:
    """Yield a message for each hash that does not match an image's data. Raise FormatError, OSError."""
    for image in images:
        for algorithm, value in image.hashes:
            if cache.digest(source, image.part(Role.INITRAMFS), algorithm) != value:  # this role: not unpacked
                yield f"the {algorithm} of the FIT's image {image.name} is wrong"


class _FitImage(Value, kw_only=True):
    """One image; defects are reported only when it is used."""

    name: str
    role: Role | None
    architecture: Architecture | None
    compression: Compression | None
    packed: str
    """The name of the compression in the file."""
    offset: int
    """Offset of its data in the file."""
    size: int
    """Size of its data in bytes; all of it is within the file."""
    problem: str
    """Why its data cannot be read, or empty."""
    hashes: tuple[tuple[str, bytes], ...]
    """(algorithm, value) of each hash with a supported algorithm."""

    def part(self, role: Role) -> Embedded:
        """Return the image as a part of the file. Raise FormatError if it cannot be read or unpacked."""
        # boot/image-fit.c:fit_image_load: "'compression' nodes for ramdisks are deprecated": the kernel unpacks them
        compression = Compression.NONE if role is Role.INITRAMFS else self.compression
        if compression is None:
            raise FormatError(f"the compression {self.packed!r} of its image {self.name} is not supported")
        if self.problem:
            raise FormatError(self.problem)
        return Embedded(role=role, name=self.name, offset=self.offset, size=self.size, compression=compression)


class _Configuration(Value, kw_only=True):
    name: str
    kernel: str
    """Name of an image, like `ramdisk`; empty if not given."""
    ramdisk: str
    trees: tuple[str, ...]
    """source_file_format.rst: "fdt: ... a list of strings: the first is the base FDT, the others are overlays"."""
    board: tuple[str, ...]
    """The boards it is for: its own `compatible`, or that of its device tree."""


class _Fit(Value):
    """The tables of a FIT image, without the data."""

    images: Mapping[str, _FitImage]
    """By name; as in libfdt, a name without a unit address also finds the first `name@...`."""
    names: tuple[str, ...]
    """Names of the first images."""
    configurations: Sequence[_Configuration]
    default: str
    """Name of the default configuration, or empty."""
    board: tuple[str, ...] | None
    """The boards of all configurations."""

    @classmethod
    def read(cls, head: bytes, source: ByteSource, cache: PartCache) -> _Fit:
        """Read the tables. Raise UnsupportedKernel, OSError."""
        try:
            header = Header.from_bytes(head, source.size)
            root = read_nodes(source, header, _MAX_TOKENS)
        except FormatError as error:
            raise UnsupportedKernel(f"a damaged device tree or FIT image: {error.message}") from None
        top, configurations = root.child("images"), root.child("configurations")
        if top is None:
            raise UnsupportedKernel("a device tree")
        images = by_name(_image(node, header.total_size, source.size) for node in top.children)
        found = [
            _configuration(node, images, source, cache)
            for node in (configurations.children[:_MAX_CONFIGURATIONS] if configurations else ())
        ]
        return cls(
            images,
            tuple(node.name for node in top.children[:_MAX_CONFIGURATIONS]),
            found,
            (configurations.string("default") or "") if configurations else "",
            tuple(dict.fromkeys(name for each in found for name in each.board)) or None,
        )

    def chosen(self, wanted: Wanted) -> _Configuration | None:
        """Return the configuration to boot, or None if the file has none. Raise BrokenContainer."""
        if wanted.part:
            # doc/usage/fit/overlay-fdt-boot.rst: in `#conf-1#conf-overlay` the first has the kernel
            name = wanted.part.partition("#")[0]
            return self._configuration(name, "its configuration")
        best = self._best(wanted.board)
        if best is not None or not self.configurations:
            return best
        return (
            self._configuration(self.default, "its default configuration") if self.default else self.configurations[0]
        )

    def _configuration(self, name: str, what: str) -> _Configuration:
        found = next((each for each in self.configurations if each.name == name), None)
        if found is None:
            raise _broken(f"{what} {name!r} is missing")
        return found

    def _best(self, board: tuple[str, ...]) -> _Configuration | None:
        # boot/image-fit.c:fit_conf_find_compat: the machine's first name that any configuration has
        for name in board:
            for each in self.configurations:
                if name in each.board:
                    return each
        return None

    def first_kernel(self) -> _FitImage | None:
        """Return the first kernel, or None: what a FIT image without configurations boots."""
        return next((image for image in self.images.values() if image.role is Role.KERNEL), None)

    def image(self, name: str) -> _FitImage | None:
        """Return the image of that name, or None."""
        return self.images.get(name) if name else None

    def others(self, chosen: _Configuration, wanted: Wanted) -> Iterator[Embedded]:
        """Yield the parts that are loaded with the kernel, in loading order. Raise FormatError."""
        if chosen.ramdisk:
            yield self._named(chosen.ramdisk).part(Role.INITRAMFS)
        names = list(chosen.trees)
        for name in filter(None, wanted.part.split("#")[1 : 2 + _MAX_OVERLAYS]):
            names += self._configuration(name, "its configuration").trees
        for index, name in enumerate(names[: 1 + _MAX_OVERLAYS]):
            if name:
                part = self._named(name).part(Role.OVERLAY if index else Role.DEVICE_TREE)
                # a configuration that was requested by name is used on any board
                board = None if index or wanted.part else chosen.board or None
                yield replace(part, board=board)

    def _named(self, name: str) -> _FitImage:
        image = self.images.get(name)
        if image is None:
            raise FormatError(f"its image {name} is missing")
        return image


def _image(node: PlacedNode, tree_size: int, file_size: int) -> _FitImage:
    offset, size, problem = 0, 0, ""
    try:
        offset, size = _data(node, tree_size, file_size)
    except FormatError as error:
        problem = error.message
    hashes: list[tuple[str, bytes]] = []
    for child in node.children:
        if len(hashes) < _MAX_HASHES and child.name.partition("@")[0].partition("-")[0] == "hash":
            algorithm, value = child.string("algo"), child.get("value")
            if algorithm in _DIGESTS and value:
                hashes.append((algorithm, value[:_MAX_NAME]))
    packed = node.string("compression") or "none"
    return _FitImage(
        name=node.name,
        role=_ROLES.get(node.string("type") or ""),
        architecture=_ARCHITECTURES.get(node.string("arch") or ""),
        compression=_COMPRESSIONS.get(packed),
        packed=packed[:_MAX_NAME],
        offset=offset,
        size=size,
        problem=problem,
        hashes=tuple(hashes),
    )


def _data(node: PlacedNode, tree_size: int, file_size: int) -> tuple[int, int]:
    """Return (offset, size) of an image's data, which is inside the tree or after it. Raise FormatError."""
    offset, position, size = node.u32("data-offset"), node.u32("data-position"), node.u32("data-size")
    # boot/image-fit.c:fit_image_get_data: a position is relative to the FIT's start and has precedence over an
    # offset, which is relative to the tree's end, rounded up to 4
    if position is None and offset is not None:
        position = offset + (tree_size + 3 & ~3)
    if position is None and (inside := node.places.get("data")) is not None:
        position, size = inside
        if not size:
            raise FormatError(f"the image {node.name} is empty")
    if position is None or not size or size > CEILING or position + size > file_size:
        raise FormatError(f"the data of the image {node.name} is outside the file")
    return position, size


def _configuration(
    node: PlacedNode, images: Mapping[str, _FitImage], source: ByteSource, cache: PartCache
) -> _Configuration:
    trees = node.strings("fdt")
    board = string_list((node.get("compatible") or b"")[:_MAX_BOARD])
    if not board and (image := images.get(trees[0] if trees else "")):
        try:
            board = cache.board(source, image.part(Role.DEVICE_TREE))
        except FormatError:
            board = ()
    return _Configuration(
        name=node.name,
        kernel=node.string("kernel") or "",
        ramdisk=node.string("ramdisk") or "",
        trees=trees[: 1 + _MAX_OVERLAYS],
        board=board,
    )


def _broken(problem: str, architecture: Architecture | None = None) -> BrokenContainer:
    return BrokenContainer(NAME, _LOOKS_LIKE, problem, architecture)
