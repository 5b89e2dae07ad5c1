# SPDX-License-Identifier: MIT
"""Recognise files that a power cut, a full disk or somebody else has cut short since they were made."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable
from pathlib import Path


def note(files: Iterable[Path], record: Path) -> None:
    """Write the sizes of files of one folder into a record. Raise OSError if one cannot be read or written."""
    record.write_text(json.dumps({path.name: path.stat().st_size for path in files}), "utf-8")


def are_whole(folder: Path, record: Path) -> bool:
    """Return whether all files of the record are in the folder, with their sizes."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sizes = json.loads(record.read_text("utf-8"))
        return all((folder / name).stat().st_size == size for name, size in sizes.items())
    return False
