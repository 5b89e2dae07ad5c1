# SPDX-License-Identifier: MIT
"""What mark-good takes of the processor, beside an interpreter that does nothing: make bench."""

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bootmenu.bootstate.state import encode
from bootmenu.system import efi
from tests.commands.test_mark_good import KIOSK, PLACE, STATE, machine

GOAL = 1.5
"""Times the bare interpreter."""
_ROUNDS = 60
_PROGRAM = """\
import sys
sys.argv[1:] = ["mark-good"]
from bootmenu import __main__
if root := {root!r}:
    from bootmenu.commands import mark_good_command
    run = mark_good_command.run_quickly
    mark_good_command.run_quickly = lambda: run(root)
sys.exit(__main__.main())
"""
"""As data/bin/bootmenu, for a machine below a folder."""


def seconds(argv: list[str]) -> float:
    """Processor time of a process, its own and the kernel's for it."""
    quiet = [(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)]
    process = os.posix_spawn(argv[0], argv, os.environ, file_actions=quiet)
    _, status, used = os.wait4(process, 0)
    assert status == 0, argv
    return used.ru_utime + used.ru_stime


@pytest.mark.parametrize("settings", [KIOSK, 'state.device = "efi"\n'])
def test_mark_good_takes_little_more_than_starting_python(tmp_path: Path, settings: str) -> None:
    root = machine(tmp_path / "m", settings)
    variable = root / efi.STATE.lstrip("/")
    variable.parent.mkdir(parents=True)

    def started() -> None:
        (root / PLACE / "state.json").write_bytes(encode(STATE))
        variable.write_bytes(b"\7\0\0\0" + encode(STATE))

    script = tmp_path / "bootmenu"
    script.write_text(_PROGRAM.format(root=str(root)))
    bare, marking = [sys.executable, "-I", "-c", "pass"], [sys.executable, "-I", str(script)]
    started()
    seconds(marking)  # which compiles what was not
    # by turns: whatever else the machine does is in both
    taken = [(seconds(bare), _after(started, marking)) for _ in range(_ROUNDS)]
    ratio = statistics.median(more for _, more in taken) / statistics.median(less for less, _ in taken)
    print(f"\n{ratio:.2f} times the {statistics.median(less for less, _ in taken) * 1000:.1f} ms of python3 -c pass")
    assert ratio < GOAL


def _after(prepare: Callable[[], None], argv: list[str]) -> float:
    prepare()
    return seconds(argv)
