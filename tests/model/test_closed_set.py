# SPDX-License-Identifier: MIT
"""model/closed_set.py: what the program uses of an enumeration, beside what `enum` does."""

from __future__ import annotations

import copy
import enum
import json
import pickle
from typing import Any

import pytest

from bootmenu.model import closed_set


class Colour(closed_set.StrEnum):
    """Two strings, with a method."""

    RED = "red"
    GREEN = "green"

    @property
    def first(self) -> str:
        """Return its first letter."""
        return self[0]


class Step(closed_set.Enum):
    """Two members without values of their own."""

    ONE = closed_set.auto()
    TWO = closed_set.auto()


def test_members_are_what_those_of_enum_are() -> None:
    of_python: list[Any] = [
        enum.StrEnum("Colour", {"RED": "red", "GREEN": "green"}),
        enum.Enum("Step", ["ONE", "TWO"]),
    ]
    ours: list[Any] = [Colour, Step]
    for kind, others in zip(ours, of_python, strict=True):
        assert [(each.name, each.value, repr(each), str(each)) for each in kind] == [
            (each.name, each.value, repr(each), str(each)) for each in others
        ]
        assert len(kind) == len(others)
        assert kind["RED" if kind is Colour else "ONE"] is next(iter(kind))
    assert f"{Colour.RED}" == json.loads(json.dumps(Colour.RED)) == "red"
    assert {Colour.RED: 1}["red"] == {"red": 1}[Colour.RED] == 1  # type: ignore[index]
    assert Colour.GREEN.first == "g"
    assert isinstance(Colour.RED, Colour)
    assert isinstance(Colour.RED, str)
    assert type(Colour.RED.value) is str


def test_a_value_is_looked_up() -> None:
    assert Colour("red") is Colour(Colour.RED) is Colour.RED
    kind: Any = Colour
    assert "green" in kind
    assert Colour.GREEN in Colour
    assert "blue" not in kind
    assert Step(1) is Step.ONE
    wrong: list[Any] = ["blue", 1, None, []]
    for value in wrong:
        with pytest.raises(ValueError, match="is not a valid Colour"):
            kind(value)


def test_a_copy_is_the_member_itself() -> None:
    for member in (Colour.RED, Step.TWO):
        for other in (copy.copy(member), copy.deepcopy([member])[0], pickle.loads(pickle.dumps(member))):
            assert other is member


def test_members_stay_what_they_are() -> None:
    with pytest.raises(AttributeError):
        Colour.RED = Colour.GREEN  # type: ignore[misc]
    with pytest.raises(ValueError, match="value of another member"):

        class _Twice(closed_set.StrEnum):
            ONE = "same"
            TWO = "same"
