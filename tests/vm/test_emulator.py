# SPDX-License-Identifier: MIT
"""QEMU's command line, and when KVM is used."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from bootmenu.errors import BootmenuError, UsageError
from bootmenu.model.value import replace
from bootmenu.system.processes import Commands, HangingError
from bootmenu.vm import emulator, host_tools
from bootmenu.vm.emulator import HARDWARE, Acceleration, VirtualMachine
from tests.builders.hosts import FakeCommands

HERE = replace(HARDWARE["arm64"], processor=platform.machine(), program="qemu")
"""Hardware of this host's architecture."""
KERNEL = Path("/cache/vmlinuz")
ROOT = Path(__file__).parents[2]


def test_the_terminal_is_this_one_and_the_disk_stays_as_it_is() -> None:
    machine = VirtualMachine(
        hardware=HARDWARE["arm64"],
        kernel=KERNEL,
        initrd=Path("/cache/first-stage.cpio"),
        disk=Path("/cache/a,b/disk.img"),
        memory=512,
        cpus=3,
        acceleration=Acceleration.TCG,
        cmdline="console=ttyAMA0",
        extra=("-device", "usb-ehci"),
    )
    argv = machine.argv()
    assert argv[:9] == ["qemu-system-aarch64", "-M", "virt", "-accel", "tcg", "-cpu", "cortex-a57", "-smp", "3"]
    assert "stdio,id=terminal,mux=on,signal=off" in argv
    assert "if=none,id=disk,format=raw,snapshot=on,file=/cache/a,,b/disk.img" in argv
    assert "-no-reboot" not in argv, "a restart leads back to the menu"
    assert argv[-2:] == ["-device", "usb-ehci"]


class _Terminal(FakeCommands):
    """Runs what has the terminal as a program that has none."""

    def find(self, name: str) -> str | None:
        return Commands.find(self, name)

    def interactive(self, argv: Sequence[str]) -> int:
        return subprocess.run(argv, stdin=subprocess.DEVNULL, check=False).returncode


@pytest.mark.parametrize(
    ("script", "why"),
    [("exit 3", "ended with exit status 3"), ("kill -9 $$", "was ended by SIGKILL"), ("exit 0", None)],
)
def test_how_the_machine_ended_is_said(
    script: str, why: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emulator, "_terminal_kept", contextlib.nullcontext)
    with pytest.raises(BootmenuError, match=why) if why else contextlib.nullcontext():
        run_machine(_program(tmp_path, script))


def test_the_machine_ends_with_the_program_that_started_it(tmp_path: Path) -> None:
    if shutil.which("setpriv") is None:
        pytest.skip("without setpriv nobody tells it")
    said = tmp_path / "said"
    ending = f"kill $!; echo ended >{said}.new; mv {said}.new {said}; exit"
    program = _program(tmp_path, f"trap '{ending}' TERM; sleep 60 & kill -9 $PPID; wait")
    code = "import sys; from tests.vm import test_emulator as test; test.run_machine(sys.argv[1])"
    argv = [sys.executable, "-c", code, str(program)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(argv, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == -signal.SIGKILL
    until = time.monotonic() + 30
    while not said.exists() and time.monotonic() < until:
        time.sleep(0.02)
    assert said.exists()


def _program(folder: Path, script: str) -> str:
    program = folder / "qemu"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return str(program)


def run_machine(program: str) -> None:
    """Run a program in QEMU's place."""
    machine = VirtualMachine(
        hardware=replace(HERE, program=program),
        kernel=KERNEL,
        initrd=KERNEL,
        disk=KERNEL,
        memory=256,
        cpus=1,
        acceleration=Acceleration.TCG,
        cmdline="",
    )
    emulator.run(machine, _Terminal())


@pytest.mark.parametrize(
    ("term", "size", "words"),
    [
        ("xterm-256color", (132, 43), ["bootmenu.size=132x43", "bootmenu.term=xterm-256color"]),
        ("dumb", (0, 0), ["bootmenu.size=80x24"]),
        ("x panic=1", (80, 24), ["bootmenu.size=80x24"]),
    ],
)
def test_the_first_stage_learns_what_terminal_it_has(term: str, size: tuple[int, int], words: list[str]) -> None:
    line = emulator.command_line(HARDWARE["arm64"], {"TERM": term}, size).split()
    assert [word for word in line if word.startswith(("bootmenu.size=", "bootmenu.term="))] == words
    assert "console=ttyAMA0" in line


def _hangs(*_: object) -> tuple[int, bytes, bytes]:
    raise HangingError("qemu does not end")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (lambda *_: (0, b"[    0.000000] Linux version 6.12", b""), Acceleration.KVM),
        (lambda *_: (0, b"", b""), Acceleration.TCG),
        (lambda *_: (1, b"", b"Could not access KVM kernel module"), Acceleration.TCG),
        (_hangs, Acceleration.TCG),
    ],
    ids=["boots", "silent", "fails", "hangs"],
)
def test_kvm_is_used_only_where_a_kernel_boots_with_it(
    answer: Callable[..., tuple[int, bytes, bytes]], expected: Acceleration, tmp_path: Path
) -> None:
    device = tmp_path / "kvm"
    device.touch()
    commands = FakeCommands(programs={"qemu": answer})
    chosen = emulator.choose_acceleration(Acceleration.AUTO, HERE, KERNEL, commands, device=str(device))
    assert chosen is expected
    (argv,) = commands.calls
    assert "-no-reboot" in argv
    assert "panic=-1" in argv[-1]


@pytest.mark.parametrize("other", [True, False])
def test_nothing_is_tried_where_kvm_cannot_be(other: bool, tmp_path: Path) -> None:
    device = tmp_path / "kvm"
    if other:
        device.touch()
    hardware = replace(HERE, processor="another") if other else HERE
    commands = FakeCommands()
    chosen = emulator.choose_acceleration(Acceleration.AUTO, hardware, KERNEL, commands, device=str(device))
    assert chosen is Acceleration.TCG
    assert commands.calls == []


def test_kvm_for_another_architecture_is_a_wrong_call() -> None:
    with pytest.raises(UsageError, match="KVM cannot run arm64"):
        emulator.choose_acceleration(Acceleration.KVM, replace(HERE, processor="another"), KERNEL, FakeCommands())


def test_missing_programs_are_named_with_their_packages() -> None:
    packages = {"qemu-system-aarch64": "qemu-system-arm", **host_tools.FOR_FILES}
    present = {"apt-get", "dpkg-deb", "sfdisk", "mkfs.vfat", "mkfs.ext4", "mkfs.btrfs"}
    with pytest.raises(BootmenuError) as raised:
        host_tools.require(packages, lambda name: name if name in present else None)
    assert "needs qemu-system-aarch64, mcopy, which are not installed" in raised.value.message
    assert raised.value.hint.endswith("apt-get install --no-install-recommends qemu-system-arm mtools")
    host_tools.require(packages, lambda name: name)
