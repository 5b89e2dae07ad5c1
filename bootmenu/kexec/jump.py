# SPDX-License-Identifier: MIT
"""Jump into the loaded kernel: sync, unmount, then reboot(KEXEC), which itself neither syncs nor unmounts."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

from bootmenu.config.settings import Watchdog
from bootmenu.i18n import N_, joined
from bootmenu.kexec import hooks
from bootmenu.kexec.kernel_errors import LoadError
from bootmenu.kexec.plan import LoadPlan
from bootmenu.model.progress import Progress, Stage, StageState
from bootmenu.system import signals, watchdog
from bootmenu.system.blocking_processes import holders
from bootmenu.system.host import Host
from bootmenu.system.processes import CommandError

SYNC_SECONDS = 30.0
"""Time limit of the sync: a dead disk must not block the jump."""
_TICK = 0.25


def prepare_jump(host: Host, plan: LoadPlan, release: Callable[[], list[str]]) -> Iterator[Progress]:
    """Run the hooks, sync with a time limit, unmount what bootmenu mounted, and feed or stop the watchdog.

    release: unmounts, and returns the names that were busy and only detached. Raise LoadError if a hook stops the
    jump; nothing has been unmounted then.
    """
    if plan.hooks:
        yield from hooks.run(host, plan)
    began = time.monotonic()
    done = threading.Event()

    def sync() -> None:
        host.syscalls.sync()
        done.set()

    threading.Thread(target=sync, name="sync", daemon=True).start()
    while not done.wait(_TICK) and time.monotonic() - began < SYNC_SECONDS:
        yield _event(Stage.SYNC, StageState.RUNNING, began, N_("writing to the disks"))
    if done.is_set():
        yield _event(Stage.SYNC, StageState.DONE, began)
    else:
        detail = N_("given up after {seconds:.0f} s: a disk does not answer", seconds=SYNC_SECONDS)
        yield _event(Stage.SYNC, StageState.SKIPPED, began, detail)
    began = time.monotonic()
    yield _event(Stage.UNMOUNT, StageState.RUNNING, began)
    stuck = release()
    writable = _writable(host)
    details = [N_("detached {name}", name=name) for name in stuck]
    if writable:
        details.append(N_("still mounted for writing by others: {devices}", devices=", ".join(writable)))
    yield _event(Stage.UNMOUNT, StageState.DONE, began, joined("; ", details))
    if plan.watchdog is not Watchdog.LEAVE:
        began = time.monotonic()
        result = watchdog.feed(host) if plan.watchdog is Watchdog.FEED else watchdog.disarm(host)
        yield _event(Stage.WATCHDOG, StageState.DONE, began, result)


def _event(stage: Stage, state: StageState, began: float, detail: str = "") -> Progress:
    return Progress(stage=stage, state=state, seconds=time.monotonic() - began, detail=detail)


def _writable(host: Host) -> list[str]:
    """Return the mount points of real disks that are mounted for writing."""
    points = []
    for line in (host.text("/proc/self/mounts") or "").splitlines():
        fields = line.split()
        if len(fields) >= 4 and fields[0].startswith("/dev/") and "rw" in fields[3].split(","):
            points.append(fields[1])
    return [_with_holders(host, point) for point in list(dict.fromkeys(points))[:8]]


def _with_holders(host: Host, point: str) -> str:
    by = holders(host, point)
    return f"{point} (by {', '.join(by)})" if by else point


def execute(host: Host) -> None:
    """Start the loaded kernel. Do not return, except by raising LoadError.

    If systemd is PID 1, it stops its services and makes the jump itself.
    """
    if host.exists("/run/systemd/system"):
        try:
            done = host.commands.run(["systemctl", "kexec"], timeout=60)
        except CommandError as error:
            raise LoadError(error.message, error.hint, stage=Stage.JUMP, call="systemctl kexec") from None
        if done.returncode != 0:
            raise LoadError(
                N_("systemd refused: {said}.", said=done.said),
                N_("The kernel stays loaded until it is unloaded: kexec -u."),
                stage=Stage.JUMP,
                call="systemctl kexec",
            )
        signals.wait_to_be_ended()
    with host.log.watched() as added:
        try:
            host.syscalls.reboot_kexec()
        except OSError as error:
            raise LoadError(
                N_("The kernel did not jump; this system goes on running."),
                N_("Nothing may have been loaded, another kexec may be under way, or this is a container."),
                stage=Stage.JUMP,
                call="reboot",
                errno=error.errno,
                kernel_log=tuple(added()),
            ) from None
