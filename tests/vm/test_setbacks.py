# SPDX-License-Identifier: MIT
"""What goes wrong on the way to the next kernel, made to happen: refusals, a slow disk, a jump that comes back."""

from __future__ import annotations

import gzip
import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from bootmenu.system.processes import Commands
from bootmenu.vm.disk_image import DiskPartition, FileSystem, write_disk
from tests.vm import stages
from tests.vm.harness import Hardware, Machine
from tests.vm.test_native import start

pytestmark = [pytest.mark.vm, pytest.mark.slow]
RATE = 1 << 20
"""Bytes a second of the slow disk."""


def rows(vm: Machine, word: str) -> list[dict[str, Any]]:
    lines = vm.text.splitlines()
    return [json.loads(line.partition(" ")[2]) for line in lines if line.startswith(f"{word} {{")]


def program(name: str, **more: bytes) -> dict[str, bytes]:
    return {"program.py": (stages.GUEST / name).read_bytes(), **more}


def test_every_refusal_is_the_kernels_own_and_explained(
    vm_cache: Path, token: str, tmp_path: Path, spin_table_tree: Path
) -> None:
    # a larger image leaves too little room in one piece, and the kernel would not be asked
    stage = stages.build_first_stage(vm_cache, as_shipped=True)
    files = program("refusals.py", kernel=stage.kernel.read_bytes())
    files["second.cpio"] = stages.build_second_stage(vm_cache, token)
    hardware = Hardware(memory=512, dtb=spin_table_tree)
    with start(stage, files, "program.sh", hardware, tmp_path) as vm:
        vm.wait_for("program ended with exit status 0", 240)
        told = {row["name"]: row for row in rows(vm, "refusal")}
    for row in told.values():
        print(f"\n{row['name']}: {row['call']}: {row['error']}\n  {row['message']}\n  {row['log']}")
        assert row["loaded"] is False
        assert row["stage"] == "load"
        assert row["hint"]
    assert {name: (row["call"], row["error"].partition(",")[0]) for name, row in told.items()} == {
        "stuck CPUs": ("kexec_load", "EBUSY"),
        "no such call": ("kexec_file_load", "ENOSYS"),
        "not permitted": ("kexec_load", "EPERM"),
        "half of the memory": ("kexec_load", "EINVAL"),
        "switched off": ("kexec_load", "EPERM"),
    }
    assert told["stuck CPUs"]["log"] == ["Can't kexec: CPUs are stuck in the kernel."]
    assert "nr_cpus=1" in told["stuck CPUs"]["hint"]
    assert "half of the RAM" in told["half of the memory"]["message"]


def slow_disk(stage: stages.Stage, second: bytes, folder: Path) -> tuple[str, ...]:
    kernel = stage.kernel.read_bytes()
    config = ["LABEL raw", "  MENU LABEL Raw", "  LINUX /vmlinuz", "LABEL packed", "  MENU LABEL Packed"]
    config[3:3] = more = ["  INITRD /second.cpio", "  APPEND console=ttyAMA0 earlycon panic=1"]
    config += ["  LINUX /vmlinuz.gz", *more, ""]
    partition = DiskPartition(
        file_system=FileSystem.EXT4,
        label="slow",
        partition_label="slow",
        partition_uuid=stages.ROOT_PARTUUID,
        uuid=stages.ROOT_UUID,
        files={
            "extlinux/extlinux.conf": "\n".join(config).encode(),
            "vmlinuz": kernel,
            "vmlinuz.gz": gzip.compress(kernel, 6),
            "second.cpio": second,
        },
    )
    disk = write_disk(folder / "slow.img", [partition], folder / "work", Commands())
    drive = f"if=none,file={disk},format=raw,id=slow,throttling.bps-total={RATE}"
    return "-drive", drive, "-device", "virtio-blk-pci,drive=slow"


def test_a_slow_disk_a_hook_that_says_no_and_jumps_that_come_back(
    first_stage: stages.Stage, vm_cache: Path, token: str, tmp_path: Path
) -> None:
    second = stages.build_second_stage(vm_cache, token)
    hardware = Hardware(extra=slow_disk(first_stage, second, tmp_path))
    with start(first_stage, program("setbacks.py"), "program.sh", hardware, tmp_path) as vm:
        vm.wait_for("setback jump", 420)
        vm.wait_for(f"second stage says {token}", 120)
        told = {row["what"]: row for row in rows(vm, "setback")}
        vm.save()

    read_only = told["scanned"]["mounts"]
    assert told["scanned"]["entries"] == ["Packed", "Raw"]
    assert read_only == ["/dev/vda1 ro"]

    watched(told["watched"]["rows"])
    assert told["watched"]["loaded"] is True

    given_up = told["given up"]
    assert given_up["done"] < given_up["total"] // 2
    print(f"\ngiven up at {given_up['done']:,} of {given_up['total']:,} bytes, in {given_up['seconds']:.2f} s")
    assert (given_up["loaded"], given_up["mounts"]) == (False, [])

    hook = told["hook"]
    assert "The hook once stopped the jump (exit status 1). It said: “the door is open”." in hook["message"]
    assert (hook["loaded"], hook["mounts"]) == (False, read_only), "nothing was torn down"

    namespace = told["namespace"]
    assert namespace["error"].startswith("EINVAL")
    assert namespace["stage"] == "jump"
    assert namespace["loaded"] is True

    assert (told["left"]["loaded"], told["left"]["mounts"]) == (True, [])
    assert [stage for stage, _ in told["left"]["ended"]] == ["hooks", "sync", "unmount"]
    came_back = told["came back"]
    assert came_back["error"].startswith("EINVAL")
    assert (came_back["loaded"], came_back["mounts"]) == (False, [])
    assert (told["held again"]["loaded"], told["held again"]["mounts"]) == (False, read_only)
    assert (told["loaded again"]["loaded"], told["loaded again"]["mounts"]) == (True, read_only)
    assert told["scanned again"]["entries"] == ["Packed", "Raw"]


def failing_disk(stage: stages.Stage, second: bytes, folder: Path) -> tuple[str, ...]:
    """A disk that changes its mind at each write: it answers, answers no more, answers again, and so on."""
    partition = DiskPartition(
        file_system=FileSystem.EXT4,
        label="failing",
        partition_label="failing",
        partition_uuid=stages.ROOT_PARTUUID,
        uuid=stages.ROOT_UUID,
        files={
            "extlinux/extlinux.conf": b"LABEL one\n  LINUX /vmlinuz\n  INITRD /second.cpio\n",
            "vmlinuz": stage.kernel.read_bytes(),
            "second.cpio": second,
        },
    )
    disk = write_disk(folder / "failing.img", [partition], folder / "work", Commands())
    options = ["driver=blkdebug", "node-name=moody", "image=file"]
    for state in range(1, 5):
        number = state - 1
        options += [f"set-state.{number}.event=write_aio", f"set-state.{number}.state={state}"]
        options += [f"set-state.{number}.new_state={state + 1}"]
        options += [f"inject-error.{number}.event=read_aio", f"inject-error.{number}.state={state + 1}"]
        options += [f"inject-error.{number}.iotype=read"]
        # an error stays until another one takes its place: this one is of a sector that no disk has
        options += [f"inject-error.{number}.sector={1 << 50}"] if state % 2 == 0 else []
    nodes = (f"driver=file,node-name=file,filename={disk}", ",".join(options), "driver=raw,node-name=disk,file=moody")
    return *(word for node in nodes for word in ("-blockdev", node)), "-device", "virtio-blk-pci,drive=disk"


def test_a_file_that_cannot_be_read_any_more_is_read_once_more_and_then_named(
    first_stage: stages.Stage, vm_cache: Path, token: str, tmp_path: Path
) -> None:
    second = stages.build_second_stage(vm_cache, token)
    files = {"kernel": first_stage.kernel.read_bytes(), "second.cpio": second}
    hardware = Hardware(extra=failing_disk(first_stage, second, tmp_path))
    with start(first_stage, program("failing_disk.py", **files), "program.sh", hardware, tmp_path) as vm:
        vm.wait_for("program ended with exit status 0", 420)
        told = {row["what"]: row for row in rows(vm, "failing")}
    for row in told.values():
        print(f"\n{row['what']}: {', '.join(row['answers'])}: {row['said']}")
    # the kernel's own answer to a page that it cannot read, each time
    assert {row["answers"][0] for row in told.values()} == {"EFAULT"}
    assert told["for ever"]["said"] == {
        "error": "EIO, input/output error",
        "message": "/vmlinuz: reading failed: Input/output error.",
        "stage": "load",
    }
    assert (told["once"]["answers"], told["once"]["said"]) == (["EFAULT", "loaded"], None)
    assert "/tmp/kernel changed while it was loaded" in told["cut off"]["said"]["message"]
    assert [told[what]["loaded"] for what in ("for ever", "once", "cut off")] == [False, True, False]


def watched(events: list[dict[str, Any]]) -> None:
    """Progress that a person can go by: never silent for long, never too much, and with a fair guess of the end."""
    for stage in ("read kernel", "read initramfs"):
        mine = [event for event in events if event["stage"] == stage]
        running = [event for event in mine if event["state"] == "running"]
        gaps = [later["at"] - earlier["at"] for earlier, later in itertools.pairwise(mine)]
        print(
            f"\n{stage}: {len(mine)} events, gaps {min(gaps):.2f} to {max(gaps):.2f} s, {mine[-1]['total']:,} bytes"
        )
        assert len(mine) > mine[-1]["at"] - mine[0]["at"], "one a second at least"
        assert max(gaps) <= 3.0
        assert all(gap >= 0.09 for gap in gaps[:-1])
        assert [event["done"] for event in mine] == sorted(event["done"] for event in mine)
        if stage == "read kernel":
            assert len(running) > 20
            end = mine[-1]["at"]
            half = running[len(running) // 2]
            print(f"  half-way: {half['remaining']} s said to be left, it took {end - half['at']:.1f}")
            assert half["remaining"] == pytest.approx(end - half["at"], rel=0.35, abs=1)
            assert half["rate"] == pytest.approx(RATE, rel=0.35)
