# SPDX-License-Identifier: MIT
"""A long soak: the menu on two pseudo-terminals while a device comes and goes, keys are pressed and windows resized.

Where this is root and has loop devices, the device is a real one, which the kernel tells of and the menu mounts;
elsewhere, or when asked for, one of a machine double. No key that could start anything is ever pressed.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import random
import select
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import pyte

from tests.attack.tally import Tally, told
from tests.builders.entries import whole_image
from tests.builders.trees import write_tree
from tests.frontends.pseudo_terminal import ROOT, TerminalScreen

KIND = "soak"
FLAP = 1.0
"""Seconds between two changes of the device."""
_KEYS = (
    b"\x1b[A",
    b"\x1b[B",
    b"\x1b[5~",
    b"\x1b[6~",
    b"\x1b[H",
    b"\x1b[F",
    b"?",
    b"\x1b",
    b"d",
    b"l",
    b"\t",
    b"\x0c",
    b"r",
)
_WARM_AFTER = 30.0
"""Seconds; in a shorter half everything is done for the first time."""
_MOST_GROWTH = 2 << 20
"""Bytes by which the memory may grow in the second half."""
_MORE = 3
"""Threads, descriptors or children that there may be more at the end than early: some come and go."""
_TITLE = "Soaked Linux"
_ROWS = 120
"""Of the screens that are looked at: all entries are to be on them."""

_SIZES = 16
"""Sizes of terminal in the storms, so few that Textual's own caches (Region and Scalar.resolve, up to 4,096 answers
each) are full of them in minutes: with a new size each time they grow for hours, by some 5 MB, up to their bounds."""

DOUBLE = """
import itertools, os, sys, threading
from pathlib import Path
from time import sleep
from bootmenu.terminal.capabilities import prepare_environment
prepare_environment(os.environ)
from bootmenu.discovery.hotplug import Change
from bootmenu.session.shared_session import SharedSession
from bootmenu.frontends.tui.app import run_on
from bootmenu.terminal import consoles
from tests.attack.soak import FILES, FIXED
from tests.discovery.test_hotplug import Bench
bench = Bench(Path(sys.argv[1]))
device = bench.partition("sdb1", FILES)
bench.there = [bench.partition("sda1", FIXED)]
shared = SharedSession(bench.session)
def flap():
    for line in os.fdopen(int(sys.argv[2]), "rb"):
        there = line.strip() == b"in"
        bench.there = bench.there[:1] + ([device] if there else [])
        bench.changes.queue.put(Change(gone="" if there else "sdb1"))
threading.Thread(target=flap, daemon=True).start()
places = consoles.find(sys.argv[3:], sys.argv[3], os.environ).consoles
try:
    run_on([(shared.console(), place) for place in places])
finally:
    shared.close()
    bench.session.close()
"""


def _files(title: str) -> dict[str, bytes | str]:
    return {
        "vmlinuz": whole_image(),
        "loader/entries/soak.conf": f"title {title}\nlinux /vmlinuz\n",
        "extlinux/extlinux.conf": "".join(f"label {title}-{at}\nkernel /vmlinuz\n" for at in range(24)),
    }


FIXED, FILES = _files("Fixed Linux"), _files(_TITLE)
_PARTITIONS = {"fixed": FIXED, "soaked": FILES}


# ---- the device --------------------------------------------------------------------------------------------


class Loop:
    """A partition image behind a loop device, which the menu mounts.

    A loop device that is mounted cannot be taken away. So it stays, a stand-in for lsblk leaves it out, and the
    kernel is asked to tell of it (Documentation/ABI/testing/sysfs-uevent).
    """

    def __init__(self, place: Path) -> None:
        self._answer = place / "lsblk.json"
        self._fixed, self._device = (self._attached(place, name, files) for name, files in _PARTITIONS.items())
        program = place / "bin/lsblk"
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\nexec cat {self._answer}\n")
        program.chmod(0o755)
        self._tell("change", self._fixed)

    @staticmethod
    def _attached(place: Path, name: str, files: Mapping[str, bytes | str]) -> str:
        folder, image = write_tree(place / name, files), place / f"{name}.img"
        with image.open("wb") as file:
            file.truncate(8 << 20)
        subprocess.run(["mkfs.ext4", "-q", "-d", str(folder), str(image)], check=True)
        done = subprocess.run(["losetup", "--find", "--show", str(image)], check=True, stdout=subprocess.PIPE)
        return done.stdout.decode().strip().rpartition("/")[2]

    def _tell(self, action: str, *there: str) -> None:
        rows = [
            {
                "name": name,
                "path": f"/dev/{name}",
                "maj:min": f"7:{name[4:]}",
                "type": "disk",
                "fstype": "ext4",
                "size": 8 << 20,
            }
            for name in there
        ]
        fresh = self._answer.with_suffix(".new")
        fresh.write_text(json.dumps({"blockdevices": rows}))
        fresh.replace(self._answer)
        Path(f"/sys/block/{self._device}/uevent").write_text(action)

    def plug(self) -> None:
        """It is there."""
        self._tell("add", self._fixed, self._device)

    def pull(self) -> None:
        """It is gone."""
        self._tell("remove", self._fixed)

    def close(self) -> None:
        """Give both back."""
        for name in (self._fixed, self._device):
            subprocess.run(["losetup", "--detach", f"/dev/{name}"], check=False, stderr=subprocess.DEVNULL)


class _Told:
    """One of the double, which is told by a pipe."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def plug(self) -> None:
        os.write(self._descriptor, b"in\n")

    def pull(self) -> None:
        with contextlib.suppress(OSError):
            os.write(self._descriptor, b"out\n")

    def close(self) -> None:
        """There is nothing to give back."""


def real() -> bool:
    """Whether loop devices can be had here."""
    return os.geteuid() == 0 and Path("/dev/loop-control").exists() and shutil.which("mkfs.ext4") is not None


# ---- the menu ----------------------------------------------------------------------------------------------


@dataclass
class _Menu:
    """One process and its two terminals."""

    process: subprocess.Popen[bytes]
    terminals: Sequence[int]
    theirs: Sequence[int]
    modes: Sequence[list[object]]
    screens: list[pyte.Screen] = field(default_factory=list)
    streams: list[pyte.ByteStream] = field(default_factory=list)

    def read(self, seconds: float) -> None:
        """What it sends, for so long; only a screen that is looked at takes it."""
        end = monotonic() + seconds
        while (left := end - monotonic()) > 0:
            for terminal in select.select(self.terminals, [], [], left)[0]:
                with contextlib.suppress(OSError):
                    data = os.read(terminal, 65536)
                    if self.streams:
                        self.streams[self.terminals.index(terminal)].feed(data)

    def type(self, data: bytes, which: int | None = None) -> None:
        for number, terminal in enumerate(self.terminals):
            if which in (None, number):
                os.write(terminal, data)

    def resize(self, columns: int, rows: int, which: int) -> None:
        fcntl.ioctl(self.theirs[which], termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process.pid, signal.SIGWINCH)

    def look(self) -> None:
        """From now on with eyes."""
        self.screens = [TerminalScreen(80, _ROWS) for _ in self.terminals]
        self.streams = [pyte.ByteStream(screen) for screen in self.screens]
        for number in range(len(self.terminals)):
            self.resize(80, _ROWS, number)
        self.read(1.0)
        self.type(b"\x1b")
        self.read(0.7)
        self.type(b"\x1b")
        self.read(0.7)
        self.type(b"\x0c")
        self.read(1.0)

    def shows(self, text: str, seconds: float, *, gone: bool = False) -> bool:
        """Whether both screens come to show it, or none does any more."""
        end = monotonic() + seconds
        while monotonic() < end:
            seen = [any(text in row for row in screen.display) for screen in self.screens]
            if not any(seen) if gone else all(seen):
                return True
            self.read(0.2)
        return False

    def text(self) -> str:
        return "\n---\n".join("\n".join(screen.display) for screen in self.screens)


@contextlib.contextmanager
def _menu(place: Path, *, double: bool) -> Iterator[tuple[_Menu, Loop | _Told]]:
    pairs = [pty.openpty() for _ in range(2)]
    for _, theirs in pairs:
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    names = [os.ttyname(theirs) for _, theirs in pairs]
    ours, told_by = os.pipe()
    if double:
        argv = ["-c", DOUBLE, str(place / "double"), str(ours), *names]
        device: Loop | _Told = _Told(told_by)
    else:
        argv = ["-m", "bootmenu", "menu", "--timeout", "off"] + [
            word for name in names for word in ("--console", name)
        ]
        device = Loop(place)
    environ = {
        "TERM": "linux",
        "LC_ALL": "C.UTF-8",
        "PATH": f"{place}/bin:{os.environ['PATH']}",
        "XDG_STATE_HOME": str(place),
        "HOME": str(place),
    }
    log = (place / "stderr").open("wb")
    process = subprocess.Popen(
        [sys.executable, *argv], stdin=pairs[0][1], stdout=log if double else pairs[0][1],
        stderr=log if double else pairs[0][1], cwd=ROOT, env=environ, pass_fds=[ours], start_new_session=True,
    )  # fmt: skip
    menu = _Menu(
        process,
        [pair[0] for pair in pairs],
        [pair[1] for pair in pairs],
        [termios.tcgetattr(pair[1]) for pair in pairs],
    )
    try:
        yield menu, device
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(10)
        device.close()
        log.close()
        for descriptor in (*menu.terminals, *menu.theirs, ours, told_by):
            os.close(descriptor)


# ---- what is measured --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The process at one moment."""

    at: float
    flaps: int
    rss: int
    threads: int
    descriptors: int
    children: int
    mounts: int
    cpu: float

    @classmethod
    def of(cls, pid: int, at: float, flaps: int) -> Sample:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return cls(
            at=at,
            flaps=flaps,
            rss=int(fields[21]) * os.sysconf("SC_PAGE_SIZE"),
            threads=int(fields[17]),
            descriptors=len([*Path(f"/proc/{pid}/fd").iterdir()]),
            children=len(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()),
            mounts=len(Path(f"/proc/{pid}/mountinfo").read_text().splitlines()),
            cpu=sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK"),
        )


def _quiet(menu: _Menu, at: float, flaps: int) -> Sample:
    """The least of several looks: what is under way just now is not what stays."""
    looks = []
    for _ in range(5):
        looks.append(Sample.of(menu.process.pid, at, flaps))
        menu.read(0.1)
    least = {
        name: min(getattr(one, name) for one in looks)
        for name in ("rss", "threads", "descriptors", "children", "mounts")
    }
    return Sample(at=at, flaps=flaps, cpu=looks[0].cpu, **least)


def grown(samples: Sequence[Sample]) -> int:
    """Bytes by which the memory grew in the second half, along a straight line through what was measured there."""
    half = samples[len(samples) // 2 :]
    if len(half) < 3 or half[-1].at - half[0].at < _WARM_AFTER:
        return 0  # caches are still being filled
    slope = statistics.linear_regression([one.at for one in half], [one.rss for one in half]).slope
    return int(slope * (half[-1].at - half[0].at))


def judged(samples: Sequence[Sample]) -> list[str]:
    """What is wrong with these."""
    found = []
    if grown(samples) > _MOST_GROWTH:
        flaps = samples[-1].flaps - samples[len(samples) // 2].flaps
        found.append(
            f"memory grows: {grown(samples) / 1e6:.1f} MB in the second half, "
            f"{grown(samples) / max(1, flaps) / 1e3:.0f} kB a flap"
        )
    early, late = samples[len(samples) // 4 : len(samples) // 2 + 1], samples[-max(1, len(samples) // 4) :]
    for name in ("threads", "descriptors", "children", "mounts"):
        before, after = (statistics.median(getattr(one, name) for one in some) for some in (early, late))
        if after > before + _MORE:
            found.append(f"{name} grow: {before:.0f}, then {after:.0f}")
    return found


def run(seed: int, seconds: float, *, double: bool | None = None, flap: float = FLAP) -> Tally:
    """The part. Its number is that of the changes of the device."""
    double = not real() if double is None else double
    tally, chance = (
        Tally(kind=f"{KIND}: {'a double' if double else 'a loop device'} that comes and goes"),
        random.Random(seed),
    )
    words = f"soak --seed {seed} --minutes {seconds / 60:g} --flap {flap:g}{' --double' if double else ''}"
    command = f'make attack ARGS="{words}"'
    samples: list[Sample] = []
    flaps = storms = keys = 0
    with (
        tempfile.TemporaryDirectory(prefix="attack-") as folder,
        _menu(Path(folder), double=double) as (menu, device),
    ):
        menu.read(8.0)
        sizes = [(chance.randint(20, 200), chance.randint(8, 60)) for _ in range(_SIZES)]
        began, every, there = monotonic(), max(1.0, min(60.0, seconds / 24)), False
        next_flap, next_sample, next_storm = began, began, began + 5
        while (now := monotonic()) < began + seconds and menu.process.poll() is None:
            if now >= next_flap:
                next_flap, there, flaps = now + flap * chance.uniform(0.5, 1.5), not there, flaps + 1
                device.plug() if there else device.pull()
            if now >= next_storm:
                next_storm, storms = now + chance.uniform(10, 30), storms + 1
                for _ in range(20):
                    menu.resize(*chance.choice(sizes), chance.randrange(2))
            if chance.random() < 0.1:
                keys += 1
                menu.type(chance.choice(_KEYS), chance.randrange(2))
            if now >= next_sample:
                next_sample = now + every
                with contextlib.suppress(OSError):
                    samples.append(_quiet(menu, now - began, flaps))
                    one = samples[-1]
                    told(
                        f"soak: {one.at:5.0f} s, {flaps:,} flaps: {one.rss / 1e6:.1f} MB, {one.threads} threads, "
                        f"{one.descriptors} descriptors, {one.children} children, {one.mounts} mounts, "
                        f"{one.cpu / max(1, flaps) * 1000:.0f} ms of computing a flap"
                    )
            menu.read(min(0.25, flap / 2))
        wrong = judged(samples) if menu.process.poll() is None else [f"the menu ended with {menu.process.returncode}"]
        if menu.process.poll() is None:
            wrong += _end(menu, device)
        for what in wrong:
            tally.broke(what, command, what.partition(":")[0])
        tally.tried = max(flaps, tally.failed)
    if len(samples) > 2:
        tally.note = (
            f"{samples[0].rss / 1e6:.0f} MB, then {samples[-1].rss / 1e6:.0f}; "
            f"{grown(samples) / 1e6:+.1f} MB in the second half; "
            f"{storms} storms, {keys} keys; {samples[-1].cpu / max(1, flaps) * 1000:.0f} ms of computing a flap"
        )
    return tally


def _end(menu: _Menu, device: Loop | _Told) -> list[str]:
    """Whether the screens are right at the end, and whether it can be left."""
    found = []
    device.pull()
    menu.look()
    if not menu.shows(_TITLE, 30, gone=True):
        found.append("the screen is not right at the end: it shows what is gone, or does not show what is there")
        told(menu.text())
    device.plug()
    if not menu.shows(_TITLE, 30):
        found.append("the screen is not right at the end: what was plugged in is not shown")
        told(menu.text())
    device.pull()
    menu.type(b"q", 0)
    end = monotonic() + 30
    while menu.process.poll() is None and monotonic() < end:
        menu.read(0.2)
    if menu.process.poll() is None:
        found.append("it cannot be left with q at the end")
    elif menu.process.returncode != 0:
        found.append(f"it ended with {menu.process.returncode} at the end")
    elif [termios.tcgetattr(theirs) for theirs in menu.theirs] != list(menu.modes):
        found.append("a terminal is not as it was at the end")
    return found
