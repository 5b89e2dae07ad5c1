# SPDX-License-Identifier: MIT
"""The errors that bootmenu raises on purpose, each with a message for people and a hint what to do.

Library functions never print or exit; only ``cli.py`` turns these errors into text and an exit code.
"""

from __future__ import annotations

from bootmenu.i18n import English, Message


class BootmenuError(Exception):
    """Something went wrong that a person can understand and act on.

    message: one sentence with the path or call and the reason; a Message if screens translate it.
    hint: what to do next, or empty.
    """

    message: str
    hint: str

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message if isinstance(message, Message) else English(message)
        self.hint = hint if isinstance(hint, Message) else English(hint)

    def to_json(self) -> dict[str, object]:
        """Return the object that docs/json.md describes."""
        return {"message": str(self.message), "hint": str(self.hint)}


class FormatError(BootmenuError):
    """Bytes are not what their format demands.

    offset: offset in the examined data, in bytes; None if no single place is wrong.
    """

    def __init__(self, message: str, offset: int | None = None, hint: str = "") -> None:
        super().__init__(message if offset is None else f"{message} (at byte {offset:#x})", hint)
        self.offset = offset


class UsageError(BootmenuError):
    """The call was wrong, or nothing that it names could be read (exit code 2)."""
