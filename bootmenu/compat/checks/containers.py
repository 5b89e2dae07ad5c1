# SPDX-License-Identifier: MIT
"""Files around a kernel: can it be had from them, and is what else they hold left behind?"""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.compat.checker import Says, cut_off, entry_check, failed, passed, unknown, warned
from bootmenu.compat.facts import EntryFacts
from bootmenu.formats.kernels import tree_for
from bootmenu.model.kernel import KernelImage, Role
from bootmenu.model.machine import MachineFacts


def _name(entry: EntryFacts) -> str:
    file = entry.file("kernel")
    return file.name if file else "the kernel"


def _broken(entry: EntryFacts, container: str) -> Iterator[Says]:
    kernel = entry.kernel
    if kernel is not None and kernel.image is None and kernel.container == container:
        yield failed(
            f"{_name(entry)} is {kernel.looks_like or container}, and no kernel can be taken out of it: "
            f"{kernel.problem or 'it is damaged'}.",
            cut_off(entry),
            container=container,
            problem=kernel.problem,
        )


def _within(entry: EntryFacts, container: str) -> KernelImage | None:
    image = entry.kernel.image if entry.kernel else None
    return image if image is not None and container in image.containers else None


def _evidence(image: KernelImage) -> dict[str, object]:
    return {
        "containers": list(image.containers),
        "payload_offset": image.payload_offset,
        "payload_size": image.payload_size,
        "compression": str(image.compression),
        "parts": list(image.parts),
    }


@entry_check("IMG-ZBOOT", order=201)
def zboot(machine: MachineFacts, entry: EntryFacts) -> Iterator[Says]:  # noqa: ARG001
    """An EFI zboot kernel: what it packs lies within the file, packed in a way that can be unpacked."""
    yield from _broken(entry, "zboot")
    image = _within(entry, "zboot")
    if image is not None:
        yield passed("The kernel is taken out of its EFI zboot file and unpacked.", **_evidence(image))


@entry_check("IMG-UKI", order=202)
def unified(machine: MachineFacts, entry: EntryFacts) -> Iterator[Says]:
    """What a unified kernel image brings along is used, unless the entry names another."""
    yield from _broken(entry, "uki")
    image = _within(entry, "uki")
    if image is None:
        return
    lost = left_behind(image, entry, machine)
    if lost:
        yield warned(
            f"Only the kernel is taken out of {_name(entry)}, and not {', '.join(lost)}: the entry names no other.",
            "Take those parts out with objcopy --dump-section, and name them in the entry.",
            **_evidence(image),
            left_behind=lost,
        )
    else:
        yield passed("The kernel is taken out of the unified kernel image.", **_evidence(image))


def left_behind(image: KernelImage, entry: EntryFacts, machine: MachineFacts) -> list[str]:
    """In words, what a container would boot along with its kernel on this machine, and the entry would not."""
    lost = []
    if any(part.text for part in image.embedded) and not entry.command_line.strip():
        lost.append("its command line")
    roles = {part.role for part in image.embedded}
    if Role.INITRAMFS in roles and not any(file.role == "initramfs" for file in entry.files):
        lost.append("its initramfs")
    board = machine.tree.compatible if machine.tree else ()
    if not entry.wants_own_tree and tree_for(image, board):
        lost.append("its device tree")
    return lost


@entry_check("IMG-FIT", order=203)
def fit(machine: MachineFacts, entry: EntryFacts) -> Iterator[Says]:
    """A FIT image says which boards its configurations are for; its hashes are IMG-CHECKSUM's."""
    yield from _broken(entry, "fit")
    image = _within(entry, "fit")
    if image is None:
        return
    ours = machine.tree.compatible if machine.tree else ()
    evidence: dict[str, object] = {
        **_evidence(image),
        "boards": None if image.board is None else list(image.board),
        "running": list(ours),
    }
    if image.checksum_problem is not None:
        yield failed(f"{_name(entry)} is damaged: {image.checksum_problem}.", cut_off(entry), **evidence)
    elif image.board is None:
        yield unknown(
            f"{_name(entry)} does not say which boards it is for.",
            "Name this board's device tree in the entry if the running one is not right.",
            **evidence,
        )
    elif not ours:
        yield unknown(
            f"Whether {_name(entry)} is for this board is not known: no device tree says which board this is.",
            "Run bootmenu as root; a machine that is described by ACPI has none.",
            **evidence,
        )
    elif set(ours) & set(image.board):
        yield passed("The FIT image has a configuration for this board.", **evidence)
    else:
        yield warned(
            f"{_name(entry)} is for {', '.join(image.board[:3])}, this machine is {ours[0]}.",
            "Use the FIT image for this board; the device tree in this one is not used.",
            **evidence,
        )
