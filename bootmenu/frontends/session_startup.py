# SPDX-License-Identifier: MIT
"""Open a session in a thread while the first frame is shown."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable

from bootmenu import i18n
from bootmenu.config.settings import Profile
from bootmenu.config.settings_layers import Loaded
from bootmenu.frontends.first_stage import first_stage
from bootmenu.model.value import replace
from bootmenu.system.host import Host
from bootmenu.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from bootmenu.bootstate.state import State
    from bootmenu.session.machine_session import MachineSession
    from bootmenu.session.shared_session import SharedSession


class SessionStartup:
    """A session that is being opened. Slow steps run in threads, one at a time; `wake` is called after each."""

    def __init__(self, demo: bool, host: Host, loaded: Loaded, wake: Callable[[], object]) -> None:
        self._stack = contextlib.ExitStack()
        """Closes what was opened."""
        self._demo = demo
        self._host = host
        self.loaded = loaded
        """The settings; a demonstration has its own once it is prepared."""
        self.simulated_pin = ""
        """The line that names the demonstration's PIN, if it has one."""
        self._wake = wake
        self._create: Callable[[], MachineSession] | None = None
        self._session: MachineSession | None = None
        self._shared: SharedSession | None = None
        self._error: BaseException | None = None
        self._done = threading.Event()
        self._thread = self._start(self._prepare)

    def _start(self, work: Callable[[], None]) -> threading.Thread:
        def body() -> None:
            try:
                work()
            except BaseException as error:  # raised by `poll`
                self._error = error
            self._done.set()
            self._wake()

        self._done.clear()
        thread = threading.Thread(target=body, name="bootmenu-startup", daemon=True)
        thread.start()
        return thread

    def _prepare(self) -> None:
        if self._demo:
            from bootmenu.demo import demonstration
            from bootmenu.session import menu_log

            self._stack.enter_context(menu_log.in_memory())
            session = self._stack.enter_context(demonstration())
            self._create = lambda: session
            if self.loaded.settings.profile is Profile.KIOSK:
                from bootmenu.demo.demo_kiosk import demonstrated

                settings, self.simulated_pin = demonstrated(self.loaded.settings)
                self.loaded = replace(self.loaded, settings=settings)
            return
        from bootmenu.discovery.hotplug import Changes, Hotplug, NoChanges
        from bootmenu.discovery.machine_facts import gather
        from bootmenu.discovery.storage import luks
        from bootmenu.session.machine_session import MachineSession

        machine = gather(self._host)
        if first_stage():  # a menu that was killed may have left volumes open; init has started this one after it
            luks.close_left(self._host)
        changes: Changes = NoChanges()
        with contextlib.suppress(OSError):  # without it, r (scan again) finds a new medium
            changes = Hotplug()
        self._stack.callback(changes.close)  # even if no session is made
        self._create = lambda: self._stack.enter_context(
            contextlib.closing(MachineSession(self._host, machine, settings=self.loaded.settings, changes=changes))
        )

    def _record_menu_start(self) -> None:
        """Record the menu's start in the state, before the scan mounts its file system read-only."""
        assert self._session is not None
        store = self._session.state_store
        store.update(lambda state: state.on_menu_start())
        if store.healed:  # no screen shows it if the countdown is not stopped
            from bootmenu.session import menu_log

            menu_log.write(store.healed)

    def poll(self) -> SharedSession | None:
        """Return the session, or None if it is not open yet. Raise the exception that has ended a step.

        Call it in the main thread: only a session made there has its mounts to itself."""
        if self._shared is not None or not self._done.is_set():
            return self._shared
        if self._error is not None:
            raise self._error
        if self._session is None:
            assert self._create is not None
            self._session = self._create()
            self._thread = self._start(self._record_menu_start)
            return None
        from bootmenu.session.shared_session import SharedSession

        self._use_remembered_language(self._session.state_store.state)
        self._shared = SharedSession(self._session)
        self._stack.callback(self._shared.close)
        return self._shared

    def _use_remembered_language(self, state: State) -> None:
        """Switch to the language that was chosen in the menu, if nothing demands another one."""
        from bootmenu.bootstate.remembered_look import with_look

        wanted = with_look(self.loaded, state, os.environ).settings.language
        if wanted != self.loaded.settings.language and wanted is not None:
            i18n.switch(wanted)

    def close(self) -> None:
        """Wait for the running step, and close everything."""
        self._thread.join()
        self._stack.close()
