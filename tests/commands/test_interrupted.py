# SPDX-License-Identifier: MIT
"""Signals end every command in order: what it loaded is taken out, and a shell finds its terminal as it should be."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import termios

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
