# SPDX-License-Identifier: MIT
"""Convert values to JSON and back, according to the types of their fields. Reading checks every type.

The types are looked up only when a file is read, and without the module typing: a first stage reads no facts."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import GenericAlias, NoneType, UnionType

from bootmenu.errors import FormatError
from bootmenu.model.value import Value, fields, is_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar

    T = TypeVar("T")


def to_json(value: object) -> Any:
    """Return what `json.dumps` takes for a value type, a tuple, a mapping, an enum or a plain value."""
    if is_value(value):
        return {field.name: to_json(getattr(value, field.name)) for field in fields(type(value))}
    if isinstance(value, (tuple, list)):
        return [to_json(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    return str(value) if isinstance(value, StrEnum) else value


def from_json(kind: type[T], value: object, where: str = "") -> T:
    """Return the JSON value as a `kind`. Fields that are absent keep their defaults, unknown ones are ignored.

    Raises FormatError that names the field.
    """
    decoded: T = _decode(kind, value, where or kind.__name__)
    return decoded


def _decode(kind: Any, value: object, where: str) -> Any:
    if isinstance(kind, UnionType):
        if value is None and NoneType in kind.__args__:
            return None
        (inner,) = (argument for argument in kind.__args__ if argument is not NoneType)
        return _decode(inner, value, where)
    if isinstance(kind, GenericAlias):  # tuple[kind, ...]
        if not isinstance(value, list):
            raise _wrong(where, "a list", value)
        return tuple(_decode(kind.__args__[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    if kind is object:
        return value
    if issubclass(kind, Value):
        return _decode_fields(kind, value, where)
    if issubclass(kind, StrEnum):
        try:
            return kind(str(value))
        except ValueError:
            raise _wrong(where, "one of " + ", ".join(kind), value) from None
    # bool is an int to Python and not to us
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise _wrong(where, {int: "a whole number", str: "a string", bool: "true or false"}[kind], value)
    return value


def _decode_fields(kind: type[Value], value: object, where: str) -> Value:
    if not isinstance(value, dict):
        raise _wrong(where, "an object", value)
    known: dict[str, object] = {}
    for field in fields(kind):
        if field.name in value:
            known[field.name] = _decode(field.type, value[field.name], f"{where}.{field.name}")
        elif field.required:
            raise FormatError(f"{where}: {field.name} is missing")
    return kind(**known)


def _wrong(where: str, wanted: str, value: object) -> FormatError:
    shown = repr(value)
    return FormatError(f"{where}: expected {wanted}, found {shown if len(shown) < 60 else shown[:57] + '...'}")
