# SPDX-License-Identifier: MIT
"""The menu in the initramfs of another program, of which nothing is overwritten."""

from __future__ import annotations

from pathlib import Path

import pytest

from bootmenu.errors import BootmenuError
from bootmenu.image import other_initramfs
from bootmenu.image.contents import Contents
from bootmenu.image.rootfs import Root
from bootmenu.system.processes import Commands


@pytest.fixture
def menu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A menu of three files."""

    def add_menu(_root: Root, contents: Contents, *_: object) -> None:
        contents.file("/usr/bin/python3.99", b"python", executable=True)
        contents.file("/lib/some.so", b"library")
        contents.link("/usr/bin/python3", "python3.99")

    monkeypatch.setattr(other_initramfs, "add_menu", add_menu)


@pytest.mark.usefixtures("menu")
def test_only_what_is_missing_is_written(tmp_path: Path) -> None:
    into = tmp_path / "initramfs"
    (into / "usr/lib").mkdir(parents=True)
    (into / "lib").symlink_to("usr/lib")
    (into / "usr/lib/some.so").write_bytes(b"its own")
    said: list[str] = []
    other_initramfs.copy_menu(tmp_path, into, Commands(), said.append)
    assert (into / "lib/some.so").read_bytes() == b"its own"
    assert (into / "bin/python3").read_bytes() == b"python"
    assert (into / "bin/python3").stat().st_mode & 0o777 == 0o755
    assert not (into / "dev/console").exists()
    assert not (into / "init").exists()


@pytest.mark.usefixtures("menu")
def test_a_copy_that_was_interrupted_is_completed_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    into = tmp_path / "initramfs"
    into.mkdir()
    (into / ".bootmenu-copy.tmp").write_bytes(b"of one that was killed")
    write = Path.write_bytes

    def half(path: Path, data: bytes) -> None:
        write(path, data[:3])
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(KeyboardInterrupt):
        other_initramfs.copy_menu(tmp_path, into, Commands(), lambda _: None)
    assert not [path for path in into.rglob("*") if path.is_file() and not path.is_symlink()]
    monkeypatch.setattr(Path, "write_bytes", write)
    other_initramfs.copy_menu(tmp_path, into, Commands(), lambda _: None)
    assert (into / "usr/bin/python3.99").read_bytes() == b"python"
    assert not (into / ".bootmenu-copy.tmp").exists()


@pytest.mark.usefixtures("menu")
@pytest.mark.parametrize("wrong", ["absent", "a folder of its own", "a link out of it"])
def test_a_tree_that_is_none_of_an_initramfs_is_left_alone(tmp_path: Path, wrong: str) -> None:
    into = tmp_path / "initramfs"
    if wrong != "absent":
        into.mkdir()
        (tmp_path / "elsewhere/lib").mkdir(parents=True)
        if wrong == "a link out of it":
            (into / "usr").symlink_to(tmp_path / "elsewhere")
        else:
            (into / "lib").mkdir()
    with pytest.raises(BootmenuError):
        other_initramfs.copy_menu(tmp_path, into, Commands(), lambda _: None)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
