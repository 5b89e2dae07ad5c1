# SPDX-License-Identifier: MIT
"""Check that the entry's own device tree is valid and for this board, and report what the plan changes in it.

These checks do not apply to an entry without a device tree or a directory of them: the running machine's tree is
passed on then.
"""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.compat.checker import CheckResult, entry_check, failed, passed, unknown, warned
from bootmenu.compat.checks.hardware import NO_RUNNING_TREE, NO_RUNNING_TREE_HINT
from bootmenu.compat.facts import EntryFacts, FileState
from bootmenu.formats.dtb import MAX_SIZE
from bootmenu.model.machine import MachineFacts

_ROOM = 4096
"""Most bytes that the plan's edits and the loader add to a tree."""


@entry_check("DT-FOLDER", after="RISCV-IMAGE")
def folder(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:
    """Check that the directory of device trees that the entry names has one for this board.

    Configurations such as extlinux.conf name a folder of device trees (fdtdir). Boot firmware knows its board's
    file; bootmenu picks the one with this board's compatible. If none fits, the running machine's tree is passed on.

    warn: no tree could be picked with certainty, and this machine's own is passed on; or not every file in the
        folder was looked at. → Name one in the entry (fdt, devicetree).
    unknown: the folder's disk or this machine's tree could not be read. → Plug in or unlock the disk, run bootmenu
        as root, or name a tree in the entry.
    evidence: board: this machine's compatible; folder; trees: how many there are; picked, reason, candidates,
        related: what was found; search: why not all were seen; unreadable and first_trouble: files that could not be
        read
    """
    # without a match the running machine's tree is passed on, as U-Boot does (boot/pxe_utils.c); a tree that shares
    # only a less specific `compatible` is for another board of the family, and is never chosen automatically
    found = entry.tree_folder
    if found is None:
        return
    board = machine.tree.compatible if machine.tree else ()
    evidence: dict[str, object] = {
        "folder": found.name,
        "board": list(board) if board else None,
        "trees": found.trees,
        "picked": found.picked,
    }
    for key, value in (
        ("reason", found.reason or found.detail),
        ("candidates", list(found.candidates)),
        ("related", list(found.related)),
        ("unreadable", found.unreadable),
        ("first_trouble", found.first_trouble),
        ("search", found.cut),
    ):
        if value:
            evidence[key] = value
    own = "so this machine's own is passed on"
    name_one = "Name one in the entry (fdt, devicetree)."
    name = found.name
    if found.state is FileState.WAITING:
        message = f"The device trees in {name} are on a partition that was not found, {own}."
        yield unknown(message, "Plug in or unlock the disk it is on.", **evidence)
    elif found.state is not FileState.PRESENT:
        why = found.detail or str(found.state)
        yield warned(f"No device tree can be read from {name} ({why}), {own}.", name_one, **evidence)
    elif not board and machine.acpi:
        yield passed(f"This machine is described by ACPI: no device tree of {name} is used.", **evidence)
    elif not board:
        message = f"{NO_RUNNING_TREE[:-1]}: which tree of {name} is for this board is not known."
        yield unknown(message, name_one, **evidence)
    elif found.picked is not None and not found.cut:
        yield passed(f"{found.picked} was picked from {found.trees:,} device trees: {found.reason}.", **evidence)
    elif found.picked is not None:
        message = f"{found.picked} was picked, but not every device tree of {name} was seen: {found.cut}."
        yield warned(message, name_one, **evidence)
    elif found.candidates:
        message = f"Several device trees of {name} are for this board ({board[0]}), {own}."
        yield warned(message, name_one, **evidence)
    elif found.related:
        message = f"The device trees of {name} are only for boards related to this one ({board[0]}), {own}."
        yield warned(message, name_one, **evidence)
    else:
        # the same as for an entry that names no device tree
        yield passed(f"None of the {found.trees:,} device trees of {name} is for this board, {own}.", **evidence)


@entry_check("DTB-HEADER")
def header(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:  # noqa: ARG001
    """Check magic, version, length and block offsets, which kexec-tools does not.

    A damaged device tree can crash the next kernel before it prints a word, and kexec-tools does not check it.

    fail: the header is invalid. → Copy the file again. A device tree (.dtb) is made from source by dtc.
    unknown: the file could not be read whole. → Run bootmenu as root; look at the disk.
    evidence: file_size and total_size (in its header), in bytes; problem
    """
    own = entry.tree_facts
    file = entry.file("device tree")
    if entry.wants_own_tree and own is None and (file is None or file.state is FileState.PRESENT):
        yield unknown(f"{entry.tree_name} could not be read.", "Run bootmenu as root; look at the disk.")
    if own is None:
        return
    evidence: dict[str, object] = {"file_size": own.size, "total_size": own.total_size}
    if own.header_problem is not None:
        yield failed(
            f"{entry.tree_name} is no usable device tree: {own.header_problem}.",
            "Copy the file again; a device tree (.dtb) is made from source by dtc.",
            **evidence,
            problem=own.header_problem,
        )
    elif own.total_size is None:
        yield unknown(f"The header of {entry.tree_name} was not read.", "Check the whole file.", **evidence)
    else:
        yield passed("The header is sound.", **evidence)


@entry_check("DTB-2M")
def size(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:  # noqa: ARG001
    """Check that the device tree fits into the 2 MiB that the kernel maps for it.

    arm64 kernels map 2 MiB for the device tree and cannot read beyond.

    fail: the tree is too large. → Check that it is the right file: trees of boards have 50 to 100 kB.
    unknown: its size is not known. → Look at the file and at its disk.
    evidence: size and limit, in bytes; edits: what is added
    """
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
        yield unknown(f"The size of {name} is not known.", "Look at the file and at its disk.", **evidence)
    elif size + _ROOM > MAX_SIZE:
        yield failed(
            f"{name} has {size:,} bytes; with its edits it must not exceed {MAX_SIZE:,}.",
            "Is this the right file? Device trees of boards have some 50 to 100 kB.",
            **evidence,
        )
    else:
        yield passed("The tree is small enough.", **evidence)


@entry_check("DTB-STRUCT", requires=("DTB-HEADER",))
def structure(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:  # noqa: ARG001
    """Check that the whole structure of the tree can be parsed.

    A tree whose header is right can still be damaged inside.

    fail: the tree cannot be read to its end. → Copy the file again, or take it from the kernel package.
    unknown: the file was not read to its end. → Check the whole file.
    evidence: size, in bytes; problem
    """
    own = entry.tree_facts
    if own is None:
        return
    if own.structure_problem is None and own.tree is None:
        yield unknown(f"{entry.tree_name} was not read to its end.", "Check the whole file.", size=own.size)
    elif own.structure_problem is not None:
        yield failed(
            f"{entry.tree_name} is damaged: {own.structure_problem}.",
            "Copy the file again, or take it from the kernel package.",
            problem=own.structure_problem,
        )
    else:
        yield passed("The structure of the tree is valid.", size=own.size)


@entry_check("DTB-OVERLAYS", requires=("FILE-MISSING",))
def overlays(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:
    """Check that the overlays are valid, and that the base tree has the symbols they refer to.

    An overlay changes a tree by the names in its /__symbols__, which dtc writes only with -@.

    fail: an overlay is invalid, is for another tree, or the tree has no symbols. → Rebuild the tree or the overlay
        with dtc -@, or leave the overlay out.
    unknown: it was not tried, or a file could not be read. → Run the check on the machine itself; look at the
        entry's other findings.
    evidence: overlays; symbols: whether the tree has /__symbols__
    """
    files = [file for file in entry.files if file.role == "overlay"]
    if not files and not entry.overlays:
        return
    base = (entry.own_tree.tree if entry.own_tree else None) if entry.wants_own_tree else machine.tree
    evidence: dict[str, object] = {
        "overlays": list(entry.overlays),
        "symbols": None if base is None else base.has_symbols,
    }
    if not all(entry.overlays):
        # naming the wrong overlay would be worse than naming none
        named = zip(files, entry.overlays, strict=True) if len(files) == len(entry.overlays) else ()
        bad = ", ".join(file.name for file, sound in named if not sound) or "one of the files"
        yield failed(f"Not a valid device-tree overlay: {bad}.", "Rebuild it with dtc -@.", **evidence)
    elif base is None or len(entry.overlays) < len(files):
        yield unknown(
            "Whether the device-tree overlays can be applied is not known: not every tree could be read.",
            "See the other findings of this entry.",
            **evidence,
        )
    elif entry.fixed_up is not None and entry.fixed_up.problem:
        yield failed(
            f"The device-tree overlays cannot be applied: {entry.fixed_up.problem}.",
            entry.fixed_up.hint or "Use overlays that were made for this device tree, or leave them out.",
            **evidence,
        )
    elif entry.fixed_up is not None:
        yield passed("The device-tree overlays can be applied in their order.", **evidence)
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


@entry_check("DTB-EDITS", requires=("FILE-MISSING",))
def edits(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:  # noqa: ARG001
    """Check that the edits of the device tree for this boot can be applied.

    An edit names a node and a property (--dtb-edit, or a line of the editor). The node has to exist.

    fail: an edit cannot be made. → Correct it as the hint says.
    unknown: the tree that is to be edited could not be made. → Look at the entry's other findings.
    evidence: edits
    """
    if not entry.dtb_edits:
        return
    evidence: dict[str, object] = {"edits": list(entry.dtb_edits)}
    fixed_up = entry.fixed_up
    if fixed_up is not None and fixed_up.edit_problem:
        yield failed(
            f"The device tree cannot be edited: {fixed_up.edit_problem}.",
            fixed_up.hint or "Correct the edit, or leave it out; bootmenu dtb show prints the tree.",
            **evidence,
        )
    elif fixed_up is None or fixed_up.tree is None or fixed_up.problem:
        yield unknown(
            "Whether the device tree can be edited is not known: it could not be made.",
            "See the other findings of this entry.",
            **evidence,
        )
    else:
        yield passed("The edits of the device tree can be applied.", **evidence)


@entry_check("DT-STALE-CHOSEN", requires=("DTB-STRUCT",))
def stale(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:  # noqa: ARG001
    """Check that /chosen has no leftovers of another boot, as in a tree that was saved from a running system.

    Such leftovers tell the next kernel about an initramfs or a crash dump that no longer exists.

    warn: there are some; they are removed before the jump. → Use the tree as it comes with the kernel.
    evidence: chosen: the names of the leftovers
    """
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


@entry_check("DT-KASLR-SEED", requires=("DTB-STRUCT",))
def seed(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:  # noqa: ARG001
    """Report whether the file has a KASLR seed: it would be no secret, and kexec-tools refuses such a tree.

    The seed decides where the kernel is placed at random. bootmenu always writes a new one.

    pass: the file has none, or it is replaced; this is for information only.
    evidence: kaslr_seed: whether the file has one
    """
    tree = own.tree if (own := entry.tree_facts) else None
    if tree is not None:
        what = "a seed, which is replaced by a fresh one" if tree.has_kaslr_seed else "no seed of its own"
        yield passed(f"/chosen has {what}.", kaslr_seed=tree.has_kaslr_seed)


@entry_check("DT-COMPAT", after="DT-ACPI-HOST", requires=("DTB-STRUCT",))
def for_this_board(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:
    """Check that the tree is for this board, by the root's compatible (most specific name first).

    A kernel believes its device tree. With the tree of another board it looks for devices at addresses where there
    are none.

    warn: the tree is for a related board. → Use the tree of exactly this board, if there is one.
    fail: the tree is for another board. → Leave the device tree out, so that the running one is passed on, or name
        the one for this board.
    unknown: one of the two trees does not say which board it is for. → Run bootmenu as root; use this board's own
        device tree.
    evidence: entry and running: the two lists of names
    """
    tree = entry.tree
    if tree is None:
        return
    evidence: dict[str, object] = {
        "entry": list(tree.compatible),
        "running": list(machine.tree.compatible) if machine.tree else None,
    }
    if machine.tree is None:
        yield unknown(NO_RUNNING_TREE, NO_RUNNING_TREE_HINT, **evidence)
        return
    theirs, ours = tree.compatible, machine.tree.compatible
    common = next((name for name in theirs if name in ours), None)
    if not theirs or not ours:
        whose = entry.tree_name if not theirs else "The running device tree"
        yield unknown(
            f"{whose} does not say which board it is for (no compatible).",
            "Use this board's own device tree.",
            **evidence,
        )
    elif theirs[0] == ours[0]:
        yield passed(f"For this board: {ours[0]}.", **evidence)
    elif common is not None:
        yield warned(
            f"{entry.tree_name} is for {theirs[0]}, this machine is {ours[0]}; they share only {common}.",
            "Use the tree of exactly this board if there is one.",
            **evidence,
        )
    else:
        yield failed(
            f"{entry.tree_name} is for another board ({theirs[0]}); this machine is {ours[0]}.",
            "Leave the device tree out, so that the running one is passed on, or name the one for this board.",
            **evidence,
        )
