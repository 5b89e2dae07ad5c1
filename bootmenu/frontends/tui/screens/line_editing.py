# SPDX-License-Identifier: MIT
"""Line editing for screens on which something is typed."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from textual import events

from bootmenu.terminal.typed_line import LONGEST, one_line
from bootmenu.view.line_editor import LineEditor


@runtime_checkable
class TextInput(Protocol):
    """A screen on which text is typed. The app passes it on, after the keys that came before it."""

    def insert_key(self, event: events.Key) -> None:
        """Insert the character that a key types, if it types one."""

    def insert_paste(self, text: str) -> None:
        """Insert pasted text."""


class LineEditing:
    """A mixin for screens with the key bindings of a line editor. The screen keeps the line and draws it."""

    max_length = LONGEST
    """Characters that can be typed."""
    literal = False
    """Whether to keep every pasted character; if not, unprintable ones become blanks."""

    @property
    def line(self) -> LineEditor:
        """Return the line that is edited."""
        raise NotImplementedError

    def line_changed(self, line: LineEditor) -> None:
        """Take the edited line; perhaps only its cursor has moved."""
        raise NotImplementedError

    def insert_key(self, event: events.Key) -> None:
        """Insert a printable character; none is bound to an action here."""
        if event.character is not None and event.is_printable:
            self.line_changed(self.line.insert(event.character, self.max_length))

    def insert_paste(self, text: str) -> None:
        """Insert pasted text without the line break at its end."""
        text = text.rstrip("\r\n") if self.literal else one_line(text)
        self.line_changed(self.line.insert(text, self.max_length))

    def action_left(self) -> None:
        """Move left by a character."""
        self.line_changed(self.line.left())

    def action_right(self) -> None:
        """Move right by a character."""
        self.line_changed(self.line.right())

    def action_home(self) -> None:
        """Move to the beginning."""
        self.line_changed(self.line.home())

    def action_end(self) -> None:
        """Move to the end."""
        self.line_changed(self.line.end())

    def action_erase(self) -> None:
        """Delete the character before the cursor."""
        self.line_changed(self.line.erase())

    def action_delete(self) -> None:
        """Delete the character under the cursor."""
        self.line_changed(self.line.delete())

    def action_erase_word(self) -> None:
        """Delete the word before the cursor."""
        self.line_changed(self.line.erase_word())

    def action_clear(self) -> None:
        """Delete everything before the cursor."""
        self.line_changed(self.line.clear())

    def action_kill(self) -> None:
        """Delete to the end of the line."""
        self.line_changed(self.line.kill())
