# SPDX-License-Identifier: MIT
"""What is downloaded and made for the virtual machine, and what is left of it when that is interrupted."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from bootmenu.errors import BootmenuError, UsageError
from bootmenu.image import apt
from bootmenu.view.progress_bar import SILENT
from bootmenu.vm import machine_files
from bootmenu.vm.machine_files import MachineFiles, Sample
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


def test_files_that_were_cut_short_are_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = MachineFiles(cache=tmp_path, architecture="arm64", suite="trixie")
    made = []

    def fill(_: object, fresh: Path, *__: object) -> None:
        made.append(fresh)
        for path in (files.kernel, files.initrd, files.disk):
            (fresh / path.name).write_bytes(b"content")

    monkeypatch.setattr(MachineFiles, "_download", lambda *_: tmp_path)
    monkeypatch.setattr(MachineFiles, "_fill", fill)
    files.make(FakeCommands(), SILENT)
    for count, path in enumerate((files.kernel, files.initrd, files.disk), start=1):
        assert files.are_made()
        path.write_bytes(b"cont") if count < 3 else path.unlink()
        assert not files.are_made()
        files.make(FakeCommands(), SILENT)
        assert path.read_bytes() == b"content"
        assert len(made) == 1 + count


def test_a_sample_that_was_cut_short_is_downloaded_again(tmp_path: Path) -> None:
    def unpack(argv: Sequence[str], _: object) -> tuple[int, bytes, bytes]:
        kernel = Path(argv[-1], "boot/vmlinuz-6.1")
        kernel.parent.mkdir(parents=True)
        kernel.write_bytes(b"kernel")
        return 0, b"", b""

    sample = Sample(suite="trixie", architecture="arm64", package="linux", pattern="boot/vmlinuz-*")
    files = MachineFiles(cache=tmp_path, architecture="arm64", suite="trixie")
    (tmp_path / "linux.deb").touch()
    files._keep(sample, tmp_path / "linux.deb", FakeCommands({"dpkg-deb": unpack}))
    kept = sample.file(tmp_path)
    assert kept is not None
    assert kept.read_bytes() == b"kernel"
    kept.write_bytes(b"")
    assert sample.file(tmp_path) is None


def test_a_failure_leaves_no_half_of_it_and_names_what_helps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = MachineFiles(cache=tmp_path, architecture="arm64", suite="trixie")

    def fail(_: object, fresh: Path, *__: object) -> None:
        (fresh / "half").touch()
        raise BootmenuError("busybox is not a valid ELF file")

    monkeypatch.setattr(MachineFiles, "_download", lambda *_: tmp_path)
    monkeypatch.setattr(MachineFiles, "_fill", fail)
    with pytest.raises(BootmenuError, match="not a valid ELF file") as error:
        files.make(FakeCommands(), SILENT)
    assert "bootmenu vm --clean" in error.value.hint
    assert not any(files.folder.parent.iterdir())


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


def test_clean_does_not_claim_what_it_could_not_do(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "bootmenu").mkdir()
    (tmp_path / "bootmenu/apt").write_bytes(b"somebody's file")
    outcome = call("vm", "--clean")
    assert outcome.code == 1
    assert "apt cannot be removed" in outcome.err
    assert "removed 0" not in outcome.err


def test_without_a_home_the_cache_has_to_be_named(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", home)
    outcome = call("vm", "--dry-run")
    assert outcome.code == 2
    assert "Set XDG_CACHE_HOME" in outcome.err


def test_dry_run_prints_the_command_and_makes_nothing(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    outcome = call("vm", "--dry-run", "--arch", "amd64", "--memory", "512", "--", "-s")
    assert outcome.code == 0
    assert outcome.out.startswith("qemu-system-x86_64 -M q35 -accel tcg ")
    assert " no_timer_check " in outcome.out
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
