# SPDX-License-Identifier: MIT
"""List the files of a Python distribution that pip, uv or a Linux distribution has installed.

pip and uv write a list beside the metadata (RECORD). Packages of Debian and of other distributions leave it out,
since their own database has the list.
"""

from __future__ import annotations

import importlib.metadata
import re
import shutil
from pathlib import Path, PurePosixPath

from bootmenu.errors import BootmenuError
from bootmenu.image.process_runner import Runner


def of(distribution: importlib.metadata.Distribution, runner: Runner) -> list[PurePosixPath]:
    """Return the files of a distribution that are in the folder where it is installed, relative to that.

    Raise BootmenuError if nothing lists them.
    """
    # what Distribution.files reads instead of RECORD (SOURCES.txt) lists the source archive
    listed = distribution.files if distribution.read_text("RECORD") is not None else None
    files = [path for path in listed or () if ".." not in path.parts and not path.is_absolute()]
    if files:
        return [PurePosixPath(path) for path in files]
    folder = Path(str(distribution.locate_file("")))
    found = _from_dpkg(distribution, folder, runner) or _from_names(distribution, folder)
    if not found:
        raise BootmenuError(
            f"the installed {distribution.metadata['Name']} has no list of its files", "Install it with pip or uv."
        )
    return found


def _metadata_folder(distribution: importlib.metadata.Distribution, folder: Path) -> Path | None:
    """Return the folder with the metadata: NAME-VERSION.dist-info, or NAME-VERSION.egg-info, which may be a file."""
    wanted = _normalised(distribution.metadata["Name"])
    for path in sorted(folder.glob("*-info")):
        if _normalised(path.name.split("-")[0]) == wanted:
            return path
    return None


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _from_dpkg(distribution: importlib.metadata.Distribution, folder: Path, runner: Runner) -> list[PurePosixPath]:
    """Return the files that the Debian package with the metadata has in this folder; nothing if no package has it."""
    metadata = _metadata_folder(distribution, folder)
    if metadata is None or shutil.which("dpkg-query") is None:
        return []
    owner = runner.run(["dpkg-query", "--search", str(metadata)], timeout=60)
    package = owner.stdout.decode("utf-8", "replace").partition(": ")[0].split(",")[0].strip()
    if owner.returncode != 0 or not package or package.startswith("diversion"):
        return []
    listed = runner.run(["dpkg-query", "--listfiles", package], timeout=60)
    paths = (Path(line) for line in listed.stdout.decode("utf-8", "surrogateescape").splitlines())
    return [PurePosixPath(path.relative_to(folder)) for path in paths if folder in path.parents and not path.is_dir()]


def _from_names(distribution: importlib.metadata.Distribution, folder: Path) -> list[PurePosixPath]:
    """Return the files below the modules that the metadata names (top_level.txt), or below the one of its name."""
    names = (distribution.read_text("top_level.txt") or "").split()
    own = distribution.metadata["Name"]
    found: list[PurePosixPath] = []
    for name in names or [own, own.replace("-", "_")]:
        if not re.fullmatch(r"\w+", name):
            continue
        for top in (folder / name, folder / f"{name}.py"):
            paths = sorted(top.rglob("*")) if top.is_dir() else [top]
            found += [PurePosixPath(path.relative_to(folder)) for path in paths if path.is_file()]
    metadata = _metadata_folder(distribution, folder)
    if found and metadata is not None and metadata.is_dir():
        found += [PurePosixPath(path.relative_to(folder)) for path in sorted(metadata.iterdir()) if path.is_file()]
    return list(dict.fromkeys(found))
