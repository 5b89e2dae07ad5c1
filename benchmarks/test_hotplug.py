# SPDX-License-Identifier: MIT
"""From a block device that appears to its entry in the list: make bench. Needs root and loop devices."""

from __future__ import annotations

import contextlib
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bootmenu.discovery.hotplug import Hotplug
from bootmenu.discovery.machine_facts import gather
from bootmenu.discovery.scan_events import EntryFound
from bootmenu.session.machine_session import MachineSession
from bootmenu.system.host import Host
from tests.builders.trees import write_tree

GOAL = 2.0
"""Seconds."""
_ROUNDS = 5


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    """The image of a medium with one entry."""
    files = write_tree(tmp_path / "files", {"loader/entries/omega.conf": "title Omega\nlinux /k\n", "k": "no kernel"})
    image = tmp_path / "stick.img"
    subprocess.run(["/sbin/mkfs.ext4", "-q", "-d", files, image, "16M"], check=True, stdout=subprocess.DEVNULL)
    return image


@contextlib.contextmanager
def plugged(image: Path) -> Iterator[None]:
    command = ["/sbin/losetup", "--find", "--show", "--read-only", image]
    name = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    try:
        yield
    finally:
        subprocess.run(["/sbin/losetup", "--detach", name], check=True)


def test_a_medium_is_listed_within_two_seconds(stick: Path) -> None:
    host, listed = Host(), threading.Semaphore(0)
    with contextlib.closing(MachineSession(host, gather(host), changes=Hotplug())) as session:
        watch = session.scan()
        list(watch.until_finished())

        def follow() -> None:
            for event in watch:
                if isinstance(event, EntryFound) and event.listing.entry.title == "Omega":
                    listed.release()

        threading.Thread(target=follow, daemon=True).start()
        seconds = []
        for _ in range(_ROUNDS):
            with plugged(stick):
                began = time.monotonic()
                assert listed.acquire(timeout=30)
                seconds.append(time.monotonic() - began)
        watch.close()
    print(f"\nlisted {min(seconds):.2f} to {max(seconds):.2f} s after the block device was there")
    assert max(seconds) <= GOAL
