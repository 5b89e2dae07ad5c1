# SPDX-License-Identifier: MIT
"""The catalogue walked on every architecture that something can be loaded on: nothing is silent without a reason."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from functools import cache

import pytest

from bootmenu.compat.checker import CHECKS, check
from bootmenu.model.finding import Severity
from bootmenu.model.kernel import Architecture
from bootmenu.model.value import replace
from tests.builders import strategies
from tests.compat.examples import Example, examples, information, silent
from tests.properties import part

EXAMPLES = list(examples())
ARM64, X86_64, RISCV64 = Architecture.ARM64, Architecture.X86_64, Architecture.RISCV64
_UNAME = {ARM64: "aarch64", X86_64: "x86_64", RISCV64: "riscv64"}
_FORMAT = {ARM64: "arm64-image", X86_64: "bzimage", RISCV64: "riscv-image"}
_BZIMAGE = {"version": 0x20F, "loadflags": 1, "xloadflags": 0x23, "cmdline_size": 2047}


def moved(example: Example, architecture: Architecture) -> Example:
    """The same facts on a machine of another architecture, with a kernel for it."""
    machine = replace(example.machine, architecture=architecture, machine=_UNAME[architecture])
    entry, kernel = example.entry, example.entry.kernel
    if kernel is not None and kernel.image is not None:
        fields = _BZIMAGE if architecture is X86_64 else {}
        image = replace(kernel.image, architecture=architecture, format=_FORMAT[architecture], fields=fields)
        kernel = replace(kernel, image=image, architecture=architecture)
        entry = replace(entry, kernel=kernel)
    return dataclasses.replace(example, machine=machine, entry=entry)


def suited(architecture: Architecture) -> Iterator[Example]:
    """Every example, on this architecture."""
    for example in EXAMPLES:
        own = example.machine.architecture is architecture
        yield example if own else moved(example, architecture)


@cache
def speaking(architecture: Architecture) -> frozenset[str]:
    """The codes that say something about at least one of their own examples."""
    return frozenset(example.code for example in suited(architecture) if example.findings())


@pytest.mark.parametrize("architecture", _FORMAT)
def test_a_check_is_silent_on_an_architecture_only_for_a_reason(architecture: Architecture) -> None:
    expected = {code for code, (reason, where) in silent().items() if reason and architecture in where}
    assert set(CHECKS.names()) - speaking(architecture) == expected


def unknown(example: Example) -> set[str]:
    """The codes that say that they do not know."""
    report = check(example.machine, example.entry)
    return {finding.code for finding in report.of(Severity.UNKNOWN)}


@pytest.mark.parametrize(
    "architecture",
    [ARM64, *(pytest.param(architecture, marks=pytest.mark.slow) for architecture in (X86_64, RISCV64))],
)
def test_a_machine_fact_that_is_missing_silences_nothing_unseen(architecture: Architecture) -> None:
    """A check that had something to say says unknown then, or one that it builds on does."""
    for example in part(suited(architecture)):
        if example.code in information() or not example.findings():
            continue
        before = unknown(example)
        for path, blank in strategies.blankings(example.machine):
            without = dataclasses.replace(example, machine=blank(example.machine))
            assert without.findings() or unknown(without) - before, (example.id, path)
