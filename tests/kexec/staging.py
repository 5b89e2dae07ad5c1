# SPDX-License-Identifier: MIT
"""A partition with everything that an entry can name, planned and loaded on hosts that are not this one."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bootmenu.demo.builders import board_tree
from bootmenu.discovery.entry_facts import gather
from bootmenu.kexec.dtb_builder import DtbBuilder
from bootmenu.kexec.plan import LoadPlan, make_plan
from bootmenu.model.entry import BootEntry, CommandLine, FileRef
from bootmenu.model.machine import MachineFacts
from bootmenu.system.directory_tree import DirectoryTree
from bootmenu.system.host import Host
from bootmenu.system.recorded_host import SimulatedHost
from bootmenu.system.syscalls import Syscalls
from tests.builders.entries import whole_image
from tests.builders.machines import tree_of, virt
from tests.builders.trees import write_tree

INITRD = b"070701" + bytes(range(251))
OTHER = b"070701 another"


@dataclass
class Bench:
    """One partition, its tree, and entries on it."""

    root: Path
    method: str | None = None
    """For every plan that names none."""
    host: Host | None = None
    """Whose running tree the plans see; None = nobody's."""
    tree: DirectoryTree = field(init=False)

    def __post_init__(self) -> None:
        board = board_tree(tree_of(virt()).compatible, memory=(), chosen=[("linux,initrd-start", bytes(8))])
        write_tree(
            self.root,
            {"Image": whole_image(), "initrd": INITRD, "other": OTHER, "board.dtb": board.to_bytes()},
        )
        self.tree = DirectoryTree(str(self.root), "sda1", Syscalls())

    def entry(
        self,
        kernel: str = "/Image",
        initrds: Sequence[str] = ("/initrd",),
        dtb: str | None = None,
        cmdline: str = "root=/dev/sda2",
        overlays: Sequence[str] = (),
    ) -> BootEntry:
        def ref(path: str) -> FileRef:
            return FileRef(device="sda1", path=path)

        return BootEntry(
            id="one",
            title="One",
            source="bls",
            device="sda1",
            kernel=ref(kernel),
            initrds=tuple(map(ref, initrds)),
            dtb=ref(dtb) if dtb else None,
            overlays=tuple(map(ref, overlays)),
            cmdline=CommandLine(cmdline),
        )

    def plan(
        self,
        entry: BootEntry,
        machine: MachineFacts | None = None,
        method: str | None = None,
        *,
        carry_over: bool = True,
    ) -> LoadPlan:
        machine = machine or virt()
        board = machine.tree.compatible if machine.tree else ()
        after, facts = gather(entry, {"sda1": self.tree}, board=board)
        host = self.host or SimulatedHost.from_facts(machine)
        dtb_builder = DtbBuilder(host, machine, lambda: {"sda1": self.tree}, carry_over=carry_over)
        return make_plan(after, facts, machine, dtb_builder=dtb_builder, method=method or self.method)


@dataclass
class Kexec:
    """The program kexec: keeps its words and what its descriptors held."""

    status: int = 0
    status_of_unload: int = 0
    error: bytes = b""
    argvs: list[list[str]] = field(default_factory=list)
    contents: list[dict[str, bytes]] = field(default_factory=list)
    meanwhile: Callable[[], None] = lambda: None

    def __call__(self, argv: Sequence[str], descriptors: Sequence[int]) -> tuple[int, bytes, bytes]:
        self.argvs.append(list(argv))
        read = {}
        for word in argv:
            name, _, number = word.rpartition("/proc/self/fd/")
            if number.isdigit():
                assert int(number) in descriptors, "a descriptor that is named is inherited"
                read[name] = os.pread(int(number), 1 << 24, 0)
        self.contents.append(read)
        if "-u" not in argv:
            self.meanwhile()
            return self.status, b"", self.error
        return self.status_of_unload, b"", self.error if self.status_of_unload else b""

    @property
    def loads(self) -> list[list[str]]:
        return [argv for argv in self.argvs if "-l" in argv]

    @property
    def unloads(self) -> int:
        return sum("-u" in argv for argv in self.argvs)


def descriptors() -> set[str]:
    """What this process has open."""
    return {path.name for path in Path("/proc/self/fd").iterdir()}
