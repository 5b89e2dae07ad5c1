# SPDX-License-Identifier: MIT
"""Every call that a start makes fails once: each step says so in its own kind of error, and nothing stays open."""

from __future__ import annotations

import errno
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bootmenu.discovery.scan_events import Listing
from bootmenu.errors import BootmenuError
from bootmenu.kexec.kernel_errors import LoadError
from bootmenu.kexec.plan import LoadPlan
from tests.attack.loads import Fault, _faulty_os, _Machine
from tests.kexec.staging import descriptors

_STARTS = (
    ("kexec_load", "own tree"),
    ("kexec_load", "packed"),
    ("kexec_file_load", "plain"),
    ("kexec_tools", "own tree"),
)


def _hold(machine: _Machine, listing: Listing, _: LoadPlan) -> None:
    with machine.session.holding(listing):
        pass


_LOOKS: dict[str, Callable[[_Machine, Listing, LoadPlan], object]] = {
    "holding": _hold,
    "plan": lambda machine, listing, _: machine.session.plan(listing),
    "plan_dtbs": lambda machine, _, plan: machine.session.plan_dtbs(plan),
    "device_trees": lambda machine, listing, _: machine.session.device_trees(listing),
    "recheck": lambda machine, listing, _: machine.session.recheck(listing.entry),
}
_NUMBERS = {"mmap": errno.ENODEV, "memfd_create": errno.EMFILE, "dup": errno.EMFILE, "write": errno.ENOSPC}


def _faults(seen: list[str]) -> Iterator[Fault]:
    for call in sorted(set(seen)):
        for nth in range(1, seen.count(call) + 1):
            yield Fault(call=call, nth=nth, number=_NUMBERS.get(call, errno.EIO))
            if call in ("read", "pread"):
                yield Fault(call=call, nth=nth)  # it gives less than it was asked for


def _with(machine: _Machine, fault: Fault, work: Callable[[], object]) -> Exception | None:
    """What the work raises with this fault."""
    vars(machine.fault).update(vars(fault), seen=[])
    with _faulty_os(machine.fault):
        machine.fault.armed = True
        try:
            work()
        except Exception as error:
            return error
        finally:
            machine.fault.armed = False
    return None


def _wrong(machine: _Machine, plan: LoadPlan, work: Callable[[], object], kind: type[BootmenuError]) -> list[str]:
    """Faults after which the work raises something else than an error of its kind, or leaves something open."""

    def afresh() -> None:
        machine.session._mounts.release(held=True)
        machine.session.unload(plan)

    afresh()
    assert _with(machine, Fault(), work) is None
    seen = list(machine.fault.seen)
    assert seen
    afresh()
    before, wrong = descriptors(), list[str]()
    for fault in _faults(seen):
        error = _with(machine, fault, work)
        afresh()
        if error is not None and not (isinstance(error, kind) and error.message):
            wrong.append(f"{fault.call} {fault.nth} ({fault.number}): {error!r}")
        if left := descriptors() - before:
            wrong.append(f"{fault.call} {fault.nth} ({fault.number}): {len(left)} descriptors stay open")
            before |= left
    return wrong


@pytest.mark.parametrize(("method", "entry"), _STARTS)
@pytest.mark.parametrize("look", _LOOKS)
def test_a_look_that_fails_at_any_call_says_so(tmp_path: Path, method: str, entry: str, look: str) -> None:
    machine = _Machine(tmp_path / "machine", method, entry, random.Random(1))
    listing = machine.listing()
    plan = machine.session.plan(listing)
    try:
        wrong = _wrong(machine, plan, lambda: _LOOKS[look](machine, listing, plan), BootmenuError)
        assert not wrong, "\n".join(wrong)
    finally:
        machine.session.close()


@pytest.mark.parametrize(("method", "entry"), _STARTS)
def test_a_start_that_fails_at_any_call_says_so_and_leaves_nothing_loaded(
    tmp_path: Path, method: str, entry: str
) -> None:
    machine = _Machine(tmp_path / "machine", method, entry, random.Random(1))
    plan = machine.session.plan(machine.listing())

    def start() -> None:
        try:
            for _ in machine.session.load(plan):
                pass
        except Exception:
            assert not machine.loaded, "the load itself takes it out"
            raise
        try:
            for _ in machine.session.prepare_jump(plan):
                pass
        finally:
            machine.session.unload(plan)

    try:
        wrong = _wrong(machine, plan, start, LoadError)
        assert not wrong, "\n".join(wrong)
    finally:
        machine.session.close()
