# SPDX-License-Identifier: MIT
"""Facts of entries, and kernels and device trees as bytes: the ones that are right, to be spoilt by a test."""

from __future__ import annotations

from collections.abc import Iterable

from bootmenu.compat.facts import DeviceTreeFacts, EntryFacts, FileFacts, FileState, KernelFacts
from bootmenu.demo.builders import arm64_image
from bootmenu.formats.reader import Buffer
from bootmenu.model.devicetree import TreeFacts
from bootmenu.model.kernel import Architecture, KernelImage
from bootmenu.model.value import replace

IMAGE_SIZE = 16384


def whole_image(size: int = IMAGE_SIZE, **options: object) -> bytes:
    """A complete arm64 Image of `size` bytes; options as `arm64_image` takes them."""
    head = arm64_image(size, **options)  # type: ignore[arg-type]
    return head[:size] + bytes(max(0, size - len(head)))


def kernel_file(**changes: object) -> FileFacts:
    """The kernel's file, present."""
    base = FileFacts(
        role="kernel",
        device="sda1",
        path="/boot/vmlinuz",
        state=FileState.PRESENT,
        resolved="/boot/vmlinuz",
        size=IMAGE_SIZE,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def tree_file(**changes: object) -> FileFacts:
    """The entry's device tree, present."""
    return kernel_file(**{"role": "device tree", "path": "/boot/board.dtb", "resolved": "/boot/board.dtb", **changes})


def image(**changes: object) -> KernelImage:
    """A whole 4 KiB-page arm64 Image with a section table."""
    base = KernelImage(
        format="arm64-image",
        architecture=Architecture.ARM64,
        page_size=4096,
        text_offset=0,
        image_size=IMAGE_SIZE,
        anywhere=True,
        file_size=IMAGE_SIZE,
        content_size=IMAGE_SIZE,
        declared_end=IMAGE_SIZE,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def kernel(**changes: object) -> KernelFacts:
    """What is found in a good kernel; changes are the image's."""
    good = image(**changes)
    return KernelFacts(image=good, architecture=good.architecture)


def kernel_of(data: bytes) -> KernelFacts:
    """What the readers find in these bytes."""
    return KernelFacts.from_source(Buffer(data))


def entry(**changes: object) -> EntryFacts:
    """An entry with a good kernel and no device tree of its own."""
    base = EntryFacts(id="one", title="One", command_line="root=/dev/sda2", files=(kernel_file(),), kernel=kernel())
    return replace(base, **changes)  # type: ignore[arg-type]


def with_tree(tree: TreeFacts | None = None, own: DeviceTreeFacts | None = None, **changes: object) -> EntryFacts:
    """An entry with a device tree of its own, found to be `tree`, or as `own` says."""
    if own is None and tree is not None:
        own = DeviceTreeFacts(size=4096, total_size=4096, tree=tree)
    return entry(**{"files": (kernel_file(), tree_file()), "wants_own_tree": True, "own_tree": own, **changes})


def with_files(*files: FileFacts) -> EntryFacts:
    """An entry that names these files."""
    return entry(files=files)


def with_states(states: Iterable[FileState]) -> EntryFacts:
    """An entry whose first file is in the first state, and so on."""
    return with_files(
        *(kernel_file(role=role, state=state) for role, state in zip(("kernel", "initramfs"), states, strict=False))
    )
