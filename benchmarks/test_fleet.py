# SPDX-License-Identifier: MIT
"""How long it takes to judge a kernel for a fleet of recorded machines: make bench

Measured in processor time of all processes, which says the same whatever else the machine does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bootmenu.demo import recorded_machine
from bootmenu.demo.builders import arm64_image, write_sparse
from bootmenu.model.machine import MachineFacts

_KERNEL = 36_000_000
_MACHINES = 2_000
_BUDGET = 10.0
"""What a recording may take, as a multiple of reading its JSON with the standard library and of writing it again."""

_AGAIN = """
import json, pathlib, sys
for path in pathlib.Path(sys.argv[1]).glob("*.json"):
    json.dumps(json.loads(path.read_bytes()))
"""


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    """Recordings of which no two are equal."""
    machine = recorded_machine().to_json()
    for number in range(_MACHINES):
        text = json.dumps({**machine, "memory_available": 10**9 + number})
        (tmp_path / f"board-{number}.json").write_text(text)
    return tmp_path


def _seconds(*argv: str) -> float:
    """Return the processor time of a process and of those that it started."""
    before = os.times()
    subprocess.run(argv, check=False, stdout=subprocess.DEVNULL, timeout=600)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def test_a_fleet_of_10_000_takes_less_than_10_seconds_of_two_processors(fleet: Path, tmp_path: Path) -> None:
    """The ratio is what is judged: seconds depend on the processor, and on who else uses it."""
    kernel = tmp_path / "vmlinuz"
    write_sparse(kernel, arm64_image(_KERNEL), _KERNEL)
    bootmenu = (sys.executable, "-m", "bootmenu", "check", str(kernel), "--machine")
    one = _seconds(*bootmenu, str(fleet / "board-0.json"))
    spent = (_seconds(*bootmenu, str(fleet)) - one) / _MACHINES
    started = _seconds(sys.executable, "-c", "import json, pathlib")
    base = (_seconds(sys.executable, "-c", _AGAIN, str(fleet)) - started) / _MACHINES
    print(
        f"\n{spent * 1000:.2f} ms a machine, {spent * 5_000:.1f} s for 10,000 on two, {spent / base:.1f} × its JSON"
    )
    assert MachineFacts.from_json(json.loads((fleet / "board-0.json").read_bytes()))
    assert spent / base < _BUDGET
