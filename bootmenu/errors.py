# SPDX-License-Identifier: MIT
"""The errors that bootmenu raises on purpose: every one has a message for people and a hint what to do.

A library function never prints or exits; only ``cli.py`` turns these into text and an exit code.
"""

from __future__ import annotations

from bootmenu.i18n import English, Message


class BootmenuError(Exception):
    """Something went wrong that a person can understand and act on.

    message: one sentence, names the path or the call and the reason; a Message if screens translate it.
    hint: what to do next; empty when there is nothing sensible to say.
    """

    message: str
    hint: str

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message if isinstance(message, Message) else English(message)
        self.hint = hint if isinstance(hint, Message) else English(hint)

    def to_json(self) -> dict[str, object]:
        """Return what a program is told of it, as docs/json.md has it."""
        return {"message": str(self.message), "hint": str(self.hint)}


class FormatError(BootmenuError):
    """Bytes are not what their format demands.

    offset: bytes from the start of the examined data; None when no single place is to blame.
    """

    def __init__(self, message: str, offset: int | None = None, hint: str = "") -> None:
        super().__init__(message if offset is None else f"{message} (at byte {offset:#x})", hint)
        self.offset = offset


class UsageError(BootmenuError):
    """The call was wrong, or nothing of what it named could be read: exit code 2."""
