# SPDX-License-Identifier: MIT
"""Saving and deleting the entries that a person makes."""

from __future__ import annotations

from functools import partial

from bootmenu.bootstate.state import StateError
from bootmenu.discovery.scan_events import Listing
from bootmenu.frontends.tui.screens.choice_screen import ChoiceScreen
from bootmenu.frontends.tui.screens.edit_screen import EditScreen
from bootmenu.frontends.tui.screens.menu_look import MenuLook
from bootmenu.i18n import N_, _
from bootmenu.model.entry import BootEntry
from bootmenu.view.entry_list import entry_key
from bootmenu.view.wording import full_name, saved_own


class OwnEntries(MenuLook):
    """A menu whose entries can be edited, and kept as entries of one's own."""

    def edit(self, listing: Listing) -> None:
        """Open the editor of an entry."""
        self.app.push_screen(EditScreen(self.context, listing, self.start, partial(self._save_own, listing)))

    def start(self, listing: Listing) -> None:
        """Start an entry."""
        raise NotImplementedError

    def _save_own(self, listing: Listing, entry: BootEntry, title: str) -> None:
        """Keep an edited entry under a title, and select it. Raise StateError if there is no room for it."""
        own = self.context.session.entry_files.own_entry(entry, title)
        store = self._state_store
        if store is None:
            raise StateError(N_("One moment, please."))
        self._change_state(lambda state: state.with_own(own), saved_own(title, has_room=store.keeps_own), listing)
        self._rows.select_when_there(entry_key(own.entry.id))

    def action_remove(self) -> None:
        """Ask whether to delete the selected entry, if a person has made it."""
        listing = self._selected_listing(_("there is nothing here to delete"))
        if listing is None:
            return
        if not listing.entry.is_own:
            self._show_message(_("only entries of your own can be deleted; e and Ctrl+S make one"))
            return
        answers = (_("Keep it"), _("Delete it"))
        screen = ChoiceScreen(self.context, _("Delete an entry of your own"), (full_name(listing.entry),), answers)
        self.app.push_screen(screen, lambda answer: self._remove(listing) if answer else None)

    def _remove(self, listing: Listing) -> None:
        name = listing.entry.id
        self._change_state(lambda state: state.without_own(name), N_("deleted"), listing)
