# SPDX-License-Identifier: MIT
"""The terminals that show the menu, each with its own environment.

One process serves them all: first a frame on each, then an app for each in one event loop. So there is one session, a
key on any terminal stops the countdown on all, and only one can load and jump.
"""

from __future__ import annotations

import contextlib
import os
import re
import termios
from collections.abc import Iterator, Mapping, Sequence

from bootmenu.errors import UsageError
from bootmenu.i18n import N_
from bootmenu.model.value import Value, field
from bootmenu.system.host import Host
from bootmenu.terminal.capabilities import (
    GLYPHS,
    Traits,
    is_own,
    is_serial,
    names_utf8,
    opened,
    prepare_environment,
    settle,
)
from bootmenu.typed import Any

_MOST = 8


class Console(Value):
    """A terminal that shows the menu."""

    name: str
    """The device, like `/dev/tty1`."""
    environ: Mapping[str, str]
    """The environment for drawing there: TERM and related variables."""

    @property
    def is_own(self) -> bool:
        """Return whether this process was started on it."""
        return is_own(self.name)

    @property
    def is_screen(self) -> bool:
        """Return whether it is a virtual terminal of the kernel, on a monitor."""
        return re.fullmatch(r"/dev/tty\d+", self.name) is not None

    @property
    def traits(self) -> Traits:
        """Return what the terminal can do."""
        return Traits.of(self.environ)

    @contextlib.contextmanager
    def environment(self) -> Iterator[None]:
        """Replace the environment of this process by the console's, and restore it at the end."""
        before = dict(os.environ)
        _become(self.environ)
        try:
            yield
        finally:
            _become(before)


def _become(environ: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environ)


class Found(Value):
    """Consoles that can be used, and the reasons why others cannot."""

    consoles: tuple[Console, ...]
    problems: tuple[str, ...] = field(default=())


@contextlib.contextmanager
def unechoed(consoles: Sequence[Console]) -> Iterator[None]:
    """Turn echo off on all terminals until the end, even while nothing reads them yet: a PIN may be typed."""
    before: list[tuple[int, list[Any]]] = []
    for console in consoles:
        with contextlib.suppress(OSError, termios.error):
            descriptor = opened(console.name, os.O_NONBLOCK)
            modes = termios.tcgetattr(descriptor)
            before.append((descriptor, modes))
            termios.tcsetattr(descriptor, termios.TCSANOW, [*modes[:3], modes[3] & ~termios.ECHO, *modes[4:]])
    try:
        yield
    finally:
        for descriptor, modes in before:
            with contextlib.suppress(termios.error):
                termios.tcsetattr(descriptor, termios.TCSANOW, modes)
            os.close(descriptor)


def active(host: Host) -> tuple[str, ...]:
    """Return the terminals that the kernel writes its messages to."""
    names = (host.text("/sys/class/tty/console/active") or "").split()[:_MOST]
    return tuple(name for name in names if name.startswith(("tty", "hvc")) and host.exists(f"/dev/{name}"))


def find(names: Sequence[str], own: str, environ: Mapping[str, str], *, plain: bool = False) -> Found:
    """Return the consoles to use. names: from the settings, like `tty1`. Without names, or if none of them can be
    used, use `own`, the terminal that this process was started on. Raise UsageError if that cannot be used either."""
    consoles: dict[str, Console] = {}
    problems = []
    for name in names:
        path = name if name.startswith("/") else f"/dev/{name}"
        if re.fullmatch(r"/dev/(tty0|console)", path):
            path = "/dev/tty1"  # whichever screen is in front at first
        if path in consoles:
            continue
        try:
            descriptor = opened(path, os.O_NONBLOCK)
        except OSError as error:
            problems.append(f"The console {name} cannot be used: {os.strerror(error.errno or 0)}.")
            continue
        try:
            if not os.isatty(descriptor):
                problems.append(N_("The console {name} cannot be used: it is no terminal.", name=name))
                continue
            consoles[path] = _prepared(path, path == own, environ, descriptor, plain=plain)
        finally:
            os.close(descriptor)
    if not consoles:
        try:
            descriptor = opened(own)
        except OSError as error:
            raise UsageError(
                f"The terminal {own} cannot be used: {os.strerror(error.errno or 0)}.",
                "Start it on a terminal that is yours, such as one of ssh or of script(1).",
            ) from None
        try:
            consoles[own] = _prepared(own, True, environ, descriptor, plain=plain)
        finally:
            os.close(descriptor)
    return Found(tuple(consoles.values()), tuple(problems))


def _prepared(path: str, own: bool, environ: Mapping[str, str], descriptor: int, *, plain: bool) -> Console:
    mine = dict(environ)
    if not own and Console(path, {}).is_screen:
        mine["TERM"] = "linux"  # TERM is that of the terminal it was started on
    elif not own and is_serial(path):
        mine["TERM"] = "vt220"
    prepare_environment(mine, path)
    if plain:
        # it asks the terminal nothing, so only the environment of a terminal emulator tells its charset
        if not own or Traits.of(mine).console or not names_utf8(mine):
            mine.setdefault(GLYPHS, "ascii")
    elif descriptor >= 0:
        settle(descriptor, mine)
    return Console(path, mine)
