# SPDX-License-Identifier: MIT
"""Making entries the default in the menu, and showing the state that is saved between boots."""

from __future__ import annotations

from collections.abc import Callable

from textual import on
from textual.message import Message

from bootmenu import i18n
from bootmenu.bootstate.state import State
from bootmenu.bootstate.state_store import StateStore
from bootmenu.discovery.scan_events import Listing
from bootmenu.frontends.tui.background import in_background
from bootmenu.frontends.tui.screens.choice_screen import ChoiceScreen
from bootmenu.frontends.tui.screens.menu_view import MenuView
from bootmenu.frontends.ui_context import UiContext
from bootmenu.i18n import N_, _, localized
from bootmenu.system.power import Power
from bootmenu.view.wording import full_name, made_default


class MenuDefaults(MenuView):
    """Makes entries the default, and saves the state in threads."""

    class StoreOpened(Message):
        """The state store is open, and the machine's power actions are known."""

        def __init__(self, store: StateStore, powers: tuple[Power, ...]) -> None:
            super().__init__()
            self.store = store
            self.powers = powers

    class Changed(Message):
        """This or another console has changed the state."""

    class Saved(Message):
        """A change was saved, or could not be. number: which change. message: what to tell the user."""

        def __init__(self, number: int, message: str) -> None:
            super().__init__()
            self.number = number
            self.message = message

    def __init__(self, context: UiContext) -> None:
        super().__init__(context)
        self._state_store: StateStore | None = None
        """None until it has been opened."""
        self._powers: tuple[Power, ...] = ()
        """The power actions of the machine, or () until they are known."""
        self._language = i18n.language()
        """The language in which the menu was drawn."""
        self._changes = 0
        """Number of changes made here; only the last one is reported."""
        self._stop_listening: Callable[[], None] = lambda: None

    def on_mount(self) -> None:
        """Open the state store."""
        in_background(self, self._open_store, "store")

    def on_unmount(self) -> None:
        """Stop listening for changes."""
        self._stop_listening()

    def _selected_listing(self, otherwise: str) -> Listing | None:
        """Return the selected entry; if there is none, show the message `otherwise` and return None."""
        row = self._rows.selected
        if row is None or row.listing is None:
            self._show_message(otherwise)
            return None
        return row.listing

    def action_make_default(self) -> None:
        """Ask whether to make the selected entry the default, or whether to undo that.

        It asks because with Caps Lock the key for the details is this one, and it writes.
        """
        listing = self._selected_listing(_("there is nothing here to make the default"))
        if listing is None:
            return
        undo = self._state.default == listing.entry.id
        title, yes = _("Make default"), _("Start it automatically from now on")
        if undo:
            title, yes = _("Undo the default"), _("No longer the default")
        self._ask(listing, title, yes, lambda: self._make_default(listing, undo=undo))

    def _ask(self, listing: Listing, title: str, yes: str, change: Callable[[], None]) -> None:
        """Ask before something is written that counts at the next start."""
        if self._state_store is None:
            self._show_message(_("One moment, please."))
            return
        answers = (_("Leave it as it is"), yes)
        screen = ChoiceScreen(self.context, title, (full_name(listing.entry),), answers)
        self.app.push_screen(screen, lambda answer: change() if answer else None)

    def _make_default(self, listing: Listing, *, undo: bool) -> None:
        name, disks = listing.entry.id, self.results.disks
        if undo:
            undone = N_("no longer set as the default here")
            self._change_state(lambda state: state.without_default(name), undone, listing)
        else:
            message = made_default(listing, N_("the default from now on"))
            self._change_state(lambda state: state.with_default(listing, disks), message, listing)

    def action_next_boot(self) -> None:
        """Ask whether to make the selected entry the default of the next boot only, or whether to undo that."""
        listing = self._selected_listing(_("there is nothing here to choose for the next boot"))
        if listing is None:
            return
        undo = self._state.once == listing.entry.id
        yes = _("No longer the next one") if undo else _("Start it automatically the next time only")
        self._ask(listing, _("Next boot only"), yes, lambda: self._make_next(listing, undo=undo))

    def _make_next(self, listing: Listing, *, undo: bool) -> None:
        name = listing.entry.id
        if undo:
            undone = N_("no longer chosen for the next boot")
            self._change_state(lambda state: state.without_once(name), undone, listing)
        else:
            message = made_default(listing, N_("the default of the next boot only"))
            self._change_state(lambda state: state.with_once(listing), message, listing)

    def _change_state(self, change: Callable[[State], State], message: str, listing: Listing | None = None) -> None:
        """Change the state at once, so that keys take effect in order; save it in a thread, then show `message`.
        listing: the entry that the change is about; None for the look of the menu."""
        store = self._state_store
        if store is None:
            self._show_message(_("One moment, please."))
            return
        store.change(change)
        self._show_message(_("saving…"))
        self._show_remembered()
        self._changes += 1
        number = self._changes
        in_background(self, lambda: self._save(store, number, message, listing), "store")

    def _open_store(self) -> None:
        """Open the state store, in a thread: it may look for a partition and ask the firmware."""
        self.post_message(self.StoreOpened(self.context.session.state_store, self.context.session.powers))

    def _save(self, store: StateStore, number: int, message: str, listing: Listing | None) -> None:
        """Save the state, in a thread: it writes to a disk."""
        if not store.store():
            message = _not_kept(message, store.error, look=listing is None)
        what = N_("{name}: {what}", name=full_name(listing.entry), what=message) if listing else message
        self.context.session.history.add(what)
        self.post_message(self.Saved(number, localized(message)))

    @on(StoreOpened)
    def _store_opened(self, message: StoreOpened) -> None:
        self._state_store, self._powers = message.store, message.powers
        self._stop_listening = message.store.listen(lambda: self.post_message(self.Changed()))
        self._show_remembered()

    @on(Changed)
    def _show_remembered(self) -> None:
        if self._state_store is not None and self._state_store.state != self._state:
            self._state = self._state_store.state
            if self._language != i18n.language():  # another console has chosen it
                self.app.redraw_texts()  # type: ignore[attr-defined]
            self.draw_results()
            self._draw_summary(from_top=False)

    @on(Saved)
    def _saved(self, message: Saved) -> None:
        if message.number == self._changes:
            self._show_message(message.message)


def _not_kept(message: str, error: str, *, look: bool) -> str:
    """Return what is said of a change that could not be saved. look: whether it is of language or theme."""
    if not look:
        return N_("{said}, until power-off: {trouble}", said=message, trouble=error)
    if not error:
        return N_("{said}, for this session only", said=message)
    return N_("{said}, for this session only: {trouble}", said=message, trouble=error)
