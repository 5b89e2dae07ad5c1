# SPDX-License-Identifier: MIT
"""Every configuration of tests/trees, damaged in every way a disk or an enemy damages them."""

from __future__ import annotations

import itertools
import random
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import pytest

from bootmenu.model.entry import BootEntry, Problem
from bootmenu.sources import Platform, read_partition
from tests.builders.trees import MemoryTree
from tests.properties import part
from tests.trees import goldens

_CONFIGURATION = re.compile(r"\.(conf|cfg|txt|efi|ini|cmd|scr)$|/grubenv$|/srel$")
_ROUNDS = 6
"""Mutants of each kind and file; each is made from a seed of its own and so is the same in every run."""
_PATIENCE = 20
"""Seconds after which a partition of a few kilobytes is taken for one that hangs the menu."""

Mutation = Callable[[random.Random, bytes], bytes]


def _flip(chance: random.Random, data: bytes) -> bytes:
    spoilt = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        spoilt[chance.randrange(len(spoilt))] = chance.randrange(256)
    return bytes(spoilt)


def _cut(chance: random.Random, data: bytes) -> bytes:
    return data[: chance.randrange(len(data))]


def _repeat(chance: random.Random, data: bytes) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + data[at : at + chance.randint(1, 200)] * chance.randint(2, 400) + data[at:]


def _shuffle(chance: random.Random, data: bytes) -> bytes:
    lines = data.splitlines(keepends=True)
    chance.shuffle(lines)
    return b"".join(lines)


def _insert(chance: random.Random, data: bytes) -> bytes:
    at = chance.randrange(len(data))
    poison = chance.choice(
        [
            b"\0", b"\xff\xfe", b"\x1b]0;x\x07\x1b[2J", b"../" * 500, b"{" * 5000, b"$" * 3000, b'"', b"'", b"\\\n",
            b"(" * 3000, b"%n" * 1000, b"\n\n", b" " * 70_000, b"A" * 70_000, "\u202e\u0301".encode() * 99,
        ]
    )  # fmt: skip
    return data[:at] + poison + data[at:]


def _swap(chance: random.Random, data: bytes) -> bytes:
    words = re.split(rb"(\s+)", data)
    for _ in range(chance.randint(1, 6)):
        left, right = chance.randrange(len(words)), chance.randrange(len(words))
        words[left], words[right] = words[right], words[left]
    return b"".join(words)


MUTATIONS: dict[str, Mutation] = {
    "flip": _flip,
    "cut": _cut,
    "repeat": _repeat,
    "shuffle": _shuffle,
    "insert": _insert,
    "swap": _swap,
}


def _files(folder: Path) -> dict[str, bytes]:
    """What is on a partition, links followed as far as they stay on it."""
    return {
        f"/{path.relative_to(folder)}": path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.resolve().is_relative_to(folder.resolve())
    }


@pytest.fixture
def not_for_ever() -> Iterator[None]:
    def give_up(number: int, frame: FrameType | None) -> None:
        raise AssertionError(f"still reading after {_PATIENCE} s")

    before = signal.signal(signal.SIGALRM, give_up)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def _read(files: dict[str, bytes], board: tuple[str, ...]) -> list[BootEntry | Problem]:
    signal.alarm(_PATIENCE)
    return list(read_partition(MemoryTree(files), Platform(board=board)))


@pytest.mark.usefixtures("not_for_ever")
@pytest.mark.parametrize(("name", "kind"), part(itertools.product(goldens.names(), MUTATIONS)))
def test_a_damaged_configuration_costs_its_own_entries_only(name: str, kind: str, tmp_path: Path) -> None:
    goldens.materialise(name, tmp_path)
    board = goldens.board(name)
    for folder in goldens.folders(name):
        files = _files(tmp_path / folder)
        whole = [found for found in _read(files, board) if isinstance(found, BootEntry)]
        for path in filter(_CONFIGURATION.search, files):
            for seed in range(_ROUNDS if len(files[path]) < 4096 else 2):
                chance = random.Random(f"{name}{path}{kind}{seed}")
                if not files[path]:
                    continue
                found = _read({**files, path: MUTATIONS[kind](chance, files[path])}, board)
                assert len(found) < 5000
                assert all(len(item.message) < 2000 for item in found if isinstance(item, Problem))
                # a file of the Boot Loader Specification stands for itself
                alone = re.fullmatch(r"(/boot)?/loader/entries/[^/]*\.conf", path) is not None
                if alone:
                    listed = {(item.source, item.id) for item in found if isinstance(item, BootEntry)}
                    own = {entry.id for entry in whole if entry.config and entry.config.path == path}
                    others = {(entry.source, entry.id) for entry in whole if entry.source == "bls"}
                    assert others - {("bls", ident) for ident in own} <= listed
