# SPDX-License-Identifier: MIT
"""What is downloaded and made for the virtual machine, and what is left of it when that is interrupted."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bootmenu.errors import BootmenuError, UsageError
from bootmenu.image import apt
from bootmenu.view.progress_bar import SILENT
from bootmenu.vm import machine_files
from bootmenu.vm.machine_files import MachineFiles
from tests.builders.hosts import FakeCommands
from tests.commands.calling import Call


def test_only_suites_with_sample_systems_are_taken(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no sample systems of jessie"):
        MachineFiles(cache=tmp_path, architecture="arm64", suite="jessie").make(FakeCommands(), SILENT)
    assert not any(tmp_path.iterdir())


def test_an_interrupted_download_leaves_nothing_that_counts_as_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(apt.Apt, "update", interrupted)
    files = MachineFiles(cache=tmp_path, architecture="arm64", suite="trixie", mirror="http://mirror.invalid")
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            files.make(FakeCommands(), SILENT)
        assert not files.are_made()


def test_an_interrupted_disk_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = MachineFiles(cache=tmp_path, architecture="arm64", suite="trixie")
    disks = []

    def write(disk: Path, *_: object) -> None:
        disks.append(disk)
        disk.write_bytes(b"half")
        (disk.parent / "work").mkdir()
        if len(disks) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(MachineFiles, "_download", lambda *_: tmp_path)
    monkeypatch.setattr(MachineFiles, "_sample_files", lambda *_: None)
    monkeypatch.setattr(machine_files, "build", lambda *_: None)
    monkeypatch.setattr(machine_files, "partitions", lambda _: [])
    monkeypatch.setattr(machine_files, "write_disk", write)
    old = files.folder.parent / "of-an-older-state"
    old.mkdir(parents=True)
    with pytest.raises(KeyboardInterrupt):
        files.make(FakeCommands(), SILENT)
    assert not files.are_made()
    files.make(FakeCommands(), SILENT)
    assert files.disk.read_bytes() == b"half"
    assert [path.name for path in files.folder.parent.iterdir()] == [files.folder.name]
    files.make(FakeCommands(), SILENT)
    assert len(disks) == 2, "nothing is made twice"


@pytest.mark.parametrize(("number", "free"), [(errno.ENOSPC, True), (errno.EACCES, False), (errno.EROFS, False)])
def test_a_cache_that_cannot_be_written_is_named_with_what_helps(
    number: int, free: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = MachineFiles(cache=tmp_path, architecture="arm64", suite="trixie")

    def fail(*_: object) -> None:
        raise OSError(number, "no", str(tmp_path / "apt"))

    monkeypatch.setattr(MachineFiles, "_download", fail)
    with pytest.raises(BootmenuError, match=str(tmp_path / "apt")) as error:
        files.make(FakeCommands(), SILENT)
    assert ("space" in error.value.hint, "XDG_CACHE_HOME" in error.value.hint) == (free, True)


def test_clean_removes_what_was_downloaded_and_nothing_else(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for name in ("apt/trixie-arm64/archives", "machine/trixie-arm64", "else"):
        folder = tmp_path / "bootmenu" / name
        folder.mkdir(parents=True)
        (folder / "file").write_bytes(bytes(200_000))
    outcome = call("vm", "--clean")
    assert outcome.code == 0
    assert "removed 0.4 MB" in outcome.err
    assert [path.name for path in (tmp_path / "bootmenu").iterdir()] == ["else"]


def test_dry_run_prints_the_command_and_makes_nothing(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    outcome = call("vm", "--dry-run", "--arch", "amd64", "--memory", "512", "--", "-s")
    assert outcome.code == 0
    assert outcome.out.startswith("qemu-system-x86_64 -M q35 -accel tcg ")
    assert "-m 512 " in outcome.out
    assert outcome.out.endswith(" -s\n")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("option", ["--memory=5", "--cpus=0"])
def test_a_machine_that_cannot_be_is_a_wrong_call(call: Call, option: str) -> None:
    assert call("vm", option, "--dry-run").code == 2


def test_without_a_terminal_nothing_is_downloaded(tmp_path: Path) -> None:
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    argv = [sys.executable, "-m", "bootmenu", "vm"]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment, timeout=60)
    assert done.returncode == 2
    assert "needs a terminal" in done.stderr
    assert not any(tmp_path.iterdir())
