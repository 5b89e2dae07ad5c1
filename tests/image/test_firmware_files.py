# SPDX-License-Identifier: MIT
"""The firmware of an image: what its modules name, and what is wanted besides."""

from __future__ import annotations

import lzma
from pathlib import Path

import pytest
import zstandard

from bootmenu.errors import UsageError
from bootmenu.image import firmware_files
from bootmenu.image.kernel_modules import Module, ModuleInfo
from bootmenu.image.rootfs import Root
from tests.image.samples import tree

TOP = "usr/lib/firmware"
CARD = Module(path="/m.ko", data=b"", info=ModuleInfo(firmware=("a.bin", "chip/*.fw", "gone.bin")))


def collected(root: Path, *wanted: str) -> tuple[dict[str, bytes | None], list[str]]:
    said: list[str] = []
    found = firmware_files.collect(Root(root), [CARD], wanted, said.append)
    return {each.path: each.data for each in found}, said


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tree(
        tmp_path / "root",
        {
            f"{TOP}/a.bin.xz": lzma.compress(b"A"),
            f"{TOP}/chip/1.fw.zst": zstandard.compress(b"one"),
            f"{TOP}/chip/2.fw.zst": "1.fw.zst",
            f"{TOP}/chip/3.fw": "../other",
            f"{TOP}/other/x.bin": b"X",
            f"{TOP}/other/deep/y.bin": b"Y",
        },
    )


def test_what_modules_name_is_unpacked_and_what_is_missing_is_said(root: Path) -> None:
    found, said = collected(root)
    assert found == {
        "lib/firmware/a.bin": b"A",
        "lib/firmware/chip/1.fw": b"one",
        "lib/firmware/chip/2.fw": b"one",
    }
    assert said == ["left out, the tree does not have this firmware: gone.bin"]


def test_names_folders_and_wildcards_are_wanted(root: Path) -> None:
    for wanted in ("other", "other/", "other/*"):
        found, _ = collected(root, wanted)
        assert found["lib/firmware/other/x.bin"] == b"X"
        assert found["lib/firmware/other/deep/y.bin"] == b"Y"
    assert "lib/firmware/other/x.bin" not in collected(root, "other/deep")[0]
    with pytest.raises(UsageError, match=r"has no /lib/firmware/othre"):
        collected(root, "othre")


def test_a_path_below_the_folder_of_firmware_is_one_of_the_tree(root: Path) -> None:
    for wanted in ("/lib/firmware/other", "/usr/lib/firmware/other/"):
        assert collected(root, wanted)[0]["lib/firmware/other/x.bin"] == b"X"
    with pytest.raises(UsageError, match=r"has no /lib/firmware/othre"):
        collected(root, "/lib/firmware/othre")


def test_a_folder_of_the_host(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path / "mine", {"board/z.bin": b"Z", "note": b"12"})
    monkeypatch.chdir(tmp_path / "mine/board")
    for wanted in (str(tmp_path / "mine"), "..", "../", "../../mine"):
        found, said = collected(root, wanted)
        assert found["lib/firmware/board/z.bin"] == b"Z"
        assert f"adding 2 files of {Path(wanted)} as firmware, 3 B" in said


def test_what_is_no_folder_of_firmware_is_refused(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree(tmp_path / "mine", {"z.bin": b"Z", "system": "/etc"})
    monkeypatch.chdir(tmp_path)
    for wanted, why, hint in (
        (str(tmp_path / "nothing"), "there is no folder", "below /lib/firmware"),
        ("./mine/z.bin", "is a file of this host, not a folder", "--include ./mine/z.bin:/lib/firmware/z.bin"),
        ("/etc", "/etc is a folder of this host's system", "a folder of its own"),
        ("/etc/ssl", "/etc/ssl is a folder of this host's system", "a folder of its own"),
        ("./mine/system", "/etc is a folder of this host's system", "a folder of its own"),
        ("/", "/ is a folder of this host's system", "a folder of its own"),
        (f"{'../' * 30}usr", "/usr is a folder of this host's system", "a folder of its own"),
    ):
        with pytest.raises(UsageError, match=why) as caught:
            collected(root, wanted)
        assert hint in caught.value.hint


def test_a_tree_without_firmware(tmp_path: Path) -> None:
    assert collected(tmp_path)[0] == {}
