# SPDX-License-Identifier: MIT
"""Whatever a kernel is packed in, the loading method is handed the raw one."""

from __future__ import annotations

import contextlib
import gzip
import lzma
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard

from bootmenu.demo import recorded_machine
from bootmenu.demo.builders import board_tree
from bootmenu.discovery.entry_facts import gather
from bootmenu.errors import BootmenuError
from bootmenu.formats.dtb import DeviceTree
from bootmenu.kexec.dtb_builder import DtbBuilder
from bootmenu.kexec.kernel_errors import LoadError
from bootmenu.kexec.load import load
from bootmenu.kexec.methods import METHODS, Staged
from bootmenu.kexec.plan import PlanError, make_plan
from bootmenu.model.entry import BootEntry, CommandLine, FileRef
from bootmenu.model.machine import MachineFacts
from bootmenu.model.value import replace
from bootmenu.system.directory_tree import DirectoryTree
from bootmenu.system.host import Host
from bootmenu.system.recorded_host import SimulatedHost
from bootmenu.system.syscalls import Syscalls
from tests.builders.containers import fit, uimage, uki, zboot
from tests.builders.entries import whole_image

IMAGE = whole_image()
FILES = {
    "raw": IMAGE,
    "gzip": gzip.compress(IMAGE),
    "xz": lzma.compress(IMAGE),
    "zstd": zstandard.compress(IMAGE),
    "zboot": zboot(IMAGE),
    "uki": uki((".osrel", b"x"), (".linux", IMAGE), (".initrd", b"y")),
    "uki-zboot": uki((".linux", zboot(IMAGE))),
    "fit": fit(gzip.compress(IMAGE), compression="gzip"),
    "fit-external": fit(IMAGE, external=True),
    "uimage": uimage(gzip.compress(IMAGE), compression=1),
}


@contextlib.contextmanager
def folder(path: Path) -> Iterator[DirectoryTree]:
    with DirectoryTree(str(path), "sda1", Syscalls()) as tree:
        yield tree


def entry() -> BootEntry:
    return BootEntry(
        id="one", title="One", source="bare", device="sda1", kernel=FileRef(device="sda1", path="/vmlinuz")
    )


@pytest.mark.parametrize("name", FILES)
def test_the_method_gets_the_raw_image(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "vmlinuz").write_bytes(FILES[name])
    handed = []

    def remember(staged: Staged, host: Host) -> None:
        handed.append(os.pread(staged.kernel.descriptor, staged.kernel.size, staged.kernel.offset))

    method = METHODS.get("simulated")
    assert method is not None
    monkeypatch.setattr(type(method), "load", lambda self, staged, host: remember(staged, host))
    machine = recorded_machine()
    with folder(tmp_path) as tree:
        found, facts = gather(entry(), {"sda1": tree})
        plan = make_plan(found, facts, machine, dtb_builder=nobody(machine), method="simulated")
        host = SimulatedHost.from_facts(machine)
        host.kernel.loaded = True
        list(load(plan, {"sda1": tree}, host))
    assert [content[: len(IMAGE)] for content in handed] == [IMAGE]
    assert not handed[0][len(IMAGE) :].strip(b"\0")


def nobody(machine: MachineFacts, trees: dict[str, DirectoryTree] | None = None) -> DtbBuilder:
    """No running tree can be read."""
    return DtbBuilder(SimulatedHost.from_facts(machine), machine, lambda: trees or {})


def test_the_parts_of_a_container_are_loaded_with_its_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = recorded_machine()
    assert machine.tree is not None
    board = board_tree(machine.tree.compatible, memory=(), chosen=[]).to_bytes()
    sections = [(".initrd", b"070701 initramfs"), (".ucode", b"070701"), (".dtb", board), (".cmdline", b"quiet")]
    (tmp_path / "vmlinuz").write_bytes(uki((".linux", IMAGE), *sections))
    handed: list[tuple[bytes, bytes, str]] = []

    def remember(staged: Staged, host: Host) -> None:
        assert staged.initrd is not None
        assert staged.dtb is not None
        initrd, dtb = (os.pread(fd, os.fstat(fd).st_size, 0) for fd in (staged.initrd, staged.dtb))
        handed.append((initrd, dtb, staged.command_line))

    method = METHODS.get("simulated")
    assert method is not None
    monkeypatch.setattr(type(method), "load", lambda self, staged, host: remember(staged, host))
    bare = replace(entry(), cmdline=CommandLine())
    with folder(tmp_path) as tree:
        found, facts = gather(bare, {"sda1": tree}, board=machine.tree.compatible)
        plan = make_plan(found, facts, machine, dtb_builder=nobody(machine, {"sda1": tree}), method="simulated")
        host = SimulatedHost.from_facts(machine)
        host.kernel.loaded = True
        list(load(plan, {"sda1": tree}, host))
    ((initrd, dtb, command_line),) = handed
    assert initrd == b"070701\0\0" + b"070701 initramfs", "microcode first, each archive at a multiple of four bytes"
    assert DeviceTree.from_bytes(dtb).root.strings("compatible") == machine.tree.compatible
    assert command_line == "quiet"


def test_a_kernel_that_cannot_be_taken_out_is_refused_by_the_plan(tmp_path: Path) -> None:
    (tmp_path / "vmlinuz").write_bytes(zboot(IMAGE, name=b"middle-out"))
    machine = recorded_machine()
    with folder(tmp_path) as tree:
        found, facts = gather(entry(), {"sda1": tree})
        with pytest.raises(PlanError, match="zboot"):
            make_plan(found, facts, machine, dtb_builder=nobody(machine), method="simulated")


def test_a_file_that_became_shorter_is_an_error_and_nothing_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "vmlinuz").write_bytes(FILES["zboot"])
    machine = recorded_machine()
    with folder(tmp_path) as tree:
        found, facts = gather(entry(), {"sda1": tree})
        plan = make_plan(found, facts, machine, dtb_builder=nobody(machine), method="simulated")
        (tmp_path / "vmlinuz").write_bytes(FILES["zboot"][:-50])
        host = SimulatedHost.from_facts(machine)
        with pytest.raises(BootmenuError, match="changed") as error:
            list(load(plan, {"sda1": tree}, host))
    assert isinstance(error.value, LoadError)
    assert not host.kernel.loaded
