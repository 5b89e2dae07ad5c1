# SPDX-License-Identifier: MIT
"""The menu that waits for the first stage's init."""

from __future__ import annotations

import importlib
import os
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
    assert "textual" not in said.split(), "it reads the environment, which the terminal decides later"


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


@pytest.mark.parametrize(("processors", "pages", "more"), [(2, 1 << 20, True), (1, 1 << 20, False), (2, 1, False)])
def test_the_full_menu_is_begun_where_there_is_room(
    monkeypatch: pytest.MonkeyPatch, processors: int, pages: int, more: bool
) -> None:
    imported: list[str] = []
    monkeypatch.setattr(gate, "_import", imported.append)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(processors)))
    monkeypatch.setattr(os, "sysconf", {"SC_AVPHYS_PAGES": pages, "SC_PAGE_SIZE": 4096}.__getitem__)
    gate.wait({gate.VARIABLE: "/nowhere"}, longest=0.1)
    assert imported == [*gate.PARTS, *gate.LATER, *(gate.OF_THE_MENU if more else ())]


def test_each_part_can_be_imported() -> None:
    for name in (*gate.PARTS, *gate.LATER, *gate.OF_THE_MENU):
        importlib.import_module(name)


def test_a_gate_that_opens_is_passed_after_the_part_at_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, imported = tmp_path / "gate", list[str]()

    def open_gate(name: str) -> None:
        imported.append(name)
        path.touch()

    monkeypatch.setattr(gate, "_import", open_gate)
    gate.wait({gate.VARIABLE: str(path)})
    assert imported == [gate.PARTS[0]]
