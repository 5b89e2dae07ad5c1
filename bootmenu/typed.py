# SPDX-License-Identifier: MIT
"""What `typing` has for declarations, for modules that a start imports: importing `typing` takes a quarter of the
time in which Python itself starts. A type checker sees the original names.
At run time they do as little as possible."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO as IO
    from typing import Any as Any
    from typing import AnyStr as AnyStr
    from typing import Final as Final
    from typing import Generic as Generic
    from typing import NamedTuple as NamedTuple
    from typing import NoReturn as NoReturn
    from typing import Protocol as Protocol
    from typing import Self as Self
    from typing import TextIO as TextIO
    from typing import TypeVar as TypeVar
    from typing import assert_never as assert_never
    from typing import cast as cast
    from typing import overload as overload
else:
    from collections import namedtuple

    IO = Any = AnyStr = Final = NoReturn = Self = TextIO = object

    class Generic:
        """A base class that takes parameters."""

        __slots__ = ()

        def __class_getitem__(cls, _parameters):
            return cls

    class Protocol(Generic):
        """A base class that only says what others have."""

        __slots__ = ()

    class _NamedTupleType(type):
        def __new__(cls, name, bases, body):
            if not bases:
                return super().__new__(cls, name, bases, body)
            fields = body.get("__annotations__", {})
            defaults = [body.pop(field) for field in fields if field in body]
            made = namedtuple(name, fields, defaults=defaults, module=body["__module__"])
            for key, value in body.items():
                if key not in ("__annotations__", "__module__", "__qualname__", "__firstlineno__"):
                    setattr(made, key, value)
            return made

    class NamedTuple(metaclass=_NamedTupleType):
        """The base of a tuple whose elements have names."""

    def TypeVar(name, *_types, **_options):  # noqa: N802
        """Return a stand-in that no code looks at."""
        return name

    def cast(_type, value):
        """Return the value."""
        return value

    def overload(function):
        """Return the function, which the last one of its name replaces."""
        return function

    def assert_never(value):
        """Raise AssertionError: a type checker has seen that this is not reached."""
        raise AssertionError(f"unexpected value: {value!r}")
