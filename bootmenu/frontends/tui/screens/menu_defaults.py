# SPDX-License-Identifier: MIT
"""The entries that the menu makes the default, and what else is remembered between boots."""

from __future__ import annotations

from collections.abc import Callable

from textual import on
from textual.message import Message

from bootmenu.bootstate.state import State
from bootmenu.bootstate.state_store import StateStore
from bootmenu.discovery.scan_events import Listing
from bootmenu.frontends.tui.screens.menu_view import MenuView
from bootmenu.frontends.ui_context import UiContext
from bootmenu.i18n import N_, _, localized
from bootmenu.system.power import Power
from bootmenu.view.wording import made_default


class MenuDefaults(MenuView):
    """Makes entries the default, and stores it in threads."""

    class Opened(Message):
        """What is remembered between boots can be asked for, and what can be done with the machine is known."""

        def __init__(self, memory: StateStore, powers: tuple[Power, ...]) -> None:
            super().__init__()
            self.memory = memory
            self.powers = powers

    class Changed(Message):
        """Something else is remembered by now: this console or another one has changed it."""

    class Stored(Message):
        """A change has been stored, or could not be. number: which one. said: what has been changed."""

        def __init__(self, number: int, said: str) -> None:
            super().__init__()
            self.number = number
            self.said = said

    def __init__(self, context: UiContext) -> None:
        super().__init__(context)
        self._memory: StateStore | None = None
        """None = not opened yet."""
        self._powers: tuple[Power, ...] = ()
        """What can be done with the whole machine; () = not known yet."""
        self._kept = 0
        """How often something was changed here; what is said is about the last time."""
        self._stop_listening: Callable[[], None] = lambda: None

    def on_mount(self) -> None:
        """Ask for what is remembered."""
        self.run_worker(self._remember, thread=True, group="memory", exit_on_error=False)

    def on_unmount(self) -> None:
        """Listen no longer."""
        self._stop_listening()

    def _chosen(self, otherwise: str) -> Listing | None:
        """Return the selected entry; otherwise: what is said when there is none."""
        row = self._rows.selected
        if row is None or row.listing is None:
            self._say(otherwise)
            return None
        return row.listing

    def action_make_default(self) -> None:
        """The selected entry from now on, or no longer."""
        chosen = self._chosen(_("there is nothing here to make the default"))
        if chosen is None:
            return
        name, there = chosen.entry.id, self.results.disks
        if self._state.default == name:
            self._keep(lambda state: state.without_default(name), N_("no longer the default that was made here"))
        else:
            said = made_default(chosen, N_("the default from now on"))
            self._keep(lambda state: state.with_default(chosen, there), said)

    def action_next_boot(self) -> None:
        """The selected entry next time only, or not."""
        chosen = self._chosen(_("there is nothing here to choose for the next boot"))
        if chosen is None:
            return
        name = chosen.entry.id
        if self._state.once == name:
            self._keep(lambda state: state.without_once(name), N_("no longer chosen for the next boot"))
        else:
            said = made_default(chosen, N_("the default of the next boot only"))
            self._keep(lambda state: state.with_once(chosen), said)

    def _keep(self, change: Callable[[State], State], said: str) -> None:
        """Change what is remembered at once, in the order of the keys, and store it in a thread."""
        memory = self._memory
        if memory is None:
            self._say(_("One moment, please."))
            return
        memory.change(change)
        self._say(_("saving…"))
        self._show_remembered()
        self._kept += 1
        number = self._kept
        self.run_worker(lambda: self._store(memory, number, said), thread=True, group="memory", exit_on_error=False)

    def _remember(self) -> None:
        """In a thread: it may look for a partition, and asks the firmware."""
        self.post_message(self.Opened(self.context.session.state_store, self.context.session.powers))

    def _store(self, memory: StateStore, number: int, said: str) -> None:
        """In a thread: it writes to a disk."""
        if not memory.store():
            said = N_("{said}, until power-off: {trouble}", said=said, trouble=memory.error)
        self.post_message(self.Stored(number, localized(said)))

    @on(Opened)
    def _opened(self, message: Opened) -> None:
        self._memory, self._powers = message.memory, message.powers
        self._stop_listening = message.memory.listen(lambda: self.post_message(self.Changed()))
        self._show_remembered()

    @on(Changed)
    def _show_remembered(self) -> None:
        if self._memory is not None and self._memory.state != self._state:
            self._state = self._memory.state
            self.draw_found()
            self._draw_summary(from_top=False)

    @on(Stored)
    def _stored(self, message: Stored) -> None:
        if message.number == self._kept:
            self._say(message.said)
