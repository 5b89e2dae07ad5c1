# SPDX-License-Identifier: MIT
"""An environment without anything of the machine on which the tests run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def refuse_without_own_mounts() -> None:
    """Skip the test where a process cannot have mounts of its own, and say why."""
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    if not any(line.split()[4] == "/" for line in Path("/proc/self/mountinfo").read_text().splitlines()):
        pytest.skip("/ is no mount point, as in a chroot: no process can have mounts of its own")


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Provide a terminal of many colours and a log file of the test's own."""
    for name in ("COLORTERM", "NO_COLOR", "COLUMNS", "LINES", "BOOTMENU_GLYPHS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("BOOTMENU_LOG", str(tmp_path / "menu.log"))
