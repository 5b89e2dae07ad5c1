# SPDX-License-Identifier: MIT
"""What the plan does to the entry's own device tree before it is handed over, and whether it can."""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.compat.checker import Says, entry_check, failed, passed, unknown, warned
from bootmenu.compat.facts import EntryFacts, FileState
from bootmenu.formats.dtb import MAX_SIZE
from bootmenu.model.machine import MachineFacts

_ROOM = 4096
"""Bytes: what the edits of the plan and the loader add at most to a tree."""


@entry_check("DTB-2M", order=305)
def size(machine: MachineFacts, entry: EntryFacts) -> Iterator[Says]:  # noqa: ARG001
    """The kernel maps 2 MiB for the device tree, and no more."""
    file = entry.file("device tree")
    own = entry.tree_facts
    if not entry.wants_own_tree or (file is not None and file.state is FileState.MISSING):
        return
    name = file.name if file else "the device tree"
    size = own.total_size or own.size if own else file.size if file else None
    evidence: dict[str, object] = {"size": size, "edits": _ROOM, "limit": MAX_SIZE}
    if own and own.total_size is None and size is not None and size + _ROOM <= MAX_SIZE:
        if own.header_problem is None:  # else DTB-HEADER says it
            yield unknown(f"The header of {name} was not read.", "Check the whole file.", **evidence)
    elif size is None:
        yield unknown(f"How large {name} is was not read.", "Look at the file and at its disk.", **evidence)
    elif size + _ROOM > MAX_SIZE:
        yield failed(
            f"{name} has {size:,} bytes; with its edits it must not exceed {MAX_SIZE:,}.",
            "Is this the right file? Device trees of boards have some 50 to 100 kB.",
            **evidence,
        )
    else:
        yield passed("The tree is small enough.", **evidence)


@entry_check("DTB-OVERLAYS", order=315, requires=("FILE-MISSING",))
def overlays(machine: MachineFacts, entry: EntryFacts) -> Iterator[Says]:
    """Overlays are sound trees, and the base has the symbols they refer to."""
    files = [file for file in entry.files if file.role == "overlay"]
    if not files and not entry.overlays:
        return
    base = (entry.own_tree.tree if entry.own_tree else None) if entry.wants_own_tree else machine.tree
    evidence: dict[str, object] = {
        "overlays": list(entry.overlays),
        "symbols": None if base is None else base.has_symbols,
    }
    if not all(entry.overlays):
        # a wrong name would be worse than none
        named = zip(files, entry.overlays, strict=True) if len(files) == len(entry.overlays) else ()
        bad = ", ".join(file.name for file, sound in named if not sound) or "one of the files"
        yield failed(f"No device-tree overlay: {bad}.", "Make it anew with dtc -@.", **evidence)
    elif base is None or len(entry.overlays) < len(files):
        yield unknown(
            "Whether the device-tree overlays can be applied is not known: not every tree could be read.",
            "See the other findings of this entry.",
            **evidence,
        )
    elif entry.handed is not None and entry.handed.problem:
        yield failed(
            f"The device-tree overlays cannot be applied: {entry.handed.problem}.",
            entry.handed.hint or "Use overlays that were made for this device tree, or leave them out.",
            **evidence,
        )
    elif entry.handed is not None:
        yield passed("The device-tree overlays apply, in their order.", **evidence)
    elif not base.has_symbols:
        yield failed(
            "The device tree has no /__symbols__, so that overlays cannot be applied to it.",
            "Rebuild it with dtc -@, or leave the overlays out.",
            **evidence,
        )
    else:
        yield unknown(
            "Whether the device-tree overlays can be applied was not tried.",
            "Ask for it on the machine itself.",
            **evidence,
        )


@entry_check("DT-STALE-CHOSEN", order=316, requires=("DTB-STRUCT",))
def stale(machine: MachineFacts, entry: EntryFacts) -> Iterator[Says]:  # noqa: ARG001
    """/chosen of a tree that was saved from a running system speaks of that system's boot."""
    tree = own.tree if (own := entry.tree_facts) else None
    if tree is None:
        return
    if tree.stale_chosen:
        yield warned(
            f"The tree was saved from a running system: {', '.join(tree.stale_chosen)} in /chosen "
            "are taken out before it is handed over.",
            "Use the tree as it comes with the kernel.",
            chosen=list(tree.stale_chosen),
        )
    else:
        yield passed("Nothing in /chosen belongs to an earlier boot.", chosen=[])


@entry_check("DT-KASLR-SEED", order=317, requires=("DTB-STRUCT",))
def seed(machine: MachineFacts, entry: EntryFacts) -> Iterator[Says]:  # noqa: ARG001
    """A seed that stands in a file is no secret, and kexec-tools refuses a tree that has one."""
    tree = own.tree if (own := entry.tree_facts) else None
    if tree is not None:
        what = "a seed, which is replaced by a fresh one" if tree.has_kaslr_seed else "no seed of its own"
        yield passed(f"/chosen has {what}.", kaslr_seed=tree.has_kaslr_seed)
