# SPDX-License-Identifier: MIT
"""Dataclasses to JSON values and back, by their type hints. Reading checks every type and says where."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeVar

from bootmenu.errors import FormatError

T = TypeVar("T")


def to_json(value: object) -> Any:
    """Dataclass, tuple, mapping, enum or plain value → what `json.dumps` takes."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, (tuple, list)):
        return [to_json(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    return str(value) if isinstance(value, StrEnum) else value


def from_json(kind: type[T], value: object, where: str = "") -> T:
    """JSON value → `kind`. Fields that are absent keep their defaults, unknown ones are ignored.

    Raises FormatError that names the field.
    """
    return typing.cast(T, _decode(kind, value, where or kind.__name__))


def _decode(kind: Any, value: object, where: str) -> object:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        if value is None and type(None) in arguments:
            return None
        (inner,) = [argument for argument in arguments if argument is not type(None)]
        return _decode(inner, value, where)
    if origin is tuple:
        if not isinstance(value, list):
            raise _wrong(where, "a list", value)
        return tuple(_decode(arguments[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    if dataclasses.is_dataclass(kind):
        return _decode_dataclass(typing.cast(type, kind), value, where)
    if kind is object or kind is Any:
        return value
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        try:
            return kind(str(value))
        except ValueError:
            raise _wrong(where, "one of " + ", ".join(kind), value) from None
    # bool is an int to Python and not to us
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise _wrong(where, {int: "a whole number", str: "a string", bool: "true or false"}[kind], value)
    return value


def _decode_dataclass(kind: type, value: object, where: str) -> object:
    if not isinstance(value, dict):
        raise _wrong(where, "an object", value)
    hints = typing.get_type_hints(kind)
    known: dict[str, object] = {}
    for field in dataclasses.fields(kind):
        if field.name in value:
            known[field.name] = _decode(hints[field.name], value[field.name], f"{where}.{field.name}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise FormatError(f"{where}: {field.name} is missing")
    return kind(**known)


def _wrong(where: str, wanted: str, value: object) -> FormatError:
    shown = repr(value)
    return FormatError(f"{where}: expected {wanted}, found {shown if len(shown) < 60 else shown[:57] + '...'}")
