# SPDX-License-Identifier: MIT
"""The virtual machine: which QEMU, with which options, and how its terminal is this one."""

from __future__ import annotations

import contextlib
import fcntl
import os
import platform
import re
import signal
import sys
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path

from bootmenu.errors import BootmenuError, UsageError
from bootmenu.image.process_runner import END_WITH_PARENT
from bootmenu.model.value import Value
from bootmenu.system.processes import CommandError, Commands
from bootmenu.terminal.capabilities import bounded

_PROBED = 20.0
"""Seconds in which a kernel has to boot and panic under KVM; it takes two."""
_RESET_TERMINAL = (
    "\x1b[?1049l\x1b[?25h\x1b[?7h\x1b[0m\x1b[r"  # other screen, hidden cursor, no wrapping, colours, scrolling region
    "\x1b[?1000l\x1b[?1006l\x1b[?2004l"  # mouse, pasted text
    "\x1b[999;1H\r\n"
)


class Hardware(Value, kw_only=True):
    """A machine that QEMU emulates, of one architecture."""

    architecture: str
    """Debian's name."""
    processor: str
    """As ``uname -m`` prints it."""
    program: str
    package: str
    """The Debian package with the program."""
    machine: str
    cpu: str
    cpu_name: str
    """For people."""
    console: str
    options: str
    """What each kernel on it is told, among it to write to the console from its first moment on."""


class Acceleration(StrEnum):
    """How the machine's processor is made."""

    AUTO = "auto"
    TCG = "tcg"
    KVM = "kvm"


HARDWARE = {
    hardware.architecture: hardware
    for hardware in (
        Hardware(
            architecture="arm64",
            processor="aarch64",
            program="qemu-system-aarch64",
            package="qemu-system-arm",
            machine="virt",
            cpu="cortex-a57",  # which has no pages of 16 KiB
            cpu_name="Cortex-A57",
            console="ttyAMA0",
            options="earlycon",
        ),
        Hardware(
            architecture="amd64",
            processor="x86_64",
            program="qemu-system-x86_64",
            package="qemu-system-x86",
            machine="q35",
            cpu="qemu64",
            cpu_name="x86-64",
            console="ttyS0",
            # on a busy host the emulated timer is too late for the kernel's test of it, which then panics
            options="earlyprintk=ttyS0 no_timer_check",
        ),
    )
}
"""By Debian's name of the architecture."""


class VirtualMachine(Value, kw_only=True):
    """A machine that starts the menu."""

    hardware: Hardware
    kernel: Path
    initrd: Path
    disk: Path
    memory: int
    """MiB."""
    cpus: int
    acceleration: Acceleration
    """TCG or KVM."""
    cmdline: str
    extra: tuple[str, ...] = ()
    """More options of QEMU."""

    def argv(self) -> list[str]:
        """Return the command. What the machine writes to its disk is forgotten when it ends."""
        return [
            *_processor(self.hardware, self.acceleration, cpus=self.cpus, memory=self.memory),
            *("-display", "none", "-nic", "none"),
            # Ctrl-C is a key of the machine's; Ctrl-A x is QEMU's, of which mux=on makes one
            *("-chardev", "stdio,id=terminal,mux=on,signal=off", "-serial", "chardev:terminal"),
            *("-mon", "chardev=terminal,mode=readline"),
            *("-drive", f"if=none,id=disk,format=raw,snapshot=on,file={str(self.disk).replace(',', ',,')}"),
            *("-device", "virtio-blk-pci,drive=disk"),
            *("-kernel", str(self.kernel), "-initrd", str(self.initrd), "-append", self.cmdline),
            *self.extra,
        ]


def _processor(hardware: Hardware, acceleration: Acceleration, *, cpus: int, memory: int) -> list[str]:
    cpu = "host" if acceleration is Acceleration.KVM else hardware.cpu
    # under KVM there is only the host's kind of interrupt controller
    kind = ",gic-version=host" if cpu == "host" and hardware.machine == "virt" else ""
    argv = [hardware.program, "-M", f"{hardware.machine}{kind}", "-accel", str(acceleration), "-cpu", cpu]
    return [*argv, "-smp", str(cpus), "-m", str(memory)]


def command_line(hardware: Hardware, environ: Mapping[str, str], size: tuple[int, int]) -> str:
    """Return the first stage's kernel command line. environ: for TERM. size: columns and rows of this terminal."""
    columns, rows = bounded(*size)
    words = [f"console={hardware.console}", hardware.options, "panic=5", "bootmenu.timeout=off"]
    words.append(f"bootmenu.size={columns}x{rows}")
    term = environ.get("TERM", "")
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.+_-]{0,31}", term) and term != "dumb":
        words.append(f"bootmenu.term={term}")
    return " ".join(words)


def choose_acceleration(
    wanted: Acceleration, hardware: Hardware, kernel: Path, commands: Commands, *, device: str = "/dev/kvm"
) -> Acceleration:
    """Return KVM where it works, and otherwise TCG. kernel: one to try it with.

    Where /dev/kvm exists and can be opened, a guest may hang anyway, in a container or a nested machine; so a
    kernel has to boot with it first, in a limited time. Raise UsageError if KVM was asked for and cannot be.
    """
    same = platform.machine() == hardware.processor
    if wanted is Acceleration.KVM and not same:
        raise UsageError(
            f"KVM cannot run {hardware.architecture} on this machine, which is {platform.machine()}",
            "Leave --accel out: the processor is then emulated.",
        )
    if wanted is not Acceleration.AUTO:
        return wanted
    if not same or not os.access(device, os.R_OK | os.W_OK):
        return Acceleration.TCG
    argv = [*_processor(hardware, Acceleration.KVM, cpus=1, memory=512), "-display", "none", "-nic", "none"]
    argv += ["-monitor", "none", "-serial", "stdio", "-no-reboot", "-kernel", str(kernel)]
    argv += ["-append", f"console={hardware.console} {hardware.options} panic=-1"]
    try:
        tried = commands.run(argv, timeout=_PROBED)
    except CommandError:
        return Acceleration.TCG
    works = tried.returncode == 0 and b"Linux version" in tried.stdout
    return Acceleration.KVM if works else Acceleration.TCG


def run(machine: VirtualMachine, commands: Commands) -> None:
    """Run the machine on this terminal until it is switched off; afterwards the terminal is as it was before.

    Raise BootmenuError if QEMU cannot be started or fails.
    """
    argv = machine.argv()
    if commands.find("setpriv"):  # so that no machine goes on by itself where this process is killed
        argv = [*END_WITH_PARENT, *argv]
    with _terminal_kept():
        status = commands.interactive(argv)
    if status < 0:
        raise BootmenuError(f"{machine.hardware.program} was ended by {signal.Signals(-status).name}")
    if status != 0:
        raise BootmenuError(
            f"{machine.hardware.program} ended with exit status {status}",
            "What it said is above; --dry-run prints the whole command.",
        )


@contextlib.contextmanager
def _terminal_kept() -> Iterator[None]:
    """Reset what the machine has switched on in the terminal, also where QEMU is killed and cannot do it.

    The modes are restored by `Commands.interactive`; QEMU's O_NONBLOCK would stay, and break what comes next.
    """
    flags = fcntl.fcntl(0, fcntl.F_GETFL)
    try:
        yield
    finally:
        fcntl.fcntl(0, fcntl.F_SETFL, flags)
        sys.stderr.write(_RESET_TERMINAL)
        sys.stderr.flush()
