# SPDX-License-Identifier: MIT
"""An environment without anything of the machine on which the tests run."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Provide a terminal of many colours and a log file of the test's own."""
    for name in ("COLORTERM", "NO_COLOR", "COLUMNS", "LINES", "BOOTMENU_GLYPHS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("BOOTMENU_LOG", str(tmp_path / "menu.log"))
