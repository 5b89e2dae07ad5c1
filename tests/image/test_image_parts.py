# SPDX-License-Identifier: MIT
"""What an image consists of: one that is built, one that was built, and the differences of two."""

from __future__ import annotations

import contextlib
import gzip
import re
import struct
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu import cli
from bootmenu.errors import BootmenuError, FormatError
from bootmenu.image import image_file, image_parts
from bootmenu.image.build import Compress
from bootmenu.image.cpio import ArchiveMember, pack
from bootmenu.image.image_parts import part_of
from bootmenu.image.unified_kernel import unified_kernel
from tests.image.test_unified_kernel import stub

FILES = (
    ArchiveMember.folder("usr"),
    ArchiveMember.file("init", b"#!"),
    ArchiveMember.file("usr/lib/libc.so.6", bytes(100)),
    ArchiveMember.file("usr/lib/modules/6.1/kernel/a.ko", bytes(70)),
    ArchiveMember.link("usr/bin/sh", "busybox"),
)


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("usr/lib/python3/dist-packages/bootmenu/cli.pyc", "bootmenu"),
        ("usr/bin/bootmenu", "bootmenu"),
        ("usr/local/lib/python3.12/site-packages/rich/a.pyc", "Python packages"),
        ("usr/lib/python3.13/os.pyc", "Python"),
        ("usr/bin/python3.13", "Python"),
        ("usr/lib/python3.13/lib-dynload/_json.so", "Python"),
        ("usr/lib/modules/6.1/kernel/fs/ext4.ko", "kernel modules"),
        ("usr/lib/firmware/a.bin", "firmware"),
        ("usr/lib/aarch64-linux-gnu/libc.so.6", "libraries"),
        ("usr/sbin/kexec", "tools"),
        ("etc/bootmenu.toml", "settings"),
        ("init", "init"),
        (".linux", "kernel and stub"),
        ("etc/motd", "other files"),
    ],
)
def test_parts_by_their_paths(path: str, part: str) -> None:
    assert part_of(path) == part


@pytest.mark.parametrize("compress", Compress)
@pytest.mark.parametrize("unified", [False, True])
def test_an_image_is_listed_as_it_was_built(compress: Compress, unified: bool, tmp_path: Path) -> None:
    pieces = list(pack(FILES))
    mark = b"".join(pack([ArchiveMember.file("mark", b"")]))
    data = mark + compress.apply(pieces, sum(map(len, pieces)))
    if unified:
        data = unified_kernel(stub(), {".initrd": data, ".linux": b"K" * 9})
    (tmp_path / "image").write_bytes(data)
    found = {member.path: member for member in image_file.read(tmp_path / "image")}
    assert {path: found[path] for path in found.keys() & {each.path for each in FILES}} == {
        each.path: each for each in FILES
    }
    assert "mark" in found
    assert (found[".linux"].data == b"K" * 9) if unified else (".linux" not in found)
    lines = [line.split() for line in image_parts.listing(found.values())]
    assert ["100", "libraries", "usr/lib/libc.so.6"] in lines
    assert ["70", "kernel", "modules"] in lines


def test_of_two_files_with_one_name_the_kernel_has_the_last(tmp_path: Path) -> None:
    archives = [b"".join(pack([ArchiveMember.file("init", data)])) for data in (b"old", b"new")]
    (tmp_path / "image").write_bytes(b"".join(archives))
    assert [member.data for member in image_file.read(tmp_path / "image")] == [b"new"]


def test_differences_by_part_the_biggest_first() -> None:
    new = (
        *FILES[:2],
        ArchiveMember.file("usr/lib/libc.so.6", bytes(40)),
        ArchiveMember.file("usr/lib/modules/6.1/kernel/a.ko", bytes(69) + b"x"),
        ArchiveMember.file("usr/bin/kexec", bytes(5)),
    )
    assert [line.split() for line in image_parts.differences(FILES, new)] == [
        "libraries: 100 B -> 40 B (-60 bytes)".split(),
        "changed -60 usr/lib/libc.so.6".split(),
        "tools: 0 B -> 5 B (+5 bytes)".split(),
        "added +5 usr/bin/kexec".split(),
        "removed -7 usr/bin/sh".split(),
        "kernel modules: 70 B -> 70 B (+0 bytes)".split(),
        "changed +0 usr/lib/modules/6.1/kernel/a.ko".split(),
    ]
    assert list(image_parts.differences(FILES, FILES)) == []


@pytest.mark.parametrize("content", [None, b"", b"nonsense", b"070701" + b"g" * 104, stub()])
def test_what_is_no_image_is_said(content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "image").write_bytes(content)
    with pytest.raises(BootmenuError, match=r"image (cannot be read|is not an image)"):
        image_file.read(tmp_path / "image")


def _archive(**changed: bytes) -> bytes:
    """An archive of one file, of which fields of the header are changed."""
    places = {"size": 54, "name_size": 94}
    data = bytearray(b"".join(pack([ArchiveMember.file("init", b"#!")])))
    for name, digits in changed.items():
        data[places[name] : places[name] + 8] = digits
    return bytes(data)


def _nested(times: int) -> bytes:
    data = _archive()
    for _ in range(times):
        data = gzip.compress(data, 1)
    return data


def _overlapping() -> bytes:
    """An EFI program whose ten sections are all of it."""
    data = bytearray(
        unified_kernel(stub(room=10), {f".s{number}": b"x" for number in range(9)} | {".initrd": _archive()})
    )
    for row in re.finditer(rb"\.(s\d|initrd)\0", data[:0x400]):
        struct.pack_into("<IIII", data, row.start() + 8, len(data), 0, len(data), 0)
    return bytes(data)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: _nested(2), "packed again"),
        (lambda: _nested(1500), "packed again"),
        (lambda: bytes(300_000_000), "it is empty"),
        (lambda: bytes(8) + _archive(size=b"ffffffff"), "ends early"),
        (lambda: _archive(size=b"-000006e"), "header of the archive is damaged"),
        (lambda: _archive(size=b"0000_002"), "header of the archive is damaged"),
        (lambda: _archive(name_size=b"7fffffff"), "file name in the archive is too long"),
        (lambda: _archive(name_size=b"00000000"), "file name in the archive is too long"),
        (lambda: _nested(1)[:-12], "ends early"),
        (lambda: gzip.compress(bytes(100 << 20), 1), "100 times its size"),
        (lambda: _archive() + b"text", "neither an archive nor"),
        (_overlapping, "sections are bigger than the file"),
    ],
)
def test_a_hostile_image_is_refused_soon(make: Callable[[], bytes], why: str, tmp_path: Path) -> None:
    (tmp_path / "image").write_bytes(make())
    before = time.process_time()
    with pytest.raises(BootmenuError, match=why) as caught:
        image_file.read(tmp_path / "image")
    assert time.process_time() - before < 5
    assert "\n" not in caught.value.message


def test_there_are_bounds_on_files_and_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_file, "MAX_NAMES", 4)
    with pytest.raises(FormatError, match="more than 4 files"):
        image_file.members(b"".join(pack(FILES)))
    monkeypatch.setattr(image_file, "_MOST", 1000)
    with pytest.raises(FormatError, match="unpacks to more than"):
        image_file.members(gzip.compress(bytes(1001)))
    with (tmp_path / "image").open("wb") as file:
        file.truncate(1001)
    with pytest.raises(BootmenuError, match="is bigger than"):
        image_file.read(tmp_path / "image")


def test_a_name_ends_where_the_kernel_ends_it() -> None:
    member = ArchiveMember.file("init\0nothing", b"")
    assert [found.path for found in image_file.members(b"".join(pack([member])))] == ["init"]


def test_names_do_not_control_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evil = "usr/\x1b[31mred\x07\n\x9b2J\u202e\udcff"
    for name, data in (("image", b"1"), ("old", b"22")):
        (tmp_path / name).write_bytes(b"".join(pack([ArchiveMember.file(evil, data)])))
    assert cli.main(["image", "list", str(tmp_path / "image")]) == 0
    assert cli.main(["image", "list", str(tmp_path / "image"), "--diff", str(tmp_path / "old")]) == 0
    shown = capsys.readouterr().out
    assert shown.count("usr/�[31mred��") == 2
    assert shown.replace("\n", "").isprintable()


@given(st.binary(max_size=300), st.integers(0, 900))
def test_any_bytes_are_an_image_or_an_error(data: bytes, cut: int) -> None:
    whole = b"".join(pack(FILES))
    for sample in (data, whole[:cut] + data, whole[:cut], whole + data):
        with contextlib.suppress(FormatError):
            image_file.members(sample)
