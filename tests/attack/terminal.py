# SPDX-License-Identifier: MIT
"""A real menu on a pseudo-terminal that is typed at, pasted into and resized until it breaks."""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import resource
import select
import struct
import tempfile
import termios
from pathlib import Path
from time import monotonic

from tests.attack.tally import Tally
from tests.attack.targets import typed
from tests.frontends.pseudo_terminal import Line, menu_on_a_line

KIND = "terminal input"
WEIGHT = 50
_MENUS = ("fakes.FakeSession(), may_quit=False", "fakes.FakeSession(), settings=fakes.KIOSK, may_quit=False")
_ABOVE = 384 << 20
"""Bytes that a menu may take above what it has when it is shown."""
_SIZES = (0, 1, 2, 5, 24, 80, 200, 400, 5000, 32767, 65535)


def run(seed: int, first: int, end: int) -> Tally:
    """A menu stays until it ends: so what is told to break it are all the inputs since it began."""
    tally = Tally(kind=KIND)
    while first < end:
        begun = first
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder, "menu.log")
            session = _MENUS[random.Random(f"{seed}/menu/{begun}").randrange(len(_MENUS))]
            with menu_on_a_line(
                "xterm-256color", session=session, BOOTMENU_LOG=str(log), XDG_STATE_HOME=folder
            ) as line:
                line.until(lambda line=line: len(line.text.split()) > 10, 60)  # type: ignore[misc]
                line.settle()
                _limit(line)
                what = ""
                while first < end and not what and line.process.poll() is None and first - begun < 400:
                    _attack(line, random.Random(f"{seed}/{KIND}/{first}"))
                    first += 1
                    if first % 25 == 0 or first == end or line.process.poll() is not None:
                        what = _judged(line, log)
                    if not what:
                        tally.held()
                if what:
                    command = f"make attack ARGS=\"inputs --seed {seed} --only '{KIND}' --index {begun}-{first - 1}\""
                    tally.broke(what, command, what.partition(" (")[0])
    return tally


def _limit(line: Line) -> None:
    pid = line.process.pid
    used = int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * resource.getpagesize()
    resource.prlimit(pid, resource.RLIMIT_AS, (used + _ABOVE, used + _ABOVE))


def _attack(line: Line, chance: random.Random) -> None:
    if chance.random() < 0.1:
        rows, columns = chance.choice(_SIZES), chance.choice(_SIZES)
        fcntl.ioctl(line.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    else:
        os.set_blocking(line.terminal, False)
        with contextlib.suppress(OSError):  # it does not read as fast as this
            os.write(line.terminal, typed(chance))
        os.set_blocking(line.terminal, True)
    _drain(line)


def _drain(line: Line, seconds: float = 0.02) -> int:
    """Bytes that it sent until it was quiet for so long; no terminal looks at them."""
    count = 0
    while select.select([line.terminal], [], [], seconds)[0]:
        try:
            piece = os.read(line.terminal, 65536)
        except OSError:
            break
        if not piece:
            break
        count += len(piece)
    return count


def _judged(line: Line, log: Path) -> str:
    """What is wrong with it; empty = nothing is."""
    if "Traceback" in (text := log.read_text("utf-8", "replace") if log.exists() else ""):
        return f"a fault of the menu's own: {text.strip().splitlines()[-1][:200]}"
    if line.process.poll() is not None:
        status = line.process.returncode
        return "" if status == 0 else f"the menu ended with {status}"
    fcntl.ioctl(line.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    end = monotonic() + 30
    while line.process.poll() is None:
        # out of whatever was begun, and draw everything: each is a key only when it comes on its own
        drawn = 0
        for key in (b"\x1b[201~", b"\x1b", b"\x1b", b"\x0c"):
            line.type(key)
            drawn = _drain(line, 0.3)
        if drawn > 200:
            return ""
        if monotonic() > end:
            return "it does not answer for 30 s"
    return "" if line.process.returncode == 0 else f"the menu ended with {line.process.returncode}"
