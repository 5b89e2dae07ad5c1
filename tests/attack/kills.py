# SPDX-License-Identifier: MIT
"""Signals at any moment, to the menus on a pseudo-terminal and to the commands; and power cuts while it remembers.

Afterwards the terminal is as it was, no process and no folder is left, and the next start works.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from bootmenu.bootstate.state import Attempt, State, StateError, encode
from bootmenu.bootstate.state_backends import Files, read_from, write_into
from tests.attack import soak
from tests.attack.tally import Tally, told
from tests.bootstate.test_state_store import Journal, after_a_cut
from tests.builders.entries import whole_image
from tests.builders.trees import write_tree
from tests.frontends.pseudo_terminal import Line, on_a_line

_PATIENCE = 60.0
"""Seconds for what takes one, on a machine that is busy."""
_COMMANDS: dict[str, Sequence[str]] = {
    "menu": ("menu", "--demo"),
    "countdown": ("menu", "--demo", "--timeout", "2"),
    "plain menu": ("menu", "--demo", "--plain"),
    "kiosk": ("menu", "--demo", "--profile", "kiosk"),
    "scan": ("scan", "--tree", "{tree}", "--machine", "tests/machines/virt-psci-hvc.json"),
    "boot": ("boot", "--kernel", "{tree}/vmlinuz", "--dry-run"),
}
REAL = "menu of this machine"
"""With a partition that it mounts; /run is its own, so that what is left there is nobody else's."""
_ON_ITS_OWN_RUN = """
import os, sys
script = 'mount --bind "$TMPDIR" /run && exec "$@"'
words = [sys.executable, "-m", "bootmenu", "menu", "--timeout", "off"]
os.execvp("unshare", ["unshare", "--mount", "sh", "-c", script, "sh", *words])
"""
_DEMO = ("-m", "bootmenu", "menu", "--demo")
_ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
_TYPED = (b"\x1b[B", b"\x1b[A", b"?", b"\x1b", b"d 1\r", b"r", b"\r", b"1\r", b"l", b"y\r")


def _processes(session: int) -> list[int]:
    """Those of a session, zombies left out."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            if int(fields[3]) == session and fields[0] != "Z":
                found.append(int(path.parent.name))
    return found


def _ours(folder: Path) -> list[str]:
    """What lies about that somebody made and did not take away."""
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("bootmenu-"))


def _mounts() -> set[str]:
    return {line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()}


def _wait(holds: Callable[[], object], line: Line, seconds: float = _PATIENCE) -> bool:
    end = monotonic() + seconds
    while not holds():
        if monotonic() > end:
            return False
        line.read(0.05)
    return True


def _one(name: str, number: signal.Signals, chance: random.Random) -> str:
    """What is wrong after it; empty = it held."""
    with tempfile.TemporaryDirectory(prefix="attack-") as place, contextlib.ExitStack() as stack:
        folder = Path(place, "tmp")
        folder.mkdir()
        tree = write_tree(
            Path(place, "tree"), {"vmlinuz": whole_image(), "extlinux.conf": "label x\nkernel /vmlinuz\n"}
        )
        environ: dict[str, Any] = {
            "TMPDIR": str(folder),
            "XDG_STATE_HOME": place,
            "HOME": place,
            "PYTHONFAULTHANDLER": "1",
        }
        device = soak.Loop(Path(place)) if name == REAL else None
        if device is not None:
            stack.callback(device.close)
            device.plug()
            environ["PATH"] = f"{place}/bin:{os.environ['PATH']}"
            argv = ["-c", _ON_ITS_OWN_RUN]
        else:
            argv = ["-m", "bootmenu", *(word.format(tree=tree) for word in _COMMANDS[name])]
        before = _mounts()
        term = chance.choice(("linux", "xterm-256color"))
        with on_a_line(argv, term, **environ) as line:
            modes = line.modes
            pid = line.process.pid
            _moment(line, name, chance)
            if line.process.poll() is not None:
                return _left(line, pid, modes, folder, before, killed=False)
            if number is signal.SIGSTOP:
                if what := _stopped(line, chance):
                    return what
                number = signal.SIGTERM
            begun = bool(line.sent)
            os.kill(pid, number)
            if name in ("kiosk", "plain menu") and number is signal.SIGINT and begun:
                line.read(0.5)
                if line.process.poll() not in (None, 0, 128 + number):
                    return f"the kiosk ended with {line.process.returncode} at {number.name}"
                if line.process.poll() is None:
                    number = signal.SIGTERM
                    os.kill(pid, number)
            if not _wait(lambda: line.process.poll() is not None, line):
                return f"it does not end within {_PATIENCE:.0f} s of {number.name}"
            status = line.process.returncode
            # a subcommand that has said everything takes signals as any process does; to a shell that is the same
            good = (0, 128 + number, -number) if name in ("scan", "boot") else (0, 128 + number)
            if number is not signal.SIGKILL and begun and status not in good:
                return f"it ends with {status} and not {128 + number} at {number.name}, after it had said something"
            killed = number is signal.SIGKILL or status < 0
            if what := _left(line, pid, modes, folder, before, killed=killed):
                return what
            if b"Traceback" in line.sent and begun and number is not signal.SIGKILL:
                return f"a traceback on the terminal at {number.name}"
        if killed:
            return _again(argv if name == REAL else _DEMO, folder, environ)
        return ""


def _moment(line: Line, name: str, chance: random.Random) -> None:
    """Sometime between the first instruction and long after the menu is there."""
    match chance.randrange(4):
        case 0:
            line.read(chance.random() * 0.3)
        case 1:
            wanted = chance.choice((1, 40, 300, 1500))
            _wait(lambda: len(line.sent) >= wanted or line.process.poll() is not None, line, 20)
        case _:
            _wait(lambda: len(line.sent) >= 600 or line.process.poll() is not None, line, 20)
            for _ in range(chance.randint(0, 4)):
                if line.process.poll() is None and name not in ("scan", "boot"):
                    line.type(chance.choice(_TYPED))
                    line.read(chance.random() * 0.2)


def _stopped(line: Line, chance: random.Random) -> str:
    """Stopped and woken, once or several times, as by a debugger or by `fg`."""
    for _ in range(chance.randint(1, 3)):
        os.kill(line.process.pid, signal.SIGSTOP)
        line.read(0.1)
        os.kill(line.process.pid, signal.SIGCONT)
        line.read(0.3)
    return ""


def _left(line: Line, pid: int, modes: list[object], folder: Path, before: set[str], *, killed: bool) -> str:
    """What somebody left behind who had the time to tidy up, or `killed`, had not."""
    end = monotonic() + 10
    while (left := _processes(pid)) and monotonic() < end:
        sleep(0.05)
    if left:
        return f"{len(left)} processes are left"
    if _mounts() - before:
        return f"mounts are left: {sorted(_mounts() - before)}"
    if killed:
        return ""
    if line.modes != modes:
        return "the terminal is not as it was"
    return f"folders are left: {len(_ours(folder))}" if _ours(folder) else ""


def _again(argv: Sequence[str], folder: Path, environ: dict[str, Any]) -> str:
    """The next start after a kill, which sweeps what the last one left."""
    with on_a_line([*argv], "linux", **environ) as line:
        if not _wait(lambda: "entries on" in line.text or line.process.poll() is not None, line):
            return "the next start does not come to its menu"
        line.type(b"q")
        if not _wait(lambda: line.process.poll() is not None, line):
            return "the next start does not end with q"
        if line.process.returncode != 0:
            return f"the next start ended with {line.process.returncode}"
    return f"left-over folders are not swept: {len(_ours(folder))}" if _ours(folder) else ""


# ---- power cuts --------------------------------------------------------------------------------------------


def _state(chance: random.Random) -> State:
    state = State(default=chance.choice((None, "debian", "x" * 300)), wrong_pins=chance.randrange(5))
    for _ in range(chance.randrange(4)):
        state = state.booting(Attempt(entry=f"e{chance.randrange(3)}", at="", title="t")).on_menu_start()
    return state


def _write(disk: dict[str, bytes], place: Path, state: State) -> list[dict[str, bytes]]:
    """Every content that this folder can have when the power goes while that is written."""
    place.mkdir()
    for name, data in disk.items():
        (place / name).write_bytes(data)
    journal = Journal()
    write_into(place, state, journal)
    return list(after_a_cut(dict(disk), journal))


def _found(disk: dict[str, bytes], place: Path) -> State | None:
    """None = what is there cannot be read."""
    place.mkdir()
    for name, data in disk.items():
        (place / name).write_bytes(data)
    try:
        return read_from(place, Files())
    except StateError:
        return None


def _cut(chance: random.Random) -> str:
    """The power goes several times in a row, each time while another state is written."""
    with tempfile.TemporaryDirectory(prefix="attack-") as folder:
        first = _state(chance)
        disk, known = {"state.json": encode(first)}, first
        for number in range(chance.randint(1, 4)):
            after = _state(chance)
            disk = chance.choice(_write(disk, Path(folder, f"w{number}"), after)[-40:])
            found = _found(disk, Path(folder, f"r{number}"))
            if found not in (known, after):
                what = "nothing that can be read" if found is None else "an older state, or none"
                return f"after cut {number + 1} there is {what}"
            assert found is not None
            known = found
    return ""


KINDS: dict[str, tuple[str, Sequence[signal.Signals]]] = {
    **{
        f"kill: {name}": (name, (*_ENDING, signal.SIGKILL, signal.SIGSTOP))
        for name in ("menu", "plain menu", "kiosk")
    },
    f"kill: {REAL}": (REAL, (*_ENDING, signal.SIGKILL, signal.SIGSTOP)),
    "kill: countdown": ("countdown", (*_ENDING, signal.SIGKILL)),
    "kill: scan": ("scan", (*_ENDING, signal.SIGKILL)),
    "kill: boot --dry-run": ("boot", (*_ENDING, signal.SIGKILL)),
}
POWER = "kill: power, while it remembers"
_WEIGHTS = {
    "kill: menu": 30,
    f"kill: {REAL}": 10,
    "kill: plain menu": 15,
    "kill: kiosk": 20,
    "kill: countdown": 15,
    "kill: scan": 5,
    "kill: boot --dry-run": 5,
}


def run(seed: int, count: int, *, only: str = "", index: str = "") -> list[Tally]:
    """The part. Besides so many kills, the power goes five times as often: that needs no process."""
    from tests.attack.inputs import shares

    kinds = {kind: _WEIGHTS[kind] for kind in KINDS if KINDS[kind][0] != REAL or soak.real()}
    numbers = {**shares(count, kinds), POWER: 5 * count}
    if only:
        numbers = {only: count}
    tallies = []
    for kind, many in numbers.items():
        tally, numbered = Tally(kind=kind), range(many)
        if index:
            first, _, last = index.partition("-")
            numbered = range(int(first), int(last or first) + 1)
        for number in numbered:
            chance = random.Random(f"{seed}/{kind}/{number}")
            command = f"make attack ARGS=\"kills --seed {seed} --only '{kind}' --index {number}\""
            try:
                if kind == POWER:
                    what = _cut(chance)
                else:
                    name, signals = KINDS[kind]
                    what = _one(name, signals[number % len(signals)], chance)
            except Exception as error:
                what = f"{type(error).__name__}: {error}"[:300]
            if what:
                tally.broke(what, command, what.partition(":")[0])
            else:
                tally.held()
        tallies.append(tally)
        told(f"kills: {kind}: {tally.tried:,} tried, {tally.failed:,} broke")
    return tallies
