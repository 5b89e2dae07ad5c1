# SPDX-License-Identifier: MIT
"""What the terminal can do, found out before Textual is imported. Imports nothing of it."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import select
import struct
import termios
import threading
import tty
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from enum import StrEnum
from pathlib import Path
from time import monotonic
from types import MappingProxyType

from bootmenu.model.value import Value

GLYPHS = "BOOTMENU_GLYPHS"
"""Environment variable: `ascii` draws with ASCII only, `utf-8` with box drawing characters."""

_PATIENCE = 0.3
"""Seconds for an answer from the terminal; every one that answers at all is faster, at 9600 baud too."""

DRAIN = 2.0
"""Seconds for a slow line to say the last words."""

_SCREEN = re.compile(r"/dev/(tty|tty\d+|pts/\d+|tty[a-ep-z][0-9a-f]|console)")
"""What is no serial line (Documentation/admin-guide/devices.txt): virtual consoles and pseudo terminals, and
`console`, which may be either. Drivers of serial lines call theirs as they like: ttyAML0, ttymxc2, hvc0."""

_PSEUDO, _VIRTUAL, _SERIAL = range(136, 144), 4, 64
"""Major numbers of pseudo terminals, and of virtual ones, which have the minor numbers below 64."""

_WITH_MOUSE = ("xterm", "screen", "tmux", "rxvt", "alacritty", "foot", "konsole", "gnome", "vte", "putty", "st-")


_COLUMNS, _ROWS = range(20, 513), range(5, 257)
"""What is drawn in. A screen of 3840x2160 has 480x135 cells of 8x16 pixels; each cell costs memory and time."""


def bounded(columns: int, rows: int) -> tuple[int, int]:
    """Return the size to draw in for a size that somebody else has said: a terminal, a line's other end, or the
    environment. Nothing is allocated for a size that has not been here. 0 is not known: then it is 80 or 24."""
    return _within(columns or 80, _COLUMNS), _within(rows or 24, _ROWS)


def _within(number: int, allowed: range) -> int:
    return max(allowed[0], min(number, allowed[-1]))


def columns_of(descriptor: int, environ: Mapping[str, str] = MappingProxyType({})) -> int:
    """Return how many columns a terminal has now: as it says itself, else as COLUMNS says, else 80."""
    columns = 0
    with contextlib.suppress(OSError, ValueError):
        columns = os.get_terminal_size(descriptor).columns
    if not columns and re.fullmatch(r"[0-9]{1,5}", environ.get("COLUMNS", "")):
        columns = int(environ["COLUMNS"])
    return bounded(columns, 0)[0]


class Depth(StrEnum):
    """How many colours are sent."""

    NONE = "none"
    """NO_COLOR is set (https://no-color.org): bold and reverse video only."""
    SIXTEEN = "16"
    MANY = "256"
    ALL = "truecolor"

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Depth:
        """As rich will choose for the same environment, once `prepare_environment` has seen it."""
        if environ.get("NO_COLOR"):
            return cls.NONE
        if Traits.of(environ).sixteen:
            return cls.SIXTEEN
        return cls.ALL if environ.get("COLORTERM", "") in ("truecolor", "24bit") else cls.MANY

    @property
    def theme(self) -> str:
        """Return the name of the theme that suits, where none was asked for or the one that was does not serve."""
        return {Depth.NONE: "mono", Depth.SIXTEEN: "vt16"}.get(self, "dark")


class Traits(Value):
    """Of the terminal, by its name."""

    console: bool
    """A Linux console or a serial terminal: no alternate screen, no questions, 16 colours."""
    sixteen: bool
    """No more than 16 colours."""
    ascii: bool
    """Box drawing characters would come out as something else."""
    basic: bool = False
    """Older than the vt220: no scrolling region that is sure, no attribute taken back by itself."""
    synchronised: bool = False
    """It may be asked whether it can hold a picture back until it is whole."""

    mouse: bool = False
    """It can tell of clicks. Never a console or a serial terminal: what one does not know, it may print."""

    serial: bool = False
    """Most likely at the end of a slow line."""
    brightens: bool = False
    """Bold is a brighter colour of the letters, and no other shape."""

    @property
    def pastes(self) -> bool:
        """It can say which text is pasted: terminals with a mouse can, or ignore that they are asked to."""
        return self.mouse

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Traits:
        """From TERM, COLORTERM and BOOTMENU_GLYPHS."""
        term = environ.get("TERM", "")
        console = _is_console(term)
        rich = "256color" in term or "direct" in term or environ.get("COLORTERM", "") in ("truecolor", "24bit")
        glyphs = environ.get(GLYPHS, "").lower()
        simple = glyphs == "ascii" if glyphs else term.startswith(("vt", "ansi"))
        basic = term.startswith(("vt1", "vt5", "ansi", "con80", "cons25"))
        asks = not console and not term.startswith(("screen", "rxvt", "sun", "eterm"))
        return cls(
            console=console,
            sixteen=console or not rich,
            ascii=simple,
            basic=basic,
            synchronised=asks,
            mouse=term.startswith(_WITH_MOUSE),
            serial=term.startswith(("vt", "ansi")),
            brightens=term == "linux" or term.startswith("linux-"),
        )


def own_name() -> str:
    """Return the name of the terminal that this process was started on. Where /dev is another one than it was opened
    in, as in a chroot, it is the name that its numbers have (Documentation/admin-guide/devices.txt). Raises OSError
    where descriptor 0 is no terminal."""
    try:
        return os.ttyname(0)
    except OSError:
        if not os.isatty(0):
            raise
    number = os.fstat(0).st_rdev
    major, minor = os.major(number), os.minor(number)
    if major in _PSEUDO:
        return f"/dev/pts/{minor + 256 * (major - _PSEUDO[0])}"
    return f"/dev/tty{minor}" if major == _VIRTUAL and minor < _SERIAL else str(Path("/proc/self/fd/0").readlink())


def is_own(name: str) -> bool:
    """Return whether this process was started on that terminal."""
    try:
        return own_name() == name
    except OSError:
        return False


def opened(name: str, flags: int = 0) -> int:
    """Return a descriptor for reading and writing; raise OSError. The terminal that this process was started on may
    belong to another user, whose shell handed it on (su, sudo), or have no name here. Then the descriptor that was
    handed on is duplicated, and `flags` are not set, since the shell would share them."""
    if not is_own(name):
        return os.open(name, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC | flags)
    reason = OSError(errno.EACCES, os.strerror(errno.EACCES), name)
    try:
        descriptor = os.open(name, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC | flags)
    except OSError as error:
        reason = error
    else:
        if os.path.samestat(os.fstat(descriptor), os.fstat(0)):
            return descriptor
        os.close(descriptor)
    for other in (0, 1, 2):
        with contextlib.suppress(OSError):
            both_ways = fcntl.fcntl(other, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDWR
            if both_ways and os.fstat(other).st_rdev == os.fstat(0).st_rdev:
                return fcntl.fcntl(other, fcntl.F_DUPFD_CLOEXEC, 3)
    raise reason


def drain(waits: Iterable[Callable[[], object]]) -> None:
    """Let lines say what was written to them: do all of these side by side. A slow line must have said it before the
    jump, or before the machine is off; one that takes nothing must not keep it from that."""
    threads = [threading.Thread(target=wait, daemon=True) for wait in waits]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DRAIN)


def is_serial(terminal: str) -> bool:
    """Return whether a device, by its name in /dev, is a line with another terminal at its end."""
    return _SCREEN.fullmatch(terminal) is None


def _is_console(term: str) -> bool:
    return term == "linux" or term.startswith(("linux-", "vt", "ansi", "con80", "cons25"))


def prepare_environment(environ: MutableMapping[str, str], terminal: str | None = None) -> None:
    """Make the environment safe for Textual; call it before anything imports Textual.

    terminal: the device's name, `/dev/ttyS0`. The kernel gives TERM=linux to the first process on a serial
    line as well, so the name decides.
    """
    for name in [name for name in environ if name == "TEXTUAL" or name.startswith("TEXTUAL_")]:
        del environ[name]  # the kernel's command line reaches the environment: TEXTUAL_DRIVER imports a module
    environ["TEXTUAL_ANIMATIONS"] = "none"
    environ["TEXTUAL_SMOOTH_SCROLL"] = "0"
    environ["TEXTUAL_DISABLE_KITTY_KEY"] = "1"
    term = environ.get("TERM", "")
    serial = is_serial(terminal) if terminal else False
    if term in ("", "dumb", "unknown", "network", "dialup"):
        # rich would send 24-bit colours to these
        environ["TERM"] = "vt220"
        if not serial or term == "dumb":
            environ["NO_COLOR"] = "1"
    elif serial and _is_console(term):
        environ["TERM"] = "vt220"
    if _is_console(environ["TERM"]) or environ["TERM"].startswith("screen"):
        environ.pop("COLORTERM", None)  # systemd sets it on serial lines too
    if serial or environ["TERM"].startswith("vt"):
        environ.setdefault("ESCDELAY", "500")  # a slow line takes its time between Esc and [A
    if not environ.get("NO_COLOR"):
        environ.pop("NO_COLOR", None)  # empty is as good as absent, but not for Textual
    for name in ("COLUMNS", "LINES"):
        if name in environ and not re.fullmatch(r"0*[1-9][0-9]{0,3}", environ[name], re.ASCII):
            del environ[name]


def settle(descriptor: int, environ: MutableMapping[str, str]) -> None:
    """Give a terminal without a size one, and find out whether it reads UTF-8. At most 0.3 s, often nothing.

    descriptor: the terminal, open for reading and writing.
    """
    if not os.isatty(descriptor):
        return
    try:
        size = os.get_terminal_size(descriptor)
    except OSError:
        return
    traits = Traits.of(environ)
    asked_glyphs = traits.ascii and GLYPHS not in environ
    if size.columns and size.lines and not asked_glyphs:
        return
    answer = _ask(descriptor)
    if asked_glyphs and len(answer) == 2:
        # two bytes of UTF-8 took one column, or two where each was a character
        environ[GLYPHS] = "utf-8" if answer[1][1] == 2 else "ascii"
    if not (size.columns and size.lines):
        rows, columns = answer[0] if answer else (24, 80)
        sane = bounded(columns, rows) == (columns, rows)
        packed = struct.pack("HHHH", *((rows, columns) if sane else (24, 80)), 0, 0)
        with contextlib.suppress(OSError):
            fcntl.ioctl(descriptor, termios.TIOCSWINSZ, packed)


def _ask(descriptor: int) -> list[tuple[int, int]]:
    """(row, column) of the far corner, and of the cursor after one character of two bytes."""
    try:
        before = termios.tcgetattr(descriptor)
        tty.setraw(descriptor)
    except termios.error:
        return []
    found: list[tuple[int, int]] = []
    received = b""
    try:
        os.write(descriptor, b"\x1b7\x1b[999;999H\x1b[6n\r\xc3\xa9\x1b[6n\r\x1b[K\x1b8")
        until = monotonic() + _PATIENCE
        while len(found) < 2 and (left := until - monotonic()) > 0:
            if not select.select([descriptor], [], [], left)[0]:
                break
            piece = os.read(descriptor, 256)
            if not piece:
                break
            received += piece
            found = [(int(row), int(column)) for row, column in re.findall(rb"\x1b\[(\d{1,4});(\d{1,4})R", received)]
    except OSError:
        pass
    finally:
        with contextlib.suppress(termios.error):
            termios.tcsetattr(descriptor, termios.TCSANOW, before)
    return found[:2]
