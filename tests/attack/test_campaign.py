# SPDX-License-Identifier: MIT
"""A little of each part of the campaign, and that it tells when something breaks."""

from __future__ import annotations

import json
import random
import subprocess
import sys

import pytest

from bootmenu.sources import SOURCES
from tests.attack import soak
from tests.attack.inputs import command, shares
from tests.attack.mutate import mutated
from tests.attack.soak import Sample, grown, judged
from tests.attack.tally import Tally, table
from tests.attack.targets import TARGETS
from tests.frontends.pseudo_terminal import ROOT


@pytest.mark.parametrize(
    ("words", "least"),
    [
        (["loads", "--count", "5"], 5),
        pytest.param(["inputs", "--count", "300"], 300, marks=pytest.mark.slow),
        pytest.param(["loads", "--count", "20"], 20, marks=pytest.mark.slow),
        pytest.param(["kills", "--count", "6"], 6, marks=pytest.mark.slow),
        pytest.param(["soak", "--minutes", "0.1", "--flap", "0.25", "--double"], 2, marks=pytest.mark.slow),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_little_of_each_part(words: list[str], least: int) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.attack", "--json", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    tallies = [Tally.from_json(value) for value in json.loads(done.stdout)]
    assert sum(tally.tried for tally in tallies) >= least
    broken = [tally for tally in tallies if tally.failed]
    assert not broken, "\n".join(table(broken))
    assert done.returncode == 0


def test_every_format_of_configurations_is_attacked() -> None:
    assert {f"source {name}" for name in SOURCES.names()} <= set(TARGETS)


def test_an_attack_is_made_again_from_its_seed_and_number() -> None:
    first, again, other = (mutated(random.Random(f"{seed}/x/1"), bytes(range(256)) * 9) for seed in (11, 11, 12))
    assert first == again
    assert first != other
    assert first != bytes(range(256)) * 9


def test_what_broke_is_told_with_the_command_that_breaks_it_again() -> None:
    tally = Tally(kind="uevent")
    tally.held()
    for index in (7, 9):
        tally.broke(f"it is wrong at {index}", command(11, "uevent", index), "wrong")
    lines = list(table([tally]))
    assert lines[1].split()[1:4] == ["3", "1", "2"]
    assert lines[-2:] == [
        "BROKEN uevent, 2 times: it is wrong at 7",
        "  make attack ARGS=\"inputs --seed 11 --only 'uevent' --index 7\"",
    ]
    assert Tally.from_json(json.loads(json.dumps(tally.to_json()))) == tally


def test_every_kind_gets_its_share() -> None:
    assert shares(100, {"a": 3, "b": 1, "c": 1000}) == {"a": 1, "b": 1, "c": 100}


def measured(*, growing: int = 0, threads: int = 0) -> list[Sample]:
    return [
        Sample(
            at=60.0 * at,
            flaps=60 * at,
            rss=50_000_000 + growing * 60 * at,
            threads=10 + threads * at,
            descriptors=20,
            children=0,
            mounts=20,
            cpu=0.1 * at,
        )
        for at in range(60)
    ]


def test_a_soak_that_grows_is_told() -> None:
    assert judged(measured()) == []
    assert judged(measured(growing=500)) == []
    assert [what.partition(":")[0] for what in judged(measured(growing=97_000))] == ["memory grows"]
    assert grown(measured(growing=97_000)) == pytest.approx(97_000 * 60 * 29)
    assert [what.partition(":")[0] for what in judged(measured(threads=1))] == ["threads grow"]


def test_no_key_of_the_soak_starts_anything() -> None:
    assert not {b"\r", b"\n", b"t", b"y", b"p", b"s", b"e"} & set(soak._KEYS)
