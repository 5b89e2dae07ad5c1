# SPDX-License-Identifier: MIT
"""The whole trip on a real machine: the menu on a serial line, a choice by keys, and what the next kernel says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.vm import stages
from tests.vm.conftest import MachineMaker
from tests.vm.harness import SILENCE_AFTER_JUMP, Hardware, Machine, Monitor, run_tool

pytestmark = pytest.mark.vm

ENTRIES = ("Alpha on FAT", "Beta on FAT", "Gamma on ext4", "Delta with its own device tree")


def _wait_for_menu(vm: Machine) -> None:
    """Until all four entries of both partitions are shown and one is marked."""

    def menu(machine: Machine) -> bool:
        return all(machine.on_screen(title) for title in ENTRIES) and bool(machine.marked())

    vm.wait_for("bootmenu: starting the menu", 60)
    vm.wait_for(menu, 90)


def _choose(vm: Machine, title: str) -> None:
    """Move the marker down, one key at a time, until it is on the entry; then press Enter."""
    for _ in ENTRIES:
        if title in vm.marked():
            break
        before = vm.marked()

        def moved(machine: Machine, before: str = before) -> bool:
            return machine.marked() not in ("", before)

        vm.send("down")
        vm.wait_for(moved, 20)
    assert title in vm.marked(), vm.screen()
    vm.send("enter")


def test_an_entry_chosen_by_keys_starts(machine: MachineMaker, disk: Path, token: str) -> None:
    with machine(Hardware(disks=(disk,))) as vm:
        _wait_for_menu(vm)
        vm.wait_for_screen("vda1 · BOOT", 20)
        vm.wait_for_screen("vda2 · rootfs", 20)
        assert not vm.on_screen("! log"), "nothing went wrong"
        place = vm.mark()
        _choose(vm, "Gamma on ext4")
        vm.wait_for("read kernel", 60, after=place)
        vm.wait_for(" %", 60, after=place)
        vm.wait_for("Starting Gamma on ext4", 60, after=place)
        vm.wait_for(f"second stage says {token}", 120, after=place, silence=SILENCE_AFTER_JUMP)
        vm.wait_for(f"bootmenu-test.entry=gamma-{token}", 10, after=place)
        vm.wait_for("second stage is done", 10)
        vm.wait_for_end(20)


@pytest.mark.slow
def test_the_default_starts_by_itself(machine: MachineMaker, disk: Path, token: str) -> None:
    with machine(Hardware(disks=(disk,)), cmdline="bootmenu.timeout=3") as vm:
        vm.wait_for("Any key opens the menu", 90)
        vm.wait_for("Esc opens the menu.", 90)
        vm.wait_for("Starting Alpha on FAT", 60)
        vm.wait_for(f"second stage says {token}", 120, silence=SILENCE_AFTER_JUMP)
        vm.wait_for(f"bootmenu-test.entry=alpha-{token}", 10)


@pytest.mark.slow
def test_an_entry_that_was_edited_and_kept_is_the_default_of_the_next_start(
    machine: MachineMaker, first_stage: stages.Stage, disk: Path, token: str, tmp_path: Path
) -> None:
    """Between the two starts the power goes."""
    remembers = tmp_path / "state.img"
    remembers.touch()
    os.truncate(remembers, 8 << 20)
    run_tool(["mkfs.vfat", "-n", "STATE", remembers])
    settings = b'profile = "standard"\nstate.device = "LABEL=STATE"\n'
    stage = stages.with_files(first_stage, {"etc/bootmenu.toml": settings}, tmp_path / "settings.cpio")
    with machine(Hardware(disks=(disk, remembers)), stage=stage, limit=400) as vm:
        _wait_for_menu(vm)
        vm.send("e")
        vm.wait_for_screen("For this boot only: Alpha on FAT", 30)
        vm.send(" kept=1")
        vm.wait_for_screen("kept=1", 20)
        vm.send("\x13")  # Ctrl+S, which must not stop the line
        vm.wait_for_screen("Save as an entry of your own", 20)
        vm.send("\x15")
        vm.send("my test entry")
        vm.wait_for_screen("Name: my test entry", 20)
        vm.send("enter")
        vm.wait_for_mark("my test entry")
        vm.send("D")
        vm.wait_for_screen("Start it automatically from now on", 20)
        vm.send("2")
        vm.wait_for(lambda vm: vm.on_screen("▶ 2") or vm.on_screen("> 2"), 20)
        vm.send("enter")
        vm.wait_for_screen("the default from now on", 30)
    with machine(Hardware(disks=(disk, remembers)), cmdline="bootmenu.timeout=3", stage=stage) as vm:
        vm.wait_for("Starting my test entry", 150)
        vm.wait_for(f"second stage says {token}", 120, silence=SILENCE_AFTER_JUMP)
        vm.wait_for(f"bootmenu-test.entry=alpha-{token} kept=1", 10)


@pytest.mark.slow
def test_an_entry_with_its_own_device_tree_gets_that_tree(machine: MachineMaker, disk: Path, token: str) -> None:
    with machine(Hardware(disks=(disk,))) as vm:
        _wait_for_menu(vm)
        assert f"tree-{token}" not in vm.text
        _choose(vm, "Delta with its own device tree")
        vm.wait_for(f"second stage says {token}", 150, silence=SILENCE_AFTER_JUMP)
        vm.wait_for(f"second stage fact bootmenu-test/marker: tree-{token}", 10)
        vm.wait_for("second stage cpus: 0-1", 10)
        vm.wait_for("second stage is done", 10)


@pytest.mark.slow
def test_cpus_in_a_spin_table_are_told_and_the_menu_stays(
    machine: MachineMaker, disk: Path, spin_table_tree: Path, tmp_path: Path
) -> None:
    """And it has a shell, and switches off."""
    control = tmp_path / "qmp"
    with machine(Hardware(disks=(disk,), dtb=spin_table_tree, extra=Monitor.argv(control))) as vm:
        _wait_for_menu(vm)
        vm.wait_for_screen("CPU-STUCK", 20)  # the banner names the check
        vm.wait_for_screen("nr_cpus=1", 20)  # and what to do
        vm.wait_for_mark("FAIL")
        _choose(vm, "Gamma on ext4")
        vm.wait_for_screen("Start it although it cannot work here?", 30)
        vm.send("y")
        vm.wait_for_screen("EBUSY", 60)
        assert "second stage says" not in vm.text
        vm.send("escape")
        _wait_for_menu(vm)
        before = vm.marked()
        vm.send("up")

        def moved(machine: Machine) -> bool:
            return machine.marked() not in ("", before)

        vm.wait_for(moved, 20)
        _look_into_a_shell(vm)
        with Monitor(control) as monitor:
            vm.send("p")
            vm.wait_for_screen("1  Go on running", 20)
            vm.send("3")
            vm.wait_for(lambda vm: vm.on_screen("▶ 3") or vm.on_screen("> 3"), 20)
            vm.send("enter")  # an Enter behind something in one burst is none
            assert monitor.reason_of_end() == "guest-shutdown"
        vm.wait_for_end(20)
        assert vm.on_screen("The machine is switching off.")
        assert not vm.on_screen("Go on running")
        assert "the menu ended" not in vm.text
        assert "the menu was ended" not in vm.text


def _look_into_a_shell(vm: Machine) -> None:
    """It has the terminal to itself, job control and Ctrl+C included; then the menu is there as it was before."""
    before, place = vm.marked(), vm.mark()
    vm.send("s")
    vm.wait_for("Type exit to return to the menu", 20, after=place)
    vm.wait_for("/ # ", 20, after=place)
    vm.send("echo shell-$((6 * 7)) $(tty) $TERM", "enter")
    vm.wait_for("shell-42 /dev/ttyAMA0 vt220", 20, after=place)
    # what is typed before the program has the terminal, or after it but before the prompt, means something else
    vm.send("sh -c 'echo ready-$((6 * 7)); cat'", "enter")
    vm.wait_for("ready-42", 20, after=place)
    interrupted = vm.mark()
    vm.send("\x03")
    vm.wait_for("/ # ", 20, after=interrupted)
    vm.send("echo back-$((6 * 7))", "enter")
    vm.wait_for("back-42\n/ # ", 20, after=place)
    asked = vm.mark()
    vm.send("bootmenu scan; echo code-$?", "enter")
    vm.wait_for("code-0", 60, after=asked)
    assert "Gamma on ext4" in vm.text[asked:]
    vm.send("exit", "enter")

    def back(machine: Machine) -> bool:
        whole = all(map(machine.on_screen, (*ENTRIES, "Enter boot", "cannot be started here")))
        return whole and machine.marked() == before and not machine.on_screen("back-42")

    vm.wait_for(back, 30)
