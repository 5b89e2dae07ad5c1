# SPDX-License-Identifier: MIT
"""One sitting, used by several at once: the first frame and the menu after it, or the menus of several consoles.

The partitions are looked at once for all of them, and only one can load and jump. While one does, nobody looks: who
starts something says so first, then ends the look that there is; a look is begun only by who finds, with the same
lock, that nobody has said so.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager
from typing import NoReturn

from bootmenu.bootstate.state_store import StateStore
from bootmenu.compat import EntryFacts
from bootmenu.discovery.devices import Device
from bootmenu.discovery.dtb_candidates import TreeChoice
from bootmenu.discovery.event_log import CompactedLog
from bootmenu.discovery.scan_events import DeviceGone, Listing, ScanEvent, ScanFinished, Stream
from bootmenu.i18n import N_
from bootmenu.kexec.dtb_fixups import PlanTrees
from bootmenu.kexec.plan import LoadPlan
from bootmenu.kexec.trial_load import Preflight
from bootmenu.model.entry import BootEntry
from bootmenu.model.finding import Report
from bootmenu.model.machine import MachineFacts
from bootmenu.model.progress import Progress
from bootmenu.session.machine_session import BusyError, Session
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
        """Of what follows, and of the log of the look; never held while anything else is waited for."""
        self._told = told
        self._looking = threading.Lock()
        """Held while a look is ended and another one begun: as long as the partitions take to be let go of."""
        self.look = Look(session, self.changed, told)
        """What is being looked at now; another one after each rescan."""
        self._owner: tuple[View, str] | None = None
        """Who loads, unloads or ends what runs here, and the sentence for the others; None = nobody does."""
        self._closed = False

    def view(self) -> View:
        """A session for one more console."""
        return View(self)

    def look_again(self, view: View) -> None:
        """Begin everything afresh, for everybody. Raise BusyError while another view owns the machine."""
        with self._looking:
            self.check(view)
            if not self._closed:
                self.look.close()
                self._replace(None)

    def resume(self) -> bool:
        """Look on where somebody who owned the machine has ended the look, unless there is an owner again. Return
        False when nobody looks any more."""
        with self._looking:
            if self.look.closed and self._owner is None and not self._closed:
                self._replace(self.look.log if self.look.finished else None)
            return not self._closed

    def _replace(self, log: CompactedLog | None) -> None:
        look = Look(self.session, self.changed, self._told, log)
        with self.changed:
            self.look = look
            self.changed.notify_all()

    def stop_looking(self) -> None:
        """Let go of the partitions. The owner of the machine may: until it is the owner no more, nobody looks."""
        with self._looking:
            self.look.close()

    def close(self) -> None:
        """Let go of the partitions for good."""
        with self.changed:
            self._closed = True
            self.changed.notify_all()
        self.stop_looking()

    @property
    def owned(self) -> bool:
        """Return whether a view owns the machine."""
        return self._owner is not None

    def check(self, view: View) -> None:
        """Raise BusyError while another view owns the machine."""
        with self.changed:
            if self._owner is not None and self._owner[0] is not view:
                raise BusyError(self._owner[1], N_("Only one entry can be started: wait for it."))

    def take(self, view: View, sentence: str) -> None:
        """Make this view the owner of the machine. sentence: for whoever wants to be it then. Raise BusyError while
        another one is."""
        with self.changed:
            self.check(view)
            self._owner = (view, sentence)

    def give_back(self, view: View) -> None:
        """Let any view be the owner from now on."""
        with self.changed:
            if self._owner is not None and self._owner[0] is view:
                self._owner = None
                self.changed.notify_all()


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
    def memory(self) -> StateStore:
        """See Session."""
        return self._session.memory

    def scan(self) -> Stream:
        """See Session. Raises BusyError instead of looking again while another view owns the machine."""
        look = self._shared.look
        if self._begun or (look.ended and not look.finished and not look.closed):
            self._shared.look_again(self)
        with self._shared.changed:
            self._begun, self._look = True, self._shared.look
            self._cursor = self._look.log.cursor()
        return Stream(lambda closed: self._events(closed, until_finished=True), self._wake)

    def watch(self) -> Stream:
        """See Session."""
        return Stream(lambda closed: self._events(closed, until_finished=False), self._wake)

    def _wake(self) -> None:
        with self._shared.changed:
            self._shared.changed.notify_all()

    def _events(self, closed: threading.Event, *, until_finished: bool) -> Generator[ScanEvent, None, None]:
        while not closed.is_set():
            with self._shared.changed:
                while self._nothing_new(closed):
                    self._shared.changed.wait()
                look, more = self._look, bool(self._cursor)
                events = [] if closed.is_set() else self._cursor.take()
            if closed.is_set():
                return
            if more:
                yield from self._handed(events)
                if until_finished and any(isinstance(event, ScanFinished) for event in events):
                    return
            elif self._shared.look is not look:
                yield from self._follow_the_others()
            elif look.error is not None:
                raise look.error
            elif not (look.closed and self._shared.resume()):
                return

    def _handed(self, events: list[ScanEvent]) -> Iterator[ScanEvent]:
        """Whoever closes the stream meanwhile may not have got them."""
        try:
            yield from events
        except GeneratorExit:
            with self._shared.changed:
                self._cursor.take_back()
            raise

    def _nothing_new(self, closed: threading.Event) -> bool:
        look = self._look
        if closed.is_set() or self._cursor or look is not self._shared.look:
            return False
        # what was closed is gone on with, or begun anew, when a load has failed
        return not look.ended or (look.closed and self._shared.owned)

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

    def plan_trees(self, plan: LoadPlan) -> PlanTrees:
        """See Session."""
        return self._session.plan_trees(plan)

    def preflight(self) -> Preflight:
        """See Session."""
        return self._session.preflight()

    @property
    def powers(self) -> tuple[Power, ...]:
        """See Session."""
        return self._session.powers

    def power(self, wanted: Power) -> None:
        """See Session. Raises BusyError while another view owns the machine."""
        self._shared.take(self, N_("Another console is ending what runs here."))
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
        """See Session. Raises BusyError while another view owns the machine; this one does then, until what is loaded
        is taken out again."""
        self._take(plan)
        try:
            self._shared.stop_looking()
            yield from self._session.load(plan)
        except BaseException:
            self._shared.give_back(self)
            raise

    def prepare_jump(self, plan: LoadPlan) -> Iterator[Progress]:
        """See Session."""
        yield from self._session.prepare_jump(plan)

    def unload(self, plan: LoadPlan) -> str:
        """See Session. What another view has loaded stays, and is not told."""
        try:
            self._take(plan)  # nobody may load meanwhile, what is taken out is not asked whose it is
        except BusyError:
            return ""
        try:
            return self._session.unload(plan)
        finally:
            self._shared.give_back(self)

    def execute(self, plan: LoadPlan) -> NoReturn:
        """See Session."""
        self._take(plan)
        try:
            self._session.execute(plan)
        finally:
            self._shared.give_back(self)

    def _take(self, plan: LoadPlan) -> None:
        name = plan.entry.title or plan.entry.kernel.path
        self._shared.take(self, N_("Another console is starting {name}.", name=name))
