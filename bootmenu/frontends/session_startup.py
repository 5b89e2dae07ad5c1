# SPDX-License-Identifier: MIT
"""A session that is opened by threads while the first frame is looked at."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from bootmenu.config.settings import Profile
from bootmenu.config.settings_layers import Loaded
from bootmenu.frontends.first_stage import first_stage
from bootmenu.model.value import replace
from bootmenu.system.host import Host

if TYPE_CHECKING:
    from bootmenu.session.machine_session import MachineSession
    from bootmenu.session.shared_session import SharedSession


class SessionStartup:
    """A session on its way. What takes time is done by threads, one after the other; `wake` is called after each."""

    def __init__(self, demo: bool, host: Host, loaded: Loaded, wake: Callable[[], object]) -> None:
        self.stack = contextlib.ExitStack()
        """Closes what was opened."""
        self._demo = demo
        self._host = host
        self.loaded = loaded
        """The settings; of the demonstration as soon as it is prepared."""
        self.simulated_pin = ""
        """What the demonstration says of its PIN."""
        self._wake = wake
        self._make: Callable[[], MachineSession] | None = None
        self._session: MachineSession | None = None
        self._shared: SharedSession | None = None
        self._error: BaseException | None = None
        self._done = threading.Event()
        self._thread = self._begin(self._prepare)

    def _begin(self, work: Callable[[], None]) -> threading.Thread:
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

            self.stack.enter_context(menu_log.in_memory())
            session = self.stack.enter_context(demonstration())
            self._make = lambda: session
            if self.loaded.settings.profile is Profile.KIOSK:
                from bootmenu.demo.demo_kiosk import demonstrated

                settings, self.simulated_pin = demonstrated(self.loaded.settings)
                self.loaded = replace(self.loaded, settings=settings)
            return
        from bootmenu.discovery.hotplug import Hotplug
        from bootmenu.discovery.machine_facts import gather
        from bootmenu.discovery.storage import luks
        from bootmenu.session.machine_session import MachineSession

        machine = gather(self._host)
        if first_stage():  # init starts a menu again that was killed
            luks.close_left(self._host)
        changes = None
        with contextlib.suppress(OSError):  # then a new medium is found by r
            changes = Hotplug()
            self.stack.callback(changes.close)  # also where no session comes of it
        self._make = lambda: self.stack.enter_context(
            contextlib.closing(MachineSession(self._host, machine, settings=self.loaded.settings, changes=changes))
        )

    def _remember(self) -> None:
        """Before anything is mounted read-only."""
        assert self._session is not None
        memory = self._session.state_store
        memory.update(lambda state: state.on_menu_start())
        if memory.healed:  # a countdown that is not stopped shows it to nobody
            from bootmenu.session import menu_log

            menu_log.write(memory.healed)

    def poll(self) -> SharedSession | None:
        """The session as soon as it is there; None = not yet. In the main thread: a session has its mounts to itself
        only if it is made there. Raises what went wrong."""
        if self._shared is not None or not self._done.is_set():
            return self._shared
        if self._error is not None:
            raise self._error
        if self._session is None:
            assert self._make is not None
            self._session = self._make()
            self._thread = self._begin(self._remember)
            return None
        from bootmenu.session.shared_session import SharedSession

        self._shared = SharedSession(self._session)
        self.stack.callback(self._shared.close)
        return self._shared

    def close(self) -> None:
        """Let go of everything."""
        self._thread.join()
        self.stack.close()
