# SPDX-License-Identifier: MIT
"""One menu on two terminals: a key on either stops the countdown, and only one of them can start something."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import shutil
import struct
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

from bootmenu.frontends.tui.app import console_with_buttons
from bootmenu.terminal.consoles import Console, _prepared, active, find, unechoed
from tests.builders.hosts import fake_host
from tests.environment import refuse_without_own_mounts
from tests.frontends.pseudo_terminal import Line, on_a_line
from tests.properties import rarely


@contextlib.contextmanager
def two(*argv: str, term: str = "linux") -> Iterator[tuple[Line, Line]]:
    """The first is the one that it was started on."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    other = os.ttyname(theirs)
    # the first is known only to the program itself: /dev/tty is not, which is no terminal of its own
    program = (
        "import os, sys; from bootmenu import cli; sys.exit(cli.main([*sys.argv[1:], '--console', os.ttyname(0)]))"
    )
    try:
        with on_a_line(["-c", program, "--demo", *argv, "--console", other], term) as line:
            yield line, Line(line.process, ours, theirs, (100, 30))
    finally:
        for descriptor in (ours, theirs):
            with contextlib.suppress(OSError):
                os.close(descriptor)


def both(lines: tuple[Line, Line], text: str) -> None:
    for line in lines:
        line.until(lambda line=line: text in line.text, 40)  # type: ignore[misc]


@pytest.mark.parametrize("place", [*rarely(0), 1])
def test_a_key_on_either_stops_the_countdown_on_both(place: int) -> None:
    with two("--timeout", "60") as lines:
        before = [line.modes for line in lines]
        both(lines, "Any key opens the menu")
        lines[place].type(b"x")
        both(lines, "▶ 1")
        lines[1].type(b"\x1b[B")
        lines[1].until(lambda: "▶ 2" in lines[1].text)
        lines[0].read(0.3)
        assert "▶ 1" in lines[0].text
        assert "Enter boot" in lines[1].screen.display[29], "each has its own size"
        lines[place].type(b"q")
        lines[1 - place].read(0.1)
        assert lines[0].wait() == 0
        assert [line.modes for line in lines] == before


def test_each_follows_the_size_of_its_own_terminal() -> None:
    with two() as lines:
        both(lines, "▶ 1")
        for line, size in ((lines[1], (90, 28)), (lines[0], (70, 22)), (lines[1], (100, 33))):
            line.settle()
            line.resize(*size, tell=False)  # nobody sends a signal for a serial line
            line.until(lambda line=line, size=size: "Enter boot" in line.screen.display[size[1] - 1])  # type: ignore[misc]
        assert "Enter boot" in lines[0].screen.display[21]


@pytest.mark.parametrize("place", [*rarely(0), 1])
def test_plain_menus_go_on_while_anothers_jump_comes_back(place: int) -> None:
    with two("--plain") as lines:
        both(lines, "A number starts that entry")
        for times in (1, 2):
            lines[place].answer(b"1")
            lines[place].until(lambda times=times: lines[place].sent.count(b"Scanning for") == 1 + times, 40)  # type: ignore[misc]
            lines[place].until(lambda: lines[place].text.rstrip().endswith(">"), 40)
        lines[1 - place].answer(b"4")
        lines[1 - place].until(lambda: lines[1 - place].sent.count(b"Scanning for") == 2, 40)
        assert lines[place].sent.count(b"Scanning for") == 3


def test_a_plain_line_that_hangs_up_takes_no_other_with_it() -> None:
    with two("--plain") as lines:
        both(lines, "A number starts that entry")
        lines[1].type(b"\x04")
        lines[0].answer(b"1")
        lines[0].until(lambda: lines[0].sent.count(b"Scanning for") == 2, 40)
        lines[0].until(lambda: lines[0].text.rstrip().endswith(">"), 40)
        lines[0].answer(b"q")
        assert lines[0].wait() == 0


def test_while_one_starts_something_the_other_is_told_so() -> None:
    with two() as lines:
        both(lines, "▶ 1")
        lines[0].type(b"\r")
        lines[0].until(lambda: "Here the machine would start" in lines[0].text, 40)
        lines[1].type(b"4")
        lines[1].until(lambda: "▶ 4" in lines[1].text)
        lines[1].settle()
        lines[1].type(b"\r")
        lines[1].until(lambda: "Another console is starting Debian" in lines[1].text)
        lines[1].type(b"\x1b")
        lines[0].type(b"\r")
        lines[0].until(lambda: "▶ 1" in lines[0].text)
        lines[1].until(lambda: "▶ 4" in lines[1].text)
        lines[1].type(b"\r")
        lines[1].until(lambda: "Here the machine would start" in lines[1].text, 40)


def test_what_starts_by_itself_is_told_on_both_once() -> None:
    with two("--timeout", "0", "--plain") as lines:
        both(lines, "(help)")
        for line in lines:
            assert line.sent.count(b"Starting Debian GNU/Linux 12") == 1
        lines[1].answer(b"q")
        assert lines[0].wait() == 0


def test_one_that_hangs_up_leaves_the_other_its_menu() -> None:
    with two() as lines:
        both(lines, "▶ 1")
        ours, theirs = pty.openpty()
        os.dup2(ours, lines[1].terminal)
        os.close(ours)
        os.close(theirs)
        lines[0].type(b"\x1b[B")
        lines[0].until(lambda: "▶ 2" in lines[0].text)
        assert lines[0].process.poll() is None
        lines[0].type(b"q")
        assert lines[0].wait() == 0


def test_consoles_that_cannot_be_used_are_told_and_the_own_one_is(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    try:
        own = os.ttyname(theirs)
        (tmp_path / "file").write_text("")
        found = find([f"{tmp_path}/gone", f"{tmp_path}/file"], own, {"TERM": "xterm"})
        assert [console.name for console in found.consoles] == [own]
        assert found.problems == (
            f"The console {tmp_path}/gone cannot be used: No such file or directory.",
            f"The console {tmp_path}/file cannot be used: it is no terminal.",
        )
        again = find([own, own], own, {"TERM": "xterm"})
        assert (len(again.consoles), again.problems) == (1, ())
        assert again.consoles[0].environ["TERM"] == "xterm"
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize(
    ("name", "term"),
    [("/dev/tty2", "linux"), ("/dev/hvc0", "vt220"), ("/dev/ttyAML0", "vt220"), ("/dev/pts/7", "xterm")],
)
def test_another_console_is_what_its_name_says(name: str, term: str) -> None:
    """TERM is that of the terminal that the menu was started on."""
    assert _prepared(name, False, {"TERM": "xterm"}, -1, plain=False).environ["TERM"] == term


def test_nothing_that_is_typed_is_echoed_until_the_end() -> None:
    ours, theirs = pty.openpty()
    try:
        before = termios.tcgetattr(theirs)
        places = [Console(os.ttyname(theirs), {}), Console("/dev/nowhere", {})]
        with unechoed(places):
            os.write(ours, b"4711\n")
            assert os.read(theirs, 64) == b"4711\n"
            assert not select.select([ours], [], [], 0)[0]
        assert termios.tcgetattr(theirs) == before
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("ttyAMA0 tty0\n", ("ttyAMA0", "tty0")),
        ("netcon0 ttyS9 tty0", ("tty0",)),
        ("", ()),
        (None, ()),
        ("../../x ttyAMA0" * 100, ()),
    ],
)
def test_a_first_stage_takes_the_consoles_of_the_kernel(
    tmp_path: Path, text: str | None, names: tuple[str, ...]
) -> None:
    files: dict[str, str | bytes] = {"/dev/ttyAMA0": "", "/dev/tty0": "", "/dev/netcon0": ""}
    if text is not None:
        files["/sys/class/tty/console/active"] = text
    assert active(fake_host(tmp_path, files)) == names


@pytest.mark.parametrize(
    ("names", "number"),
    [(["ttyAMA0", "tty1"], 1), (["tty1", "ttyAMA0", "tty2"], 0), (["ttyS0", "ttyAMA0"], 0), ([None], 0)],
)
def test_buttons_are_those_of_the_monitor(names: list[str | None], number: int) -> None:
    places = [None if name is None else Console(f"/dev/{name}", {}) for name in names]
    assert console_with_buttons(places) == number


HANDED_ON = """
import os, sys
for number, mode in enumerate(sys.argv.pop(1)):
    os.dup2(os.open(os.ttyname(2), {"r": os.O_RDONLY, "w": os.O_WRONLY, "+": os.O_RDWR}[mode] | os.O_NOCTTY), number)
os.fchmod(2, 0)
unable = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.getuid() == 0 else []
program = 'import os; assert not os.access(os.ttyname(0), os.R_OK); from bootmenu import cli; exit(cli.main())'
command = [*unable, sys.executable, "-c", program, *sys.argv[1:]]
os.execvp(command[0], command)
"""
"""Starts the menu on a terminal that it may not open, as su and sudo do."""
WITHOUT_NAMES = """
import os, sys
command = 'mount -t tmpfs none /dev/pts && exec "$0" -m bootmenu --demo'
os.execvp("unshare", ["unshare", "--mount", "sh", "-c", command, sys.executable])
"""


@pytest.mark.parametrize(
    ("term", "own", "locale", "ascii_only"),
    [
        ("xterm", True, {"LANG": "de_DE.UTF-8"}, False),
        ("xterm", True, {"LC_ALL": "", "LC_CTYPE": "C.utf8", "LANG": "C"}, False),
        ("xterm", True, {"LC_ALL": "C", "LANG": "de_DE.UTF-8"}, True),
        ("xterm", True, {"LANG": "de_DE.ISO-8859-1"}, True),
        ("xterm", True, {}, True),
        ("xterm", True, {"LANG": "de_DE.UTF-8", "BOOTMENU_GLYPHS": "ascii"}, True),
        ("xterm", False, {"LANG": "de_DE.UTF-8"}, True),
        ("linux", True, {"LANG": "de_DE.UTF-8"}, True),
        ("vt220", True, {"LANG": "de_DE.UTF-8"}, True),
        ("dumb", True, {"LANG": "de_DE.UTF-8"}, True),
    ],
)
def test_the_plain_menu_writes_utf8_if_the_locale_of_a_terminal_emulator_names_it(
    term: str, own: bool, locale: dict[str, str], ascii_only: bool
) -> None:
    made = _prepared("/dev/pts/7", own, {"TERM": term, **locale}, -1, plain=True)
    assert made.traits.ascii is ascii_only


@pytest.mark.parametrize("plain", [False, True])
def test_a_terminal_that_belongs_to_somebody_else_is_the_one_that_was_handed_on(plain: bool) -> None:
    asked = ["--plain"] if plain else []
    with on_a_line(["-c", HANDED_ON, "r" if plain else "+", "--demo", "--timeout", "60", *asked], "xterm") as line:
        before = line.modes
        line.until(lambda: "Starts in" in line.text, 40)
        line.type(b"x")
        line.until(lambda: "1" in line.text and "Debian" in line.text, 40)
        if plain:
            line.until(lambda: line.text.rstrip().endswith(">"))
            line.answer(b"q")
        else:
            line.type(b"\x1b[B")
            line.until(lambda: "▶ 2" in line.text)
            line.type(b"q")
        assert line.wait() == 0
        assert line.modes == before
        assert os.get_blocking(line._theirs), "the shell reads it next"


def test_a_terminal_that_may_only_be_read_is_refused_with_the_reason() -> None:
    with on_a_line(["-c", HANDED_ON, "rww", "--demo"], "xterm") as line:
        assert line.wait() == 2
        assert "cannot be used: Permission denied." in line.text
        assert "a terminal that is yours" in line.text


def test_a_terminal_that_has_no_name_here_is_used() -> None:
    refuse_without_own_mounts()
    if shutil.which("mount") is None:
        pytest.skip("there is no mount")
    with on_a_line(["-c", WITHOUT_NAMES], "xterm") as line:
        line.until(lambda: "▶ 1" in line.text, 40)
        line.type(b"q")
        assert line.wait() == 0
