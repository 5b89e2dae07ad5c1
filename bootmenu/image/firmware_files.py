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
from bootmenu.model.regex import regex
from bootmenu.model.text import megabytes

FOLDER = "/lib/firmware"
_PACKED = (".xz", ".zst")
"""Endings that the kernel tries, too, where it is built to (drivers/base/firmware_loader/main.c); an image has the
files unpacked, which every kernel reads."""


_IN_TREE = ("/lib/firmware/", "/usr/lib/firmware/")
_SYSTEM = regex(
    r"/(?:(?:dev|etc|proc|root|run|sys)(?:/.*)?|bin|boot|home|lib|lib32|lib64|mnt|opt|sbin|srv|tmp|usr|var)?"
)
"""Folders of a host that are not meant, though a path may lead there; of some not even what is below them."""


def folder_of_host(wanted: str) -> Path | None:
    """Return the folder on this host that a `--firmware` names: a path that begins with /, ./ or ../, unless that is
    below /lib/firmware. None for a name in the tree. Raise UsageError for what is no folder of firmware."""
    if wanted.startswith(_IN_TREE) or (not wanted.startswith(("/", "./", "../")) and wanted not in (".", "..")):
        return None
    path = Path(wanted)
    if not path.exists():
        raise UsageError(
            f"--firmware {wanted}: there is no folder {path} on this host",
            "A path that begins with / or . is one of this host; others are below /lib/firmware of the tree.",
        )
    if not path.is_dir():
        raise UsageError(
            f"--firmware {wanted}: {path} is a file of this host, not a folder",
            f"Name the folder that it is in, or say --include {wanted}:{FOLDER}/{path.name}",
        )
    if _SYSTEM.fullmatch(str(path.resolve())):
        raise UsageError(
            f"--firmware {wanted}: {path.resolve()} is a folder of this host's system, and holds no firmware",
            "Copy the firmware into a folder of its own, and name that.",
        )
    return path


def collect(
    root: Root, modules: Iterable[Module], wanted: Sequence[str], say: Callable[[str], None]
) -> Iterator[IncludedFile]:
    """Yield the firmware of a tree that modules name, and what else is wanted; tell `say` what the tree lacks.

    wanted: names below /lib/firmware in the tree, also of folders or with wildcards, or folders on this host (see
    `folder_of_host`), whose content goes there. Raise UsageError if something that is wanted does not exist,
    FormatError if it is damaged.
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
        folder = folder_of_host(text)
        if folder is not None:
            files = list(included_files.collect(folder, FOLDER.lstrip("/"), say))
            size = sum(len(each.data or b"") for each in files)
            count = sum(each.data is not None for each in files)
            say(f"adding {count} files of {folder} as firmware, {megabytes(size)}")
            yield from files
            continue
        name = text.removeprefix("/usr").removeprefix(f"{FOLDER}/").rstrip("/")
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
