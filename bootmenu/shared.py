# SPDX-License-Identifier: MIT
"""One sitting, used by several at once: the first frame and the menu after it, or the menus of several consoles.

The partitions are looked at once for all of them, and only one can load and jump.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager
from typing import NoReturn

from bootmenu.compat import EntryFacts
from bootmenu.discovery.compaction import CompactedLog
from bootmenu.discovery.devices import Device
from bootmenu.discovery.devicetrees import TreeChoice
from bootmenu.discovery.scan import DeviceGone, Listing, ScanEvent, ScanFinished, Stream
from bootmenu.errors import BootmenuError
from bootmenu.kexec.handover import HandedTrees
from bootmenu.kexec.plan import LoadPlan
from bootmenu.kexec.preflight import Preflight
from bootmenu.model.entry import BootEntry
from bootmenu.model.finding import Report
from bootmenu.model.machine import MachineFacts
from bootmenu.model.progress import Progress
from bootmenu.session import Session
from bootmenu.state import Memory
from bootmenu.system.power import Power


class Look:
    """A scan and what comes after it, in a thread of its own; any number of readers may follow it.

    changed: notified after every event and at the end, as `told` is called; whoever uses the log holds it. earlier:
    the log of the look that this one goes on with; None = it looks at everything afresh.
    """

    def __init__(
        self,
        session: Session,
        changed: threading.Condition,
        told: Callable[[], object],
        earlier: CompactedLog | None = None,
    ) -> None:
        self.log = CompactedLog() if earlier is None else earlier
        self.finished = earlier is not None
        """The scan has come to its end."""
        self.ended = False
        """Nothing more comes."""
        self.closed = False
        self.error: Exception | None = None
        self._session = session
        self._changed = changed
        self._told = told
        self._stream: Stream | None = None
        self._thread = threading.Thread(target=self._run, name="bootmenu-look", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            if not self.finished:
                self._follow(self._session.scan)
            if self.finished and not self.closed:
                self._follow(self._session.watch)
        except Exception as error:  # whoever reads it raises it
            self.error = error
        with self._changed:
            self.ended = True
            self._changed.notify_all()
        self._told()

    def _follow(self, begin: Callable[[], Stream]) -> None:
        stream = begin()
        with self._changed:
            self._stream = stream
        # close sets the one, then closes what it sees of the other
        while not self.closed and (event := next(stream, None)) is not None:
            with self._changed:
                self.log.add(event)
                self.finished = self.finished or isinstance(event, ScanFinished)
                self._changed.notify_all()
            self._told()
        stream.close()

    def close(self) -> None:
        """No more events; returns when the partitions have been let go of."""
        with self._changed:
            self.closed = True
            stream = self._stream
        if stream is not None:
            stream.close()
        self._thread.join()


class Shared:
    """The session behind several views, each of which is a Session. told: called in a thread after every event."""

    def __init__(self, session: Session, told: Callable[[], object] = lambda: None) -> None:
        self.session = session
        self.changed = threading.Condition()
        self._told = told
        self._lock = threading.Lock()
        """Of what follows; held while a look ends."""
        self.look = Look(session, self.changed, told)
        """What is being looked at now; another one after each rescan."""
        self._booting: tuple[View, str] | None = None
        """Who loads, and what."""

    def view(self) -> View:
        """A session for one more console."""
        return View(self)

    def look_again(self) -> None:
        """Everything afresh, for everybody."""
        with self._lock:
            self.look.close()
            self._replace(Look(self.session, self.changed, self._told))

    def go_on(self) -> None:
        """Look on where it was stopped."""
        with self._lock:
            if self.look.closed and self.look.finished:
                self._replace(Look(self.session, self.changed, self._told, self.look.log))

    def _replace(self, look: Look) -> None:
        with self.changed:
            self.look = look
            self.changed.notify_all()

    def stop_looking(self) -> None:
        """Let go of the partitions, until somebody looks again or goes on."""
        with self._lock:
            self.look.close()

    def take(self, view: View, name: str = "") -> None:
        """Loading is this view's from now on. Raises BootmenuError when it is another's."""
        with self._lock:
            if self._booting is not None and self._booting[0] is not view:
                raise BootmenuError(
                    f"Another console is starting {self._booting[1]}.", "Only one entry can be started: wait for it."
                )
            if name:
                self._booting = (view, name)

    def may_unload(self, view: View) -> bool:
        """Whether what is loaded is not another view's."""
        with self._lock:
            return self._booting is None or self._booting[0] is view

    def give_back(self, view: View) -> None:
        """Whoever wants to may load now."""
        with self._lock:
            if self._booting is not None and self._booting[0] is view:
                self._booting = None


class View:
    """See Session. Its first scan is the one that runs already; a later one is everybody's."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._session = shared.session
        self._begun = False
        self._look = shared.look
        with shared.changed:
            self._cursor = self._look.log.cursor()

    @property
    def machine(self) -> MachineFacts:
        """See Session."""
        return self._session.machine

    @property
    def machine_report(self) -> Report:
        """See Session."""
        return self._session.machine_report

    @property
    def simulated(self) -> bool:
        """See Session."""
        return self._session.simulated

    @property
    def notices(self) -> tuple[str, ...]:
        """See Session."""
        return self._session.notices

    @property
    def memory(self) -> Memory:
        """See Session."""
        return self._session.memory

    def scan(self) -> Stream:
        """See Session. Raises BootmenuError while another view loads."""
        self._shared.take(self)
        look = self._shared.look
        if self._begun or (look.ended and not look.finished):
            self._shared.look_again()
        with self._shared.changed:
            self._begun, self._look = True, self._shared.look
            self._cursor = self._look.log.cursor()
        return Stream(lambda closed: self._events(closed, until_finished=True), self._wake)

    def watch(self) -> Stream:
        """See Session."""
        if self._shared.may_unload(self):
            self._shared.go_on()
        return Stream(lambda closed: self._events(closed, until_finished=False), self._wake)

    def _wake(self) -> None:
        with self._shared.changed:
            self._shared.changed.notify_all()

    def _events(self, closed: threading.Event, *, until_finished: bool) -> Generator[ScanEvent, None, None]:
        while not closed.is_set():
            with self._shared.changed:
                while self._nothing_new(closed, until_finished):
                    self._shared.changed.wait()
                look, more = self._look, bool(self._cursor)
                events = [] if closed.is_set() else self._cursor.take()
            if closed.is_set():
                return
            if more:
                yield from self._handed(events)
                if until_finished and any(isinstance(event, ScanFinished) for event in events):
                    return
            elif look.error is not None:
                raise look.error
            elif self._shared.look is look or until_finished:
                return
            else:
                yield from self._follow_the_others()

    def _handed(self, events: list[ScanEvent]) -> Iterator[ScanEvent]:
        """Whoever closes the stream meanwhile may not have got them."""
        try:
            yield from events
        except GeneratorExit:
            with self._shared.changed:
                self._cursor.take_back()
            raise

    def _nothing_new(self, closed: threading.Event, until_finished: bool) -> bool:
        look = self._look
        if closed.is_set() or self._cursor or look is not self._shared.look:
            return False
        # what was closed is gone on with, or begun anew, when a load has failed
        return not look.ended or (look.closed and not until_finished)

    def _follow_the_others(self) -> Iterator[ScanEvent]:
        """Another console looks again, or goes on."""
        with self._shared.changed:
            earlier, self._look = self._look.log, self._shared.look
            if self._look.log is earlier:
                return
            names, self._cursor = self._cursor.devices, self._look.log.cursor()
        for name in names:
            yield DeviceGone(Device(name=name))

    def unlock(self, device: str, passphrase: str) -> None:
        """See Session."""
        self._session.unlock(device, passphrase)

    def holding(self, listing: Listing) -> AbstractContextManager[None]:
        """See Session."""
        return self._session.holding(listing)

    def plan(self, listing: Listing) -> LoadPlan:
        """See Session."""
        return self._session.plan(listing)

    def method(self, facts: EntryFacts) -> str:
        """See Session."""
        return self._session.method(facts)

    def device_trees(self, listing: Listing) -> tuple[TreeChoice, ...]:
        """See Session."""
        return self._session.device_trees(listing)

    def recheck(self, entry: BootEntry) -> Listing:
        """See Session."""
        return self._session.recheck(entry)

    def handed_trees(self, plan: LoadPlan) -> HandedTrees:
        """See Session."""
        return self._session.handed_trees(plan)

    def preflight(self) -> Preflight:
        """See Session."""
        return self._session.preflight()

    @property
    def powers(self) -> tuple[Power, ...]:
        """See Session."""
        return self._session.powers

    def power(self, wanted: Power) -> None:
        """See Session. Raises BootmenuError while another view loads."""
        self._shared.take(self)
        try:
            self._shared.stop_looking()
            self._session.power(wanted)
        finally:
            self._shared.give_back(self)

    def shell(self) -> None:
        """See Session."""
        self._session.shell()

    def kernel_log(self) -> list[str] | None:
        """See Session."""
        return self._session.kernel_log()

    def load(self, plan: LoadPlan) -> Iterator[Progress]:
        """See Session. Raises BootmenuError when another view loads."""
        self._shared.take(self, plan.entry.title or plan.entry.kernel.path)
        try:
            self._shared.stop_looking()
            yield from self._session.load(plan)
        except BaseException:
            self._shared.give_back(self)
            raise

    def leave(self, plan: LoadPlan) -> Iterator[Progress]:
        """See Session."""
        yield from self._session.leave(plan)

    def unload(self, plan: LoadPlan) -> str:
        """See Session. What another view has loaded stays, and is not told."""
        if not self._shared.may_unload(self):
            return ""
        try:
            return self._session.unload(plan)
        finally:
            self._shared.give_back(self)

    def jump(self, plan: LoadPlan) -> NoReturn:
        """See Session."""
        self._shared.take(self, plan.entry.title or plan.entry.kernel.path)
        try:
            self._session.jump(plan)
        finally:
            self._shared.give_back(self)
