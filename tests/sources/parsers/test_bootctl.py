# SPDX-License-Identifier: MIT
"""Both types of entries in the order, with the ids and with the default of systemd's own bootctl."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.model.entry import BootEntry
from bootmenu.model.kernel import Architecture
from bootmenu.sources import Platform, read_partition
from tests.builders.trees import MemoryTree, OneDisk
from tests.properties import examples
from tests.sources.parsers.bootctl import RECORDED, Answer, Bootctl, ask, files_of, random_machine

ROWS = json.loads(RECORDED.read_text())


def entries_of(partitions: list[dict[str, str]]) -> list[list[BootEntry]]:
    """The entries of each partition."""
    trees = []
    for number, texts in enumerate(partitions, 1):
        data = {path: text.encode() if isinstance(text, str) else text for path, text in files_of(texts).items()}
        trees.append(MemoryTree(data, device=f"sda{number}", names=frozenset({f"sda{number}"})))
    return [
        [
            found
            for found in read_partition(OneDisk(tree.device, trees).tree, Platform(architecture=Architecture.X86_64))
            if isinstance(found, BootEntry) and found.source in ("bls", "uki")
        ]
        for tree in trees
    ]


def name(entry: BootEntry, profiles: dict[str, list[str]]) -> str:
    """bootctl's id of an entry: the name of its file without the counter, and the profile of an image."""
    assert entry.config is not None
    if entry.source == "bls":
        return f"{entry.id}.conf"
    stem, _, number = entry.id.partition("@")
    ids = profiles[entry.config.path]
    profile = (ids[int(number or 0)] if ids else "") or number
    return f"{stem}.efi@{profile}" if profile else f"{stem}.efi"


def compare(partitions: list[dict[str, str]], answer: Answer) -> None:
    every: list[str] = []
    defaults: list[str] = []
    for texts, entries in zip(partitions, entries_of(partitions), strict=True):
        profiles = {
            path: [part.partition("\n")[0].removeprefix("ID=") for part in text.split("---\n")[1:]]
            for path, text in texts.items()
        }
        names = [name(entry, profiles) for entry in entries]
        defaults += [one for one, entry in zip(names, entries, strict=True) if entry.default]
        # a menu has a list for each partition, bootctl has one for both
        assert names == [one for one in answer.order if one in names]
        every += names
    assert sorted(every) == sorted(answer.order)
    assert (defaults or answer.order[:1]) == [answer.default]


@pytest.mark.parametrize("number", range(len(ROWS)))
def test_the_list_is_bootctls(number: int) -> None:
    """Recorded with systemd 262."""
    row = ROWS[number]
    compare(row["partitions"], Answer(row["order"], row["default"]))


@pytest.fixture(scope="session")
def bootctl() -> Bootctl:
    """A current one, which is downloaded once."""
    top = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Bootctl.fetch(Path(top) / "bootmenu")


@pytest.mark.slow
@examples(300)
@given(rng=st.randoms(use_true_random=False))
def test_the_list_of_any_machine_is_bootctls(bootctl: Bootctl, rng: random.Random) -> None:
    partitions = random_machine(rng)
    compare(partitions, ask(bootctl, partitions))
