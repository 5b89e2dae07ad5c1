# SPDX-License-Identifier: MIT
"""The menu that waits for the first stage's init."""

from __future__ import annotations

import importlib
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bootmenu.frontends import gate

WAITS = "import os, sys; from bootmenu.frontends import gate; gate.wait(os.environ); print(*sys.modules)"


def waiting(path: Path) -> subprocess.Popen[str]:
    environ = {gate.VARIABLE: str(path), "PATH": "/usr/bin:/bin"}
    return subprocess.Popen([sys.executable, "-c", WAITS], env=environ, stdout=subprocess.PIPE, text=True)


def ignores(process: int, number: signal.Signals) -> bool:
    """Whether a process ignores a signal."""
    found = re.search(r"^SigIgn:\s*(\w+)", Path(f"/proc/{process}/status").read_text(), re.MULTILINE)
    return found is not None and bool(int(found[1], 16) >> (number - 1) & 1)


def test_it_imports_what_the_first_verdict_needs_and_goes_on_when_the_gate_is_there(tmp_path: Path) -> None:
    path = tmp_path / "gate"
    with waiting(path) as menu:
        end = time.monotonic() + 30
        while not ignores(menu.pid, signal.SIGINT) and time.monotonic() < end:
            time.sleep(0.01)
        menu.send_signal(signal.SIGINT)  # Ctrl+C on the console: there is nothing yet that it could end
        with pytest.raises(subprocess.TimeoutExpired):
            menu.wait(1)
        path.touch()
        said, _ = menu.communicate(timeout=30)
    assert set(gate.PARTS) <= set(said.split())
    assert not {"asyncio", "textual"} & set(said.split()), "what the first verdict does not need comes later"


def test_an_open_gate_delays_nothing_and_imports_nothing(tmp_path: Path) -> None:
    path = tmp_path / "gate"
    path.touch()
    with waiting(path) as menu:
        said, _ = menu.communicate(timeout=30)
    assert "bootmenu.session.machine_session" not in said.split()


def test_a_driver_that_hangs_does_not_keep_the_menu_waiting(tmp_path: Path) -> None:
    environ = {gate.VARIABLE: str(tmp_path / "none")}
    handler = signal.getsignal(signal.SIGINT)
    gate.wait(environ, longest=0.05)
    assert environ == {}, "what the menu starts does not wait"
    assert signal.getsignal(signal.SIGINT) is handler


def test_each_part_can_be_imported() -> None:
    for name in gate.PARTS:
        importlib.import_module(name)
