# SPDX-License-Identifier: MIT
"""Read the files of a plan: only the part that is meant, unpacked, and only if the file is unchanged."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping

from bootmenu.errors import BootmenuError
from bootmenu.formats.compression import unpack
from bootmenu.formats.reader import ByteSource, Window
from bootmenu.i18n import N_
from bootmenu.kexec.plan import PlannedFile
from bootmenu.model.kernel import Compression
from bootmenu.model.value import replace
from bootmenu.sources.tree import TreeError, TreeErrorReason
from bootmenu.system.directory_tree import DirectoryTree, OpenFile, cannot_read
from bootmenu.typed import TypeVar

CHUNK = 1024 * 1024
_MIN_CHUNK = 16 * 1024
_SLOW_SECONDS = 0.1


def open_planned(file: PlannedFile, trees: Mapping[str, DirectoryTree]) -> OpenFile:
    """Open a file; the caller closes its descriptor. trees: by device name. Raise TreeError, or BootmenuError if the
    file has changed since it was checked."""
    tree = trees.get(file.ref.device)
    if tree is None:
        raise TreeError(
            file.ref.path,
            TreeErrorReason.MISSING,
            N_("lies on {device}, which is not there any more", device=file.ref.device),
        )
    descriptor, size = tree.descriptor(file.ref.path)
    try:
        now = tree.stamp(os.fstat(descriptor))
        before = file.stamp or replace(now, size=file.size)
        if differs := before.differs(now):
            raise BootmenuError(N_("changed since it was looked at: {differs}", differs=differs), N_("Scan again."))
    except OSError as error:
        os.close(descriptor)
        raise cannot_read(file.ref.path, error) from None
    except BaseException:
        os.close(descriptor)
        raise
    return OpenFile(descriptor, size)


def window_of(source: ByteSource, file: PlannedFile) -> Window:
    """Return a window on the part of the file that is loaded."""
    return Window(source, file.offset, source.size - file.offset if file.length is None else file.length)


def content(window: Window, compression: Compression) -> Iterator[tuple[bytes, int]]:
    """Yield (unpacked piece, bytes of the window read so far). Raise FormatError, BootmenuError, OSError."""
    return raw_pieces(window) if compression is Compression.NONE else unpack(window, compression)


def read_planned(file: PlannedFile, trees: Mapping[str, DirectoryTree], limit: int) -> bytes:
    """Return the unpacked content of a file. Raise BootmenuError if it cannot be read or exceeds `limit` bytes."""
    source = open_planned(file, trees)
    try:
        return read_opened(source, file, limit)
    except OSError as error:
        raise cannot_read(file.ref.path, error) from None
    finally:
        os.close(source.descriptor)


def read_opened(source: ByteSource, file: PlannedFile, limit: int) -> bytes:
    """Return the unpacked content of an open file. Raise BootmenuError if it exceeds `limit` bytes, and OSError."""
    data = bytearray()
    for piece, _ in content(window_of(source, file), file.compression):
        data += piece
        if len(data) > limit:
            raise BootmenuError(
                N_("{path} has more than the {limit:,} bytes that are read", path=file.ref.path, limit=limit),
                N_("Is this the right file?"),
            )
    return bytes(data)


def raw_pieces(window: Window) -> Iterator[tuple[bytes, int]]:
    """Yield (piece, bytes read so far) without unpacking. The size of the pieces adapts to the medium's speed, so
    that progress is shown for a slow one, too. Raise BootmenuError if the file shrank meanwhile."""
    return _pieces(window.size, window.read)


def passing_pieces(file: OpenFile, offset: int, size: int) -> Iterator[tuple[memoryview, int]]:
    """Yield a part of a file as `raw_pieces` does, each piece in place of the one before: fresh memory for each would
    take as long as reading what is in the page cache."""
    buffer = memoryview(bytearray(min(CHUNK, size)))
    return _pieces(size, lambda at, length: file.read_into(buffer[: min(length, size - at)], offset + at))


_P = TypeVar("_P", bytes, memoryview)


def _pieces(size: int, read: Callable[[int, int], _P]) -> Iterator[tuple[_P, int]]:
    offset, length = 0, min(4 * _MIN_CHUNK, CHUNK)
    while offset < size:
        began = time.monotonic()
        piece = read(offset, length)
        if not piece:
            raise _changed(offset, size)
        took = time.monotonic() - began
        if took > _SLOW_SECONDS:
            length = max(length // 2, min(_MIN_CHUNK, CHUNK))
        elif took < _SLOW_SECONDS / 4:
            length = min(2 * length, CHUNK)
        offset += len(piece)
        yield piece, offset


def _changed(size: int, wanted: int) -> BootmenuError:
    message = N_("the file has changed: {size:,} bytes are there, it had {wanted:,}", size=size, wanted=wanted)
    return BootmenuError(message, N_("Scan again."))
