# SPDX-License-Identifier: MIT
"""Test that a signal ends the menu in order at any moment, also between its parts."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from bootmenu.frontends.first_frame import Frame, SignalReceived
from bootmenu.system import signals
from tests.frontends.pseudo_terminal import ROOT, on_a_line
from tests.properties import rarely


@pytest.mark.parametrize("number", signals.ENDING)
def test_a_signal_is_remembered_while_it_is_held_and_told_to_whoever_listens(number: signal.Signals) -> None:
    before, heard = signal.getsignal(number), list[int]()
    with signals.held():
        assert signals.received() == 0
        with signals.held():
            signal.raise_signal(number)
        assert signals.received() == number, "what an inner part did not hear is still known"
        with signals.listening(heard.append):
            signal.raise_signal(number)
        signal.raise_signal(number)
    assert heard == [number, number], "at once, and when it came again"
    assert signal.getsignal(number) is before
    assert signals.received() == 0


def test_a_signal_at_the_end_of_the_frame_is_known_to_who_comes_next() -> None:
    with signals.held():
        with Frame([]):
            signal.raise_signal(signal.SIGTERM)
        assert signals.received() == signal.SIGTERM
        with Frame([]) as frame:
            assert frame.wait(0) == SignalReceived(signal.SIGTERM)


@pytest.mark.parametrize("early", [False, True])
def test_systemd_ends_a_menu_that_waits_for_its_jump(early: bool) -> None:
    program = """
import os, signal
from bootmenu.system import signals
with signals.held():
    if {early}:
        signal.raise_signal(signal.SIGTERM)
    print("waits", flush=True)
    signals.wait_to_be_ended()
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program.format(early=early)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "waits\n"
    if not early:
        process.terminate()
    assert process.wait(30) == -signal.SIGTERM
    process.stdout.close()


PROGRAM = """
import os, signal, sys
from bootmenu import cli
from bootmenu.frontends import launcher as menu
from bootmenu.frontends.tui import app

def at(module, name, before, after):
    real = getattr(module, name)
    def wrapped(*arguments, **options):
        if before:
            os.kill(os.getpid(), {number})
        result = real(*arguments, **options)
        if after:
            os.kill(os.getpid(), {number})
        return result
    setattr(module, name, wrapped)

at({module}, "{name}", {before}, {after})
sys.exit(cli.main(["--demo", *{flags}]))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, *rarely(signal.SIGHUP)])
@pytest.mark.parametrize(
    ("module", "name", "before"),
    [
        ("menu.countdown", "run", True),  # in the frame
        ("menu.countdown", "run", False),  # at its end
        ("menu.menu_run", "show", True),  # after it
        ("menu.menu_run", "run_screens", True),  # before Textual
        ("app.BootmenuApp", "get_default_screen", True),  # at its beginning
    ],
)
def test_there_is_no_moment_in_which_a_signal_kills(
    number: signal.Signals, module: str, name: str, before: bool
) -> None:
    program = PROGRAM.format(number=int(number), module=module, name=name, before=before, after=not before, flags=[])
    with on_a_line(["-c", program], "linux") as line:
        modes = line.modes
        assert line.wait() == 128 + number
        assert line.modes == modes


@pytest.mark.parametrize("flags", [[], ["--plain"]])
def test_a_signal_after_the_menu_has_ended_is_not_forgotten(flags: list[str]) -> None:
    name = "PlainConsoles.run" if flags else "run_screens"
    module, _, name = f"menu.menu_run.{name}".rpartition(".")
    program = PROGRAM.format(number=15, module=module, name=name, before=False, after=True, flags=flags)
    with on_a_line(["-c", program], "linux") as line:
        line.until(lambda: "Debian" in line.text)
        line.type(b"q")
        if flags:
            line.answer(b"")
        assert line.wait() == 128 + 15
