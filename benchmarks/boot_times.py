# SPDX-License-Identifier: MIT
"""Measure how long the first stage takes in an emulated arm64 machine: `make bench-boot`.

Times of emulated machines say little, so all are ratios: a moment after init has started the menu, over a small
command in the same machine, each the median of several. The table goes to standard output and into docs/start.md.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bootmenu.system.processes import Commands
from bootmenu.vm import disk_image
from tests.vm import devicetrees, stages
from tests.vm.conftest import ARTIFACTS
from tests.vm.harness import Hardware, Machine

PAPER = Path(__file__).parents[1] / "docs" / "start.md"
_INIT = "bootmenu: starting the menu"
READING = 6.0
"""Seconds that a person takes to read the first frame."""
_PASS_OF_A_BOARD = 0.2
"""Seconds of UNITS["pass"] where those were measured: an emulated machine is given as much more as it is slower."""
_BEGIN, _END = "<!-- measured -->\n", "<!-- end -->\n"


@dataclass(frozen=True, slots=True)
class Ratio:
    """A moment, beside what it is measured with."""

    name: str
    unit: str
    """A key of UNITS."""
    goal: float
    budget: float
    """`make bench` fails above it."""


UNITS = {
    "pass": "`python3 -I -X utf8 -c pass`",
    "textual": "the same with `import textual.app`",
}
RATIOS = {
    "title": Ratio("the first frame, which init draws", "pass", 2.0, 2.0),
    "frame": Ratio("the first frame that takes keys", "pass", 2.0, 11.0),
    "default": Ratio("the default entry named, with its verdict", "pass", 6.0, 20.0),
    "init": Ratio("the same, from init's first step", "pass", 6.0, 22.0),
    "early": Ratio("the menu, from a key that is pressed when the default is named", "textual", 0.7, 2.0),
    "menu": Ratio("the menu, from a key that is pressed six seconds later", "textual", 0.7, 0.9),
    "jump": Ratio("the next kernel's first word, where the default starts at once", "pass", 12.0, 30.0),
    "jump-init": Ratio("the same, from init's first step", "pass", 12.0, 32.0),
    "scan": Ratio("`bootmenu scan --json` without a disk, from its start", "pass", 5.0, 8.0),
}


def measured(runs: int) -> dict[str, float]:
    """Boot three machines in each of so many turns, and return the median of each ratio."""
    top = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    cache = Path(top) / "bootmenu" / "vm"
    stage, token = stages.build_first_stage(cache), secrets.token_hex(6)
    found: dict[str, list[float]] = {name: [] for name in RATIOS}
    with tempfile.TemporaryDirectory(prefix="bootmenu-bench-") as name:
        folder = Path(name)
        tree = devicetrees.compile_tree(devicetrees.own_tree(Hardware(), folder), folder / "own.dtb").read_bytes()
        second = stages.build_second_stage(cache, token)
        partitions = stages.standard_partitions(stage, second, token, tree)
        disk = disk_image.write_disk(folder / "disk.img", partitions, folder / "work", Commands())
        timed = stages.with_files(
            stage,
            {"bench/times": (stages.GUEST / "times.py").read_bytes()},
            folder / "timed.cpio",
            executable={"bench/times"},
        )
        for number in range(runs):
            for ratios in (
                _opened(timed, disk, "menu", READING),
                _opened(timed, disk, "early", 0),
                _jumped(timed, disk),
            ):
                for key, ratio in ratios.items():
                    found[key].append(ratio)
            print(f"{number + 1} of {runs}:", {key: round(each[-1], 2) for key, each in found.items()}, flush=True)
    return {key: statistics.median(each) for key, each in found.items()}


def _machine(stage: stages.Stage, disk: Path, cmdline: str) -> Machine:
    return Machine(
        Hardware(disks=(disk,)),
        kernel=stage.kernel,
        initrd=stage.initrd,
        cmdline=f"rdinit=/bench/times {cmdline}",
        name="bench-boot",
        artifacts=ARTIFACTS,
        limit=600,
    )


def _started(vm: Machine) -> tuple[dict[str, float], float, float]:
    """Return the seconds of the commands, when init has begun, and when it has started the menu."""
    vm.wait_for(lambda machine: re.search(r"^TIMES (.*)\n", machine.text, re.MULTILINE) is not None, 400)
    init = time.monotonic()
    vm.wait_for(_INIT, 400)
    began = time.monotonic()
    (row,) = re.findall(r"^TIMES (.*)$", vm.text, re.MULTILINE)
    return json.loads(row), init, began


def _opened(stage: stages.Stage, disk: Path, key: str, wait: float) -> dict[str, float]:
    """Return the ratios of a machine whose menu is opened by a key. key: its name in RATIOS. wait: seconds after the
    default is named."""
    with _machine(stage, disk, "bootmenu.timeout=900") as vm:
        units, init, began = _started(vm)
        vm.wait_for(_titled, 120)
        moments = {"scan": units["scan"], "title": time.monotonic() - began}
        vm.wait_for_screen("Any key opens the menu")
        moments["frame"] = time.monotonic() - began
        vm.wait_for(_default_named, 120)
        moments |= {"default": time.monotonic() - began, "init": time.monotonic() - init}
        time.sleep(wait * units["pass"] / _PASS_OF_A_BOARD)
        pressed = time.monotonic()
        vm.send("space")
        vm.wait_for_screen("F1 help", 120)
        moments[key] = time.monotonic() - pressed
    return _ratios(moments, units)


def _jumped(stage: stages.Stage, disk: Path) -> dict[str, float]:
    """Return the ratio of a machine that starts its default at once."""
    with _machine(stage, disk, "bootmenu.timeout=0") as vm:
        units, init, began = _started(vm)
        vm.wait_for("Booting Linux on physical CPU", 300, after=vm.mark())
        return _ratios({"jump": time.monotonic() - began, "jump-init": time.monotonic() - init}, units)


def _ratios(moments: dict[str, float], units: dict[str, float]) -> dict[str, float]:
    return {key: seconds / units[RATIOS[key].unit] for key, seconds in moments.items()}


def _titled(machine: Machine) -> bool:
    return any(row.split()[:1] == ["bootmenu"] for row in machine.screen())


def _default_named(machine: Machine) -> bool:
    rows = machine.screen()
    return any("Alpha on FAT" in row and re.search(r"\bok\b", row) for row in rows)


def table(ratios: dict[str, float]) -> str:
    """Return the table for people."""
    rows = ["| moment, from init's start of the menu | measured | goal | in units of |", "| --- | --- | --- | --- |"]
    rows += [
        f"| {ratio.name} | {ratios[key]:.2f} | {ratio.goal:.1f} | {UNITS[ratio.unit]} |"
        for key, ratio in RATIOS.items()
    ]
    return "\n".join(rows) + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the table, and write it into the paper."""
    parser = argparse.ArgumentParser(prog="make bench-boot", description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--no-paper", action="store_true", help="only print")
    options = parser.parse_args(argv)
    told = table(measured(options.runs))
    print(told, end="")
    if not options.no_paper:
        text = PAPER.read_text("utf-8")
        before, after = text.split(_BEGIN)[0], text.split(_END)[1]
        PAPER.write_text(f"{before}{_BEGIN}\n{told}\n{_END}{after}", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
