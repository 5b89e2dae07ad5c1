# SPDX-License-Identifier: MIT
"""Convert values to JSON and back, according to the types of their fields. Reading checks every type.

The types are looked up only when a file is read, and without the module typing: a first stage reads no facts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from types import GenericAlias, NoneType, UnionType

from bootmenu.errors import FormatError
from bootmenu.model.closed_set import StrEnum
from bootmenu.model.value import Value, fields, is_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar

    T = TypeVar("T")


def to_json(value: object) -> Any:
    """Return what `json.dumps` takes for a value type, a tuple, a mapping, an enum or a plain value."""
    if is_value(value):
        kind: Any = type(value)
        return {name: to_json(getattr(value, name)) for name, _kind, _required in _fields(kind)}
    if isinstance(value, (tuple, list)):
        return [to_json(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    return str(value) if isinstance(value, StrEnum) else value


def from_json(kind: type[T], value: object, where: str = "") -> T:
    """Return the JSON value as a `kind`. Fields that are absent keep their defaults, unknown ones are ignored.

    Raises FormatError that names the field.
    """
    known: Any = kind
    try:
        decoded: T = _decoder(known)(value)
    except _WrongError as error:
        raise FormatError(f"{where or kind.__name__}{error.path}: {error.what}") from None
    return decoded


def absent(kind: Any, value: object, path: str = "") -> Iterator[str]:
    """Yield the paths of fields of `kind`, such as `kexec.loaded`, that the JSON value lacks; items of a list share
    one path."""
    if isinstance(value, list):
        for item in value:
            yield from absent(kind, item, path)
    elif isinstance(value, dict):
        for name, inner in _parts(kind):
            if name not in value:
                yield path + name
            elif inner is not None:
                yield from absent(inner, value[name], f"{path}{name}.")


class _WrongError(Exception):
    """A part of the JSON is wrong; its path grows on the way to the whole."""

    def __init__(self, what: str, path: str = "") -> None:
        super().__init__(what)
        self.what, self.path = what, path


def _wrong(wanted: str, value: object) -> _WrongError:
    shown = repr(value)
    return _WrongError(f"expected {wanted}, found {shown if len(shown) < 60 else shown[:57] + '...'}")


# Functions that are made once for each type: thousands of recordings may be read at once, and to look at a type again
# for each value takes longer than all else.


@cache
def _fields(kind: Any) -> tuple[tuple[str, Any, bool], ...]:
    """Return name, type and whether it is required of each field; to evaluate the text of a type takes long."""
    return tuple((field.name, field.type, field.required) for field in fields(kind))


@cache
def _parts(kind: Any) -> tuple[tuple[str, Any], ...]:
    """Return the name of each field, and the value type that it, or each item of its list, is of; None for others."""
    return tuple((name, _value_type(inner)) for name, inner, _required in _fields(kind))


def _value_type(kind: Any) -> Any:
    if isinstance(kind, UnionType | GenericAlias):
        return next(filter(None, map(_value_type, kind.__args__)), None)
    return kind if isinstance(kind, type) and issubclass(kind, Value) else None


@cache
def _decoder(kind: Any) -> Callable[[Any], Any]:
    """Return the function from JSON to values of a type; it raises _WrongError."""
    if isinstance(kind, UnionType):
        (inner,) = (argument for argument in kind.__args__ if argument is not NoneType)
        decode = _decoder(inner)
        return lambda value: None if value is None else decode(value)
    if isinstance(kind, GenericAlias):  # tuple[kind, ...]
        return _list_decoder(_decoder(kind.__args__[0]))
    if kind is object:
        return lambda value: value
    if issubclass(kind, Value):
        return _fields_decoder(kind)
    if issubclass(kind, StrEnum):
        return _enum_decoder(kind)
    name = {int: "a whole number", str: "a string", bool: "true or false"}[kind]

    def plain(value: object) -> object:
        if type(value) is not kind:  # not isinstance: a bool is an int to Python and not to us
            raise _wrong(name, value)
        return value

    return plain


def _list_decoder(decode: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def decoded(value: object) -> object:
        if not isinstance(value, list):
            raise _wrong("a list", value)
        found: list[object] = []
        try:
            for item in value:
                found.append(decode(item))
        except _WrongError as error:
            raise _WrongError(error.what, f"[{len(found)}]{error.path}") from None
        return tuple(found)

    return decoded


def _enum_decoder(kind: type[StrEnum]) -> Callable[[Any], Any]:
    members = {str(member): member for member in kind}

    def decoded(value: object) -> object:
        found = members.get(value) if isinstance(value, str) else None
        if found is None:
            raise _wrong("one of " + ", ".join(kind), value)
        return found

    return decoded


def _fields_decoder(kind: Any) -> Callable[[Any], Any]:
    known = [(name, _decoder(inner), required) for name, inner, required in _fields(kind)]

    def decoded(value: object) -> object:
        if not isinstance(value, dict):
            raise _wrong("an object", value)
        found: dict[str, object] = {}
        name = ""
        try:
            for name, decode, required in known:
                if name in value:
                    found[name] = decode(value[name])
                elif required:
                    break
            else:
                return kind(**found)
        except _WrongError as error:
            raise _WrongError(error.what, f".{name}{error.path}") from None
        raise _WrongError(f"{name} is missing")

    return decoded
