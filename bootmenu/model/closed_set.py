# SPDX-License-Identifier: MIT
"""Enumerations that are declared like those of `enum`, at a fraction of what those cost to import.

A first stage imports some thirty of them before it can show its first verdict. Members have `name` and `value`; those
of a `StrEnum` are strings. Iterating over a class yields its members, in order; a call looks one up by its value, and
raises ValueError for any other.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from enum import Enum as Enum
    from enum import StrEnum as StrEnum
    from enum import auto as auto
else:

    class auto:  # noqa: N801
        """The value of a member that needs none of its own: the next number."""

        __slots__ = ()

    class ClosedSet(type):
        """The class of the enumerations: makes members of what a class body assigns."""

        def __new__(cls, name, bases, body):
            members = {}
            for key, value in body.items():
                if not key.startswith("_") and not hasattr(value, "__get__"):
                    members[key] = len(members) + 1 if type(value) is auto else value
            for key in members:
                del body[key]
            made = super().__new__(cls, name, bases, body)
            made._by_name = named = {}
            made._by_value = values = {}
            for key, value in members.items():
                value = made._value_of(value)
                if value in values:
                    raise ValueError(f"{name}.{key} has the value of another member: {value!r}")
                member = made._make(value)
                member.name, member.value = key, value
                named[key] = values[value] = member
                super().__setattr__(made, key, member)
            return made

        def __call__(cls, value):
            try:
                return cls._by_value[value]
            except (KeyError, TypeError):
                raise ValueError(f"{value!r} is not a valid {cls.__qualname__}") from None

        def __iter__(cls):
            return iter(cls._by_name.values())

        def __len__(cls):
            return len(cls._by_name)

        def __bool__(cls):
            return True

        def __contains__(cls, value):
            return isinstance(value, cls) or value in cls._by_value

        def __getitem__(cls, name):
            return cls._by_name[name]

        def __setattr__(cls, name, value):
            if name in vars(cls).get("_by_name", ()):
                raise AttributeError(f"cannot reassign member {name!r}")
            super().__setattr__(name, value)

    class Enum(metaclass=ClosedSet):
        """A closed set of members that are nothing but themselves."""

        _value_of = staticmethod(lambda value: value)

        @classmethod
        def _make(cls, _value):
            return object.__new__(cls)

        def __repr__(self):
            return f"<{type(self).__name__}.{self.name}: {self.value!r}>"

        def __str__(self):
            return f"{type(self).__name__}.{self.name}"

        def __hash__(self):
            return hash(self.name)

        def __copy__(self):
            return self

        def __deepcopy__(self, _memo):
            return self

        def __reduce__(self):
            return type(self), (self.value,)

    class StrEnum(str, Enum):
        """A closed set of strings."""

        _value_of = staticmethod(str)

        @classmethod
        def _make(cls, value):
            return str.__new__(cls, value)

        __repr__ = Enum.__repr__
        __str__ = str.__str__
        __hash__ = str.__hash__
