# SPDX-License-Identifier: MIT
"""Describe how a setting is written and read, beside its default in config/settings.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bootmenu.model.closed_set import StrEnum
from bootmenu.model.value import Value, field
from bootmenu.typed import TypeVar, cast

T = TypeVar("T")


class CommandLineRule(StrEnum):
    """How the kernel's command line may change a setting. Anyone at the boot loader's prompt can edit that line."""

    FREE = "free"
    TIGHTEN = "tighten"
    """It may replace a value from the file only by the strictest one."""
    OUTSIDE = "outside a kiosk"
    """It may not change the setting if the file configures a kiosk, or sets this kiosk setting."""
    NEVER = "never"
    """It may not change the setting, which belongs in the file."""


class Unset(Value):
    """Marks a setting that restricts nothing, and so has no strictest value."""


UNSET = Unset()


class Option(Value):
    """One setting."""

    field: str
    """Name of the attribute of Settings."""
    name: str
    """Name in the file, and after `bootmenu.` on the kernel's command line; a dot separates table and key."""
    read: Callable[[object], object]
    """Function that converts a TOML value or text; raises ValueError with what it should be."""
    help: str
    command_line: CommandLineRule = CommandLineRule.FREE
    because: str = ""
    """Reason for the command-line rule; empty if the setting gives no access to anything."""
    strictest: object = UNSET
    """Value that replaces an invalid one."""
    none: str = ""
    """How None is written; empty if None means that the setting is not made."""
    secret: bool = False
    """Whether the value must never be shown."""
    applies: str = ""
    """What applies by default, in words, if None cannot be written as a value; else empty."""

    def written(self, value: object) -> object:
        """Return a value in the form of a TOML file, which `read` accepts; None if it is not set."""
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
        """Declare a field of a value type with this default, and its setting. See Option."""
        self._declared.append(
            lambda attribute: Option(
                attribute, name, read, help, command_line, because, strictest, none, secret, applies
            )
        )
        if isinstance(default, dict):
            return cast(T, field(default_factory=default.copy))
        return default

    def options(self, kind: type) -> tuple[Option, ...]:
        """Return the settings of the class; they are its first fields."""
        return tuple(make(attribute) for attribute, make in zip(kind.__annotations__, self._declared, strict=False))
