# SPDX-License-Identifier: MIT
"""The kernel partition of ChromeOS (vboot_reference, firmware/2lib/include/2struct.h), as a file.

A keyblock and a preamble, which hold signatures, are followed by the body: a FIT image on ARM, then the kernel's
command line, a page of parameters, and a boot loader. On x86 the body is a bzImage without its setup code, which
cannot be loaded from there. The signatures are for the firmware, and not checked.
"""

from __future__ import annotations

from bootmenu.errors import FormatError
from bootmenu.formats.compression import CEILING
from bootmenu.formats.identify import identify_part
from bootmenu.formats.kernels import FORMATS, PARTS, BrokenContainer, Container, Wanted, fit_image
from bootmenu.formats.reader import HEAD_SIZE, ByteSource, Reader, Window
from bootmenu.model.kernel import Architecture, Embedded, KernelImage, Role
from bootmenu.model.value import Value, replace

NAME = "chromeos"
MAGIC = b"CHROMEOS"
_PREAMBLE = 96  # bytes of it that are read
_MAX_SIGNED = 1024 * 1024  # bytes of the keyblock, and of the preamble; both together have 64 KiB
_CONFIG, _PARAMETERS = 4096, 4096  # vboot_reference, host/include/vb2_common.h: CROS_CONFIG_SIZE, CROS_PARAMS_SIZE
_FIT = b"\xd0\x0d\xfe\xed"


class ChromeosKernel(Value, kw_only=True):
    """Where the kernel is in such a file, and its command line."""

    offset: int
    size: int
    """Bytes up to the command line."""
    command_line: str
    """With `%U` for what only the firmware knows: the UUID of the partition that it started."""

    @classmethod
    def read(cls, head: bytes, source: ByteSource) -> ChromeosKernel | None:
        """Read the headers; return None for other files. Raise BrokenContainer, OSError."""
        if not head.startswith(MAGIC):
            return None
        try:
            keyblock = Reader(head, "the keyblock").u32le(16)
            if keyblock > _MAX_SIGNED:
                raise _broken(f"its keyblock of {keyblock:,} bytes is too large")
            preamble = Reader(source.read(keyblock, _PREAMBLE), "the preamble")
            size, load, loader = preamble.u32le(0), preamble.u64le(48), preamble.u64le(56)
        except BrokenContainer:
            raise
        except FormatError as error:
            raise _broken(error.message) from None
        # utility/vbutil_kernel.c, CmdLineOffset: bootloader_address - body_load_address - the two sizes
        offset, kernel = keyblock + size, loader - load - _CONFIG - _PARAMETERS
        if size > _MAX_SIGNED or not 0 < kernel <= CEILING or offset + kernel + _CONFIG > source.size:
            raise _broken(f"its kernel extends beyond the file of {source.size:,} bytes")
        text = source.read(offset + kernel, _CONFIG).partition(b"\0")[0].decode("utf-8", "replace")
        return cls(offset=offset, size=kernel, command_line=" ".join(text.split()))


@FORMATS.register(NAME, after="android")
@Container
def probe(head: bytes, source: ByteSource, wanted: Wanted) -> KernelImage | None:
    """Identify the kernel in the FIT image, of its configuration for the board."""
    found = ChromeosKernel.read(head, source)
    if found is None:
        return None
    if source.read(found.offset, 4) != _FIT:
        raise _broken("its kernel is without the setup code, as on x86", Architecture.X86_64)
    try:
        image = identify_part(source, found.offset, found.size, NAME, wanted)
    except FormatError as error:
        raise _broken(error.message) from None
    return replace(image, embedded=tuple(replace(part, offset=found.offset + part.offset) for part in image.embedded))


@PARTS.register(NAME, after="android")
def parts(head: bytes, source: ByteSource) -> tuple[Embedded, ...] | None:
    """Return the parts of the FIT image, with their offsets in the file."""
    found = ChromeosKernel.read(head, source)
    if found is None:
        return None
    body = Window(source, found.offset, found.size)
    inner = fit_image.parts(body.read(0, HEAD_SIZE), body) or ()
    return tuple(
        replace(part, offset=found.offset + part.offset) for part in inner if part.role is not Role.COMMAND_LINE
    )


def _broken(problem: str, architecture: Architecture | None = None) -> BrokenContainer:
    return BrokenContainer(NAME, "a ChromeOS kernel", problem, architecture)
