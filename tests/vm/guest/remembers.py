# SPDX-License-Identifier: MIT
"""In the first stage, in place of its menu: keeps a state in an EFI variable, or reads back what is there; and, where
there is a disk, writes one on FAT and waits before and after every call, until the host has taken a copy of the disk.
"""

import json
import subprocess
import sys
from pathlib import Path

from bootmenu import cli
from bootmenu.bootstate.state import Attempt, State
from bootmenu.bootstate.state_backends import Files, FolderBackend
from bootmenu.bootstate.state_store import StateStore
from bootmenu.config.settings_layers import load
from bootmenu.discovery.machine_facts import gather
from bootmenu.model.codec import to_json
from bootmenu.model.value import replace
from bootmenu.session.machine_session import MachineSession
from bootmenu.system.host import Host
from bootmenu.system.syscalls import MountFlag

DISK, POINT = "/dev/vda", "/mnt"
BIND = MountFlag(1 << 12)  # include/uapi/linux/mount.h: MS_BIND
TRIED = Attempt(entry="debian", at="", title="Debian")


def tell(what: str, **values: object) -> None:
    print("remembers " + json.dumps({"what": what, **values}), flush=True)


def opened() -> StateStore:
    """The place that the settings name."""
    memory = MachineSession(host, gather(host), tuple, settings=load(host).settings).state_store
    state = to_json(memory.state)
    tell("opened", state=state, trouble=memory.error, known=memory.known, healed=getattr(memory, "healed", ""))
    return memory


class Stepping(Files):
    """Waits before and after every call that writes."""

    def __getattribute__(self, name: str) -> object:
        call = super().__getattribute__(name)
        if name.startswith("_") or name == "read" or not callable(call):
            return call

        def stepping(*arguments: object) -> object:
            ready(f"before {name}")
            answer = call(*arguments)
            ready(f"after {name}")
            return answer

        return stepping


def ready(step: str) -> None:
    tell("step", step=step)
    input()


def quickly() -> None:
    """mark-good on the disk, as in a started system, whose udev has written down what it is."""
    host.syscalls.mount(DISK, POINT, "vfat", MountFlag(0), "")
    FolderBackend(Path(POINT, "state")).write(State().booting(TRIED))
    host.syscalls.umount(POINT)
    number = Path("/sys/class/block/vda/dev").read_text().strip()
    Path("/run/udev/data").mkdir(parents=True)
    Path("/run/udev/control").touch()
    Path(f"/run/udev/data/b{number}").write_text("E:ID_FS_LABEL_ENC=ESP\nE:ID_FS_TYPE=vfat\n")
    Path("/etc/bootmenu.toml").write_text('state.device = "LABEL=ESP"\nstate.folder = "/state"\n')
    Path("/tmp/cmdline").write_text("quiet\n")  # a started system's says nothing to bootmenu
    host.syscalls.mount("/tmp/cmdline", "/proc/cmdline", "", BIND, "")
    program = (
        "import sys; from bootmenu.commands.mark_good_command import run_quickly; "
        "print(run_quickly()); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True)
    said, status, modules = (*done.stdout.splitlines(), done.stderr, "", "")[:3]
    left = Path("/run/udev/control").exists() and DISK not in Path("/proc/mounts").read_text()
    host.syscalls.mount(DISK, POINT, "vfat", MountFlag(0), "")
    state = FolderBackend(Path(POINT, "state")).read()
    host.syscalls.umount(POINT)
    unwelcome = sorted({"re", "enum", "json", "pathlib", "ctypes"} & set(modules.split()))
    tell("quickly", said=said, status=status, unwelcome=unwelcome, unmounted=left, trying=to_json(state.trying))


def on_fat() -> None:
    """Keep `old`, unmount, and keep `new` step by step; or read what a power cut has left."""
    host.syscalls.mount(DISK, POINT, "vfat", MountFlag(0), "")
    folder = Path(POINT, "state")
    if folder.exists():
        memory = StateStore(FolderBackend(folder))
        found = memory.state.default
        kept = memory.update(lambda state: replace(state, default="healed"))
        again = StateStore(FolderBackend(folder))
        tell("healed", found=found, kept=kept, trouble=memory.error, again=again.state.default)
        host.syscalls.umount(POINT)
        quickly()
        return
    FolderBackend(folder).write(State(default="old"))
    host.syscalls.umount(POINT)
    host.syscalls.mount(DISK, POINT, "vfat", MountFlag(0), "")
    FolderBackend(folder, Stepping()).write(State(default="new"))
    ready("stored")


host = Host()
kernel = subprocess.run(["dmesg"], capture_output=True, text=True).stdout
tell(
    "console", firmware=gather(host).firmware_console, kernel=[line for line in kernel.splitlines() if "SPCR" in line]
)
memory = opened()
if memory.state == State():
    chosen = State(once="alpine", wrong_pins=2)
    tell("kept", kept=memory.keep(chosen.booting(TRIED)), trouble=memory.error)
    memory.update(lambda state: replace(state, once="alpine"))
else:
    tell("marked", status=cli.main(["mark-good"]))
    opened()
if Path(DISK).exists():
    on_fat()
tell("done")
host.syscalls.reboot(0x01234567)  # include/uapi/linux/reboot.h: LINUX_REBOOT_CMD_RESTART
