# SPDX-License-Identifier: MIT
"""Signals end every command in order: what it loaded is taken out, and a shell finds its terminal as it should be."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import termios
from typing import Any

import pytest

from tests.frontends.pseudo_terminal import ROOT, on_a_line

BOOT = """
import sys
from bootmenu import cli
from bootmenu.commands import boot_command
from tests.builders import fakes
session = {session}
def run(arguments):
    return boot_command.boot(session, fakes.DEBIAN, boot_command.BootOptions(force=True))
boot_command.run = run
code = cli.main(["boot", "debian"])
print(*session.calls, sep="\\n", file=sys.stderr)
sys.exit(code)
"""
ENDLESS = "fakes.FakeSession(steps=__import__('itertools').cycle(fakes.LOADING))"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_boot_takes_out_what_it_is_loading(number: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", BOOT.format(session=ENDLESS)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    seen = b""
    while b"read kernel" not in seen:
        piece = os.read(process.stdout.fileno(), 4096)
        assert piece, seen
        seen += piece
    os.kill(process.pid, number)
    _, told = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert "load undone" in told.decode().splitlines()


SHELL = """
import sys, tty
from bootmenu.system.processes import Commands
tty.setraw(0)
Commands().interactive([sys.executable, "-c", "import termios; print('LFLAG', termios.tcgetattr(0)[3], 'END')"])
"""


def test_a_shell_gets_a_terminal_that_shows_what_is_typed() -> None:
    with on_a_line(["-c", SHELL], "linux") as line:
        line.until(lambda: "END" in line.text)
        flags = int(line.text.split()[1])
        for flag in (termios.ECHO, termios.ICANON, termios.ISIG):
            assert flags & flag
        assert line.wait() == 0
        assert not line.modes[3] & termios.ECHO, "and it is as before when it ends"  # type: ignore[operator]


EARLY = """
import atexit, os, signal, sys
class Interrupter:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupter())
if {name!r} == "the end":
    atexit.register(os.kill, os.getpid(), signal.SIGINT)
sys.argv[1:] = {words!r}
exec(compile(open("data/bin/bootmenu").read(), "bootmenu", "exec"))
"""


def started(name: str, words: list[str], **more: Any) -> subprocess.CompletedProcess[str]:
    """The program, which gets SIGINT when it imports a module of this name."""
    program = EARLY.format(name=name, words=words)
    argv = [sys.executable, "-c", program]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60, **more)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("bootmenu.__main__", ["--version"]),
        ("gc", ["--version"]),
        ("bootmenu.cli", ["--version"]),
        ("bootmenu.system.signals", ["--version"]),
        ("argparse", ["--version"]),
        ("bootmenu.commands.scan_command", ["scan"]),
        ("bootmenu.image.image_file", ["image", "list", "/"]),
        ("bootmenu.commands.mark_good_command", ["mark-good"]),
        ("bootmenu.system.durable_file", ["mark-good"]),
        ("the end", ["--version"]),
    ],
)
def test_an_interrupt_while_it_starts_or_ends_leaves_no_traceback(name: str, words: list[str]) -> None:
    done = started(name, words)
    assert done.returncode in (-signal.SIGINT, 128 + signal.SIGINT)
    assert done.stderr == ""


def test_an_interrupt_is_ignored_where_the_parent_ignores_it() -> None:
    for name in ("bootmenu.cli", "argparse", "the end"):
        done = started(name, ["--version"], preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("bootmenu ")
