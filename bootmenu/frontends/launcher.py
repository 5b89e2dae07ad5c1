# SPDX-License-Identifier: MIT
"""Run `bootmenu menu`: read the settings, find the consoles, count down on the first frame, and open the menu."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence

from bootmenu import i18n
from bootmenu.config.settings import MenuStyle, Profile
from bootmenu.config.settings_layers import Loaded, load
from bootmenu.errors import BootmenuError, UsageError
from bootmenu.frontends import countdown, menu_run
from bootmenu.frontends.first_frame import CountdownContent, Frame, Terminal
from bootmenu.frontends.first_stage import first_stage, write_init_settings
from bootmenu.frontends.menu_run import MenuRun
from bootmenu.frontends.session_startup import SessionStartup
from bootmenu.frontends.theme_folders import theme_names
from bootmenu.model.suggestion import with_suggestion
from bootmenu.model.value import Value, field, replace
from bootmenu.session.autoboot import countdown_seconds
from bootmenu.system import signals, vt
from bootmenu.system.host import Host
from bootmenu.terminal import consoles
from bootmenu.terminal.capabilities import own_name
from bootmenu.terminal.consoles import Console

_NO_TEXTUAL = (
    "The Python package textual is not installed, so this is the plain menu; pip install textual brings the other."
)


class MenuOptions(Value, kw_only=True):
    """The options of the command line."""

    demo: bool = False
    plain: bool = False
    flags: Mapping[str, object] = field(default_factory=dict)
    """Values of settings, by Option.name."""


def run(options: MenuOptions, virtual_machine: Callable[[], int]) -> int:
    """Run the menu until it is left, and return the exit code. Raise UsageError for an invalid flag, or if the menu
    has no terminal.

    virtual_machine: runs `bootmenu vm` on the terminal, and returns its exit code.
    """
    host = Host()
    loaded = settings_in_force(host, options.flags)
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("the menu needs a terminal", "For scripts there are bootmenu scan, check and boot.")
    name = own_name()
    has_textual = importlib.util.find_spec("textual") is not None
    plain = options.plain or os.environ.get("TERM") == "dumb" or not has_textual
    names = loaded.settings.consoles or (consoles.active(host) if first_stage() else ())
    found = consoles.find(names, name, os.environ, plain=plain)
    # for the modules that are imported from now on; ESCDELAY of a slow line is used for all consoles
    os.environ.update(found.consoles[0].environ)
    for variable in os.environ.keys() - found.consoles[0].environ.keys():
        del os.environ[variable]
    if any("ESCDELAY" in console.environ for console in found.consoles):
        os.environ.setdefault("ESCDELAY", "500")
    ascii_only = all(console.traits.ascii for console in found.consoles)
    i18n.use(loaded.settings.language, os.environ, ascii_only=ascii_only)
    if loaded.settings.profile is Profile.KIOSK and first_stage():  # the terminals of a running system are left alone
        for console in found.consoles:
            if console.is_screen:
                vt.lock(console.name)
    write_init_settings(loaded.settings)
    missing = () if has_textual else (_NO_TEXTUAL,)
    loaded = replace(loaded, problems=(*loaded.problems, *found.problems, *missing))
    try:
        with consoles.unechoed(found.consoles), signals.held():
            code = _run_menus(options, host, loaded, found.consoles, plain=plain)
        return virtual_machine() if code is None else code
    except (BootmenuError, OSError):
        raise
    except Exception as error:  # no traceback on the screen
        from bootmenu.session import menu_log

        raise menu_log.internal_error(error) from None


def _run_menus(
    options: MenuOptions, host: Host, loaded: Loaded, found: Sequence[Console], *, plain: bool
) -> int | None:
    """Run the menu, and the demonstration if it is asked for.

    Return the exit code, or None if the virtual machine was asked for.
    """
    from bootmenu.frontends.outcome import Demo, Quit

    with contextlib.ExitStack() as stack:
        run = stack.enter_context(_opened(options.demo, host, loaded, found, plain=plain))
        while True:
            match menu_run.show(run):
                case Demo():
                    run = stack.enter_context(_opened(True, host, loaded, found, plain=plain, automatic=False))
                case Quit(number):
                    return 128 + number if number else 0
                case _:
                    return None


def settings_in_force(host: Host, flags: Mapping[str, object]) -> Loaded:
    """Return the settings in force. Raise UsageError for an invalid value on the command line."""
    loaded = load(host, flags)
    wrong = [problem for problem in loaded.problems if problem.startswith("--")]
    if wrong:
        raise UsageError(wrong[0].partition("; ")[0])
    theme = flags.get("theme")
    if theme is not None and theme not in (names := theme_names()):
        hint = with_suggestion(str(theme), names, f"There are: {', '.join(names)}.")
        raise UsageError(f"--theme: there is no theme {theme}", hint)
    return loaded


@contextlib.contextmanager
def _opened(
    demo: bool, host: Host, loaded: Loaded, found: Sequence[Console], *, plain: bool, automatic: bool = True
) -> Iterator[MenuRun]:
    """Open a session while the first frame is shown, and start the default entry if `automatic` is set."""
    settings = loaded.settings
    seconds = countdown_seconds(loaded, first_stage=first_stage(), demo=demo)
    if not automatic or settings.menu is MenuStyle.FORCED:
        seconds = None
    hidden = settings.menu is MenuStyle.HIDDEN and seconds is not None
    terminals = [Terminal(console.name, console.traits, addressable=not plain, hidden=hidden) for console in found]
    with contextlib.ExitStack() as stack:
        with Frame(terminals) as frame:
            frame.show(CountdownContent(title=lambda _: countdown.initial_title(settings), seconds=seconds))
            startup = SessionStartup(demo, host, loaded, frame.wake)
            stack.callback(startup.close)
            run = countdown.run(frame, startup, seconds, plain=plain)
        yield replace(run, plain=plain, consoles=tuple(found), seconds=seconds, simulated_pin=startup.simulated_pin)
