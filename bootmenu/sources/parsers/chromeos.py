# SPDX-License-Identifier: MIT
"""Find kernels for ChromeOS' boot loader that lie as files beside others, before or after they were written to their
partition: postmarketOS' vmlinux.kpart, and the images of depthcharge-tools."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bootmenu.errors import FormatError
from bootmenu.formats.kernels.chromeos_kernel import ChromeosKernel
from bootmenu.formats.reader import HEAD_SIZE
from bootmenu.model.entry import BootEntry, CommandLine, FileRef, Problem
from bootmenu.sources import SOURCES
from bootmenu.sources.tree import Tree, TreeError, TreeErrorReason, listed
from bootmenu.sources.variables import needed, parameter_of

_FOLDERS = ("/", "/boot", "/boot/depthcharge", "/depthcharge")
_KPART = re.compile(r".+\.kpart")
_DEPTHCHARGE = re.compile(r".+\.(?:img|kpart)")
_MAX_IMAGES = 20
_UUID = "%U"


@SOURCES.register("chromeos", after="android")
def parse(tree: Tree) -> Iterator[BootEntry | Problem]:
    """Yield an entry for each image; a file of such a name may be something else."""
    for found in listed(tree, _FOLDERS):
        if isinstance(found, Problem):
            continue  # told by the search for kernels
        folder, names = found
        pattern = _DEPTHCHARGE if folder.endswith("/depthcharge") else _KPART
        for name in [name for name in names if pattern.fullmatch(name)][:_MAX_IMAGES]:
            path = f"{folder.rstrip('/')}/{name}"
            try:
                if (kernel := _read(tree, path)) is not None:
                    yield _entry(tree, path, kernel)
            except TreeError as error:
                if error.reason not in (TreeErrorReason.MISSING, TreeErrorReason.NOT_A_FILE):
                    yield Problem(device=tree.device, path=path, message=error.detail)
            except FormatError as error:
                yield Problem(device=tree.device, path=path, message=f"as a ChromeOS kernel: {error.message}")


def _read(tree: Tree, path: str) -> ChromeosKernel | None:
    with tree.open(path) as source:
        try:
            return ChromeosKernel.read(source.read(0, HEAD_SIZE), source)
        except OSError as error:
            detail = f"reading failed: {error.strerror or error}"
            raise TreeError(path, TreeErrorReason.UNREADABLE, detail) from None


def _entry(tree: Tree, path: str, kernel: ChromeosKernel) -> BootEntry:
    # depthcharge puts the UUID of the partition there that it has started, which this file is only a copy of
    words = kernel.command_line.split()
    text = kernel.command_line.replace(_UUID, "")
    unset = needed(text, [(parameter_of(word), "U") for word in words if _UUID in word])
    return BootEntry(
        id=path,
        title=f"ChromeOS kernel {path.rpartition('/')[2]}",
        source="chromeos",
        config=FileRef(device=tree.device, path=path, exists=True),
        device=tree.device,
        kernel=FileRef(device=tree.device, path=path),
        cmdline=CommandLine(text, unset=unset),
    )
