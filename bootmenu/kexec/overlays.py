# SPDX-License-Identifier: MIT
"""Apply device-tree overlays with `fdtoverlay`; libfdt resolves fixups and symbols.

It runs as a separate process, as its input comes from a disk: if it crashes, nothing else does.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence

from bootmenu.errors import BootmenuError, FormatError
from bootmenu.formats.dtb import MAX_SIZE, DeviceTree
from bootmenu.model.text import printable, quoted
from bootmenu.system.host import Host
from bootmenu.system.processes import CommandError

TOOL = "fdtoverlay"
_SECONDS = 20.0


class OverlayError(BootmenuError):
    """An overlay does not apply. missing_tool: whether fdtoverlay is not installed."""

    def __init__(self, message: str, hint: str, *, missing_tool: bool = False) -> None:
        super().__init__(message, hint)
        self.missing_tool = missing_tool


def apply_overlays(host: Host, base: DeviceTree, overlays: Sequence[bytes]) -> DeviceTree:
    """Return the base with the overlays applied in order. Raise OverlayError, and FormatError for an overlay that is
    no device tree."""
    if not overlays:
        return base
    # written anew, so that libfdt reads only what our own reader has accepted
    blobs = [base.to_bytes(), *(DeviceTree.from_bytes(data).to_bytes() for data in overlays)]
    if host.commands.find(TOOL) is None:
        raise OverlayError(
            f"{TOOL} is not installed; device-tree overlays need it",
            "Install the package device-tree-compiler; `bootmenu image build` puts it into a first stage.",
            missing_tool=True,
        )
    try:
        merged = _merged(host, blobs)
    except OSError as error:
        raise OverlayError(f"an overlay cannot be applied: {error.strerror or error}", "Try again.") from None
    if len(merged) > MAX_SIZE:
        raise OverlayError(
            f"with its overlays the device tree has more than the {MAX_SIZE:,} bytes that the kernel reads",
            "Leave an overlay out.",
        )
    try:
        return DeviceTree.from_bytes(merged)
    except FormatError as error:
        raise OverlayError(f"the tree with its overlays is damaged: {error.message}", "Leave them out.") from None


def _merged(host: Host, blobs: Sequence[bytes]) -> bytes:
    """Return what the tool writes (base, overlays), up to MAX_SIZE + 1 bytes. Raise OverlayError, OSError."""
    with contextlib.ExitStack() as stack:
        files = [_memory_file(stack, data) for data in (*blobs, b"")]
        base_file, *overlay_files, result = (f"/proc/self/fd/{number}" for number in files)
        try:
            done = host.commands.run(
                [TOOL, "-i", base_file, "-o", result, *overlay_files], timeout=_SECONDS, pass_fds=files
            )
        except CommandError as error:
            raise OverlayError(error.message, error.hint) from None
        if done.returncode != 0:
            words = done.error_text
            for number, path in enumerate(overlay_files, 1):
                words = words.replace(f"'{path}'", f"overlay {number}")
            said = quoted(printable(words.splitlines()[-1])[:300]) if words else ""
            said = said or f"exit status {done.returncode}"
            raise OverlayError(
                f"an overlay does not apply to this device tree: {said}",
                "The base must be built with symbols (dtc -@), and have what the overlay refers to.",
            )
        return os.pread(files[-1], MAX_SIZE + 1, 0)


def _memory_file(stack: contextlib.ExitStack, data: bytes) -> int:
    descriptor = os.memfd_create("bootmenu-overlay", os.MFD_CLOEXEC)
    stack.callback(os.close, descriptor)
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
    return descriptor
