# SPDX-License-Identifier: MIT
"""`image build --include`: what is on a host besides files, and where in an image something may go."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from bootmenu.errors import UsageError
from bootmenu.image import included_files
from bootmenu.image.contents import Contents


def test_includes(tmp_path: Path) -> None:
    assert included_files.parse("/a:b:/etc/c") == (Path("/a:b"), "etc/c")
    assert included_files.parse("a:etc//./c") == (Path("a"), "etc/c")
    assert included_files.parse(f"{tmp_path}:/etc/") == (tmp_path, "etc")
    for wrong in ("/a", "/a:", "/a:/", ":/x", "/a:/x/../y"):
        with pytest.raises(UsageError):
            included_files.parse(wrong)
    with pytest.raises(UsageError) as error:
        included_files.parse("notes.txt:/etc/")
    assert "notes.txt:/etc/notes.txt" in error.value.hint


@pytest.mark.parametrize("what", ["pipe", "socket", "device", "huge", "absent"])
def test_what_is_no_file_with_an_end_is_a_wrong_call(what: str, tmp_path: Path) -> None:
    path = tmp_path / what
    if what == "pipe":
        os.mkfifo(path)
    elif what == "socket":
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(path))
    elif what == "device":
        path.symlink_to("/dev/zero")
    elif what == "huge":
        path.touch()
        os.truncate(path, 1 << 33)
    with pytest.raises(UsageError, match=f"{path} cannot be included"):
        list(included_files.collect(path, "x", lambda _: None))
    if what != "absent":  # which the next step refuses
        with pytest.raises(UsageError, match=f"{path} cannot be"):
            included_files.check_settings(path, "etc/bootmenu.toml")


def test_a_folder_is_packed_with_its_folders_and_what_is_left_out_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "below/empty").mkdir(parents=True)
    (folder / "file").write_text("text")
    (folder / "file").chmod(0o755)
    (folder / "link").symlink_to("file")
    (folder / "nothing").symlink_to("nowhere")
    (folder / "below/loop").symlink_to("..")
    os.mkfifo(folder / "pipe")
    said: list[str] = []
    found = list(included_files.collect(folder, "to", said.append))
    assert [(each.path, each.data, each.executable) for each in found] == [
        ("to", None, False),
        ("to/below", None, False),
        ("to/below/empty", None, False),
        ("to/file", b"text", True),
        ("to/link", b"text", True),
    ]
    assert said == [
        f"left out: {folder}/below/loop (a link to a folder)",
        f"left out: {folder}/nothing (a link to nothing)",
        f"left out: {folder}/pipe (a named pipe)",
    ]


def test_a_folder_of_the_image_is_not_replaced_by_a_file() -> None:
    contents = Contents()
    contents.file("etc/passwd", b"")
    for path in ("etc", "bin", "usr/lib"):
        with pytest.raises(UsageError, match="is a folder of the image"):
            contents.file(path, b"")
