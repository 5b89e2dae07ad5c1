# SPDX-License-Identifier: MIT
"""Android's boot image (mkbootimg, include/bootimg/bootimg.h), header versions 0 to 4, and its vendor_boot image.

Every part begins at a page: kernel, ramdisk, second stage, recovery's overlays, device trees. Since version 3 the
vendor's ramdisk, device trees and command line are in an image of their own, which has no kernel.
"""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.errors import FormatError
from bootmenu.formats.compression import CEILING
from bootmenu.formats.dtb import MAGIC as DTB_MAGIC
from bootmenu.formats.dtb import MAX_SIZE as MAX_DTB
from bootmenu.formats.dtb_head import read_head
from bootmenu.formats.identify import identify_part
from bootmenu.formats.kernels import FORMATS, PARTS, BrokenContainer
from bootmenu.formats.reader import ByteSource, Reader, Window
from bootmenu.model.kernel import Embedded, KernelImage, Role
from bootmenu.model.value import Value, replace

NAME = "android"
MAGIC, VENDOR_MAGIC = b"ANDROID!", b"VNDRBOOT"

_PAGE = 4096  # since version 3
_MAX_PAGE = 1024 * 1024
_ARGS, _EXTRA_ARGS, _VENDOR_ARGS = 512, 1024, 2048
_VERSION, _LAST_VERSION = (
    40,
    4,
)  # offset; where old images have a larger number, it is the size of a device tree table
_VENDOR_HEADERS = {3: 2112, 4: 2128}
_RAMDISK_ENTRY = 108  # bytes of an entry of the table of ramdisks
_RECOVERY = 2  # type of a ramdisk that only recovery uses
_MAX_RAMDISKS = 16
_MAX_TREES = 64


class _Layout(Value):
    """Hands out the parts of an image, one after the other, each from a page boundary."""

    source: ByteSource
    page: int

    def part(self, at: int, size: int, role: Role, name: str) -> Embedded:
        """Return the part at an offset. Raise BrokenContainer if it is not within the file."""
        if size > CEILING or at + size > self.source.size:
            raise _broken(f"its {name} of {size:,} bytes extends beyond the file of {self.source.size:,} bytes")
        return Embedded(role=role, name=name, offset=at, size=size)

    def after(self, at: int, size: int) -> int:
        """Return where the part after one begins."""
        return at + -(-size // self.page) * self.page


class AndroidBoot(Value, kw_only=True):
    """A boot image, or a vendor_boot image, which has no kernel."""

    version: int
    kernel: Embedded | None
    others: tuple[Embedded, ...]
    """Ramdisks in loading order, then device trees."""
    command_line: str
    has_bootconfig: bool = False

    @property
    def embedded(self) -> tuple[Embedded, ...]:
        """Return what is used together with the kernel. Since version 3 its command line is only a part of one, the
        other being the vendor's."""
        if not self.command_line or self.version >= 3:
            return self.others
        line = Embedded(role=Role.COMMAND_LINE, name="cmdline", offset=0, size=0, text=self.command_line)
        return (*self.others, line)

    @classmethod
    def read(cls, head: bytes, source: ByteSource) -> AndroidBoot | None:
        """Read the header; return None for other files. Raise BrokenContainer, OSError."""
        try:
            if head.startswith(MAGIC):
                header = Reader(head, "the header")
                version = header.u32le(_VERSION)
                return cls._new(header, source, version) if version in (3, 4) else cls._old(header, source, version)
            if head.startswith(VENDOR_MAGIC):
                return cls._vendor(Reader(head, "the header"), source)
        except BrokenContainer:
            raise
        except FormatError as error:
            raise _broken(error.message) from None
        return None

    @classmethod
    def _old(cls, header: Reader, source: ByteSource, version: int) -> AndroidBoot:
        version = version if version <= _LAST_VERSION else 0
        kernel_size, ramdisk_size, second_size = (header.u32le(at) for at in (8, 16, 24))
        layout = _Layout(source, _page_size(header.u32le(36)))
        dtbo_size = header.u32le(1632) if version >= 1 else 0
        trees_size = header.u32le(1648) if version >= 2 else 0
        at = layout.page
        kernel = layout.part(at, kernel_size, Role.KERNEL, "kernel") if kernel_size else None
        at = layout.after(at, kernel_size)
        others = [layout.part(at, ramdisk_size, Role.INITRAMFS, "ramdisk")] if ramdisk_size else []
        at = layout.after(at, ramdisk_size)
        # the second stage is a boot loader, and the overlays are recovery's
        at = layout.after(layout.after(at, second_size), dtbo_size)
        if trees_size:
            others += _trees(layout, at, trees_size)
        # mkbootimg cuts a command line in two where the first field is full
        first, more = _text(header.slice(64, _ARGS)), _text(header.slice(608, _EXTRA_ARGS))
        line = first + more if len(first) >= _ARGS - 1 else f"{first} {more}"
        return cls(version=version, kernel=kernel, others=tuple(others), command_line=line.strip())

    @classmethod
    def _new(cls, header: Reader, source: ByteSource, version: int) -> AndroidBoot:
        kernel_size, ramdisk_size = header.u32le(8), header.u32le(12)
        layout = _Layout(source, _PAGE)
        kernel = layout.part(_PAGE, kernel_size, Role.KERNEL, "kernel") if kernel_size else None
        at = layout.after(_PAGE, kernel_size)
        others = (layout.part(at, ramdisk_size, Role.INITRAMFS, "ramdisk"),) if ramdisk_size else ()
        line = _text(header.slice(44, _ARGS + _EXTRA_ARGS)).strip()
        return cls(version=version, kernel=kernel, others=others, command_line=line)

    @classmethod
    def _vendor(cls, header: Reader, source: ByteSource) -> AndroidBoot:
        version, page, size = header.u32le(8), header.u32le(12), header.u32le(24)
        if version not in _VENDOR_HEADERS:
            raise _broken(f"version {version} of a vendor_boot image is not known")
        layout = _Layout(source, _page_size(page))
        at = layout.after(0, _VENDOR_HEADERS[version])
        ramdisks = [layout.part(at, size, Role.INITRAMFS, "vendor-ramdisk")] if size else []
        trees_at, trees_size = layout.after(at, size), header.u32le(2100)
        trees = list(_trees(layout, trees_at, trees_size)) if trees_size else []
        has_bootconfig = False
        if version >= 4:
            table_at, table_size = layout.after(trees_at, trees_size), header.u32le(2112)
            count, each = header.u32le(2116), header.u32le(2120)
            has_bootconfig = header.u32le(2124) > 0
            if count and each == _RAMDISK_ENTRY and ramdisks:
                ramdisks = list(_ramdisks(layout, ramdisks[0], table_at, min(table_size, each * count)))
        line = _text(header.slice(28, _VENDOR_ARGS)).strip()
        return cls(
            version=version,
            kernel=None,
            others=(*ramdisks, *trees),
            command_line=line,
            has_bootconfig=has_bootconfig,
        )


@FORMATS.register(NAME, after="uimage")
def probe(head: bytes, source: ByteSource) -> KernelImage | None:
    """Identify the kernel in a boot image."""
    boot = AndroidBoot.read(head, source)
    if boot is None:
        return None
    if boot.kernel is None:
        raise _broken("it holds no kernel: it belongs to a boot image")
    try:
        image = identify_part(source, boot.kernel.offset, boot.kernel.size, NAME)
    except FormatError as error:
        raise _broken(f"its kernel cannot be read: {error.message}") from None
    embedded = boot.embedded
    boards = [name for part in boot.others for name in part.board or ()]
    return replace(
        image, embedded=embedded, parts=tuple(part.name for part in embedded), board=tuple(boards) if boards else None
    )


@PARTS.register(NAME, after="uimage")
def parts(head: bytes, source: ByteSource) -> tuple[Embedded, ...] | None:
    """Return the parts of a boot or vendor_boot image."""
    boot = AndroidBoot.read(head, source)
    if boot is None:
        return None
    return (boot.kernel, *boot.embedded) if boot.kernel else boot.embedded


def _page_size(size: int) -> int:
    if not 512 <= size <= _MAX_PAGE or size & (size - 1):
        raise _broken(f"its page size of {size:,} bytes is no page size")
    return size


def _text(data: bytes) -> str:
    return data.partition(b"\0")[0].decode("utf-8", "replace")


def _trees(layout: _Layout, at: int, size: int) -> Iterator[Embedded]:
    """Yield the device trees, which follow each other. One alone is for any board, as the loader would take it."""
    whole = layout.part(at, size, Role.DEVICE_TREE, "dtb")
    found: list[Embedded] = []
    offset = 0
    while len(found) < _MAX_TREES:
        start = layout.source.read(at + offset, 8) if size - offset >= 8 else b""
        length = int.from_bytes(start[4:], "big")
        if int.from_bytes(start[:4], "big") != DTB_MAGIC or not 0 < length <= min(size - offset, MAX_DTB):
            break
        name = f"dtb-{len(found) + 1}"
        found.append(replace(whole, name=name, offset=at + offset, size=length))
        offset += length
    if len(found) == 1:
        yield replace(found[0], name="dtb")
        return
    for part in found:
        try:
            board = read_head(Window(layout.source, part.offset, part.size)).compatible
        except FormatError:
            continue
        yield replace(part, board=board)


def _ramdisks(layout: _Layout, whole: Embedded, at: int, size: int) -> Iterator[Embedded]:
    """Yield the vendor's ramdisks for a usual boot: all but recovery's."""
    place = layout.part(at, size, Role.INITRAMFS, "table of ramdisks")
    table = Reader(layout.source.read(place.offset, place.size), "the table of ramdisks")
    for number in range(min(size // _RAMDISK_ENTRY, _MAX_RAMDISKS)):
        entry = number * _RAMDISK_ENTRY
        length, offset, kind = (table.u32le(entry + field) for field in (0, 4, 8))
        if offset + length > whole.size:
            raise _broken(f"its ramdisk {number + 1} extends beyond the others")
        if kind != _RECOVERY and length:
            name = f"vendor-ramdisk-{number + 1}"
            yield replace(whole, name=name, offset=whole.offset + offset, size=length)


def _broken(problem: str) -> BrokenContainer:
    return BrokenContainer(NAME, "an Android boot image", problem)
