# SPDX-License-Identifier: MIT
"""A machine under QEMU: its serial line is a terminal (pyte) and a log, its keys are sent, nothing sleeps.

Time-outs are failures. A machine is always ended by the process that this object started.
"""

from __future__ import annotations

import json
import os
import pty
import re
import select
import socket
import subprocess
import time
import tty
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Self

import pyte

from tests.frontends.pseudo_terminal import TerminalScreen

ROWS, COLUMNS = 24, 80
SILENCE_AFTER_JUMP = 60.0
"""Seconds without a byte after which a jumped machine counts as dead (a slow host changes total times, not this)."""

KEYS = {
    "enter": b"\r",
    "escape": b"\x1b",
    "up": b"\x1b[A",
    "down": b"\x1b[B",
    "right": b"\x1b[C",
    "left": b"\x1b[D",
    "tab": b"\t",
    "f1": b"\x1bOP",
    "space": b" ",
}


class MachineError(AssertionError):
    """The machine did not do what a test waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """What QEMU is told to build."""

    emulator: str = "qemu-system-aarch64"
    newer: bool = False
    """Whether the emulator has to be that of tests/vm/newer_programs.py, and not this machine's."""
    command: Path | None = None
    """What starts the emulator; None = its name does."""
    console: str = "ttyAMA0"
    serial: int = 0
    """Which of the machine's serial ports the console is."""
    machine: str = "virt"
    cpu: str = "cortex-a57"
    cpus: int = 2
    memory: int = 1024
    """MiB."""
    dtb: Path | None = None
    """None = QEMU's own tree."""
    disks: tuple[Path, ...] = ()
    options: str = ""
    """What each kernel on it has to be told."""
    extra: tuple[str, ...] = ()

    @property
    def program(self) -> str:
        """What starts it."""
        return str(self.command or self.emulator)

    @property
    def architecture(self) -> str:
        """Debian's name of what it runs."""
        name = self.emulator.removeprefix("qemu-system-")
        return {"aarch64": "arm64", "loongarch64": "loong64", "ppc64": "ppc64el", "x86_64": "amd64"}.get(name, name)

    def with_tree(self, dtb: Path | None) -> Hardware:
        """The same hardware, described by another tree."""
        return replace(self, dtb=dtb)

    def with_firmware(self, code: Path, variables: Path) -> Hardware:
        """The same hardware with firmware in flash memory, which keeps its variables in a file."""
        drives = (f"file={code},readonly=on", f"file={variables}")
        flash = (word for drive in drives for word in ("-drive", f"if=pflash,format=raw,{drive}"))
        return replace(self, extra=(*self.extra, *flash))

    def guarded(self, options: tuple[str, ...]) -> Hardware:
        """The same PC, whose flash only code in system management mode writes; options: what says so."""
        return replace(self, machine=f"{self.machine},smm=on", extra=(*self.extra, *options))

    def command_line(self, cmdline: str) -> str:
        """What the first stage's kernel is told, with this."""
        # a machine under test waits for its test, unless that is about the countdown
        wait = "" if "bootmenu.timeout" in cmdline else "bootmenu.timeout=off"
        return " ".join(f"console={self.console} earlycon panic=1 {self.options} {wait} {cmdline}".split())

    def argv(self) -> list[str]:
        """The part of the command line that the device tree depends on, too."""
        return ["-accel", "tcg", "-M", self.machine, "-cpu", self.cpu, "-smp", str(self.cpus), "-m", str(self.memory)]


# on a busy host the emulated timer is too late for the kernel's test of it, which then panics
PC = Hardware(emulator="qemu-system-x86_64", console="ttyS0", machine="q35", cpu="qemu64", options="no_timer_check")
"""An x86-64 machine."""


@dataclass(slots=True)
class TerminalFilter:
    """Takes out of a byte stream what pyte would print as text, also where a read cuts a sequence in two.

    pyte knows neither private CSI parameters with ``<``, ``=``, ``>`` (kitty's keyboard protocol, ``CSI > 25 u``, and
    ``CSI > 4 m``, which it takes for underlining) nor intermediate bytes (mode queries, ``CSI ? 2026 $ p``).
    """

    pending: bytes = b""
    _unknown: re.Pattern[bytes] = field(
        default=re.compile(rb"\x1b\[[<=>][0-9;:]*[@-~]|\x1b\[\??[0-9;]*[ -/]+[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
    )
    _unfinished: re.Pattern[bytes] = field(
        default=re.compile(rb"\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]{0,512}\x1b?)?\Z")
    )

    def feed(self, data: bytes) -> bytes:
        """The bytes that a terminal of pyte's kind understands."""
        data = self.pending + data
        self.pending = b""
        tail = self._unfinished.search(data)
        if tail is not None:
            data, self.pending = data[: tail.start()], data[tail.start() :]
        return self._unknown.sub(b"", data)


class _Terminal(TerminalScreen):
    """pyte's screen; what it answers to queries goes to the machine, as a real terminal's answers do."""

    def __init__(self, answer: Callable[[bytes], None]) -> None:
        super().__init__(COLUMNS, ROWS)
        self._answer = answer

    def write_process_input(self, data: str) -> None:
        self._answer(data.encode())


class Machine:
    """One run from power-on to power-off. Use it with ``with``: leaving the block ends the process.

    When the block ends with an exception, the log and the last screen are saved in ``artifacts``.
    """

    def __init__(
        self,
        hardware: Hardware,
        *,
        kernel: Path | None,
        initrd: Path | None,
        cmdline: str = "",
        name: str = "machine",
        artifacts: Path,
        limit: float = 300.0,
    ) -> None:
        """kernel: None = the firmware starts what is on the disks. limit: seconds after which every wait fails."""
        self.name = name
        self.log = b""
        """Every byte the machine printed."""
        self.times: dict[str, float] = {}
        """Seconds from power-on to each text waited for."""
        self._artifacts = artifacts
        self._filter = TerminalFilter()
        self._screen = _Terminal(self._write)
        self._stream = pyte.ByteStream(self._screen)
        self._limit = limit
        self._argv = [hardware.program, *hardware.argv(), "-no-reboot", "-display", "none", "-monitor", "none"]
        self._argv += ["-nic", "none", "-chardev", "stdio,id=console,signal=off"]
        self._argv += [*["-serial", "null"] * hardware.serial, "-serial", "chardev:console"]
        if kernel is not None:
            self._argv += ["-kernel", str(kernel), "-initrd", str(initrd), "-append", hardware.command_line(cmdline)]
        if hardware.dtb is not None:
            self._argv += ["-dtb", str(hardware.dtb)]
        for number, disk in enumerate(hardware.disks):
            self._argv += ["-drive", f"if=none,file={disk},format=raw,id=d{number}"]
            self._argv += ["-device", f"virtio-blk-pci,drive=d{number}"]
        self._argv += hardware.extra
        self._terminal = -1
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._last_byte = 0.0

    def __enter__(self) -> Self:
        """Power on."""
        self._terminal, slave = pty.openpty()
        tty.setraw(slave)
        os.set_blocking(self._terminal, False)
        try:
            self._process = subprocess.Popen(self._argv, stdin=slave, stdout=slave, stderr=slave)
        finally:
            os.close(slave)
        self._started = self._last_byte = time.monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        os.close(self._terminal)
        if kind is not None:
            self.save()
        times = ", ".join(f"{what!r} {seconds:.1f} s" for what, seconds in self.times.items())
        print(f"\n[{self.name}] {times}")

    @property
    def elapsed(self) -> float:
        """Seconds since power-on."""
        return time.monotonic() - self._started

    @property
    def text(self) -> str:
        """Everything printed, as text with plain line ends."""
        return self.log.decode("utf-8", "replace").replace("\r", "")

    @property
    def is_running(self) -> bool:
        """Whether the machine has not powered off yet."""
        return self._process is not None and self._process.poll() is None

    def screen(self) -> list[str]:
        """The lines now on the terminal, without trailing blanks."""
        return [line.rstrip() for line in self._screen.display]

    def on_screen(self, text: str) -> bool:
        """Whether a line of the terminal has this text now."""
        return any(text in line for line in self.screen())

    def marked(self) -> str:
        """The line that the menu's marker is on; empty when there is none."""
        return next((line for line in self.screen() if line.startswith(("▶ ", "> "))), "")

    def send(self, *keys: str) -> None:
        """Type keys by name (``down``, ``enter``), or the text itself when it is no name."""
        for key in keys:
            self._write(KEYS.get(key, key.encode()))

    def mark(self) -> int:
        """A place in the log, for ``wait_for(after=...)``."""
        return len(self.text)

    def wait_for(
        self,
        what: str | Callable[[Machine], bool],
        timeout: float = 60.0,
        *,
        after: int = 0,
        silence: float | None = None,
    ) -> None:
        """Wait until a text is in the log, or a predicate is true; it is asked after every read.

        after: the text has to come behind this place (``mark``).
        silence: fail already after this many seconds without a byte.
        Raises MachineError on a time-out and when the machine ends before.
        """
        wanted = what if isinstance(what, str) else what.__name__
        deadline = min(time.monotonic() + timeout, self._started + self._limit)
        self._last_byte = max(self._last_byte, time.monotonic()) if silence is not None else self._last_byte
        while True:
            if (what in self.text[after:]) if isinstance(what, str) else what(self):
                self.times.setdefault(wanted.strip(), self.elapsed)
                return
            now = time.monotonic()
            if now >= deadline:
                raise MachineError(self._complaint(f"waited {timeout:.0f} s in vain for {wanted!r}"))
            if silence is not None and now - self._last_byte > silence:
                raise MachineError(self._complaint(f"silent for {silence:.0f} s, waiting for {wanted!r}"))
            if not self._pump(min(1.0, deadline - now)):
                raise MachineError(self._complaint(f"the machine ended before {wanted!r}"))

    def wait_for_screen(self, text: str, timeout: float = 60.0, *, gone: bool = False) -> None:
        """Wait until a line of the terminal has this text, or none has it any more.

        A screen comes in pieces, top first: what is to be true of its other lines is waited for as well.
        """

        def shown(machine: Machine) -> bool:
            return machine.on_screen(text) is not gone

        shown.__name__ = f"screen without: {text}" if gone else f"screen: {text}"
        self.wait_for(shown, timeout)

    def wait_for_mark(self, text: str, timeout: float = 20.0) -> None:
        """Wait until the menu's marker is on a line that has this text."""

        def marked(machine: Machine) -> bool:
            return text in machine.marked()

        marked.__name__ = f"marked: {text}"
        self.wait_for(marked, timeout)

    def wait_for_end(self, timeout: float = 60.0) -> int:
        """Wait until the machine powers off; the emulator's exit code."""
        deadline = min(time.monotonic() + timeout, self._started + self._limit)
        while self._pump(1.0):
            if time.monotonic() > deadline:
                raise MachineError(self._complaint("it does not power off"))
        assert self._process is not None
        return self._process.wait(timeout=10)

    def save(self) -> None:
        """Write the raw log and the last screen into the artifacts folder."""
        self._artifacts.mkdir(parents=True, exist_ok=True)
        (self._artifacts / f"{self.name}.log").write_bytes(self.log)
        (self._artifacts / f"{self.name}.screen").write_text("\n".join(self.screen()) + "\n", "utf-8")

    def _complaint(self, what: str) -> str:
        screen = "\n".join(line for line in self.screen() if line)
        return f"{self.name}: {what} after {self.elapsed:.1f} s. The screen:\n{screen}\n(log: {self._artifacts})"

    def _pump(self, timeout: float) -> bool:
        """Take in what the machine printed; False when it has ended and everything is read."""
        ready, _, _ = select.select([self._terminal], [], [], max(0.0, timeout))
        if not ready:
            return self.is_running
        try:
            data = os.read(self._terminal, 65536)
        except BlockingIOError:
            return True
        except OSError:  # EIO: the other end is closed
            data = b""
        if not data:
            return False
        self._last_byte = time.monotonic()
        self.log += data
        self._stream.feed(self._filter.feed(data))
        return True

    def _write(self, data: bytes) -> None:
        while data:
            _, ready, _ = select.select([], [self._terminal], [], 10.0)
            if not ready:
                raise MachineError(self._complaint("it takes no more input"))
            data = data[os.write(self._terminal, data) :]


class Monitor:
    """QEMU's own control line (QMP)."""

    @staticmethod
    def argv(path: Path) -> tuple[str, ...]:
        """What QEMU is told, so that it listens on this socket."""
        return "-qmp", f"unix:{path},server=on,wait=off"

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Self:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(30)
        self._socket.connect(str(self._path))
        self._lines = self._socket.makefile("rb")
        self._lines.readline()
        self.run("qmp_capabilities")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._lines.close()
        self._socket.close()

    def run(self, command: str, **arguments: object) -> None:
        """Run a command; events that come first are passed over."""
        self._socket.sendall(json.dumps({"execute": command, "arguments": arguments}).encode())
        while "return" not in (answer := json.loads(self._lines.readline())):
            assert "error" not in answer, answer

    def reason_of_end(self) -> str:
        """Wait until the machine ends: `guest-shutdown` = it has switched itself off, `guest-reset` = it restarts."""
        while (event := json.loads(self._lines.readline())).get("event") != "SHUTDOWN":
            pass
        return str(event["data"]["reason"])


def run_tool(argv: Sequence[str | Path], *, data: bytes | None = None) -> bytes:
    """Run a host tool that makes a test's files; its standard output. Raises MachineError with what it said."""
    path = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
    environment = {**os.environ, "PATH": path, "MTOOLS_SKIP_CHECK": "1"}
    done = subprocess.run([str(part) for part in argv], input=data, capture_output=True, timeout=120, env=environment)
    if done.returncode != 0:
        raise MachineError(f"{argv[0]} failed: {done.stderr.decode('utf-8', 'replace').strip()}")
    return done.stdout
