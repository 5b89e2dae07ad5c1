# SPDX-License-Identifier: MIT
"""`bootmenu menu`: settings and consoles, then the first frame with its countdown, and the menu."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
from collections.abc import Iterator, Mapping, Sequence

from bootmenu import i18n
from bootmenu.config.settings import MenuStyle, Profile
from bootmenu.config.settings_layers import Loaded, load
from bootmenu.errors import BootmenuError, UsageError
from bootmenu.frontends import countdown, menu_run
from bootmenu.frontends.first_frame import CountdownContent, Frame, Terminal
from bootmenu.frontends.first_stage import first_stage, tell_init
from bootmenu.frontends.menu_run import MenuRun
from bootmenu.frontends.session_startup import SessionStartup
from bootmenu.model.value import Value, field, replace
from bootmenu.session.autoboot import countdown_seconds
from bootmenu.system import signals, vt
from bootmenu.system.host import Host
from bootmenu.terminal import consoles
from bootmenu.terminal.capabilities import own_name
from bootmenu.terminal.consoles import Console


class MenuOptions(Value, kw_only=True):
    """What the command line says."""

    demo: bool = False
    plain: bool = False
    flags: Mapping[str, object] = field(default_factory=dict)
    """Settings, by Option.name."""


def run(options: MenuOptions) -> int:
    """Until somebody leaves it, or until the machine jumps. Returns the exit code. Raises UsageError for a flag that
    makes no sense, and where there is no terminal."""
    host = Host()
    loaded = settings_in_force(host, options.flags)
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("the menu needs a terminal", "For scripts there are bootmenu scan, check and boot.")
    name = own_name()
    plain = options.plain or os.environ.get("TERM") == "dumb" or importlib.util.find_spec("textual") is None
    names = loaded.settings.consoles or (consoles.active(host) if first_stage() else ())
    places = consoles.find(names, name, os.environ, plain=plain)
    # for whatever is imported from now on; a slow line's patience with Esc is everybody's
    os.environ.update(places.consoles[0].environ)
    for variable in os.environ.keys() - places.consoles[0].environ.keys():
        del os.environ[variable]
    if any("ESCDELAY" in console.environ for console in places.consoles):
        os.environ.setdefault("ESCDELAY", "500")
    ascii_only = all(console.traits.ascii for console in places.consoles)
    i18n.use(loaded.settings.language, os.environ, ascii_only=ascii_only)
    if loaded.settings.profile is Profile.KIOSK and first_stage():  # a running system's terminals are its own
        for console in places.consoles:
            if console.is_screen:
                vt.lock(console.name)
    tell_init(loaded.settings)
    loaded = replace(loaded, problems=(*loaded.problems, *places.problems))
    try:
        with consoles.unechoed(places.consoles), signals.held():
            return _run_menus(options, host, loaded, places.consoles, plain=plain)
    except (BootmenuError, OSError):
        raise
    except Exception as error:  # no traceback on anybody's screen
        from bootmenu.session import menu_log

        raise menu_log.internal_error(error) from None


def _run_menus(options: MenuOptions, host: Host, loaded: Loaded, places: Sequence[Console], *, plain: bool) -> int:
    with contextlib.ExitStack() as stack:
        begun = stack.enter_context(_begin(options.demo, host, loaded, places, plain=plain))
        while True:
            outcome = menu_run.show(begun)
            if outcome is None:  # the demonstration was asked for
                begun = stack.enter_context(_begin(True, host, loaded, places, plain=plain, quiet=True))
                continue
            return 128 + outcome.signal if outcome.signal else 0


def settings_in_force(host: Host, flags: Mapping[str, object]) -> Loaded:
    """Raises UsageError for a value of the command line that makes no sense: whoever typed it is there."""
    loaded = load(host, flags)
    wrong = [problem for problem in loaded.problems if problem.startswith("--")]
    if wrong:
        raise UsageError(wrong[0].partition("; ")[0])
    return loaded


@contextlib.contextmanager
def _begin(
    demo: bool, host: Host, loaded: Loaded, places: Sequence[Console], *, plain: bool, quiet: bool = False
) -> Iterator[MenuRun]:
    """Open a session behind the first frame, and start what starts by itself. quiet: nothing does."""
    settings = loaded.settings
    seconds = countdown_seconds(loaded, first_stage=first_stage(), demo=demo)
    if quiet or settings.menu is MenuStyle.FORCED:
        seconds = None
    hidden = settings.menu is MenuStyle.HIDDEN and seconds is not None
    terminals = [Terminal(place.name, place.traits, addressed=not plain, hidden=hidden) for place in places]
    with contextlib.ExitStack() as stack:
        with Frame(terminals) as frame:
            frame.show(CountdownContent(title=lambda _: countdown.title_of(settings), seconds=seconds))
            startup = SessionStartup(demo, host, loaded, frame.wake)
            stack.callback(startup.close)
            begun = countdown.first_frame(frame, startup, seconds)
        yield replace(
            begun, plain=plain, consoles=tuple(places), seconds=seconds, simulated_pin=startup.simulated_pin
        )
