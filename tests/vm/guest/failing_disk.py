# SPDX-License-Identifier: MIT
"""In the first stage: loads from a disk that stops answering after the files were read, and from a file that loses
its end. What each call of the kernel answered, and what bootmenu made of it, is told in lines of JSON."""

import errno
import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bootmenu.bootstate.state_store import StateStore
from bootmenu.config.settings import Settings
from bootmenu.discovery.machine_facts import gather
from bootmenu.discovery.scan_events import Listing
from bootmenu.kexec.kernel_errors import LoadError
from bootmenu.model.progress import Stage
from bootmenu.session.files_session import FilesSession
from bootmenu.session.machine_session import MachineSession
from bootmenu.session.scan_collection import collect
from bootmenu.system.host import Host
from bootmenu.system.syscalls import Segment

HEAD = 1 << 20
"""Bytes of a file that stay in memory."""
UNUSED = 64 * 1024
"""Offset on the disk of a page between the partition table and the first partition."""

answers: list[str] = []
recovers: Callable[[], None] | None = None
"""What mends the disk after the next call that fails."""


def switch_disk() -> None:
    """Write to the disk, from which it answers no more; or answers again."""
    disk = os.open("/dev/vda", os.O_WRONLY | os.O_DSYNC)
    os.pwrite(disk, bytes(4096), UNUSED)
    os.close(disk)


def answered(entry: int, segments: Sequence[Segment]) -> None:
    """The call itself, with a note of what the kernel answers."""
    global recovers
    try:
        call(entry, segments)
    except OSError as error:
        answers.append(errno.errorcode[error.errno or 0])
        if recovers is not None:
            recovers()
            recovers = None
        raise
    answers.append("loaded" if segments else "unloaded")


def loaded(session: MachineSession, listing: Listing, what: str, spoil: Callable[[], None]) -> None:
    """Load, and spoil the files between reading and loading them."""
    answers.clear()
    plan, said = session.plan(listing), None
    assert plan.method == "kexec_load"
    try:
        for event in (stream := session.load(plan)):
            if event.stage is Stage.LOAD:
                spoil()
                list(stream)
    except LoadError as error:
        said = {"error": error.errno_text, "message": error.message, "stage": error.stage}
    row = {"what": what, "answers": answers, "said": said, "loaded": host.kexec_loaded()}
    print("failing " + json.dumps(row), flush=True)
    session.unload(plan)


# the files were made just now, and would be read twice; those of a machine that boots are older
time.clock_settime(time.CLOCK_REALTIME, time.time() + 3600)
host = Host()
call, host.syscalls.kexec_load = host.syscalls.kexec_load, answered  # type: ignore[method-assign]
machine = gather(host)
session = MachineSession(host, machine, settings=Settings(scan_seconds=60), state_store=StateStore(None))
(listing,) = collect(session)[0]


def fail() -> None:
    """The disk answers no more, and has to be asked for both files."""
    switch_disk()
    for descriptor in Path("/proc/self/fd").iterdir():
        if descriptor.resolve().name in ("vmlinuz", "second.cpio"):
            # kept is the kernel's header, which is read once more before the call
            os.posix_fadvise(int(descriptor.name), HEAD, 0, os.POSIX_FADV_DONTNEED)


loaded(session, listing, "for ever", fail)
switch_disk()
recovers = switch_disk
loaded(session, listing, "once", fail)
session.close()

Path("/tmp/kernel").write_bytes(Path("/vmtest/kernel").read_bytes())
time.clock_settime(time.CLOCK_REALTIME, time.time() + 3600)
files = FilesSession(
    host, machine, kernel="/tmp/kernel", dtb=None, overlays=(), initrds=("/vmtest/second.cpio",), command_line=""
)
loaded(files, files.listing, "cut off", lambda: os.truncate("/tmp/kernel", HEAD))
