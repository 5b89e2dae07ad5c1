# SPDX-License-Identifier: MIT
"""How one setting is written and read: what stands beside its default in config/settings.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import TypeVar, cast

from bootmenu.model.value import Value, field

T = TypeVar("T")


class CommandLineRule(StrEnum):
    """What the kernel's command line may say of a setting. Who reaches the boot loader's prompt can write there."""

    FREE = "free"
    TIGHTEN = "tighten"
    """Over a value of the file only the strictest one."""
    OUTSIDE = "outside a kiosk"
    """Nothing, where the file has a kiosk or sets this part of it."""
    NEVER = "never"
    """Nothing: the setting belongs into the file."""


class Unset(Value):
    """The setting restricts nothing, and has no strictest value."""


UNSET = Unset()


class Option(Value):
    """One setting."""

    field: str
    """Its attribute of Settings."""
    name: str
    """As in the file, and after `bootmenu.` on the kernel's command line; a dot is a table of the file."""
    read: Callable[[object], object]
    """Return the value of a TOML value, or of text; raise ValueError with what it should be."""
    help: str
    command_line: CommandLineRule = CommandLineRule.FREE
    because: str = ""
    """Why the kernel's command line may say that much; empty = the setting opens nothing."""
    strictest: object = UNSET
    """What a value becomes that is not understood."""
    none: str = ""
    """How None is written; empty = None is a setting that nobody has made."""
    secret: bool = False
    """The value is shown to nobody."""
    applies: str = ""
    """What applies by default, where None means more than can be written; else empty."""

    def written(self, value: object) -> object:
        """Return a value as a TOML file has it, which `read` reads; None = not set."""
        match value:
            case None:
                return self.none or None
            case bool() | int():
                return value
            case float():
                return int(value)
            case tuple():
                return [str(part) for part in value]
            case Mapping():
                return dict(value)
            case _:
                return str(value)

    def strictest_shown(self) -> str:
        """Return the strictest value for a message."""
        match self.strictest:
            case bool() as allowed:
                return "yes" if allowed else "no"
            case None | "" | ():
                return "none"
            case tuple() as values:
                return ", ".join(map(str, values))
            case value:
                return str(value)


class Declarations:
    """The settings that a class declares, in the order of its fields."""

    def __init__(self) -> None:
        self._declared: list[Callable[[str], Option]] = []

    def setting(
        self,
        name: str,
        default: T,
        read: Callable[[object], object],
        help: str,
        *,
        command_line: CommandLineRule = CommandLineRule.FREE,
        because: str = "",
        strictest: object = UNSET,
        none: str = "",
        secret: bool = False,
        applies: str = "",
    ) -> T:
        """Declare a field of a value type, with this default, and the setting that it is. See Option."""
        self._declared.append(
            lambda attribute: Option(
                attribute, name, read, help, command_line, because, strictest, none, secret, applies
            )
        )
        if isinstance(default, dict):
            return cast(T, field(default_factory=default.copy))
        return default

    def options(self, kind: type) -> tuple[Option, ...]:
        """Return the settings of the class, whose first fields they are."""
        return tuple(make(attribute) for attribute, make in zip(kind.__annotations__, self._declared, strict=False))
