# SPDX-License-Identifier: MIT
"""In the first stage, with a slow disk: watches a load, gives one up, lets a hook stop a jump and two jumps come
back, and starts the next kernel in the end. Tells everything in lines of JSON."""

import ctypes
import json
import os
import time
from pathlib import Path

from bootmenu.bootstate.state_store import StateStore
from bootmenu.config.settings import Settings
from bootmenu.discovery.machine_facts import gather
from bootmenu.discovery.scan_events import Listing
from bootmenu.kexec import jump as jumping
from bootmenu.kexec.kernel_errors import LoadError
from bootmenu.model.progress import Stage, StageState
from bootmenu.session.machine_session import MachineSession
from bootmenu.session.scan_collection import collect
from bootmenu.system.host import Host

CLONE_NEWPID = 0x20000000
HOOK = Path("/etc/bootmenu/hooks/before-jump.d/once")


def tell(what: str, **values: object) -> None:
    print("setback " + json.dumps({"what": what, **values}), flush=True)


def state() -> dict[str, object]:
    """Whether something is loaded, and what of the disks is mounted, and how."""
    lines = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    mounts = [f"{line[0]} {line[3].split(',')[0]}" for line in lines if line[0].startswith("/dev/vd")]
    return {"loaded": host.kexec_loaded(), "mounts": mounts}


def forget() -> None:
    """Nothing of the disks is in memory any more."""
    Path("/proc/sys/vm/drop_caches").write_text("3\n")


def refused(error: LoadError) -> dict[str, object]:
    return {"error": error.errno_text, "message": error.message, "stage": error.stage}


def watched(listing: Listing) -> None:
    """A load, with the time of each of its events."""
    began = time.monotonic()
    rows = []
    for event in session.load(session.plan(listing)):
        rows.append({"at": time.monotonic() - began, **event.to_json()})
    tell("watched", entry=listing.entry.title, rows=rows, **state())


host = Host()
session = MachineSession(host, gather(host), settings=Settings(scan_seconds=60), state_store=StateStore(None))
entries = {listing.entry.title: listing for listing in collect(session)[0]}
tell("scanned", entries=sorted(entries), **state())

forget()
watched(entries["Packed"])
session.unload(session.plan(entries["Packed"]))

forget()
plan = session.plan(entries["Raw"])
stream = session.load(plan)
for event in stream:
    if event.stage is Stage.KERNEL and event.done > event.total // 10:
        break
began = time.monotonic()
stream.close()  # type: ignore[attr-defined]
session.release()
tell("given up", done=event.done, total=event.total, seconds=time.monotonic() - began, **state())

HOOK.parent.mkdir(parents=True, exist_ok=True)
HOOK.write_text("#!/bin/sh\n[ -e /tmp/asked ] && exit 0\n: >/tmp/asked\necho the door is open >&2\nexit 1\n")
HOOK.chmod(0o755)
plan = session.plan(entries["Raw"])
list(session.load(plan))
try:
    list(session.prepare_jump(plan))
    tell("hook", error=None)
except LoadError as error:
    session.unload(plan)  # as the menu and `bootmenu boot` do
    tell("hook", **refused(error), **state())

list(session.load(plan))
child = os.fork()
if child == 0:
    # in a PID namespace reboot() is about that (kernel/pid_namespace.c:reboot_pid_ns)
    ctypes.CDLL(None).unshare(CLONE_NEWPID)
    if os.fork() == 0:
        try:
            jumping.execute(host)
        except LoadError as error:
            tell("namespace", **refused(error), **state())
        os._exit(0)
    os.wait()
    os._exit(0)
os.waitpid(child, 0)

ended = [(event.stage, event.detail) for event in session.prepare_jump(plan) if event.state is StageState.DONE]
tell("left", ended=ended, **state())
host.syscalls.kexec_load(0, ())  # somebody else unloads it
try:
    session.execute(plan)
except LoadError as error:
    tell("came back", **refused(error), **state())
# what it let go of is mounted again for who needs it, and an entry is started as before: without another look
with session.holding(entries["Raw"]):
    tell("held again", **state())
    plan = session.plan(entries["Raw"])
    list(session.load(plan))
    tell("loaded again", **state())
    session.unload(plan)
readable = [listing.entry.title for listing in collect(session)[0]]
tell("scanned again", entries=sorted(readable), **state())

with session.holding(entries["Raw"]):
    list(session.load(plan))
    list(session.prepare_jump(plan))
    print("setback jump", flush=True)
    session.execute(plan)
