# SPDX-License-Identifier: MIT
"""The bytes of a planned file: unpacked, only the part that is meant, and as many as when it was planned."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping

from bootmenu.errors import BootmenuError
from bootmenu.formats.compression import unpack
from bootmenu.formats.reader import ByteSource, Window
from bootmenu.i18n import N_
from bootmenu.kexec.plan import PlannedFile
from bootmenu.model.kernel import Compression
from bootmenu.model.value import replace
from bootmenu.sources.tree import TreeError, Trouble
from bootmenu.system.directory_tree import DirectoryTree, OpenFile, cannot_read

CHUNK = 1024 * 1024
_SMALLEST = 16 * 1024
_MOMENT = 0.1  # seconds


def open_planned(file: PlannedFile, trees: Mapping[str, DirectoryTree]) -> OpenFile:
    """The caller closes its descriptor. trees: by device name. Raises TreeError, or BootmenuError when it is not
    as it was when it was judged."""
    tree = trees.get(file.ref.device)
    if tree is None:
        raise TreeError(
            file.ref.path,
            Trouble.MISSING,
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
    """The part of it that is meant."""
    return Window(source, file.offset, source.size - file.offset if file.length is None else file.length)


def content(window: Window, compression: Compression) -> Iterator[tuple[bytes, int]]:
    """(piece, bytes of the window consumed so far). Raises FormatError, BootmenuError, OSError."""
    return plain(window) if compression is Compression.NONE else unpack(window, compression)


def whole(file: PlannedFile, trees: Mapping[str, DirectoryTree], limit: int) -> bytes:
    """Return all of it. Raise BootmenuError for what cannot be read, and for more than `limit` bytes."""
    source = open_planned(file, trees)
    try:
        return gathered(source, file, limit)
    except OSError as error:
        raise cannot_read(file.ref.path, error) from None
    finally:
        os.close(source.descriptor)


def gathered(source: ByteSource, file: PlannedFile, limit: int) -> bytes:
    """The same of an open file. Raises OSError, too."""
    data = bytearray()
    for piece, _ in content(window_of(source, file), file.compression):
        data += piece
        if len(data) > limit:
            raise BootmenuError(
                N_("{path} has more than the {limit:,} bytes that are read", path=file.ref.path, limit=limit),
                N_("Is this the right file?"),
            )
    return bytes(data)


def plain(window: Window) -> Iterator[tuple[bytes, int]]:
    """The bytes as they are, in pieces as large as the medium gives within a moment, so that a slow one can be
    watched and given up, too. Raises BootmenuError when the file shrank meanwhile."""
    offset, length = 0, min(4 * _SMALLEST, CHUNK)
    while offset < window.size:
        began = time.monotonic()
        piece = window.read(offset, length)
        if not piece:
            raise _changed(offset, window.size)
        took = time.monotonic() - began
        if took > _MOMENT:
            length = max(length // 2, min(_SMALLEST, CHUNK))
        elif took < _MOMENT / 4:
            length = min(2 * length, CHUNK)
        offset += len(piece)
        yield piece, offset


def _changed(size: int, wanted: int) -> BootmenuError:
    message = N_("the file has changed: {size:,} bytes are there, it had {wanted:,}", size=size, wanted=wanted)
    return BootmenuError(message, N_("Scan again."))
