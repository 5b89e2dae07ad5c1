# SPDX-License-Identifier: MIT
"""Devices → trees → entries → reports: every partition read in a thread of its own, and told as one stream.

Only threads of `_Job`s wait for a disk. One thread, that of whoever reads the stream, decides: what a reference
means, which entries are one, what is told. A thread that hangs in a dead disk is left behind; it ends when the disk
answers, or with the process.
"""

from __future__ import annotations

import bisect
import contextlib
import hashlib
import queue
import re
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from threading import Event, Lock, Thread

from bootmenu.compat import EntryFacts, check
from bootmenu.discovery import entry_facts, resolve, root_option
from bootmenu.discovery.devices import Device
from bootmenu.discovery.dtb_candidates import DeviceTrees
from bootmenu.discovery.hotplug import Change
from bootmenu.discovery.mounts import MountError, Mounts
from bootmenu.discovery.partition_order import TOP, Ranks
from bootmenu.discovery.resolve import searched
from bootmenu.discovery.scan_events import (
    DeviceDone,
    DeviceFound,
    DeviceGone,
    EntryFound,
    EntryGone,
    Listing,
    ProblemFound,
    ProblemGone,
    Rank,
    ScanEvent,
    ScanFinished,
)
from bootmenu.i18n import N_
from bootmenu.model.entry import BootEntry, FileRef, Origin, Problem
from bootmenu.model.finding import Report
from bootmenu.model.machine import MachineFacts
from bootmenu.model.place import Bus, Place
from bootmenu.model.text import quoted
from bootmenu.model.value import Record, Value, field, replace
from bootmenu.sources import Platform, read_partition
from bootmenu.sources.tree import Remembering, Tree, exists

MAX_ENTRIES = 5000
"""On one machine; more are no boot menu."""
MAX_PROBLEMS = 1000
"""Of one partition."""
PATIENCE = 10.0
"""Seconds without a sign of life after which a device does not answer."""
SIDE_BY_SIDE = 8
"""Partitions that are read at a time; those that do not answer are not counted."""
HEAD_START = 0.1
"""Seconds at most until the next partition is read beside one that keeps telling: threads that compute only hinder
each other. One that has told nothing for GATHERED waits for its disk, and is not waited for."""
GATHERED = 0.01
"""Seconds for which entries are left to come together: whoever takes them in one by one stops those that tell."""
SETTLING = 0.2
"""Seconds that are waited for more changes after one: a disk comes with all its partitions."""
AGAIN = 1.5
"""Seconds after which is looked once more: udevd reads the names of a file system after the kernel's message."""
SPACING = 0.5
"""Seconds between two looks at least, whatever comes and goes."""
_STALE = N_("its journal was not replayed, since nothing is written to it here: the last changes may be missing")
"""Problem of a partition whose journal was left to be replayed."""
_MAX_TAKEN_AWAY = 1000
"""Names of devices that are remembered until somebody looks again; after more, all of them may be others."""
_LET_GO = 1.0
"""Seconds that are waited for threads to see that nobody listens any more."""

Look = Callable[[], Iterable[Device | Problem]]
_Likeness = tuple[object, ...]
_File = tuple[str, str]
"""Device and path, after links."""


# ---- what threads do, and what they tell ------------------------------------------------------------------


class _Job(Record, eq=False):
    """One thread's work, which may wait for a disk as long as that likes."""

    work: Callable[[_Job], None]
    partition: _Partition | None
    """Whose silence it is when nothing is heard; None = the look for partitions itself."""
    thread: Thread | None = None
    heard: float = 0.0
    """When it last told something."""
    cancelled: bool = False
    complaint: Problem | None = None
    """Told about its silence; it counts no more until it is heard again."""

    @property
    def counts(self) -> bool:
        """Something may be expected of it."""
        return self.complaint is None and not self.cancelled


class _Partition(Record, eq=False):
    """A device, and how far it has been read."""

    device: Device
    rank: Rank
    twin: int
    """How many others with the same identity there were before it: copies of a disk."""
    reading: _Job | None = None
    opened: bool = False
    entries: list[_Known] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    holds: dict[str, bool] = field(default_factory=dict)
    """Whether a path that somebody asked for by `file=` is a file here."""
    asked: set[str] = field(default_factory=set)
    """The paths that it has been asked for."""


class _Known(Record, eq=False):
    """An entry as it was parsed, as it is understood now, and as it was told."""

    partition: _Partition
    index: int
    parsed: BootEntry
    entry: BootEntry
    facts: EntryFacts
    judged: EntryFacts = field(init=False)
    """The facts with the names of the partitions that its report knows."""
    report: Report = field(init=False)
    targets: dict[str, _Partition] = field(default_factory=dict)
    """What its references mean, by the reference."""
    places: tuple[Place, ...] = field(init=False)
    """Of its own partition, then of those that it takes files from."""
    told: tuple[BootEntry, EntryFacts, Report, tuple[Place, ...]] | None = None
    """None = it is not, or it is one with another."""

    def __post_init__(self) -> None:
        self.places = (self.partition.device.place,)

    @property
    def precedence(self) -> tuple[int, Rank, int]:
        """Of several that are one the smallest is shown: the one furthest inside the machine, then the first of the
        list."""
        return self.place_rank, self.partition.rank, self.index

    @property
    def origin(self) -> Origin:
        """Which configuration offers it."""
        return Origin(source=self.entry.source, config=self.entry.config)

    @property
    def is_bare(self) -> bool:
        """No configuration offers it."""
        return self.entry.source == "bare"

    @property
    def place_rank(self) -> int:
        """How far outside of the machine its partition is."""
        return self.partition.device.place.rank


class _Alike(Record, eq=False):
    """Entries that are one, or that are the same in one configuration; the one that goes first in front."""

    entries: list[_Known] = field(default_factory=list)
    unsaid: int = 0
    """How many came or changed since they were told."""

    @property
    def is_due(self) -> bool:
        """A few are told at once. Of very many each one that comes would tell all anew: those wait until there are
        some more, or until all is quiet."""
        return self.unsaid > len(self.entries) // _TOLD_AT_ONCE


_TOLD_AT_ONCE = 32


class _Met(Value):
    """Something that can be read, or could be. within: what it lies in; None = the machine."""

    found: Device | Problem
    within: _Partition | None = None


class _Looked(Value):
    """A look for partitions has come to its end; these are there, and this is wrong."""

    names: frozenset[str]
    problems: frozenset[Problem]


class _Opened(Value):
    """A partition is mounted."""

    partition: _Partition


class _Parsed(Value):
    """A partition offers an entry."""

    known: _Known


class _Followed(Value):
    """An entry was looked at again, as its references are understood now."""

    known: _Known
    targets: dict[str, _Partition]
    entry: BootEntry
    facts: EntryFacts


class _Troubled(Value):
    """Something on a partition is wrong."""

    partition: _Partition
    message: str
    path: str = ""


class _Searched(Value):
    """Whether a partition holds a file."""

    partition: _Partition
    path: str
    held: bool


class _Broken(Value):
    """A mistake, here or in whoever is asked for partitions."""

    error: Exception


class _Ended(Value):
    """A job is over: nothing more comes from it."""


class _Changed(Value):
    """Something has come or gone, once or often."""


_Message = _Met | _Looked | _Opened | _Parsed | _Followed | _Troubled | _Searched | _Broken | _Ended | _Changed


# ---- the one that decides ---------------------------------------------------------------------------------


class Survey:
    """Everything known of the partitions since the last look at all of them.

    Its streams are read by one thread at a time. predict: adds to an entry's facts what a plan would do for it;
    predict_dtb: what that would make of device trees.
    patience: seconds. ranks: the order of the looks before, which is kept.
    """

    def __init__(
        self,
        mounts: Mounts,
        machine: MachineFacts,
        machine_report: Report,
        *,
        predict: Callable[[EntryFacts], EntryFacts] = lambda facts: facts,
        predict_dtb: entry_facts.PredictDtb | None = None,
        patience: float = PATIENCE,
        ranks: Ranks | None = None,
    ) -> None:
        self.device_trees = DeviceTrees(machine.tree)
        self._mounts = mounts
        self._machine = machine
        self._machine_report = machine_report
        self._predict = predict
        self._predict_dtb = predict_dtb
        self._patience = patience
        self._platform = Platform.of(machine)
        self._heard: queue.SimpleQueue[tuple[_Job | None, _Message | None]] = queue.SimpleQueue()
        self._urgent = Event()
        """What was told last is no entry: more of those need not be waited for."""
        self._waiting: deque[_Job] = deque()
        self._running: dict[_Job, None] = {}
        self._started = 0.0
        """When the last job was."""
        self._out: deque[ScanEvent] = deque()
        self._look_job: _Job | None = None
        self._look_problems: dict[Problem, Rank] = {}
        self._due: list[float] = []
        """When is to be looked for partitions again, earliest first."""
        self._next_look = 0.0
        """Not before then."""
        self._noting = Lock()
        """Of the two that follow."""
        self._taken_away: set[str] = set()
        self._noted = False
        """That something has changed is among what was heard, and waits to be taken in."""
        self._partitions: dict[str, _Partition] = {}
        self._gone: set[str] = set()
        """Names of partitions that went while threads were at work."""
        self._ranks = ranks or Ranks()
        self._counts: Counter[bool] = Counter()
        """Entries of what is inside the machine, and of everything else: neither keeps the other one out."""
        self._names: tuple[str, ...] = ()
        """Every name of every partition."""
        self._foreign: dict[_Known, None] = {}
        """Entries that name other partitions."""
        self._to_follow: dict[_Known, None] = {}
        """Those whose references mean something else by now."""
        self._alike: dict[_Likeness, _Alike] = {}
        self._unsaid: dict[_Likeness, None] = {}
        """Those of which something is to be told when all is quiet."""
        self._offered: Counter[tuple[_File, int]] = Counter()
        """Kernels that a configuration offers, by the rank of its place, and how often: a bare one among them is no
        entry of its own."""
        self._bare: dict[_File, list[_Known]] = {}

    @property
    def devices(self) -> dict[str, Device]:
        """Return the partitions that are there, by name, in the order of the list."""
        # any thread may ask, while another one meets more of them
        known = sorted(self._partitions.copy().values(), key=lambda partition: partition.rank)
        return {partition.device.name: partition.device for partition in known}

    def scan(self, look: Look, closed: Event) -> Generator[ScanEvent, None, None]:
        """Read everything; ends with ScanFinished when all that answers has been read. Raises what `look` raises."""
        began = time.monotonic()
        self._start_look(look)
        while not closed.is_set():
            yield from self._told()
            if self._settled():
                yield from self._told()
                yield ScanFinished(time.monotonic() - began)
                return
            self._step(None)

    def watch(self, look: Look, closed: Event, *, forever: bool) -> Generator[ScanEvent, None, None]:
        """What comes from those that did not answer, and what `changed` gives occasion to look for. forever: more
        changes may come; else it ends when everything has answered."""
        while not closed.is_set():
            yield from self._told()
            if self._settled():
                yield from self._told()
                if not forever and not self._running:
                    return
            self._look_if_due(look)
            deadline = self._due[0] if self._due and self._look_job is None else None
            self._step(None if deadline is None else max(deadline, self._next_look))

    def changed(self, change: Change) -> None:
        """Something has come or gone. Any thread may say so, and however often it does, nothing piles up."""
        with self._noting:
            if change.gone and len(self._taken_away) <= _MAX_TAKEN_AWAY:
                self._taken_away.add(change.gone)
            first, self._noted = not self._noted, True
        if first:
            self._heard.put((None, _Changed()))
            self._urgent.set()

    def wake(self) -> None:
        """Whoever reads a stream looks whether it was closed."""
        self._heard.put((None, None))
        self._urgent.set()

    def stop(self) -> None:
        """Nobody listens any more. Waits a moment for threads that are at work, but for no disk that hangs."""
        jobs = [*self._running, *self._waiting]
        for job in jobs:
            job.cancelled = True
        self._waiting.clear()
        end = time.monotonic() + _LET_GO
        for job in jobs:
            if job.thread is not None and job.complaint is None:  # it is not known to hang
                job.thread.join(max(0.0, end - time.monotonic()))

    # --- jobs

    def _start(self, job: _Job) -> None:
        job.heard = self._started = time.monotonic()
        job.thread = Thread(target=self._run, args=(job,), name="bootmenu-scan", daemon=True)
        self._running[job] = None
        job.thread.start()

    def _start_waiting(self) -> float | None:
        """Start the next job if it is its turn; when another one may be started (monotonic), unless others must end
        first."""
        running = sum(job.counts for job in self._running)
        if not self._waiting or running >= SIDE_BY_SIDE:
            return None
        turn = self._started + (GATHERED if self._heard.empty() else HEAD_START)
        if running and time.monotonic() < turn:
            return turn
        self._start(self._waiting.popleft())
        return self._started + GATHERED if self._waiting else None

    def _run(self, job: _Job) -> None:
        """In the job's thread."""
        try:
            job.work(job)
        except Exception as error:
            self._tell(job, _Broken(error))
        finally:
            self._tell(job, _Ended())

    def _tell(self, job: _Job, message: _Message) -> None:
        self._heard.put((job, message))
        if not isinstance(message, _Parsed):
            self._urgent.set()

    def _told(self) -> Iterator[ScanEvent]:
        while self._out:
            yield self._out.popleft()

    def _step(self, deadline: float | None) -> None:
        """Start what may be started, then take in one message, or the silence of a job; not beyond the deadline."""
        if self._heard.empty():
            self._follow()
            if any(job.counts for job in self._running):
                self._urgent.wait(GATHERED)
                self._urgent.clear()
        turn = self._start_waiting()
        deadlines = [job.heard + self._patience for job in self._running if job.counts]
        deadlines += [moment for moment in (deadline, turn) if moment is not None]
        try:
            left = max(0.0, min(deadlines) - time.monotonic()) if deadlines else None
            job, message = self._heard.get(timeout=left)
        except queue.Empty:
            self._complain()
            return
        if isinstance(message, _Changed):
            self._note()
        if job is None or message is None:
            return
        if job.cancelled:
            if isinstance(message, _Ended):
                self._running.pop(job, None)
                self._release_gone()
            return
        job.heard = time.monotonic()
        complaint, job.complaint = job.complaint, None
        # the same is said of every job that waits for one disk, and is true until the last of them has heard from it
        if complaint is not None and not any(
            other.complaint == complaint and not other.cancelled for other in self._running
        ):
            self._problem_gone(job.partition, complaint)
        self._take(job, message)

    def _complain(self) -> None:
        now = time.monotonic()
        for job in self._running:
            if job.counts and now - job.heard >= self._patience:
                name = job.partition.device.name if job.partition else ""
                message = (
                    N_("does not answer: nothing came from it for {seconds:g} s", seconds=self._patience)
                    if name
                    else N_(
                        "looking for partitions does not answer: nothing came from it for {seconds:g} s",
                        seconds=self._patience,
                    )
                )
                job.complaint = Problem(device=name, path="", message=message)
                self._problem(job.partition, job.complaint)
                if job.partition is not None and job is job.partition.reading:
                    self._out.append(DeviceDone(job.partition.device, len(job.partition.entries)))

    def _settled(self) -> bool:
        """Nothing more comes from anything that answers."""
        if self._waiting or any(job.counts for job in self._running):
            return False
        if self._search():
            return False
        self._understand_all()
        if self._follow():
            return False
        self._judge_again()
        self._publish(self._unsaid, at_once=True)
        return True

    # --- in threads of jobs

    def _look(self, look: Look, job: _Job) -> None:
        names, problems = set(), set()
        for found in look():
            if job.cancelled:
                return
            if isinstance(found, Problem):
                problems.add(found)
            else:
                names.add(found.name)
            self._tell(job, _Met(found))
        self._tell(job, _Looked(frozenset(names), frozenset(problems)))

    def _read(self, partition: _Partition, job: _Job) -> None:
        device, taken = partition.device, set[str]()
        numbers: dict[tuple[str, str, str], int] = {}
        try:
            with self._mounts.reading(device) as mounted:
                tree = Remembering(mounted)
                self._tell(job, _Opened(partition))
                if self._mounts.stale(device):
                    self._tell(job, _Troubled(partition, _STALE))
                for found in read_partition(tree, self._platform):
                    if job.cancelled:
                        return
                    if isinstance(found, Problem):
                        self._tell(job, _Troubled(partition, found.message, found.path))
                    elif len(taken) < MAX_ENTRIES:
                        named = replace(found, id=_unique_id(found, partition, taken, numbers))
                        entry, gathered = self._gathered(named, {device.name: tree}, device)
                        known = _Known(partition, len(taken), named, entry, gathered)
                        self._judge(known)
                        self._tell(job, _Parsed(known))
                    else:
                        message = N_("there are too many entries: the first {n:,} are listed", n=MAX_ENTRIES)
                        self._tell(job, _Troubled(partition, message))
                        break
            for inner in self._mounts.inside(device):
                if job.cancelled:
                    return
                self._tell(job, _Met(inner, partition))
        except MountError as error:
            self._tell(job, _Troubled(partition, error.message))

    def _gather(self, batch: list[_Known], job: _Job) -> None:
        """Look again at entries with files on other partitions; all of a batch on the same ones."""
        partitions = {batch[0].partition, *batch[0].targets.values()}
        with ExitStack() as reading:
            trees: dict[str, Tree] = {}
            for partition in partitions:
                # one that is gone again is waited for
                with contextlib.suppress(MountError):
                    name = partition.device.name
                    trees[name] = Remembering(reading.enter_context(self._mounts.reading(partition.device)))
            for known in batch:
                if job.cancelled:
                    return
                targets = known.targets
                devices = [target.device for target in targets.values()]
                entry, gathered = self._gathered(
                    _renamed(known.parsed, targets), trees, known.partition.device, devices
                )
                self._tell(job, _Followed(known, targets, entry, gathered))

    def _gathered(
        self, entry: BootEntry, trees: Mapping[str, Tree], own: Device, others: Sequence[Device] = ()
    ) -> tuple[BootEntry, EntryFacts]:
        """own: where the entry is; others: what else it names."""
        entry, gathered = entry_facts.gather(
            entry, trees, board=self._platform.board, device_trees=self.device_trees, predict_dtb=self._predict_dtb
        )
        return entry, self._predict(root_option.with_root(gathered, entry.cmdline, self._mounts, own, others))

    def _find(self, partition: _Partition, paths: list[str], job: _Job) -> None:
        with ExitStack() as reading:
            tree = None
            with contextlib.suppress(MountError):
                tree = reading.enter_context(self._mounts.reading(partition.device))
            for path in paths:
                if job.cancelled:
                    return
                self._tell(job, _Searched(partition, path, tree is not None and exists(tree, path)))

    # --- what is done with what they tell

    def _take(self, job: _Job, message: _Message) -> None:
        match message:
            case _Met(Device() as device, within):
                self._meet(device, within)
            case _Met(Problem() as problem, None):
                if problem not in self._look_problems:
                    self._problem(None, problem)
            case _Met(Problem() as problem, within):
                self._problem(within, problem)
            case _Looked(names, problems):
                self._compare(names, problems)
            case _Changed():
                pass  # noted already
            case _Opened(partition):
                partition.opened = True
                self._understand_all()
            case _Parsed(known):
                self._add(known)
            case _Followed(known, targets, entry, gathered):
                # else it is understood otherwise by now, and looked at once more
                if known.targets is targets and known in self._foreign:
                    self._change(known, entry, gathered)
            case _Troubled(partition, text, path):
                self._problem(partition, Problem(device=partition.device.name, path=path, message=text))
            case _Searched(partition, path, held):
                if path in partition.asked:
                    partition.holds[path] = held
            case _Broken(error):
                if job.partition is None:
                    self._next_look = time.monotonic() + self._patience
                    raise error
                name = job.partition.device.name
                text = N_("reading it failed: {error}", error=quoted(str(error) or type(error).__name__))
                self._problem(job.partition, Problem(device=name, path="", message=text))
            case _Ended():
                del self._running[job]
                self._release_gone()
                if job is self._look_job:
                    self._look_job = None
                    self._next_look = time.monotonic() + SPACING
                if job.partition is not None and job is job.partition.reading:
                    self._publish(self._unsaid, at_once=True)
                    self._out.append(DeviceDone(job.partition.device, len(job.partition.entries)))

    def _meet(self, device: Device, within: _Partition | None) -> None:
        known, instead = self._partitions.get(device.name), None
        if known is not None:
            if known.device == device:
                return
            if known.device.place.rank == device.place.rank:  # its name or its label has been read since
                instead = known.rank
            self._forget(known)
        seat = self._ranks.seat(device, within.rank if within else None, instead)
        partition = _Partition(device, seat.rank, seat.twin)
        self._partitions[device.name] = partition
        self._name_all()
        self._out.append(DeviceFound(device, partition.rank))
        partition.reading = _Job(partial(self._read, partition), partition)
        self._waiting.append(partition.reading)

    def _name_all(self) -> None:
        self._names = tuple(name for known in self._partitions.values() for name in known.device.names)

    def _problem(self, partition: _Partition | None, problem: Problem) -> None:
        if partition is not None:
            if len(partition.problems) >= MAX_PROBLEMS or problem in partition.problems:
                return
            partition.problems.append(problem)
        if partition is not None:
            rank = partition.rank
        else:  # what is wrong with one disk stands in one place
            ranks = [rank for other, rank in self._look_problems.items() if other.device == problem.device]
            rank = ranks[0] if ranks else self._ranks.seat(Device(name=problem.device)).rank
            self._look_problems[problem] = rank
        self._out.append(ProblemFound(problem, rank))

    def _problem_gone(self, partition: _Partition | None, problem: Problem) -> None:
        if partition is None:
            told = self._look_problems.pop(problem, None) is not None
        elif told := problem in partition.problems:
            partition.problems.remove(problem)
        if told:
            self._out.append(ProblemGone(problem))

    # --- what comes and goes

    def _start_look(self, look: Look) -> None:
        self._look_job = _Job(partial(self._look, look), None)
        self._start(self._look_job)

    def _note(self) -> None:
        now = time.monotonic()
        with self._noting:
            self._noted = False
        self._due = [self._due[0] if self._due else now + SETTLING, now + AGAIN]

    def _look_if_due(self, look: Look) -> None:
        now = time.monotonic()
        if self._look_job is not None or not self._due or now < max(self._due[0], self._next_look):
            return
        self._due = [due for due in self._due if due > now]
        with self._noting:
            names, self._taken_away = self._taken_away, set()
        for name in names if len(names) <= _MAX_TAKEN_AWAY else list(self._partitions):
            if (partition := self._partitions.get(name)) is not None:
                self._forget(partition)
        self._start_look(look)

    def _compare(self, names: Collection[str], problems: Collection[Problem]) -> None:
        """After a look: what it has not found is gone."""
        self._ranks.looked(names)
        for problem in [problem for problem in self._look_problems if problem not in problems]:
            self._problem_gone(None, problem)
        for partition in list(self._partitions.values()):
            if len(partition.rank) == TOP and partition.device.name not in names:
                self._forget(partition)

    def _forget(self, partition: _Partition) -> None:
        """It is gone, with what lies in it. Entries of others that need it wait again."""
        depth = len(partition.rank)
        for inner in list(self._partitions.values()):
            if inner is not partition and inner.rank[:depth] == partition.rank:
                self._forget(inner)
        for job in (*self._running, *self._waiting):
            job.cancelled = job.cancelled or job.partition is partition
        self._waiting = deque(job for job in self._waiting if not job.cancelled)
        changed: set[_Likeness] = set()
        for known in partition.entries:
            self._hide(known)
            changed |= self._displace(known)
            self._foreign.pop(known, None)
            self._to_follow.pop(known, None)
        self._counts[partition.device.place.internal] -= len(partition.entries)
        self._publish(changed)
        for problem in list(partition.problems):
            self._problem_gone(partition, problem)
        del self._partitions[partition.device.name]
        self._ranks.left(partition.device.name)
        self._name_all()
        self._out.append(DeviceGone(partition.device))
        self._mounts.release(partition.device.name)
        if self._running:
            self._gone.add(partition.device.name)
        self.device_trees = DeviceTrees(self._machine.tree)  # another may come to have its name
        self._understand_all()

    def _release_gone(self) -> None:
        """A thread that was on its way to a partition may have mounted it after that was gone."""
        for name in self._gone - self._partitions.keys():
            self._mounts.release(name)
        if not self._running:
            self._gone.clear()

    # --- references to other partitions

    def _understand_all(self) -> None:
        meant: dict[tuple[str, str], _Partition | None] = {}
        for known in self._foreign:
            self._understand(known, meant)

    def _understand(self, known: _Known, meant: dict[tuple[str, str], _Partition | None]) -> None:
        """See what its references mean now; it is looked at again when that is something else than before.

        meant: of the others, by reference and device.
        """
        means: dict[str, _Partition] = {}
        own = known.partition.device
        for reference in _needs(known):
            if (reference, own.name) not in meant:
                meant[reference, own.name] = self._meant(reference, own)
            partition = meant[reference, own.name]
            if partition is not None and partition.opened:
                means[reference] = partition
        if means != known.targets:
            known.targets = means
            self._to_follow[known] = None

    def _meant(self, reference: str, own: Device) -> _Partition | None:
        path = searched(reference)
        if path is None:
            device = resolve.resolve(reference, own, list(self.devices.values()))
            return self._partitions[device.name] if device is not None else None
        asked = self._answering()
        if not all(path in partition.holds for partition in asked):
            return None  # the first of all counts
        return next((partition for partition in asked if partition.holds[path]), None)

    def _answering(self) -> list[_Partition]:
        silent = {job.partition for job in self._running if job.complaint is not None}
        answering = [known for known in self._partitions.values() if known.opened and known not in silent]
        return sorted(answering, key=lambda known: known.device.place.rank)

    def _follow(self) -> bool:
        """Look again at entries whose references mean something else; whether there are any.

        Those that need the same partitions share a thread, so that a disk that dies meanwhile delays only them. What
        needs one that does not answer waits until it does.
        """
        if not self._to_follow:
            return False
        answering = set(self._answering())
        batches: dict[object, list[_Known]] = {}
        for known in list(self._to_follow):
            need = frozenset((known.partition, *known.targets.values()))
            if need <= answering:
                batches.setdefault((known.partition, need), []).append(known)
                del self._to_follow[known]
        for batch in batches.values():
            blamed = next(iter(batch[0].targets.values()), batch[0].partition)
            self._waiting.append(_Job(partial(self._gather, batch), blamed))
        return bool(batches)

    def _search(self) -> bool:
        """Ask partitions for the files by which configurations name one; whether there is anything to ask."""
        named = {path for known in self._foreign for ref in _references(known.parsed) if (path := searched(ref))}
        for partition in self._partitions.values():
            # what is named no longer: a stick may name other files each time that it comes
            partition.asked &= named
            partition.holds = {path: held for path, held in partition.holds.items() if path in named}
        for partition in self._answering() if named else ():
            if paths := sorted(named - partition.asked):
                partition.asked.update(paths)
                self._waiting.append(_Job(partial(self._find, partition, paths), partition))
        return bool(self._waiting)

    # --- entries

    def _add(self, known: _Known) -> None:
        inside = known.partition.device.place.internal
        if self._counts[inside] >= MAX_ENTRIES:
            message = N_("there are too many entries: the first {n:,} are listed", n=MAX_ENTRIES)
            self._problem(known.partition, Problem(device=known.partition.device.name, path="", message=message))
            return
        self._counts[inside] += 1
        known.partition.entries.append(known)
        if _needs(known):
            self._foreign[known] = None
            self._understand(known, {})
        self._publish(self._place(known))

    def _change(self, known: _Known, entry: BootEntry, gathered: EntryFacts) -> None:
        left = self._displace(known)
        known.entry, known.facts = entry, gathered
        files = _references(known.parsed)
        others = (target.device.place for name, target in known.targets.items() if name in files)
        known.places = tuple(dict.fromkeys((known.partition.device.place, *others)))
        self._judge(known)
        self._publish(left | self._place(known))

    def _judge(self, known: _Known) -> None:
        known.judged = replace(known.facts, partitions=self._names)
        known.report = check(self._machine, known.judged, self._machine_report)

    def _judge_again(self) -> None:
        """root= may name a partition that was found later than the entry."""
        changed: dict[_Likeness, None] = {}
        for partition in self._partitions.values():
            for known in partition.entries:
                if known.judged.partitions is not self._names:
                    self._judge(known)
                    changed[_likeness(known)] = None
        self._publish(changed, at_once=True)

    def _place(self, known: _Known) -> set[_Likeness]:
        """Put it beside its like; returns which likenesses that may change."""
        likeness, kernel = _likeness(known), _kernel(known)
        alike = self._alike.setdefault(likeness, _Alike())
        bisect.insort(alike.entries, known, key=lambda known: known.precedence)
        if known.is_bare:
            self._bare.setdefault(kernel, []).append(known)
            return {likeness}
        self._offered[kernel, known.place_rank] += 1
        return {likeness, *map(_likeness, self._bare.get(kernel, ()))}

    def _displace(self, known: _Known) -> set[_Likeness]:
        likeness, kernel = _likeness(known), _kernel(known)
        alike = self._alike[likeness]
        alike.entries.remove(known)
        if not alike.entries:
            del self._alike[likeness]
        if known.is_bare:
            self._bare[kernel].remove(known)
            if not self._bare[kernel]:
                del self._bare[kernel]
            return {likeness}
        self._offered[kernel, known.place_rank] -= 1
        if not self._offered[kernel, known.place_rank]:
            del self._offered[kernel, known.place_rank]
        return {likeness, *map(_likeness, self._bare.get(kernel, ()))}

    def _publish(self, likenesses: Iterable[_Likeness], *, at_once: bool = False) -> None:
        """Tell what is to be seen of these entries, where that is something else than was told."""
        for likeness in list(likenesses):
            alike = self._alike.get(likeness)
            if alike is not None:
                alike.unsaid += 1
                if not at_once and not alike.is_due:
                    self._unsaid[likeness] = None
                    continue
                alike.unsaid = 0
                self._publish_alike(alike.entries)
            self._unsaid.pop(likeness, None)

    def _publish_alike(self, group: list[_Known]) -> None:
        seen = [known for known in group if not (known.is_bare and self._is_offered(known))]
        # the same in one configuration is what its author wants to see twice
        others = [known for known in seen[1:] if known.origin != seen[0].origin]
        shown = set(seen) - set(others)
        for known in group:
            if known not in shown:
                self._hide(known)
            elif known is seen[0]:
                also = tuple(dict.fromkeys(other.origin for other in others))
                # a disk that anybody can plug in has no say in what those inside the machine start
                default = known.entry.default or any(
                    other.entry.default for other in others if other.place_rank == known.place_rank
                )
                entry = known.entry
                if (also, default) != (entry.also, entry.default):
                    entry = replace(entry, also=also, default=default)
                self._show(known, entry)
            else:
                self._show(known, known.entry)

    def _is_offered(self, known: _Known) -> bool:
        """Whether a configuration offers this kernel that stands no further outside than its own partition."""
        file = _kernel(known)
        return any(self._offered[file, rank] for rank in range(known.place_rank + 1))

    def _show(self, known: _Known, entry: BootEntry) -> None:
        wanted = (entry, known.facts, known.report, known.places)
        if known.told != wanted:
            known.told = wanted
            listing = Listing(entry=entry, facts=known.judged, report=known.report, places=known.places)
            self._out.append(EntryFound(listing, known.index))

    def _hide(self, known: _Known) -> None:
        if known.told is not None:
            known.told = None
            self._out.append(EntryGone(known.partition.device.name, known.entry.id))


def _references(entry: BootEntry) -> list[str]:
    """The other partitions that it names, as its configuration calls them."""
    folder = [entry.dtb_folder] if entry.dtb_folder else []
    refs = (*(ref for _, ref in entry.files), *folder)
    return list(dict.fromkeys(ref.device for ref in refs if ref.device != entry.device))


def _needs(known: _Known) -> list[str]:
    """Return what has to be open for its facts: partitions of its files, and the one with its root."""
    wanted = root_option.reference(known.entry.cmdline)
    here = wanted is None or root_option.named_by(wanted, known.partition.device, ()) is not None
    return list(dict.fromkeys((*_references(known.parsed), *(() if here else (wanted or "",)))))


def _renamed(entry: BootEntry, targets: Mapping[str, _Partition]) -> BootEntry:
    """The entry with kernel names in place of references."""

    def known(ref: FileRef) -> FileRef:
        target = targets.get(ref.device)
        return ref if target is None else replace(ref, device=target.device.name)

    return replace(
        entry,
        kernel=known(entry.kernel),
        initrds=tuple(map(known, entry.initrds)),
        dtb=known(entry.dtb) if entry.dtb else None,
        dtb_folder=known(entry.dtb_folder) if entry.dtb_folder else None,
        overlays=tuple(map(known, entry.overlays)),
    )


def _kernel(known: _Known) -> _File:
    file = known.facts.file("kernel")
    return (file.device, file.resolved or file.path) if file else ("", "")


def _likeness(known: _Known) -> _Likeness:
    """Everything about an entry but where it stands; what has the same is one entry."""
    entry, found = known.entry, known.facts
    files = tuple((file.role, file.device, file.resolved or file.path) for file in found.files)
    parts = tuple(ref.part for _, ref in entry.files)
    architecture = entry.architecture or (found.kernel.architecture if found.kernel else None)
    return (entry.title, entry.version, files, parts, entry.dtb_folder, entry.cmdline.text, architecture)


_ID_DIGITS = 16
"""64 bits: 24 of them are found in seconds by trying names."""


def _unique_id(
    entry: BootEntry, partition: _Partition, taken: set[str], numbers: dict[tuple[str, str, str], int]
) -> str:
    """Readable, and the same as long as partition, configuration and name are: `bls-debian-6.1-3f9a2c0b17d4e855`.

    Everything that it is made of but the bus is written on the disk: no disk outside of the machine can have the id
    of an entry inside.
    """
    # boot counting renames the file of an entry at every try (UAPI.1: "+LEFT" or "+LEFT-DONE")
    config = re.sub(r"\+\d+(-\d+)?(?=\.(conf|efi)$)", "", entry.config.path) if entry.config else ""
    words = re.sub(r"[^A-Za-z0-9._]+", "-", entry.id).strip("-.")[:40].lower() or "entry"
    bus = partition.device.place.bus
    identity = partition.device.identity  # has a = in it, which no bus has
    like = (entry.source, config, entry.id)
    # all before it are taken, by others of its like: thousands may have one name
    for again in range(numbers.get(like, partition.twin), partition.twin + MAX_ENTRIES + 1):
        key = "\0".join((identity, entry.source, config, entry.id, str(again or "")))
        key = key if bus is Bus.INTERNAL else f"{bus}\0{key}"
        name = f"{entry.source}-{words}-{hashlib.sha256(key.encode('utf-8', 'replace')).hexdigest()[:_ID_DIGITS]}"
        if name not in taken:
            break
    numbers[like] = again + 1
    taken.add(name)
    return name
