# SPDX-License-Identifier: MIT
"""In the first stage: loads the entry of a disk by bootmenu as after a key in its menu, by bootmenu as a command, and
by kexec-tools, and prints the seconds of each as lines of JSON. All files are in memory already."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

KERNEL, INITRD = "/mnt/vmlinuz", "/mnt/second.cpio"
ARGUMENTS = "console=ttyAMA0"
PYTHON = ("python3", "-I", "-X", "utf8")
COMMANDS = {
    "kexec-tools": ("kexec", "-c", "-l", KERNEL, f"--initrd={INITRD}", f"--command-line={ARGUMENTS}"),
    "command": (
        *(*PYTHON, "-m", "bootmenu", "boot", "--kernel", KERNEL, "--initrd", INITRD, "--cmdline", ARGUMENTS),
        *("--method", "kexec_load", "--load-only", "--force"),
    ),
}
TURNS = 3


def tell(name: str, seconds: list[float]) -> None:
    print("loading " + json.dumps({"name": name, "seconds": sorted(seconds)[len(seconds) // 2]}), flush=True)


def loaded_in_the_menu(name: str) -> None:
    """Load in a session that has read its entries: once for the first time in this process, and then some more."""
    from bootmenu.bootstate.state_store import StateStore
    from bootmenu.config.settings import Settings
    from bootmenu.discovery.machine_facts import gather
    from bootmenu.session.machine_session import MachineSession
    from bootmenu.session.scan_collection import collect
    from bootmenu.system.host import Host

    host = Host()
    session = MachineSession(host, gather(host), settings=Settings(scan_seconds=60), state_store=StateStore(None))
    (listing,) = collect(session)[0]
    seconds = []
    for _ in range(1 + TURNS):
        began = time.monotonic()
        plan = session.plan(listing)
        list(session.load(plan))
        seconds.append(time.monotonic() - began)
        assert plan.method == "kexec_load"
        session.unload(plan)
    session.close()
    tell(f"{name}, first", seconds[:1])
    tell(f"{name}, again", seconds[1:])


if len(sys.argv) > 1:
    loaded_in_the_menu(sys.argv[1])
    sys.exit()

# the files were made just now, and would be read twice; those of a machine that boots are older
time.clock_settime(time.CLOCK_REALTIME, time.time() + 3600)
subprocess.run(["busybox", "mount", "-o", "ro", "/dev/vda1", "/mnt"], check=True)
for path in (KERNEL, INITRD):
    Path(path).read_bytes()
for name, argv in COMMANDS.items():
    seconds = []
    for turn in range(1 + TURNS):
        began = time.monotonic()
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
        if turn:  # the first one reads what the others have in memory
            seconds.append(time.monotonic() - began)
        subprocess.run(["kexec", "-c", "-u"], check=True)
    tell(name, seconds)
# OPENSSL_armcap(3): without the processor's instructions for SHA-256
for name, environment in (("menu", {}), ("menu without instructions", {"OPENSSL_armcap": "0"})):
    subprocess.run([*PYTHON, __file__, name], check=True, env={**os.environ, **environment})
