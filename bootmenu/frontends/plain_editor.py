# SPDX-License-Identifier: MIT
"""Change an entry for one boot, on a terminal that can only print lines."""

from __future__ import annotations

from bootmenu.discovery.scan_events import Listing
from bootmenu.frontends.plain_base import PlainBase
from bootmenu.i18n import _
from bootmenu.model.finding import Severity
from bootmenu.model.value import replace
from bootmenu.terminal.teletype import typed_number
from bootmenu.view.entry_editor import EntryEditor, EntryPart, file_text
from bootmenu.view.entry_form import placeholder, suitable_trees
from bootmenu.view.line_editor import LineEditor
from bootmenu.view.wording import explained, verdict_line


class PlainEditor:
    """Asks for one line of the entry after the other, on the terminal of a menu."""

    def __init__(self, menu: PlainBase, listing: Listing) -> None:
        self.listing = listing
        """The entry with the changes so far, and its findings."""
        self.wants_boot = False
        """Whether the last answer was to start it."""
        self._menu, self._session, self.teletype = menu, menu.context.session, menu.teletype
        self._editor = EntryEditor.of(listing.entry)

    def ask(self) -> bool:
        """Show the entry and carry out one answer; return False to leave the editor."""
        self._show()
        answer = self.teletype.ask(_("Number of a line to change, b to start it, Enter to leave: "))
        number, self.wants_boot = typed_number(answer), answer == "b"
        lines = len(self._editor.slots)
        if not answer:
            self.teletype.say(_("The editor is left. Nothing is saved."))
        elif not self.wants_boot and (number is None or not 1 <= number <= lines):
            self.teletype.say(_("That is none of the lines 1 to {n}, and not b.").format(n=lines))
        elif number is not None:
            changed = self._change(replace(self._editor, index=number - 1))
            if changed.edited() != self._editor.edited():
                self.listing = self._session.recheck(changed.edited())
            self._editor = changed
        return bool(answer)

    def _show(self) -> None:
        for number, slot in enumerate(self._editor.slots, 1):
            text = slot.line.text or placeholder(slot, self._session.machine)
            self.teletype.say(text, f" {number:>2}  {explained(_(slot.part), '')}")
        self.teletype.say(verdict_line(self.listing.report.verdict))
        for severity in (Severity.FAIL, Severity.WARN):
            for finding in self.listing.report.of(severity):
                self._menu.finding(finding)

    def _change(self, editor: EntryEditor) -> EntryEditor:
        """Ask for a new value of the current line; return the editor with it."""
        texts: list[str] = []
        if editor.current.part is EntryPart.TREE:
            choices = suitable_trees(self._session.device_trees(self.listing))
            texts = list(dict.fromkeys(file_text(choice.ref, editor.entry.device) for choice in choices))
            for number, text in enumerate(texts, 1):
                self.teletype.say(text, f"  {number:>2}  ")
            message = _("A number selects one of these.") if texts else _("no device tree for this board found")
            self.teletype.say(f"  {message}")
        before = editor.current.line.text
        try:
            line = self.teletype.edit(before)
        except KeyboardInterrupt:
            line = before
            self.teletype.say()
        wanted = typed_number(line)
        if wanted is not None and editor.current.part is EntryPart.TREE:
            if not 1 <= wanted <= len(texts):
                self.teletype.say(_("That is no number of a device tree."))
                return editor
            line = texts[wanted - 1]
        if line == before:
            self.teletype.say(_("It stays as it was."))
            return editor
        return editor.with_line(LineEditor().insert(line))
