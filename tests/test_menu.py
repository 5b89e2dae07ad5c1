# SPDX-License-Identifier: MIT
"""From nothing to a session that looks around."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from bootmenu import menu
from bootmenu.discovery.hotplug import Hotplug
from bootmenu.menu import Opening
from bootmenu.session import MachineSession
from bootmenu.settings import Loaded, Profile, Settings
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


def test_a_damaged_state_is_mended_as_the_menu_starts_and_logged_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A countdown that nobody stops shows it to nobody."""
    log = tmp_path / "menu.log"
    monkeypatch.setenv("BOOTMENU_LOG", str(log))
    host = fake_host(tmp_path / "host", {"/var/lib/bootmenu/state.json": b"{"})
    for _ in range(2):
        woken = threading.Semaphore(0)
        opening = Opening(False, host, Loaded(), woken.release)
        try:
            while (shared := opening.poll()) is None:
                assert woken.acquire(timeout=30)
            assert shared.session.memory.trouble == ""
        finally:
            opening.close()
    assert log.read_text() == "What was remembered was damaged and could not be read. It begins anew.\n"


@pytest.mark.parametrize(
    ("settings", "said"),
    [(Settings(), "no yes\n"), (Settings(profile=Profile.KIOSK), "yes yes\n"), (Settings(shell=False), "no no\n")],
)
def test_the_first_stages_init_is_told_what_the_settings_come_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings, said: str
) -> None:
    monkeypatch.setenv("BOOTMENU_PRINTK", str(tmp_path / "printk"))
    monkeypatch.setattr("os.getppid", lambda: 2)
    menu._tell_init(settings)
    assert not (tmp_path / "settings").exists(), "a running system has no such init"
    monkeypatch.setattr(menu, "first_stage", lambda: True)
    menu._tell_init(settings)
    assert (tmp_path / "settings").read_text() == said
