# SPDX-License-Identifier: MIT
"""What the terminal can do, found out before Textual is imported."""

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
from pathlib import Path
from time import monotonic
from types import MappingProxyType

from bootmenu.model.closed_set import StrEnum
from bootmenu.model.regex import regex
from bootmenu.model.value import Value

GLYPHS = "BOOTMENU_GLYPHS"
"""Environment variable: `ascii` draws with ASCII only, `utf-8` with box drawing characters."""

_PATIENCE = 0.3
"""Seconds to wait for an answer from the terminal. Terminals that answer are faster, even at 9600 baud."""

DRAIN = 2.0
"""Seconds for a slow line to send the last text."""

_SCREEN = regex(r"/dev/(tty|tty\d+|pts/\d+|tty[a-ep-z][0-9a-f]|console)")
"""Devices that are not serial lines (Documentation/admin-guide/devices.txt): virtual consoles, pseudo terminals, and
`console`, which may be either. Drivers of serial lines choose their own names: ttyAML0, ttymxc2, hvc0."""

_PSEUDO, _VIRTUAL, _SERIAL = range(136, 144), 4, 64
"""Major numbers of pseudo terminals, and of virtual and serial ones; virtual ones have minor numbers below 64."""

_WITH_MOUSE = ("xterm", "screen", "tmux", "rxvt", "alacritty", "foot", "konsole", "gnome", "vte", "putty", "st-")


_COLUMNS, _ROWS = range(20, 513), range(5, 257)
"""Sizes that are drawn. A screen of 3840x2160 has 480x135 cells of 8x16 pixels; each cell costs memory and time."""


def bounded(columns: int, rows: int) -> tuple[int, int]:
    """Return the size to draw for a size that a terminal, the other end of a line or the environment claims. Every
    such size has to pass here before memory is allocated for it. 0 means unknown, and becomes 80 or 24."""
    return _within(columns or 80, _COLUMNS), _within(rows or 24, _ROWS)


def _within(number: int, allowed: range) -> int:
    return max(allowed[0], min(number, allowed[-1]))


def columns_of(descriptor: int, environ: Mapping[str, str] = MappingProxyType({})) -> int:
    """Return how many columns a terminal has: its own answer, or COLUMNS, or 80."""
    columns = 0
    with contextlib.suppress(OSError, ValueError):
        columns = os.get_terminal_size(descriptor).columns
    if not columns and re.fullmatch(r"[0-9]{1,5}", environ.get("COLUMNS", "")):
        columns = int(environ["COLUMNS"])
    return bounded(columns, 0)[0]


class Depth(StrEnum):
    """How many colours are used."""

    NONE = "none"
    """NO_COLOR is set (https://no-color.org): bold and reverse video only."""
    SIXTEEN = "16"
    MANY = "256"
    ALL = "truecolor"

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Depth:
        """Return what rich will choose in the same environment, after `prepare_environment`."""
        if environ.get("NO_COLOR"):
            return cls.NONE
        if Traits.of(environ).sixteen:
            return cls.SIXTEEN
        return cls.ALL if environ.get("COLORTERM", "") in ("truecolor", "24bit") else cls.MANY

    @property
    def has_colours(self) -> bool:
        """Return whether a theme can be chosen."""
        return self is not Depth.NONE

    @property
    def theme(self) -> str:
        """Return the name of the theme to use if none was chosen, or the chosen one cannot be used."""
        return {Depth.NONE: "mono", Depth.SIXTEEN: "vt16"}.get(self, "dark")


class Traits(Value):
    """What a terminal can do, judged by its name."""

    console: bool
    """It is a Linux console or a serial terminal: no alternate screen, no queries, 16 colours."""
    sixteen: bool
    """It has no more than 16 colours."""
    ascii: bool
    """It cannot show box drawing characters."""
    basic: bool = False
    """It is older than the vt220: no reliable scrolling region, and attributes cannot be reset one by one."""
    synchronised: bool = False
    """It can be asked whether it knows synchronised updates."""

    mouse: bool = False
    """It can report clicks. Never set for a console or serial terminal, which may print what it does not know."""

    serial: bool = False
    """It is probably connected by a slow line."""
    brightens: bool = False
    """It shows bold as a brighter colour, not as another shape."""

    @property
    def pastes(self) -> bool:
        """Return whether it can mark pasted text. Terminals with a mouse can, or ignore the request."""
        return self.mouse

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Traits:
        """Return the traits for TERM, COLORTERM and BOOTMENU_GLYPHS."""
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


def names_utf8(environ: Mapping[str, str]) -> bool:
    """Return whether the locale of an environment has UTF-8. It need not be installed."""
    # POSIX: the first of these variables that is set decides
    name = next(filter(None, map(environ.get, ("LC_ALL", "LC_CTYPE", "LANG"))), "")
    return re.search(r"utf-?8", name, re.IGNORECASE) is not None


def own_name() -> str:
    """Return the name of the terminal that this process was started on. In another /dev, as in a chroot, that is the
    name that belongs to its device number (Documentation/admin-guide/devices.txt). Raise OSError if descriptor 0 is
    not a terminal."""
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
    """Return a descriptor for reading and writing, or raise OSError. The terminal that this process was started on
    may belong to another user (su, sudo), or have no name here. Then the inherited descriptor is duplicated, without
    `flags`, because it shares them with the shell."""
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
    """Wait for lines to send what was written to them, all at the same time. A slow line has to finish before the
    jump or before the machine is off; a stopped one must not delay that for longer than DRAIN."""
    threads = [threading.Thread(target=wait, daemon=True) for wait in waits]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DRAIN)


def is_serial(terminal: str) -> bool:
    """Return whether a device, by its name in /dev, is a serial line."""
    return _SCREEN.fullmatch(terminal) is None


def _is_console(term: str) -> bool:
    return term == "linux" or term.startswith(("linux-", "vt", "ansi", "con80", "cons25"))


def prepare_environment(environ: MutableMapping[str, str], terminal: str | None = None) -> None:
    """Make the environment safe for Textual; call this before anything imports Textual.

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
    """Give a terminal a size if it has none, and find out whether it reads UTF-8. Takes at most 0.3 s, often no time.

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
        # a UTF-8 terminal advances by one column, another one by two
        environ[GLYPHS] = "utf-8" if answer[1][1] == 2 else "ascii"
    if not (size.columns and size.lines):
        rows, columns = answer[0] if answer else (24, 80)
        sane = bounded(columns, rows) == (columns, rows)
        packed = struct.pack("HHHH", *((rows, columns) if sane else (24, 80)), 0, 0)
        with contextlib.suppress(OSError):
            fcntl.ioctl(descriptor, termios.TIOCSWINSZ, packed)


def _ask(descriptor: int) -> list[tuple[int, int]]:
    """Return the row and column of the last cell, and of the cursor after a character of two bytes."""
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
