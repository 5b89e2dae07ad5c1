# SPDX-License-Identifier: MIT
"""Screens on which something is typed: the keys of a line, over a value that the screen keeps."""

from __future__ import annotations

from textual import events

from bootmenu.view.line_editor import LONGEST, LineEditor


class Typing:
    """For a screen whose table of keys has those of a line. It says which line that is, and draws it."""

    longest = LONGEST
    literal = False
    """Every character of a paste counts; else what cannot be printed becomes a blank."""

    @property
    def line(self) -> LineEditor:
        """What is being typed."""
        raise NotImplementedError

    def typed(self, line: LineEditor) -> None:
        """It has become this; the cursor alone may have moved."""
        raise NotImplementedError

    def on_key(self, event: events.Key) -> None:
        """Whatever is no key of the table and can be printed belongs to the line."""
        if event.character is not None and event.is_printable:
            event.stop()
            self.typed(self.line.insert(event.character, self.longest))

    def on_paste(self, event: events.Paste) -> None:
        """As if it were typed; a line's end is not part of it."""
        event.stop()
        text = event.text.rstrip("\r\n")
        if not self.literal:
            text = "".join(char if char.isprintable() else " " for char in text)
        self.typed(self.line.insert(text, self.longest))

    def action_left(self) -> None:
        """One character."""
        self.typed(self.line.left())

    def action_right(self) -> None:
        """One character."""
        self.typed(self.line.right())

    def action_home(self) -> None:
        """The beginning."""
        self.typed(self.line.home())

    def action_end(self) -> None:
        """The end."""
        self.typed(self.line.end())

    def action_erase(self) -> None:
        """Take the character before the cursor back."""
        self.typed(self.line.erase())

    def action_delete(self) -> None:
        """Take the character at the cursor away."""
        self.typed(self.line.delete())

    def action_erase_word(self) -> None:
        """Take the word before the cursor back."""
        self.typed(self.line.erase_word())

    def action_clear(self) -> None:
        """Take everything before the cursor back."""
        self.typed(self.line.clear())

    def action_kill(self) -> None:
        """Take away everything behind the cursor."""
        self.typed(self.line.kill())
