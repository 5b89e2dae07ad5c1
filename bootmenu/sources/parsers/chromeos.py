# SPDX-License-Identifier: MIT
"""Find kernels for ChromeOS' boot loader that lie as files beside others, before or after they were written to their
partition: postmarketOS' vmlinux.kpart, and the images of depthcharge-tools."""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.formats.kernels.chromeos_kernel import ChromeosKernel
from bootmenu.formats.reader import HEAD_SIZE
from bootmenu.model.entry import BootEntry, CommandLine, FileRef, Problem
from bootmenu.model.regex import regex
from bootmenu.sources import SOURCES
from bootmenu.sources.kernel_files import images
from bootmenu.sources.tree import Tree, examined
from bootmenu.sources.variables import needed, parameter_of

_FOLDERS = ("/", "/boot", "/boot/depthcharge", "/depthcharge")
_KPART = regex(r".+\.kpart")
_DEPTHCHARGE = regex(r".+\.(?:img|kpart)")
_UUID = "%U"


@SOURCES.register("chromeos", after="android")
def parse(tree: Tree) -> Iterator[BootEntry | Problem]:
    """Yield an entry for each image; a file of such a name may be something else."""

    def entries(path: str, _names: tuple[str, ...]) -> Iterator[BootEntry]:
        kernel = examined(tree, path, lambda source: ChromeosKernel.read(source.read(0, HEAD_SIZE), source))
        if kernel is not None:
            yield _entry(tree, path, kernel)

    yield from images(tree, _FOLDERS, _is_named_so, entries, "a ChromeOS kernel")


def _is_named_so(folder: str, name: str) -> bool:
    pattern = _DEPTHCHARGE if folder.endswith("/depthcharge") else _KPART
    return pattern.fullmatch(name) is not None


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
