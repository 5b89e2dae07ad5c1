# SPDX-License-Identifier: MIT
"""Value types do what dataclasses do, with fields of any kind, before and after their `__init__` is compiled."""

from __future__ import annotations

import copy
import dataclasses
import importlib
import pickle
import pkgutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bootmenu
from bootmenu.model import value as module
from bootmenu.model.value import Record, Value, ValueType, field, fields, is_value, replace
from tests.properties import examples

PROPERTY = examples(80)
NAMES = st.lists(st.sampled_from(["a", "b", "name", "size", "_held", "é"]), unique=True, max_size=5)
PLAIN = st.integers(0, 2) | st.text(max_size=1) | st.none()


@dataclasses.dataclass(frozen=True)
class Shape:
    """What both classes of a pair are declared with."""

    names: list[str]
    kinds: list[str]
    frozen: bool
    kw_only: bool
    eq: bool

    def body(self, field: Callable[..., Any]) -> dict[str, Any]:
        """Return the body of a class statement."""
        body: dict[str, Any] = {"__annotations__": dict.fromkeys(self.names, "object"), "__module__": __name__}
        for name, kind in zip(self.names, self.kinds, strict=False):
            match kind:
                case "default":
                    body[name] = ("by default", name)
                case "factory":
                    body[name] = field(default_factory=list)
                case "uncompared":
                    body[name] = field(default=7, compare=False)
                case "late":
                    body[name] = field(init=False)
        late = [name for name, kind in zip(self.names, self.kinds, strict=False) if kind == "late"]
        if late:
            body["__post_init__"] = lambda self: set_all(self, late)
        return body

    def ours(self) -> Any:
        """Return the value type or record."""
        base = Value if self.frozen else Record
        made: Any = ValueType("Made", (base,), self.body(field), kw_only=self.kw_only, eq=self.eq)
        return made

    def theirs(self) -> Any:
        """Return the dataclass."""
        made = type("Made", (), self.body(dataclasses.field))
        return dataclasses.dataclass(frozen=self.frozen, kw_only=self.kw_only, eq=self.eq, slots=True)(made)


def set_all(whole: object, names: list[str]) -> None:
    """Set fields of an instance that may be frozen."""
    for name in names:
        object.__setattr__(whole, name, "late")


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    names = draw(NAMES)
    kinds = draw(st.lists(st.sampled_from(["required", "default", "factory", "uncompared", "late"]), min_size=5))
    # as a dataclass demands it: what has no default goes first
    kinds = sorted(kinds[: len(names)], key=lambda kind: kind not in ("required", "late"))
    return Shape(names, kinds, draw(st.booleans()), draw(st.booleans()), draw(st.booleans()))


def outcome(work: Callable[[], object]) -> object:
    """Return what came of it, or that it was refused."""
    try:
        return work()
    except (
        TypeError,
        ValueError,
        AttributeError,
    ):  # Python 3.11: setting a frozen slot
        return "refused"


def told(kind: type, arguments: tuple[object, ...], given: dict[str, Any], other: dict[str, Any]) -> list[Any]:
    """Return all that can be seen of instances."""
    try:
        one = kind(*arguments, **given)
    except TypeError:
        return []
    same, another = kind(*arguments, **given), outcome(lambda: kind(**other))
    change = dataclasses.replace if dataclasses.is_dataclass(kind) else replace
    names = sorted({*given, "a", "absent"})
    return [
        kind.__match_args__,  # type: ignore[attr-defined]
        repr(one),
        outcome(lambda: hash(one) == hash(same)),
        one == same,
        one != same,
        one == another,
        one == arguments,
        [outcome(lambda name=name: setattr(same, name, 5)) for name in names],  # type: ignore[misc]
        repr(same),
        [outcome(lambda name=name: repr(change(one, **{name: 5}))) for name in names],  # type: ignore[misc]
        [outcome(lambda name=name: delattr(same, name)) for name in names],  # type: ignore[misc]
    ]


@PROPERTY
@given(shapes(), st.lists(PLAIN, max_size=4), st.dictionaries(st.sampled_from("ab"), PLAIN), st.booleans(), st.data())
def test_it_does_what_a_dataclass_does(
    shape: Shape, arguments: list[object], extra: dict[str, object], compiled: bool, data: st.DataObject
) -> None:
    ours, theirs = shape.ours(), shape.theirs()
    if compiled:
        ours.__init__ = module.compiled_init(ours)
    usual = {name: data.draw(PLAIN) for name in shape.names}
    for given_arguments, given_names in ((arguments, extra), ([], usual), ([], {**usual, **extra})):
        late = {name for name, kind in zip(shape.names, shape.kinds, strict=False) if kind == "late"}
        named = {name: value for name, value in given_names.items() if name not in late}
        expected = told(theirs, tuple(given_arguments), named, usual)
        assert told(ours, tuple(given_arguments), named, usual) == expected


@PROPERTY
@given(shapes(), st.data())
def test_copies_are_equal(shape: Shape, data: st.DataObject) -> None:
    kind = dataclasses.replace(shape, eq=True).ours()
    one = kind(**{field.name: data.draw(PLAIN) for field in fields(kind) if field.init})
    assert is_value(one)
    assert not is_value(kind)
    assert copy.copy(one) == copy.deepcopy(one) == one


class Point(Value):
    """A value at the top of a module, as pickle demands it."""

    x: int
    y: int = 0


class Pixel(Point, kw_only=True):
    """One with a field more."""

    colour: str


def test_a_value_can_be_pickled() -> None:
    assert pickle.loads(pickle.dumps(Pixel(1, colour="red"))) == Pixel(1, 0, colour="red")


def test_fields_of_a_base_come_first() -> None:
    assert [(field.name, field.type, field.required) for field in fields(Pixel)] == [
        ("x", int, True),
        ("y", int, False),
        ("colour", str, True),
    ]
    assert Pixel.__match_args__ == ("x", "y")
    assert Pixel(1, colour="") != Point(1)
    for _ in range(3 * module._MANY):
        Point(1, 2)
    assert Pixel(1, colour="red").colour == "red"


def test_many_instances_are_made_by_a_compiled_init() -> None:
    class Often(Value):
        a: int

    class Seldom(Value):
        a: int

    Seldom(1)
    made = {Often(number) for number in range(module._MANY)}
    assert Often.__init__.__code__.co_filename == "<Often>"
    assert Seldom.__init__.__code__.co_filename == module.__file__
    assert {Often(number) for number in range(module._MANY)} == made


def test_nothing_can_be_added() -> None:
    with pytest.raises(AttributeError):
        Point(1).z = 3

    class Loose(Record):
        a: int = 0

    with pytest.raises(AttributeError):
        Loose().b = 3  # type: ignore[attr-defined]


def value_types() -> Iterator[ValueType]:
    """Return every value type of the package."""
    for found in pkgutil.walk_packages(bootmenu.__path__, "bootmenu."):
        if not found.name.endswith("__main__"):
            for kind in vars(importlib.import_module(found.name)).values():
                if isinstance(kind, ValueType) and kind.__module__ == found.name != module.__name__:
                    yield kind


def test_no_default_can_be_changed_by_an_instance() -> None:
    kinds = list(value_types())
    assert len(kinds) > 150
    for kind in kinds:
        for found in fields(kind):
            assert type(found.default).__hash__ is not None, f"{kind.__name__}.{found.name}"


def test_every_init_can_be_compiled() -> None:
    for kind in value_types():
        module.compiled_init(kind)


def test_a_value_costs_neither_dataclasses_nor_typing() -> None:
    source = "import sys; import bootmenu.model.value; print(*{'dataclasses', 'inspect', 'typing'} & {*sys.modules})"
    run = subprocess.run([sys.executable, "-I", "-c", source], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []
