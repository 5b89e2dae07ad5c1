# SPDX-License-Identifier: MIT
"""The files of a Python distribution, as pip, Debian and others leave them."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import pytest

from bootmenu.errors import BootmenuError
from bootmenu.image import installed_files
from tests.image.samples import Done, FakeRunner, tree

METADATA = b"Metadata-Version: 2.1\nName: Some.Thing\nVersion: 1\n\n"
INFO = "Some_Thing-1.dist-info"


def listed(folder: Path, files: dict[str, bytes], runner: FakeRunner | None = None) -> list[str]:
    """The files of a distribution that is installed in a folder; a runner without answers knows no package."""
    tree(folder, files)
    (distribution,) = importlib.metadata.distributions(path=[str(folder)])
    runner = runner or FakeRunner({"dpkg-query": Done(returncode=1)})
    return [str(path) for path in installed_files.of(distribution, runner)]


def test_the_list_of_pip_is_taken_without_what_lies_elsewhere(tmp_path: Path) -> None:
    record = b"some_thing/__init__.py,,\n../../bin/thing,,\n"
    files = {f"{INFO}/METADATA": METADATA, f"{INFO}/RECORD": record, "some_thing/__init__.py": b""}
    assert listed(tmp_path, files) == ["some_thing/__init__.py"]


@pytest.mark.parametrize("info", [INFO, "Some.Thing-1.egg-info"])
def test_the_list_of_debian_is_that_of_its_package(tmp_path: Path, info: str) -> None:
    name = "METADATA" if info.endswith("dist-info") else "PKG-INFO"
    files = {f"{info}/{name}": METADATA, "some_thing/fast.so": b"", "other/__init__.py": b""}
    files[f"{info}/SOURCES.txt"] = b"setup.py\nsome_thing/fast.c\n"  # lists the source
    lines = "\n".join(str(tmp_path / path) for path in ("some_thing", "some_thing/fast.so", f"{info}/{name}"))

    class Dpkg(FakeRunner):
        def run(self, argv, *, timeout, data=None, keep=0):  # type: ignore[no-untyped-def]
            if "--search" in argv:
                assert argv[-1] == str(tmp_path / info)
                return Done(stdout=f"python3-thing:arm64: {argv[-1]}\n".encode())
            assert argv[-1] == "python3-thing:arm64"
            return Done(stdout=f"/.\n/usr/share/doc/python3-thing/copyright\n{lines}\n".encode())

    assert listed(tmp_path, files, Dpkg()) == ["some_thing/fast.so", f"{info}/{name}"]


@pytest.mark.parametrize("top", [b"some_thing\n", b"some_thing\n../../etc\n", None])
def test_without_any_list_it_is_what_the_modules_have(tmp_path: Path, top: bytes | None) -> None:
    files = {
        f"{INFO}/METADATA": METADATA.replace(b"Some.Thing", b"some-thing"),
        "some_thing/a/b.py": b"",
        "x.py": b"",
    }
    if top is not None:
        files[f"{INFO}/top_level.txt"] = top
    assert set(listed(tmp_path, files)) - {f"{INFO}/top_level.txt"} == {"some_thing/a/b.py", f"{INFO}/METADATA"}


def test_nothing_that_lists_them_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BootmenuError, match=r"Some\.Thing has no list"):
        listed(tmp_path, {f"{INFO}/METADATA": METADATA})
