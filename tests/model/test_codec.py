# SPDX-License-Identifier: MIT
"""Facts to JSON and back: what was written reads back, and whatever is wrong names its field."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.errors import BootmenuError, FormatError
from bootmenu.model.machine import SCHEMA, MachineFacts
from bootmenu.model.value import fields, replace
from tests.builders import machines, strategies
from tests.properties import examples

PROPERTY = examples(100)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def as_json(machine: MachineFacts) -> dict[str, Any]:
    value = json.loads(json.dumps(machine.to_json()))
    assert isinstance(value, dict)
    return value


@PROPERTY
@given(strategies.machine_facts)
def test_facts_survive_json(machine: MachineFacts) -> None:
    assert MachineFacts.from_json(as_json(machine)) == machine


@pytest.mark.parametrize("name", machines.MACHINES)
def test_a_machine_of_the_folder_is_the_one_that_was_made(name: str) -> None:
    recorded, made = (
        replace(machine, not_recorded=())  # the files are older than some facts
        for machine in (machines.recorded(name), machines.MACHINES[name]())
    )
    assert recorded == made, "run: python -m tests.builders.machines"


def paths(value: object, where: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Where every value below stands."""
    found = [where] if where else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found += paths(inner, (*where, key))
    return found


PATHS = [path for path in paths(as_json(machines.spin_table())) if path != ("schema",)]


def test_a_wrong_type_names_its_field() -> None:
    for path in PATHS:
        value = as_json(machines.spin_table())
        *above, last = path
        inside: Any = value
        for key in above:
            inside = inside[key]
        for wrong in (3.5, {"not": "this"} if not isinstance(inside[last], dict) else 7):
            inside[last] = wrong
            with pytest.raises(FormatError) as caught:
                MachineFacts.from_json(value)
            name = next(key for key in reversed(path) if isinstance(key, str))
            assert f".{name}" in caught.value.message, path


@pytest.mark.parametrize("wrong", [True, "4", None, 4.0, [4], {}])
def test_a_number_is_a_whole_number_and_no_flag(wrong: object) -> None:
    value = as_json(machines.virt())
    value["cpus"][2]["number"] = wrong
    with pytest.raises(FormatError, match=r"facts\.cpus\[2\]\.number: expected a whole number"):
        MachineFacts.from_json(value)


def test_an_unknown_name_of_a_closed_set_lists_the_known_ones() -> None:
    value = as_json(machines.virt()) | {"architecture": "sparc"}
    with pytest.raises(FormatError, match=r"facts\.architecture: expected one of arm64, .*found 'sparc'"):
        MachineFacts.from_json(value)


@pytest.mark.parametrize("schema", [SCHEMA + 1, 10**30])
def test_a_newer_schema_is_refused_with_a_way_out(schema: int) -> None:
    with pytest.raises(FormatError, match=f"schema {schema}.*reads up to {SCHEMA}") as caught:
        MachineFacts.from_json(as_json(machines.virt()) | {"schema": schema, "cpus": "of another kind"})
    assert "newer bootmenu" in caught.value.hint


@pytest.mark.parametrize("schema", ["1", None, True, 1.0, 0, -1])
def test_without_a_schema_there_are_no_facts(schema: object) -> None:
    with pytest.raises(FormatError, match="no schema") as caught:
        MachineFacts.from_json(as_json(machines.virt()) | {"schema": schema})
    assert "bootmenu facts --json" in caught.value.hint


def test_fields_that_are_absent_keep_their_defaults_and_unknown_ones_are_ignored() -> None:
    empty = MachineFacts.from_json({"schema": 1})
    assert replace(empty, not_recorded=()) == MachineFacts()
    assert set(empty.not_recorded) == set(MachineFacts().to_json()) - {"schema"}
    assert MachineFacts.from_json({"schema": 1, "weather": "fine", "not_recorded": 1}) == empty


def test_a_field_without_default_has_to_be_there() -> None:
    with pytest.raises(FormatError, match=r"facts\.cpus\[0\]: number is missing"):
        MachineFacts.from_json({"schema": 1, "cpus": [{}]})


@PROPERTY
@given(JSON, st.sampled_from([field.name for field in fields(MachineFacts)]))
def test_any_json_gives_facts_or_a_typed_error(value: object, name: str) -> None:
    for candidate in (value, {"schema": 1, name: value}):
        try:
            MachineFacts.from_json(candidate)
        except BootmenuError as error:
            assert len(error.message) < 400  # noqa: PT017 - both outcomes are right
