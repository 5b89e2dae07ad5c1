# SPDX-License-Identifier: MIT
"""Build the device tree that a boot hands over, with the same result for scan, plan and load."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence

from bootmenu.compat.facts import DeviceTreeFacts, FixedUpDtb
from bootmenu.discovery.machine_facts import read_tree
from bootmenu.errors import BootmenuError
from bootmenu.formats.dtb import MAX_SIZE, DeviceTree
from bootmenu.formats.dtb_facts import facts
from bootmenu.kexec.firmware_fixups import fixups
from bootmenu.kexec.overlays import apply_overlays
from bootmenu.kexec.planned_files import read_planned
from bootmenu.kexec.write_dtb import TypedEditError, apply, check_typed_edits, with_typed_edits
from bootmenu.model.digest import sha256
from bootmenu.model.value import Value, replace
from bootmenu.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from bootmenu.kexec.plan import LoadPlan, PlannedFile
    from bootmenu.kexec.write_dtb import Edit
    from bootmenu.model.machine import MachineFacts
    from bootmenu.system.directory_tree import DirectoryTree
    from bootmenu.system.host import Host

_REMEMBERED = 64
"""Number of results that are cached: entries of one partition mostly share a tree."""


class PlanDtbs(Value):
    """The device trees of one plan."""

    running: DeviceTree | None
    """The tree of the first stage, or None if it cannot be read."""
    own: DeviceTree | None
    """The entry's own tree with its overlays, or None if it has neither."""
    final: DeviceTree | None
    """The tree that the next kernel gets, or None if that is the running one and it cannot be read."""


class DtbBuilder:
    """Build the device trees that one machine hands over: base, overlays, typed edits, then all other edits.
    Thread-safe.

    partitions: returns the open partitions, by device name, when files are read. carry_over: add to a tree what
    firmware put into the running one. local: whether the host is the machine that the facts are about, whose tree may
    be read.
    """

    def __init__(
        self,
        host: Host,
        machine: MachineFacts,
        partitions: Callable[[], Mapping[str, DirectoryTree]],
        *,
        carry_over: bool = True,
        local: bool = True,
    ) -> None:
        self._host = host
        self._machine = machine
        self._partitions = partitions
        self._carry_over = carry_over
        self._local = local
        self._lock = threading.Lock()
        self._running: DeviceTree | None = None
        self._problem: str | None = None
        self._read_running = False
        self._known: dict[tuple[bytes | None, ...], FixedUpDtb] = {}

    @property
    def running(self) -> DeviceTree | None:
        """Return the running tree, or None if it cannot be read or the machine is another one."""
        with self._lock:
            if not self._read_running and self._local:
                self._read_running = True
                self._running, _, self._problem = read_tree(self._host)
            return self._running

    def merged(self, dtb: bytes | None, overlays: Sequence[bytes], typed: Sequence[str] = ()) -> DeviceTree:
        """Return a tree with its overlays and typed edits. dtb: the entry's tree, or None for the running one.
        Raise FormatError, OverlayError, TypedEditError."""
        if dtb is None:
            base = self.running
            if base is None:
                raise BootmenuError(
                    f"the running device tree cannot be read: {self._problem or 'there is none'}", "Run as root."
                )
        else:
            base = DeviceTree.from_bytes(dtb)
        return with_typed_edits(apply_overlays(self._host, base, overlays), typed)

    def on(self, partitions: Mapping[str, DirectoryTree]) -> DtbBuilder:
        """Return a copy that reads the files of its plans from these partitions."""
        _ = self.running  # read once for both copies
        other = object.__new__(DtbBuilder)
        vars(other).update(vars(self))
        other._partitions = lambda: partitions
        return other

    def read(self, dtb: PlannedFile | None, overlays: Sequence[PlannedFile], typed: Sequence[str] = ()) -> DeviceTree:
        """Read and return the device tree of a plan, without fix-ups. Raise BootmenuError."""
        partitions = self._partitions()
        data = None if dtb is None else read_planned(dtb, partitions, MAX_SIZE)
        return self.merged(data, [read_planned(file, partitions, MAX_SIZE) for file in overlays], typed)

    def fixups(self, tree: DeviceTree) -> tuple[Edit, ...]:
        """Return the firmware fix-ups that a tree needs on this machine."""
        return tuple(fixups(tree, self._machine, self.running, carry_over=self._carry_over))

    def dtbs(self, plan: LoadPlan) -> PlanDtbs:
        """Read and return the device trees of a plan, before and after all edits. Raise BootmenuError."""
        running = self.running
        if not plan.own_tree:
            final = apply(running, plan.edits) if running is not None and plan.writes_dtb else running
            return PlanDtbs(running=running, own=None, final=final)
        base = self.read(plan.dtb, plan.overlays)
        own = base if plan.dtb is not None or plan.overlays else None
        final = apply(with_typed_edits(base, plan.entry.dtb_edits), plan.edits)
        return PlanDtbs(running=running, own=own, final=final)

    def predict(self, dtb: bytes | None, overlays: Sequence[bytes], typed: Sequence[str] = ()) -> FixedUpDtb:
        """Return the tree that loading would make. Never raise."""
        # keyed by digests, so that the trees themselves need not be kept
        texts = (os.fsencode(text) for text in typed)
        key = (*(None if data is None else sha256(data).digest() for data in (dtb, *overlays)), b"", *texts)
        with self._lock:
            if key in self._known:
                return self._known[key]
        answer = self._predict(dtb, overlays, typed)
        with self._lock:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[key] = answer
        return answer

    def _predict(self, dtb: bytes | None, overlays: Sequence[bytes], typed: Sequence[str]) -> FixedUpDtb:
        base = None
        if dtb is None and self.running is not None:
            base = DeviceTreeFacts.from_bytes(self.running.to_bytes())
        try:
            tree = self.merged(dtb, overlays, typed)
            edits = self.fixups(tree)
            final = apply(tree, edits)
            check_typed_edits(tree, final, typed)
            return FixedUpDtb(
                base=base,
                tree=facts(final),
                fixups=tuple(dict.fromkeys(edit.path for edit in edits if edit.value is not None)),
            )
        except TypedEditError as error:
            # the other checks judge the tree without the edits: to judge it without fix-ups would blame it as well
            return replace(self._predict(dtb, overlays, ()), edit_problem=error.message, hint=error.hint)
        except BootmenuError as error:
            without = self._predict(dtb, (), ()) if overlays else FixedUpDtb(base=base)
            return replace(without, problem=error.message, hint=error.hint)
