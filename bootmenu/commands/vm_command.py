# SPDX-License-Identifier: MIT
"""`bootmenu vm`: the menu in a virtual machine on this terminal, with a disk of sample systems."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from typing import TYPE_CHECKING

from bootmenu.errors import UsageError

if TYPE_CHECKING:
    from bootmenu.vm.emulator import VirtualMachine

HELP = "try the menu in a virtual machine, on this terminal"
FOLLOWS = "image"
EXAMPLES = (
    ("bootmenu vm", "try the menu on an arm64 machine; Ctrl-A x ends it"),
    ("bootmenu vm --arch amd64 --memory 2048", "on a PC with 2 GiB"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.description = (
        "Start the menu in a virtual machine on this terminal, with a disk of sample systems made of Debian's own "
        "kernels: some start, and some cannot, on purpose. The first time, it downloads them, and says how much that "
        "is. No root is needed, and nothing of this machine's disks is used. Ctrl-A x ends the machine at any time."
    )
    parser.add_argument(
        "--arch",
        choices=("arm64", "amd64"),
        default="arm64",
        help="architecture of the machine: arm64 or amd64 (default: %(default)s)",
    )
    parser.add_argument(
        "--suite",
        help="Debian suite of the first stage: bookworm, trixie or sid (default: the one with this machine's "
        "Python, or else trixie)",
    )
    parser.add_argument("--mirror", metavar="URL", help="Debian mirror (default: the ones this host uses)")
    parser.add_argument(
        "--memory", type=int, default=1024, metavar="MIB", help="memory of the machine in MiB (default: %(default)s)"
    )
    parser.add_argument(
        "--cpus", type=int, default=2, metavar="N", help="number of processors (default: %(default)s)"
    )
    parser.add_argument(
        "--accel",
        choices=("auto", "tcg", "kvm"),
        default="auto",
        help="how it gets its processor: tcg emulates one; kvm uses this machine's, for the same architecture; "
        "auto is kvm where a kernel boots with it, and otherwise tcg (default: %(default)s)",
    )
    parser.add_argument("--dry-run", action="store_true", help="print QEMU's command line, and do nothing")
    parser.add_argument("--clean", action="store_true", help="remove everything that was downloaded and made")
    parser.add_argument("qemu", nargs="*", metavar="QEMU-OPTION", help="after --: more options of QEMU")


def run(arguments: argparse.Namespace) -> int:
    """Make what is missing, run the machine, and return 0. Raise BootmenuError, UsageError for invalid options."""
    from bootmenu.commands.image_command import cache_folder
    from bootmenu.commands.printing import print_note
    from bootmenu.model.text import megabytes
    from bootmenu.system.processes import Commands
    from bootmenu.view.progress_bar import ProgressBar
    from bootmenu.vm import emulator, host_tools, machine_files

    if not (256 <= arguments.memory <= 1 << 20 and 1 <= arguments.cpus <= 64):
        raise UsageError("--memory is in MiB, from 256 on; --cpus is from 1 to 64")
    cache = cache_folder()
    if arguments.clean:
        print_note(f"removed {megabytes(machine_files.clean(cache))} from {cache}")
        return 0
    commands = Commands()
    hardware = emulator.HARDWARE[arguments.arch]
    files = machine_files.MachineFiles(
        cache=cache,
        architecture=arguments.arch,
        suite=arguments.suite or machine_files.default_suite(),
        mirror=arguments.mirror,
    )
    acceleration = emulator.Acceleration(arguments.accel)
    if not arguments.dry_run:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise UsageError("bootmenu vm needs a terminal", "--dry-run prints QEMU's command line.")
        packages = {hardware.program: hardware.package}
        host_tools.require(packages if files.are_made() else {**packages, **host_tools.FOR_FILES}, commands.find)
        files.make(commands, ProgressBar(sys.stderr, os.environ))
        acceleration = emulator.choose_acceleration(acceleration, hardware, files.kernel, commands)
    elif acceleration is emulator.Acceleration.AUTO:
        acceleration = emulator.Acceleration.TCG
    size = os.get_terminal_size(2) if sys.stderr.isatty() else os.terminal_size((80, 24))
    machine = emulator.VirtualMachine(
        hardware=hardware,
        kernel=files.kernel,
        initrd=files.initrd,
        disk=files.disk,
        memory=arguments.memory,
        cpus=arguments.cpus,
        acceleration=acceleration,
        cmdline=emulator.command_line(hardware, os.environ, (size.columns, size.lines)),
        extra=tuple(arguments.qemu),
    )
    if arguments.dry_run:
        print(shlex.join(machine.argv()))
        return 0
    sys.stderr.write(_introduction(machine))
    emulator.run(machine, commands)
    print_note("the virtual machine has ended, and this terminal is as it was before")
    return 0


def _introduction(machine: VirtualMachine) -> str:
    hardware, emulated = machine.hardware, machine.acceleration == "tcg"
    cpu = f"{hardware.cpu_name}, emulated" if emulated else "this machine's own kind"
    return f"""
A virtual {hardware.architecture} machine starts: {machine.cpus} CPUs ({cpu}), {machine.memory} MiB.
Linux reports what it does; the menu follows in {"about half a minute" if emulated else "a few seconds"}.

  Arrow keys  choose a system      Enter  starts it: that is a real kexec
  d           why its verdict      F1     all keys
  Ctrl-A x    ends the machine, whatever it does

"""
