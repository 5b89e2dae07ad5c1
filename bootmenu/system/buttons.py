# SPDX-License-Identifier: MIT
"""Buttons of a machine without a keyboard: volume, power and GPIO keys, read from /dev/input/event* as Up, Down and
Enter (Documentation/input/event-codes.rst, include/uapi/linux/input.h).

Nothing of a keyboard is read here: its keys come through the terminal.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import select
import struct
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from threading import Lock
from time import CLOCK_MONOTONIC, monotonic

from bootmenu.model.closed_set import StrEnum
from bootmenu.model.value import Record, Value, field
from bootmenu.system.host import Host
from bootmenu.system.waker import Waker


class Press(StrEnum):
    """What a press of a button means."""

    UP = "up"
    DOWN = "down"
    ENTER = "enter"


EV_KEY = 1
# include/uapi/linux/input-event-codes.h
KEY_1, KEY_0, KEY_ENTER = 2, 11, 28
KEY_UP, KEY_DOWN = 103, 108
KEY_VOLUMEDOWN, KEY_VOLUMEUP, KEY_POWER = 114, 115, 116
KEY_SELECT, BTN_0, BTN_9 = 0x161, 0x100, 0x109
KEY_A, KEY_Z, KEY_SPACE = 30, 44, 57

_MEANINGS = {
    KEY_UP: Press.UP,
    KEY_VOLUMEUP: Press.UP,
    KEY_DOWN: Press.DOWN,
    KEY_VOLUMEDOWN: Press.DOWN,
    KEY_ENTER: Press.ENTER,
    KEY_POWER: Press.ENTER,
    KEY_SELECT: Press.ENTER,
}
_NUMBERED = (*range(KEY_1, KEY_0 + 1), *range(BTN_0, BTN_9 + 1))
"""Codes that boards give to unlabelled buttons: the lowest is Up, the next Down, then Enter."""
_SHOWN = frozenset({*_MEANINGS, *_NUMBERED})
_MOST_DEVICES = 32
_BITS = 0x300 // 8  # KEY_CNT

LONG = 1.0
"""Seconds after which a press counts as long."""
RESCAN = 3.0
"""Seconds between two searches for buttons while none is found."""

_EVENT = struct.Struct("@llHHi")
"""struct input_event: two words of time, type, code, value."""
_BATCH = _EVENT.size * 64


class KeyEvent(Value):
    """A key that was released (value 0), pressed (1) or repeated by the kernel (2)."""

    code: int
    value: int
    at: float = field(default=0.0, compare=False)
    """Seconds, by the clock of the device."""


def parse(data: bytes) -> tuple[list[KeyEvent], bytes]:
    """Return the key events in the data, and the bytes of an incomplete last event. Skip events of other types, and
    values that keys do not have."""
    whole = len(data) - len(data) % _EVENT.size
    events = [
        KeyEvent(code, value, seconds + micros / 1e6)
        for seconds, micros, kind, code, value in _EVENT.iter_unpack(data[:whole])
        if kind == EV_KEY and value in (0, 1, 2)
    ]
    return events, data[whole:]


def codes(bitmap: bytes) -> frozenset[int]:
    """Return the keys in the answer to EVIOCGBIT: bit n is key n, in words of the machine's byte order."""
    word = struct.calcsize("@l")
    found = set()
    for start in range(0, len(bitmap) - word + 1, word):
        (bits,) = struct.unpack_from("@L", bitmap, start)
        found |= {start * 8 + bit for bit in range(word * 8) if bits >> bit & 1}
    return frozenset(found)


def is_buttons(keys: frozenset[int]) -> bool:
    """Return whether these are the keys of a device with buttons, and not of a keyboard."""
    return bool(keys & _SHOWN) and not {KEY_A, KEY_Z, KEY_SPACE} <= keys


class ButtonReader(Record):
    """Turn key events into presses, depending on the keys that exist.

    With three meanings or more, each press means what its key says. With one or two keys, a short press is Down (from
    the last row it goes to the first), and a long one (LONG seconds) is Enter, reported while the key is still held.
    """

    keys: frozenset[int] = frozenset()
    _held: dict[int, float] = field(default_factory=dict)
    """When each held key was pressed, by code."""
    _chosen: set[int] = field(default_factory=set)
    """Held keys whose long press has been reported."""

    @property
    def few(self) -> bool:
        """Return whether there are too few keys for Up, Down and Enter."""
        return len({press for press in map(self.meaning, self.keys) if press is not None}) < len(Press)

    def meaning(self, code: int) -> Press | None:
        """Return what a key means if there are enough keys, or None if it means nothing."""
        if code in _MEANINGS:
            return _MEANINGS[code]
        if code not in _NUMBERED:
            return None
        named = {_MEANINGS[key] for key in self.keys if key in _MEANINGS}
        free = [press for press in Press if press not in named]
        nameless = [key for key in _NUMBERED if key in self.keys]
        place = nameless.index(code) if code in nameless else len(free)
        return free[place] if place < len(free) else None

    def take(self, event: KeyEvent, now: float) -> Iterator[Press]:
        """Yield the presses that an event completes; now: seconds of any monotonic clock."""
        if event.code not in _SHOWN:
            return
        if not self.few:
            press = self.meaning(event.code)
            # a key that is held repeats movements, but never starts anything
            if press is not None and (event.value == 1 or (event.value == 2 and press is not Press.ENTER)):
                yield press
            return
        if event.value == 1:
            self._held[event.code] = now
            self._chosen.discard(event.code)
        elif event.value == 0:
            since = self._held.pop(event.code, None)
            told = event.code in self._chosen
            self._chosen.discard(event.code)
            if since is not None and not told:
                yield Press.ENTER if now - since >= LONG else Press.DOWN

    def passed(self, now: float) -> Iterator[Press]:
        """Yield the presses that have become long by now."""
        for code, since in self._held.items():
            if code not in self._chosen and now - since >= LONG:
                self._chosen.add(code)
                yield Press.ENTER

    def until(self, now: float) -> float | None:
        """Return the seconds until `passed` can yield something, or None if it waits for another event."""
        waiting = [since + LONG - now for code, since in self._held.items() if code not in self._chosen]
        return max(0.0, min(waiting)) if waiting else None


def _eviocgbit(kind: int, length: int) -> int:
    """_IOC(_IOC_READ, 'E', 0x20 + kind, length)"""
    return 2 << 30 | length << 16 | ord("E") << 8 | 0x20 + kind


_EVIOCSCLOCKID = 1 << 30 | 4 << 16 | ord("E") << 8 | 0xA0
_EVIOCGRAB = 1 << 30 | 4 << 16 | ord("E") << 8 | 0x90


def keys_of(descriptor: int) -> frozenset[int]:
    """Return the keys that an input device has. Raise OSError if it cannot be asked."""
    answer = bytearray(_BITS)
    fcntl.ioctl(descriptor, _eviocgbit(EV_KEY, len(answer)), answer, True)
    return codes(bytes(answer))


class _Open(Record):
    keys: frozenset[int]
    steady: bool
    """Whether its events carry the time of CLOCK_MONOTONIC."""
    rest: bytes = b""


class Buttons:
    """All buttons of the machine, read in a thread of the caller until `stop`.

    grab: keep their presses from other programs, such as one that switches off at the power key.
    """

    def __init__(
        self,
        host: Host,
        *,
        grab: bool = False,
        keys_of: Callable[[int], frozenset[int]] = keys_of,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._host = host
        self._grab = grab
        self._keys_of = keys_of
        self._clock = clock
        self._devices: dict[int, _Open] = {}
        self._reader = ButtonReader()
        self._waker = Waker()
        self._changing = Lock()
        """Of the two that follow."""
        self._stopped = False
        self._reading = False
        """Whether `presses` is running, which closes the devices at its end."""

    @property
    def few(self) -> bool:
        """Return whether there are buttons, but too few for Up, Down and Enter."""
        return bool(self._devices) and self._reader.few

    def stop(self) -> None:
        """End `presses`, even if it has not begun. Any thread may call this, repeatedly."""
        with self._changing:
            self._stopped = True
            unread = not self._reading
        self._waker.wake()
        if unread:
            self._waker.close()

    def presses(self) -> Iterator[Press]:
        """Yield each press until `stop`; can be iterated once. Forget devices that are unplugged."""
        with self._changing:
            if self._stopped or self._reading:
                return
            self._reading = True
        try:
            while not self._stopped:
                if not self._devices:
                    self._find()
                yield from self._round()
        finally:
            for descriptor in list(self._devices):
                self._close(descriptor)
            with self._changing:
                self._stopped, self._reading = True, False
            self._waker.close()

    def _round(self) -> Iterator[Press]:
        limit = self._reader.until(self._clock()) if self._devices else RESCAN
        ready, _, _ = select.select([self._waker.fileno(), *self._devices], [], [], limit)
        for descriptor in ready:
            if descriptor in self._devices:
                yield from self._read(descriptor)
        yield from self._reader.passed(self._clock())

    def _read(self, descriptor: int) -> Iterator[Press]:
        device = self._devices[descriptor]
        try:
            data = os.read(descriptor, _BATCH)
        except BlockingIOError:
            return
        except OSError:  # ENODEV: it was unplugged
            data = b""
        if not data:
            self._close(descriptor)
            return
        events, device.rest = parse(device.rest + data)
        for event in events:
            if event.code in device.keys:
                # the time of the event, not of reading it: on a busy machine a short press must not become a long one
                yield from self._reader.take(event, event.at if device.steady else self._clock())

    def _find(self) -> None:
        for path in _nodes(self._host):
            try:
                descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            except OSError:
                continue
            try:
                keys = self._keys_of(descriptor)
            except OSError:
                keys = frozenset()
            if not is_buttons(keys):
                os.close(descriptor)
                continue
            if self._grab:
                with contextlib.suppress(OSError):  # somebody else has it: both get the presses then
                    fcntl.ioctl(descriptor, _EVIOCGRAB, 1)
            self._devices[descriptor] = _Open(keys, steady=_count_by(descriptor, CLOCK_MONOTONIC))
        self._reader = ButtonReader(_all(device.keys for device in self._devices.values()))

    def _close(self, descriptor: int) -> None:
        del self._devices[descriptor]
        with contextlib.suppress(OSError):
            os.close(descriptor)
        self._reader = ButtonReader(_all(device.keys for device in self._devices.values()))


def _count_by(descriptor: int, clock: int) -> bool:
    """Make a device use that clock for its events; return whether it does."""
    try:
        fcntl.ioctl(descriptor, _EVIOCSCLOCKID, struct.pack("@i", clock))
    except OSError:  # it is none, as in tests
        return False
    return True


def _all(sets: Iterable[frozenset[int]]) -> frozenset[int]:
    return frozenset().union(*sets) & _SHOWN


def _nodes(host: Host) -> list[Path]:
    try:
        names = [path for path in host.path("/dev/input").iterdir() if re.fullmatch(r"event\d{1,4}", path.name)]
    except OSError:
        return []
    return sorted(names, key=lambda path: int(path.name[5:]))[:_MOST_DEVICES]
