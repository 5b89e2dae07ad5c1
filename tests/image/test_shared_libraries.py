# SPDX-License-Identifier: MIT
"""Root trees and the libraries of programs in them."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.errors import BootmenuError, FormatError
from bootmenu.image import shared_libraries
from bootmenu.image.rootfs import Root, merged_usr
from tests.image.samples import tree


@pytest.fixture(scope="module")
def host() -> Root:
    return Root(Path("/"))


def test_closure_of_this_interpreter(host: Root) -> None:
    program = str(Path(sys.executable).resolve())
    found = shared_libraries.closure(host, [program])
    assert program in found
    loaded = {line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines() if ".so" in line}
    libc = Path(next(path for path in loaded if "/libc.so" in path))  # in a chroot the kernel may say the host's path
    assert libc.name in {Path(host.resolve(path) or "").name for path in found}
    assert any("/ld-linux" in path or "/ld-" in path for path in found)


def test_a_missing_library_is_named(host: Root, tmp_path: Path) -> None:
    program = Path(sys.executable).resolve()
    root = Root(tree(tmp_path, {"usr/bin/python3": program.read_bytes()}))
    with pytest.raises(BootmenuError, match=r"usr/bin/python3 needs the library \S+\.so|is missing"):
        shared_libraries.closure(root, ["/usr/bin/python3"])


@given(st.binary(max_size=300))
def test_any_bytes_are_linkage_or_a_format_error(data: bytes) -> None:
    real = Path(sys.executable).resolve().read_bytes()[:4096]
    for sample in (data, b"\x7fELF" + data, real[:64] + data):
        with contextlib.suppress(FormatError):
            shared_libraries.Linkage.from_bytes(sample, "x")


def test_links_stay_in_the_tree(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {
        "usr/bin/python3.11": b"python",
        "usr/bin/python3": "python3.11",
        "etc/alternatives/tool": "/usr/bin/python3",
        "bin": "usr/bin",
        "escape": "../../../../../../usr/bin/python3",
        "outside": "/etc/passwd",
        "circle": "circle",
        "deep/../x": b"",
    }
    root = Root(tree(tmp_path, files))
    assert root.resolve("/bin/python3") == "/usr/bin/python3.11"
    assert root.resolve("/etc/alternatives/tool") == "/usr/bin/python3.11"
    assert root.resolve("/escape") == "/usr/bin/python3.11"
    assert root.resolve("/outside") is None
    assert root.resolve("/circle") is None
    assert root.resolve("/../../x") == "/x"
    assert root.program("python3") == "/usr/bin/python3"
    with pytest.raises(BootmenuError, match="missing"):
        root.read("/outside")


def test_a_root_has_to_be_a_folder(tmp_path: Path) -> None:
    with pytest.raises(BootmenuError, match="not a directory"):
        Root(tmp_path / "none")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("/lib/a.so", "usr/lib/a.so"),
        ("/usr/lib/a", "usr/lib/a"),
        ("/sbin/x", "usr/sbin/x"),
        ("/library/x", "library/x"),
    ],
)
def test_merged_usr(old: str, new: str) -> None:
    assert merged_usr(old) == new
