# SPDX-License-Identifier: MIT
"""Value types: classes that are declared like dataclasses, at a tenth of what a dataclass costs to import.

A first stage imports some hundred of them before it can show its first verdict. `dataclasses` imports `inspect` and
compiles the source of six methods for each class, which takes about 1.2 ms a class. These classes share plain methods
instead, and take 0.1 ms. The price would be slow instances, so that a class of which many are made (_MANY) gets
an `__init__` of its own by then, the same one that a dataclass has from the start.

`Value` is frozen, compares by its fields and can be hashed. `Record` is mutable and cannot be hashed. Both have
`__slots__`, `__match_args__`, `__repr__` and `__replace__`, can be copied and pickled, and call `__post_init__`
where there is one. `kw_only=True` and `eq=False` mean what they mean to a dataclass.

    class Point(Value, kw_only=True):
        x: int
        y: int = 0
"""

from __future__ import annotations

import sys
from operator import attrgetter

TYPE_CHECKING = False  # typing costs a third of an interpreter's start
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from dataclasses import field as field
    from dataclasses import replace as replace
    from typing import Any, dataclass_transform

    _MISSING: Any
else:
    _MISSING = object()

    def dataclass_transform(**_options):
        return lambda kind: kind

    def field(*, default=_MISSING, default_factory=None, init=True, compare=True):
        """Declare a field with more than a plain default. One with `init=False` is left to `__post_init__`."""
        return Field(default, default_factory, init, compare)

    def replace(value, /, **changes):
        """Return a copy with some fields changed, as `dataclasses.replace` does."""
        return value.__replace__(**changes)


_MANY = 40
"""Instances of a class after which its `__init__` is compiled: from here on that takes less time than it saves."""


class Field:
    """A field: its name, the source of its type and the module of that, and what it was declared with."""

    __slots__ = ("annotation", "compare", "default", "default_factory", "init", "module", "name")

    def __init__(
        self, default: Any = _MISSING, default_factory: Any = None, init: bool = True, compare: bool = True
    ) -> None:
        self.name = self.annotation = self.module = ""
        self.default = default
        self.default_factory = default_factory
        self.init = init
        self.compare = compare

    @property
    def type(self) -> Any:
        """Return the type, which is looked up only now."""
        return eval(self.annotation, vars(sys.modules[self.module]))  # noqa: S307 - our own source

    @property
    def required(self) -> bool:
        """Return whether an instance cannot be made without it."""
        return self.init and self.default is _MISSING and self.default_factory is None


def _in_init(declared: object) -> bool:
    return type(declared) is not Field or declared.init


def _compared(declared: object) -> bool:
    return type(declared) is not Field or declared.compare


def _key(names: list[str]) -> Callable[[object], tuple[object, ...]]:
    """Return a function from an instance to the tuple that it is compared by."""
    first, *others = names or ["__class__"]
    return attrgetter(first, *others or [first])  # of one name alone it would give no tuple


def _first_init(self: Any, /, *arguments: object, **given: object) -> None:
    """Stand in for the `__init__` of a class until its first instance: most classes of a run never get one."""
    kind = type(self)
    kind.__init__ = _general_init(kind)
    self.__init__(*arguments, **given)


class ValueType(type):
    """The class of the value types: takes the fields out of a class body, and makes slots of them."""

    _fields: dict[str, Any]
    """Every field with its default, a Field, or _MISSING; those of the base first."""

    def __new__(
        cls,
        name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        *,
        kw_only: bool = False,
        eq: bool = True,
    ) -> ValueType:
        if not bases:
            return super().__new__(cls, name, bases, namespace | {"_fields": {}, "__match_args__": ()})
        base: Any = bases[0]
        annotations = namespace.get("__annotations__", ())
        own = {known: namespace.pop(known, _MISSING) for known in annotations if "ClassVar" not in annotations[known]}
        fields = base._fields | own
        new = [known for known in own if known not in base._fields]
        positional = () if kw_only else tuple(known for known in new if _in_init(own[known]))
        namespace["_fields"] = fields
        namespace["__slots__"] = new
        namespace["__match_args__"] = base.__match_args__ + positional
        namespace["_key"] = _key([known for known, value in fields.items() if _compared(value)])
        if not eq:
            namespace["__eq__"], namespace["__hash__"] = object.__eq__, object.__hash__
        namespace.setdefault("__init__", _first_init)
        return super().__new__(cls, name, bases, namespace)


class _Base(metaclass=ValueType):
    """What values and records have in common."""

    __slots__ = ()

    if TYPE_CHECKING:
        _fields: Mapping[str, Any]
        _key: Callable[[object], tuple[object, ...]]

    def __eq__(self, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return self is other or self._key(self) == self._key(other)

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._fields)
        return f"{type(self).__qualname__}({shown})"

    def __reduce__(self) -> tuple[object, ...]:
        return _restored, (type(self), {name: getattr(self, name) for name in self._fields if hasattr(self, name)})

    def __replace__(self, **changes: Any) -> Any:
        kept = {name: getattr(self, name) for name, value in self._fields.items() if _in_init(value)}
        return type(self)(**kept | changes)


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
class Value(_Base):
    """Base of the immutable types."""

    __slots__ = ()

    def __hash__(self) -> int:
        return hash(self._key(self))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"cannot assign to field {name!r} of {type(self).__name__}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"cannot delete field {name!r} of {type(self).__name__}")


@dataclass_transform(field_specifiers=(field,))
class Record(_Base):
    """Base of the mutable types."""

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]


def fields(kind: type) -> tuple[Field, ...]:
    """Return the fields of a value type."""
    assert isinstance(kind, ValueType)
    sources: dict[str, tuple[str, str]] = {}
    for base in reversed(kind.__mro__):
        for name, annotation in vars(base).get("__annotations__", {}).items():
            sources[name] = annotation, base.__module__
    found = []
    for name, declared in kind._fields.items():
        field = Field(declared) if type(declared) is not Field else declared
        field.name, (field.annotation, field.module) = name, sources[name]
        found.append(field)
    return tuple(found)


def is_value(value: object) -> bool:
    """Return whether it is an instance of a value type."""
    return isinstance(value, _Base)


def _restored(kind: type, values: Mapping[str, object]) -> object:
    """Return a copied or unpickled instance."""
    made: object = object.__new__(kind)
    for name, value in values.items():
        object.__setattr__(made, name, value)
    return made


def _general_init(kind: Any) -> Callable[..., None]:
    """Return an `__init__` that is quick to make and slow to run; it has itself replaced when it has run often."""
    wanted = {name: value for name, value in kind._fields.items() if _in_init(value)}
    defaults = {name: value for name, value in wanted.items() if value is not _MISSING}
    factories = {name: value.default_factory for name, value in defaults.items() if type(value) is Field}
    for name, factory in factories.items():
        if factory is None:
            defaults[name] = wanted[name].default
    factories = {name: factory for name, factory in factories.items() if factory is not None}
    positional, count, finish = kind.__match_args__, len(wanted), hasattr(kind, "__post_init__")
    set_attribute, runs = object.__setattr__, 0

    def __init__(self: Any, /, *arguments: object, **given: object) -> None:  # noqa: N807
        nonlocal runs
        runs += 1
        if runs == _MANY:
            kind.__init__ = compiled_init(kind)
        if arguments:
            named = dict(zip(positional, arguments, strict=False))
            if len(named) != len(arguments) or named.keys() & given.keys():
                raise TypeError(f"{kind.__name__}: too many arguments")
            given |= named
        values = {**defaults, **given} if defaults else given
        if len(values) != count or not values.keys() <= wanted.keys():
            missing, unknown = wanted.keys() - values.keys(), values.keys() - wanted.keys()
            raise TypeError(f"{kind.__name__}: missing {sorted(missing)}, unexpected {sorted(unknown)}")
        for name, factory in factories.items():
            if name not in given:
                values[name] = factory()
        for name, value in values.items():
            set_attribute(self, name, value)
        if finish:
            self.__post_init__()

    return __init__


def compiled_init(kind: Any) -> Callable[..., None]:
    """Return an `__init__` that is slow to make and quick to run."""
    scope: dict[str, Any] = {"MISSING": _MISSING}
    parameters, body = {}, []
    for name, declared in kind._fields.items():
        if not _in_init(declared):
            continue
        default, factory, value = declared, None, name
        if type(declared) is Field:
            default, factory = declared.default, declared.default_factory
        if factory is not None:
            scope[f"make_{name}"] = factory
            value = f"make_{name}() if {name} is MISSING else {name}"
        scope[f"default_{name}"] = default
        optional = factory is not None or default is not _MISSING
        parameters[name] = f"{name}=default_{name}" if optional else name
        # for a frozen class, the slot's own setter, which is quicker than object.__setattr__
        scope[f"set_{name}"] = getattr(kind, name).__set__
        body.append(f" set_{name}(self, {value})" if issubclass(kind, Value) else f" self.{name} = {value}")
    if hasattr(kind, "__post_init__"):
        body.append(" self.__post_init__()")
    positional = [parameters.pop(name) for name in kind.__match_args__]
    keywords = ["*", *parameters.values()] if parameters else []
    source = "\n".join((f"def __init__({', '.join(('self', *positional, *keywords))}):", *(body or [" pass"])))
    exec(compile(source, f"<{kind.__name__}>", "exec"), scope)  # noqa: S102 - of names of fields only
    made: Callable[..., None] = scope["__init__"]
    return made
