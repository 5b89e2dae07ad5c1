# SPDX-License-Identifier: MIT
"""Change an entry for one boot, or keep it as one of one's own, on a terminal that can only print lines."""

from __future__ import annotations

from bootmenu.bootstate.state import StateError
from bootmenu.discovery.scan_events import Listing
from bootmenu.frontends.edit_lookups import found_choices
from bootmenu.frontends.plain_base import PlainBase
from bootmenu.i18n import _, localized
from bootmenu.model.finding import Severity
from bootmenu.model.own_entry import MOST_CHARACTERS
from bootmenu.model.value import replace
from bootmenu.terminal.teletype import typed_number
from bootmenu.view.entry_editor import EntryEditor, EntryPart
from bootmenu.view.entry_form import Choices, placeholder
from bootmenu.view.line_editor import LineEditor
from bootmenu.view.wording import explained, saved_own, verdict_line


class PlainEditor:
    """Asks for one line of the entry after the other, on the terminal of a menu."""

    def __init__(self, menu: PlainBase, listing: Listing) -> None:
        self.listing = listing
        """The entry with the changes so far, and its findings."""
        self.wants_boot = False
        """Whether the last answer was to start it."""
        self.saved = False
        """Whether it was kept as an entry of one's own."""
        self._menu, self._session, self.teletype = menu, menu.context.session, menu.teletype
        self._editor = EntryEditor.of(listing.entry)
        self._found: Choices | None = None
        """What the lines can be chosen from, once it was asked."""

    def ask(self) -> bool:
        """Show the entry and carry out one answer; return False to leave the editor."""
        self._show()
        answer = self.teletype.ask(_("Number of a line to change, b to start it, s to save it, Enter to leave: "))
        number, self.wants_boot = typed_number(answer), answer == "b"
        lines = len(self._editor.slots)
        if not answer:
            if self._editor.changed and not self.teletype.sure(_("Drop the changes?")):
                return True
            self.teletype.say(_("The editor is left."))
        elif answer == "s" and self._menu.context.permits("save"):
            self._save()
            return not self.saved
        elif not self.wants_boot and (number is None or not 1 <= number <= lines):
            self.teletype.say(_("That is none of the lines 1 to {n}, and not b or s.").format(n=lines))
        elif number is not None:
            changed = self._change(replace(self._editor, index=number - 1))
            if changed.edited() != self._editor.edited():
                self.listing = self._session.recheck(changed.edited())
            self._editor = changed
        return bool(answer)

    def _save(self) -> None:
        """Ask for a name, and keep the entry under it."""
        entry = self._editor.entry
        otherwise = entry.title if entry.is_own else ""
        question = _("Name of your entry (Enter for {name}): ").format(name=otherwise or _("none"))
        try:
            name = self.teletype.ask(question).strip()[:MOST_CHARACTERS] or otherwise
        except KeyboardInterrupt:
            name = ""
            self.teletype.say()
        if not name:
            self.teletype.say(_("Nothing is saved."))
            return
        own, store = self._session.entry_files.own_entry(self._editor.edited(), name), self._session.state_store
        before = store.state.own
        try:
            kept = store.update(lambda state: state.with_own(own))
        except StateError as error:
            self.teletype.say(localized(error.message), "  ! ")
            self.teletype.say(localized(error.hint), "    → ")
            return
        if any(one.entry.id == own.entry.id for one in before):
            self.teletype.say(_("It takes the place of your entry with this name."))
        self.saved = True
        self.teletype.say(localized(saved_own(name, has_room=store.keeps_own)))
        if not kept:
            self.teletype.say(localized(store.error), "  ! ")

    def _show(self) -> None:
        for number, slot in enumerate(self._editor.slots, 1):
            text = slot.line.text or placeholder(slot, self._session.machine)
            changed = "│" if slot.changed else " "
            self.teletype.say(text, f"{changed}{number:>2}  {explained(_(slot.part), '')}")
        self.teletype.say(verdict_line(self.listing.report.verdict))
        for severity in (Severity.FAIL, Severity.WARN):
            for finding in self.listing.report.of(severity):
                self._menu.finding(finding)

    def _change(self, editor: EntryEditor) -> EntryEditor:
        """Ask for a new value of the current line; return the editor with it."""
        part, before = editor.current.part, editor.current.line.text
        texts = [text for text in editor.choices(self._choices().of(part)) if text] if part.is_file else []
        for number, text in enumerate(texts, 1):
            self.teletype.say(text, f"  {number:>2}  ")
        if texts:
            self.teletype.say("  " + _("A number selects one of these. Tab completes a path."))
        elif part is EntryPart.TREE:
            self.teletype.say("  " + _("no device tree for this board found"))
        files = self._session.entry_files
        try:
            line = self.teletype.edit(
                before, (lambda text: files.completions(editor.entry, text)) if part.is_file else None
            )
        except KeyboardInterrupt:
            line = before
            self.teletype.say()
        wanted = typed_number(line)
        if wanted is not None and part.is_file:
            if not 1 <= wanted <= len(texts):
                self.teletype.say(_("That is the number of none of these files."))
                return editor
            line = texts[wanted - 1]
        if line == before:
            self.teletype.say(_("It stays as it was."))
            return editor
        return editor.with_line(LineEditor().insert(line))

    def _choices(self) -> Choices:
        if self._found is None:
            self._found = found_choices(self._session, self.listing)
        return self._found
