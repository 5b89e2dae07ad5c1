# SPDX-License-Identifier: MIT
"""Collect the firmware that the modules of an image may load, and what else is wanted of /lib/firmware."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from bootmenu.errors import UsageError
from bootmenu.image import included_files
from bootmenu.image.included_files import IncludedFile
from bootmenu.image.kernel_modules import Module, decompress
from bootmenu.image.rootfs import Root

FOLDER = "/lib/firmware"
_PACKED = (".xz", ".zst")
"""Endings that the kernel tries, too, where it is built to (drivers/base/firmware_loader/main.c); an image has the
files unpacked, which every kernel reads."""


def is_folder_of_host(wanted: str) -> bool:
    """Return whether a `--firmware` names a folder on this host: a path that begins with / or a dot."""
    return wanted.startswith(("/", "."))


def collect(
    root: Root, modules: Iterable[Module], wanted: Sequence[str], say: Callable[[str], None]
) -> Iterator[IncludedFile]:
    """Yield the firmware of a tree that modules name, and what else is wanted; tell `say` what the tree lacks.

    wanted: names below /lib/firmware in the tree, also of folders or with wildcards, or folders on this host, whose
    content goes there. Raise UsageError if something that is wanted does not exist, FormatError if it is damaged.
    """
    there = {_plain(path): path for path in _files(root)}
    chosen: dict[str, None] = {}
    missing: dict[str, None] = {}
    for name in (name for module in modules for name in module.info.firmware):
        found = fnmatch.filter(there, name)
        chosen |= dict.fromkeys(found)
        if not found:
            missing[name] = None
    for text in wanted:
        if is_folder_of_host(text):
            yield from included_files.collect(Path(text), FOLDER.lstrip("/"), say)
            continue
        name = text.rstrip("/")
        found = [*fnmatch.filter(there, name), *fnmatch.filter(there, f"{name}/*")]
        if not found:
            raise UsageError(
                f"--firmware {text}: {root.folder} has no {FOLDER}/{name}",
                "Name a file or folder below it, or a folder on this host as ./FOLDER; --package adds a package.",
            )
        chosen |= dict.fromkeys(found)
    for name in chosen:
        path = there[name]
        yield IncludedFile(path=f"{FOLDER.lstrip('/')}/{name}", data=decompress(root.read(path), path))
    if missing:
        say(f"left out, the tree does not have this firmware: {' '.join(missing)}")


def _files(root: Root) -> Iterator[str]:
    """Yield the names of the files and links below /lib/firmware, without the folder."""
    top = root.host(FOLDER)
    if top is None:
        return
    for each in sorted(top.rglob("*")):
        path = f"{FOLDER}/{each.relative_to(top)}"
        target = root.host(path)
        if target is not None and target.is_file():
            yield path


def _plain(path: str) -> str:
    ending = next((ending for ending in _PACKED if path.endswith(ending)), "")
    return path.removeprefix(f"{FOLDER}/").removesuffix(ending)
