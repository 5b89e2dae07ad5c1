# SPDX-License-Identifier: MIT
"""Faulty loads: a session on a machine double, with a fault at every call and at every step in turn.

Each ends in success or in a BootmenuError with a message; nothing stays loaded, mounted or open; a plain load
succeeds afterwards.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import gzip
import os
import random
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from bootmenu.bootstate.state import State
from bootmenu.bootstate.state_backends import Files, FolderBackend
from bootmenu.bootstate.state_store import StateStore
from bootmenu.discovery.devices import Device
from bootmenu.discovery.scan_events import Listing
from bootmenu.errors import BootmenuError
from bootmenu.kexec.kernel_errors import LoadError
from bootmenu.kexec.plan import LoadPlan
from bootmenu.model.machine import MachineFacts
from bootmenu.model.progress import Progress
from bootmenu.session.machine_session import MachineSession
from bootmenu.session.scan_collection import collect
from bootmenu.system.host import Host
from bootmenu.system.processes import CommandError, Commands, Completed, HangingError
from bootmenu.system.syscalls import Segment
from tests.attack.tally import Tally, told
from tests.builders import machines
from tests.builders.hosts import FakeLog, FakeSyscalls, failure
from tests.builders.trees import write_tree
from tests.kexec.staging import Bench, descriptors
from tests.kexec.test_kexec_load import running_tree

_ERRNOS = (errno.EIO, errno.ENOMEM, errno.EMFILE, errno.ENOSPC, errno.EACCES, errno.ENODEV, errno.EBUSY, errno.EINVAL)
_ENTRY = "title One\nlinux /Image\ninitrd /initrd\noptions root=/dev/sda2\n"
ENTRIES = {
    "plain": _ENTRY,
    "packed": _ENTRY.replace("/Image", "/Image.gz"),
    "two initramfs": _ENTRY.replace("initrd /initrd", "initrd /initrd\ninitrd /other"),
    "own tree": _ENTRY + "devicetree /board.dtb\n",
}
METHODS = ("kexec_load", "kexec_file_load", "kexec_tools")


# ---- the machine -------------------------------------------------------------------------------------------


@dataclass
class Fault:
    """What goes wrong: the nth call of that name, from the moment it is armed."""

    call: str = ""
    nth: int = 0
    number: int = 0
    """errno; 0 = the call gives less than it should."""
    armed: bool = False
    seen: list[str] = field(default_factory=list)
    """Every call since it was armed, for whoever looks for places."""
    struck: bool = False

    def strikes(self, call: str) -> bool:
        """Count it."""
        if not self.armed:
            return False
        self.seen.append(call)
        if self.struck or call != self.call or self.seen.count(call) != self.nth:
            return False
        self.struck = True
        return True


class _Calls(FakeSyscalls):
    """Remembers whether something is loaded, where the session looks for it."""

    def __init__(self, fault: Fault, told: Path) -> None:
        super().__init__()
        self.fault, self._told = fault, told

    def _may(self, call: str) -> None:
        if self.fault.strikes(call):
            raise failure(self.fault.number or errno.EIO)

    def _now(self, loaded: bool) -> None:
        with self._told.open("w") as file:
            file.write(f"{int(loaded)}\n")

    def openat2(self, folder: int, path: str, flags: int, resolve: Any) -> int:
        self._may("openat2")
        return super().openat2(folder, path, flags, resolve)

    @contextlib.contextmanager
    def mapped(self, descriptor: int, size: int, offset: int = 0) -> Iterator[int]:
        self._may("mmap")
        with super().mapped(descriptor, size, offset) as address:
            yield address

    def kexec_load(self, entry: int, segments: Sequence[Segment]) -> None:
        self._may("kexec_load" if segments else "kexec_unload")
        super().kexec_load(entry, segments)
        self._now(bool(segments))

    def kexec_file_load(self, kernel: int, initrd: int | None, command_line: bytes) -> None:
        self._may("kexec_file_load")
        super().kexec_file_load(kernel, initrd, command_line)
        self._now(True)

    def kexec_file_unload(self) -> None:
        self._may("kexec_unload")
        super().kexec_file_unload()
        self._now(False)

    def sync(self) -> None:
        super().sync()


@dataclass
class _Programs(Commands):
    """kexec, which can be missing, hang, fail, and say anything; and hooks, which are run as they are."""

    fault: Fault
    told: Path
    chance: random.Random

    def find(self, name: str) -> str | None:
        return f"/usr/sbin/{name}" if name == "kexec" else super().find(name)

    def run(self, argv: Sequence[str], **options: Any) -> Completed:
        if argv[0] != "kexec":
            return super().run(argv, **{**options, "timeout": min(options["timeout"], 2.0)})
        unload = "-u" in argv
        if self.fault.strikes("kexec -u" if unload else "kexec -l"):
            match self.chance.randrange(4):
                case 0:
                    raise CommandError("kexec cannot be started: Input/output error")
                case 1:
                    raise HangingError("kexec did not end within 300 s", "Is a disk hanging?")
                case 2:
                    return Completed(returncode=-9, stdout=b"", stderr=b"")
                case _:
                    said = b"kexec_load failed: Device or resource busy\n\x1b[2J\xff"
                    return Completed(returncode=1, stdout=b"", stderr=said)
        self.told.write_text("0\n" if unload else "1\n")
        return Completed(returncode=0, stdout=b"", stderr=b"")


_PATCHED: tuple[tuple[Any, str, bool], ...] = (
    # the call, and whether it can give less than it was asked for
    *((os, "open", False), (os, "read", True), (os, "pread", True), (os, "write", False), (os, "fstat", False)),
    *(
        (os, "stat", False),
        (os, "lseek", False),
        (os, "dup", False),
        (os, "memfd_create", False),
        (os, "pidfd_open", False),
        (os, "scandir", False),
    ),
    *((os, "posix_fadvise", False), (os, "readlink", False), (fcntl, "fcntl", False), (fcntl, "ioctl", False)),
)


@contextlib.contextmanager
def _faulty_os(fault: Fault) -> Iterator[None]:
    """The calls that our own files make of the standard library."""
    real = [(module, name, getattr(module, name), short) for module, name, short in _PATCHED if hasattr(module, name)]

    def faulty(name: str, call: Callable[..., Any], short: bool) -> Callable[..., Any]:
        def wrapper(*arguments: Any, **options: Any) -> Any:
            ours = str(sys._getframe(1).f_globals.get("__name__", "")).startswith("bootmenu.")
            if not ours or not fault.strikes(name):
                return call(*arguments, **options)
            if fault.number:
                raise failure(fault.number)
            answer = call(*arguments, **options)
            return answer[: len(answer) // 2] if short else answer

        return wrapper

    for module, name, call, short in real:
        setattr(module, name, faulty(name, call, short))
    try:
        yield
    finally:
        for module, name, call, _ in real:
            setattr(module, name, call)


class _Machine:
    """One sitting: a partition, a session about it, and what went wrong with the state."""

    def __init__(self, root: Path, method: str, entry: str, chance: random.Random) -> None:
        self.fault = Fault()
        self.root, self.partition = root, root / "part"
        self.chance = chance
        shutil.rmtree(root, ignore_errors=True)
        Bench(self.partition).tree.close()
        write_tree(
            self.partition,
            {
                "Image.gz": gzip.compress((self.partition / "Image").read_bytes(), mtime=0),
                "loader/entries/one.conf": ENTRIES[entry],
            },
        )
        self.pristine = {
            path.relative_to(self.partition): path.read_bytes()
            for path in self.partition.rglob("*")
            if path.is_file()
        }
        host_root = write_tree(
            root / "host", {"/sys/kernel/kexec_loaded": "0\n", "/sys/firmware/fdt": running_tree().to_bytes()}
        )
        self.told = host_root / "sys/kernel/kexec_loaded"
        self.host = Host(
            root=host_root,
            syscalls=_Calls(self.fault, self.told),
            commands=_Programs(self.fault, self.told, chance),
            log=FakeLog(["old line"]),
        )
        (root / "state").mkdir()
        self.full = False
        machine: MachineFacts = machines.virt()
        self.devices: list[Device] = [Device(name="sda1", folder=str(self.partition), uuid="1234")]
        self.session = MachineSession(
            self.host,
            machine,
            lambda: tuple(self.devices),
            method=method,
            state_store=StateStore(FolderBackend(root / "state", _Disk(self))),
        )

    @property
    def loaded(self) -> bool:
        return self.told.read_text() != "0\n"

    def listing(self) -> Listing:
        found, problems = collect(self.session)
        if len([one for one in found if one.entry.source == "bls"]) != 1:
            raise AssertionError(f"the entry is not found: {[str(problem) for problem in problems]}")
        return next(one for one in found if one.entry.source == "bls")

    def hook(self, text: str) -> None:
        path = self.root / "host/etc/bootmenu/hooks/before-jump.d/10-odd"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def restore(self) -> None:
        """Everything is in order again."""
        self.fault.armed = False
        self.full = False
        shutil.rmtree(self.root / "host/etc", ignore_errors=True)
        if not self.partition.is_dir() or self.partition.is_symlink():
            self.partition.unlink(missing_ok=True)
        for path, data in self.pristine.items():
            target = self.partition / path
            if target.is_symlink() or not target.is_file():
                if target.is_dir() and not target.is_symlink():
                    shutil.rmtree(target)
                target.unlink(missing_ok=True)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)


class _Disk(Files):
    """The state's, which may be full."""

    def __init__(self, machine: _Machine) -> None:
        self._machine = machine

    def write(self, path: str, data: bytes) -> None:
        if self._machine.full:
            raise failure(errno.ENOSPC)
        super().write(path, data)


# ---- what goes wrong ---------------------------------------------------------------------------------------


def _vanish(path: Path, _: random.Random) -> None:
    path.unlink(missing_ok=True)


def _shrink(path: Path, chance: random.Random) -> None:
    os.truncate(path, chance.randrange(max(1, path.stat().st_size)))


def _grow(path: Path, _: random.Random) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def _change(path: Path, chance: random.Random) -> None:
    data = bytearray(path.read_bytes())
    data[chance.randrange(len(data))] ^= 0xFF
    path.write_bytes(data)


def _link(path: Path, chance: random.Random) -> None:
    path.unlink()
    path.symlink_to(chance.choice(("/etc/passwd", path.name, "../../../etc/passwd", "/initrd")))


def _fifo(path: Path, _: random.Random) -> None:
    path.unlink()
    os.mkfifo(path)


def _folder(path: Path, _: random.Random) -> None:
    path.unlink()
    path.mkdir()


def _other(path: Path, chance: random.Random) -> None:
    fresh = path.with_name("fresh")
    fresh.write_bytes(chance.randbytes(path.stat().st_size))
    fresh.replace(path)


_CHANGES = (_vanish, _shrink, _grow, _change, _link, _fifo, _folder, _other)
_HOOKS = (
    *(
        "#!/bin/sh\nexit 3\n",
        "#!/bin/sh\nkill -9 $$\n",
        "#!/bin/sh\nsleep 2 & exit 0\n",
        "#!/nonexistent\n",
        "no program",
    ),
    *("#!/bin/sh\nsleep 30\n", "#!/bin/sh\nprintf '\\033[2J\\377'; exit 1\n", "#!/bin/sh\nyes | head -c 20000000\n"),
)

Attack = Callable[[_Machine, random.Random], None]


def _fault_attack(machine: _Machine, chance: random.Random) -> None:
    """A call fails, or gives less than was asked for: which, is found by a load that is only watched."""
    listing = machine.listing()
    with _faulty_os(machine.fault):
        machine.fault.armed = True
        plan = machine.session.plan(listing)
        for _ in _whole(machine, plan):
            pass
    machine.session.unload(plan)
    seen = list(machine.fault.seen)
    call = chance.choice(sorted(set(seen)))
    number = chance.choice((*_ERRNOS, 0, 0))
    machine.fault.__init__(call=call, nth=chance.randint(1, seen.count(call)), number=number)  # type: ignore[misc]
    machine.restore()
    listing = machine.listing()
    with _faulty_os(machine.fault):
        machine.fault.armed = True
        _load(machine, listing)


def _whole(machine: _Machine, plan: LoadPlan) -> Iterator[Progress]:
    yield from machine.session.load(plan)
    yield from machine.session.prepare_jump(plan)


def _load(machine: _Machine, listing: Listing, at: int = -1, then: Callable[[], None] | None = None) -> None:
    """As a menu does it: whatever comes but a jump, nothing stays loaded. Raises what the session does."""
    plan = machine.session.plan(listing)
    try:
        for number, _ in enumerate(_whole(machine, plan)):
            if number == at and then is not None:
                then()
        try:
            machine.session.execute(plan)
        except LoadError as error:
            if not error.message:
                raise AssertionError("a jump that failed without a word") from None
    except BaseException:
        machine.session.unload(plan)
        raise


def _file_attack(machine: _Machine, chance: random.Random) -> None:
    """A file is another one, between the plan and the load or while it is loaded."""
    listing = machine.listing()
    name = chance.choice(("Image", "Image.gz", "initrd", "other", "board.dtb", "loader/entries/one.conf"))
    change = chance.choice(_CHANGES)
    at = chance.randrange(-1, 9)
    if at < 0:
        change(machine.partition / name, chance)
    _load(machine, listing, at, lambda: change(machine.partition / name, chance))


def _device_attack(machine: _Machine, chance: random.Random) -> None:
    """The device goes, or another one is there in its place."""
    listing = machine.listing()

    def go() -> None:
        if chance.random() < 0.5:
            machine.devices.clear()
        shutil.rmtree(machine.partition)
        if chance.random() < 0.3:
            machine.partition.mkdir()

    at = chance.randrange(-1, 9)
    if at < 0:
        go()
    _load(machine, listing, at, go)


def _cancel_attack(machine: _Machine, chance: random.Random) -> None:
    """Somebody gives up at one of the steps."""
    listing = machine.listing()
    plan = machine.session.plan(listing)
    steps = machine.session.load(plan)
    try:
        for _ in range(chance.randint(0, 12)):
            next(steps, None)
    finally:
        steps.close()  # type: ignore[attr-defined]
        machine.session.unload(plan)


def _hook_attack(machine: _Machine, chance: random.Random) -> None:
    """A hook of the first stage fails, hangs, leaves children, or says too much."""
    machine.hook(_HOOKS[chance.choices(range(len(_HOOKS)), [9, 9, 1, 9, 9, 1, 9, 2])[0]])
    _load(machine, machine.listing())


def _state_attack(machine: _Machine, chance: random.Random) -> None:
    """The place of the state is full."""
    listing = machine.listing()
    at = chance.randrange(-1, 9)

    def fill() -> None:
        machine.full = True

    if at < 0:
        fill()
    _load(machine, listing, at, fill)
    machine.session.state_store.update(lambda state: State(default=f"x{chance.random()}"))
    if machine.full and not machine.session.state_store.error:
        raise AssertionError("what could not be remembered is not told")


def _again_attack(machine: _Machine, chance: random.Random) -> None:
    """The same entry again: after a jump that came back, when all was let go of, or in the middle of a look."""
    listing = machine.listing()
    for _ in range(chance.randint(1, 3)):
        try:
            match chance.randrange(3):
                case 0:
                    _load(machine, listing)
                case 1:
                    plan = machine.session.plan(listing)
                    for _step in _whole(machine, plan):
                        pass
                    machine.session.unload(plan)
                case _:
                    scan = machine.session.scan()
                    next(scan, None)
                    scan.close()
            machine.session.plan(listing)
        except BootmenuError as error:
            raise AssertionError(f"a machine that is well is refused: {error.message}") from None


KINDS: dict[str, tuple[int, Attack]] = {
    "load: a call fails": (50, _fault_attack),
    "load: a file changes": (25, _file_attack),
    "load: the device goes": (8, _device_attack),
    "load: given up": (10, _cancel_attack),
    "load: a hook is odd": (2, _hook_attack),
    "load: the state cannot be kept": (5, _state_attack),
    "load: again after a jump": (5, _again_attack),
}


def _one(root: Path, attack: Attack, chance: random.Random) -> str:
    """What is wrong after it; empty = it held."""
    before, threads = descriptors(), threading.active_count()
    method, entry = chance.choice(METHODS), chance.choice(sorted(ENTRIES))
    if method == "kexec_file_load" and entry == "own tree":
        entry = "plain"
    machine = _Machine(root, method, entry, chance)
    try:
        try:
            attack(machine, chance)
        except BootmenuError as error:
            if not error.message.strip():
                return "an error without a message"
        if machine.loaded and not (machine.fault.struck and machine.fault.call in ("kexec_unload", "kexec -u")):
            return f"something stays loaded ({method}, {entry})"
        machine.restore()
        machine.devices[:] = [Device(name="sda1", folder=str(machine.partition), uuid="1234")]
        listing = machine.listing()
        try:
            plan = machine.session.plan(listing)
            for _ in _whole(machine, plan):
                pass
        except BootmenuError as error:
            return f"a plain load does not succeed afterwards: {error.message}"
        if not machine.loaded:
            return "a plain load afterwards loads nothing"
        machine.session.unload(plan)
    finally:
        machine.fault.armed = False
        machine.session.close()
    calls = machine.host.syscalls
    assert isinstance(calls, FakeSyscalls)
    if calls.mounted:
        return f"still mounted: {calls.mounted}"
    end = monotonic() + 5
    while (descriptors() - before or threading.active_count() > threads) and monotonic() < end:
        sleep(0.01)
    if left := descriptors() - before:
        return f"{len(left)} descriptors stay open"
    return f"{threading.active_count() - threads} threads stay" if threading.active_count() > threads else ""


def run(seed: int, count: int, *, only: str = "", index: str = "") -> list[Tally]:
    """The part."""
    from tests.attack.inputs import shares

    chosen = {kind: weight for kind, (weight, _) in KINDS.items() if not only or kind == only}
    numbers = shares(count, chosen)
    if index:
        first, _, last = index.partition("-")
        ranges = {only: range(int(first), int(last or first) + 1)}
    else:
        ranges = {kind: range(number) for kind, number in numbers.items()}
    tallies = []
    with tempfile.TemporaryDirectory(prefix="attack-") as place:
        for kind, numbered in ranges.items():
            tally = Tally(kind=kind)
            for number in numbered:
                command = f"make attack ARGS=\"loads --seed {seed} --only '{kind}' --index {number}\""
                try:
                    what = _one(Path(place, "machine"), KINDS[kind][1], random.Random(f"{seed}/{kind}/{number}"))
                except Exception as error:
                    from tests.attack.inputs import _where

                    what = f"{type(error).__name__}: {error}, at {_where(error)}"[:300]
                if what:
                    tally.broke(what, command, what.partition(" (")[0].partition("/")[0])
                else:
                    tally.held()
            tallies.append(tally)
            told(f"loads: {kind}: {tally.tried:,} tried, {tally.failed:,} broke")
    return tallies
