# SPDX-License-Identifier: MIT
"""`bootmenu vm` as somebody sees it who runs it for the first time: the menu, a system, the menu again."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from bootmenu.vm import whole_files
from bootmenu.vm.machine_files import Sample
from tests.vm.conftest import ARTIFACTS
from tests.vm.harness import COLUMNS, ROWS, SILENCE_AFTER_JUMP, Hardware, Machine
from tests.vm.kernels import Kernel, Kernels

pytestmark = [pytest.mark.vm, pytest.mark.slow]

_SYSTEM_INIT = "This is the system that you chose"


class TerminalSession(Machine):
    """`bootmenu vm` on a pseudo terminal of its own, which stays open to be looked at afterwards."""

    def __init__(self, *options: str) -> None:
        super().__init__(
            Hardware(), kernel=Path(), initrd=Path(), name="bootmenu-vm", artifacts=ARTIFACTS, limit=1200
        )
        self._argv = [sys.executable, "-m", "bootmenu", "vm", *options]

    def __enter__(self) -> Self:
        self._terminal, self._slave = pty.openpty()
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.before = self.modes()
        os.set_blocking(self._terminal, False)
        environment = {**os.environ, "TERM": "xterm-256color"}
        end = self._slave
        self._process = subprocess.Popen(
            self._argv, env=environment, stdin=end, stdout=end, stderr=end, start_new_session=True
        )
        self._started = self._last_byte = time.monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)  # QEMU, too
        os.close(self._slave)
        super().__exit__(kind, error, traceback)

    def modes(self) -> tuple[list[object], int]:
        """What the terminal is set to."""
        return termios.tcgetattr(self._slave), fcntl.fcntl(self._slave, fcntl.F_GETFL)

    def wait_until_over(self) -> int:
        """The exit code; the terminal stays open, so that its end is not that of the process."""
        self.wait_for("this terminal is as it was before", 60)
        assert self._process is not None
        return self._process.wait(60)

    def has_menu(self, unsuitable: str = "16K pages") -> bool:
        """Whether every system is on the screen with its verdict. unsuitable: one that cannot run there."""
        rows = [line for line in self.screen() if line[2:3].isdigit() or line.startswith("▶")]
        wanted = {"(BLS entry)": "ok", "Damaged": "FAIL", unsuitable: "FAIL", "(unified kernel)": "ok"}
        wanted["(GRUB) GNU/Linux  "] = "ok"
        return bool(self.marked()) and all(
            any(title in row and verdict in row for row in rows) for title, verdict in wanted.items()
        )


def _share_downloads(vm_cache: Path) -> None:
    """Take the kernels that other tests have downloaded."""
    for kernel in (Kernel.TRIXIE, Kernel.TRIXIE_16K):
        suite, _, package = kernel.partition("/")
        sample = Sample(suite=suite, architecture="arm64", package=package, pattern="")
        if sample.file(vm_cache.parent) is None:
            image = Kernels(vm_cache).image(kernel)
            folder = sample.folder(vm_cache.parent)
            folder.mkdir(parents=True, exist_ok=True)
            whole_files.note([Path(shutil.copy(image, folder / image.name))], sample.record(vm_cache.parent))


def test_the_menu_starts_a_system_and_the_system_leads_back(vm_cache: Path) -> None:
    _share_downloads(vm_cache)

    def menu(machine: Machine) -> bool:
        return isinstance(machine, TerminalSession) and machine.has_menu()

    with TerminalSession("--accel", "tcg") as session:
        session.wait_for("A virtual arm64 machine starts", 600)
        session.wait_for("Ctrl-A x", 5)
        session.wait_for("bootmenu: starting the menu", 120)
        session.wait_for(menu, 300)
        place = session.mark()
        session.send("enter")
        session.wait_for(_SYSTEM_INIT, 200, after=place, silence=SILENCE_AFTER_JUMP)
        session.wait_for("p      switch off", 20, after=place)
        assert "(BLS entry)" in session.text[place:]
        place = session.mark()
        session.send("enter")
        session.wait_for("Back to the menu", 20, after=place)
        session.wait_for("bootmenu: starting the menu", 120, after=place)
        session.wait_for(menu, 300)
        session.send("\x01", "x")
        assert session.wait_until_over() == 0
        assert session.modes() == session.before


@pytest.mark.full
@pytest.mark.usefixtures("vm_cache")
def test_a_pc_shows_its_menu_and_starts_a_system() -> None:
    def menu(machine: Machine) -> bool:
        return isinstance(machine, TerminalSession) and machine.has_menu("For arm64: not on this CPU")

    with TerminalSession("--accel", "tcg", "--arch", "amd64") as session:
        session.wait_for("A virtual amd64 machine starts", 600)
        session.wait_for("bootmenu: starting the menu", 120)
        session.wait_for(menu, 300)
        place = session.mark()
        session.send("enter")
        session.wait_for(_SYSTEM_INIT, 200, after=place, silence=SILENCE_AFTER_JUMP)
        session.wait_for("x86_64", 20, after=place)
        session.send("\x01", "x")
        assert session.wait_until_over() == 0
