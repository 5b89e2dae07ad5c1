# SPDX-License-Identifier: MIT
"""From nothing to a session that looks around."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from bootmenu.discovery.hotplug import Hotplug
from bootmenu.menu import Opening
from bootmenu.session import MachineSession
from bootmenu.settings import Loaded
from tests.builders.hosts import fake_host


def test_a_real_machine_is_watched_for_new_media(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[dict[str, object]] = []
    real = MachineSession.__init__

    def remember(self: MachineSession, *arguments: object, **options: object) -> None:
        made.append(options)
        real(self, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(MachineSession, "__init__", remember)
    woken = threading.Semaphore(0)
    opening = Opening(False, fake_host(tmp_path), Loaded(), woken.release)
    try:
        while opening.poll() is None:
            assert woken.acquire(timeout=30)
    finally:
        opening.close()
    (options,) = made
    assert isinstance(options["changes"], Hotplug)
