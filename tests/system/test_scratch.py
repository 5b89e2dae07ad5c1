# SPDX-License-Identifier: MIT
"""Folders that are gone after their process, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bootmenu.system import scratch
from bootmenu.system.scratch import FolderUse, make, sweep
from tests.builders.hosts import fake_host, syscalls_of

HOLD = """
import sys
from pathlib import Path
from bootmenu.system.scratch import FolderUse, make
kind, place = FolderUse(sys.argv[1]), Path(sys.argv[2])
made = make(kind, place).path
(made / "sda1").mkdir(mode=0o700)
if kind is FolderUse.DEMO:
    (made / "sda1" / "file").write_text("x")
    (made / "link").symlink_to(place / "kept")
print(made.name, flush=True)
sys.stdin.read()
"""


def holder(kind: FolderUse, place: Path) -> tuple[subprocess.Popen[str], str]:
    """Another process that has made one, and its name."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, kind, str(place)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def end(process: subprocess.Popen[str]) -> None:
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()


@pytest.mark.parametrize("kind", FolderUse)
def test_what_a_killed_process_left_is_swept_and_what_a_living_one_has_is_not(
    kind: FolderUse, tmp_path: Path
) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").write_text("y")
    process, name = holder(kind, tmp_path)
    try:
        assert sweep(tmp_path) == []
        assert (tmp_path / name / "sda1").is_dir()
    finally:
        end(process)
    assert sweep(tmp_path) == [name]
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    assert (tmp_path / "kept" / "file").read_text() == "y", "no link is followed"


def test_the_next_start_sweeps(tmp_path: Path) -> None:
    process, name = holder(FolderUse.DEMO, tmp_path)
    end(process)
    process, other = holder(FolderUse.MOUNTS, tmp_path)
    try:
        assert {path.name for path in tmp_path.iterdir()} == {other}
        assert name != other
    finally:
        end(process)


@pytest.mark.parametrize("kind", [FolderUse.MOUNTS, FolderUse.STATE])
def test_only_empty_folders_are_removed_where_something_may_have_been_mounted(
    kind: FolderUse, tmp_path: Path
) -> None:
    place = tmp_path / f"bootmenu-{kind}-abcdefgh"
    (place / "sda1").mkdir(parents=True)
    place.chmod(0o700)
    (place / "sda1" / "precious").write_text("x")
    assert sweep(tmp_path) == []
    assert (place / "sda1" / "precious").read_text() == "x"


def test_what_is_mounted_is_unmounted_and_nothing_below_it_is_deleted(tmp_path: Path) -> None:
    point = tmp_path / "bootmenu-mounts-abcdefgh" / "sda1"
    deeper = tmp_path / "bootmenu-demo-abcdefgh" / "boot" / "bound"
    point.mkdir(parents=True)
    deeper.mkdir(parents=True)
    (deeper / "precious").write_text("x")
    for place in tmp_path.iterdir():
        place.chmod(0o700)
    host = fake_host(tmp_path / "host")
    mountinfo = host.path("/proc/self/mountinfo")
    mountinfo.parent.mkdir(parents=True)
    mountinfo.write_text(
        f"40 25 8:1 / {point} ro - ext4 /dev/sda1 ro\n41 25 8:2 /home {deeper} rw - ext4 /dev/sda2 rw\n"
    )
    mounted = syscalls_of(host).mounted = [str(point), str(deeper)]
    assert sweep(tmp_path, host) == ["bootmenu-mounts-abcdefgh"]
    assert mounted == [str(deeper)]
    assert (deeper / "precious").read_text() == "x"


def test_what_is_not_certainly_its_own_stays(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    (tmp_path / "bootmenu-mounts-aaaaaaaa").symlink_to(elsewhere)
    (tmp_path / "bootmenu-mounts-bbbbbbbb").mkdir(mode=0o755)
    (tmp_path / "bootmenu-mounts-cccccccc").write_text("a file")
    for name in ("bootmenu", "bootmenu-abcdefgh", "bootmenu-report-20260101", "bootmenu-mounts-abc", "other"):
        (tmp_path / name).mkdir(mode=0o700)
    before = sorted(tmp_path.iterdir())
    assert sweep(tmp_path) == []
    assert sorted(tmp_path.iterdir()) == before
    assert sweep(tmp_path / "nowhere") == []


def test_two_that_start_at_once_take_nothing_from_each_other(tmp_path: Path) -> None:
    """One sweeps for all it is worth while the others make theirs."""
    made: list[scratch.Scratch] = []
    over = threading.Event()

    def sweeping() -> None:
        while not over.is_set():
            sweep(tmp_path)

    thread = threading.Thread(target=sweeping)
    thread.start()
    try:
        for _ in range(200):
            made.append(make(FolderUse.MOUNTS, tmp_path))
            assert made[-1].path.is_dir()
        assert all(each.path.is_dir() for each in made)
    finally:
        over.set()
        thread.join()
    for each in made:
        each.leave()
    assert list(tmp_path.iterdir()) == []


def test_a_demonstration_leaves_nothing() -> None:
    with scratch.demonstration() as folder:
        (folder / "a" / "b").mkdir(parents=True)
        (folder / "a" / "b" / "c").write_text("x")
    assert not folder.exists()
