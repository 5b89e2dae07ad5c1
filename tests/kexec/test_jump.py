# SPDX-License-Identifier: MIT
"""From a loaded kernel to the jump: hooks, sync, unmount, watchdog, and a jump that comes back."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bootmenu.config.settings import Watchdog
from bootmenu.kexec import hooks
from bootmenu.kexec import jump as jumping
from bootmenu.kexec.kernel_errors import LoadError
from bootmenu.kexec.plan import LoadPlan
from bootmenu.model.progress import Progress, Stage, StageState
from bootmenu.model.value import replace
from bootmenu.system import watchdog
from bootmenu.system.blocking_processes import holders
from bootmenu.system.host import Host
from bootmenu.system.processes import Commands
from tests.builders.hosts import fake_host, syscalls_of
from tests.builders.trees import write_tree
from tests.kexec.staging import Bench


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return fake_host(tmp_path / "host")


@pytest.fixture
def plan(tmp_path: Path) -> LoadPlan:
    bench = Bench(tmp_path / "sda1")
    return bench.plan(bench.entry())


def ended(events: list[Progress]) -> list[tuple[Stage, StageState]]:
    return [(event.stage, event.state) for event in events if event.state is not StageState.RUNNING]


# ---- hooks ------------------------------------------------------------------------------------------------


def hook(host: Host, name: str, script: str, mode: int = 0o755) -> None:
    write_tree(host.root, {f"{hooks.FOLDER}/{name}": f"#!/bin/sh\n{script}\n"})
    host.path(f"{hooks.FOLDER}/{name}").chmod(mode)


def for_real(host: Host) -> Host:
    """Its programs are started in earnest."""
    return replace(host, commands=Commands())


def test_hooks_run_in_order_with_the_plan_in_their_environment(host: Host, plan: LoadPlan, tmp_path: Path) -> None:
    told = tmp_path / "told"
    hook(host, "20-second", f'echo "two $BOOTMENU_ENTRY" >>{told}')
    hook(host, "10-first", f'printf "%s\\n" "$BOOTMENU_CMDLINE" "$BOOTMENU_KERNEL" "$BOOTMENU_PLAN" >>{told}')
    plan = replace(plan, hooks=hooks.find(host).names)
    events = list(hooks.run(for_real(host), plan))
    assert [(event.state, event.detail) for event in events] == [
        (StageState.RUNNING, "10-first"),
        (StageState.RUNNING, "20-second"),
        (StageState.DONE, "10-first, 20-second"),
    ]
    command_line, kernel, written, last = told.read_text().splitlines()
    assert (command_line, kernel, last) == ("root=/dev/sda2", "sda1:/Image", "two one")
    assert json.loads(written) == plan.to_json()


def test_only_what_is_meant_to_run_is_a_hook(host: Host) -> None:
    hook(host, "run", "true")
    hook(host, "later", "true")
    hook(host, "text", "true", 0o644)
    hook(host, "open", "true", 0o777)
    for leftover in ("run~", "run.dpkg-old", ".hidden", "a b"):
        hook(host, leftover, "true")
    host.path(f"{hooks.FOLDER}/folder").mkdir()
    found = hooks.find(host, skip=("later",))
    assert found.names == ("run",)
    assert found.notes == (
        "The hook folder is left out: it is no file.",
        "The hook later is skipped, as the settings want.",
        "The hook open is left out: it is writable by everybody.",
        "The hook text is left out: it is not executable.",
    )
    assert hooks.find(fake_host(host.root / "empty")) == hooks.Hooks()


def test_a_hook_that_fails_stops_the_jump_before_anything_is_torn_down(host: Host, plan: LoadPlan) -> None:
    hook(host, "ask", "echo 'the door is open' >&2; exit 3")
    hook(host, "never", "exit 0")
    released: list[str] = []
    plan = replace(plan, hooks=("ask", "never"))
    with pytest.raises(LoadError) as caught:
        list(jumping.prepare_jump(for_real(host), plan, lambda: released))
    error = caught.value
    assert error.message == "The hook ask stopped the jump (exit status 3). It said: “the door is open”."
    assert "bootmenu.skip-hooks=ask" in error.hint
    assert (error.stage, syscalls_of(host).calls) == (Stage.HOOKS, [])


def test_a_hook_may_leave_a_daemon_and_is_over_when_it_ends(host: Host, plan: LoadPlan, tmp_path: Path) -> None:
    hook(host, "serve", f"sleep 1000 & echo $! >{tmp_path}/pid")
    events = list(hooks.run(for_real(host), replace(plan, hooks=("serve",))))
    assert events[-1].state is StageState.DONE
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)  # raises if it is not there


def test_a_hook_that_is_taken_back_is_ended(host: Host, plan: LoadPlan, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    hook(host, "wait", f"exec 3>{tmp_path}/fifo; sleep 1000")
    events = hooks.run(for_real(host), replace(plan, hooks=("wait",)))
    told = [next(events), next(events), next(events)]
    assert {(event.state, event.detail) for event in told} == {(StageState.RUNNING, "wait")}
    with (tmp_path / "fifo").open("rb") as reader:
        events.close()  # type: ignore[attr-defined]
        assert reader.read() == b"", "nobody has it open any more"


def test_of_a_hook_that_floods_its_end_is_told(host: Host, plan: LoadPlan) -> None:
    hook(host, "flood", "head -c 30000000 /dev/zero | tr '\\0' x; echo 'no room' >&2; exit 1")
    with pytest.raises(LoadError, match="It said: “no room”"):
        list(hooks.run(for_real(host), replace(plan, hooks=("flood",))))


def test_a_hook_that_cannot_be_started_stops_it_too(host: Host, plan: LoadPlan) -> None:
    write_tree(host.root, {f"{hooks.FOLDER}/odd": "no interpreter"})
    host.path(f"{hooks.FOLDER}/odd").chmod(0o755)
    with pytest.raises(LoadError, match="The hook odd failed"):
        list(hooks.run(for_real(host), replace(plan, hooks=("odd",))))


def test_texts_of_a_disk_reach_a_hook_as_they_are(plan: LoadPlan) -> None:
    entry = replace(plan.entry, title="a\0b $(reboot) \udcff")
    described = hooks.describe(replace(plan, entry=entry))
    assert described["BOOTMENU_TITLE"] == "ab $(reboot) ?"


# ---- watchdog ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "call", "told"),
    [
        (Watchdog.FEED, ("watchdog", "/dev/watchdog0", False), "watchdog0 fed"),
        (
            Watchdog.DISARM,
            ("watchdog", "/dev/watchdog0", True),
            "watchdog0 is still counting: its driver lets nobody stop it",
        ),
    ],
)
def test_a_running_watchdog_is_seen_to(
    host: Host, plan: LoadPlan, policy: Watchdog, call: tuple[object, ...], told: str
) -> None:
    states = {"watchdog0/state": "active\n", "watchdog1/state": "inactive\n", "watchdog/state": "active\n"}
    write_tree(host.root, {f"/sys/class/watchdog/{name}": text for name, text in states.items()})
    events = list(jumping.prepare_jump(host, replace(plan, watchdog=policy), list))
    assert ended(events)[-1] == (Stage.WATCHDOG, StageState.DONE)
    assert events[-1].detail == told
    assert syscalls_of(host).calls == [("sync",), call]


def test_a_watchdog_is_left_alone_unless_the_settings_say_otherwise(host: Host, plan: LoadPlan) -> None:
    write_tree(host.root, {"/sys/class/watchdog/watchdog0/state": "active\n"})
    assert Stage.WATCHDOG not in {event.stage for event in jumping.prepare_jump(host, plan, list)}
    assert syscalls_of(host).calls == [("sync",)]


def test_no_watchdog_is_started_by_feeding_it(host: Host) -> None:
    write_tree(host.root, {"/sys/class/watchdog/watchdog0/state": "inactive\n"})
    assert watchdog.feed(host) == "no watchdog is running"
    assert not syscalls_of(host).calls


def test_a_watchdog_that_somebody_holds_is_told(host: Host) -> None:
    write_tree(host.root, {"/sys/class/watchdog/watchdog0/state": "active\n"})
    syscalls_of(host).errors["watchdog"] = errno.EBUSY
    assert watchdog.disarm(host) == "watchdog0 is still counting: Device or resource busy"


# ---- who holds a disk -------------------------------------------------------------------------------------


def test_who_works_on_a_file_system_is_named(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "input()"], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as process:
        host = Host()
        # only this process of the machine, which has many on the same disk
        write_tree(tmp_path, {f"/host/proc/{process.pid}/comm": "worker\n"})
        (tmp_path / f"host/proc/{process.pid}/cwd").symlink_to(tmp_path)
        host = replace(host, root=tmp_path / "host")
        host.path("/mnt").symlink_to(tmp_path)
        assert holders(host, "/mnt") == [f"worker (pid {process.pid})"]
        process.communicate(b"\n")
    assert holders(host, "/gone") == []


# ---- sync, unmount, jump ----------------------------------------------------------------------------------


def test_leaving_syncs_unmounts_and_says_what_stays(host: Host, plan: LoadPlan) -> None:
    lines = ("/dev/sda2 / ext4 rw,noatime 0 0", "/dev/sda1 /mnt vfat ro 0 0", "tmpfs /tmp tmpfs rw 0 0", "x")
    write_tree(host.root, {"/proc/self/mounts": "\n".join(lines)})
    events = list(jumping.prepare_jump(host, plan, lambda: ["sda1: busy"]))
    assert [(event.stage, event.state) for event in events if event.state is not StageState.RUNNING] == [
        (Stage.SYNC, StageState.DONE),
        (Stage.UNMOUNT, StageState.DONE),
    ]
    assert events[-1].detail == "detached sda1: busy; still mounted for writing by others: /"
    assert syscalls_of(host).calls == [("sync",)]


def test_a_sync_that_hangs_is_given_up(host: Host, plan: LoadPlan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jumping, "SYNC_SECONDS", 0.05)
    monkeypatch.setattr(jumping, "_TICK", 0.01)
    disk = threading.Event()
    syscalls_of(host).sync_waits_for = lambda: disk.wait(10)
    try:
        events = list(jumping.prepare_jump(host, plan, list))
    finally:
        disk.set()
    (sync,) = [event for event in events if event.stage is Stage.SYNC and event.state is not StageState.RUNNING]
    assert sync.state is StageState.SKIPPED
    assert "does not answer" in sync.detail
    assert events[-1].state is StageState.DONE


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EBUSY, errno.EPERM])
def test_a_jump_that_comes_back_says_why(host: Host, number: int) -> None:
    syscalls_of(host).errors["reboot_kexec"] = number
    with pytest.raises(LoadError) as caught:
        jumping.execute(host)
    assert (caught.value.errno, caught.value.call, caught.value.stage) == (number, "reboot", Stage.JUMP)
    assert caught.value.hint


def test_where_systemd_is_pid_1_it_makes_the_jump(tmp_path: Path) -> None:
    words: list[str] = []

    def systemctl(argv: object, inherited: object) -> tuple[int, bytes, bytes]:
        words.append(str(argv))
        return 1, b"", b"Access denied\n"

    host = fake_host(tmp_path, {"/run/systemd/system/x": ""}, {"systemctl": systemctl})
    with pytest.raises(LoadError, match="Access denied"):
        jumping.execute(host)
    assert words == ["['systemctl', 'kexec']"]
    assert not syscalls_of(host).calls
    with pytest.raises(LoadError, match="not installed"):
        jumping.execute(fake_host(tmp_path))
