# SPDX-License-Identifier: MIT
"""Convert the value of a setting from a TOML value, or from text: a kernel parameter or a flag.

Each function raises ValueError with what the value should be.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from bootmenu.model.closed_set import StrEnum
from bootmenu.model.place import PlaceRule, may_be_at, split
from bootmenu.sources.references import FileNameError, file_name, joined

_LONGEST = 4096  # characters of one value
_MOST_FILES = 10_000  # whose SHA-256 is demanded


class PartlyError(ValueError):
    """Part of a table is invalid. value: the valid part; problems: what is wrong, what comes of it, and a hint or an
    empty text, each a clause."""

    def __init__(self, value: Mapping[str, str], problems: list[tuple[str, str, str]], *, unnamed: bool) -> None:
        super().__init__(*(what for what, _, _ in problems))
        self.value = value
        self.problems = problems
        self.unnamed = unnamed
        """Whether it is unknown which file a digest is for."""


def shown(value: object) -> str:
    """Return a value as text, to show it and to compare it with words."""
    try:
        return str(value)[:60]
    except ValueError:  # a number of thousands of digits (sys.set_int_max_str_digits)
        return f"a very long {type(value).__name__}"


def read_text(value: object) -> str:
    """Read a printable text that is not empty."""
    if not isinstance(value, str) or not value or len(value) > _LONGEST or not value.isprintable():
        raise ValueError("a text")
    return value


def read_text_or_nothing(value: object) -> str:
    """Read a printable text, which may be empty."""
    return "" if value == "" else read_text(value)


def read_flag(value: object) -> bool:
    """Read yes or no."""
    if isinstance(value, bool):
        return value
    known = {"yes": True, "no": False, "true": True, "false": False, "on": True, "off": False, "1": True, "0": False}
    if not isinstance(value, str) or value.lower() not in known:
        raise ValueError("yes or no")
    return known[value.lower()]


def one_of(kind: type[StrEnum]) -> Callable[[object], StrEnum]:
    """Return a function that reads a member of `kind`."""

    def read(value: object) -> StrEnum:
        try:
            return kind(shown(value).lower())
        except ValueError:
            raise ValueError("one of " + ", ".join(kind)) from None

    return read


def read_seconds(value: object) -> int:
    """Read a whole number of seconds, at least one."""
    if _seconds(value) < 1:
        raise ValueError("at least one second")
    return _seconds(value)


def read_timeout(value: object) -> int | None:
    """Read seconds, 0 for at once, or None for never."""
    if value is False or shown(value).lower() in ("off", "never"):
        return None
    try:
        return _seconds(value)
    except ValueError:
        raise ValueError('a whole number of seconds, or "off"') from None


def read_seconds_as_float(value: object) -> float:
    """Read a whole number of seconds, at least one, as a float."""
    return float(read_seconds(value))


def _seconds(value: object) -> int:
    text = shown(value)
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,6}", text):
        raise ValueError("a whole number of seconds")
    return int(text)


def read_list(value: object) -> tuple[str, ...]:
    """Read a list of texts, or one text with commas."""
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list) or len(parts) > 100:
        raise ValueError("a list of texts")
    try:
        return tuple(map(read_text, parts))
    except ValueError:
        raise ValueError("a list of texts, none of them empty") from None


def read_places(value: object) -> tuple[PlaceRule, ...]:
    """Read a list of places; see PlaceRule.parse."""
    return tuple(map(PlaceRule.parse, read_list(value)))


def read_state_device(value: object) -> str:
    """Read a partition, and where it is attached."""
    text = read_text(value)
    if not may_be_at(split(text)[1]):
        raise ValueError('a partition such as LABEL=STATE, and "on" with sd, usb, external or a path after it')
    return text


def read_names(value: object) -> dict[str, str]:
    """Read a table of patterns and the words for what they match."""
    if not isinstance(value, dict) or len(value) > 100:
        raise ValueError("a table of patterns and the words for them")
    return {read_text(pattern): read_text(words) for pattern, words in value.items()}


def read_pin(value: object) -> str:
    """Read a stored PIN, as `bootmenu pin` prints it."""
    text = read_text(value)
    if not re.fullmatch(r"scrypt\$\d{1,7}\$\d{1,2}\$\d{1,2}\$[0-9a-f]{16,128}\$[0-9a-f]{32,128}", text):
        raise ValueError("what `bootmenu pin` prints")
    return text


def read_digests(value: object) -> Mapping[str, str]:
    """Read a table of files and their SHA-256. An invalid digest, or a second one for the same file, becomes empty,
    and PartlyError is raised at the end."""
    if not isinstance(value, dict):
        raise ValueError("a table of files and their SHA-256")
    if len(value) > _MOST_FILES:
        raise ValueError(f"a table of at most {_MOST_FILES:,} files and their SHA-256")
    table: dict[str, str] = {}
    problems: list[tuple[str, str, str]] = []
    unnamed = False
    for name, digest in value.items():
        try:
            partition, path = file_name(read_text(name))
            if path != path.rstrip() or ".." in path.split("/"):
                raise FileNameError(f"“{name[:60]}” has a blank at its end, or goes up with ..")
            file = joined(partition, path)
        except (FileNameError, ValueError) as error:
            unnamed = True
            why, hint = f"{name[:60]!r} is not a text", ""
            if isinstance(error, FileNameError):
                why, hint = error.message, error.hint.removesuffix(".")
            problems.append((why, "until it is right, no file starts without a SHA-256", hint))
            continue
        known = isinstance(digest, str) and re.fullmatch(r"[0-9a-fA-F]{64}", digest)
        said = digest.lower() if known else ""
        if not known:
            why = f"{name[:200]} should have a SHA-256 of 64 hexadecimal digits"
            problems.append((why, "that file does not start", ""))
        elif table.setdefault(file, said) != said:
            problems.append((f"{name[:200]} has two different SHA-256", "that file does not start", ""))
            said = ""
        table[file] = said
    if problems:
        raise PartlyError(table, problems, unnamed=unnamed)
    return table
