# SPDX-License-Identifier: MIT
"""The kiosk's PIN: store it, compare it, and enforce a pause after wrong ones.

It is stored as `scrypt$N$R$P$SALT$HASH` (RFC 7914), salt and hash in hexadecimal digits.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import secrets
import threading
from collections.abc import Callable
from time import monotonic

from bootmenu.bootstate.state import MOST_WRONG_PINS
from bootmenu.bootstate.state_store import StateStore
from bootmenu.config.settings import Settings
from bootmenu.errors import BootmenuError
from bootmenu.model.value import Value, replace

LONGEST = 32
"""Most digits of a PIN."""
SHORTEST = 4
_N, _R, _P = 1 << 14, 8, 1
_MOST_MEMORY = 64 * 1024 * 1024
"""Bytes. A first stage may have 128 MB, and a settings file must not be able to use them up."""
_MOST_WORK = 1 << 21
"""N * R * P; `bootmenu pin` uses a sixteenth of it, which takes a slow board less than a second."""

TRIES_BEFORE_PAUSE = 3
"""Number of wrong PINs in a row before the first pause."""
PAUSES = (5, 15, 60, 300)
"""Seconds of the pauses after that; the last one repeats."""


class PinError(BootmenuError):
    """The stored PIN or a new one is invalid."""


class StoredPin(Value, kw_only=True):
    """The salted hash of a PIN, with the parameters of scrypt."""

    n: int
    r: int
    p: int
    salt: bytes
    digest: bytes

    @classmethod
    def parse(cls, text: str) -> StoredPin:
        """Read a stored PIN. Raise PinError if it is invalid, or would take too much memory or time."""
        try:
            kind, n, r, p, salt, digest = text.split("$")
            stored = cls(
                n=_number(n), r=_number(r), p=_number(p), salt=bytes.fromhex(salt), digest=bytes.fromhex(digest)
            )
        except ValueError:
            raise _unusable("it is not of the form scrypt$N$R$P$SALT$HASH") from None
        if kind != "scrypt" or not 8 <= len(stored.salt) <= 64 or not 16 <= len(stored.digest) <= 64:
            raise _unusable("it is not of the form scrypt$N$R$P$SALT$HASH")
        # RFC 7914, 2: N is a power of 2 and larger than 1
        if stored.n < 2 or stored.n & (stored.n - 1) or stored.r < 1 or stored.p < 1:
            raise _unusable("N has to be a power of two, R and P at least 1")
        if stored.memory > _MOST_MEMORY or stored.n * stored.r * stored.p > _MOST_WORK:
            raise _unusable("its parameters take more than 64 MiB or too much time")
        return stored

    @classmethod
    def new(cls, pin: str, *, salt: bytes | None = None, n: int = _N) -> StoredPin:
        """Hash a new PIN. Raise PinError if it does not consist of 4 to 32 digits."""
        if not SHORTEST <= len(pin) <= LONGEST or not (pin.isascii() and pin.isdigit()):
            raise PinError(
                f"a PIN has {SHORTEST} to {LONGEST} digits, and nothing else", "Buttons can enter it, too."
            )
        empty = cls(n=n, r=_R, p=_P, salt=salt or secrets.token_bytes(16), digest=bytes(32))
        return replace(empty, digest=empty._derive(pin))

    @property
    def memory(self) -> int:
        """Return the bytes that scrypt needs (RFC 7914, 5): the vector V has N blocks of 128 * r bytes, B has p."""
        return 128 * self.r * (self.n + self.p + 2)

    def matches(self, pin: str) -> bool:
        """Return whether the PIN is right, in the same time for a wrong one."""
        return hmac.compare_digest(self._derive(pin), self.digest)

    def _derive(self, pin: str) -> bytes:
        return hashlib.scrypt(
            pin.encode(),
            salt=self.salt,
            n=self.n,
            r=self.r,
            p=self.p,
            maxmem=self.memory + 1024 * 1024,
            dklen=len(self.digest),
        )

    def __str__(self) -> str:
        """Return the PIN as it is written in the settings."""
        return f"scrypt${self.n}${self.r}${self.p}${self.salt.hex()}${self.digest.hex()}"


def problem(settings: Settings) -> str:
    """Return why the PIN of the settings cannot be used; empty if it can, or if there is none."""
    if settings.kiosk_pin is None:
        return ""
    try:
        StoredPin.parse(settings.kiosk_pin)
    except PinError as error:
        return error.message
    return ""


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 7):
        raise ValueError(text)
    return int(text)


def _unusable(why: str) -> PinError:
    return PinError(f"The stored PIN cannot be used: {why}.", "bootmenu pin makes a new one.")


def pause(wrong: int) -> int:
    """Return the seconds to wait after so many wrong PINs in a row."""
    if wrong < TRIES_BEFORE_PAUSE + 1:
        return 0
    return PAUSES[min(wrong - TRIES_BEFORE_PAUSE - 1, len(PAUSES) - 1)]


class Guard:
    """Check PINs, at most as often as the pauses allow.

    The number of wrong ones is kept between boots, and a restart begins with the whole pause for that number. If it
    cannot be stored or read, the longest pause applies before the first try and after every wrong one: otherwise
    cutting the power would avoid it. After a state that is damaged or cannot be read, the highest count applies until
    the right PIN is entered.
    """

    def __init__(self, stored: StoredPin, memory: StateStore, clock: Callable[[], float] = monotonic) -> None:
        self._stored = stored
        self._memory = memory
        self._clock = clock
        self._until = clock() + (pause(memory.state.wrong_pins) if memory.known else PAUSES[-1])
        self._lock = threading.Lock()

    @property
    def wrong(self) -> int:
        """Return the number of wrong PINs in a row, across restarts."""
        return self._memory.state.wrong_pins

    @property
    def wait(self) -> int:
        """Return the whole seconds until the next PIN is checked; 0 for now."""
        return max(0, math.ceil(self._until - self._clock()))

    def opens(self, pin: str) -> bool:
        """Return whether the PIN is right; during a pause, return False without checking it. Thread-safe.

        The try is stored as a wrong one before it is compared, so that cutting the power cannot undo it.
        """
        with self._lock:
            if self.wait:
                return False
            remembered = self._count(self.wrong + 1)
            right = self._stored.matches(pin)
            if right:
                self._count(0)
            else:
                self._until = self._clock() + (pause(self.wrong) if remembered else PAUSES[-1])
            return right

    def _count(self, wrong: int) -> bool:
        return self._memory.update(lambda state: replace(state, wrong_pins=min(wrong, MOST_WRONG_PINS)))


_GUARDS: dict[StateStore, Guard] = {}
_MAKING = threading.Lock()


def guard(stored: StoredPin, memory: StateStore) -> Guard:
    """Return the guard of this store: all consoles share its pauses, which continue when the menu restarts."""
    with _MAKING:
        return _GUARDS.setdefault(memory, Guard(stored, memory))
