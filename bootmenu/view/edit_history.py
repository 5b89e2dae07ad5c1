# SPDX-License-Identifier: MIT
"""What undo and redo of the editor go back and forth to."""

from __future__ import annotations

from bootmenu.view.entry_editor import EntryEditor

_MOST = 500
"""Most steps that can be undone."""


class EditHistory:
    """The editors before and after the present one. A word that is typed, or deleted, is one step."""

    def __init__(self) -> None:
        self._past: list[EntryEditor] = []
        self._future: list[EntryEditor] = []
        self._kind: tuple[object, ...] | None = None
        """What the last change was, so that a like one joins it; None: the next change is a step of its own."""

    def note(self, before: EntryEditor, after: EntryEditor) -> None:
        """Record that one editor has taken the place of another."""
        if before.texts == after.texts:
            if before.index != after.index or before.current.line.cursor != after.current.line.cursor:
                self._kind = None
            return
        kind = _kind(before, after)
        if kind is None or kind != self._kind:
            self._past = [*self._past, before][-_MOST:]
        self._kind = kind
        self._future.clear()

    def undo(self, now: EntryEditor) -> EntryEditor | None:
        """Return the editor before the last step; None if there is none."""
        if not self._past:
            return None
        self._kind = None
        self._future.append(now)
        return self._past.pop()

    def redo(self, now: EntryEditor) -> EntryEditor | None:
        """Return the editor after the step that was undone last; None if there is none."""
        if not self._future:
            return None
        self._kind = None
        self._past.append(now)
        return self._future.pop()


def _kind(before: EntryEditor, after: EntryEditor) -> tuple[object, ...] | None:
    """Return what a change of one character was, and in which line; None for any other change."""
    old, new = before.current.line, after.current.line
    if before.index != after.index or abs(len(new.text) - len(old.text)) != 1:
        return None
    if len(new.text) > len(old.text):
        typed = new.text[old.cursor : new.cursor]
        return (before.index, "typed") if typed != " " else None
    return before.index, "deleted", new.cursor < old.cursor
