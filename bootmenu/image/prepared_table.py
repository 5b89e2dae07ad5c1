# SPDX-License-Identifier: MIT
"""Make the table with which an image's Python starts faster; bootmenu/prepared.py reads it."""

from __future__ import annotations

import marshal
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from bootmenu.image import pattern_table
from bootmenu.image.process_runner import Runner, output

_LONGEST = 300.0
"""Seconds for all regular expressions."""
_LARGEST = 64 << 20
"""Bytes."""


def table(
    compiler: str,
    version: str,
    folders: Sequence[str],
    modules: Mapping[str, bytes],
    binaries: Iterable[str],
    runner: Runner,
) -> bytes:
    """Return the table. compiler: an interpreter of the target's version. version: `3.11`. folders: where Python
    looks for modules, in that order. modules: sources by path in the image. binaries: paths of extension modules."""
    program = Path(pattern_table.__file__).read_text("utf-8")
    sources = marshal.dumps(list(modules.values()), 2)
    answer = output(runner, [compiler, "-I", "-S", "-c", program], timeout=_LONGEST, data=sources, keep=_LARGEST)
    magic, patterns = marshal.loads(answer)  # noqa: S302  (our own program wrote it)
    rows = [(folder, *_names(folder, modules)) for folder in folders]
    extensions = {}
    for path in binaries:
        folder = max((each for each in folders if path.startswith(f"{each}/")), key=len, default="")
        if folder:
            name = path.removeprefix(f"{folder}/").partition(".")[0].replace("/", ".")
            extensions[name] = path
    tag = f"cpython-{version.replace('.', '')}"
    return marshal.dumps((tag, rows, dict(sorted(extensions.items())), magic, patterns), 2)


def _names(folder: str, modules: Mapping[str, bytes]) -> tuple[str, str]:
    """Return the dotted names of the modules and of the packages in a folder."""
    single, packages = [], []
    for path in sorted(modules):
        inside = PurePosixPath(path.removeprefix(f"{folder}/"))
        if inside.is_absolute() or not all(part.isidentifier() for part in inside.with_suffix("").parts):
            continue
        if inside.name == "__init__.py":
            packages.append(".".join(inside.parts[:-1]))
        else:
            single.append(".".join(inside.with_suffix("").parts))
    return " ".join(single), " ".join(packages)
