# SPDX-License-Identifier: MIT
"""How long a whole scan takes beside find and stat over the same files, and how much of the kernels is read."""

from __future__ import annotations

import contextlib
import statistics
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bootmenu.demo import recorded_machine
from bootmenu.demo.builders import arm64_image, write_sparse
from bootmenu.discovery.devices import Device
from bootmenu.session.machine_session import MachineSession
from bootmenu.session.scan_collection import collect
from bootmenu.system.directory_tree import OpenFile
from bootmenu.system.recorded_host import SimulatedHost

_PARTITIONS, _ENTRIES = 4, 50
_KERNEL, _INITRD = 36_000_000, 60_000_000
_ROUNDS = 15


@pytest.fixture
def devices(tmp_path: Path) -> list[Device]:
    """Boot partitions as Debian fills them, with an entry of the Boot Loader Specification for every kernel."""
    found = []
    for part in range(_PARTITIONS):
        top = tmp_path / f"sda{part + 1}"
        for number in range(_ENTRIES):
            version = f"6.{part}.{number}-arm64"
            write_sparse(top / f"vmlinuz-{version}", arm64_image(_KERNEL), _KERNEL)
            write_sparse(top / f"initrd.img-{version}", b"\x28\xb5\x2f\xfd", _INITRD)
            write_sparse(top / f"config-{version}", b"CONFIG_ARM64=y\n", 300_000)
            write_sparse(top / f"System.map-{version}", b"", 83)
            entry = top / f"loader/entries/debian-{version}.conf"
            entry.parent.mkdir(parents=True, exist_ok=True)
            entry.write_text(
                f"title Debian {version}\nversion {version}\nlinux /vmlinuz-{version}\ninitrd /initrd.img-{version}\n"
                f"options root=PARTUUID=6f0c4d5e-02 rw console=ttyAMA0 quiet {number}\n"
            )
        found.append(Device(name=top.name, folder=str(top), partuuid=f"6f0c4d5e-{part:02}"))
    return found


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def test_a_scan_beside_find_and_stat(benchmark: BenchmarkFixture, devices: list[Device]) -> None:
    """Warm, both in turn. The goal is 10 times; the ratio of the medians stands in the extra information."""
    machine = recorded_machine()
    session = MachineSession(SimulatedHost.from_facts(machine), machine, lambda: devices)
    folders = [str(device.folder) for device in devices]

    def find_and_stat() -> None:
        subprocess.run(["/usr/bin/find", *folders, "-exec", "stat", "{}", "+"], check=True, stdout=subprocess.DEVNULL)

    def scan() -> None:
        listings, problems = collect(session)
        assert (len(listings), problems) == (_PARTITIONS * _ENTRIES, [])

    with contextlib.closing(session):
        scan(), find_and_stat()
        pairs = [(_seconds(scan), _seconds(find_and_stat)) for _ in range(_ROUNDS)]
        ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
        benchmark.extra_info["find_and_stat_ms"] = round(1000 * theirs, 1)
        benchmark.extra_info["ratio"] = round(ours / theirs, 1)
        benchmark(scan)


def test_what_a_scan_reads(
    benchmark: BenchmarkFixture, devices: list[Device], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The share of the kernels' bytes; the goal is under 1 %."""
    read: Counter[bool] = Counter()
    real = OpenFile.read

    def counted(self: OpenFile, offset: int, length: int) -> bytes:
        data = real(self, offset, length)
        read[self.size == _KERNEL] += len(data)
        return data

    monkeypatch.setattr(OpenFile, "read", counted)
    machine = recorded_machine()
    with contextlib.closing(MachineSession(SimulatedHost.from_facts(machine), machine, lambda: devices)) as session:
        benchmark.pedantic(lambda: collect(session))
    share = read[True] / (_KERNEL * _PARTITIONS * _ENTRIES)
    benchmark.extra_info["kernel_bytes"] = read[True]
    benchmark.extra_info["share"] = f"{100 * share:.3f} %"
    assert share < 0.01
