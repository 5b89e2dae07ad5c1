# SPDX-License-Identifier: MIT
"""For every check code: facts under which it passes, warns or fails, and does not know. One row a sub-rule."""

from __future__ import annotations

from collections.abc import Iterator

from tests.compat.examples import (
    containers,
    cpus,
    devicetree,
    files,
    firmware,
    image,
    memory,
    others,
    spintable,
    surroundings,
    system,
)
from tests.compat.examples.base import Example


def examples() -> Iterator[Example]:
    """All of them."""
    yield from system.system()
    yield from system.kexec_state()
    yield from system.signatures()
    yield from system.descriptions()
    yield from cpus.processors()
    yield from cpus.levels()
    yield from files.files()
    yield from image.kernels()
    yield from image.headers()
    yield from image.contents()
    yield from containers.wrapped()
    yield from devicetree.tree_bytes()
    yield from devicetree.folders()
    yield from devicetree.boards()
    yield from devicetree.tree_cpus()
    yield from devicetree.memory()
    yield from devicetree.handover()
    yield from spintable.spin_tables()
    yield from firmware.firmware()
    yield from firmware.psci()
    yield from firmware.reservations()
    yield from firmware.interrupts()
    yield from memory.room()
    yield from memory.others()
    yield from surroundings.command_lines()
    yield from surroundings.roots_and_consoles()
    yield from surroundings.initramfs()
    yield from others.architectures()
    yield from others.tools()


__all__ = ["Example", "examples"]
