# SPDX-License-Identifier: MIT
"""The firmware fix-ups of the device trees that a machine hands on: one answer for scan, plan and load."""

from __future__ import annotations

import copy
import hashlib
import os
import threading
from collections.abc import Callable, Mapping, Sequence

from bootmenu.compat.facts import DeviceTreeFacts, FixedUpDtb
from bootmenu.discovery.machine_facts import read_tree
from bootmenu.errors import BootmenuError
from bootmenu.formats.dtb import MAX_SIZE, DeviceTree
from bootmenu.formats.dtb_facts import facts
from bootmenu.kexec import overlays
from bootmenu.kexec.dtb_changes import DtbEditError, Edit, apply, edited, see_that_edits_last
from bootmenu.kexec.firmware_fixups import edits
from bootmenu.kexec.plan import LoadPlan, PlannedFile
from bootmenu.kexec.planned_files import whole
from bootmenu.model.machine import MachineFacts
from bootmenu.model.value import Value
from bootmenu.system.directory_tree import DirectoryTree
from bootmenu.system.host import Host

_REMEMBERED = 64
"""Trees whose answer is kept: entries of one partition mostly share theirs."""


class PlanTrees(Value):
    """The device trees of one plan."""

    running: DeviceTree | None
    """Of the first stage; None = it cannot be read."""
    named: DeviceTree | None
    """The entry's own, with its overlays; None = it brings none."""
    final: DeviceTree | None
    """What the next kernel gets; None = the running one, which cannot be read."""


class DtbFixups:
    """Predict and make what one machine adds to the device trees of its entries; for any thread.

    trees: asked for the open partitions when files are read. carry_over: add to a tree what firmware put into the
    running one. local: the host is the machine that the facts are about, so that its running tree may be read.
    """

    def __init__(
        self,
        host: Host,
        machine: MachineFacts,
        trees: Callable[[], Mapping[str, DirectoryTree]],
        *,
        carry_over: bool = True,
        local: bool = True,
    ) -> None:
        self._host = host
        self._machine = machine
        self._trees = trees
        self._carry_over = carry_over
        self._local = local
        self._lock = threading.Lock()
        self._running: DeviceTree | None = None
        self._problem: str | None = None
        self._looked = False
        self._known: dict[tuple[bytes | None, ...], FixedUpDtb] = {}

    @property
    def running(self) -> DeviceTree | None:
        """The running tree; None when it cannot be read, or the machine is another one."""
        with self._lock:
            if not self._looked and self._local:
                self._looked = True
                self._running, _, self._problem = read_tree(self._host)
            return self._running

    def merged(self, own: bytes | None, others: Sequence[bytes], typed: Sequence[str] = ()) -> DeviceTree:
        """Return an entry's own tree, None = the running one, with its overlays and what somebody typed. Raise
        FormatError, OverlayError, DtbEditError."""
        if own is None:
            base = self.running
            if base is None:
                raise BootmenuError(
                    f"the running device tree cannot be read: {self._problem or 'there is none'}", "Run as root."
                )
        else:
            base = DeviceTree.from_bytes(own)
        return edited(overlays.apply(self._host, base, others), typed)

    def on(self, trees: Mapping[str, DirectoryTree]) -> DtbFixups:
        """Return a copy that reads the files of its plans from these trees."""
        _ = self.running  # asked once for both
        other = copy.copy(self)
        other._trees = lambda: trees
        return other

    def read(self, dtb: PlannedFile | None, others: Sequence[PlannedFile], typed: Sequence[str] = ()) -> DeviceTree:
        """See kexec/plan.py."""
        trees = self._trees()
        own = None if dtb is None else whole(dtb, trees, MAX_SIZE)
        return self.merged(own, [whole(file, trees, MAX_SIZE) for file in others], typed)

    def edits(self, tree: DeviceTree) -> tuple[Edit, ...]:
        """Return what has to change in a tree on this machine."""
        return tuple(edits(tree, self._machine, self.running, carry_over=self._carry_over))

    def trees(self, plan: LoadPlan) -> PlanTrees:
        """Return those of a plan, as they are and as they will be. Read the disk. Raise BootmenuError."""
        running = self.running
        if not plan.own_tree:
            after = apply(running, plan.edits) if running is not None and plan.writes_dtb else running
            return PlanTrees(running=running, named=None, final=after)
        base = self.read(plan.dtb, plan.overlays)
        named = base if plan.dtb is not None or plan.overlays else None
        final = apply(edited(base, plan.entry.dtb_edits), plan.edits)
        return PlanTrees(running=running, named=named, final=final)

    def predict(self, own: bytes | None, others: Sequence[bytes], typed: Sequence[str] = ()) -> FixedUpDtb:
        """Return what loading would make of it. Never raise."""
        # by their digests: the trees of many entries need not be kept
        texts = (os.fsencode(text) for text in typed)
        key = (*(None if data is None else hashlib.sha256(data).digest() for data in (own, *others)), b"", *texts)
        with self._lock:
            if key in self._known:
                return self._known[key]
        answer = self._predict(own, others, typed)
        with self._lock:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[key] = answer
        return answer

    def _predict(self, own: bytes | None, others: Sequence[bytes], typed: Sequence[str]) -> FixedUpDtb:
        base = None
        if own is None and self.running is not None:
            base = DeviceTreeFacts.from_bytes(self.running.to_bytes())
        try:
            tree = self.merged(own, others, typed)
            changes = self.edits(tree)
            final = apply(tree, changes)
            see_that_edits_last(tree, final, typed)
            return FixedUpDtb(
                base=base,
                tree=facts(final),
                fixups=tuple(dict.fromkeys(edit.path for edit in changes if edit.value is not None)),
            )
        except DtbEditError as error:
            return FixedUpDtb(base=base, edit_problem=error.message, hint=error.hint)
        except BootmenuError as error:
            return FixedUpDtb(base=base, problem=error.message, hint=error.hint)
