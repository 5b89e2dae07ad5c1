# SPDX-License-Identifier: MIT
"""What an index of Debian's 577 arm64 device trees (26.6 MB) costs, beside reading them and other readers: make bench

The kernel package is downloaded once, as the tests that boot machines do. libfdt is called by ctypes, which is what
pylibfdt wraps; pylibfdt itself is Debian's python3-libfdt, as it is distributed as source only otherwise.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fdt
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bootmenu.discovery.dtb_candidates import read_index
from bootmenu.system.directory_tree import DirectoryTree
from bootmenu.system.syscalls import Syscalls
from tests.vm.kernels import Kernels

GOAL = 1.5
"""Times the wall time of reading the same files whole."""
_TURNS, _ROUNDS = 12, 10

pytestmark = pytest.mark.benchmark(group="device trees")
Roots = list[str]


@pytest.fixture(scope="module")
def paths() -> list[str]:
    """The package's .dtb files, in the page cache."""
    top = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    found = sorted(str(path) for path in Kernels(Path(top) / "bootmenu" / "vm").device_trees())
    read_whole(found)
    return found


@pytest.fixture(scope="module")
def wanted(paths: list[str]) -> Roots:
    """The first compatible of each, by the reader that is judged by none of the others."""
    return sorted(by_libfdt(paths))


def read_whole(paths: list[str]) -> int:
    """A plain loop, without even the search for the files."""
    total = 0
    for path in paths:
        with open(path, "rb") as file:  # noqa: PTH123 - the plainest there is
            total += len(file.read())
    return total


def by_index(paths: list[str]) -> Roots:
    """This program: the search for the files is in it."""
    with DirectoryTree(os.path.commonpath(paths), "sda1", Syscalls()) as tree:
        found = read_index(tree, "/")
    assert not found.cut
    assert not found.unreadable
    return [name.decode() for name, trees in found.by_first.items() for _ in trees]


def by_libfdt(paths: list[str]) -> Roots:
    """libfdt by ctypes."""
    library = ctypes.CDLL("libfdt.so.1")
    getprop = library.fdt_getprop
    getprop.restype = ctypes.c_char_p
    getprop.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p]
    return [getprop(Path(path).read_bytes(), 0, b"compatible", None).decode() for path in paths]


def by_pylibfdt(paths: list[str]) -> Roots:
    """libfdt by its own Python binding."""
    library = _pylibfdt()
    return [
        bytes(library.FdtRo(Path(path).read_bytes()).getprop(0, "compatible")).partition(b"\0")[0].decode()
        for path in paths
    ]


@functools.cache
def _pylibfdt() -> Any:
    """From where Debian installs it, for the Python that Debian has."""
    sys.path.append("/usr/lib/python3/dist-packages")
    try:
        return importlib.import_module("libfdt")
    finally:
        sys.path.remove("/usr/lib/python3/dist-packages")


def by_pyfdt(paths: list[str]) -> Roots:
    """pyFDT, which reads everything."""
    return [fdt.parse_dtb(Path(path).read_bytes()).get_property("compatible", "/").value for path in paths]


_READERS: list[Callable[[list[str]], Roots]] = [by_index, by_libfdt, by_pylibfdt]


def test_reading_them_whole(benchmark: BenchmarkFixture, paths: list[str]) -> None:
    """What the others are measured by."""
    benchmark.extra_info["bytes"] = benchmark(read_whole, paths)


@pytest.mark.parametrize("reader", _READERS)
def test_which_board_each_is_for(
    benchmark: BenchmarkFixture, paths: list[str], wanted: Roots, reader: Callable[[list[str]], Roots]
) -> None:
    """All of them give the same answer."""
    assert sorted(benchmark(reader, paths)) == wanted


def test_which_board_each_is_for_by_pyfdt(benchmark: BenchmarkFixture, paths: list[str], wanted: Roots) -> None:
    """Once: it takes many seconds."""
    assert sorted(benchmark.pedantic(by_pyfdt, args=(paths,), rounds=1)) == wanted


def test_the_index_keeps_to_its_goal(paths: list[str]) -> None:
    """In turns, so that a machine that is busy for a while is busy for both, and each several times in its turn:
    reading 26 MB takes the processor's cache away from whoever comes next."""
    taken: dict[Callable[[list[str]], object], list[float]] = {by_index: [], read_whole: []}
    for _ in range(_TURNS):
        for run, times in taken.items():
            times += (_seconds(run, paths) for _ in range(_ROUNDS))
    ratio = min(taken[by_index]) / min(taken[read_whole])
    print(f"\nthe index takes {ratio:.2f} times as long as reading the files whole")
    assert ratio <= GOAL


def _seconds(run: Callable[[list[str]], object], paths: list[str]) -> float:
    began = time.perf_counter()
    run(paths)
    return time.perf_counter() - began
