# SPDX-License-Identifier: MIT
"""A disk that is anybody's cannot make bootmenu write elsewhere, or wait, by what stands in place of a file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bootmenu.system import durable_file
from bootmenu.system.durable_file import Files


def _anything(_: bytes) -> None:
    """Every content is whole."""


@pytest.mark.parametrize("name", ["state", "state.new", "state.old"])
@pytest.mark.parametrize("what", ["link", "link to nothing", "pipe", "read pipe", "folder"])
def test_nothing_but_a_regular_file_is_opened(name: str, what: str, tmp_path: Path) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    victim = tmp_path / "victim"
    victim.write_bytes(b"victim")
    (folder / "state").write_bytes(b"earlier")
    path = folder / name
    path.unlink(missing_ok=True)
    reader = -1
    if what == "folder":
        path.mkdir()
    elif "pipe" in what:
        os.mkfifo(path)
        if what == "read pipe":  # which can be opened for writing
            reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    else:
        path.symlink_to(victim if what == "link" else tmp_path / "nothing")
    with pytest.raises(OSError):  # noqa: PT011
        Files().read(str(path))
    with pytest.raises(OSError):  # noqa: PT011
        Files().write(str(path), b"new")
    try:
        durable_file.store(str(folder / "state"), b"new", Files(), _anything)
    except OSError:
        assert name != "state" or what == "folder"  # whose name cannot be given to a file
    else:
        assert (folder / "state").read_bytes() == b"new"
    finally:
        if reader >= 0:
            os.close(reader)
    assert victim.read_bytes() == b"victim"
    assert not (tmp_path / "nothing").exists()


def test_a_longer_content_before_is_gone(tmp_path: Path) -> None:
    path = str(tmp_path / "file")
    Files().write(path, b"long content")
    Files().write(path, b"short")
    assert Files().read(path) == b"short"
