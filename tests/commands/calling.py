# SPDX-License-Identifier: MIT
"""Fixtures that call the command line, and what it is called with."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bootmenu import cli
from bootmenu.model.entry import Problem
from bootmenu.model.machine import MachineFacts
from bootmenu.system.host import Host
from tests.builders import machines
from tests.builders.entries import whole_image
from tests.builders.places import INSIDE
from tests.builders.trees import write_tree


@pytest.fixture
def partition(tmp_path: Path) -> Path:
    """A partition with one good BLS entry."""
    return write_tree(
        tmp_path / "part",
        {
            "loader/entries/good.conf": "title Good\nversion 6.1\nlinux /vmlinuz\n"
            "initrd /initrd\noptions console=ttyAMA0\n",
            "vmlinuz": whole_image(),
            "initrd": gzip.compress(b"070701"),
        },
    )


class Outcome:
    """How a call of main ended."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Call = Callable[..., Outcome]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    def run(*argv: object) -> Outcome:
        code = cli.main([str(word) for word in argv])
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return run


@pytest.fixture
def kernel(tmp_path: Path) -> Path:
    path = tmp_path / "Image"
    path.write_bytes(whole_image())
    return path


@pytest.fixture
def on_virt(monkeypatch: pytest.MonkeyPatch, partition: Path) -> Path:
    """`boot` on the recorded machine, with one partition; nothing of this computer is asked."""
    from bootmenu.discovery import machine_facts
    from bootmenu.discovery.devices import Device
    from bootmenu.discovery.storage.assembly import Storage

    def gather(host: Host) -> MachineFacts:
        return machines.virt()

    monkeypatch.setattr(machine_facts, "gather", gather)
    found = (
        Device(name="sda1", uuid="1-2", folder=str(partition), place=INSIDE),
        Problem(device="sdb1", path="", message="is broken"),
    )
    monkeypatch.setattr(Storage, "find", lambda storage: iter(found))
    return partition
