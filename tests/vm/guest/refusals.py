# SPDX-License-Identifier: MIT
"""In the first stage, on a machine whose CPUs cannot be stopped: makes the kernel refuse a load in one way after the
other, and prints a line of JSON for each, with what a person would be shown."""

import ctypes
import json
import os
from pathlib import Path

from bootmenu.discovery.machine_facts import gather
from bootmenu.kexec.kernel_errors import LoadError
from bootmenu.model.machine import MachineFacts
from bootmenu.model.value import replace
from bootmenu.session.files_session import FilesSession
from bootmenu.system.host import Host

CAP_SYS_BOOT = 22
HUGE = "/vmtest/huge.cpio"


def effective(capability: int, *, on: bool) -> None:
    """Give up a capability of this thread, or take it back (include/uapi/linux/capability.h, version 3)."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    sets = (ctypes.c_uint32 * 6)()
    assert libc.capget(header, sets) == 0
    sets[0] = sets[0] | 1 << capability if on else sets[0] & ~(1 << capability)
    assert libc.capset(header, sets) == 0


def attempt(name: str, method: str, machine: MachineFacts, *initrds: str) -> None:
    """Load, and tell the refusal."""
    session = FilesSession(
        host,
        machine,
        kernel="/vmtest/kernel",
        dtb=None,
        overlays=(),
        initrds=initrds,
        command_line="console=ttyAMA0",
        method=method,
    )
    told: dict[str, object] = {"name": name, "error": None}
    try:
        list(session.load(session.plan(session.listing)))
    except LoadError as error:
        told |= {
            "error": error.errno_text,
            "call": error.call,
            "stage": error.stage,
            "message": error.message,
            "hint": error.hint,
            "log": error.kernel_log,
        }
    session.close()
    print("refusal " + json.dumps(told | {"loaded": host.kexec_loaded()}), flush=True)


host = Host()
facts = gather(host)
attempt("stuck CPUs", "kexec_load", facts, "/vmtest/second.cpio")
attempt("no such call", "kexec_file_load", facts, "/vmtest/second.cpio")

effective(CAP_SYS_BOOT, on=False)
attempt("not permitted", "kexec_load", facts, "/vmtest/second.cpio")
effective(CAP_SYS_BOOT, on=True)

# the layout would refuse it by itself: it is told that there is more memory than there is
Path(HUGE).touch()
os.truncate(HUGE, (facts.memory_total or 0) // 2 + (8 << 20))
deceived = replace(facts, memory_total=4 * (facts.memory_total or 0))
attempt("half of the memory", "kexec_load", deceived, HUGE)

Path("/proc/sys/kernel/kexec_load_disabled").write_text("1\n")
attempt("switched off", "kexec_load", facts, "/vmtest/second.cpio")
