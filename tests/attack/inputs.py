# SPDX-License-Identifier: MIT
"""Hostile inputs, each in a process that may use so much memory and computing time and no more."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import random
import resource
import select
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from tests.attack.tally import SEED, Tally, told

MEMORY = 512 << 20
"""Bytes above what the process has when it begins."""
_SILENT = 60.0
"""Seconds of the clock after which an input is given up that its own limit did not end."""
_MOST_RESTARTS = 20
ROOT = Path(__file__).parents[2]


class _TooLong(BaseException):
    """Nothing that catches errors may catch it."""


def _give_up(number: int, frame: FrameType | None) -> None:
    raise _TooLong


# ---- in the worker -----------------------------------------------------------------------------------------


def work(seed: int) -> None:
    """Read `[kind, first, end]` from standard input, attack, and write what came of each to standard output."""
    from bootmenu.errors import BootmenuError
    from tests.attack.targets import TARGETS, Violation

    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever is printed is no answer
    signal.signal(signal.SIGPROF, _give_up)
    attacks = {}
    for line in sys.stdin:
        kind, first, end = json.loads(line)
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        if kind not in attacks:
            attacks[kind] = TARGETS[kind].make()
        with contextlib.suppress(Exception):  # imports and caches are nobody's attack
            attacks[kind](random.Random(f"{seed}/{kind}/warm"))
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, resource.RLIM_INFINITY))
        for index in range(first, end):
            what = sign = ""
            began = resource.getrusage(resource.RUSAGE_SELF)
            try:
                signal.setitimer(signal.ITIMER_PROF, TARGETS[kind].seconds)
                try:
                    attacks[kind](random.Random(f"{seed}/{kind}/{index}"))
                finally:
                    signal.setitimer(signal.ITIMER_PROF, 0)
            except _TooLong:
                what = f"it takes more than {TARGETS[kind].seconds} s of computing time"
            except MemoryError as error:
                what, sign = f"it takes more than {MEMORY >> 20} MiB", f"memory {_where(error)}"
            except BootmenuError as error:
                what, sign = f"{type(error).__name__} came out: {error.message}"[:300], f"error {_where(error)}"
            except Violation as error:
                what, sign = str(error)[:300], error.sign
            except Exception as error:
                what = f"{type(error).__name__}: {error}"[:300] + f", at {_where(error)}"
                sign = f"{type(error).__name__} {_where(error)}"
            after = resource.getrusage(resource.RUSAGE_SELF)
            spent = after.ru_utime + after.ru_stime - began.ru_utime - began.ru_stime
            answers.write(json.dumps([index, what, sign, round(spent, 3)]) + "\n")
            answers.flush()


def _where(error: BaseException) -> str:
    """The last place of ours in the traceback."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/bootmenu/" in frame.filename]
    frames = [frame for frame in frames if "/tests/" not in frame.filename] or traceback.extract_tb(
        error.__traceback__
    )
    return f"{frames[-1].filename.rpartition('/')[2]}:{frames[-1].name}" if frames else "?"


# ---- around it ---------------------------------------------------------------------------------------------


class _Worker:
    """A process that attacks. It is begun anew after a fault that may have left something behind."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._process: subprocess.Popen[bytes] | None = None
        self.begin()

    def begin(self) -> None:
        """Anew."""
        self.close()
        environ = {**os.environ, "MALLOC_ARENA_MAX": "2", "PYTHONHASHSEED": "0", "BOOTMENU_LOG": os.devnull}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.attack.inputs", str(self.seed)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env=environ,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._ask, self._answer = self._process.stdin, self._process.stdout
        self._rest = b""

    def attack(self, kind: str, first: int, end: int) -> Iterator[tuple[int, str, str, float]]:
        """What came of each. Ends early when the process did, or was ended: then nothing more comes of it."""
        self._ask.write(json.dumps([kind, first, end]).encode() + b"\n")
        self._ask.flush()
        next_one = first
        while next_one < end:
            while b"\n" not in self._rest:
                if not select.select([self._answer], [], [], _SILENT)[0]:
                    yield next_one, f"it does not end within {_SILENT:.0f} s", "", _SILENT
                    return
                piece = os.read(self._answer.fileno(), 65536)
                if not piece:
                    assert self._process is not None
                    status = self._process.wait()
                    yield next_one, f"the process ended with {status}", "", 0.0
                    return
                self._rest += piece
            line, _, self._rest = self._rest.partition(b"\n")
            index, what, sign, spent = json.loads(line)
            yield index, what, sign, spent
            next_one = index + 1

    def close(self) -> None:
        """End it."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        with contextlib.suppress(OSError):
            self._ask.close()
        self._answer.close()
        self._process = None


def _chunk(worker: _Worker, kind: str, first: int, end: int) -> Tally:
    seed, tally, slowest = worker.seed, Tally(kind=kind), 0.0
    restarts = 0
    while first < end and restarts < _MOST_RESTARTS:
        for index, what, sign, spent in worker.attack(kind, first, end):
            slowest = max(slowest, spent)
            first = index + 1
            if what:
                tally.broke(what, command(seed, kind, index), sign)
            else:
                tally.held()
        if first < end:
            restarts += 1
            worker.begin()
    if first < end:
        tally.broke(
            f"{restarts} processes of this kind ended, and the rest was not tried", command(seed, kind, first)
        )
    tally.note = f"the slowest took {slowest:.1f} s"
    return tally


def command(seed: int, kind: str, index: int | str) -> str:
    """Makes one attack again."""
    return f"make attack ARGS=\"inputs --seed {seed} --only '{kind}' --index {index}\""


def shares(count: int, weights: dict[str, int]) -> dict[str, int]:
    """How many of `count` are for each kind: one at least, and `count` in all or a few more."""
    whole = sum(weights.values())
    return {kind: max(1, -(-count * weight // whole)) for kind, weight in weights.items()}


def run(seed: int, count: int, *, only: str = "", index: str = "", jobs: int = 1) -> list[Tally]:
    """The part. only, index: of one kind, of one number or `FIRST-LAST`."""
    from tests.attack import terminal
    from tests.attack.targets import TARGETS

    weights = {kind: found.weight for kind, found in TARGETS.items()} | {terminal.KIND: terminal.WEIGHT}
    if only and only not in weights:
        raise SystemExit(f"there is no kind of input called {only}; there are: {', '.join(weights)}")
    if index:
        first, _, last = index.partition("-")
        ranges = [(only, int(first), int(last or first) + 1)]
    else:
        chosen = (
            {kind: weight for kind, weight in weights.items() if kind in (only or kind)} if not only else {only: 1}
        )
        ranges = [(kind, 0, number) for kind, number in shares(count, chosen).items()]
    waiting: queue.SimpleQueue[tuple[str, int, int]] = queue.SimpleQueue()
    for each in ranges:
        waiting.put(each)
    done: dict[str, Tally] = {}

    def attack() -> None:
        worker = None
        while True:
            try:
                kind, first, end = waiting.get_nowait()
            except queue.Empty:
                if worker is not None:
                    worker.close()
                return
            if kind == terminal.KIND:
                one = terminal.run(seed, first, end)
            else:
                worker = worker or _Worker(seed)
                one = _chunk(worker, kind, first, end)
            done[kind] = one
            told(f"inputs: {kind}: {one.tried:,} tried, {one.failed:,} broke; {len(done)} of {len(ranges)} kinds")

    threads = [threading.Thread(target=attack, daemon=True) for _ in range(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [done[kind] for kind, _, _ in ranges if kind in done]


if __name__ == "__main__":
    work(int(sys.argv[1]) if len(sys.argv) > 1 else SEED)
