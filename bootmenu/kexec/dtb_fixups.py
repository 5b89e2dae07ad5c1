# SPDX-License-Identifier: MIT
"""Apply firmware fix-ups to device trees, with the same result for scan, plan and load."""

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
from bootmenu.kexec.dtb_changes import DtbEditError, Edit, apply, check_typed_edits, with_typed_edits
from bootmenu.kexec.firmware_fixups import edits
from bootmenu.kexec.plan import LoadPlan, PlannedFile
from bootmenu.kexec.planned_files import read_planned
from bootmenu.model.machine import MachineFacts
from bootmenu.model.value import Value
from bootmenu.system.directory_tree import DirectoryTree
from bootmenu.system.host import Host

_REMEMBERED = 64
"""Number of results that are cached: entries of one partition mostly share a tree."""


class PlanTrees(Value):
    """The device trees of one plan."""

    running: DeviceTree | None
    """The tree of the first stage, or None if it cannot be read."""
    named: DeviceTree | None
    """The entry's own tree with its overlays, or None if it has neither."""
    final: DeviceTree | None
    """The tree that the next kernel gets, or None if that is the running one and it cannot be read."""


class DtbFixups:
    """Predict and make the changes that one machine needs in the device trees of its entries. Thread-safe.

    trees: returns the open partitions when files are read. carry_over: add to a tree what firmware put into the
    running one. local: whether the host is the machine that the facts are about, whose tree may be read.
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
        """Return the running tree, or None if it cannot be read or the machine is another one."""
        with self._lock:
            if not self._looked and self._local:
                self._looked = True
                self._running, _, self._problem = read_tree(self._host)
            return self._running

    def merged(self, own: bytes | None, others: Sequence[bytes], typed: Sequence[str] = ()) -> DeviceTree:
        """Return a tree with its overlays and typed changes. own: the entry's tree, or None for the running one.
        Raise FormatError, OverlayError, DtbEditError."""
        if own is None:
            base = self.running
            if base is None:
                raise BootmenuError(
                    f"the running device tree cannot be read: {self._problem or 'there is none'}", "Run as root."
                )
        else:
            base = DeviceTree.from_bytes(own)
        return with_typed_edits(overlays.apply(self._host, base, others), typed)

    def on(self, trees: Mapping[str, DirectoryTree]) -> DtbFixups:
        """Return a copy that reads the files of its plans from these trees."""
        _ = self.running  # read once for both copies
        other = copy.copy(self)
        other._trees = lambda: trees
        return other

    def read(self, dtb: PlannedFile | None, others: Sequence[PlannedFile], typed: Sequence[str] = ()) -> DeviceTree:
        """Read and return the device tree of a plan, without fix-ups. Raise BootmenuError."""
        trees = self._trees()
        own = None if dtb is None else read_planned(dtb, trees, MAX_SIZE)
        return self.merged(own, [read_planned(file, trees, MAX_SIZE) for file in others], typed)

    def edits(self, tree: DeviceTree) -> tuple[Edit, ...]:
        """Return the changes that a tree needs on this machine."""
        return tuple(edits(tree, self._machine, self.running, carry_over=self._carry_over))

    def trees(self, plan: LoadPlan) -> PlanTrees:
        """Read and return the trees of a plan, before and after all changes. Raise BootmenuError."""
        running = self.running
        if not plan.own_tree:
            after = apply(running, plan.edits) if running is not None and plan.writes_dtb else running
            return PlanTrees(running=running, named=None, final=after)
        base = self.read(plan.dtb, plan.overlays)
        named = base if plan.dtb is not None or plan.overlays else None
        final = apply(with_typed_edits(base, plan.entry.dtb_edits), plan.edits)
        return PlanTrees(running=running, named=named, final=final)

    def predict(self, own: bytes | None, others: Sequence[bytes], typed: Sequence[str] = ()) -> FixedUpDtb:
        """Return the tree that loading would make. Never raise."""
        # keyed by digests, so that the trees themselves need not be kept
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
            check_typed_edits(tree, final, typed)
            return FixedUpDtb(
                base=base,
                tree=facts(final),
                fixups=tuple(dict.fromkeys(edit.path for edit in changes if edit.value is not None)),
            )
        except DtbEditError as error:
            return FixedUpDtb(base=base, edit_problem=error.message, hint=error.hint)
        except BootmenuError as error:
            return FixedUpDtb(base=base, problem=error.message, hint=error.hint)
