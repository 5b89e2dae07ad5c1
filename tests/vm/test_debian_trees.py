# SPDX-License-Identifier: MIT
"""Every device tree of Debian's arm64 kernel package, and five thousand mutations of them, against libfdt."""

from __future__ import annotations

import os
import random
import tracemalloc
from pathlib import Path

import pytest

from bootmenu.discovery.dtb_candidates import DtbFolders
from bootmenu.errors import FormatError
from bootmenu.formats.dtb import MAX_SIZE, DeviceTree
from bootmenu.formats.dtb_facts import facts
from bootmenu.formats.dtb_head import read_head
from bootmenu.formats.reader import Buffer
from bootmenu.model.entry import BootEntry, FileRef
from bootmenu.system.directory_tree import DirectoryTree
from bootmenu.system.syscalls import Syscalls
from tests.builders.libfdt import LibFdt
from tests.formats.test_dtb_libfdt import accepted, mutate
from tests.vm.kernels import Kernels

# not a machine, but it needs what the machines need: a kernel package
pytestmark = [pytest.mark.vm, pytest.mark.slow, pytest.mark.xdist_group("debian-trees")]

MUTATIONS = 5000
SEED = 2014
MEMORY = 64 * 1024 * 1024
"""Bytes that reading one tree may take at most."""


@pytest.fixture(scope="module")
def trees(vm_cache: Path) -> list[Path]:
    """The package's .dtb files."""
    return sorted(Kernels(vm_cache).device_trees())


def test_all_of_them_are_read_and_written(trees: list[Path]) -> None:
    libfdt = LibFdt()
    assert len(trees) > 500
    for path in trees:
        data = path.read_bytes()
        assert libfdt.accepts(data), path
        tree = DeviceTree.from_bytes(data)
        assert facts(tree).compatible, path
        written = tree.to_bytes()
        assert libfdt.accepts(written), path
        again = DeviceTree.from_bytes(written)
        assert (again.root, again.reservations) == (tree.root, tree.reservations), path


def test_their_mutations_are_judged_as_libfdt_judges_them(trees: list[Path]) -> None:
    libfdt = LibFdt()
    choose = random.Random(SEED)
    small = [path for path in trees if path.stat().st_size < 64 * 1024]
    counts = {True: 0, False: 0}
    for number in range(MUTATIONS):
        path = choose.choice(small)
        data = bytearray(path.read_bytes())
        for _ in range(choose.choice((1, 1, 2, 4))):
            mutate(data, choose)
        wanted = libfdt.accepts(bytes(data))
        counts[wanted] += 1
        assert accepted(bytes(data)) == wanted, (number, path)
    assert min(counts.values()) > MUTATIONS // 20, counts


def test_no_tree_takes_more_memory_than_allowed(trees: list[Path]) -> None:
    largest = max(trees, key=lambda path: path.stat().st_size).read_bytes()
    # the worst there is: two megabytes of nothing but nodes
    nodes = 174_000
    structure = (b"\0\0\0\1" + b"\0\0\0\0") + (b"\0\0\0\1" + b"a\0\0\0" + b"\0\0\0\2") * nodes + b"\0\0\0\2\0\0\0\x09"
    words = (0xD00DFEED, 56 + len(structure), 56, 56 + len(structure), 40, 17, 16, 0, 0, len(structure))
    dense = b"".join(word.to_bytes(4, "big") for word in words) + bytes(16) + structure
    assert len(dense) < 2 * 1024 * 1024 + 100
    for data in (largest, dense):
        tracemalloc.start()
        try:
            facts(DeviceTree.from_bytes(data))
        except FormatError:
            pytest.fail("it is a sound one")
        finally:
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        assert peak < MEMORY, f"{peak / 1e6:.0f} MB"


def test_the_short_way_to_the_board_says_the_same_of_all_of_them(trees: list[Path]) -> None:
    for path in trees:
        whole = Buffer(path.read_bytes())
        root = DeviceTree.from_bytes(whole.data).root
        head = read_head(whole)
        assert (head.compatible, head.model) == (root.strings("compatible"), root.string("model")), path


def test_each_of_them_is_found_for_its_own_board(trees: list[Path]) -> None:
    folder = Path(os.path.commonpath(trees))
    entry = BootEntry(
        id="one",
        title="One",
        source="extlinux",
        device="sda1",
        kernel=FileRef(device="sda1", path="/vmlinuz"),
        dtb_folder=FileRef(device="sda1", path="/"),
    )
    picked = 0
    some = trees[::4]
    with DirectoryTree(str(folder), "sda1", Syscalls()) as tree:
        for path in some:
            board = facts(DeviceTree.from_bytes(path.read_bytes()))
            after, found = DtbFolders(board).resolve(entry, {"sda1": tree})
            assert found is not None
            where = f"/{path.relative_to(folder)}"
            if after.dtb is None:  # a board whose trees differ in neither compatible nor model
                assert where in found.candidates
            else:
                picked += 1
                assert after.dtb.path == where or path.read_bytes() == tree.read(after.dtb.path, MAX_SIZE), where
    assert picked > len(some) * 0.9
