# SPDX-License-Identifier: MIT
"""An image and its kernel: both are written or none, and what cannot be written is said before the work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bootmenu.errors import BootmenuError, UsageError
from bootmenu.image.output_files import check, write
from bootmenu.system import signals
from tests.frontends.pseudo_terminal import ROOT


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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interruption_between_two_files_waits_for_both(
    number: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = Path.replace

    def interrupted(self: Path, target: Path) -> Path:
        os.kill(os.getpid(), number)
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", interrupted)
    (tmp_path / "image").write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), signals.raised():
        write({tmp_path / "image": b"new", tmp_path / "kernel": b"new"})
    assert _contents(tmp_path) == {"image": b"new", "kernel": b"new"}


def test_a_full_disk_keeps_the_old_ones_and_leaves_nothing(tmp_path: Path) -> None:
    """In a process of its own whose files may not become bigger: that stops a write in its middle as well."""
    program = (
        "import resource, signal, sys; from pathlib import Path; from bootmenu.image import output_files\n"
        "from bootmenu.errors import BootmenuError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (100_000,) * 2)\n"
        "image = Path(sys.argv[1])\n"
        "try: output_files.write({image: b'new', image.with_name('kernel'): bytes(200_000)})\n"
        "except BootmenuError as error: sys.exit(f'{error.message} {error.hint}')\n"
    )
    (tmp_path / "image").write_bytes(b"old")
    argv = [sys.executable, "-c", program, str(tmp_path / "image")]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=ROOT, timeout=60)
    assert (done.returncode, done.stderr) == (1, f"{tmp_path}/kernel cannot be written: File too large \n")
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
