# SPDX-License-Identifier: MIT
"""The archives in which files are handed on to the next system."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.formats.extra_archive import after, before
from bootmenu.formats.initramfs import inspect
from bootmenu.formats.reader import Buffer
from tests.properties import examples


def archive(path: str, content: bytes) -> bytes:
    return before(path, len(content)) + content + after(len(content))


@pytest.mark.parametrize(
    ("path", "modes"),
    [
        (".extra/credentials/a.cred", {".extra": 0o555, ".extra/credentials": 0o500, "file": 0o400}),
        (".extra/global_credentials/a.cred", {".extra": 0o555, ".extra/global_credentials": 0o500, "file": 0o400}),
        (".extra/sysext/a.raw", {".extra": 0o555, ".extra/sysext": 0o555, "file": 0o444}),
        (".extra/os-release", {".extra": 0o555, "file": 0o444}),
    ],
)
def test_cpio_unpacks_them_with_the_modes_of_the_stub(path: str, modes: dict[str, int], tmp_path: Path) -> None:
    content = b"secret\n"
    subprocess.run(
        ["cpio", "-idm", "--quiet", "--no-preserve-owner"], input=archive(path, content), cwd=tmp_path, check=True
    )
    assert (tmp_path / path).read_bytes() == content
    for name, mode in modes.items():
        assert (tmp_path / (path if name == "file" else name)).stat().st_mode & 0o777 == mode


@examples(100)
@given(st.lists(st.tuples(st.sampled_from(["a", "b.cred", "x" * 255]), st.binary(max_size=40)), min_size=1))
def test_any_number_of_them_is_an_initramfs(files: list[tuple[str, bytes]]) -> None:
    whole = b"".join(archive(f".extra/sysext/{name}", content) for name, content in files)
    assert len(whole) % 4 == 0
    assert inspect(Buffer(whole), deep=True).compression is None
