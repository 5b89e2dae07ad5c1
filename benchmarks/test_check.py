# SPDX-License-Identifier: MIT
"""How long one entry takes, and how much of its files is read: make bench"""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bootmenu.compat import check
from bootmenu.demo import recorded_machine
from bootmenu.demo.builders import arm64_image, board_tree, write_sparse
from bootmenu.discovery.entry_facts import gather
from bootmenu.model.entry import BootEntry, CommandLine, FileRef
from bootmenu.system.directory_tree import DirectoryTree, OpenFile
from bootmenu.system.syscalls import Syscalls

_KERNEL, _INITRD = 36_000_000, 60_000_000


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A kernel, an initramfs and a device tree of the usual sizes."""
    machine = recorded_machine()
    assert machine.tree is not None
    write_sparse(tmp_path / "vmlinuz-6.1", arm64_image(_KERNEL), _KERNEL)
    write_sparse(tmp_path / "initrd.img-6.1", b"\x28\xb5\x2f\xfd", _INITRD)
    (tmp_path / "board.dtb").write_bytes(board_tree(machine.tree.compatible, cpus=range(4)).to_bytes())
    return tmp_path


def _entry() -> BootEntry:
    def file(name: str) -> FileRef:
        return FileRef(device="sda1", path=f"/{name}")

    return BootEntry(
        id="bench",
        title="Bench",
        source="bls",
        device="sda1",
        kernel=file("vmlinuz-6.1"),
        initrds=(file("initrd.img-6.1"),),
        dtb=file("board.dtb"),
        cmdline=CommandLine("root=PARTUUID=1 console=ttyAMA0"),
    )


def test_checking_an_entry_against_recorded_facts(benchmark: BenchmarkFixture, files: Path) -> None:
    """Without the kernel's bytes: the facts are there already. The goal is 5 ms."""
    machine = recorded_machine()
    with DirectoryTree(str(files), "sda1", Syscalls()) as tree:
        _, facts = gather(_entry(), {"sda1": tree})
    report = benchmark(check, machine, facts)
    benchmark.extra_info["findings"] = len(report.findings)


def test_gathering_an_entry(benchmark: BenchmarkFixture, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With files: headers and trailers of the large ones. The bytes read stand in the extra information."""
    read = 0
    real = OpenFile.read

    def counted(self: OpenFile, offset: int, length: int) -> bytes:
        nonlocal read
        data = real(self, offset, length)
        read += len(data)
        return data

    with DirectoryTree(str(files), "sda1", Syscalls()) as tree:
        with monkeypatch.context() as patch:
            patch.setattr(OpenFile, "read", counted)
            gather(_entry(), {"sda1": tree})
        benchmark.extra_info["bytes_read"] = read
        benchmark.extra_info["share"] = f"{100 * read / (_KERNEL + _INITRD):.2f} %"
        benchmark(gather, _entry(), {"sda1": tree})
