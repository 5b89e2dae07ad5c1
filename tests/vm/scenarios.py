# SPDX-License-Identifier: MIT
"""The scenarios that tell the truth: a machine and an entry each, with what ought to happen.

`run` starts the first stage, lets the checker say its verdict, loads for real and jumps. The kernel is the judge.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from tests.vm.harness import SILENCE_AFTER_JUMP, Hardware, Machine, MachineError
from tests.vm.kernels import Kernel
from tests.vm.secure_boot import Firmware

Edit = Callable[[str], str]


class Load(StrEnum):
    """What the call said."""

    LOADED = "loaded"
    REFUSED = "refused"


class Second(StrEnum):
    """What became of the next kernel."""

    BOOTS = "boots"
    FEWER_CPUS = "boots with fewer CPUs"
    SILENT = "never comes up"
    NOT_STARTED = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One row of the truth table. The defaults are the plain case, in which everything works."""

    name: str
    """As the table calls it."""
    hardware: Hardware = field(default_factory=Hardware)
    firmware: Firmware | None = None
    """None = what QEMU brings: on a PC, a BIOS."""
    machine_tree: Edit | None = None
    """Edit of QEMU's own tree, as source text, for the first stage."""
    board_tree: str | None = None
    """A tree of Debian's kernel package for the first stage, by file name."""
    trees: Kernel = Kernel.BOOKWORM_FULL
    """The package that trees are of."""
    first: Kernel = Kernel.BOOKWORM
    first_cmdline: str = ""
    before: str = ""
    """Shell lines that run in the first stage before anything is looked at."""
    kernel: Kernel = Kernel.BOOKWORM
    disk: int = 0
    """MiB of an empty ext4 file system on the machine's disk; 0 = it has none."""
    edit: Callable[[bytes], bytes] = bytes
    """What is done to the kernel's file before it is loaded."""
    entry_tree: Edit | None = None
    """Edit of QEMU's own tree, for the entry; None = it brings none."""
    entry_tree_file: str | None = None
    """A tree of a Debian package instead, by its file name."""
    overlay: str | None = None
    """Source text of an overlay for the entry's tree."""
    fact: tuple[str, str] | None = None
    """What the next kernel has to find in its /proc/device-tree: path and text."""
    exists: Mapping[str, bool] = field(default_factory=dict)
    """Paths, and whether the next kernel has to have them."""
    options: str = ""
    """More options of `bootmenu check` and `bootmenu boot`."""
    second_cmdline: str = "console=ttyAMA0 earlycon panic=1"
    predicted: str = "pass"
    """The verdict that the checker has to give."""
    codes: frozenset[str] = frozenset()
    """Codes that have to be among the findings of that severity."""
    load: Load = Load.LOADED
    asks_kernel: bool = True
    """Whether the running kernel is asked before a load is refused."""
    second: Second = Second.BOOTS
    slowness: int = 1
    """How many times as long as usual the first stage may take."""
    quick: bool = False
    """Part of the quick set."""
    full: bool = False
    """Left to make test-full."""

    @property
    def command_line(self) -> str:
        """Of the next kernel, which tells a fact when it is asked."""
        fact = f" fact={self.fact[0]}" if self.fact else ""
        return self.second_cmdline + fact + "".join(f" exists={path}" for path in self.exists)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was seen."""

    facts: dict[str, object]
    verdict: str
    findings: list[dict[str, object]]
    load: Load
    errno: str
    second: Second
    first_cpus: int
    second_cpus: int
    corrupted: bool = False
    """The next kernel said that its memory may be corrupted."""

    @property
    def worst_codes(self) -> set[str]:
        """Codes of the findings that made the verdict."""
        return {str(finding["code"]) for finding in self.findings if finding["severity"] == self.verdict}


def refused_with(text: str) -> str:
    """The error number, `EINVAL`, that a failed load says the kernel answered with; empty where it says none."""
    found = re.search(r"call: kexec\w* failed with (E[A-Z]+),", text)
    return found[1] if found else ""


_PATIENCE = 150.0
"""Seconds without a byte that the next kernel is granted if it ought to come up: on a busy host kexec-tools'
purgatory alone, which hashes every segment with the MMU off, can take one of the usual minutes."""


def watch(vm: Machine, scenario: Scenario, token: str) -> Outcome:
    """Read what the guest tells, from power-on to the next kernel's word or to silence."""
    silence = SILENCE_AFTER_JUMP if scenario.second is Second.SILENT else _PATIENCE
    vm.wait_for("scenario check end", 150 * scenario.slowness)
    facts = json.loads(_between(vm.text, "facts"))
    check = json.loads(_between(vm.text, "check"))
    place = vm.mark()
    errno, second, cpus = "", Second.NOT_STARTED, 0

    def settled(machine: Machine) -> bool:
        text = machine.text[place:]
        return "scenario load failed" in text or '"result": "jump"' in text

    vm.wait_for(settled, 120 * scenario.slowness)
    if "scenario load failed" in vm.text:
        load = Load.REFUSED
        errno = refused_with(vm.text[place:])
    else:
        load = Load.LOADED
        try:
            vm.wait_for(f"second stage says {token}", 200, after=place, silence=silence)
            vm.wait_for("second stage is done", 30, after=place)
        except MachineError:
            second = Second.SILENT
        else:
            found = re.search(r"second stage cpus: ([\d,-]+)", vm.text[place:])
            cpus = _count(found[1]) if found else 0
            if scenario.fact is not None:
                vm.wait_for("second stage fact {}: {}".format(*scenario.fact), 1, after=place)
            for path, there in scenario.exists.items():
                vm.wait_for(f"second stage has {'' if there else 'no '}{path}", 1, after=place)
            second = Second.BOOTS if cpus >= len(facts["possible_cpus"]) else Second.FEWER_CPUS
    return Outcome(
        facts=facts,
        verdict=check["verdict"],
        findings=check["findings"],
        load=load,
        errno=errno,
        second=second,
        first_cpus=len(facts["possible_cpus"]),
        second_cpus=cpus,
        corrupted="memory probably corrupted" in vm.text[place:],
    )


def cut_off(share: float) -> Callable[[bytes], bytes]:
    """Only so much of the kernel's file is there."""
    return lambda kernel: kernel[: int(len(kernel) * share)]


def _between(text: str, what: str) -> str:
    """What the guest printed between its two marks."""
    begin, end = f"scenario {what} begin\n", f"scenario {what} end"
    return text[text.index(begin) + len(begin) : text.index(end)]


def _count(cpus: str) -> int:
    """`0-1,3` → 3"""
    total = 0
    for part in cpus.split(","):
        first, _, last = part.partition("-")
        total += int(last or first) - int(first) + 1
    return total


def contradiction(scenario: Scenario, seen: Outcome) -> str | None:
    """Why the verdict was wrong; None = the kernel agrees with it.

    pass: it comes up whole. warn: it comes up. fail: the load is refused, or it does not come up.
    """
    works = seen.second in (Second.BOOTS, Second.FEWER_CPUS)
    match seen.verdict:
        case "pass" if seen.second is not Second.BOOTS:
            return f"a wrong pass: {seen.load}, {seen.second}"
        case "pass" if seen.corrupted:
            return "a wrong pass: memory probably corrupted"
        case "warn" if not works:
            return f"a warning where it fails: {seen.load}, {seen.second}"
        case "fail" if works:
            return f"a wrong fail: {seen.second}"
    return None


def save(folder: Path, scenario: Scenario, seen: Outcome) -> None:
    """For the table."""
    folder.mkdir(parents=True, exist_ok=True)
    row = {
        "scenario": scenario.name,
        "predicted": seen.verdict,
        "codes": sorted(seen.worst_codes) if seen.verdict != "pass" else [],
        "load": f"{seen.load}" + (f" ({seen.errno})" if seen.errno else ""),
        "second": str(seen.second),
        "cpus": f"{seen.second_cpus} of {seen.first_cpus}",
    }
    name = re.sub(r"[^a-z0-9]+", "-", scenario.name.lower()).strip("-")
    facts = folder.with_name("machines")
    facts.mkdir(exist_ok=True)
    (facts / f"{name}.json").write_text(json.dumps(seen.facts, indent=1) + "\n", "utf-8")
    (folder / f"{name}.json").write_text(json.dumps(row, indent=2) + "\n", "utf-8")
