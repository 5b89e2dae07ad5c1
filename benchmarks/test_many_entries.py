# SPDX-License-Identifier: MIT
"""How long a key takes in a menu of 5,000 entries on one partition: at most 0.1 s of the processor."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from bootmenu.discovery.devices import Device
from bootmenu.model.place import Bus, Place
from bootmenu.session.machine_session import MachineSession
from bootmenu.system.recorded_host import SimulatedHost
from tests.builders import machines
from tests.builders.entries import whole_image
from tests.frontends.tui.driving import running

ENTRIES = 5000
KEYS = ("down", "up", "pagedown", "end", "home", "slash", *"4999", "escape")
GOAL = 0.1
"""Seconds."""


@pytest.fixture
def session(tmp_path: Path) -> MachineSession:
    folder = tmp_path / "loader/entries"
    folder.mkdir(parents=True)
    (tmp_path / "vmlinuz").write_bytes(whole_image())
    for number in range(ENTRIES):
        text = f"title Linux {number}\nversion 6.1.{number}\nlinux /vmlinuz\noptions root=PARTUUID=1 n={number}\n"
        (folder / f"e{number}.conf").write_text(text)
    machine = machines.virt()
    device = Device(name="sda1", folder=str(tmp_path), place=Place(bus=Bus.INTERNAL))
    return MachineSession(SimulatedHost.from_facts(machine), machine, lambda: [device])


async def test_a_key_among_very_many_entries(session: MachineSession, capsys: pytest.CaptureFixture[str]) -> None:
    taken: dict[str, float] = {}
    try:
        async with running(session, scanned=False) as menu:
            await menu.until(lambda: menu.menu.results.finished, 300)
            await menu.settle()
            for number, key in enumerate(KEYS):
                begun = time.process_time()
                await menu.press(key)
                taken[f"{number} {key}"] = time.process_time() - begun
    finally:
        session.close()
    with capsys.disabled():
        print(f"\n{ENTRIES:,} entries:", ", ".join(f"{key} {took * 1000:.0f} ms" for key, took in taken.items()))
    assert max(taken.values()) < GOAL
