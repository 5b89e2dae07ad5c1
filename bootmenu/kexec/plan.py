# SPDX-License-Identifier: MIT
"""The boot plan: what will be loaded, by which method, with which edits. Preview, dry run and load all use it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bootmenu.compat.facts import FileState
from bootmenu.config.settings import Watchdog
from bootmenu.errors import BootmenuError
from bootmenu.i18n import N_, English, Message
from bootmenu.kexec.demands import Demands
from bootmenu.kexec.methods import METHODS
from bootmenu.kexec.write_dtb import Edit, TypedEditError, apply, boot_edits, check_typed_edits
from bootmenu.model.entry import BootEntry, FileRef
from bootmenu.model.kernel import Compression
from bootmenu.model.machine import MachineFacts
from bootmenu.model.progress import Stage
from bootmenu.model.stamp import Stamp
from bootmenu.model.text import printable
from bootmenu.model.value import Value, field, replace
from bootmenu.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from bootmenu.compat.facts import EntryFacts, FileFacts
    from bootmenu.formats.dtb import DeviceTree
    from bootmenu.kexec.dtb_builder import DtbBuilder
    from bootmenu.kexec.methods import Method


class PlanError(BootmenuError):
    """The entry cannot be loaded at all, even if findings are overridden."""


class PlannedFile(Value, kw_only=True):
    """One file to read."""

    ref: FileRef
    size: int
    """Size on the disk in bytes."""
    stamp: Stamp | None = None
    """Stamp of the file that was checked: a changed file is not loaded. None if it was not recorded."""
    offset: int = 0
    """Bytes before the part that is loaded."""
    length: int | None = None
    """Bytes of the part that is loaded, packed or not; None for the rest of the file."""
    compression: Compression = Compression.NONE
    """Compression of that part; it is unpacked before it is loaded."""
    sha256: str | None = None
    """The digest that the whole file must have, 64 hexadecimal digits, or None for any, as known when the plan was
    made: the entry's (FileRef.sha256), or that of LoadPlan.demands, which decides when the file is opened."""

    @property
    def as_it_is(self) -> bool:
        """Return whether the whole file is loaded, without unpacking or packing."""
        whole = self.offset == 0 and self.length is None
        return whole and self.compression is Compression.NONE and not self.ref.archive


class LoadPlan(Value, kw_only=True):
    """Everything that a boot of one entry will do."""

    entry: BootEntry
    method: str
    """Name of the loading method."""
    reason: str
    """Why that method was chosen, for people."""
    kernel: PlannedFile
    initrds: tuple[PlannedFile, ...] = ()
    dtb: PlannedFile | None = None
    """The entry's device tree; None to hand over the running machine's, with the overlays."""
    overlays: tuple[PlannedFile, ...] = ()
    """Device-tree overlays in order; applied before the edits."""
    edits: tuple[Edit, ...] = ()
    """Edits of the tree that is passed on, in order; made after the typed ones (BootEntry.dtb_edits)."""
    writes_dtb: bool = False
    """Whether the method writes the tree: without one of the entry's own, the running one is read and edited."""
    machine: MachineFacts = field(default_factory=MachineFacts)
    """Facts of the running machine that the method needs."""
    command_line: str = ""
    hooks: tuple[str, ...] = ()
    """Names of the programs that run before the jump, in order."""
    watchdog: Watchdog = Watchdog.LEAVE
    """What to do with a running watchdog at the jump."""
    demands: Demands = field(default_factory=Demands)
    """The digests that the settings demand of the files."""
    notes: tuple[str, ...] = ()
    """Notes to show before the boot."""

    @property
    def own_tree(self) -> bool:
        """Whether the entry brings a device tree, or overlays or typed edits for the running one."""
        return self.dtb is not None or bool(self.overlays) or bool(self.entry.dtb_edits)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Return the stages of this plan, up to the jump."""
        return tuple(
            stage
            for stage in Stage
            if not (stage is Stage.INITRAMFS and not self.initrds)
            and not (stage is Stage.DEVICE_TREE and not self.own_tree and not self.writes_dtb)
            and not (stage is Stage.HOOKS and not self.hooks)
            and not (stage is Stage.WATCHDOG and self.watchdog is Watchdog.LEAVE)
        )

    @property
    def last_line(self) -> str:
        """Return the last line that is shown on the console before the jump."""
        return N_("Starting {name}. The screen may stay dark for some seconds.", name=printable(self.entry.full_name))

    def to_json(self) -> dict[str, object]:
        """Return the plan as `boot --dry-run --json` prints it."""
        return {
            "entry": self.entry.id,
            "title": self.entry.title,
            "method": self.method,
            "reason": self.reason,
            "kernel": _file(self.kernel),
            "initrds": [_file(file) for file in self.initrds],
            "dtb": None if self.dtb is None else _file(self.dtb),
            "overlays": [_file(file) for file in self.overlays],
            "dtb_edits": list(self.entry.dtb_edits),
            "edits": [edit.to_json() for edit in self.edits],
            "cmdline": self.command_line,
            "hooks": list(self.hooks),
            "watchdog": str(self.watchdog),
            "stages": [str(stage) for stage in self.stages],
            "notes": list(self.notes),
        }


def _file(file: PlannedFile) -> dict[str, object]:
    demanded = {"sha256": file.sha256} if file.sha256 else {}
    return {**file.ref.to_json(), "size": file.size, "compression": str(file.compression), **demanded}


def make_plan(
    entry: BootEntry,
    facts: EntryFacts,
    machine: MachineFacts,
    *,
    dtb_builder: DtbBuilder,
    method: str | None = None,
) -> LoadPlan:
    """Return the plan for booting this entry on this machine.

    dtb_builder: reads the entry's device tree, and knows this machine's firmware fix-ups. method: name of a loading
    method, or None for the first available one. Raise PlanError if a file is missing, the kernel's format is unknown,
    the device tree cannot be made, or no method can load the entry.
    """
    own_tree = entry.dtb is not None or bool(entry.overlays) or bool(entry.dtb_edits)
    name, chosen, reason = choose_method(machine, own_tree, method)
    files = {(file.role, file.device, file.path, file.part): file for file in facts.files}

    def planned(role: str, ref: FileRef) -> PlannedFile:
        file = files[role, ref.device, ref.path, ref.part]
        if file.state is not FileState.PRESENT:
            raise _unreadable(file)
        part, size = file.embedded, file.size or 0
        if part is None:
            return PlannedFile(ref=ref, size=size, stamp=file.stamp, sha256=ref.sha256 or None)
        return PlannedFile(
            ref=ref,
            size=size,
            stamp=file.stamp,
            sha256=ref.sha256 or None,
            offset=part.offset,
            length=part.size,
            compression=part.compression,
        )

    kernel = planned("kernel", entry.kernel)
    image = facts.kernel.image if facts.kernel else None
    if image is None:
        like = facts.kernel.looks_like if facts.kernel else None
        raise PlanError(
            f"{entry.kernel.path} cannot be loaded: it looks like {like or 'no kernel at all'}.",
            "Name an arm64 Image, raw, packed, or in a zboot, UKI, FIT, uImage or vmlinux.",
        )
    dtb = planned("device tree", entry.dtb) if entry.dtb else None
    overlays = tuple(planned("overlay", ref) for ref in entry.overlays)
    edits: list[Edit] = []
    tree = dtb_builder.running if chosen.writes_dtb else None
    if own_tree:
        tree = _read_dtb(dtb_builder, dtb, overlays, entry.dtb_edits)
    if tree is not None:
        edits += dtb_builder.fixups(tree)
        edits += boot_edits(
            tree,
            entry.cmdline.text,
            initramfs=bool(entry.initrds or entry.companions),
            writes_seeds=chosen.writes_dtb,
        )
        if entry.dtb_edits:
            try:
                check_typed_edits(tree, apply(tree, edits), entry.dtb_edits)
            except TypedEditError as error:
                raise PlanError(f"{error.message}.", error.hint) from None
    return LoadPlan(
        entry=entry,
        method=name,
        reason=reason,
        kernel=replace(
            kernel,
            offset=image.payload_offset,
            length=image.payload_size,
            compression=image.compression,
        ),
        # later archives may replace files of earlier ones; only those of addons are after the companions in the stub,
        # and none of them has a reason to replace one
        initrds=(
            *(planned("initramfs", ref) for ref in entry.initrds),
            *(planned("companion", ref) for ref in entry.companions),
        ),
        dtb=dtb,
        overlays=overlays,
        edits=tuple(edits),
        writes_dtb=chosen.writes_dtb,
        machine=machine,
        command_line=entry.cmdline.text,
        notes=tuple(_notes(entry, machine, chosen)),
    )


def _unreadable(file: FileFacts) -> PlanError:
    """Return the error for a file that the entry names and that cannot be read."""
    reason = file.detail or (
        N_("its partition was not found") if file.state is FileState.WAITING else str(file.state)
    )
    return PlanError(
        N_(
            "A file that this entry needs cannot be read: {role} {file} ({reason}).",
            role=Message(file.role, {}),
            file=file.name,
            reason=reason if isinstance(reason, Message) else English(reason),
        ),
        N_("See the checks of this entry."),
    )


def _read_dtb(
    dtb_builder: DtbBuilder, dtb: PlannedFile | None, overlays: Sequence[PlannedFile], typed: Sequence[str]
) -> DeviceTree:
    named = ", ".join(file.ref.path for file in (*([dtb] if dtb else []), *overlays))
    try:
        return dtb_builder.read(dtb, overlays, typed)
    except TypedEditError as error:
        raise PlanError(f"{error.message}.", error.hint) from None
    except BootmenuError as error:
        why = error.message.rstrip(".")
        raise PlanError(
            f"The device tree ({named}) cannot be passed on, and is never replaced silently: {why}.",
            error.hint or "Leave it out of the entry to pass on the running one.",
        ) from None


def choose_method(machine: MachineFacts, own_tree: bool, wanted: str | None = None) -> tuple[str, Method, str]:
    """Return the name, the method and the reason for people: of the wanted method, or the first available one.

    own_tree: the entry has a device tree of its own. Raise PlanError.
    """
    if wanted is not None:
        found = METHODS.get(wanted)
        if found is None:
            raise PlanError(f"There is no loading method {wanted}.", f"Known are {', '.join(METHODS.names())}.")
        if own_tree and not found.accepts_dtb:
            raise PlanError(
                f"{wanted} passes on the running device tree only, and this entry brings its own, which is never "
                "dropped silently.",
                "Choose another --method, or leave the device tree out of the entry.",
            )
        reason = found.reason(own_tree)  # the demonstration always uses the simulated method, without --method
        return wanted, found, reason if wanted == "simulated" else f"{reason}; chosen with --method"
    reasons: list[tuple[str, str]] = []
    for name, candidate in METHODS.items():
        why_not = candidate.unavailable(machine, own_tree)
        if why_not is None:
            return (
                name,
                candidate,
                "; ".join([candidate.reason(own_tree), *(f"not {other}: {why}" for other, why in reasons)]),
            )
        if name != "simulated":
            reasons.append((name, why_not))
    hint = "; ".join(f"{name}: {why}" for name, why in reasons) + "."
    raise PlanError(N_("No loading method can be used here."), hint)


def predict_method(facts: EntryFacts, machine: MachineFacts, method: str | None = None) -> EntryFacts:
    """Return the facts with the loading method that a plan would choose, so that checks can use it."""
    try:
        name, chosen, _ = choose_method(machine, facts.wants_own_tree, method)
    except PlanError:
        return facts
    return replace(
        facts,
        method=name,
        reads_into_memory=chosen.reads_into_memory,
        avoids_lpi_tables=chosen.writes_dtb and machine.lpi_tables is not None,
    )


def _notes(entry: BootEntry, machine: MachineFacts, method: Method) -> Iterator[str]:
    if machine.lpi_tables and method.writes_dtb:
        yield (
            f"{len(machine.lpi_tables)} tables that the interrupt controller (GICv3) keeps in memory are left alone, "
            "and stay reserved."
        )
    if machine.kexec.loaded:
        yield N_("A kernel is loaded already; it will be replaced.")
    if entry.cmdline.get("console") is None:
        yield N_("The command line names no console: the screen may stay black until a driver starts.")
