# SPDX-License-Identifier: MIT
"""Read DER (ITU-T X.690), the encoding of certificates and signatures, bounds-checked."""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.errors import FormatError
from bootmenu.model.value import Value

INTEGER, BIT_STRING, OCTET_STRING, OBJECT_ID, SEQUENCE, SET = 0x02, 0x03, 0x04, 0x06, 0x30, 0x31
UTC_TIME, GENERALIZED_TIME = 0x17, 0x18
CONTEXT = 0xA0
"""Tag of the constructed element [0]; [1] follows it, and so on."""


class Element(Value, kw_only=True):
    """One element."""

    tag: int
    content: bytes
    whole: bytes
    """The content with its tag and length."""

    def expect(self, tag: int) -> Element:
        """Return this element. Raise FormatError if it has another tag."""
        if self.tag != tag:
            raise FormatError(f"the signature has an element {self.tag:#x} where {tag:#x} is expected")
        return self

    def fields(self, *tags: int) -> list[Element]:
        """Return the elements in it, which have these tags. Raise FormatError if there are others, more or fewer."""
        found = self.first_fields(*tags)
        if sum(len(item.whole) for item in found) != len(self.content):
            raise FormatError(f"the signature has more than the {len(tags)} elements that are expected")
        return found

    def first_fields(self, *tags: int) -> list[Element]:
        """Return the first elements in it, which have these tags. Raise FormatError if there are others, or fewer."""
        items = self.items()
        if len(items) < len(tags):
            raise FormatError(f"the signature has {len(items)} elements where {len(tags)} are expected")
        return [item.expect(tag) for item, tag in zip(items, tags, strict=False)]

    def items(self) -> list[Element]:
        """Return the elements in it. Raise FormatError."""
        return list(elements(self.content))

    def at(self, *path: int) -> Element:
        """Return the element at this place in it, or at the next place in that one, and so on. Raise FormatError if
        there is none."""
        found = self
        for index in path:
            items = found.items()
            if index >= len(items):
                raise FormatError(f"the signature has {len(items)} elements where {index + 1} are expected")
            found = items[index]
        return found

    @property
    def number(self) -> int:
        """Return the unsigned value of an INTEGER. Raise FormatError."""
        return int.from_bytes(self.expect(INTEGER).content, "big")

    @property
    def bits(self) -> bytes:
        """Return the content of a BIT STRING of whole bytes. Raise FormatError."""
        if not self.expect(BIT_STRING).content.startswith(b"\0"):  # how many bits of the last byte are not used
            raise FormatError("the signature has a part that does not end with a whole byte")
        return self.content[1:]


def elements(data: bytes) -> Iterator[Element]:
    """Yield the elements that follow each other in some bytes. Raise FormatError if one is cut off."""
    at = 0
    while at < len(data):
        element = first(data[at:])
        at += len(element.whole)
        yield element


def first(data: bytes) -> Element:
    """Return the first element of some bytes. Raise FormatError if it is cut off, or has no definite length."""
    start = 2
    size = data[1] if len(data) > 1 else 0
    if size & 0x80:
        start += size & 0x7F
        size = int.from_bytes(data[2:start], "big") if 2 < start <= 6 else -1
    if size < 0 or len(data) < start + size:
        raise FormatError("the signature is cut off")
    return Element(tag=data[0], content=data[start : start + size], whole=data[: start + size])
