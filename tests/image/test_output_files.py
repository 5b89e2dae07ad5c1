# SPDX-License-Identifier: MIT
"""An image and its kernel: both are written or none, and what cannot be written is said before the work."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bootmenu.errors import BootmenuError, UsageError
from bootmenu.image.output_files import check, write


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_failure_of_one_keeps_all_old_ones_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "image").write_bytes(b"old")
    with pytest.raises(BootmenuError, match=r"image/kernel cannot be written"):
        write({tmp_path / "image": b"new", tmp_path / "image/kernel": b"new"})
    assert _contents(tmp_path) == {"image": b"old"}


@pytest.mark.parametrize("name", ["image", "kernel"])
def test_an_interruption_keeps_all_old_ones_and_leaves_nothing(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fsync(descriptor: int) -> None:
        if name in str(Path(f"/proc/self/fd/{descriptor}").readlink()):
            raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", fsync)
    (tmp_path / "image").write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt):
        write({tmp_path / "image": b"new", tmp_path / "kernel": b"new"})
    assert _contents(tmp_path) == {"image": b"old"}


def test_what_a_killed_build_left_is_removed_and_what_a_running_one_writes_is_not(tmp_path: Path) -> None:
    killed = 1 << 30  # more than there are process numbers
    running = os.getppid()
    for name in (f".image.{killed}.tmp", f".image.{running}.tmp", f".other.{killed}.tmp", "image.1.tmp"):
        (tmp_path / name).touch()
    write({tmp_path / "image": b"new"})
    assert set(_contents(tmp_path)) == {"image", f".image.{running}.tmp", f".other.{killed}.tmp", "image.1.tmp"}


def test_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("folder/image")
    (tmp_path / "folder").mkdir()
    check([tmp_path / "link"])
    write({tmp_path / "link": b"new"})
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "folder/image").read_bytes() == b"new"


def test_what_a_build_must_not_replace_is_a_wrong_call(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "same").symlink_to("image")
    for paths in (["pipe"], ["."], ["image", "same"]):
        with pytest.raises(UsageError) as error:
            check([tmp_path / path for path in paths])
        assert error.value.hint
    with pytest.raises(UsageError, match="no regular file"):
        check([Path(os.devnull)])


def test_what_cannot_be_written_is_said_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    for path in (tmp_path / "file/image", Path("/proc/image")):
        with pytest.raises(BootmenuError, match="cannot be written"):
            check([path])
    (tmp_path / "link").symlink_to("nowhere/image")
    for path in (tmp_path / "new/folder/image", tmp_path / "file/image", tmp_path / "link"):
        with pytest.raises(BootmenuError, match=r"there is no folder .*/(new/folder|file|nowhere)$") as error:
            check([path])
        assert "mount" in error.value.hint
    (tmp_path / "link").unlink()
    check([tmp_path / "image", tmp_path / "loop"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "loop"]
