# SPDX-License-Identifier: MIT
"""Changes of a device tree for one boot, as people type them: `disable /soc/uart@1`, `/soc/i2c@0 count = <4>`.

They are parsed without the library that makes them, see editable_dtb.py.
"""

from __future__ import annotations

import re

from bootmenu.errors import FormatError
from bootmenu.formats.dtb_facts import STALE_CHOSEN
from bootmenu.formats.dtb_text import text_of, value_of
from bootmenu.model.value import Value

MOST_EDITS = 64
FORMS = "Write enable /NODE, disable /NODE, delete /NODE PROPERTY, or /NODE PROPERTY = VALUE."

_EDIT = re.compile(r"(?:(set|delete|enable|disable)\s+)?(/\S*)(?:\s+([^\s=]+))?\s*(=.*)?", re.DOTALL)
_STATUS = {"enable": b"okay\0", "disable": b"disabled\0"}
_WRITTEN = frozenset({"bootargs", "kaslr-seed", "rng-seed", *STALE_CHOSEN})
"""Properties of /chosen that every boot writes, or removes, itself."""


class DtbEdit(Value, kw_only=True):
    """One property of one node that is there."""

    path: str
    """Absolute; unit addresses may be left out where there is only one node of that name."""
    property: str
    value: bytes | None
    """None = the property is deleted."""

    @classmethod
    def from_text(cls, text: str) -> DtbEdit:
        """Return what somebody typed. Raise FormatError, which says in plain words what is wrong."""
        found = _EDIT.fullmatch(text.strip())
        if found is None:
            raise FormatError("this is no edit of a device tree", hint=FORMS)
        verb, path, name, value = found.groups()
        path = f"/{path.strip('/')}"
        if verb in _STATUS:
            if name is not None or value is not None:
                raise FormatError(f"only the path of a node follows {verb}", hint=FORMS)
            return cls(path=path, property="status", value=_STATUS[verb])
        if name is None:
            raise FormatError(f"{path}: no property is named", hint=FORMS)
        if path == "/chosen" and name in _WRITTEN:
            hint = "Edit the command line." if name == "bootargs" else ""
            raise FormatError(f"{name} in /chosen is set at every boot, and cannot be edited", hint=hint)
        if verb == "delete":
            if value is not None:
                raise FormatError("what is deleted has no value", hint=FORMS)
            return cls(path=path, property=name, value=None)
        return cls(path=path, property=name, value=value_of((value or "")[1:]))

    def __str__(self) -> str:
        """`disable /soc/uart@1`; `from_text` reads it again."""
        if self.value is None:
            return f"delete {self.path} {self.property}"
        for verb, status in _STATUS.items():
            if (self.property, self.value) == ("status", status):
                return f"{verb} {self.path}"
        value = f" = {text_of(self.value, None)}" if self.value else ""
        return f"{self.path} {self.property}{value}"
