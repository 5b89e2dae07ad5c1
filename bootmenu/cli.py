# SPDX-License-Identifier: MIT
"""The command-line interface: arguments in, exit codes out. Subcommands are in commands/, a file each.

0 done (for `check`: no fail) · 1 the answer is no · 2 the call was wrong, or nothing could be read.
"""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import signal
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from bootmenu.errors import BootmenuError, UsageError
from bootmenu.model.text import printable
from bootmenu.system import signals
from bootmenu.typed import TextIO


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand and return the exit code. `bootmenu` without one is `bootmenu menu`."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or (words[0].startswith("-") and words[0] not in ("-h", "--help", "-V", "--version")):
        words.insert(0, "menu")
    _prepare_output(is_menu=words[0] == "menu")
    as_json = any(len(word) > 2 and "--json".startswith(word) for word in words)  # as argparse abbreviates it
    try:
        try:
            run: Callable[[], int]
            # without argparse, which takes as long as Python itself: what a slow board runs most
            if words == ["menu"]:
                from bootmenu.commands import menu_command

                run = menu_command.show
            elif words == ["scan", "--json"]:
                from bootmenu.commands import scan_command

                run = partial(scan_command.scan, as_json=True)
            else:
                from bootmenu.commands import subcommands

                arguments = subcommands.parse(words)
                as_json = getattr(arguments, "json", False)
                run = partial(arguments.run, arguments)
            with signals.raised():
                code: int = run()
        except SystemExit as leaving:  # argparse has printed what was asked for
            code = leaving.code if isinstance(leaving.code, int) else 2
        sys.stdout.flush()  # while an error can still be reported
    except UsageError as error:
        return _complain(error, 2, as_json=as_json)
    except BootmenuError as error:
        return _complain(error, 1, as_json=as_json)
    except BrokenPipeError:
        _drop(sys.stdout)  # the reader has gone
        return 0
    except OSError as error:
        what = f": {error.filename}" if error.filename else ", so not all could be printed"
        reported = BootmenuError(f"{error.strerror}{what}")
        _complain(reported, 2, as_json=as_json and error.filename is not None)  # else it is the output that failed
        _drop(sys.stdout)
        return 2
    except KeyboardInterrupt as error:
        number = error.number if isinstance(error, signals.EndedError) else signal.SIGINT
        if as_json:
            _print_error(BootmenuError(f"ended by {signal.Signals(number).name}"), 128 + number)
        return 128 + number
    return code


def _prepare_output(*, is_menu: bool) -> None:
    """Let no character end the program. is_menu: the menu finds out itself what its terminals can show."""
    # where the parent process has closed one; print takes standard output for an error output that is not there
    if sys.stdout is None:
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115
    codecs.register_error("likeness", _likeness)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="likeness")
            # Python takes these for UTF-8 (PEP 540), which is right for data in a pipe, and a guess about a terminal
            if not is_menu and stream.isatty() and _is_guessed():
                stream.reconfigure(encoding="ascii", errors="likeness")


def _is_guessed() -> bool:
    """Return whether Python took UTF-8 for granted, and no environment variable of the locale names it."""
    started = os.environ.get("LC_CTYPE", "")
    with contextlib.suppress(OSError):
        # Python has changed LC_CTYPE (PEP 538) if the locale was C; here is what the process was started with
        pairs = [pair.partition("=") for pair in os.fsdecode(Path("/proc/self/environ").read_bytes()).split("\0")]
        started = next((value for name, _, value in pairs if name == "LC_CTYPE"), "")
    if not sys.flags.utf8_mode and started == os.environ.get("LC_CTYPE", ""):
        return False  # what it writes is what the locale says
    from bootmenu.terminal.capabilities import names_utf8

    return not names_utf8({**os.environ, "LC_CTYPE": started})


def _likeness(error: UnicodeError) -> tuple[str | bytes, int]:
    from bootmenu.terminal.character_sets import likeness

    return likeness(error)


def _drop(stream: TextIO) -> None:
    """Discard what a standard stream still holds and gets, also at exit, where Python would make an error of it."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _complain(error: BootmenuError, code: int, *, as_json: bool = False) -> int:
    """Print an error for people, and for a program that asked for JSON; return the exit code."""
    if as_json:
        _print_error(error, code)
    first, *more = error.message.splitlines() or [""]
    try:
        print(f"bootmenu: {printable(first)}", file=sys.stderr)
        for line in more:
            print(printable(line), file=sys.stderr)
        if error.hint:
            print(f"  → {printable(error.hint)}", file=sys.stderr)
    except OSError:  # nobody can be told
        _drop(sys.stderr)
    return code


def _print_error(error: BootmenuError, code: int) -> None:
    """Print the error as JSON, in place of the requested object or after the lines of a failed boot."""
    from bootmenu.view.json_output import json_text

    try:
        print(json_text({"error": {**error.to_json(), "exit_code": code}}), flush=True)
    except OSError:  # nobody reads it, or there is no room; the exit code is left
        _drop(sys.stdout)
