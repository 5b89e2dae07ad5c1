# SPDX-License-Identifier: MIT
"""An entry that is changed for one boot on a terminal that can only show lines."""

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
from bootmenu.view.wording import verdict_line


class PlainEditor:
    """Asks for one line after the other. menu: on whose terminal."""

    def __init__(self, menu: PlainBase, listing: Listing) -> None:
        self.judged = listing
        """The entry with the changes so far, and what the checks say of it."""
        self.wants_boot = False
        self._menu, self._session, self.teletype = menu, menu.context.session, menu.teletype
        self._editor = EntryEditor.of(listing.entry)

    def ask(self) -> bool:
        """Show the entry and ask what to do; return False to leave it. `wants_boot` says that it is to be started."""
        self._show()
        answer = self.teletype.ask(_("Number of a line to change, b to start it, Enter to leave: "))
        number, self.wants_boot = typed_number(answer), answer == "b"
        if number is not None and 1 <= number <= len(self._editor.slots):
            changed = self._change(replace(self._editor, index=number - 1))
            if changed.edited() != self._editor.edited():
                self.judged = self._session.recheck(changed.edited())
            self._editor = changed
        return bool(answer)

    def _show(self) -> None:
        for number, slot in enumerate(self._editor.slots, 1):
            text = slot.line.text or placeholder(slot, self._session.machine)
            self.teletype.say(text, f" {number:>2}  {_(slot.part)}: ")
        self.teletype.say(verdict_line(self.judged.report.verdict))
        for severity in (Severity.FAIL, Severity.WARN):
            for finding in self.judged.report.of(severity):
                self._menu.finding(finding)

    def _change(self, editor: EntryEditor) -> EntryEditor:
        """Ask for the current line."""
        texts: list[str] = []
        if editor.current.part is EntryPart.TREE:
            choices = suitable_trees(self._session.device_trees(self.judged))
            texts = list(dict.fromkeys(file_text(choice.ref, editor.entry.device) for choice in choices))
            for number, text in enumerate(texts, 1):
                self.teletype.say(text, f"  {number:>2}  ")
            said = _("A number takes one of these.") if texts else _("no device tree for this board found")
            self.teletype.say(f"  {said}")
        line = self.teletype.ask(_("Another one for this boot (Enter keeps it, - empties it): "))
        if not line:
            return editor
        wanted = typed_number(line)
        if wanted is not None and editor.current.part is EntryPart.TREE:
            if not 1 <= wanted <= len(texts):
                return editor  # no device tree is called 7
            line = texts[wanted - 1]
        return editor.with_line(LineEditor() if line == "-" else LineEditor().insert(line))
