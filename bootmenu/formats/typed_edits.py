# SPDX-License-Identifier: MIT
"""Parse typed edits of a device tree for one boot: `disable /soc/uart@1`, `/soc/i2c@0 count = <4>`.

Parsing does not need the library that applies them (see editable_dtb.py).
"""

from __future__ import annotations

import re

from bootmenu.errors import FormatError
from bootmenu.formats.dtb_facts import STALE_CHOSEN
from bootmenu.formats.dtb_text import text_of, value_of
from bootmenu.model.regex import regex
from bootmenu.model.value import Value

MOST_EDITS = 64
FORMS = "Write enable /NODE, disable /NODE, delete /NODE PROPERTY, or /NODE PROPERTY = VALUE."

_EDIT = regex(r"(?:(set|delete|enable|disable)\s+)?(/\S*)(?:\s+([^\s=]+))?\s*(=.*)?", re.DOTALL)
_STATUS = {"enable": b"okay\0", "disable": b"disabled\0"}
_WRITTEN = frozenset({"bootargs", "kaslr-seed", "rng-seed", *STALE_CHOSEN})
"""Properties of /chosen that are set or removed at every boot."""


class TypedEdit(Value, kw_only=True):
    """An edit of one property of an existing node."""

    path: str
    """Absolute path; unit addresses may be omitted if unambiguous."""
    property: str
    value: bytes | None
    """The new value, or None to delete the property."""

    @classmethod
    def from_text(cls, text: str) -> TypedEdit:
        """Parse a typed edit. Raise FormatError with a message for the user."""
        found = _EDIT.fullmatch(text.strip())
        if found is None:
            raise FormatError("this is not an edit of a device tree", hint=FORMS)
        verb, path, name, value = found.groups()
        path = f"/{path.strip('/')}"
        if verb in _STATUS:
            if name is not None or value is not None:
                raise FormatError(f"{verb} takes only the path of a node", hint=FORMS)
            return cls(path=path, property="status", value=_STATUS[verb])
        if name is None:
            raise FormatError(f"{path}: the name of a property is missing", hint=FORMS)
        if path == "/chosen" and name in _WRITTEN:
            hint = "Edit the kernel command line." if name == "bootargs" else ""
            raise FormatError(f"{name} in /chosen is set at every boot, and cannot be edited", hint=hint)
        if verb == "delete":
            if value is not None:
                raise FormatError("delete takes no value", hint=FORMS)
            return cls(path=path, property=name, value=None)
        return cls(path=path, property=name, value=value_of((value or "")[1:]))

    def __str__(self) -> str:
        """Return the edit as text, which `from_text` can parse: `disable /soc/uart@1`."""
        if self.value is None:
            return f"delete {self.path} {self.property}"
        for verb, status in _STATUS.items():
            if (self.property, self.value) == ("status", status):
                return f"{verb} {self.path}"
        value = f" = {text_of(self.value, None)}" if self.value else ""
        return f"{self.path} {self.property}{value}"
