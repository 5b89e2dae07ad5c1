# SPDX-License-Identifier: MIT
"""Convert property values of device trees to text and back; values for the differences between two trees.

A device tree has no types: they are guessed for display, as `fdt` does, and nothing else depends on them. A value
that is printed in full gives the same bytes when typed.
"""

from __future__ import annotations

import re

from bootmenu.errors import FormatError
from bootmenu.i18n import Message, joined
from bootmenu.model.closed_set import StrEnum
from bootmenu.model.regex import regex
from bootmenu.model.value import Value

LONGEST = 64
"""Bytes of a value that are shown in a row."""
_MOST_TYPED = 64 * 1024
"""Maximum size of a typed value in bytes."""
_PRINTABLE = frozenset(range(0x20, 0x7F)) | frozenset(b"\t\v\f")
_ESCAPES = {"\\": "\\", '"': '"', "t": "\t", "v": "\v", "f": "\f", "n": "\n", "r": "\r"}
_ESCAPED = str.maketrans({char: f"\\{letter}" for letter, char in _ESCAPES.items()})


class DifferenceKind(StrEnum):
    """What became of a node or a property."""

    ADDED = "+"
    REMOVED = "-"
    CHANGED = "~"


class Difference(Value, kw_only=True):
    """A different property, or a node that exists in one tree only."""

    change: DifferenceKind
    path: str
    property: str = ""
    """Empty for the node itself with everything below it."""
    before: str = ""
    after: str = ""
    """Values as text, or empty."""

    def __str__(self) -> str:
        return str(self.message())

    def message(self) -> Message:
        """Return the difference as a line: `~ /chosen bootargs: "a" → "b"`."""
        where = f"{self.change} {self.path} {self.property}".rstrip()
        return joined(": ", [where, joined(" → ", filter(None, (self.before, self.after)))])


# ---- printing ------------------------------------------------------------------------------------------------


def text_of(value: bytes, longest: int | None = LONGEST) -> str:
    """Return a value as text: `"okay"`, `<0x1 0x2>`, `[01 02 03]`, or `true` for an empty one.

    longest: bytes after which the value is truncated, or None.
    """
    if not value:
        return "true"
    most = len(value) if longest is None else longest
    if is_strings(value):
        parts = value[:-1][: most + 1].decode("ascii").split("\0")
        shown = ", ".join(map(quoted_string, parts))
        return shown if longest is None or len(shown) <= most else f"{shown[: most - 3]}..."
    more = " ..." if len(value) > most else ""
    value = value[:most]
    if len(value) % 4 == 0:
        numbers = (int.from_bytes(value[at : at + 4], "big") for at in range(0, len(value), 4))
        return f"<{' '.join(map(hex, numbers))}{more}>"
    return f"[{value.hex(' ')}{more}]"


def is_strings(value: bytes) -> bool:
    """Return whether the value consists of non-empty printable strings, each with its NUL."""
    if value[-1:] != b"\0" or value[:1] == b"\0":
        return False
    return b"\0\0" not in value and not set(value) - _PRINTABLE - {0}


def quoted_string(text: str) -> str:
    """Return a string in quotation marks, with the escapes that dtc needs."""
    return f'"{text.translate(_ESCAPED)}"'


# ---- typing --------------------------------------------------------------------------------------------------

_PART = regex(r'\s*(?:"(?P<text>(?:[^"\\]|\\.)*)"|<(?P<cells>[^<>"\[\]]*)>|\[(?P<bytes>[^<>"\[\]]*)\])\s*', re.DOTALL)
_FORMS = 'A value is "text", a list of numbers such as <1 0x20>, bytes such as [00 ff], or nothing.'


def value_of(text: str) -> bytes:
    """Return the bytes of a typed value: parts separated by commas, or nothing, or `true`.

    Raise FormatError with a message for the user.
    """
    text = text.strip()
    if text in ("", "true"):
        return b""
    value, at = bytearray(), 0
    while True:
        found = _PART.match(text, at)
        if found is None:
            raise _not_understood(text, at)
        value += _part(found)
        if len(value) > _MOST_TYPED:
            raise FormatError(f"the value has more than {_MOST_TYPED:,} bytes")
        at = found.end()
        if at == len(text):
            return bytes(value)
        if text[at] != ",":
            raise FormatError(f"a comma is missing before {_shortened(text[at:])}", hint=_FORMS)
        at += 1


def _not_understood(text: str, at: int) -> FormatError:
    rest = text[at:].strip()
    if not rest:
        return FormatError("nothing follows the last comma", hint=_FORMS)
    closing = {'"': "closing quotation mark", "<": "closing >", "[": "closing ]"}.get(rest[0])
    if closing:
        return FormatError(f"{_shortened(rest)} has no {closing}, or something in it that does not belong there")
    return FormatError(f"{_shortened(rest)} is not a value; a text needs quotation marks", hint=_FORMS)


def _part(found: re.Match[str]) -> bytes:
    if (text := found["text"]) is not None:
        return _string(text)
    if (numbers := found["cells"]) is not None:
        return b"".join(_cell(word).to_bytes(4, "big") for word in numbers.split())
    digits = "".join(found["bytes"].split())
    if re.search("[^0-9a-fA-F]", digits):
        raise FormatError(f"[{_shortened(found['bytes'])}] may hold only digits and the letters a to f")
    if len(digits) % 2:
        raise FormatError(f"[{_shortened(found['bytes'])}] ends in half a byte: each has two digits")
    return bytes.fromhex(digits)


def _string(text: str) -> bytes:
    def meant(escape: re.Match[str]) -> str:
        if escape[1] not in _ESCAPES:
            raise FormatError(f"\\{escape[1]} means nothing in a text", hint="A backslash itself is typed twice.")
        return _ESCAPES[escape[1]]

    try:
        value = re.sub(r"\\(.)", meant, text, flags=re.DOTALL).encode()
    except UnicodeEncodeError:
        raise FormatError(f'"{_shortened(text)}" has a character that cannot be written') from None
    if b"\0" in value:
        raise FormatError("a text cannot hold the character NUL, which ends it")
    return value + b"\0"


def _cell(word: str) -> int:
    if word.startswith("&"):
        raise FormatError(
            f"{_shortened(word)} is a label, which a compiled device tree no longer has",
            hint="Type the number of its phandle.",
        )
    if not re.fullmatch("0x[0-9a-f]+|[0-9]+", word, re.ASCII | re.IGNORECASE):
        raise FormatError(f"{_shortened(word)} is not a number", hint="Numbers are written as 16 or 0x10.")
    if re.fullmatch("0[0-9]+", word):
        raise FormatError(f"{_shortened(word)} begins with 0: it could mean two numbers", hint="Write 8 or 0x8.")
    if len(word) > 20 or (number := int(word, 0)) >> 32:
        raise FormatError(
            f"{_shortened(word)} has more than 32 bits",
            hint="Write it as two numbers, the upper 32 bits first: <0x1 0x0>.",
        )
    return number


def _shortened(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."
